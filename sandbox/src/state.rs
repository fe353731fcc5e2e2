//! What is kept of one matter, and the bounds on how much is kept.

use crate::links::Flow;
use crate::seed::Seed;
use hub_core::SystemId;
use hub_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Matters a world.
    pub matters: usize,
    /// Worlds.
    pub worlds: usize,
    /// Matters in all worlds together.
    pub total: usize,
    /// Bytes in all worlds together, about.
    pub bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            matters: 10_000,
            worlds: 1_000,
            total: 50_000,
            bytes: 512 << 20,
        }
    }
}

/// Something that happened to a matter after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Event {
    /// The agency asked for papers.
    NeedDocs,
    /// Papers were handed in.
    Supplemented,
    /// Withdrawn or cancelled.
    Ended,
    /// Whoever booked has come.
    Arrived,
    /// Money went back.
    Refunded,
    /// Somebody decided in its favour, whatever the clock says.
    Approved,
    /// Somebody decided against it.
    Rejected,
}

/// One matter: a case, a booking, an order, a certificate, a subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Matter {
    pub system: SystemId,
    /// Operation that made it.
    pub made_by: Arc<str>,
    pub service: Option<Arc<str>>,
    pub flow: Flow,
    /// Every handle it is found by.
    pub handles: Vec<String>,
    /// Numbers of the person or company it belongs to; empty if to nobody in particular.
    pub owners: Vec<String>,
    /// What was said when it was made.
    pub input: Map<String, Value>,
    /// What is known of it: the input and every answer about it.
    pub data: Map<String, Value>,
    /// The answer it was made with, for the same request again.
    pub answer: Value,
    pub created: Timestamp,
    /// Working days until a decision.
    pub days: u32,
    /// Working days the law allows; 0 where it says nothing.
    #[serde(default)]
    pub legal_days: u32,
    /// Papers the agency still waits for.
    #[serde(default)]
    pub papers: u64,
    /// When somebody is expected, of a booking.
    #[serde(default)]
    pub meets: Option<Timestamp>,
    /// Its last day, of a certificate.
    #[serde(default)]
    pub ends: Option<jiff::civil::Date>,
    /// Made by the scenario `pending`: a payment waits as long.
    pub held: bool,
    pub events: Vec<(Timestamp, Event)>,
    pub seed: Seed,
}

/// About how many bytes a value takes in memory.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 24 + text.len(),
        Value::Array(items) => 24 + items.iter().map(weight).sum::<usize>(),
        Value::Object(map) => of_map(map),
        _ => 16,
    }
}

fn of_map(map: &Map<String, Value>) -> usize {
    map.iter().map(|(name, value)| 48 + name.len() + weight(value)).sum()
}

impl Matter {
    /// About how many bytes it takes in memory.
    pub(crate) fn weight(&self) -> usize {
        512 + of_map(&self.input) + of_map(&self.data) + weight(&self.answer)
    }

    /// Whether somebody with these numbers may see it.
    pub(crate) fn is_visible_to(&self, numbers: &[String]) -> bool {
        numbers.is_empty() || self.owners.is_empty() || self.owners.iter().any(|o| numbers.contains(o))
    }
}

/// A free place as it was shown.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// What was shown, by property and by canonical field.
    pub data: Map<String, Value>,
    /// Places there were before anybody booked here.
    pub places: u64,
}

/// A lock whose holder panicked still guards a usable world: every change is one insertion.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
