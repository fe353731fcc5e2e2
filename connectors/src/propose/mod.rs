//! Import instead of typing: a manifest proposed from what an upstream's people have at hand (a WSDL, an OpenAPI or
//! Swagger document, a HAR file, recorded exchanges), the contract and the dictionary.
//!
//! Every source becomes the same tree of calls and places; names, words, types and values are compared with the fields of
//! the contract; each row says how sure it is and why. What is doubtful stands as a comment: the author decides. The same
//! input gives the same text. Values of recordings prove things and are never repeated in what is written.

mod assign;
mod codes;
mod decode;
mod envelope;
mod exchange;
mod merge;
mod observe;
mod openapi;
mod pages;
mod pair;
mod score;
mod surround;
mod upstream;
mod values;
mod words;
mod write;
mod wsdl;
mod xsd;

pub use merge::TAKEN;

use crate::connector::Connector;
use crate::settings::Origin;
use assign::Match;
use hub_catalog::{Catalog, Document};
use hub_core::{Finding, Lang, Operation, Shape, ShapeKind, SystemId, Text};
use merge::{Found, Row, Side};
use pair::Pairing;
use score::Matcher;
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Arc;
use upstream::{Node, Upstream};
use write::Line;

/// Why there is no proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposeError {
    /// The catalog has no such system.
    #[error("the catalog has no system `{0}`")]
    UnknownSystem(SystemId),
    /// It is none of the formats that are read.
    #[error("this is neither WSDL, OpenAPI, Swagger, HAR nor recorded HTTP: {0}")]
    Unreadable(String),
    /// It was read and has nothing to offer.
    #[error("{}", .0.en)]
    Nothing(Text),
}

impl ProposeError {
    /// In both languages.
    #[must_use]
    pub fn text(&self) -> Text {
        match self {
            Self::UnknownSystem(system) => Text::new(format!("目录中没有系统 `{system}`"), self.to_string()),
            Self::Unreadable(why) => Text::new(
                format!("不是 WSDL、OpenAPI、Swagger、HAR 或 HTTP 记录：{why}"),
                self.to_string(),
            ),
            Self::Nothing(text) => text.clone(),
        }
    }
}

/// A proposed row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposedRow {
    /// Upstream path, with its place; of members of lists below the list's.
    pub upstream: String,
    /// Canonical fields.
    pub canonical: Vec<String>,
    /// 0 to 100.
    pub confidence: u8,
    /// Why.
    pub reason: Text,
    /// Whether it stands in force or as a comment.
    pub taken: bool,
    /// Other fields it could be, with their points.
    pub others: Vec<(String, u8)>,
    /// Operations it was found in.
    pub operations: Vec<String>,
}

/// A proposed operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProposedOperation {
    /// Its key.
    pub operation: String,
    /// Its call; `None` where none was recognised.
    pub call: Option<String>,
    /// 0 to 100.
    pub confidence: u8,
    /// Why.
    pub reason: Text,
    /// Places and fields of this very operation, with the paths of lists in front of those of their members.
    pub pairs: Vec<(String, String, u8)>,
    /// Names of the source that stand for no field.
    pub unused: Vec<String>,
}

/// What is proposed.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// What the source was: `wsdl`, `openapi`, `har`, `exchange`.
    pub source: &'static str,
    /// Word of the dialect.
    pub dialect: &'static str,
    /// The manifest.
    pub manifest: String,
    /// Its rows.
    pub rows: Vec<ProposedRow>,
    /// Its operations.
    pub operations: Vec<ProposedOperation>,
    /// What the check of the manifest says: what is left to do. Empty where it can be used as it is.
    pub findings: Vec<Finding>,
}

