//! A document laid out flat, so that a rule finds its places by looking along a list instead of walking down again.

use crate::document::{escape, unescape};
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// Members from which on a mapping is looked up by hash.
const LARGE: usize = 16;
/// References followed one after the other.
const MAX_HOPS: usize = 16;

/// Number of a node; parents come before what is in them.
pub(super) type Id = usize;

/// What a value stands for, as far as rules ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A JSON Schema.
    Schema,
    /// A mapping of names to schemas.
    SchemaMap,
    /// A list of schemas.
    SchemaList,
    /// An example, a default or an extension: what stands in it is no part of the description's structure.
    Data,
    /// Everything else.
    Other,
}

/// How a node is called in its parent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key<'v> {
    Root,
    Name(&'v str),
    Index(usize),
}

#[derive(Debug)]
pub(super) struct Entry<'v> {
    pub(super) value: &'v Value,
    pub(super) key: Key<'v>,
    pub(super) parent: Id,
    pub(super) role: Role,
    /// Nodes of it and below it.
    pub(super) size: usize,
    /// What its `$ref` leads to.
    target: Option<Id>,
}

/// The nodes of a document in the order of a walk.
#[derive(Debug)]
pub(super) struct Tree<'v> {
    entries: Vec<Entry<'v>>,
    large: HashMap<(Id, &'v str), Id>,
    referenced: HashSet<&'v str>,
}

impl<'v> Tree<'v> {
    pub(super) fn new(root: &'v Value) -> Self {
        let mut tree = Self {
            entries: Vec::new(),
            large: HashMap::new(),
            referenced: HashSet::new(),
        };
        tree.add(root, Key::Root, 0, Role::Other);
        let named: Vec<(Id, &'v str)> = tree
            .entries
            .iter()
            .enumerate()
            .filter_map(|(id, e)| Some((id, reference(e.value)?)))
            .collect();
        let mut known: HashMap<&'v str, Option<Id>> = HashMap::new();
        for (id, name) in &named {
            let target = *known.entry(name).or_insert_with(|| tree.follow(name));
            if let Some(entry) = tree.entries.get_mut(*id) {
                entry.target = target;
            }
        }
        tree.referenced = known.into_keys().collect();
        tree
    }

    fn add(&mut self, value: &'v Value, key: Key<'v>, parent: Id, role: Role) {
        let id = self.entries.len();
        self.entries.push(Entry {
            value,
            key,
            parent,
            role,
            size: 1,
            target: None,
        });
        match value {
            Value::Object(map) => {
                for (name, member) in map {
                    if map.len() > LARGE {
                        self.large.insert((id, name), self.entries.len());
                    }
                    let below = self.role_below(id, role, name);
                    self.add(member, Key::Name(name), id, below);
                }
            }
            Value::Array(items) => {
                let below = match role {
                    Role::SchemaList => Role::Schema,
                    Role::Data => Role::Data,
                    _ => Role::Other,
                };
                for (index, item) in items.iter().enumerate() {
                    self.add(item, Key::Index(index), id, below);
                }
            }
            _ => {}
        }
        let size = self.entries.len() - id;
        if let Some(entry) = self.entries.get_mut(id) {
            entry.size = size;
        }
    }

    fn role_below(&self, id: Id, role: Role, name: &str) -> Role {
        match role {
            Role::Data => Role::Data,
            Role::SchemaMap => Role::Schema,
            Role::Schema => match name {
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => Role::SchemaMap,
                "items"
                | "additionalProperties"
                | "not"
                | "if"
                | "then"
                | "else"
                | "contains"
                | "propertyNames"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "contentSchema" => Role::Schema,
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => Role::SchemaList,
                "example" | "examples" | "default" | "enum" | "const" => Role::Data,
                extension if extension.starts_with("x-") => Role::Data,
                _ => Role::Other,
            },
            Role::Other | Role::SchemaList => match name {
                "schema" | "itemSchema" => Role::Schema,
                "schemas" if self.is_components(id) => Role::SchemaMap,
                "example" => Role::Data,
                // `components.examples` names examples too, with `value` in them.
                "examples" => Role::Data,
                extension if extension.starts_with("x-") => Role::Data,
                _ => Role::Other,
            },
        }
    }

    fn is_components(&self, id: Id) -> bool {
        self.entry(id)
            .is_some_and(|e| e.key == Key::Name("components") && e.parent == 0)
    }

    pub(super) fn entry(&self, id: Id) -> Option<&Entry<'v>> {
        self.entries.get(id)
    }

