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
