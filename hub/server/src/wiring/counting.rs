//! Counts, beside the trail, which client called which operation: whoever wants to change one is told whom that concerns.

use hub_core::Environment;
use hub_core::ports::{BoxFuture, TrailError, TrailRecord, TrailSink};
use hub_core::time::Timestamp;
use hub_registry::UsageRow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The trail with a counter in front.
pub struct Counting {
    trail: Arc<dyn TrailSink>,
    counts: Mutex<HashMap<String, HashMap<String, i64>>>,
}

impl Counting {
    /// Before a trail.
    pub fn new(trail: Arc<dyn TrailSink>) -> Self {
        Self {
            trail,
            counts: Mutex::default(),
        }
    }

    /// What was counted since the last time.
    pub fn take(&self, now: Timestamp) -> Vec<UsageRow> {
        let counts = std::mem::take(&mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner));
        let rows = counts.into_iter().flat_map(|(operation, clients)| {
            clients.into_iter().map(move |(client, calls)| UsageRow {
                operation: operation.clone(),
                client,
                field: String::new(),
                calls,
                last_used: now,
            })
        });
        rows.collect()
    }

    fn count(&self, operation: &str, client: &str) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        // Only the first call of a client since the last time needs new texts.
        if let Some(calls) = counts.get_mut(operation).and_then(|clients| clients.get_mut(client)) {
            *calls += 1;
            return;
        }
        counts
            .entry(operation.to_owned())
            .or_default()
            .insert(client.to_owned(), 1);
    }
}

impl TrailSink for Counting {
    fn write(&self, record: TrailRecord, durable: bool) -> BoxFuture<'_, Result<(), TrailError>> {
        if let (Environment::Live, Some(operation), Some(client)) =
            (record.environment, &record.operation, &record.client)
        {
            self.count(operation, client);
        }
        self.trail.write(record, durable)
    }
}
