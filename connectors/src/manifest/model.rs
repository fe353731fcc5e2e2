//! A manifest as read: what the author wrote, typed, with the place of every part for messages.

pub use super::transports::{BatchPart, ExchangePart, FlagPart, JumpPart, NewsPart};
pub use crate::pick::{Near, Pick, Reckon, Test};

pub use super::words::{CallSpec, Format, Hidden, Names, Place, Spot, TextForm};
use crate::calendar::Calendar;
use crate::error::Failure;
use crate::jwt::Jwt;
use crate::mapping::expr::Expression;
use crate::mapping::path::Path;
use crate::mapping::template::Template;
use crate::seal::Seal;
use crate::settings::{Limits, Tls};
use crate::xmlsig::XmlSign;
use hub_core::{SystemId, Text};
use jiff::civil::Date;
use serde_json::Value;
use std::sync::Arc;

/// A whole manifest.
#[derive(Debug)]
pub struct Manifest {
    /// Which system it binds.
    pub system: SystemId,
    /// `upstream`.
    pub upstream: Upstream,
    /// `frame`.
    pub frame: Frame,
    /// `sign`, as written.
    pub sign: Option<Value>,
    /// `seal`.
    pub(crate) seal: Option<Seal>,
    /// `xml-sign`.
    pub(crate) xml_sign: Option<XmlSign>,
    /// `jwt`.
    pub(crate) jwt: Option<Arc<Jwt>>,
    /// `auth`.
    pub auth: Auth,
    /// `session`.
    pub session: Option<SessionPart>,
    /// `answer`.
    pub answer: AnswerPart,
    /// `fails`.
    pub fails: Vec<FailRule>,
    /// `wire`.
    pub wire: Wire,
    /// `paging`.
    pub paging: Option<Paging>,
    /// `limits`.
    pub limits: Limits,
    /// `closed`.
    pub closed: Calendar,
    /// `expires`: names of secrets and their last days.
    pub expires: Vec<(String, Date)>,
    /// `send`.
    pub send: Vec<SendItem>,
    /// `give`.
    pub give: Vec<GiveItem>,
    /// `codes`.
    pub codes: Vec<CodeTable>,
    /// `files`.
    pub files: Option<FilesPart>,
    /// `names`.
    pub names: Option<Names>,
    /// `fields`, `request`, `response`.
    pub rows: RowSections,
    /// `omit`.
    pub omit: Vec<String>,
    /// `operations`, in order.
    pub operations: Vec<OperationPart>,
    /// `operations: same`, or the entry `"*"`.
    pub others: Option<OperationPart>,
    /// `resolve`.
    pub resolve: Option<ResolvePart>,
    /// `callback`.
    pub callback: Option<CallbackPart>,
    /// `exchange`.
    pub exchange: Option<ExchangePart>,
    /// `batch`.
    pub batch: Option<BatchPart>,
    /// `news`.
    pub news: Option<NewsPart>,
    /// `jump`.
    pub jump: Option<JumpPart>,
    /// `messages`: message, number, field.
    pub messages: Vec<(String, String, String)>,
}

/// `upstream`.
#[derive(Debug, Default)]
pub struct Upstream {
    /// Base address.
    pub url: Option<String>,
    /// Other names of the same server.
    pub known_as: Vec<String>,
    /// Word of the dialect.
    pub dialect: String,
    /// Charset label.
    pub charset: Option<String>,
    /// Milliseconds.
    pub timeout_ms: Option<u64>,
    /// Whether requests are stamped by the upstream's clock.
    pub clock_of_answers: bool,
    /// Path of calls that name none.
    pub path: Option<String>,
    /// Method of calls that name none.
    pub method: Option<String>,
    /// Format of requests.
    pub sends: Option<Format>,
    /// Format of answers.
    pub answers: Option<Format>,
    /// Content-Type of requests.
    pub content_type: Option<String>,
    /// Its TLS.
    pub tls: Option<Tls>,
    /// A file server.
    pub ssh: Option<SshPart>,
    /// The protobuf message that bodies are.
    pub message: Option<String>,
}

/// `upstream.ssh`.
#[derive(Debug, Default)]
pub struct SshPart {
    /// Fingerprints of its host keys.
    pub pins: Vec<String>,
    /// The private key by which the hub logs in.
    pub key: Option<Arc<Template>>,
}

