//! The snapshot and the questions it answers.

mod paths;

use crate::Document;
use crate::check::checker::Checker;
use crate::check::contract::{self, Ground};
use crate::load::schema::split_component;
use crate::load::{self, Dictionary, Loaded};
use crate::search::{self, Search};
use crate::{unified, vacuous};
use hub_core::problem::Violation;
use hub_core::{Agency, Audience, Finding, Operation, Service, Shape, System, SystemId, Text};
use paths::Paths;
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

/// Name under which a request body that is not an object stands in the flat input.
pub const BODY_FIELD: &str = "$body";

/// Everything the specs say, indexed. Immutable; share it behind an `Arc`.
#[derive(Debug)]
pub struct Catalog {
    /// What the folder itself came to.
    own: Arc<Loaded>,
    agencies: Vec<Agency>,
    systems: Vec<System>,
    services: Vec<Arc<Service>>,
    operations: Vec<Arc<Operation>>,
    dictionary: Arc<Dictionary>,
    components: HashMap<String, Arc<Value>>,
    optional_bodies: HashSet<Arc<str>>,
    themes: Vec<Theme>,
    events: Vec<Event>,
    notes: Vec<Finding>,
    sources: Vec<(String, Arc<str>)>,
    /// Slug and number to the index of a service.
    service_index: HashMap<String, usize>,
    operation_index: HashMap<Arc<str>, usize>,
    paths: Paths,
    search: Search,
    checker: Checker,
    texts: Texts,
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

/// How a unified document is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON.
    #[default]
    Json,
    /// YAML.
    Yaml,
}

/// Texts of unified documents that were asked for.
type Texts = moka::sync::Cache<(Selection, OpenApiVersion, Format, String), Arc<str>>;

/// Bytes of unified documents that are kept.
const TEXT_BYTES: u64 = 48 << 20;

