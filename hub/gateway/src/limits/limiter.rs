//! The counters behind the plans.

use super::daily::{Daily, until_midnight};
use super::header::{Remaining, policy, remaining};
use super::plan::{Plan, Plans, Quota, Scope, Window};
use crate::authenticate::Caller;
use crate::fingerprint;
use crate::setting::Setting;
use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota as Rate, RateLimiter};
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode, Text};
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, RwLock};
use std::time::Duration;

type Keyed = RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>;

/// Takes one call of an operation out of every quota of the caller's plan. The headers are told in any case.
pub(crate) fn admit(at: &Setting<'_>, caller: &Caller, operation: &str) -> (Option<Allowance>, Result<(), Problem>) {
    at.core.limiters.admit(&at.policies().plans, caller, operation, at.now)
}

/// All counters. They outlive a reload: a plan that did not change goes on where it was.
pub(crate) struct Limiters {
    /// One limiter per quota class; a changed quota is another class.
    classes: RwLock<HashMap<(Window, NonZeroU32, NonZeroU32), Arc<Keyed>>>,
    daily: Daily,
    clock: DefaultClock,
}

/// What a call was allowed, for the headers of its answer.
#[derive(Debug)]
pub(crate) struct Allowance {
    policy: String,
    left: Vec<Remaining>,
}

impl Allowance {
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let mut headers = vec![("RateLimit-Policy".to_owned(), self.policy.clone())];
        headers.extend(remaining(&self.left).map(|r| ("RateLimit".to_owned(), r)));
        headers
    }
}

impl Limiters {
    pub(crate) fn new() -> Self {
        Self {
            classes: RwLock::default(),
            daily: Daily::new(),
            clock: DefaultClock::default(),
        }
    }

    /// The door: one address may knock so often, whoever it is.
    pub(crate) fn address(&self, plans: &Plans, peer: IpAddr, now: Timestamp) -> Result<(), Problem> {
        let key = fingerprint::key(&["address", &network(peer)]);
        match self.take(&plans.address, key, now) {
            Ok(_) => Ok(()),
            Err(wait) => Err(Problem::new(ProblemCode::RateLimited)
                .detail("来自此地址的请求过多", "Too many calls from this address")
                .retry_after(wait)),
        }
    }

    fn admit(
        &self,
        plans: &Plans,
        caller: &Caller,
        operation: &str,
        now: Timestamp,
    ) -> (Option<Allowance>, Result<(), Problem>) {
        let Some(plan) = plans.get(caller.plan()) else {
            // A client whose plan is gone is not served: no plan is no allowance, never a free ride.
            let problem = Problem::new(ProblemCode::QuotaExceeded)
                .detail("该应用的方案不存在", "The plan of this client does not exist")
                .with("plan", caller.plan());
            return (None, Err(problem));
        };
        let mut left = Vec::with_capacity(plan.quotas.len());
        let mut refused = None;
        for quota in &plan.quotas {
            let Some(key) = key(plan, quota, caller, operation) else {
                continue;
            };
            match self.take(quota, key, now) {
                Ok(remaining) => left.push(remaining),
                Err(wait) => {
                    left.push(Remaining {
                        quota: *quota,
                        calls: 0,
                        reset: wait,
                    });
                    refused = Some(refusal(plan, quota, wait));
                    break;
                }
            }
        }
        let allowance = Allowance {
            policy: policy(plan),
            left,
        };
        (Some(allowance), refused.map_or(Ok(()), Err))
    }

