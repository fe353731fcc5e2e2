//! Refusals before authentication: an attacker could fill the disk with them, so they are counted, and one a second
//! and reason is written as a sample.

use std::sync::atomic::{AtomicI64, Ordering};

use hub_core::{ProblemCode, time::Timestamp};

/// Decides which refusals are written.
#[derive(Debug)]
pub(crate) struct Sampler {
    /// Second of the last sample, by the code's place in the list.
    last: Vec<AtomicI64>,
}

impl Sampler {
    pub(crate) fn new() -> Self {
        Self {
            last: ProblemCode::ALL.iter().map(|_| AtomicI64::new(i64::MIN)).collect(),
        }
    }

    /// Whether this refusal is the sample of its second.
    pub(crate) fn takes(&self, code: &str, now: Timestamp) -> bool {
        let place = ProblemCode::ALL.iter().position(|c| c.as_str() == code);
        let Some(last) = place.and_then(|p| self.last.get(p)) else {
            return true;
        };
        last.swap(now.as_second(), Ordering::Relaxed) != now.as_second()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sample_a_second_and_reason() {
        let sampler = Sampler::new();
        let at = |s| Timestamp::from_second(s).unwrap();
        assert!(sampler.takes("key-invalid", at(5)));
        assert!(!sampler.takes("key-invalid", at(5)));
        assert!(sampler.takes("key-missing", at(5)));
        assert!(sampler.takes("key-invalid", at(6)));
    }
}
