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
mod batch;
mod between;
mod blank;
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
mod digest_auth;
pub mod error;
mod exchange;
mod explain;
mod fetch;
pub mod fixture;
mod folder;
pub mod form;
mod further;
mod jump;
mod jwt;
pub mod manifest;
pub mod mapping;
mod measure;
pub mod message;
mod news;
mod outcome;
mod page;
mod paging;
mod parts;
mod pick;
mod plan;
pub mod propose;
pub mod protobuf;
mod resolve;
pub mod schema;
mod seal;
mod server;
pub mod settings;
pub mod sign;
mod simulated;
mod sketch;
mod statement;
pub mod step;
mod tell;
pub mod trial;
mod untouched;
mod values;
mod wiring;
pub mod xml;
mod xmlsig;

pub use connector::{Compiled, Connector, Event, Handler, Poll};
pub use context::{About, Context, FileContent, Files, NoFiles, Secrets, ServerContext, Session};
pub use dialogue::Dialogue;
pub use error::{ConnectorError, Failure};
pub use explain::Explanation;
pub use folder::{FIXTURES_NAME, MANIFEST_NAME, load_fixtures, load_folder};
pub use news::News;
pub use settings::{Availability, Limits, Origin, Payment, Settings, Tls};
pub use sketch::{Kind, Sketch};
pub use statement::{DAY, ORDER_STATES, ORDERS, Statement};
pub use step::{Note, Purpose, Step};
