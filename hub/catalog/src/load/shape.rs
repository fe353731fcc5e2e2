//! Schemas to outlines: what mapping, masking and inventing need to know without reading JSON Schema again.

use super::dictionary::Dictionary;
use super::schema::split_component;
use hub_core::{Assurance, Audience, DataLevel, Mask, Semantic, Shape, ShapeKind};
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

/// Levels below which a schema is drawn as [`ShapeKind::Any`]; stops recursion.
const MAX_DEPTH: usize = 12;

/// Words beside a reference that don't change what the field is.
const ANNOTATIONS: [&str; 7] = [
    "$ref",
    "description",
    "examples",
    "deprecated",
    "default",
    "x-hub-level",
    "$comment",
];

/// Draws the outlines of one document's schemas.
pub(super) struct Outline<'a> {
    dictionary: Option<&'a Dictionary>,
    components: &'a HashMap<String, Arc<Value>>,
    /// Level of a plain value that says nothing about its level.
    default_level: DataLevel,
    /// Components being drawn, against recursion.
    open: RefCell<Vec<String>>,
}

impl<'a> Outline<'a> {
    /// Of the dictionary itself, whose fields are the components.
    pub(super) fn of_dictionary(fields: &'a HashMap<String, Arc<Value>>) -> Self {
        Self {
            dictionary: None,
            components: fields,
            default_level: DataLevel::L1,
            open: RefCell::default(),
        }
    }

    /// Of a system with components of its own.
    pub(super) fn of_system(
        dictionary: &'a Dictionary,
        components: &'a HashMap<String, Arc<Value>>,
        default_level: DataLevel,
    ) -> Self {
        Self {
            dictionary: Some(dictionary),
            components,
            default_level,
            open: RefCell::default(),
        }
    }

    /// A component by its name, as a field of that name.
    pub(super) fn component(&self, name: &str) -> Shape {
        let Some(schema) = self.components.get(name) else {
            return any(name, Arc::new(Value::Bool(true)), self.default_level);
        };
        self.open.borrow_mut().push(name.to_owned());
        let mut shape = self.value(name, schema, false, 0);
        self.open.borrow_mut().pop();
        if self.dictionary.is_none() {
            shape.field = Some(name.into());
        }
        shape
    }

    /// A schema as the value of a name.
    pub(super) fn draw(&self, name: &str, schema: &Arc<Value>, required: bool) -> Shape {
        self.value(name, schema, required, 0)
    }

    fn value(&self, name: &str, schema: &Arc<Value>, required: bool, depth: usize) -> Shape {
        let reference = schema.get("$ref").and_then(Value::as_str).and_then(split_component);
        let Some((component, deeper)) = reference else {
            return self.plain(name, schema, required, depth);
        };
        let Value::Object(own) = schema.as_ref() else {
            return any(name, Arc::clone(schema), self.default_level);
        };
        let refined = own.keys().any(|k| !ANNOTATIONS.contains(&k.as_str()));
        if deeper.is_empty()
            && !refined
            && let Some(field) = self.dictionary.and_then(|d| d.field(&component))
        {
            let mut shape = field.shape.clone();
            shape.name = name.into();
            shape.required = required;
            raise(&mut shape, own);
            return shape;
        }
        self.behind(name, &component, deeper, own, refined, required, depth)
    }

    /// What a reference to a component that must be drawn anew means, together with the words beside it.
    #[allow(clippy::too_many_arguments, reason = "one step of a recursion, called in one place")]
    fn behind(
        &self,
        name: &str,
        component: &str,
        deeper: &str,
        own: &Map<String, Value>,
        refined: bool,
        required: bool,
        depth: usize,
    ) -> Shape {
        let field = self.dictionary.and_then(|d| d.field(component));
        let base = match field {
            Some(field) => Some(Arc::clone(&field.shape.schema)),
            None => self.components.get(component).cloned(),
        };
        let target = match (&base, deeper) {
            (Some(base), "") => Some(Arc::clone(base)),
            (Some(base), deeper) => base.pointer(deeper).map(|v| Arc::new(v.clone())),
            (None, _) => None,
        };
        let Some(target) = target else {
            return any(name, Arc::new(Value::Bool(true)), self.default_level);
        };
        let recursive = self.open.borrow().iter().any(|c| c == component);
        if recursive || depth > MAX_DEPTH {
            return any(name, target, self.default_level);
        }
        let target = if refined {
            Arc::new(merged(&target, own))
        } else {
            target
        };
        self.open.borrow_mut().push(component.to_owned());
        let mut shape = self.value(name, &target, required, depth + 1);
        self.open.borrow_mut().pop();
        let is_field = deeper.is_empty() && (field.is_some() || self.dictionary.is_none());
        if is_field {
            shape.field = Some(component.into());
        }
        raise(&mut shape, own);
        shape
    }

