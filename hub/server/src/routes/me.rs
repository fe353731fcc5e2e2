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
        "acting_for": text, "by_agent": {"type": "boolean", "description": "Somebody acted for me under a mandate."}, "outcome": {"enum": ["answered", "failed", "refused"]},
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

fn consent_schema() -> Value {
    let words = json!({"type": "array", "items": {"type": "string"}});
    let both = json!({"anyOf": [{"$ref": "#/components/schemas/Text"}, {"type": "null"}]});
    let time = json!({"type": ["string", "null"], "format": "date-time"});
    json!({"type": "object", "required": ["id", "client", "service", "fields", "apart", "state", "since", "until"], "properties": {
        "id": {"type": "string"}, "client": {"type": "string"}, "agency": both,
        "service": {"type": "object", "properties": {"id": {"type": "string"}, "name": both}},
        "fields": words, "apart": {"type": "array", "items": {"type": "string"}, "description": "Sensitive fields that were agreed to separately."},
        "by_agent": {"type": "boolean"}, "state": {"enum": ["in-force", "ended", "withdrawn"]},
        "since": time, "until": time, "withdrawn": time,
    }})
}

fn listed(item: &Value) -> Value {
    json!({"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": item}}})
}

pub fn says_consents() -> Description {
    own(Description::new(
        "me.consents.list",
        "我同意过什么，含已撤回的",
        "What I agreed to, taken back or not",
    ))
    .good(200, "application/json", listed(&consent_schema()))
}

pub fn says_asked() -> Description {
    let sheet = json!({"type": "object", "required": ["service", "agency", "why", "fields"], "properties": {
        "service": {"type": "object"}, "agency": {}, "why": {},
        "fields": {"type": "array", "items": {"type": "object", "required": ["field", "name", "level", "apart"], "properties": {
            "field": {"type": "string"}, "name": {"$ref": "#/components/schemas/Text"}, "level": {"type": "string"},
            "apart": {"type": "boolean", "description": "Needs a yes of its own."}}}},
    }});
    own(Description::new(
        "me.consents.asked",
        "办理该服务需要同意什么",
        "What a service asks me to agree to",
    ))
    .path("id", "Id of the service.")
    .good(200, "application/json", sheet)
    .problems(&[404, 422])
}

pub fn says_give() -> Description {
    let yes = json!({"type": "object", "required": ["service"], "properties": {
        "service": {"type": "string"}, "apart": {"type": "boolean", "description": "The separate yes to sensitive fields."},
        "days": {"type": "integer", "minimum": 1, "maximum": 365},
    }});
    own(Description::new("me.consents.give", "同意", "Agree"))
        .body("application/json", yes)
        .good(201, "application/json", consent_schema())
        .problems(&[404, 422])
}

pub fn says_withdraw() -> Description {
    own(Description::new(
        "me.consents.withdraw",
        "撤回同意，一秒内处处生效",
        "Take a consent back; in force everywhere within a second",
    ))
    .path("id", "Id of the consent.")
    .good(204, "", Value::Null)
    .problems(&[404])
}

fn mandate_schema() -> Value {
    let time = json!({"type": ["string", "null"], "format": "date-time"});
    let text = json!({"type": ["string", "null"]});
    json!({"type": "object", "required": ["id", "side", "role", "services", "state", "since", "until"], "properties": {
        "id": {"type": "string"}, "side": {"enum": ["principal", "agent"]}, "principal": text, "company": {"type": "boolean"},
        "role": {"enum": ["agent", "finance", "hr", "helper", "guardian"]},
        "services": {"type": "array", "items": {"type": "string"}, "description": "Empty for all."},
        "reason": {"type": "string"}, "state": {"enum": ["offered", "in-force", "expired", "ended"]},
        "since": time, "until": time, "accepted": time, "ended": time,
        "code": {"type": "string", "description": "Given to the other side, who accepts with it; shown once."},
    }})
}

pub fn says_mandates() -> Description {
    own(Description::new(
        "me.mandates.list",
        "谁可以代我办，我可以代谁办",
        "Who may act for me, and for whom I may act",
    ))
    .good(200, "application/json", listed(&mandate_schema()))
}

