//! Commands and their options. Texts stand here in English; `words` puts the Chinese ones over them.

mod descriptions;
mod listen;

pub use descriptions::{BackendArgs, DiffArgs, LintArgs, MockArgs, RegisterArgs, ReportFormat};
pub use listen::ListenArgs;

use clap::{Args as ClapArgs, Parser, Subcommand};
use hub_core::Lang;
use std::net::SocketAddr;
use std::path::PathBuf;

/// One hub for all services of a city.
#[derive(Debug, Parser)]
#[command(
    name = "hub",
    version,
    about,
    arg_required_else_help = true,
    subcommand_required = true
)]
pub struct Args {
    /// Language of what is printed: zh or en; from LANG if missing.
    #[arg(long, global = true, value_parser = ["zh", "en"])]
    pub lang: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the reference city in one process: hub, simulated systems, test issuer, personas, first credentials.
    #[command(
        after_help = "Examples:\n  hub demo\n  hub demo --listen 127.0.0.1:0 --data-dir /tmp/d --ready-file /tmp/ready.json"
    )]
    Demo(DemoArgs),
    /// Run a hub for a city of your own, an empty one included.
    #[command(
        after_help = "Examples:\n  hub serve --config hub.yaml\n  UPSTREAM_NR_REG=https://nr.example/api hub serve --specs specs --connectors connectors\n\nFirst credentials: `hub client new` while it runs, or --ready-file."
    )]
    Serve(ServeArgs),
    /// Read specs, connectors and policies and say everything that is wrong with them.
    #[command(
        after_help = "Examples:\n  hub check\n  hub check --specs my/specs --json\n\nExit code 0: no error; 1: errors; 2: used wrongly."
    )]
    Check(CheckArgs),
    /// Say what differs between two API descriptions, and whether that breaks those who use the old one.
    #[command(
        after_help = "Examples:\n  hub diff old.yaml new.yaml\n  hub diff old.zip new.zip --json\n  hub diff old.yaml new.yaml --format sarif\n\nExit code 0: nothing breaks; 1: something breaks; 2: a description can't be read."
    )]
    Diff(DiffArgs),
    /// Answer every operation of an API description alone: no city, no agency, no set-up.
    #[command(
        after_help = "Examples:\n  hub mock pets.yaml\n  hub mock pets.yaml --listen 127.0.0.1:0 --seed 7\n  hub mock pets.yaml --once GET /pets/{id}\n\nWhile it serves, `Prefer: code=404, example=NAME, dynamic=true` and `Hub-Scenario: WORD` (or `?_scenario=WORD`) choose the answer. What is made, changed and removed is remembered until it ends. Credentials the description asks for have to be there; any value does.\n\nExit code 0: answered; 1: the answer is an error; 2: the description can't be read."
    )]
    Mock(MockArgs),
    /// Read API descriptions (OpenAPI 3.0 to 3.2, Swagger 2.0, WSDL 1.1, or a zip) and say what is found in them.
    #[command(
        after_help = "Examples:\n  hub lint api.yaml\n  hub lint service.wsdl --json\n  hub lint a.yaml b.zip --format sarif\n  hub lint api.yaml --rules my/rules --waivers waivers.yaml\n  hub lint api.yaml --fix\n  hub lint api.yaml --fix --write\n\nExit code 0: nothing that must be put right; 1: something; 2: used wrongly."
    )]
    Lint(LintArgs),
    /// Hold a running back end against its API description: requests that fit, that do not, values at their limits, things made
    /// and removed.
    #[command(
        after_help = "Examples:\n  hub verify http://127.0.0.1:8000/api --spec api.yaml\n  hub verify https://test.example --spec api.yaml --header 'Authorization: Bearer …' --budget 120 --junit\n  hub verify http://127.0.0.1:8000 --spec api.yaml --reads\n  hub verify http://127.0.0.1:8000 --spec api.yaml --only 3.14\n\nIt makes, changes and removes things unless --reads is given: use a test system. Every finding comes with a curl command and an id for --only.\n\nExit code 0: no findings; 1: findings, or nobody answers; 2: used wrongly, or the description can't be read."
    )]
    Verify(BackendArgs),
    /// Register an API description at the running hub: it is callable in the sandbox at once.
    #[command(
        after_help = "Examples:\n  hub register api.yaml\n  hub register service.wsdl --system-name title --json\n  hub register api.zip --hub https://hub.example --desk-token $TOKEN\n\nExit code 0: callable in the sandbox; 1: refused; 2: used wrongly, or the description can't be read."
    )]
    Register(RegisterArgs),
    /// Call one operation of the running hub.
    #[command(
        after_help = "Examples:\n  hub call OPERATION field=value other.field=2 'list=[1,2]'\n  hub call OPERATION --as wang-jianguo --sandbox"
    )]
    Call(CallArgs),
    /// Print what happens in the client's worlds of the sandbox as it happens, and hand it to a program on this machine.
    #[command(
        after_help = "Examples:\n  hub listen\n  hub listen --forward http://127.0.0.1:3000/hooks --types 'case.*,payment.paid'\n  hub listen --world WORLD --since 0 --json\n\nWhere it was is kept in a file: started again it goes on from there. Forwarded events are signed as webhooks are and sent until they are taken."
    )]
    Listen(ListenArgs),
    /// Print the unified OpenAPI document.
    #[command(after_help = "Examples:\n  hub openapi --out city.json\n  hub openapi --version 3.0 --agency hpf")]
    Openapi(OpenapiArgs),
    /// Write the published catalog, connectors and policies as folders.
    #[command(after_help = "Examples:\n  hub export --out backup")]
    Export(ExportArgs),
    /// Connectors: propose a manifest, try it before and after there is a connection.
    #[command(subcommand)]
    Connector(Connector),
    /// The trail.
    #[command(subcommand)]
    Audit(Audit),
    /// Clients and keys of the running hub.
    #[command(subcommand)]
    Client(Client),
}

