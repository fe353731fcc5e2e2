//! Who may call: tenants, their clients, and the keys of these. Who registers: agencies, their people, and the versions of
//! what they describe.
//!
//! Invariants:
//! - A key or a person's token is shown once, when it is issued; what stays is a keyed hash of it under its public prefix.
//! - [`Registry::client`] and [`Desk::member`] answer from memory and in the same time for a wrong key as for an unknown one.
//! - A change is on disk before it is in memory, and in memory before its call returns: a revoked key is dead then.
//! - Every act is kept with who, when and why; no two people change one version from the same sight of it.
//! - Nothing goes live without a reviewer who neither uploaded nor asked.
//!
//! It must never know subjects, calls or HTTP.

mod agencies;
mod assess;
mod desk;
mod error;
mod key;
mod life;
mod people;
mod registry;
mod shelf;
mod snapshot;
mod soap;
mod steps;
mod upload;
mod usage;

pub use agencies::Invited;
pub use assess::{NO_UPSTREAM, NOT_PUBLIC, Reading, reading};
pub use desk::Desk;
pub use error::RegistryError;
pub use hub_store::{Act, AgencyRow, ClientRow, MemberRow, TenantRow, VersionRow};
pub use hub_store::{Notice, UsageRow};
pub use life::{State, Step};
pub use people::{Member, Role};
pub use registry::{IssuedKey, KeyInfo, NewClient, Registry};
pub use shelf::{Published, Shelf, Shown};
pub use steps::{Asked, Hindrances, NOTICE, Plan};
pub use upload::Upload;
pub use usage::Used;
