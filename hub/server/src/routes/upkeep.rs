//! What operators keep an eye on: credentials that end, systems whose answers change.

use super::admin::admin;
use super::describe::Description;
use super::{Answered, Ask};
use actix_web::HttpResponse;
use hub_core::{Problem, ProblemCode};
use serde_json::{Value, json};

pub async fn credentials(ask: Ask) -> Answered {
    let now = ask.worker.hub.clock.now();
    let wanted = ask.parameter("level");
    let all = ask.worker.gateway.credentials();
    let items: Vec<Value> = all
        .iter()
        .filter(|c| wanted.as_deref().is_none_or(|w| c.level(now) == w))
        .map(|c| c.view(now))
        .collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

pub async fn drift(ask: Ask) -> Answered {
    let items = ask.worker.gateway.drift(ask.parameter("system").as_deref());
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

pub async fn accept_drift(ask: Ask) -> Answered {
    let system = format!("{}/{}", ask.path("agency"), ask.path("system"));
    if !ask.worker.gateway.accept_drift(&system) {
        return Err(Problem::new(ProblemCode::NotFound));
    }
    tracing::info!(system, "what a system answers from now on is normal");
    Ok(HttpResponse::Ok().json(json!({"system": system})))
}

pub(super) fn list(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items", "total"],
        "properties": {"items": {"type": "array", "items": item}, "total": {"type": "integer"}},
    })
}

pub fn says_credentials() -> Description {
    let text = json!({"type": "string"});
    let item = json!({
        "type": "object",
        "required": ["system", "name", "kind", "level"],
        "properties": {
            "system": text, "name": text, "kind": {"enum": ["certificate", "token", "declared", "session"]},
            "ends": {"type": ["string", "null"], "format": "date-time"}, "days_left": {"type": ["integer", "null"]},
            "level": {"enum": ["ok", "30d", "7d", "1d", "expired", "refused"]}, "refusals": {"type": "integer"},
            "clock_ahead_ms": {"type": "integer"},
        },
    });
    admin(Description::new(
        "admin.credentials",
        "证书、密钥和令牌何时到期",
        "When certificates, keys and tokens end",
    ))
    .query("level", "Only those at this level.", text)
    .good(200, "application/json", list(&item))
}

pub fn says_drift() -> Description {
    let text = json!({"type": "string"});
    let item = json!({
        "type": "object",
        "required": ["system", "operation", "kind", "path", "severity"],
        "properties": {
            "system": text, "operation": text, "path": text, "detail": text, "first": text, "last": text,
            "kind": {"enum": ["new-field", "missing-field", "retyped-field", "new-code"]},
            "severity": {"enum": ["breaking", "safe"]}, "count": {"type": "integer"},
        },
    });
    admin(Description::new(
        "admin.drift",
        "各系统应答与以往的不同",
        "What systems answer otherwise than before",
    ))
    .query("system", "Only of this system, `agency/system`.", text)
    .good(200, "application/json", list(&item))
}

pub fn says_accept_drift() -> Description {
    admin(Description::new(
        "admin.drift.accept",
        "认可该系统现在的应答，重新学习",
        "Take what a system answers now as normal, and learn it anew",
    ))
    .path("agency", "Agency.")
    .path("system", "System.")
    .problems(&[401, 404])
}
