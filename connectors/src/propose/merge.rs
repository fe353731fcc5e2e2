//! Pairs of all operations as rows of one manifest: what holds everywhere is said once, the rest at its operation.

use super::assign::Match;
use super::codes::Table;
use super::upstream::Upstream;
use crate::manifest::model::Names;
use hub_core::Text;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Confidence from which a row stands in force; below it is a comment.
pub const TAKEN: u8 = 60;

/// Which half of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Side {
    Request,
    Response,
}

/// Pairs of one side of one operation.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) operation: String,
    pub(super) side: Side,
    pub(super) matches: Vec<Match>,
    /// All fields of the contract on this side.
    pub(super) fields: HashSet<String>,
}

/// A row of the manifest.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// As it is written, with its place.
    pub(super) upstream: String,
    /// One field, or several of which the contract decides.
    pub(super) canonical: Vec<String>,
    pub(super) form: Option<String>,
    /// Name of its code list.
    pub(super) table: Option<String>,
    pub(super) confidence: u8,
    pub(super) reason: Text,
    pub(super) others: Vec<(String, u8)>,
    pub(super) rows: Vec<Row>,
    /// Operations that use it.
    pub(super) operations: Vec<String>,
}

impl Row {
    pub(super) fn is_taken(&self) -> bool {
        self.confidence >= TAKEN
    }
}

/// Rows of a manifest.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// `fields`.
    pub(super) fields: Vec<Row>,
    /// `request`: what stands in a place of its own.
    pub(super) request: Vec<Row>,
    /// Rows of single operations.
    pub(super) own: BTreeMap<(String, Side), Vec<Row>>,
    /// `codes`.
    pub(super) codes: Vec<(String, Table)>,
    /// `names`, where the names of the upstream are the contract's in another form.
    pub(super) names: Option<&'static str>,
    /// `wire`.
    pub(super) wire: Vec<(String, String)>,
}

fn shown(found: &Match) -> String {
    match found.place {
        Some("path") | None => found.upstream.clone(),
        Some(place) => format!("{place} {}", found.upstream),
    }
}

pub(super) fn merge(found: &[Found], upstream: &Upstream) -> Rows {
    let mut rows = Rows::default();
    let mut codes = Codes::default();
    // How often a pair was found, and its surest sight.
    let mut votes: Vec<(String, String, Side, usize, Row)> = Vec::new();
    for side in found {
        for pair in &side.matches {
            let upstream = shown(pair);
            let known = votes.iter_mut().find(|v| v.0 == upstream && v.1 == pair.canonical);
            match known {
                Some((_, _, _, count, row)) => {
                    *count += 1;
                    absorb(row, pair, &side.operation, &mut codes);
                }
                None => votes.push((
                    upstream,
                    pair.canonical.clone(),
                    side.side,
                    1,
                    row(pair, &side.operation, &mut codes),
                )),
            }
        }
    }
    let order: HashMap<(String, String), usize> = votes
        .iter()
        .enumerate()
        .map(|(i, v)| ((v.0.clone(), v.1.clone()), i))
        .collect();
    votes.sort_by(|a, b| {
        let taken = |v: &(String, String, Side, usize, Row)| v.4.is_taken();
        taken(b)
            .cmp(&taken(a))
            .then(b.3.cmp(&a.3))
            .then(b.4.confidence.cmp(&a.4.confidence))
    });
    let mut mapped: HashMap<String, String> = HashMap::new();
    let mut own = Vec::new();
    for (upstream, canonical, _, _, row) in votes {
        if mapped.contains_key(&canonical) {
            own.push((upstream, canonical, row));
            continue;
        }
        let is_placed = row.upstream.contains(' ');
        let section = if is_placed { &mut rows.request } else { &mut rows.fields };
        match section.iter_mut().find(|r| r.upstream == upstream) {
            None => {
                mapped.insert(canonical, upstream);
                section.push(row);
            }
            Some(known) => {
                let both = found
                    .iter()
                    .any(|f| f.fields.contains(&canonical) && known.canonical.iter().any(|k| f.fields.contains(k)));
                if both || !known.is_taken() || !row.is_taken() || !row.rows.is_empty() {
                    own.push((upstream, canonical, row));
                } else {
                    mapped.insert(canonical.clone(), upstream);
                    known.confidence = known.confidence.min(row.confidence);
                    known.operations.extend(row.operations);
                    known.canonical.push(canonical);
                }
            }
        }
    }
    overrides(&mut rows, own, found);
    let at = |r: &Row| {
        r.canonical
            .first()
            .and_then(|c| order.get(&(r.upstream.clone(), c.clone())))
            .copied()
    };
    rows.fields.sort_by_key(at);
    rows.request.sort_by_key(at);
    rows.codes = codes.tables;
    rows.wire = wire(&mut rows.fields, upstream);
    plain_forms(&mut rows.request, &rows.wire, upstream);
    rows.own
        .values_mut()
        .for_each(|own| plain_forms(own, &rows.wire, upstream));
    same_names(&mut rows, upstream);
    rows
}

