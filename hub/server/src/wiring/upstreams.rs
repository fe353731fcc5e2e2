//! Where the agencies' systems stand.

use hub_core::SystemId;
use hub_gateway::{AddressSource, Snapshots};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Addresses named by an operator in `UPSTREAM_…` variables. An address that an operator names may be anywhere,
/// loopback included: naming it is the operator's word.
pub struct NamedUpstreams;

impl AddressSource for NamedUpstreams {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().filter(|v| !v.is_empty())
    }

    fn trusts_loopback(&self, system: &SystemId) -> bool {
        self.variable(&system.upstream_variable()).is_some()
    }

    fn source(&self, system: &SystemId) -> Option<String> {
        self.variable(&system.egress_variable())
    }
}

/// The simulated city: every system on one loopback listener, a path each. A variable of the operator's still wins,
/// so that a real or an independent system can take the place of a simulated one.
pub struct SimulatedUpstreams {
    /// Address of the listener.
    pub base: String,
    /// The systems there are now.
    pub snapshots: Snapshots,
    /// Those that are reached by databases or folders.
    pub exchanges: BTreeMap<SystemId, String>,
}

/// Systems that came by the registry say themselves where they stand; only where an operator has allowed it may that be on
/// this machine or in a private network, and no variable speaks for them.
pub struct RegisteredUpstreams {
    /// The systems there are now.
    pub snapshots: Snapshots,
    /// Where the others stand.
    pub others: Arc<dyn AddressSource>,
}

impl AddressSource for RegisteredUpstreams {
    fn variable(&self, name: &str) -> Option<String> {
        self.others.variable(name)
    }

    fn trusts_loopback(&self, system: &SystemId) -> bool {
        match self.snapshots.get().registered.get(system) {
            Some(registration) => registration.inner_allowed,
            None => self.others.trusts_loopback(system),
        }
    }

    fn keeps_hours(&self, system: &SystemId) -> bool {
        self.snapshots.get().registered.contains_key(system) || self.others.keeps_hours(system)
    }

    fn source(&self, system: &SystemId) -> Option<String> {
        self.others.source(system)
    }
}

/// Where a simulated system stands.
#[must_use]
pub fn address(base: &str, system: &SystemId) -> String {
    format!("{base}/{system}")
}

impl AddressSource for SimulatedUpstreams {
    fn variable(&self, name: &str) -> Option<String> {
        NamedUpstreams.variable(name).or_else(|| {
            let snapshot = self.snapshots.get();
            let system = snapshot.connectors.keys().find(|s| s.upstream_variable() == name)?;
            let other = self.exchanges.get(system).cloned();
            Some(other.unwrap_or_else(|| address(&self.base, system)))
        })
    }

    fn trusts_loopback(&self, _system: &SystemId) -> bool {
        true
    }

    // Who tries the city at night must not find half of it closed; a real system in a simulated one's place keeps its hours.
    fn keeps_hours(&self, system: &SystemId) -> bool {
        NamedUpstreams.variable(&system.upstream_variable()).is_some()
    }

    fn source(&self, system: &SystemId) -> Option<String> {
        NamedUpstreams.source(system)
    }
}
