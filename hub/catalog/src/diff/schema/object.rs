//! Keywords of objects: properties, which of them must be there, and which others may be.

use super::patterns::regex;
use super::scalar::{Pair, counts};
use super::{Fact, Local, Side, Step, clipped};
use crate::diff::book::{At, Book, Node, join};
use crate::diff::change::Direction;
use crate::diff::table::Effect;
use indexmap::IndexSet;
use regex::Regex;
use serde_json::Value;
use std::collections::BTreeSet;

/// The schema of one property, and whether it was declared by name.
struct Property<'a> {
    node: Node<'a>,
    declared: bool,
}

/// An object schema prepared for questions about names.
struct Shape<'n, 'a> {
    book: Book<'a>,
    node: &'n Node<'a>,
    /// Per part: its patterns with the schema each names.
    patterns: Vec<Vec<(Option<Regex>, &'a str, &'a Value)>>,
    required: BTreeSet<&'a str>,
}

impl<'n, 'a> Shape<'n, 'a> {
    fn of(book: Book<'a>, node: &'n Node<'a>) -> Self {
        let patterns = node.parts.iter().map(|part| {
            let all = part.value.get("patternProperties").and_then(Value::as_object);
            all.into_iter()
                .flatten()
                .map(|(p, schema)| (regex(p), p.as_str(), schema))
                .collect()
        });
        let required = node.all("required").filter_map(|(v, _)| v.as_array()).flatten();
        Self {
            book,
            node,
            patterns: patterns.collect(),
            required: required.filter_map(Value::as_str).collect(),
        }
    }

    fn names(&self) -> impl Iterator<Item = &'a str> {
        let all = self.node.all("properties").filter_map(|(v, _)| v.as_object());
        all.flat_map(|map| map.keys().map(String::as_str))
    }

    /// What all parts together say about one name.
    fn property(&self, name: &str) -> Property<'a> {
        let mut found = Property {
            node: Node::default(),
            declared: false,
        };
        for (part, patterns) in self.node.parts.iter().zip(&self.patterns) {
            let mut here: Vec<(&'a Value, At)> = Vec::new();
            let properties = part.value.get("properties");
            if let Some(schema) = properties.and_then(|p| p.get(name)) {
                here.push((schema, join(&join(&part.at, "properties"), name)));
                found.declared = true;
            }
            for (regex, pattern, schema) in patterns {
                if regex.as_ref().is_some_and(|r| r.is_match(name)) {
                    here.push((schema, join(&join(&part.at, "patternProperties"), pattern)));
                }
            }
            if here.is_empty()
                && let Some(schema) = part.value.get("additionalProperties")
            {
                here.push((schema, join(&part.at, "additionalProperties")));
            }
            for (schema, at) in here {
                found.node = std::mem::take(&mut found.node).and(self.book.node(schema, at));
            }
        }
        found
    }

    /// What all parts together say about names that none of them knows.
    fn others(&self) -> Node<'a> {
        let all = self.node.all("additionalProperties");
        all.fold(Node::default(), |node, (schema, part)| {
            node.and(self.book.node(schema, join(&part.at, "additionalProperties")))
        })
    }
}

/// Objects, of a pair that both allow them.
pub(super) fn objects<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>, side: Side<'a>) {
    let (old, new) = (Shape::of(side.old, pair.0), Shape::of(side.new, pair.1));
    let names: IndexSet<&str> = old.names().chain(new.names()).collect();
    for name in &names {
        let (o, n) = (old.property(name), new.property(name));
        property(out, side.direction, name, (&old, o), (&new, n));
    }
    for name in old.required.union(&new.required).filter(|n| !names.contains(*n)) {
        let (was, is) = (old.required.contains(name), new.required.contains(name));
        required(out, pair, name, was, is, None);
    }
    let (o, n) = (old.others(), new.others());
    match (o.never(), n.never()) {
        (true, true) => {}
        (true, false) => {
            out.note(
                pair,
                "additional-properties",
                Effect::Widened,
                &["additionalProperties"],
            );
        }
        (false, true) => {
            out.note(
                pair,
                "additional-properties",
                Effect::Narrowed,
                &["additionalProperties"],
            );
        }
        (false, false) => out.go(Step::Other, o, n),
    }
    by_pattern(out, pair, side);
    counts(out, pair, "min-properties", "minProperties", true);
    counts(out, pair, "max-properties", "maxProperties", false);
    dependencies(out, pair, side);
    for (keyword, name) in [
        ("propertyNames", "property-names"),
        ("unevaluatedProperties", "unevaluated-properties"),
    ] {
        whole(out, pair, side, keyword, name, Step::Other);
    }
}