    fn plain(&self, name: &str, schema: &Arc<Value>, required: bool, depth: usize) -> Shape {
        let Value::Object(map) = schema.as_ref() else {
            return any(name, Arc::clone(schema), self.default_level);
        };
        if depth > MAX_DEPTH {
            return any(name, Arc::clone(schema), self.default_level);
        }
        let (kind, nullable) = kind_of(map);
        let mut shape = Shape {
            kind,
            nullable,
            required,
            semantic: semantic(map),
            mask: mask(map),
            choices: choices(map),
            ..any(name, Arc::clone(schema), self.default_level)
        };
        if matches!(kind, ShapeKind::Object | ShapeKind::Array) {
            shape.level = DataLevel::L1;
        }
        if let Some(level) = level(map) {
            shape.level = level;
        }
        let names = required_names(map);
        if let Some(Value::Object(properties)) = map.get("properties") {
            for (child, schema) in properties {
                let schema = Arc::new(schema.clone());
                let needed = names.contains(&child.as_str());
                shape.children.push(self.value(child, &schema, needed, depth + 1));
            }
        }
        if let Some(items) = map.get("items") {
            let item = self.value("", &Arc::new(items.clone()), true, depth + 1);
            shape.item = Some(Box::new(item));
        }
        for keyword in ["allOf", "oneOf", "anyOf"] {
            if let Some(Value::Array(branches)) = map.get(keyword) {
                self.compose(&mut shape, branches, keyword == "allOf", depth);
            }
        }
        for child in &mut shape.children {
            child.required |= names.contains(&child.name.as_ref());
        }
        shape
    }

    /// Adds what the branches of a composition have in common with one value.
    fn compose(&self, shape: &mut Shape, branches: &[Value], all: bool, depth: usize) {
        let drawn: Vec<Shape> = branches
            .iter()
            .map(|branch| self.value("", &Arc::new(branch.clone()), true, depth + 1))
            .collect();
        let is_null = |s: &Shape| s.schema.get("type").and_then(Value::as_str) == Some("null");
        shape.nullable |= !all && drawn.iter().any(is_null);
        let real: Vec<Shape> = drawn.into_iter().filter(|s| !is_null(s)).collect();
        let one = real.len() == 1;
        if shape.kind == ShapeKind::Any {
            let mut kinds = real.iter().map(|s| s.kind).filter(|k| !all || *k != ShapeKind::Any);
            let first = kinds.next();
            if let Some(kind) = first
                && kinds.all(|k| k == kind)
            {
                shape.kind = kind;
            }
        }
        for branch in real {
            shape.level = shape.level.max(branch.level);
            if !shape.mask.hides() {
                shape.mask = branch.mask;
            }
            if shape.semantic == Semantic::Plain {
                shape.semantic = branch.semantic;
            }
            if (one || all) && shape.choices.is_empty() {
                shape.choices = branch.choices;
            }
            if one && shape.field.is_none() {
                shape.field = branch.field;
            }
            shape.item = shape.item.take().or(branch.item);
            for mut child in branch.children {
                child.required &= all || one;
                if !shape.children.iter().any(|c| c.name == child.name) {
                    shape.children.push(child);
                }
            }
        }
    }
}

