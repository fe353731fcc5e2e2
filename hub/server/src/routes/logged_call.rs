//! One call of the sandbox's log: what happened to it, as a page and as JSON, and the same call again.

use super::describe::{Description, Who};
use super::log::{milliseconds, note, page};
use super::worlds::{client, said as read_body};
use super::{Answered, Ask, in_world, pages};
use crate::hub::compared::{Compared, compared};
use crate::hub::{Said, logged};
use crate::portal::{self, CallPage, Fact, Stage};
use bytes::Bytes;
use hub_core::time::rfc3339;
use hub_core::{Inbound, Lang, Problem, ProblemCode, Text};
use hub_store::CallRow;
use serde_json::{Value, json};
use std::time::Instant;

/// The line of a request id that the caller may see: nobody's to whoever knows the id, a client's to that client or to
/// whoever was given its link.
async fn line(ask: &Ask, id: &str) -> Result<CallRow, Problem> {
    ask.worker.gateway.knock_at(ask.peer)?;
    let hub = &ask.worker.hub;
    let client = client(ask)?;
    let proof = ask.parameter("t").unwrap_or_default();
    let lines = hub.calls.with_request_id(id, 50).await?;
    let sees = |line: &CallRow| {
        let own = client.as_ref().is_some_and(|c| c.id == line.client);
        line.client.is_empty() || own || hub.calls.proves(line, &proof)
    };
    let seen = lines.into_iter().find(sees);
    seen.ok_or_else(|| match client {
        Some(_) => Problem::new(ProblemCode::RecordNotFound).detail(
            "没有这个请求编号，或它属于别人，或已超过 30 天",
            "There is no such request id, or it is somebody else's, or older than 30 days",
        ),
        None => Problem::new(ProblemCode::KeyMissing).detail(
            "没有您可见的记录；应用的调用请出示其密钥，或使用日志中的链接",
            "There is nothing you may see; for a client's call show its key, or use the link in its log",
        ),
    })
}

/// The steps of a call, in order, with the words for them.
const STEPS: [(&str, &str, &str); 8] = [
    ("world", "选定沙箱世界", "world chosen"),
    ("resolve", "找到操作", "operation found"),
    ("authenticate", "确认调用方", "caller known"),
    ("authorize", "确认权限", "call allowed"),
    ("limit", "计入限额", "counted against limits"),
    ("validate", "按合同检查请求", "request held against the contract"),
    ("bind", "填入办事人信息", "subject filled in"),
    ("agency", "部门（沙箱）回答", "the agency (the sandbox) answered"),
];

/// The step at which a code refuses. A scenario speaks for the agency.
fn refused_at(code: &str, scenario: &str) -> &'static str {
    if !["ok", "minimal", "maximal", "empty"].contains(&scenario) && code != "validation-failed" {
        return "agency";
    }
    match code {
        "world-frozen" => "world",
        "not-found" | "method-not-allowed" | "control-not-allowed" => "resolve",
        "key-missing" | "key-invalid" | "key-environment" | "token-missing" | "token-invalid" | "token-expired" => {
            "authenticate"
        }
        "access-denied" | "assurance-too-low" | "audience-mismatch" | "not-authorized" => "authorize",
        "rate-limited" | "quota-exceeded" => "limit",
        "validation-failed" | "bad-request" | "body-too-large" | "unsupported-media-type" | "not-acceptable" => {
            "validate"
        }
        "subject-mismatch" | "subject-incomplete" | "file-not-found" | "idempotency-conflict" | "idempotency-busy" => {
            "bind"
        }
        _ => "agency",
    }
}

fn timeline(line: &CallRow, lang: Lang) -> Vec<Stage> {
    let refused = (!line.code.is_empty()).then(|| refused_at(&line.code, &line.scenario));
    let mut before = true;
    STEPS
        .iter()
        .map(|(name, zh, en)| {
            let outcome = match (before, refused == Some(*name)) {
                (_, true) => "refused",
                (true, false) => "passed",
                (false, false) => "not-reached",
            };
            before &= refused != Some(*name);
            Stage {
                name: (*name).to_owned(),
                text: if lang == Lang::Zh {
                    (*zh).to_owned()
                } else {
                    (*en).to_owned()
                },
                outcome,
            }
        })
        .collect()
}

