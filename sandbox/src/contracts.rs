//! What the mock engine needs of a catalog. A port of its own, so that `hub mock FILE` and tests can hand in less.

use hub_catalog::Catalog;
use hub_core::problem::Violation;
use hub_core::{Operation, Service, SystemId};
use serde_json::Value;
use std::sync::Arc;

/// The contracts an engine answers from.
pub trait Contracts: Send + Sync {
    /// Checks a good answer against the operation's contract.
    ///
    /// # Errors
    /// Every place that does not fit.
    fn check_output(&self, operation: &Operation, body: &Value) -> Result<(), Vec<Violation>>;
    /// Whether a field is a number by which a matter is found again (`x-hub-handle`).
    fn is_handle(&self, field: &str) -> bool;
    /// A schema a system's document shares, by its reference (`#/components/schemas/…`).
    fn component(&self, system: &SystemId, reference: &str) -> Option<Arc<Value>>;
    /// Every operation of a system.
    fn operations_of(&self, system: &SystemId) -> Vec<Arc<Operation>>;
    /// A service by its slug.
    fn service(&self, slug: &str) -> Option<Arc<Service>>;
}

/// Hands out the contracts of this moment, so that a reload reaches the engine without telling it.
pub type ContractSource = Arc<dyn Fn() -> Arc<dyn Contracts> + Send + Sync>;

impl Contracts for Catalog {
    fn check_output(&self, operation: &Operation, body: &Value) -> Result<(), Vec<Violation>> {
        Catalog::check_output(self, operation, body)
    }

    fn is_handle(&self, field: &str) -> bool {
        Catalog::is_handle(self, field)
    }

    fn component(&self, system: &SystemId, reference: &str) -> Option<Arc<Value>> {
        Catalog::component(self, system, reference)
    }

    fn operations_of(&self, system: &SystemId) -> Vec<Arc<Operation>> {
        Catalog::operations_of(self, system).cloned().collect()
    }

    fn service(&self, slug: &str) -> Option<Arc<Service>> {
        Catalog::service(self, slug).cloned()
    }
}
