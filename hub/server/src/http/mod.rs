//! The edge: actix on one side, the hub's own words on the other.

pub mod address;
pub mod cookie;
pub mod cors;
pub mod edge;
pub mod log;
pub mod metrics;
pub mod page;
pub mod problem;
