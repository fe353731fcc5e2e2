//! The log of a client's calls in the sandbox.

use super::describe::{Description, Who};
use super::worlds::{client, known_client};
use super::{Answered, Ask};
use crate::hub::Said;
use actix_web::HttpResponse;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::wire::ReplyBody;
use hub_core::{Inbound, Problem, ProblemCode, Reply, Text};
use hub_store::{CallRow, WantedCalls};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Lines a page, unless asked otherwise, and at most.
const PAGE: u32 = 50;
const MOST: u32 = 200;
/// Lines a text is looked for in.
const SCANNED: u32 = 5_000;
/// Hours a text is looked for in where no beginning is given.
const HOURS: i64 = 24;
/// Longest wait for a new line, seconds.
const WAIT: u64 = 25;

/// Notes a call of the sandbox.
pub(super) fn note(
    ask: &Ask,
    inbound: &Inbound,
    world: &str,
    reply: &Result<Reply, Problem>,
    began: Instant,
    of: Option<&str>,
) {
    let hub = &ask.worker.hub;
    let (status, code) = match reply {
        Ok(reply) => match &reply.body {
            ReplyBody::Problem(problem) => (reply.status, problem.code.as_str()),
            _ => (reply.status, ""),
        },
        Err(problem) => (problem.code.status(), problem.code.as_str()),
    };
    let mut said = Said::of(inbound);
    said.answered(reply, |problem| {
        problem.document(&hub.base, ask.voice.lang, &inbound.request_id)
    });
    said.persona = persona(ask);
    let client = client(ask).ok().flatten().map(|c| c.id.clone()).unwrap_or_default();
    if client.is_empty() {
        said.of_nobody();
    }
    let operation = said.operation(&hub.catalog(), &inbound.method);
    let scenario = said
        .answer_headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case("hub-scenario"));
    let asked = || inbound.header("hub-scenario").map(str::to_owned);
    let line = CallRow {
        at: hub.clock.now(),
        node: String::new(),
        request_id: inbound.request_id.clone(),
        client,
        world: world.to_owned(),
        operation: operation.map_or_else(|| described(&inbound.path), |o| o.id.to_string()),
        method: inbound.method.clone(),
        status,
        code: code.to_owned(),
        scenario: scenario
            .map(|(_, v)| v.clone())
            .or_else(asked)
            .unwrap_or_else(|| "ok".to_owned())
            .chars()
            .take(60)
            .collect(),
        took_us: i64::try_from(began.elapsed().as_micros()).unwrap_or(i64::MAX),
        replay_of: of.map(str::to_owned),
        body: serde_json::to_string(&said).unwrap_or_default(),
    };
    hub.calls.note(line);
}

/// What a path without an operation is called: agency, system and major version.
fn described(path: &str) -> String {
    let named: Vec<&str> = path.split('/').skip(1).take(3).collect();
    let plain = |step: &&str| {
        step.len() <= 40
            && step
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    // A path that leads nowhere may hold anything.
    let is_version = named
        .get(2)
        .is_some_and(|v| v.strip_prefix('v').is_some_and(|n| n.parse::<u32>().is_ok()));
    if is_version && named.iter().all(plain) {
        named.join(".")
    } else {
        String::new()
    }
}

/// Whom a token says it is for; only a hint for whoever repeats the call, so that it is not verified.
fn persona(ask: &Ask) -> Option<String> {
    let token = ask.header("authorization")?.split_once(' ')?.1;
    let claims = hub_crypto::from_base64_url(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let all = ask.worker.hub.cast.personas();
    let person = all.person(claims.get("sub")?.as_str()?)?;
    let company = claims
        .pointer("/mandate/uscc")
        .and_then(Value::as_str)
        .and_then(|uscc| all.company(uscc));
    Some(company.map_or_else(|| person.id.clone(), |company| format!("{}@{}", person.id, company.id)))
}

fn cursor(line: &CallRow) -> String {
    format!("{}.{}", line.at.as_microsecond(), line.node)
}

fn read_cursor(text: &str, name: &str) -> Result<(Timestamp, String), Problem> {
    let read = || {
        let (at, node) = text.split_once('.')?;
        Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, node.to_owned()))
    };
    let expected = Text::new("上一页返回的游标", "a cursor that a page has answered");
    read().ok_or_else(|| Problem::new(ProblemCode::BadRequest).at(format!("parameter/{name}"), expected, "***"))
}

