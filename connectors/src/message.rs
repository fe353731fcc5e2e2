//! An upstream request between mapping and bytes: what rows fill, recipes sign and dialects write, and back.

use serde_json::{Map, Value};

/// A request in parts. The client half fills it from rows and writes it; the server half reads it and maps it back.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Message {
    /// Upper-case method.
    pub method: String,
    /// Path below the system's base address, percent-encoded, without query.
    pub path: String,
    /// Query parameters in order, decoded.
    pub query: Vec<(String, String)>,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Children of the SOAP header; empty elsewhere.
    pub head: Map<String, Value>,
    /// The body as a tree: members of a form, a JSON value, the content of an XML root.
    pub body: Value,
}

impl Message {
    /// First header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }

    /// First query parameter of this name.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Sets a header, replacing one of the same name.
    pub fn set_header(&mut self, name: &str, value: impl Into<String>) {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
    }
}
