//! The page that finds services.

use super::home::domains;
use super::{Badge, Frame, badges};
use askama::Template;
use hub_catalog::{Catalog, SearchQuery};
use hub_core::{Audience, Service};

const PAGE_SIZE: usize = 20;

/// What the address asks for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Filters and words.
    pub query: SearchQuery,
}

impl Wanted {
    /// From the query of the address; what cannot be read counts as missing.
    #[must_use]
    pub fn new(query: &[(String, String)]) -> Self {
        let get = |name: &str| {
            query
                .iter()
                .find(|(n, v)| n == name && !v.is_empty())
                .map(|(_, v)| v.clone())
        };
        Self {
            query: SearchQuery {
                q: get("q").unwrap_or_default(),
                domain: get("domain"),
                theme: get("theme"),
                agency: get("agency"),
                audience: get("audience").and_then(|a| a.parse::<Audience>().ok()),
                page: get("page").and_then(|p| p.parse().ok()).unwrap_or(1),
                page_size: PAGE_SIZE,
            },
        }
    }
}

struct Hit {
    id: String,
    name: String,
    agency: String,
    aliases: String,
    badges: Vec<Badge>,
}

struct Facet {
    name: String,
    open: bool,
    chosen: bool,
    choices: Vec<Link>,
}

struct Link {
    name: String,
    href: String,
    current: bool,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchResults<'a> {
    frame: &'a Frame,
    facets: Vec<Facet>,
    total: usize,
    page: usize,
    pages: usize,
    previous: Option<String>,
    next: Option<String>,
    hits: Vec<Hit>,
}

/// The page of results.
///
/// # Errors
/// If the template fails.
pub fn search(frame: &Frame, catalog: &Catalog, wanted: &Wanted) -> askama::Result<String> {
    let found = catalog.search(&wanted.query);
    let pages = found.total.div_ceil(PAGE_SIZE).max(1);
    let page = found.page;
    let turn = |to: usize| frame.with("page", Some(&to.to_string()));
    SearchResults {
        facets: facets(frame, catalog, &wanted.query),
        total: found.total,
        page,
        pages,
        previous: (page > 1).then(|| turn(page - 1)),
        next: (page < pages).then(|| turn(page + 1)),
        hits: found.items.iter().map(|s| hit(frame, catalog, s)).collect(),
        frame,
    }
    .render()
}

fn hit(frame: &Frame, catalog: &Catalog, service: &Service) -> Hit {
    let aliases: Vec<&str> = service.aliases.iter().map(String::as_str).take(3).collect();
    Hit {
        id: service.id.clone(),
        name: frame.of(&service.name),
        agency: catalog
            .agency(&service.agency)
            .map(|a| frame.of(&a.short))
            .unwrap_or_default(),
        aliases: if frame.zh() { aliases.join("、") } else { String::new() },
        badges: badges(service, frame.lang),
    }
}

fn facets(frame: &Frame, catalog: &Catalog, query: &SearchQuery) -> Vec<Facet> {
    let audiences = [
        (Audience::Natural, frame.t("个人", "People")),
        (Audience::Legal, frame.t("企业", "Companies")),
    ];
    let audiences = audiences.map(|(a, name)| (a.as_str().to_owned(), name.to_owned()));
    let audience = query.audience.map(|a| a.as_str().to_owned());
    let themes = catalog.themes().iter().map(|t| (t.code.clone(), frame.of(&t.name)));
    let agencies = catalog.agencies().iter().map(|a| (a.code.clone(), frame.of(&a.short)));
    let domains = domains(catalog, frame).into_iter().map(|d| (d.value, d.name));
    vec![
        facet(
            frame,
            "domain",
            frame.t("领域", "Domain"),
            domains,
            query.domain.as_deref(),
            true,
        ),
        facet(
            frame,
            "audience",
            frame.t("办理主体", "For whom"),
            audiences,
            audience.as_deref(),
            true,
        ),
        facet(
            frame,
            "theme",
            frame.t("主题", "Theme"),
            themes,
            query.theme.as_deref(),
            false,
        ),
        facet(
            frame,
            "agency",
            frame.t("部门", "Agency"),
            agencies,
            query.agency.as_deref(),
            false,
        ),
    ]
}

fn facet(
    frame: &Frame,
    key: &str,
    name: &str,
    values: impl IntoIterator<Item = (String, String)>,
    chosen: Option<&str>,
    open: bool,
) -> Facet {
    let all = Link {
        name: frame.t("不限", "Any").to_owned(),
        href: frame.with(key, None),
        current: chosen.is_none(),
    };
    let each = values.into_iter().map(|(value, name)| Link {
        href: frame.with(key, Some(&value)),
        current: chosen == Some(value.as_str()),
        name,
    });
    Facet {
        name: name.to_owned(),
        open: open || chosen.is_some(),
        chosen: chosen.is_some(),
        choices: std::iter::once(all).chain(each).collect(),
    }
}
