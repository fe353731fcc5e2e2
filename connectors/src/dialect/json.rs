//! JSON bodies: rest-json, rest-envelope and signed-gateway speak them.

use super::{Document, MAX_DEPTH, ReadError, is_html};
use crate::codec::parse_json;
use serde_json::Value;

/// Media type.
pub const CONTENT_TYPE: &str = "application/json";

/// Writes a body (both halves).
#[must_use]
pub fn write(tree: &Value) -> String {
    if tree.is_null() {
        "{}".to_owned()
    } else {
        tree.to_string()
    }
}

/// Reads a body (both halves).
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
    match parse_json(trimmed, MAX_DEPTH) {
        Some(tree) => Ok(Document::of(tree)),
        None => Err(ReadError::Broken("not JSON, or nested too deeply".to_owned())),
    }
}
