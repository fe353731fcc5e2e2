//! One operation, ready to be called: everything the manifest says about it, laid together.

use crate::batch::{BatchRules, Entry};
use crate::codec::WireDefaults;
use crate::dialect::ReadError;
use crate::exchange::ExchangeRules;
use crate::jump::JumpRules;
use crate::manifest::model::{
    AlsoPart, AnswerPart, FailRule, Format, Frame, GiveItem, Paging, Pick, Place, SendItem, TextForm, Wsse,
};
use crate::mapping::bind::Bind;
use crate::mapping::encode::Absent;
use crate::mapping::path::{Path, Segment};
use crate::mapping::template::Template;
use crate::protobuf::Messages;
use hub_core::{Effect, Operation, ShapeKind};
use serde_json::Value;
use std::sync::Arc;

/// One upstream call in both directions.
#[derive(Debug)]
pub struct Plan {
    /// Key of the operation; `login` and `upload` for those calls.
    pub key: String,
    /// The contract; `None` for calls that only the upstream knows.
    pub operation: Option<Arc<Operation>>,
    /// The contract its values follow, also for a question about another call.
    pub contract: Option<Arc<Operation>>,
    /// Upper-case method.
    pub method: String,
    /// Path.
    pub path: Pattern,
    /// Session value that holds the address, relative to the login's.
    pub at: Option<String>,
    /// Constant query parameters.
    pub query: Vec<(String, String)>,
    /// Operation code.
    pub code: Option<String>,
    /// Whether the fields go to the query.
    pub in_query: bool,
    /// Format of the request.
    pub sends: Format,
    /// Format of the answer.
    pub answers: Format,
    /// Content-Type of the request, if not the format's.
    pub content_type: Option<String>,
    /// What stands around the fields.
    pub frame: Frame,
    /// Rows of the request.
    pub request: Vec<Bind>,
    /// Rows of the answer.
    pub response: Vec<Bind>,
    /// What is sent besides.
    pub send: Vec<SendItem>,
    /// What is given besides.
    pub give: Vec<GiveItem>,
    /// How the answer says what.
    pub answer: AnswerPart,
    /// What failures mean, the operation's own first.
    pub fails: Vec<FailRule>,
    /// Pages.
    pub paging: Option<Paging>,
    /// What becomes of absent fields.
    pub absent: Absent,
    /// How the system writes values.
    pub wire: WireDefaults,
    /// Whether it is signed.
    pub signed: bool,
    /// Whether it is enciphered.
    pub sealed: bool,
    /// HTTP Basic on it.
    pub basic: Option<(Arc<Template>, Arc<Template>)>,
    /// Whether user and password are escaped as in a form first.
    pub basic_form: bool,
    /// WS-Security on it.
    pub wsse: Option<Arc<Wsse>>,
    /// Whether it needs a session.
    pub session: bool,
    /// Whether it makes a session.
    pub login: bool,
    /// What a repetition does.
    pub effect: Effect,
    /// Status of the canonical answer.
    pub status: u16,
    /// Whether the contract has an answer body.
    pub has_output: bool,
    /// Whether the answer needs more than an empty list, so that no data means that nothing was found.
    pub needs_data: bool,
    /// Input field that makes a repetition harmless.
    pub key_field: Option<String>,
    /// Key of the operation that tells whether a call arrived.
    pub ask: Option<String>,
    /// Media type that answers are asked for in, if not the format's.
    pub accept: Option<&'static str>,
    /// Tables of protobuf messages.
    pub messages: Option<Arc<Messages>>,
    /// Which rows of the answer are meant.
    pub pick: Option<Pick>,
    /// A further call whose answer belongs to this one.
    pub also: Option<Also>,
    /// The simulated city's computed input.
    pub serve_input: Vec<GiveItem>,
    /// The simulated city's computed data.
    pub serve_data: Vec<SendItem>,
    /// How it travels.
    pub transport: Transport,
    /// The upstream's own page that its answer leads to.
    pub jump: Option<JumpRules>,
    /// Whether its answers already are what the contract says.
    pub untouched: bool,
}

