//! Documents to a catalog. Everything wrong with all documents is reported at once.

mod body;
mod dictionary;
mod extensions;
mod folder;
mod operation;
mod parameter;
mod report;
pub(crate) mod schema;
mod service;
mod shape;
mod sheets;
mod system;
mod unique;

pub(crate) use dictionary::Dictionary;
pub use operation::{operation_id, operation_key};
pub use system::{METHODS, major_of};

use crate::Document;
use crate::catalog::{Event, Theme};
use crate::search::Synonyms;
use extensions::Extensions;
use hub_core::{Agency, Finding, Operation, Service, Severity, System};
use report::Report;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use system::Built;

const DICTIONARY: &str = "fields";
const THEMES: &str = "themes";
const EVENTS: &str = "events";
const SYNONYMS: &str = "synonyms";
const AGENCY: &str = "agency";

/// What documents came to, before it is indexed. A copy shares what is large.
#[derive(Debug, Default, Clone)]
pub(crate) struct Loaded {
    pub(crate) agencies: Vec<Agency>,
    pub(crate) systems: Vec<System>,
    pub(crate) services: Vec<Arc<Service>>,
    pub(crate) operations: Vec<Arc<Operation>>,
    pub(crate) components: HashMap<String, Arc<Value>>,
    pub(crate) dictionary: Arc<Dictionary>,
    pub(crate) themes: Vec<Theme>,
    pub(crate) events: Vec<Event>,
    pub(crate) synonyms: Arc<Synonyms>,
    /// Operations whose body may be left out.
    pub(crate) optional_bodies: HashSet<Arc<str>>,
    /// Names and texts of the documents as read.
    pub(crate) sources: Vec<(String, Arc<str>)>,
    /// Findings that are no errors.
    pub(crate) notes: Vec<Finding>,
}

/// Reads a folder. Findings name files the way the folder was named.
pub(crate) fn folder(specs: &Path) -> Result<Loaded, Vec<Finding>> {
    let shown = |finding: Finding| Finding {
        file: specs.join(&finding.file).display().to_string(),
        ..finding
    };
    let loaded = folder::read(specs).and_then(|documents| self::documents(&documents, &Loaded::default()));
    match loaded {
        Ok(mut loaded) => {
            loaded.notes = std::mem::take(&mut loaded.notes).into_iter().map(shown).collect();
            Ok(loaded)
        }
        Err(findings) => Err(findings.into_iter().map(shown).collect()),
    }
}

/// The documents by what they are for.
#[derive(Default)]
struct Sorted<'d> {
    dictionary: Option<&'d Document>,
    themes: Option<&'d Document>,
    events: Option<&'d Document>,
    synonyms: Option<&'d Document>,
    agencies: Vec<&'d Document>,
    systems: Vec<&'d Document>,
}

fn sort(documents: &[Document]) -> Sorted<'_> {
    let mut sorted = Sorted::default();
    for document in documents {
        let stem = document
            .name
            .rsplit_once('.')
            .map_or(document.name.as_str(), |(stem, _)| stem);
        match stem.split_once('/') {
            None if stem == DICTIONARY => sorted.dictionary = Some(document),
            None if stem == THEMES => sorted.themes = Some(document),
            None if stem == EVENTS => sorted.events = Some(document),
            None if stem == SYNONYMS => sorted.synonyms = Some(document),
            Some((_, AGENCY)) => sorted.agencies.push(document),
            _ => sorted.systems.push(document),
        }
    }
    sorted
}

/// Builds from documents whose names are paths in a folder of specs, beside what was built `before` and is left as it is.
pub(crate) fn documents(documents: &[Document], before: &Loaded) -> Result<Loaded, Vec<Finding>> {
    let extensions = Extensions::new()?;
    let sorted = sort(documents);
    let mut findings = Vec::new();
    let mut loaded = before.clone();
    let sources = documents.iter().map(|d| (d.name.clone(), Arc::clone(d.source())));
    loaded.sources.extend(sources);
    sheets(&sorted, &extensions, &mut loaded, &mut findings);
    let agencies = agencies(&sorted, &before.agencies, &extensions, &mut findings);
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let built = folder::parallel(&sorted.systems, workers, |document| {
        system::read(document, &loaded.dictionary, &extensions)
    });
    gather(built, agencies, &mut loaded, &mut findings);
    // Each system in one piece, wherever it came from.
    loaded.systems.sort_by(|a, b| a.id.cmp(&b.id));
    loaded.services.sort_by(|a, b| a.system.cmp(&b.system));
    loaded.operations.sort_by(|a, b| a.system.cmp(&b.system));
    findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    if findings.iter().any(|f| f.severity == Severity::Error) {
        return Err(findings);
    }
    loaded.notes.extend(findings);
    Ok(loaded)
}

