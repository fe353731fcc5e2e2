//! One pair of schemas, keyword by keyword.

use super::types::{Types, types, values};
use super::variants::{both, choices, one_sided};
use super::{Judge, Local, Side, Step, array, list, number, object, scalar, short};
use crate::diff::book::{Book, Node, join};
use crate::diff::table::Effect;
use serde_json::Value;

/// What one pair gives. The judge is asked only where alternatives have to be matched.
pub(crate) fn local<'a>(side: Side<'a>, old: &Node<'a>, new: &Node<'a>, judge: &mut dyn Judge<'a>) -> Local<'a> {
    let mut out = Local::default();
    let pair = (old, new);
    match (old.never(), new.never()) {
        (true, true) => return out,
        (true, false) => {
            out.note(pair, "schema", Effect::Widened, &[]);
            return out;
        }
        (false, true) => {
            out.note(pair, "schema", Effect::Narrowed, &[]);
            return out;
        }
        (false, false) => {}
    }
    let (of_old, of_new) = (choices(side.old, old), choices(side.new, new));
    if of_old.is_empty() != of_new.is_empty() && of_old.len() + of_new.len() == 1 {
        one_sided(&mut out, side, pair, (of_old, of_new), judge);
        annotations(&mut out, pair, judge, side);
        return out;
    }
    let allowed = (types(&side.old, old), types(&side.new, new));
    if singles(&mut out, pair, allowed) {
        both(&mut out, side, of_old, of_new, judge);
        conditions(&mut out, pair, side, judge);
        annotations(&mut out, pair, judge, side);
        return out;
    }
    kinds(&mut out, pair, allowed, side);
    // Where the types stayed, keywords beside the point of them are compared too: whoever wrote them meant them, and the
    // service may well hold to them.
    let compared = if allowed.0 == allowed.1 {
        Types::ALL
    } else {
        allowed.0.common(allowed.1)
    };
    if compared.has(Types::NUMBER) {
        scalar::numbers(&mut out, pair, allowed);
    }
    if compared.has(Types::STRING) {
        scalar::strings(&mut out, pair);
        object::whole(&mut out, pair, side, "contentSchema", "content-schema", Step::Same);
    }
    if compared.has(Types::NUMBER) || compared.has(Types::STRING) {
        scalar::formats(&mut out, pair);
    }
    if compared.has(Types::ARRAY) {
        array::arrays(&mut out, pair, side);
    }
    if compared.has(Types::OBJECT) {
        object::objects(&mut out, pair, side);
    }
    listed(&mut out, pair, allowed);
    both(&mut out, side, of_old, of_new, judge);
    conditions(&mut out, pair, side, judge);
    annotations(&mut out, pair, judge, side);
    out
}

/// Single values on both sides say everything.
fn singles<'a>(out: &mut Local<'a>, pair: (&Node<'a>, &Node<'a>), allowed: (Types, Types)) -> bool {
    let (Some(mut old), Some(mut new)) = (values(pair.0, allowed.0), values(pair.1, allowed.1)) else {
        return false;
    };
    // What the other keywords rule out is not on the list in truth.
    old.retain(|v| scalar::KEYWORDS.iter().all(|k| scalar::fits(pair.0, k, v)));
    new.retain(|v| scalar::KEYWORDS.iter().all(|k| scalar::fits(pair.1, k, v)));
    for (set, other, effect) in [(&new, &old, Effect::Widened), (&old, &new, Effect::Narrowed)] {
        let moved: Vec<&Value> = set
            .iter()
            .filter(|v| !other.iter().any(|o| number::same(o, v)))
            .copied()
            .collect();
        if moved.is_empty() {
            continue;
        }
        let shown = Some(list(moved.into_iter()));
        let fact = out.note(pair, "enum", effect, &["enum", "const"]);
        match effect {
            Effect::Widened => fact.to = shown,
            _ => fact.from = shown,
        }
    }
    true
}

/// Single values on one side: they came or went, and what else is said matters only as far as they don't fit it.
fn listed<'a>(out: &mut Local<'a>, pair: (&Node<'a>, &Node<'a>), allowed: (Types, Types)) {
    let (values, other, effect, spared) = match (values(pair.0, allowed.0), values(pair.1, allowed.1)) {
        (Some(old), None) => (old, pair.1, Effect::Widened, Effect::Narrowed),
        (None, Some(new)) => (new, pair.0, Effect::Narrowed, Effect::Widened),
        _ => return,
    };
    out.facts.retain(|fact| {
        let fits = |v: &&Value| scalar::fits(other, fact.keyword, v);
        fact.effect != spared || !values.iter().all(fits)
    });
    let shown = Some(list(values.into_iter()));
    let fact = out.note(pair, "enum", effect, &["enum", "const"]);
    match effect {
        Effect::Widened => fact.from = shown,
        _ => fact.to = shown,
    }
}

