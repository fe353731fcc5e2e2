//! The hub as its handlers see it: one edition of a city in force, the catalog as text, personas, counters.

mod cast;
mod edition;
mod printed;
mod providers;
mod publishing;
mod registered;
mod running;
mod showcase;

pub use cast::{AUDIENCE, Cast, ISSUER};
pub use edition::{Edition, not_connected};
pub use printed::{Press, Printed};
pub use providers::providers;
pub use publishing::{in_folder, published, republish, take};
pub use running::{Hub, Worker};
pub use showcase::{Door as ShowcaseDoor, Showcase};
