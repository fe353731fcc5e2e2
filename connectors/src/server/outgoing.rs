//! Writing the simulated city's answers: envelope, data, failures, in the dialect.

use super::City;
use crate::answer::{Status, named_statuses};
use crate::charset::Charset;
use crate::context::NoFiles;
use crate::dialect::{self, json, pairs, record, soap, text_form, xml};
use crate::error::Failure;
use crate::fetch::{part_of, put_next};
use crate::manifest::model::{AnswerPart, Empty, FailTest, Format, Frame, Lives, Lost, Paging, Place, Spot, TextForm};
use crate::mapping::encode::{Absent, Encoder, Sink};
use crate::mapping::path::Path;
use crate::mapping::template::{Template, scalar_text};
use crate::message::Message;
use crate::parts::Parts;
use crate::plan::Plan;
use crate::protobuf;
use crate::seal::Seal;
use crate::sign::Recipe;
use hub_core::RawResponse;
use hub_core::ports::Answer;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What to answer.
pub(super) enum Reply<'a> {
    /// A canonical answer.
    Good(Good<'a>),
    /// Data that is already in the upstream's names.
    Raw(&'a Value),
    /// The values of a session.
    Session(&'a BTreeMap<String, String>),
    /// A failure and its words.
    Failed(Failure, &'a str),
}

/// A canonical answer and what it answers.
pub(super) struct Good<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// Whether the call is the one that belongs to the operation's own.
    pub second: bool,
    /// What was asked.
    pub asked: &'a Parts,
}

/// An answer in the making.
#[derive(Default)]
struct Made {
    data: Value,
    document: Value,
    headers: Vec<(String, String)>,
    status: u16,
    fault: Option<(String, String)>,
}

impl Sink for Made {
    fn put(&mut self, place: Place, path: &Path, value: Value) {
        match place {
            Place::Header => {
                if let (Some(name), Some(text)) = (path.only_name(), scalar_text(&value)) {
                    self.headers.push((name.to_owned(), text));
                }
            }
            _ if path.absolute => path.set(&mut self.document, value),
            _ => path.set(&mut self.data, value),
        }
    }

    fn put_each(&mut self, _place: Place, path: &Path, values: Vec<Value>) {
        let target = if path.absolute {
            &mut self.document
        } else {
            &mut self.data
        };
        path.set_each(target, values);
    }

    fn has(&self, place: Place, path: &Path) -> bool {
        match place {
            Place::Header => path
                .only_name()
                .is_some_and(|n| self.headers.iter().any(|(h, _)| h == n)),
            _ => path
                .get(if path.absolute { &self.document } else { &self.data })
                .is_some_and(|v| !v.is_null()),
        }
    }
}

/// The tree of an answer, for those who write no HTTP.
pub(super) fn compose(city: &City<'_>, plan: &Plan, input: &Value, reply: &Reply<'_>) -> Value {
    let mut made = Made {
        status: 200,
        ..Made::default()
    };
    fill(city, plan, input, reply, &mut made);
    made.document
}

/// Writes an answer. What cannot be written is a bare 500, as it would be behind a real system that breaks.
pub(super) fn write(city: &City<'_>, plan: &Plan, input: &Value, reply: &Reply<'_>) -> RawResponse {
    let mut made = Made {
        status: 200,
        ..Made::default()
    };
    match reply {
        Reply::Failed(Failure::Session, words) => match lost(city, plan) {
            Some(response) => return response,
            None => fail(plan, Failure::Session, words, &mut made),
        },
        reply => fill(city, plan, input, reply, &mut made),
    }
    finish(city, plan, made).unwrap_or_else(|| RawResponse {
        status: 500,
        ..RawResponse::default()
    })
}

fn fill(city: &City<'_>, plan: &Plan, input: &Value, reply: &Reply<'_>, made: &mut Made) {
    match reply {
        Reply::Failed(failure, words) => fail(plan, *failure, words, made),
        Reply::Good(reply) => {
            if let Err(words) = good(city, plan, reply, input, made) {
                fail(plan, Failure::Unavailable, &words, made);
            }
        }
        Reply::Raw(data) => {
            made.data = (*data).clone();
            success(&plan.answer, made);
        }
        Reply::Session(values) => session(city, plan, values, made),
    }
}

fn good(city: &City<'_>, plan: &Plan, reply: &Good<'_>, input: &Value, made: &mut Made) -> Result<(), String> {
    let answer = reply.answer;
    let uploaded = BTreeMap::new();
    let encoder = Encoder {
        files: &NoFiles,
        uploaded: &uploaded,
        absent: Absent::Drop,
        today: Some(hub_core::time::civil(city.context.now).date()),
    };
    let mut body = answer.body.clone();
    if let (Some(datum), Some(contract)) = (plan.wire.coordinates, &plan.contract) {
        datum
            .encode_tree(&mut body, &contract.output)
            .map_err(|e| e.to_string())?;
    }
    encoder
        .encode(&plan.response, &body, made, "")
        .map_err(|e| e.to_string())?;
    if let Some(pick) = &plan.pick {
        let rows = match std::mem::take(&mut made.data) {
            Value::Array(rows) => rows,
            Value::Null => Vec::new(),
            one => vec![one],
        };
        pick.put(rows, input, &mut made.document, &mut made.data);
    }
    if let Some(paging) = &plan.paging {
        paging.put_total(
            &answer.body,
            input,
            &mut made.document,
            &mut made.data,
            &mut made.headers,
        );
        next_page(plan, paging, reply, input, made);
    }
    if let Some(also) = &plan.also {
        part_of(&also.part, !reply.second, &mut made.data);
    }
    for item in &plan.serve_data {
        let value = match &*item.value {
            Template::Constant(value) => Some(value.clone()),
            Template::Expression(expression) => expression.evaluate(&[("out", &answer.body), ("input", input)]).ok(),
            Template::Pieces(_) => None,
        };
        if let Some(value) = value.filter(|v| !v.is_null()) {
            made.put(Place::Body, &item.spot.path, value);
        }
    }
    success(&plan.answer, made);
    Ok(())
}

/// A link to the next page, where this one is full and the answer tells of more.
fn next_page(plan: &Plan, paging: &Paging, reply: &Good<'_>, input: &Value, made: &mut Made) {
    let Some(spot) = &paging.next else { return };
    let (page, size) = paging.asked(input);
    let total = reply
        .answer
        .body
        .get(paging.names()[2])
        .and_then(Value::as_i64)
        .unwrap_or(0);
    let rows = plan
        .page_list()
        .and_then(|l| l.get(&made.data).and_then(Value::as_array).map(Vec::len));
    let full = rows.is_some_and(|n| i64::try_from(n).unwrap_or(i64::MAX) >= size);
    if !full || total <= page.saturating_mul(size) {
        return;
    }
    let mut query: Vec<(String, String)> = reply.asked.query.clone();
    query.retain(|(n, _)| n != super::NEXT);
    query.push((super::NEXT.to_owned(), (page + 1).to_string()));
    let pairs = query.iter().map(|(n, v)| (n, v));
    if let Ok(text) = crate::form::encode(pairs, Charset::Utf8, crate::form::Escape::Percent) {
        put_next(spot, &format!("?{text}"), &mut made.document, &mut made.headers);
    }
}

/// The envelope of a success around the data.
fn success(answer: &AnswerPart, made: &mut Made) {
    put_words(answer, made, "成功");
    if let (Some(spot), Some(code)) = (&answer.code, good_code(answer)) {
        put(spot, code, made);
    }
    place_data(answer, made);
}

fn place_data(answer: &AnswerPart, made: &mut Made) {
    let data = std::mem::take(&mut made.data);
    let form = answer.form.unwrap_or_default();
    let data = if form == TextForm::Object || data.is_null() {
        data
    } else {
        (0..answer.levels.unwrap_or(1)).fold(data, |data, _| {
            text_form::write(data, form, None, None).unwrap_or(Value::Null)
        })
    };
    match &answer.data {
        Some(path) if data.is_null() && path.get(&made.document).is_some() => {}
        Some(path) => path.set(&mut made.document, data),
        None if made.document.is_null() => made.document = data,
        None => crate::parts::merge(&mut made.document, data),
    }
}

fn put(spot: &Spot, value: Value, made: &mut Made) {
    match spot.place {
        Some(Place::Header) => made.put(Place::Header, &spot.path, value),
        _ => spot.path.set(&mut made.document, value),
    }
}

fn put_words(answer: &AnswerPart, made: &mut Made, words: &str) {
    // In an envelope only: a bare object has no place for words beside its data.
    if let (Some(spot), true) = (&answer.message, answer.code.is_some()) {
        put(spot, Value::from(words), made);
    }
}

fn fail(plan: &Plan, failure: Failure, words: &str, made: &mut Made) {
    made.data = Value::Null;
    made.document = Value::Null;
    let by_code = plan.answer.code.as_ref();
    let rule = plan
        .fails
        .iter()
        .find(|r| r.failure == failure && is_writable(&r.test, by_code.is_some(), plan));
    match (by_code, rule.map(|r| &r.test)) {
        // Where the status decides, it must say so; the code beside it is the manifest's, or the status again.
        (Some(spot), test) if says_status(plan, test) => {
            made.status = match test {
                Some(FailTest::Http(status, _)) => *status,
                _ => status_of(failure),
            };
            let code = match test {
                Some(FailTest::Code(code, _)) => code.clone(),
                _ => made.status.to_string(),
            };
            put(spot, Value::from(code), made);
            if let Some(message) = &plan.answer.message {
                put(message, Value::from(words), made);
            }
        }
        (_, Some(FailTest::Http(status, _))) => {
            made.status = *status;
            if let (Some(spot), Some(message)) = (by_code, &plan.answer.message) {
                put(spot, Value::from(status.to_string()), made);
                put(message, Value::from(words), made);
            } else if let Some(message) = &plan.answer.message {
                put(message, Value::from(words), made);
            }
        }
        (Some(spot), Some(FailTest::Code(code, part))) => {
            put(spot, like_good(plan, code), made);
            put_words(&plan.answer, made, &with_part(words, part));
        }
        (None, Some(FailTest::Code(code, _))) if plan.answers != Format::Soap => {
            made.status = code.parse().unwrap_or(500);
            if let Some(message) = &plan.answer.message {
                put(message, Value::from(words), made);
            }
        }
        (None, Some(FailTest::Fault(code) | FailTest::Code(code, _))) => {
            made.fault = Some((
                if code.is_empty() {
                    "Client".to_owned()
                } else {
                    code.clone()
                },
                words.to_owned(),
            ));
        }
        (Some(spot), _) if failure == Failure::NotFound && plan.needs_data => {
            // No code means `nothing found`: then emptiness does.
            put(spot, good_code(&plan.answer).unwrap_or_default(), made);
            put_words(&plan.answer, made, words);
            made.data = match &plan.answer.empty {
                Some(Empty::Values(values)) => values.first().cloned().unwrap_or(Value::Null),
                _ => Value::Null,
            };
            place_data(&plan.answer, made);
        }
        (Some(spot), _) => {
            put(spot, like_good(plan, &other_code(plan)), made);
            put_words(&plan.answer, made, words);
        }
        (None, _) if plan.answers == Format::Soap => made.fault = Some(("Client".to_owned(), words.to_owned())),
        (None, _) => {
            made.status = status_of(failure);
            if let Some(message) = &plan.answer.message {
                put(message, Value::from(words), made);
            }
        }
    }
}

/// Whether failures are told by the status: `ok: 2xx`, or `ok: none` where no code is named for this failure.
fn says_status(plan: &Plan, test: Option<&FailTest>) -> bool {
    match plan
        .answer
        .ok
        .as_ref()
        .and_then(|ok| ok.first())
        .and_then(Value::as_str)
    {
        Some("2xx") => true,
        Some("none") => !matches!(test, Some(FailTest::Code(..))),
        _ => false,
    }
}

/// Whether a rule can be written back: one for the message alone cannot, nor one for all codes.
fn is_writable(test: &FailTest, by_code: bool, plan: &Plan) -> bool {
    match test {
        FailTest::Http(..) => true,
        FailTest::Code(code, _) => by_code || plan.answers == Format::Soap || code.parse::<u16>().is_ok(),
        FailTest::Fault(_) => plan.answers == Format::Soap,
        FailTest::Message(_) | FailTest::Any => false,
    }
}

fn with_part(words: &str, part: &str) -> String {
    if words.contains(part) {
        words.to_owned()
    } else {
        format!("{part}: {words}")
    }
}

/// The code of a success, as the manifest writes it. `2xx` and `none` are no codes.
fn good_code(answer: &AnswerPart) -> Option<Value> {
    let mut codes = answer.ok.as_ref()?.iter();
    let code = codes.find(|word| Status::parse(word, answer).is_none())?;
    (code != "2xx" && code != "none").then(|| code.clone())
}

/// A failure's code: a number where success is one.
fn like_good(plan: &Plan, code: &str) -> Value {
    match (good_code(&plan.answer), code.parse::<i64>()) {
        (Some(Value::Number(_)), Ok(number)) => Value::from(number),
        _ => Value::from(code),
    }
}

/// A code that no rule and no success has.
fn other_code(plan: &Plan) -> String {
    let used = |code: &str| {
        plan.answer
            .ok
            .iter()
            .flatten()
            .filter_map(crate::wiring::code_text)
            .any(|o| o == code)
            || plan
                .fails
                .iter()
                .any(|r| matches!(&r.test, FailTest::Code(c, _) if c == code))
    };
    ["-1", "99999", "-99999"]
        .into_iter()
        .find(|c| !used(c))
        .unwrap_or("-999999")
        .to_owned()
}

fn status_of(failure: Failure) -> u16 {
    match failure {
        Failure::NotFound => 404,
        Failure::Conflict => 409,
        Failure::Rejected | Failure::Invalid => 422,
        Failure::Busy => 429,
        Failure::Refused => 403,
        Failure::Session => 401,
        Failure::Maintenance | Failure::Unavailable => 503,
        Failure::Timeout => 504,
        Failure::Ok => 200,
    }
}

/// What a lost session looks like by the manifest's own signs.
fn lost(city: &City<'_>, plan: &Plan) -> Option<RawResponse> {
    if plan.fails.iter().any(|r| r.failure == Failure::Session) {
        return None;
    }
    let rules = city.connector.wiring.session.as_ref()?;
    rules.lost.iter().find_map(|sign| match sign {
        Lost::Status(status, part) => Some(RawResponse {
            status: *status,
            headers: part.iter().map(|p| ("Location".to_owned(), p.clone())).collect(),
            body: Vec::new(),
        }),
        Lost::Html => Some(RawResponse {
            status: 200,
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            body: b"<html><body>login</body></html>".to_vec(),
        }),
        Lost::Code(code) => {
            let spot = plan.answer.code.as_ref()?;
            let mut made = Made {
                status: 200,
                ..Made::default()
            };
            put(spot, Value::from(code.as_str()), &mut made);
            finish(city, plan, made)
        }
    })
}

fn session(city: &City<'_>, plan: &Plan, values: &BTreeMap<String, String>, made: &mut Made) {
    let Some(rules) = &city.connector.wiring.session else {
        return;
    };
    for (name, spot) in &rules.read {
        let announced = city.connector.plans.values().any(|p| {
            let also = p.also.as_ref().and_then(|a| a.plan.at.as_ref());
            [p.at.as_ref(), also].contains(&Some(name))
        });
        let value = if announced {
            Value::from(format!("./{name}"))
        } else {
            Value::from(values.get(name).cloned().unwrap_or_default())
        };
        match spot.place {
            Some(Place::Cookie) => {
                let cookie = spot.path.only_name().unwrap_or_default();
                let text = scalar_text(&value).unwrap_or_default();
                made.headers
                    .push(("Set-Cookie".to_owned(), format!("{cookie}={text}; Path=/")));
            }
            Some(Place::Header) => made.put(Place::Header, &spot.path, value),
            _ => made.put(Place::Body, &spot.path, value),
        }
    }
    for name in &rules.keep {
        let value = values.get(name).cloned().unwrap_or_default();
        made.headers
            .push(("Set-Cookie".to_owned(), format!("{name}={value}; Path=/; HttpOnly")));
    }
    if let Lives::Told(path) = &rules.lives {
        path.set(&mut made.document, Value::from(7_200));
    }
    if let Some((status, place)) = named_statuses(&plan.answer).next().map(|s| s.shown()) {
        made.status = status;
        made.headers.push(("Location".to_owned(), place));
    }
    success(&plan.answer, made);
}

/// Signed, where answers are, and written.
fn finish(city: &City<'_>, plan: &Plan, made: Made) -> Option<RawResponse> {
    let charset = city.connector.wiring.charset;
    let status = if made.fault.is_some() { 500 } else { made.status };
    let mut message = Message {
        headers: made.headers,
        body: made.document,
        ..Message::default()
    };
    let content_type = plan
        .answer
        .content_type
        .clone()
        .unwrap_or_else(|| content_type(plan, charset));
    message.headers.push(("Content-Type".to_owned(), content_type));
    let fault = made.fault.as_ref();
    let wiring = &city.connector.wiring;
    let recipe = wiring.sign.as_ref().filter(|_| plan.signed).and_then(Recipe::answer);
    let seal = wiring.seal.as_ref().filter(|_| plan.sealed).and_then(Seal::answer);
    let body = super::proof::with_given(city.connector, city.context, |given| {
        let early = seal.filter(|s| !s.signs_plain);
        let whole = |seal: Option<&Seal>, body: Vec<u8>, message: &Message| match seal {
            Some(seal) => seal.seal_bytes(body, message, given).ok(),
            None => Some(body),
        };
        let plain = |message: &Message| write_body(plan, &message.body, fault, charset);
        if let Some(seal) = early {
            seal.seal(&mut message, given).ok()?;
        }
        if let Some(recipe) = recipe {
            recipe.sign(&mut message, given, &|m| whole(early, plain(m)?, m)).ok()?;
        }
        if let Some(seal) = seal.filter(|s| s.signs_plain) {
            seal.seal(&mut message, given).ok()?;
        }
        whole(seal, xml_signed(city, plan, plain(&message)?)?, &message)
    })?;
    Some(RawResponse {
        status,
        body,
        headers: message.headers,
    })
}

/// The city signs with the one key pair it has.
fn xml_signed(city: &City<'_>, plan: &Plan, body: Vec<u8>) -> Option<Vec<u8>> {
    let wiring = &city.connector.wiring;
    let Some(rule) = wiring.xml_sign(plan.answers).filter(|rule| rule.answers) else {
        return Some(body);
    };
    let signed = rule
        .sign(&wiring.charset.decode(&body).ok()?, city.context.secrets)
        .ok()?;
    dialect::encode(wiring.charset, &signed, plan.answers).ok()
}

fn content_type(plan: &Plan, charset: Charset) -> String {
    let label = charset.label();
    match plan.answers {
        Format::Json if plan.accept.is_some() => plan.accept.unwrap_or_default().to_owned(),
        Format::Json if charset == Charset::Utf8 => json::CONTENT_TYPE.to_owned(),
        Format::Json => format!("{}; charset={label}", json::CONTENT_TYPE),
        Format::Form => pairs::CONTENT_TYPE.to_owned(),
        Format::Xml => format!("{}; charset={label}", xml::CONTENT_TYPE),
        Format::Soap => soap::content_type(&plan.frame, None).replace("utf-8", &label.to_ascii_lowercase()),
        Format::Protobuf => protobuf::CONTENT_TYPE.to_owned(),
        _ => format!("text/plain; charset={label}"),
    }
}

fn write_body(plan: &Plan, document: &Value, fault: Option<&(String, String)>, charset: Charset) -> Option<Vec<u8>> {
    let label = charset.label();
    match plan.answers {
        Format::Protobuf => return protobuf::write(document, plan.messages().ok()?).ok(),
        Format::Fixed | Format::Piped => {
            let layout = plan.answer.layout.clone().unwrap_or_default();
            return record::write(document, &layout, plan.answers, charset).ok();
        }
        _ => {}
    }
    let packed = match plan.answers {
        // SOAP has its own place for it, below the response element.
        Format::Soap => document.clone(),
        _ => framed(plan, document.clone())?,
    };
    let document = &packed;
    let text = match plan.answers {
        Format::Json if plan.answer.jsonp == Some(true) => format!("callback({});", json::write(document)),
        Format::Json => json::write(document),
        Format::Form => pairs::write(&pairs::from_tree(document), charset).ok()?,
        Format::Xml => {
            let (root, content) = single(document.clone()).unwrap_or_else(|d| ("response".to_owned(), d));
            xml::write(&root, &content, &Frame::default(), Some(label.to_owned())).ok()?
        }
        Format::Soap => soap_text(plan, document.clone(), fault, label)?,
        _ => scalar_text(document).unwrap_or_else(|| json::write(document)),
    };
    dialect::encode(charset, &text, plan.answers).ok()
}

fn single(document: Value) -> Result<(String, Value), Value> {
    match document {
        Value::Object(map) if map.len() == 1 => map.into_iter().next().ok_or(Value::Null),
        other => Err(other),
    }
}

fn soap_text(plan: &Plan, document: Value, fault: Option<&(String, String)>, label: &str) -> Option<String> {
    if let Some((code, words)) = fault {
        return soap::write_fault(code, words, &plan.frame, label).ok();
    }
    let content = framed(plan, document)?;
    let element = format!("{}Response", plan.element());
    soap::write(&element, content, &Map::new(), &plan.frame, label).ok()
}

/// The answer where the frame says that answers stand.
fn framed(plan: &Plan, document: Value) -> Option<Value> {
    let form = plan.frame.reads.unwrap_or_default();
    let mut content = document;
    if form != TextForm::Object {
        for _ in 0..plan.frame.levels.unwrap_or(1) {
            content = text_form::write(content, form, None, plan.frame.declaration.as_deref()).ok()?;
        }
    }
    if let Some(output) = plan.output() {
        let mut below = Value::Null;
        Path::parse(&output).set(&mut below, content);
        content = below;
    }
    Some(content)
}
