//! Short names for long things: what limits, caches and idempotency keys are counted and compared under.

use hub_crypto::{Digest, digest, hex};
use serde_json::{Map, Value};
use std::hash::{DefaultHasher, Hash, Hasher};

/// SHA-256 over parts, in hex. Every part is preceded by its length, so that `ab|c` and `a|bc` differ.
pub(crate) fn of(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    hex(&digest(Digest::Sha256, &bytes))
}

/// SHA-256 of a flat input, the same for every order of its top-level fields.
pub(crate) fn of_input(input: &Map<String, Value>) -> String {
    let mut fields: Vec<(&String, &Value)> = input.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    let text = fields
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>();
    of(&text.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A 64-bit key for limiters, where a collision only means that two callers share a bucket.
pub(crate) fn key(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
    }

    #[test]
    fn the_order_of_fields_does_not_matter_but_values_do() {
        let map = |v: Value| v.as_object().cloned().unwrap();
        assert_eq!(
            of_input(&map(json!({"a": 1, "b": "x"}))),
            of_input(&map(json!({"b": "x", "a": 1})))
        );
        assert_ne!(of_input(&map(json!({"a": 1}))), of_input(&map(json!({"a": "1"}))));
    }
}
