//! Services from the operations that belong to them.

use super::operation::Draft;
use super::report::{At, Report};
use super::system::Context;
use crate::catalog::Event;
use crate::nearest;
use hub_core::{Agency, Archetype, Audience, Card, Operation, Service, Text};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// `x-hub-service` on a leading operation.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Head {
    id: String,
    number: String,
    name: Text,
    #[serde(default)]
    aliases: Vec<String>,
    domain: String,
    themes: Vec<String>,
    archetype: Archetype,
    event: Option<String>,
    agency: Option<String>,
    card: Card,
}

/// How an operation belongs to a service.
#[derive(Debug, Clone)]
pub(super) enum Membership {
    /// It leads the service it describes.
    Leads(Box<Head>),
    /// It is one of the others of this service.
    Part(String),
    /// It is shared by several services of its system.
    Shared,
    /// Its document knows no services: it is one by itself.
    Alone,
}

/// A service with the place of its description.
pub(super) struct Assembled {
    pub(super) service: Service,
    /// Whether it was described, not derived.
    pub(super) is_declared: bool,
    pub(super) pointer: String,
}

/// Reads `x-hub-service`; a malformed one was reported with the extensions.
pub(super) fn membership(operation: &Value, context: &Context<'_>) -> Membership {
    match operation.get("x-hub-service") {
        Some(Value::String(slug)) => Membership::Part(slug.clone()),
        Some(object) => Head::deserialize(object).map_or(Membership::Shared, |head| Membership::Leads(Box::new(head))),
        None if context.has_services => Membership::Shared,
        None => Membership::Alone,
    }
}

/// What services are checked against.
pub(super) struct Surroundings<'a> {
    pub(super) domain: &'a dyn Fn(&str) -> String,
    pub(super) agencies: &'a BTreeMap<String, Agency>,
    pub(super) themes: &'a [String],
    pub(super) events: &'a [Event],
}

/// The services of one system, in document order; sets the service of each operation.
pub(super) fn assemble(drafts: &mut [Draft], around: &Surroundings<'_>, report: &mut Report<'_>) -> Vec<Assembled> {
    let mut services: Vec<Assembled> = Vec::new();
    for draft in drafts.iter_mut() {
        let service = match &draft.membership {
            Membership::Leads(head) => declared(head, draft, around, report),
            Membership::Alone => derived(&draft.operation, around),
            Membership::Part(_) | Membership::Shared => continue,
        };
        draft.operation.service = Some(service.id.as_str().into());
        services.push(Assembled {
            service,
            is_declared: matches!(draft.membership, Membership::Leads(_)),
            pointer: draft.pointer.clone(),
        });
    }
    for draft in drafts {
        let Membership::Part(slug) = &draft.membership else {
            continue;
        };
        match services.iter_mut().find(|s| s.service.id == *slug) {
            Some(assembled) => {
                join(&mut assembled.service, &draft.operation);
                draft.operation.service = Some(slug.as_str().into());
            }
            None => unknown_service(slug, draft, &services, report),
        }
    }
    services
}

