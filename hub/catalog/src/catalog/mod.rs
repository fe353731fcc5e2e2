//! The snapshot and the questions it answers.

use crate::Document;
use hub_core::problem::Violation;
use hub_core::{Agency, Audience, Finding, Operation, Service, Shape, System, SystemId, Text};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// Name under which a request body that is not an object stands in the flat input.
pub const BODY_FIELD: &str = "body";

/// Everything the specs say, indexed. Immutable; share it behind an `Arc`.
#[derive(Debug, Default)]
pub struct Catalog {
    agencies: Vec<Agency>,
    systems: Vec<System>,
    services: Vec<Arc<Service>>,
    operations: Vec<Arc<Operation>>,
    fields: HashMap<String, Shape>,
    components: HashMap<String, Arc<Value>>,
    themes: Vec<Theme>,
    events: Vec<Event>,
    notes: Vec<Finding>,
}

/// A topic of `themes.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    /// Code.
    pub code: String,
    /// Name.
    pub name: Text,
    /// Scheme it belongs to: natural, legal or city.
    pub scheme: String,
    /// Order within the scheme.
    pub sort: u32,
}

/// A life or business event (一件事) of `events.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Id.
    pub id: String,
    /// Name.
    pub name: Text,
}

/// What a method and a path mean.
#[derive(Debug, Clone)]
pub enum Resolution {
    /// An operation, with the decoded path parameters.
    Found {
        /// The operation.
        operation: Arc<Operation>,
        /// Name and value of each path parameter.
        parameters: Vec<(String, String)>,
    },
    /// The path exists, the method does not.
    WrongMethod {
        /// Methods that exist there, upper case, sorted.
        allow: Vec<String>,
    },
    /// There is no such path.
    Unknown {
        /// Templates of the nearest paths.
        near: Vec<String>,
    },
}

/// What to search for. Empty text means everything, in catalog order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SearchQuery {
    /// Words as a person types them: Chinese, English, pinyin, initials.
    pub q: String,
    /// Domain, exact.
    pub domain: Option<String>,
    /// Theme code, exact.
    pub theme: Option<String>,
    /// Agency code, exact.
    pub agency: Option<String>,
    /// Services for this audience; those for both are included.
    pub audience: Option<Audience>,
    /// From 1; 0 counts as 1.
    pub page: usize,
    /// 1 to 100; 0 counts as 20.
    pub page_size: usize,
}

/// One page of results, best first.
#[derive(Debug, Clone)]
pub struct SearchPage {
    /// Services.
    pub items: Vec<Arc<Service>>,
    /// Results on all pages together.
    pub total: usize,
    /// From 1.
    pub page: usize,
    /// As used.
    pub page_size: usize,
}

/// Which part of the catalog a unified document shows. Filters add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Selection {
    /// Agency code.
    pub agency: Option<String>,
    /// Domain.
    pub domain: Option<String>,
    /// Theme code.
    pub theme: Option<String>,
    /// Service slug or number; brings the resources shared by its system with it.
    pub service: Option<String>,
}

/// Version of a unified document.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum OpenApiVersion {
    /// OpenAPI 3.1.
    #[default]
    V31,
    /// OpenAPI 3.0, for tools that know no newer one.
    V30,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Agencies.
    pub agencies: usize,
    /// Systems.
    pub systems: usize,
    /// Services.
    pub services: usize,
    /// Operations.
    pub operations: usize,
}

impl Catalog {
    /// Reads a folder of specs. An empty or missing folder is an empty catalog. All errors of all files come back together.
    pub fn load(_specs: &Path) -> Result<Self, Vec<Finding>> {
        Ok(Self::default())
    }

    /// From documents that were read already. Names are paths in the folder: `psb/hukou.yaml`, `fields.yaml`.
    pub fn from_documents(_documents: Vec<Document>) -> Result<Self, Vec<Finding>> {
        Ok(Self::default())
    }

    /// Findings that are no errors: the catalog works, but somebody should look.
    #[must_use]
    pub fn notes(&self) -> &[Finding] {
        &self.notes
    }

