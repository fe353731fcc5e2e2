//! What differs between two descriptions, and what that means for those who use the old one.
//!
//! Both come in the normal form (OpenAPI 3.1, JSON Schema 2020-12, local references kept, circles included). Schemas are
//! compared by what they allow: accepting less in what a client sends breaks it, and so does answering with more kinds of
//! value in what it receives. Inlining, renaming components and path parameters, reordering and wrapping are no changes.
//! Which kinds of change there are and how bad they are stands in one table ([`table::ROWS`]); ids, sentences and the
//! documentation are made from it. Pure: no I/O, no clock; time is bounded by the number of pairs compared.
//!
//! Read as their authors mean them, so that what is reported is what matters: clients send and get the properties that
//! are declared (a property that goes from an open object is a risk, not a contradiction), and alternatives of a `oneOf`
//! do not overlap.

mod book;
pub mod change;
mod collect;
mod content;
mod day;
mod graph;
mod lifecycle;
mod operations;
mod parameters;
mod responses;
mod schema;
mod security;
mod servers;
pub mod table;
pub mod usage;
pub mod words;

pub use change::{Change, Direction, Place, Report, Severity, Use};
pub use day::Day;
pub use usage::{Seen, Usage, annotate};

use book::Book;
use collect::Collector;
use serde_json::Value;

/// What a comparison needs to know besides the descriptions.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// The day it is made, to judge ends that were announced. Without it an announced day counts as ahead.
    pub today: Option<Day>,
}

/// Everything that differs between two descriptions in the normal form.
#[must_use]
pub fn diff(old: &Value, new: &Value, options: Options) -> Report {
    let mut out = Collector::new(Book::new(old), Book::new(new), options.today);
    operations::compare(&mut out);
    security::declared(&mut out);
    servers::compare(&mut out);
    out.report()
}

/// Whether two descriptions mean the same to every client: nothing that the differ knows of changed. For automatic fixes,
/// which may move and word things and nothing else.
#[must_use]
pub fn unchanged(old: &Value, new: &Value) -> bool {
    diff(old, new, Options::default()).changes.is_empty()
}

#[cfg(test)]
mod tests;
