//! Values against schemas, with as few compiled validators as possible.
//!
//! Every compiled validator holds a copy of all it reaches, so whole bodies are not compiled: plain objects and lists
//! are walked here, and only their leaves (fields of the dictionary, compositions) are compiled, each once for the whole
//! catalog, into a cache weighed by size.

use super::fits::Fits;
use super::sentence::{self, About};
use super::{closure, compile};
use crate::document::{escape, unescape};
use crate::load::schema::split_component;
use crate::nearest;
use hub_core::problem::Violation;
use hub_core::{DataLevel, Shape, Text};
use jsonschema::error::{ValidationError, ValidationErrorKind as Kind};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// Estimated bytes that all compiled validators together may take.
const CACHE_BYTES: u64 = 64 << 20;
/// Bodies of answers kept ready.
const BODIES: u64 = 2_000;
/// Characters of a value that are quoted.
const MAX_QUOTED: usize = 80;
/// References followed in a row.
const MAX_HOPS: usize = 16;

/// Words in a schema that the walk understands or that constrain nothing. Extensions constrain nothing either.
const WALKED: [&str; 15] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "title",
    "description",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$comment",
];

/// A compiled leaf and its estimated size.
#[derive(Clone)]
struct Leaf {
    /// `None` for a schema that cannot be compiled; it refuses nothing, and `uncompilable` reports it.
    validator: Option<Arc<jsonschema::Validator>>,
    bytes: u32,
}

/// The compiled leaves of one catalog.
pub(crate) struct Checker {
    /// By the address of the schema, which the catalog keeps alive and in place.
    leaves: moka::sync::Cache<usize, Leaf>,
    /// Whole bodies made ready, by the address of their schema; `None` for those that are walked.
    bodies: moka::sync::Cache<usize, Option<Arc<Fits>>>,
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checker")
            .field("leaves", &self.leaves.entry_count())
            .finish()
    }
}

impl Default for Checker {
    fn default() -> Self {
        let leaves = moka::sync::Cache::builder()
            .max_capacity(CACHE_BYTES)
            .weigher(|_, leaf: &Leaf| leaf.bytes)
            .build();
        let bodies = moka::sync::Cache::new(BODIES);
        Self { leaves, bodies }
    }
}

