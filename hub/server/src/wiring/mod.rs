//! Putting the rooms together into one process: what is read, opened, started, and stopped again.

mod clock;
mod doors;
mod exchanges;
mod first;
mod listen;
mod mock;
mod parts;
mod ready;
mod secrets;
mod simulated;
mod start;
mod upstreams;
mod watch;
mod way;

pub use clock::MachineClock;
pub use mock::{MockServer, signalled};
pub use ready::{RUNNING, Ready};
pub use secrets::{Own, given as given_secrets};
pub use start::{Plan, Running, StartError, TRAIL};
