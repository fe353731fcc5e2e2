//! Collecting findings while a document is walked.

use crate::Document;
use crate::document::escape;
use hub_core::{Finding, Severity, Text};

/// A place in a document as a chain of borrowed tokens; becomes a JSON pointer only when something is wrong there.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'a> {
    Root,
    Key(&'a At<'a>, &'a str),
    Index(&'a At<'a>, usize),
    /// A place that is known as a pointer already (behind a reference).
    Pointer(&'a str),
}

impl<'a> At<'a> {
    pub(super) fn key<'b>(&'b self, key: &'b str) -> At<'b>
    where
        'a: 'b,
    {
        At::Key(self, key)
    }

    pub(super) fn index<'b>(&'b self, index: usize) -> At<'b>
    where
        'a: 'b,
    {
        At::Index(self, index)
    }

    pub(super) fn pointer(&self) -> String {
        match self {
            At::Root => String::new(),
            At::Key(parent, key) => format!("{}/{}", parent.pointer(), escape(key)),
            At::Index(parent, index) => format!("{}/{index}", parent.pointer()),
            At::Pointer(pointer) => (*pointer).to_owned(),
        }
    }
}

/// The findings of one document.
#[derive(Debug)]
pub(super) struct Report<'d> {
    pub(super) document: &'d Document,
    pub(super) findings: Vec<Finding>,
}

impl<'d> Report<'d> {
    pub(super) fn new(document: &'d Document) -> Self {
        Self {
            document,
            findings: Vec::new(),
        }
    }

    /// An error at a place, to be refined and pushed.
    pub(super) fn finding(&self, code: &str, at: &At<'_>, zh: impl Into<String>, en: impl Into<String>) -> Finding {
        self.document.finding(code, &at.pointer(), Text::new(zh, en))
    }

    /// Keeps a finding.
    pub(super) fn push(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// An error without particulars.
    pub(super) fn error(&mut self, code: &str, at: &At<'_>, zh: impl Into<String>, en: impl Into<String>) {
        self.push(self.finding(code, at, zh, en));
    }

    /// Something that works but will hurt.
    pub(super) fn warning(&mut self, code: &str, at: &At<'_>, zh: impl Into<String>, en: impl Into<String>) {
        self.push(self.finding(code, at, zh, en).severity(Severity::Warning));
    }
}