/// Proposes the manifest of a system from a source. `name` is the name of the file, for its ending and for messages.
///
/// # Errors
/// If the source is none that is read, or has nothing to offer.
pub fn propose(
    name: &str,
    bytes: &[u8],
    system: &SystemId,
    catalog: &Catalog,
    lang: Lang,
) -> Result<Proposal, ProposeError> {
    let Some(known) = catalog.system(system) else {
        return Err(ProposeError::UnknownSystem(system.clone()));
    };
    let mut matcher = Matcher::new();
    let (source, upstream) = read(name, bytes, &matcher)?;
    let operations: Vec<Arc<Operation>> = catalog.operations_of(system).cloned().collect();
    let pairings = pair::pair(&mut matcher, &operations, &upstream);
    let pages = pages::find(&pairings);
    let together = pair::together(&pairings);
    let mut upstream_parts = upstream.parts.clone();
    upstream_parts.extend(pages.part.clone());
    let mut found = Vec::new();
    for pairing in &pairings {
        let Some(call) = pairing.call else { continue };
        for (side, node, shape) in [
            (Side::Request, &call.request, &pairing.operation.input),
            (Side::Response, &call.response, &pairing.operation.output),
        ] {
            let places: Vec<(String, &Node)> = node
                .places()
                .into_iter()
                .filter(|(p, _)| !pages.places.contains(p))
                .collect();
            let fields: Vec<(String, &Shape)> = assign::fields(shape)
                .into_iter()
                .filter(|(f, _)| !pages.fields.contains(f))
                .collect();
            found.push(Found {
                operation: pairing.operation.key().to_owned(),
                side,
                matches: assign::assign(&mut matcher, &places, &fields, &together),
                fields: fields.into_iter().map(|(f, _)| f).collect(),
            });
        }
    }
    let rows = merge::merge(&found, &upstream);
    let lines: Vec<Line> = pairings.iter().map(|p| line(p, &found, &upstream, &rows)).collect();
    let shown = Upstream {
        parts: upstream_parts,
        ..upstream.clone()
    };
    let manifest = write::manifest(system, &known.name, &shown, &rows, &lines, lang);
    let findings = check(&manifest, catalog);
    let mut listed = Vec::new();
    rows.fields
        .iter()
        .chain(&rows.request)
        .for_each(|r| list("", r, &mut listed));
    for own in rows.own.values().flatten() {
        list("", own, &mut listed);
    }
    Ok(Proposal {
        source,
        dialect: upstream.dialect,
        manifest,
        rows: listed,
        operations: pairings.iter().map(|p| operation(p, &found)).collect(),
        findings,
    })
}

/// Recognises the format by what the bytes are.
fn read(name: &str, bytes: &[u8], matcher: &Matcher) -> Result<(&'static str, Upstream), ProposeError> {
    if exchange::looks_recorded(bytes) {
        let exchanges = exchange::read(bytes)?;
        return Ok(("exchange", observe::observe(&exchanges, &matcher.looks)?));
    }
    let text = crate::charset::decode(bytes, None, None).map(|d| d.text);
    if let Ok(text) = text.as_deref()
        && text.trim_start().starts_with('<')
    {
        return Ok(("wsdl", wsdl::read(text)?));
    }
    let document = Document::parse(name, bytes).map_err(|f| ProposeError::Unreadable(f.to_string()))?;
    if document.value.pointer("/log/entries").is_some() {
        let exchanges = exchange::read_har(&document.value)?;
        return Ok(("har", observe::observe(&exchanges, &matcher.looks)?));
    }
    Ok(("openapi", openapi::read(&document.value)?))
}

/// The line of an operation, with what it needs besides rows.
fn line(pairing: &Pairing<'_>, found: &[Found], upstream: &Upstream, rows: &merge::Rows) -> Line {
    let key = pairing.operation.key().to_owned();
    let mut more = Vec::new();
    if let Some(call) = pairing.call {
        more.extend(call.more.iter().cloned());
        if upstream.is_complete {
            more.extend(absent(pairing, found, rows));
        }
        let order: Vec<&str> = call.request.children.iter().map(|c| c.name.as_str()).collect();
        if call.is_ordered && !follows(&order, rows) {
            let order: Vec<String> = order.into_iter().map(write::quoted).collect();
            more.push(("frame".to_owned(), format!("{{order: [{}]}}", order.join(", "))));
        }
    }
    Line {
        key,
        call: pairing.call.map(|c| c.call.clone()),
        more,
        confidence: pairing.confidence,
        reason: pairing.reason.clone(),
        others: pairing.others.clone(),
    }
}

/// Whether the rows of a manifest stand in the order in which a sequence wants its elements.
fn follows(order: &[&str], rows: &merge::Rows) -> bool {
    if rows.names.is_some() {
        return order.len() < 2;
    }
    let at = |name: &str| {
        rows.fields
            .iter()
            .position(|r| r.upstream.split(['/', '[']).next() == Some(name))
    };
    let places: Vec<usize> = order.iter().filter_map(|n| at(n)).collect();
    places.is_sorted()
}

