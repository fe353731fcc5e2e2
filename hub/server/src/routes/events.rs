//! What happened in a client's worlds, by cursor.

use super::describe::{Description, Who};
use super::worlds::{known_client, said};
use super::{Answered, Ask};
use crate::hub::events::{Filter, document};
use actix_web::HttpResponse;
use hub_core::{Problem, ProblemCode, Text};
use serde_json::{Value, json};
use std::time::Duration;

/// Events a page, unless asked otherwise, and at most.
const PAGE: usize = 50;
const MOST: usize = 200;
/// Longest wait for a new event, seconds.
const WAIT: u64 = 25;
/// Between two looks for what happened at other hubs.
const LOOK: Duration = Duration::from_secs(1);

pub(super) fn page(told: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(told)
}

pub(super) fn number<T: std::str::FromStr>(ask: &Ask, name: &str) -> Result<Option<T>, Problem> {
    let Some(text) = ask.parameter(name) else {
        return Ok(None);
    };
    let expected = Text::new("一个数", "a number");
    let read = text.parse().map(Some);
    read.map_err(|_| Problem::new(ProblemCode::BadRequest).at(format!("parameter/{name}"), expected, "***"))
}

pub async fn list(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let hub = &ask.worker.hub;
    let most = number::<usize>(&ask, "limit")?.unwrap_or(PAGE).clamp(1, MOST);
    let wait = Duration::from_secs(number::<u64>(&ask, "wait")?.unwrap_or(0).min(WAIT));
    let kinds = ask.parameter("type").unwrap_or_default();
    let world = ask.parameter("world").unwrap_or_default();
    let filter = Filter::said(kinds.split(','), &world, "parameter/type")?;
    let mut after = match ask.parameter("after").as_deref() {
        Some("now") => hub.events.head(&client.id).await?,
        _ => number::<u64>(&ask, "after")?.unwrap_or(0),
    };
    let (mut told, until) = (hub.events.listen(), tokio::time::Instant::now() + wait);
    loop {
        let found = hub.events.after(&client.id, after, most, &filter).await?;
        // What is not wanted is not looked at twice.
        after = found.last;
        let now = tokio::time::Instant::now();
        let over = now >= until || hub.is_stopping();
        if !found.events.is_empty() || over {
            let items: Vec<Value> = found.events.iter().map(document).collect();
            return Ok(page(&json!({"items": items, "next": after, "more": found.more})));
        }
        if !found.more {
            drop(tokio::time::timeout_at(until.min(now + LOOK), told.changed()).await);
        }
    }
}

pub async fn one(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let hub = &ask.worker.hub;
    let missing = || Problem::new(ProblemCode::NotFound).detail("没有这个事件", "There is no such event");
    let event = hub.events.get(&client.id, &ask.path("id")).await?.ok_or_else(missing)?;
    let mut deliveries = Vec::new();
    for delivery in hub.webhooks.of_event(&event.id).await? {
        deliveries.push(hub.webhooks.shown(&delivery).await?);
    }
    let mut told = document(&event);
    if let Some(members) = told.as_object_mut() {
        members.insert("deliveries".into(), json!(deliveries));
    }
    Ok(page(&told))
}

pub async fn resend(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let said = said(&ask)?;
    let only = said.get("webhook").and_then(Value::as_str);
    let webhooks = &ask.worker.hub.webhooks;
    let mut deliveries = Vec::new();
    for delivery in webhooks.again(&client.id, &ask.path("id"), only).await? {
        deliveries.push(webhooks.shown(&delivery).await?);
    }
    Ok(HttpResponse::Accepted().json(json!({"deliveries": deliveries})))
}

/// The schema of an event.
pub fn event_schema() -> Value {
    let (text, maybe) = (json!({"type": "string"}), json!({"type": ["string", "null"]}));
    let time = json!({"type": "string", "format": "date-time"});
    json!({"type": "object", "required": ["id", "type", "timestamp", "sequence", "data"], "properties": {
        "id": text, "type": text, "timestamp": time,
        "sequence": {"type": "integer", "description": "Counted for the client; the cursor."},
        "world": maybe, "clock": {"type": "string", "format": "date-time", "description": "When, by the clock of the world."},
        "subject": {"type": ["string", "null"], "description": "Persona or company it is about."},
        "service": maybe, "operation": text, "data": {"type": "object"},
        "deliveries": {"type": "array", "items": {"$ref": "#/components/schemas/Delivery"}},
    }})
}

/// The schema of a delivery.
pub fn delivery_schema() -> Value {
    let text = json!({"type": "string"});
    let time = json!({"type": "string", "format": "date-time"});
    let attempt = json!({"type": "object", "required": ["at", "took_ms"], "properties": {
        "at": time, "status": {"type": ["integer", "null"]}, "error": {"type": ["string", "null"]},
        "took_ms": {"type": "integer"}, "excerpt": text,
        "why": {"anyOf": [{"$ref": "#/components/schemas/Text"}, {"type": "null"}]},
    }});
    json!({"type": "object", "required": ["webhook", "event", "state", "attempts"], "properties": {
        "webhook": text, "event": text, "sequence": {"type": "integer"},
        "state": {"enum": ["waiting", "delivered", "failed"]}, "next_attempt": {"type": ["string", "null"]},
        "attempts": {"type": "array", "items": attempt},
    }})
}

fn event() -> Value {
    json!({"$ref": "#/components/schemas/Event"})
}

pub fn says_list() -> Description {
    let text = json!({"type": "string"});
    let told = json!({"type": "object", "required": ["items", "next", "more"], "properties": {
        "items": {"type": "array", "items": event()}, "next": {"type": "integer"}, "more": {"type": "boolean"}}});
    Description::new("developer.events", "应用的事件", "The client's events")
        .who(Who::SandboxClient)
        .query(
            "after",
            "`next` of the page before, or `now` for none of those there are; from the first one without it.",
            text.clone(),
        )
        .query("type", "Only of these kinds, by comma, such as `case.*`.", text.clone())
        .query("world", "Only of this world.", text)
        .query("limit", "Events a page.", json!({"type": "integer", "maximum": MOST}))
        .query(
            "wait",
            "Seconds to wait for a new one.",
            json!({"type": "integer", "maximum": WAIT}),
        )
        .good(200, "application/json", told)
        .problems(&[400, 401, 403])
}

pub fn says_one() -> Description {
    Description::new(
        "developer.events.get",
        "一个事件和它的送达情况",
        "An event, and how it was delivered",
    )
    .who(Who::SandboxClient)
    .path("id", "Id of the event.")
    .good(200, "application/json", event())
    .problems(&[401, 403, 404])
}

pub fn says_resend() -> Description {
    let body = json!({"type": "object", "properties": {
        "webhook": {"type": "string", "description": "Only to this one; without it to all that want it."}}});
    let told = json!({"type": "object", "required": ["deliveries"], "properties": {
        "deliveries": {"type": "array", "items": {"$ref": "#/components/schemas/Delivery"}}}});
    Description::new("developer.events.resend", "重发一个事件", "Send an event once more")
        .who(Who::SandboxClient)
        .path("id", "Id of the event.")
        .body("application/json", body)
        .good(202, "application/json", told)
        .problems(&[401, 403, 404])
}
