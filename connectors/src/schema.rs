//! JSON Schema of manifests, made from the same description that checks them, so that editors help while one is written.

use crate::dialect::SPOKEN;
use crate::error::Failure;
use crate::manifest::describe::{Key, Kind, MANIFEST, Part};
use serde_json::{Map, Value, json};

/// The JSON Schema (2020-12) of `connector.yaml`.
#[must_use]
pub fn schema() -> Value {
    let mut parts = Map::new();
    let root = part(&MANIFEST, &mut parts);
    parts.insert("rows".to_owned(), rows());
    parts.insert("sign".to_owned(), crate::sign::schema());
    let mut schema = Map::new();
    schema.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    schema.insert("title".to_owned(), json!("connector.yaml"));
    if let Value::Object(root) = root {
        schema.extend(root);
    }
    schema.insert("required".to_owned(), json!(["system", "upstream"]));
    schema.insert("$defs".to_owned(), Value::Object(parts));
    Value::Object(schema)
}

fn part(part: &Part, parts: &mut Map<String, Value>) -> Value {
    let properties: Map<String, Value> = part
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), property(part, key, parts)))
        .collect();
    json!({
        "type": "object",
        "description": part.about,
        "additionalProperties": false,
        "properties": properties,
    })
}

fn property(of: &Part, key: &Key, parts: &mut Map<String, Value>) -> Value {
    let mut schema = match (of.name, key.name) {
        ("upstream", "dialect") => json!({"enum": SPOKEN}),
        ("manifest", "system") => json!({"type": "string", "pattern": "^[a-z0-9-]+/[a-z0-9-]+$"}),
        (_, "fails") => {
            let words: Vec<&str> = Failure::ALL.iter().map(|(w, _)| *w).collect();
            json!({"type": "object", "additionalProperties": {"enum": words}})
        }
        (_, "sign") => json!({"$ref": "#/$defs/sign"}),
        _ => kind(key.kind, parts),
    };
    if let Value::Object(map) = &mut schema {
        map.insert("description".to_owned(), json!(key.about));
    }
    schema
}

fn kind(of: Kind, parts: &mut Map<String, Value>) -> Value {
    let scalar = || json!({"type": ["string", "number", "boolean"]});
    match of {
        Kind::Scalar => scalar(),
        Kind::Text => json!({"type": ["string", "number"]}),
        Kind::Count => json!({"type": "integer", "minimum": 1}),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Any | Kind::Foreign => json!({}),
        Kind::Word(words) => json!({"enum": words}),
        Kind::Scalars => {
            let one = json!({"type": ["string", "number", "boolean", "null"]});
            json!({"anyOf": [one, {"type": "array", "items": one}]})
        }
        Kind::Texts => {
            let one = json!({"type": ["string", "number"]});
            json!({"anyOf": [one, {"type": "array", "items": one}]})
        }
        Kind::ScalarMap => json!({"type": "object", "additionalProperties": scalar()}),
        Kind::Values => json!({"type": "object"}),
        Kind::Rows => json!({"$ref": "#/$defs/rows"}),
        Kind::Tables => {
            json!({"type": "object", "additionalProperties": {"type": "object", "additionalProperties": scalar()}})
        }
        Kind::Part(inner) => reference(inner, parts),
        Kind::TextOr(inner) => json!({"anyOf": [{"type": "string"}, reference(inner, parts)]}),
        Kind::Map(inner) => {
            let one = json!({"anyOf": [{"type": "string"}, reference(inner, parts)]});
            json!({"anyOf": [{"const": "same"}, {"type": "object", "additionalProperties": one}]})
        }
    }
}

fn reference(inner: &'static Part, parts: &mut Map<String, Value>) -> Value {
    if !parts.contains_key(inner.name) {
        // Its place first, so that parts may hold each other.
        parts.insert(inner.name.to_owned(), Value::Null);
        let schema = part(inner, parts);
        parts.insert(inner.name.to_owned(), schema);
    }
    json!({"$ref": format!("#/$defs/{}", inner.name)})
}

fn rows() -> Value {
    json!({
        "type": "object",
        "description": "Rows: upstream name to canonical name, `| codec` behind it; {canonical: {rows}} for members and items; null takes a row of the system away.",
        "additionalProperties": {"anyOf": [
            {"type": ["string", "null"]},
            {"type": "array", "items": {"type": "string"}, "minItems": 1},
            {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": {"$ref": "#/$defs/rows"}},
        ]},
    })
}
