//! From bytes to the normal form: what kind of document it is, and the steps each kind takes.

use super::grammar::Kind;
use super::schema::{Dialect, Matter, modern};
use super::sources::Sources;
use super::structure::Checker;
use super::templates::{names, templates};
use super::tree::{Content, Node};
use super::{Format, bundle, references, swagger, wsdl};
use hub_core::{Finding, Severity, Text};
use serde_json::Value;

/// Version of the normal form.
const NORMAL: &str = "3.1.0";
const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

/// Reads the first file of a set into the normal form; what keeps it from being read may also stand among the findings.
pub(super) fn read(sources: &mut Sources<'_>) -> Result<(Node, Format, String), Finding> {
    if let Some(finding) = sources.stranger() {
        return Err(finding);
    }
    let text = sources.text(0)?;
    if text.trim_start().starts_with('<') {
        let mut root = wsdl::read(sources)?;
        schemas(sources, &mut root, Dialect::New);
        return Ok((root, Format::Wsdl, "1.1".to_owned()));
    }
    let root = sources.parse(0)?;
    let (format, version) = kind(sources, &root)?;
    let root = match format {
        Format::Swagger => old(sources, root, &version)?,
        _ => new(sources, root, &version)?,
    };
    Ok((root, format, version))
}

fn new(sources: &mut Sources<'_>, root: Node, version: &str) -> Result<Node, Finding> {
    let mut root = bundle::bundle(sources, root, Kind::Root, version.starts_with("3.0"))?;
    checked(sources, &mut root, Kind::Root, version);
    let at = root.get("openapi").map_or(root.at, |n| n.at);
    root.put("openapi", Node::leaf(at, NORMAL));
    root.take("$self");
    root.take("jsonSchemaDialect");
    let dialect = if version.starts_with("3.0") {
        Dialect::Old
    } else {
        Dialect::New
    };
    schemas(sources, &mut root, dialect);
    Ok(root)
}

fn old(sources: &mut Sources<'_>, root: Node, version: &str) -> Result<Node, Finding> {
    let mut root = bundle::bundle(sources, root, Kind::OldRoot, true)?;
    checked(sources, &mut root, Kind::OldRoot, version);
    let mut root = swagger::convert(root);
    schemas(sources, &mut root, Dialect::Old);
    Ok(root)
}

fn checked(sources: &mut Sources<'_>, root: &mut Node, kind: Kind, version: &str) {
    let mut checker = Checker::new(sources, kind == Kind::OldRoot, version);
    checker.check(root, kind);
    templates(&mut checker, root);
    names(&mut checker, root);
    references::check(sources, root, kind);
}

fn schemas(sources: &mut Sources<'_>, root: &mut Node, dialect: Dialect) {
    modern(root, dialect, &mut |matter, at, pointer| {
        let (code, severity, words) = matter.words();
        let finding = sources.finding(code, at, pointer, words).severity(severity);
        sources.findings.push(finding);
    });
}

impl Matter {
    fn words(self) -> (&'static str, Severity, Text) {
        match self {
            Self::BesideReference(names) => (
                "beside-reference",
                Severity::Warning,
                Text::new(
                    format!(
                        "OpenAPI 3.0 忽略 `$ref` 旁的 {}；如需生效请用 `allOf`",
                        names.join("、")
                    ),
                    format!(
                        "OpenAPI 3.0 ignores {} beside `$ref`; write an `allOf` if it is meant",
                        names.join(", ")
                    ),
                ),
            ),
            Self::NullableAlone => (
                "nullable-alone",
                Severity::Warning,
                Text::new(
                    "没有 `type` 的 `nullable` 不起作用，已去掉",
                    "`nullable` has no effect without `type`; it was dropped",
                ),
            ),
            Self::OldWord(word) => (
                "old-word",
                Severity::Note,
                Text::new(
                    format!("`{word}` 是旧版写法，已按 JSON Schema 2020-12 改写"),
                    format!(
                        "`{word}` is written the way of an earlier version; it was rewritten as JSON Schema 2020-12"
                    ),
                ),
            ),
            Self::Pattern(text) => (
                "pattern-unchecked",
                Severity::Warning,
                Text::new(
                    format!("正则表达式 `{text}` 无法在有限时间内检查（如环视、反向引用），此处不检查"),
                    format!(
                        "The pattern `{text}` can't be checked in bounded time (look-around, references back), so it is not"
                    ),
                ),
            ),
            Self::PatternBomb => (
                "pattern-too-large",
                Severity::Error,
                Text::new("正则表达式展开后过大", "The pattern is too large once it is unfolded"),
            ),
        }
    }
}

