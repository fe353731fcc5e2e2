//! The gateway: the pipeline of one call, from its address to its trail.
//!
//! Access, limits, validation, binding to the subject, idempotency, cache, submissions, the way to the agencies'
//! systems, masking, the trail, and the timers that go with them. Start reading at `pipeline`.
//!
//! Invariants: the steps have one fixed order; an upstream is only reached with a [`Grant`], which only this crate can
//! make; nothing with a possible effect is repeated unless that is harmless or proven not to have arrived; a call ends
//! in the trail whether it is answered, refused, abandoned or panics; what is decided is decided from one immutable
//! [`Snapshot`]. It must never know HTTP frameworks, dialects, how tokens are made, or the name of any agency or service.

mod access;
mod authenticate;
mod bind;
mod cache;
mod call;
mod callbacks;
mod credentials;
mod described;
mod disclosed;
mod drift;
mod edge;
mod evidence;
mod files;
mod fingerprint;
mod gateway;
mod input;
mod jobs;
mod journey;
mod kept;
mod leaving;
mod ledger;
mod limits;
mod live;
mod manual;
mod matters;
mod me;
mod metrics;
mod news;
mod normalize;
mod payments;
mod pipeline;
mod policy;
mod ports;
mod reading;
mod refusal;
mod replay;
mod resolve;
mod rights;
mod sent;
mod setting;
mod show;
mod signed_in;
mod snapshot;
mod statements;
mod submissions;
mod sunset;
pub mod trail;
mod unknown;
mod validate;

pub use access::{Access, Rule};
pub use authenticate::{ANONYMOUS_PLAN, Caller};
pub use credentials::Credential;
pub use drift::{Drift, apart};
pub use edge::Door;
pub use evidence::{CheckedInput, Grant, Permit};
pub use files::sniff;
pub use gateway::{Gateway, Parts, Settings};
pub use jobs::Jobs;
pub use ledger::Keeper;
pub use limits::{Plan, Plans, Quota, Scope, Window};
pub use live::{LiveParts, LiveUpstream};
pub use manual::DECISIONS;
pub use metrics::Metrics;
pub use payments::{STATES, StatementRow};
pub use policy::{Policies, Privacy};
pub use ports::{AddressSource, Asked, Described, Line, Personas, SecretSource, SessionStanding, Showing};
pub use refusal::challenge;
pub use rights::all_consents;
pub use snapshot::{Registration, Snapshot, Snapshots};
pub use trail::{Journal, JournalSettings};
