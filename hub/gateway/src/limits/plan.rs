//! Plans as `policies/limits/*.yaml` writes them.

use crate::reading::{Reading, escape};
use hub_core::{Finding, Text};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All calls of a client.
    Client,
    /// All calls of a client for one subject.
    Subject,
    /// All calls of a client of one operation.
    Operation,
}

impl Scope {
    const ALL: [Scope; 3] = [Scope::Client, Scope::Subject, Scope::Operation];

    /// The word in plans and headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Client => "client",
            Scope::Subject => "subject",
            Scope::Operation => "operation",
        }
    }
}

/// Over which time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// A calendar day in China.
    Day,
}

impl Window {
    /// Length in seconds.
    #[must_use]
    pub const fn seconds(self) -> u32 {
        match self {
            Window::Second => 1,
            Window::Minute => 60,
            Window::Day => 86_400,
        }
    }

    /// The word in headers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Window::Second => "second",
            Window::Minute => "minute",
            Window::Day => "day",
        }
    }
}

/// One line of a plan: so many calls in such a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quota {
    /// What is counted.
    pub scope: Scope,
    /// Over which time.
    pub window: Window,
    /// How many.
    pub calls: NonZeroU32,
    /// How many at once; the same as `calls` unless said otherwise.
    pub burst: NonZeroU32,
}

/// A named set of quotas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name that clients carry.
    pub name: Arc<str>,
    /// What people call it.
    pub title: Text,
    /// Its quotas.
    pub quotas: Vec<Quota>,
}

/// All plans, and the limit per address at the edge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plans {
    plans: BTreeMap<String, Arc<Plan>>,
    /// Calls a second from one address, before anything is known about the caller.
    pub address: Quota,
}

impl Default for Plans {
    /// No plan at all, so that no client is served, and a narrow door.
    fn default() -> Self {
        Self {
            plans: BTreeMap::new(),
            address: ADDRESS,
        }
    }
}

/// The door where no policy says otherwise.
const ADDRESS: Quota = {
    // `MIN` is the fallback only because a constant cannot be unwrapped; both numbers are above zero.
    let (calls, burst) = match (NonZeroU32::new(100), NonZeroU32::new(200)) {
        (Some(calls), Some(burst)) => (calls, burst),
        _ => (NonZeroU32::MIN, NonZeroU32::MIN),
    };
    Quota {
        scope: Scope::Client,
        window: Window::Second,
        calls,
        burst,
    }
};

impl Plans {
    /// A plan by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Arc<Plan>> {
        self.plans.get(name)
    }

    /// Names of all plans.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plans.keys().map(String::as_str)
    }

    /// Adds what one document says.
    pub(crate) fn read(&mut self, document: &Reading<'_>, findings: &mut Vec<Finding>) {
        document.only_keys("", &["plans", "address"], findings);
        if let Some(address) = document.object("/address", findings) {
            document.only_keys("/address", &["per_second", "burst"], findings);
            let calls = document.count(address, "/address", "per_second", findings);
            let burst = document.count(address, "/address", "burst", findings);
            if let Some(calls) = calls {
                self.address.calls = calls;
                self.address.burst = burst.unwrap_or(calls).max(calls);
            }
        }
        let Some(plans) = document.object("/plans", findings) else {
            return;
        };
        for name in plans.keys() {
            let plan = read_plan(document, name, findings);
            if self.plans.insert(name.clone(), Arc::new(plan)).is_some() {
                let message = Text::new(
                    format!("方案 {name} 定义了两次"),
                    format!("Plan {name} is defined twice"),
                );
                findings.push(document.finding("duplicate-plan", &format!("/plans/{}", escape(name)), message));
            }
        }
    }
}

fn read_plan(document: &Reading<'_>, name: &str, findings: &mut Vec<Finding>) -> Plan {
    let place = format!("/plans/{}", escape(name));
    document.only_keys(&place, &["title", "client", "subject", "operation"], findings);
    let before = findings.len();
    let mut quotas = Vec::new();
    for scope in Scope::ALL {
        let at = format!("{place}/{}", scope.as_str());
        let Some(entry) = document.object(&at, findings) else {
            continue;
        };
        document.only_keys(&at, &["per_second", "burst", "per_minute", "daily"], findings);
        let burst = document.count(entry, &at, "burst", findings);
        for (key, window) in [
            ("per_second", Window::Second),
            ("per_minute", Window::Minute),
            ("daily", Window::Day),
        ] {
            let Some(calls) = document.count(entry, &at, key, findings) else {
                continue;
            };
            let burst = match (window, burst) {
                (Window::Second, Some(burst)) => burst.max(calls),
                _ => calls,
            };
            quotas.push(Quota {
                scope,
                window,
                calls,
                burst,
            });
        }
    }
    if quotas.is_empty() && findings.len() == before {
        let message = Text::new(
            format!("方案 {name} 没有任何限额"),
            format!("Plan {name} limits nothing"),
        );
        findings.push(document.finding("empty-plan", &place, message).expected(
            "client, subject or operation with per_second, per_minute or daily",
            "nothing",
        ));
    }
    Plan {
        name: name.into(),
        title: document
            .text(&format!("{place}/title"), findings)
            .unwrap_or_else(|| Text::same(name)),
        quotas,
    }
}
