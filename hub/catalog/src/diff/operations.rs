//! Operations of both descriptions, matched by method and path whatever the path's parameters are called.

use super::book::{At, join};
use super::collect::{Act, Collector, Found};
use super::lifecycle::{self, End};
use super::table::{Area, Effect};
use super::{content, parameters, responses, security};
use indexmap::IndexMap;
use serde_json::Value;

const METHODS: &[&str] = &[
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

/// One operation of one description.
#[derive(Debug, Clone)]
pub(super) struct Operation<'a> {
    pub value: &'a Value,
    pub at: At,
    /// The path item around it, which may hold parameters for all its operations.
    pub item: (&'a Value, At),
    pub path: &'a str,
    pub method: &'a str,
}

/// Places of an operation's parts: an event flows the other way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Areas {
    pub parameter: Area,
    pub body: Area,
    pub status: Area,
    pub answer: Area,
    /// None where headers of the answer are the client's own business.
    pub header: Option<Area>,
}

const CALL: Areas = Areas {
    parameter: Area::Parameter,
    body: Area::RequestBody,
    status: Area::Response,
    answer: Area::ResponseBody,
    header: Some(Area::ResponseHeader),
};
const EVENT: Areas = Areas {
    parameter: Area::EventBody,
    body: Area::EventBody,
    status: Area::EventAnswer,
    answer: Area::EventAnswer,
    header: None,
};

/// A path without the names of its parameters.
fn signature(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, tail)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str("{}");
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// The operations of a path item.
fn of_item<'a>(out: &Collector<'a>, old: bool, value: &'a Value, at: At, path: &'a str) -> Vec<Operation<'a>> {
    let book = if old { out.old } else { out.new };
    let (item, at) = book.follow(value, at);
    let Some(map) = item.as_object() else { return Vec::new() };
    let methods = map
        .iter()
        .filter(|(m, v)| METHODS.contains(&m.as_str()) && v.is_object());
    let more = map.get("additionalOperations").and_then(Value::as_object);
    let more = more
        .into_iter()
        .flatten()
        .map(|(m, v)| (m, v, join(&at, "additionalOperations")));
    methods
        .map(|(method, value)| (method, value, at.clone()))
        .chain(more)
        .map(|(method, value, above)| Operation {
            value,
            at: join(&above, method),
            item: (item, at.clone()),
            path,
            method,
        })
        .collect()
}

/// The operations below `paths`, by method and path signature.
fn all<'a>(out: &Collector<'a>, old: bool) -> IndexMap<(String, String), Operation<'a>> {
    let root = if old { out.old.root() } else { out.new.root() };
    let mut all = IndexMap::new();
    for (path, item) in root.get("paths").and_then(Value::as_object).into_iter().flatten() {
        if !path.starts_with('/') {
            continue;
        }
        for operation in of_item(out, old, item, join("/paths", path), path) {
            let key = (operation.method.to_ascii_uppercase(), signature(path));
            // Two paths of one signature can't be told apart on the wire; by their own names they can here.
            let key = if all.contains_key(&key) {
                (key.0, path.clone())
            } else {
                key
            };
            all.insert(key, operation);
        }
    }
    all
}

fn act(operation: &Operation<'_>, name: String) -> Act {
    let level = operation.value.get("x-stability-level").and_then(Value::as_str);
    Act {
        name,
        id: operation
            .value
            .get("operationId")
            .and_then(Value::as_str)
            .map(str::to_owned),
        unstable: level.is_some_and(|l| ["draft", "alpha"].contains(&l)),
    }
}

fn called(operation: &Operation<'_>) -> String {
    format!("{} {}", operation.method.to_ascii_uppercase(), operation.path)
}

/// All operations, webhooks and callbacks.
pub(super) fn compare(out: &mut Collector<'_>) {
    let (olds, news) = (all(out, true), all(out, false));
    for (key, old) in &olds {
        let act = out.act(act(old, called(old)));
        match news.get(key) {
            Some(new) => pair(out, act, old, new),
            None => gone(out, act, old),
        }
    }
    for (_, new) in news.iter().filter(|(key, _)| !olds.contains_key(*key)) {
        let act = out.act(act(new, called(new)));
        out.find(
            act,
            Found::new(Area::Operation, "operation", Effect::Added).new_at(&new.at),
        );
    }
    webhooks(out);
}

fn gone(out: &mut Collector<'_>, act: usize, old: &Operation<'_>) {
    let keyword = match lifecycle::end(old.value, out.today) {
        End::Unannounced => "operation",
        End::Come => "retired-operation",
        End::Ahead => "early-removal",
    };
    out.find(act, Found::new(Area::Operation, keyword, Effect::Removed).old(&old.at));
}

fn pair<'a>(out: &mut Collector<'a>, act: usize, old: &Operation<'a>, new: &Operation<'a>) {
    lifecycle::compare(
        out,
        act,
        Area::Operation,
        "",
        (old.value, &old.at),
        (new.value, &new.at),
    );
    identity(out, act, old, new);
    parts(out, act, CALL, old, new);
    security::compare(out, act, old, new);
    callbacks(out, act, old, new);
}

