//! What all workers share about one upstream: its breaker, its rate, its daily budget, its places.

use crate::breaker::{Breaker, BreakerPhase, BreakerSettings, Pass};
use crate::budget::{Daily, Lack, Token};
use crate::denied::Denied;
use crate::gate::{Full, Gate, Place};
use crate::ledger::Ledger;
use crate::{SendError, SendErrorKind};
use hub_core::SystemId;
use hub_core::ports::Clock;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

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
    /// Calls this hub made today.
    pub used_today: u64,
}

/// Shared state of one upstream.
pub(crate) struct Upstream {
    system: SystemId,
    breaker: Breaker,
    gate: Arc<Gate>,
    daily: Mutex<Daily>,
    pub(crate) denied: Denied,
    /// One draws from the ledger at a time, or every waiting call would take a piece of its own.
    drawing: tokio::sync::Mutex<()>,
}

/// Who wants to call, and what it may cost.
pub(crate) struct Visit<'a> {
    pub(crate) limits: UpstreamLimits,
    pub(crate) tenant: &'a str,
    pub(crate) deadline: Instant,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) ledger: Option<&'a dyn Ledger>,
}

/// Leave to make one attempt.
pub(crate) struct Entry<'a> {
    pub(crate) pass: Pass<'a>,
    /// Held until the attempt is over.
    pub(crate) place: Option<Place>,
}

impl Upstream {
    pub(crate) fn new(system: SystemId, settings: BreakerSettings) -> Self {
        Self {
            system,
            breaker: Breaker::new(settings, Instant::now()),
            gate: Arc::default(),
            daily: Mutex::default(),
            denied: Denied::default(),
            drawing: tokio::sync::Mutex::default(),
        }
    }

    fn daily(&self) -> MutexGuard<'_, Daily> {
        self.daily.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn counts(&self, status: u16) -> bool {
        self.breaker.counts(status)
    }

    /// Waits for a place and a departure, both before the deadline, and takes them and one call of the day's budget.
    pub(crate) async fn enter(&self, visit: &Visit<'_>) -> Result<Entry<'_>, SendError> {
        let now = Instant::now();
        self.breaker.look(now).map_err(resting)?;
        // Half of what is left at most: a call that gets its place at the very end is wasted on the upstream.
        let latest = (now + QUEUE).min(now + visit.deadline.saturating_duration_since(now) / 2);
        let UpstreamLimits {
            rps,
            daily,
            concurrency,
        } = visit.limits;
        // First the day's budget, so that nobody waits in vain.
        let mut held = self.token(daily, visit).await?;
        let place = if rps.is_some() || concurrency.is_some() {
            match self.gate.enter(visit.limits, visit.tenant, latest).await {
                Ok(place) => Some(place),
                Err(Full { retry_after, because }) => {
                    self.give_up(held, visit);
                    return Err(full(retry_after).because(because));
                }
            }
        } else {
            None
        };
        // It may have become another day in the queue.
        if held
            .as_ref()
            .is_some_and(|token| !Daily::is_today(token, visit.clock.now()))
        {
            held = self.token(daily, visit).await?;
        }
        match self.breaker.admit(Instant::now()) {
            Ok(pass) => {
                if held.is_none() {
                    self.daily().count(visit.clock.now());
                }
                if let Some(place) = &place {
                    place.leave();
                }
                Ok(Entry { pass, place })
            }
            Err(wait) => {
                self.give_up(held, visit);
                Err(resting(wait))
            }
        }
    }

    /// One call of the day's budget; `None` where there is no limit.
    async fn token(&self, most: Option<u64>, visit: &Visit<'_>) -> Result<Option<Token>, SendError> {
        let Some(most) = most else { return Ok(None) };
        let take = || {
            self.daily()
                .take(most, visit.tenant, visit.ledger.is_some(), visit.clock.now())
        };
        match (take(), visit.ledger) {
            (Ok(token), _) => return Ok(Some(token)),
            (Err(Lack::Draw { .. }), Some(ledger)) => {
                let _one_at_a_time = self.drawing.lock().await;
                match take() {
                    Ok(token) => return Ok(Some(token)),
                    Err(Lack::Draw { day, want }) => match ledger.take(&self.system, &day, want, most).await {
                        Ok(given) => self.daily().drew(&day, given),
                        // Nobody can tell what is left, so nothing is.
                        Err(words) => return Err(full(QUEUE).because(format!("the ledger is silent: {words}"))),
                    },
                    Err(lack) => return Err(lacking(&lack)),
                }
            }
            (Err(lack), _) => return Err(lacking(&lack)),
        }
        take().map(Some).map_err(|lack| lacking(&lack))
    }

    fn give_up(&self, token: Option<Token>, visit: &Visit<'_>) {
        if let Some(token) = token {
            self.daily().put_back(token, visit.ledger.is_some());
        }
    }

    pub(crate) fn health(&self, system: &SystemId, clock: &dyn Clock) -> UpstreamHealth {
        UpstreamHealth {
            system: system.clone(),
            phase: self.breaker.phase(Instant::now()),
            used_today: self.daily().used(clock.now()),
        }
    }

    /// What was drawn from the ledger and is not used, with its day.
    pub(crate) fn empty(&self) -> Option<(String, u64)> {
        self.daily().empty()
    }
}

fn lacking(lack: &Lack) -> SendError {
    match lack {
        Lack::Spent(wait) => full(*wait).because("the daily budget is used up"),
        Lack::Share(wait) => full(*wait).because("the tenant has had its share of the daily budget"),
        Lack::Draw { .. } => full(QUEUE).because("no more of the daily budget could be drawn"),
    }
}

fn full(retry_after: Duration) -> SendError {
    SendError::unsent(SendErrorKind::Budget { retry_after })
}

fn resting(retry_after: Duration) -> SendError {
    SendError::unsent(SendErrorKind::BreakerOpen { retry_after })
}
