//! The structural check: a document against the one description. Names every unknown key and every wrong kind, with
//! place, nearest name and what was expected.

use super::describe::{Key, Kind, Part};
use hub_catalog::document::{Document, escape, nearest};
use hub_core::{Finding, Text};
use serde_json::{Map, Value};

/// Depth of rows within rows.
const MAX_ROW_DEPTH: usize = 12;

/// Everything wrong with the structure of a part that stands at a pointer.
pub fn check(document: &Document, part: &Part, pointer: &str, value: &Value, findings: &mut Vec<Finding>) {
    let Value::Object(map) = value else {
        findings.push(wrong(document, pointer, "a mapping", value));
        return;
    };
    for (name, value) in map {
        let at = format!("{pointer}/{}", escape(name));
        match part.keys.iter().find(|k| k.name == name) {
            Some(key) => check_kind(document, key.kind, &at, value, findings),
            None => findings.push(unknown(document, part, name, &at)),
        }
    }
}

fn unknown(document: &Document, part: &Part, name: &str, at: &str) -> Finding {
    let names: Vec<&str> = part.keys.iter().map(|k: &Key| k.name).collect();
    let near = nearest(name, names.iter().copied());
    document
        .finding(
            "unknown-key",
            at,
            Text::new(
                format!("`{}` 中没有 `{name}` 这一项", part.name),
                format!("`{}` has no key `{name}`", part.name),
            ),
        )
        .expected(format!("one of {}", names.join(", ")), name)
        .near(near)
}

fn wrong(document: &Document, pointer: &str, expected: &str, got: &Value) -> Finding {
    document
        .finding(
            "wrong-kind",
            pointer,
            Text::new("此处的值类型不对", "The value here is of the wrong kind"),
        )
        .expected(expected, kind_of(got))
}

/// The kind of a value in words.
#[must_use]
pub fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

fn all(value: &Value, test: impl Fn(&Value) -> bool) -> bool {
    value
        .as_array()
        .map_or_else(|| test(value), |items| items.iter().all(&test))
}

fn check_kind(document: &Document, kind: Kind, at: &str, value: &Value, findings: &mut Vec<Finding>) {
    let mut expect = |good: bool, expected: &str| {
        if !good {
            findings.push(wrong(document, at, expected, value));
        }
    };
    match kind {
        Kind::Any | Kind::Foreign => {}
        Kind::Scalar => expect(is_scalar(value), "a text or a number"),
        Kind::Text => expect(value.is_string() || value.is_number(), "a text"),
        Kind::Count => expect(value.as_u64().is_some_and(|n| n > 0), "a whole number above 0"),
        Kind::Flag => expect(value.is_boolean(), "true or false"),
        Kind::Word(words) => check_word(document, words, at, value, findings),
        Kind::Scalars => expect(all(value, |v| is_scalar(v) || v.is_null()), "a text or a list of texts"),
        Kind::Texts => expect(
            all(value, |v| v.is_string() || v.is_number()),
            "a text or a list of texts",
        ),
        Kind::Part(part) => check(document, part, at, value, findings),
        Kind::TextOr(_) if value.is_string() => {}
        Kind::TextOr(part) => check(document, part, at, value, findings),
        Kind::Rows => check_rows(document, at, value, 0, findings),
        Kind::Map(_) if value == "same" => {}
        _ => match value {
            Value::Object(map) => check_map(document, kind, at, map, findings),
            _ => expect(false, "a mapping"),
        },
    }
}

fn check_word(document: &Document, words: &[&str], at: &str, value: &Value, findings: &mut Vec<Finding>) {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if !words.contains(&text.as_str()) {
        findings.push(
            document
                .finding(
                    "unknown-word",
                    at,
                    Text::new(format!("不认识 `{text}`"), format!("`{text}` is not known here")),
                )
                .expected(format!("one of {}", words.join(", ")), text.clone())
                .near(nearest(&text, words.iter().copied())),
        );
    }
}

fn check_map(document: &Document, kind: Kind, at: &str, map: &Map<String, Value>, findings: &mut Vec<Finding>) {
    for (name, value) in map {
        let below = format!("{at}/{}", escape(name));
        match kind {
            Kind::ScalarMap if !is_scalar(value) => findings.push(wrong(document, &below, "a text", value)),
            Kind::Tables => match value {
                Value::Object(entries) => {
                    for (code, canonical) in entries {
                        if !is_scalar(canonical) {
                            let at = format!("{below}/{}", escape(code));
                            findings.push(wrong(document, &at, "a canonical value", canonical));
                        }
                    }
                }
                _ => findings.push(wrong(document, &below, "a mapping of codes", value)),
            },
            Kind::Map(part) if !value.is_string() => check(document, part, &below, value, findings),
            _ => {}
        }
    }
}

fn check_rows(document: &Document, at: &str, value: &Value, depth: usize, findings: &mut Vec<Finding>) {
    let Value::Object(rows) = value else {
        findings.push(wrong(document, at, "rows `upstream: canonical`", value));
        return;
    };
    if depth > MAX_ROW_DEPTH {
        findings.push(wrong(document, at, "fewer rows within rows", value));
        return;
    }
    for (name, row) in rows {
        let at = format!("{at}/{}", escape(name));
        match row {
            Value::String(_) | Value::Null => {}
            Value::Array(items) if items.iter().all(Value::is_string) && !items.is_empty() => {}
            Value::Object(map) if map.len() == 1 => {
                for (canonical, inner) in map {
                    let below = format!("{at}/{}", escape(canonical));
                    check_rows(document, &below, inner, depth + 1, findings);
                }
            }
            _ => findings.push(wrong(
                document,
                &at,
                "a canonical name, a list of such names, or {canonical: {rows}}",
                row,
            )),
        }
    }
}
