//! A row made ready for one operation and one direction: where it stands upstream, which canonical field it is, and what
//! happens to the value on the way.

use super::path::Path;
use crate::codec::Codec;
use crate::manifest::model::Place;
use hub_core::{DataLevel, ShapeKind};
use jiff::civil::Date;
use serde_json::Value;
use std::sync::Arc;

/// One row of one operation in one direction.
#[derive(Debug)]
pub struct Bind {
    /// Where it stands.
    pub place: Place,
    /// Upstream path there.
    pub path: Path,
    /// Canonical path.
    pub field: Path,
    /// What happens to the value, upstream first.
    pub chain: Vec<Link>,
    /// Whether the chain is for a list as a whole (`join ,`) rather than for each item.
    pub whole: bool,
    /// Canonical kind.
    pub kind: ShapeKind,
    /// Canonical kind of the items, for lists.
    pub item: Option<ShapeKind>,
    /// Whether the contract allows null.
    pub nullable: bool,
    /// Whether the contract requires it.
    pub required: bool,
    /// How sensitive the value is.
    pub level: DataLevel,
    /// Rows of its members or items.
    pub rows: Option<Vec<Bind>>,
}

impl Bind {
    /// Whether nothing happens to the value itself; its members have rows of their own.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.chain.iter().all(Link::is_plain)
    }
}

/// One thing that happens to a value.
#[derive(Debug)]
pub enum Link {
    /// A codec.
    Codec(Box<Codec>),
    /// A table of codes.
    Codes(Arc<Codes>),
    /// The id under which the upstream keeps an uploaded paper.
    Upload,
    /// Something of a paper, inline.
    File(FilePart),
}

impl Link {
    fn is_plain(&self) -> bool {
        matches!(self, Link::Codec(codec) if codec.is_plain())
    }
}

/// What of a paper is sent inline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilePart {
    /// Its content, in Base64.
    Base64,
    /// Its name.
    Name,
    /// Its media type.
    Type,
    /// Its size in bytes.
    Size,
}

impl FilePart {
    /// From the word behind `file`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "" | "base64" => FilePart::Base64,
            "name" => FilePart::Name,
            "type" => FilePart::Type,
            "size" => FilePart::Size,
            _ => return None,
        })
    }
}

/// Upstream codes and what they mean, in one or several versions of the list (quirk 15). Several codes may mean one; the
/// first is sent back.
#[derive(Debug, Default)]
pub struct Codes {
    /// By the day they begin, oldest first.
    versions: Vec<Version>,
}

/// The day from which a list is in force, and the list.
type Version = (Option<Date>, Vec<(String, Value)>);

impl Codes {
    /// From a table in order, in force for ever.
    #[must_use]
    pub fn new(entries: Vec<(String, Value)>) -> Self {
        Self {
            versions: vec![(None, entries)],
        }
    }

    /// Adds a version that is in force from a day on.
    pub fn add(&mut self, from: Option<Date>, entries: Vec<(String, Value)>) {
        self.versions.push((from, entries));
        self.versions.sort_by_key(|(from, _)| *from);
    }

    /// The version in force on a day; without a day the newest.
    fn on(&self, day: Option<Date>) -> &[(String, Value)] {
        let begun = |from: &Option<Date>| from.is_none_or(|from| day.is_none_or(|day| from <= day));
        let version = self.versions.iter().rev().find(|(from, _)| begun(from));
        version.map_or(&[], |(_, entries)| entries)
    }

    /// Meanings that are texts, in the table's order.
    pub fn meanings(&self) -> impl Iterator<Item = &str> {
        self.versions
            .last()
            .into_iter()
            .flat_map(|(_, entries)| entries)
            .filter_map(|(_, meaning)| meaning.as_str())
    }

    /// What a code means on a day; `None` if the table does not know it. `*` in a table means every other code.
    #[must_use]
    pub fn meaning(&self, code: &Value, day: Option<Date>) -> Option<Value> {
        let text = as_text(code);
        let entries = self.on(day);
        entries
            .iter()
            .find(|(c, _)| *c == text)
            .or_else(|| entries.iter().find(|(c, _)| c == "*"))
            .map(|(_, v)| v.clone())
    }

    /// The code of a canonical value on a day.
    #[must_use]
    pub fn code(&self, value: &Value, day: Option<Date>) -> Option<Value> {
        let text = as_text(value);
        self.on(day)
            .iter()
            .find(|(c, v)| c != "*" && as_text(v) == text)
            .map(|(c, _)| Value::from(c.as_str()))
    }

    /// Canonical values in all versions.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.versions.iter().flat_map(|(_, entries)| entries).map(|(_, v)| v)
    }

    /// What cannot come back as it was: codes that share a meaning with an earlier one, `*` among them.
    #[must_use]
    pub fn lossy(&self) -> Vec<String> {
        let mut lost: Vec<String> = Vec::new();
        for (_, entries) in &self.versions {
            for (index, (code, value)) in entries.iter().enumerate() {
                let before = entries.iter().take(index).any(|(_, v)| as_text(v) == as_text(value));
                if (before || code == "*") && !lost.contains(code) {
                    lost.push(code.clone());
                }
            }
        }
        lost
    }
}

/// Codes are compared as texts: `1`, `"1"` and `true` written without quotes all occur.
fn as_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}
