//! An upstream that does not take the hub's login is not asked again at once: many lock an account after a few wrong ones.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Wait after the second refusal in a row; it doubles with each one more.
const PAUSE: Duration = Duration::from_secs(5);
/// Longest wait.
const LONGEST: Duration = Duration::from_secs(300);

/// Refusals in a row, and until when nobody logs in.
#[derive(Debug, Default)]
pub struct Denied(Mutex<(u32, Option<Instant>)>);

impl Denied {
    /// Refusals in a row.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// How long nobody may log in yet.
    #[must_use]
    pub fn left(&self, now: Instant) -> Option<Duration> {
        let (_, until) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(now).filter(|left| !left.is_zero())
    }

    /// A login was refused; how long to wait now.
    pub fn refused(&self, now: Instant) -> Duration {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = state.0.saturating_add(1);
        let wait = match state.0 {
            1 => return Duration::ZERO,
            more => PAUSE.saturating_mul(1 << (more - 2).min(10)).min(LONGEST),
        };
        state.1 = Some(now + wait);
        wait
    }

    /// A login was taken.
    pub fn taken(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_refusal_makes_everybody_wait_and_a_login_ends_it() {
        let (denied, now) = (Denied::default(), Instant::now());
        assert_eq!((denied.refused(now), denied.left(now)), (Duration::ZERO, None));
        assert_eq!(denied.refused(now), PAUSE);
        assert_eq!(denied.left(now), Some(PAUSE));
        assert_eq!(denied.left(now + PAUSE), None);
        assert_eq!(denied.refused(now + PAUSE), PAUSE * 2);
        for _ in 0..40 {
            denied.refused(now);
        }
        assert_eq!(denied.left(now), Some(LONGEST));
        denied.taken();
        assert_eq!((denied.left(now), denied.refused(now)), (None, Duration::ZERO));
    }
}
