//! The differ over the change suites and version pairs of others, and over whatever can be generated.

mod laws;
mod pages;
mod suites;

use crate::description::{csv, read_with_companions};
use hub_catalog::diff::{Day, Options, Report, diff};
use serde_json::Value;
use std::path::Path;

/// The day the suites are judged on: some of their ends lie before it, some after it.
pub(crate) fn options() -> Options {
    Options {
        today: Day::parse("2026-11-30"),
    }
}

/// A file of the corpus in the normal form, or why it can't be read.
pub(crate) fn normal(root: &Path, file: &str) -> Result<Value, String> {
    let (read, ..) = read_with_companions(root, file);
    read.map(|d| d.document)
        .map_err(|findings| findings.first().map(ToString::to_string).unwrap_or_default())
}

/// What differs between two files of the corpus.
pub(crate) fn between(root: &Path, old: &str, new: &str) -> Result<Report, String> {
    Ok(diff(&normal(root, old)?, &normal(root, new)?, options()))
}

/// A table checked in beside this file, without its head.
pub(crate) fn table(text: &str) -> Vec<Vec<String>> {
    csv(text).into_iter().skip(1).collect()
}
