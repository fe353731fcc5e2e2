//! The gate before one upstream: places and departures, given to tenants in turn.
//!
//! A queue in order of arrival would give a tenant that sends a thousand calls a thousand turns before anybody else's
//! first. So there is a queue a tenant, and the gate goes round.

use crate::UpstreamLimits;
use crate::pace::Pace;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

/// Calls of one tenant that may wait at one upstream.
const WAITING: usize = 256;
/// Said where nothing better is known.
const SOON: Duration = Duration::from_secs(3);

/// The gate before one upstream.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    limits: UpstreamLimits,
    pace: Pace,
    taken: u32,
    waiting: BTreeMap<Box<str>, VecDeque<oneshot::Sender<Place>>>,
    /// Whose turn was last.
    last: Box<str>,
}

/// A place at the upstream, freed when it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    gate: Option<Arc<Gate>>,
    booked: Instant,
}

impl Place {
    /// The call leaves now.
    pub(crate) fn leave(&self) {
        if let Some(gate) = &self.gate {
            gate.state().pace.left(self.booked, Instant::now());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(gate) = self.gate.take() {
            let mut state = gate.state();
            state.taken = state.taken.saturating_sub(1);
            state.open(&gate, Instant::now());
        }
    }
}

/// No room before the latest time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full {
    /// When it is worth coming back.
    pub(crate) retry_after: Duration,
    /// Words for the operator.
    pub(crate) because: &'static str,
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place and a departure. When this returns the call has to leave at once.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        limits: UpstreamLimits,
        tenant: &str,
        latest: Instant,
    ) -> Result<Place, Full> {
        let mut told = self.queue(limits, tenant, latest)?;
        loop {
            let now = Instant::now();
            let next = self.state().next(now).min(latest).max(now + Duration::from_millis(1));
            tokio::select! {
                biased;
                place = &mut told => return place.map_err(|_| none("the gate is closed")),
                () = sleep_until(next) => {}
            }
            let now = Instant::now();
            self.state().open(self, now);
            if now >= latest {
                told.close();
                return told.try_recv().map_err(|_| none("no room before the deadline"));
            }
        }
    }

    fn queue(
        self: &Arc<Self>,
        limits: UpstreamLimits,
        tenant: &str,
        latest: Instant,
    ) -> Result<oneshot::Receiver<Place>, Full> {
        let now = Instant::now();
        let mut state = self.state();
        state.limits = limits;
        if limits.rps == Some(0) || limits.concurrency == Some(0) {
            return Err(none("this hub has no part of the upstream's budget now"));
        }
        let queue = state.waiting.entry(tenant.into()).or_default();
        queue.retain(|w| !w.is_closed());
        let ahead = queue.len();
        if ahead >= WAITING {
            return Err(none("too many calls wait already"));
        }
        if let Some(rps) = limits.rps {
            // Even if the others had nothing to send.
            let wait = state.pace.wait(rps, now, ahead);
            if now + wait > latest {
                return Err(Full {
                    retry_after: wait,
                    because: "the rate allowed is used up",
                });
            }
        }
        let (tell, told) = oneshot::channel();
        state.waiting.entry(tenant.into()).or_default().push_back(tell);
        state.open(self, now);
        Ok(told)
    }
}

fn none(because: &'static str) -> Full {
    Full {
        retry_after: SOON,
        because,
    }
}

impl State {
    /// When it is worth looking again; a place that is freed looks by itself.
    fn next(&mut self, now: Instant) -> Instant {
        match self.limits.rps {
            Some(rps) if !self.is_crowded() => self.pace.next(rps, now),
            _ => now + SOON,
        }
    }

    fn is_crowded(&self) -> bool {
        self.limits.concurrency.is_some_and(|most| self.taken >= most)
    }

