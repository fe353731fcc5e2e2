//! Step cache: answers that everybody may see and that say nothing about anybody.

use crate::unknown;
use hub_core::ports::{Answer, Call};
use hub_core::{Assurance, DataLevel, Operation, Problem};
use moka::Expiry;
use moka::future::Cache;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Weight of all answers kept, in bytes of JSON.
const CAPACITY: u64 = 64 << 20;

/// What the cache gave.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The answer, or why there is none.
    pub(crate) outcome: Result<Answer, Problem>,
    /// Of a good answer.
    pub(crate) age: Option<Age>,
    /// Whether nobody had to be asked.
    pub(crate) hit: bool,
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
    /// The flag of its unknown codes; other headers belong to a call.
    flag: Option<(String, String)>,
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

    /// The kept answer, or else the one `load` gives, which is kept if it is good. Many who ask at once share one load.
    pub(crate) async fn through(
        &self,
        key: String,
        operation: &Operation,
        load: impl Future<Output = Result<Answer, Problem>>,
    ) -> Kept {
        let lives = lives(operation).unwrap_or_default();
        let entry = async {
            let answer = load.await?.read();
            Ok(Entry {
                weight: u32::try_from(answer.body.to_string().len()).unwrap_or(u32::MAX),
                status: answer.status,
                flag: answer.headers.into_iter().find(|(name, _)| name == unknown::HEADER),
                body: Arc::new(answer.body),
                since: Instant::now(),
                lives,
            })
        };
        match self.0.entry(key).or_try_insert_with::<_, Problem>(entry).await {
            Ok(found) => Kept {
                hit: !found.is_fresh(),
                age: Some(Age {
                    seconds: found.value().since.elapsed().as_secs(),
                    lives: lives.as_secs(),
                }),
                outcome: Ok(Answer {
                    headers: found.value().flag.clone().into_iter().collect(),
                    ..Answer::new(found.value().status, found.value().body.as_ref().clone())
                }),
            },
            Err(problem) => Kept {
                hit: false,
                age: None,
                outcome: Err(problem.as_ref().clone()),
            },
        }
    }

    /// Forgets everything: the catalog changed.
    pub(crate) fn clear(&self) {
        self.0.invalidate_all();
    }
}

/// The age of an answer that was just made, if it may be kept.
pub(crate) fn fresh(operation: &Operation) -> Option<Age> {
    let lives = lives(operation)?.as_secs();
    Some(Age { seconds: 0, lives })
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