/// `frame`; every part optional so that an operation can override one.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// Where the operation code goes.
    pub code: Option<Spot>,
    /// Where the fields go.
    pub body: Option<Spot>,
    /// How they stand there.
    pub form: Option<TextForm>,
    /// Root element.
    pub root: Option<String>,
    /// Encoding label of an inner XML declaration; `none` for no declaration.
    pub declaration: Option<String>,
    /// SOAP element of every call.
    pub call: Option<String>,
    /// SOAP element of the answer below the response element.
    pub output: Option<String>,
    /// How the answer stands in it.
    pub reads: Option<TextForm>,
    /// How many texts stand inside each other there.
    pub levels: Option<usize>,
    /// Target namespace.
    pub namespace: Option<String>,
    /// Its prefix.
    pub prefix: Option<String>,
    /// Further prefixes.
    pub namespaces: Vec<(String, String)>,
    /// Whether plain names are in the target namespace.
    pub qualified: Option<bool>,
    /// SOAPAction.
    pub action: Option<String>,
    /// `1.1` or `1.2`.
    pub soap: Option<String>,
    /// Order of elements.
    pub order: Vec<String>,
    /// Fields of a record.
    pub layout: Option<Layout>,
}

/// `layout`: a record of fixed widths or between separators.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layout {
    /// Digits of the length that stands in front.
    pub length: Option<usize>,
    /// Whether the length counts its own digits.
    pub whole: bool,
    /// What stands between fields.
    pub separator: String,
    /// Whether it stands behind the last one too.
    pub trailing: bool,
    /// Fields in order.
    pub fields: Vec<LayoutField>,
    /// The list that repeated fields behind them make.
    pub rows: Option<String>,
    /// The repeated fields.
    pub of: Vec<LayoutField>,
}

/// One field of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayoutField {
    /// Its name in rows.
    pub name: String,
    /// Its width in bytes.
    pub width: Option<usize>,
    /// Whether it stands at the right of its width.
    pub right: bool,
    /// What fills the width.
    pub fill: char,
}

impl LayoutField {
    /// Reads `name`, `name 20`, `name 12 right 0`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let name = words.next()?.to_owned();
        let width = match words.next().map(str::parse) {
            None => None,
            Some(Ok(width)) if (1..=100_000).contains(&width) => Some(width),
            Some(_) => return None,
        };
        let (right, fill) = match (words.next(), words.next(), words.next()) {
            (None, ..) => (false, ' '),
            (Some(side @ ("left" | "right")), fill, None) => {
                (side == "right", fill.and_then(|f| f.chars().next()).unwrap_or(' '))
            }
            _ => return None,
        };
        fill.is_ascii().then_some(Self {
            name,
            width,
            right,
            fill,
        })
    }
}

/// `auth`; header, query and element credentials become [`SendItem`]s.
#[derive(Debug, Default)]
pub struct Auth {
    /// User and password.
    pub basic: Option<(Arc<Template>, Arc<Template>)>,
    /// User and password for HTTP Digest.
    pub digest: Option<(Arc<Template>, Arc<Template>)>,
    /// WS-Security.
    pub wsse: Option<Arc<Wsse>>,
}

/// WS-Security UsernameToken.
#[derive(Debug)]
pub struct Wsse {
    /// User.
    pub user: Arc<Template>,
    /// Password.
    pub password: Arc<Template>,
    /// PasswordDigest instead of PasswordText.
    pub digest: bool,
}

/// `session`.
#[derive(Debug)]
pub struct SessionPart {
    /// The call.
    pub login: CallSpec,
    /// The page before it: the call, and names for what it hides.
    pub page: Option<(CallSpec, Vec<(String, Hidden)>)>,
    /// What it sends.
    pub send: Vec<SendItem>,
    /// HTTP Basic on it.
    pub basic: Option<(Arc<Template>, Arc<Template>)>,
    /// Whether user and password are escaped as in a form first, if the manifest says it.
    pub basic_form: Option<bool>,
    /// Its format.
    pub sends: Option<Format>,
    /// Format of its answer.
    pub answers: Option<Format>,
    /// Whether it goes in the frame.
    pub framed: Option<bool>,
    /// Whether it is signed.
    pub signed: Option<bool>,
    /// Whether it is sealed.
    pub sealed: Option<bool>,
    /// Names for values of its answer.
    pub read: Vec<(String, Spot)>,
    /// Cookies to keep.
    pub keep: Vec<String>,
    /// How long it lives.
    pub lives: Lives,
    /// How it is renewed: the call, and what it sends.
    pub refresh: Option<(CallSpec, Vec<SendItem>)>,
    /// Logins a day.
    pub daily: Option<u32>,
    /// Signs that it is gone.
    pub lost: Vec<Lost>,
    /// Envelope.
    pub answer: Option<AnswerPart>,
}

/// How long a session lives.
#[derive(Debug, Clone, PartialEq)]
pub enum Lives {
    /// Until it is lost.
    Unknown,
    /// Milliseconds.
    Fixed(u64),
    /// The answer says it, in seconds.
    Told(Path),
    /// One call.
    Once,
}

