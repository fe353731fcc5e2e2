//! A schema with just what its references reach: whole descriptions are too large to be compiled with every schema.

use crate::document::unescape;
use serde_json::{Map, Value};
use std::collections::HashSet;

/// References followed in a row to find out what a property is.
const MAX_HOPS: usize = 16;

/// One self-contained schema: what it reaches stands at the places its references name.
pub(super) fn closure(document: &Value, schema: &Value) -> Value {
    let mut whole = schema.clone();
    let (mut open, mut seen) = (Vec::new(), HashSet::new());
    references(schema, &mut open);
    while let Some(reference) = open.pop() {
        let pointer = kept(&reference);
        if !seen.insert(pointer.clone()) {
            continue;
        }
        if let Some(target) = document.pointer(&pointer) {
            references(target, &mut open);
            put(&mut whole, &pointer, target);
        }
    }
    whole
}

/// Schemas that may be referred to by their address.
pub(super) fn addressed(document: &Value) -> Vec<(&str, &Value)> {
    let shared = document.pointer("/components/schemas").and_then(Value::as_object);
    shared
        .into_iter()
        .flat_map(|schemas| schemas.values())
        .filter_map(|schema| Some((schema.get("$id")?.as_str()?, schema)))
        .filter(|(address, _)| address.contains(':'))
        .collect()
}

/// What is copied for a reference: whole components, so that references into one another meet in one copy.
fn kept(reference: &str) -> String {
    let pointer = super::paths::percent(reference.strip_prefix('#').unwrap_or(reference));
    let end = pointer.match_indices('/').nth(3).map_or(pointer.len(), |(at, _)| at);
    match pointer.get(..end) {
        Some(whole) if pointer.starts_with("/components/") => whole.to_owned(),
        _ => pointer,
    }
}

fn put(whole: &mut Value, pointer: &str, target: &Value) {
    let mut place = whole;
    for token in pointer.split('/').skip(1) {
        let Some(map) = place.as_object_mut() else { return };
        place = map.entry(unescape(token)).or_insert_with(|| Value::Object(Map::new()));
    }
    *place = target.clone();
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" && text.starts_with("#/") => found.push(text.clone()),
                    Value::Object(_) | Value::Array(_) => references(value, found),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

/// Properties that carry a mark are no longer required, wherever they are.
pub(super) fn release(schema: &mut Value, all: &Value, mark: &str) {
    match schema {
        Value::Object(map) => {
            let marked: Vec<String> = map
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
                .filter(|(_, property)| is_marked(property, all, mark))
                .map(|(name, _)| name.clone())
                .collect();
            if let Some(required) = map.get_mut("required").and_then(Value::as_array_mut) {
                required.retain(|r| r.as_str().is_none_or(|r| !marked.iter().any(|m| m == r)));
            }
            map.values_mut().for_each(|value| release(value, all, mark));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| release(item, all, mark)),
        _ => {}
    }
}

/// Words of a schema that hold values and no schemas.
const VALUES: [&str; 5] = ["const", "enum", "default", "example", "examples"];

/// The formats of OpenAPI that say how far an integer may go, as limits: `format` is heard for texts alone.
pub(super) fn limit_integers(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let range = match map.get("format").and_then(Value::as_str) {
                Some("int32") => Some((i64::from(i32::MIN), i64::from(i32::MAX))),
                Some("int64") => Some((i64::MIN, i64::MAX)),
                _ => None,
            };
            if let Some((least, most)) = range.filter(|_| is_integer(map.get("type"))) {
                map.entry("minimum").or_insert_with(|| least.into());
                map.entry("maximum").or_insert_with(|| most.into());
            }
            let parts = map.iter_mut().filter(|(word, _)| !VALUES.contains(&word.as_str()));
            parts.for_each(|(_, part)| limit_integers(part));
        }
        Value::Array(items) => items.iter_mut().for_each(limit_integers),
        _ => {}
    }
}

fn is_integer(kind: Option<&Value>) -> bool {
    match kind {
        Some(Value::String(one)) => one == "integer",
        Some(Value::Array(many)) => many.iter().any(|one| one == "integer"),
        _ => false,
    }
}

fn is_marked(property: &Value, all: &Value, mark: &str) -> bool {
    let mut property = property;
    for _ in 0..MAX_HOPS {
        if property.get(mark) == Some(&Value::Bool(true)) {
            return true;
        }
        let reference = property.get("$ref").and_then(Value::as_str);
        let Some(next) = reference.and_then(|r| all.pointer(&super::paths::percent(r.strip_prefix('#')?))) else {
            return false;
        };
        property = next;
    }
    false
}
