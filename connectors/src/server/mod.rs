//! The server half: an upstream request in, canonical input to whoever does the business, its answer out in the dialect.
//!
//! It runs over the same plans as the client half, backwards; the simulated city is made of it.

mod incoming;
mod outgoing;
mod proof;

pub(crate) use incoming::contradicts;
pub(crate) use proof::credential;

use crate::connector::{Connector, Handler};
use crate::context::ServerContext;
use crate::error::Failure;
use crate::manifest::model::Place;
use crate::mapping::decode::{Decoder, Source, file_id};
use crate::mapping::template::{Piece, Template};
use crate::parts::Parts;
use crate::plan::Plan;
use crate::wiring::UploadRules;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::ports::Answer;
use hub_core::time::Timestamp;
use hub_core::{Problem, RawRequest, RawResponse, ShapeKind};
use incoming::Incoming;
use outgoing::{Good, Reply, write};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A system of the simulated city at one moment.
pub(crate) struct City<'a> {
    /// Its connector.
    connector: &'a Connector,
    /// Time and secrets.
    context: &'a ServerContext<'a>,
}

/// Answers one upstream request.
pub(crate) fn serve(
    connector: &Connector,
    request: &RawRequest,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> RawResponse {
    let city = City { connector, context };
    if let Some(asking) = proof::digest(connector, request, context) {
        return asking;
    }
    let mut incoming = Incoming::new(connector, request, context);
    if let Some(page) = &connector.page
        && incoming.fits(page).is_some()
    {
        return page_before(&city);
    }
    if let Some(login) = &connector.login
        && let Some(parts) = incoming.fits(login)
    {
        return log_in(&city, login, &parts);
    }
    if let Some(refresh) = &connector.refresh
        && let Some(parts) = incoming.fits(refresh)
    {
        return renew(&city, refresh, &parts);
    }
    if let Some((upload, rules)) = &connector.upload
        && let Some(parts) = incoming.fits(upload)
    {
        return match proof::check(connector, upload, &parts, &incoming, context) {
            Err(failure) => write(&city, upload, &Value::Null, &Reply::Failed(failure, "无权访问")),
            Ok(()) => take_paper(&city, upload, rules, &parts),
        };
    }
    let Some((plan, parts, second)) = find(connector, &mut incoming) else {
        return unknown(connector, &incoming);
    };
    if let Err(failure) = proof::check(connector, &plan, &parts, &incoming, context) {
        return write(&city, &plan, &Value::Null, &Reply::Failed(failure, "无权访问"));
    }
    act(&city, &plan, &parts, second, handler)
}

/// The most particular plan that a request fits.
fn find(connector: &Connector, incoming: &mut Incoming<'_>) -> Option<(Arc<Plan>, Parts, bool)> {
    let mut best: Option<(usize, Arc<Plan>, Parts, bool)> = None;
    for plan in connector.plans.values().chain(connector.asks.values()) {
        let weight = plan.path.weight() * 2 + plan.query.len() + usize::from(plan.operation.is_some());
        if best.as_ref().is_none_or(|(w, ..)| *w < weight)
            && let Some(parts) = incoming.fits(plan)
        {
            best = Some((weight, Arc::clone(plan), parts, false));
        }
        if let Some(also) = plan.also.as_ref().filter(|_| best.is_none())
            && let Some(parts) = incoming.fits(&also.plan)
        {
            best = Some((0, Arc::clone(plan), parts, true));
        }
    }
    best.map(|(_, plan, parts, second)| (plan, parts, second))
}

/// What the business came to, before it is written in the dialect.
pub(crate) enum Outcome {
    /// A canonical answer.
    Good(Answer),
    /// A failure and its words.
    Failed(Failure, String),
}

impl Outcome {
    fn reply<'o>(&'o self, asked: &'o Parts, second: bool) -> Reply<'o> {
        match self {
            Outcome::Good(answer) => Reply::Good(Good { answer, second, asked }),
            Outcome::Failed(failure, words) => Reply::Failed(*failure, words),
        }
    }
}

/// Input fields out of texts that were made of them: `bbox: "{$input/longitude},{$input/latitude},…"`.
fn read_back(plan: &Plan, parts: &Parts, input: &mut Value) {
    for item in &plan.send {
        let Template::Pieces(pieces) = &*item.value else {
            continue;
        };
        let place = item.spot.place.unwrap_or(Place::Frame);
        let Some(text) = parts
            .get(place, &item.spot.path)
            .as_ref()
            .and_then(crate::wiring::code_text)
        else {
            continue;
        };
        let Some(found) = taken_apart(pieces, &text) else {
            continue;
        };
        for (path, text) in found {
            if path.get(input).is_none() {
                let shape = plan.contract.as_ref().and_then(|c| c.input.child(path.first_name()?));
                let number = shape.is_some_and(|s| matches!(s.kind, ShapeKind::Number | ShapeKind::Integer));
                let value = serde_json::from_str::<serde_json::Number>(&text)
                    .ok()
                    .filter(|_| number);
                path.set(input, value.map_or_else(|| Value::from(text), Value::Number));
            }
        }
    }
}

/// The fields in a text of literals and fields; `None` if it is not such a text.
fn taken_apart<'p>(pieces: &'p [Piece], text: &str) -> Option<Vec<(&'p crate::mapping::path::Path, String)>> {
    let mut found = Vec::new();
    let mut rest = text;
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
            Piece::Input(path) => {
                let end = match pieces.peek() {
                    Some(Piece::Literal(literal)) => rest.find(literal.as_str())?,
                    Some(_) => return None,
                    None => rest.len(),
                };
                let (value, after) = rest.split_at_checked(end)?;
                found.push((path, value.to_owned()));
                rest = after;
            }
            _ => return None,
        }
    }
    rest.is_empty().then_some(found)
}

