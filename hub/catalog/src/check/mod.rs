//! Checking values against schemas: JSON Schema 2020-12 with formats asserted, and a sentence in both languages for
//! every way not to fit.

pub(crate) mod checker;
pub(crate) mod contract;
pub(crate) mod fits;
pub(crate) mod formats;
pub(crate) mod sentence;

use crate::load::schema::{COMPONENT, split_component};
use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Bytes one compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;

/// Compiles a self-contained schema. Nothing is ever fetched; the message names what cannot be compiled.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    let patterns = PatternOptions::regex()
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_SIZE);
    let options = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .offline()
        .with_pattern_options(patterns)
        .should_validate_formats(true);
    formats::register(options)
        .build(schema)
        .map_err(|error| error.to_string())
}

/// A schema together with all components it reaches, as one self-contained schema.
pub(crate) fn closure(schema: &Value, components: &HashMap<String, Arc<Value>>) -> Value {
    let mut reached = Map::new();
    let mut open = Vec::new();
    references(schema, &mut open);
    while let Some(name) = open.pop() {
        if reached.contains_key(&name) {
            continue;
        }
        if let Some(component) = components.get(&name) {
            references(component, &mut open);
            reached.insert(name, component.as_ref().clone());
        }
    }
    let mut whole = match schema {
        Value::Object(map) => map.clone(),
        other => return other.clone(),
    };
    if !reached.is_empty() {
        whole.insert("components".into(), json!({"schemas": reached}));
    }
    Value::Object(whole)
}

/// Names of the components a schema refers to.
pub(crate) fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                match value {
                    Value::String(text) if key == "$ref" && text.starts_with(COMPONENT) => {
                        found.extend(split_component(text).map(|(name, _)| name));
                    }
                    Value::Object(_) | Value::Array(_) => references(value, found),
                    _ => {}
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}
