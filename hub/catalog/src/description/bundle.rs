//! One document out of several files: what other files hold is taken into the shared rooms of this one.

use super::grammar::{Kind, may_refer, room, walk};
use super::paths;
use super::sources::Sources;
use super::tree::{At, Content, Node};
use crate::document::{escape, nearest, unescape};
use hub_core::{Finding, Text};
use std::collections::{HashMap, HashSet};

/// References of path items followed in a row.
const HOPS: usize = 16;

/// Resolves every reference to another file, and every path item.
pub(super) fn bundle(sources: &mut Sources<'_>, mut root: Node, kind: Kind) -> Result<Node, Finding> {
    let mut bundler = Bundler {
        sources,
        old: kind == Kind::OldRoot,
        names: HashMap::new(),
        taken: taken(&root, kind),
        queue: Vec::new(),
        missing: HashSet::new(),
        itself: None,
        failed: None,
    };
    if refers_to_items(&root) {
        bundler.itself = Some(Box::new(root.clone()));
    }
    bundler.settle(&mut root, kind, &mut String::new());
    while let Some((kind, name, mut node)) = bundler.queue.pop() {
        let place = bundler.room(kind).unwrap_or("schemas");
        let mut pointer = match bundler.old {
            true => format!("/{place}/{}", escape(&name)),
            false => format!("/components/{place}/{}", escape(&name)),
        };
        bundler.settle(&mut node, kind, &mut pointer);
        keep(&mut root, bundler.old, place, name, node);
    }
    match bundler.failed {
        Some(finding) => Err(finding),
        None => Ok(root),
    }
}

struct Bundler<'s, 'f> {
    sources: &'s mut Sources<'f>,
    old: bool,
    /// Names given to what came from other files.
    names: HashMap<(Kind, u16, String), String>,
    taken: HashSet<(&'static str, String)>,
    queue: Vec<(Kind, String, Node)>,
    missing: HashSet<String>,
    /// The description as it was, where its path items refer to one another.
    itself: Option<Box<Node>>,
    failed: Option<Finding>,
}

enum Target {
    Here(String),
    There(u16, String),
    Missing,
}

impl Bundler<'_, '_> {
    fn room(&self, kind: Kind) -> Option<&'static str> {
        match (self.old, kind) {
            (true, Kind::Schema) => Some("definitions"),
            (true, Kind::OldParameter) => Some("parameters"),
            (true, Kind::OldResponse) => Some("responses"),
            (true, _) => None,
            (false, kind) => room(kind),
        }
    }

    fn settle(&mut self, node: &mut Node, kind: Kind, pointer: &mut String) {
        // Below an `$id` references are relative to it; the validator follows those.
        let mut own_base: Option<String> = None;
        walk(node, kind, pointer, &mut |node, kind, pointer| {
            if own_base.as_deref().is_some_and(|base| !pointer.starts_with(base)) {
                own_base = None;
            }
            if self.failed.is_some() || own_base.is_some() {
                return;
            }
            if kind == Kind::Schema && !self.old && node.text_at("$id").is_some() {
                if node.at.file == 0 {
                    own_base = Some(pointer.to_owned());
                    return;
                }
                node.take("$id");
                node.take("$schema");
            }
            match kind {
                Kind::PathItem | Kind::OldPathItem => self.item(node, pointer),
                Kind::Discriminator => self.mapping(node, pointer),
                kind if may_refer(kind) => self.reference(node, kind, pointer),
                _ => {}
            }
        });
    }

    fn reference(&mut self, node: &mut Node, kind: Kind, pointer: &str) {
        let Some((at, text)) = node.get("$ref").and_then(|r| Some((r.at, r.text()?.to_owned()))) else {
            return;
        };
        let Some(settled) = self.settled(&text, at, node.at.file, kind, pointer) else {
            return;
        };
        if settled != text
            && let Some(reference) = node.get_mut("$ref")
        {
            *reference = Node::leaf(at, settled);
        }
    }

    /// The local form of a reference; none where there is none.
    fn settled(&mut self, text: &str, at: At, base: u16, kind: Kind, pointer: &str) -> Option<String> {
        match self.target(text, base) {
            Target::Here(fragment) if fragment.is_empty() => Some("#".to_owned()),
            Target::Here(fragment) => Some(format!("#{fragment}")),
            Target::Missing => {
                self.tell_missing(text, at, pointer);
                None
            }
            Target::There(file, fragment) => {
                let name = self.import(file, &fragment, kind, text, at, pointer)?;
                let place = self.room(kind)?;
                let prefix = if self.old { "#/" } else { "#/components/" };
                Some(format!("{prefix}{place}/{}", escape(&name)))
            }
        }
    }

