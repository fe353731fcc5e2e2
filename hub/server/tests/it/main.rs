//! The hub through its public doors.

// A test that meets what it did not expect has failed; there is nobody to hand an error to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod account;
mod calls;
mod channel;
mod chaos;
mod city;
mod command;
mod crash;
mod documents;
mod empty;
mod layers;
mod log;
mod mock;
mod operators;
mod outage;
mod own;
mod pages;
mod personas;
mod queue;
mod registry;
mod sso;
mod support;
mod transports;
mod worlds;
