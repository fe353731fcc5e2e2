//! Step limit: how much a client, a subject and an operation may take, by the plans of `policies/limits/`.
//!
//! Rates (a second, a minute) are GCRA in `governor`, one keyed limiter per quota class; daily quotas are counters that
//! begin anew at midnight in China. Everything is per process; a cluster shares counters in a later version.

mod daily;
mod header;
mod limiter;
mod plan;

pub(crate) use limiter::{Allowance, Limiters, admit};
pub use plan::{Plan, Plans, Quota, Scope, Window};
