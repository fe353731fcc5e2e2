//! Keywords of single values: ranges, lengths, patterns, formats.

use super::number::{self, Limit, multiple};
use super::types::Types;
use super::{Local, clipped, short};
use crate::diff::book::Node;
use crate::diff::table::Effect;
use serde_json::{Number, Value};
use std::cmp::Ordering;

/// The keywords [`fits`] knows.
pub(super) const KEYWORDS: &[&str] = &[
    "minimum",
    "maximum",
    "multiple-of",
    "min-length",
    "max-length",
    "pattern",
];

/// A pair of nodes.
pub(super) type Pair<'n, 'a> = (&'n Node<'a>, &'n Node<'a>);

/// Patterns that every text fits.
const ANY_TEXT: &[&str] = &["", ".*", "^.*$", "^", "$", "^.*", ".*$", "^[\\s\\S]*$", "[\\s\\S]*"];
/// Formats that are hints for forms and not rules for values.
const HINTS: &[&str] = &["password"];
/// Formats that are part of others.
const WITHIN: &[(&str, &str)] = &[
    ("int32", "int64"),
    ("float", "double"),
    ("email", "idn-email"),
    ("hostname", "idn-hostname"),
    ("uri", "iri"),
    ("uri", "uri-reference"),
    ("iri", "iri-reference"),
    ("uri-reference", "iri-reference"),
];

/// The tightest limit of a range.
pub(super) fn limit(node: &Node<'_>, lower: bool, whole: bool) -> Option<Limit> {
    let (inclusive, exclusive) = if lower {
        ("minimum", "exclusiveMinimum")
    } else {
        ("maximum", "exclusiveMaximum")
    };
    let mut tightest: Option<Limit> = None;
    for (keyword, exclusive) in [(inclusive, false), (exclusive, true)] {
        for (value, _) in node.all(keyword) {
            let Value::Number(value) = value else { continue };
            let mut limit = Limit {
                value: value.clone(),
                exclusive,
            };
            if whole {
                limit = limit.for_whole(lower);
            }
            if tightest
                .as_ref()
                .is_none_or(|t| limit.tighter(t, lower) == Ordering::Greater)
            {
                tightest = Some(limit);
            }
        }
    }
    tightest
}

/// Ranges and multiples, of a pair that both allow numbers.
pub(super) fn numbers<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>, types: (Types, Types)) {
    let whole = |t: Types| t.common(Types::NUMBER) == Types::WHOLE;
    for (lower, keyword, at) in [
        (true, "minimum", ["minimum", "exclusiveMinimum"]),
        (false, "maximum", ["maximum", "exclusiveMaximum"]),
    ] {
        // Where either side takes whole numbers only, their common values are whole: compare in whole numbers.
        let both = whole(types.0) || whole(types.1);
        let (old, new) = (limit(pair.0, lower, both), limit(pair.1, lower, both));
        let effect = match (&old, &new) {
            (None, None) => continue,
            (None, Some(_)) => Effect::Narrowed,
            (Some(_), None) => Effect::Widened,
            (Some(o), Some(n)) => match n.tighter(o, lower) {
                Ordering::Equal => continue,
                Ordering::Greater => Effect::Narrowed,
                Ordering::Less => Effect::Widened,
            },
        };
        let shown = |l: Option<Limit>| l.map(|l| l.shown(lower));
        out.note(pair, keyword, effect, &at).says(shown(old), shown(new));
    }
    multiples(out, pair, whole(types.0) && whole(types.1));
}

fn multiples<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>, whole: bool) {
    let of = |node: &Node<'a>| -> Vec<&'a Number> {
        node.all("multipleOf")
            .filter_map(|(v, _)| match v {
                Value::Number(n) if !(whole && multiple(&Number::from(1), n)) => Some(n),
                _ => None,
            })
            .collect()
    };
    let (old, new) = (of(pair.0), of(pair.1));
    // Each new multiple must follow from an old one, and the other way round.
    let kept = new.iter().all(|n| old.iter().any(|o| multiple(o, n)));
    let was = old.iter().all(|o| new.iter().any(|n| multiple(n, o)));
    let effect = match (kept, was) {
        (true, true) => return,
        (true, false) => Effect::Widened,
        (false, true) => Effect::Narrowed,
        (false, false) => Effect::Changed,
    };
    let shown = |all: &[&Number]| all.first().map(ToString::to_string);
    out.note(pair, "multiple-of", effect, &["multipleOf"])
        .says(shown(&old), shown(&new));
}

/// A count such as `maxLength`: the tightest of all parts.
pub(super) fn count(node: &Node<'_>, keyword: &str, lower: bool) -> Option<u64> {
    let all = node.all(keyword).filter_map(|(v, _)| {
        let plain = v.as_u64();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        plain.or_else(|| v.as_f64().filter(|f| *f >= 0.0).map(|f| f as u64))
    });
    if lower { all.max().filter(|n| *n > 0) } else { all.min() }
}

