//! Turns a schema with references and composition into one flat schema that a value can be made for.

use crate::seed::{Dice, Seed};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::sync::Arc;

/// References and branches followed for one value before it counts as endless.
const DEEPEST: usize = 24;

/// Finds what a `$ref` means.
pub(crate) trait References {
    /// The schema behind a reference.
    fn look_up(&self, reference: &str) -> Option<Arc<Value>>;
}

/// Why no flat schema exists.
pub(crate) type Reason = String;

/// What of a schema's alternatives is wanted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Choice {
    /// Added to the number of the branch taken, so that a second try takes another one.
    pub turn: usize,
}

/// One flat schema: no `$ref`, `allOf`, `anyOf`, `oneOf`, `if` at its top. `Value::Bool(true)` becomes an empty one.
/// A schema that is flat already is lent, for most are.
pub(crate) fn flatten<'s>(
    schema: &'s Value,
    references: &dyn References,
    dice: &mut Dice,
    choice: Choice,
) -> Result<Cow<'s, Map<String, Value>>, Reason> {
    flatten_at(schema, references, dice, choice, 0)
}

/// The reference of a schema that is nothing else.
pub(crate) fn bare(schema: &Value) -> Option<&str> {
    let map = schema.as_object().filter(|map| map.len() == 1)?;
    map.get("$ref")?.as_str()
}

fn flatten_at<'s>(
    schema: &'s Value,
    references: &dyn References,
    dice: &mut Dice,
    choice: Choice,
    depth: usize,
) -> Result<Cow<'s, Map<String, Value>>, Reason> {
    if depth > DEEPEST {
        return Err("its references never end".into());
    }
    let map = match schema {
        Value::Bool(true) => return Ok(Cow::default()),
        Value::Object(map) => map,
        _ => return Err("it allows no value".into()),
    };
    let composed = ["$ref", "allOf", "anyOf", "oneOf", "if"];
    if !composed.iter().any(|k| map.contains_key(*k)) {
        return Ok(Cow::Borrowed(map));
    }
    let mut flat: Map<String, Value> = map
        .iter()
        .filter(|(k, _)| !composed.contains(&k.as_str()) && *k != "then" && *k != "else")
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
        let target = references
            .look_up(reference)
            .ok_or_else(|| format!("{reference} leads nowhere"))?;
        merge(
            &mut flat,
            flatten_at(&target, references, dice, choice, depth + 1)?.into_owned(),
        );
    }
    for part in map.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        merge(
            &mut flat,
            flatten_at(part, references, dice, choice, depth + 1)?.into_owned(),
        );
    }
    for keyword in ["oneOf", "anyOf"] {
        if let Some(branches) = map.get(keyword).and_then(Value::as_array) {
            let branch = take_branch(branches, dice, choice)?;
            merge(
                &mut flat,
                flatten_at(branch, references, dice, choice, depth + 1)?.into_owned(),
            );
            discriminate(&mut flat, map, branch);
            if keyword == "oneOf" && choice.turn >= branches.len() {
                let others = branches.iter().filter(|other| !std::ptr::eq(*other, branch));
                others.for_each(|other| set_apart(&mut flat, other, references, depth));
            }
        }
    }
    if let Some(condition) = map.get("if") {
        // Odd tries satisfy the other side, in case this one cannot be.
        let parts = match choice.turn % 2 {
            0 => [Some(condition), map.get("then")],
            _ => [None, map.get("else")],
        };
        for part in parts.into_iter().flatten() {
            merge(
                &mut flat,
                flatten_at(part, references, dice, choice, depth + 1)?.into_owned(),
            );
        }
    }
    Ok(Cow::Owned(flat))
}

/// A branch other than `null`, if there is one.
fn take_branch<'a>(branches: &'a [Value], dice: &mut Dice, choice: Choice) -> Result<&'a Value, Reason> {
    let is_null = |b: &Value| b.get("type").is_some_and(|t| t == "null");
    let real: Vec<&Value> = branches.iter().filter(|b| !is_null(b)).collect();
    let of: Vec<&Value> = if real.is_empty() {
        branches.iter().collect()
    } else {
        real
    };
    // Every branch has its turn; after that chance decides, for schemas with several lists of branches.
    let start = match choice.turn {
        turn if turn < of.len() => turn,
        _ => dice.index(of.len()),
    };
    of.get(start).copied().ok_or_else(|| "it has no branch".into())
}

