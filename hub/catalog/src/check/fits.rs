//! Whether a value fits, and nothing more: the schema of a body made ready once, then walked without a word being made.
//!
//! Most answers fit. They are spared the sentences of [`Walk`]: a tree is only looked through, and bytes that may pass
//! untouched are judged while they are read, so that no tree is made of them at all. Whatever does not fit here is left
//! to the walk, which says why.

use super::checker::Walk;
use jsonschema::Validator;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// Parts of one body. A schema that unfolds to more is walked as it stands.
const MOST_PARTS: usize = 2_000;
/// Schemas within each other.
const MOST_DEPTH: usize = 24;

/// A schema made ready.
#[derive(Debug)]
pub(crate) enum Fits {
    /// Known members, and whether there may be others.
    Object { members: Vec<Member>, closed: bool },
    /// Items of one kind.
    Array { item: Box<Fits>, least: usize, most: usize },
    /// What is compiled.
    Leaf { validator: Arc<Validator>, integer: bool },
}

/// A member of an object.
#[derive(Debug)]
pub(crate) struct Member {
    name: Box<str>,
    fits: Fits,
    required: bool,
    /// Its place among all members of the object, of which there are at most 64.
    bit: u64,
}

impl Fits {
    /// Makes a schema ready; `None` where it is too large or refers to itself.
    pub(crate) fn of<'a>(walk: &Walk<'a>, schema: &'a Value) -> Option<Self> {
        let mut parts = MOST_PARTS;
        Self::part(walk, schema, &mut parts, MOST_DEPTH)
    }

    fn part<'a>(walk: &Walk<'a>, schema: &'a Value, parts: &mut usize, depth: usize) -> Option<Self> {
        *parts = parts.checked_sub(1)?;
        let depth = depth.checked_sub(1)?;
        let (schema, keep) = walk.behind(schema);
        let Some(map) = super::checker::walkable(schema) else {
            return Some(Self::Leaf {
                validator: walk.compiled(schema, keep)?,
                integer: schema.get("type").is_some_and(|t| t == "integer"),
            });
        };
        if let Some(item) = map.get("items") {
            let limit = |key: &str| {
                map.get(key)
                    .and_then(Value::as_u64)
                    .and_then(|n| usize::try_from(n).ok())
            };
            return Some(Self::Array {
                item: Box::new(Self::part(walk, item, parts, depth)?),
                least: limit("minItems").unwrap_or(0),
                most: limit("maxItems").unwrap_or(usize::MAX),
            });
        }
        let required: Vec<&str> = map
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let properties = map.get("properties").and_then(Value::as_object)?;
        if !required.iter().all(|name| properties.contains_key(*name)) {
            return None;
        }
        let members = properties.iter().enumerate().map(|(at, (name, schema))| {
            Some(Member {
                bit: 1_u64.checked_shl(u32::try_from(at).ok()?)?,
                name: name.as_str().into(),
                fits: Self::part(walk, schema, parts, depth)?,
                required: required.contains(&name.as_str()),
            })
        });
        Some(Self::Object {
            members: members.collect::<Option<_>>()?,
            closed: map.get("additionalProperties") == Some(&Value::Bool(false)),
        })
    }

    /// Whether a value fits.
    pub(crate) fn value(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Object { members, closed }, Value::Object(map)) => {
                let mut found = 0;
                let fit = members.iter().all(|member| match map.get(&*member.name) {
                    Some(value) => {
                        found += 1;
                        member.fits.value(value)
                    }
                    None => !member.required,
                });
                fit && (!closed || found == map.len())
            }
            (Self::Array { item, least, most }, Value::Array(items)) => {
                (*least..=*most).contains(&items.len()) && items.iter().all(|v| item.value(v))
            }
            (Self::Leaf { validator, .. }, value) => validator.is_valid(value),
            _ => false,
        }
    }

    /// Whether bytes are JSON that fits and says nothing but what the schema knows: no other member, none twice, no
    /// null, no empty text, no tree where the schema does not look into it. Such an answer is its own canonical form.
    pub(crate) fn exactly(&self, bytes: &[u8]) -> bool {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        self.deserialize(&mut reader).is_ok() && reader.end().is_ok()
    }
}

impl<'de> DeserializeSeed<'de> for &Fits {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        match self {
            Fits::Object { .. } => reader.deserialize_map(self),
            Fits::Array { .. } => reader.deserialize_seq(self),
            Fits::Leaf { validator, integer } => {
                let value = <Value as de::Deserialize>::deserialize(reader)?;
                let plain = match &value {
                    Value::Null | Value::Object(_) | Value::Array(_) => false,
                    Value::String(text) => !text.is_empty(),
                    Value::Number(number) => !integer || number.is_i64() || number.is_u64(),
                    Value::Bool(_) => true,
                };
                match plain && validator.is_valid(&value) {
                    true => Ok(()),
                    false => Err(unfit()),
                }
            }
        }
    }
}