/// What a complete description shows to be missing: inputs that are not taken, answers that do not repeat their input.
fn absent(pairing: &Pairing<'_>, found: &[Found], rows: &merge::Rows) -> Vec<(String, String)> {
    if rows.names.is_some() {
        return Vec::new();
    }
    let key = pairing.operation.key();
    let of = |side: Side| found.iter().find(|f| f.operation == key && f.side == side);
    let mut more = Vec::new();
    let (Some(call), Some(request), Some(response)) = (pairing.call, of(Side::Request), of(Side::Response)) else {
        return more;
    };
    let missing = |side: &Found, shape: &Shape| -> Vec<String> {
        let required = shape
            .children
            .iter()
            .filter(|c| c.required && side.fields.contains(c.name.as_ref()));
        required
            .filter(|c| {
                !side
                    .matches
                    .iter()
                    .any(|m| m.canonical.split('/').next() == Some(c.name.as_ref()))
            })
            .map(|c| c.name.to_string())
            .collect()
    };
    let omit = missing(request, &pairing.operation.input);
    if !omit.is_empty() && call.request.places().len() == request.matches.len() {
        more.push(("omit".to_owned(), format!("[{}]", omit.join(", "))));
    }
    let same = |name: &String| {
        let (own, other) = (
            pairing.operation.output.child(name),
            pairing.operation.input.child(name),
        );
        own.zip(other)
            .is_some_and(|(a, b)| a.kind == b.kind && a.kind != ShapeKind::Array)
    };
    let give: Vec<String> = missing(response, &pairing.operation.output)
        .iter()
        .filter(|n| same(n))
        .map(|n| format!("{n}: $input/{n}"))
        .collect();
    if !give.is_empty() {
        more.push(("give".to_owned(), format!("{{{}}}", give.join(", "))));
    }
    more
}

fn check(manifest: &str, catalog: &Catalog) -> Vec<Finding> {
    let document = match Document::parse("connector.yaml", manifest.as_bytes()) {
        Ok(document) => document,
        Err(finding) => return vec![finding],
    };
    match Connector::compile(&document, catalog, Origin::Operator) {
        Ok(_) => Vec::new(),
        Err(findings) => findings,
    }
}

fn list(above: &str, row: &Row, listed: &mut Vec<ProposedRow>) {
    let upstream = if above.is_empty() {
        row.upstream.clone()
    } else {
        format!("{above}/{}", row.upstream)
    };
    listed.push(ProposedRow {
        upstream: upstream.clone(),
        canonical: row.canonical.clone(),
        confidence: row.confidence,
        reason: row.reason.clone(),
        taken: row.is_taken(),
        others: row.others.clone(),
        operations: row.operations.clone(),
    });
    row.rows.iter().for_each(|r| list(&upstream, r, listed));
}

fn operation(pairing: &Pairing<'_>, found: &[Found]) -> ProposedOperation {
    let key = pairing.operation.key();
    let mut pairs = Vec::new();
    let mut unused = Vec::new();
    for side in found.iter().filter(|f| f.operation == key) {
        flatten("", "", &side.matches, &mut pairs);
        let node = pairing.call.map(|c| {
            if side.side == Side::Request {
                &c.request
            } else {
                &c.response
            }
        });
        let used: HashSet<&str> = side.matches.iter().map(|m| m.upstream.as_str()).collect();
        let places = node.map(Node::places).unwrap_or_default();
        unused.extend(
            places
                .into_iter()
                .map(|(p, _)| p)
                .filter(|p| !used.contains(p.as_str())),
        );
    }
    ProposedOperation {
        operation: key.to_owned(),
        call: pairing.call.map(|c| c.call.clone()),
        confidence: pairing.confidence,
        reason: pairing.reason.clone(),
        pairs,
        unused,
    }
}

fn flatten(upstream: &str, canonical: &str, matches: &[Match], pairs: &mut Vec<(String, String, u8)>) {
    let below = |above: &str, name: &str| {
        if above.is_empty() {
            name.to_owned()
        } else {
            format!("{above}/{name}")
        }
    };
    for found in matches {
        let (up, own) = (below(upstream, &found.upstream), below(canonical, &found.canonical));
        pairs.push((up.clone(), own.clone(), found.confidence));
        flatten(&up, &own, &found.rows, pairs);
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_precision_loss
)]
mod tests;
