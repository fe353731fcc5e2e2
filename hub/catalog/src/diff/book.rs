//! One description under comparison: references followed, schemas flattened into conjunctions.
//!
//! Inlining a component, renaming it and wrapping it in an `allOf` of one must not be changes, so that nothing beyond
//! this module sees a `$ref` or an `allOf`.

use crate::document::{escape, unescape};
use serde_json::{Map, Value};
use std::rc::Rc;

/// References followed in a row before it is taken for a circle.
const CHAIN: usize = 64;
/// Keywords that say nothing about which values are allowed.
const ANNOTATIONS: &[&str] = &[
    "title",
    "description",
    "summary",
    "example",
    "examples",
    "externalDocs",
    "$comment",
    "$schema",
    "$defs",
    "definitions",
    "xml",
];

/// Keywords that say nothing about which values are allowed and still matter to clients.
const NEUTRAL: &[&str] = &[
    "discriminator",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "x-extensible-enum",
];

/// A JSON pointer that is handed on.
pub(super) type At = Rc<str>;

/// A description.
#[derive(Debug, Clone, Copy)]
pub(super) struct Book<'a> {
    root: &'a Value,
}

/// One schema object (or `false`) of a conjunction; its `$ref` and `allOf` are already followed.
#[derive(Debug, Clone)]
pub(super) struct Part<'a> {
    pub value: &'a Value,
    pub at: At,
    /// Whether null is allowed whatever this part says (`anyOf: [X, {type: null}]`).
    pub null: bool,
}

/// A schema: every part must hold. No parts: anything goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Node<'a> {
    pub parts: Vec<Part<'a>>,
    /// The component it was referred to as, for matching alternatives by name.
    pub name: Option<String>,
}

/// What identifies a node within its description: addresses of its parts, each with whether null is allowed beside it.
pub(super) type Key = Vec<(usize, bool)>;

/// The address of a value: values of one description never move while it is compared.
fn address(value: &Value) -> usize {
    std::ptr::from_ref(value) as usize
}

/// One step further down a pointer.
pub(super) fn join(at: &str, name: &str) -> At {
    format!("{at}/{}", escape(name)).into()
}

/// Whether a keyword is for readers or for other programs only.
fn annotates(keyword: &str) -> bool {
    ANNOTATIONS.contains(&keyword) || (keyword.starts_with("x-") && keyword != "x-extensible-enum")
}

/// Whether a schema restricts nothing.
fn says_nothing(map: &Map<String, Value>) -> bool {
    map.keys().all(|k| annotates(k) || NEUTRAL.contains(&k.as_str()))
}

/// The one keyword of a schema that has no other, with its value.
fn only_keyword(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object()?;
    let mut telling = map.iter().filter(|(k, _)| !annotates(k) && *k != "discriminator");
    let (keyword, inner) = telling.next()?;
    telling.next().is_none().then_some((keyword.as_str(), inner))
}

/// Whether a schema allows null only.
fn only_null(value: &Value) -> bool {
    let Some(map) = value.as_object() else { return false };
    let is_null = |v: &Value| {
        v == "null"
            || v.as_array()
                .is_some_and(|a| a.len() == 1 && a.iter().all(|v| v == "null"))
    };
    map.get("type").is_some_and(is_null)
        || map.get("const").is_some_and(Value::is_null)
        || map
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(|values| !values.is_empty() && values.iter().all(Value::is_null))
}

impl<'a> Book<'a> {
    pub fn new(root: &'a Value) -> Self {
        Self { root }
    }

