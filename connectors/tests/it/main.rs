//! Connectors through both halves, and against literal bytes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value
)]

mod city;
mod documents;
mod findings;
mod hostile;
mod json_dialects;
mod manual;
mod old_dialects;
mod paging;
mod reference_city;
mod standards;