/// What a feed is not told: the city's feeds hold what the contract's first example asks for.
fn stand_in(plan: &Plan, input: &mut Value) {
    let Some(pick) = &plan.pick else { return };
    let example = plan
        .operation
        .as_ref()
        .and_then(|o| o.examples.iter().find_map(|e| e.input.as_ref()));
    if let (Some(example), Value::Object(map)) = (example, input) {
        for (name, value) in example {
            if pick.fields().contains(&name.as_str()) {
                map.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
    }
}

/// An answer as a tree in the upstream's names, for those who write no HTTP.
pub(crate) fn document(
    connector: &Connector,
    context: &ServerContext<'_>,
    plan: &Plan,
    input: &Value,
    outcome: &Outcome,
) -> Value {
    outgoing::compose(
        &City { connector, context },
        plan,
        input,
        &outcome.reply(&Parts::default(), false),
    )
}

/// Secrets among the fields of a row.
pub(crate) fn credentials(
    connector: &Connector,
    plan: &Plan,
    parts: &Parts,
    context: &ServerContext<'_>,
) -> Result<(), Failure> {
    proof::credentials(connector, plan, parts, context, None)
}

fn act(city: &City<'_>, plan: &Plan, parts: &Parts, second: bool, handler: &mut Handler<'_>) -> RawResponse {
    let (input, outcome) = business(plan, parts, city.context.now, handler);
    write(city, plan, &input, &outcome.reply(parts, second))
}

/// Fields in, the business, its canonical input and what it came to out.
pub(crate) fn business(plan: &Plan, parts: &Parts, now: Timestamp, handler: &mut Handler<'_>) -> (Value, Outcome) {
    let mut decoder = Decoder::at(now);
    let mut input = match decoder.decode(&plan.request, parts) {
        Ok(input) => input,
        Err(error) => return (Value::Null, Outcome::Failed(Failure::Invalid, error.to_string())),
    };
    if let Some(paging) = &plan.paging {
        paging.decode(parts, &mut input);
        let has_pages = plan
            .contract
            .as_ref()
            .is_some_and(|c| c.input.child(paging.names()[0]).is_some());
        if paging.next.is_some() && has_pages {
            paging.decode_followed(later_page(parts), parts, &mut input);
        }
    }
    if !input.is_object() {
        input = Value::Object(Map::new());
    }
    read_back(plan, parts, &mut input);
    stand_in(plan, &mut input);
    compute_input(plan, parts, &mut input);
    if let (Some(datum), Some(contract)) = (plan.wire.coordinates, &plan.contract)
        && let Err(error) = datum.decode_tree(&mut input, &contract.input)
    {
        return (input, Outcome::Failed(Failure::Invalid, error.expected));
    }
    let Some(operation) = &plan.operation else {
        // A question only the upstream's own memory could answer; the simulated city has none, so nothing is found.
        return (input, Outcome::Failed(Failure::NotFound, "没有查到".to_owned()));
    };
    let map = input.as_object().cloned().unwrap_or_default();
    let outcome = match handler(operation, map) {
        Ok(answer) => Outcome::Good(answer),
        Err(problem) => Outcome::Failed(Failure::of(problem.code), words_of(&problem)),
    };
    (input, outcome)
}

/// `serve: {input: …}`: canonical input that no row can read back.
fn compute_input(plan: &Plan, parts: &Parts, input: &mut Value) {
    for item in &plan.serve_input {
        let value = match &*item.value {
            crate::mapping::template::Template::Constant(value) => Some(value.clone()),
            crate::mapping::template::Template::Expression(expression) => expression
                .evaluate(&[("request", &parts.fields), ("input", input)])
                .ok(),
            crate::mapping::template::Template::Pieces(_) => None,
        };
        if let Some(value) = value.filter(|v| !v.is_null()) {
            item.field.set(input, value);
        }
    }
}

/// The query parameter of the city's own next links; what stands in a link is the server's affair alone.
const NEXT: &str = "hub-page";

fn later_page(parts: &Parts) -> Option<i64> {
    parts.query.iter().find(|(n, _)| n == NEXT)?.1.parse().ok()
}

fn words_of(problem: &Problem) -> String {
    problem
        .detail
        .as_ref()
        .map_or_else(|| problem.code.title().zh, |d| d.zh.clone())
}

fn log_in(city: &City<'_>, login: &Plan, parts: &Parts) -> RawResponse {
    let values = proof::session_values(city.connector, city.context);
    // What the page before it hid must come back.
    let hidden = city.connector.page.as_ref().map(|_| &values);
    if proof::credentials(city.connector, login, parts, city.context, hidden).is_err()
        || proof::basic(login, parts, city.context).is_err()
    {
        if crate::answer::named_statuses(&login.answer).next().is_some() {
            return page_before(city);
        }
        return write(
            city,
            login,
            &Value::Null,
            &Reply::Failed(Failure::Refused, "用户名或密码错误"),
        );
    }
    write(city, login, &Value::Null, &Reply::Session(&values))
}

/// The login page, with what it hides.
fn page_before(city: &City<'_>) -> RawResponse {
    let values = proof::session_values(city.connector, city.context);
    let value = |name: &str| values.get(name).cloned().unwrap_or_default();
    let mut page = RawResponse {
        status: 200,
        headers: vec![("Content-Type".to_owned(), "text/html; charset=utf-8".to_owned())],
        body: b"<!DOCTYPE html><html><form method=\"post\"><input type=\"password\">".to_vec(),
    };
    if let Some(rules) = &city.connector.wiring.session {
        for name in rules.keep.iter().filter(|_| city.connector.page.is_some()) {
            let cookie = format!("{name}={}; Path=/; HttpOnly", value(name));
            page.headers.push(("Set-Cookie".to_owned(), cookie));
        }
        for (name, hidden) in &rules.page {
            hidden.shown(&value(name), &mut page);
        }
    }
    page
}

/// The city forgets no session, so whoever brings the right values gets the same ones again.
fn renew(city: &City<'_>, refresh: &Plan, parts: &Parts) -> RawResponse {
    let values = proof::session_values(city.connector, city.context);
    let good = proof::credentials(city.connector, refresh, parts, city.context, Some(&values)).is_ok()
        && proof::basic(refresh, parts, city.context).is_ok();
    let reply = if good {
        Reply::Session(&values)
    } else {
        Reply::Failed(Failure::Refused, "刷新令牌无效")
    };
    write(city, refresh, &Value::Null, &reply)
}

fn take_paper(city: &City<'_>, upload: &Plan, rules: &UploadRules, parts: &Parts) -> RawResponse {
    let content = rules
        .content
        .path
        .get(&parts.fields)
        .or_else(|| rules.content.path.get(&parts.outer));
    let bytes = match content {
        Some(Value::String(text)) => STANDARD.decode(text).ok(),
        Some(file) => file
            .get(crate::dialect::pairs::FILE_KEY)
            .and_then(Value::as_str)
            .and_then(|text| STANDARD.decode(text).ok()),
        None => None,
    };
    match bytes {
        Some(bytes) => {
            let mut body = Value::Null;
            rules.read.set(&mut body, Value::from(file_id(&bytes)));
            let answer = Answer::new(200, body);
            write(city, upload, &Value::Null, &Reply::Raw(&answer.body))
        }
        None => write(
            city,
            upload,
            &Value::Null,
            &Reply::Failed(Failure::Invalid, "没有文件内容"),
        ),
    }
}

/// A request that no plan knows. A plain 404: real gateways do no better.
fn unknown(connector: &Connector, incoming: &Incoming<'_>) -> RawResponse {
    let body = json!({"code": "404", "message": format!("{}: no such operation", connector.system)});
    RawResponse {
        status: if incoming.is_readable() { 404 } else { 400 },
        headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    }
}
