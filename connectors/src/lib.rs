//! Connectors: a manifest in, an upstream's own dialect out and back.
//!
//! A connector is data. This crate reads a system's manifest, checks it against the contract and turns it into a
//! [`Connector`] that translates canonical calls into upstream requests (the client half) and upstream requests into
//! canonical calls (the server half, from which the simulated city is derived). Both halves of a dialect stand side by
//! side in one file and run over the same rows.
//!
//! Invariants: pure, no I/O, no clock and no randomness but what a [`Context`] hands in; hostile bytes end in a
//! [`ConnectorError`], never in a panic; a secret leaves only in the request it belongs to; a manifest sees only the
//! secrets of its own system. It must never know the name of any agency or service, nor HTTP clients and servers.

mod answer;
pub mod calendar;
mod callback;
pub mod charset;
mod client;
pub mod codec;
mod compile;
mod connector;
pub mod context;
pub mod dialect;
pub mod dialogue;
pub mod error;
mod fetch;
mod folder;
pub mod form;
pub mod manifest;
pub mod mapping;
pub mod message;
mod paging;
mod parts;
mod pick;
mod plan;
pub mod protobuf;
pub mod schema;
mod server;
pub mod settings;
pub mod sign;
pub mod step;
mod values;
mod wiring;
pub mod xml;

pub use connector::{Compiled, Connector, Event, Handler};
pub use context::{Context, FileContent, Files, NoFiles, Secrets, ServerContext, Session};
pub use dialogue::Dialogue;
pub use error::{ConnectorError, Failure};
pub use folder::{MANIFEST_NAME, load_folder};
pub use settings::{Availability, Limits, Origin, Settings};
pub use step::{Note, Purpose, Step};
