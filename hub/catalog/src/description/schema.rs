//! Schemas of OpenAPI 3.0 and Swagger 2.0 (JSON Schema draft 4 with house words) as JSON Schema 2020-12.
//!
//! What the old words of 3.1 documents mean is settled too: people who write `nullable: true` there mean it.

use super::grammar::{Kind, walk};
use super::tree::{At, Content, Node};
use std::collections::HashMap;

/// Which words schemas are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Draft 4 and the words of OpenAPI 3.0; what stands beside a reference is no part of it.
    Old,
    /// JSON Schema 2020-12.
    New,
}

/// Words beside a reference that constrain nothing and therefore may stay.
const ANNOTATIONS: [&str; 11] = [
    "$ref",
    "title",
    "description",
    "example",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
    "externalDocs",
    "xml",
];
/// Bytes a compiled pattern may take before it is set aside, as the validators have it.
const PATTERN_SIZE: usize = 1 << 20;
/// Bytes a compiled pattern may take at all.
const MOST_PATTERN: usize = 8 << 20;
/// Patterns between the two limits that are compiled; each costs time.
const MAX_LARGE: usize = 8;

/// Digits of a count of repetitions that no text of a message reaches.
const ENDLESS_DIGITS: usize = 8;

/// What came up that a person should know.
pub(super) enum Matter {
    /// Constraints beside a reference, which 3.0 ignores.
    BesideReference(Vec<String>),
    /// `nullable` without a type, which 3.0 gives no meaning.
    NullableAlone,
    /// A word of draft 4 in a document of 3.1.
    OldWord(&'static str),
    /// A pattern that cannot be checked here (look-around, references back).
    Pattern(String),
    /// A pattern that would take more memory than a pattern may.
    PatternBomb,
}

/// Rewrites all schemas of an OpenAPI-3-shaped tree.
pub(super) fn modern(root: &mut Node, dialect: Dialect, tell: &mut impl FnMut(Matter, At, &str)) {
    let mut patterns = Patterns::default();
    walk(root, Kind::Root, &mut String::new(), &mut |node, kind, pointer| {
        if kind == Kind::Schema && node.map().is_some() {
            one(node, dialect, &mut patterns, &mut |matter, at| {
                tell(matter, at, pointer);
            });
        }
    });
}

/// Rewrites one schema; those in it come by themselves.
fn one(node: &mut Node, dialect: Dialect, patterns: &mut Patterns, tell: &mut impl FnMut(Matter, At)) {
    if dialect == Dialect::Old && node.text_at("$ref").is_some() {
        alone(node, tell);
        into_tuple(node);
    }
    if node.text_at("discriminator").is_some()
        && let Some(name) = node.take("discriminator")
    {
        let mut discriminator = Node::new_map(name.at);
        discriminator.put("propertyName", name);
        node.put("discriminator", discriminator);
    }
    file(node);
    bounds(node, "minimum", "exclusiveMinimum", dialect, tell);
    bounds(node, "maximum", "exclusiveMaximum", dialect, tell);
    nullable(node, dialect, tell);
    tuples(node, dialect, tell);
    dependencies(node);
    example(node);
    encoded(node);
    pattern(node, patterns, tell);
}

/// 3.0.4, 4.7.23: any sibling of `$ref` is ignored.
fn alone(node: &mut Node, tell: &mut impl FnMut(Matter, At)) {
    let Some(map) = node.map() else { return };
    let ignored: Vec<String> = map
        .keys()
        .filter(|k| {
            !ANNOTATIONS.contains(&k.as_str()) && !k.starts_with("x-") && *k != "definitions" && *k != "$schema"
        })
        .cloned()
        .collect();
    if ignored.is_empty() {
        return;
    }
    let at = node.at;
    if let Some(map) = node.map_mut() {
        map.retain(|key, _| !ignored.contains(key));
    }
    tell(Matter::BesideReference(ignored), at);
}

/// A reference into draft 4's list of `items`, which is called `prefixItems` now.
fn into_tuple(node: &mut Node) {
    let Some(reference) = node.get_mut("$ref") else { return };
    let Some((before, after)) = reference.text().and_then(|text| text.split_once("/items/")) else {
        return;
    };
    if after.starts_with(|c: char| c.is_ascii_digit()) {
        *reference = Node::leaf(reference.at, format!("{before}/prefixItems/{after}"));
    }
}

/// Swagger's type `file`.
fn file(node: &mut Node) {
    if node.text_at("type") == Some("file") {
        let at = node.at;
        node.put("type", Node::leaf(at, "string"));
        node.put("format", Node::leaf(at, "binary"));
    }
}

fn bounds(node: &mut Node, limit: &str, exclusive: &'static str, dialect: Dialect, tell: &mut impl FnMut(Matter, At)) {
    let Some(flag) = node.get(exclusive).and_then(Node::flag) else {
        return;
    };
    let Some(old) = node.take(exclusive) else { return };
    if dialect == Dialect::New {
        tell(Matter::OldWord(exclusive), old.at);
    }
    if flag && let Some(bound) = node.take(limit) {
        node.put(exclusive, bound);
    }
}

/// `nullable` adds null to the type that stands beside it (3.0.4, 4.7.24) and means nothing without one.
fn nullable(node: &mut Node, dialect: Dialect, tell: &mut impl FnMut(Matter, At)) {
    let own = node.take("nullable");
    let vendor = match dialect {
        Dialect::Old if node.is_true("x-nullable") => node.take("x-nullable"),
        _ => None,
    };
    let Some(word) = own.or(vendor) else { return };
    if word.flag() != Some(true) {
        return;
    }
    if dialect == Dialect::New {
        tell(Matter::OldWord("nullable"), word.at);
    }
    let Some(types) = node.get_mut("type") else {
        tell(Matter::NullableAlone, word.at);
        return;
    };
    let null = Node::leaf(word.at, "null");
    if types.text() == Some("null") {
        return;
    }
    match &mut types.content {
        Content::List(items) if items.iter().any(|i| i.text() == Some("null")) => {}
        Content::List(items) => items.push(null),
        _ => {
            let only = Node {
                at: types.at,
                content: types.content.clone(),
            };
            types.content = Content::List(vec![only, null]);
        }
    }
}

/// Draft 4's list of schemas under `items`.
fn tuples(node: &mut Node, dialect: Dialect, tell: &mut impl FnMut(Matter, At)) {
    let listed = node.get("items").is_some_and(|n| matches!(n.content, Content::List(_)));
    if listed && let Some(items) = node.take("items") {
        if dialect == Dialect::New {
            tell(Matter::OldWord("items"), items.at);
        }
        // An empty list constrains nothing and 2020-12 does not allow it.
        if !items.items().is_empty() {
            node.put("prefixItems", items);
        }
        if let Some(rest) = node.take("additionalItems") {
            node.put("items", rest);
        }
    } else if dialect == Dialect::Old {
        // Beside one schema for all items, or none, it has no meaning.
        node.take("additionalItems");
    }
}

fn dependencies(node: &mut Node) {
    let Some(all) = node.take("dependencies") else { return };
    let at = all.at;
    let Content::Map(map) = all.content else { return };
    let (mut names, mut schemas) = (Node::new_map(at), Node::new_map(at));
    for (key, member) in map {
        match member.content {
            Content::List(_) => names.put(key, member),
            _ => schemas.put(key, member),
        }
    }
    for (key, part) in [("dependentRequired", names), ("dependentSchemas", schemas)] {
        if part.map().is_some_and(|m| !m.is_empty()) {
            node.put(key, part);
        }
    }
}

fn example(node: &mut Node) {
    let Some(example) = node.take("example") else { return };
    match node.get("examples").map(|e| &e.content) {
        Some(Content::List(items)) if !items.is_empty() => {}
        _ => node.put("examples", Node::list(example.at, vec![example])),
    }
}

/// `byte` and `binary` are words of 3.0 for what 2020-12 says with `contentEncoding` and `contentMediaType`.
fn encoded(node: &mut Node) {
    let (key, value) = match node.text_at("format") {
        Some("byte" | "base64") => ("contentEncoding", "base64"),
        Some("binary") => ("contentMediaType", "application/octet-stream"),
        _ => return,
    };
    let Some(format) = node.take("format") else { return };
    if node.get(key).is_none() {
        node.put(key, Node::leaf(format.at, value));
    }
}

#[derive(Default)]
struct Patterns {
    known: HashMap<String, Verdict>,
    large: usize,
}

#[derive(Clone, Copy)]
enum Verdict {
    Fine,
    Unchecked,
    Bomb,
}

impl Patterns {
    fn verdict(&mut self, text: &str) -> Verdict {
        if let Some(known) = self.known.get(text) {
            return *known;
        }
        let schema = serde_json::json!({ "pattern": text });
        let verdict = if crate::check::compile(&schema).is_ok() {
            Verdict::Fine
        } else {
            self.slow(text)
        };
        self.known.insert(text.to_owned(), verdict);
        verdict
    }

