//! Which operation a method and a path mean.

use super::operation::Operation;
use super::place::{Place, percent_decoded};
use hub_catalog::nearest;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

/// One operation. Never copied: its parts stay where they are as long as the mock.
#[derive(Debug)]
pub(super) struct Route {
    pub method: Arc<str>,
    /// Names in its path, in their order.
    names: Arc<[String]>,
    /// Pointer of the operation.
    pub pointer: String,
    /// What it says, when it was first asked for.
    pub own: OnceLock<Operation>,
    pub path: String,
    /// Pointer of its path item.
    pub item: String,
    /// Whether that has parameters for all its operations.
    pub shares: bool,
}

/// What was found.
pub(super) enum Found<'a> {
    /// An operation, with its decoded path parameters.
    Route(&'a Route, Vec<(String, String)>),
    /// The path is there, with these methods.
    WrongMethod(Vec<String>),
    /// Nothing; near paths.
    Nothing(Vec<String>),
}

/// All operations by path.
#[derive(Debug)]
pub(super) struct Routes {
    all: Vec<Route>,
    /// The root is the first. A child lies behind its parent where it can: both in one line of a cache.
    nodes: Vec<Node>,
    /// Paths of the servers, without a slash at the end, longest first.
    bases: Vec<String>,
}

/// A quarter of a line of a cache, for thousands are asked in turn: what most nodes have none of stands elsewhere.
#[derive(Debug, Default)]
struct Node {
    /// The child whose segment is one name.
    open: Option<NonZeroU32>,
    /// Its first route, counted from one.
    first: Option<NonZeroU32>,
    more: Option<Box<More>>,
}

/// The rest of a node.
#[derive(Debug, Default)]
struct More {
    /// Children whose segments stand as they are.
    fixed: HashMap<Box<str>, NonZeroU32>,
    /// Children whose segments have names and more in them: what stands between the names; those with more fixed text first.
    mixed: Vec<(Vec<String>, NonZeroU32)>,
    /// Its other routes, counted from one.
    routes: Vec<NonZeroU32>,
}

/// Methods and lists of names that were met, so that each is kept once.
#[derive(Default)]
struct Met {
    methods: HashSet<Arc<str>>,
    names: HashSet<Arc<[String]>>,
}

impl Routes {
    pub(super) fn of(document: &Value) -> Self {
        let root = Place::at(document, "");
        let mut routes = Self {
            all: Vec::new(),
            nodes: vec![Node::default()],
            bases: bases(&root),
        };
        let mut met = Met::default();
        let paths = root.get("paths");
        for (path, item) in paths.iter().flat_map(Place::members) {
            for (method, operation) in item.members() {
                if METHODS.contains(&method) {
                    routes.add(&mut met, method, path, [&item, &operation]);
                }
            }
            let more = item.get("additionalOperations");
            for (method, operation) in more.iter().flat_map(Place::members) {
                routes.add(&mut met, method, path, [&item, &operation]);
            }
        }
        routes
    }

