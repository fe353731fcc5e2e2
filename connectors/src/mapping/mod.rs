//! Rows at work: canonical values to an upstream's names and back.

pub mod bind;
pub mod decode;
pub mod encode;
pub mod expr;
pub mod path;
pub mod template;
