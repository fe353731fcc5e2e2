//! Which places a rule looks at: the part of JSONPath (RFC 9535) that rulesets use, with the shorthands of
//! Spectral: `[get,put]`, `^` for the parent, `~` for the key.

use super::filter::{Filter, Scope};
use super::tree::{Id, Key, Role, Tree};
use serde_json::Value;
use std::collections::HashSet;

/// A parsed path.
#[derive(Debug, Clone)]
pub(super) struct Path {
    start: Start,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Start {
    Root,
    /// All schemas, wherever they stand.
    Schemas,
    /// All mappings of names to schemas called `properties`.
    Properties,
}

#[derive(Debug, Clone)]
struct Step {
    deep: bool,
    select: Select,
}

#[derive(Debug, Clone)]
enum Select {
    Names(Vec<String>),
    All,
    Where(Filter),
    Slice(Option<i64>, Option<i64>),
    Parent,
    Keys,
}

/// A place a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Hit {
    pub(super) id: Id,
    /// The key is meant, not the value.
    pub(super) key: bool,
}

/// How paths are followed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Through `$ref`.
    pub(super) resolved: bool,
    /// Also into examples, defaults and extensions when it goes deep.
    pub(super) data: bool,
}

impl Path {
    /// Reads a path; the message says what cannot be read.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut reader = Reader {
            rest: text.trim(),
            whole: text,
        };
        let start = reader.start()?;
        let mut steps = Vec::new();
        while !reader.rest.is_empty() {
            reader.step(&mut steps)?;
        }
        Ok(Self { start, steps })
    }

    /// The places it leads to, each once, in the order of the document as far as references let it.
    pub(super) fn select(&self, tree: &Tree<'_>, manner: Manner) -> Vec<Hit> {
        self.select_from(tree, 0, manner)
    }

    /// As [`Path::select`], with another place as `$`.
    pub(super) fn select_from(&self, tree: &Tree<'_>, root: Id, manner: Manner) -> Vec<Hit> {
        let plain = |id| Hit { id, key: false };
        let mut at: Vec<Hit> = match self.start {
            Start::Root => vec![plain(root)],
            Start::Schemas => tree.of_role(Role::Schema).map(plain).collect(),
            Start::Properties => tree
                .of_role(Role::SchemaMap)
                .filter(|id| tree.entry(*id).is_some_and(|e| e.key == Key::Name("properties")))
                .map(plain)
                .collect(),
        };
        for step in &self.steps {
            let mut seen = HashSet::new();
            let mut next = Vec::new();
            let mut visited = HashSet::new();
            for hit in at {
                let mut put = |hit: Hit| {
                    if seen.insert(hit) {
                        next.push(hit);
                    }
                };
                match step.deep {
                    false => step.select.from(tree, settled(tree, hit.id, manner), &mut put),
                    true => deep(tree, hit.id, manner, &mut visited, &mut |id| {
                        step.select.from(tree, id, &mut put);
                    }),
                }
            }
            at = next;
        }
        at
    }
}

fn settled(tree: &Tree<'_>, id: Id, manner: Manner) -> Id {
    if manner.resolved { tree.settled(id) } else { id }
}

/// A node and everything below it, references followed, each node once for a whole step.
fn deep(tree: &Tree<'_>, id: Id, manner: Manner, visited: &mut HashSet<Id>, visit: &mut impl FnMut(Id)) {
    let mut open = vec![id];
    while let Some(id) = open.pop() {
        let id = settled(tree, id, manner);
        if !visited.insert(id) {
            continue;
        }
        visit(id);
        let from = open.len();
        open.extend(tree.children(id).filter(|child| {
            let entry = tree.entry(*child);
            let inner = entry.is_some_and(|e| e.value.is_object() || e.value.is_array());
            inner && (manner.data || entry.is_some_and(|e| e.role != Role::Data))
        }));
        if let Some(new) = open.get_mut(from..) {
            new.reverse();
        }
    }
}

