//! How often somebody may have the hub do something.

use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// So many turns a minute for everybody; counted at this hub.
pub struct Turns {
    most: u32,
    taken: Mutex<HashMap<String, (i64, u32)>>,
}

impl Turns {
    /// So many.
    #[must_use]
    pub fn new(most: u32) -> Self {
        Self {
            most,
            taken: Mutex::default(),
        }
    }

    /// Takes one.
    ///
    /// # Errors
    /// If there is none left in this minute.
    pub fn take(&self, who: &str, now: Timestamp) -> Result<(), Problem> {
        let minute = now.as_second() / 60;
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, (when, _)| *when == minute);
        let (_, count) = taken.entry(who.to_owned()).or_insert((minute, 0));
        *count += 1;
        match *count > self.most {
            true => Err(Problem::new(ProblemCode::RateLimited).retry_after(60)),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_turns_of_their_own_and_new_ones_every_minute() {
        let turns = Turns::new(2);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert!(turns.take("a", at(0)).is_ok() && turns.take("a", at(59)).is_ok());
        assert!(turns.take("a", at(59)).is_err() && turns.take("b", at(59)).is_ok());
        assert!(turns.take("a", at(60)).is_ok());
    }
}
