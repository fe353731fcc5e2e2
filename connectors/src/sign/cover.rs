//! What a signature covers, as one text.

use super::template::{Spans, Template};
use super::{Scope, SignError};
use crate::charset::Charset;
use crate::form::{self, Escape};
use crate::mapping::path::{Path, is_like};
use crate::message::Message;
use serde_json::{Deserializer, Map, Value};

/// What is covered.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cover {
    /// Nothing; `wrap` and `key` say it all.
    Nothing,
    /// The bytes of the body.
    Body,
    /// The raw text of one member of a JSON body, as some gateways sign their answers; its name, or a pattern for it.
    Member(String),
    /// A text that says where everything goes.
    Template(Template),
    /// Parameters.
    Parameters(Parameters),
}

/// Covered parameters: which, in which order, written how.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameters {
    pub(super) of: Source,
    pub(super) order: Order,
    pub(super) exclude: Vec<String>,
    pub(super) keep_empty: bool,
    pub(super) nested: Nested,
    pub(super) item: Template,
    pub(super) joiner: String,
}

/// Where parameters are taken from.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// The query, then the members of the body.
    All,
    Query,
    /// Members of an object in the body; of the body itself for the empty path.
    Body(Path),
}

/// Order of parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// As they stand in the message.
    Sent,
    /// By name, byte by byte.
    Name,
    /// By name without case.
    NameNoCase,
    /// By name, last first.
    NameDescending,
    /// By value.
    Value,
    /// Only these, in this order.
    Listed(Vec<String>),
}

/// What becomes of values that are objects or lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nested {
    /// Compact JSON as sent.
    Json,
    /// Compact JSON with sorted names on every level.
    SortedJson,
    /// They are not covered.
    Skip,
}

impl Cover {
    pub(super) fn template(&self) -> Option<&Template> {
        match self {
            Self::Template(template) => Some(template),
            Self::Parameters(parameters) => Some(&parameters.item),
            Self::Nothing | Self::Body | Self::Member(_) => None,
        }
    }

    pub(super) fn needs_body(&self) -> bool {
        matches!(self, Self::Body | Self::Member(_))
    }

    pub(super) fn text(&self, scope: &Scope<'_>) -> Result<Spans, SignError> {
        let body = || (scope.body)(scope.message).ok_or(SignError::Body);
        match self {
            Self::Nothing => Ok(Spans::default()),
            Self::Body => body().map(Spans::open),
            Self::Member(name) => {
                let body = body()?;
                match members(&body, name).as_slice() {
                    [raw] => Ok(Spans::open(raw.to_vec())),
                    [] => Err(SignError::Missing(format!("member `{name}`"))),
                    // One that is signed must not vouch for another of the same name or kind.
                    _ => Err(SignError::Text(format!("several members are `{name}`"))),
                }
            }
            Self::Template(template) => scope.spans(template),
            Self::Parameters(parameters) => parameters.text(scope),
        }
    }
}

impl Parameters {
    fn text(&self, scope: &Scope<'_>) -> Result<Spans, SignError> {
        let root = Path::default();
        let below = match &self.of {
            Source::Body(path) => path,
            Source::All | Source::Query => &root,
        };
        let own = scope.recipe.into.parameter(below);
        let mut pairs: Vec<(String, String)> = self
            .raw(scope.message)
            .into_iter()
            .filter(|(name, _)| Some(name.as_str()) != own && !self.exclude.contains(name))
            .filter_map(|(name, value)| Some((name, self.written(&value)?)))
            .filter(|(_, value)| self.keep_empty || !value.is_empty())
            .collect();
        self.order.apply(&mut pairs);
        let mut out = Spans::default();
        for (index, (name, value)) in pairs.into_iter().enumerate() {
            if index > 0 {
                out.push(Spans::open(scope.encoded(&self.joiner)?));
            }
            let value = Spans::open(scope.encoded(&value)?);
            let item = scope
                .with_spans("name", Spans::open(scope.encoded(&name)?))
                .with_spans("value", value);
            out.push(item.spans(&self.item)?);
        }
        Ok(out)
    }