/// Levels as they count in an operation: a field may weigh less where no natural person stands behind it.
pub(super) fn weigh(shape: &mut Shape, dictionary: &Dictionary, audience: Audience, assurance: Assurance) {
    if let Some(field) = shape.field.as_deref().and_then(|name| dictionary.field(name)) {
        let legal = field.when.legal.filter(|_| audience == Audience::Legal);
        let anonymous = field.when.anonymous.filter(|_| assurance == Assurance::R0);
        let raised = shape.level > field.shape.level;
        if let Some(lower) = legal.into_iter().chain(anonymous).min()
            && !raised
        {
            shape.level = shape.level.min(lower);
        }
    }
    for child in &mut shape.children {
        weigh(child, dictionary, audience, assurance);
    }
    if let Some(item) = &mut shape.item {
        weigh(item, dictionary, audience, assurance);
    }
}

fn any(name: &str, schema: Arc<Value>, level: DataLevel) -> Shape {
    Shape {
        name: name.into(),
        kind: ShapeKind::Any,
        required: false,
        level,
        schema,
        ..Shape::empty()
    }
}

fn raise(shape: &mut Shape, own: &Map<String, Value>) {
    if let Some(level) = level(own) {
        shape.level = shape.level.max(level);
    }
}

/// A component's schema with the words beside the reference laid over it.
fn merged(base: &Value, own: &Map<String, Value>) -> Value {
    let mut map = base.as_object().cloned().unwrap_or_default();
    for (key, value) in own {
        if key != "$ref" && key != "x-hub-level" {
            map.insert(key.clone(), value.clone());
        }
    }
    Value::Object(map)
}

fn level(map: &Map<String, Value>) -> Option<DataLevel> {
    map.get("x-hub-level")
        .and_then(Value::as_str)
        .and_then(|l| l.parse().ok())
}

fn mask(map: &Map<String, Value>) -> Mask {
    let rule = map.get("x-hub-mask").and_then(Value::as_str);
    rule.and_then(|r| r.parse().ok()).unwrap_or_default()
}

fn required_names(map: &Map<String, Value>) -> Vec<&str> {
    let list = map.get("required").and_then(Value::as_array);
    list.map(|l| l.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

fn choices(map: &Map<String, Value>) -> Vec<Value> {
    if let Some(one) = map.get("const") {
        return vec![one.clone()];
    }
    map.get("enum").and_then(Value::as_array).cloned().unwrap_or_default()
}

fn semantic(map: &Map<String, Value>) -> Semantic {
    let word = |key: &str| map.get(key).and_then(Value::as_str);
    match (word("x-hub-unit"), word("format")) {
        (Some("fen"), _) => Semantic::Money,
        (Some("longitude"), _) => Semantic::Longitude,
        (Some("latitude"), _) => Semantic::Latitude,
        (Some("file"), _) => Semantic::File,
        (_, Some("date")) => Semantic::Date,
        (_, Some("date-time")) => Semantic::DateTime,
        (_, Some("month")) => Semantic::Month,
        _ => Semantic::Plain,
    }
}

/// The one JSON type of a schema, and whether null is allowed beside it.
fn kind_of(map: &Map<String, Value>) -> (ShapeKind, bool) {
    let named = |name: &str| match name {
        "string" => ShapeKind::String,
        "integer" => ShapeKind::Integer,
        "number" => ShapeKind::Number,
        "boolean" => ShapeKind::Boolean,
        "object" => ShapeKind::Object,
        "array" => ShapeKind::Array,
        _ => ShapeKind::Any,
    };
    match map.get("type") {
        Some(Value::String(one)) => (named(one), one == "null"),
        Some(Value::Array(several)) => {
            let mut words = several.iter().filter_map(Value::as_str).filter(|w| *w != "null");
            let nullable = several.iter().any(|w| w == "null");
            match (words.next(), words.next()) {
                (Some(one), None) => (named(one), nullable),
                _ => (ShapeKind::Any, nullable),
            }
        }
        _ if map.contains_key("properties") => (ShapeKind::Object, false),
        _ if map.contains_key("items") => (ShapeKind::Array, false),
        _ => (ShapeKind::Any, false),
    }
}
