//! Who may call: tenants, their clients, and the keys of these.
//!
//! Invariants:
//! - A key is shown once, when it is issued; what stays is a keyed hash of it under its public prefix.
//! - [`Registry::client`] answers from memory and in the same time for a wrong key as for an unknown one.
//! - A change is on disk before it is in memory, and in memory before its call returns: a revoked key is dead then.
//!
//! It must never know subjects, contracts or HTTP.

mod error;
mod key;
mod registry;
mod snapshot;

pub use error::RegistryError;
pub use hub_store::{ClientRow, TenantRow};
pub use registry::{IssuedKey, KeyInfo, NewClient, Registry};
