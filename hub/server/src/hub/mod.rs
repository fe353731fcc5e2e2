//! The hub as its handlers see it: one edition of a city in force, the catalog as text, personas, counters.

mod cast;
mod edition;
mod printed;
mod running;

pub use cast::{AUDIENCE, Cast, ISSUER};
pub use edition::{Edition, not_connected};
pub use printed::{Press, Printed};
pub use running::{Hub, Worker};
