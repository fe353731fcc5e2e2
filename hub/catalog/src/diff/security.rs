//! The ways in: alternatives of schemes with scopes, by what a scheme is and not by what it is called.

use super::book::{Book, join};
use super::collect::{Collector, Found};
use super::operations::Operation;
use super::table::{Area, Effect};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// One way in: schemes that are all needed, each with its scopes. Empty: nothing is needed.
type Alternative<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

fn schemes<'a>(book: Book<'a>) -> Option<&'a Map<String, Value>> {
    book.root()
        .pointer("/components/securitySchemes")
        .and_then(Value::as_object)
}

/// What of a scheme a client has to know: not its description, and scopes only where an operation asks for them.
fn essence(book: Book<'_>, name: &str) -> Option<Value> {
    let value = schemes(book)?.get(name)?;
    let (value, _) = book.follow(value, "".into());
    let mut map = value.as_object()?.clone();
    map.retain(|k, _| k != "description" && k != "deprecated" && !k.starts_with("x-"));
    if let Some(flows) = map.get_mut("flows").and_then(Value::as_object_mut) {
        for flow in flows.values_mut().filter_map(Value::as_object_mut) {
            flow.remove("scopes");
        }
    }
    if let Some(scheme) = map.get_mut("scheme")
        && let Some(text) = scheme.as_str()
    {
        *scheme = json!(text.to_ascii_lowercase());
    }
    Some(Value::Object(map))
}

fn alternatives<'a>(book: Book<'a>, operation: &Operation<'a>) -> Vec<Alternative<'a>> {
    let own = operation.value.get("security").or_else(|| book.root().get("security"));
    let all = own.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if all.is_empty() {
        return vec![Alternative::new()];
    }
    let one = |value: &'a Value| {
        let needed = value.as_object().into_iter().flatten();
        let needed = needed.map(|(name, scopes)| {
            let scopes = scopes.as_array().into_iter().flatten().filter_map(Value::as_str);
            (name.as_str(), scopes.collect())
        });
        needed.collect()
    };
    all.iter().map(one).collect()
}

/// New names of old schemes: the same, or that of an equal scheme which is new.
fn renamed<'a>(out: &Collector<'a>) -> BTreeMap<&'a str, &'a str> {
    let (Some(olds), Some(news)) = (schemes(out.old), schemes(out.new)) else {
        return BTreeMap::new();
    };
    let mut names = BTreeMap::new();
    for name in olds.keys().filter(|n| !news.contains_key(*n)) {
        let essence_of_old = essence(out.old, name);
        let same = |new: &&String| !olds.contains_key(*new) && essence(out.new, new) == essence_of_old;
        if let Some(new) = news.keys().find(same) {
            names.insert(name.as_str(), new.as_str());
        }
    }
    names
}

fn shown(alternative: &Alternative<'_>) -> String {
    if alternative.is_empty() {
        return "—".into();
    }
    let one = |(name, scopes): (&&str, &BTreeSet<&str>)| {
        if scopes.is_empty() {
            return (*name).to_owned();
        }
        format!("{name}({})", scopes.iter().copied().collect::<Vec<_>>().join(" "))
    };
    alternative.iter().map(one).collect::<Vec<_>>().join(" + ")
}

/// Whether whoever holds what `held` asks for also gets in by `asked`.
fn opens(held: &Alternative<'_>, asked: &Alternative<'_>) -> bool {
    asked
        .iter()
        .all(|(name, scopes)| held.get(name).is_some_and(|held| scopes.is_subset(held)))
}

/// Ways in of two operations.
pub(super) fn compare<'a>(out: &mut Collector<'a>, act: usize, old: &Operation<'a>, new: &Operation<'a>) {
    let names = renamed(out);
    let (olds, news) = (alternatives(out.old, old), alternatives(out.new, new));
    let olds: Vec<Alternative<'a>> = olds
        .into_iter()
        .map(|a| {
            a.into_iter()
                .map(|(n, s)| (names.get(n).copied().unwrap_or(n), s))
                .collect()
        })
        .collect();
    definitions(out, act, &olds, &names);
    let note = |out: &mut Collector<'a>, keyword, effect, from: Option<String>, to: Option<String>| {
        let at = |o: &Operation<'a>, book: Book<'a>| {
            let own = o.value.get("security").is_some();
            if own || book.root().get("security").is_none() {
                join(&o.at, "security")
            } else {
                "/security".into()
            }
        };
        let found = Found::new(Area::Security, keyword, effect)
            .old(&at(old, out.old))
            .new_at(&at(new, out.new));
        out.find(act, found.says(from, to));
    };
    let keys = |a: &Alternative<'a>| a.keys().copied().collect::<Vec<_>>();
    for held in &olds {
        if news.iter().any(|asked| opens(held, asked)) {
            continue;
        }
        match news.iter().find(|asked| keys(asked) == keys(held)) {
            Some(asked) => note(out, "scope", Effect::Narrowed, Some(shown(held)), Some(shown(asked))),
            None => note(out, "alternative", Effect::Removed, Some(shown(held)), None),
        }
    }
    for asked in news.iter().filter(|asked| !olds.contains(asked)) {
        match olds.iter().find(|held| keys(held) == keys(asked)) {
            Some(held) if opens(held, asked) => {
                note(out, "scope", Effect::Widened, Some(shown(held)), Some(shown(asked)));
            }
            Some(_) => {}
            None => note(out, "alternative", Effect::Added, None, Some(shown(asked))),
        }
    }
}

/// Schemes that an operation names and that are written otherwise now.
fn definitions<'a>(out: &mut Collector<'a>, act: usize, olds: &[Alternative<'a>], names: &BTreeMap<&'a str, &'a str>) {
    let used: BTreeSet<&str> = olds.iter().flat_map(|a| a.keys().copied()).collect();
    for name in used.into_iter().filter(|n| !names.values().any(|new| new == n)) {
        let (old, new) = (essence(out.old, name), essence(out.new, name));
        if let (Some(old), Some(new)) = (old, new)
            && old != new
        {
            let at = join("/components/securitySchemes", name);
            let found = Found::new(Area::Security, "scheme", Effect::Changed)
                .old(&at)
                .new_at(&at);
            out.find(
                act,
                found.says(Some(old.to_string()), Some(new.to_string())).inside(name),
            );
        }
    }
}

/// Schemes that are declared, whether an operation names them or not.
pub(super) fn declared(out: &mut Collector<'_>) {
    let names = renamed(out);
    let list = |book| -> Vec<String> { schemes(book).into_iter().flat_map(|m| m.keys().cloned()).collect() };
    let (olds, news) = (list(out.old), list(out.new));
    let at = |name: &str| join("/components/securitySchemes", name);
    for name in olds
        .iter()
        .filter(|n| !news.contains(n) && !names.contains_key(n.as_str()))
    {
        let found = Found::new(Area::Security, "declared-scheme", Effect::Removed).old(&at(name));
        out.find_all(found.says(Some(name.clone()), None));
    }
    let taken: BTreeSet<&str> = names.values().copied().collect();
    for name in news.iter().filter(|n| !olds.contains(n) && !taken.contains(n.as_str())) {
        let found = Found::new(Area::Security, "declared-scheme", Effect::Added).new_at(&at(name));
        out.find_all(found.says(None, Some(name.clone())));
    }
}
