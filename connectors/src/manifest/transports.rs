//! The parts of a manifest for upstreams that are no HTTP servers, and for pages of the upstream's own.

use super::model::{RowSpec, SendItem};
use crate::mapping::path::Path;
use std::collections::BTreeSet;

/// `exchange`: tables of a front-end database.
#[derive(Debug, Clone)]
pub struct ExchangePart {
    /// Column by which rows of one matter belong together.
    pub key: String,
    /// Column that the reader of a row flips.
    pub flag: FlagPart,
    /// Table of answers; `{call}` is the request's table.
    pub answers: String,
    /// Members that are lists with a table of their own.
    pub lists: Vec<(String, String)>,
    /// Column of the order inside such a table.
    pub order: Option<String>,
    /// Milliseconds between two looks for an answer.
    pub every_ms: u64,
}

/// The column that the reader of a row flips.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagPart {
    /// Column.
    pub column: String,
    /// Not read yet.
    pub new: String,
    /// Read.
    pub taken: String,
    /// Cannot be read: a dead letter.
    pub dead: Option<String>,
}

/// `batch`: files of a drop folder. Every part optional, so that an operation can override one.
#[derive(Debug, Clone, Default)]
pub struct BatchPart {
    /// Files that answer questions: a path with one `*` in its name.
    pub files: Option<String>,
    /// What a marker's name ends with, after the name of its file.
    pub marker: Option<String>,
    /// What the marker says, cell by cell.
    pub says: Option<Vec<String>>,
    /// What stands between two cells.
    pub separator: Option<String>,
    /// Whether cells may stand in quotes.
    pub quotes: Option<bool>,
    /// Whether the first line names the columns.
    pub header: Option<bool>,
    /// The columns in order.
    pub columns: Option<Vec<String>>,
    /// Columns in which a part is searched.
    pub contains: Option<Vec<String>>,
    /// The last line, cell by cell.
    pub trailer: Option<Vec<String>>,
    /// File of a request; `{key}` is its number.
    pub request: Option<String>,
    /// File of its answer.
    pub reply: Option<String>,
    /// Milliseconds between two looks for it.
    pub every_ms: Option<u64>,
}

/// `news`: what the upstream tells of its own accord.
#[derive(Debug, Clone)]
pub struct NewsPart {
    /// Table, or files with one `*`.
    pub from: String,
    /// Column that counts up.
    pub order: Option<String>,
    /// Whether the hub flips the flag of what it read.
    pub flagged: bool,
    /// Milliseconds between two looks.
    pub every_ms: u64,
    /// Where the number is by which a matter is found.
    pub case: Path,
    /// Where its new state is.
    pub state: Option<Path>,
    /// When it changed.
    pub time: Option<Path>,
    /// Rows of the news alone.
    pub fields: Vec<RowSpec>,
}

/// `jump`: a page of the upstream's own. Every part optional, so that an operation can override one.
#[derive(Debug, Clone, Default)]
pub struct JumpPart {
    /// Hosts it may stand on.
    pub hosts: BTreeSet<String>,
    /// Canonical field of the answer that holds the address.
    pub into: Option<Path>,
    /// Address that the hub makes; without it the answer's own row gives one.
    pub to: Option<String>,
    /// Parameters of that address.
    pub with: Vec<SendItem>,
    /// Whether they are signed.
    pub signed: bool,
}