    fn target(&mut self, text: &str, base: u16) -> Target {
        let (file, fragment) = paths::split(text);
        let fragment = paths::percent(fragment);
        let file = match file {
            None => Some(base),
            Some(wanted) => self.sources.find(base, wanted),
        };
        match file {
            Some(0) => Target::Here(fragment),
            Some(file) => Target::There(file, fragment),
            None => Target::Missing,
        }
    }

    fn import(&mut self, file: u16, fragment: &str, kind: Kind, text: &str, at: At, pointer: &str) -> Option<String> {
        let key = (kind, file, fragment.to_owned());
        if let Some(name) = self.names.get(&key) {
            return Some(name.clone());
        }
        let node = self.copy(file, fragment, text, at, pointer)?;
        let place = self.room(kind)?;
        let wanted = match fragment.rsplit('/').next().filter(|t| !t.is_empty()) {
            Some(token) => unescape(token),
            None => {
                let name = self.sources.name(file);
                let last = name.rsplit('/').next().unwrap_or(name);
                last.split('.').next().unwrap_or(last).to_owned()
            }
        };
        let plain = |c: char| {
            if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '_'
            }
        };
        let wanted: String = wanted.chars().map(plain).collect();
        let name = (1..)
            .map(|n| {
                if n == 1 {
                    wanted.clone()
                } else {
                    format!("{wanted}_{n}")
                }
            })
            .find(|name| !self.taken.contains(&(place, name.clone())))?;
        self.taken.insert((place, name.clone()));
        self.names.insert(key, name.clone());
        self.queue.push((kind, name.clone(), node));
        Some(name)
    }

    /// What a fragment of another file names, copied.
    fn copy(&mut self, file: u16, fragment: &str, text: &str, at: At, pointer: &str) -> Option<Node> {
        let tree = match self.sources.tree(file) {
            Ok(tree) => tree,
            Err(finding) => {
                self.failed = Some(finding);
                return None;
            }
        };
        let Some(found) = tree.pointer(fragment).or_else(|| anchored(&tree, fragment)) else {
            let words = Text::new(
                format!("文件 {} 中没有 `{fragment}`", self.sources.name(file)),
                format!("The file {} has no `{fragment}`", self.sources.name(file)),
            );
            let near = beside(&tree, fragment);
            let finding = self
                .sources
                .finding("dangling-reference", at, &format!("{pointer}/$ref"), words);
            self.sources.findings.push(
                finding
                    .expected("a reference to something that exists", text)
                    .near(near),
            );
            return None;
        };
        let count = count(found);
        let name = self.sources.name(file).to_owned();
        match self.sources.spend(count, &name) {
            Ok(()) => Some(found.clone()),
            Err(finding) => {
                self.failed = Some(finding);
                None
            }
        }
    }

    /// A path item is taken in where it is referred to: only there it has a path.
    fn item(&mut self, node: &mut Node, pointer: &str) {
        for _ in 0..HOPS {
            let Some(reference) = node.get("$ref") else { return };
            let at = reference.at;
            let Some(text) = reference.text().map(str::to_owned) else {
                return;
            };
            let copied = match self.target(&text, node.at.file) {
                Target::There(file, fragment) => self.copy(file, &fragment, &text, at, pointer),
                Target::Here(fragment) => {
                    let found = self.itself.as_ref().and_then(|root| root.pointer(&fragment)).cloned();
                    if let Some(found) = &found
                        && let Err(finding) = self.sources.spend(count(found), "")
                    {
                        self.failed = Some(finding);
                        return;
                    }
                    found
                }
                Target::Missing => {
                    self.tell_missing(&text, at, pointer);
                    None
                }
            };
            let Some(found) = copied else { return };
            node.take("$ref");
            let own = std::mem::replace(node, found);
            if let (Content::Map(own), Some(map)) = (own.content, node.map_mut()) {
                for (key, member) in own {
                    map.insert(key, member);
                }
            }
        }
    }

    fn mapping(&mut self, node: &mut Node, pointer: &str) {
        let file = node.at.file;
        let Some(map) = node.get_mut("mapping").and_then(Node::map_mut) else {
            return;
        };
        for (key, value) in map.iter_mut() {
            let Some(text) = value.text().map(str::to_owned) else {
                continue;
            };
            let is_file = [".json", ".yaml", ".yml"].iter().any(|ending| text.ends_with(ending));
            if !(text.contains('#') || is_file) {
                continue;
            }
            let place = format!("{pointer}/mapping/{}", escape(key));
            if let Some(settled) = self.settled(&text, value.at, file, Kind::Schema, &place) {
                *value = Node::leaf(value.at, settled);
            }
        }
    }

    fn tell_missing(&mut self, text: &str, at: At, pointer: &str) {
        let file = paths::split(text).0.unwrap_or(text).to_owned();
        if !self.missing.insert(file.clone()) {
            return;
        }
        let add = paths::to_add(text);
        let (words, fix) = match paths::url_path(&file) {
            Some(_) => (
                Text::new(
                    format!("引用的网址不会被下载：{file}"),
                    format!("It refers to an address, which is never fetched: {file}"),
                ),
                Text::new(
                    format!("请把该文件以 `{add}` 为名与描述一起打包成 zip 上传"),
                    format!("Upload a zip of the description and that file under the name `{add}`."),
                ),
            ),
            None => (
                Text::new(
                    format!("缺少被引用的文件：{add}"),
                    format!("The file it refers to is not there: {add}"),
                ),
                Text::new(
                    format!("请把 `{add}` 与描述一起打包成 zip 上传"),
                    format!("Upload a zip of the description and `{add}`."),
                ),
            ),
        };
        let finding = self
            .sources
            .finding(super::MISSING_FILE, at, &format!("{pointer}/$ref"), words);
        self.sources.findings.push(finding.expected(add, text).fix(fix));
    }
}