/// Where every value of the branch taken would fit another one, too: a property that only the other one knows, with a value it
/// does not take.
fn set_apart(flat: &mut Map<String, Value>, other: &Value, references: &dyn References, depth: usize) {
    let open = flat.get("additionalProperties").is_none_or(|a| *a == Value::Bool(true));
    let mut dice = Seed::new(0).dice();
    let other = flatten_at(other, references, &mut dice, Choice::default(), depth + 1).unwrap_or_default();
    let known = flat
        .get("properties")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let properties = other.get("properties").and_then(Value::as_object);
    let odd = properties
        .into_iter()
        .flatten()
        .filter(|_| open)
        .find_map(|(name, schema)| {
            let wrong = match schema.get("type").and_then(Value::as_str)? {
                "string" => Value::from(0),
                _ => Value::from("-"),
            };
            (!known.contains_key(name)).then(|| (name.clone(), wrong))
        });
    let Some((name, wrong)) = odd else { return };
    let constant = Value::Object(Map::from_iter([("const".to_owned(), wrong)]));
    if let Some(properties) = entry_object(flat, "properties") {
        properties.insert(name.clone(), constant);
    }
    require(flat, &name);
}

fn require(flat: &mut Map<String, Value>, name: &str) {
    let required = flat.entry("required").or_insert_with(|| Value::Array(Vec::new()));
    if let Some(required) = required.as_array_mut()
        && !required.iter().any(|r| r == name)
    {
        required.push(Value::from(name));
    }
}

/// Sets the discriminating property to the name of the branch taken (OpenAPI 3.1, 4.8.25).
fn discriminate(flat: &mut Map<String, Value>, owner: &Map<String, Value>, branch: &Value) {
    let Some(discriminator) = owner.get("discriminator") else {
        return;
    };
    let Some(property) = discriminator.get("propertyName").and_then(Value::as_str) else {
        return;
    };
    let Some(reference) = branch.get("$ref").and_then(Value::as_str) else {
        return;
    };
    let short = reference.rsplit('/').next().unwrap_or(reference);
    let mapped = discriminator
        .get("mapping")
        .and_then(Value::as_object)
        .and_then(|mapping| {
            let hit = mapping.iter().find(|(_, to)| *to == reference || *to == short);
            hit.map(|(name, _)| name.clone())
        });
    let name = mapped.unwrap_or_else(|| short.to_owned());
    let constant = Value::Object(Map::from_iter([("const".to_owned(), Value::String(name))]));
    if let Some(properties) = entry_object(flat, "properties") {
        let fixed = properties.get(property).is_some_and(|p| p.get("const").is_some());
        if !fixed {
            properties.insert(property.to_owned(), constant);
        }
    }
    require(flat, property);
}

fn entry_object<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    map.entry(key)
        .or_insert_with(|| Value::Object(Map::new()))
        .as_object_mut()
}

/// Adds a second schema: a value has to fit both.
fn merge(flat: &mut Map<String, Value>, more: Map<String, Value>) {
    for (key, value) in more {
        let Some(have) = flat.get_mut(&key) else {
            flat.insert(key, value);
            continue;
        };
        match key.as_str() {
            "properties" | "patternProperties" | "$defs" => merge_properties(have, value),
            "required" => {
                if let (Some(have), Value::Array(more)) = (have.as_array_mut(), value) {
                    have.extend(more.into_iter().filter(|m| !have.contains(m)).collect::<Vec<_>>());
                }
            }
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties"
                if value.as_f64() > have.as_f64() =>
            {
                *have = value;
            }
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties"
                if value.as_f64() < have.as_f64() =>
            {
                *have = value;
            }
            "enum" | "type" => narrow(have, value),
            "items" => *have = both(have.take(), value),
            _ => {}
        }
    }
}

fn merge_properties(have: &mut Value, more: Value) {
    if let (Some(have), Value::Object(more)) = (have.as_object_mut(), more) {
        for (name, schema) in more {
            let merged = match have.remove(&name) {
                Some(old) => both(old, schema),
                None => schema,
            };
            have.insert(name, merged);
        }
    }
}

