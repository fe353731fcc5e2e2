//! Dialects: what an upstream speaks, by one word. A dialect is a set of defaults over orthogonal parts (formats,
//! charset, frame, envelope); each format has its client half and its server half in one file.

pub mod delimited;
pub mod html;
pub mod json;
pub mod pairs;
pub mod record;
pub mod soap;
mod standard;
pub mod text_form;
pub mod usernametoken;
pub mod xml;

use crate::charset::Charset;
use crate::manifest::model::{AnswerPart, Format, Frame, Names, Paging, Spot, TextForm};
use crate::mapping::path::Path;
use serde_json::Value;

/// Defaults a dialect's word stands for.
#[derive(Debug, Clone)]
pub struct Preset {
    /// Format of requests.
    pub sends: Format,
    /// Format of answers.
    pub answers: Format,
    /// Charset both ways.
    pub charset: Charset,
    /// Method of calls that name none.
    pub method: &'static str,
    /// What becomes of fields without a row.
    pub names: Names,
    /// Frame.
    pub frame: Frame,
    /// Envelope.
    pub answer: AnswerPart,
    /// Pages.
    pub paging: Option<Paging>,
    /// Media type both ways, where it is not the format's.
    pub media: Option<&'static str>,
    /// How calls travel.
    pub via: Via,
}

/// How the calls of a dialect travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Via {
    /// By HTTP.
    #[default]
    Http,
    /// By rows of exchange tables.
    Sql,
    /// By files of a drop folder.
    File,
}

/// Dialects that are spoken.
pub const SPOKEN: [&str; 19] = [
    "rest-json",
    "rest-envelope",
    "signed-gateway",
    "sm-gateway",
    "form",
    "form-gbk",
    "xml",
    "xml-gbk",
    "soap",
    "soap-cdata",
    "front-db",
    "csv-batch",
    "ticket-h5",
    "open311",
    "gbfs",
    "gtfs-rt",
    "fhir-lite",
    "ocpi-lite",
    "ogc-features",
];

impl Preset {
    /// By its word; `None` if there is no such dialect.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let plain = Preset {
            sends: Format::Json,
            answers: Format::Json,
            charset: Charset::Utf8,
            method: "POST",
            names: Names::Rows,
            frame: Frame::default(),
            answer: AnswerPart::default(),
            via: Via::Http,
            paging: None,
            media: None,
        };
        let preset = match word {
            "rest-json" => Preset {
                names: Names::Same,
                answer: AnswerPart {
                    message: Some(Spot::parse("message")),
                    ..AnswerPart::default()
                },
                ..plain
            },
            "rest-envelope" => Preset {
                answer: envelope(),
                ..plain
            },
            "signed-gateway" => Preset {
                frame: Frame {
                    form: Some(TextForm::Json),
                    ..Frame::default()
                },
                answer: envelope(),
                ..plain
            },
            "sm-gateway" => Preset {
                frame: Frame {
                    body: Some(Spot::parse("data")),
                    ..Frame::default()
                },
                answer: envelope(),
                ..plain
            },
            "form" | "form-gbk" => Preset {
                sends: Format::Form,
                charset: charset_of(word),
                ..plain
            },
            "xml" | "xml-gbk" => Preset {
                sends: Format::Xml,
                answers: Format::Xml,
                charset: charset_of(word),
                ..plain
            },
            "soap" => Preset {
                sends: Format::Soap,
                answers: Format::Soap,
                ..plain
            },
            "soap-cdata" => Preset {
                sends: Format::Soap,
                answers: Format::Soap,
                frame: Frame {
                    form: Some(TextForm::Xml),
                    reads: Some(TextForm::Xml),
                    ..Frame::default()
                },
                ..plain
            },
            "front-db" => Preset { via: Via::Sql, ..plain },
            "csv-batch" => Preset {
                via: Via::File,
                ..plain
            },
            // A page of their own, and a ticket for it: envelopes as the public account platforms have them.
            "ticket-h5" => Preset {
                answer: AnswerPart {
                    code: Some(Spot::parse("/errcode")),
                    message: Some(Spot::parse("/errmsg")),
                    ..AnswerPart::default()
                },
                ..plain
            },
            _ => standard::preset(word, plain)?,
        };
        Some(preset)
    }
}

