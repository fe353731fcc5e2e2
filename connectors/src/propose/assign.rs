//! Which place is which field, for all places and fields of one side of one operation together.

use super::codes::{self, Table};
use super::score::{Matcher, Score};
use super::upstream::Node;
use hub_core::{Shape, ShapeKind, Text};
use std::collections::HashMap;

/// Points below which a pair is not even an alternative.
const FAINT: u8 = 30;
/// Alternatives that are kept.
const ALTERNATIVES: usize = 2;

/// A proposed pair.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Match {
    /// Upstream path.
    pub(super) upstream: String,
    /// Canonical path.
    pub(super) canonical: String,
    /// Where it stands, if not where fields go.
    pub(super) place: Option<&'static str>,
    /// 0 to 100.
    pub(super) confidence: u8,
    /// Why.
    pub(super) reason: Text,
    /// Codec.
    pub(super) form: Option<String>,
    /// Code list.
    pub(super) codes: Option<Table>,
    /// Other fields it could be.
    pub(super) others: Vec<(String, u8)>,
    /// Whether the contract requires the field.
    pub(super) required: bool,
    /// Pairs of the items, for lists of objects.
    pub(super) rows: Vec<Match>,
}

/// What is known beyond one operation: a place that comes and goes with a field is likely that field.
pub(super) type Together = HashMap<(String, String), i32>;

/// Fields with their canonical paths: members of plain objects are fields too.
pub(super) fn fields(shape: &Shape) -> Vec<(String, &Shape)> {
    let mut found = Vec::new();
    walk(shape, "", &mut found, 6);
    found
}

fn walk<'s>(shape: &'s Shape, above: &str, found: &mut Vec<(String, &'s Shape)>, left: usize) {
    for child in &shape.children {
        let path = if above.is_empty() {
            child.name.to_string()
        } else {
            format!("{above}/{}", child.name)
        };
        match left.checked_sub(1) {
            Some(left) if child.kind == ShapeKind::Object && !child.children.is_empty() => {
                walk(child, &path, found, left);
            }
            _ => found.push((path, child)),
        }
    }
}

struct Pair {
    place: usize,
    field: usize,
    score: Score,
    rows: Vec<Match>,
}

/// Pairs places with fields, the surest first; every place and every field once.
pub(super) fn assign(
    matcher: &mut Matcher,
    places: &[(String, &Node)],
    fields: &[(String, &Shape)],
    together: &Together,
) -> Vec<Match> {
    let mut pairs = candidates(matcher, places, fields, together);
    pairs.sort_by(|a, b| {
        b.score
            .points
            .cmp(&a.score.points)
            .then((a.field, a.place).cmp(&(b.field, b.place)))
    });
    let mut taken_places = vec![false; places.len()];
    let mut taken_fields = vec![false; fields.len()];
    let mut matches = Vec::new();
    for pair in &pairs {
        let used = |list: &[bool], i: usize| list.get(i).copied().unwrap_or(true);
        if used(&taken_places, pair.place) || used(&taken_fields, pair.field) {
            continue;
        }
        let (Some((upstream, node)), Some((canonical, shape))) = (places.get(pair.place), fields.get(pair.field))
        else {
            continue;
        };
        // A rival field that stays free makes the choice less sure; one that found its own place does not.
        let rivals: Vec<(String, u8)> = pairs
            .iter()
            .filter(|p| p.place == pair.place && p.field != pair.field && !used(&taken_fields, p.field))
            .filter_map(|p| Some((fields.get(p.field)?.0.clone(), p.score.points)))
            .take(ALTERNATIVES)
            .collect();
        let near = rivals
            .first()
            .map_or(0, |(_, points)| (*points + 10).saturating_sub(pair.score.points) / 2);
        for (list, i) in [(&mut taken_places, pair.place), (&mut taken_fields, pair.field)] {
            if let Some(slot) = list.get_mut(i) {
                *slot = true;
            }
        }
        matches.push(Match {
            upstream: upstream.clone(),
            canonical: canonical.clone(),
            place: node.place,
            confidence: pair.score.points.saturating_sub(near.min(12)),
            reason: pair.score.reason.clone(),
            form: pair.score.form.clone(),
            codes: codes::table(node, shape),
            others: rivals,
            required: shape.required,
            rows: pair.rows.clone(),
        });
    }
    only_ones_left(matcher, places, fields, (&taken_places, &taken_fields), &mut matches);
    // In the order of the source: it is how manuals are read, and how sequences are sent.
    let at = |m: &Match| places.iter().position(|(p, n)| *p == m.upstream && n.place == m.place);
    matches.sort_by_key(at);
    matches
}

