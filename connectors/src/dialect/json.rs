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

/// The JSON of a script that hands it to a function: `callback({…});` (JSONP). Any other text stays as it is.
#[must_use]
pub fn without_call(text: &str) -> &str {
    let script = text.trim_start_matches('\u{feff}').trim();
    // Some servers put an empty comment in front, against files that are two things at once.
    let script = script.strip_prefix("/**/").unwrap_or(script).trim_start();
    let inside = script.split_once('(').and_then(|(name, rest)| {
        let name = name.trim();
        let named = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.'));
        let rest = rest.trim_end().trim_end_matches(';').trim_end();
        rest.strip_suffix(')').filter(|_| named)
    });
    inside.unwrap_or(text)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_around_json_is_taken_away() {
        for (text, inside) in [
            ("cb({\"a\":\"(1)\"});", "{\"a\":\"(1)\"}"),
            ("\u{feff}/**/ jQuery1_2.cb ( [1] ) ;\n", " [1] "),
            ("$.f(null)", "null"),
            ("{\"a\":\"f(1)\"}", "{\"a\":\"f(1)\"}"),
            ("alert(1);f({})", "1);f({}"),
            ("f({}", "f({}"),
            ("({})", "({})"),
            ("a b({})", "a b({})"),
        ] {
            assert_eq!(without_call(text), inside, "{text}");
        }
        assert!(read(without_call("alert(1);f({})")).is_err());
    }
}
