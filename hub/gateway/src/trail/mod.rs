//! The trail: an append-only, hash-chained journal of every call.
//!
//! Each line is one JSON object `{"n": number, "prev": hash of the line before, "record": {…}, "hash": hash of this
//! line}`. Hashes are SHA-256 over the line up to its `hash` member, which includes `prev`: whoever changes, removes
//! or inserts a line breaks the chain at that place. Files are rotated by size, the chain runs on across them.

mod chain;
mod follow;
mod journal;
mod sampler;
mod verify;

pub use follow::{Numbered, ReadTo, follow};
pub use journal::{Journal, JournalError, JournalSettings};
pub(crate) use sampler::Sampler;
pub use verify::{Break, Report, verify};
