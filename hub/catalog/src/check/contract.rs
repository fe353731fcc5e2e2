//! Flat input and answers against an operation's contract.

use super::checker::{Checker, Walk};
use crate::catalog::BODY_FIELD;
use crate::document::escape;
use crate::load::schema::split_component;
use hub_core::Operation;
use hub_core::problem::Violation;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Violations named in one problem.
const MAX_VIOLATIONS: usize = 50;

/// What a check needs of the catalog.
pub(crate) struct Ground<'a> {
    pub(crate) checker: &'a Checker,
    pub(crate) components: &'a HashMap<String, Arc<Value>>,
    /// Whether the operation is the catalog's own, as it stands there.
    pub(crate) is_own: bool,
    /// Whether the body may be left out.
    pub(crate) body_is_optional: bool,
}

/// Flat input as the client gave it.
pub(crate) fn input(
    operation: &Operation,
    input: &Map<String, Value>,
    ground: &Ground<'_>,
) -> Result<(), Vec<Violation>> {
    let mut walk = Walk::new(ground.checker, ground.components, ground.is_own);
    for parameter in &operation.parameters {
        let name = parameter.name.as_str();
        let place = format!("parameter/{}", escape(name));
        let shape = operation.input.child(name);
        match input.get(name) {
            Some(value) => walk.value(&parameter.schema, value, &place, shape),
            None if parameter.required && !operation.is_bound(name) => walk.missing(&place, name, shape),
            None => {}
        }
    }
    for (name, value) in input {
        let place = format!("/{}", escape(name));
        match operation.input.child(name) {
            Some(shape) if operation.is_bound(name) => walk.value(&shape.schema, value, &place, Some(shape)),
            Some(_) => {}
            None if is_open(operation, &walk) => {}
            None => {
                let known = operation.input.children.iter().map(|c| c.name.as_ref());
                walk.unknown(&place, name, value, known);
            }
        }
    }
    if let Some(schema) = operation.request.as_deref() {
        body(operation, schema, input, ground, &mut walk);
    }
    walk.finish(MAX_VIOLATIONS)
}

fn body<'a>(
    operation: &Operation,
    schema: &'a Value,
    input: &Map<String, Value>,
    ground: &Ground<'a>,
    walk: &mut Walk<'a>,
) {
    if let Some(shape) = operation.input.child(BODY_FIELD) {
        match input.get(BODY_FIELD) {
            Some(value) => walk.value(schema, value, "", Some(shape)),
            None if shape.required => walk.missing("", "body", Some(shape)),
            None => {}
        }
        return;
    }
    let is_parameter = |name: &str| operation.parameters.iter().any(|p| p.name == name);
    if ground.body_is_optional && input.keys().all(|name| is_parameter(name)) {
        return;
    }
    if walk.part(schema, input, &operation.input) {
        return;
    }
    let belongs = |name: &str| {
        let stands_outside = is_parameter(name) || operation.is_bound(name);
        !stands_outside || mentions(schema, name, ground.components, 0)
    };
    let fields: Map<String, Value> = input
        .iter()
        .filter(|(name, _)| belongs(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    walk.value(schema, &Value::Object(fields), "", Some(&operation.input));
}

/// An answer's body.
pub(crate) fn output(operation: &Operation, output: &Value, ground: &Ground<'_>) -> Result<(), Vec<Violation>> {
    let Some(schema) = operation.response.as_deref() else {
        return Ok(());
    };
    let mut walk = Walk::new(ground.checker, ground.components, ground.is_own);
    if walk.ready(schema).is_some_and(|ready| ready.value(output)) {
        return Ok(());
    }
    walk.value(schema, output, "", Some(&operation.output));
    walk.finish(MAX_VIOLATIONS)
}

/// Whether an answer's bytes fit and say nothing else.
pub(crate) fn exact(operation: &Operation, bytes: &[u8], ground: &Ground<'_>) -> bool {
    let Some(schema) = operation.response.as_deref() else {
        return false;
    };
    let walk = Walk::new(ground.checker, ground.components, ground.is_own);
    walk.ready(schema).is_some_and(|ready| ready.exactly(bytes))
}

/// Whether a contract says that it takes fields it does not name. Silence does not.
fn is_open<'a>(operation: &'a Operation, walk: &Walk<'a>) -> bool {
    let Some(schema) = operation.request.as_deref() else {
        return false;
    };
    match walk.behind(schema).0.get("additionalProperties") {
        Some(Value::Bool(open)) => *open,
        Some(_) => true,
        None => false,
    }
}

/// Whether a schema names a property, also in what it is composed of.
fn mentions(schema: &Value, name: &str, components: &HashMap<String, Arc<Value>>, depth: usize) -> bool {
    if depth > 8 {
        return false;
    }
    let here = schema.get("properties").is_some_and(|p| p.get(name).is_some());
    let reference = schema.get("$ref").and_then(Value::as_str).and_then(split_component);
    let target = reference.and_then(|(component, deeper)| components.get(&component)?.pointer(deeper));
    let branches = ["allOf", "oneOf", "anyOf"]
        .into_iter()
        .filter_map(|k| schema.get(k)?.as_array())
        .flatten();
    here || target
        .into_iter()
        .chain(branches)
        .any(|s| mentions(s, name, components, depth + 1))
}
