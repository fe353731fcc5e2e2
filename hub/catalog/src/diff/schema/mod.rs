//! Two schemas side by side: what each keyword allows more or less.
//!
//! One pair of schemas gives facts and pairs of schemas further down; nothing here recurses, so that circles and depth
//! are the business of [`super::graph`] alone.

mod array;
mod local;
mod number;
mod object;
mod patterns;
mod scalar;
mod types;
mod variants;

pub(super) use local::local;

use super::book::{Book, Node};
use super::change::Direction;
use super::table::Effect;
use serde_json::Value;
use std::fmt::Write;

/// What was found about one keyword of one pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fact {
    pub keyword: &'static str,
    pub effect: Effect,
    pub from: Option<String>,
    pub to: Option<String>,
    pub old_at: Option<String>,
    pub new_at: Option<String>,
    /// The property it is about, if it is about one.
    pub name: Option<String>,
}

/// One step from a schema to one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Property(String),
    /// Any property that has no schema of its own.
    Other,
    Item,
    Index(usize),
    /// A schema about the same value: an alternative, a condition.
    Same,
}

/// A pair further down.
#[derive(Debug)]
pub(super) struct Below<'a> {
    pub step: Step,
    pub old: Node<'a>,
    pub new: Node<'a>,
}

/// What one pair gives.
#[derive(Debug, Default)]
pub(super) struct Local<'a> {
    pub facts: Vec<Fact>,
    pub below: Vec<Below<'a>>,
}

/// How two schemas stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Relation {
    /// Whatever the old one allows the new one allows.
    pub covers: bool,
    /// Whatever the new one allows the old one allows.
    pub covered: bool,
    /// Nothing differs.
    pub equal: bool,
}

/// Judges how two schemas stand to each other, all the way down.
pub(super) trait Judge<'a> {
    fn relation(&mut self, old: &Node<'a>, new: &Node<'a>) -> Relation;
}

/// Both descriptions, and which way the data flows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side<'a> {
    pub old: Book<'a>,
    pub new: Book<'a>,
    pub direction: Direction,
    /// Whether everything is text on the wire (XML): an object without properties then says no more than a string.
    pub textual: bool,
}

impl<'a> Local<'a> {
    /// Notes a fact at the places of some keywords.
    fn note(&mut self, pair: (&Node<'a>, &Node<'a>), keyword: &'static str, effect: Effect, at: &[&str]) -> &mut Fact {
        self.facts.push_mut(Fact {
            keyword,
            effect,
            from: None,
            to: None,
            old_at: pair.0.place(at),
            new_at: pair.1.place(at),
            name: None,
        })
    }

    fn go(&mut self, step: Step, old: Node<'a>, new: Node<'a>) {
        if !(old.parts.is_empty() && new.parts.is_empty()) {
            self.below.push(Below { step, old, new });
        }
    }
}

impl Fact {
    fn says(&mut self, from: Option<String>, to: Option<String>) {
        (self.from, self.to) = (from, to);
    }
}

/// A value in a few characters.
pub(super) fn short(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    clipped(&text)
}

/// Text cut to what fits a sentence.
pub(super) fn clipped(text: &str) -> String {
    const WIDTH: usize = 80;
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(WIDTH).collect();
    let _ = write!(cut, "…");
    cut
}

/// Several values in a few characters.
fn list<'v>(values: impl Iterator<Item = &'v Value>) -> String {
    clipped(&values.map(short).collect::<Vec<_>>().join(", "))
}