/// A sign that a session is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// An HTTP status, and for redirects a part of their target.
    Status(u16, Option<String>),
    /// A page instead of data.
    Html,
    /// An upstream code.
    Code(String),
}

/// `answer`; every part optional so that an operation can override one.
#[derive(Debug, Clone, Default)]
pub struct AnswerPart {
    /// Where the code is.
    pub code: Option<Spot>,
    /// Codes of success.
    pub ok: Option<Vec<Value>>,
    /// Success as an expression.
    pub when: Option<Arc<Expression>>,
    /// Where the words are.
    pub message: Option<Spot>,
    /// Where the data is.
    pub data: Option<Path>,
    /// How it stands there.
    pub form: Option<TextForm>,
    /// How many texts stand inside each other there.
    pub levels: Option<usize>,
    /// Whether it is a script that hands JSON to a function.
    pub jsonp: Option<bool>,
    /// What means nothing found.
    pub empty: Option<Empty>,
    /// Content-Type in the simulated city.
    pub content_type: Option<String>,
    /// Fields of a record.
    pub layout: Option<Layout>,
}

/// What data means `nothing found`.
#[derive(Debug, Clone, PartialEq)]
pub enum Empty {
    /// null, "", {}, [], [{}] where the contract needs something.
    Auto,
    /// Nothing does.
    Never,
    /// Exactly these.
    Values(Vec<Value>),
}

/// One entry of `fails`.
#[derive(Debug, Clone, PartialEq)]
pub struct FailRule {
    /// What is compared.
    pub test: FailTest,
    /// What it means.
    pub failure: Failure,
}

/// What a failure rule compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailTest {
    /// HTTP status; 5xx is `(500, 599)`.
    Http(u16, u16),
    /// The upstream's code, and words its message holds (empty: any).
    Code(String, String),
    /// Words its message holds.
    Message(String),
    /// A SOAP fault whose code ends so (empty: any).
    Fault(String),
    /// All else.
    Any,
}

/// `wire`.
#[derive(Debug, Clone, Default)]
pub struct Wire {
    /// What the codecs read: kind of value and form.
    pub forms: Vec<(String, String)>,
    /// Absent fields: drop, null, empty.
    pub null: Option<String>,
}

/// `paging`.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// Name and first page.
    pub page: Option<(Spot, i64)>,
    /// Page size.
    pub size: Option<Spot>,
    /// Rows to skip.
    pub offset: Option<Spot>,
    /// First row and its base.
    pub start: Option<(Spot, i64)>,
    /// Last row.
    pub end: Option<Spot>,
    /// All rows; a place in the answer or a header.
    pub total: Option<Spot>,
    /// Address of the next page in the answer.
    pub next: Option<Spot>,
    /// Where the rows of a page are, from the data.
    pub list: Option<Path>,
    /// All pages.
    pub pages: Option<Path>,
    /// Largest page.
    pub max: Option<i64>,
    /// Canonical names of page, size, total.
    pub fields: Option<[String; 3]>,
}

/// One thing to send.
#[derive(Debug, Clone)]
pub struct SendItem {
    /// Where.
    pub spot: Spot,
    /// What.
    pub value: Arc<Template>,
    /// Place in the manifest.
    pub pointer: String,
}

/// One canonical field to give.
#[derive(Debug, Clone)]
pub struct GiveItem {
    /// Canonical path.
    pub field: Path,
    /// What.
    pub value: Arc<Template>,
    /// Place in the manifest.
    pub pointer: String,
}

/// A table of codes.
#[derive(Debug)]
pub struct CodeTable {
    /// Name.
    pub name: String,
    /// The day in China from which this version is in force; `None` for the one that was always there.
    pub from: Option<jiff::civil::Date>,
    /// Upstream code and canonical value, in order.
    pub entries: Vec<(String, Value)>,
}

/// `files`.
#[derive(Debug)]
pub struct FilesPart {
    /// The call.
    pub upload: CallSpec,
    /// Its format.
    pub sends: Option<Format>,
    /// Name of the content.
    pub send: Spot,
    /// Name of the file name.
    pub name: Option<Spot>,
    /// Name of the media type.
    pub media_type: Option<Spot>,
    /// Further values.
    pub with: Vec<SendItem>,
    /// Where the id is.
    pub read: Path,
    /// Envelope.
    pub answer: Option<AnswerPart>,
}

/// `fields`, `request` and `response` of a manifest or an operation.
#[derive(Debug, Default)]
pub struct RowSections {
    /// Both directions.
    pub fields: Vec<RowSpec>,
    /// Requests.
    pub request: Vec<RowSpec>,
    /// Answers.
    pub response: Vec<RowSpec>,
}

