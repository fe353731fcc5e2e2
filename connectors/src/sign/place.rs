//! Where signatures, timestamps and nonces stand in a message.

use super::SignError;
use crate::mapping::path::{Path, Segment};
use crate::message::Message;
use serde_json::Value;

/// A place in a message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    Header(String),
    Query(String),
    /// Below the SOAP header.
    Head(Path),
    /// In the body, or in the query of a message without one.
    Tree(Path),
    /// In the body.
    Body(Path),
}

impl Place {
    /// `sign`, `head/sign`, `header X-Sign`, `query sign`, `head Security/Sign`.
    pub(crate) fn parse(text: &str) -> Self {
        match text.trim().split_once(' ') {
            Some((word, name)) => Self::named(word, name.trim()),
            None => Self::Tree(Path::parse(text)),
        }
    }

    /// By word and name.
    pub(crate) fn named(word: &str, name: &str) -> Self {
        match word {
            "header" => Self::Header(name.to_owned()),
            "query" => Self::Query(name.to_owned()),
            "head" => Self::Head(Path::parse(name)),
            "body" | "frame" => Self::Body(Path::parse(name)),
            _ => Self::Tree(Path::parse(name)),
        }
    }

    /// The name it has among the members below a path, so that a signature does not cover itself.
    pub(crate) fn parameter(&self, below: &Path) -> Option<&str> {
        match self {
            Self::Query(name) => Some(name),
            Self::Tree(path) | Self::Body(path) => match path.segments.strip_prefix(below.segments.as_slice())? {
                [Segment::Name(name)] => Some(name),
                _ => None,
            },
            Self::Header(_) | Self::Head(_) => None,
        }
    }

    pub(crate) fn get(&self, message: &Message) -> Option<String> {
        let scalar = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            other => Some(other.to_string()),
        };
        match self {
            Self::Header(name) => message.header(name).map(str::to_owned),
            Self::Query(name) => message.parameter(name).map(str::to_owned),
            Self::Head(path) => path.get(&Value::Object(message.head.clone())).and_then(scalar),
            Self::Body(path) => path.get(&message.body).and_then(scalar),
            Self::Tree(path) => path
                .get(&message.body)
                .and_then(scalar)
                .or_else(|| message.parameter(path.only_name()?).map(str::to_owned)),
        }
    }

    pub(crate) fn set(&self, message: &mut Message, text: String) {
        match self {
            Self::Header(name) => message.set_header(name, text),
            Self::Query(name) => set_parameter(message, name, text),
            Self::Head(path) => {
                let mut head = Value::Object(std::mem::take(&mut message.head));
                path.set(&mut head, text.into());
                if let Value::Object(head) = head {
                    message.head = head;
                }
            }
            Self::Tree(path) if !message.body.is_object() => match path.only_name() {
                Some(name) => set_parameter(message, name, text),
                None => path.set(&mut message.body, text.into()),
            },
            Self::Tree(path) | Self::Body(path) => path.set(&mut message.body, text.into()),
        }
    }

    pub(crate) fn missing(&self) -> SignError {
        SignError::Missing(match self {
            Self::Header(name) => format!("header `{name}`"),
            Self::Query(name) => format!("query `{name}`"),
            Self::Head(path) => format!("head `{path}`"),
            Self::Tree(path) | Self::Body(path) => format!("`{path}`"),
        })
    }
}

fn set_parameter(message: &mut Message, name: &str, text: String) {
    message.query.retain(|(n, _)| n != name);
    message.query.push((name.to_owned(), text));
}
