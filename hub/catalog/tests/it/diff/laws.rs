//! What must hold of any descriptions, over generated ones.

use super::options;
use hub_catalog::diff::{Report, diff, unchanged};
use serde_json::{Map, Value, json};

/// Numbers out of a seed (splitmix64), so that a failing case is told by one number.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn one<'v, T>(&mut self, of: &'v [T]) -> &'v T {
        let index = self.below(of.len() as u64);
        &of[usize::try_from(index).unwrap()]
    }

    fn yes(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }
}

const NAMES: &[&str] = &["a", "b", "c"];
const WORDS: &[&str] = &["", "x", "xy", "xyz", "12", "é"];
const PATTERNS: &[&str] = &["^x", "^[a-z]*$", "^[0-9]+$"];

fn scalar(dice: &mut Dice) -> Value {
    let mut map = Map::new();
    match dice.below(5) {
        0 => {
            map.insert("type".into(), json!("string"));
            for (keyword, most) in [("minLength", 2), ("maxLength", 4)] {
                if dice.yes(3) {
                    map.insert(keyword.into(), json!(dice.below(most)));
                }
            }
            if dice.yes(5) {
                map.insert("pattern".into(), json!(dice.one(PATTERNS)));
            }
        }
        1 | 2 => {
            map.insert("type".into(), json!(dice.one(&["integer", "number"])));
            for keyword in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
                if dice.yes(4) {
                    map.insert(keyword.into(), json!(dice.below(7) as i64 - 3));
                }
            }
            if dice.yes(5) {
                map.insert("multipleOf".into(), json!(1 + dice.below(3)));
            }
        }
        3 => {
            let values: Vec<&str> = (0..=dice.below(2)).map(|_| *dice.one(WORDS)).collect();
            map.insert("enum".into(), json!(values));
        }
        _ => {
            let types = [
                json!("boolean"),
                json!("null"),
                json!(["string", "null"]),
                json!(["integer", "string"]),
            ];
            map.insert("type".into(), dice.one(&types).clone());
        }
    }
    Value::Object(map)
}

fn schema(dice: &mut Dice, depth: u8) -> Value {
    if depth == 0 || dice.yes(3) {
        return scalar(dice);
    }
    match dice.below(7) {
        0 => {
            let mut map = json!({"type": "array", "items": schema(dice, depth - 1)});
            for keyword in ["minItems", "maxItems"] {
                if dice.yes(4) {
                    map[keyword] = json!(dice.below(3));
                }
            }
            if dice.yes(4) {
                map["uniqueItems"] = json!(true);
            }
            map
        }
        1 => json!({"anyOf": [schema(dice, depth - 1), schema(dice, depth - 1)]}),
        2 => json!({"anyOf": [schema(dice, depth - 1), {"type": "null"}]}),
        3 => json!({"allOf": [object(dice, depth), object(dice, depth)]}),
        _ => object(dice, depth),
    }
}

fn object(dice: &mut Dice, depth: u8) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for name in NAMES {
        if dice.yes(2) {
            properties.insert((*name).into(), schema(dice, depth - 1));
            if dice.yes(2) {
                required.push(*name);
            }
        }
    }
    let mut map = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        map["required"] = json!(required);
    }
    if dice.yes(4) {
        map["additionalProperties"] = json!(false);
    }
    map
}