    pub fn root(&self) -> &'a Value {
        self.root
    }

    /// What a local reference names, with its pointer.
    fn target(&self, reference: &str) -> Option<(&'a Value, At)> {
        let fragment = reference.strip_prefix('#')?;
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return None;
        }
        let pointer = decoded(fragment);
        self.root.pointer(&pointer).map(|value| (value, pointer.into()))
    }

    /// Follows the `$ref` of an object that is no schema (parameter, answer, path item). One that can't be followed stays.
    pub fn follow(&self, value: &'a Value, at: At) -> (&'a Value, At) {
        let mut here = (value, at);
        for _ in 0..CHAIN {
            let next = here
                .0
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| self.target(reference));
            match next {
                Some(next) => here = next,
                None => break,
            }
        }
        here
    }

    /// A schema as a node.
    pub fn node(&self, value: &'a Value, at: At) -> Node<'a> {
        let mut node = Node::default();
        let mut here = (value, at);
        let mut null = false;
        for _ in 0..CHAIN {
            let Some(next) = self.unwrapped(&here, &mut node, &mut null) else {
                break;
            };
            here = next;
        }
        let mut seen = Vec::new();
        self.spread(here.0, here.1, &mut seen, &mut node.parts);
        node.or_null(null);
        node
    }

    /// The schema inside one that does nothing but point to it, allow null beside it, or wrap it.
    fn unwrapped(
        &self,
        (value, at): &(&'a Value, At),
        node: &mut Node<'a>,
        null: &mut bool,
    ) -> Option<(&'a Value, At)> {
        let (keyword, inner) = only_keyword(value)?;
        if keyword == "$ref" {
            let target = self.target(inner.as_str()?)?;
            node.name = target.1.rsplit('/').next().map(|token| unescape(token).into_owned());
            return Some(target);
        }
        let all = inner.as_array()?;
        let rest: Vec<(usize, &Value)> = match keyword {
            "allOf" => all.iter().enumerate().collect(),
            "anyOf" | "oneOf" => all.iter().enumerate().filter(|(_, v)| !self.only_null(v)).collect(),
            _ => return None,
        };
        let [(index, only)] = rest.as_slice() else { return None };
        *null |= all.len() > 1;
        Some((*only, join(&join(at, keyword), &index.to_string())))
    }

    /// Whether a schema allows null only, however it is wrapped.
    pub fn only_null(&self, value: &'a Value) -> bool {
        let mut here = value;
        for _ in 0..CHAIN {
            let inside = match only_keyword(here) {
                Some(("$ref", reference)) => reference.as_str().and_then(|r| self.target(r)).map(|(v, _)| v),
                Some(("allOf" | "anyOf" | "oneOf", list)) => match list.as_array().map(Vec::as_slice) {
                    Some([only]) => Some(only),
                    _ => None,
                },
                _ => None,
            };
            match inside {
                Some(next) => here = next,
                None => break,
            }
        }
        only_null(here)
    }

    fn spread(&self, value: &'a Value, at: At, seen: &mut Vec<usize>, out: &mut Vec<Part<'a>>) {
        let map = match value {
            Value::Bool(false) => return out.push(Part { value, at, null: false }),
            Value::Object(map) => map,
            _ => return,
        };
        // A circle of references through allOf adds nothing to the conjunction.
        if seen.contains(&address(value)) {
            return;
        }
        seen.push(address(value));
        let mut opaque = false;
        if let Some(reference) = map.get("$ref").and_then(Value::as_str) {
            match self.target(reference) {
                Some((target, target_at)) => self.spread(target, target_at, seen, out),
                None => opaque = true,
            }
        }
        for (index, inner) in map
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .enumerate()
        {
            self.spread(inner, join(&join(&at, "allOf"), &index.to_string()), seen, out);
        }
        let telling = |k: &String| !annotates(k) && k != "$ref" && k != "allOf";
        if opaque || map.keys().any(telling) {
            out.push(Part { value, at, null: false });
        }
    }
}

impl<'a> Node<'a> {
    /// Whether anything is allowed.
    pub fn anything(&self) -> bool {
        self.parts.iter().all(|p| p.value.as_object().is_some_and(says_nothing))
    }

    /// Whether nothing is allowed.
    pub fn never(&self) -> bool {
        self.parts.iter().any(|p| p.value == &Value::Bool(false) && !p.null)
    }

    /// What identifies it.
    pub fn key(&self) -> Key {
        let mut key: Key = self.parts.iter().map(|p| (address(p.value), p.null)).collect();
        key.sort_unstable();
        key.dedup();
        key
    }

    /// Every part's value of a keyword, with its part.
    pub fn all<'n>(&'n self, keyword: &'n str) -> impl Iterator<Item = (&'a Value, &'n Part<'a>)> {
        self.parts
            .iter()
            .filter_map(move |part| part.value.get(keyword).map(|value| (value, part)))
    }

    /// Whether a part sets a boolean keyword.
    pub fn flag(&self, keyword: &str) -> bool {
        self.all(keyword).any(|(v, _)| v == &Value::Bool(true))
    }

    /// Pointer to the first of some keywords, or to the schema where it has none of them.
    pub fn place(&self, keywords: &[&str]) -> Option<String> {
        for keyword in keywords {
            if let Some((_, part)) = self.all(keyword).next() {
                return Some(join(&part.at, keyword).to_string());
            }
        }
        self.parts.first().map(|p| p.at.to_string())
    }

    /// Allows null beside it.
    pub fn or_null(&mut self, null: bool) {
        for part in &mut self.parts {
            part.null |= null;
        }
    }

    /// Both at once.
    pub fn and(mut self, other: Node<'a>) -> Node<'a> {
        self.name = self.name.or(other.name);
        self.parts.extend(other.parts);
        self
    }
}

/// A URI fragment with its percent signs undone (RFC 6901, section 6).
fn decoded(fragment: &str) -> String {
    if !fragment.contains('%') {
        return fragment.to_owned();
    }
    let mut bytes = Vec::with_capacity(fragment.len());
    let mut rest = fragment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|h| std::str::from_utf8(h).ok());
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) if *first == b'%' => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