impl Select {
    fn from(&self, tree: &Tree<'_>, id: Id, put: &mut impl FnMut(Hit)) {
        let plain = |id| Hit { id, key: false };
        match self {
            Self::Names(names) => {
                for name in names {
                    if let Some(child) = tree.child(id, name) {
                        put(plain(child));
                    }
                }
            }
            Self::All => tree.children(id).for_each(|child| put(plain(child))),
            Self::Where(filter) => {
                for child in tree.children(id) {
                    if filter.holds(&Scope { tree, id: child }) {
                        put(plain(child));
                    }
                }
            }
            Self::Slice(from, to) => {
                if let Value::Array(items) = tree.value(id) {
                    let place = |n: i64| if n < 0 { n + items.len() as i64 } else { n };
                    let (from, to) = (place(from.unwrap_or(0)), to.map_or(i64::MAX, place));
                    for (index, child) in tree.children(id).enumerate() {
                        if (index as i64) >= from && (index as i64) < to {
                            put(plain(child));
                        }
                    }
                }
            }
            Self::Parent => put(plain(tree.entry(id).map_or(0, |e| e.parent))),
            Self::Keys => {
                if id != 0 {
                    put(Hit { id, key: true });
                }
            }
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
    whole: &'t str,
}

impl Reader<'_> {
    fn fail<T>(&self, what: &str) -> Result<T, String> {
        let at = self.whole.len() - self.rest.len();
        Err(format!("`{}`: {what} at character {}", self.whole, at + 1))
    }

    fn take(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn start(&mut self) -> Result<Start, String> {
        for (word, start) in [("#Schemas", Start::Schemas), ("#Properties", Start::Properties)] {
            if self.take(word) {
                return Ok(start);
            }
        }
        match self.take("$") {
            true => Ok(Start::Root),
            false => self.fail("a path begins with `$`"),
        }
    }

    fn step(&mut self, steps: &mut Vec<Step>) -> Result<(), String> {
        if self.take("^") {
            steps.push(Step {
                deep: false,
                select: Select::Parent,
            });
            return Ok(());
        }
        // `$.a[*]~`: the keys of what was selected before.
        if self.take("~") {
            steps.push(Step {
                deep: false,
                select: Select::Keys,
            });
            return Ok(());
        }
        let deep = self.take("..");
        let dotted = deep || self.take(".");
        let select = if self.rest.starts_with('[') {
            self.bracket()?
        } else if dotted {
            self.name()?
        } else {
            return self.fail("unexpected character");
        };
        steps.push(Step { deep, select });
        Ok(())
    }

    fn name(&mut self) -> Result<Select, String> {
        if self.take("*") {
            return Ok(Select::All);
        }
        let end = self.rest.find(['.', '[', '^', '~', ' ']).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty() {
            return self.fail("a name is missing");
        }
        let select = Select::Names(vec![name.to_owned()]);
        self.rest = rest;
        Ok(select)
    }

    fn bracket(&mut self) -> Result<Select, String> {
        let Some(end) = closing(self.rest) else {
            return self.fail("`]` is missing");
        };
        let inner = self.rest.get(1..end).unwrap_or_default().trim();
        let select = if inner == "*" {
            Select::All
        } else if let Some(filter) = inner.strip_prefix('?') {
            Select::Where(Filter::parse(filter)?)
        } else if let Some((from, to)) = inner.split_once(':').filter(|_| !inner.contains(['\'', '"'])) {
            let bound = |text: &str| match text.trim() {
                "" => Ok(None),
                number => number
                    .parse()
                    .map(Some)
                    .map_err(|_| format!("`{}`: no slice", self.whole)),
            };
            Select::Slice(bound(from)?, bound(to)?)
        } else {
            Select::Names(names(inner))
        };
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        Ok(select)
    }
}

/// The byte of the bracket that closes the first one.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_usize, None, false);
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(q) if c == q => quote = None,
            Some(_) => {}
            None => match c {
                '\'' | '"' => quote = Some(c),
                // A pattern begins after `(` or `~`, so that `/` in names stays a name's.
                '/' if matches!(before, '(' | '~') => quote = Some(c),
                '[' => depth += 1,
                ']' => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(at);
                    }
                }
                _ => {}
            },
        }
        if !c.is_whitespace() {
            before = c;
        }
    }
    None
}

/// `'a','b'` or `a,b`.
fn names(inner: &str) -> Vec<String> {
    let (mut found, mut quote, mut name) = (Vec::new(), None, String::new());
    for c in inner.chars() {
        match quote {
            Some(q) if c == q => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(c),
            None if c == ',' => found.push(std::mem::take(&mut name)),
            None if c.is_whitespace() => {}
            _ => name.push(c),
        }
    }
    found.push(name);
    found
}