/// Parameters, body and answers.
fn parts<'a>(out: &mut Collector<'a>, act: usize, areas: Areas, old: &Operation<'a>, new: &Operation<'a>) {
    parameters::compare(out, act, areas.parameter, old, new);
    content::bodies(out, act, areas.body, old, new);
    responses::compare(out, act, areas, old, new);
}

fn identity(out: &mut Collector<'_>, act: usize, old: &Operation<'_>, new: &Operation<'_>) {
    let id = |o: &Operation<'_>| o.value.get("operationId").and_then(Value::as_str).map(str::to_owned);
    let effect = match (id(old), id(new)) {
        (None, Some(_)) => Some(Effect::Added),
        (Some(_), None) => Some(Effect::Removed),
        (Some(o), Some(n)) if o != n => Some(Effect::Changed),
        _ => None,
    };
    if let Some(effect) = effect {
        let found = Found::new(Area::Operation, "operation-id", effect)
            .old(&old.at)
            .new_at(&new.at);
        out.find(act, found.says(id(old), id(new)));
    }
    let tags = |o: &Operation<'_>| -> Vec<String> {
        let tags = o.value.get("tags").and_then(Value::as_array);
        tags.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    let (of_old, of_new) = (tags(old), tags(new));
    for tag in of_old.iter().filter(|t| !of_new.contains(t)) {
        let found = Found::new(Area::Operation, "tag", Effect::Removed)
            .old(&old.at)
            .new_at(&new.at);
        out.find(act, found.says(Some(tag.clone()), None));
    }
    for tag in of_new.iter().filter(|t| !of_old.contains(t)) {
        let found = Found::new(Area::Operation, "tag", Effect::Added)
            .old(&old.at)
            .new_at(&new.at);
        out.find(act, found.says(None, Some(tag.clone())));
    }
}

/// Path items by name, matched; their operations are events to the client.
fn events<'a>(
    out: &mut Collector<'a>,
    keyword: &'static str,
    title: &dyn Fn(&str, &str) -> String,
    known: Option<usize>,
    (old, old_at): (Option<&'a Value>, &At),
    (new, new_at): (Option<&'a Value>, &At),
) {
    let list = |out: &Collector<'a>, is_old: bool, items: Option<&'a Value>, at: &At| {
        let mut all: IndexMap<(String, String), Operation<'a>> = IndexMap::new();
        for (name, item) in items.and_then(Value::as_object).into_iter().flatten() {
            for operation in of_item(out, is_old, item, join(at, name), name) {
                all.insert((operation.method.to_owned(), name.clone()), operation);
            }
        }
        all
    };
    let (olds, news) = (list(out, true, old, old_at), list(out, false, new, new_at));
    let name = |o: &Operation<'_>| title(o.path, &o.method.to_ascii_uppercase());
    for (key, old) in &olds {
        let act = out.act(act(old, name(old)));
        match news.get(key) {
            Some(new) => parts(out, act, EVENT, old, new),
            None => {
                let found = Found::new(Area::EventBody, keyword, Effect::Removed).old(&old.at);
                out.find(known.unwrap_or(act), found.says(Some(old.path.to_owned()), None));
            }
        }
    }
    for (_, new) in news.iter().filter(|(key, _)| !olds.contains_key(*key)) {
        let act = out.act(act(new, name(new)));
        let found = Found::new(Area::EventBody, keyword, Effect::Added).new_at(&new.at);
        out.find(known.unwrap_or(act), found.says(None, Some(new.path.to_owned())));
    }
}

fn webhooks(out: &mut Collector<'_>) {
    let (old, new) = (out.old.root().get("webhooks"), out.new.root().get("webhooks"));
    let at: At = "/webhooks".into();
    let title = |name: &str, method: &str| format!("webhook {name} {method}");
    events(out, "webhook", &title, None, (old, &at), (new, &at));
}

fn callbacks<'a>(out: &mut Collector<'a>, act: usize, old: &Operation<'a>, new: &Operation<'a>) {
    let of = |o: &Operation<'a>| o.value.get("callbacks").and_then(Value::as_object);
    let (olds, news) = (of(old), of(new));
    let mut names: Vec<&'a String> = olds.into_iter().chain(news).flat_map(|m| m.keys()).collect();
    names.sort();
    names.dedup();
    let call = called(old);
    for name in names {
        let at = |o: &Operation<'a>| join(&join(&o.at, "callbacks"), name);
        let (o, n) = (olds.and_then(|m| m.get(name)), news.and_then(|m| m.get(name)));
        let o = o.map(|v| out.old.follow(v, at(old)));
        let n = n.map(|v| out.new.follow(v, at(new)));
        let title = |_: &str, method: &str| format!("{call} callback {name} {method}");
        let nowhere: At = "".into();
        let of_old = o.as_ref().map_or((None, &nowhere), |(v, at)| (Some(*v), at));
        let of_new = n.as_ref().map_or((None, &nowhere), |(v, at)| (Some(*v), at));
        events(out, "callback", &title, Some(act), of_old, of_new);
    }
}
