//! The unified documents: all operations of the catalog, or a selection, as one OpenAPI document.

mod down;
mod operation;
mod parts;
mod widen;
mod words;
mod yaml;

pub use yaml::to_yaml;

use crate::catalog::{Catalog, OpenApiVersion, Selection};
use crate::check;
use hub_core::{Agency, Operation};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use widen::Widener;

/// The document of a selection. `base` is the hub's public address without a trailing slash.
pub(crate) fn document(catalog: &Catalog, selection: &Selection, version: OpenApiVersion, base: &str) -> Value {
    let selected = select(catalog, selection);
    let mut widener = Widener::new(catalog.components());
    let mut paths = Map::new();
    let mut statuses = BTreeSet::new();
    let mut agencies = BTreeMap::new();
    for operation in &selected {
        let agency = owner(catalog, operation);
        let object = operation::object(
            operation,
            &agency,
            catalog.body_is_optional(operation),
            catalog.components(),
            &mut widener,
        );
        statuses.extend(parts::problem_statuses(operation));
        agencies
            .entry(agency.clone())
            .or_insert_with(|| catalog.agency(&agency));
        let item = paths.entry(operation.public_path()).or_insert_with(|| json!({}));
        parts::set(item, &operation.method.to_ascii_lowercase(), object);
    }
    let paths = Value::Object(paths);
    let schemas = schemas(catalog, &paths, widener);
    let mut components = Map::new();
    components.insert("schemas".into(), Value::Object(schemas));
    components.insert("responses".into(), Value::Object(parts::responses(statuses, base)));
    components.extend(parts::fixed());
    let mut document = json!({
        "openapi": "3.1.0",
        "info": info(selection),
        "servers": [
            {"url": format!("{base}/gateway"), "description": "正式环境 Live"},
            {"url": format!("{base}/sandbox"), "description": "沙箱：每个操作都会应答，无需审批 Sandbox: every operation answers, without approval"},
        ],
        "tags": agencies.into_iter().map(|(code, agency)| tag(&code, agency)).collect::<Vec<_>>(),
        "paths": paths,
        "components": components,
    });
    words::describe(&mut document);
    match version {
        OpenApiVersion::V31 => document,
        OpenApiVersion::V30 => down::to_30(document),
    }
}

/// The operations of a selection, in catalog order.
fn select<'c>(catalog: &'c Catalog, selection: &Selection) -> Vec<&'c Arc<Operation>> {
    let wanted = |operation: &Operation| {
        let service = operation.service.as_deref().and_then(|s| catalog.service(s));
        let agency = service.map_or(operation.system.agency.as_str(), |s| s.agency.as_str());
        let domain = service
            .map(|s| s.domain.as_str())
            .or_else(|| catalog.agency(agency).map(|a| a.domain.as_str()));
        let fits = |filter: &Option<String>, value: Option<&str>| filter.as_deref().is_none_or(|f| Some(f) == value);
        let theme = selection
            .theme
            .as_ref()
            .is_none_or(|t| service.is_some_and(|s| s.themes.contains(t)));
        fits(&selection.agency, Some(agency)) && fits(&selection.domain, domain) && theme
    };
    let Some(named) = &selection.service else {
        return catalog.operations().iter().filter(|o| wanted(o)).collect();
    };
    let Some(service) = catalog.service(named) else {
        return Vec::new();
    };
    let own = |o: &Operation| o.service.as_deref() == Some(service.id.as_str());
    let shared = |o: &Operation| o.service.is_none() && o.system == service.system && wanted_with(service);
    let of_system = catalog.operations_of(&service.system);
    of_system.filter(|o| own(o) || shared(o)).collect()
}

/// Whether the resources shared by a system belong to a service: cases follow applications and reports.
fn wanted_with(service: &hub_core::Service) -> bool {
    use hub_core::Archetype::{Application, Certificate, Report};
    matches!(service.archetype, Application | Certificate | Report)
}

/// The agency an operation is shown under: its service's, else its system's.
fn owner(catalog: &Catalog, operation: &Operation) -> String {
    let service = operation.service.as_deref().and_then(|s| catalog.service(s));
    service.map_or_else(|| operation.system.agency.clone(), |s| s.agency.clone())
}

fn info(selection: &Selection) -> Value {
    let parts = [
        &selection.agency,
        &selection.domain,
        &selection.theme,
        &selection.service,
    ];
    let chosen: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    let title = match chosen.as_slice() {
        [] => "城市服务统一目录 Unified catalog of city services".to_owned(),
        some => format!("城市服务统一目录 Unified catalog of city services: {}", some.join(", ")),
    };
    json!({
        "title": title,
        "version": env!("CARGO_PKG_VERSION"),
        "description": "所有服务用同一种方式调用：应用密钥放在 X-Api-Key，办事人令牌放在 Authorization: Bearer，错误均为 application/problem+json。\n\nEvery service is called the same way: the client's key in X-Api-Key, the subject's token in Authorization: Bearer, errors as application/problem+json.",
    })
}

fn tag(code: &str, agency: Option<&Agency>) -> Value {
    match agency {
        Some(agency) => json!({
            "name": code,
            "x-displayName": agency.short.zh,
            "description": format!("{} {}", agency.name.zh, agency.name.en),
        }),
        None => json!({"name": code}),
    }
}

/// Every component the paths reach, in order of their names.
fn schemas(catalog: &Catalog, paths: &Value, widener: Widener<'_>) -> Map<String, Value> {
    let siblings: BTreeMap<String, Value> = widener.into_components().collect();
    let mut reached = BTreeMap::new();
    let mut open = Vec::new();
    check::references(paths, &mut open);
    while let Some(name) = open.pop() {
        if reached.contains_key(&name) {
            continue;
        }
        let schema = match siblings.get(&name) {
            Some(sibling) => Some(sibling.clone()),
            None => catalog.components().get(&name).map(|c| c.as_ref().clone()),
        };
        if let Some(schema) = schema {
            check::references(&schema, &mut open);
            reached.insert(name, schema);
        }
    }
    reached.insert(parts::PROBLEM.to_owned(), parts::problem_schema());
    reached.into_iter().collect()
}

#[cfg(test)]
mod tests;
