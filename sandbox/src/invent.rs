//! Invents a value for a schema: canonical fields by their rules, everything else from the schema alone.
//!
//! Every place has dice of its own, seeded with its pointer, so that one place can be made again without disturbing
//! the others and the same call gives the same bytes.

use crate::compose::{Choice, References, bare, flatten};
use crate::paging::Window;
use crate::party::Party;
use crate::pattern::Patterns;
use crate::seed::{Dice, Seed};
use crate::vocabulary::Vocabulary;
use crate::{primitive, rules};
use hub_core::time::Timestamp;
use hub_core::{Shape, SystemId};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How much of what a contract allows an answer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Style {
    /// What a good system would answer.
    #[default]
    Rich,
    /// Only what is required.
    Minimal,
    /// Everything, as long and as many as allowed.
    Maximal,
    /// As little as possible in every list.
    Empty,
}

/// Nesting after which optional properties are left out, so that recursive schemas end.
const SHALLOW: usize = 6;
/// Nesting after which nothing more is made.
const DEEPEST: usize = 24;
/// Values after which optional properties are left out: schemas that are wide and deep multiply.
const PLENTY: usize = 5_000;
/// Most items of a list at the top of a maximal answer; lists in lists would multiply.
const MANY: usize = 20;

/// No value could be made at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub pointer: String,
    pub reason: String,
}

/// Everything a value depends on.
pub(crate) struct Inventor<'a> {
    pub words: &'a Vocabulary,
    pub patterns: &'a Patterns,
    pub party: &'a Party<'a>,
    pub references: &'a dyn References,
    /// Values the caller gave; the same name in the answer has the same value.
    pub echo: &'a Map<String, Value>,
    pub now: Timestamp,
    pub style: Style,
    pub seed: Seed,
    /// How often a place did not fit: first its rules are dropped, then its dice change.
    pub misses: &'a BTreeMap<String, usize>,
    pub window: Option<&'a Window>,
    /// Inventing a request: `readOnly` is left out instead of `writeOnly`.
    pub request: bool,
    /// Values made so far.
    pub made: &'a Cell<usize>,
}

/// A pointer with `*` for every number: what is wrong with one item of a list is wrong with all of them.
pub(crate) fn general(pointer: &str) -> String {
    let steps: Vec<&str> = pointer.split('/').map(general_step).collect();
    steps.join("/")
}

fn general_step(step: &str) -> &str {
    let number = !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit());
    if number { "*" } else { step }
}

/// A place in the value being made.
#[derive(Clone)]
pub(crate) struct Spot<'a> {
    /// JSON pointer, `*` for items of lists.
    pub pointer: String,
    pub name: &'a str,
    pub shape: Option<&'a Shape>,
    pub depth: usize,
    /// 0 outside of lists, else the number of the item.
    pub nth: usize,
}

impl<'a> Spot<'a> {
    /// The whole value.
    pub(crate) fn root(shape: &'a Shape) -> Self {
        Self {
            pointer: String::new(),
            name: "",
            shape: Some(shape),
            depth: 0,
            nth: 0,
        }
    }

    pub(crate) fn property(&self, name: &'a str) -> Self {
        let step = hub_catalog::document::escape(name);
        Self {
            pointer: format!("{}/{}", self.pointer, general_step(&step)),
            name,
            shape: self.shape.and_then(|s| s.child(name)),
            depth: self.depth + 1,
            nth: self.nth,
        }
    }

    /// `number` is where the item stands in the whole list.
    pub(crate) fn item(&self, number: usize) -> Self {
        Self {
            pointer: format!("{}/*", self.pointer),
            name: self.name,
            shape: self.shape.and_then(|s| s.item.as_deref()),
            depth: self.depth + 1,
            nth: self.nth * 100 + number + 1,
        }
    }

    /// The canonical field it is, or its own name.
    pub(crate) fn field(&self) -> &str {
        let field = self.shape.and_then(|s| s.field.as_deref());
        field.unwrap_or(self.name)
    }
}