/// The same schema with one thing changed somewhere.
fn edited(dice: &mut Dice, value: &Value) -> Value {
    let Some(map) = value.as_object() else {
        return value.clone();
    };
    let mut map = map.clone();
    let keywords: Vec<String> = map.keys().cloned().collect();
    let Some(keyword) = (!keywords.is_empty()).then(|| dice.one(&keywords).clone()) else {
        return scalar(dice);
    };
    let inner = map[&keyword].clone();
    let changed = match (&inner, keyword.as_str()) {
        _ if dice.yes(6) => return schema(dice, 1),
        (Value::Object(of), "properties") => {
            let mut of = of.clone();
            let name = (*dice.one(NAMES)).to_owned();
            match of.get(&name) {
                Some(schema) if !dice.yes(4) => {
                    let schema = edited(dice, schema);
                    of.insert(name, schema);
                }
                Some(_) => {
                    of.shift_remove(&name);
                }
                None => {
                    of.insert(name, scalar(dice));
                }
            }
            Some(Value::Object(of))
        }
        (Value::Object(_), _) => Some(edited(dice, &inner)),
        (Value::Array(list), "anyOf" | "allOf") => {
            let mut list = list.clone();
            let index = usize::try_from(dice.below(list.len() as u64)).unwrap();
            list[index] = edited(dice, &list[index]);
            Some(json!(list))
        }
        (Value::Array(list), "required" | "enum") => {
            let mut list = list.clone();
            if dice.yes(2) && list.len() > 1 {
                list.pop();
            } else {
                let more = json!(dice.one(if keyword == "enum" { WORDS } else { NAMES }));
                if !list.contains(&more) {
                    list.push(more);
                }
            }
            Some(json!(list))
        }
        (Value::Number(n), _) if dice.yes(2) => n.as_i64().map(|n| {
            json!((n + dice.below(3) as i64 - 1).max(
                if keyword.starts_with("m") && keyword != "minimum" && keyword != "maximum" {
                    1
                } else {
                    -9
                }
            ))
        }),
        (_, "type") => Some(
            dice.one(&[json!("integer"), json!("number"), json!("string"), inner.clone()])
                .clone(),
        ),
        _ => None,
    };
    match changed {
        Some(changed) => map.insert(keyword, changed),
        None => map.shift_remove(&keyword),
    };
    Value::Object(map)
}

/// The same meaning, written otherwise: parts as components of any name, wrapped, turned round.
fn rewritten(dice: &mut Dice, value: &Value, components: &mut Map<String, Value>) -> Value {
    let map = match value {
        Value::Object(map) => map,
        other => return other.clone(),
    };
    let mut out = Map::new();
    let turned: Vec<(&String, &Value)> = if dice.yes(2) {
        map.iter().rev().collect()
    } else {
        map.iter().collect()
    };
    for (keyword, inner) in turned {
        let inner = match (keyword.as_str(), inner) {
            ("properties", Value::Object(of)) => {
                let mut all: Vec<(String, Value)> = of
                    .iter()
                    .map(|(n, s)| (n.clone(), rewritten(dice, s, components)))
                    .collect();
                all.reverse();
                Value::Object(all.into_iter().collect())
            }
            ("anyOf" | "allOf", Value::Array(list)) => {
                let mut list: Vec<Value> = list.iter().map(|s| rewritten(dice, s, components)).collect();
                list.reverse();
                json!(list)
            }
            ("required" | "enum" | "type", Value::Array(list)) => json!(list.iter().rev().collect::<Vec<_>>()),
            ("items", schema) => rewritten(dice, schema, components),
            (_, other) => other.clone(),
        };
        out.insert(keyword.clone(), inner);
    }
    let out = Value::Object(out);
    match dice.below(4) {
        0 => {
            let name = format!("N{}", components.len());
            components.insert(name.clone(), out);
            json!({"$ref": format!("#/components/schemas/{name}"), "description": "inlined before"})
        }
        1 => json!({"allOf": [out], "title": "wrapped"}),
        _ => out,
    }
}

fn api(schema: &Value, components: &Map<String, Value>, request: bool) -> Value {
    let content = json!({"content": {"application/json": {"schema": schema}}});
    let operation = if request {
        json!({"requestBody": content, "responses": {"200": {"description": "d"}}})
    } else {
        json!({"responses": {"200": content}})
    };
    json!({"openapi": "3.1.0", "paths": {"/a": {"post": operation}}, "components": {"schemas": components}})
}

