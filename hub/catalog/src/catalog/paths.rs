//! From method and path to operation: a tree of path segments, built once.

use super::Resolution;
use crate::nearest;
use hub_core::Operation;
use std::collections::HashMap;
use std::sync::Arc;

/// Longest path that nearest paths are looked for; more is noise and costs time.
const MAX_NEAR: usize = 200;

#[derive(Debug, Default)]
pub(crate) struct Paths {
    root: Node,
    /// Templates by `agency/system/vN`, for saying what is near.
    templates: HashMap<String, Vec<String>>,
}

#[derive(Debug, Default)]
struct Node {
    fixed: HashMap<String, Node>,
    /// `{name}` segments, with what stands before and after the braces; longer fixed parts first.
    open: Vec<(String, String, Node)>,
    methods: Vec<Arc<Operation>>,
}

impl Paths {
    pub(crate) fn new(operations: &[Arc<Operation>]) -> Self {
        let mut paths = Self::default();
        for operation in operations {
            let template = operation.public_path();
            let mut node = &mut paths.root;
            for segment in segments(&template) {
                node = node.child(segment);
            }
            node.methods.push(Arc::clone(operation));
            let known = paths.templates.entry(prefix(&template).to_owned()).or_default();
            if !known.contains(&template) {
                known.push(template);
            }
        }
        paths
    }

    pub(crate) fn resolve(&self, method: &str, path: &str) -> Resolution {
        let Some(decoded) = path.starts_with('/').then(|| decode_all(path)).flatten() else {
            return Resolution::Unknown { near: Vec::new() };
        };
        let mut values = Vec::new();
        let Some(node) = self.root.find(&decoded, &mut values) else {
            return Resolution::Unknown { near: self.near(path) };
        };
        let exact = node.methods.iter().find(|o| o.method == method);
        // RFC 9110, 9.3.2: HEAD is GET without the body.
        let head = || node.methods.iter().find(|o| method == "HEAD" && o.method == "GET");
        match exact.or_else(head) {
            Some(operation) => {
                let template = operation.public_path();
                let names = segments(&template).filter_map(|s| split_open(s).map(|(_, name, _)| name.to_owned()));
                Resolution::Found {
                    parameters: names.zip(values).collect(),
                    operation: Arc::clone(operation),
                }
            }
            None => {
                let mut allow: Vec<String> = node.methods.iter().map(|o| o.method.clone()).collect();
                allow.sort_unstable();
                Resolution::WrongMethod { allow }
            }
        }
    }

    fn near(&self, path: &str) -> Vec<String> {
        if path.len() > MAX_NEAR {
            return Vec::new();
        }
        let own = self.templates.get(prefix(path));
        if let Some(templates) = own {
            let near = nearest(path, templates.iter().map(String::as_str));
            return if near.is_empty() {
                templates.iter().take(3).cloned().collect()
            } else {
                near
            };
        }
        let prefixes = nearest(prefix(path), self.templates.keys().map(String::as_str));
        prefixes.into_iter().map(|p| format!("/{p}")).collect()
    }
}

impl Node {
    fn child(&mut self, segment: &str) -> &mut Node {
        let Some((before, _, after)) = split_open(segment) else {
            return self.fixed.entry(segment.to_owned()).or_default();
        };
        let same = |(b, a, _): &(String, String, Node)| b == before && a == after;
        let index = match self.open.iter().position(same) {
            Some(index) => index,
            None => {
                let length = before.len() + after.len();
                let index = self.open.partition_point(|(b, a, _)| b.len() + a.len() >= length);
                self.open
                    .insert(index, (before.to_owned(), after.to_owned(), Node::default()));
                index
            }
        };
        match self.open.get_mut(index) {
            Some((_, _, node)) => node,
            // The index was found or made a line above.
            None => self.fixed.entry(segment.to_owned()).or_default(),
        }
    }

    /// Fixed segments win over open ones; a dead end is left again.
    fn find<'n>(&'n self, rest: &[String], values: &mut Vec<String>) -> Option<&'n Node> {
        let Some((first, rest)) = rest.split_first() else {
            return (!self.methods.is_empty()).then_some(self);
        };
        if let Some(node) = self.fixed.get(first.as_str())
            && let Some(found) = node.find(rest, values)
        {
            return Some(found);
        }
        for (before, after, node) in &self.open {
            let value = first
                .strip_prefix(before.as_str())
                .and_then(|v| v.strip_suffix(after.as_str()));
            let Some(value) = value.filter(|v| !v.is_empty()) else {
                continue;
            };
            values.push(value.to_owned());
            if let Some(found) = node.find(rest, values) {
                return Some(found);
            }
            values.pop();
        }
        None
    }
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(1)
}

/// `agency/system/vN` of a public path.
fn prefix(path: &str) -> &str {
    let path = path.strip_prefix('/').unwrap_or(path);
    let end = path.match_indices('/').nth(2).map_or(path.len(), |(i, _)| i);
    path.get(..end).unwrap_or(path)
}

/// `before{name}after` of a template's segment.
fn split_open(segment: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = segment.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn decode_all(path: &str) -> Option<Vec<String>> {
    segments(path).map(decode).collect()
}

/// One segment with its percent-encoding undone (RFC 3986, 2.1); `None` where that is broken or no UTF-8.
fn decode(segment: &str) -> Option<String> {
    if !segment.contains('%') {
        return Some(segment.to_owned());
    }
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| {
            b.and_then(|b| char::from(b).to_digit(16))
                .and_then(|d| u8::try_from(d).ok())
        };
        let (high, low) = (digit(rest.next())?, digit(rest.next())?);
        bytes.push(high * 16 + low);
    }
    String::from_utf8(bytes).ok()
}
