//! JSON Schema of a provider's file, for editors; the reader says more, and says it with places.

use super::file::ATTRIBUTES;
use super::read::{ALGORITHMS, BINDINGS, CALL, DIALECTS, KEYS, NAME_IDS, SIGNED};
use serde_json::{Map, Value, json};

/// JSON Schema of a file below `policies/identity/`.
#[must_use]
pub fn schema() -> Value {
    let words: Vec<&str> = DIALECTS.iter().map(|(word, _)| *word).collect();
    let keys = KEYS.iter().chain(DIALECTS.iter().flat_map(|(_, keys)| keys.iter()));
    let properties: Map<String, Value> = keys.map(|key| ((*key).to_owned(), key_schema(key, &words))).collect();
    // What a dialect does not know is refused there.
    let only = DIALECTS.iter().map(|(word, own)| {
        let others = DIALECTS
            .iter()
            .filter(|(w, _)| w != word)
            .flat_map(|(_, keys)| keys.iter());
        let none: Map<String, Value> = others
            .filter(|key| !own.contains(key))
            .map(|key| ((*key).to_owned(), json!(false)))
            .collect();
        json!({"if": {"properties": {"dialect": {"const": word}}}, "then": {"properties": none}})
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "policies/identity/*.yaml",
        "description": "An identity provider from which people come. The file's name is the provider's id.",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "dialect", "most"],
        "properties": properties,
        "allOf": only.collect::<Vec<_>>(),
    })
}

fn key_schema(key: &str, dialects: &[&str]) -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let address = json!({"type": "string", "pattern": "^(https?://|\\$\\{IDENTITY_)"});
    let level = json!({"enum": ["R0", "R1", "R2", "R3", "R4"]});
    let algorithms: Vec<&str> = ALGORITHMS.iter().map(|(name, _)| *name).collect();
    match key {
        "name" => both(),
        "dialect" => json!({"enum": dialects}),
        "active" | "inner" | "userinfo" | "par" | "sha1" => json!({"type": "boolean"}),
        "client" => closed(
            &json!({"id": text, "secret": secret(), "auth": {"enum": ["basic", "post"]}}),
            &[],
        ),
        "claims" => {
            let all: Map<String, Value> = ATTRIBUTES
                .iter()
                .map(|(word, _)| ((*word).to_owned(), text.clone()))
                .collect();
            closed(&Value::Object(all), &[])
        }
        "most" => level,
        "assurance" => json!({"oneOf": [level, closed(
            &json!({"from": text, "table": {"type": "object", "additionalProperties": level}, "else": level}), &["from"])]}),
        "refuse" => json!({"type": "array", "items": closed(
            &json!({"value": text, "is": scalars(), "why": both()}), &["value", "is", "why"])}),
        "endpoints" => closed(
            &json!({"authorization": address, "token": address, "jwks": address, "userinfo": address, "par": address,
                   "says_iss": {"type": "boolean"}}),
            &["authorization", "token", "jwks"],
        ),
        "scope" => json!({"oneOf": [text, {"type": "array", "items": text}]}),
        "algorithms" => json!({"oneOf": [{"enum": algorithms}, {"type": "array", "items": {"enum": algorithms}}]}),
        "authorize" => closed(
            &json!({"url": address, "send": texts(), "fragment": text,
                   "state": {"description": "Name of the parameter with the state on the way back; in-callback if it stands in the address of the way back.", "type": "string"},
                   "state_length": {"type": "integer", "minimum": 32, "maximum": 128}}),
            &["url"],
        ),
        "back" | "take" => json!({"type": "object", "additionalProperties": text}),
        "token" | "server" | "sso" | "logout" => address,
        "binding" => words(&BINDINGS),
        "signed" => words(&SIGNED),
        "name_id" => words(&NAME_IDS),
        "certificates" => json!({"oneOf": [text, {"type": "array", "items": text}]}),
        "metadata" => json!({"type": "string", "pattern": "^[A-Za-z0-9_-][A-Za-z0-9._-]*\\.xml$",
            "description": "The provider's own description, a file beside this one."}),
        "signing" => closed(&json!({"key": secret(), "certificate": text}), &["key"]),
        "skew" => json!({"type": "integer", "minimum": 0, "maximum": 300}),
        "calls" => json!({"type": "array", "maxItems": 5, "items": call()}),
        "sign" => recipe(),
        _ => text,
    }
}

fn words<T>(words: &[(&str, T)]) -> Value {
    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    json!({"enum": words})
}

fn call() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    let part = |key: &str| match key {
        "url" => json!({"type": "string", "pattern": "^(https?://|\\$\\{IDENTITY_)"}),
        "method" => json!({"enum": ["GET", "POST"]}),
        "query" | "form" | "json" | "headers" => texts(),
        "sign" => recipe(),
        "answer" => json!({"enum": ["json", "xml"]}),
        "ok" => json!({"type": "object", "additionalProperties": scalars()}),
        "take" => json!({"type": "object", "additionalProperties": text}),
        "fails" => closed(
            &json!({"at": text, "codes": {"type": "object", "additionalProperties": {"enum": ["used", "busy", "denied"]}}}),
            &["at", "codes"],
        ),
        _ => text.clone(),
    };
    let parts: Map<String, Value> = CALL.iter().map(|key| ((*key).to_owned(), part(key))).collect();
    closed(&Value::Object(parts), &["url"])
}

fn closed(properties: &Value, required: &[&str]) -> Value {
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn both() -> Value {
    let text = json!({"type": "string", "minLength": 1});
    closed(&json!({"zh": text, "en": text}), &["zh", "en"])
}

fn secret() -> Value {
    json!({"type": "string", "pattern": "^secret:."})
}

fn texts() -> Value {
    json!({"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}})
}

fn scalars() -> Value {
    let one = json!({"type": ["string", "number", "boolean"]});
    json!({"oneOf": [one, {"type": "array", "items": one}]})
}

fn recipe() -> Value {
    json!({"type": "object", "description": "A signature as connectors describe theirs: docs/how-to/signing.md."})
}