fn declared(head: &Head, draft: &Draft, around: &Surroundings<'_>, report: &mut Report<'_>) -> Service {
    let operation = &draft.operation;
    let at = At::Pointer(&draft.pointer);
    let at = at.key("x-hub-service");
    if *operation.id != *head.id && !operation.id.starts_with(&format!("{}.", head.id)) {
        let finding = report.finding(
            "service-id-mismatch",
            &at.key("id"),
            "服务 id 应等于 operationId 或是它的前半部分",
            "A service's id is its leading operation's operationId, or what stands before the verb",
        );
        report.push(finding.expected(operation.id.to_string(), head.id.as_str()));
    }
    if !around.themes.is_empty() {
        let here = at.key("themes");
        for (index, theme) in head
            .themes
            .iter()
            .enumerate()
            .filter(|(_, t)| !around.themes.contains(t))
        {
            let near = nearest(theme, around.themes.iter().map(String::as_str));
            let (zh, en) = (format!("没有主题 `{theme}`"), format!("There is no theme `{theme}`"));
            let finding = report.finding("unknown-theme", &here.index(index), zh, en);
            report.push(finding.near(near));
        }
    }
    if let Some(agency) = head.agency.as_ref().filter(|a| !around.agencies.contains_key(*a)) {
        let near = nearest(agency, around.agencies.keys().map(String::as_str));
        let (zh, en) = (format!("没有部门 `{agency}`"), format!("There is no agency `{agency}`"));
        let finding = report.finding("unknown-agency", &at.key("agency"), zh, en);
        report.push(finding.near(near));
    }
    if head.card.promised_days > head.card.legal_days && head.card.legal_days > 0 {
        let card = at.key("card");
        let (zh, en) = ("承诺时限超过法定时限", "More days are promised than the law allows");
        report.warning("promise-too-long", &card.key("promised_days"), zh, en);
    }
    Service {
        id: head.id.clone(),
        number: head.number.clone(),
        name: head.name.clone(),
        aliases: head.aliases.clone(),
        agency: head.agency.clone().unwrap_or_else(|| operation.system.agency.clone()),
        domain: head.domain.clone(),
        themes: head.themes.clone(),
        archetype: head.archetype,
        event: head.event.as_ref().map(|id| event(id, around, &at, report)),
        card: head.card.clone(),
        ..bare(operation)
    }
}

fn event(id: &str, around: &Surroundings<'_>, at: &At<'_>, report: &mut Report<'_>) -> Text {
    if let Some(event) = around.events.iter().find(|e| e.id == id || e.name.zh == id) {
        return event.name.clone();
    }
    if !around.events.is_empty() {
        let near = nearest(id, around.events.iter().map(|e| e.id.as_str()));
        let (zh, en) = (format!("没有“一件事” `{id}`"), format!("There is no event `{id}`"));
        let finding = report.finding("unknown-event", &at.key("event"), zh, en);
        report.push(finding.near(near));
    }
    Text::same(id)
}

/// A service of a document that knows no services: all that can be said comes from its one operation.
fn derived(operation: &Operation, around: &Surroundings<'_>) -> Service {
    let unknown = Text::new("未说明", "Not stated");
    Service {
        name: operation.summary.clone(),
        domain: (around.domain)(&operation.system.agency),
        card: Card {
            who: match operation.audience {
                Audience::Natural => Text::new("个人", "Natural persons"),
                Audience::Legal => Text::new("企业和其他组织", "Companies and organisations"),
                Audience::Both => Text::new("个人、企业和其他组织", "Persons, companies and organisations"),
            },
            fee: unknown,
            ..Card::default()
        },
        ..bare(operation)
    }
}

/// What any service takes from its leading operation.
fn bare(operation: &Operation) -> Service {
    let id = operation.id.to_string();
    Service {
        number: id.clone(),
        name: Text::default(),
        aliases: Vec::new(),
        agency: operation.system.agency.clone(),
        system: operation.system.clone(),
        domain: String::new(),
        themes: Vec::new(),
        archetype: match operation.effect {
            hub_core::Effect::None => Archetype::Query,
            _ => Archetype::Application,
        },
        event: None,
        audience: operation.audience,
        level: operation.level,
        assurance: operation.assurance,
        card: Card::default(),
        operations: vec![id.clone()],
        id,
    }
}

fn join(service: &mut Service, operation: &Operation) {
    service.operations.push(operation.id.to_string());
    service.level = service.level.max(operation.level);
    service.assurance = service.assurance.max(operation.assurance);
    if service.audience != operation.audience {
        service.audience = Audience::Both;
    }
}

fn unknown_service(slug: &str, draft: &Draft, services: &[Assembled], report: &mut Report<'_>) {
    let near = nearest(slug, services.iter().map(|s| s.service.id.as_str()));
    let at = At::Pointer(&draft.pointer);
    let finding = report.finding(
        "unknown-service",
        &at.key("x-hub-service"),
        format!("本文档没有服务 `{slug}`"),
        format!("No operation of this document leads the service `{slug}`"),
    );
    report.push(finding.near(near));
}