/// How many operations a normal form has.
pub(super) fn operations(root: &Node) -> usize {
    let of = |item: &Node| {
        let named = METHODS.into_iter().filter(|m| item.get(m).is_some()).count();
        named
            + item
                .get("additionalOperations")
                .and_then(Node::map)
                .map_or(0, indexmap::IndexMap::len)
    };
    let paths = root.get("paths").and_then(Node::map);
    paths
        .into_iter()
        .flatten()
        .filter(|(path, _)| path.starts_with('/'))
        .map(|(_, item)| of(item))
        .sum()
}

/// Format and version as the document says them.
fn kind(sources: &mut Sources<'_>, root: &Node) -> Result<(Format, String), Finding> {
    let name = sources.name(0).to_owned();
    for (key, format, known) in [
        ("openapi", Format::OpenApi, &["3.0", "3.1", "3.2"][..]),
        ("swagger", Format::Swagger, &["2.0"][..]),
    ] {
        let Some(node) = root.get(key) else { continue };
        let version = match &node.content {
            Content::Leaf(Value::String(text)) => text.trim().to_owned(),
            Content::Leaf(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let full = if version == "2" {
            "2.0".to_owned()
        } else {
            version.clone()
        };
        let fits = |k: &str| full == k || full.strip_prefix(k).is_some_and(|rest| rest.starts_with(['.', '-']));
        if known.iter().any(|k| fits(k)) {
            return Ok((format, full));
        }
        let words = Text::new(
            format!("不支持 {key} 版本 `{version}`"),
            format!("The version `{version}` of {key} is not known"),
        );
        return Err(sources
            .finding("unknown-version", node.at, &format!("/{key}"), words)
            .expected(known.join(", "), version));
    }
    Err(unknown(&name, what(root)))
}

/// What a document without `openapi` and `swagger` is.
fn what(root: &Node) -> &'static str {
    let has = |key: &str| root.get(key).is_some();
    let schema = root.get("info").and_then(|i| i.text_at("schema")).unwrap_or_default();
    if schema.contains("postman") || (has("info") && has("item")) {
        "Postman"
    } else if has("swaggerVersion") {
        "Swagger 1"
    } else if has("asyncapi") {
        "AsyncAPI"
    } else if has("arazzo") {
        "Arazzo"
    } else if has("overlay") {
        "Overlay"
    } else if has("log") {
        "HAR"
    } else if has("$schema") || has("properties") {
        "JSON Schema"
    } else {
        ""
    }
}

/// The refusal of what is no API description, saying what it is and what to upload instead.
pub(super) fn unknown(name: &str, what: &str) -> Finding {
    let words = match what {
        "" => Text::new(
            "看不出这是什么文件：没有 `openapi` 或 `swagger` 字段，也不是 WSDL",
            "This is no API description: there is neither `openapi` nor `swagger`, and it is no WSDL",
        ),
        what => Text::new(
            format!("这是 {what} 文件，不是 API 描述"),
            format!("This is {what}, not an API description"),
        ),
    };
    let fix = match what {
        "Postman" => Text::new(
            "请在 Postman 中导出为 OpenAPI 3 后上传",
            "Export it from Postman as OpenAPI 3 and upload that.",
        ),
        "WSDL 2.0" => Text::new(
            "请上传同一服务的 WSDL 1.1（通常在服务地址后加 ?wsdl）",
            "Upload the WSDL 1.1 of the same service; it usually is at its address with ?wsdl behind.",
        ),
        "XML Schema" => Text::new(
            "请与引用它的 WSDL 一起打包成 zip 上传",
            "Upload it in a zip together with the WSDL that refers to it.",
        ),
        "Swagger 1" => Text::new(
            "请先升级为 Swagger 2.0 或 OpenAPI 3",
            "Upgrade it to Swagger 2.0 or OpenAPI 3 first.",
        ),
        _ => Text::new(
            "请上传 OpenAPI 3.0 至 3.2、Swagger 2.0 或 WSDL 1.1",
            "Upload OpenAPI 3.0 to 3.2, Swagger 2.0 or WSDL 1.1.",
        ),
    };
    Finding::error("unknown-format", name, words).at("", 1, 1).fix(fix)
}
