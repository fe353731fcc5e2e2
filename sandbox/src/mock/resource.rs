//! Which operations belong to the same things: a path that makes or lists them, and a path that names one of them. Read
//! from the description alone; nobody writes a script.

use super::coerce::flat;
use super::routes::{Route, Routes};
use super::{Mock, choose};
use hub_core::Text;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::OnceLock;

/// What an operation does to the things of a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Deed {
    Create,
    List,
    Read,
    Replace,
    Change,
    Remove,
}

impl Deed {
    /// The verb of the sentence, zh and en.
    fn verb(self) -> (&'static str, &'static str) {
        match self {
            Self::Create => ("建立", "creates"),
            Self::List => ("列出", "lists"),
            Self::Read => ("读取", "reads"),
            Self::Replace => ("替换", "replaces"),
            Self::Change => ("修改", "changes"),
            Self::Remove => ("删除", "removes"),
        }
    }
}

/// Things of one kind.
#[derive(Debug)]
pub(super) struct Resource {
    /// Path of all of them, as in the description or as its items imply it.
    pub collection: String,
    /// Path of one of them, as in the description.
    pub item: String,
    /// The name at the end of the item's path.
    pub parameter: String,
    /// Indexes of the routes.
    deeds: Vec<(Deed, usize)>,
    /// The member that holds what the path names; looked up when it is first needed.
    id: OnceLock<Option<String>>,
}

impl Resource {
    pub(super) fn route<'r>(&self, deed: Deed, routes: &'r Routes) -> Option<&'r Route> {
        let (_, index) = self.deeds.iter().find(|(own, _)| *own == deed)?;
        routes.all().get(*index)
    }
}

/// What was inferred of one kind of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inferred {
    /// Path of all of them.
    pub collection: String,
    /// Path of one of them.
    pub item: String,
    /// The member that holds the last part of the item's path, where one does.
    pub id: Option<String>,
    /// The same as a sentence.
    pub sentence: Text,
}

/// Every resource of a description.
#[derive(Debug, Default)]
pub(super) struct Resources {
    all: Vec<Resource>,
    /// By the pointer of the operation.
    deeds: HashMap<String, (usize, Deed)>,
    /// By the pointer of the operation: the resources that one thing in its path belongs to, and how many values of
    /// the path name that thing.
    above: HashMap<String, Vec<(usize, usize)>>,
}

impl Resources {
    pub(super) fn of(routes: &Routes) -> Self {
        let mut by_path: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, route) in routes.all().iter().enumerate() {
            by_path.entry(key(&route.path)).or_default().push(index);
        }
        let mut found = Self::default();
        let mut items: HashMap<String, usize> = HashMap::new();
        for (index, route) in routes.all().iter().enumerate() {
            let own = key(&route.path);
            if *route.method != *"GET" || items.contains_key(&own) {
                continue;
            }
            let Some(resource) = resource(routes, &by_path, route, index) else {
                continue;
            };
            items.insert(own, found.all.len());
            for (deed, index) in &resource.deeds {
                if let Some(route) = routes.all().get(*index) {
                    found.deeds.insert(route.pointer.clone(), (found.all.len(), *deed));
                }
            }
            found.all.push(resource);
        }
        for route in routes.all() {
            let above = above(&key(&route.path), &items);
            if !above.is_empty() {
                found.above.insert(route.pointer.clone(), above);
            }
        }
        found
    }

    pub(super) fn of_route(&self, route: &Route) -> Option<(usize, &Resource, Deed)> {
        let (index, deed) = self.deeds.get(&route.pointer)?;
        Some((*index, self.all.get(*index)?, *deed))
    }

    pub(super) fn all(&self) -> &[Resource] {
        &self.all
    }

    pub(super) fn above(&self, route: &Route) -> &[(usize, usize)] {
        self.above.get(&route.pointer).map_or(&[], Vec::as_slice)
    }
}

/// A path whose names do not matter.
fn key(path: &str) -> String {
    let path = path.split(['?', '#']).next().unwrap_or_default().trim_matches('/');
    let steps: Vec<&str> = path.split('/').map(|s| if is_name(s) { "{}" } else { s }).collect();
    steps.join("/")
}

fn is_name(segment: &str) -> bool {
    let inner = segment.strip_prefix('{').and_then(|s| s.strip_suffix('}'));
    inner.is_some_and(|name| !name.contains(['{', '}']))
}

fn resource(routes: &Routes, by_path: &HashMap<String, Vec<usize>>, read: &Route, index: usize) -> Option<Resource> {
    let item = read.path.split(['?', '#']).next()?;
    let (collection, last) = item.trim_end_matches('/').rsplit_once('/')?;
    let parameter = last.strip_prefix('{').filter(|_| is_name(last))?.strip_suffix('}')?;
    let method = |path: &str, method: &str| {
        let all = by_path.get(&key(path)).into_iter().flatten();
        let mut all = all.filter(|i| routes.all().get(**i).is_some_and(|r| *r.method == *method));
        all.next().copied()
    };
    let wanted = [
        (Deed::Create, method(collection, "POST")),
        (Deed::List, method(collection, "GET")),
        (Deed::Read, Some(index)),
        (Deed::Replace, method(item, "PUT")),
        (Deed::Change, method(item, "PATCH")),
        (Deed::Remove, method(item, "DELETE")),
    ];
    let deeds: Vec<(Deed, usize)> = wanted.into_iter().filter_map(|(d, i)| Some((d, i?))).collect();
    // What nobody can change needs no memory.
    let changes = deeds.iter().any(|(deed, _)| !matches!(deed, Deed::List | Deed::Read));
    changes.then(|| Resource {
        collection: if collection.is_empty() { "/" } else { collection }.to_owned(),
        item: item.to_owned(),
        parameter: parameter.to_owned(),
        deeds,
        id: OnceLock::new(),
    })
}

