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
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Bytes one compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;

/// Compiles a self-contained schema. Nothing is ever fetched; the message names what cannot be compiled.
pub(crate) fn compile(schema: &Value) -> Result<Validator, String> {
    compile_as(schema, jsonschema::Draft::Draft202012)
}

/// As [`compile`], with schemas that are referred to by their addresses.
pub(crate) fn compile_among(schema: &Value, others: &[(&str, &Value)]) -> Result<Validator, String> {
    if others.is_empty() {
        return compile(schema);
    }
    let draft = jsonschema::Draft::Draft202012;
    let others = others
        .iter()
        .map(|(address, other)| (*address, draft.create_resource((*other).clone())));
    let registry = jsonschema::Registry::new()
        .draft(draft)
        .retriever(Offline)
        .extend(others)
        .and_then(jsonschema::RegistryBuilder::prepare)
        .map_err(|error| error.to_string())?;
    let schema = with_addresses(schema);
    options(draft)
        .with_registry(&registry)
        .build(&schema)
        .map_err(|error| error.to_string())
}

/// As [`compile`], of another draft: rules of others say which they are written in.
pub(crate) fn compile_as(schema: &Value, draft: jsonschema::Draft) -> Result<Validator, String> {
    let schema = with_addresses(schema);
    options(draft).build(&schema).map_err(|error| error.to_string())
}

fn options<'r>(draft: jsonschema::Draft) -> jsonschema::ValidationOptions<'r> {
    let patterns = PatternOptions::regex()
        .size_limit(PATTERN_SIZE)
        .dfa_size_limit(PATTERN_SIZE);
    let options = jsonschema::options()
        .with_draft(draft)
        .offline()
        .with_pattern_options(patterns)
        .should_validate_formats(true);
    formats::register(options)
}

/// Nothing is fetched because a schema says so.
struct Offline;

impl jsonschema::Retrieve for Offline {
    fn retrieve(&self, address: &jsonschema::Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{address} is not there").into())
    }
}

/// A schema whose references are URI references (RFC 3986): names of components may be of any alphabet.
fn with_addresses(schema: &Value) -> Cow<'_, Value> {
    if !has_plain(schema) {
        return Cow::Borrowed(schema);
    }
    let mut schema = schema.clone();
    encode_references(&mut schema);
    Cow::Owned(schema)
}

fn has_plain(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().any(|(key, value)| match value {
            Value::String(text) => key == "$ref" && encoded(text) != *text,
            other => has_plain(other),
        }),
        Value::Array(items) => items.iter().any(has_plain),
        _ => false,
    }
}

fn encode_references(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if key == "$ref" => *text = encoded(text),
                    other => encode_references(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(encode_references),
        _ => {}
    }
}

/// A reference within a document with what a fragment can't hold written in percent.
fn encoded(reference: &str) -> String {
    let mut out = String::with_capacity(reference.len());
    for (at, byte) in reference.bytes().enumerate() {
        let hex = |offset: usize| reference.as_bytes().get(at + offset).is_some_and(u8::is_ascii_hexdigit);
        let plain = match byte {
            b'%' => hex(1) && hex(2),
            b'#' => at == 0 || !reference.starts_with('#'),
            other => other.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?[]".contains(&other),
        };
        if plain {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
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