/// One check of one value.
pub(crate) struct Walk<'a> {
    checker: &'a Checker,
    components: &'a HashMap<String, Arc<Value>>,
    /// Whether the schemas live as long as the checker, so that their addresses may name them.
    keep: bool,
    violations: Vec<Violation>,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(checker: &'a Checker, components: &'a HashMap<String, Arc<Value>>, keep: bool) -> Self {
        Self {
            checker,
            components,
            keep,
            violations: Vec::new(),
        }
    }

    /// Checks a value at a place; `shape` is its outline, as far as known.
    pub(crate) fn value(&mut self, schema: &'a Value, value: &Value, place: &str, shape: Option<&Shape>) {
        let (schema, keep) = self.behind(schema);
        let Some(map) = walkable(schema) else {
            self.leaf(schema, value, place, shape, keep);
            return;
        };
        match value {
            Value::Object(fields) if map.contains_key("properties") => self.object(map, fields, place, shape),
            Value::Array(items) if map.contains_key("items") => self.array(map, items, place, shape),
            _ => {
                let expected = match map.contains_key("properties") {
                    true => Text::new("对象", "an object"),
                    false => Text::new("列表", "an array"),
                };
                self.add(place, "type", expected, quoted(value, shape));
            }
        }
    }

    /// Checks the properties of an object whose other fields are none of this schema's business; answers whether the
    /// schema is plain enough for that.
    pub(crate) fn part(&mut self, schema: &'a Value, fields: &Map<String, Value>, shape: &Shape) -> bool {
        let (schema, _) = self.behind(schema);
        let Some(map) = walkable(schema).filter(|m| m.contains_key("properties")) else {
            return false;
        };
        self.required(map, fields, "", Some(shape));
        let properties = map.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            if let Some(value) = fields.get(name) {
                self.value(schema, value, &join("", name), shape.child(name));
            }
        }
        true
    }

    /// Follows plain references; also says whether the schema may be kept by its address.
    pub(crate) fn behind(&self, schema: &'a Value) -> (&'a Value, bool) {
        let (mut schema, mut keep) = (schema, self.keep);
        for _ in 0..MAX_HOPS {
            let Some(map) = schema.as_object() else { break };
            let constrains = |k: &String| k != "$ref" && is_constraint(k);
            if map.keys().any(constrains) {
                break;
            }
            let reference = map.get("$ref").and_then(Value::as_str).and_then(split_component);
            let target = reference.and_then(|(name, deeper)| self.components.get(&name)?.pointer(deeper));
            let Some(next) = target else { break };
            (schema, keep) = (next, true);
        }
        (schema, keep)
    }

    fn required(
        &mut self,
        schema: &Map<String, Value>,
        fields: &Map<String, Value>,
        place: &str,
        shape: Option<&Shape>,
    ) {
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(name) {
                self.missing(&join(place, name), name, shape.and_then(|s| s.child(name)));
            }
        }
    }

    fn object(
        &mut self,
        schema: &'a Map<String, Value>,
        fields: &Map<String, Value>,
        place: &str,
        shape: Option<&Shape>,
    ) {
        self.required(schema, fields, place, shape);
        let properties = schema.get("properties").and_then(Value::as_object);
        let closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
        for (name, value) in fields {
            let inner = join(place, name);
            match properties.and_then(|p| p.get(name)) {
                Some(schema) => self.value(schema, value, &inner, shape.and_then(|s| s.child(name))),
                None if closed => {
                    let known = properties.into_iter().flatten().map(|(n, _)| n.as_str());
                    self.unknown(&inner, name, value, known);
                }
                None => {}
            }
        }
    }

    fn array(&mut self, schema: &'a Map<String, Value>, items: &[Value], place: &str, shape: Option<&Shape>) {
        let limit = |key: &str| {
            schema
                .get(key)
                .and_then(Value::as_u64)
                .and_then(|n| usize::try_from(n).ok())
        };
        let got = || format!("{} items", items.len());
        if let Some(least) = limit("minItems").filter(|n| items.len() < *n) {
            let expected = Text::new(format!("至少 {least} 项"), format!("at least {least} items"));
            self.add(place, "minItems", expected, got());
        }
        if let Some(most) = limit("maxItems").filter(|n| items.len() > *n) {
            let expected = Text::new(format!("最多 {most} 项"), format!("at most {most} items"));
            self.add(place, "maxItems", expected, got());
        }
        let item = shape.and_then(|s| s.item.as_deref());
        if let Some(schema) = schema.get("items") {
            for (index, value) in items.iter().enumerate() {
                self.value(schema, value, &format!("{place}/{index}"), item);
            }
        }
    }

    /// The compiled schema of a leaf; `None` where it cannot be compiled.
    pub(super) fn compiled(&self, schema: &Value, keep: bool) -> Option<Arc<jsonschema::Validator>> {
        let make = || Leaf::new(schema, self.components);
        let leaf = match keep {
            true => self.checker.leaves.get_with(std::ptr::from_ref(schema).addr(), make),
            false => make(),
        };
        leaf.validator
    }

    /// A body's schema made ready, if the catalog keeps it and it is not too large.
    pub(super) fn ready(&self, schema: &'a Value) -> Option<Arc<Fits>> {
        if !self.keep {
            return None;
        }
        let make = || Fits::of(self, schema).map(Arc::new);
        self.checker.bodies.get_with(std::ptr::from_ref(schema).addr(), make)
    }

    fn leaf(&mut self, schema: &Value, value: &Value, place: &str, shape: Option<&Shape>, keep: bool) {
        let Some(validator) = self.compiled(schema, keep) else {
            return;
        };
        if validator.is_valid(value) {
            return;
        }
        for error in validator.iter_errors(value) {
            for telling in sentence::telling(&error) {
                self.error(telling, place, shape);
            }
        }
    }

    fn error(&mut self, error: &ValidationError<'_>, place: &str, shape: Option<&Shape>) {
        let pointer = error.instance_path().as_str();
        let shape = shape.and_then(|s| below(s, pointer));
        let place = format!("{place}{pointer}");
        match error.kind() {
            Kind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                self.missing(&join(&place, name), name, shape.and_then(|s| s.child(name)));
            }
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                let known: Vec<_> = shape
                    .into_iter()
                    .flat_map(|s| &s.children)
                    .map(|c| c.name.as_ref())
                    .collect();
                for name in unexpected {
                    let value = error.instance().get(name).unwrap_or(&Value::Null);
                    self.unknown(&join(&place, name), name, value, known.iter().copied());
                }
            }
            kind => {
                let expected = sentence::expected(error, &about(shape));
                self.add(&place, kind.keyword(), expected, quoted(error.instance(), shape));
            }
        }
    }

    /// A required value is not there.
    pub(crate) fn missing(&mut self, place: &str, name: &str, shape: Option<&Shape>) {
        let expected = match about(shape).title {
            Some(title) => Text::new(
                format!("必填：{}（{name}）", title.zh),
                format!("{} ({name}), which is required", title.en),
            ),
            None => Text::new(format!("必填：{name}"), format!("{name}, which is required")),
        };
        self.add(place, "required", expected, "nothing".to_owned());
    }

    /// A field that the contract does not know.
    pub(crate) fn unknown<'n>(
        &mut self,
        place: &str,
        name: &str,
        value: &Value,
        known: impl IntoIterator<Item = &'n str>,
    ) {
        let near = nearest(name, known).join(", ");
        let expected = match near.as_str() {
            "" => Text::new("合同中没有此字段", "no such field"),
            near => Text::new(
                format!("没有此字段，相近的有 {near}"),
                format!("no such field; near are {near}"),
            ),
        };
        self.add(
            place,
            "additionalProperties",
            expected,
            sentence::type_of(value).to_owned(),
        );
    }

    fn add(&mut self, place: &str, keyword: &str, expected: Text, got: String) {
        let same = |v: &Violation| v.place == place && v.keyword == keyword;
        if !self.violations.iter().any(same) {
            self.violations.push(Violation {
                place: place.to_owned(),
                keyword: keyword.to_owned(),
                expected,
                got,
            });
        }
    }

    /// What was found, in the order found, at most `limit`.
    pub(crate) fn finish(mut self, limit: usize) -> Result<(), Vec<Violation>> {
        self.violations.truncate(limit);
        match self.violations.is_empty() {
            true => Ok(()),
            false => Err(self.violations),
        }
    }
}

