//! The catalog for programs.

use super::describe::Description;
use super::{Answered, Ask};
use crate::hub::Printed;
use actix_web::HttpResponse;
use hub_catalog::{OpenApiVersion, SearchQuery, Selection, nearest};
use hub_core::{Audience, Problem, ProblemCode, Text};
use serde_json::{Value, json};
use std::str::FromStr;

const TEXT: &str = "#/components/schemas/Text";

pub async fn openapi_json(ask: Ask) -> Answered {
    openapi(&ask, &selection(&ask), false)
}

pub async fn openapi_yaml(ask: Ask) -> Answered {
    openapi(&ask, &selection(&ask), true)
}

pub async fn service_openapi(ask: Ask) -> Answered {
    let service = found(&ask, &ask.path("id"))?;
    openapi(
        &ask,
        &Selection {
            service: Some(service),
            ..Selection::default()
        },
        false,
    )
}

fn selection(ask: &Ask) -> Selection {
    Selection {
        agency: ask.parameter("agency"),
        domain: ask.parameter("domain"),
        theme: ask.parameter("theme"),
        service: ask.parameter("service"),
    }
}

fn openapi(ask: &Ask, selection: &Selection, yaml: bool) -> Answered {
    let version = match ask.parameter("version").as_deref() {
        None | Some("3.1") => OpenApiVersion::V31,
        Some("3.0") => OpenApiVersion::V30,
        Some(other) => return Err(unfit("version", "3.1, 3.0", other)),
    };
    let Printed { text, tag } = ask.worker.hub.printed(selection, version, yaml);
    let tag = format!("\"{tag}\"");
    if ask.header("if-none-match") == Some(tag.as_str()) {
        return Ok(HttpResponse::NotModified().insert_header(("etag", tag)).finish());
    }
    Ok(HttpResponse::Ok()
        .content_type(if yaml { "application/yaml" } else { "application/json" })
        .insert_header(("etag", tag))
        .insert_header(("cache-control", "no-cache"))
        .insert_header(("access-control-allow-origin", "*"))
        .body(text))
}

pub async fn services(ask: Ask) -> Answered {
    let number = |name| match ask.parameter(name) {
        None => Ok(0),
        Some(text) => text.parse::<usize>().map_err(|_| unfit(name, "1, 2, 3, …", &text)),
    };
    let audience = ask
        .parameter("audience")
        .map(|a| Audience::from_str(&a).map_err(|e| unfit("audience", e.expected, &a)));
    let query = SearchQuery {
        q: ask.parameter("q").unwrap_or_default(),
        domain: ask.parameter("domain"),
        theme: ask.parameter("theme"),
        agency: ask.parameter("agency"),
        audience: audience.transpose()?,
        page: number("page")?,
        page_size: number("page_size")?,
    };
    if query.page_size > 100 {
        return Err(unfit("page_size", "1 … 100", &query.page_size.to_string()));
    }
    let found = ask.worker.hub.catalog().search(&query);
    Ok(HttpResponse::Ok().json(json!({
        "items": found.items, "total": found.total, "page": found.page, "page_size": found.page_size,
    })))
}

pub async fn service(ask: Ask) -> Answered {
    let id = found(&ask, &ask.path("id"))?;
    let catalog = ask.worker.hub.catalog();
    Ok(HttpResponse::Ok().json(catalog.service(&id)))
}

