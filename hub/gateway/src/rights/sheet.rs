//! What a person is asked to agree to for a service: computed from its contracts, so that nothing is missing on it.

use crate::journey::subject_mark;
use crate::setting::Setting;
use hub_catalog::Catalog;
use hub_core::time::Timestamp;
use hub_core::{DataLevel, Operation, Problem, ProblemCode, Shape, Text};
use hub_store::ServiceConsent;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The sheet of one service.
pub(crate) struct Sheet {
    /// Service, or system where an operation belongs to none.
    pub(crate) service: String,
    pub(crate) agency: String,
    /// Personal fields that travel, with their levels.
    pub(crate) fields: BTreeMap<String, DataLevel>,
    operation: Arc<Operation>,
}

impl Sheet {
    /// Those that need a yes of their own: sensitive personal data (PIPL, article 29).
    pub(crate) fn apart(&self) -> Vec<String> {
        let sensitive = self.fields.iter().filter(|(_, level)| **level >= DataLevel::L4);
        sensitive.map(|(name, _)| name.clone()).collect()
    }

    /// As a client shows it to the person.
    pub(crate) fn view(&self, at: &Setting<'_>) -> Value {
        let catalog = at.catalog();
        let service = catalog.service(&self.service);
        let name = service.map_or_else(|| self.operation.summary.clone(), |s| s.name.clone());
        let fields: Vec<Value> = self
            .fields
            .iter()
            .map(|(name, level)| {
                let text = titled(at, name);
                json!({"field": name, "name": text, "level": level, "apart": *level >= DataLevel::L4})
            })
            .collect();
        json!({
            "service": {"id": self.service, "name": name}, "agency": catalog.agency(&self.agency).map(|a| &a.name),
            "why": self.operation.basis, "fields": fields,
        })
    }
}

/// A field in words.
fn titled(at: &Setting<'_>, name: &str) -> Text {
    let schema = at.catalog().field(name).map(|shape| &shape.schema);
    let text = |key: &str| schema.and_then(|s| s.get(key)).and_then(Value::as_str).unwrap_or(name);
    Text::new(text("title"), text("x-hub-en"))
}

/// Under which name consents to an operation stand.
pub(super) fn subject_matter(operation: &Operation) -> String {
    let service = operation.service.as_deref().map(str::to_owned);
    service.unwrap_or_else(|| operation.system.to_string())
}

/// Whether an operation stands on consent and nothing else.
pub(super) fn stands_on_consent(operation: &Operation) -> bool {
    operation.basis.as_ref().is_some_and(|b| b.en.starts_with("consent"))
}

/// The sheet of a service.
///
/// # Errors
/// `not-found`, or `validation-failed` where no consent is needed.
pub(crate) fn sheet(at: &Setting<'_>, service: &str) -> Result<Sheet, Problem> {
    let operations = at.catalog().operations().iter();
    let of: Vec<&Arc<Operation>> = operations.filter(|o| subject_matter(o) == service).collect();
    let Some(first) = of.first() else {
        return Err(Problem::new(ProblemCode::NotFound));
    };
    let asking: Vec<&&Arc<Operation>> = of.iter().filter(|o| stands_on_consent(o)).collect();
    if asking.is_empty() {
        return Err(Problem::new(ProblemCode::ValidationFailed)
            .detail(
                "该服务不以同意为依据，无需同意",
                "The service does not stand on consent: none is needed",
            )
            .at(
                "/service",
                Text::new("以同意为依据的服务", "a service that stands on consent"),
                service,
            ));
    }
    let mut fields = BTreeMap::new();
    for operation in asking {
        fields.extend(personal(operation));
    }
    Ok(Sheet {
        service: service.to_owned(),
        agency: first.system.agency.clone(),
        fields,
        operation: Arc::clone(first),
    })
}

/// The sheets of every service of a catalog that stands on consent.
fn sheets(catalog: &Catalog) -> Vec<Sheet> {
    let mut all: BTreeMap<String, Sheet> = BTreeMap::new();
    for operation in catalog.operations().iter().filter(|o| stands_on_consent(o)) {
        let service = subject_matter(operation);
        let sheet = all.entry(service.clone()).or_insert_with(|| Sheet {
            service,
            agency: operation.system.agency.clone(),
            fields: BTreeMap::new(),
            operation: Arc::clone(operation),
        });
        sheet.fields.extend(personal(operation));
    }
    all.into_values().collect()
}

/// What a subject who agrees to everything agrees to, in one client: for the invented people of a demo.
#[must_use]
pub fn all_consents(
    catalog: &Catalog,
    client: &str,
    subject: &str,
    now: Timestamp,
    until: Timestamp,
) -> Vec<ServiceConsent> {
    let mark = subject_mark(subject);
    let agreed = sheets(catalog).into_iter().map(|sheet| ServiceConsent {
        id: format!("cns_{client}_{mark}_{}", sheet.service),
        subject: mark.clone(),
        client: client.to_owned(),
        apart: sheet.apart(),
        fields: sheet.fields.into_keys().collect(),
        service: sheet.service,
        agency: sheet.agency,
        agent: None,
        since: now,
        until,
        withdrawn: None,
    });
    agreed.collect()
}

/// Personal fields that travel in an operation, either way.
pub(super) fn personal(operation: &Operation) -> BTreeMap<String, DataLevel> {
    let mut found = BTreeMap::new();
    for shape in [&operation.input, &operation.output] {
        gather(shape, &mut found);
    }
    found
}

fn gather(shape: &Shape, found: &mut BTreeMap<String, DataLevel>) {
    if shape.level > DataLevel::L1 && !shape.name.is_empty() {
        let level = found.entry(shape.name.to_string()).or_insert(shape.level);
        *level = (*level).max(shape.level);
    }
    for below in shape.children.iter().chain(shape.item.as_deref()) {
        gather(below, found);
    }
}
