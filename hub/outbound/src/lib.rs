//! The only opener of client sockets, of the agencies' databases, drop folders and file servers.
//!
//! Invariants:
//! - Every address is judged twice, as a literal before the call and as the resolver's answer when connecting, and the
//!   connection goes to exactly the address that was judged. Redirects are handed back, never followed; no proxy.
//! - The limits of an upstream hold for the whole process: workers own their connections and share budgets and breakers.
//!   With a ledger and a share they hold for all hubs together.
//! - An error says whether the call can have had an effect. `none` is said only when no byte of it left, or when the
//!   call is a read.
//! - Errors and logs carry no address with a query, no header and no body.
//!
//! It must never know dialects, contracts, subjects or HTTP problems.

mod address;
mod answer;
mod breaker;
mod budget;
mod carry;
mod database;
mod denied;
mod error;
mod failed;
mod folder;
mod gate;
mod ledger;
mod link;
mod mysql;
mod outbound;
mod pace;
mod policy;
mod resolver;
mod sftp;
mod shelf;
mod statements;
mod tls;
mod upstream;
mod watched;

pub use address::{AddressClass, classify};
pub use breaker::{BreakerPhase, BreakerSettings};
pub use carry::Carrier;
pub use denied::Denied;
pub use error::{SendEffect, SendError, SendErrorKind, SetupError};
pub use ledger::{Given, Ledger, Share};
pub use outbound::Outbound;
pub use policy::{EgressPolicy, Target};
pub use tls::TlsRules;
pub use upstream::{UpstreamHealth, UpstreamLimits};