impl<'de> Visitor<'de> for &Fits {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the contract says")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Fits::Object { members, .. } = self else {
            return Err(unfit());
        };
        let mut seen = 0_u64;
        // Members mostly come in the order of the contract.
        let mut next = 0;
        while let Some(at) = map.next_key_seed(Name { members, from: next })? {
            let Some(member) = members.get(at).filter(|m| seen & m.bit == 0) else {
                return Err(unfit());
            };
            seen |= member.bit;
            map.next_value_seed(&member.fits)?;
            next = at + 1;
        }
        let missing = members.iter().any(|m| m.required && seen & m.bit == 0);
        if missing || seen == 0 { Err(unfit()) } else { Ok(()) }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Fits::Array { item, least, most } = self else {
            return Err(unfit());
        };
        let mut count = 0;
        while items.next_element_seed(item.as_ref())?.is_some() {
            count += 1;
        }
        match (*least..=*most).contains(&count) {
            true => Ok(()),
            false => Err(unfit()),
        }
    }
}

/// The name of a member, as its number.
struct Name<'m> {
    members: &'m [Member],
    from: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<usize, D::Error> {
        reader.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        let (before, behind) = self.members.split_at_checked(self.from).unwrap_or((self.members, &[]));
        let here = |members: &[Member]| members.iter().position(|m| &*m.name == name);
        here(behind)
            .map(|at| at + before.len())
            .or_else(|| here(before))
            .ok_or_else(unfit)
    }
}

fn unfit<E: de::Error>() -> E {
    E::custom("unfit")
}

#[cfg(test)]
mod tests {
    use super::super::checker::{Checker, Walk};
    use super::*;
    use serde_json::json;
    use std::collections::HashMap;

    fn schema() -> Value {
        json!({
            "type": "object", "required": ["no", "rows"], "additionalProperties": false,
            "properties": {
                "no": {"type": "string", "pattern": "^[0-9]+$"},
                "count": {"type": "integer", "minimum": 1},
                "rows": {"type": "array", "minItems": 1, "maxItems": 2, "items": {
                    "type": "object", "required": ["at"],
                    "properties": {"at": {"type": "string", "format": "date"}, "of": {"type": ["string", "null"]}}
                }},
                "either": {"anyOf": [{"type": "boolean"}, {"type": "object", "required": ["a"]}]}
            }
        })
    }

    /// Whatever is looked through and found to fit has no violation either, and the other way round.
    #[test]
    fn looking_through_and_walking_agree() {
        let (schema, checker, none) = (schema(), Checker::default(), HashMap::new());
        let ready = Fits::of(&Walk::new(&checker, &none, true), &schema).unwrap();
        let good =
            json!({"no": "1", "rows": [{"at": "2026-04-08", "of": null, "more": 1}], "either": {"a": 1}, "count": 2});
        let mut values = vec![good.clone(), json!({}), json!([]), json!(null), json!("x")];
        for (pointer, other) in [
            ("/no", json!("x")),
            ("/no", json!(1)),
            ("/count", json!(0)),
            ("/count", json!(2.0)),
            ("/count", json!("2")),
            ("/rows", json!([])),
            (
                "/rows",
                json!([{"at": "2026-04-08"}, {"at": "2026-04-09"}, {"at": "2026-04-10"}]),
            ),
            ("/rows", json!({"at": "2026-04-08"})),
            ("/rows/0", json!({})),
            ("/rows/0/at", json!("2026-02-30")),
            ("/rows/0/of", json!(1)),
            ("/either", json!({"b": 1})),
            ("/either", json!(true)),
        ] {
            let mut value = good.clone();
            *value.pointer_mut(pointer).unwrap() = other;
            values.push(value);
        }
        let mut foreign = good.clone();
        foreign["foreign"] = json!(1);
        values.push(foreign);
        let mut fitting = 0;
        for value in &values {
            let mut walk = Walk::new(&checker, &none, true);
            walk.value(&schema, value, "", None);
            let fits = walk.finish(10).is_ok();
            assert_eq!(ready.value(value), fits, "{value}");
            if ready.exactly(value.to_string().as_bytes()) {
                assert!(fits, "{value}");
            }
            fitting += usize::from(fits);
        }
        assert_eq!((values.len(), fitting), (19, 3));
        assert!(
            !ready.exactly(good.to_string().as_bytes()),
            "it has a tree that is not looked into"
        );
        let plain = json!({"no": "1", "rows": [{"at": "2026-04-08"}]}).to_string();
        assert!(ready.exactly(plain.as_bytes()));
        assert!(!ready.exactly(format!("{plain}{plain}").as_bytes()));
    }

    #[test]
    fn a_schema_that_refers_to_itself_is_walked() {
        let node = json!({"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}});
        let components = HashMap::from([("Node".to_owned(), Arc::new(node))]);
        let checker = Checker::default();
        let walk = Walk::new(&checker, &components, true);
        assert!(Fits::of(&walk, &json!({"$ref": "#/components/schemas/Node"})).is_none());
    }
}
