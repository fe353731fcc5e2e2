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
    /// What is compiled, and what of it needs no validator.
    Leaf { validator: Arc<Validator>, plain: Plain },
}

/// What a schema of one value says, as far as it can be judged without making the value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Plain {
    /// A text of so many characters; `whole` if the schema says nothing else.
    Text { least: usize, most: usize, whole: bool },
    /// A number within limits, and nothing else is said.
    Number { integer: bool, least: f64, most: f64 },
    /// Anything else; whether a number of it must be written without a fraction.
    Other { integer: bool },
}

/// Words of a schema that ask nothing of a value.
const ANNOTATIONS: [&str; 8] = [
    "title",
    "description",
    "example",
    "examples",
    "default",
    "readOnly",
    "writeOnly",
    "deprecated",
];
/// Integers up to here are the same as a float.
const EXACT: f64 = 9_007_199_254_740_992.0;
const EXACT_BITS: u64 = 1 << 53;

impl Plain {
    fn of(schema: &Value) -> Self {
        let integer = schema.get("type").is_some_and(|t| t == "integer");
        Self::without_validator(schema, integer).unwrap_or(Self::Other { integer })
    }

    fn without_validator(schema: &Value, integer: bool) -> Option<Self> {
        let map = schema.as_object()?;
        let only = |words: &[&str]| {
            map.keys().all(|k| {
                k == "type" || k.starts_with("x-") || ANNOTATIONS.contains(&k.as_str()) || words.contains(&k.as_str())
            })
        };
        match map.get("type")?.as_str()? {
            "string" => {
                let limit = |key: &str, none: usize| match map.get(key) {
                    None => Some(none),
                    Some(limit) => usize::try_from(limit.as_u64()?).ok(),
                };
                Some(Self::Text {
                    least: limit("minLength", 0)?,
                    most: limit("maxLength", usize::MAX)?,
                    whole: only(&["minLength", "maxLength"]),
                })
            }
            "number" | "integer" if only(&["minimum", "maximum"]) => {
                let limit = |key: &str, none: f64| match map.get(key) {
                    None => Some(none),
                    Some(limit) => limit.as_f64().filter(|l| l.abs() < EXACT),
                };
                Some(Self::Number {
                    integer,
                    least: limit("minimum", f64::NEG_INFINITY)?,
                    most: limit("maximum", f64::INFINITY)?,
                })
            }
            _ => None,
        }
    }
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
                plain: Plain::of(schema),
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
            Fits::Leaf { validator, plain } => match plain {
                Plain::Text { .. } => reader.deserialize_str(Exact { validator, plain }),
                Plain::Number { .. } => reader.deserialize_f64(Exact { validator, plain }),
                Plain::Other { integer } => {
                    let value = <Value as de::Deserialize>::deserialize(reader)?;
                    let plain = match &value {
                        Value::Null | Value::Object(_) | Value::Array(_) => false,
                        Value::String(text) => !text.is_empty(),
                        Value::Number(number) => !integer || number.is_i64() || number.is_u64(),
                        Value::Bool(_) => true,
                    };
                    fit(plain && validator.is_valid(&value))
                }
            },
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

/// One value, judged as it is read.
struct Exact<'f> {
    validator: &'f Validator,
    plain: &'f Plain,
}

impl Exact<'_> {
    /// `exact`: as a float, which tells what is said from every other number.
    fn number<E: de::Error>(&self, value: f64, exact: bool, whole: bool) -> Result<(), E> {
        match *self.plain {
            Plain::Number { integer, least, most } => {
                let limited = least.is_finite() || most.is_finite();
                fit((whole || !integer) && (exact || !limited) && (least..=most).contains(&value))
            }
            _ => Err(unfit()),
        }
    }
}

impl Visitor<'_> for Exact<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the contract says")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        let Plain::Text { least, most, whole } = *self.plain else {
            return Err(unfit());
        };
        // Characters are counted only where bytes leave it open: one has up to four.
        let open = text.len() > most || text.len() < least.saturating_mul(4);
        let long = !open || (least..=most).contains(&text.chars().count());
        fit(!text.is_empty() && long && (whole || self.validator.is_valid(&Value::String(text.to_owned()))))
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "where it loses, the number is not called exact"
    )]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.number(value as f64, value < EXACT_BITS, true)
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "where it loses, the number is not called exact"
    )]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.number(value as f64, value.unsigned_abs() < EXACT_BITS, true)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        self.number(value, value.is_finite(), false)
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

fn fit<E: de::Error>(fits: bool) -> Result<(), E> {
    if fits { Ok(()) } else { Err(unfit()) }
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
                "share": {"type": "number", "minimum": 0, "maximum": 1, "example": 0.5},
                "name": {"type": "string", "minLength": 2, "maxLength": 3, "x-hub-field": "name"},
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
        let good = json!({"no": "1", "rows": [{"at": "2026-04-08", "of": null, "more": 1}], "either": {"a": 1}, "count": 2,
                "share": 0.25, "name": "王五"});
        let mut values = vec![good.clone(), json!({}), json!([]), json!(null), json!("x")];
        for (pointer, other) in [
            ("/no", json!("x")),
            ("/no", json!(1)),
            ("/count", json!(0)),
            ("/count", json!(2.0)),
            ("/count", json!("2")),
            ("/share", json!(1)),
            ("/share", json!(1.000_001)),
            ("/share", json!(-1)),
            ("/share", json!(u64::MAX)),
            ("/share", json!("1")),
            ("/name", json!("𠮷")),
            ("/name", json!("𠮷㛃𬭚")),
            ("/name", json!("abcd")),
            ("/name", json!("")),
            ("/name", json!(true)),
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
        assert_eq!((values.len(), fitting), (29, 5));
        assert!(
            !ready.exactly(good.to_string().as_bytes()),
            "it has a tree that is not looked into"
        );
        let plain =
            json!({"no": "1", "rows": [{"at": "2026-04-08"}], "share": 1, "count": 2, "name": "𠮷㛃"}).to_string();
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