    /// Why a pattern does not compile within the limit of the validators.
    fn slow(&mut self, text: &str) -> Verdict {
        let build = |size| regex::RegexBuilder::new(text).size_limit(size).build();
        match build(PATTERN_SIZE) {
            Err(regex::Error::CompiledTooBig(_)) => {
                self.large += 1;
                match self.large <= MAX_LARGE && build(MOST_PATTERN).is_ok() {
                    true => Verdict::Unchecked,
                    false => Verdict::Bomb,
                }
            }
            _ => Verdict::Unchecked,
        }
    }
}

/// What cannot be checked is kept where it is read but not checked.
fn pattern(node: &mut Node, patterns: &mut Patterns, tell: &mut impl FnMut(Matter, At)) {
    let Some(text) = node.text_at("pattern").map(str::to_owned) else {
        return patterns_of_names(node, patterns, tell);
    };
    let text = match unbounded(&text) {
        Some(shorter) => {
            let at = node.get("pattern").map_or(node.at, |p| p.at);
            node.put("pattern", Node::leaf(at, shorter.clone()));
            shorter
        }
        None => text,
    };
    match patterns.verdict(&text) {
        Verdict::Fine => {}
        Verdict::Bomb => tell(Matter::PatternBomb, node.get("pattern").map_or(node.at, |p| p.at)),
        Verdict::Unchecked => {
            if let Some(word) = node.take("pattern") {
                tell(Matter::Pattern(text), word.at);
                node.put("x-pattern", word);
            }
        }
    }
    patterns_of_names(node, patterns, tell);
}

/// A pattern whose repetitions up to a number no text reaches go on without end.
fn unbounded(text: &str) -> Option<String> {
    let mut rest = text;
    let mut out = String::new();
    let mut changed = false;
    while let Some((before, after)) = rest.split_once(',') {
        out.push_str(before);
        out.push(',');
        rest = after;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let opened = before
            .rsplit('{')
            .next()
            .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        if opened && digits >= ENDLESS_DIGITS && rest.as_bytes().get(digits) == Some(&b'}') {
            rest = rest.get(digits..).unwrap_or_default();
            changed = true;
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

fn patterns_of_names(node: &mut Node, patterns: &mut Patterns, tell: &mut impl FnMut(Matter, At)) {
    let Some(map) = node.get("patternProperties").and_then(Node::map) else {
        return;
    };
    let unusable: Vec<String> = map
        .keys()
        .filter(|k| !matches!(patterns.verdict(k), Verdict::Fine))
        .cloned()
        .collect();
    for name in unusable {
        if let Some(gone) = node.get_mut("patternProperties").and_then(|p| p.take(&name)) {
            tell(Matter::Pattern(name), gone.at);
        }
    }
}
