//! One edition of a city: catalog, connectors and policies that were read together and fit each other.

use super::registered;
use crate::config::Paths;
use hub_catalog::Catalog;
use hub_connectors::{Availability, Connector};
use hub_core::{Finding, Service, Severity, SystemId, Text};
use hub_gateway::{Policies, Registration, Snapshot};
use hub_identity::upstream::Providers;
use hub_registry::Published;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything the folders say.
pub struct Edition {
    /// Contracts.
    pub catalog: Arc<Catalog>,
    /// Connectors by system.
    pub connectors: BTreeMap<SystemId, Arc<Connector>>,
    /// Policies.
    pub policies: Arc<Policies>,
    /// Where people come from.
    pub providers: Arc<Providers>,
    /// What the registry says of the systems that came by it.
    pub registered: BTreeMap<SystemId, Registration>,
    /// Findings that hinder nothing.
    pub notes: Vec<Finding>,
}

impl Edition {
    /// Reads the folders, and with them what the registry has published.
    ///
    /// # Errors
    /// Every error of every file. Connectors and policies are only checked against a catalog that could be read.
    pub fn load(paths: &Paths, published: &[Published]) -> Result<Self, Vec<Finding>> {
        let folder = Catalog::load(&paths.specs)?;
        // Paths and search are costly: where nothing stands beside the folder they are made once.
        let catalog = match published {
            [] => Arc::new(folder),
            some => Arc::new(registered::catalog(&folder, some)?),
        };
        let (connectors, findings) = hub_connectors::load_folder(&paths.connectors, &catalog);
        Self::complete(paths, catalog, connectors, findings, published)
    }

    /// What the registry has published now, beside the contracts and the `own` connectors that are in force and came from
    /// folders: those are not read again. Policies are, since a grant or a plan may be about what is new.
    ///
    /// # Errors
    /// As [`Edition::load`].
    pub fn beside(
        paths: &Paths,
        current: &Catalog,
        own: BTreeMap<SystemId, Arc<Connector>>,
        published: &[Published],
    ) -> Result<Self, Vec<Finding>> {
        let catalog = Arc::new(registered::catalog(current, published)?);
        Self::complete(paths, catalog, own, Vec::new(), published)
    }

    fn complete(
        paths: &Paths,
        catalog: Arc<Catalog>,
        mut connectors: BTreeMap<SystemId, Arc<Connector>>,
        mut findings: Vec<Finding>,
        published: &[Published],
    ) -> Result<Self, Vec<Finding>> {
        let (own, more) = registered::connectors(published, &catalog);
        connectors.extend(own);
        findings.extend(more);
        let (mut errors, mut notes): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|f| f.severity == Severity::Error);
        notes.extend(catalog.notes().iter().cloned());
        let providers = super::providers(&paths.policies).unwrap_or_else(|more| {
            errors.extend(more);
            Providers::default()
        });
        match Policies::load(&paths.policies, &catalog) {
            Ok(policies) if errors.is_empty() => Ok(Self {
                providers: Arc::new(providers),
                catalog,
                connectors,
                policies: Arc::new(policies),
                registered: registered::registrations(published),
                notes,
            }),
            Ok(_) => Err(errors),
            Err(more) => {
                errors.extend(more);
                Err(errors)
            }
        }
    }

    /// The state from which calls are decided.
    #[must_use]
    pub fn snapshot(self, version: u64) -> Snapshot {
        Snapshot {
            version,
            catalog: self.catalog,
            connectors: self.connectors,
            policies: self.policies,
            registered: self.registered,
        }
    }
}

/// Why a service cannot be called live; `None` if all of its operations can.
#[must_use]
pub fn not_connected(
    catalog: &Catalog,
    connectors: &BTreeMap<SystemId, Arc<Connector>>,
    service: &Service,
) -> Option<Text> {
    let Some(connector) = connectors.get(&service.system) else {
        return Some(Text::new("该系统尚未接入", "its system has no connector yet"));
    };
    service.operations.iter().find_map(|id| {
        let operation = catalog.operation(id)?;
        match connector.available(operation.key()) {
            Availability::Live => None,
            Availability::NotYet { reason } => Some(reason),
        }
    })
}