impl Inventor<'_> {
    /// How often this place did not fit.
    pub(crate) fn missed(&self, spot: &Spot<'_>) -> usize {
        self.misses.get(&spot.pointer).copied().unwrap_or(0)
    }

    /// Whether this place or one below it did not fit.
    pub(crate) fn missed_within(&self, spot: &Spot<'_>) -> bool {
        let below = format!("{}/", spot.pointer);
        self.misses.keys().any(|p| *p == spot.pointer || p.starts_with(&below))
    }

    /// The dice of a place.
    pub(crate) fn dice(&self, spot: &Spot<'_>) -> Dice {
        let seed = self
            .seed
            .with(spot.field())
            .with_number(spot.nth as u64)
            .with_number(spot.depth as u64);
        seed.with_number(self.missed(spot) as u64).dice()
    }

    /// A value for a schema at a place.
    pub(crate) fn value(&self, schema: &Value, spot: &Spot<'_>) -> Result<Value, Trouble> {
        let trouble = |reason: String| Trouble {
            pointer: spot.pointer.clone(),
            reason,
        };
        if spot.depth > DEEPEST {
            return Err(trouble("the schema requires itself without end".into()));
        }
        self.made.set(self.made.get() + 1);
        let missed = self.missed(spot);
        let mut dice = self.dice(spot);
        // What a schema refers to and adds nothing to is lent, too.
        let target = bare(schema).and_then(|reference| self.references.look_up(reference));
        let schema = target.as_deref().unwrap_or(schema);
        let flat = flatten(schema, self.references, &mut dice, Choice { turn: missed }).map_err(trouble)?;
        if let Some(constant) = flat.get("const") {
            return Ok(constant.clone());
        }
        if missed == 0
            && let Some(value) = rules::proposal(self, &flat, spot, &mut dice)
            // An example of a whole that is wrong in one part is wrong: the part is not made again by itself.
            && !(matches!(value, Value::Object(_) | Value::Array(_)) && self.missed_within(spot))
        {
            return Ok(value);
        }
        if let Some(choices) = flat.get("enum").and_then(Value::as_array) {
            let real: Vec<&Value> = choices.iter().filter(|c| !c.is_null()).collect();
            let pick = dice.pick(&real).map(|v| (*v).clone());
            return pick
                .or_else(|| choices.first().cloned())
                .ok_or_else(|| trouble("its enum is empty".into()));
        }
        match kind(&flat) {
            Kind::Object => self.object(&flat, spot),
            Kind::Array => self.array(&flat, spot),
            Kind::Scalar(kind) => primitive::make(kind, &flat, self, &mut dice, missed).map_err(trouble),
        }
    }

    fn object(&self, flat: &Map<String, Value>, spot: &Spot<'_>) -> Result<Value, Trouble> {
        let empty = Map::new();
        let properties = flat.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let required: Vec<&str> = flat
            .get("required")
            .and_then(Value::as_array)
            .map(|r| r.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        let (mut made, mut hidden) = (Map::new(), Vec::new());
        for (name, schema) in properties {
            // What is written only is required of requests alone (OpenAPI 3.0.3, Schema Object).
            let needed = required.contains(&name.as_str()) && (self.request || !self.is_hidden(schema));
            if !needed && !self.wants_optional(schema, spot) {
                hidden.extend(required.contains(&name.as_str()).then_some(name.as_str()));
                continue;
            }
            match self.value(schema, &spot.property(name)) {
                Ok(value) => {
                    made.insert(name.clone(), value);
                }
                Err(trouble) if needed => return Err(trouble),
                Err(_) => {}
            }
        }
        let open = flat.get("additionalProperties");
        let any = Value::Bool(true);
        for name in required {
            if !made.contains_key(name) && !hidden.contains(&name) && open != Some(&Value::Bool(false)) {
                let value = self.value(open.unwrap_or(&any), &spot.property(name))?;
                made.insert(name.to_owned(), value);
            }
        }
        self.fill_up(flat, spot, &mut made)?;
        Ok(Value::Object(made))
    }

    /// Whether a property goes the other way alone.
    fn is_hidden(&self, schema: &Value) -> bool {
        let mark = if self.request { "readOnly" } else { "writeOnly" };
        let own = schema.get(mark);
        let referred = || {
            let target = self.references.look_up(schema.get("$ref")?.as_str()?)?;
            target.get(mark).cloned()
        };
        own.cloned().or_else(referred).is_some_and(|h| h == true)
    }

    fn wants_optional(&self, schema: &Value, spot: &Spot<'_>) -> bool {
        let is_hidden = self.is_hidden(schema);
        let wanted = match self.style {
            Style::Minimal => false,
            Style::Rich | Style::Empty | Style::Maximal => spot.depth < SHALLOW && self.made.get() < PLENTY,
        };
        wanted && !is_hidden && schema != &Value::Bool(false)
    }

    /// Properties that others ask for, and free ones where `minProperties` wants more than is named or an object is a
    /// dictionary; then no more than `maxProperties`.
    fn fill_up(
        &self,
        flat: &Map<String, Value>,
        spot: &Spot<'_>,
        made: &mut Map<String, Value>,
    ) -> Result<(), Trouble> {
        let any = Value::Bool(true);
        let more = flat.get("dependentRequired").and_then(Value::as_object);
        for (name, wanted) in more.into_iter().flatten() {
            let wanted = wanted.as_array().filter(|_| made.contains_key(name));
            for other in wanted.into_iter().flatten().filter_map(Value::as_str) {
                if !made.contains_key(other) {
                    let schema = flat.get("properties").and_then(|p| p.get(other)).unwrap_or(&any);
                    let value = self.value(schema, &spot.property(other))?;
                    made.insert(other.to_owned(), value);
                }
            }
        }
        let least = flat.get("minProperties").and_then(Value::as_u64).unwrap_or(0);
        let is_dictionary = made.is_empty() && self.is_dictionary(flat, spot);
        let least = least.max(u64::from(is_dictionary));
        for n in 1..=least.min(32) {
            let free = self
                .free_property(flat, spot, n)
                .filter(|_| (made.len() as u64) < least);
            let Some((name, schema)) = free else { break };
            let value = self.value(schema, &spot.property(&name))?;
            made.insert(name, value);
        }
        let most = flat.get("maxProperties").and_then(Value::as_u64).unwrap_or(u64::MAX);
        let required = flat.get("required").and_then(Value::as_array);
        let needed = |name: &String| required.is_some_and(|r| r.iter().any(|r| r == name.as_str()));
        while made.len() as u64 > most {
            let Some(name) = made.keys().rev().find(|n| !needed(n)).cloned() else {
                break;
            };
            made.shift_remove(&name);
        }
        Ok(())
    }

    /// Whether an object has no names of its own but says what stands under any name.
    fn is_dictionary(&self, flat: &Map<String, Value>, spot: &Spot<'_>) -> bool {
        let says = |key: &str| flat.get(key).and_then(Value::as_object).is_some_and(|m| !m.is_empty());
        let open = says("additionalProperties") || says("patternProperties");
        let calm = self.style == Style::Rich && spot.depth < SHALLOW && !self.missed_within(spot);
        open && calm && !says("properties")
    }

    /// A name that is not named, and the schema of what stands under it.
    fn free_property<'s>(&self, flat: &'s Map<String, Value>, spot: &Spot<'_>, n: u64) -> Option<(String, &'s Value)> {
        const ANY: &Value = &Value::Bool(true);
        let patterns = flat.get("patternProperties").and_then(Value::as_object);
        if let Some((pattern, schema)) = patterns.and_then(|p| p.iter().next()) {
            let read = self.patterns.read(pattern)?;
            let name = crate::pattern::text(&read, 1, 40, &mut self.dice(spot).later(n))?;
            return Some((name, schema));
        }
        let schema = flat.get("additionalProperties").unwrap_or(ANY);
        if schema == &Value::Bool(false) {
            return None;
        }
        let named = flat.get("propertyNames").and_then(|names| {
            let place = Spot {
                nth: spot.nth * 100 + usize::try_from(n).ok()?,
                ..spot.property("")
            };
            self.value(names, &place).ok()?.as_str().map(str::to_owned)
        });
        Some((named.unwrap_or_else(|| format!("item{n}")), schema))
    }

    fn array(&self, flat: &Map<String, Value>, spot: &Spot<'_>) -> Result<Value, Trouble> {
        let size = |key: &str| {
            flat.get(key)
                .and_then(Value::as_u64)
                .and_then(|n| usize::try_from(n).ok())
        };
        let (least, most) = (size("minItems").unwrap_or(0), size("maxItems").unwrap_or(usize::MAX));
        let window = self.window.filter(|w| spot.depth == 1 && w.list == spot.name);
        let wanted = match (self.style, window) {
            (Style::Empty, _) => 0,
            (_, Some(window)) => window.count,
            (Style::Minimal, None) => 0,
            (Style::Rich, None) if spot.depth > SHALLOW || self.made.get() > PLENTY => 0,
            (Style::Rich, None) => self.dice(spot).between(2, 4).unsigned_abs().try_into().unwrap_or(2),
            (Style::Maximal, None) if spot.depth <= 1 => MANY,
            (Style::Maximal, None) => {
                if spot.depth > 4 {
                    1
                } else {
                    3
                }
            }
        };
        let count = wanted.min(most).max(least).min(1_000);
        let prefix = flat.get("prefixItems").and_then(Value::as_array);
        let any = Value::Bool(true);
        let items = flat.get("contains").or_else(|| flat.get("items")).unwrap_or(&any);
        let unique = flat.get("uniqueItems").is_some_and(|u| u == true);
        let offset = window.map_or(0, |w| w.offset);
        let mut made: Vec<Value> = Vec::new();
        for index in 0..count {
            let schema = prefix.and_then(|p| p.get(index)).unwrap_or(items);
            let mut place = spot.item(offset + index);
            let mut value = self.value(schema, &place);
            // Another number means other dice; a small enum may run out of different items.
            for again in 1..=32 {
                if !unique || !value.as_ref().is_ok_and(|v| made.contains(v)) {
                    break;
                }
                place = spot.item(offset + index + 1_000 * again);
                value = self.value(schema, &place);
            }
            match value {
                Ok(value) if unique && made.contains(&value) => break,
                Ok(value) => made.push(value),
                Err(trouble) if index < least => return Err(trouble),
                Err(_) => break,
            }
        }
        Ok(Value::Array(made))
    }
}