/// Rows that do not hold for all operations stand at theirs.
fn overrides(rows: &mut Rows, own: Vec<(String, String, Row)>, found: &[Found]) {
    for (upstream, canonical, row) in own {
        if !row.is_taken() {
            continue;
        }
        for side in found {
            let used = side
                .matches
                .iter()
                .any(|m| shown(m) == upstream && m.canonical == canonical && m.confidence >= TAKEN);
            if used {
                rows.own
                    .entry((side.operation.clone(), side.side))
                    .or_default()
                    .push(row.clone());
            }
        }
    }
}

fn row(pair: &Match, operation: &str, codes: &mut Codes) -> Row {
    Row {
        upstream: shown(pair),
        canonical: vec![pair.canonical.clone()],
        form: pair.form.clone(),
        table: pair.codes.as_ref().and_then(|t| codes.keep(&pair.canonical, t)),
        confidence: pair.confidence,
        reason: pair.reason.clone(),
        others: pair.others.clone(),
        rows: pair.rows.iter().map(|r| row(r, operation, codes)).collect(),
        operations: vec![operation.to_owned()],
    }
}

/// The same pair seen again: the surer sight speaks, members of lists come together.
fn absorb(row: &mut Row, pair: &Match, operation: &str, codes: &mut Codes) {
    if pair.confidence > row.confidence {
        row.confidence = pair.confidence;
        row.reason = pair.reason.clone();
        row.others = pair.others.clone();
    }
    if row.form.is_none() {
        row.form.clone_from(&pair.form);
    }
    if let Some(table) = &pair.codes {
        row.table = codes.keep(&pair.canonical, table).or(row.table.take());
    }
    if !row.operations.iter().any(|o| o == operation) {
        row.operations.push(operation.to_owned());
    }
    for inner in &pair.rows {
        let is_same = |r: &Row| r.upstream == inner.upstream && r.canonical.contains(&inner.canonical);
        let is_near = |r: &Row| r.upstream == inner.upstream || r.canonical.contains(&inner.canonical);
        if let Some(known) = row.rows.iter_mut().find(|r| is_same(r)) {
            absorb(known, inner, operation, codes);
        } else if !row.rows.iter().any(is_near) {
            row.rows.push(self::row(inner, operation, codes));
        }
    }
}

/// Code lists by the field they are for.
#[derive(Default)]
struct Codes {
    tables: Vec<(String, Table)>,
}

impl Codes {
    /// Keeps a list under the name of its field; the same field in another list of other codes shares none.
    fn keep(&mut self, canonical: &str, table: &Table) -> Option<String> {
        if table.iter().all(|(_, v)| v.is_none()) {
            return None;
        }
        let field = canonical.rsplit('/').next().unwrap_or(canonical);
        let name = format!("{}-codes", field.replace('_', "-"));
        match self.tables.iter_mut().find(|(n, _)| *n == name) {
            None => self.tables.push((name.clone(), table.clone())),
            Some((_, known)) => {
                for (code, value) in table {
                    match known.iter_mut().find(|(c, _)| c == code) {
                        Some((_, old)) if old.is_none() => old.clone_from(value),
                        Some(_) => {}
                        None => known.push((code.clone(), value.clone())),
                    }
                }
            }
        }
        Some(name)
    }
}

/// Kinds of values, and how they are written where nobody says.
const KINDS: [(&str, &str); 5] = [
    ("date", "yyyy-MM-dd"),
    ("datetime", "iso"),
    ("month", "yyyy-MM"),
    ("money", "fen"),
    ("bool", ""),
];

