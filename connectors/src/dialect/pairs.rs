//! Names and values: queries, forms and multipart bodies as trees of one level.

use super::{Document, ReadError};
use crate::charset::{Charset, CharsetError};
use crate::form::multipart::{self, Part};
use crate::form::{self, Escape};
use crate::mapping::template::scalar_text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

/// Media type of forms.
pub const CONTENT_TYPE: &str = "application/x-www-form-urlencoded";

/// A tree as pairs: lists of scalars repeat their name, other members are JSON in a text.
#[must_use]
pub fn from_tree(tree: &Value) -> Vec<(String, String)> {
    let Value::Object(map) = tree else {
        return Vec::new();
    };
    let mut pairs = Vec::new();
    for (name, value) in map {
        match value {
            Value::Null => {}
            Value::Array(items) if items.iter().all(|i| scalar_text(i).is_some()) => {
                pairs.extend(items.iter().filter_map(|i| Some((name.clone(), scalar_text(i)?))));
            }
            other => pairs.push((name.clone(), scalar_text(other).unwrap_or_else(|| other.to_string()))),
        }
    }
    pairs
}

/// A tree as the pairs say it once they are read again: an empty list is not there, a list of one is its item. What is
/// signed must be what is sent.
#[must_use]
pub fn as_sent(tree: Value) -> Value {
    let Value::Object(map) = tree else { return tree };
    let sent = map.into_iter().filter_map(|(name, value)| match value {
        Value::Array(items) if items.is_empty() => None,
        Value::Array(mut items) if items.len() == 1 && items.iter().all(|i| scalar_text(i).is_some()) => {
            Some((name, items.pop()?))
        }
        other => Some((name, other)),
    });
    Value::Object(sent.collect())
}

/// Pairs as a tree; repeated names become a list.
#[must_use]
pub fn to_tree(pairs: Vec<(String, String)>) -> Value {
    let mut map = Map::new();
    for (name, value) in pairs {
        let value = Value::from(value);
        match map.get_mut(&name) {
            None => {
                map.insert(name, value);
            }
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(map)
}

/// Writes a form or a query.
///
/// # Errors
/// A character the charset has no bytes for.
pub fn write(pairs: &[(String, String)], charset: Charset) -> Result<String, CharsetError> {
    form::encode(pairs.iter().map(|(n, v)| (n, v)), charset, Escape::Form)
}

/// Reads a form.
///
/// # Errors
/// What it is instead.
pub fn read(text: &str, charset: Charset) -> Result<Document, ReadError> {
    form::decode(text.trim(), charset)
        .map(|pairs| Document::of(to_tree(pairs)))
        .map_err(|e| ReadError::Broken(e.to_string()))
}

/// A file in a multipart tree: its content in Base64 under this key, with `name` and `type` beside it.
pub const FILE_KEY: &str = "#file";

/// Writes a multipart body; members made by [`file`] become file parts.
///
/// # Errors
/// A character the charset has no bytes for.
pub fn write_multipart(tree: &Value, boundary: &str, charset: Charset) -> Result<Vec<u8>, ReadError> {
    let broken = |e: &dyn std::fmt::Display| ReadError::Broken(e.to_string());
    let mut parts = Vec::new();
    for (name, value) in tree.as_object().into_iter().flatten() {
        if let Some(content) = value.get(FILE_KEY).and_then(Value::as_str) {
            parts.push(Part {
                name: name.clone(),
                file_name: value.get("name").and_then(Value::as_str).map(str::to_owned),
                content_type: value.get("type").and_then(Value::as_str).map(str::to_owned),
                bytes: STANDARD.decode(content).map_err(|e| broken(&e))?,
            });
            continue;
        }
        for (name, text) in from_tree(&Value::Object(Map::from_iter([(name.clone(), value.clone())]))) {
            parts.push(Part {
                name,
                bytes: charset.encode(&text).map_err(|e| broken(&e))?.into_owned(),
                ..Part::default()
            });
        }
    }
    multipart::write(&parts, boundary, charset).map_err(|e| broken(&e))
}

/// Reads a multipart body; file parts become members as [`file`] makes them.
///
/// # Errors
/// What it is instead.
pub fn read_multipart(body: &[u8], content_type: &str, charset: Charset) -> Result<Document, ReadError> {
    let boundary =
        multipart::boundary(content_type).ok_or_else(|| ReadError::Broken("multipart without boundary".to_owned()))?;
    let parts = multipart::read(body, boundary, charset).map_err(|e| ReadError::Broken(e.to_string()))?;
    let mut map = Map::new();
    for part in parts {
        let value = match part.file_name {
            Some(name) => file(&part.bytes, &name, part.content_type.as_deref().unwrap_or_default()),
            None => Value::from(
                charset
                    .decode(&part.bytes)
                    .map_err(|e| ReadError::Broken(e.to_string()))?,
            ),
        };
        map.insert(part.name, value);
    }
    Ok(Document::of(Value::Object(map)))
}

/// A file as a member of a multipart tree.
#[must_use]
pub fn file(bytes: &[u8], name: &str, media_type: &str) -> Value {
    serde_json::json!({FILE_KEY: STANDARD.encode(bytes), "name": name, "type": media_type})
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn trees_and_pairs() {
        let tree = json!({"a": "1", "n": 2, "l": ["x", "y"], "o": {"k": "v"}, "z": null});
        let pairs = from_tree(&tree);
        assert_eq!(
            write(&pairs, Charset::Utf8).unwrap(),
            "a=1&n=2&l=x&l=y&o=%7B%22k%22%3A%22v%22%7D"
        );
        assert_eq!(
            to_tree(pairs),
            json!({"a": "1", "n": "2", "l": ["x", "y"], "o": "{\"k\":\"v\"}"})
        );
    }

    #[test]
    fn a_gbk_form_has_gbk_bytes() {
        let pairs = vec![("xm".to_owned(), "张三".to_owned())];
        assert_eq!(write(&pairs, Charset::Gbk).unwrap(), "xm=%D5%C5%C8%FD");
        assert_eq!(
            read("xm=%D5%C5%C8%FD", Charset::Gbk).unwrap().tree,
            json!({"xm": "张三"})
        );
    }

    #[test]
    fn a_multipart_file_comes_back() {
        let tree = json!({"kind": "id", "paper": file(b"%PDF-", "a.pdf", "application/pdf")});
        let body = write_multipart(&tree, "b0undary", Charset::Utf8).unwrap();
        let read = read_multipart(&body, &multipart::content_type("b0undary"), Charset::Utf8).unwrap();
        assert_eq!(read.tree, tree);
    }
}
