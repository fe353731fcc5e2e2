//! Calls allowed towards one upstream in one civil day of China.

use crate::ledger::Given;
use hub_core::time::{Timestamp, china, civil};
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::time::Duration;

/// The day of one upstream: what this hub has used, and what it has drawn from the ledger and not used.
#[derive(Debug, Default)]
pub(crate) struct Daily {
    day: Option<Date>,
    used: u64,
    drawn: u64,
    /// Given out to all hubs, when the ledger was last asked.
    known: u64,
    tenants: BTreeMap<Box<str>, u64>,
}

/// One call of a day's budget.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Token {
    day: Option<Date>,
    tenant: Box<str>,
}

/// Why there is no token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// The ledger has to be asked for more.
    Draw {
        /// Day, as the ledger writes it.
        day: String,
        /// How many calls to ask for.
        want: u64,
    },
    /// The day's budget is used up; it is another day after this time.
    Spent(Duration),
    /// What is left is for the tenants that have had less.
    Share(Duration),
}

/// Tenants counted on one day; further ones count as one.
const TENANTS: usize = 1_000;

impl Daily {
    pub(crate) fn used(&self, now: Timestamp) -> u64 {
        if self.day == Some(civil(now).date()) {
            self.used
        } else {
            0
        }
    }

    /// Takes one call for a tenant. With `ledger`, what was not drawn before must be.
    pub(crate) fn take(&mut self, limit: u64, tenant: &str, ledger: bool, now: Timestamp) -> Result<Token, Lack> {
        self.turn(now);
        let all = if ledger {
            self.known - self.drawn.min(self.known)
        } else {
            self.used
        };
        if all >= limit && self.drawn == 0 {
            return Err(Lack::Spent(to_midnight(now)));
        }
        if self.is_unfair(limit, limit.saturating_sub(all), tenant) {
            return Err(Lack::Share(to_midnight(now)));
        }
        if ledger && self.drawn == 0 {
            return Err(Lack::Draw {
                day: civil(now).date().to_string(),
                // Small pieces: what a hub that dies has drawn is lost for the day.
                want: (limit / 100).clamp(1, 500),
            });
        }
        self.drawn = self.drawn.saturating_sub(1);
        self.used = self.used.saturating_add(1);
        let tenant = self.key(tenant);
        *self.tenants.entry(tenant.clone()).or_default() += 1;
        Ok(Token { day: self.day, tenant })
    }

    /// Counts a call where there is no limit.
    pub(crate) fn count(&mut self, now: Timestamp) {
        self.turn(now);
        self.used = self.used.saturating_add(1);
    }

    /// Whether a token is still of today.
    pub(crate) fn is_today(token: &Token, now: Timestamp) -> bool {
        token.day == Some(civil(now).date())
    }

    /// Takes a token back that was not used.
    pub(crate) fn put_back(&mut self, token: Token, ledger: bool) {
        let Token { day, tenant } = token;
        if day != self.day {
            return;
        }
        self.used = self.used.saturating_sub(1);
        self.drawn += u64::from(ledger);
        if let Some(used) = self.tenants.get_mut(&tenant) {
            *used = used.saturating_sub(1);
        }
    }

    /// What the ledger gave for a day.
    pub(crate) fn drew(&mut self, day: &str, given: Given) {
        if self.day.map(|d| d.to_string()).as_deref() == Some(day) {
            self.drawn += given.calls;
            self.known = self.known.max(given.used);
        }
    }

    /// The last fifth of a day's budget is for those that have had less than their share, if there are several.
    fn is_unfair(&self, limit: u64, left: u64, tenant: &str) -> bool {
        let had = self.tenants.get(&self.key(tenant)).copied().unwrap_or(0);
        let several = self.tenants.len() as u64;
        several > 1 && left <= limit / 5 && had >= limit / several
    }

    fn key(&self, tenant: &str) -> Box<str> {
        if self.tenants.len() < TENANTS || self.tenants.contains_key(tenant) {
            tenant.into()
        } else {
            "…".into()
        }
    }

    fn turn(&mut self, now: Timestamp) {
        let today = civil(now).date();
        if self.day != Some(today) {
            *self = Self {
                day: Some(today),
                ..Self::default()
            };
        }
    }

    /// Everything drawn and not used, and the day it was drawn for.
    pub(crate) fn empty(&mut self) -> Option<(String, u64)> {
        let unused = std::mem::take(&mut self.drawn);
        let day = self.day?;
        (unused > 0).then(|| (day.to_string(), unused))
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
        let token = daily.take(1, "t", false, evening).unwrap();
        assert_eq!(
            daily.take(1, "t", false, evening),
            Err(Lack::Spent(Duration::from_secs(30)))
        );
        daily.put_back(token, false);
        let late = daily.take(1, "t", false, evening).unwrap();
        let next: Timestamp = "2026-03-01T16:00:00Z".parse().unwrap();
        assert!(Daily::is_today(&late, evening) && !Daily::is_today(&late, next));
        assert_eq!(daily.used(next), 0);
        assert!(daily.take(1, "t", false, next).is_ok());
        daily.put_back(late, false);
        assert_eq!(daily.used(next), 1, "yesterday's call frees nothing today");
    }

    #[test]
    fn what_was_not_drawn_is_not_used() {
        let now: Timestamp = "2026-03-01T01:00:00Z".parse().unwrap();
        let mut daily = Daily::default();
        let draw = Err(Lack::Draw {
            day: "2026-03-01".into(),
            want: 2,
        });
        assert_eq!(daily.take(200, "t", true, now), draw);
        let given = |calls, used| Given { calls, used };
        daily.drew("2026-02-28", given(9, 9));
        assert_eq!(daily.take(200, "t", true, now), draw, "yesterday's is worth nothing");
        daily.drew("2026-03-01", given(2, 198));
        assert!(daily.take(200, "t", true, now).is_ok() && daily.take(200, "t", true, now).is_ok());
        assert_eq!(daily.take(200, "t", true, now), draw);
        daily.drew("2026-03-01", given(0, 200));
        assert!(matches!(daily.take(200, "t", true, now), Err(Lack::Spent(_))));
        daily.drew("2026-03-01", given(3, 200));
        assert_eq!(daily.empty(), Some(("2026-03-01".into(), 3)));
        assert_eq!(daily.empty(), None);
    }

    #[test]
    fn q22_the_last_fifth_is_for_those_who_have_had_less() {
        let now: Timestamp = "2026-03-01T01:00:00Z".parse().unwrap();
        let mut daily = Daily::default();
        let mut take = |tenant: &str| daily.take(100, tenant, false, now);
        (0..79).for_each(|_| drop(take("big").unwrap()));
        assert!(take("small").is_ok());
        assert!(matches!(take("big"), Err(Lack::Share(_))));
        (0..20).for_each(|_| drop(take("small").unwrap()));
        assert!(matches!(take("small"), Err(Lack::Spent(_))));
        let mut alone = Daily::default();
        (0..100).for_each(|_| drop(alone.take(100, "big", false, now).unwrap()));
    }
}
