//! What the sandbox offers.

use super::describe::Description;
use super::{Answered, Ask};
use actix_web::HttpResponse;
use serde_json::{Value, json};

pub async fn personas(ask: Ask) -> Answered {
    Ok(HttpResponse::Ok().json(ask.worker.hub.personas()))
}

pub async fn scenarios(ask: Ask) -> Answered {
    Ok(HttpResponse::Ok().json(ask.worker.hub.scenarios()))
}

fn list(item: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": item}},
    })
}

pub fn says_personas() -> Description {
    let persona = json!({
        "type": "object",
        "required": ["id", "name", "assurance", "story"],
        "properties": {
            "id": {"type": "string"}, "name": {"$ref": "#/components/schemas/Text"}, "assurance": {"type": "string"},
            "story": {"$ref": "#/components/schemas/Text"}, "company": {"type": ["string", "null"]},
        },
    });
    Description::new(
        "sandbox.personas",
        "沙箱中的虚构人物和企业",
        "Invented people and companies of the sandbox",
    )
    .good(200, "application/json", list(&persona))
}

pub fn says_scenarios() -> Description {
    let scenario = json!({
        "type": "object",
        "required": ["word", "effect"],
        "properties": {
            "word": {"type": "string"}, "effect": {"$ref": "#/components/schemas/Text"},
            "parameter": {"type": ["string", "null"]}, "surname": {"type": ["string", "null"]},
            "amount_ends_in": {"type": ["integer", "null"]},
        },
    });
    Description::new("sandbox.scenarios", "沙箱可以演示的情形", "What the sandbox can show").good(
        200,
        "application/json",
        list(&scenario),
    )
}
