//! What belongs to the subject, as the hub's own document describes it. The pipeline answers (`calls::own`).

use super::describe::{Description, Who};
use serde_json::{Value, json};

fn own(description: Description) -> Description {
    description.who(Who::Subject).problems(&[401, 403, 429])
}

pub fn says_upload() -> Description {
    let paper = json!({
        "type": "object",
        "required": ["file_id", "media_type", "size"],
        "properties": {
            "file_id": {"type": "string"}, "media_type": {"type": "string"}, "size": {"type": "integer"},
            "expires_at": {"type": "string", "format": "date-time"},
        },
    });
    own(Description::new("me.files.upload", "上传一份材料", "Upload a paper"))
        .header("Hub-File-Name", "Name of the file, percent-encoded.")
        .body(
            "application/octet-stream",
            json!({"type": "string", "format": "binary"}),
        )
        .good(201, "application/json", paper)
}

pub fn says_ledger() -> Description {
    let text = json!({"type": ["string", "null"]});
    let both = json!({"anyOf": [{"$ref": "#/components/schemas/Text"}, {"type": "null"}]});
    let used = json!({"type": "object", "required": ["at", "request_id", "who", "what", "why", "outcome"], "properties": {
        "at": {"type": "string", "format": "date-time"}, "request_id": {"type": "string"},
        "who": {"type": "object", "properties": {"client": {"type": "string"}, "name": text}},
        "what": {"type": "object", "properties": {
            "operation": {"type": "string"}, "service": both, "agency": both,
            "fields": {"type": "array", "items": {"type": "string"}}}},
        "why": {"description": "The basis in law or consent, where the contract names one."},
        "acting_for": text, "outcome": {"enum": ["answered", "failed", "refused"]},
        "status": {"type": "integer"}, "problem": text,
    }});
    let page = json!({"type": "object", "required": ["items", "total", "next_cursor"], "properties": {
        "items": {"type": "array", "items": used}, "total": {"type": "integer"}, "next_cursor": text,
    }});
    own(Description::new(
        "me.ledger",
        "谁在何时为何使用了我的信息",
        "Who used what of mine, when and why",
    ))
    .query("cursor", "`next_cursor` of the page before.", json!({"type": "string"}))
    .good(200, "application/json", page)
}

pub fn says_submissions() -> Description {
    let page = json!({
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Submission"}}},
    });
    own(Description::new(
        "me.submissions.list",
        "我提交过的办理",
        "What I have submitted",
    ))
    .good(200, "application/json", page)
}

pub fn says_submission() -> Description {
    own(Description::new(
        "me.submissions.get",
        "一次提交的状态",
        "The state of one submission",
    ))
    .path("id", "Id of the submission.")
    .good(
        200,
        "application/json",
        json!({"$ref": "#/components/schemas/Submission"}),
    )
}

/// The schema of a submission.
pub fn submission_schema() -> Value {
    let time = json!({"type": ["string", "null"], "format": "date-time"});
    json!({
        "type": "object",
        "required": ["submission", "operation", "state", "created"],
        "properties": {
            "submission": {"type": "string"}, "operation": {"type": "string"},
            "state": {"enum": ["stored", "delivering", "delivered", "failed", "manual"]},
            "attempts": {"type": "integer"}, "created": time, "next_attempt": time,
            "matters": {"type": "array", "description": "What the agency has told since; only where one submission is asked for.",
                        "items": {"type": "object", "properties": {
                            "field": {"type": "string"}, "number": {"type": "string"}, "state": {"type": ["string", "null"]},
                            "at": {"type": ["string", "null"]}, "heard": time, "said": {"type": ["object", "null"]}}}},
            "answer": {"type": "object"}, "problem": {"$ref": "#/components/schemas/Problem"},
        },
    })
}