fn charset_of(word: &str) -> Charset {
    if word.ends_with("-gbk") {
        Charset::Gbk
    } else {
        Charset::Utf8
    }
}

fn envelope() -> AnswerPart {
    let mut data = Path::parse("data");
    data.absolute = true;
    AnswerPart {
        code: Some(Spot::parse("/code")),
        message: Some(Spot::parse("/msg")),
        data: Some(data),
        ..AnswerPart::default()
    }
}

/// What cannot be read, without its content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A page for people.
    #[error("a page instead of data")]
    Html,
    /// Not what the format says.
    #[error("{0}")]
    Broken(String),
}

/// An answer or a request body as a tree.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Document {
    /// The tree.
    pub tree: Value,
    /// SOAP fault: code and words.
    pub fault: Option<(String, String)>,
    /// Name of the element that held the tree (XML root, SOAP call element).
    pub element: Option<String>,
    /// Children of the SOAP header.
    pub head: Value,
}

impl Document {
    /// A tree without more.
    #[must_use]
    pub fn of(tree: Value) -> Self {
        Self {
            tree,
            ..Self::default()
        }
    }
}

/// Lists and objects that stand as JSON in the texts of a form or a query, where rows look inside.
pub fn expand(content: &mut Value, binds: &[crate::mapping::bind::Bind]) {
    let Value::Object(map) = content else { return };
    for bind in binds {
        let inside = bind.rows.is_some() || bind.path.segments.len() > 1;
        let whole = bind
            .chain
            .iter()
            .any(|l| matches!(l, crate::mapping::bind::Link::Codec(c) if !c.is_plain()))
            && bind.whole;
        let Some(Value::String(text)) = bind.path.first_name().and_then(|n| map.get_mut(n)) else {
            continue;
        };
        if inside
            && !whole
            && text.trim_start().starts_with(['{', '['])
            && let Some(tree) = crate::codec::parse_json(text, MAX_DEPTH)
            && let Some(name) = bind.path.first_name()
        {
            map.insert(name.to_owned(), tree);
        }
    }
}

/// Whether a text is a page for people.
#[must_use]
pub fn is_html(text: &str) -> bool {
    let start: String = text
        .trim_start_matches('\u{feff}')
        .trim_start()
        .chars()
        .take(200)
        .collect::<String>()
        .to_ascii_lowercase();
    let start = start
        .strip_prefix("<?xml")
        .and_then(|s| s.split_once("?>"))
        .map_or(start.as_str(), |(_, s)| s);
    let start = start.trim_start();
    start.starts_with("<!doctype html")
        || start.starts_with("<html")
        || start.starts_with("<head")
        || start.starts_with("<script")
}

/// Text in the upstream's charset. Where the format has escapes, a character that the charset has no bytes for is
/// escaped; elsewhere it is refused: a name that becomes `?` is a failed identity check.
///
/// # Errors
/// The character.
pub fn encode(charset: Charset, text: &str, format: Format) -> Result<Vec<u8>, ReadError> {
    let broken = |e: crate::charset::CharsetError| ReadError::Broken(e.to_string());
    let error = match charset.encode(text) {
        Ok(bytes) => return Ok(bytes.into_owned()),
        Err(error) => error,
    };
    let escape: fn(char) -> String = match format {
        Format::Json => |c| {
            c.encode_utf16(&mut [0; 2])
                .iter()
                .map(|u| format!("\\u{u:04x}"))
                .collect()
        },
        Format::Xml | Format::Soap => |c| format!("&#x{:X};", u32::from(c)),
        _ => return Err(broken(error)),
    };
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut buffer = [0; 4];
    for c in text.chars() {
        if c.is_ascii() || charset.encode(c.encode_utf8(&mut buffer)).is_ok() {
            escaped.push(c);
        } else {
            escaped.push_str(&escape(c));
        }
    }
    charset
        .encode(&escaped)
        .map(std::borrow::Cow::into_owned)
        .map_err(broken)
}

/// Levels of nesting an answer may have.
pub const MAX_DEPTH: usize = 64;
