//! XML bodies: the root element and what stands in it.

use super::{Document, ReadError, is_html};
use crate::manifest::model::Frame;
use crate::xml::{self, Limits, Style};
use serde_json::{Map, Value};

/// Media type.
pub const CONTENT_TYPE: &str = "text/xml";

/// Root element of requests where the manifest names none.
pub const DEFAULT_ROOT: &str = "request";

/// Writes a body under a root element (both halves).
///
/// # Errors
/// A name or character that XML cannot carry.
pub fn write(root: &str, content: &Value, frame: &Frame, declaration: Option<String>) -> Result<String, ReadError> {
    let mut namespaces = Vec::new();
    if let Some(namespace) = &frame.namespace {
        namespaces.push((frame.prefix.clone().unwrap_or_default(), namespace.clone()));
    }
    namespaces.extend(frame.namespaces.iter().cloned());
    let style = Style {
        declaration,
        namespaces,
        prefix: frame.prefix.clone().filter(|_| frame.namespace.is_some()),
        qualified: frame.qualified.unwrap_or(true),
        ..Style::default()
    };
    xml::write(root, content, &style).map_err(|e| ReadError::Broken(e.to_string()))
}

/// Reads a body to `{root: content}`, so that pointers name the root too.
///
/// # Errors
/// What it is instead.
pub fn read(text: &str) -> Result<Document, ReadError> {
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    if trimmed.is_empty() {
        return Ok(Document::default());
    }
    if is_html(trimmed) {
        return Err(ReadError::Html);
    }
    let root = xml::parse(trimmed, Limits::default()).map_err(|e| ReadError::Broken(e.to_string()))?;
    let name = root.name.clone();
    let tree = Value::Object(Map::from_iter([(name.clone(), root.to_value())]));
    Ok(Document {
        tree,
        element: Some(name),
        ..Document::default()
    })
}

/// The tree without its root.
#[must_use]
pub fn below_root(document: Document) -> Value {
    match document.tree {
        Value::Object(map) => map.into_iter().next().map_or(Value::Null, |(_, v)| v),
        other => other,
    }
}
