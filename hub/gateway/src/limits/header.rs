//! `RateLimit-Policy` and `RateLimit` as structured fields (draft-ietf-httpapi-ratelimit-headers).

use super::plan::{Plan, Quota};

/// What is left of one quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Remaining {
    pub(crate) quota: Quota,
    pub(crate) calls: u32,
    /// Seconds until it is whole again.
    pub(crate) reset: u64,
}

/// Name of a quota in the two headers.
fn name(quota: &Quota) -> String {
    format!("{}-{}", quota.scope.as_str(), quota.window.as_str())
}

/// All quotas of a plan: `"client-second";q=50;w=1, …`.
pub(super) fn policy(plan: &Plan) -> String {
    let items: Vec<String> = plan
        .quotas
        .iter()
        .map(|q| format!("\"{}\";q={};w={}", name(q), q.burst, q.window.seconds()))
        .collect();
    items.join(", ")
}

/// The quota nearest to its end: `"client-second";r=12;t=1`.
pub(super) fn remaining(left: &[Remaining]) -> Option<String> {
    let share = |r: &Remaining| f64::from(r.calls) / f64::from(r.quota.burst.get());
    let tightest = left.iter().min_by(|a, b| share(a).total_cmp(&share(b)))?;
    Some(format!(
        "\"{}\";r={};t={}",
        name(&tightest.quota),
        tightest.calls,
        tightest.reset
    ))
}
