//! The mock engine over the real city: every operation of every spec answers, fits its contract, and stays the same.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected has to fail"
)]

mod attack;
mod city;
mod corpus;
mod every_operation;
mod mutate;
mod mutate_exchange;
mod rng;
mod round_trips;
mod shapes;
mod stories;
mod town;
