//! What is read from the trail: how often clients call what, and the subject's account of who used what. Every line of the trail about somebody stands where that somebody sees it.
//!
//! It is read from the trail and not told by those who use, so that nothing is missing that happened: what stands in the
//! trail stands here as soon as it has been read on, and what has not been read yet is read after a restart.

use crate::trail::{Numbered, ReadTo, follow};
use hub_core::Environment;
use hub_core::ports::TrailRecord;
use hub_core::time::Timestamp;
use hub_store::{Disclosure, Store, StoreError, UsageRow};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Lines read at once.
const MOST: usize = 2_000;
/// Operations of the hub itself, in which a subject looks at what is their own.
const OWN: &str = "me.";

/// Keeps the account from one trail.
pub struct Keeper {
    store: Store,
    folder: PathBuf,
}

impl Keeper {
    /// From the trail in a folder to a store.
    #[must_use]
    pub fn new(store: Store, folder: PathBuf) -> Self {
        Self { store, folder }
    }

    /// Reads on to the end of the trail. Answers how many uses were found.
    ///
    /// # Errors
    /// If the store does not answer; then it is read again the next time.
    pub async fn keep(&self) -> Result<usize, StoreError> {
        let place = format!("ledger.read.{}", self.store.node());
        let mut found = 0;
        loop {
            let kept = self.store.meta().get(&place).await?;
            let from: ReadTo = kept
                .and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or_default();
            let (folder, start, node) = (self.folder.clone(), from.clone(), self.store.node().to_owned());
            let read = tokio::task::spawn_blocking(move || {
                let (mut counts, mut uses) = (Counts::default(), Vec::new());
                let (lines, to) = follow(&folder, &start, MOST, |line| {
                    counts.count(&line.record);
                    uses.extend(used(&node, line));
                })?;
                Ok::<_, std::io::Error>((lines, to, counts.rows(), uses))
            });
            let failed = |e: &dyn ToString| StoreError::Unavailable(e.to_string());
            let (lines, to, counts, uses) = read.await.map_err(|e| failed(&e))?.map_err(|e| failed(&e))?;
            if to == from {
                return Ok(found);
            }
            let read_to = serde_json::to_string(&to).unwrap_or_default();
            self.store.disclosures().keep(&uses, &counts, &place, &read_to).await?;
            found += uses.len();
            // Calls that are made meanwhile are for the next time: whoever runs after them writes a few lines at a time, without end.
            if lines < MOST {
                return Ok(found);
            }
        }
    }
}

/// A line as a use of somebody's data; `None` where it is about nobody, or about the sandbox's invented people.
fn used(node: &str, line: Numbered) -> Option<Disclosure> {
    let operation = called(&line.record)?.to_owned();
    let record = line.record;
    Some(Disclosure {
        id: format!("{node}:{:012}", line.n),
        subject: record.subject?,
        at: record.at.parse::<Timestamp>().ok()?,
        request_id: record.request_id,
        client: record.client.unwrap_or_default(),
        operation,
        fields: record.fields,
        status: record.status,
        problem: record.problem,
        reached: record.attempts > 0,
        principal: record.principal,
        agent: record.agent,
    })
}

/// The operation of the catalog that a line tells of, if it was called live.
fn called(record: &TrailRecord) -> Option<&str> {
    let operation = record.operation.as_deref().filter(|o| !o.starts_with(OWN));
    operation.filter(|_| record.environment == Environment::Live)
}

/// How often each client called what, and when last: whoever wants to change an operation is told whom that concerns.
#[derive(Default)]
struct Counts(BTreeMap<(String, String), (i64, Timestamp)>);

impl Counts {
    fn count(&mut self, record: &TrailRecord) {
        let (Some(operation), Some(client)) = (called(record), record.client.as_deref()) else {
            return;
        };
        let Ok(at) = record.at.parse() else { return };
        let whose = (operation.to_owned(), client.to_owned());
        let (calls, last) = self.0.entry(whose).or_insert((0, at));
        (*calls, *last) = (*calls + 1, at.max(*last));
    }

    fn rows(self) -> Vec<UsageRow> {
        let rows = self
            .0
            .into_iter()
            .map(|((operation, client), (calls, last_used))| UsageRow {
                operation,
                client,
                calls,
                last_used,
            });
        rows.collect()
    }
}
