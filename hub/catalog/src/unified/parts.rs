//! What every operation of a unified document shares: problems, security, the hub's headers.

use hub_core::{Assurance, Effect, Operation, ProblemCode};
use serde_json::{Map, Value, json};

/// Component schema of a problem document.
pub(super) const PROBLEM: &str = "Problem";

/// The statuses of problems that an operation can end in.
pub(super) fn problem_statuses(operation: &Operation) -> Vec<u16> {
    let has_input = !operation.input.children.is_empty();
    let has_body = operation.request.is_some();
    let signed_in = operation.assurance > Assurance::R0;
    let acts = operation.effect != Effect::None;
    let all = [
        (400, has_input || acts),
        (401, true),
        (403, true),
        (404, has_input || signed_in),
        (409, acts),
        (413, has_body),
        (415, has_body),
        (422, has_input || acts),
        (429, true),
        (502, true),
        (503, true),
        (504, true),
    ];
    all.into_iter()
        .filter(|(_, applies)| *applies)
        .map(|(status, _)| status)
        .collect()
}

/// Name of the response component of a status.
pub(super) fn response_name(status: u16) -> String {
    let word = match status {
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        413 => "BodyTooLarge",
        415 => "UnsupportedMediaType",
        422 => "ValidationFailed",
        429 => "TooManyRequests",
        502 => "UpstreamFailed",
        503 => "Unavailable",
        504 => "UpstreamTimeout",
        _ => "Problem",
    };
    word.to_owned()
}

/// The response components for these statuses. Texts and codes come from the one list of problems.
pub(super) fn responses(statuses: impl IntoIterator<Item = u16>, base: &str) -> Map<String, Value> {
    statuses
        .into_iter()
        .map(|status| {
            let codes: Vec<ProblemCode> = ProblemCode::ALL
                .iter()
                .copied()
                .filter(|c| c.status() == status)
                .collect();
            let zh: Vec<String> = codes.iter().map(|c| c.title().zh).collect();
            let en: Vec<String> = codes
                .iter()
                .map(|c| format!("`{}` {}", c.as_str(), c.title().en))
                .collect();
            let mut headers = json!({"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}});
            if matches!(status, 429 | 503) {
                set(
                    &mut headers,
                    "Retry-After",
                    json!({"$ref": "#/components/headers/Retry-After"}),
                );
            }
            let mut media = json!({"schema": {"$ref": "#/components/schemas/Problem"}});
            if let Some(first) = codes.first() {
                set(
                    &mut media,
                    "examples",
                    json!({first.as_str(): {"value": example(*first, base)}}),
                );
            }
            let response = json!({
                "description": format!("{}\n\n{}", zh.join("；"), en.join("; ")),
                "headers": headers,
                "content": {"application/problem+json": media},
            });
            (response_name(status), response)
        })
        .collect()
}

fn example(code: ProblemCode, base: &str) -> Value {
    json!({
        "type": format!("{base}/problems/{}", code.as_str()),
        "title": code.title().zh,
        "status": code.status(),
        "detail": code.title().zh,
        "code": code.as_str(),
        "fix": code.fix().zh,
        "at_fault": code.fault().as_str(),
        "kept": "nothing",
        "request_id": "01990c0e-0000-7000-8000-000000000000",
    })
}

/// The schema of a problem document (RFC 9457 with the hub's members).
pub(super) fn problem_schema() -> Value {
    let codes: Vec<&str> = ProblemCode::ALL.iter().map(|c| c.as_str()).collect();
    let text = |description: &str| json!({"type": "string", "maxLength": 4000, "description": description});
    json!({
        "title": "问题",
        "x-hub-en": "Problem",
        "description": "RFC 9457. title、detail、expected、fix 按 Accept-Language 为中文或英文。 `title`, `detail`, `expected` and `fix` are zh or en by Accept-Language.",
        "type": "object",
        "required": ["type", "title", "status", "detail", "code", "fix", "at_fault", "kept", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference", "description": "A page about this problem"},
            "title": text("Short name of the problem"),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": text("One sentence about this occurrence"),
            "code": {"type": "string", "enum": codes},
            "where": text("JSON pointer into the body, or parameter/name"),
            "expected": text("What would have been right"),
            "got": text("What was found, masked"),
            "near": {"type": "array", "maxItems": 10, "items": {"type": "string", "maxLength": 400}, "description": "Nearest existing names"},
            "errors": {
                "type": "array",
                "maxItems": 100,
                "description": "Every place, when there is more than one",
                "items": {
                    "type": "object",
                    "required": ["where", "keyword", "expected", "got"],
                    "properties": {
                        "where": text("As above"),
                        "keyword": text("Keyword of JSON Schema"),
                        "expected": text("As above"),
                        "got": text("As above"),
                    },
                },
            },
            "group": {"type": "integer", "minimum": 1, "description": "How many places"},
            "submission": text("Id of the stored submission"),
            "retry_after": {"type": "integer", "minimum": 0, "description": "Seconds"},
            "fix": text("What to do, one sentence"),
            "at_fault": {"type": "string", "enum": ["you", "agency", "hub"]},
            "kept": {"type": "string", "enum": ["nothing", "saved", "unknown"], "description": "Whether anything of the call is kept"},
            "request_id": text("Name it when you report the problem"),
        },
    })
}

/// Security schemes, headers and parameters.
pub(super) fn fixed() -> Map<String, Value> {
    let header = |description: &str, schema: Value| json!({"description": description, "schema": schema});
    let number = json!({"type": "integer", "minimum": 0});
    // Printable ASCII, bare or as the string of a structured field (RFC 9651, 3.3.3).
    let key = json!({
        "type": "string", "maxLength": 257,
        "pattern": r#"^("[ !#-~]{1,255}"|[!#-~]([ !#-~]{0,253}[!#-~])?)$"#,
    });
    let fixed = json!({
        "securitySchemes": {
            "clientKey": {
                "type": "apiKey", "in": "header", "name": "X-Api-Key",
                "description": "应用密钥。单独使用时只能调用 R0 操作。 The client's key; alone it opens R0 operations only.",
            },
            "subjectToken": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
                "description": "办事人令牌。 The token of the person on whose behalf the call is made.",
            },
        },
        "headers": {
            "X-Request-Id": header("Id of this call", json!({"type": "string", "maxLength": 128})),
            "RateLimit": header("What is left of the limit that is closest", json!({"type": "string", "maxLength": 200})),
            "RateLimit-Policy": header("The limits that apply", json!({"type": "string", "maxLength": 400})),
            "Retry-After": header("Seconds to wait", number),
        },
        "parameters": {
            "X-Request-Id": {
                "name": "X-Request-Id", "in": "header", "required": false, "schema": {"type": "string"},
                "description": "请求编号，可不填：8 到 64 个字母、数字或 - _ .，其他的由枢纽另给一个。 Your id for this call, if you have one: 8 to 64 letters, digits, `-`, `_` or `.`; in place of any other the hub gives one.",
            },
            "Idempotency-Key": {
                "name": "Idempotency-Key", "in": "header", "required": false, "schema": key,
                "description": "幂等键：以同一键重发同一请求，只办理一次。 Sending the same request again with the same key does it only once.",
            },
        },
    });
    match fixed {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Sets a member of an object.
pub(super) fn set(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(map) = object {
        map.insert(name.to_owned(), value);
    }
}
