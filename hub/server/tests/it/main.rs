//! The hub through its public doors.

// A test that meets what it did not expect has failed; there is nobody to hand an error to.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod account;
mod attacks;
mod bound;
mod budgets;
mod calls;
mod channel;
mod chaos;
mod city;
mod command;
mod crash;
mod desk;
mod documents;
mod empty;
mod events;
mod events_sent;
mod idp;
mod join;
mod layers;
mod listen;
mod log;
mod mock;
mod operators;
mod outage;
mod own;
mod own_sessions;
mod pages;
mod pair;
mod personas;
mod queue;
mod receiver;
mod registry;
mod registry_agencies;
mod registry_desk;
mod registry_soap;
mod relay;
mod saml_idp;
mod scenarios;
mod sftp;
mod shadow;
#[path = "../../../outbound/tests/it/sshd.rs"]
mod sshd;
mod sso;
mod sso_chaos;
mod sso_limit;
mod sso_people;
mod sso_tokens;
mod staff;
mod strict;
mod superapp;
mod support;
mod transports;
mod upstream;
mod upstream_cas;
mod upstream_house;
mod upstream_saml;
mod upstream_saml_attacks;
mod upstream_tokens;
mod verifications;
mod verify;
mod withdrawn;
mod worlds;