/// Types that came and went.
fn kinds<'a>(out: &mut Local<'a>, pair: (&Node<'a>, &Node<'a>), (old, new): (Types, Types), side: Side<'a>) {
    let (gone, come) = (old.without(new), new.without(old));
    // Null alone is told as such; beside other types it is one type of several.
    if gone.with(come) == Types::NULL {
        let effect = if gone.is_empty() {
            Effect::Widened
        } else {
            Effect::Narrowed
        };
        out.note(pair, "nullable", effect, &["type"]);
        return;
    }
    let untyped = |node: &Node<'a>| {
        !["properties", "required", "items"]
            .iter()
            .any(|k| node.all(k).next().is_some())
    };
    if side.textual && untyped(pair.0) && untyped(pair.1) && gone.with(come) == Types::STRING.with(Types::OBJECT) {
        return;
    }
    let effect = match (gone.is_empty(), come.is_empty()) {
        (true, true) => return,
        (false, true) => Effect::Narrowed,
        (true, false) => Effect::Widened,
        (false, false) => Effect::Changed,
    };
    out.note(pair, "type", effect, &["type"])
        .says(Some(old.shown()), Some(new.shown()));
}

fn conditions<'a>(out: &mut Local<'a>, pair: (&Node<'a>, &Node<'a>), side: Side<'a>, judge: &mut dyn Judge<'a>) {
    let of = |book: Book<'a>, node: &Node<'a>, keyword: &str| -> Vec<Node<'a>> {
        let all = node.parts.iter().filter_map(|part| {
            let schema = part.value.get(keyword)?;
            Some(book.node(schema, join(&part.at, keyword)))
        });
        all.collect()
    };
    let one = |of: Vec<Node<'a>>| {
        of.into_iter()
            .fold(None, |all: Option<Node<'a>>, n| Some(all.unwrap_or_default().and(n)))
    };
    let (old, new) = (of(side.old, pair.0, "not"), of(side.new, pair.1, "not"));
    let mut rest = new.iter();
    let mut kept = old.len() == new.len();
    kept &= old
        .iter()
        .all(|o| rest.next().is_some_and(|n| judge.relation(o, n).equal));
    if !kept {
        let effect = match (old.is_empty(), new.is_empty()) {
            (true, _) => Effect::Narrowed,
            (_, true) => Effect::Widened,
            _ => Effect::Changed,
        };
        out.note(pair, "not", effect, &["not"]);
    }
    // A condition without consequences says nothing.
    let says = |node: &Node<'a>| {
        node.parts
            .iter()
            .any(|p| p.value.get("if").is_some() && (p.value.get("then").is_some() || p.value.get("else").is_some()))
    };
    let effect = match (says(pair.0), says(pair.1)) {
        (false, false) => return,
        (false, true) => Effect::Narrowed,
        (true, false) => Effect::Widened,
        (true, true) => {
            let (old, new) = (one(of(side.old, pair.0, "if")), one(of(side.new, pair.1, "if")));
            let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
            if judge.relation(&old, &new).equal {
                for keyword in ["then", "else"] {
                    let (old, new) = (one(of(side.old, pair.0, keyword)), one(of(side.new, pair.1, keyword)));
                    out.go(Step::Same, old.unwrap_or_default(), new.unwrap_or_default());
                }
                return;
            }
            Effect::Changed
        }
    };
    out.note(pair, "if", effect, &["if"]);
}

