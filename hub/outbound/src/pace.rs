//! The rate towards one upstream: never more than `rps` calls in any second, wherever the second starts.
//!
//! A log of the last `rps` departures rather than a token bucket: a bucket lets burst plus refill through within one
//! second, and agencies block clients for that.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// A second and a little: calls travel, and may arrive closer together than they left.
const WINDOW: Duration = Duration::from_millis(1100);

/// Beyond this no log is kept.
const MOST: u32 = 100_000;

/// Departures of one upstream.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    log: VecDeque<Instant>,
}

impl Pace {
    /// When the next call may leave.
    pub(crate) fn next(&mut self, rps: u32, now: Instant) -> Instant {
        if rps >= MOST {
            return now;
        }
        let most = rps.max(1) as usize;
        while self.log.len() > most {
            self.log.pop_front();
        }
        let slot = if self.log.len() < most {
            now
        } else {
            self.log.front().map_or(now, |first| now.max(*first + WINDOW))
        };
        // A change of the limit may have left later bookings: never overtake them.
        self.log.back().map_or(slot, |last| slot.max(*last))
    }

    /// Books the next departure, not after `latest`; the wait for the next free one if that is too late.
    pub(crate) fn book(&mut self, rps: u32, now: Instant, latest: Instant) -> Result<Instant, Duration> {
        let slot = self.next(rps, now);
        if slot > latest {
            return Err(slot - now);
        }
        if rps < MOST {
            self.log.push_back(slot);
            if self.log.len() > rps.max(1) as usize {
                self.log.pop_front();
            }
        }
        Ok(slot)
    }

    /// A call that was to leave at `booked` leaves now: on a busy machine that can be later.
    pub(crate) fn left(&mut self, booked: Instant, now: Instant) {
        if let Some(place) = self.log.iter().position(|at| *at == booked) {
            self.log.remove(place);
            let after = self.log.partition_point(|at| *at <= now);
            self.log.insert(after, now);
        }
    }

    /// How long the last of `ahead + 1` calls waits if all leave as early as they may.
    pub(crate) fn wait(&self, rps: u32, now: Instant, ahead: usize) -> Duration {
        let mut pace = Self { log: self.log.clone() };
        let mut slot = now;
        for _ in 0..=ahead {
            // Bookings are in order, so that the last is the latest.
            slot = pace.next(rps, now);
            if rps < MOST {
                pace.log.push_back(slot);
            }
        }
        slot.saturating_duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_full_second_waits_and_a_late_slot_is_not_booked() {
        let now = Instant::now();
        let far = now + Duration::from_secs(60);
        let mut pace = Pace::default();
        assert_eq!(pace.book(2, now, far), Ok(now));
        assert_eq!(pace.book(2, now, far), Ok(now));
        assert_eq!(pace.book(2, now, now), Err(WINDOW));
        assert_eq!(pace.book(2, now, far), Ok(now + WINDOW));
    }

    #[test]
    fn a_second_is_counted_from_when_a_call_really_left() {
        let now = Instant::now();
        let mut pace = Pace::default();
        pace.book(1, now, now).unwrap();
        let late = now + Duration::from_millis(400);
        pace.left(now, late);
        assert_eq!(pace.next(1, late), late + WINDOW);
    }

    proptest! {
        #[test]
        fn no_second_ever_sees_more_than_the_limit(rps in 1_u32..20, gaps in prop::collection::vec(0_u64..400, 1..200)) {
            let start = Instant::now();
            let (mut now, mut pace, mut out) = (start, Pace::default(), Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Ok(slot) = pace.book(rps, now, now + Duration::from_millis(700)) {
                    out.push(slot);
                }
            }
            for (i, first) in out.iter().enumerate() {
                let within = out[i..].iter().filter(|t| **t < *first + Duration::from_secs(1)).count();
                prop_assert!(within <= rps as usize);
            }
        }
    }
}
