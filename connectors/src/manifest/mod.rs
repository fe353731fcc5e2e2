//! What an author writes: the description of a manifest, its structural check, its typed form.

pub mod check;
pub mod describe;
mod describe_calls;
mod describe_seal;
mod describe_transports;
pub mod model;
mod read;
mod rows;
pub mod transports;
pub mod words;

pub use model::Manifest;
pub(crate) use read::is_identifier;
pub use read::read;
