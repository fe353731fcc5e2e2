//! The policies of a hub, read from a folder: who may call what, how much, and what is shown and kept.

use crate::access::Access;
use crate::limits::Plans;
use crate::reading::Reading;
use hub_catalog::Catalog;
use hub_catalog::document::Document;
use hub_core::{DataLevel, Finding, Text};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Everything that `policies/` says.
#[derive(Debug, Default)]
pub struct Policies {
    /// `access/`.
    pub access: Access,
    /// `limits/`.
    pub plans: Plans,
    /// `privacy/`.
    pub privacy: Privacy,
}

/// What is shown to whom, and how long things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// Level from which on an anonymous viewer sees masked values; `None` shows all.
    pub anonymous_from: Option<DataLevel>,
    /// The same for a subject who calls an operation that is not bound to them.
    pub stranger_from: Option<DataLevel>,
    /// Hours an answer is kept under its idempotency key.
    pub idempotency_hours: u32,
    /// Hours an uploaded file waits to be used.
    pub unused_file_hours: u32,
    /// Hours a submission is tried before a person has to look.
    pub delivery_hours: u32,
}

impl Default for Privacy {
    fn default() -> Self {
        Self {
            anonymous_from: Some(DataLevel::L2),
            stranger_from: None,
            idempotency_hours: 24,
            unused_file_hours: 24,
            delivery_hours: 72,
        }
    }
}

impl Policies {
    /// Reads `access/`, `limits/` and `privacy/` below a folder. A folder that is not there says nothing, which
    /// closes everything.
    ///
    /// # Errors
    /// Every finding in every file.
    pub fn load(folder: &Path, catalog: &Catalog) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut documents = Vec::new();
        for area in ["limits", "access", "privacy"] {
            for path in yaml_files(&folder.join(area), &mut findings) {
                match std::fs::read(&path) {
                    Ok(bytes) => match Document::parse(&path.display().to_string(), &bytes) {
                        Ok(document) => documents.push((area, document)),
                        Err(finding) => findings.push(finding),
                    },
                    Err(error) => findings.push(unreadable(&path, &error)),
                }
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        Self::from_documents(&documents, catalog)
    }

    /// The same from documents: each with its area, `limits`, `access` or `privacy`.
    ///
    /// # Errors
    /// Every finding in every document.
    pub fn from_documents(documents: &[(&str, Document)], catalog: &Catalog) -> Result<Self, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut policies = Self::default();
        let of = |area| {
            documents
                .iter()
                .filter(move |(a, _)| *a == area)
                .map(|(_, d)| Reading(d))
        };
        for document in of("limits") {
            policies.plans.read(&document, &mut findings);
        }
        for document in of("privacy") {
            policies.privacy.read(&document, &mut findings);
        }
        let plans: Vec<&str> = policies.plans.names().collect();
        for document in of("access") {
            policies.access.read(&document, catalog, &plans, &mut findings);
        }
        if findings.is_empty() {
            Ok(policies)
        } else {
            Err(findings)
        }
    }
}

impl Privacy {
    fn read(&mut self, document: &Reading<'_>, findings: &mut Vec<Finding>) {
        document.only_keys("", &["masking", "keep"], findings);
        document.object("/masking", findings);
        document.only_keys("/masking", &["anonymous", "stranger"], findings);
        for (viewer, from) in [
            ("anonymous", &mut self.anonymous_from),
            ("stranger", &mut self.stranger_from),
        ] {
            let place = format!("/masking/{viewer}");
            match document.string(&place, findings) {
                None => {}
                Some("never") => *from = None,
                Some(word) => match word.parse() {
                    Ok(level) => *from = Some(level),
                    Err(_) => {
                        let known = ["L1", "L2", "L3", "L4", "never"];
                        findings.push(document.unknown(&place, word, &known, &Text::new("级别", "level")));
                    }
                },
            }
        }
        document.only_keys(
            "/keep",
            &["idempotency_hours", "unused_file_hours", "delivery_hours"],
            findings,
        );
        let Some(keep) = document.object("/keep", findings) else {
            return;
        };
        for (key, hours) in [
            ("idempotency_hours", &mut self.idempotency_hours),
            ("unused_file_hours", &mut self.unused_file_hours),
            ("delivery_hours", &mut self.delivery_hours),
        ] {
            if let Some(count) = document.count(keep, "/keep", key, findings) {
                *hours = count.get();
            }
        }
    }
}

/// YAML files of a folder in the order of their names.
fn yaml_files(folder: &Path, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            findings.push(unreadable(folder, &error));
            return Vec::new();
        }
    };
    let mut files: Vec<PathBuf> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml"))
        .collect();
    files.sort();
    files
}

fn unreadable(path: &Path, error: &std::io::Error) -> Finding {
    let message = Text::new("无法读取", "It cannot be read");
    Finding::error("unreadable", path.display().to_string(), message).expected("a readable file", error.to_string())
}
