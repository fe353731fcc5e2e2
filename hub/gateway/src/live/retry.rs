//! The budget of retries: they never make the load of a system more than 1.1 times what it would be without them, so that
//! they can't drown it.

use hub_core::SystemId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// Retries of one call at most.
pub(super) const MOST: u32 = 2;
/// What a call earns, in hundredths of a retry: a little less than a tenth, so that what is saved up fits in too.
const EARNED: u32 = 9;
/// What a retry costs.
const COST: u32 = 100;
/// What can be saved up.
const CAP: u32 = 300;

/// Budgets by system.
#[derive(Debug, Default)]
pub(super) struct Retries(RwLock<HashMap<SystemId, Arc<Budget>>>);

/// Retries one system can be given now.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Retries {
    pub(super) fn of(&self, system: &SystemId) -> Arc<Budget> {
        let known = self.0.read().ok().and_then(|b| b.get(system).cloned());
        let fresh = || Arc::new(Budget(AtomicU32::new(CAP)));
        known.unwrap_or_else(|| match self.0.write() {
            Ok(mut all) => Arc::clone(all.entry(system.clone()).or_insert_with(fresh)),
            Err(_) => fresh(),
        })
    }
}

impl Budget {
    /// A call is made.
    pub(super) fn earn(&self) {
        let earned = |saved: u32| Some(saved.saturating_add(EARNED).min(CAP));
        let _always = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earned);
    }

    /// Whether a retry can be afforded.
    pub(super) fn spend(&self) -> bool {
        let spent = |saved: u32| saved.checked_sub(COST);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent).is_ok()
    }
}

/// Pause before a retry, with jitter so that callers do not come back in step.
pub(super) fn pause(tries: u32) -> Duration {
    let base = 40_u64 << tries.min(4);
    let jitter = hub_crypto::random::<1>().map_or(0, |b| u64::from(b.first().copied().unwrap_or(0)));
    Duration::from_millis(base + base * jitter / 256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q22_retries_never_make_more_than_a_tenth_of_the_load() {
        let retries = Retries::default();
        let budget = retries.of(&SystemId::new("a", "b"));
        let saved = std::iter::repeat_with(|| budget.spend()).take_while(|s| *s).count();
        assert_eq!(saved, 3);
        assert!(!retries.of(&SystemId::new("a", "b")).spend(), "it is the same budget");
        let other = retries.of(&SystemId::new("a", "c"));
        let spent: usize = (0..1_000)
            .map(|_| {
                other.earn();
                // Every call fails and would be tried again as often as it may.
                (0..MOST).take_while(|_| other.spend()).count()
            })
            .sum();
        assert!((80..=100).contains(&spent), "{spent} retries of 1000 calls");
    }
}
