//! Keywords of lists.

use super::object::whole;
use super::scalar::{Pair, count, counts};
use super::{Local, Side, Step};
use crate::diff::book::{Book, Node, join};
use crate::diff::table::Effect;
use serde_json::Value;

/// The schema of the entry at one position, or of those after all that have their own.
fn entry<'a>(book: Book<'a>, node: &Node<'a>, index: Option<usize>) -> Node<'a> {
    let mut joined = Node::default();
    for part in &node.parts {
        let first = part.value.get("prefixItems").and_then(Value::as_array);
        let own = index.and_then(|i| first.and_then(|f| f.get(i)).map(|schema| (schema, i)));
        if let Some((schema, index)) = own {
            let at = join(&join(&part.at, "prefixItems"), &index.to_string());
            joined = joined.and(book.node(schema, at));
        } else if let Some(schema) = part.value.get("items") {
            joined = joined.and(book.node(schema, join(&part.at, "items")));
        }
    }
    joined
}

fn positions(node: &Node<'_>) -> usize {
    let all = node.all("prefixItems").filter_map(|(v, _)| v.as_array());
    all.map(Vec::len).max().unwrap_or(0)
}

/// Lists, of a pair that both allow them.
pub(super) fn arrays<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>, side: Side<'a>) {
    let last = positions(pair.0).max(positions(pair.1));
    for index in (0..last).map(Some).chain([None]) {
        let (old, new) = (entry(side.old, pair.0, index), entry(side.new, pair.1, index));
        match (old.never(), new.never()) {
            (true, true) => {}
            (true, false) => {
                out.note(pair, "items", Effect::Widened, &["items", "prefixItems"]);
            }
            (false, true) => {
                out.note(pair, "items", Effect::Narrowed, &["items", "prefixItems"]);
            }
            (false, false) => out.go(index.map_or(Step::Item, Step::Index), old, new),
        }
    }
    counts(out, pair, "min-items", "minItems", true);
    counts(out, pair, "max-items", "maxItems", false);
    match (pair.0.flag("uniqueItems"), pair.1.flag("uniqueItems")) {
        (false, true) => {
            out.note(pair, "unique-items", Effect::Narrowed, &["uniqueItems"]);
        }
        (true, false) => {
            out.note(pair, "unique-items", Effect::Widened, &["uniqueItems"]);
        }
        _ => {}
    }
    contained(out, pair, side);
    whole(out, pair, side, "unevaluatedItems", "unevaluated-items", Step::Item);
}

fn contained<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>, side: Side<'a>) {
    // minContains: 0 makes `contains` say nothing (JSON Schema 2020-12, Validation 6.4.5).
    let says = |node: &Node<'a>| {
        let off = count(node, "minContains", true).is_none() && node.all("minContains").next().is_some();
        node.all("contains").next().is_some() && !(off && count(node, "maxContains", false).is_none())
    };
    match (says(pair.0), says(pair.1)) {
        (false, false) => {}
        (false, true) => {
            out.note(pair, "contains", Effect::Narrowed, &["contains"]);
        }
        (true, false) => {
            out.note(pair, "contains", Effect::Widened, &["contains"]);
        }
        (true, true) => {
            let of = |book: Book<'a>, node: &Node<'a>| {
                let all: Vec<_> = node.all("contains").collect();
                all.into_iter().fold(Node::default(), |joined, (schema, part)| {
                    joined.and(book.node(schema, join(&part.at, "contains")))
                })
            };
            out.go(Step::Item, of(side.old, pair.0), of(side.new, pair.1));
            // One is the default; it is there as soon as `contains` is.
            let least = |node: &Node<'a>| {
                let said = node.all("minContains").next().is_some();
                if said {
                    count(node, "minContains", true).unwrap_or(0)
                } else {
                    1
                }
            };
            let (old, new) = (least(pair.0), least(pair.1));
            if old != new {
                let effect = if new > old { Effect::Narrowed } else { Effect::Widened };
                out.note(pair, "min-contains", effect, &["minContains"])
                    .says(Some(old.to_string()), Some(new.to_string()));
            }
            counts(out, pair, "max-contains", "maxContains", false);
        }
    }
}