fn number<T: std::str::FromStr>(ask: &Ask, name: &str) -> Result<Option<T>, Problem> {
    let Some(text) = ask.parameter(name) else {
        return Ok(None);
    };
    let expected = Text::new("一个数", "a number");
    let read = text.parse().map(Some);
    read.map_err(|_| Problem::new(ProblemCode::BadRequest).at(format!("parameter/{name}"), expected, "***"))
}

fn item(ask: &Ask, line: &CallRow) -> Value {
    let hub = &ask.worker.hub;
    json!({
        "at": rfc3339(line.at), "request_id": line.request_id, "world": line.world, "operation": line.operation,
        "method": line.method, "status": line.status, "code": (!line.code.is_empty()).then_some(&line.code),
        "scenario": line.scenario, "took_ms": milliseconds(line), "replay_of": line.replay_of, "cursor": cursor(line),
        "link": format!("{}/r/{}?t={}", hub.base, line.request_id, hub.calls.proof(line)),
    })
}

pub(super) fn milliseconds(line: &CallRow) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a call takes less than a century")]
    let ms = line.took_us as f64 / 1_000.0;
    ms
}

pub async fn list(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let hub = &ask.worker.hub;
    let most = number::<u32>(&ask, "page_size")?.unwrap_or(PAGE).clamp(1, MOST);
    if let Some(after) = ask.parameter("after") {
        return tail(&ask, &client.id, &read_cursor(&after, "after")?, most).await;
    }
    let from = ask.parameter("from").map(|text| {
        let expected = Text::new("RFC 3339 时刻", "a moment as RFC 3339 has it");
        text.parse()
            .map_err(|_| Problem::new(ProblemCode::BadRequest).at("parameter/from", expected, "***"))
    });
    let wanted = WantedCalls {
        client: client.id.clone(),
        operation: ask.parameter("operation").unwrap_or_default(),
        status: number(&ask, "status")?.unwrap_or(0),
        code: ask.parameter("code").unwrap_or_default(),
        world: ask.parameter("world").unwrap_or_default(),
        from: from.transpose()?,
        before: ask
            .parameter("cursor")
            .map(|text| read_cursor(&text, "cursor"))
            .transpose()?,
        most,
        bodies: false,
    };
    if let Some(text) = ask.parameter("q") {
        return scan(&ask, wanted, &text).await;
    }
    let lines = match ask.parameter("request_id") {
        Some(id) => {
            let all = hub.calls.with_request_id(&id, MOST).await?;
            all.into_iter().filter(|line| line.client == client.id).collect()
        }
        None => hub.calls.of_client(&wanted).await?,
    };
    let next = (lines.len() >= most as usize)
        .then(|| lines.last().map(cursor))
        .flatten();
    let items: Vec<Value> = lines.iter().map(|line| item(&ask, line)).collect();
    Ok(page(&json!({"items": items, "next_cursor": next})))
}

pub(super) fn page(told: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(told)
}

