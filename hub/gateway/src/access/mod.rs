//! Step authorize: may this caller make this call.
//!
//! First what the contract itself demands (a subject, its assurance, its audience), then the rules of
//! `policies/access/`. Rules only open; what no rule opens stays closed. Default rules speak of audience, assurance and
//! level, so that a new operation needs no new rule.

mod authorize;
mod condition;
mod rule;

pub(crate) use authorize::authorize;
pub use rule::{Access, Rule};
