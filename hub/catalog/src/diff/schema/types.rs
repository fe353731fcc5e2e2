//! Which types of value a schema allows, and which single values where it lists them.

use super::number::{is_whole, same};
use crate::diff::book::{Book, Node, Part, join};
use serde_json::Value;
use std::sync::LazyLock;

/// A set of types. Whole numbers and others are apart, because `integer` is part of `number`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Types(u8);

/// Levels of alternatives looked into for types.
const DEPTH: u8 = 4;

impl Types {
    pub const NULL: Types = Types(1);
    pub const BOOLEAN: Types = Types(2);
    pub const OBJECT: Types = Types(4);
    pub const ARRAY: Types = Types(8);
    pub const STRING: Types = Types(16);
    pub const WHOLE: Types = Types(32);
    pub const NUMBER: Types = Types(32 | 64);
    pub const ALL: Types = Types(127);
    pub const NONE: Types = Types(0);

    fn named(name: &str) -> Types {
        match name {
            "null" => Self::NULL,
            "boolean" => Self::BOOLEAN,
            "object" => Self::OBJECT,
            "array" => Self::ARRAY,
            "string" => Self::STRING,
            "integer" => Self::WHOLE,
            "number" => Self::NUMBER,
            // A type nobody knows restricts nothing that could be compared.
            _ => Self::ALL,
        }
    }

    /// The type of one value.
    pub fn of_value(value: &Value) -> Types {
        match value {
            Value::Null => Self::NULL,
            Value::Bool(_) => Self::BOOLEAN,
            Value::Object(_) => Self::OBJECT,
            Value::Array(_) => Self::ARRAY,
            Value::String(_) => Self::STRING,
            Value::Number(n) if is_whole(n) => Self::WHOLE,
            Value::Number(_) => Types(64),
        }
    }

    pub fn with(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }

    pub fn common(self, other: Types) -> Types {
        Types(self.0 & other.0)
    }

    pub fn without(self, other: Types) -> Types {
        Types(self.0 & !other.0)
    }

    pub fn has(self, other: Types) -> bool {
        self.0 & other.0 != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// As `type` would say it.
    pub fn shown(self) -> String {
        if self == Self::ALL {
            return "any".into();
        }
        let mut names = Vec::new();
        for (types, name) in [
            (Self::STRING, "string"),
            (Self::NUMBER, "number"),
            (Self::WHOLE, "integer"),
            (Self::BOOLEAN, "boolean"),
            (Self::OBJECT, "object"),
            (Self::ARRAY, "array"),
            (Self::NULL, "null"),
        ] {
            let whole = types == Self::WHOLE && names.contains(&"number");
            if self.common(types) == types && !whole {
                names.push(name);
            }
        }
        names.join(" | ")
    }
}

fn declared(value: &Value) -> Types {
    match value {
        Value::String(name) => Types::named(name),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .fold(Types::NONE, |all, name| all.with(Types::named(name))),
        _ => Types::ALL,
    }
}

/// The types a node allows, single values and alternatives included.
pub(super) fn types<'a>(book: &Book<'a>, node: &Node<'a>) -> Types {
    deep(book, node, DEPTH)
}

fn deep<'a>(book: &Book<'a>, node: &Node<'a>, depth: u8) -> Types {
    node.parts.iter().fold(Types::ALL, |all, part| {
        let own = of_part(book, part, depth);
        all.common(if part.null { own.with(Types::NULL) } else { own })
    })
}

fn of_part<'a>(book: &Book<'a>, part: &Part<'a>, depth: u8) -> Types {
    let Some(map) = part.value.as_object() else {
        return Types::NONE;
    };
    let mut all = map.get("type").map_or(Types::ALL, declared);
    if let Some(values) = listed(part.value) {
        all = all.common(values.iter().fold(Types::NONE, |t, v| t.with(Types::of_value(v))));
    }
    for keyword in ["anyOf", "oneOf"] {
        let variants = map.get(keyword).and_then(Value::as_array).filter(|v| !v.is_empty());
        let Some(variants) = variants.filter(|_| depth > 0) else {
            continue;
        };
        let at = join(&part.at, keyword);
        let union = variants.iter().enumerate().fold(Types::NONE, |union, (i, variant)| {
            union.with(deep(book, &book.node(variant, join(&at, &i.to_string())), depth - 1))
        });
        all = all.common(union);
    }
    all
}

/// A node with several types as one alternative for each, null allowed where it was.
pub(super) fn split<'a>(book: &Book<'a>, node: &Node<'a>) -> Vec<Node<'a>> {
    static SINGLE: LazyLock<Vec<(Types, Value)>> = LazyLock::new(|| {
        ["string", "number", "boolean", "object", "array"]
            .into_iter()
            .map(|name| (Types::named(name), serde_json::json!({"type": [name, "null"]})))
            .collect()
    });
    let all = types(book, node);
    let held: Vec<&'static Value> = SINGLE.iter().filter(|(t, _)| all.has(*t)).map(|(_, v)| v).collect();
    if all == Types::ALL || held.len() < 2 {
        return vec![node.clone()];
    }
    let one = |value: &'static Value| {
        let mut single = node.clone();
        let at = node.place(&["type"]).unwrap_or_default().into();
        single.parts.push(Part { value, at, null: false });
        single.name = None;
        single
    };
    held.into_iter().map(one).collect()
}

/// The single values one schema object lists.
fn listed(schema: &Value) -> Option<Vec<&Value>> {
    if let Some(only) = schema.get("const") {
        return Some(vec![only]);
    }
    schema
        .get("enum")
        .and_then(Value::as_array)
        .map(|values| values.iter().collect())
}

/// The single values a node is restricted to, if it is.
pub(super) fn values<'a>(node: &Node<'a>, types: Types) -> Option<Vec<&'a Value>> {
    static NULL: Value = Value::Null;
    let mut all: Option<Vec<&'a Value>> = None;
    for part in &node.parts {
        let Some(mut here) = listed(part.value) else { continue };
        if part.null && !here.iter().any(|v| v.is_null()) {
            here.push(&NULL);
        }
        if let Some(before) = all {
            here.retain(|v| before.iter().any(|b| same(b, v)));
        }
        all = Some(here);
    }
    all.map(|mut all| {
        all.retain(|v| types.has(Types::of_value(v)));
        all
    })
}
