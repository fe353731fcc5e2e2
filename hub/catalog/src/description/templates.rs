//! What a path names in braces and the parameters that stand for it; names of operations.

use super::structure::Checker;
use super::tree::{Content, Node};
use crate::document::{escape, nearest};
use hub_core::{Severity, Text};
use indexmap::IndexMap;
use std::collections::{HashMap, HashSet};

const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

/// What a path names in braces, in order.
fn placeholders(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
}

/// After references are settled: every placeholder of a path has its parameter, and the other way round.
pub(super) fn templates(checker: &mut Checker<'_, '_>, root: &mut Node) {
    let shared = shared_parameters(root);
    let Some(paths) = root.get_mut("paths").and_then(Node::map_mut) else {
        return;
    };
    for (path, item) in paths.iter_mut().filter(|(p, _)| p.starts_with('/')) {
        let wanted: Vec<String> = placeholders(path).into_iter().map(str::to_owned).collect();
        let common = declared(item, &shared);
        let Some(map) = item.map_mut() else { continue };
        for method in METHODS {
            let Some(operation) = map.get_mut(method).filter(|o| o.map().is_some()) else {
                continue;
            };
            let mut known: HashSet<String> = declared(operation, &shared);
            known.extend(common.iter().cloned());
            let pointer = format!("/paths/{}/{method}", escape(path));
            for name in wanted.iter().filter(|n| !known.contains(*n)) {
                checker.warn(
                    "undeclared-path-parameter",
                    operation.at,
                    &format!("{pointer}/parameters"),
                    format!("路径中的 `{{{name}}}` 没有对应的参数，已按文字参数读取"),
                    format!("`{{{name}}}` of the path has no parameter; it was read as a text"),
                );
                declare(operation, name, checker.old);
            }
            for name in known.iter().filter(|n| !wanted.contains(n)) {
                let near = nearest(name, wanted.iter().map(String::as_str));
                let words = Text::new(
                    format!("路径参数 `{name}` 不在路径 `{path}` 中"),
                    format!("The path parameter `{name}` is not in the path `{path}`"),
                );
                checker.tell(
                    Severity::Warning,
                    "path-parameter-unused",
                    operation.at,
                    &format!("{pointer}/parameters"),
                    words,
                    |f| f.near(near),
                );
            }
        }
    }
}

fn declare(operation: &mut Node, name: &str, old: bool) {
    let at = operation.at;
    let mut parameter = Node::new_map(at);
    parameter.put("name", Node::leaf(at, name));
    parameter.put("in", Node::leaf(at, "path"));
    parameter.put("required", Node::leaf(at, true));
    if old {
        parameter.put("type", Node::leaf(at, "string"));
    } else {
        let mut schema = Node::new_map(at);
        schema.put("type", Node::leaf(at, "string"));
        parameter.put("schema", schema);
    }
    if operation.get("parameters").is_none() {
        operation.put("parameters", Node::list(at, Vec::new()));
    }
    if let Some(Content::List(items)) = operation.get_mut("parameters").map(|n| &mut n.content) {
        items.push(parameter);
    }
}

/// Names of path parameters among the shared ones, by reference.
fn shared_parameters(root: &Node) -> IndexMap<String, String> {
    let rooms = [
        (
            root.get("components").and_then(|c| c.get("parameters")),
            "#/components/parameters/",
        ),
        (root.get("parameters"), "#/parameters/"),
    ];
    let mut found = IndexMap::new();
    for (room, prefix) in rooms {
        for (name, parameter) in room.and_then(Node::map).into_iter().flatten() {
            if parameter.text_at("in") == Some("path")
                && let Some(own) = parameter.text_at("name")
            {
                found.insert(format!("{prefix}{}", escape(name)), own.to_owned());
            }
        }
    }
    found
}

fn declared(holder: &Node, shared: &IndexMap<String, String>) -> HashSet<String> {
    let parameters = holder.get("parameters").map(Node::items).unwrap_or_default();
    parameters
        .iter()
        .filter_map(|p| match p.text_at("$ref") {
            Some(reference) => shared.get(reference).cloned(),
            None => (p.text_at("in") == Some("path")).then(|| p.text_at("name").map(str::to_owned))?,
        })
        .collect()
}

/// Operations have names of their own; who calls by name can't tell two of one name apart, who calls by path can.
pub(super) fn names(checker: &mut Checker<'_, '_>, root: &Node) {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let paths = root.get("paths").and_then(Node::map);
    for (path, item) in paths.into_iter().flatten() {
        for method in METHODS {
            let Some(id) = item.get(method).and_then(|o| o.get("operationId")) else {
                continue;
            };
            let Some(name) = id.text() else { continue };
            if let Some(first) = seen.get(name) {
                checker.warn(
                    "duplicate-operation-id",
                    id.at,
                    &format!("/paths/{}/{method}/operationId", escape(path)),
                    format!("operationId `{name}` 重复，第一处在第 {first} 行"),
                    format!("The operationId `{name}` stands twice; the first is in line {first}"),
                );
            } else {
                seen.insert(name, id.at.line);
            }
        }
    }
}
