//! What a service is sent and never says again: `writeOnly` (OpenAPI 3.0.3, Schema Object; JSON Schema validation, 9.4).

use super::place::Place;
use super::{Mock, Told, coerce, media};
use crate::compose::References;
use serde_json::Value;

/// Schemas within schemas that are followed.
const DEPTH: usize = 16;

impl Mock {
    /// An answer without it. A property that is required besides is required of requests alone.
    pub(super) fn withheld(&self, mut told: Told) -> Told {
        let (true, Some(pointer), Some(value)) = (self.withholds, &told.schema, &told.value) else {
            return told;
        };
        let document = &self.description.document;
        let schema = Place::at(document, pointer);
        let mut shown = value.clone();
        self.withhold(schema.value, &mut shown, 0);
        let media = told.headers.iter().find(|(name, _)| name == "content-type");
        if let (true, Some((_, media))) = (shown != *value, media) {
            told.body = media::write(self, media, Some(&schema), &shown);
            told.value = Some(shown);
        }
        told
    }

    fn withhold(&self, schema: &Value, value: &mut Value, depth: usize) {
        if depth > DEPTH {
            return;
        }
        self.each_part(schema, 0, &mut |part| match value {
            Value::Object(members) => {
                let known = part.get("properties").and_then(Value::as_object);
                for (name, property) in known.into_iter().flatten() {
                    if is_withheld(&coerce::flat(self, property)) {
                        members.shift_remove(name);
                    } else if let Some(member) = members.get_mut(name) {
                        self.withhold(property, member, depth + 1);
                    }
                }
            }
            Value::Array(items) => {
                let schema = part.get("items");
                for (item, schema) in items.iter_mut().zip(schema.into_iter().cycle()) {
                    self.withhold(schema, item, depth + 1);
                }
            }
            _ => {}
        });
    }

    /// A schema, what it refers to and all that it is made of, each once.
    fn each_part(&self, schema: &Value, depth: usize, each: &mut dyn FnMut(&Value)) {
        if depth > DEPTH {
            return;
        }
        each(schema);
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(target) = reference.and_then(|r| self.look_up(r)) {
            self.each_part(&target, depth + 1, each);
        }
        for word in ["allOf", "oneOf", "anyOf"] {
            let parts = schema.get(word).and_then(Value::as_array);
            for part in parts.into_iter().flatten() {
                self.each_part(part, depth + 1, each);
            }
        }
    }
}

fn is_withheld(schema: &serde_json::Map<String, Value>) -> bool {
    schema.get("writeOnly") == Some(&Value::Bool(true))
}

/// Whether anything in a document is `writeOnly`: most have nothing of it, and their answers need not be looked through.
pub(super) fn anywhere(document: &Value) -> bool {
    match document {
        Value::Object(members) => is_withheld(members) || members.values().any(anywhere),
        Value::Array(items) => items.iter().any(anywhere),
        _ => false,
    }
}