    fn add(&mut self, met: &mut Met, method: &str, path: &str, [item, operation]: [&Place<'_>; 2]) {
        let mut at = 0;
        for segment in segments(bare(path)) {
            at = self.child(at, segment);
        }
        self.all.push(Route {
            method: met.method(&method.to_ascii_uppercase()),
            names: met.names(names(bare(path))),
            pointer: operation.pointer.clone(),
            own: OnceLock::new(),
            path: path.to_owned(),
            item: item.pointer.clone(),
            shares: item.value.get("parameters").is_some(),
        });
        let (Some(node), Some(number)) = (self.nodes.get_mut(at), counted(self.all.len())) else {
            return;
        };
        match node.first {
            None => node.first = Some(number),
            Some(_) => node.rest().routes.push(number),
        }
    }

    /// The child of a node for a segment, made where there is none.
    fn child(&mut self, parent: usize, segment: &str) -> usize {
        let (new, pieces) = (self.nodes.len(), pieces(segment));
        let (Some(node), Some(number)) = (self.nodes.get_mut(parent), counted(new)) else {
            return parent;
        };
        let index = match pieces.len() {
            0 | 1 => *node.rest().fixed.entry(segment.into()).or_insert(number),
            2 if pieces.iter().all(String::is_empty) => *node.open.get_or_insert(number),
            _ => {
                let mixed = &mut node.rest().mixed;
                if let Some((_, known)) = mixed.iter().find(|(own, _)| *own == pieces) {
                    return known.get() as usize;
                }
                let size = |pieces: &[String]| pieces.iter().map(String::len).sum::<usize>();
                let place = mixed.partition_point(|(own, _)| size(own) >= size(&pieces));
                mixed.insert(place, (pieces, number));
                number
            }
        };
        if index == number {
            self.nodes.push(Node::default());
        }
        index.get() as usize
    }

    pub(super) fn all(&self) -> &[Route] {
        &self.all
    }

    pub(super) fn find(&self, method: &str, path: &str) -> Found<'_> {
        let mut allow: Vec<String> = Vec::new();
        let below = self.bases.iter().filter_map(|base| {
            path.strip_prefix(base.as_str())
                .filter(|rest| rest.starts_with('/') || rest.is_empty())
        });
        for path in std::iter::once(path).chain(below) {
            // A template as it stands in the description means itself.
            let exact = || self.all.iter().find(|r| *r.method == *method && r.path == path);
            if let Some(route) = path.contains('{').then(exact).flatten() {
                let names = route.names.iter();
                return Found::Route(route, names.map(|n| (n.clone(), format!("{{{n}}}"))).collect());
            }
            let path = if path.is_empty() { "/" } else { path };
            let Some(decoded) = segments(path).map(percent_decoded).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let methods = |node: &Node| self.routes_of(node).map(|r| r.method.to_string()).collect::<Vec<_>>();
            // OpenAPI 3.1, 4.8.8: a path without templates is matched before those with, whatever its methods are.
            let concrete = self.concrete(&decoded).filter(|node| node.first.is_some());
            if let Some(node) = concrete.filter(|node| self.in_node(node, method).is_none()) {
                allow.extend(methods(node));
                continue;
            }
            let mut values = Vec::new();
            let mut any: Option<&Node> = None;
            if let Some(route) = self.below(0, method, &decoded, &mut values, &mut any) {
                return Found::Route(route, route.names.iter().cloned().zip(values).collect());
            } else if let Some(node) = any {
                allow.extend(methods(node));
            }
        }
        if !allow.is_empty() {
            allow.sort_unstable();
            allow.dedup();
            return Found::WrongMethod(allow);
        }
        let mut near = nearest(path, self.all.iter().map(|r| r.path.as_str()));
        near.dedup();
        Found::Nothing(near)
    }

    fn routes_of<'r>(&'r self, node: &'r Node) -> impl Iterator<Item = &'r Route> {
        let more = node.more.iter().flat_map(|more| &more.routes);
        let all = node.first.iter().chain(more);
        all.filter_map(|number| self.all.get(number.get() as usize - 1))
    }

    fn in_node<'r>(&'r self, node: &'r Node, method: &str) -> Option<&'r Route> {
        let named = |name: &str| self.routes_of(node).find(|r| *r.method == *name);
        // RFC 9110, 9.3.2: HEAD is GET without the body.
        named(method).or_else(|| named("GET").filter(|_| method == "HEAD"))
    }

    /// The node of a path as it stands, without templates.
    fn concrete(&self, path: &[String]) -> Option<&Node> {
        path.iter().try_fold(self.nodes.first()?, |node, segment| {
            self.node(*node.more.as_ref()?.fixed.get(segment.as_str())?)
        })
    }

    fn node(&self, number: NonZeroU32) -> Option<&Node> {
        self.nodes.get(number.get() as usize)
    }

