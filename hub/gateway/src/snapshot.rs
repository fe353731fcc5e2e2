//! What calls are decided from: swapped whole, never changed.

use crate::policy::Policies;
use arc_swap::ArcSwap;
use hub_catalog::Catalog;
use hub_connectors::Connector;
use hub_core::SystemId;
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
