//! What an author writes: the description of a manifest, its structural check, its typed form.

pub mod check;
pub mod describe;
mod describe_calls;
mod describe_seal;
pub mod model;
mod read;
mod rows;
pub mod words;

pub use model::Manifest;
pub use read::read;