/// How calls travel.
#[derive(Debug, Clone, Default)]
pub enum Transport {
    /// HTTP.
    #[default]
    Http,
    /// Rows of exchange tables.
    Sql(Arc<ExchangeRules>),
    /// Files of a drop folder.
    File(Arc<BatchRules>),
}

impl Plan {
    /// Who logs in at a file server, where calls travel as files.
    pub(crate) fn entry(&self) -> Option<&Entry> {
        match &self.transport {
            Transport::File(rules) => Some(&rules.entry),
            _ => None,
        }
    }
}

/// A further call of a plan.
#[derive(Debug)]
pub struct Also {
    /// How it is made.
    pub plan: Box<Plan>,
    /// What becomes of its answer.
    pub part: AlsoPart,
}

impl Plan {
    /// Whether pages are fetched one after the other until the rows asked for are there.
    #[must_use]
    pub fn gathers(&self) -> bool {
        self.pick.is_some() || self.paging.as_ref().is_some_and(|p| p.next.is_some())
    }

    /// Where the rows of a page are, from the data.
    #[must_use]
    pub fn page_list(&self) -> Option<Path> {
        let listed = self.paging.as_ref().and_then(|p| p.list.clone());
        let picked = self.pick.as_ref().map(|p| &p.list);
        let bound = self
            .response
            .iter()
            .filter(|b| b.kind == ShapeKind::Array && !b.path.absolute)
            .map(|b| &b.path);
        let found = listed.or_else(|| picked.into_iter().chain(bound).next().cloned())?;
        let outermost = found
            .segments
            .iter()
            .take_while(|s| **s != Segment::Each)
            .cloned()
            .collect();
        Some(Path {
            absolute: false,
            segments: outermost,
        })
    }

    /// The page to cut out of the rows found here; `None` where the contract has no pages.
    #[must_use]
    pub fn paged_here(&self, input: &Value) -> Option<(i64, i64)> {
        let paging = self.paging.as_ref()?;
        let contract = self.contract.as_ref()?;
        let [page, size, _] = paging.names();
        contract.input.child(page).or_else(|| contract.input.child(size))?;
        Some(paging.asked(input))
    }

    /// Whether its answer needs something of a row, so that no row means that nothing was found.
    #[must_use]
    pub fn needs_row(&self) -> bool {
        self.response
            .iter()
            .any(|b| b.required && b.kind != ShapeKind::Array && b.place == Place::Body && !b.path.absolute)
    }

    /// The tables of its protobuf bodies.
    ///
    /// # Errors
    /// Where there are none, which loading a manifest refuses.
    pub fn messages(&self) -> Result<&Messages, ReadError> {
        self.messages
            .as_deref()
            .ok_or_else(|| ReadError::Broken("no tables of messages".to_owned()))
    }

    /// Whether its request has a body.
    #[must_use]
    pub fn has_body(&self) -> bool {
        !self.in_query && self.sends != Format::None
    }

    /// SOAP element of the call.
    #[must_use]
    pub fn element(&self) -> &str {
        self.frame.call.as_deref().or(self.code.as_deref()).unwrap_or_default()
    }

    /// SOAP element of the answer, below the response element.
    #[must_use]
    pub fn output(&self) -> Option<String> {
        self.frame.output.as_ref().map(|o| o.replace("{call}", self.element()))
    }

    /// Root of an XML request. Where the frame's root is for XML inside a text, the document has the default root.
    #[must_use]
    pub fn document_root(&self) -> &str {
        let inner = self.frame.body.is_some() && matches!(self.frame.form, Some(TextForm::Xml | TextForm::Base64Xml));
        self.frame
            .root
            .as_deref()
            .filter(|_| !inner)
            .unwrap_or(crate::dialect::xml::DEFAULT_ROOT)
    }
}

/// A path with `{name}` parts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pattern {
    segments: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Name(String),
}

