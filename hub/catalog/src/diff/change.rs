//! What the differ reports: one change, where it stands, whom it concerns.

use super::usage::Seen;
use hub_core::Text;
use serde::Serialize;

/// How bad a change is for the clients of the old description.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A client that kept to the old description can fail.
    Breaking,
    /// It depends on the client: nothing that was promised is taken away, but something it may rely on is.
    Risky,
    /// No client that kept to the old description notices.
    Safe,
}

/// Which way the data flows that a change is about, seen from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The client sends it: accepting less breaks.
    Request,
    /// The client receives it: sending more kinds breaks.
    Response,
    /// Neither: the act itself, its name, its way in.
    Both,
}

/// One operation that a change shows up in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// Method and path of the old description (of the new one if the operation is new): `GET /cases/{id}`.
    pub operation: String,
    /// The operationId of the old description, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<String>,
    /// Where inside the operation, for people: `200 application/json items[].name`.
    pub at: String,
    /// The field inside the body, parameter or header as a JSON pointer with `*` for any entry; empty for the whole.
    pub field: String,
}

/// Where a change stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Place {
    /// JSON pointer into the old description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    /// JSON pointer into the new description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    /// The operations in which it shows up. Empty where it concerns the whole description.
    pub operations: Vec<Use>,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The kind of change, one of [`super::table::kinds`]: `request-body.max-length.narrowed`.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// Which way the data flows.
    pub direction: Direction,
    /// Where it stands.
    pub place: Place,
    /// What the old description said, in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What the new description says, in short.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// One sentence.
    pub text: Text,
    /// How to avoid it, or what to do.
    pub advice: Text,
    /// Clients that really used it ([`super::usage::annotate`]); empty until asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<Seen>,
}

impl Change {
    /// The first operation it shows up in.
    #[must_use]
    pub fn operation(&self) -> Option<&str> {
        self.place.operations.first().map(|u| u.operation.as_str())
    }
}

/// All that differs between two descriptions, the worst first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// The changes: by severity, then by place.
    pub changes: Vec<Change>,
}

impl Report {
    /// Whether a client that kept to the old description can fail.
    #[must_use]
    pub fn breaking(&self) -> bool {
        self.changes.iter().any(|c| c.severity == Severity::Breaking)
    }

    /// The changes of one severity.
    pub fn of(&self, severity: Severity) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(move |c| c.severity == severity)
    }
}
