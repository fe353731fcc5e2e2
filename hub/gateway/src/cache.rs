//! Step cache: answers that everybody may see and that say nothing about anybody.

use hub_core::ports::{Answer, Call};
use hub_core::{Assurance, DataLevel, Operation};
use moka::Expiry;
use moka::sync::Cache;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Weight of all answers kept, in bytes of JSON.
const CAPACITY: u64 = 64 << 20;

/// An answer and since when it is kept.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) answer: Answer,
    pub(crate) age: Age,
}

/// How old an answer is and how old it may become, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    pub(crate) seconds: u64,
    pub(crate) lives: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    status: u16,
    body: Arc<Value>,
    since: Instant,
    lives: Duration,
    weight: u32,
}

struct Lives;

impl Expiry<String, Entry> for Lives {
    fn expire_after_create(&self, _key: &String, entry: &Entry, _now: Instant) -> Option<Duration> {
        Some(entry.lives)
    }
}

/// The cache of answers.
pub(crate) struct Answers(Cache<String, Entry>);

impl Answers {
    pub(crate) fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(CAPACITY)
            .weigher(|key: &String, entry: &Entry| {
                u32::try_from(key.len())
                    .unwrap_or(u32::MAX)
                    .saturating_add(entry.weight)
            })
            .expire_after(Lives)
            .build();
        Self(cache)
    }

    /// The key of a call, if its answer may be kept at all. A contract can shorten this, never widen it.
    pub(crate) fn key(&self, call: &Call, world: &str) -> Option<String> {
        lives(&call.operation)?;
        let input = crate::fingerprint::of_input(&call.input);
        Some(crate::fingerprint::of(&[world, &call.operation.id, &input]))
    }

    pub(crate) fn get(&self, key: &str) -> Option<Fresh> {
        let entry = self.0.get(key)?;
        Some(Fresh {
            answer: Answer {
                status: entry.status,
                body: entry.body.as_ref().clone(),
                headers: Vec::new(),
            },
            age: Age {
                seconds: entry.since.elapsed().as_secs(),
                lives: entry.lives.as_secs(),
            },
        })
    }

    /// Keeps a good answer. Failures never come here.
    pub(crate) fn put(&self, key: String, operation: &Operation, answer: &Answer) -> Age {
        let lives = lives(operation).unwrap_or_default();
        let weight = u32::try_from(answer.body.to_string().len()).unwrap_or(u32::MAX);
        let entry = Entry {
            status: answer.status,
            body: Arc::new(answer.body.clone()),
            since: Instant::now(),
            lives,
            weight,
        };
        self.0.insert(key, entry);
        Age {
            seconds: 0,
            lives: lives.as_secs(),
        }
    }

    /// Forgets everything: the catalog changed.
    pub(crate) fn clear(&self) {
        self.0.invalidate_all();
    }
}

/// How long an answer of this operation lives.
pub(crate) fn lives(operation: &Operation) -> Option<Duration> {
    let open = operation.assurance == Assurance::R0 && operation.level == DataLevel::L1 && operation.bound.is_empty();
    let read = operation.effect == hub_core::Effect::None;
    operation
        .cache_seconds
        .filter(|s| open && read && *s > 0)
        .map(|s| Duration::from_secs(u64::from(s)))
}