/// One row as written.
#[derive(Debug, Clone)]
pub struct RowSpec {
    /// Upstream side.
    pub spot: Spot,
    /// Canonical side; several where the contract decides; none where an operation takes a row away.
    pub targets: Vec<Target>,
    /// Place in the manifest.
    pub pointer: String,
}

/// Canonical side of a row.
#[derive(Debug, Clone)]
pub struct Target {
    /// Canonical path.
    pub field: Path,
    /// What stands after each `|`.
    pub chain: Vec<String>,
    /// Rows of its members or items.
    pub rows: Option<Vec<RowSpec>>,
}

/// One operation.
#[derive(Debug, Default)]
pub struct OperationPart {
    /// Its key.
    pub key: String,
    /// How it is called.
    pub call: CallSpec,
    /// Its rows.
    pub rows: RowSections,
    /// What it sends.
    pub send: Vec<SendItem>,
    /// What it gives.
    pub give: Vec<GiveItem>,
    /// Input fields its upstream does not take.
    pub omit: Vec<String>,
    /// Where its fields go.
    pub place: Option<Place>,
    /// What differs in its answer.
    pub answer: AnswerPart,
    /// Its failure codes.
    pub fails: Vec<FailRule>,
    /// What differs on the wire.
    pub wire: Wire,
    /// What differs in paging.
    pub paging: Option<Paging>,
    /// What differs in the frame.
    pub frame: Frame,
    /// Names without rows.
    pub names: Option<Names>,
    /// Its format.
    pub sends: Option<Format>,
    /// Format of its answer.
    pub answers: Option<Format>,
    /// Which rows of the answer are meant.
    pub pick: Option<Pick>,
    /// A further call whose answer belongs to this one.
    pub also: Option<AlsoPart>,
    /// The field that makes a repetition harmless.
    pub key_field: Option<String>,
    /// Who tells whether it arrived.
    pub ask: Option<String>,
    /// The fields of an order to be paid.
    pub payment: Option<crate::settings::Payment>,
    /// It is the daily statement, which is there after this time of the next day.
    pub statement: Option<jiff::civil::Time>,
    /// Of the upstream only.
    pub internal: bool,
    /// Without signature if false.
    pub signed: Option<bool>,
    /// Without seal if false.
    pub sealed: Option<bool>,
    /// Without session if false.
    pub session: Option<bool>,
    /// What differs in its files.
    pub batch: BatchPart,
    /// Its page.
    pub jump: Option<JumpPart>,
    /// Not connected, and why.
    pub not_yet: Option<Text>,
    /// The simulated city's input.
    pub serve_input: Vec<GiveItem>,
    /// The simulated city's data.
    pub serve_data: Vec<SendItem>,
    /// Place in the manifest.
    pub pointer: String,
}

/// One entry of `also`: a further call whose answer is laid into the first's.
#[derive(Debug, Clone, Default)]
pub struct AlsoPart {
    /// The call; `{name}` in its path is a member of the first answer's data.
    pub call: CallSpec,
    /// The list, here and there, whose items are joined; without it the members of the data are.
    pub list: Option<Path>,
    /// The member both items have.
    pub by: Option<String>,
    /// Only if this is not in the first answer's data.
    pub without: Option<Path>,
    /// Members of the items that stand in this answer, for the simulated city.
    pub holds: Vec<String>,
    /// Place in the manifest.
    pub pointer: String,
}

/// `resolve`: how a number that stands in for another is exchanged for it.
#[derive(Debug)]
pub struct ResolvePart {
    /// The input field that holds either.
    pub field: String,
    /// What tokens begin with.
    pub mark: String,
    /// The call that exchanges one.
    pub call: CallSpec,
    /// Where the number is.
    pub read: Path,
}

/// `callback`.
#[derive(Debug)]
pub struct CallbackPart {
    /// How it is signed, if not as the system's requests.
    pub sign: Option<Value>,
    /// What proves it.
    pub verify: Verify,
    /// Its format.
    pub sends: Option<Format>,
    /// Where the number is.
    pub case: Option<Path>,
    /// Where the state is.
    pub state: Option<Path>,
    /// Where the time is.
    pub time: Option<Path>,
    /// Where the fields are.
    pub data: Path,
    /// Its rows.
    pub fields: Vec<RowSpec>,
    /// Which state may follow which.
    pub steps: Vec<(String, Vec<String>)>,
    /// The operation that is asked, and how often in milliseconds.
    pub poll: Option<(String, u64)>,
    /// What to answer.
    pub answer: (Format, String),
    /// What to answer when refused.
    pub refuse: (Format, String),
}

/// What proves that a callback is the upstream's.
#[derive(Debug)]
pub enum Verify {
    /// The system's signature.
    Sign,
    /// A shared secret at a place.
    Secret(Arc<Template>, Spot),
    /// Nothing: the address is the secret. Noted by `hub check`.
    None,
}