/// A value that may fit: only properties that are declared somewhere, edges of ranges first.
fn sample(dice: &mut Dice, schema: &Value) -> Value {
    if let Some(list) = schema.get("allOf").and_then(Value::as_array) {
        let mut joined = Map::new();
        for part in list {
            if let Value::Object(map) = sample(dice, part) {
                joined.extend(map);
            }
        }
        return Value::Object(joined);
    }
    if let Some(list) = schema.get("anyOf").and_then(Value::as_array) {
        // A value of this alternative, not one that another happens to let through with properties it does not know.
        let one = dice.one(list).clone();
        let fits = jsonschema::validator_for(&one).unwrap();
        let tries: Vec<Value> = (0..6).map(|_| sample(dice, &one)).collect();
        return tries.into_iter().find(|v| fits.is_valid(v)).unwrap_or(Value::Null);
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return dice.one(values).clone();
    }
    let types: Vec<String> = match schema.get("type") {
        Some(Value::String(name)) => vec![name.clone()],
        Some(Value::Array(names)) => names.iter().filter_map(|n| n.as_str().map(str::to_owned)).collect(),
        _ => vec![
            "string".into(),
            "integer".into(),
            "object".into(),
            "null".into(),
            "array".into(),
        ],
    };
    match dice.one(&types).as_str() {
        "string" => json!(dice.one(WORDS)),
        "integer" => json!(dice.below(11) as i64 - 5),
        "number" => json!((dice.below(22) as f64 - 11.0) / 2.0),
        "boolean" => json!(dice.yes(2)),
        "array" => {
            let items = schema.get("items").cloned().unwrap_or(json!({"type": "string"}));
            json!((0..dice.below(4)).map(|_| sample(dice, &items)).collect::<Vec<_>>())
        }
        "object" => {
            let mut map = Map::new();
            for (name, schema) in schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                if !dice.yes(4) {
                    map.insert(name.clone(), sample(dice, schema));
                }
            }
            Value::Object(map)
        }
        _ => Value::Null,
    }
}

/// Runs a law over many cases, always the same ones; `HUB_LAWS` asks for more. Tells up to five that fail.
fn law(name: &str, cases: u64, holds: &dyn Fn(&mut Dice) -> Result<(), String>) {
    let cases = std::env::var("HUB_LAWS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(cases);
    let failures: Vec<String> = (0..cases)
        .filter_map(|seed| holds(&mut Dice(seed)).err().map(|why| format!("case {seed}: {why}")))
        .take(5)
        .collect();
    assert!(failures.is_empty(), "{name}\n{}", failures.join("\n\n"));
}

fn told(report: &Report) -> String {
    let all: Vec<String> = report
        .changes
        .iter()
        .map(|c| format!("{:?} {} {:?}", c.severity, c.id, c.place.old))
        .collect();
    all.join("\n")
}

#[test]
fn nothing_differs_from_itself_or_from_the_same_written_otherwise() {
    law("the same, written otherwise", 600, &|dice| {
        let schema = schema(dice, 3);
        let mut components = Map::new();
        let other = rewritten(dice, &schema, &mut components);
        for request in [true, false] {
            let (old, new) = (api(&schema, &Map::new(), request), api(&other, &components, request));
            let report = diff(&old, &new, options());
            let same = report.changes.is_empty() && unchanged(&old, &old.clone()) && unchanged(&new, &old);
            if !same {
                return Err(format!("{schema}\n{other}\n{}\n{}", json!(components), told(&report)));
            }
        }
        Ok(())
    });
}

#[test]
fn what_is_not_called_breaking_breaks_nothing() {
    law("what is not called breaking", 600, &|dice| {
        let a = schema(dice, 3);
        let mut b = edited(dice, &a);
        if dice.yes(2) {
            b = edited(dice, &b);
        }
        let none = Map::new();
        for request in [true, false] {
            let report = diff(&api(&a, &none, request), &api(&b, &none, request), options());
            if report.breaking() {
                continue;
            }
            // What is sent must still be accepted; what is received now must fit what was promised.
            let (from, to) = if request { (&a, &b) } else { (&b, &a) };
            let (giver, taker) = (
                jsonschema::validator_for(from).unwrap(),
                jsonschema::validator_for(to).unwrap(),
            );
            for _ in 0..60 {
                let value = sample(dice, from);
                if giver.is_valid(&value) && !taker.is_valid(&value) {
                    return Err(format!("request {request}\n{a}\n{b}\n{value}\n{}", told(&report)));
                }
            }
        }
        Ok(())
    });
}
