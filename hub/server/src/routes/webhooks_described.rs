//! What the doors of webhooks say of themselves.

use super::describe::{Description, Who};
use serde_json::{Value, json};

const JSON: &str = "application/json";

fn webhook() -> Value {
    json!({"$ref": "#/components/schemas/Webhook"})
}

fn of_webhook(description: Description) -> Description {
    description
        .who(Who::SandboxClient)
        .path("id", "Id of the webhook.")
        .problems(&[401, 403, 404])
}

/// The schema of a webhook.
pub fn webhook_schema() -> Value {
    let (text, maybe) = (json!({"type": "string"}), json!({"type": ["string", "null"]}));
    let time = json!({"type": "string", "format": "date-time"});
    json!({"type": "object", "required": ["id", "url", "types", "state", "created", "links"], "properties": {
        "id": text, "url": text, "types": {"type": "array", "items": text}, "world": maybe,
        "state": {"enum": ["pending", "active", "off"]},
        "reason": {"type": ["object", "null"], "properties": {
            "code": text, "text": {"$ref": "#/components/schemas/Text"}}},
        "failing_since": maybe, "created": time, "updated": time,
        "secret": {"type": "string", "description": "Signs what is sent (Standard Webhooks); shown once."},
        "links": {"type": "object", "additionalProperties": text},
    }})
}

fn wanted() -> Value {
    json!({
        "url": {"type": "string", "format": "uri"},
        "types": {"type": "array", "items": {"type": "string"}, "description": "Kinds of events, such as `case.*`; all without it."},
        "world": {"type": ["string", "null"], "description": "Only of this world."},
    })
}

pub fn says_make() -> Description {
    Description::new("developer.webhooks.make", "新建 webhook", "Make a webhook")
        .who(Who::SandboxClient)
        .body(
            JSON,
            json!({"type": "object", "required": ["url"], "properties": wanted()}),
        )
        .good(201, JSON, webhook())
        .problems(&[401, 403, 422, 429])
}

pub fn says_list() -> Description {
    let told = json!({"type": "object", "required": ["items"], "properties": {
        "items": {"type": "array", "items": webhook()}, "types": {"type": "array", "items": {"type": "string"}}}});
    Description::new("developer.webhooks.list", "应用的 webhook", "The client's webhooks")
        .who(Who::SandboxClient)
        .good(200, JSON, told)
        .problems(&[401, 403])
}

pub fn says_one() -> Description {
    of_webhook(Description::new("developer.webhooks.get", "一个 webhook", "A webhook")).good(200, JSON, webhook())
}

pub fn says_change() -> Description {
    let mut members = wanted();
    if let Some(members) = members.as_object_mut() {
        members.insert("state".into(), json!({"enum": ["active", "off"]}));
    }
    of_webhook(Description::new(
        "developer.webhooks.change",
        "修改、关闭或重新验证 webhook",
        "Change a webhook, switch it off, or have it proven again",
    ))
    .body(JSON, json!({"type": "object", "properties": members}))
    .good(200, JSON, webhook())
    .problems(&[401, 403, 404, 422, 429])
}

pub fn says_remove() -> Description {
    of_webhook(Description::new(
        "developer.webhooks.remove",
        "删除 webhook",
        "Remove a webhook",
    ))
    .good(204, "", Value::Null)
}

pub fn says_rotate() -> Description {
    let body = json!({"type": "object", "properties": {
        "overlap_hours": {"type": "integer", "minimum": 0, "maximum": 168, "description": "How long the old one signs on; 24 without it."}}});
    of_webhook(Description::new(
        "developer.webhooks.rotate",
        "更换 webhook 的签名密钥",
        "Give a webhook a new secret",
    ))
    .body(JSON, body)
    .good(200, JSON, webhook())
}

pub fn says_test() -> Description {
    let told = json!({"type": "object", "required": ["arrived", "took_ms"], "properties": {
        "arrived": {"type": "boolean"}, "status": {"type": ["integer", "null"]}, "error": {"type": ["string", "null"]},
        "took_ms": {"type": "integer"}, "excerpt": {"type": "string"}}});
    of_webhook(Description::new(
        "developer.webhooks.test",
        "向 webhook 发送测试",
        "Send a test to a webhook",
    ))
    .good(200, JSON, told)
    .problems(&[401, 403, 404, 422, 429])
}

pub fn says_deliveries() -> Description {
    let told = json!({"type": "object", "required": ["items"], "properties": {
        "items": {"type": "array", "items": {"$ref": "#/components/schemas/Delivery"}},
        "next_before": {"type": ["integer", "null"]}}});
    of_webhook(Description::new(
        "developer.webhooks.deliveries",
        "webhook 的送达记录",
        "What became of deliveries to a webhook",
    ))
    .query(
        "state",
        "Only in this state.",
        json!({"enum": ["waiting", "delivered", "failed"]}),
    )
    .query(
        "before",
        "`next_before` of the page before.",
        json!({"type": "integer"}),
    )
    .query(
        "limit",
        "Deliveries a page.",
        json!({"type": "integer", "maximum": 100}),
    )
    .good(200, JSON, told)
    .problems(&[400, 401, 403, 404])
}