/// Folders of a city.
#[derive(Debug, Clone, ClapArgs)]
pub struct Folders {
    /// Folder of the API descriptions.
    #[arg(long, value_name = "DIR")]
    pub specs: Option<PathBuf>,
    /// Folder of the connectors.
    #[arg(long, value_name = "DIR")]
    pub connectors: Option<PathBuf>,
    /// Folder of the policies.
    #[arg(long, value_name = "DIR")]
    pub policies: Option<PathBuf>,
}

/// Where to listen and what to write.
#[derive(Debug, Clone, ClapArgs)]
pub struct Place {
    /// Address and port; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Address and port for operators (/admin, /metrics); port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    pub admin_listen: Option<SocketAddr>,
    /// Folder for what must survive.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// File that gets one JSON object with addresses and credentials as soon as the hub answers.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
}

/// `hub demo`.
#[derive(Debug, ClapArgs)]
pub struct DemoArgs {
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// Print the ready object as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `hub serve`.
#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Config file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where.
    #[command(flatten)]
    pub place: Place,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// Secrets of the upstreams, YAML: `agency/system: {name: value}`.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Let the built-in issuer sign tokens for test personas. Off by default: never where real people are served.
    #[arg(long)]
    pub test_issuer: bool,
    /// Print the ready object as JSON instead of text.
    #[arg(long)]
    pub json: bool,
}

/// `hub check`.
#[derive(Debug, ClapArgs)]
pub struct CheckArgs {
    /// Config file to check too.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How to find the running hub.
#[derive(Debug, Clone, ClapArgs)]
pub struct Reach {
    /// Address of the hub; from the data folder of the running hub if missing.
    #[arg(long, env = "HUB_URL", value_name = "URL")]
    pub hub: Option<String>,
    /// Data folder of the running hub.
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,
}

impl Reach {
    /// The address that was given.
    pub fn address(&self) -> Option<String> {
        said(self.hub.as_ref())
    }
}

/// A variable that is set to nothing is not set.
fn said(given: Option<&String>) -> Option<String> {
    given.filter(|text| !text.trim().is_empty()).cloned()
}

/// `hub call`.
#[derive(Debug, ClapArgs)]
pub struct CallArgs {
    /// Operation id.
    pub operation: String,
    /// Input: `name=value`, `outer.inner=value`, or `name=JSON`.
    #[arg(value_name = "FIELD=VALUE")]
    pub fields: Vec<String>,
    /// Persona on whose behalf.
    #[arg(long = "as", value_name = "PERSONA")]
    pub persona: Option<String>,
    /// Call the sandbox.
    #[arg(long)]
    pub sandbox: bool,
    /// Where the hub is.
    #[command(flatten)]
    pub reach: Reach,
    /// Client key.
    #[arg(long, env = "HUB_KEY", value_name = "KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Subject token.
    #[arg(long, env = "HUB_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// Sandbox scenario.
    #[arg(long, value_name = "WORD")]
    pub scenario: Option<String>,
    /// Print status, headers and body as one JSON object.
    #[arg(long)]
    pub json: bool,
}

impl CallArgs {
    /// The client key that was given.
    pub fn key(&self) -> Option<String> {
        said(self.key.as_ref())
    }

