//! What stays the same for all steps of one call: the request, its world, its time, and the snapshot it is decided from.

use crate::gateway::Core;
use crate::policy::Policies;
use crate::snapshot::Snapshot;
use hub_catalog::Catalog;
use hub_core::time::Timestamp;
use hub_core::{Environment, Inbound, Problem};
use std::sync::Arc;

/// The setting of one call.
pub(crate) struct Setting<'a> {
    pub(crate) core: &'a Core,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) inbound: &'a Inbound,
    pub(crate) environment: Environment,
    pub(crate) now: Timestamp,
}

impl<'a> Setting<'a> {
    pub(crate) fn new(core: &'a Core, inbound: &'a Inbound, environment: Environment) -> Self {
        Self {
            core,
            snapshot: core.snapshots.get(),
            inbound,
            environment,
            now: core.clock.now(),
        }
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.snapshot.catalog
    }

    pub(crate) fn policies(&self) -> &Policies {
        &self.snapshot.policies
    }

    /// Step address: the door of this client address.
    pub(crate) fn address(&self) -> Result<(), Problem> {
        let plans = &self.policies().plans;
        self.core.limiters.address(plans, self.inbound.peer, self.now)
    }
}