fn texts() -> Texts {
    moka::sync::Cache::builder()
        .max_capacity(TEXT_BYTES)
        .weigher(|_, text: &Arc<str>| u32::try_from(text.len()).unwrap_or(u32::MAX))
        .time_to_idle(std::time::Duration::from_secs(600))
        .build()
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

impl Default for Catalog {
    /// The empty catalog.
    fn default() -> Self {
        Self::index(&Arc::default(), Loaded::default())
    }
}

impl Catalog {
    /// Reads a folder of specs. An empty or missing folder is an empty catalog. All errors of all files come back together.
    pub fn load(specs: &Path) -> Result<Self, Vec<Finding>> {
        let own = Arc::new(load::folder(specs)?);
        Ok(Self::index(&own, own.as_ref().clone()))
    }

    /// From documents that were read already. Names are paths in the folder: `psb/hukou.yaml`, `fields.yaml`.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "documents are large and of no use to the caller afterwards"
    )]
    pub fn from_documents(documents: Vec<Document>) -> Result<Self, Vec<Finding>> {
        let loaded = load::documents(&documents, &Loaded::default())?;
        Ok(Self::index(&Arc::new(loaded.clone()), loaded))
    }

    /// The same folder with other contracts beside it, in place of those that are beside it now. Nothing of the folder is
    /// read again: what is published is in force within a moment, however large the city.
    ///
    /// # Errors
    /// Every error of the others, as [`Catalog::load`]; what they take from the folder is named by its system.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "documents are large and of no use to the caller afterwards"
    )]
    pub fn beside(&self, others: Vec<Document>) -> Result<Self, Vec<Finding>> {
        Ok(Self::index(&self.own, load::documents(&others, &self.own)?))
    }

    /// Whether a system stands in the folder, and not beside it.
    #[must_use]
    pub fn stands_in_folder(&self, system: &SystemId) -> bool {
        self.own.systems.iter().any(|s| s.id == *system)
    }

    fn index(own: &Arc<Loaded>, loaded: Loaded) -> Self {
        let Loaded {
            operations, services, ..
        } = &loaded;
        let both = |(i, s): (usize, &Arc<Service>)| [(s.id.clone(), i), (s.number.clone(), i)];
        let operation_index: HashMap<Arc<str>, usize> = operations
            .iter()
            .enumerate()
            .map(|(i, o)| (Arc::clone(&o.id), i))
            .collect();
        let search = Search::new(
            services,
            &operation_index,
            operations,
            &loaded.agencies,
            &loaded.themes,
            &loaded.synonyms,
        );
        Self {
            service_index: services.iter().enumerate().flat_map(both).collect(),
            operation_index,
            search,
            paths: Paths::new(operations),
            own: Arc::clone(own),
            agencies: loaded.agencies,
            systems: loaded.systems,
            services: loaded.services,
            operations: loaded.operations,
            dictionary: loaded.dictionary,
            components: loaded.components,
            optional_bodies: loaded.optional_bodies,
            themes: loaded.themes,
            events: loaded.events,
            notes: loaded.notes,
            sources: loaded.sources,
            checker: Checker::default(),
            texts: texts(),
        }
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
        let index = self.agencies.binary_search_by(|a| a.code.as_str().cmp(code)).ok()?;
        self.agencies.get(index)
    }

    /// A system by its id.
    #[must_use]
    pub fn system(&self, id: &SystemId) -> Option<&System> {
        let index = self.systems.binary_search_by(|s| s.id.cmp(id)).ok()?;
        self.systems.get(index)
    }

    /// A service by slug or number.
    #[must_use]
    pub fn service(&self, slug_or_number: &str) -> Option<&Arc<Service>> {
        self.services.get(*self.service_index.get(slug_or_number)?)
    }

    /// An operation by its id.
    #[must_use]
    pub fn operation(&self, id: &str) -> Option<&Arc<Operation>> {
        self.operations.get(*self.operation_index.get(id)?)
    }

    /// The operations of a system, in document order.
    pub fn operations_of(&self, system: &SystemId) -> impl Iterator<Item = &Arc<Operation>> + use<'_> {
        let start = self.operations.partition_point(|o| o.system < *system);
        let system = system.clone();
        let rest = self.operations.iter().skip(start);
        rest.take_while(move |o| o.system == system)
    }

    /// What a method and a path (`/agency/system/v1/…`, percent-encoded, without a query) mean. HEAD finds a GET.
    #[must_use]
    pub fn resolve(&self, method: &str, path: &str) -> Resolution {
        self.paths.resolve(method, path)
    }

    /// A canonical field of the dictionary.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Shape> {
        self.dictionary.field(name).map(|f| &f.shape)
    }

    /// Names of the dictionary's fields, in its order.
    pub fn field_names(&self) -> impl Iterator<Item = &str> {
        self.dictionary.names()
    }

    /// Whether a field is a number by which a matter is found again (`x-hub-handle`).
    #[must_use]
    pub fn is_handle(&self, field: &str) -> bool {
        self.dictionary.field(field).is_some_and(|f| f.is_handle)
    }

    /// What a `#/components/schemas/…` reference in a schema of this catalog means. Names are unique in the catalog, so
    /// the system only says who asks.
    #[must_use]
    pub fn component(&self, _system: &SystemId, reference: &str) -> Option<Arc<Value>> {
        let (name, deeper) = split_component(reference)?;
        let component = self.components.get(&name)?;
        match deeper {
            "" => Some(Arc::clone(component)),
            deeper => component.pointer(deeper).map(|v| Arc::new(v.clone())),
        }
    }

    /// Checks flat input (parameters and body properties in one object) as the client gave it: bound fields are
    /// optional, unknown top-level fields are refused. Places read `/field/…` or `parameter/name`.
    pub fn check_input(&self, operation: &Operation, input: &Map<String, Value>) -> Result<(), Vec<Violation>> {
        contract::input(operation, input, &self.ground(operation))
    }

    /// Checks an answer's body against the contract. An operation without an answer's schema takes anything.
    pub fn check_output(&self, operation: &Operation, output: &Value) -> Result<(), Vec<Violation>> {
        contract::output(operation, output, &self.ground(operation))
    }

    /// Whether an answer's bytes are JSON that fits the contract and says nothing but what the contract knows: no member
    /// besides, none twice, no null, no empty text. Such bytes are their own canonical form and may pass untouched.
    #[must_use]
    pub fn fits_exactly(&self, operation: &Operation, bytes: &[u8]) -> bool {
        contract::exact(operation, bytes, &self.ground(operation))
    }

    fn ground(&self, operation: &Operation) -> Ground<'_> {
        let own = self.operation(&operation.id);
        let same = |a: &Option<Arc<Value>>, b: &Option<Arc<Value>>| match (a, b) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        Ground {
            checker: &self.checker,
            components: &self.components,
            is_own: own.is_some_and(|own| {
                std::ptr::eq(own.as_ref(), operation)
                    || same(&own.request, &operation.request)
                        && same(&own.response, &operation.response)
                        && own.parameters.len() == operation.parameters.len()
                        && (own.parameters.iter().zip(&operation.parameters))
                            .all(|(a, b)| Arc::ptr_eq(&a.schema, &b.schema))
            }),
            body_is_optional: self.body_is_optional(operation),
        }
    }

    /// Finds services. Filters add up; a page beyond the last is empty.
    #[must_use]
    pub fn search(&self, query: &SearchQuery) -> SearchPage {
        let (page, page_size) = search::paging(query);
        let found = self.search.find(&query.q, self.services.len());
        let services = found.into_iter().filter_map(|number| self.services.get(number));
        let fitting: Vec<&Arc<Service>> = services.filter(|s| search::passes(s, query)).collect();
        let start = (page - 1).saturating_mul(page_size);
        SearchPage {
            items: fitting
                .iter()
                .skip(start)
                .take(page_size)
                .map(|s| Arc::clone(s))
                .collect(),
            total: fitting.len(),
            page,
            page_size,
        }
    }

    /// The unified OpenAPI document, made anew. `base` is the hub's public address without a trailing slash.
    #[must_use]
    pub fn openapi(&self, selection: &Selection, version: OpenApiVersion, base: &str) -> Arc<Value> {
        Arc::new(unified::document(self, selection, version, base))
    }

    /// The same as text, from a cache that is weighed by bytes.
    #[must_use]
    pub fn openapi_text(&self, selection: &Selection, version: OpenApiVersion, format: Format, base: &str) -> Arc<str> {
        let key = (selection.clone(), version, format, base.to_owned());
        self.texts.get_with(key, || {
            let document = unified::document(self, selection, version, base);
            match format {
                Format::Json => document.to_string().into(),
                Format::Yaml => unified::to_yaml(&document).into(),
            }
        })
    }

    /// Names and texts of the documents this catalog was read from, as they were: what `hub export` writes.
    #[must_use]
    pub fn sources(&self) -> &[(String, Arc<str>)] {
        &self.sources
    }

    /// Component schemas by name: fields of the dictionary and the systems' own.
    pub(crate) fn components(&self) -> &HashMap<String, Arc<Value>> {
        &self.components
    }

    /// Whether an operation's body may be left out.
    #[must_use]
    pub fn body_is_optional(&self, operation: &Operation) -> bool {
        self.optional_bodies.contains(&operation.id)
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

    /// Operation id and place of every schema that accepts anything: a pointer below `parameter`, `request` or
    /// `response`, or the pointer of a component, which is named once, with the first operation that uses it.
    #[must_use]
    pub fn vacuous_schemas(&self) -> Vec<(String, String)> {
        let mut search = vacuous::Search::new(&self.components);
        let mut all = Vec::new();
        for operation in &self.operations {
            let mut found = Vec::new();
            for parameter in &operation.parameters {
                search.find(&parameter.schema, &format!("parameter/{}", parameter.name), &mut found);
            }
            for (schema, root) in [(&operation.request, "request"), (&operation.response, "response")] {
                if let Some(schema) = schema {
                    search.find(schema, root, &mut found);
                }
            }
            all.extend(found.into_iter().map(|pointer| (operation.id.to_string(), pointer)));
        }
        all
    }

    /// Operation id, name of the example and violation of every example that doesn't fit its own contract.
    #[must_use]
    pub fn unfit_examples(&self) -> Vec<(String, String, Violation)> {
        let mut unfit = Vec::new();
        for operation in &self.operations {
            for example in &operation.examples {
                let input = example
                    .input
                    .as_ref()
                    .map_or(Ok(()), |i| self.check_input(operation, i));
                let output = example
                    .output
                    .as_ref()
                    .map_or(Ok(()), |o| self.check_output(operation, o));
                let violations = [input, output].into_iter().filter_map(Result::err).flatten();
                unfit.extend(violations.map(|v| (operation.id.to_string(), example.name.clone(), v)));
            }
        }
        unfit
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

#[cfg(test)]
pub(crate) mod tests;