/// A word for the shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn curl(ask: &Ask, line: &CallRow, said: &Said, shown: &logged::Shown) -> String {
    let mut words = vec!["curl".to_owned(), "-X".to_owned(), line.method.clone()];
    words.push(quoted(&format!("{}/sandbox{}", ask.worker.hub.base, shown.target)));
    let mut header = |name: &str, value: &str| words.extend(["-H".to_owned(), quoted(&format!("{name}: {value}"))]);
    if !line.client.is_empty() {
        header("X-Api-Key", "…");
    }
    if said.token {
        header("Authorization", "Bearer …");
    }
    if line.world != hub_sandbox::DEFAULT_WORLD {
        header("Hub-World", &line.world);
    }
    for (name, value) in said.headers.iter().filter(|(name, _)| name != "user-agent") {
        header(name, value);
    }
    if !shown.request.is_null() {
        words.extend(["-d".to_owned(), quoted(&shown.request.to_string())]);
    }
    words.join(" ")
}

/// A line as it is told, and its page's facts.
fn told(ask: &Ask, line: &CallRow) -> Result<(Value, Vec<Stage>, Vec<Compared>), Problem> {
    let hub = &ask.worker.hub;
    let said: Said =
        serde_json::from_str(&line.body).map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let catalog = hub.catalog();
    let operation = said.operation(&catalog, &line.method);
    let from = hub.snapshots.get().policies.privacy.anonymous_from;
    let shown = logged::shown(&catalog, operation.as_deref(), &said, from, !line.code.is_empty());
    let stages = timeline(line, ask.voice.lang);
    let problem = (!line.code.is_empty()).then_some(&shown.response);
    let beside = operation
        .as_ref()
        .map(|o| compared(o, &shown, problem))
        .unwrap_or_default();
    let member = |name: &str| problem.and_then(|p| p.get(name)).cloned().unwrap_or_default();
    let failed = problem.map(|_| json!({
        "step": refused_at(&line.code, &line.scenario), "code": line.code, "where": member("where"),
        "expected": member("expected"), "got": member("got"), "errors": member("errors"), "detail": member("detail"),
        "fix": member("fix"), "at_fault": member("at_fault"), "page": format!("{}/problems/{}", hub.base, line.code),
    }));
    let steps: Vec<Value> = stages
        .iter()
        .map(|s| json!({"step": s.name, "text": s.text, "outcome": s.outcome}))
        .collect();
    let service = operation.as_ref().and_then(|o| o.service.as_deref()).map(str::to_owned);
    let told = json!({
        "request_id": line.request_id, "at": rfc3339(line.at), "world": line.world, "operation": line.operation,
        "service": service, "method": line.method, "target": shown.target, "status": line.status,
        "code": (!line.code.is_empty()).then_some(&line.code), "scenario": line.scenario, "took_ms": milliseconds(line),
        "replay_of": line.replay_of, "persona": said.persona, "timeline": steps, "failed": failed,
        "beside_contract": beside.iter().map(Compared::document).collect::<Vec<_>>(),
        "request": {"headers": headers(&said.headers), "body": shown.request},
        "response": {"headers": headers(&said.answer_headers), "body": shown.response},
        "hidden": {"places": shown.hidden, "why": Text::new(
            "L3、L4 级信息在日志中一律遮盖，只有本人可在原回答中看到",
            "What is of level L3 or L4 is hidden in the log; the subject alone saw it in the answer itself")},
        "curl": curl(ask, line, &said, &shown),
        "links": {"page": format!("{}/r/{}?t={}", hub.base, line.request_id, hub.calls.proof(line)),
                  "replay": format!("{}/r/{}/replay", hub.base, line.request_id)},
    });
    Ok((told, stages, beside))
}

fn headers(all: &[(String, String)]) -> Value {
    Value::Object(
        all.iter()
            .map(|(name, value)| (name.to_ascii_lowercase(), json!(value)))
            .collect(),
    )
}

pub async fn one(ask: Ask) -> Answered {
    let line = line(&ask, &ask.path("id")).await?;
    Ok(page(&told(&ask, &line)?.0))
}

/// The page of a call.
pub async fn show(ask: Ask) -> Answered {
    let frame = crate::http::page::frame(&ask.http);
    let line = match line(&ask, &ask.path("id")).await {
        Ok(line) => line,
        Err(problem) if [ProblemCode::KeyMissing, ProblemCode::RecordNotFound].contains(&problem.code) => {
            return pages::missing(&ask.http, &ask.worker, &[]);
        }
        Err(problem) => return Err(problem),
    };
    let (told, stages, beside) = told(&ask, &line)?;
    let text = |pointer: &str| match told.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let pretty = |pointer: &str| {
        let value = told.pointer(pointer).filter(|v| !v.is_null());
        value
            .and_then(|v| serde_json::to_string_pretty(v).ok())
            .unwrap_or_default()
    };
    let fact = |zh: &str, en: &str, value: String| Fact {
        name: frame.t(zh, en).to_owned(),
        value,
    };
    let facts = vec![
        fact("时间", "Time", text("/at")),
        fact("操作", "Operation", text("/operation")),
        fact("状态码", "Status", text("/status")),
        fact("世界", "World", text("/world")),
        fact("场景", "Scenario", text("/scenario")),
        fact("用时（毫秒）", "Took (ms)", text("/took_ms")),
    ];
    let failed = [
        "/failed/code",
        "/failed/where",
        "/failed/expected",
        "/failed/got",
        "/failed/detail",
        "/failed/fix",
    ];
    let page = CallPage {
        request_id: line.request_id.clone(),
        target: format!("{} {}", line.method, text("/target")),
        facts,
        stages,
        beside,
        failed: failed.into_iter().map(&text).filter(|t| !t.is_empty()).collect(),
        code: text("/failed/code"),
        request: pretty("/request/body"),
        response: pretty("/response/body"),
        curl: text("/curl"),
        hidden: told
            .pointer("/hidden/places")
            .and_then(Value::as_array)
            .map_or(0, Vec::len),
    };
    pages::html(actix_web::http::StatusCode::OK, &frame, portal::call(&frame, page))
}

