//! Bodies: media types and what they carry.

use super::book::{At, join};
use super::collect::{Collector, Found};
use super::operations::Operation;
use super::table::{Area, Effect};
use serde_json::Value;

/// A media type as it is compared: without charset, in lower case.
fn normal(name: &str) -> String {
    let mut pieces = name.split(';').map(|p| p.trim().to_ascii_lowercase());
    let mut out = pieces.next().unwrap_or_default();
    for parameter in pieces.filter(|p| !p.is_empty() && !p.starts_with("charset=")) {
        out += ";";
        out += &parameter;
    }
    out
}

/// Whether a range such as `application/*` takes a type in.
fn takes(range: &str, name: &str) -> bool {
    if range == name {
        return true;
    }
    match range.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => name.split('/').next() == Some(kind),
        _ => false,
    }
}

/// One body, by media type.
type Types<'a> = Vec<(String, &'a str, &'a Value)>;

fn list(content: Option<&Value>) -> Types<'_> {
    let all = content.and_then(Value::as_object);
    all.into_iter()
        .flatten()
        .map(|(name, value)| (normal(name), name.as_str(), value))
        .collect()
}

/// Media types of one body in both descriptions.
pub(super) fn compare<'a>(
    out: &mut Collector<'a>,
    act: usize,
    area: Area,
    label: &str,
    (old, old_at): (Option<&'a Value>, &At),
    (new, new_at): (Option<&'a Value>, &At),
) {
    let (olds, news) = (list(old), list(new));
    let mut met = vec![false; news.len()];
    for (name, written, value) in &olds {
        let inside = format!("{label} {written}").trim().to_owned();
        let exact = news.iter().position(|(n, ..)| n == name);
        let counterpart = exact.or_else(|| news.iter().position(|(n, ..)| takes(n, name) || takes(name, n)));
        let at = join(old_at, written);
        match counterpart.and_then(|i| news.get(i).map(|n| (i, n))) {
            Some((index, (_, new_name, new_value))) => {
                if let Some(slot) = met.get_mut(index) {
                    *slot = true;
                }
                let other = join(new_at, new_name);
                pair(out, act, area, &inside, (name, value, &at), (new_value, &other));
            }
            None => {
                let found = Found::new(area, "media-type", Effect::Removed).old(&at);
                out.find(act, found.says(Some((*written).to_owned()), None).inside(inside));
            }
        }
    }
    for ((name, written, _), _) in news.iter().zip(met).filter(|(_, met)| !met) {
        if olds.iter().any(|(o, ..)| takes(o, name)) {
            continue;
        }
        let inside = format!("{label} {written}").trim().to_owned();
        let found = Found::new(area, "media-type", Effect::Added).new_at(&join(new_at, written));
        out.find(act, found.says(None, Some((*written).to_owned())).inside(inside));
    }
}

fn pair<'a>(
    out: &mut Collector<'a>,
    act: usize,
    area: Area,
    inside: &str,
    (name, old, old_at): (&str, &'a Value, &At),
    (new, new_at): (&'a Value, &At),
) {
    if old.get("encoding") != new.get("encoding") {
        let found = Found::new(area, "encoding", Effect::Changed).old(old_at).new_at(new_at);
        out.find(act, found.inside(inside));
    }
    let textual = name.contains("xml") || name.starts_with("text/");
    for keyword in ["schema", "itemSchema"] {
        let of = |value: &'a Value| value.get(keyword);
        let old_node = of(old)
            .map(|s| out.old.node(s, join(old_at, keyword)))
            .unwrap_or_default();
        let new_node = of(new)
            .map(|s| out.new.node(s, join(new_at, keyword)))
            .unwrap_or_default();
        out.schemas(act, area, inside, "", textual, (old_node, new_node));
    }
}

/// Request bodies of two operations.
pub(super) fn bodies<'a>(out: &mut Collector<'a>, act: usize, area: Area, old: &Operation<'a>, new: &Operation<'a>) {
    const NAME: &str = "requestBody";
    let of = |value: &'a Value| value.get(NAME).filter(|v| v.is_object());
    let required = |value: &Value| value.get("required") == Some(&Value::Bool(true));
    match (of(old.value), of(new.value)) {
        (None, None) => {}
        (None, Some(body)) => {
            let (body, at) = out.new.follow(body, join(&new.at, NAME));
            let keyword = if required(body) && area == Area::RequestBody {
                "required-body"
            } else {
                "body"
            };
            out.find(act, Found::new(area, keyword, Effect::Added).old(&old.at).new_at(&at));
        }
        (Some(body), None) => {
            let (_, at) = out.old.follow(body, join(&old.at, NAME));
            out.find(act, Found::new(area, "body", Effect::Removed).old(&at).new_at(&new.at));
        }
        (Some(o), Some(n)) => {
            let (o, old_at) = out.old.follow(o, join(&old.at, NAME));
            let (n, new_at) = out.new.follow(n, join(&new.at, NAME));
            let effect = match (required(o), required(n)) {
                (false, true) => Some(Effect::Narrowed),
                (true, false) => Some(Effect::Widened),
                _ => None,
            };
            if let Some(effect) = effect {
                out.find(act, Found::new(area, "required", effect).old(&old_at).new_at(&new_at));
            }
            let content = |at: &At| join(at, "content");
            compare(
                out,
                act,
                area,
                "",
                (o.get("content"), &content(&old_at)),
                (n.get("content"), &content(&new_at)),
            );
        }
    }
}
