//! The rooms in which a description keeps what it shares, and the names in them.

use super::grammar::Kind;
use super::tree::Node;
use crate::document::{escape, nearest, unescape};
use indexmap::IndexMap;
use std::collections::HashSet;

/// Puts what came from another file into its room.
pub(super) fn keep(root: &mut Node, old: bool, place: &str, name: String, node: Node) {
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

/// All names that are taken.
pub(super) fn taken(root: &Node, kind: Kind) -> HashSet<(&'static str, String)> {
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

/// Names like the last of a pointer, beside where it should be; where there are none, references to what is called so in
/// another shared room.
pub(super) fn beside(root: &Node, pointer: &str) -> Vec<String> {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return Vec::new();
    };
    let name = unescape(name);
    let near = |map: &IndexMap<String, Node>| nearest(&name, map.keys().map(String::as_str));
    let here = root.pointer(parent).and_then(Node::map).map(near).unwrap_or_default();
    if !here.is_empty() {
        return here;
    }
    let shared = root.get("components").and_then(Node::map);
    let shared = shared
        .into_iter()
        .flatten()
        .map(|(room, node)| (format!("#/components/{room}"), node));
    let old = ["definitions", "parameters", "responses"].into_iter();
    let old = old.filter_map(|room| Some((format!("#/{room}"), root.get(room)?)));
    let mut found: Vec<String> = shared
        .chain(old)
        .filter_map(|(room, node)| Some((room, node.map()?)))
        .flat_map(|(room, map)| {
            near(map)
                .into_iter()
                .map(move |name| format!("{room}/{}", escape(&name)))
        })
        .collect();
    // What is called just so comes first.
    let last = format!("/{}", escape(&name));
    found.sort_by_key(|reference| !reference.ends_with(&last));
    found.truncate(3);
    found
}
