//! One document out of several files: what other files hold is taken into the shared rooms of this one.

use super::bases::{Bases, Trail};
use super::grammar::{Kind, may_refer, room, walk};
use super::paths;
use super::rooms::{beside, keep, taken};
use super::sources::Sources;
use super::tree::{At, Content, Node};
use crate::document::{escape, unescape};
use hub_core::{Finding, Text};
use std::collections::{HashMap, HashSet};

/// References of path items followed in a row.
const HOPS: usize = 16;

/// Resolves every reference to another file, every path item, and every reference to what has an address of its own.
/// `early`: schemas are those of draft 4.
pub(super) fn bundle(sources: &mut Sources<'_>, mut root: Node, kind: Kind, early: bool) -> Result<Node, Finding> {
    let told = sources.findings.len();
    let mut bundler = Bundler::new(sources, kind, early);
    bundler.whole(&mut root, kind)?;
    if !bundler.restart {
        return Ok(root);
    }
    // What a dynamic reference means depends on the way to it, so that addresses have to stay.
    sources.findings.truncate(told);
    let mut root = sources.parse(0)?;
    sources.findings.truncate(told);
    let mut bundler = Bundler::new(sources, kind, early);
    bundler.dynamic = true;
    bundler.whole(&mut root, kind)?;
    Ok(root)
}

pub(super) struct Bundler<'s, 'f> {
    pub(super) sources: &'s mut Sources<'f>,
    old: bool,
    /// Names given to what came from other files.
    names: HashMap<(Kind, u16, String), String>,
    taken: HashSet<(&'static str, String)>,
    queue: Vec<Import>,
    missing: HashSet<String>,
    pub(super) bases: Bases,
    /// Whether addresses stay, because references depend on the way to them.
    pub(super) dynamic: bool,
    restart: bool,
    /// The description as it was, where it refers to its own path items or addresses.
    pub(super) itself: Option<Box<Node>>,
    pub(super) failed: Option<Finding>,
}

/// What came from another file and is yet to be settled.
struct Import {
    kind: Kind,
    name: String,
    node: Node,
    /// The address above it.
    base: Option<String>,
}

pub(super) enum Target {
    Here(String),
    There(u16, String),
    /// To be left as it is: the validators know it.
    Known,
    Missing,
}

impl<'s, 'f> Bundler<'s, 'f> {
    fn new(sources: &'s mut Sources<'f>, kind: Kind, early: bool) -> Self {
        Self {
            sources,
            old: kind == Kind::OldRoot,
            names: HashMap::new(),
            taken: HashSet::new(),
            queue: Vec::new(),
            missing: HashSet::new(),
            bases: Bases::new(early),
            dynamic: false,
            restart: false,
            itself: None,
            failed: None,
        }
    }

    fn whole(&mut self, root: &mut Node, kind: Kind) -> Result<(), Finding> {
        self.taken = taken(root, kind);
        self.look_at(0, root)?;
        if refers_to_items(root) || self.bases.names_in(0) {
            self.itself = Some(Box::new(root.clone()));
        }
        self.settle(root, kind, None, &mut String::new());
        while let Some(mut import) = self.queue.pop() {
            let place = self.room(import.kind).unwrap_or("schemas");
            let mut pointer = match self.old {
                true => format!("/{place}/{}", escape(&import.name)),
                false => format!("/components/{place}/{}", escape(&import.name)),
            };
            self.settle(&mut import.node, import.kind, import.base, &mut pointer);
            keep(root, self.old, place, import.name, import.node);
        }
        match self.failed.take() {
            Some(finding) => Err(finding),
            None => Ok(()),
        }
    }

    fn room(&self, kind: Kind) -> Option<&'static str> {
        match (self.old, kind) {
            (true, Kind::Schema) => Some("definitions"),
            (true, Kind::OldParameter) => Some("parameters"),
            (true, Kind::OldResponse) => Some("responses"),
            (true, _) => None,
            (false, kind) => room(kind),
        }
    }

    fn settle(&mut self, node: &mut Node, kind: Kind, base: Option<String>, pointer: &mut String) {
        let mut trail = Trail::below(pointer, base);
        walk(node, kind, pointer, &mut |node, kind, pointer| {
            if self.failed.is_some() || self.restart {
                return;
            }
            trail.at(pointer);
            if kind == Kind::Schema && node.map().is_some() {
                self.addressed(node, pointer, &mut trail);
            }
            match kind {
                Kind::PathItem | Kind::OldPathItem => self.item(node, pointer),
                Kind::Discriminator => self.mapping(node, trail.base(), pointer),
                kind if may_refer(kind) => self.reference(node, kind, trail.base(), pointer),
                _ => {}
            }
        });
    }

