//! What must be unique in a catalog.

use super::operation::Draft;
use super::service::Assembled;
use crate::Document;
use hub_core::{Finding, Severity, Text};
use std::collections::HashMap;

/// Remembers who used a name first.
#[derive(Default)]
pub(super) struct Names<'d> {
    taken: HashMap<(&'static str, String), (&'d Document, String)>,
    pub(super) findings: Vec<Finding>,
}

impl<'d> Names<'d> {
    /// Notes the names of one operation.
    pub(super) fn operation(&mut self, document: &'d Document, draft: &Draft) {
        let operation = &draft.operation;
        let pointer = draft.pointer.as_str();
        let at = format!("{pointer}/operationId");
        if self.take("operationId", operation.id.to_string(), document, &at, true) {
            // Generators drop everything but letters and digits from method names.
            let folded: String = operation.id.chars().filter(char::is_ascii_alphanumeric).collect();
            self.take(
                "operationId (letters and digits)",
                folded.to_ascii_lowercase(),
                document,
                &at,
                true,
            );
        }
        let place = format!("{} {}", operation.method, bare_path(&operation.public_path()));
        self.take("path", place, document, pointer, true);
    }

    /// Notes the names of one service.
    pub(super) fn service(&mut self, document: &'d Document, assembled: &Assembled) {
        let service = &assembled.service;
        let must = assembled.is_declared;
        let at = |key: &str| match must {
            true => format!("{}/x-hub-service/{key}", assembled.pointer),
            false => assembled.pointer.clone(),
        };
        self.take("service id", service.id.clone(), document, &at("id"), must);
        self.take("service number", service.number.clone(), document, &at("number"), must);
        self.take(
            "service name (zh)",
            service.name.zh.clone(),
            document,
            &at("name/zh"),
            must,
        );
        let en = service.name.en.to_lowercase();
        if en != service.name.zh.to_lowercase() {
            self.take("service name (en)", en, document, &at("name/en"), must);
        }
    }

    /// Answers whether the name was free.
    fn take(&mut self, what: &'static str, name: String, document: &'d Document, pointer: &str, must: bool) -> bool {
        match self.taken.entry((what, name)) {
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert((document, pointer.to_owned()));
                true
            }
            std::collections::hash_map::Entry::Occupied(first) => {
                let (other, place) = first.get();
                let (line, column) = other.position(place);
                let name = &first.key().1;
                let message = Text::new(
                    format!("{what} `{name}` 已在 {}:{line}:{column} 使用", other.name),
                    format!("The {what} `{name}` is taken at {}:{line}:{column}", other.name),
                );
                let severity = if must { Severity::Error } else { Severity::Warning };
                self.findings
                    .push(document.finding("duplicate", pointer, message).severity(severity));
                false
            }
        }
    }
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
