//! A 3.1 document in the words of OpenAPI 3.0, for tools that know no newer one.

use serde_json::{Map, Value, json};

/// Keywords of 2020-12 that 3.0 has no words for. Dropping one only widens what a client believes to be allowed.
const UNKNOWN_TO_30: [&str; 16] = [
    "$defs",
    "$comment",
    "if",
    "then",
    "else",
    "prefixItems",
    "contains",
    "minContains",
    "maxContains",
    "patternProperties",
    "propertyNames",
    "dependentSchemas",
    "dependentRequired",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contentMediaType",
];

/// Rewrites a whole document, then reads and writes it through the typed model of 3.0, which drops what 3.0 doesn't know.
pub(super) fn to_30(document: Value) -> Value {
    let mut document = document;
    if let Value::Object(root) = &mut document {
        root.insert("openapi".into(), json!("3.0.3"));
        walk(root, false);
    }
    typed(&document).unwrap_or(document)
}

/// The document as the typed model of 3.0 understands it.
pub(super) fn typed(document: &Value) -> Option<Value> {
    let read: openapiv3::OpenAPI = serde_json::from_value(document.clone()).ok()?;
    serde_json::to_value(read).ok()
}

/// Walks everything; what stands under a key that holds schemas is rewritten as a schema.
fn walk(map: &mut Map<String, Value>, names_are_data: bool) {
    for (key, value) in map.iter_mut() {
        match (key.as_str(), value) {
            ("example" | "examples" | "value", _) if !names_are_data => {}
            ("schema", value) if !names_are_data => schema(value),
            ("schemas", Value::Object(all)) if !names_are_data => all.values_mut().for_each(schema),
            ("headers" | "responses" | "parameters" | "paths" | "content", Value::Object(inner)) if !names_are_data => {
                walk(inner, true);
            }
            (_, Value::Object(inner)) => walk(inner, false),
            (_, Value::Array(items)) => items
                .iter_mut()
                .filter_map(Value::as_object_mut)
                .for_each(|m| walk(m, false)),
            _ => {}
        }
    }
}

fn schema(value: &mut Value) {
    match value {
        Value::Bool(true) => *value = json!({}),
        Value::Bool(false) => *value = json!({"not": {}}),
        Value::Object(map) => {
            inner(map);
            rewrite(map);
        }
        _ => {}
    }
}

fn inner(map: &mut Map<String, Value>) {
    for (key, value) in map.iter_mut() {
        match key.as_str() {
            "properties" => value
                .as_object_mut()
                .into_iter()
                .flat_map(Map::values_mut)
                .for_each(schema),
            "items" | "additionalProperties" | "not" if value.is_object() => schema(value),
            "items" => schema(value),
            "allOf" | "anyOf" | "oneOf" => value.as_array_mut().into_iter().flatten().for_each(schema),
            _ => {}
        }
    }
}

fn rewrite(map: &mut Map<String, Value>) {
    UNKNOWN_TO_30.iter().for_each(|key| {
        map.remove(*key);
    });
    if let Some(Value::Array(examples)) = map.remove("examples")
        && let Some(first) = examples.into_iter().next()
    {
        map.insert("example".into(), first);
    }
    if let Some(one) = map.remove("const") {
        map.insert("enum".into(), json!([one]));
    }
    if map.remove("contentEncoding").is_some_and(|e| e == "base64") {
        map.insert("format".into(), json!("byte"));
    }
    for (exclusive, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(limit) = map.get(exclusive).filter(|l| l.is_number()).cloned() {
            map.insert(bound.into(), limit);
            map.insert(exclusive.into(), json!(true));
        }
    }
    types(map);
    branches(map);
    if map.contains_key("$ref") && map.len() > 1 {
        // In 3.0 whatever stands beside a reference is ignored.
        if let Some(reference) = map.remove("$ref") {
            map.insert("allOf".into(), json!([{"$ref": reference}]));
        }
    }
}

fn types(map: &mut Map<String, Value>) {
    let Some(Value::Array(types)) = map.get("type").cloned() else {
        if map.get("type").is_some_and(|t| t == "null") {
            map.remove("type");
            map.insert("nullable".into(), json!(true));
            map.insert("enum".into(), json!([null]));
        }
        return;
    };
    let real: Vec<Value> = types.iter().filter(|t| *t != "null").cloned().collect();
    if real.len() < types.len() {
        map.insert("nullable".into(), json!(true));
    }
    match real.as_slice() {
        [one] => {
            map.insert("type".into(), one.clone());
        }
        several => {
            let branches: Vec<Value> = several.iter().map(|t| json!({"type": t})).collect();
            map.remove("type");
            if !branches.is_empty() {
                map.entry("anyOf").or_insert(Value::Array(branches));
            }
        }
    }
}

/// `anyOf: [X, null]` is X that may be null.
fn branches(map: &mut Map<String, Value>) {
    for key in ["anyOf", "oneOf"] {
        let Some(Value::Array(all)) = map.get(key).cloned() else {
            continue;
        };
        let is_null = |b: &Value| b.get("enum") == Some(&json!([null]));
        let real: Vec<Value> = all.iter().filter(|b| !is_null(b)).cloned().collect();
        if real.len() == all.len() || real.is_empty() {
            continue;
        }
        map.insert("nullable".into(), json!(true));
        map.remove(key);
        let key = if real.len() == 1 { "allOf" } else { key };
        map.insert(key.into(), Value::Array(real));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_2020_12_become_words_of_30() {
        for (new, old) in [
            (
                json!({"type": ["string", "null"]}),
                json!({"type": "string", "nullable": true}),
            ),
            (json!({"const": 1}), json!({"enum": [1]})),
            (
                json!({"type": "integer", "exclusiveMinimum": 1}),
                json!({"type": "integer", "exclusiveMinimum": true, "minimum": 1}),
            ),
            (
                json!({"type": "string", "examples": ["a", "b"]}),
                json!({"type": "string", "example": "a"}),
            ),
            (
                json!({"$ref": "#/components/schemas/a", "description": "d"}),
                json!({"allOf": [{"$ref": "#/components/schemas/a"}], "description": "d"}),
            ),
            (
                json!({"anyOf": [{"$ref": "#/components/schemas/a"}, {"type": "null"}]}),
                json!({"allOf": [{"$ref": "#/components/schemas/a"}], "nullable": true}),
            ),
            (
                json!({"type": "array", "items": true}),
                json!({"type": "array", "items": {}}),
            ),
            (
                json!({"type": ["string", "integer"]}),
                json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            ),
        ] {
            let mut value = new.clone();
            schema(&mut value);
            assert_eq!(value, old, "{new}");
        }
    }
}
