//! Values as XML by the hints of the description (OpenAPI 3.1, 4.8.26).

use super::Mock;
use super::coerce::flat;
use super::media::plain;
use super::place::Place;
use serde_json::{Map, Value};

/// Deepest element.
const MAX_DEPTH: usize = 64;

/// A document with one root element.
pub(super) fn document(mock: &Mock, schema: Option<&Place<'_>>, value: &Value) -> String {
    let schema = schema.map_or(&Value::Null, |s| s.value);
    let short = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|r| r.rsplit('/').next());
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let own = flat(mock, schema);
    match value {
        // A root that is a list needs an element around it.
        Value::Array(items) if !is_wrapped(&own) => {
            let name = hinted(&own, short.unwrap_or("items"));
            out += &format!("<{name}>");
            let item = own.get("items").unwrap_or(&Value::Null);
            for value in items {
                element(mock, item, &hinted(&flat(mock, item), "item"), value, 1, &mut out);
            }
            out += &format!("</{name}>");
        }
        _ => element(mock, schema, &hinted(&own, short.unwrap_or("root")), value, 0, &mut out),
    }
    out
}

fn xml<'a>(flat: &'a Map<String, Value>, word: &str) -> Option<&'a Value> {
    flat.get("xml")?.get(word)
}

fn is_wrapped(flat: &Map<String, Value>) -> bool {
    xml(flat, "wrapped") == Some(&Value::Bool(true)) || xml(flat, "nodeType").is_some_and(|n| n == "element")
}

fn is_node(flat: &Map<String, Value>, kind: &str) -> bool {
    xml(flat, "nodeType").is_some_and(|n| n == kind)
}

/// The name of an element or attribute.
fn hinted(flat: &Map<String, Value>, name: &str) -> String {
    let local = tame(xml(flat, "name").and_then(Value::as_str).unwrap_or(name));
    match xml(flat, "prefix").and_then(Value::as_str).filter(|p| !p.is_empty()) {
        Some(prefix) => format!("{}:{local}", tame(prefix)),
        None => local,
    }
}

/// A name that XML takes (XML 1.0, 2.3), without colons of its own.
fn tame(name: &str) -> String {
    let mut out: String = name
        .chars()
        .map(|c| {
            if c.is_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    if !out.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        out.insert(0, '_');
    }
    out
}

fn namespace(flat: &Map<String, Value>) -> String {
    let Some(uri) = xml(flat, "namespace").and_then(Value::as_str) else {
        // A prefix without a namespace would not be well-formed with namespaces.
        let prefix = xml(flat, "prefix").and_then(Value::as_str).filter(|p| !p.is_empty());
        return prefix.map_or_else(String::new, |p| format!(" xmlns:{0}=\"urn:{0}\"", tame(p)));
    };
    match xml(flat, "prefix").and_then(Value::as_str).filter(|p| !p.is_empty()) {
        Some(prefix) => format!(" xmlns:{}=\"{}\"", tame(prefix), escaped(uri)),
        None => format!(" xmlns=\"{}\"", escaped(uri)),
    }
}

fn element(mock: &Mock, schema: &Value, name: &str, value: &Value, depth: usize, out: &mut String) {
    if depth > MAX_DEPTH {
        return;
    }
    let own = flat(mock, schema);
    match value {
        Value::Object(members) => {
            let of = |name: &str| own.get("properties").and_then(|p| p.get(name)).unwrap_or(&Value::Null);
            let (mut attributes, mut inner) = (String::new(), String::new());
            for (key, value) in members {
                let schema = of(key);
                let flat = flat(mock, schema);
                let is_attribute = xml(&flat, "attribute") == Some(&Value::Bool(true)) || is_node(&flat, "attribute");
                if is_attribute && !value.is_object() && !value.is_array() {
                    attributes += &format!(
                        "{} {}=\"{}\"",
                        namespace(&flat),
                        hinted(&flat, key),
                        escaped(&plain(value))
                    );
                } else if is_node(&flat, "text") || is_node(&flat, "cdata") {
                    inner += &escaped(&plain(value));
                } else {
                    element(mock, schema, &hinted(&flat, key), value, depth + 1, &mut inner);
                }
            }
            *out += &format!("<{name}{}{attributes}>{inner}</{name}>", namespace(&own));
        }
        Value::Array(items) => {
            let item = own.get("items").unwrap_or(&Value::Null);
            let inner = hinted(&flat(mock, item), name.rsplit(':').next().unwrap_or(name));
            if is_wrapped(&own) {
                *out += &format!("<{name}{}>", namespace(&own));
            }
            for value in items {
                element(mock, item, &inner, value, depth + 1, out);
            }
            if is_wrapped(&own) {
                *out += &format!("</{name}>");
            }
        }
        Value::Null => *out += &format!("<{name}{}/>", namespace(&own)),
        scalar => *out += &format!("<{name}{}>{}</{name}>", namespace(&own), escaped(&plain(scalar))),
    }
}

/// A text with markup escaped; what XML 1.0 cannot hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => out.push(c),
            _ => {}
        }
    }
    out
}
