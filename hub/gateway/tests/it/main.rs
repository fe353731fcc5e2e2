//! The gateway through its public door: small cities from inline documents, a scripted upstream, a real store and a
//! real journal.

mod calls;
mod city;
mod idempotency;
mod limits;
mod own;
mod policies;
mod submissions;
mod trail;
