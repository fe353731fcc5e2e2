//! What happens in the worlds of a client, told to it: by cursor, and to addresses it has proven to be its own.
//!
//! Invariants: an event is written in the transaction that writes the state it tells of, so that there is neither without the
//! other; it is told again and again until it was heard, and never out of the list before thirty days are over; nothing is
//! sent to an address whose owner has not answered a challenge.

mod deliver;
mod list;
mod send;
mod sign;
mod webhooks;
mod words;

pub use deliver::Deliverer;
pub use list::{Events, document};
pub use send::{Sender, Sent, origin, why};
pub use sign::Secrets;
pub use webhooks::{Changed, Endpoint, Webhooks};
pub use words::{Filter, kinds};