impl Pattern {
    /// Reads `/a/{b}/c-{d}.xml`.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let segments = text
            .trim_start_matches('/')
            .split('/')
            .map(|segment| {
                let mut pieces = Vec::new();
                let mut rest = segment;
                while let Some((before, after)) = rest.split_once('{') {
                    let Some((name, tail)) = after.split_once('}') else {
                        break;
                    };
                    if !before.is_empty() {
                        pieces.push(Piece::Literal(before.to_owned()));
                    }
                    pieces.push(Piece::Name(name.trim().to_owned()));
                    rest = tail;
                }
                if !rest.is_empty() {
                    pieces.push(Piece::Literal(rest.to_owned()));
                }
                pieces
            })
            .collect();
        Self { segments }
    }

    /// Names in it.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.segments
            .iter()
            .flatten()
            .filter_map(|p| match p {
                Piece::Name(name) => Some(name.clone()),
                Piece::Literal(_) => None,
            })
            .collect()
    }

    /// Literal characters: the more, the more particular.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.segments
            .iter()
            .flatten()
            .map(|p| match p {
                Piece::Literal(text) => text.len() + 1,
                Piece::Name(_) => 0,
            })
            .sum()
    }

    /// The path with values, percent-encoded as segments; `None` if one is missing or empty.
    #[must_use]
    pub fn fill(&self, value: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        let mut path = String::new();
        for segment in &self.segments {
            path.push('/');
            for piece in segment {
                match piece {
                    Piece::Literal(text) => path.push_str(text),
                    Piece::Name(name) => {
                        let value = value(name).filter(|v| !v.is_empty())?;
                        path.push_str(&encode_segment(&value));
                    }
                }
            }
        }
        Some(path)
    }

    /// Values of the names in a path, decoded; `None` if it does not fit.
    #[must_use]
    pub fn matches(&self, path: &str) -> Option<Vec<(String, String)>> {
        let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        if segments.len() != self.segments.len() {
            return None;
        }
        let mut values = Vec::new();
        for (pieces, segment) in self.segments.iter().zip(segments) {
            match_segment(pieces, segment, &mut values)?;
        }
        Some(values)
    }
}

fn match_segment(pieces: &[Piece], segment: &str, values: &mut Vec<(String, String)>) -> Option<()> {
    let mut rest = segment;
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Literal(text) => rest = rest.strip_prefix(text.as_str())?,
            Piece::Name(name) => {
                let end = match pieces.peek() {
                    Some(Piece::Literal(text)) => rest.find(text.as_str())?,
                    _ => rest.len(),
                };
                let (value, after) = rest.split_at(end);
                if value.is_empty() {
                    return None;
                }
                values.push((name.clone(), decode_segment(value)));
                rest = after;
            }
        }
    }
    rest.is_empty().then_some(())
}

/// Percent-encodes all but unreserved characters (RFC 3986, 2.3): a value can never add a segment or a query.
fn encode_segment(text: &str) -> String {
    crate::form::escape_bytes(text.as_bytes(), crate::form::Escape::Percent)
}

fn decode_segment(text: &str) -> String {
    // A plus sign is itself in a path.
    let bytes = crate::form::unescape(&text.replace('+', "%2B"));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_and_matches() {
        let pattern = Pattern::parse("/v1/bills/{hh}/f-{n}.xml");
        let path = pattern
            .fill(&|name| Some(if name == "hh" { "a/b 张".into() } else { "7".into() }))
            .unwrap();
        assert_eq!(path, "/v1/bills/a%2Fb%20%E5%BC%A0/f-7.xml");
        let values = pattern.matches(&path).unwrap();
        assert_eq!(values, [("hh".into(), "a/b 张".into()), ("n".into(), "7".into())]);
        assert_eq!(pattern.matches("/v1/bills/x/f-.xml"), None);
        assert_eq!(pattern.matches("/v1/bills/x"), None);
    }

    #[test]
    fn an_absent_value_gives_no_path() {
        assert_eq!(Pattern::parse("/a/{b}").fill(&|_| None), None);
    }
}
