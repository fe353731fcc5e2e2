//! What several hubs over one store share: the day's budget, drawn in pieces, and this hub's part of what is counted by
//! the moment.

use crate::UpstreamLimits;
use hub_core::SystemId;
use hub_core::ports::BoxFuture;

/// What a ledger gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Given {
    /// Calls that may be made now.
    pub calls: u64,
    /// Calls of the day given out to all hubs, these included.
    pub used: u64,
}

/// Where daily budgets are drawn from. What it gives is written down before it is used, so that neither a crash nor a
/// second hub can use it twice.
pub trait Ledger: Send + Sync {
    /// Up to `want` calls of the `most` that a system allows on a day (`yyyy-MM-dd`). In words why it cannot tell; then
    /// nothing may be used.
    fn take<'a>(
        &'a self,
        system: &'a SystemId,
        day: &'a str,
        want: u64,
        most: u64,
    ) -> BoxFuture<'a, Result<Given, String>>;

    /// Takes back what was given and not used.
    fn give_back<'a>(&'a self, system: &'a SystemId, day: &'a str, unused: u64) -> BoxFuture<'a, ()>;
}

/// This hub's part of limits that are counted by the moment: rate and concurrency. The parts of all hubs together are
/// the whole, never more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// This hub's place, from 0.
    pub rank: u32,
    /// How many hubs there are; 0 where this hub may use nothing for now.
    pub hubs: u32,
}

impl Share {
    /// All of it.
    pub const WHOLE: Self = Self { rank: 0, hubs: 1 };
    /// Nothing of it.
    pub const NONE: Self = Self { rank: 0, hubs: 0 };

    /// This hub's part of a limit.
    #[must_use]
    pub const fn of(self, limit: u32) -> u32 {
        if self.hubs == 0 {
            return 0;
        }
        let rest = if self.rank < limit % self.hubs { 1 } else { 0 };
        limit / self.hubs + rest
    }

    pub(crate) fn limits(self, whole: UpstreamLimits) -> UpstreamLimits {
        UpstreamLimits {
            rps: whole.rps.map(|n| self.of(n)),
            concurrency: whole.concurrency.map(|n| self.of(n)),
            daily: whole.daily,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q22_the_parts_are_the_whole() {
        for hubs in 1..7 {
            for limit in [0, 1, 2, 5, 20, 33] {
                let parts: u32 = (0..hubs).map(|rank| Share { rank, hubs }.of(limit)).sum();
                assert_eq!(parts, limit, "{hubs} hubs, {limit}");
            }
        }
        assert_eq!(Share::NONE.of(20), 0);
        assert_eq!(Share::WHOLE.of(20), 20);
    }
}