/// What says nothing about values and still matters.
fn annotations<'a>(out: &mut Local<'a>, pair: (&Node<'a>, &Node<'a>), judge: &mut dyn Judge<'a>, side: Side<'a>) {
    let first = |node: &Node<'a>, keyword: &str| node.parts.iter().find_map(|p| p.value.get(keyword));
    let (old, new) = (first(pair.0, "default"), first(pair.1, "default"));
    let same = match (old, new) {
        (Some(old), Some(new)) => number::same(old, new),
        _ => old.is_none() && new.is_none(),
    };
    if !same {
        let effect = match (old, new) {
            (None, _) => Effect::Added,
            (_, None) => Effect::Removed,
            _ => Effect::Changed,
        };
        out.note(pair, "default", effect, &["default"])
            .says(old.map(short), new.map(short));
    }
    let life = |old: bool, new: bool| match (old, new) {
        (false, true) => Some(Effect::Added),
        (true, false) => Some(Effect::Removed),
        _ => None,
    };
    if let Some(effect) = life(pair.0.flag("deprecated"), pair.1.flag("deprecated")) {
        out.note(pair, "deprecated", effect, &["deprecated"]);
    }
    // What can't be followed is compared as it is written.
    let reference = |node: &Node<'a>| {
        let all = node
            .parts
            .iter()
            .filter_map(|p| p.value.get("$ref").or_else(|| p.value.get("$dynamicRef")));
        all.filter_map(Value::as_str)
            .filter(|r| !r.starts_with("#/"))
            .collect::<Vec<_>>()
    };
    let (old, new) = (reference(pair.0), reference(pair.1));
    if old != new {
        out.note(pair, "reference", Effect::Changed, &["$ref", "$dynamicRef"])
            .says(
                old.first().map(|r| (*r).to_owned()),
                new.first().map(|r| (*r).to_owned()),
            );
    }
    extensible(out, pair);
    discriminator(out, pair, judge, side);
}

/// `x-extensible-enum` (Zalando's guidelines): a list that clients must expect to grow.
fn extensible<'a>(out: &mut Local<'a>, pair: (&Node<'a>, &Node<'a>)) {
    const KEYWORD: &str = "x-extensible-enum";
    let of =
        |node: &Node<'a>| -> Vec<&'a Value> { node.all(KEYWORD).filter_map(|(v, _)| v.as_array()).flatten().collect() };
    let (old, new) = (of(pair.0), of(pair.1));
    if old.is_empty() || new.is_empty() {
        return;
    }
    for (set, other, effect) in [(&old, &new, Effect::Narrowed), (&new, &old, Effect::Widened)] {
        let moved: Vec<&Value> = set.iter().filter(|v| !other.contains(v)).copied().collect();
        if !moved.is_empty() {
            let shown = Some(list(moved.into_iter()));
            let fact = out.note(pair, "extensible-enum", effect, &[KEYWORD]);
            match effect {
                Effect::Narrowed => fact.from = shown,
                _ => fact.to = shown,
            }
        }
    }
}

fn discriminator<'a>(out: &mut Local<'a>, pair: (&Node<'a>, &Node<'a>), judge: &mut dyn Judge<'a>, side: Side<'a>) {
    const KEYWORD: &str = "discriminator";
    let first = |node: &Node<'a>| node.parts.iter().find_map(|p| p.value.get(KEYWORD));
    let name = |d: &'a Value| d.get("propertyName").and_then(Value::as_str);
    let (old, new) = match (first(pair.0), first(pair.1)) {
        (None, None) => return,
        (None, Some(new)) => {
            out.note(pair, KEYWORD, Effect::Added, &[KEYWORD])
                .says(None, name(new).map(str::to_owned));
            return;
        }
        (Some(old), None) => {
            out.note(pair, KEYWORD, Effect::Removed, &[KEYWORD])
                .says(name(old).map(str::to_owned), None);
            return;
        }
        (Some(old), Some(new)) => (old, new),
    };
    if name(old) != name(new) {
        out.note(pair, KEYWORD, Effect::Changed, &[KEYWORD])
            .says(name(old).map(str::to_owned), name(new).map(str::to_owned));
    }
    let mapping = |d: &'a Value| d.get("mapping").and_then(Value::as_object);
    let target = |book: Book<'a>, value: &'a Value| {
        let reference = value.as_str()?;
        let pointer = reference.strip_prefix('#')?;
        book.root()
            .pointer(pointer)
            .map(|schema| book.node(schema, pointer.into()))
    };
    let get = |map: Option<&'a serde_json::Map<String, Value>>, tag: &str| map.and_then(|m| m.get(tag));
    let (of_old, of_new) = (mapping(old), mapping(new));
    let tags: indexmap::IndexSet<&String> = of_old.into_iter().chain(of_new).flat_map(|m| m.keys()).collect();
    for tag in tags {
        let (o, n) = (get(of_old, tag), get(of_new, tag));
        let effect = match (o, n) {
            (None, _) => Effect::Added,
            (_, None) => Effect::Removed,
            (Some(o), Some(n)) => {
                let same = match (target(side.old, o), target(side.new, n)) {
                    (Some(o), Some(n)) => judge.relation(&o, &n).equal,
                    _ => o == n,
                };
                if same {
                    continue;
                }
                Effect::Changed
            }
        };
        let fact = out.note(pair, "mapping", effect, &[KEYWORD]);
        fact.says(o.map(short), n.map(short));
        fact.name = Some(tag.clone());
    }
}
