//! Texts of parameters and forms in the types their schemas want (OpenAPI 3.1, 4.8.12.2 to 4.8.12.4).

use super::Mock;
use super::place::Place;
use crate::compose::{Choice, References, flatten};
use crate::seed::Seed;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;

/// References and compositions followed to find the types of a schema.
const MAX_DEPTH: usize = 12;

/// One flat reading of a schema; empty where it has none.
pub(super) fn flat<'s>(mock: &Mock, schema: &'s Value) -> Cow<'s, Map<String, Value>> {
    let mut dice = Seed::new(0).dice();
    flatten(schema, mock, &mut dice, Choice::default()).unwrap_or_default()
}

/// The types a schema allows, as far as it names any.
fn types(mock: &Mock, schema: &Value, depth: usize, found: &mut Vec<String>) {
    let Some(map) = schema.as_object().filter(|_| depth < MAX_DEPTH) else {
        return;
    };
    match map.get("type") {
        Some(Value::String(one)) => found.push(one.clone()),
        Some(Value::Array(many)) => found.extend(many.iter().filter_map(Value::as_str).map(str::to_owned)),
        _ => {}
    }
    let reference = map.get("$ref").and_then(Value::as_str);
    if let Some(target) = reference.and_then(|r| mock.look_up(r)) {
        types(mock, &target, depth + 1, found);
    }
    for word in ["allOf", "anyOf", "oneOf"] {
        for part in map.get(word).and_then(Value::as_array).into_iter().flatten() {
            types(mock, part, depth + 1, found);
        }
    }
}

/// A text as the scalar its schema wants; as a text where it fits no other.
pub(super) fn scalar(mock: &Mock, schema: &Value, text: &str) -> Value {
    let mut wanted = Vec::new();
    types(mock, schema, 0, &mut wanted);
    let wants = |kind: &str| wanted.iter().any(|w| w == kind);
    let number = || {
        let shaped = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
        text.parse::<Number>().ok().filter(|_| shaped).map(Value::Number)
    };
    let other = match text {
        "true" | "false" if wants("boolean") => Some(Value::Bool(text == "true")),
        "null" if wants("null") => Some(Value::Null),
        _ if wants("number") || wants("integer") => number(),
        _ => None,
    };
    other.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// A parameter in path, header or cookie: `simple`, `label`, `matrix`, `form`.
pub(super) fn listed(mock: &Mock, parameter: &Place<'_>, schema: &Place<'_>, texts: &[String]) -> Option<Value> {
    let text = texts.first()?;
    if parameter.value.get("content").is_some() {
        return Some(json(text));
    }
    let text = match parameter.text("style") {
        Some("label") => text.strip_prefix('.').unwrap_or(text),
        Some("matrix") => text.split_once('=').map_or(text.as_str(), |(_, value)| value),
        _ => text,
    };
    let flat = flat(mock, schema.value);
    Some(match kind(&flat) {
        Some("array") => list(mock, &flat, text.split(',')),
        Some("object") => object(mock, &flat, parameter.is("explode"), text),
        _ => scalar(mock, schema.value, text),
    })
}

/// A parameter in the query: `form`, `spaceDelimited`, `pipeDelimited`, `deepObject`.
pub(super) fn query(
    mock: &Mock,
    parameter: &Place<'_>,
    schema: &Place<'_>,
    texts: &[String],
    all: &[(String, String)],
) -> Option<Value> {
    if parameter.value.get("content").is_some() {
        return texts.first().map(|text| json(text));
    }
    let flat = flat(mock, schema.value);
    let style = parameter.text("style").unwrap_or("form");
    let explode = parameter.value.get("explode").and_then(Value::as_bool);
    let explode = explode.unwrap_or(style == "form");
    match kind(&flat) {
        Some("object") if style == "deepObject" || (explode && texts.is_empty()) => {
            let name = parameter.text("name")?;
            let mut made = Map::new();
            for (key, text) in all {
                let inner = match style {
                    "deepObject" => key
                        .strip_prefix(name)
                        .and_then(|k| k.strip_prefix('[')?.strip_suffix(']')),
                    _ => Some(key.as_str()).filter(|k| property(&flat, k).is_some()),
                };
                if let Some(inner) = inner {
                    made.insert(inner.to_owned(), member(mock, &flat, inner, text));
                }
            }
            (!made.is_empty()).then_some(Value::Object(made))
        }
        Some("object") => texts.first().map(|text| match text.starts_with('{') {
            true => json(text),
            false => object(mock, &flat, false, text),
        }),
        Some("array") => {
            let between = match style {
                "spaceDelimited" => ' ',
                "pipeDelimited" => '|',
                _ => ',',
            };
            match texts {
                [] => None,
                [one] if !explode => Some(list(mock, &flat, one.split(between))),
                many => Some(list(mock, &flat, many.iter().map(String::as_str))),
            }
        }
        _ => texts.first().map(|text| scalar(mock, schema.value, text)),
    }
}

/// The value a form holds.
pub(super) fn form(mock: &Mock, schema: &Place<'_>, pairs: &[(String, String)]) -> Value {
    let flat = flat(mock, schema.value);
    let mut made = Map::new();
    for (name, text) in pairs {
        let own = property(&flat, name).map(|schema| self::flat(mock, schema));
        if let Some(own) = own.filter(|own| kind(own) == Some("array")) {
            let texts = pairs.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
            made.insert(name.clone(), list(mock, &own, texts));
        } else {
            made.insert(name.clone(), member(mock, &flat, name, text));
        }
    }
    Value::Object(made)
}

fn property<'a>(flat: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    flat.get("properties")?.get(name)
}

