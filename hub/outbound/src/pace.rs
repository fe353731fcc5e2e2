//! The rate towards one upstream: never more than `rps` calls in any second, wherever the second starts.
//!
//! A log of the last `rps` departures rather than a token bucket: a bucket lets burst plus refill through within one
//! second, and agencies block clients for that.

use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// A second and a little: calls travel, and may arrive closer together than they left.
const WINDOW: Duration = Duration::from_millis(1050);

/// Beyond this no log is kept.
const MOST: u32 = 100_000;

/// Departures of one upstream.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    log: VecDeque<Instant>,
}

impl Pace {
    /// Books the next departure, not after `latest`; the wait for the next free one if that is too late.
    pub(crate) fn book(&mut self, rps: u32, now: Instant, latest: Instant) -> Result<Instant, Duration> {
        if rps >= MOST {
            return Ok(now);
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
        let slot = self.log.back().map_or(slot, |last| slot.max(*last));
        if slot > latest {
            return Err(slot - now);
        }
        self.log.push_back(slot);
        if self.log.len() > most {
            self.log.pop_front();
        }
        Ok(slot)
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
