//! A document whose every value knows where it was written, so that it may be moved and still be pointed at.

use crate::document::{Document, duplicate};
use hub_core::{Finding, Severity, Text};
use indexmap::IndexMap;
use indexmap::map::Entry;
use serde_json::{Map, Value};

/// Where a value was written: file by its number in the set, line and column from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct At {
    pub(super) file: u16,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) content: Content,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    /// A text, a number, a truth value or null.
    Leaf(Value),
    List(Vec<Node>),
    Map(IndexMap<String, Node>),
}

/// Merges (`<<`) followed into one another.
const MERGES: usize = 32;

impl Node {
    /// The tree of a document; what stands twice or is merged is settled here.
    pub(super) fn of(document: Document, file: u16, findings: &mut Vec<Finding>) -> Self {
        let (name, value, places) = document.into_parts();
        let mut maker = Maker {
            name,
            file,
            places,
            findings,
        };
        maker.node(value, &mut String::new())
    }

    pub(super) fn leaf(at: At, value: impl Into<Value>) -> Self {
        let content = Content::Leaf(value.into());
        Self { at, content }
    }

    pub(super) fn new_map(at: At) -> Self {
        let content = Content::Map(IndexMap::new());
        Self { at, content }
    }

    pub(super) fn list(at: At, items: Vec<Node>) -> Self {
        let content = Content::List(items);
        Self { at, content }
    }

    /// A value that stands nowhere, put where `at` stands.
    pub(super) fn from_value(at: At, value: &Value) -> Self {
        let content = match value {
            Value::Array(items) => Content::List(items.iter().map(|v| Self::from_value(at, v)).collect()),
            Value::Object(map) => Content::Map(map.iter().map(|(k, v)| (k.clone(), Self::from_value(at, v))).collect()),
            other => Content::Leaf(other.clone()),
        };
        Self { at, content }
    }