fn both(one: Value, two: Value) -> Value {
    if one == two {
        return one;
    }
    Value::Object(Map::from_iter([("allOf".to_owned(), Value::Array(vec![one, two]))]))
}

/// Keeps what both lists have; leaves the first where they share nothing, for the checker to complain about.
fn narrow(have: &mut Value, more: Value) {
    let list = |v: Value| match v {
        Value::Array(items) => items,
        other => vec![other],
    };
    let (one, two) = (list(have.clone()), list(more));
    let fits = |a: &Value| two.contains(a) || (a == "integer" && two.iter().any(|b| b == "number"));
    let mut shared: Vec<Value> = one.iter().filter(|a| fits(a)).cloned().collect();
    if shared.is_empty() && one.iter().any(|a| a == "number") && two.iter().any(|b| b == "integer") {
        shared.push(Value::String("integer".into()));
    }
    if !shared.is_empty() {
        *have = Value::Array(shared);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Table(Value);
    impl References for Table {
        fn look_up(&self, reference: &str) -> Option<Arc<Value>> {
            self.0.get(reference).cloned().map(Arc::new)
        }
    }

    fn flat(schema: &Value, table: &Value, turn: usize) -> Result<Value, Reason> {
        let table = Table(table.clone());
        flatten(schema, &table, &mut Seed::new(1).dice(), Choice { turn }).map(|flat| Value::Object(flat.into_owned()))
    }

    #[test]
    fn all_of_narrows() {
        let schema = json!({"allOf": [
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "number", "minimum": 1}}},
            {"$ref": "B"}
        ], "minProperties": 1});
        let table = json!({"B": {"required": ["b"], "properties": {"a": {"maximum": 3}, "b": {"type": "string"}}}});
        let flat = flat(&schema, &table, 0).unwrap();
        assert_eq!(flat["required"], json!(["a", "b"]));
        assert_eq!(flat["properties"]["a"]["allOf"][1], json!({"maximum": 3}));
    }

    #[test]
    fn a_branch_that_holds_another_is_set_apart_once_each_was_tried() {
        let table = json!({
            "Problem": {"type": "object", "properties": {"title": {"type": "string"}}},
            "Listing": {"type": "object", "properties": {"title": {"type": "string"}, "errors": {"type": "array"}}}
        });
        let schema = json!({"oneOf": [{"$ref": "Problem"}, {"$ref": "Listing"}]});
        assert_eq!(flat(&schema, &table, 0).unwrap(), table["Problem"]);
        let later = (2..24).map(|turn| flat(&schema, &table, turn).unwrap());
        let apart = later.filter(|flat| flat["properties"]["errors"] == json!({"const": "-"}));
        assert!(apart.clone().count() > 0);
        assert!(apart.into_iter().all(|flat| flat["required"] == json!(["errors"])));
    }

    #[test]
    fn the_discriminator_says_which_branch_was_taken() {
        let schema = json!({"oneOf": [{"$ref": "Cat"}, {"$ref": "Dog"}],
            "discriminator": {"propertyName": "kind", "mapping": {"cat": "Cat", "dog": "Dog"}}});
        let table =
            json!({"Cat": {"type": "object", "properties": {"kind": {"type": "string"}}}, "Dog": {"type": "object"}});
        let flat = flat(&schema, &table, 0).unwrap();
        assert_eq!(flat["properties"]["kind"], json!({"const": "cat"}));
        assert_eq!(flat["required"], json!(["kind"]));
    }

    #[test]
    fn null_is_the_last_choice_and_endless_references_end() {
        let schema = json!({"anyOf": [{"type": "null"}, {"type": "string"}]});
        assert_eq!(flat(&schema, &json!({}), 0).unwrap()["type"], "string");
        assert!(flat(&json!({"$ref": "A"}), &json!({"A": {"$ref": "A"}}), 0).is_err());
        assert!(
            flat(&json!({"$ref": "A"}), &json!({}), 0)
                .unwrap_err()
                .contains("nowhere")
        );
        assert!(flat(&json!(false), &json!({}), 0).is_err());
    }
}
