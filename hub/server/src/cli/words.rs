//! The Chinese words of the command line. The English ones stand beside the options in `args`.

use super::args::Args;
use clap::{Command, CommandFactory};
use hub_core::Lang;

/// Commands by their path, and what they do.
const COMMANDS: &[(&str, &str)] = &[
    ("hub", "一座城市全部服务的统一枢纽。"),
    (
        "hub demo",
        "在一个进程里运行参考城市：枢纽、模拟的部门系统、测试身份、虚构人物和首批密钥",
    ),
    ("hub serve", "为您自己的城市运行枢纽，空的也可以"),
    ("hub check", "检查接口描述、连接器和策略，说出所有问题"),
    ("hub diff", "比较两份接口描述，说出变更以及是否破坏使用方"),
    ("hub mock", "单独应答一份接口描述的每个操作：不需要城市、部门和任何配置"),
    (
        "hub lint",
        "读取 API 描述（OpenAPI 3.0 至 3.2、Swagger 2.0、WSDL 1.1 或 zip），说出其中的问题",
    ),
    ("hub register", "向运行中的枢纽登记一份接口描述，立即可在沙箱调用"),
    ("hub call", "调用运行中枢纽的一项操作"),
    ("hub openapi", "输出统一的 OpenAPI 文档"),
    ("hub export", "把已发布的目录、连接器和策略写成文件夹"),
    ("hub connector", "连接器：提出清单，接通前后都能试"),
    (
        "hub connector new",
        "从 WSDL、OpenAPI、Swagger、HAR 文件或 HTTP 记录提出一份连接器清单",
    ),
    ("hub connector test", "不用网络：用样例文件和合同的示例把两半都跑一遍"),
    (
        "hub connector try",
        "真正调用一次部门系统，显示两边的内容（密钥隐去，个人信息脱敏）",
    ),
    (
        "hub connector shadow",
        "只用读操作核对真实系统是否符合合同；有实际效果的操作从不调用",
    ),
    (
        "hub connector explain",
        "显示将要发出的请求和签名覆盖的准确文本（密钥隐去），什么也不发送",
    ),
    (
        "hub verify",
        "用接口描述检验运行中的后端：合规与不合规的请求、边界值、建立与删除",
    ),
    ("hub listen", "实时输出应用沙箱世界里发生的事，并转交本机的程序"),
    ("hub audit", "审计轨迹"),
    ("hub audit verify", "检查轨迹没有被改动、删除或添加"),
    ("hub client", "运行中枢纽的应用和密钥"),
    ("hub client new", "新建应用和它的第一个密钥（只显示一次）"),
    ("hub client list", "列出应用和密钥，不含密文"),
    ("hub client rotate", "换发密钥，旧密钥在宽限期内仍可用"),
    ("hub client revoke", "立即撤销应用的全部密钥"),
];