    /// The route that is wanted at or below a node; fixed segments win over open ones, a dead end is left again. `any` keeps a node of
    /// the same path that has other methods.
    fn below<'n>(
        &'n self,
        node: usize,
        method: &str,
        rest: &[String],
        values: &mut Vec<String>,
        any: &mut Option<&'n Node>,
    ) -> Option<&'n Route> {
        let node = self.nodes.get(node)?;
        let Some((first, rest)) = rest.split_first() else {
            let found = self.in_node(node, method);
            if found.is_none() && node.first.is_some() {
                any.get_or_insert(node);
            }
            return found;
        };
        let fixed = node.more.as_ref().and_then(|more| more.fixed.get(first.as_str()));
        if let Some(number) = fixed
            && let Some(found) = self.below(number.get() as usize, method, rest, values, any)
        {
            return Some(found);
        }
        let held = values.len();
        for (pieces, number) in node.more.iter().flat_map(|more| &more.mixed) {
            if matched(first, pieces, values)
                && let Some(found) = self.below(number.get() as usize, method, rest, values, any)
            {
                return Some(found);
            }
            values.truncate(held);
        }
        let number = node.open.filter(|_| !first.is_empty())?;
        values.push(first.clone());
        let found = self.below(number.get() as usize, method, rest, values, any);
        if found.is_none() {
            values.truncate(held);
        }
        found
    }
}

impl Node {
    fn rest(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }
}

impl Met {
    fn method(&mut self, method: &str) -> Arc<str> {
        if let Some(known) = self.methods.get(method) {
            return Arc::clone(known);
        }
        let new: Arc<str> = method.into();
        self.methods.insert(Arc::clone(&new));
        new
    }

    fn names(&mut self, names: Vec<String>) -> Arc<[String]> {
        if let Some(known) = self.names.get(names.as_slice()) {
            return Arc::clone(known);
        }
        let new: Arc<[String]> = names.into();
        self.names.insert(Arc::clone(&new));
        new
    }
}

fn counted(number: usize) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(number).ok()?)
}

/// The values between the fixed pieces of a segment.
fn matched(segment: &str, pieces: &[String], values: &mut Vec<String>) -> bool {
    let Some((first, more)) = pieces.split_first() else {
        return false;
    };
    let Some(mut rest) = segment.strip_prefix(first.as_str()) else {
        return false;
    };
    for (number, piece) in more.iter().enumerate() {
        let last = number + 1 == more.len();
        let split = match (last, piece.as_str()) {
            (true, piece) => rest.strip_suffix(piece).map(|value| (value, "")),
            // Nothing between two names: the second may be what a file's name ends in.
            (false, "") => match rest.rfind('.').filter(|at| *at > 0) {
                Some(at) => rest.split_at_checked(at),
                None => rest.char_indices().nth(1).map(|(at, _)| rest.split_at(at)),
            },
            (false, piece) => rest.split_once(piece),
        };
        let Some((value, behind)) = split.filter(|(value, _)| !value.is_empty()) else {
            return false;
        };
        values.push(value.to_owned());
        rest = behind;
    }
    true
}

/// A path without what some write behind it to tell operations apart.
fn bare(path: &str) -> &str {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    path.get(..end).unwrap_or(path)
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').skip(1)
}

/// What stands before, between and behind the names of a segment.
fn pieces(segment: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = segment;
    while let Some((before, behind)) = rest.split_once('{') {
        let Some((_, after)) = behind.split_once('}') else {
            break;
        };
        found.push(before.to_owned());
        rest = after;
    }
    found.push(rest.to_owned());
    found
}

fn names(path: &str) -> Vec<String> {
    let open = path.split('{').skip(1).filter_map(|p| p.split_once('}'));
    open.map(|(name, _)| name.to_owned()).collect()
}

/// Paths of the servers, variables at their defaults.
fn bases(root: &Place<'_>) -> Vec<String> {
    let servers = root.get("servers");
    let mut bases: Vec<String> = servers
        .iter()
        .flat_map(Place::items)
        .filter_map(|server| {
            let mut url = server.text("url")?.to_owned();
            let variables = server.get("variables");
            for (name, variable) in variables.iter().flat_map(Place::members) {
                url = url.replace(&format!("{{{name}}}"), variable.text("default").unwrap_or_default());
            }
            let path = match url.split_once("://") {
                Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default(),
                None => url.as_str(),
            };
            let path = bare(path).trim_end_matches('/');
            path.starts_with('/').then(|| path.to_owned())
        })
        .collect();
    bases.sort_by_key(|base| std::cmp::Reverse(base.len()));
    bases.dedup();
    bases
}