fn sheets(sorted: &Sorted<'_>, extensions: &Extensions, loaded: &mut Loaded, findings: &mut Vec<Finding>) {
    let mut read = |document: Option<&Document>, work: &mut dyn FnMut(&Document, &mut Report<'_>)| {
        if let Some(document) = document {
            let mut report = Report::new(document);
            work(document, &mut report);
            findings.append(&mut report.findings);
        }
    };
    read(sorted.themes, &mut |d, r| {
        loaded.themes = sheets::themes(d, extensions, r);
    });
    read(sorted.events, &mut |d, r| {
        loaded.events = sheets::events(d, extensions, r);
    });
    read(sorted.synonyms, &mut |d, r| {
        loaded.synonyms = Arc::new(sheets::synonyms(d, extensions, r));
    });
    read(sorted.dictionary, &mut |d, r| {
        extensions.check(r);
        loaded.dictionary = Arc::new(Dictionary::read(d, r));
    });
}

fn agencies(
    sorted: &Sorted<'_>,
    before: &[Agency],
    extensions: &Extensions,
    findings: &mut Vec<Finding>,
) -> BTreeMap<String, Agency> {
    let mut agencies: BTreeMap<_, _> = before.iter().map(|a| (a.code.clone(), a.clone())).collect();
    for document in &sorted.agencies {
        let mut report = Report::new(document);
        if let Some(agency) = sheets::agency(document, extensions, &mut report) {
            agencies.insert(agency.code.clone(), agency);
        }
        findings.append(&mut report.findings);
    }
    for document in &sorted.systems {
        if let Some((code, _)) = document.name.split_once('/') {
            agencies
                .entry(code.to_owned())
                .or_insert_with(|| sheets::bare_agency(code));
        }
    }
    agencies
}

/// Joins what the documents came to, in order of system ids.
fn gather(
    mut built: Vec<Built<'_>>,
    agencies: BTreeMap<String, Agency>,
    loaded: &mut Loaded,
    findings: &mut Vec<Finding>,
) {
    built.sort_by(|a, b| a.system.as_ref().map(|s| &s.id).cmp(&b.system.as_ref().map(|s| &s.id)));
    let codes: Vec<String> = loaded.themes.iter().map(|t| t.code.clone()).collect();
    let domain = |agency: &str| agencies.get(agency).map(|a| a.domain.clone()).unwrap_or_default();
    let around = service::Surroundings {
        domain: &domain,
        agencies: &agencies,
        themes: &codes,
        events: &loaded.events,
    };
    let mut names = unique::Names::beside(loaded);
    for mut one in built {
        let document = one.report.document;
        for assembled in service::assemble(&mut one.operations, &around, &mut one.report) {
            names.service(document, &assembled);
            loaded.services.push(Arc::new(assembled.service));
        }
        for draft in one.operations {
            names.operation(document, &draft);
            if draft.body_is_optional {
                loaded.optional_bodies.insert(Arc::clone(&draft.operation.id));
            }
            loaded.operations.push(Arc::new(draft.operation));
        }
        loaded.systems.extend(one.system);
        loaded.components.extend(one.components);
        findings.append(&mut one.report.findings);
    }
    findings.append(&mut names.findings);
    let dictionary = Arc::clone(&loaded.dictionary);
    for name in dictionary.names() {
        if let Some(field) = dictionary.field(name) {
            loaded
                .components
                .insert(name.to_owned(), Arc::clone(&field.shape.schema));
        }
    }
    loaded.agencies = agencies.into_values().collect();
}
