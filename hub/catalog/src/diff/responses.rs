//! Answers by status, with their headers.

use super::book::{At, Book, Node, join};
use super::collect::{Collector, Found};
use super::operations::{Areas, Operation};
use super::table::{Area, Effect};
use super::{content, lifecycle};
use crate::document::escape;
use indexmap::IndexMap;
use serde_json::Value;

/// Headers that OpenAPI has another place for.
const IGNORED: &[&str] = &["content-type"];

/// Something with its place.
type Placed<'a> = (&'a Value, At);

fn list<'a>(book: Book<'a>, operation: &Operation<'a>) -> IndexMap<String, Placed<'a>> {
    let at = join(&operation.at, "responses");
    let all = operation.value.get("responses").and_then(Value::as_object);
    let all = all
        .into_iter()
        .flatten()
        .filter(|(status, _)| !status.starts_with("x-"));
    all.map(|(status, value)| (status.to_ascii_uppercase(), book.follow(value, join(&at, status))))
        .collect()
}

/// `404` as `4XX`.
fn range(status: &str) -> Option<String> {
    status
        .chars()
        .next()
        .filter(char::is_ascii_digit)
        .map(|c| format!("{c}XX"))
}

fn successful(status: &str) -> bool {
    status.starts_with(['1', '2', '3'])
}

/// Answers of two operations.
pub(super) fn compare<'a>(out: &mut Collector<'a>, act: usize, areas: Areas, old: &Operation<'a>, new: &Operation<'a>) {
    let (olds, news) = (list(out.old, old), list(out.new, new));
    let name = |status: &str| if successful(status) { "status" } else { "error-status" };
    for (status, answer) in &olds {
        let counterpart = news.get(status).or_else(|| range(status).and_then(|r| news.get(&r)));
        match counterpart {
            Some(other) => pair(out, act, areas, status, answer, other),
            None if news.keys().any(|n| range(n).as_ref() == Some(status)) => {}
            None => {
                let found = Found::new(areas.status, name(status), Effect::Removed)
                    .old(&answer.1)
                    .new_at(&new.at);
                out.find(act, found.says(Some(status.clone()), None).inside(status.clone()));
            }
        }
    }
    for (status, answer) in news.iter().filter(|(status, _)| !olds.contains_key(*status)) {
        let covered = range(status).and_then(|r| olds.get(&r));
        match covered {
            Some(base) => pair(out, act, areas, status, base, answer),
            None if olds.keys().any(|o| range(o).as_ref() == Some(status)) => {}
            None => {
                let found = Found::new(areas.status, name(status), Effect::Added)
                    .old(&old.at)
                    .new_at(&answer.1);
                out.find(act, found.says(None, Some(status.clone())).inside(status.clone()));
            }
        }
    }
}

fn pair<'a>(out: &mut Collector<'a>, act: usize, areas: Areas, status: &str, old: &Placed<'a>, new: &Placed<'a>) {
    let at = |placed: &Placed<'a>| join(&placed.1, "content");
    let of = |placed: &Placed<'a>| placed.0.get("content");
    content::compare(out, act, areas.answer, status, (of(old), &at(old)), (of(new), &at(new)));
    if let Some(area) = areas.header {
        headers(out, act, area, status, old, new);
    }
}

fn headers<'a>(out: &mut Collector<'a>, act: usize, area: Area, status: &str, old: &Placed<'a>, new: &Placed<'a>) {
    let list = |book: Book<'a>, answer: &Placed<'a>| -> IndexMap<String, (&'a str, Placed<'a>)> {
        let all = answer.0.get("headers").and_then(Value::as_object);
        let all = all.into_iter().flatten().map(|(name, value)| {
            let at = join(&join(&answer.1, "headers"), name);
            (name.to_ascii_lowercase(), (name.as_str(), book.follow(value, at)))
        });
        all.filter(|(name, _)| !IGNORED.contains(&name.as_str())).collect()
    };
    let (olds, news) = (list(out.old, old), list(out.new, new));
    let required = |v: &Value| v.get("required") == Some(&Value::Bool(true));
    let keyword = |v: &Value| if required(v) { "required-header" } else { "header" };
    for (key, (name, header)) in &olds {
        let inside = format!("{status} {name}");
        match news.get(key) {
            Some((_, other)) => one(out, act, area, &inside, name, header, other),
            None => {
                let found = Found::new(area, keyword(header.0), Effect::Removed).old(&header.1);
                out.find(act, found.says(Some((*name).to_owned()), None).inside(inside));
            }
        }
    }
    for (_, (name, header)) in news.iter().filter(|(key, _)| !olds.contains_key(*key)) {
        let found = Found::new(area, keyword(header.0), Effect::Added).new_at(&header.1);
        out.find(
            act,
            found
                .says(None, Some((*name).to_owned()))
                .inside(format!("{status} {name}")),
        );
    }
}

fn one<'a>(
    out: &mut Collector<'a>,
    act: usize,
    area: Area,
    inside: &str,
    name: &str,
    old: &Placed<'a>,
    new: &Placed<'a>,
) {
    lifecycle::compare(out, act, area, inside, (old.0, &old.1), (new.0, &new.1));
    let flag = |v: &Value, name: &str| v.get(name) == Some(&Value::Bool(true));
    let effect = match (flag(old.0, "required"), flag(new.0, "required")) {
        (false, true) => Some(Effect::Narrowed),
        (true, false) => Some(Effect::Widened),
        _ => None,
    };
    if let Some(effect) = effect {
        let found = Found::new(area, "required", effect).old(&old.1).new_at(&new.1);
        out.find(act, found.inside(inside));
    }
    let (old_node, new_node) = (schema(out.old, old), schema(out.new, new));
    let composed = |node: &Node<'_>| node.all("type").any(|(v, _)| v == "array" || v == "object");
    if flag(old.0, "explode") != flag(new.0, "explode") && composed(&old_node) {
        let found = Found::new(area, "style", Effect::Changed).old(&old.1).new_at(&new.1);
        out.find(act, found.inside(inside));
    }
    out.schemas(
        act,
        area,
        inside,
        &format!("/{}", escape(name)),
        false,
        (old_node, new_node),
    );
}

fn schema<'a>(book: Book<'a>, header: &Placed<'a>) -> Node<'a> {
    let content = header
        .0
        .get("content")
        .and_then(Value::as_object)
        .and_then(|c| c.iter().next());
    let (above, at) = match content {
        Some((media, value)) => (value, join(&join(&header.1, "content"), media)),
        None => (header.0, header.1.clone()),
    };
    above
        .get("schema")
        .map(|s| book.node(s, join(&at, "schema")))
        .unwrap_or_default()
}