    pub(super) fn map(&self) -> Option<&IndexMap<String, Node>> {
        match &self.content {
            Content::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn map_mut(&mut self) -> Option<&mut IndexMap<String, Node>> {
        match &mut self.content {
            Content::Map(map) => Some(map),
            _ => None,
        }
    }

    pub(super) fn items(&self) -> &[Node] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.map()?.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.map_mut()?.get_mut(key)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Leaf(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    pub(super) fn flag(&self) -> Option<bool> {
        match &self.content {
            Content::Leaf(value) => value.as_bool(),
            _ => None,
        }
    }

    pub(super) fn is_true(&self, key: &str) -> bool {
        self.get(key).and_then(Node::flag) == Some(true)
    }

    pub(super) fn is_null(&self) -> bool {
        self.content == Content::Leaf(Value::Null)
    }

    /// Takes a member out; the order of the rest stays.
    pub(super) fn take(&mut self, key: &str) -> Option<Node> {
        self.map_mut()?.shift_remove(key)
    }

    pub(super) fn put(&mut self, key: impl Into<String>, node: Node) {
        if let Some(map) = self.map_mut() {
            map.insert(key.into(), node);
        }
    }

    /// What a JSON pointer's tokens lead to.
    pub(super) fn pointer(&self, pointer: &str) -> Option<&Node> {
        let mut node = self;
        for token in pointer.split('/').skip(1) {
            let token = crate::document::unescape(token);
            node = match &node.content {
                Content::Map(map) => map.get(token.as_ref())?,
                Content::List(items) => items.get(token.parse::<usize>().ok()?)?,
                Content::Leaf(_) => return None,
            };
        }
        Some(node)
    }

    /// The plain value.
    pub(super) fn value(&self) -> Value {
        match &self.content {
            Content::Leaf(value) => value.clone(),
            Content::List(items) => Value::Array(items.iter().map(Node::value).collect()),
            Content::Map(map) => Value::Object(map.iter().map(|(k, v)| (k.clone(), v.value())).collect::<Map<_, _>>()),
        }
    }

    /// The plain value, of a tree that has done its work.
    pub(super) fn into_value(self) -> Value {
        match self.content {
            Content::Leaf(value) => value,
            Content::List(items) => Value::Array(items.into_iter().map(Node::into_value).collect()),
            Content::Map(map) => {
                Value::Object(map.into_iter().map(|(k, v)| (k, v.into_value())).collect::<Map<_, _>>())
            }
        }
    }

    /// How a finding names what kind of value this is.
    pub(super) fn kind(&self) -> &'static str {
        match &self.content {
            Content::Leaf(Value::Null) => "null",
            Content::Leaf(Value::Bool(_)) => "boolean",
            Content::Leaf(Value::Number(_)) => "number",
            Content::Leaf(_) => "string",
            Content::List(_) => "array",
            Content::Map(_) => "object",
        }
    }
}

struct Maker<'a, P> {
    name: String,
    file: u16,
    places: P,
    findings: &'a mut Vec<Finding>,
}

impl<P: Iterator<Item = (u32, u32)>> Maker<'_, P> {
    fn node(&mut self, value: Value, pointer: &mut String) -> Node {
        let (line, column) = self.places.next().unwrap_or((1, 1));
        let at = At {
            file: self.file,
            line,
            column,
        };
        let content = match value {
            Value::Array(items) => {
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    list.push(self.below(item, &index.to_string(), pointer));
                }
                Content::List(list)
            }
            Value::Object(map) => {
                let mut members: IndexMap<String, Node> = IndexMap::with_capacity(map.len());
                for (name, value) in map {
                    let key = duplicate(&name).map(str::to_owned).unwrap_or(name);
                    let node = self.below(value, &key, pointer);
                    match members.entry(key) {
                        Entry::Occupied(first) => self.twice(first.key(), first.get(), &node, pointer),
                        Entry::Vacant(free) => drop(free.insert(node)),
                    }
                }
                if members.contains_key("<<") {
                    merge(&mut members);
                }
                Content::Map(members)
            }
            leaf => Content::Leaf(leaf),
        };
        Node { at, content }
    }

    fn below(&mut self, value: Value, token: &str, pointer: &mut String) -> Node {
        let length = pointer.len();
        pointer.push('/');
        pointer.push_str(&crate::document::escape(token));
        let node = self.node(value, pointer);
        pointer.truncate(length);
        node
    }

    /// A key that stands twice with one meaning is dropped; with two, nobody can say which is meant.
    fn twice(&mut self, key: &str, first: &Node, again: &Node, pointer: &str) {
        let same = first.value() == again.value();
        let (zh, en) = match same {
            true => (
                format!("键 `{key}` 重复，内容相同，已去掉后一个"),
                format!("The key `{key}` stands twice and says the same; the second was dropped"),
            ),
            false => (
                format!("键 `{key}` 重复且内容不同，第一处在第 {} 行", first.at.line),
                format!(
                    "The key `{key}` stands twice and says different things; the first is in line {}",
                    first.at.line
                ),
            ),
        };
        let finding = Finding::error("duplicate-key", self.name.clone(), Text::new(zh, en))
            .at(
                format!("{pointer}/{}", crate::document::escape(key)),
                again.at.line as usize,
                again.at.column as usize,
            )
            .fix(Text::new(
                "请删去其中一个，或改用不同的名称",
                "Remove one of them or give it another name.",
            ));
        self.findings.push(match same {
            true => finding.severity(Severity::Note),
            false => finding,
        });
    }
}

/// YAML 1.1's merge: what `<<` names stands in for what the mapping does not say itself.
fn merge(members: &mut IndexMap<String, Node>) {
    for _ in 0..MERGES {
        let Some(merged) = members.shift_remove("<<") else {
            return;
        };
        let sources = match merged.content {
            Content::Map(_) => vec![merged],
            Content::List(items) => items,
            Content::Leaf(_) => continue,
        };
        for source in sources {
            let Content::Map(map) = source.content else { continue };
            for (key, node) in map {
                members.entry(key).or_insert(node);
            }
        }
    }
}
