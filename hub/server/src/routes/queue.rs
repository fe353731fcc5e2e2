//! What waits for a person: submissions nobody could tell about, payments that do not agree with their statement.

use super::admin::{admin, unfit};
use super::describe::Description;
use super::upkeep::list as page_of;
use super::{Answered, Ask};
use actix_web::HttpResponse;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Problem, ProblemCode, SystemId};
use hub_gateway::{DECISIONS, STATES, StatementRow};
use hub_store::{SubmissionState, Wanted};
use serde_json::{Value, json};

/// Rows listed at once.
const PAGE: u32 = 100;
/// Words of the states of submissions.
const KEPT: [&str; 5] = ["stored", "delivering", "delivered", "failed", "manual"];

pub async fn list(ask: Ask) -> Answered {
    let state = match ask.parameter("state") {
        None => None,
        Some(word) => Some(SubmissionState::parse(&word).map_err(|_| unfit("state", &KEPT.join(", "), &word))?),
    };
    let after = match ask.parameter("after") {
        None => None,
        Some(text) => Some(text.parse::<Timestamp>().map_err(|_| unfit("after", "a time", &text))?),
    };
    let wanted = Wanted {
        state,
        system: ask.parameter("system"),
        after,
        most: PAGE,
    };
    let items = ask.worker.gateway.submissions(&wanted).await?;
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

pub async fn one(ask: Ask) -> Answered {
    let view = ask.worker.gateway.submission(&ask.path("id")).await?;
    Ok(HttpResponse::Ok().json(view))
}

pub async fn decide(ask: Ask) -> Answered {
    let (id, body) = (ask.path("id"), ask.json()?);
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let word = text("decision").ok_or_else(|| unfit("decision", &DECISIONS.join(", "), "nothing"))?;
    let answer = body.get("answer").cloned();
    let view = ask.worker.gateway.decide(&id, word, answer, text("note")).await?;
    tracing::info!(submission = %id, decision = word, "a person decided about a submission");
    Ok(HttpResponse::Ok().json(view))
}

pub async fn statement(ask: Ask) -> Answered {
    let body = ask.json()?;
    let (agency, name, day) = (ask.path("agency"), ask.path("system"), ask.path("day"));
    let Some(rows) = body.get("rows") else {
        let system = SystemId::new(agency, name);
        let found = ask.worker.gateway.fetch_statement(&system, &day).await?;
        let items: Vec<Value> = found.iter().map(shown).collect();
        return Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})));
    };
    let rows = rows
        .as_array()
        .ok_or_else(|| unfit("rows", "a list", "something else"))?;
    let rows: Vec<StatementRow> = rows
        .iter()
        .enumerate()
        .map(|(n, row)| read(n, row))
        .collect::<Result<_, _>>()?;
    let system = format!("{agency}/{name}");
    let found = ask.worker.gateway.reconcile(&system, &day, &rows).await?;
    let items: Vec<Value> = found.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

fn read(n: usize, row: &Value) -> Result<StatementRow, Problem> {
    let text = |name: &str| {
        let found = row.get(name).and_then(Value::as_str);
        found
            .map(str::to_owned)
            .ok_or_else(|| unfit(&format!("rows/{n}/{name}"), "a text", "nothing"))
    };
    let amount = row.get("amount_fen").and_then(Value::as_i64);
    Ok(StatementRow {
        order_no: text("order_no")?,
        amount_fen: amount.ok_or_else(|| unfit(&format!("rows/{n}/amount_fen"), "a whole number of fen", "nothing"))?,
        state: text("state")?,
    })
}

fn shown(difference: &hub_store::Difference) -> Value {
    json!({
        "system": difference.system, "day": difference.day, "order_no": difference.number, "kind": difference.kind,
        "ours": difference.ours, "theirs": difference.theirs, "settled": difference.settled,
        "found": rfc3339(difference.found),
    })
}

