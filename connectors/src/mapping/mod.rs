//! Rows at work: canonical values to an upstream's names and back.

pub mod expr;
pub mod path;
pub mod template;