    /// Takes one call out of one quota; the seconds to wait where there is none left.
    fn take(&self, quota: &Quota, key: u64, now: Timestamp) -> Result<Remaining, u64> {
        if quota.window == Window::Day {
            let count = self.daily.take(key, quota.calls.get(), now);
            let reset = until_midnight(now);
            return if count.admitted {
                Ok(Remaining {
                    quota: *quota,
                    calls: count.remaining,
                    reset,
                })
            } else {
                Err(reset)
            };
        }
        match self.class(quota).check_key(&key) {
            Ok(state) => {
                let calls = state.remaining_burst_capacity();
                let missing = f64::from(quota.burst.get().saturating_sub(calls));
                let reset = missing * f64::from(quota.window.seconds()) / f64::from(quota.calls.get());
                Ok(Remaining {
                    quota: *quota,
                    calls,
                    reset: reset.ceil() as u64,
                })
            }
            Err(not_until) => {
                let wait = not_until.wait_time_from(self.clock.now());
                Err(wait.as_secs_f64().ceil().max(1.0) as u64)
            }
        }
    }

    fn class(&self, quota: &Quota) -> Arc<Keyed> {
        let class = (quota.window, quota.calls, quota.burst);
        let known = self.classes.read().ok().and_then(|c| c.get(&class).cloned());
        known.unwrap_or_else(|| {
            let fresh = Arc::new(limiter(quota, &self.clock));
            match self.classes.write() {
                Ok(mut classes) => Arc::clone(classes.entry(class).or_insert(fresh)),
                Err(_) => fresh,
            }
        })
    }

    /// Forgets keys that are whole again; called from a timer, because nothing is removed by itself.
    pub(crate) fn tidy(&self) {
        let classes: Vec<Arc<Keyed>> = self
            .classes
            .read()
            .map(|c| c.values().cloned().collect())
            .unwrap_or_default();
        for limiter in classes {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }

    /// Keys held, for the metrics.
    pub(crate) fn keys(&self) -> usize {
        self.classes.read().map_or(0, |c| c.values().map(|l| l.len()).sum())
    }
}

fn limiter(quota: &Quota, clock: &DefaultClock) -> Keyed {
    let each = Duration::from_secs(u64::from(quota.window.seconds())) / quota.calls.get();
    // A period is zero only for more than a thousand million calls a second.
    let rate = Rate::with_period(each).unwrap_or_else(|| Rate::per_second(quota.calls));
    let plain: RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock> = RateLimiter::new(
        rate.allow_burst(quota.burst),
        DefaultKeyedStateStore::default(),
        clock.clone(),
    );
    plain.with_middleware()
}

/// What a quota is counted under; `None` where it does not apply (no subject in the call).
fn key(plan: &Plan, quota: &Quota, caller: &Caller, operation: &str) -> Option<u64> {
    let client = caller.client_key();
    let which = match quota.scope {
        Scope::Client => "",
        Scope::Subject => caller.subject.as_ref()?.id.as_str(),
        Scope::Operation => operation,
    };
    Some(fingerprint::key(&[
        &plan.name,
        quota.scope.as_str(),
        quota.window.as_str(),
        &client,
        which,
    ]))
}

/// IPv6 customers hold a whole /64, so that one address of it says nothing.
fn network(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => v6.segments().iter().take(4).map(|s| format!("{s:x}:")).collect(),
    }
}

fn refusal(plan: &Plan, quota: &Quota, wait: u64) -> Problem {
    let (code, of) = match quota.window {
        Window::Day => (ProblemCode::QuotaExceeded, Text::new("每日", "a day")),
        Window::Minute => (ProblemCode::RateLimited, Text::new("每分钟", "a minute")),
        Window::Second => (ProblemCode::RateLimited, Text::new("每秒", "a second")),
    };
    let scope = match quota.scope {
        Scope::Client => Text::new("应用", "client"),
        Scope::Subject => Text::new("办事人", "subject"),
        Scope::Operation => Text::new("操作", "operation"),
    };
    Problem::new(code)
        .detail(
            format!("方案 {} 允许每个{}{}{} 次", plan.name, scope.zh, of.zh, quota.calls),
            format!(
                "Plan {} allows a {} {} calls {}",
                plan.name, scope.en, quota.calls, of.en
            ),
        )
        .with("plan", plan.name.as_ref())
        .with("scope", quota.scope.as_str())
        .with("quota", quota.calls.get())
        .with("window_seconds", quota.window.seconds())
        .retry_after(wait)
}
