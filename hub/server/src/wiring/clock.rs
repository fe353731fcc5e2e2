//! The machine's clock.

use hub_core::ports::Clock;
use hub_core::time::Timestamp;

/// What time the machine says it is.
pub struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