    /// The subject token that was given.
    pub fn token(&self) -> Option<String> {
        said(self.token.as_ref())
    }
}

/// `hub openapi`.
#[derive(Debug, ClapArgs)]
pub struct OpenapiArgs {
    /// 3.1 or 3.0.
    #[arg(long, default_value = "3.1", value_parser = ["3.1", "3.0"])]
    pub version: String,
    /// File to write; standard output if missing.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Only this agency.
    #[arg(long)]
    pub agency: Option<String>,
    /// Only this service.
    #[arg(long)]
    pub service: Option<String>,
    /// Public address for `servers`.
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub base_url: String,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// The document is JSON already; with --out, print what was written as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `hub export`.
#[derive(Debug, ClapArgs)]
pub struct ExportArgs {
    /// Folder to write; must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Folder for what must survive: what was registered and is called is written too.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `hub connector …`.
#[derive(Debug, Subcommand)]
pub enum Connector {
    /// Propose a manifest from a WSDL, OpenAPI, Swagger or HAR file or from recorded HTTP.
    #[command(
        after_help = "Examples:\n  hub connector new hpf/core --from core.wsdl\n  hub connector new hpf/core --from recorded.http --out connectors\n\nExit code 0: can be used as it is; 1: something is left to do; 2: used wrongly."
    )]
    New(NewConnector),
    /// Run the fixtures and the contract's examples through both halves, without any network.
    #[command(after_help = "Examples:\n  hub connector test\n  hub connector test hpf/core --json")]
    Test(TestConnector),
    /// Call the real system once and show both sides, secrets blanked and personal data masked.
    #[command(
        after_help = "Examples:\n  UPSTREAM_HPF_CORE=https://core.example hub connector try hpf.account-query account_no=0081 --secrets secrets.yaml\n\nOnly operations without effect, unless --yes says that the matter may really be made."
    )]
    Try(TryOperation),
    /// Hold the contract against the real system by reading alone: never an operation with an effect.
    #[command(
        after_help = "Examples:\n  UPSTREAM_HPF_CORE=https://core.example hub connector shadow hpf/core --secrets secrets.yaml\n  UPSTREAM_HPF_CORE=https://core.example hub connector shadow hpf/core --secrets secrets.yaml --inputs inputs.yaml --json\n\ninputs.yaml: `account-query: [{account_no: \"0081\"}]`. Without it the recorded exchanges' own inputs are asked. Values are never shown, only places and kinds.\n\nExit code 0: what was asked is as the contract says; 1: it is not, or nothing could be asked; 2: used wrongly."
    )]
    Shadow(ShadowSystem),
    /// Show the request that a call would send and the exact text that its signature covers, secrets blanked. Sends nothing.
    #[command(after_help = "Examples:\n  hub connector explain nr.real-estate-record-query property_cert_no=X")]
    Explain(ExplainOperation),
}

/// `hub connector new`.
#[derive(Debug, ClapArgs)]
pub struct NewConnector {
    /// System, agency/system.
    pub system: String,
    /// What there is of the upstream: WSDL 1.1, OpenAPI 3, Swagger 2, HAR, or raw HTTP requests and answers.
    #[arg(long, value_name = "FILE")]
    pub from: PathBuf,
    /// Folder to write to, as <agency>/<system>/connector.yaml; standard output if missing.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// Print one JSON object: rows with confidence, the manifest, what is left to do.
    #[arg(long)]
    pub json: bool,
}

