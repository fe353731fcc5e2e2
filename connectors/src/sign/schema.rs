//! JSON Schema of the `sign` part, so that editors help.

use super::algorithm;
use serde_json::{Value, json};

/// JSON Schema (2020-12) of the `sign` part of a manifest.
#[must_use]
pub fn schema() -> Value {
    let mut properties = own_properties();
    let differing = properties.clone();
    if let Value::Object(members) = &mut properties {
        members.insert(
            "answer".into(),
            json!({"type": "object", "additionalProperties": false, "properties": differing, "description": "What differs in the signature of answers; without it answers are not signed."}),
        );
    }
    json!({
        "type": "object",
        "description": "How requests are signed. Reference: docs/how-to/signing.md.",
        "additionalProperties": false,
        "required": ["digest", "into"],
        "properties": properties,
    })
}

fn own_properties() -> Value {
    let text = |description: &str| json!({"type": "string", "description": description});
    let choice = |choices: &[&str], description: &str| json!({"enum": choices, "description": description});
    let list = |description: &str| json!({"type": "array", "items": {"type": "string"}, "description": description});
    let secret = |description: &str| json!({"type": "string", "pattern": "^secret:.+", "description": description});
    json!({
        "cover": text("sorted (default), sent, fields, template, body, member NAME (or a pattern, member *_response), or nothing."),
        "template": text("The covered text, for example \"{timestamp}{session:token}{nonce}{timestamp}\"."),
        "fields": list("The covered parameters, in this order."),
        "of": text("Where parameters are taken from: all (default), query, body, or a path in the body."),
        "exclude": list("Parameters that are not covered; the signature itself never is."),
        "empties": choice(&["drop", "keep"], "Whether empty parameters are covered; default: drop."),
        "order": choice(&["name", "nocase", "descending", "value"], "Order of sorted parameters; default: name."),
        "nested": choice(&["json", "sorted-json", "skip"], "Objects and lists among parameters; default: json."),
        "item": text("One parameter; default: \"{name}={value}\". \"{value | url}\" escapes."),
        "joiner": text("Between parameters; default: &."),
        "wrap": text("A text around the covered {text}, before the key."),
        "key": text("Where the secret stands: none (default), suffix, prefix, both, each with what stands between (\"suffix &key=\"), or a text with {text} and {secret}."),
        "digest": choice(&algorithm::NAMES, "What makes the signature."),
        "secret": secret("The key."),
        "verify": secret("The public key that checks answers and callbacks."),
        "mac_key": text("Key of an HMAC; default: {secret}."),
        "mac_steps": list("Texts over which the key is derived, one HMAC each."),
        "mac_form": choice(&["raw", "hex"], "Whether a derived key is its bytes (default) or their hex text."),
        "output": choice(&["hex", "base64", "base64url"], "How the signature is written; default: hex, base64 for signatures with key pairs."),
        "case": choice(&["lower", "upper"], "Case of hex; default: lower."),
        "into": text("Where the signature stands: sign, header X-Sign, query sign, head Security/Sign."),
        "value": text("What stands there; default: {signature}."),
        "add": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Places and what is put there before signing: {header X-Time: \"{timestamp}\"}."},
        "timestamp": text("epoch (default), epoch-ms, http, or a pattern, with \" utc\" behind it for UTC."),
        "nonce": text("hex 32 (default), digits N, letters N, uuid."),
        "seen": {"type": "object", "additionalProperties": false, "properties": {"timestamp": {"type": "string"}, "nonce": {"type": "string"}}, "description": "Where timestamp and nonce stand when a message is verified, if `add` did not put them there."},
        "skew": text("How far a timestamp may be off; default: 5m."),
        "several": text("What stands between several signatures at one place, a space for instance: any that fits will do."),
        "signer": text("Signer id of SM2; default: 1234567812345678."),
        "form": choice(&["der", "raw"], "How a signature of two numbers is written; default: der for sm2, raw for ecdsa-p256."),
    })
}