pub async fn agencies(ask: Ask) -> Answered {
    let catalog = ask.worker.hub.catalog();
    let items: Vec<Value> = catalog
        .agencies()
        .iter()
        .map(|a| {
            let services = catalog.services().iter().filter(|s| s.agency == a.code).count();
            let systems: Vec<String> = catalog
                .systems()
                .iter()
                .filter(|s| s.id.agency == a.code)
                .map(|s| s.id.to_string())
                .collect();
            json!({"code": a.code, "name": a.name, "short": a.short, "domain": a.domain, "phone": a.phone,
                   "services": services, "systems": systems})
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

/// The id of a service given by id or number.
fn found(ask: &Ask, wanted: &str) -> Result<String, Problem> {
    let catalog = ask.worker.hub.catalog();
    let service = catalog.service(wanted).map(|s| s.id.clone());
    service.ok_or_else(|| {
        let ids: Vec<&str> = catalog.services().iter().map(|s| s.id.as_str()).collect();
        Problem::new(ProblemCode::NotFound).near(nearest(wanted, ids))
    })
}

fn unfit(name: &str, expected: &str, got: &str) -> Problem {
    Problem::new(ProblemCode::BadRequest).at(format!("parameter/{name}"), Text::same(expected), got)
}

fn filters(description: Description) -> Description {
    let text = || json!({"type": "string"});
    description
        .query("agency", "Only services of this agency.", text())
        .query("domain", "Only services of this domain.", text())
        .query("theme", "Only services with this theme.", text())
}

fn document(description: Description) -> Description {
    let version = json!({"type": "string", "enum": ["3.1", "3.0"], "default": "3.1"});
    filters(description)
        .query("service", "Only this service.", json!({"type": "string"}))
        .query("version", "Version of OpenAPI.", version)
        .problems(&[400])
}

pub fn says_openapi_json() -> Description {
    document(Description::new(
        "openapi.json",
        "统一的 OpenAPI 文档",
        "The unified OpenAPI document",
    ))
}

pub fn says_openapi_yaml() -> Description {
    document(Description::new(
        "openapi.yaml",
        "统一的 OpenAPI 文档（YAML）",
        "The unified OpenAPI document as YAML",
    ))
    .good(200, "application/yaml", json!({"type": "string"}))
}

pub fn says_services() -> Description {
    let number = |max: Option<u32>| json!({"type": "integer", "minimum": 1, "maximum": max.unwrap_or(1_000_000)});
    let page = json!({
        "type": "object",
        "required": ["items", "total", "page", "page_size"],
        "properties": {
            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Service"}},
            "total": {"type": "integer"}, "page": {"type": "integer"}, "page_size": {"type": "integer"},
        },
    });
    filters(Description::new("services.search", "查找服务", "Find services"))
        .query(
            "q",
            "Words as a person types them: Chinese, English, pinyin, initials.",
            json!({"type": "string"}),
        )
        .query("audience", "For whom.", json!({"enum": ["natural", "legal", "both"]}))
        .query("page", "From 1.", number(None))
        .query("page_size", "Services a page.", number(Some(100)))
        .good(200, "application/json", page)
        .problems(&[400])
}

pub fn says_service() -> Description {
    Description::new("services.get", "一项服务", "One service")
        .path("id", "Id or number.")
        .good(200, "application/json", json!({"$ref": "#/components/schemas/Service"}))
        .problems(&[404])
}

pub fn says_service_openapi() -> Description {
    let version = json!({"type": "string", "enum": ["3.1", "3.0"], "default": "3.1"});
    Description::new(
        "services.openapi",
        "一项服务的 OpenAPI 文档",
        "The OpenAPI document of one service",
    )
    .path("id", "Id or number.")
    .query("version", "Version of OpenAPI.", version)
    .problems(&[400, 404])
}

pub fn says_agencies() -> Description {
    let agency = json!({
        "type": "object",
        "required": ["code", "name", "short", "domain", "services", "systems"],
        "properties": {
            "code": {"type": "string"}, "name": {"$ref": TEXT}, "short": {"$ref": TEXT}, "domain": {"type": "string"},
            "phone": {"type": ["string", "null"]}, "services": {"type": "integer"},
            "systems": {"type": "array", "items": {"type": "string"}},
        },
    });
    Description::new("agencies.list", "提供服务的部门", "Agencies that offer services").good(
        200,
        "application/json",
        json!({
            "type": "object",
            "required": ["items", "total"],
            "properties": {"items": {"type": "array", "items": agency}, "total": {"type": "integer"}},
        }),
    )
}

/// The schema of a service.
pub fn service_schema() -> Value {
    let text = json!({"type": "string"});
    let maybe = json!({"anyOf": [{"$ref": TEXT}, {"type": "null"}]});
    let number = json!({"type": "integer", "minimum": 0});
    json!({
        "type": "object",
        "required": ["id", "number", "name", "agency", "system", "domain", "themes", "archetype", "audience", "level",
                     "assurance", "card", "operations"],
        "properties": {
            "id": text, "number": text, "name": {"$ref": TEXT}, "aliases": {"type": "array", "items": text},
            "agency": text, "system": text, "domain": text, "themes": {"type": "array", "items": text},
            "archetype": text, "event": maybe, "audience": text, "level": text, "assurance": text,
            "card": {
                "type": "object",
                "required": ["who", "papers", "fee", "legal_days", "promised_days", "visits"],
                "properties": {
                    "who": {"$ref": TEXT}, "papers": {"type": "array", "items": {"$ref": TEXT}}, "fee": {"$ref": TEXT},
                    "legal_days": number, "promised_days": number, "visits": number,
                    "scope": maybe, "kind": maybe, "basis": maybe,
                },
            },
            "operations": {"type": "array", "items": text},
        },
    })
}
