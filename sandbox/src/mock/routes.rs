//! Which operation a method and a path mean.

use super::place::{Place, percent_decoded};
use hub_catalog::document::pointed;
use hub_catalog::nearest;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::OnceLock;

const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

/// One operation. Never copied: validators are known by the addresses of its parts.
#[derive(Debug)]
pub(super) struct Route {
    pub method: String,
    pub path: String,
    /// Pointer of the operation.
    pub pointer: String,
    /// Pointer of its path item.
    pub item: String,
    /// Whether that has parameters for all its operations.
    pub shares: bool,
    /// The operation, copied together when it is first asked for: in a large description its parts lie far from each other.
    own: OnceLock<Value>,
}

impl Route {
    /// The operation.
    pub(super) fn operation<'a>(&'a self, document: &'a Value) -> Place<'a> {
        let own = || pointed(document, &self.pointer).cloned().unwrap_or_default();
        Place::with(document, &self.pointer, self.own.get_or_init(own))
    }
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
#[derive(Debug, Default)]
pub(super) struct Routes {
    all: Vec<Route>,
    root: Node,
    /// Paths of the servers, without a slash at the end, longest first.
    bases: Vec<String>,
}

#[derive(Debug, Default)]
struct Node {
    fixed: HashMap<String, Node>,
    /// Segments with `{name}` in them: what stands between the names; those with more fixed text first.
    open: Vec<(Vec<String>, Node)>,
    routes: Vec<usize>,
}

impl Routes {
    pub(super) fn of(document: &Value) -> Self {
        let root = Place::at(document, "");
        let mut routes = Self {
            bases: bases(&root),
            ..Self::default()
        };
        let paths = root.get("paths");
        for (path, item) in paths.iter().flat_map(Place::members) {
            for (method, operation) in item.members() {
                if METHODS.contains(&method) {
                    routes.add(method, path, &item, &operation);
                }
            }
            let more = item.get("additionalOperations");
            for (method, operation) in more.iter().flat_map(Place::members) {
                routes.add(method, path, &item, &operation);
            }
        }
        routes
    }

    fn add(&mut self, method: &str, path: &str, item: &Place<'_>, operation: &Place<'_>) {
        let mut node = &mut self.root;
        for segment in segments(bare(path)) {
            node = node.child(segment);
        }
        node.routes.push(self.all.len());
        self.all.push(Route {
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            pointer: operation.pointer.clone(),
            item: item.pointer.clone(),
            shares: item.value.get("parameters").is_some(),
            own: OnceLock::new(),
        });
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
            let exact = || self.all.iter().find(|r| r.method == method && r.path == path);
            if let Some(route) = path.contains('{').then(exact).flatten() {
                let names = names(bare(&route.path));
                return Found::Route(
                    route,
                    names.into_iter().map(|n| (n.clone(), format!("{{{n}}}"))).collect(),
                );
            }
            let path = if path.is_empty() { "/" } else { path };
            let Some(decoded) = segments(path).map(percent_decoded).collect::<Option<Vec<_>>>() else {
                continue;
            };
            let methods = |node: &Node| {
                let found = node.routes.iter().filter_map(|index| self.all.get(*index));
                found.map(|route| route.method.clone()).collect::<Vec<_>>()
            };
            // OpenAPI 3.1, 4.8.8: a path without templates is matched before those with, whatever its methods are.
            let concrete = self.root.concrete(&decoded).filter(|node| !node.routes.is_empty());
            if let Some(node) = concrete.filter(|node| self.in_node(node, method).is_none()) {
                allow.extend(methods(node));
                continue;
            }
            let mut values = Vec::new();
            let has = |node: &Node| self.in_node(node, method).is_some();
            let mut any: Option<&Node> = None;
            if let Some(node) = self.root.find(&decoded, &mut values, &has, &mut any) {
                if let Some(route) = self.in_node(node, method) {
                    return Found::Route(route, names(bare(&route.path)).into_iter().zip(values).collect());
                }
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

    fn in_node(&self, node: &Node, method: &str) -> Option<&Route> {
        let routes = || node.routes.iter().filter_map(|index| self.all.get(*index));
        // RFC 9110, 9.3.2: HEAD is GET without the body.
        let head = || routes().find(|r| method == "HEAD" && r.method == "GET");
        routes().find(|r| r.method == method).or_else(head)
    }
}

impl Node {
    fn child(&mut self, segment: &str) -> &mut Node {
        let pieces = pieces(segment);
        if pieces.len() < 2 {
            return self.fixed.entry(segment.to_owned()).or_default();
        }
        let index = match self.open.iter().position(|(own, _)| *own == pieces) {
            Some(index) => index,
            None => {
                let size = |pieces: &[String]| pieces.iter().map(String::len).sum::<usize>();
                let index = self.open.partition_point(|(own, _)| size(own) >= size(&pieces));
                self.open.insert(index, (pieces, Node::default()));
                index
            }
        };
        match self.open.get_mut(index) {
            Some((_, node)) => node,
            // The index was found or made a line above.
            None => self.fixed.entry(segment.to_owned()).or_default(),
        }
    }

    /// The node of a path as it stands, without templates.
    fn concrete(&self, rest: &[String]) -> Option<&Node> {
        rest.iter().try_fold(self, |node, segment| node.fixed.get(segment))
    }

    /// The node that has what is wanted; fixed segments win over open ones, a dead end is left again. `any` keeps a
    /// node of the same path that has something else.
    fn find<'n>(
        &'n self,
        rest: &[String],
        values: &mut Vec<String>,
        wanted: &dyn Fn(&Node) -> bool,
        any: &mut Option<&'n Node>,
    ) -> Option<&'n Node> {
        let Some((first, rest)) = rest.split_first() else {
            if wanted(self) {
                return Some(self);
            }
            if !self.routes.is_empty() {
                any.get_or_insert(self);
            }
            return None;
        };
        if let Some(node) = self.fixed.get(first.as_str())
            && let Some(found) = node.find(rest, values, wanted, any)
        {
            return Some(found);
        }
        for (pieces, node) in &self.open {
            let held = values.len();
            if matched(first, pieces, values)
                && let Some(found) = node.find(rest, values, wanted, any)
            {
                return Some(found);
            }
            values.truncate(held);
        }
        None
    }
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
