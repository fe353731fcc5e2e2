//! The circuit breaker of one upstream: a sliding window, a rest that doubles, one probe at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Slices of the window; one slice is forgotten at a time.
const SLICES: usize = 10;

/// When a breaker opens and how it closes again.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerSettings {
    /// Length of the sliding window.
    pub window: Duration,
    /// Calls in the window below which nothing is concluded.
    pub least_calls: u32,
    /// Share of failures at which it opens, 0 to 1.
    pub failures: f64,
    /// First rest; doubles with every failed probe.
    pub rest: Duration,
    /// Longest rest.
    pub longest_rest: Duration,
    /// HTTP statuses that count as failures of the upstream. 500 is left out: many back ends say a business error so.
    pub statuses: Vec<u16>,
}

impl Default for BreakerSettings {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(10),
            least_calls: 8,
            failures: 0.5,
            rest: Duration::from_secs(2),
            longest_rest: Duration::from_secs(30),
            statuses: vec![502, 503, 504],
        }
    }
}

/// What a breaker does now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerPhase {
    /// Lets everything through.
    Closed,
    /// Lets nothing through.
    Open,
    /// Lets one probe through.
    HalfOpen,
}

/// How a call ended, as far as the upstream's health goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The upstream works.
    Good,
    /// It does not.
    Bad,
    /// Says nothing about it.
    Neutral,
}

#[derive(Debug, Clone, Copy, Default)]
struct Slice {
    number: u64,
    calls: u32,
    bad: u32,
}

#[derive(Debug)]
struct State {
    slices: [Slice; SLICES],
    open_until: Option<Instant>,
    /// Failed probes in a row.
    round: u32,
    probing: bool,
    /// Goes up with every change of phase, so that late reports of an earlier phase are dropped.
    age: u64,
}

/// One breaker.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    start: Instant,
    state: Mutex<State>,
}