/// The things named within a path, and how many of its values name each.
fn above(path: &str, items: &HashMap<String, usize>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    for end in ends {
        let Some(part) = path.get(..end) else { continue };
        if let Some(index) = items.get(part) {
            found.push((*index, part.matches('{').count()));
        }
    }
    found
}

impl Mock {
    /// What was inferred about state, in the order of the description.
    pub fn inference(&self) -> impl Iterator<Item = Inferred> + '_ {
        self.resources.all.iter().map(|resource| {
            let id = self.id_of(resource).map(str::to_owned);
            Inferred {
                sentence: self.sentence(resource, id.as_deref()),
                collection: resource.collection.clone(),
                item: resource.item.clone(),
                id,
            }
        })
    }

    fn sentence(&self, resource: &Resource, id: Option<&str>) -> Text {
        let (mut zh, mut en) = (Vec::new(), Vec::new());
        for (deed, index) in &resource.deeds {
            let Some(route) = self.routes.all().get(*index) else {
                continue;
            };
            let (verb_zh, verb_en) = deed.verb();
            zh.push(format!("{} {} {verb_zh}", route.method, route.path));
            en.push(format!("{} {} {verb_en}", route.method, route.path));
        }
        let (mut zh, mut en) = (zh.join("，"), en.join(", "));
        if let Some(id) = id {
            zh += &format!("；编号是 {id}");
            en += &format!("; {id} tells them apart");
        }
        Text::new(zh, en)
    }

    /// The member that holds what the item's path names.
    pub(super) fn id_of<'r>(&self, resource: &'r Resource) -> Option<&'r str> {
        let found = resource.id.get_or_init(|| {
            let deeds = [Deed::Read, Deed::Create, Deed::List];
            let schemas = deeds.into_iter().filter_map(|deed| {
                let route = resource.route(deed, &self.routes)?;
                let chosen = choose::response(self.responses(route).as_ref(), None).ok()?;
                let (_, media) = choose::content(&chosen.response?, None).ok()??;
                media.raw("schema")
            });
            schemas
                .into_iter()
                .find_map(|schema| self.id_within(schema.value, resource, 0))
        });
        found.as_deref()
    }

    /// Looks in a schema, then in what it wraps.
    fn id_within(&self, schema: &Value, resource: &Resource, depth: usize) -> Option<String> {
        let flat = flat(self, schema);
        let empty = serde_json::Map::new();
        let properties = flat.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let names: Vec<&str> = properties.keys().map(String::as_str).collect();
        if let Some(found) = id_among(&names, &resource.parameter, &resource.collection) {
            return Some(found.to_owned());
        }
        if depth >= 3 {
            return None;
        }
        let inner = properties.values().chain(flat.get("items"));
        inner.into_iter().find_map(|inner| {
            let flat = self::flat(self, inner);
            let holds = flat.contains_key("properties") || flat.contains_key("items");
            holds.then(|| self.id_within(inner, resource, depth + 1)).flatten()
        })
    }
}

/// Names that hold an id where the path's name is not found again.
const USUAL: [&str; 8] = ["id", "uuid", "guid", "identifier", "number", "no", "code", "key"];

/// The member that a path's parameter means, among the members of a thing.
fn id_among<'n>(names: &[&'n str], parameter: &str, collection: &str) -> Option<&'n str> {
    let wanted = plain(parameter);
    let same = || names.iter().find(|n| plain(n) == wanted);
    // `petId` means `id`, `case_no` means `no`; the longest says most.
    let end = || {
        let all = names
            .iter()
            .filter(|n| plain(n).len() >= 2 && wanted.ends_with(&plain(n)));
        all.max_by_key(|n| n.len())
    };
    // `id` means `petId` of a pet.
    let things = plain(collection.rsplit('/').next().unwrap_or_default());
    let begun = || {
        names.iter().find(|n| {
            let name = plain(n);
            let start = name.strip_suffix(&wanted).filter(|s| s.len() >= 2);
            start.is_some_and(|start| things.starts_with(start))
        })
    };
    let usual = || USUAL.iter().find_map(|usual| names.iter().find(|n| plain(n) == *usual));
    same().or_else(end).or_else(begun).or_else(usual).copied()
}

/// A name without what differs between habits of writing.
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_member_a_path_names_is_found_by_habit() {
        let id = |names: &[&'static str], parameter, collection| id_among(names, parameter, collection);
        assert_eq!(id(&["name", "id"], "petId", "/pets"), Some("id"));
        assert_eq!(id(&["case_no", "no"], "caseNo", "/cases"), Some("case_no"));
        assert_eq!(id(&["title", "petId", "ownerId"], "id", "/pets"), Some("petId"));
        assert_eq!(id(&["title", "uuid"], "zaak", "/zaken"), Some("uuid"));
        assert_eq!(id(&["title"], "petId", "/pets"), None);
        assert_eq!(key("/a/{b}/c/"), key("/a/{x}/c"));
    }
}
