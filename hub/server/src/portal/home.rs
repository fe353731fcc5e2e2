//! The first page, and the page that says how the hub is.

use super::service::{Shown, shown, words};
use super::{Choice, Fact, Frame, domain_name};
use askama::Template;
use hub_catalog::{Catalog, Counts};
use hub_core::{Archetype, Assurance, Service};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Tiles on the first page.
const TILES: usize = 8;
/// Themes on the first page.
const THEMES: usize = 16;

struct Tile {
    id: String,
    name: String,
    agency: String,
}

/// One call that anybody can make at once.
struct Taste {
    service: String,
    name: String,
    operation: Shown,
    /// The same call, otherwise ended.
    instead: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage<'a> {
    frame: &'a Frame,
    counts: Counts,
    domains: Vec<Choice>,
    instant: Vec<Tile>,
    taste: Option<Taste>,
    words: String,
    themes: Vec<Choice>,
    agencies: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage<'a> {
    frame: &'a Frame,
    facts: Vec<Fact>,
}

/// The first page.
///
/// # Errors
/// If the template fails.
pub fn home(frame: &Frame, catalog: &Catalog, base: &str) -> askama::Result<String> {
    let themes = counted(catalog, |s| s.themes.clone());
    let themes = catalog
        .themes()
        .iter()
        .filter_map(|t| choice(&t.code, frame.of(&t.name), &themes));
    let agencies = counted(catalog, |s| vec![s.agency.clone()]);
    let agencies = catalog
        .agencies()
        .iter()
        .filter_map(|a| choice(&a.code, frame.of(&a.short), &agencies));
    HomePage {
        counts: catalog.counts(),
        domains: domains(catalog, frame),
        instant: instant(catalog, frame),
        taste: taste(catalog, frame, base),
        words: words(frame),
        themes: themes.take(THEMES).collect(),
        agencies: agencies.collect(),
        frame,
    }
    .render()
}

/// The page that says how the hub is.
///
/// # Errors
/// If the template fails.
pub fn status(frame: &Frame, facts: Vec<Fact>) -> askama::Result<String> {
    StatusPage { frame, facts }.render()
}

/// The domains that have services.
pub(super) fn domains(catalog: &Catalog, frame: &Frame) -> Vec<Choice> {
    let counts = counted(catalog, |s| vec![s.domain.clone()]);
    let order = ["government", "livelihood", "city"];
    let others = counts.keys().map(String::as_str).filter(|d| !order.contains(d));
    let all = order.into_iter().chain(others);
    all.filter_map(|d| choice(d, domain_name(d, frame.lang), &counts))
        .collect()
}

fn counted(catalog: &Catalog, keys: impl Fn(&Service) -> Vec<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for key in catalog.services().iter().flat_map(|s| keys(s)) {
        *counts.entry(key).or_default() += 1;
    }
    counts
}

fn choice(value: &str, name: String, counts: &BTreeMap<String, usize>) -> Option<Choice> {
    let count = *counts.get(value)?;
    Some(Choice {
        value: value.to_owned(),
        name,
        count,
        chosen: false,
    })
}

/// Services that anybody can ask at once.
fn at_once(catalog: &Catalog) -> impl Iterator<Item = &Arc<Service>> {
    let all = catalog.services().iter();
    all.filter(|s| s.assurance == Assurance::R0 && s.archetype == Archetype::Query)
}

/// The first of them that is asked for something.
fn taste(catalog: &Catalog, frame: &Frame, base: &str) -> Option<Taste> {
    let asked = |s: &Arc<Service>| {
        let operation = s.operations.iter().find_map(|id| catalog.operation(id))?;
        let plain = operation.method == "GET" && operation.assurance == Assurance::R0;
        let example = operation
            .examples
            .iter()
            .any(|e| e.input.as_ref().is_some_and(|i| !i.is_empty()));
        (plain && example).then(|| (Arc::clone(s), Arc::clone(operation)))
    };
    let (service, operation) = at_once(catalog).find_map(asked)?;
    let instead = [
        ("not-found", frame.t("查无此项", "nothing found")),
        ("limited", frame.t("次数用完", "too many calls")),
        ("slow; ms=2000", frame.t("慢 2 秒", "2 s slower")),
        ("down", frame.t("系统停了", "system down")),
    ];
    let instead = instead.map(|(value, name)| Choice {
        value: value.to_owned(),
        name: name.to_owned(),
        count: 0,
        chosen: false,
    });
    Some(Taste {
        service: service.id.clone(),
        name: frame.of(&service.name),
        operation: shown(frame, &operation, base),
        instead: instead.into(),
    })
}

/// One an agency: the first sight for a newcomer.
fn instant(catalog: &Catalog, frame: &Frame) -> Vec<Tile> {
    let mut seen = HashSet::new();
    let first = at_once(catalog).filter(|s| seen.insert(s.agency.clone()));
    first
        .take(TILES)
        .map(|s| Tile {
            id: s.id.clone(),
            name: frame.of(&s.name),
            agency: catalog
                .agency(&s.agency)
                .map(|a| frame.of(&a.short))
                .unwrap_or_default(),
        })
        .collect()
}
