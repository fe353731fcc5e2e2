//! The door at which developers have their back ends held against their descriptions.

use super::describe::{Description, Who};
use super::events::page;
use super::worlds::known_client;
use super::{Answered, Ask};
use crate::backend::Again;
use crate::hub::events::{Sent, why};
use crate::hub::verifications::{Asked, BUDGET, LONGEST, Verifications};
use actix_web::HttpResponse;
use hub_core::time::rfc3339;
use hub_core::{Problem, ProblemCode, Text};
use hub_store::VerificationRow;
use serde_json::{Value, json};

/// A run as it is shown; `unproven` is the word for what was wrong with its proof.
pub(super) fn shown(ask: &Ask, row: &VerificationRow, unproven: Option<&str>) -> Result<Value, Problem> {
    let hub = &ask.worker.hub;
    let asked = Verifications::asked(row);
    let challenge = hub.verifications.challenge(&row.tenant, &asked.base)?;
    let base = format!("{}/developer/verifications/{}", hub.base, row.id);
    let mut told = json!({
        "id": row.id, "state": row.state.as_str(), "base_url": asked.base, "version": asked.version,
        "reads": asked.reads, "budget_seconds": asked.budget,
        "created": rfc3339(row.created), "updated": rfc3339(row.updated),
        "challenge": {"url": challenge.url, "body": challenge.body, "text": Text::new(
            "请让该地址以 200 应答这段内容（仅此内容），以证明后端归您所有",
            "Let this address answer 200 with this body and nothing else: it proves that the back end is yours",
        )},
        "reason": unproven.map(|word| json!({"code": word, "text": why(word)})),
        "links": {"self": base, "start": format!("{base}/start"),
                  "page": format!("{}/dev/verify/{}?t={}", hub.base, row.id, hub.verifications.proof(&row.id))},
    });
    let report = hub.verifications.report(row);
    if let (Some(told), Value::Object(mut report)) = (told.as_object_mut(), report) {
        for finding in report
            .get_mut("findings")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            let id = finding.get("replay").and_then(Value::as_str).unwrap_or_default();
            let link = json!(format!("{base}/replay/{id}"));
            if let Some(finding) = finding.as_object_mut() {
                finding.insert("link".into(), link);
            }
        }
        let word = |name: &str| report.get(name).cloned().unwrap_or(Value::Null);
        let findings = word("findings");
        let progress = json!({
            "operations": word("operations"), "of": word("all_operations"), "requests": word("requests"),
            "by_kind": word("by_kind"), "not_sent": word("not_sent"), "unauthorized": word("unauthorized"),
            "unreachable": word("unreachable"),
        });
        told.insert("progress".into(), progress);
        told.insert("findings".into(), findings);
    }
    Ok(told)
}

fn wrong(place: &str, zh: &str, en: &str) -> Problem {
    Problem::new(ProblemCode::ValidationFailed).at(place, Text::new(zh, en), "another type")
}

fn asked(said: &Value) -> Result<Asked, Problem> {
    let text = |name: &str| match said.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(wrong(&format!("/{name}"), "文本", "a text")),
    };
    // A description as JSON is as good as its text.
    let description = match said.get("description") {
        Some(value @ Value::Object(_)) => Some(value.to_string()),
        _ => text("description")?,
    };
    let headers = match said.get("headers") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(members)) => {
            let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
            let all: Option<Vec<_>> = members.iter().map(pair).collect();
            all.ok_or_else(|| wrong("/headers", "名称和文本", "names and texts"))?
        }
        Some(_) => return Err(wrong("/headers", "一个对象", "an object")),
    };
    let budget = match said.get("budget_seconds") {
        None | Some(Value::Null) => BUDGET,
        Some(seconds) => seconds
            .as_u64()
            .ok_or_else(|| wrong("/budget_seconds", "秒数", "a number of seconds"))?,
    };
    Ok(Asked {
        base: text("base_url")?.unwrap_or_default(),
        description,
        version: text("version")?,
        headers,
        reads: said.get("reads").and_then(Value::as_bool).unwrap_or(false),
        budget,
    })
}

pub async fn make(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let said = super::worlds::said(&ask)?;
    let verifications = &ask.worker.hub.verifications;
    let row = verifications.make(&client, asked(&said)?).await?;
    // Whoever has proven it before need not come again.
    let unproven = verifications.start(&row).await?;
    let row = verifications.get(&client.id, &row.id).await?;
    Ok(HttpResponse::Created()
        .insert_header(("location", format!("/developer/verifications/{}", row.id)))
        .insert_header(("cache-control", "no-store"))
        .json(shown(&ask, &row, unproven.as_deref())?))
}

pub async fn list(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let rows = ask.worker.hub.verifications.of_client(&client.id).await?;
    let items: Result<Vec<Value>, Problem> = rows.iter().map(|row| shown(&ask, row, None)).collect();
    Ok(page(&json!({"items": items?})))
}

pub async fn one(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let row = ask.worker.hub.verifications.get(&client.id, &ask.path("id")).await?;
    Ok(page(&shown(&ask, &row, None)?))
}

