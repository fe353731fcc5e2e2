//! What must survive: clients and keys, registered versions and their history, submissions, idempotency keys, files, secrets.
//!
//! Invariants:
//! - A write has been synced to disk when its call returns.
//! - Personal data and secrets are sealed before they reach the database; the master key is never in it.
//! - Repositories speak one SQL text through [`Db`]; only the folders `lite` and `pg` know a driver, and only `dialect`
//!   holds what must be said twice. What holds over one database holds over the other: one suite of tests runs on both.
//! - Times are microseconds since the epoch. What a row means is decided here, what to do about it elsewhere.
//!
//! It must never know HTTP, problems, contracts or who may see what.

mod agencies;
mod arrivals;
mod calls;
mod cases;
mod clients;
mod consents;
mod db;
mod deliveries;
mod dialect;
mod disclosures;
mod erasure;
mod error;
mod events;
mod files;
mod idempotency;
mod ledger;
mod lite;
mod mandates;
mod master_key;
mod node;
mod operators;
mod orders;
mod pg;
mod queue;
mod secrets;
mod sent;
mod sessions;
mod sso;
mod store;
mod submissions;
mod verifications;
mod versions;
mod webhooks;
mod world_writing;
mod worlds;

pub use agencies::{Agencies, AgencyRow, MemberRow};
pub use arrivals::{Arrivals, Dance, TheirSession};
pub use calls::{CallRow, Calls, WantedCalls};
pub use cases::{Case, Cases};
pub use clients::{ClientRow, Clients, KeyRow, TenantRow};
pub use consents::{Consents, ServiceConsent};
pub use db::Db;
pub use deliveries::{AttemptRow, Deliveries, DeliveryRow, DeliveryState, Tried};
pub use disclosures::{Disclosure, Disclosures};
pub use erasure::{Erased, Erasures};
pub use error::StoreError;
pub use events::{EventPage, EventRow, Events, NewEvent};
pub use files::{File, FileInfo, Files, NewFile};
pub use idempotency::{Claim, Idempotency};
pub use ledger::{Ledger, Nodes, Standing};
pub use mandates::{MandateRow, Mandates};
pub use master_key::MasterKey;
pub use operators::{OperatorRow, Operators};
pub use orders::{Difference, Order, Orders};
pub use queue::{Decision, Wanted};
pub use secrets::{Meta, Secrets};
pub use sent::SentField;
pub use sessions::{KeptSession, Sessions};
pub use sso::{
    CodeRow, ConsentRow, FamilyRow, NewCode, RefreshRow, RequestKind, SessionRow, SignIns, SsoClientRow, SsoClients,
    TokenFamilies,
};
pub use store::{Purged, Store};
pub use submissions::{Accepted, NewSubmission, Submission, SubmissionState, Submissions, TakenSubmission};
pub use verifications::{VerificationRow, VerificationState, Verifications};
pub use versions::{Act, Notice, UsageRow, VersionRow, Versions};
pub use webhooks::{WebhookRow, WebhookState, Webhooks};
pub use world_writing::Written;
pub use worlds::{Part, Rights, SnapshotRow, WorldRow, Worlds, new_world_id};
