//! Finding services the way people ask for them: official names, everyday words, English, pinyin, initials, slips,
//! traditional characters.

mod fold;
mod index;
mod phonetic;
mod synonyms;
mod terms;

pub use phonetic::slug;
pub(crate) use synonyms::Synonyms;

use crate::catalog::{SearchQuery, Theme};
use hub_core::{Agency, Audience, Operation, Service};
use index::{Entry, Index};
use std::collections::HashMap;
use std::sync::Arc;

const DEFAULT_PAGE_SIZE: usize = 20;
const MAX_PAGE_SIZE: usize = 100;
/// Characters of a query that are read.
const MAX_QUERY: usize = 200;

/// The search of one catalog.
#[derive(Debug)]
pub(crate) struct Search(Index);

impl Search {
    pub(crate) fn new(
        services: &[Arc<Service>],
        operations: &HashMap<Arc<str>, usize>,
        all: &[Arc<Operation>],
        agencies: &[Agency],
        themes: &[Theme],
        synonyms: &Synonyms,
    ) -> Self {
        let themes: HashMap<&str, &Theme> = themes.iter().map(|t| (t.code.as_str(), t)).collect();
        let agencies: HashMap<&str, &Agency> = agencies.iter().map(|a| (a.code.as_str(), a)).collect();
        let operation = |id: &String| operations.get(id.as_str()).and_then(|i| all.get(*i));
        let entries = services.iter().map(|service| {
            let lead = service.operations.first().and_then(operation);
            Entry {
                name: &service.name.zh,
                aliases: service.aliases.iter().map(String::as_str).collect(),
                english: vec![&service.name.en],
                around: around(service, &agencies, &themes),
                texts: lead
                    .into_iter()
                    .flat_map(|o| [&o.description.zh, &o.description.en])
                    .map(String::as_str)
                    .collect(),
                ids: [&service.id, &service.number],
            }
        });
        Self(Index::new(entries, synonyms))
    }

    /// Numbers of the services that fit, best first; all of them for an empty query.
    pub(crate) fn find(&self, query: &str, count: usize) -> Vec<usize> {
        let query: String = query.chars().take(MAX_QUERY).collect();
        if query.trim().is_empty() {
            return (0..count).collect();
        }
        self.0
            .find(&query)
            .into_iter()
            .map(|(number, _)| number as usize)
            .collect()
    }
}

fn around(service: &Service, agencies: &HashMap<&str, &Agency>, themes: &HashMap<&str, &Theme>) -> Vec<String> {
    let mut texts = Vec::new();
    if let Some(agency) = agencies.get(service.agency.as_str()) {
        texts.push(format!("{} {}", agency.name.zh, agency.short.zh));
        texts.push(agency.name.en.clone());
    }
    for theme in service.themes.iter().filter_map(|t| themes.get(t.as_str())) {
        texts.push(format!("{} {}", theme.name.zh, theme.name.en));
    }
    texts.extend(service.event.iter().map(|e| format!("{} {}", e.zh, e.en)));
    texts
}

/// Page and size as used: from 1, and 1 to 100.
pub(crate) fn paging(query: &SearchQuery) -> (usize, usize) {
    let size = match query.page_size {
        0 => DEFAULT_PAGE_SIZE,
        size => size.min(MAX_PAGE_SIZE),
    };
    (query.page.max(1), size)
}

/// Whether a service passes the filters of a query.
pub(crate) fn passes(service: &Service, query: &SearchQuery) -> bool {
    let is = |filter: &Option<String>, value: &str| filter.as_deref().is_none_or(|f| f == value);
    let audience = match (query.audience, service.audience) {
        (None | Some(Audience::Both), _) | (_, Audience::Both) => true,
        (Some(wanted), own) => wanted == own,
    };
    let theme = query.theme.as_ref().is_none_or(|t| service.themes.contains(t));
    is(&query.domain, &service.domain) && is(&query.agency, &service.agency) && theme && audience
}