/// What to make.
enum Kind<'a> {
    Object,
    Array,
    Scalar(&'a str),
}

/// The type to make, inferred from other keywords where none is said.
fn kind(flat: &Map<String, Value>) -> Kind<'_> {
    let named = match flat.get("type") {
        Some(Value::String(one)) => Some(one.as_str()),
        Some(Value::Array(many)) => {
            let mut names = many.iter().filter_map(Value::as_str);
            names.clone().find(|n| *n != "null").or_else(|| names.next())
        }
        _ => None,
    };
    let has = |keys: &[&str]| keys.iter().any(|k| flat.contains_key(*k));
    match named {
        Some("object") => Kind::Object,
        Some("array") => Kind::Array,
        Some(other) => Kind::Scalar(other),
        None if has(&["properties", "required", "additionalProperties", "minProperties"]) => Kind::Object,
        None if has(&["items", "prefixItems", "minItems"]) => Kind::Array,
        None if has(&["minimum", "maximum", "multipleOf", "exclusiveMinimum"]) => Kind::Scalar("number"),
        None => Kind::Scalar("string"),
    }
}

/// References of one system's document, and into the root schema itself.
pub(crate) struct DocumentReferences<'a> {
    pub contracts: &'a dyn crate::Contracts,
    pub system: &'a SystemId,
    pub root: &'a Value,
}

impl References for DocumentReferences<'_> {
    fn look_up(&self, reference: &str) -> Option<Arc<Value>> {
        if let Some(found) = self.contracts.component(self.system, reference) {
            return Some(found);
        }
        let pointer = reference.strip_prefix('#')?;
        self.root.pointer(pointer).cloned().map(Arc::new)
    }
}
