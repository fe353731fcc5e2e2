//! The description put to a back end that says it follows it: requests that fit, requests that do not, values at their
//! limits, things that are made and asked for again. Whoever sends them brings the answers back to be judged.
//!
//! Whether a request fits is decided by the same reading that the mock does, so that both say the same.

mod cases;
mod judge;
mod story;

pub use cases::{Case, Kind};
pub use judge::{Answered, Fault};
pub use story::{Story, Turn};
