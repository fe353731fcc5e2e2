//! What all hubs over one store share of an upstream's budget: the day's calls are drawn from the store's ledger, and
//! rate and concurrency are divided by the number of hubs.

use hub_core::SystemId;
use hub_core::ports::BoxFuture;
use hub_core::time::Timestamp;
use hub_outbound::{Given, Ledger, Outbound, Share};
use hub_store::{Standing, Store};
use jiff::SignedDuration;
use std::sync::{Mutex, PoisonError};

/// A hub that was not seen for so long is gone, and the others take its part.
const GONE: SignedDuration = SignedDuration::from_mins(10);
/// A hub that could not say for so long that it lives uses nothing any more, well before the others take its part.
const CUT_OFF: SignedDuration = SignedDuration::from_mins(8);
/// By then the others have noticed a new hub: they look every five seconds.
const NOTICED: SignedDuration = SignedDuration::from_secs(15);
/// Days whose counts are kept.
const DAYS: i64 = 7;

/// The ledger in the store.
pub(super) struct StoreLedger(pub(super) Store);

impl Ledger for StoreLedger {
    fn take<'a>(
        &'a self,
        system: &'a SystemId,
        day: &'a str,
        want: u64,
        most: u64,
    ) -> BoxFuture<'a, Result<Given, String>> {
        Box::pin(async move {
            let (name, ledger) = (system.to_string(), self.0.ledger());
            let calls = ledger.take(&name, day, want, most).await.map_err(|e| e.to_string())?;
            let used = ledger.used(&name, day).await.map_err(|e| e.to_string())?;
            Ok(Given { calls, used })
        })
    }

    fn give_back<'a>(&'a self, system: &'a SystemId, day: &'a str, unused: u64) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.0.ledger().give_back(&system.to_string(), day, unused).await {
                tracing::warn!(system = %system, %error, "calls that were not used are lost for the day");
            }
        })
    }
}

/// This hub among the others.
#[derive(Default)]
pub(super) struct Membership(Mutex<Option<Timestamp>>);

impl Membership {
    /// Says that this hub lives, and uses its part of the budgets from now on.
    pub(super) async fn beat(&self, store: &Store, outbound: &Outbound, now: Timestamp) {
        let standing = store.nodes().beat(store.node(), now, now - GONE).await;
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Ok(standing) => {
                *last = Some(now);
                outbound.share(part(standing, now));
            }
            Err(error) => {
                tracing::warn!(%error, "this hub could not say that it lives");
                if last.is_none_or(|at| now.duration_since(at) > CUT_OFF) {
                    outbound.share(Share::NONE);
                }
            }
        }
    }
}

fn part(standing: Standing, now: Timestamp) -> Share {
    if standing.hubs > 1 && now.duration_since(standing.joined) < NOTICED {
        return Share::NONE;
    }
    Share {
        rank: standing.rank,
        hubs: standing.hubs,
    }
}

/// Leaves the others, with what was drawn and not used.
pub(super) async fn leave(store: &Store, outbound: &Outbound) {
    outbound.give_back().await;
    if let Err(error) = store.nodes().leave(store.node()).await {
        tracing::warn!(%error, "this hub could not say that it leaves");
    }
}

/// Forgets the counts of days long gone.
pub(super) async fn tidy(store: &Store, now: Timestamp) {
    let day = hub_core::time::civil(now - SignedDuration::from_hours(24 * DAYS)).date();
    if let Err(error) = store.ledger().forget_before(&day.to_string()).await {
        tracing::warn!(%error, "old counts could not be thrown away");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q22_a_new_hub_waits_until_the_others_know_it() {
        let now: Timestamp = "2026-04-08T03:00:00Z".parse().unwrap();
        let standing = |hubs, seconds| Standing {
            rank: 1,
            hubs,
            joined: now - SignedDuration::from_secs(seconds),
        };
        assert_eq!(part(standing(2, 14), now), Share::NONE);
        assert_eq!(part(standing(2, 15), now), Share { rank: 1, hubs: 2 });
        assert_eq!(
            part(standing(1, 0), now).of(7),
            Share { rank: 1, hubs: 1 }.of(7),
            "alone there is nobody to wait for"
        );
    }
}