/// A keyword with one schema, which restricts where it stands.
pub(super) fn whole<'a>(
    out: &mut Local<'a>,
    pair: Pair<'_, 'a>,
    side: Side<'a>,
    keyword: &'static str,
    name: &'static str,
    step: Step,
) {
    let of = |book: Book<'a>, node: &Node<'a>| {
        let all: Vec<_> = node.all(keyword).collect();
        let restricts = |n: &Node<'a>| !n.anything();
        let joined = all.into_iter().fold(Node::default(), |node, (schema, part)| {
            node.and(book.node(schema, join(&part.at, keyword)))
        });
        Some(joined).filter(restricts)
    };
    match (of(side.old, pair.0), of(side.new, pair.1)) {
        (None, None) => {}
        (None, Some(_)) => {
            out.note(pair, name, Effect::Narrowed, &[keyword]);
        }
        (Some(_), None) => {
            out.note(pair, name, Effect::Widened, &[keyword]);
        }
        (Some(old), Some(new)) => match (old.never(), new.never()) {
            (true, true) => {}
            (true, false) => {
                out.note(pair, name, Effect::Widened, &[keyword]);
            }
            (false, true) => {
                out.note(pair, name, Effect::Narrowed, &[keyword]);
            }
            (false, false) => out.go(step, old, new),
        },
    }
}

fn property<'a>(
    out: &mut Local<'a>,
    direction: Direction,
    name: &str,
    old: (&Shape<'_, 'a>, Property<'a>),
    new: (&Shape<'_, 'a>, Property<'a>),
) {
    let ((old_shape, o), (new_shape, n)) = (old, new);
    let (flag, keyword) = if direction == Direction::Response {
        ("writeOnly", "write-only")
    } else {
        ("readOnly", "read-only")
    };
    let (was_hidden, is_hidden) = (o.node.flag(flag), n.node.flag(flag));
    let was_required = old_shape.required.contains(name) && !was_hidden;
    let is_required = new_shape.required.contains(name) && !is_hidden;
    let places = (
        o.node.place(&[]).or_else(|| old_shape.node.place(&["properties"])),
        n.node.place(&[]).or_else(|| new_shape.node.place(&["properties"])),
    );
    let pair = (old_shape.node, new_shape.node);
    let mut note = |keyword: &'static str, effect: Effect| {
        out.facts.push(Fact {
            keyword,
            effect,
            from: None,
            to: None,
            old_at: places.0.clone(),
            new_at: places.1.clone(),
            name: Some(name.to_owned()),
        });
    };
    match (o.declared, n.declared) {
        (true, true) => {
            match (was_hidden, is_hidden) {
                (true, true) => return,
                (false, true) => note(keyword, Effect::Added),
                (true, false) => note(keyword, Effect::Removed),
                (false, false) => {}
            }
            required(out, pair, name, was_required, is_required, Some(&places));
            if !was_hidden && !is_hidden {
                out.go(Step::Property(name.to_owned()), o.node, n.node);
            }
        }
        (true, false) if was_hidden => {}
        (true, false) => {
            let still = new_shape.required.contains(name);
            match (n.node.never(), was_required && !still) {
                (true, _) if direction != Direction::Response => note("property", Effect::Narrowed),
                (_, true) => note("required-property", Effect::Removed),
                (_, false) => note("property", Effect::Removed),
            }
            required(out, pair, name, was_required, was_required || still, Some(&places));
            if !n.node.never() && !n.node.anything() {
                out.go(Step::Property(name.to_owned()), o.node, n.node);
            }
        }
        (false, true) if is_hidden => {}
        (false, true) => {
            let before = old_shape.required.contains(name);
            match (o.node.never(), is_required && !before) {
                (true, false) => note("property", Effect::Widened),
                (true, true) if direction == Direction::Response => note("property", Effect::Widened),
                (_, true) => note("required-property", Effect::Added),
                (false, false) => note("property", Effect::Added),
            }
            required(out, pair, name, before, before && is_required, Some(&places));
            if !o.node.never() && !o.node.anything() {
                out.go(Step::Property(name.to_owned()), o.node, n.node);
            }
        }
        (false, false) => required(out, pair, name, was_required, is_required, Some(&places)),
    }
}