    fn raw(&self, message: &Message) -> Vec<(String, Value)> {
        let query = message.query.iter().map(|(n, v)| (n.clone(), Value::from(v.as_str())));
        let members = |value: Option<&Value>| -> Vec<(String, Value)> {
            let object = value.and_then(Value::as_object);
            object
                .into_iter()
                .flatten()
                .map(|(n, v)| (n.clone(), v.clone()))
                .collect()
        };
        match &self.of {
            Source::All => query.chain(members(Some(&message.body))).collect(),
            Source::Query => query.collect(),
            Source::Body(path) => members(path.get(&message.body)),
        }
    }

    /// The text of a value; `None` if it is not covered.
    fn written(&self, value: &Value) -> Option<String> {
        match (value, self.nested) {
            (Value::Null, _) => Some(String::new()),
            (Value::String(text), _) => Some(text.clone()),
            (Value::Array(_) | Value::Object(_), Nested::Skip) => None,
            (Value::Array(_) | Value::Object(_), Nested::SortedJson) => Some(sorted(value).to_string()),
            (other, _) => Some(other.to_string()),
        }
    }
}

impl Order {
    fn apply(&self, pairs: &mut Vec<(String, String)>) {
        match self {
            Self::Sent => {}
            Self::Name => pairs.sort(),
            Self::NameNoCase => pairs.sort_by_key(|(name, _)| name.to_lowercase()),
            Self::NameDescending => pairs.sort_by(|a, b| b.cmp(a)),
            Self::Value => pairs.sort_by(|a, b| a.1.cmp(&b.1)),
            Self::Listed(names) => {
                let listed = names
                    .iter()
                    .flat_map(|name| pairs.iter().filter(move |(n, _)| n == name));
                *pairs = listed.cloned().collect();
            }
        }
    }
}

/// The same value with the members of every object sorted by name.
pub(crate) fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut entries: Vec<(String, Value)> = members.iter().map(|(n, v)| (n.clone(), sorted(v))).collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(entries.into_iter().collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// The query of a message, escaped as RFC 3986 says, in the order sent, without the parameter that holds the signature.
pub(super) fn query(message: &Message, charset: Charset, own: Option<&str>) -> Result<String, SignError> {
    let covered = message.query.iter().filter(|(name, _)| Some(name.as_str()) != own);
    let pairs = covered.map(|(n, v)| (n, v));
    form::encode(pairs, charset, Escape::Percent).map_err(|e| SignError::Text(e.to_string()))
}

/// The raw bytes of the members of a JSON object whose names are like this, without the white space around them; none if
/// the object cannot be read to its end.
fn members<'b>(body: &'b [u8], wanted: &str) -> Vec<&'b [u8]> {
    let mut found = Vec::new();
    match gather(body, wanted, &mut found) {
        Some(()) => found,
        None => Vec::new(),
    }
}

fn gather<'b>(body: &'b [u8], wanted: &str, found: &mut Vec<&'b [u8]>) -> Option<()> {
    let mut rest = body.trim_ascii_start().strip_prefix(b"{")?;
    loop {
        let (name, after) = next_value::<String>(rest)?;
        let after = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (_, behind) = next_value::<serde::de::IgnoredAny>(after)?;
        if is_like(wanted, &name) {
            found.push(after.get(..after.len() - behind.len())?);
        }
        rest = behind.trim_ascii_start();
        match rest.strip_prefix(b",") {
            Some(more) => rest = more,
            None => return rest.starts_with(b"}").then_some(()),
        }
    }
}

/// A JSON value and what follows it.
fn next_value<'b, T: serde::Deserialize<'b>>(bytes: &'b [u8]) -> Option<(T, &'b [u8])> {
    let mut values = Deserializer::from_slice(bytes).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, bytes.get(values.byte_offset()..)?))
}