    /// Agencies in order of their codes.
    #[must_use]
    pub fn agencies(&self) -> &[Agency] {
        &self.agencies
    }

    /// Systems in order of their ids.
    #[must_use]
    pub fn systems(&self) -> &[System] {
        &self.systems
    }

    /// Services, by system, in document order.
    #[must_use]
    pub fn services(&self) -> &[Arc<Service>] {
        &self.services
    }

    /// Operations, by system, in document order.
    #[must_use]
    pub fn operations(&self) -> &[Arc<Operation>] {
        &self.operations
    }

    /// An agency by its code.
    #[must_use]
    pub fn agency(&self, code: &str) -> Option<&Agency> {
        self.agencies.iter().find(|a| a.code == code)
    }

    /// A system by its id.
    #[must_use]
    pub fn system(&self, id: &SystemId) -> Option<&System> {
        self.systems.iter().find(|s| s.id == *id)
    }

    /// A service by slug or number.
    #[must_use]
    pub fn service(&self, slug_or_number: &str) -> Option<&Arc<Service>> {
        self.services
            .iter()
            .find(|s| s.id == slug_or_number || s.number == slug_or_number)
    }

    /// An operation by its id.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Arc<Operation>> {
        self.operations.iter().find(|o| o.id.as_ref() == id)
    }

    /// The operations of a system, in document order.
    pub fn operations_of<'a>(&'a self, system: &'a SystemId) -> impl Iterator<Item = &'a Arc<Operation>> {
        self.operations.iter().filter(move |o| o.system == *system)
    }

    /// What a method and a path (`/agency/system/v1/…`, percent-encoded, without a query) mean.
    #[must_use]
    pub fn resolve(&self, _method: &str, _path: &str) -> Resolution {
        Resolution::Unknown { near: Vec::new() }
    }

    /// A canonical field of the dictionary.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Shape> {
        self.fields.get(name)
    }

    /// Whether a field is a number by which a matter is found again (`x-hub-handle`).
    #[must_use]
    pub fn is_handle(&self, _field: &str) -> bool {
        false
    }

    /// What a `#/components/schemas/…` reference in a schema of this catalog means.
    #[must_use]
    pub fn component(&self, _system: &SystemId, reference: &str) -> Option<Arc<Value>> {
        self.components
            .get(reference.strip_prefix("#/components/schemas/")?)
            .cloned()
    }

    /// Checks flat input (parameters and body properties in one object) as the client gave it: bound fields are
    /// optional, unknown top-level fields are refused.
    pub fn check_input(&self, _operation: &Operation, _input: &Map<String, Value>) -> Result<(), Vec<Violation>> {
        Ok(())
    }

    /// Checks an answer's body against the contract.
    pub fn check_output(&self, _operation: &Operation, _output: &Value) -> Result<(), Vec<Violation>> {
        Ok(())
    }

    /// Finds services.
    #[must_use]
    pub fn search(&self, query: &SearchQuery) -> SearchPage {
        SearchPage {
            items: Vec::new(),
            total: 0,
            page: query.page.max(1),
            page_size: query.page_size,
        }
    }

    /// The unified OpenAPI document. `base` is the hub's public address without a trailing slash.
    #[must_use]
    pub fn openapi(&self, _selection: &Selection, _version: OpenApiVersion, _base: &str) -> Arc<Value> {
        Arc::new(Value::Null)
    }

    /// How much there is.
    #[must_use]
    pub fn counts(&self) -> Counts {
        Counts {
            agencies: self.agencies.len(),
            systems: self.systems.len(),
            services: self.services.len(),
            operations: self.operations.len(),
        }
    }

    /// Operation id and JSON pointer (below `request` or `response`) of every schema that accepts anything.
    #[must_use]
    pub fn vacuous_schemas(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Topics in order.
    #[must_use]
    pub fn themes(&self) -> &[Theme] {
        &self.themes
    }

    /// Life and business events in order.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }
}