fn member(mock: &Mock, flat: &Map<String, Value>, name: &str, text: &str) -> Value {
    let schema = property(flat, name).unwrap_or(&Value::Null);
    if matches!(kind(&self::flat(mock, schema)), Some("object" | "array")) && text.starts_with(['{', '[']) {
        return json(text);
    }
    scalar(mock, schema, text)
}

fn list<'t>(mock: &Mock, flat: &Map<String, Value>, texts: impl Iterator<Item = &'t str>) -> Value {
    let item = flat.get("items").unwrap_or(&Value::Null);
    let own = self::flat(mock, item);
    let composed = matches!(kind(&own), Some("object" | "array"));
    let texts: Vec<&str> = texts.collect();
    // Some programs write the whole list into one part or pair, where the standard has one for each item.
    if let ([whole], Some("object" | "integer" | "number" | "boolean")) = (texts.as_slice(), kind(&own))
        && let Ok(Value::Array(items)) = serde_json::from_str(whole)
    {
        return Value::Array(items);
    }
    let one = |text: &str| match composed && text.starts_with(['{', '[']) {
        true => json(text),
        false => scalar(mock, item, text),
    };
    Value::Array(texts.into_iter().map(one).collect())
}

fn object(mock: &Mock, flat: &Map<String, Value>, explode: bool, text: &str) -> Value {
    let mut made = Map::new();
    let parts: Vec<&str> = text.split(',').collect();
    if explode {
        for (name, value) in parts.iter().filter_map(|p| p.split_once('=')) {
            made.insert(name.to_owned(), member(mock, flat, name, value));
        }
    } else {
        for pair in parts.chunks(2) {
            if let [name, value] = pair {
                made.insert((*name).to_owned(), member(mock, flat, name, value));
            }
        }
    }
    Value::Object(made)
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The type of a flat schema other than null.
pub(super) fn kind(flat: &Map<String, Value>) -> Option<&str> {
    match flat.get("type") {
        Some(Value::String(one)) => Some(one),
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).find(|k| *k != "null"),
        _ if flat.contains_key("properties") => Some("object"),
        _ if flat.contains_key("items") => Some("array"),
        _ => None,
    }
}
