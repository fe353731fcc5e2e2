//! Calls allowed towards one upstream in one civil day of China.

use hub_core::SystemId;
use hub_core::time::{Timestamp, china, civil};
use jiff::civil::Date;
use std::time::Duration;

/// Calls made on one day, for keeping across a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyUse {
    /// Whose.
    pub system: SystemId,
    /// Civil day in China, `yyyy-MM-dd`.
    pub day: String,
    /// Calls made.
    pub used: u64,
}

/// The count of one upstream.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Daily {
    day: Option<Date>,
    used: u64,
}

impl Daily {
    pub(crate) fn used(&self, now: Timestamp) -> u64 {
        if self.day == Some(civil(now).date()) {
            self.used
        } else {
            0
        }
    }

    /// Takes one call; the time to the next midnight if none is left.
    pub(crate) fn take(&mut self, limit: Option<u64>, now: Timestamp) -> Result<(), Duration> {
        let today = civil(now).date();
        if self.day != Some(today) {
            *self = Self {
                day: Some(today),
                used: 0,
            };
        }
        if limit.is_some_and(|most| self.used >= most) {
            return Err(to_midnight(now));
        }
        self.used = self.used.saturating_add(1);
        Ok(())
    }

    /// The count as it is kept.
    pub(crate) fn written(&self, system: &SystemId) -> Option<DailyUse> {
        self.day.map(|day| DailyUse {
            system: system.clone(),
            day: day.to_string(),
            used: self.used,
        })
    }

    /// Takes a kept count up again; the larger of two counts of one day is true.
    pub(crate) fn restore(&mut self, kept: &DailyUse) {
        let Ok(day) = kept.day.parse::<Date>() else { return };
        match self.day {
            Some(mine) if mine > day => {}
            Some(mine) if mine == day => self.used = self.used.max(kept.used),
            _ => {
                *self = Self {
                    day: Some(day),
                    used: kept.used,
                };
            }
        }
    }
}

fn to_midnight(now: Timestamp) -> Duration {
    civil(now)
        .date()
        .tomorrow()
        .ok()
        .and_then(|day| day.to_zoned(china()).ok())
        .and_then(|midnight| Duration::try_from(midnight.timestamp().duration_since(now)).ok())
        .unwrap_or(Duration::from_secs(60))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_china() {
        let evening: Timestamp = "2026-03-01T15:59:30Z".parse().unwrap();
        let mut daily = Daily::default();
        assert_eq!(daily.take(Some(1), evening), Ok(()));
        assert_eq!(daily.take(Some(1), evening), Err(Duration::from_secs(30)));
        let next: Timestamp = "2026-03-01T16:00:00Z".parse().unwrap();
        assert_eq!(daily.used(next), 0);
        assert_eq!(daily.take(Some(1), next), Ok(()));
    }

    #[test]
    fn a_kept_count_never_frees_budget() {
        let now: Timestamp = "2026-03-01T01:00:00Z".parse().unwrap();
        let id = SystemId::new("a", "b");
        let mut daily = Daily::default();
        daily.take(None, now).unwrap();
        daily.restore(&DailyUse {
            system: id.clone(),
            day: "2026-03-01".into(),
            used: 7,
        });
        daily.restore(&DailyUse {
            system: id.clone(),
            day: "2026-02-28".into(),
            used: 99,
        });
        daily.restore(&DailyUse {
            system: id.clone(),
            day: "nonsense".into(),
            used: 99,
        });
        assert_eq!(daily.used(now), 7);
        assert_eq!(daily.written(&id).unwrap().used, 7);
    }
}
