//! What calls are decided from: swapped whole, never changed.

use crate::policy::Policies;
use arc_swap::ArcSwap;
use hub_catalog::Catalog;
use hub_connectors::Connector;
use hub_core::SystemId;
use hub_core::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One consistent state of catalog, connectors and policies. Policies are compiled against the catalog beside them.
#[derive(Default)]
pub struct Snapshot {
    /// Counts up with every reload.
    pub version: u64,
    /// Contracts.
    pub catalog: Arc<Catalog>,
    /// Connectors by system.
    pub connectors: BTreeMap<SystemId, Arc<Connector>>,
    /// Policies.
    pub policies: Arc<Policies>,
    /// What the registry says of the systems that came by it; those of folders are not among them.
    pub registered: BTreeMap<SystemId, Registration>,
}

/// What the registry says of a system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registration {
    /// The version that answers.
    pub version: String,
    /// Whether an operator lets its upstream stand on this machine or in a private network.
    pub inner_allowed: bool,
    /// Since when it is deprecated.
    pub deprecated: Option<Timestamp>,
    /// When it ends.
    pub sunset: Option<Timestamp>,
}

/// The snapshot in force, shared by all workers.
#[derive(Clone)]
pub struct Snapshots(Arc<ArcSwap<Snapshot>>);

impl Snapshots {
    /// Begins with a snapshot.
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(snapshot)))
    }

    /// The one in force now. A call holds on to the one it began with.
    #[must_use]
    pub fn get(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }

    /// Puts another one in force for the calls that begin from now on.
    pub(crate) fn swap(&self, snapshot: Snapshot) {
        self.0.store(Arc::new(snapshot));
    }
}
