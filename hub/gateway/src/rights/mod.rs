//! What persons agreed to and whom they let act for them, decided at the call from memory.
//!
//! What is read of a person stays in memory until something about that person changes at any hub, which every hub looks for
//! more than twice a second; where it could not look, memory does not count.

mod book;
mod consent;
mod mandate;
mod sheet;

pub(crate) use book::Rights;
pub(crate) use consent::{consented, give, view as consent_view};
pub(crate) use mandate::{accept, offer, represented, view as mandate_view};
pub use sheet::all_consents;
pub(crate) use sheet::sheet;
