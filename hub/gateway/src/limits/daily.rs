//! Counters of a calendar day in China.

use hub_core::time::{Timestamp, china, civil};
use std::collections::HashMap;
use std::sync::Mutex;

const SHARDS: usize = 16;

/// Counters by key; all are forgotten when the day changes.
#[derive(Debug)]
pub(super) struct Daily {
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    day: i64,
    used: HashMap<u64, u32>,
}

/// State of a counter after a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) admitted: bool,
    pub(super) remaining: u32,
}

impl Daily {
    pub(super) fn new() -> Self {
        Self {
            shards: std::array::from_fn(|_| Mutex::default()),
        }
    }

    /// Takes one of `quota` calls.
    pub(super) fn take(&self, key: u64, quota: u32, now: Timestamp) -> Count {
        let refused = Count {
            admitted: false,
            remaining: 0,
        };
        let place = usize::try_from(key % SHARDS as u64).unwrap_or(0);
        let Some(Ok(mut shard)) = self.shards.get(place).map(Mutex::lock) else {
            return refused;
        };
        let today = day(now);
        if shard.day != today {
            shard.day = today;
            shard.used.clear();
        }
        let used = shard.used.entry(key).or_insert(0);
        if *used >= quota {
            return refused;
        }
        *used += 1;
        Count {
            admitted: true,
            remaining: quota - *used,
        }
    }
}

/// Days since the epoch, in China.
fn day(now: Timestamp) -> i64 {
    (now.as_second() + 8 * 3600).div_euclid(86_400)
}

/// Seconds until the next day begins.
pub(super) fn until_midnight(now: Timestamp) -> u64 {
    let tomorrow = civil(now).date().tomorrow().and_then(|d| d.to_zoned(china()));
    tomorrow.map_or(86_400, |z| {
        u64::try_from(z.timestamp().as_second() - now.as_second())
            .unwrap_or(1)
            .max(1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_china() {
        let daily = Daily::new();
        // 2026-04-08T23:59:59+08:00 and one second later.
        let late: Timestamp = "2026-04-08T15:59:59Z".parse().unwrap();
        let next: Timestamp = "2026-04-08T16:00:00Z".parse().unwrap();
        assert_eq!(until_midnight(late), 1);
        assert_eq!(until_midnight(next), 86_400);
        assert_eq!(
            daily.take(1, 2, late),
            Count {
                admitted: true,
                remaining: 1
            }
        );
        assert!(daily.take(1, 2, late).admitted);
        assert!(!daily.take(1, 2, late).admitted);
        assert!(daily.take(17, 2, late).admitted);
        assert!(daily.take(1, 2, next).admitted);
    }
}
