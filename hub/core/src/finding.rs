//! What is wrong with a document: a spec, a manifest, a policy, the config.

use crate::Text;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Works, but will hurt.
    Warning,
    /// The document cannot be used.
    Error,
}

/// One finding in one document: where, what was expected, what was found, what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable id, kebab-case, for example `unknown-key`.
    pub code: String,
    /// How bad.
    pub severity: Severity,
    /// The file as the user named it.
    pub file: String,
    /// Line, from 1; 0 where the document has no place (a missing file).
    pub line: usize,
    /// Column in characters, from 1; 0 as above.
    pub column: usize,
    /// JSON pointer into the document (RFC 6901).
    pub pointer: String,
    /// What is wrong, one sentence.
    pub message: Text,
    /// What would have been right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got: Option<String>,
    /// Nearest existing names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<String>,
    /// What to do, one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Text>,
}

impl Finding {
    /// An error without details; add them with the `with_…` functions.
    pub fn error(code: impl Into<String>, file: impl Into<String>, message: Text) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Error,
            file: file.into(),
            line: 0,
            column: 0,
            pointer: String::new(),
            message,
            expected: None,
            got: None,
            near: Vec::new(),
            fix: None,
        }
    }

    /// Sets the severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// Sets pointer, line and column.
    #[must_use]
    pub fn at(mut self, pointer: impl Into<String>, line: usize, column: usize) -> Self {
        (self.pointer, self.line, self.column) = (pointer.into(), line, column);
        self
    }

    /// Sets what was expected and what was found.
    #[must_use]
    pub fn expected(mut self, expected: impl Into<String>, got: impl Into<String>) -> Self {
        (self.expected, self.got) = (Some(expected.into()), Some(got.into()));
        self
    }

    /// Sets the nearest existing names.
    #[must_use]
    pub fn near(mut self, near: Vec<String>) -> Self {
        self.near = near;
        self
    }

    /// Sets what to do.
    #[must_use]
    pub fn fix(mut self, fix: Text) -> Self {
        self.fix = Some(fix);
        self
    }
}

impl fmt::Display for Finding {
    /// `file:line:column: message (expected …, got …; did you mean …) [code]`, in English.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": {}", self.message.en)?;
        match (&self.expected, &self.got) {
            (Some(e), Some(g)) => write!(f, " (expected {e}, got {g})")?,
            (Some(e), None) => write!(f, " (expected {e})")?,
            _ => {}
        }
        if !self.near.is_empty() {
            write!(f, "; did you mean {}?", self.near.join(", "))?;
        }
        if let Some(fix) = &self.fix {
            write!(f, " {}", fix.en)?;
        }
        write!(f, " [{}]", self.code)
    }
}