pub async fn differences(ask: Ask) -> Answered {
    let settled = ask.parameter("settled").as_deref() == Some("true");
    let found = ask.worker.gateway.differences(settled, 1_000).await?;
    let items: Vec<Value> = found.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

pub async fn settle(ask: Ask) -> Answered {
    let system = format!("{}/{}", ask.path("agency"), ask.path("system"));
    let (day, number) = (ask.path("day"), ask.path("order_no"));
    if !ask.worker.gateway.settle_difference(&system, &day, &number).await? {
        return Err(Problem::new(ProblemCode::NotFound));
    }
    tracing::info!(system, day, order_no = number, "a difference was settled");
    Ok(HttpResponse::Ok().json(json!({"system": system, "day": day, "order_no": number, "settled": true})))
}

fn item() -> Value {
    let text = json!({"type": "string"});
    let maybe = json!({"type": ["string", "null"]});
    json!({
        "type": "object",
        "required": ["submission", "operation", "state", "attempts", "created"],
        "properties": {
            "submission": text, "operation": text, "system": text, "client": text, "tenant": maybe, "request_id": text,
            "state": {"enum": KEPT}, "reason": maybe, "attempts": {"type": "integer"}, "next_attempt": maybe,
            "created": text, "updated": text, "note": maybe,
        },
    })
}

pub fn says_list() -> Description {
    admin(Description::new(
        "admin.submissions.list",
        "提交列表；state=manual 为人工核对队列",
        "Submissions, oldest first; `state=manual` is the manual queue",
    ))
    .query("state", "Only in this state.", json!({"enum": KEPT}))
    .query(
        "system",
        "Only to this system, `agency/system`.",
        json!({"type": "string"}),
    )
    .query(
        "after",
        "Only those accepted after this time, for the next page.",
        json!({"type": "string", "format": "date-time"}),
    )
    .good(200, "application/json", page_of(&item()))
    .problems(&[401, 422])
}

pub fn says_one() -> Description {
    admin(Description::new("admin.submissions.get", "一次提交", "One submission"))
        .path("id", "Id of the submission.")
        .good(200, "application/json", item())
        .problems(&[401, 404])
}

pub fn says_decide() -> Description {
    let body = json!({
        "type": "object",
        "required": ["decision"],
        "additionalProperties": false,
        "properties": {
            "decision": {"enum": DECISIONS, "description": "delivered: the agency has it; again: it has not arrived, send it; refused: the agency refuses it."},
            "answer": {"type": "object", "description": "The agency's answer in the contract's terms, if it is known (delivered)."},
            "note": {"type": "string", "maxLength": 2000},
        },
    });
    admin(Description::new(
        "admin.submissions.decide",
        "人工核对后的处理：已送达、重新发送、部门不受理",
        "Decide about a submission nobody could tell about",
    ))
    .path("id", "Id of the submission.")
    .body("application/json", body)
    .good(200, "application/json", item())
    .problems(&[400, 401, 404, 409, 415, 422])
}

fn difference() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["system", "day", "order_no", "kind"],
        "properties": {
            "system": text, "day": text, "order_no": text, "ours": text, "theirs": text, "found": text,
            "kind": {"enum": ["missing-here", "missing-there", "amount", "state", "twice"]}, "settled": {"type": "boolean"},
        },
    })
}

pub fn says_statement() -> Description {
    let row = json!({
        "type": "object",
        "required": ["order_no", "amount_fen", "state"],
        "properties": {"order_no": {"type": "string"}, "amount_fen": {"type": "integer"}, "state": {"enum": STATES}},
    });
    let body = json!({"type": "object", "properties": {"rows": {
        "type": "array", "items": row, "description": "The statement; without it, it is fetched as the manifest says.",
    }}});
    admin(Description::new(
        "admin.payments.reconcile",
        "用日对账单核对缴费订单",
        "Compare orders with a system's daily statement",
    ))
    .path("agency", "Agency.")
    .path("system", "System.")
    .path("day", "Day of the statement, `yyyy-MM-dd`.")
    .body("application/json", body)
    .good(200, "application/json", page_of(&difference()))
    .problems(&[400, 401, 415, 422, 502, 503])
}

pub fn says_differences() -> Description {
    admin(Description::new(
        "admin.payments.differences",
        "对账差异",
        "What statements say differently",
    ))
    .query(
        "settled",
        "`true`: also those that were settled.",
        json!({"type": "boolean"}),
    )
    .good(200, "application/json", page_of(&difference()))
}

pub fn says_settle() -> Description {
    admin(Description::new(
        "admin.payments.settle",
        "差异已处理",
        "A person has settled a difference",
    ))
    .path("agency", "Agency.")
    .path("system", "System.")
    .path("day", "Day of the statement.")
    .path("order_no", "Order number.")
    .problems(&[401, 404])
}
