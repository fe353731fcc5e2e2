//! The gateway through its public door: small cities from inline documents, a scripted upstream, a real store and a
//! real journal.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "what a test cannot go on without may end it"
)]

mod calls;
mod city;
mod exchange;
mod idempotency;
mod limits;
mod live;
mod own;
mod policies;
mod reference;
mod rights;
mod statements;
mod submissions;
mod trail;
mod upkeep;
mod upstream;
