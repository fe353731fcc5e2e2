//! The hub as its handlers see it: one edition of a city in force, the catalog as text, personas, counters.

mod back_channel;
mod call_log;
mod cast;
mod chosen;
pub mod compared;
mod edition;
pub mod events;
pub mod logged;
mod printed;
mod providers;
mod publishing;
mod registered;
mod running;
mod showcase;
mod sign_ins;
mod turns;
pub mod verifications;
mod worlds;

pub use back_channel::BackChannel;
pub use call_log::CallLog;
pub use cast::{AUDIENCE, Cast, ISSUER};
pub use chosen::{Chosen, Named};
pub use edition::{Edition, not_connected};
pub use logged::Said;
pub use printed::{Press, Printed};
pub use providers::providers;
pub use publishing::{in_folder, published, republish, take};
pub use running::{Hub, Worker};
pub use showcase::{Door as ShowcaseDoor, Showcase};
pub use sign_ins::PersonsSignIns;
pub use worlds::{Born, Worlds, stored};