/// Puts what came from another file into its room.
fn keep(root: &mut Node, old: bool, place: &str, name: String, node: Node) {
    let at = root.at;
    let Some(mut map) = root.map_mut() else { return };
    if !old {
        let components = map.entry("components".to_owned()).or_insert_with(|| Node::new_map(at));
        let Some(inner) = components.map_mut() else { return };
        map = inner;
    }
    let rooms = map.entry(place.to_owned()).or_insert_with(|| Node::new_map(at));
    rooms.put(name, node);
}

fn taken(root: &Node, kind: Kind) -> HashSet<(&'static str, String)> {
    let old = kind == Kind::OldRoot;
    let holder = if old { Some(root) } else { root.get("components") };
    let rooms: &[&'static str] = match old {
        true => &["definitions", "parameters", "responses"],
        false => &[
            "schemas",
            "responses",
            "parameters",
            "examples",
            "requestBodies",
            "headers",
            "securitySchemes",
            "links",
            "callbacks",
            "pathItems",
            "mediaTypes",
        ],
    };
    let names = |room: &'static str| {
        let map = holder.and_then(|h| h.get(room)).and_then(Node::map);
        map.into_iter().flatten().map(move |(name, _)| (room, name.clone()))
    };
    rooms.iter().flat_map(|room| names(room)).collect()
}

fn refers_to_items(root: &Node) -> bool {
    let items = ["paths", "webhooks"].into_iter().filter_map(|key| root.get(key)?.map());
    let shared = root
        .get("components")
        .and_then(|c| c.get("pathItems"))
        .and_then(Node::map);
    items
        .chain(shared)
        .flatten()
        .any(|(_, item)| item.text_at("$ref").is_some())
}

/// A schema with an `$anchor` of that name.
fn anchored<'n>(node: &'n Node, anchor: &str) -> Option<&'n Node> {
    if anchor.is_empty() || anchor.starts_with('/') {
        return None;
    }
    if node.text_at("$anchor") == Some(anchor) {
        return Some(node);
    }
    match &node.content {
        Content::Leaf(_) => None,
        Content::List(items) => items.iter().find_map(|item| anchored(item, anchor)),
        Content::Map(map) => map.values().find_map(|member| anchored(member, anchor)),
    }
}

/// Names like the last of a pointer, beside where it should be.
pub(super) fn beside(root: &Node, pointer: &str) -> Vec<String> {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return Vec::new();
    };
    let names = root.pointer(parent).and_then(Node::map);
    nearest(&unescape(name), names.into_iter().flatten().map(|(n, _)| n.as_str()))
}

fn count(node: &Node) -> usize {
    1 + match &node.content {
        Content::Leaf(_) => 0,
        Content::List(items) => items.iter().map(count).sum(),
        Content::Map(map) => map.values().map(count).sum(),
    }
}