    /// A schema with an address of its own: references below are relative to it, and once they are settled nothing is.
    fn addressed(&mut self, node: &mut Node, pointer: &str, trail: &mut Trail) {
        self.restart |= !self.dynamic && node.get("$dynamicRef").is_some();
        let name = self.sources.name(node.at.file).to_owned();
        if let Some(address) = self.bases.address(node, trail.base(), &name) {
            trail.enter(pointer, address);
        }
        if !self.dynamic && self.bases.names_in(node.at.file) {
            node.take("$id");
            node.take("$anchor");
            if node.at.file != 0 {
                node.take("$schema");
            }
        }
    }

    fn reference(&mut self, node: &mut Node, kind: Kind, base: Option<&str>, pointer: &str) {
        let Some((at, text)) = node.get("$ref").and_then(|r| Some((r.at, r.text()?.to_owned()))) else {
            return;
        };
        let Some(settled) = self.settled(&text, at, (node.at.file, base), kind, pointer) else {
            return;
        };
        if settled != text
            && let Some(reference) = node.get_mut("$ref")
        {
            *reference = Node::leaf(at, settled);
        }
    }

    /// The local form of a reference; none where there is none.
    fn settled(&mut self, text: &str, at: At, from: (u16, Option<&str>), kind: Kind, pointer: &str) -> Option<String> {
        let target = self.target(text, from);
        if self.dynamic
            && kind == Kind::Schema
            && let Some(kept) = self.kept(&target, text, from.1.is_some(), at, pointer)
        {
            return Some(kept);
        }
        match target {
            Target::Here(fragment) if fragment.is_empty() => Some("#".to_owned()),
            Target::Here(fragment) => Some(format!("#{fragment}")),
            Target::Known => None,
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

    fn import(&mut self, file: u16, fragment: &str, kind: Kind, text: &str, at: At, pointer: &str) -> Option<String> {
        let key = (kind, file, fragment.to_owned());
        if let Some(name) = self.names.get(&key) {
            return Some(name.clone());
        }
        let node = self.copy(file, fragment, text, at, pointer)?;
        let place = self.room(kind)?;
        let wanted = match fragment.rsplit('/').next().filter(|t| !t.is_empty()) {
            Some(token) => unescape(token).into_owned(),
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
        let name = self.free(place, &wanted)?;
        self.names.insert(key, name.clone());
        let base = self.bases.above(file, fragment);
        self.queue.push(Import {
            kind,
            name: name.clone(),
            node,
            base,
        });
        Some(name)
    }

    /// A name nothing in a room has yet, taken now.
    fn free(&mut self, place: &'static str, wanted: &str) -> Option<String> {
        let numbered = |n: usize| match n {
            1 => wanted.to_owned(),
            n => format!("{wanted}_{n}"),
        };
        let name = (1..)
            .map(numbered)
            .find(|name| !self.taken.contains(&(place, name.clone())))?;
        self.taken.insert((place, name.clone()));
        Some(name)
    }

    /// Takes a whole file in under its address; once.
    pub(super) fn embed(&mut self, file: u16, address: &str, node: Node) {
        let key = (Kind::Schema, file, String::new());
        if self.names.contains_key(&key) {
            return;
        }
        let Some(name) = self.free("schemas", "document") else {
            return;
        };
        self.names.insert(key, name.clone());
        let mut node = node;
        node.put("$id", Node::leaf(node.at, address));
        self.queue.push(Import {
            kind: Kind::Schema,
            name,
            node,
            base: None,
        });
    }

    /// What a fragment of another file names, copied.
    pub(super) fn copy(&mut self, file: u16, fragment: &str, text: &str, at: At, pointer: &str) -> Option<Node> {
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
            let copied = match self.target(&text, (node.at.file, None)) {
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
                Target::Known => None,
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

    fn mapping(&mut self, node: &mut Node, base: Option<&str>, pointer: &str) {
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
            if let Some(settled) = self.settled(&text, value.at, (file, base), Kind::Schema, &place) {
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

fn count(node: &Node) -> usize {
    1 + match &node.content {
        Content::Leaf(_) => 0,
        Content::List(items) => items.iter().map(count).sum(),
        Content::Map(map) => map.values().map(count).sum(),
    }
}
