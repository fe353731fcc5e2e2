//! Which address a schema stands at: `$id` (draft 4: `id`) and anchors, and what a reference relative to them means.
//!
//! JSON Schema 2020-12 core, sections 8.2 and 9.1; draft 4 core, section 7; RFC 3986, section 5.

use super::grammar::{Kind, walk};
use super::paths;
use super::tree::Node;
use std::collections::{HashMap, HashSet};

/// A place in a file of the set, by the file's number and a JSON pointer.
pub(super) type Place = (u16, String);

/// Everything that has an address or an anchor in the files that were looked at.
pub(super) struct Bases {
    /// Whether schemas are written in draft 4, where identifiers are called `id`.
    early: bool,
    resources: HashMap<String, Place>,
    /// Anchors by the place of the schema that they belong to.
    anchors: HashMap<(u16, String, String), String>,
    /// Addresses within a file, parents first.
    within: HashMap<u16, Vec<(String, String)>>,
    indexed: HashSet<u16>,
}

/// The addresses that hold at a point of a walk.
#[derive(Default)]
pub(super) struct Trail(Vec<(String, String)>);

impl Trail {
    /// A trail that begins below an address.
    pub(super) fn below(pointer: &str, base: Option<String>) -> Self {
        Self(base.map(|base| (pointer.to_owned(), base)).into_iter().collect())
    }

    /// Leaves what the walk has left.
    pub(super) fn at(&mut self, pointer: &str) {
        while self.0.last().is_some_and(|(above, _)| !is_within(pointer, above)) {
            self.0.pop();
        }
    }

    pub(super) fn enter(&mut self, pointer: &str, base: String) {
        self.0.push((pointer.to_owned(), base));
    }

    pub(super) fn base(&self) -> Option<&str> {
        self.0.last().map(|(_, base)| base.as_str())
    }

    fn place(&self) -> &str {
        self.0.last().map_or("", |(place, _)| place.as_str())
    }
}

impl Bases {
    pub(super) fn new(early: bool) -> Self {
        Self {
            early,
            resources: HashMap::new(),
            anchors: HashMap::new(),
            within: HashMap::new(),
            indexed: HashSet::new(),
        }
    }

    /// Whether a text may hold an identifier; most descriptions hold none and are not looked at twice.
    pub(super) fn may_hold(&self, text: &str) -> bool {
        ["$id", "$anchor", "$dynamicAnchor"]
            .iter()
            .any(|word| text.contains(word))
            || self.early && (text.contains("\"id\"") || text.contains("id: "))
    }

    pub(super) fn is_indexed(&mut self, file: u16) -> bool {
        !self.indexed.insert(file)
    }

    /// Whether any schema of a file has an address or an anchor.
    pub(super) fn names_in(&self, file: u16) -> bool {
        self.within.contains_key(&file) || self.anchors.keys().any(|(f, ..)| *f == file)
    }

    /// Notes what has an address in a file; `name` is where the file itself stands.
    pub(super) fn index(&mut self, file: u16, name: &str, root: &mut Node) {
        let kind = match () {
            () if root.get("openapi").is_some() => Kind::Root,
            () if root.get("swagger").is_some() => Kind::OldRoot,
            () => Kind::Schema,
        };
        let mut trail = Trail::default();
        walk(root, kind, &mut String::new(), &mut |node, kind, pointer| {
            trail.at(pointer);
            if kind != Kind::Schema {
                return;
            }
            if let Some(address) = self.address(node, trail.base(), name) {
                self.resources
                    .entry(address.clone())
                    .or_insert_with(|| (file, pointer.to_owned()));
                self.within
                    .entry(file)
                    .or_default()
                    .push((pointer.to_owned(), address.clone()));
                trail.enter(pointer, address);
            }
            for anchor in self.anchors_of(node) {
                let key = (file, trail.place().to_owned(), anchor);
                self.anchors.entry(key).or_insert_with(|| pointer.to_owned());
            }
        });
    }

    fn word<'n>(&self, node: &'n Node) -> Option<&'n str> {
        // In draft 4 what stands beside a reference is no part of it.
        let early = || {
            node.text_at("id")
                .filter(|_| self.early && node.text_at("$ref").is_none())
        };
        node.text_at("$id").or_else(early)
    }

    fn anchors_of(&self, node: &Node) -> Vec<String> {
        let named = ["$anchor", "$dynamicAnchor"]
            .into_iter()
            .filter_map(|key| node.text_at(key));
        let early = self.word(node).and_then(|id| id.strip_prefix('#'));
        named
            .chain(early.filter(|a| !a.is_empty() && self.early))
            .map(str::to_owned)
            .collect()
    }

    /// The address a schema gives itself.
    pub(super) fn address(&self, node: &Node, base: Option<&str>, name: &str) -> Option<String> {
        let word = self.word(node)?;
        let (own, _) = paths::split(word);
        own.map(|own| paths::join(base.unwrap_or(name), own))
    }

    /// The address that holds above a place of a file.
    pub(super) fn above(&self, file: u16, pointer: &str) -> Option<String> {
        let all = self.within.get(&file)?;
        let above = all
            .iter()
            .rev()
            .find(|(place, _)| place != pointer && is_within(pointer, place));
        above.map(|(_, address)| address.clone())
    }

    pub(super) fn resource(&self, address: &str) -> Option<Place> {
        self.resources.get(address).cloned()
    }

    /// The place of an anchor that belongs to the schema at `place`.
    pub(super) fn anchor(&self, place: &Place, anchor: &str) -> Option<String> {
        self.anchors
            .get(&(place.0, place.1.clone(), anchor.to_owned()))
            .cloned()
    }
}

/// Whether one pointer is another or leads into it.
fn is_within(pointer: &str, above: &str) -> bool {
    pointer
        .strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
