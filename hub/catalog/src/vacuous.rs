//! Schemas that accept anything: a contract that says nothing.
//!
//! Vacuous is: `true` or `{}`; an object without properties that doesn't say what its other values are; a list whose
//! items are vacuous or unsaid; a string without any of enum, const, pattern, format or maximum length; a number or
//! integer without a bound; a composition that has a vacuous branch (`allOf`: only vacuous ones).

use crate::load::schema::split_component;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Looks for vacuous schemas, each component once.
pub(crate) struct Search<'a> {
    components: &'a HashMap<String, Arc<Value>>,
    seen: HashSet<String>,
}

impl<'a> Search<'a> {
    pub(crate) fn new(components: &'a HashMap<String, Arc<Value>>) -> Self {
        Self {
            components,
            seen: HashSet::new(),
        }
    }

    /// Pointers of the vacuous schemas in a schema and in what it refers to.
    pub(crate) fn find(&mut self, schema: &Value, pointer: &str, found: &mut Vec<String>) {
        let map = match schema {
            Value::Object(map) => map,
            Value::Bool(false) => return,
            _ => return found.push(pointer.to_owned()),
        };
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            self.behind(reference, found);
            return;
        }
        if is_vacuous(map) {
            found.push(pointer.to_owned());
        }
        for key in ["properties", "patternProperties"] {
            for (name, inner) in map.get(key).and_then(Value::as_object).into_iter().flatten() {
                self.find(
                    inner,
                    &format!("{pointer}/{key}/{}", crate::document::escape(name)),
                    found,
                );
            }
        }
        for key in ["items", "additionalProperties"] {
            if let Some(inner) = map.get(key).filter(|v| v.is_object()) {
                self.find(inner, &format!("{pointer}/{key}"), found);
            }
        }
        for key in ["allOf", "anyOf", "oneOf", "prefixItems"] {
            let branches = map.get(key).and_then(Value::as_array);
            for (index, inner) in branches.into_iter().flatten().enumerate() {
                // What one part of `allOf` leaves open, another may say.
                if key != "allOf" {
                    self.find(inner, &format!("{pointer}/{key}/{index}"), found);
                }
            }
        }
    }

    fn behind(&mut self, reference: &str, found: &mut Vec<String>) {
        let Some((name, deeper)) = split_component(reference) else {
            return;
        };
        if !self.seen.insert(format!("{name}{deeper}")) {
            return;
        }
        let components = self.components;
        if let Some(schema) = components.get(&name).and_then(|c| c.pointer(deeper)) {
            self.find(schema, reference, found);
        }
    }
}

fn is_vacuous(map: &Map<String, Value>) -> bool {
    let has = |key: &str| map.contains_key(key);
    if ["enum", "const", "$ref", "allOf", "anyOf", "oneOf", "not", "if"]
        .iter()
        .any(|k| has(k))
    {
        return false;
    }
    let named: Vec<&str> = match map.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several
            .iter()
            .filter_map(Value::as_str)
            .filter(|t| *t != "null")
            .collect(),
        _ if has("properties") => vec!["object"],
        _ if has("items") => vec!["array"],
        _ => return true,
    };
    named.iter().any(|kind| match *kind {
        "object" => {
            let said = map
                .get("properties")
                .and_then(Value::as_object)
                .is_some_and(|p| !p.is_empty());
            let rest = map.get("additionalProperties").is_some_and(|a| *a != Value::Bool(true));
            !said && !rest && !has("patternProperties")
        }
        "array" => !has("items") && !has("prefixItems"),
        "string" => !["pattern", "format", "maxLength", "contentEncoding"]
            .iter()
            .any(|k| has(k)),
        "integer" | "number" => ![
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ]
        .iter()
        .any(|k| has(k)),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_says_nothing_is_found_once() {
        let thing = json!({"type": "object", "properties": {"a": {"type": "string"}, "self": {"$ref": "#/components/schemas/t"}}});
        let components = HashMap::from([("t".to_owned(), Arc::new(thing))]);
        for (schema, expected) in [
            (json!({}), vec![""]),
            (json!(true), vec![""]),
            (json!({"title": "x"}), vec![""]),
            (json!({"type": "object"}), vec![""]),
            (
                json!({"type": "object", "additionalProperties": {"type": "boolean"}}),
                vec![],
            ),
            (json!({"type": "array"}), vec![""]),
            (json!({"type": "array", "items": {}}), vec!["/items"]),
            (json!({"type": "string"}), vec![""]),
            (json!({"type": "string", "maxLength": 5}), vec![]),
            (json!({"type": ["integer", "null"]}), vec![""]),
            (json!({"type": "number", "minimum": 0}), vec![]),
            (json!({"type": "boolean"}), vec![]),
            (json!({"enum": ["a"]}), vec![]),
            (
                json!({"anyOf": [{"type": "null"}, {"type": "string"}]}),
                vec!["/anyOf/1"],
            ),
            (
                json!({"type": "array", "items": [1], "prefixItems": [{"$ref": "#/components/schemas/t"}]}),
                vec!["#/components/schemas/t/properties/a"],
            ),
        ] {
            let mut found = Vec::new();
            Search::new(&components).find(&schema, "", &mut found);
            assert_eq!(found, expected, "{schema}");
        }
    }
}
