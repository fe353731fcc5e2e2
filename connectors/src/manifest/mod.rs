//! What an author writes: the description of a manifest, its structural check, its typed form.

pub mod check;
pub mod describe;
pub mod model;
mod read;
mod rows;

pub use model::Manifest;
pub use read::read;