    pub(super) fn value(&self, id: Id) -> &'v Value {
        self.entries.get(id).map_or(&Value::Null, |e| e.value)
    }

    /// Nodes of one role.
    pub(super) fn of_role(&self, role: Role) -> impl Iterator<Item = Id> + '_ {
        let all = self.entries.iter().enumerate();
        all.filter(move |(_, e)| e.role == role).map(|(id, _)| id)
    }

    /// The nodes directly in one.
    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        let end = self.entry(id).map_or(id, |e| id + e.size);
        let mut next = id + 1;
        std::iter::from_fn(move || {
            let this = next;
            (this < end).then(|| {
                next += self.entry(this).map_or(1, |e| e.size);
                this
            })
        })
    }

    /// A member by its name, or an item by its number.
    pub(super) fn child(&self, id: Id, name: &str) -> Option<Id> {
        match self.value(id) {
            Value::Object(map) if map.len() > LARGE => self.large.get(&(id, name)).copied(),
            Value::Object(_) => self
                .children(id)
                .find(|child| self.entry(*child).is_some_and(|e| e.key == Key::Name(name))),
            Value::Array(_) => name.parse().ok().and_then(|n| self.children(id).nth(n)),
            _ => None,
        }
    }

    /// What a node stands for: itself, or what its `$ref` leads to.
    pub(super) fn settled(&self, id: Id) -> Id {
        let mut at = id;
        for _ in 0..MAX_HOPS {
            match self.entry(at).and_then(|e| e.target) {
                Some(next) => at = next,
                None => return at,
            }
        }
        at
    }

    fn follow(&self, reference: &str) -> Option<Id> {
        let mut at = 0;
        for token in reference.strip_prefix('#')?.split('/').skip(1) {
            at = self.child(at, &unescape(token))?;
        }
        Some(at)
    }

    /// Whether a reference to exactly this pointer stands anywhere.
    pub(super) fn is_referenced(&self, pointer: &str) -> bool {
        self.referenced.contains(format!("#{pointer}").as_str())
    }

    /// JSON pointer of a node.
    pub(super) fn pointer(&self, id: Id) -> String {
        let mut tokens = Vec::new();
        let mut at = id;
        while let Some(entry) = self.entry(at) {
            match entry.key {
                Key::Root => break,
                Key::Name(name) => tokens.push(escape(name)),
                Key::Index(index) => tokens.push(index.to_string().into()),
            }
            at = entry.parent;
        }
        tokens.iter().rev().fold(String::new(), |path, t| path + "/" + t)
    }

    /// The value of a node with references in it replaced by what they lead to: as deep as asked, what lies deeper empty,
    /// and as far as the budget of values goes.
    pub(super) fn whole(&self, id: Id, depth: usize, budget: &mut usize) -> Value {
        let id = self.settled(id);
        *budget = budget.saturating_sub(1);
        let below = depth.checked_sub(1).filter(|_| *budget > 0);
        match (self.value(id), below) {
            (Value::Object(map), Some(below)) => {
                let members = map.keys().zip(self.children(id));
                let members = members.map(|(name, child)| (name.clone(), self.whole(child, below, budget)));
                Value::Object(members.collect())
            }
            (Value::Array(_), Some(below)) => Value::Array(
                self.children(id)
                    .map(|child| self.whole(child, below, budget))
                    .collect(),
            ),
            (Value::Object(_), None) => Value::Object(serde_json::Map::new()),
            (Value::Array(_), None) => Value::Array(Vec::new()),
            (other, _) => other.clone(),
        }
    }
}

/// What a value refers to within its document.
fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str().filter(|r| r.starts_with('#'))
}