/// Sends a call again, as it was or with another scenario, header or body.
pub async fn replay(ask: Ask) -> Answered {
    let line = line(&ask, &ask.path("id")).await?;
    let said: Said =
        serde_json::from_str(&line.body).map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    if !said.body.is_whole() {
        return Err(Problem::new(ProblemCode::Conflict).detail(
            "请求体过大或不是文本，日志没有留下全部内容",
            "The body was too large or no text, so the log has not kept all of it",
        ));
    }
    let changes = read_body(&ask)?;
    let mut headers = said.headers.clone();
    headers.retain(|(name, _)| name != "idempotency-key");
    for name in ["x-api-key", "authorization"] {
        headers.extend(ask.header(name).map(|value| (name.to_owned(), value.to_owned())));
    }
    // Who was signed in with a token is called for as the persona behind it.
    if said.token && ask.header("authorization").is_none() {
        headers.extend(said.persona.iter().map(|id| ("hub-persona".to_owned(), id.clone())));
    }
    if let Some(scenario) = changes.get("scenario").and_then(Value::as_str) {
        headers.retain(|(name, _)| name != "hub-scenario");
        headers.push(("hub-scenario".to_owned(), scenario.to_owned()));
    }
    let world = ask.header("hub-world").unwrap_or(&line.world);
    headers.push(("hub-world".to_owned(), world.to_owned()));
    let body = changes
        .get("body")
        .map_or_else(|| said.body.text.clone(), Value::to_string);
    let inbound = Inbound {
        method: line.method.clone(),
        path: said.path.clone(),
        query: said.query.clone(),
        headers,
        body: Bytes::from(body),
        peer: ask.peer,
        request_id: uuid::Uuid::now_v7().simple().to_string(),
    };
    let (again, began) = (inbound.clone(), Instant::now());
    let (world, reply) = in_world::called(&ask, inbound).await;
    note(&ask, &again, &world, &reply, began, Some(&line.request_id));
    let mut after = Said::of(&again);
    after.answered(&reply, |problem| {
        problem.document(&ask.worker.hub.base, ask.voice.lang, &again.request_id)
    });
    let status = reply
        .as_ref()
        .map_or_else(|problem| problem.code.status(), |reply| reply.status);
    let answer: Value = serde_json::from_str(&after.answer.text).unwrap_or_default();
    let told = json!({
        "request_id": again.request_id, "replay_of": line.request_id, "world": world, "status": status,
        "before": line.status, "same": status == line.status && after.answer == said.answer, "body": answer,
        "link": format!("{}/r/{}", ask.worker.hub.base, again.request_id),
    });
    Ok(page(&told))
}

fn of_line(description: Description) -> Description {
    description
        .who(Who::SandboxClient)
        .path("id", "Request id.")
        .query("t", "What a link of the log proves with.", json!({"type": "string"}))
        .problems(&[401, 403, 404, 429])
}

pub fn says_one() -> Description {
    let told =
        json!({"type": "object", "required": ["request_id", "status", "timeline", "request", "response", "curl"]});
    of_line(Description::new(
        "developer.log.call",
        "一次沙箱调用",
        "One call of the sandbox",
    ))
    .good(200, "application/json", told)
}

pub fn says_replay() -> Description {
    let body = json!({"type": "object", "properties": {
        "scenario": {"type": "string", "description": "Another scenario."}, "body": {"description": "Another body."}}});
    let told = json!({"type": "object", "required": ["request_id", "replay_of", "status", "same", "body"]});
    of_line(Description::new(
        "developer.log.replay",
        "重放一次沙箱调用",
        "Send a call of the sandbox again",
    ))
    .body("application/json", body)
    .good(200, "application/json", told)
}