pub async fn start(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let verifications = &ask.worker.hub.verifications;
    let row = verifications.get(&client.id, &ask.path("id")).await?;
    let unproven = verifications.start(&row).await?;
    let row = verifications.get(&client.id, &row.id).await?;
    Ok(page(&shown(&ask, &row, unproven.as_deref())?))
}

/// What came of sending a request again.
pub(super) fn came(again: &Again) -> Value {
    let answered = again.answered.as_ref().ok();
    let excerpt = answered.map(|a| Sent {
        body: a.body.clone(),
        ..Sent::default()
    });
    json!({
        "what": again.what, "curl": again.curl, "status": answered.map(|a| a.status),
        "error": again.answered.as_ref().err(), "excerpt": excerpt.map(|sent| sent.excerpt()),
        "findings": again.faults.iter().map(|f| json!({"rule": f.rule, "message": f.text})).collect::<Vec<_>>(),
    })
}

pub async fn replay(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let verifications = &ask.worker.hub.verifications;
    let row = verifications.get(&client.id, &ask.path("id")).await?;
    let again = verifications.again(&row, &ask.path("finding")).await?;
    Ok(page(&came(&again)))
}

fn verification() -> Value {
    json!({"$ref": "#/components/schemas/Verification"})
}

/// The schema of a run.
pub fn verification_schema() -> Value {
    let (text, maybe) = (json!({"type": "string"}), json!({"type": ["string", "null"]}));
    let words = json!({"$ref": "#/components/schemas/Text"});
    let time = json!({"type": "string", "format": "date-time"});
    let finding = json!({"type": "object", "required": ["rule", "operation", "message", "times", "replay", "curl"], "properties": {
        "rule": text, "operation": text, "message": words, "times": {"type": "integer"}, "first": words,
        "replay": {"type": "string", "description": "By which its first request is sent again."}, "curl": text, "link": text,
    }});
    json!({"type": "object", "required": ["id", "state", "base_url", "challenge", "links"], "properties": {
        "id": text, "state": {"enum": ["unproven", "running", "done", "interrupted"]}, "base_url": text, "version": maybe,
        "reads": {"type": "boolean"}, "budget_seconds": {"type": "integer"}, "created": time, "updated": time,
        "challenge": {"type": "object", "properties": {"url": text, "body": text, "text": words}},
        "reason": {"type": ["object", "null"]}, "links": {"type": "object", "additionalProperties": text},
        "progress": {"type": "object", "description": "How far it is: operations of how many, requests by kind, what there was no time for."},
        "findings": {"type": "array", "items": finding},
    }})
}

fn of_run(description: Description) -> Description {
    description
        .who(Who::SandboxClient)
        .path("id", "Id of the verification.")
        .problems(&[401, 403, 404, 422, 429])
}

pub fn says_make() -> Description {
    let body = json!({"type": "object", "required": ["base_url"], "properties": {
        "base_url": {"type": "string", "format": "uri", "description": "Paths of the description begin behind it."},
        "description": {"type": ["string", "object"], "description": "OpenAPI 3.0 to 3.2, Swagger 2.0 or WSDL 1.1."},
        "version": {"type": "string", "description": "A version that is registered, in place of a description."},
        "headers": {"type": "object", "additionalProperties": {"type": "string"}, "description": "For every request; credentials, for example."},
        "reads": {"type": "boolean", "description": "GET and HEAD alone."},
        "budget_seconds": {"type": "integer", "minimum": 1, "maximum": LONGEST},
    }});
    Description::new(
        "developer.verifications.make",
        "检验一个后端",
        "Hold a back end against its description",
    )
    .who(Who::SandboxClient)
    .body("application/json", body)
    .good(201, "application/json", verification())
    .problems(&[401, 403, 422, 429])
}

pub fn says_list() -> Description {
    let told = json!({"type": "object", "required": ["items"], "properties": {
        "items": {"type": "array", "items": verification()}}});
    Description::new(
        "developer.verifications.list",
        "应用的检验",
        "The client's verifications",
    )
    .who(Who::SandboxClient)
    .good(200, "application/json", told)
    .problems(&[401, 403])
}

pub fn says_one() -> Description {
    let description = Description::new(
        "developer.verifications.get",
        "一次检验：进度和结果",
        "A verification: how far it is, what it found",
    );
    of_run(description).good(200, "application/json", verification())
}

pub fn says_start() -> Description {
    let description = Description::new(
        "developer.verifications.start",
        "确认归属后开始检验",
        "Begin a verification once the back end is proven",
    );
    of_run(description).good(200, "application/json", verification())
}

pub fn says_replay() -> Description {
    let told = json!({"type": "object", "required": ["curl", "findings"], "properties": {
        "curl": {"type": "string"}, "status": {"type": ["integer", "null"]}, "error": {"type": ["string", "null"]},
        "excerpt": {"type": ["string", "null"]}, "what": {"$ref": "#/components/schemas/Text"},
        "findings": {"type": "array", "items": {"type": "object"}}}});
    of_run(Description::new(
        "developer.verifications.replay",
        "重发一个问题的请求",
        "Send the request of a finding again",
    ))
    .path("finding", "`replay` of the finding.")
    .good(200, "application/json", told)
}
