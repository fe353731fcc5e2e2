//! What all calls of one system share.

use crate::charset::Charset;
use crate::jwt::Jwt;
use crate::manifest::model::{Format, Hidden, Lives, Lost, Spot};
use crate::mapping::template::Template;
use crate::seal::Seal;
use crate::sign::Recipe;
use crate::xmlsig::XmlSign;
use serde_json::Value;
use std::sync::Arc;

/// What all calls of one system share.
#[derive(Debug)]
pub(crate) struct Wiring {
    /// Charset both ways.
    pub charset: Charset,
    /// The signature, if there is one.
    pub sign: Option<Recipe>,
    /// How bodies are enciphered, if they are.
    pub seal: Option<Seal>,
    /// How XML is signed, if it is.
    pub xml_sign: Option<XmlSign>,
    /// How tokens are made, if they are.
    pub jwt: Option<Arc<Jwt>>,
    /// The session, if there is one.
    pub session: Option<SessionRules>,
    /// User and password for HTTP Digest, if the upstream asks for that.
    pub digest: Option<(Arc<Template>, Arc<Template>)>,
}

impl Wiring {
    /// The XML signature of a message in this format.
    pub fn xml_sign(&self, format: Format) -> Option<&XmlSign> {
        self.xml_sign
            .as_ref()
            .filter(|_| matches!(format, Format::Xml | Format::Soap))
    }
}

/// What a login leaves and how its loss shows.
#[derive(Debug)]
pub(crate) struct SessionRules {
    /// Names for values of the page before it.
    pub page: Vec<(String, Hidden)>,
    /// Names for values of its answer.
    pub read: Vec<(String, Spot)>,
    /// Cookies to keep.
    pub keep: Vec<String>,
    /// How long it lives.
    pub lives: Lives,
    /// Signs that it is gone.
    pub lost: Vec<Lost>,
}

/// How papers are uploaded.
#[derive(Debug)]
pub(crate) struct UploadRules {
    /// Where the upstream's id is, from the data.
    pub read: crate::mapping::path::Path,
    /// Where the content is.
    pub content: Spot,
}

/// A success value or failure code as text, however it is written.
pub(crate) fn code_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Object(map) => map.get("#text").and_then(code_text),
        _ => None,
    }
}