/// A codec as the entry of `wire` that it would be.
fn kind(form: &str) -> Option<(&'static str, &str)> {
    if form.starts_with("fen") || form.starts_with("yuan") {
        return Some(("money", form));
    }
    let (word, rest) = form.split_once(' ')?;
    KINDS.iter().find(|(k, _)| *k == word).map(|(k, _)| (*k, rest))
}

/// What most rows of a kind say, said once; their codecs go.
fn wire(fields: &mut [Row], upstream: &Upstream) -> Vec<(String, String)> {
    let mut counts: Vec<((&'static str, String), usize)> = Vec::new();
    let mut stack: Vec<&Row> = fields.iter().rev().collect();
    while let Some(row) = stack.pop() {
        stack.extend(row.rows.iter().rev());
        let form = row
            .form
            .as_deref()
            .filter(|_| row.is_taken())
            .map(|f| text_form(f, upstream));
        let Some((kind, form)) = form.as_deref().and_then(kind).map(|(k, f)| (k, f.to_owned())) else {
            continue;
        };
        match counts.iter_mut().find(|(k, _)| k.0 == kind && k.1 == form) {
            Some((_, count)) => *count += row.operations.len(),
            None => counts.push(((kind, form), row.operations.len())),
        }
    }
    let mut wire = Vec::new();
    for (kind, own) in KINDS {
        let best = counts
            .iter()
            .filter(|((k, _), _)| *k == kind)
            .rev()
            .max_by_key(|(_, n)| *n);
        if let Some(((_, form), _)) = best
            && form != own
        {
            wire.push((kind.to_owned(), form.clone()));
        }
    }
    plain_forms(fields, &wire, upstream);
    wire
}

/// Forms and XML know texts only, so that codecs need not say it.
fn text_form(form: &str, upstream: &Upstream) -> String {
    let is_text = !matches!(upstream.dialect, "rest-json" | "rest-envelope" | "signed-gateway");
    match form.strip_suffix(" text").or_else(|| form.strip_suffix(" number")) {
        Some(short) if is_text => short.to_owned(),
        _ if is_text && form == "yuan-number" => "yuan".to_owned(),
        _ => form.to_owned(),
    }
}

/// Takes away the codecs that `wire` says already.
fn plain_forms(rows: &mut [Row], wire: &[(String, String)], upstream: &Upstream) {
    for row in rows {
        plain_forms(&mut row.rows, wire, upstream);
        let Some(form) = row.form.as_deref().map(|f| text_form(f, upstream)) else {
            continue;
        };
        row.form = Some(form.clone());
        let Some((kind, form)) = kind(&form) else { continue };
        let said = wire.iter().find(|(k, _)| k == kind).map(|(_, f)| f.as_str());
        let own = KINDS.iter().find(|(k, _)| *k == kind).map(|(_, f)| *f);
        if said.or(own) == Some(form) {
            row.form = None;
        }
    }
}

/// Where most names are the contract's in another form, one word says so and their rows go.
fn same_names(rows: &mut Rows, upstream: &Upstream) {
    const STYLES: [(&str, Names); 6] = [
        ("same", Names::Same),
        ("camel", Names::Camel),
        ("pascal", Names::Pascal),
        ("kebab", Names::Kebab),
        ("upper", Names::Upper),
        ("lower", Names::Lower),
    ];
    let taken: Vec<&Row> = rows.fields.iter().filter(|r| r.is_taken()).collect();
    let best = STYLES
        .iter()
        .rev()
        .map(|(word, style)| (taken.iter().filter(|r| is_styled(r, *style)).count(), *word, *style))
        .max_by_key(|(count, ..)| *count);
    let Some((count, word, style)) = best else { return };
    let default = upstream.dialect == "rest-json";
    let many = count >= 4 && count * 10 >= taken.len() * 7;
    if !many {
        // REST systems are taken to use the contract's names; this one does not.
        rows.names = (default && !taken.is_empty()).then_some("rows");
        return;
    }
    rows.names = (!(default && word == "same")).then_some(word);
    rows.fields
        .retain(|r| !r.is_taken() || !is_styled(r, style) || r.form.is_some() || r.table.is_some());
}

fn is_styled(row: &Row, style: Names) -> bool {
    let [canonical] = row.canonical.as_slice() else {
        return false;
    };
    let name = row.upstream.trim_end_matches("[]");
    style.upstream_name(canonical) == name
        && row
            .rows
            .iter()
            .all(|r| is_styled(r, style) && r.form.is_none() && r.table.is_none())
}
