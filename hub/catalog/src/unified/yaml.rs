//! JSON values as block YAML that reads back to the same value.

use crate::document::plain_is_text;
use serde_json::{Map, Value};

/// A value as YAML 1.2 in block style, ending in a newline.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => mapping(map, 0, &mut out),
        Value::Array(items) if !items.is_empty() => list(items, 0, &mut out),
        other => {
            scalar(other, &mut out);
            out.push('\n');
        }
    }
    out
}

fn mapping(map: &Map<String, Value>, depth: usize, out: &mut String) {
    for (index, (key, value)) in map.iter().enumerate() {
        // The first entry of a list's item stands on the line of its dash.
        if index > 0 || !out.ends_with("- ") {
            indent(depth, out);
        }
        text(key, out);
        out.push(':');
        inner(value, depth, out);
    }
}

fn list(items: &[Value], depth: usize, out: &mut String) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 || !out.ends_with("- ") {
            indent(depth, out);
        }
        out.push_str("- ");
        match item {
            Value::Object(map) if !map.is_empty() => mapping(map, depth + 1, out),
            Value::Array(items) if !items.is_empty() => list(items, depth + 1, out),
            other => {
                scalar(other, out);
                out.push('\n');
            }
        }
    }
}

fn inner(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            out.push('\n');
            mapping(map, depth + 1, out);
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('\n');
            list(items, depth + 1, out);
        }
        other => {
            out.push(' ');
            scalar(other, out);
            out.push('\n');
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

fn scalar(value: &Value, out: &mut String) {
    match value {
        Value::String(s) => text(s, out),
        Value::Object(_) => out.push_str("{}"),
        Value::Array(_) => out.push_str("[]"),
        other => out.push_str(&other.to_string()),
    }
}

/// Plain where that is unmistakable, else in double quotes with JSON's escapes, which YAML shares.
fn text(s: &str, out: &mut String) {
    if is_plain(s) {
        out.push_str(s);
        return;
    }
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() || matches!(c, '\u{FEFF}' | '\u{2028}' | '\u{2029}') => {
                out.push_str(&format!("\\u{:04X}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

fn is_plain(s: &str) -> bool {
    let safe_start = s
        .chars()
        .next()
        .is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '(' | '_' | '$'));
    safe_start
        && plain_is_text(s)
        && s != "<<"
        && !s.ends_with([' ', ':'])
        && !s.contains(": ")
        && !s.contains(" #")
        // YAML 1.1 readers, of which there are many, take these for booleans, numbers and dates.
        && !matches!(s.to_ascii_lowercase().as_str(), "y" | "n" | "yes" | "no" | "on" | "off")
        && !s.starts_with(|c: char| c.is_ascii_digit())
        && s.chars().all(|c| !c.is_control() && !matches!(c, '\u{FEFF}' | '\u{2028}' | '\u{2029}' | '\u{85}'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;
    use proptest::prelude::*;
    use serde_json::json;

    fn round(value: &Value) -> Value {
        let text = to_yaml(value);
        Document::parse("a.yaml", text.as_bytes())
            .unwrap_or_else(|f| panic!("{f}\n{text}"))
            .value
    }

    #[test]
    fn reads_like_yaml() {
        let value =
            json!({"openapi": "3.1.0", "list": [{"a": 1, "b": [[], [1, "x: y"]]}, "text"], "empty": {}, "200": null});
        let expected = "openapi: \"3.1.0\"\nlist:\n  - a: 1\n    b:\n      - []\n      - - 1\n        - \"x: y\"\n  - text\nempty: {}\n\"200\": null\n";
        assert_eq!(to_yaml(&value), expected);
        assert_eq!(round(&value), value);
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            any::<String>(),
            "[-:#? \\[\\]{}&*!|>'\"%@`a0,.~\n\t]{0,8}",
            "(null|true|no|0x1|1e3|<<|---|\\.inf|=)"
        ];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9f64).prop_map(Value::from),
            text.clone().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec((text.clone(), inner), 0..5)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back(value in values()) {
            let back = round(&value);
            prop_assert_eq!(back.to_string(), value.to_string());
        }
    }
}