pub fn says_offer() -> Description {
    let offer = json!({"type": "object", "required": ["role"], "properties": {
        "role": {"enum": ["agent", "finance", "hr", "helper", "guardian"]},
        "services": {"type": "array", "items": {"type": "string"}}, "days": {"type": "integer", "minimum": 1, "maximum": 1095},
        "reason": {"type": "string", "maxLength": 200},
    }});
    own(Description::new(
        "me.mandates.offer",
        "授权他人代办（以本人或所代表企业的名义）",
        "Let somebody act for me, or for the company I head",
    ))
    .body("application/json", offer)
    .good(201, "application/json", mandate_schema())
    .problems(&[422])
}

pub fn says_accept() -> Description {
    let code = json!({"type": "object", "required": ["code"], "properties": {"code": {"type": "string"}}});
    own(Description::new("me.mandates.accept", "接受授权", "Accept a mandate"))
        .body("application/json", code)
        .good(200, "application/json", mandate_schema())
}

pub fn says_end() -> Description {
    own(Description::new(
        "me.mandates.end",
        "终止授权，双方均可",
        "End a mandate, from either side",
    ))
    .path("id", "Id of the mandate.")
    .good(204, "", Value::Null)
    .problems(&[404])
}

pub fn says_export() -> Description {
    let list = json!({"type": "array", "items": {"type": "object"}});
    let file = json!({"type": "object", "required": ["format", "exported", "consents", "mandates", "submissions", "files", "ledger"],
    "properties": {
        "format": {"const": "hub-export/1"}, "exported": {"type": "string", "format": "date-time"}, "person": {"type": "object"},
        "consents": list, "mandates": list, "submissions": list, "files": list, "ledger": list,
        "ledger_whole": {"type": "boolean"}, "deleted": {"type": ["string", "null"]},
    }});
    own(Description::new(
        "me.export",
        "导出枢纽持有的我的全部信息",
        "Everything that the hub holds of me, in one file",
    ))
    .good(200, "application/json", file)
}

pub fn says_erase() -> Description {
    let done = json!({"type": "object", "required": ["deleted", "kept"], "properties": {
        "deleted": {"type": "object"}, "kept": {"type": "object"}, "agencies": {"$ref": "#/components/schemas/Text"},
    }});
    let yes = json!({"type": "object", "required": ["confirm"], "properties": {"confirm": {"const": true}}});
    own(Description::new(
        "me.deletion",
        "删除我的信息：撤回全部同意，终止全部授权，删除材料和已办结的申请",
        "Forget me: consents and mandates end, papers and ended submissions go",
    ))
    .body("application/json", yes)
    .good(200, "application/json", done)
    .problems(&[422])
}

pub fn says_sessions() -> Description {
    let time = json!({"type": "string", "format": "date-time"});
    let place = json!({"type": "object", "required": ["id", "device", "since", "seen", "current"], "properties": {
        "id": {"type": "string", "description": "Good for this client and this person alone."},
        "device": {"type": ["string", "null"], "description": "Kind of browser and machine, coarse."},
        "since": time, "seen": time,
        "current": {"type": "boolean", "description": "Whether this token came of it."},
    }});
    own(Description::new(
        "me.sessions.list",
        "我在哪里登录着",
        "Where I am signed in",
    ))
    .good(200, "application/json", listed(&place))
}

pub fn says_end_sessions() -> Description {
    let ended = json!({"type": "object", "required": ["ended"], "properties": {"ended": {"type": "integer"}}});
    own(Description::new(
        "me.sessions.end-others",
        "结束其他所有登录；它们给应用的一切随之失效",
        "End all others; everything that apps have of them dies",
    ))
    .good(200, "application/json", ended)
}

pub fn says_end_session() -> Description {
    own(Description::new(
        "me.sessions.end",
        "结束一次登录，可以是本次",
        "End one, this one if it is named",
    ))
    .path("id", "Id of the session.")
    .good(204, "", Value::Null)
    .problems(&[404])
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
