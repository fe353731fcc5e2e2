//! What must be unique in a catalog.

use super::Loaded;
use super::operation::Draft;
use super::service::Assembled;
use crate::Document;
use hub_core::{Finding, Operation, Service, Severity, SystemId, Text};
use std::collections::HashMap;

/// Who used a name first.
enum Holder<'d> {
    /// A place in a document.
    At(&'d Document, String),
    /// A system that was read before.
    System(SystemId),
}

/// Remembers who used a name first.
#[derive(Default)]
pub(super) struct Names<'d> {
    taken: HashMap<(&'static str, String), Holder<'d>>,
    pub(super) findings: Vec<Finding>,
}

impl<'d> Names<'d> {
    /// With the names of what was read before.
    pub(super) fn beside(before: &Loaded) -> Self {
        let operations = before.operations.iter().flat_map(|o| {
            let names = of_operation(o);
            names.map(|name| (name, Holder::System(o.system.clone())))
        });
        let services = before.services.iter().flat_map(|s| {
            let names = of_service(s);
            names.map(|name| (name, Holder::System(s.system.clone())))
        });
        Self {
            taken: operations.chain(services).collect(),
            findings: Vec::new(),
        }
    }

    /// Notes the names of one operation.
    pub(super) fn operation(&mut self, document: &'d Document, draft: &Draft) {
        let pointer = draft.pointer.as_str();
        let at = format!("{pointer}/operationId");
        let [id, folded, path] = of_operation(&draft.operation);
        if self.take(id, document, &at, true) {
            self.take(folded, document, &at, true);
        }
        self.take(path, document, pointer, true);
    }

    /// Notes the names of one service.
    pub(super) fn service(&mut self, document: &'d Document, assembled: &Assembled) {
        let service = &assembled.service;
        let must = assembled.is_declared;
        let at = |key: &str| match must {
            true => format!("{}/x-hub-service/{key}", assembled.pointer),
            false => assembled.pointer.clone(),
        };
        let [id, number, zh, en] = of_service(service);
        let same = en.1 == zh.1.to_lowercase();
        self.take(id, document, &at("id"), must);
        self.take(number, document, &at("number"), must);
        self.take(zh, document, &at("name/zh"), must);
        if !same {
            self.take(en, document, &at("name/en"), must);
        }
    }

    /// Answers whether the name was free.
    fn take(&mut self, name: (&'static str, String), document: &'d Document, pointer: &str, must: bool) -> bool {
        match self.taken.entry(name) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(Holder::At(document, pointer.to_owned()));
                true
            }
            std::collections::hash_map::Entry::Occupied(first) => {
                let (what, name) = first.key();
                let holder = match first.get() {
                    Holder::At(other, place) => {
                        let (line, column) = other.position(place);
                        format!("{}:{line}:{column}", other.name)
                    }
                    Holder::System(system) => system.to_string(),
                };
                let message = Text::new(
                    format!("{what} `{name}` 已在 {holder} 使用"),
                    format!("The {what} `{name}` is taken at {holder}"),
                );
                let severity = if must { Severity::Error } else { Severity::Warning };
                self.findings
                    .push(document.finding("duplicate", pointer, message).severity(severity));
                false
            }
        }
    }
}

/// Its id, the id as generators make method names of it, and its path.
fn of_operation(operation: &Operation) -> [(&'static str, String); 3] {
    // Generators drop everything but letters and digits from method names.
    let folded: String = operation.id.chars().filter(char::is_ascii_alphanumeric).collect();
    let place = format!("{} {}", operation.method, bare_path(&operation.public_path()));
    [
        ("operationId", operation.id.to_string()),
        ("operationId (letters and digits)", folded.to_ascii_lowercase()),
        ("path", place),
    ]
}

/// Its id, number and names.
fn of_service(service: &Service) -> [(&'static str, String); 4] {
    [
        ("service id", service.id.clone()),
        ("service number", service.number.clone()),
        ("service name (zh)", service.name.zh.clone()),
        ("service name (en)", service.name.en.to_lowercase()),
    ]
}

/// A path template without the names in its braces: `/a/{x}` and `/a/{y}` are one path.
fn bare_path(path: &str) -> String {
    let mut bare = String::with_capacity(path.len());
    let mut inside = false;
    for c in path.chars() {
        match c {
            '{' => inside = true,
            '}' => inside = false,
            _ if inside => continue,
            _ => {}
        }
        bare.push(c);
    }
    bare
}