    /// Lets in whoever may go now.
    fn open(&mut self, gate: &Arc<Gate>, now: Instant) {
        while !self.is_crowded() {
            if self
                .limits
                .rps
                .is_some_and(|rps| rps == 0 || self.pace.next(rps, now) > now)
            {
                return;
            }
            let Some(waiter) = self.turn() else { return };
            if let Some(rps) = self.limits.rps {
                let _now = self.pace.book(rps, now, now);
            }
            self.taken += 1;
            let place = Place {
                gate: Some(Arc::clone(gate)),
                booked: now,
            };
            if let Err(mut place) = waiter.send(place) {
                // It left at this very moment. Its departure is lost, which exceeds nothing.
                place.gate = None;
                self.taken -= 1;
            }
        }
    }

    /// The next waiter of the tenant after the last one.
    fn turn(&mut self) -> Option<oneshot::Sender<Place>> {
        let after = (std::ops::Bound::Excluded(self.last.clone()), std::ops::Bound::Unbounded);
        let order: Vec<Box<str>> = self
            .waiting
            .range::<Box<str>, _>(after)
            .chain(self.waiting.iter())
            .map(|(tenant, _)| tenant.clone())
            .take(self.waiting.len())
            .collect();
        for tenant in order {
            let Some(queue) = self.waiting.get_mut(&tenant) else {
                continue;
            };
            let mut found = None;
            while let Some(waiter) = queue.pop_front() {
                if !waiter.is_closed() {
                    found = Some(waiter);
                    break;
                }
            }
            if queue.is_empty() {
                self.waiting.remove(&tenant);
            }
            if found.is_some() {
                self.last = tenant;
                return found;
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(rps: Option<u32>, concurrency: Option<u32>) -> UpstreamLimits {
        UpstreamLimits {
            rps,
            daily: None,
            concurrency,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn q22_tenants_take_turns_at_a_crowded_gate() {
        let gate = Arc::new(Gate::default());
        let held = gate.enter(limits(None, Some(1)), "big", soon()).await.unwrap();
        let (tell, mut order) = tokio::sync::mpsc::unbounded_channel();
        for (tenant, calls) in [("big", 5), ("small", 2)] {
            for _ in 0..calls {
                let (gate, tell) = (gate.clone(), tell.clone());
                tokio::spawn(async move {
                    let place = gate.enter(limits(None, Some(1)), tenant, soon()).await.unwrap();
                    tell.send(tenant).unwrap();
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    drop(place);
                });
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        drop((held, tell));
        let mut seen = Vec::new();
        while let Some(tenant) = order.recv().await {
            seen.push(tenant);
        }
        assert_eq!(seen, ["small", "big", "small", "big", "big", "big", "big"]);
        assert_eq!(gate.state().taken, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_leaves_the_queue_holds_up_nobody() {
        let gate = Arc::new(Gate::default());
        let held = gate.enter(limits(None, Some(1)), "a", soon()).await.unwrap();
        let hurried = gate
            .enter(limits(None, Some(1)), "a", Instant::now() + Duration::from_millis(50))
            .await;
        assert!(hurried.is_err());
        let gone = tokio::time::timeout(Duration::from_millis(5), gate.enter(limits(None, Some(1)), "a", soon()));
        assert!(gone.await.is_err());
        let next = tokio::spawn({
            let gate = gate.clone();
            async move { gate.enter(limits(None, Some(1)), "a", soon()).await.is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(held);
        assert!(next.await.unwrap());
        assert_eq!(gate.state().taken, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_in_time_is_refused_at_once() {
        let gate = Arc::new(Gate::default());
        let began = Instant::now();
        let latest = began + Duration::from_millis(500);
        let mut places = Vec::new();
        for _ in 0..2 {
            places.push(gate.enter(limits(Some(2), None), "a", latest).await.unwrap());
        }
        let full = gate.enter(limits(Some(2), None), "a", latest).await.unwrap_err();
        assert_eq!(
            (began.elapsed(), full.because),
            (Duration::ZERO, "the rate allowed is used up")
        );
        assert!(full.retry_after > Duration::from_secs(1));
        assert!(gate.enter(limits(Some(0), None), "a", latest).await.is_err());
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(3)
    }
}