/// Leave to call; must be settled, and counts as neutral when dropped (the caller went away).
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    age: u64,
    probe: bool,
    settled: bool,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings, now: Instant) -> Self {
        Self {
            settings,
            start: now,
            state: Mutex::new(State {
                slices: [Slice::default(); SLICES],
                open_until: None,
                round: 0,
                probing: false,
                age: 0,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a call would be let through now; the wait if not.
    pub(crate) fn look(&self, now: Instant) -> Result<(), Duration> {
        let state = self.state();
        match state.open_until {
            Some(until) if now < until => Err(until - now),
            Some(_) if state.probing => Err(self.settings.rest),
            _ => Ok(()),
        }
    }

    /// Takes leave to call.
    pub(crate) fn admit(&self, now: Instant) -> Result<Pass<'_>, Duration> {
        self.look(now)?;
        let mut state = self.state();
        let probe = state.open_until.is_some();
        if probe {
            // Looked at again under the lock: only one of two callers may probe.
            if state.probing {
                return Err(self.settings.rest);
            }
            state.probing = true;
        }
        Ok(Pass {
            breaker: self,
            age: state.age,
            probe,
            settled: false,
        })
    }

    pub(crate) fn phase(&self, now: Instant) -> BreakerPhase {
        match self.state().open_until {
            None => BreakerPhase::Closed,
            Some(until) if now < until => BreakerPhase::Open,
            Some(_) => BreakerPhase::HalfOpen,
        }
    }

    pub(crate) fn counts(&self, status: u16) -> bool {
        self.settings.statuses.contains(&status)
    }

    fn rest(&self, round: u32) -> Duration {
        let factor = 2_u32.saturating_pow(round.min(16));
        self.settings
            .rest
            .saturating_mul(factor)
            .min(self.settings.longest_rest)
    }

    fn report(&self, age: u64, probe: bool, outcome: Outcome, now: Instant) {
        let mut state = self.state();
        if age != state.age {
            return;
        }
        if probe {
            state.probing = false;
            match outcome {
                Outcome::Good => {
                    state.open_until = None;
                    state.round = 0;
                    state.slices = [Slice::default(); SLICES];
                    state.age += 1;
                }
                Outcome::Bad => {
                    state.round = state.round.saturating_add(1);
                    state.open_until = Some(now + self.rest(state.round));
                    state.age += 1;
                }
                Outcome::Neutral => {}
            }
            return;
        }
        if outcome == Outcome::Neutral {
            return;
        }
        let (calls, bad) = self.count(&mut state, outcome == Outcome::Bad, now);
        let many = f64::from(bad) >= f64::from(calls) * self.settings.failures;
        if outcome == Outcome::Bad && calls >= self.settings.least_calls && many {
            state.open_until = Some(now + self.rest(0));
            state.age += 1;
        }
    }

    /// Books one call into its slice and sums the window.
    fn count(&self, state: &mut State, bad: bool, now: Instant) -> (u32, u32) {
        let slice = (self.settings.window / SLICES as u32).max(Duration::from_millis(1));
        let number = u64::try_from((now - self.start).as_millis() / slice.as_millis()).unwrap_or(u64::MAX);
        let place = usize::try_from(number % SLICES as u64).unwrap_or(0);
        if let Some(entry) = state.slices.get_mut(place) {
            if entry.number != number {
                *entry = Slice {
                    number,
                    ..Slice::default()
                };
            }
            entry.calls = entry.calls.saturating_add(1);
            entry.bad = entry.bad.saturating_add(u32::from(bad));
        }
        state
            .slices
            .iter()
            .filter(|s| number.saturating_sub(s.number) < SLICES as u64)
            .fold((0, 0), |(calls, bad), s| (calls + s.calls, bad + s.bad))
    }
}

impl Pass<'_> {
    /// Says how the call ended.
    pub(crate) fn settle(mut self, outcome: Outcome, now: Instant) {
        self.settled = true;
        self.breaker.report(self.age, self.probe, outcome, now);
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if !self.settled && self.probe {
            self.breaker
                .report(self.age, true, Outcome::Neutral, self.breaker.start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    fn call(b: &Breaker, now: Instant, outcome: Outcome) {
        b.admit(now).unwrap().settle(outcome, now);
    }

    fn opened() -> (Breaker, Instant) {
        let start = Instant::now();
        let b = Breaker::new(BreakerSettings::default(), start);
        for i in 0..8 {
            call(&b, at(start, i), Outcome::Bad);
        }
        assert_eq!(b.phase(at(start, 10)), BreakerPhase::Open);
        (b, start)
    }

    #[test]
    fn opens_rests_probes_once_and_closes() {
        let (b, start) = opened();
        assert!(b.admit(at(start, 1000)).is_err());
        let probe = b.admit(at(start, 2100)).unwrap();
        assert!(b.admit(at(start, 2100)).is_err(), "one probe at a time");
        probe.settle(Outcome::Good, at(start, 2200));
        assert_eq!(b.phase(at(start, 2200)), BreakerPhase::Closed);
        call(&b, at(start, 2300), Outcome::Bad);
        assert_eq!(
            b.phase(at(start, 2300)),
            BreakerPhase::Closed,
            "old failures are forgotten"
        );
    }

    #[test]
    fn a_failed_probe_doubles_the_rest() {
        let (b, start) = opened();
        call(&b, at(start, 2100), Outcome::Bad);
        assert!(b.admit(at(start, 2100 + 3900)).is_err());
        call(&b, at(start, 2100 + 4001), Outcome::Good);
        assert_eq!(b.phase(at(start, 6200)), BreakerPhase::Closed);
    }

    #[test]
    fn a_probe_whose_caller_left_frees_its_place() {
        let (b, start) = opened();
        drop(b.admit(at(start, 2100)).unwrap());
        assert!(b.admit(at(start, 2101)).is_ok());
    }

    #[test]
    fn failures_spread_over_more_than_the_window_or_among_good_calls_do_not_open() {
        let start = Instant::now();
        let b = Breaker::new(BreakerSettings::default(), start);
        for i in 0..30 {
            call(&b, at(start, i * 2000), Outcome::Bad);
        }
        assert_eq!(b.phase(at(start, 60_000)), BreakerPhase::Closed);
        let c = Breaker::new(BreakerSettings::default(), start);
        for i in 0..100 {
            call(&c, at(start, i), Outcome::Good);
            call(&c, at(start, i), if i % 4 == 0 { Outcome::Bad } else { Outcome::Good });
        }
        assert_eq!(c.phase(at(start, 200)), BreakerPhase::Closed);
    }

    #[test]
    fn neutral_calls_conclude_nothing() {
        let start = Instant::now();
        let b = Breaker::new(BreakerSettings::default(), start);
        for i in 0..50 {
            call(&b, at(start, i), Outcome::Neutral);
        }
        assert_eq!(b.phase(at(start, 60)), BreakerPhase::Closed);
    }
}