/// Lines that hold a text, within a bounded range: newest first, so many, so far back.
async fn scan(ask: &Ask, mut wanted: WantedCalls, text: &str) -> Answered {
    let hub = &ask.worker.hub;
    let (most, needle) = (wanted.most as usize, text.to_lowercase());
    let day = jiff::SignedDuration::from_hours(HOURS);
    let from = wanted.from.or_else(|| hub.clock.now().checked_sub(day).ok());
    wanted.from = from;
    wanted.bodies = true;
    let (mut found, mut looked, mut last) = (Vec::new(), 0_u32, None);
    while looked < SCANNED && found.len() < most {
        wanted.most = (SCANNED - looked).min(500);
        let lines = hub.calls.of_client(&wanted).await?;
        let all = lines.len() < wanted.most as usize;
        for line in lines {
            looked += 1;
            wanted.before = Some((line.at, line.node.clone()));
            last = Some(cursor(&line));
            let holds = [&line.body, &line.operation, &line.request_id, &line.code];
            if found.len() < most && holds.iter().any(|t| t.to_lowercase().contains(&needle)) {
                found.push(item(ask, &line));
            }
            if found.len() >= most {
                break;
            }
        }
        if all && found.len() < most {
            last = None;
            break;
        }
    }
    Ok(page(&json!({
        "items": found, "next_cursor": last,
        "scanned": {"lines": looked, "from": from.map(rfc3339), "complete": last.is_none()},
    })))
}

/// Lines newer than one, waited for where there are none yet.
async fn tail(ask: &Ask, client: &str, after: &(Timestamp, String), most: u32) -> Answered {
    let calls = &ask.worker.hub.calls;
    let wait = Duration::from_secs(number::<u64>(ask, "wait")?.unwrap_or(0).min(WAIT));
    let (mut written, until) = (calls.listen(), tokio::time::Instant::now() + wait);
    loop {
        let lines = calls.newer(client, (after.0, &after.1), most).await?;
        let over = tokio::time::Instant::now() >= until || ask.worker.hub.is_stopping();
        if !lines.is_empty() || over {
            let next = lines
                .last()
                .map_or_else(|| format!("{}.{}", after.0.as_microsecond(), after.1), cursor);
            let items: Vec<Value> = lines.iter().map(|line| item(ask, line)).collect();
            return Ok(page(&json!({"items": items, "after": next})));
        }
        drop(tokio::time::timeout_at(until, written.changed()).await);
    }
}

fn line_schema() -> Value {
    let (text, maybe) = (json!({"type": "string"}), json!({"type": ["string", "null"]}));
    json!({"type": "object", "required": ["at", "request_id", "status", "link", "cursor"], "properties": {
        "at": {"type": "string", "format": "date-time"}, "request_id": text, "world": text, "operation": text, "method": text,
        "status": {"type": "integer"}, "code": maybe, "scenario": text, "took_ms": {"type": "number"}, "replay_of": maybe,
        "cursor": text, "link": text,
    }})
}

pub fn says_list() -> Description {
    let text = json!({"type": "string"});
    let told = json!({"type": "object", "required": ["items"], "properties": {
        "items": {"type": "array", "items": line_schema()}, "next_cursor": {"type": ["string", "null"]}, "after": text,
        "scanned": {"type": "object", "description": "How far a text was looked for."}}});
    let words = [
        ("operation", "Only of this operation."),
        ("code", "Only with this problem code; `ok` for none."),
        ("world", "Only in this world."),
        ("request_id", "Only with this request id."),
        ("from", "Not before this moment (RFC 3339)."),
        (
            "q",
            "Only with this text; looked for in a bounded range, which the answer tells.",
        ),
        ("cursor", "`next_cursor` of the page before."),
        ("after", "A cursor: only newer lines, oldest first."),
    ];
    let description = Description::new("developer.log", "沙箱调用日志", "The log of calls of the sandbox")
        .who(Who::SandboxClient)
        .query("status", "Only with this status.", json!({"type": "integer"}))
        .query(
            "wait",
            "Seconds to wait for a newer line.",
            json!({"type": "integer", "maximum": WAIT}),
        )
        .query(
            "page_size",
            "Lines a page.",
            json!({"type": "integer", "maximum": MOST}),
        );
    let all = words
        .into_iter()
        .fold(description, |d, (name, about)| d.query(name, about, text.clone()));
    all.good(200, "application/json", told).problems(&[400, 401, 403])
}
