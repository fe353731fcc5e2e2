//! Connectors through both halves, and against literal bytes.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::needless_pass_by_value
)]

mod city;
mod decoder_list;
mod decoders;
mod digest;
mod documents;
mod explain;
mod findings;
mod frames;
mod hostile;
mod json_dialects;
mod lines;
mod logins;
mod manual;
mod old_dialects;
mod paging;
mod propose;
mod quirks;
mod reference_city;
mod sealed;
mod signatures;
mod standards;
mod statements;
mod tokens;
mod transports;
mod untouched;
mod xml_signatures;
