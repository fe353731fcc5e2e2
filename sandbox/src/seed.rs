//! Seeds and dice: the only source of chance in this crate, the same for the same words on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A seed that grows by words. FNV-1a with a final mix: stable across versions and platforms, which the standard
/// library's hasher does not promise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Seed(u64);

impl Seed {
    /// From the number a host was started with.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number ^ 0xcbf2_9ce4_8422_2325)
    }

    /// This seed and one more word. Words do not run into each other: `a`, `bc` differs from `ab`, `c`.
    #[must_use]
    pub fn with(self, word: &str) -> Self {
        let mut hash = self.0;
        for byte in word.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self(hash)
    }

    /// This seed and a number.
    #[must_use]
    pub fn with_number(self, number: u64) -> Self {
        Self((self.0 ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(29))
    }

    /// Dice from here.
    #[must_use]
    pub fn dice(self) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(self.0))
    }
}

/// Seeded dice.
#[derive(Debug, Clone)]
pub struct Dice(ChaCha8Rng);

impl Dice {
    /// A number below `limit`; 0 for a limit of 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        if limit == 0 { 0 } else { self.0.next_u64() % limit }
    }

    /// A number from `low` to `high`, both included; `low` if they are crossed.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = high.wrapping_sub(low);
        if span <= 0 {
            return low;
        }
        low.wrapping_add_unsigned(self.below(span.unsigned_abs().saturating_add(1)))
    }

    /// An index below `length`.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// One of these; `None` if there are none.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.index(of.len()))
    }

    /// These dice after some throws more.
    #[must_use]
    pub fn later(mut self, throws: u64) -> Self {
        for _ in 0..throws {
            self.0.next_u64();
        }
        self
    }

    /// True in `percent` of a hundred throws.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_do_not_run_together_and_dice_repeat() {
        let seed = Seed::new(1);
        assert_ne!(seed.with("a").with("bc"), seed.with("ab").with("c"));
        assert_ne!(seed.with_number(1), seed.with_number(2));
        let mut one = seed.with("x").dice();
        let mut two = seed.with("x").dice();
        let throws: Vec<_> = (0..50).map(|_| one.between(-3, 3)).collect();
        assert_eq!(throws, (0..50).map(|_| two.between(-3, 3)).collect::<Vec<_>>());
        assert!(throws.contains(&-3) && throws.contains(&3));
        assert_eq!(one.between(5, 5), 5);
        assert_eq!(one.between(i64::MIN, i64::MIN), i64::MIN);
    }
}