/// A pair of counts that moved.
pub(super) fn counts<'a>(
    out: &mut Local<'a>,
    pair: Pair<'_, 'a>,
    keyword: &'static str,
    name: &'static str,
    lower: bool,
) {
    let (old, new) = (count(pair.0, name, lower), count(pair.1, name, lower));
    let effect = match (old, new) {
        (None, None) => return,
        (None, Some(_)) => Effect::Narrowed,
        (Some(_), None) => Effect::Widened,
        (Some(o), Some(n)) if o == n => return,
        (Some(o), Some(n)) if (n > o) == lower => Effect::Narrowed,
        _ => Effect::Widened,
    };
    let shown = |n: Option<u64>| n.map(|n| n.to_string());
    out.note(pair, keyword, effect, &[name]).says(shown(old), shown(new));
}

/// Lengths, patterns and content, of a pair that both allow text.
pub(super) fn strings<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>) {
    counts(out, pair, "min-length", "minLength", true);
    counts(out, pair, "max-length", "maxLength", false);
    let of = |node: &Node<'a>| -> Vec<&'a str> {
        let all = node.all("pattern").filter_map(|(v, _)| v.as_str());
        all.filter(|p| !ANY_TEXT.contains(p)).collect()
    };
    let (old, new) = (of(pair.0), of(pair.1));
    if let Some(effect) = of_sets(&old, &new) {
        let shown = |all: &[&str]| (!all.is_empty()).then(|| clipped(&all.join(" & ")));
        out.note(pair, "pattern", effect, &["pattern"])
            .says(shown(&old), shown(&new));
    }
    for keyword in ["contentMediaType", "contentEncoding"] {
        let of = |node: &Node<'a>| node.all(keyword).next().map(|(v, _)| v);
        let (old, new) = (of(pair.0), of(pair.1));
        let effect = match (old, new) {
            (None, Some(_)) => Effect::Narrowed,
            (Some(_), None) => Effect::Widened,
            (Some(o), Some(n)) if o != n => Effect::Changed,
            _ => continue,
        };
        out.note(pair, "content-type", effect, &[keyword])
            .says(old.map(short), new.map(short));
    }
}

/// What became of a conjunction of rules that can only be compared by name.
fn of_sets(old: &[&str], new: &[&str]) -> Option<Effect> {
    let gone = old.iter().any(|o| !new.contains(o));
    let come = new.iter().any(|n| !old.contains(n));
    match (gone, come) {
        (false, false) => None,
        (true, false) => Some(Effect::Widened),
        (false, true) => Some(Effect::Narrowed),
        (true, true) => Some(Effect::Changed),
    }
}

/// Formats, of a pair with types in common.
pub(super) fn formats<'a>(out: &mut Local<'a>, pair: Pair<'_, 'a>) {
    let of = |node: &Node<'a>| -> Vec<&'a str> {
        let all = node.all("format").filter_map(|(v, _)| v.as_str());
        all.filter(|f| !HINTS.contains(f)).collect()
    };
    let (old, new) = (of(pair.0), of(pair.1));
    let within = |a: &str, b: &str| a == b || WITHIN.contains(&(a, b));
    let kept = new.iter().all(|n| old.iter().any(|o| within(o, n)));
    let was = old.iter().all(|o| new.iter().any(|n| within(n, o)));
    let effect = match (kept, was) {
        (true, true) => return,
        (true, false) => Effect::Widened,
        (false, true) => Effect::Narrowed,
        (false, false) => Effect::Changed,
    };
    let shown = |all: &[&str]| (!all.is_empty()).then(|| clipped(&all.join(" & ")));
    out.note(pair, "format", effect, &["format"])
        .says(shown(&old), shown(&new));
}

/// Whether one value fits what a node says with one keyword of this module.
pub(super) fn fits(node: &Node<'_>, keyword: &str, value: &Value) -> bool {
    let length = |text: &str| text.chars().count() as u64;
    match (keyword, value) {
        ("minimum", Value::Number(n)) => limit(node, true, false).is_none_or(|l| l.allows(n, true)),
        ("maximum", Value::Number(n)) => limit(node, false, false).is_none_or(|l| l.allows(n, false)),
        ("multiple-of", Value::Number(n)) => node.all("multipleOf").all(|(of, _)| match of {
            Value::Number(of) => number::multiple(n, of),
            _ => true,
        }),
        ("min-length", Value::String(text)) => count(node, "minLength", true).is_none_or(|l| length(text) >= l),
        ("max-length", Value::String(text)) => count(node, "maxLength", false).is_none_or(|l| length(text) <= l),
        ("pattern", Value::String(text)) => node.all("pattern").all(|(pattern, _)| {
            // A pattern this engine can't read is taken as not met.
            let pattern = pattern.as_str().and_then(super::patterns::regex);
            pattern.is_some_and(|p| p.is_match(text))
        }),
        (keyword, _) => KEYWORDS.contains(&keyword),
    }
}
