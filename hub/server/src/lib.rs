//! The binary `hub`: HTTP edge, portal, command line, config and the wiring of all rooms into one process.
//!
//! Invariants: handlers translate and decide nothing, every decision is taken by the gateway, the registry or the
//! catalog; `http::problem` is the only place that writes an error to HTTP; every public path stands in the route
//! table of `routes`, from which both the listener and `/hub/openapi.json` are made; what can be lost is on disk
//! before the answer that mentions it leaves. This is the only room that knows actix. It must never know the name of
//! an agency or a service.

pub mod backend;
pub mod cli;
pub mod config;
pub mod http;
pub mod hub;
pub mod portal;
pub mod routes;
pub mod superapp;
pub mod wiring;