fn required<'a>(
    out: &mut Local<'a>,
    pair: Pair<'_, 'a>,
    name: &str,
    was: bool,
    is: bool,
    places: Option<&(Option<String>, Option<String>)>,
) {
    let effect = match (was, is) {
        (false, true) => Effect::Narrowed,
        (true, false) => Effect::Widened,
        _ => return,
    };
    let fact = out.note(pair, "required", effect, &["required"]);
    fact.name = Some(name.to_owned());
    if let Some((old, new)) = places {
        (fact.old_at, fact.new_at) = (old.clone(), new.clone());
    }
}

/// What changed under the keys of a keyword that holds one schema a key, where one side says nothing there. Where both
/// say something, the two schemas are compared further, by `step`.
fn keyed<'a>(
    out: &mut Local<'a>,
    pair: Pair<'_, 'a>,
    side: Side<'a>,
    keyword: &str,
    step: &Step,
) -> Vec<(String, Effect)> {
    let of = |book: Book<'a>, node: &Node<'a>, key: &str| {
        let all: Vec<_> = node.all(keyword).collect();
        all.into_iter()
            .fold(Node::default(), |joined, (map, part)| match map.get(key) {
                Some(schema) => joined.and(book.node(schema, join(&join(&part.at, keyword), key))),
                None => joined,
            })
    };
    let keys: IndexSet<&String> = [pair.0, pair.1]
        .into_iter()
        .flat_map(|node| {
            node.all(keyword)
                .filter_map(|(v, _)| v.as_object())
                .flat_map(|m| m.keys())
        })
        .collect();
    let mut effects = Vec::new();
    for key in keys {
        let (old, new) = (of(side.old, pair.0, key), of(side.new, pair.1, key));
        match (old.anything(), new.anything()) {
            (true, true) => {}
            (true, false) => effects.push((key.clone(), Effect::Narrowed)),
            (false, true) => effects.push((key.clone(), Effect::Widened)),
            (false, false) => out.go(step.clone(), old, new),
        }
    }
    effects
}

fn by_pattern<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>, side: Side<'a>) {
    const KEYWORD: &str = "patternProperties";
    for (pattern, effect) in keyed(out, pair, side, KEYWORD, &Step::Other) {
        out.note(pair, "pattern-properties", effect, &[KEYWORD])
            .says(None, Some(clipped(&pattern)));
    }
}

fn dependencies<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>, side: Side<'a>) {
    let needs = |node: &Node<'a>| -> BTreeSet<(&'a str, &'a str)> {
        let maps = node.all("dependentRequired").filter_map(|(v, _)| v.as_object());
        let all = maps.flat_map(|m| m.iter()).flat_map(|(name, needed)| {
            let needed = needed.as_array().into_iter().flatten().filter_map(Value::as_str);
            needed.map(move |needed| (name.as_str(), needed))
        });
        all.collect()
    };
    let (old, new) = (needs(pair.0), needs(pair.1));
    for (set, other, effect) in [(&new, &old, Effect::Narrowed), (&old, &new, Effect::Widened)] {
        let moved: Vec<String> = set
            .difference(other)
            .map(|(name, needed)| format!("{name} → {needed}"))
            .collect();
        if !moved.is_empty() {
            let shown = Some(clipped(&moved.join(", ")));
            let fact = out.note(pair, "dependent-required", effect, &["dependentRequired"]);
            let narrowed = effect == Effect::Narrowed;
            fact.says(shown.clone().filter(|_| !narrowed), shown.filter(|_| narrowed));
        }
    }
    dependent_schemas(out, pair, side);
}

fn dependent_schemas<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>, side: Side<'a>) {
    const KEYWORD: &str = "dependentSchemas";
    for (name, effect) in keyed(out, pair, side, KEYWORD, &Step::Same) {
        out.note(pair, "dependent-schemas", effect, &[KEYWORD]).name = Some(name);
    }
}