impl Leaf {
    fn new(schema: &Value, components: &HashMap<String, Arc<Value>>) -> Self {
        let whole = closure(schema, components);
        Self {
            validator: compile(&whole).ok().map(Arc::new),
            bytes: weight(&whole),
        }
    }
}

/// Roughly what a compiled schema takes: patterns are what is dear.
fn weight(schema: &Value) -> u32 {
    match schema {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match key.as_str() {
                "pattern" => 24_000,
                "examples" | "description" | "title" => 0,
                _ => weight(value).saturating_add(200),
            })
            .fold(400, u32::saturating_add),
        Value::Array(items) => items.iter().map(weight).fold(100, u32::saturating_add),
        _ => 50,
    }
}

fn is_constraint(keyword: &str) -> bool {
    let annotation = [
        "title",
        "description",
        "examples",
        "default",
        "deprecated",
        "readOnly",
        "writeOnly",
        "$comment",
    ];
    !annotation.contains(&keyword) && !keyword.starts_with("x-")
}

/// A schema that is a plain object with properties or a plain list, and nothing more.
pub(super) fn walkable(schema: &Value) -> Option<&Map<String, Value>> {
    let map = schema.as_object()?;
    let words = map.keys().all(|k| WALKED.contains(&k.as_str()) || k.starts_with("x-"));
    let open = map.get("additionalProperties").is_none_or(Value::is_boolean);
    let kind = map.get("type").and_then(Value::as_str)?;
    let object = kind == "object" && map.get("properties").is_some_and(Value::is_object) && !map.contains_key("items");
    let array = kind == "array" && map.get("items").is_some_and(Value::is_object) && !map.contains_key("properties");
    (words && open && (object || array)).then_some(map)
}

fn join(place: &str, name: &str) -> String {
    format!("{place}/{}", escape(name))
}

/// The outline below a shape at a pointer.
fn below<'s>(shape: &'s Shape, pointer: &str) -> Option<&'s Shape> {
    pointer.split('/').skip(1).try_fold(shape, |shape, token| {
        shape.child(&unescape(token)).or(shape.item.as_deref())
    })
}

fn about(shape: Option<&Shape>) -> About {
    let Some(schema) = shape.map(|s| s.schema.as_ref()) else {
        return About::default();
    };
    let word = |key: &str| schema.get(key).and_then(Value::as_str);
    let example = schema.get("examples").and_then(|e| e.get(0));
    About {
        title: word("title").map(|zh| Text::new(zh, word("x-hub-en").unwrap_or(zh))),
        example: example
            .filter(|e| e.is_string() || e.is_number())
            .map(|e| e.as_str().map_or_else(|| e.to_string(), str::to_owned)),
        labels: schema.get("x-hub-labels").cloned(),
    }
}

/// What was found, so that nobody learns a value from it that is none of their business: masked above L1, only its type
/// where nothing is known of it.
fn quoted(value: &Value, shape: Option<&Shape>) -> String {
    let kind = sentence::type_of(value).to_owned();
    let Some(shape) = shape else { return kind };
    let shown = match (shape.level > DataLevel::L1, shape.mask.hides()) {
        (true, true) => shape.mask.apply(value),
        (true, false) => return kind,
        (false, _) => value.clone(),
    };
    match shown {
        Value::String(text) if text.chars().count() > MAX_QUOTED => {
            format!("{}…", text.chars().take(MAX_QUOTED).collect::<String>())
        }
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        _ => kind,
    }
}
