//! What all workers share about one upstream: its breaker, its rate, its daily budget, its places.

use crate::breaker::{Breaker, BreakerPhase, BreakerSettings, Pass};
use crate::budget::{Daily, DailyUse};
use crate::pace::Pace;
use crate::{SendError, SendErrorKind};
use hub_core::SystemId;
use hub_core::ports::Clock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Longest wait for a place or a departure.
const QUEUE: Duration = Duration::from_secs(3);

/// Limits of one upstream, as its manifest says them. `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UpstreamLimits {
    /// Calls in any second.
    pub rps: Option<u32>,
    /// Calls in one civil day of China.
    pub daily: Option<u64>,
    /// Calls at once.
    pub concurrency: Option<u32>,
}

/// How an upstream is doing; for operators' screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamHealth {
    /// Which.
    pub system: SystemId,
    /// Its breaker.
    pub phase: BreakerPhase,
    /// Calls made today.
    pub used_today: u64,
}

#[derive(Debug, Default)]
struct Books {
    pace: Pace,
    daily: Daily,
    places: Option<(u32, Arc<Semaphore>)>,
}

/// Shared state of one upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    breaker: Breaker,
    books: Mutex<Books>,
}

/// Leave to make one attempt.
pub(crate) struct Entry<'a> {
    pub(crate) pass: Pass<'a>,
    /// Held until the attempt is over.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

impl Upstream {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self {
            breaker: Breaker::new(settings, Instant::now()),
            books: Mutex::default(),
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn counts(&self, status: u16) -> bool {
        self.breaker.counts(status)
    }

    /// Waits for a place and a departure, both before the deadline, and takes them.
    pub(crate) async fn enter(
        &self,
        limits: UpstreamLimits,
        deadline: Instant,
        clock: &dyn Clock,
    ) -> Result<Entry<'_>, SendError> {
        let now = Instant::now();
        self.breaker.look(now).map_err(resting)?;
        // Half of what is left at most: a call that gets its place at the very end is wasted on the upstream.
        let latest = (now + QUEUE).min(now + deadline.saturating_duration_since(now) / 2);
        let place = self.place(limits.concurrency, latest).await?;
        let departure = self.depart(limits, latest, clock)?;
        if let Some(at) = departure {
            sleep_until(at).await;
        }
        let pass = self.breaker.admit(Instant::now()).map_err(resting)?;
        Ok(Entry { pass, place })
    }

    async fn place(&self, most: Option<u32>, latest: Instant) -> Result<Option<OwnedSemaphorePermit>, SendError> {
        let Some(most) = most else { return Ok(None) };
        let places = {
            let mut books = self.books();
            match &books.places {
                Some((size, places)) if *size == most => Arc::clone(places),
                _ => {
                    // A changed limit starts anew; calls under way finish on the old places.
                    let places = Arc::new(Semaphore::new(most.max(1) as usize));
                    books.places = Some((most, Arc::clone(&places)));
                    places
                }
            }
        };
        match timeout_at(latest, places.acquire_owned()).await {
            Ok(Ok(permit)) => Ok(Some(permit)),
            _ => Err(full(QUEUE).because("all places at the upstream are taken")),
        }
    }

    /// Books budget and departure in one step, so that a call refused by one does not use up the other.
    fn depart(&self, limits: UpstreamLimits, latest: Instant, clock: &dyn Clock) -> Result<Option<Instant>, SendError> {
        let mut books = self.books();
        let today = clock.now();
        if limits.daily.is_some_and(|most| books.daily.used(today) >= most) {
            let wait = books.daily.take(limits.daily, today).err().unwrap_or(QUEUE);
            return Err(full(wait).because("the daily budget is used up"));
        }
        let departure = match limits.rps {
            Some(rps) => Some(
                books
                    .pace
                    .book(rps, Instant::now(), latest)
                    .map_err(|wait| full(wait).because("the rate allowed is used up"))?,
            ),
            None => None,
        };
        books.daily.take(limits.daily, today).map_err(full)?;
        Ok(departure)
    }

    pub(crate) fn health(&self, system: &SystemId, clock: &dyn Clock) -> UpstreamHealth {
        UpstreamHealth {
            system: system.clone(),
            phase: self.breaker.phase(Instant::now()),
            used_today: self.books().daily.used(clock.now()),
        }
    }

    pub(crate) fn daily(&self, system: &SystemId) -> Option<DailyUse> {
        self.books().daily.written(system)
    }

    pub(crate) fn restore(&self, kept: &DailyUse) {
        self.books().daily.restore(kept);
    }
}

fn full(retry_after: Duration) -> SendError {
    SendError::unsent(SendErrorKind::Budget { retry_after })
}

fn resting(retry_after: Duration) -> SendError {
    SendError::unsent(SendErrorKind::BreakerOpen { retry_after })
}