/// Options by their id, and what they mean. The same id means the same in every command.
const OPTIONS: &[(&str, &str)] = &[
    ("lang", "输出语言 zh 或 en；缺省取 LANG"),
    ("system", "系统，写作 部门/系统"),
    (
        "from",
        "上游的资料：WSDL 1.1、OpenAPI 3、Swagger 2、HAR，或原始的 HTTP 请求和应答",
    ),
    ("old", "使用方现在依据的描述"),
    ("new", "将要取代它的描述"),
    (
        "file",
        "接口描述：OpenAPI 3.0 至 3.2、Swagger 2.0 或 WSDL 1.1，JSON 或 YAML，或其 zip 包",
    ),
    ("seed", "种子不同，编造的值就不同"),
    ("stateless", "不记住新建、修改和删除的内容"),
    (
        "once",
        "输出一个应答后结束。请求缺少的内容不追究；路径中的 `{名称}` 代表任意值",
    ),
    ("headers", "配合 --once 的请求头，写作 `名称: 值`，可重复"),
    ("body", "配合 --once 的请求体"),
    ("address", "后端地址；描述中的路径接在其后"),
    (
        "spec",
        "它的接口描述：OpenAPI 3.0 至 3.2、Swagger 2.0 或 WSDL 1.1，或其 zip 包",
    ),
    ("budget", "多少秒之后不再发出请求"),
    ("given", "每个请求都带的请求头，写作 `名称: 值`，可重复；例如凭证"),
    ("reads", "只发 GET 和 HEAD：不建立、不修改、不删除"),
    ("only", "按问题的编号重发一个请求"),
    ("junit", "输出 JUnit XML"),
    ("forward", "把每个事件发到这个地址，直到它接收"),
    ("types", "只要这些类型，以逗号分隔；`case.*` 表示一类的全部"),
    ("world", "只要这个世界"),
    ("since", "从这个编号之后开始，不论文件怎么说；0 表示从头"),
    ("cursor_file", "记住进度和签名密钥的文件；缺省在数据文件夹里"),
    ("yes", "即使有实际效果也调用"),
    ("inputs", "要问的内容，YAML：`操作: [{字段: 值}]`；缺省用录制的样例"),
    ("most", "最多向系统发出多少个请求"),
    ("specs", "接口描述文件夹"),
    ("connectors", "连接器文件夹"),
    ("policies", "策略文件夹"),
    ("listen", "监听地址和端口；端口 0 表示任选空闲端口"),
    ("admin_listen", "管理员监听地址和端口（/admin、/metrics）"),
    ("data_dir", "数据文件夹"),
    ("ready_file", "枢纽可用后写入一个 JSON 对象（地址和密钥）的文件"),
    ("config", "配置文件"),
    ("secrets", "部门系统的密钥文件，YAML：`部门/系统: {名称: 值}`"),
    ("test_issuer", "启用内置测试身份签发（默认关闭，不得用于真实用户）"),
    ("json", "输出一个 JSON 对象"),
    ("files", "API 描述；其中以相对路径引用的文件从其旁边读取"),
    ("format", "输出形式：text、json、sarif 或 junit"),
    (
        "rules",
        "用这些规则代替枢纽自带的：一个文件或一个文件夹；也接受 Spectral 规则集",
    ),
    ("fix", "以差异显示不改变含义就能改好的问题"),
    ("write", "配合 --fix：把改动写进文件"),
    ("waivers", "可以不改的发现：哪条规则、在哪里、为何、到何时、由谁同意"),
    ("for_agency", "为哪个部门登记；缺省为令牌所属部门"),
    ("system_name", "地址中的系统名称；缺省取自标题"),
    ("desk_token", "部门人员的令牌；缺省取自 HUB_DESK_TOKEN 或数据文件夹"),
    ("operation", "操作编号"),
    ("fields", "输入：`名称=值`、`外层.内层=值` 或 `名称=JSON`"),
    ("persona", "以哪个虚构人物的身份"),
    ("sandbox", "调用沙箱"),
    ("hub", "枢纽地址；缺省取自数据文件夹"),
    ("key", "应用密钥"),
    ("token", "办事人令牌"),
    ("scenario", "沙箱情形"),
    ("version", "3.1 或 3.0"),
    ("out", "写入的文件或文件夹；缺省为标准输出"),
    ("agency", "只要这个部门"),
    ("service", "只要这项服务"),
    ("base_url", "写入 servers 的公开地址"),
    ("admin", "管理地址；缺省取自数据文件夹"),
    ("admin_token", "管理令牌；缺省取自数据文件夹"),
    ("tenant", "应用所属的组织"),
    ("name", "应用名称；缺省同组织"),
    ("plan", "policies/limits 中的方案"),
    ("environment", "live 或 sandbox"),
    ("origins", "允许从浏览器调用的网页来源，可重复"),
    ("client", "应用编号"),
];

/// The command line in a language.
pub fn command(lang: Lang) -> Command {
    let command = Args::command();
    if lang == Lang::En {
        command
    } else {
        translated(command, "hub")
    }
}

fn translated(mut command: Command, path: &str) -> Command {
    if let Some((_, words)) = COMMANDS.iter().find(|(p, _)| *p == path) {
        command = command.about(*words);
    }
    let options: Vec<String> = command.get_arguments().map(|a| a.get_id().to_string()).collect();
    for id in options {
        if let Some((_, words)) = OPTIONS.iter().find(|(o, _)| *o == id) {
            command = command.mut_arg(id, |a| a.help(*words));
        }
    }
    let children: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    for child in children {
        let below = format!("{path} {child}");
        command = command.mut_subcommand(child, |c| translated(c, &below));
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(command: &Command, path: &str, missing: &mut Vec<String>) {
        if !COMMANDS.iter().any(|(p, _)| *p == path) {
            missing.push(path.to_owned());
        }
        for option in command.get_arguments().map(|a| a.get_id().as_str()) {
            if !["help", "version"].contains(&option) && !OPTIONS.iter().any(|(o, _)| *o == option) {
                missing.push(format!("{path} --{option}"));
            }
        }
        for child in command.get_subcommands() {
            every(child, &format!("{path} {}", child.get_name()), missing);
        }
    }

    #[test]
    fn every_command_and_option_has_chinese_words() {
        let mut missing = Vec::new();
        every(&Args::command(), "hub", &mut missing);
        assert!(missing.is_empty(), "{missing:?}");
        command(Lang::Zh).debug_assert();
    }
}
