//! The memory of rights.

use hub_core::time::Timestamp;
use hub_store::{MandateRow, ServiceConsent, Store, StoreError};
use moka::future::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Persons remembered.
const REMEMBERED: u64 = 100_000;
/// How long a look at the changes counts, in microseconds.
const HEARD: i64 = 2_000_000;
/// How far before the last look changes are looked for: clocks of hubs may differ.
const OVERLAP: Duration = Duration::from_secs(10);

/// Consents and mandates of persons, by their mark.
pub(crate) struct Rights {
    consents: Cache<String, Arc<Vec<ServiceConsent>>>,
    mandates: Cache<String, Arc<Vec<MandateRow>>>,
    heard: AtomicI64,
}

impl Rights {
    pub(crate) fn new() -> Self {
        Self {
            consents: Cache::new(REMEMBERED),
            mandates: Cache::new(REMEMBERED),
            heard: AtomicI64::new(i64::MIN),
        }
    }

    /// Everything a person ever agreed to.
    pub(crate) async fn consents(
        &self,
        store: &Store,
        mark: &str,
        now: Timestamp,
    ) -> Result<Arc<Vec<ServiceConsent>>, StoreError> {
        if self.is_fresh(now)
            && let Some(known) = self.consents.get(mark).await
        {
            return Ok(known);
        }
        let read = Arc::new(store.consents().of_subject(mark).await?);
        self.consents.insert(mark.to_owned(), Arc::clone(&read)).await;
        Ok(read)
    }

    /// Every mandate that a person gave or holds.
    pub(crate) async fn mandates(
        &self,
        store: &Store,
        mark: &str,
        now: Timestamp,
    ) -> Result<Arc<Vec<MandateRow>>, StoreError> {
        if self.is_fresh(now)
            && let Some(known) = self.mandates.get(mark).await
        {
            return Ok(known);
        }
        let read = Arc::new(store.mandates().of_person(mark).await?);
        self.mandates.insert(mark.to_owned(), Arc::clone(&read)).await;
        Ok(read)
    }

    /// Forgets a person: something has just changed here.
    pub(crate) async fn forget(&self, mark: &str) {
        self.consents.invalidate(mark).await;
        self.mandates.invalidate(mark).await;
    }

    /// Looks whose rights changed at any hub, and forgets them.
    pub(crate) async fn hear(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let heard = self.heard.load(Ordering::Relaxed);
        let last = Timestamp::from_microsecond(heard).unwrap_or(now).min(now);
        let since = last.saturating_sub(OVERLAP).unwrap_or(last);
        for mark in store.consents().changed_since(since).await? {
            self.consents.invalidate(&mark).await;
        }
        for mark in store.mandates().changed_since(since).await? {
            self.mandates.invalidate(&mark).await;
        }
        self.heard.store(now.as_microsecond(), Ordering::Relaxed);
        Ok(())
    }

    fn is_fresh(&self, now: Timestamp) -> bool {
        now.as_microsecond().saturating_sub(self.heard.load(Ordering::Relaxed)) < HEARD
    }
}
