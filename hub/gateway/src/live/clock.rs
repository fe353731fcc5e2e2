//! The clocks of the upstreams: how far they are from ours, as the Date of their answers tells it (RFC 9110, 6.6.1).

use hub_core::time::Timestamp;
use hub_core::{RawResponse, SystemId};
use jiff::SignedDuration;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// A Date has whole seconds and is a moment old: less than this is no difference.
const NOTHING: i64 = 2_000;

/// Differences by system, in milliseconds; positive where the system's clock is ahead.
#[derive(Debug, Default)]
pub(super) struct Clocks(Mutex<BTreeMap<SystemId, i64>>);

impl Clocks {
    /// Looks at an answer that came just now.
    pub(super) fn look(&self, system: &SystemId, response: &RawResponse, now: Timestamp) {
        let Some(date) = response.header("date").and_then(|d| date(d.trim())) else {
            return;
        };
        let ahead = date.as_millisecond() + 500 - now.as_millisecond();
        let ahead = if ahead.abs() < NOTHING { 0 } else { ahead };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(system.clone(), ahead);
    }

    /// Our time by a system's clock.
    pub(super) fn of(&self, system: &SystemId, now: Timestamp) -> Timestamp {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = all.get(system).copied().unwrap_or(0);
        now.checked_add(SignedDuration::from_millis(ahead)).unwrap_or(now)
    }

    /// All differences that are some.
    pub(super) fn all(&self) -> Vec<(SystemId, i64)> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().map(|(system, ahead)| (system.clone(), *ahead)).collect()
    }
}

fn date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|z| z.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q18_the_clock_of_answers_is_learnt() {
        let clocks = Clocks::default();
        let system = SystemId::new("a", "b");
        let answer = |date: &str| RawResponse {
            status: 200,
            headers: vec![("Date".into(), date.into())],
            body: Vec::new(),
        };
        let now: Timestamp = "1994-11-06T08:49:37.5Z".parse().unwrap();
        assert_eq!(clocks.of(&system, now), now);
        // The example of RFC 9110, 5.6.7.
        clocks.look(&system, &answer("Sun, 06 Nov 1994 08:49:37 GMT"), now);
        assert_eq!(clocks.of(&system, now), now);
        clocks.look(&system, &answer("Sun, 06 Nov 1994 08:54:37 GMT"), now);
        assert_eq!(clocks.of(&system, now).duration_since(now).as_secs(), 300);
        clocks.look(&system, &answer("yesterday"), now);
        assert_eq!(clocks.all(), [(system, 300_000)]);
    }
}