/// `hub connector test`.
#[derive(Debug, ClapArgs)]
pub struct TestConnector {
    /// System, agency/system; all if missing.
    pub system: Option<String>,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// One operation with its input, for those who hold the system's secrets.
#[derive(Debug, Clone, ClapArgs)]
pub struct Aim {
    /// Operation id.
    pub operation: String,
    /// Input: `name=value`, `outer.inner=value`, or `name=JSON`.
    #[arg(value_name = "FIELD=VALUE")]
    pub fields: Vec<String>,
    /// Secrets of the upstreams, YAML: `agency/system: {name: value}`.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `hub connector try`.
#[derive(Debug, ClapArgs)]
pub struct TryOperation {
    /// What.
    #[command(flatten)]
    pub aim: Aim,
    /// Call it although it has an effect.
    #[arg(long)]
    pub yes: bool,
}

/// `hub connector shadow`.
#[derive(Debug, ClapArgs)]
pub struct ShadowSystem {
    /// System, agency/system.
    pub system: String,
    /// What to ask, YAML: `operation: [{field: value}]`; what was recorded where missing.
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// Secrets of the upstreams, YAML: `agency/system: {name: value}`.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Most messages sent to the system.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub most: u32,
    /// Which city.
    #[command(flatten)]
    pub folders: Folders,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `hub connector explain`.
#[derive(Debug, ClapArgs)]
pub struct ExplainOperation {
    /// What.
    #[command(flatten)]
    pub aim: Aim,
}

/// `hub audit …`.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Check that no line of the trail was changed, removed or added.
    #[command(after_help = "Examples:\n  hub audit verify --data-dir data")]
    Verify(VerifyArgs),
}

/// `hub audit verify`.
#[derive(Debug, ClapArgs)]
pub struct VerifyArgs {
    /// Data folder.
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `hub client …`.
#[derive(Debug, Subcommand)]
pub enum Client {
    /// Make a client and its first key, which is shown once.
    #[command(
        after_help = "Examples:\n  hub client new --tenant super-app --plan standard\n  hub client new --tenant dev-team --environment sandbox --json"
    )]
    New(NewClient),
    /// List clients and their keys, without secrets.
    #[command(after_help = "Examples:\n  hub client list --json")]
    List(AdminReach),
    /// Give a client a new key; the old one stays good for a while.
    #[command(after_help = "Examples:\n  hub client rotate CLIENT")]
    Rotate(OneClient),
    /// Revoke a client's keys at once.
    #[command(after_help = "Examples:\n  hub client revoke CLIENT")]
    Revoke(OneClient),
}

/// How operators reach the running hub.
#[derive(Debug, Clone, ClapArgs)]
pub struct AdminReach {
    /// Operators' address; from the data folder of the running hub if missing.
    #[arg(long, env = "HUB_ADMIN_URL", value_name = "URL")]
    pub admin: Option<String>,
    /// Admin token; from the data folder of the running hub if missing.
    #[arg(long, env = "HUB_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub admin_token: Option<String>,
    /// Data folder of the running hub.
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

impl AdminReach {
    /// The operators' address that was given.
    pub fn address(&self) -> Option<String> {
        said(self.admin.as_ref())
    }

    /// The admin token that was given.
    pub fn token(&self) -> Option<String> {
        said(self.admin_token.as_ref())
    }
}

/// `hub client new`.
#[derive(Debug, ClapArgs)]
pub struct NewClient {
    /// Organisation that owns the client.
    #[arg(long)]
    pub tenant: String,
    /// Name of the client; the tenant's if missing.
    #[arg(long)]
    pub name: Option<String>,
    /// Plan in policies/limits.
    #[arg(long, default_value = "standard")]
    pub plan: String,
    /// live or sandbox.
    #[arg(long, default_value = "live", value_parser = ["live", "sandbox"])]
    pub environment: String,
    /// Exact web origin that may call from a browser; may be repeated.
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,
    /// Where the hub is.
    #[command(flatten)]
    pub reach: AdminReach,
}

/// One client.
#[derive(Debug, ClapArgs)]
pub struct OneClient {
    /// Client id.
    pub client: String,
    /// Where the hub is.
    #[command(flatten)]
    pub reach: AdminReach,
}

/// The language of what is printed: `--lang`, else `LC_ALL`, `LC_MESSAGES`, `LANG`; anything but Chinese is English.
pub fn language(args: impl Iterator<Item = String>, variable: impl Fn(&str) -> Option<String>) -> Lang {
    let args: Vec<String> = args.collect();
    let next = args
        .iter()
        .position(|a| a == "--lang")
        .and_then(|i| args.get(i + 1))
        .cloned();
    let given = next.or_else(|| args.iter().find_map(|a| a.strip_prefix("--lang=").map(str::to_owned)));
    let from_env = || {
        ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|n| variable(n).filter(|v| !v.is_empty()))
    };
    match given.or_else(from_env) {
        Some(word) if word.starts_with("zh") => Lang::Zh,
        _ => Lang::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent_and_every_command_shows_an_example() {
        let command = Args::command();
        command.clone().debug_assert();
        let mut leaves: Vec<&clap::Command> = command.get_subcommands().collect();
        while let Some(leaf) = leaves.pop() {
            if leaf.has_subcommands() {
                leaves.extend(leaf.get_subcommands());
                continue;
            }
            assert!(
                leaf.get_after_help().is_some_and(|h| h.to_string().contains("hub ")),
                "{}",
                leaf.get_name()
            );
            assert!(
                leaf.get_arguments().any(|a| a.get_id() == "json"),
                "{} has no --json",
                leaf.get_name()
            );
        }
    }

    #[test]
    fn language_of_the_terminal() {
        let none = |_: &str| None;
        let of = |args: &[&str]| language(args.iter().map(|a| (*a).to_owned()), none);
        assert_eq!(of(&["hub", "check", "--lang", "zh"]), Lang::Zh);
        assert_eq!(of(&["hub", "--lang=zh", "check"]), Lang::Zh);
        assert_eq!(of(&["hub", "check"]), Lang::En);
        let lang = |name: &str| (name == "LANG").then(|| "zh_CN.UTF-8".to_owned());
        assert_eq!(language(["hub".to_owned()].into_iter(), lang), Lang::Zh);
    }
}
