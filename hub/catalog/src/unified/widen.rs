//! Answers that anonymous callers see masked: their schemas take the masked form beside the value.
//!
//! Only answers of R0 operations are seen by callers who are nobody, so only theirs are widened. A component that holds
//! masked values gets a sibling named `<name>.masked`.

use crate::load::schema::{component_reference, split_component};
use hub_core::Mask;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Widens schemas and collects the sibling components that this needs.
pub(super) struct Widener<'a> {
    components: &'a HashMap<String, Arc<Value>>,
    /// Finished siblings, by the name of the component they stand beside; `None` where nothing is masked.
    done: BTreeMap<String, Option<Value>>,
}

impl<'a> Widener<'a> {
    pub(super) fn new(components: &'a HashMap<String, Arc<Value>>) -> Self {
        Self {
            components,
            done: BTreeMap::new(),
        }
    }

    /// Name of the sibling of a component.
    fn sibling(name: &str) -> String {
        format!("{name}.masked")
    }

    /// The sibling components made so far.
    pub(super) fn into_components(self) -> impl Iterator<Item = (String, Value)> {
        self.done
            .into_iter()
            .filter_map(|(name, schema)| Some((Self::sibling(&name), schema?)))
    }

    /// The widened schema; the same one where nothing in it is masked.
    pub(super) fn widen(&mut self, schema: &Value) -> Value {
        self.changed(schema).unwrap_or_else(|| schema.clone())
    }

    fn changed(&mut self, schema: &Value) -> Option<Value> {
        let map = schema.as_object()?;
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            let (name, deeper) = split_component(reference)?;
            if !deeper.is_empty() || !self.component(&name) {
                return None;
            }
            let mut new = map.clone();
            new.insert("$ref".into(), Value::String(component_reference(&Self::sibling(&name))));
            return Some(Value::Object(new));
        }
        let inner = self.inside(map);
        let mask = map
            .get("x-hub-mask")
            .and_then(Value::as_str)
            .and_then(|m| m.parse().ok());
        let masked = mask.and_then(|mask| masked_form(&mask, map));
        match (masked, inner) {
            (Some(masked), _) => Some(json!({"anyOf": [schema, masked]})),
            (None, inner) => inner.map(Value::Object),
        }
    }

    /// Makes the sibling of a component; answers whether it has one.
    fn component(&mut self, name: &str) -> bool {
        if let Some(done) = self.done.get(name) {
            return done.is_some();
        }
        let Some(schema) = self.components.get(name) else {
            return false;
        };
        // A component that holds itself is looked at once; its inner references stay as they are.
        self.done.insert(name.to_owned(), None);
        let reference = json!({"$ref": component_reference(name)});
        let map = schema.as_object();
        let mask = map.and_then(|m| m.get("x-hub-mask")?.as_str()?.parse().ok());
        let own = map.and_then(|m| masked_form(&mask?, m));
        let widened = match own {
            Some(masked) => Some(json!({"anyOf": [reference, masked]})),
            None => self.changed(schema),
        };
        let has = widened.is_some();
        self.done.insert(name.to_owned(), widened);
        has
    }

    fn inside(&mut self, map: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut new = map.clone();
        let mut any = false;
        for (key, value) in map {
            let replaced = match (key.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    let mut all = properties.clone();
                    for (name, schema) in properties {
                        if let Some(changed) = self.changed(schema) {
                            all.insert(name.clone(), changed);
                        }
                    }
                    (all != *properties).then_some(Value::Object(all))
                }
                ("items" | "additionalProperties", schema) => self.changed(schema),
                ("allOf" | "anyOf" | "oneOf", Value::Array(branches)) => {
                    let all: Vec<Value> = branches.iter().map(|b| self.widen(b)).collect();
                    (all != *branches).then_some(Value::Array(all))
                }
                _ => None,
            };
            if let Some(value) = replaced {
                new.insert(key.clone(), value);
                any = true;
            }
        }
        any.then_some(new)
    }
}

/// What the masked form of a value looks like; `None` where it still fits the schema as it is.
fn masked_form(mask: &Mask, schema: &Map<String, Value>) -> Option<Value> {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or("string");
    let words = |zh: &str, en: &str| json!({"type": "string", "maxLength": 400, "description": format!("{zh} {en}")});
    match (mask, kind) {
        (Mask::None, _) | (Mask::Round(_), "number") => None,
        (Mask::Round(_), "integer") => Some(json!({"type": "number"})),
        (Mask::Bucket, "integer" | "number") => Some(words("脱敏后的区间", "The range, masked")),
        (_, "string") => Some(words("脱敏后的形式", "The masked form")),
        _ => Some(json!({"type": "null"})),
    }
}
