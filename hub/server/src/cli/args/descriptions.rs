//! Commands about one description: read it, compare it, answer for it, register it.

use clap::Args as ClapArgs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `hub register`.
#[derive(Debug, ClapArgs)]
pub struct RegisterArgs {
    /// API description: OpenAPI 3.0 to 3.2, Swagger 2.0 or WSDL 1.1, JSON or YAML, or a zip with one.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// For which agency; that of the token if missing.
    #[arg(long, value_name = "CODE")]
    pub for_agency: Option<String>,
    /// Name of the system in addresses; from the title if missing.
    #[arg(long, value_name = "NAME")]
    pub system_name: Option<String>,
    /// Address of the hub; from the data folder if missing.
    #[arg(long, value_name = "URL")]
    pub hub: Option<String>,
    /// Token of a person of the agency; from HUB_DESK_TOKEN or the data folder if missing.
    #[arg(long, value_name = "TOKEN")]
    pub desk_token: Option<String>,
    /// Folder for what must survive.
    #[arg(long, value_name = "DIR", default_value = "data")]
    pub data_dir: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `hub diff`.
#[derive(Debug, ClapArgs)]
pub struct DiffArgs {
    /// The description that clients use.
    #[arg(value_name = "OLD")]
    pub old: PathBuf,
    /// The description that is to follow it.
    #[arg(value_name = "NEW")]
    pub new: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// What to print: text, json, sarif or junit.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text, value_name = "FORMAT")]
    pub format: ReportFormat,
}

/// `hub mock`.
#[derive(Debug, ClapArgs)]
pub struct MockArgs {
    /// The description: OpenAPI 3.0 to 3.2, Swagger 2.0 or WSDL 1.1, JSON or YAML, or a zip of one.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Address and port; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:4010", value_name = "ADDR")]
    pub listen: SocketAddr,
    /// Other seeds invent other values.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Forget what was made, changed and removed.
    #[arg(long, conflicts_with = "once")]
    pub stateless: bool,
    /// Print one answer and end. What the request lacks is not missed; `{name}` in the path stands for any value.
    #[arg(long, num_args = 2, value_names = ["METHOD", "PATH"], conflicts_with = "listen")]
    pub once: Option<Vec<String>>,
    /// With --once, a header, `Name: value`; may be repeated.
    #[arg(long = "header", short = 'H', value_name = "HEADER", requires = "once")]
    pub headers: Vec<String>,
    /// With --once, the body.
    #[arg(long, value_name = "BODY", requires = "once")]
    pub body: Option<String>,
    /// Print one JSON object: status, headers and body with --once, else the address.
    #[arg(long)]
    pub json: bool,
}

/// `hub verify`.
#[derive(Debug, ClapArgs)]
pub struct BackendArgs {
    /// Address of the back end; paths of the description begin behind it.
    #[arg(value_name = "BASE_URL")]
    pub address: String,
    /// Its description: OpenAPI 3.0 to 3.2, Swagger 2.0 or WSDL 1.1, JSON or YAML, or a zip of one.
    #[arg(long, value_name = "FILE")]
    pub spec: PathBuf,
    /// Seconds after which no request is begun any more.
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    pub budget: u64,
    /// Other seeds invent other values.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// A header for every request, `Name: value`; may be repeated. Credentials, for example.
    #[arg(long = "header", short = 'H', value_name = "HEADER")]
    pub given: Vec<String>,
    /// Send GET and HEAD only: nothing is made, changed or removed.
    #[arg(long)]
    pub reads: bool,
    /// Send one request again, by the id of a finding.
    #[arg(long, value_name = "ID")]
    pub only: Option<String>,
    /// Print JUnit XML.
    #[arg(long, conflicts_with = "json")]
    pub junit: bool,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// `hub lint`.
#[derive(Debug, ClapArgs)]
pub struct LintArgs {
    /// API descriptions; files they name by relative paths are read from beside them.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
    /// What to print: text, json, sarif or junit.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text, value_name = "FORMAT")]
    pub format: ReportFormat,
    /// Rules instead of those that come with the hub: a file, or a folder of them; rulesets for Spectral are taken too.
    #[arg(long, value_name = "PATH")]
    pub rules: Option<PathBuf>,
    /// Findings that are let pass: a YAML file of `waivers`, each with rule, place, why, until and who.
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
    /// Show, as a diff of the file, what can be put right without changing its meaning; nothing is written.
    #[arg(long, conflicts_with_all = ["json", "format"])]
    pub fix: bool,
    /// With --fix: write it.
    #[arg(long, requires = "fix")]
    pub write: bool,
}

/// What `hub lint` and `hub diff` print.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// For a person.
    Text,
    /// One JSON object.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// JUnit XML.
    Junit,
}