fn candidates(
    matcher: &mut Matcher,
    places: &[(String, &Node)],
    fields: &[(String, &Shape)],
    together: &Together,
) -> Vec<Pair> {
    let lone = places.iter().filter(|(_, n)| n.is_list).count() == 1
        && fields.iter().filter(|(_, s)| s.kind == ShapeKind::Array).count() == 1;
    let mut pairs = Vec::new();
    for (p, (path, node)) in places.iter().enumerate() {
        for (f, (canonical, shape)) in fields.iter().enumerate() {
            let Some(mut score) = matcher.score(path, node, shape) else {
                continue;
            };
            let mut rows = Vec::new();
            if node.is_list {
                rows = inside(matcher, node, shape);
                score.points = of_list(score.points, &rows, shape, lone);
                if lone && score.reason == Text::default() {
                    score.reason = Text::new("唯一的列表", "the only list");
                }
            }
            if score.points > 0
                && let Some(bonus) = together.get(&(path.clone(), canonical.clone()))
            {
                let points = (i32::from(score.points) + bonus).clamp(0, 99);
                score.points = u8::try_from(points).unwrap_or(0);
            }
            if score.points >= FAINT {
                pairs.push(Pair {
                    place: p,
                    field: f,
                    score,
                    rows,
                });
            }
        }
    }
    pairs
}

/// Rows of the items of a list.
fn inside(matcher: &mut Matcher, node: &Node, shape: &Shape) -> Vec<Match> {
    let Some(item) = &shape.item else { return Vec::new() };
    if item.children.is_empty() {
        return Vec::new();
    }
    assign(matcher, &node.item_places(), &fields(item), &Together::new())
}

/// A list is known by its name and by what is in it.
fn of_list(name: u8, rows: &[Match], shape: &Shape, lone: bool) -> u8 {
    let members = shape.item.as_ref().map_or(0, |i| i.children.len());
    let name = u32::from(name);
    let mut points = if members == 0 {
        name
    } else {
        let sum: u32 = rows.iter().map(|r| u32::from(r.confidence)).sum();
        let inner = sum / u32::try_from(members).unwrap_or(1).max(1);
        (name + inner).div_ceil(2).max(name.saturating_sub(12))
    };
    if lone {
        points = points.max(74);
    }
    u8::try_from(points.min(99)).unwrap_or(99)
}

/// Where one required field and one place are left that do not contradict each other, they may be each other's.
fn only_ones_left(
    matcher: &mut Matcher,
    places: &[(String, &Node)],
    fields: &[(String, &Shape)],
    (taken_places, taken_fields): (&[bool], &[bool]),
    matches: &mut Vec<Match>,
) {
    let free = |taken: &[bool], i: usize| !taken.get(i).copied().unwrap_or(true);
    let left: Vec<_> = places
        .iter()
        .enumerate()
        .filter(|(i, _)| free(taken_places, *i))
        .map(|(_, p)| p)
        .collect();
    let wanted: Vec<_> = fields
        .iter()
        .enumerate()
        .filter(|(i, (_, s))| free(taken_fields, *i) && s.required)
        .map(|(_, f)| f)
        .collect();
    let ([(path, node)], [(canonical, shape)]) = (left.as_slice(), wanted.as_slice()) else {
        return;
    };
    if (shape.kind == ShapeKind::Array) != node.is_list {
        return;
    }
    let evidence = matcher.looks.weigh(node, shape);
    if evidence.points < 0 {
        return;
    }
    matches.push(Match {
        upstream: path.clone(),
        canonical: canonical.clone(),
        place: node.place,
        confidence: 45,
        reason: Text::new("只剩这一对", "the only two that are left"),
        form: evidence.form,
        codes: codes::table(node, shape),
        others: Vec::new(),
        required: true,
        rows: Vec::new(),
    });
}
