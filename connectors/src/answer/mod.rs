//! Reading an upstream's answer: is it one, did it go well, where is its data, what does its failure mean.

mod failure;
mod sealed;
mod status;

pub(crate) use status::{Status, named as named_statuses};

use crate::charset::{Charset, decode};
use crate::context::{Context, Session};
use crate::dialect::html::asks_for_password;
use crate::dialect::{Document, ReadError, is_html, json, pairs, record, soap, text_form, xml};
use crate::error::{ConnectorError, Failure};
use crate::manifest::model::{Empty, Format, Lost, Place, Spot, TextForm};
use crate::mapping::decode::Source;
use crate::mapping::path::Path;
use crate::mapping::template::scalar_text;
use crate::plan::Plan;
use crate::protobuf;
use crate::wiring::{Wiring, code_text};
use failure::{by_status, failure, http_rule, unexplained};
use hub_core::RawResponse;
use serde_json::Value;

/// Characters of an upstream's words that are looked at; fewer are shown, when secrets have been blanked.
const MAX_WORDS: usize = 2000;

/// Characters of an upstream's code that are looked at.
const MAX_CODE: usize = 400;

/// An answer that was read.
#[derive(Debug)]
pub(crate) struct Reading<'r> {
    /// The response as it came.
    pub response: &'r RawResponse,
    /// What its body says.
    pub document: Document,
}

/// What an answer means.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// It went well; this is the data.
    Good(Value),
    /// The session is gone.
    Lost,
    /// It failed.
    Failed(ConnectorError),
}

/// Largest answer that is looked at, in bytes. Whoever opens the sockets has his own limit; this one holds for all others.
const MAX_BODY: usize = 32 * 1024 * 1024;

/// Reads a body in the plan's format.
pub(crate) fn read_body(plan: &Plan, response: &RawResponse, charset: Charset) -> Result<Document, ReadError> {
    if response.body.len() > MAX_BODY {
        return Err(ReadError::Broken(format!("more than {MAX_BODY} bytes")));
    }
    let content_type = response.header("content-type");
    if plan.answers == Format::None {
        return Ok(Document::default());
    }
    if plan.answers == Format::Multipart {
        return pairs::read_multipart(&response.body, content_type.unwrap_or_default(), charset);
    }
    match plan.answers {
        Format::Protobuf => return protobuf::read(&response.body, plan.messages()?),
        Format::Fixed | Format::Piped => {
            let layout = plan.answer.layout.clone().unwrap_or_default();
            return record::read(&response.body, &layout, plan.answers, charset);
        }
        _ => {}
    }
    let text = decode(&response.body, Some(charset), content_type)
        .map_err(|e| ReadError::Broken(e.to_string()))?
        .text;
    let document = match plan.answers {
        Format::Json if plan.answer.jsonp == Some(true) => json::read(json::without_call(&text))?,
        Format::Json => json::read(&text)?,
        Format::Xml => xml::read(&text)?,
        Format::Soap => soap::read(&text)?,
        Format::Form if is_html(&text) => return Err(ReadError::Html),
        Format::Form => pairs::read(&text, charset)?,
        _ => Document::of(Value::from(text)),
    };
    unframed(plan, document)
}

/// What the frame says of answers: they stand below `output` (in SOAP below the response element), and there inside a text.
fn unframed(plan: &Plan, mut document: Document) -> Result<Document, ReadError> {
    if document.fault.is_some() {
        return Ok(document);
    }
    if let Some(output) = plan.output() {
        let found = Path::parse(&output).get(&document.tree).cloned();
        document.tree = found.ok_or_else(|| ReadError::Broken(format!("no element `{output}` in the answer")))?;
    }
    let form = plan.frame.reads.unwrap_or_default();
    if form == TextForm::Object {
        return Ok(document);
    }
    for _ in 0..plan.frame.levels.unwrap_or(1) {
        document.tree = text_form::read(&document.tree, form)?.tree;
    }
    if plan.answers != Format::Soap && still_packed(&document.tree) {
        let deeper = "a text inside a text, deeper than `levels` says";
        return Err(ReadError::Broken(deeper.to_owned()));
    }
    Ok(document)
}

impl Reading<'_> {
    /// What stands at a spot: a header, a cookie, or a place in the body.
    pub fn at(&self, spot: &Spot) -> Option<Value> {
        match spot.place {
            Some(Place::Header) => spot
                .path
                .only_name()
                .and_then(|name| self.response.header(name))
                .map(Value::from),
            Some(Place::Cookie) => spot
                .path
                .only_name()
                .and_then(|name| cookie(self.response, name))
                .map(Value::from),
            Some(Place::Head) => spot.path.get(&self.document.head).cloned(),
            _ => spot.path.get(&self.document.tree).cloned(),
        }
    }

    fn code(&self, plan: &Plan) -> Option<String> {
        let spot = plan.answer.code.as_ref()?;
        code_text(&self.at(spot)?)
    }

    fn words(&self, plan: &Plan) -> Option<String> {
        let spot = plan.answer.message.as_ref()?;
        let value = self.at(spot)?;
        let text = match &value {
            Value::Array(items) => items.iter().filter_map(scalar_text).collect::<Vec<_>>().join("; "),
            other => code_text(other)?,
        };
        Some(text.chars().take(MAX_WORDS).collect())
    }
}

/// The value of a cookie that a response sets.
pub(crate) fn cookie<'r>(response: &'r RawResponse, name: &str) -> Option<&'r str> {
    response
        .headers
        .iter()
        .filter(|(n, _)| n.eq_ignore_ascii_case("set-cookie"))
        .filter_map(|(_, v)| v.split(';').next()?.trim().split_once('='))
        .find(|(n, _)| *n == name)
        .map(|(_, v)| v)
}

/// Whether no rule of the plan says anything about this status.
pub(crate) fn means_nothing(plan: &Plan, status: u16) -> bool {
    http_rule(plan, status).is_none()
}

/// What an answer means for its plan.
pub(crate) fn judge(plan: &Plan, wiring: &Wiring, response: &RawResponse, context: &Context<'_>) -> (Verdict, Value) {
    let unsealed = match sealed::whole(plan, wiring, response, context) {
        Ok(response) => response,
        Err(error) => return (Verdict::Failed(error), Value::Null),
    };
    let document = read_body(plan, unsealed.as_ref().unwrap_or(response), wiring.charset);
    if plan.session && is_lost(plan, wiring, response, &document) {
        return (Verdict::Lost, Value::Null);
    }
    if plan.login && turned_away(plan, wiring, response, &document) {
        return (Verdict::Lost, Value::Null);
    }
    let document = match document {
        Ok(document) => document,
        // What a redirect says in words is for people.
        Err(_) if status::fits(&plan.answer, response).is_some() && response.status >= 300 => Document::default(),
        Err(error) => return (Verdict::Failed(unreadable(plan, response, &error)), Value::Null),
    };
    let document = match sealed::opened(plan, wiring, response, unsealed.as_ref(), document, context) {
        Ok(document) => document,
        Err(error) => return (failed_or_lost(plan, error), Value::Null),
    };
    let reading = Reading { response, document };
    let verdict = match failure(plan, &reading) {
        Some(error) => failed_or_lost(plan, error),
        None => match data(plan, &reading) {
            Ok(data) => Verdict::Good(data),
            Err(error) => Verdict::Failed(error),
        },
    };
    (verdict, reading.document.tree)
}

fn failed_or_lost(plan: &Plan, error: ConnectorError) -> Verdict {
    let session = matches!(
        &error,
        ConnectorError::Failed {
            failure: Failure::Session,
            ..
        }
    );
    match session && plan.session {
        true => Verdict::Lost,
        false => Verdict::Failed(error),
    }
}

/// What a tree means for its plan that came by no HTTP.
pub(crate) fn judge_tree(plan: &Plan, tree: Value, response: &RawResponse) -> (Verdict, Value) {
    let reading = Reading {
        response,
        document: Document::of(tree),
    };
    let verdict = match failure(plan, &reading) {
        Some(error) => Verdict::Failed(error),
        None => match data(plan, &reading) {
            Ok(data) => Verdict::Good(data),
            Err(error) => Verdict::Failed(error),
        },
    };
    (verdict, reading.document.tree)
}

/// Whether a login was answered as a lost session is: led back to the login page, or shown it again. Where `ok` names
/// the same status, the more particular of both decides.
fn turned_away(plan: &Plan, wiring: &Wiring, response: &RawResponse, document: &Result<Document, ReadError>) -> bool {
    let good = status::fits(&plan.answer, response);
    let shown = matches!(document, Err(ReadError::Html)) && (200..300).contains(&response.status) && good.is_none();
    let signs = wiring.session.iter().flat_map(|s| &s.lost);
    let mut back = signs.filter_map(|sign| match sign {
        Lost::Status(status, part) if *status == response.status && (300..400).contains(status) => {
            let part = part.as_deref().unwrap_or_default();
            status::leads_to(response, part).then_some(part.len())
        }
        Lost::Html if shown => Some(usize::MAX),
        _ => None,
    });
    back.any(|particular| good.is_none_or(|good| particular > good)) || shown && asks_for_password(&response.body)
}

fn is_lost(plan: &Plan, wiring: &Wiring, response: &RawResponse, document: &Result<Document, ReadError>) -> bool {
    let Some(session) = &wiring.session else {
        return false;
    };
    session.lost.iter().any(|sign| match sign {
        Lost::Html => matches!(document, Err(ReadError::Html)),
        Lost::Status(status, part) => {
            response.status == *status
                && part
                    .as_ref()
                    .is_none_or(|p| response.header("location").is_some_and(|l| l.contains(p.as_str())))
        }
        Lost::Code(code) => document.as_ref().is_ok_and(|document| {
            let reading = Reading {
                response,
                document: document.clone(),
            };
            reading.code(plan).as_deref() == Some(code.as_str())
        }),
    })
}

/// An answer that is not what the format says. The status knows more than the bytes where it is no success.
fn unreadable(plan: &Plan, response: &RawResponse, error: &ReadError) -> ConnectorError {
    let by_rule = http_rule(plan, response.status);
    if let Some(failure) = by_rule {
        return failed(failure, None, None);
    }
    if status::alone(&plan.answer) && response.status < 400 {
        return failed(Failure::Rejected, Some(format!("http {}", response.status)), None);
    }
    match (response.status, error) {
        (200..=299, ReadError::Html) => ConnectorError::Blocked { effect_unknown: false },
        (200..=299, ReadError::Broken(what)) => ConnectorError::Unreadable {
            what: what.clone(),
            effect_unknown: false,
        },
        (300..=399, _) => ConnectorError::Unreadable {
            what: format!("a redirect ({})", response.status),
            effect_unknown: false,
        },
        (403, ReadError::Html) => ConnectorError::Blocked { effect_unknown: false },
        (status, _) => {
            let error = failed(by_status(status), Some(format!("http {status}")), None);
            unexplained(status, error)
        }
    }
}

fn failed(failure: Failure, upstream_code: Option<String>, message: Option<String>) -> ConnectorError {
    let short = |text: String, most: usize| text.chars().take(most).collect();
    ConnectorError::Failed {
        failure,
        upstream_code: upstream_code.map(|code| short(code, MAX_CODE)),
        message: message.map(|words| short(words, MAX_WORDS)),
        effect_unknown: false,
    }
}

/// The data of a success, decoded from its text if it stands in one; nothing found where the rule of emptiness says so.
fn data(plan: &Plan, reading: &Reading<'_>) -> Result<Value, ConnectorError> {
    let tree = &reading.document.tree;
    let found = match &plan.answer.data {
        Some(path) => path.get(tree).cloned().unwrap_or(Value::Null),
        None => tree.clone(),
    };
    if is_empty(plan, &found) {
        return Err(failed(Failure::NotFound, reading.code(plan), reading.words(plan)));
    }
    let form = plan.answer.form.unwrap_or_default();
    if form == TextForm::Object || found.is_null() {
        return Ok(found);
    }
    let mut inner = found;
    for _ in 0..plan.answer.levels.unwrap_or(1) {
        let read = text_form::read(&inner, form).map_err(|error| unread(error.to_string()))?;
        inner = read.tree;
        if is_empty(plan, &inner) {
            return Err(failed(Failure::NotFound, reading.code(plan), reading.words(plan)));
        }
    }
    if still_packed(&inner) {
        return Err(unread("a text inside a text, deeper than `levels` says".to_owned()));
    }
    Ok(inner)
}

fn unread(what: String) -> ConnectorError {
    ConnectorError::Unreadable {
        what,
        effect_unknown: false,
    }
}

/// A text that holds an object, a list or one more such text: the upstream nests deeper than its manual says.
fn still_packed(value: &Value) -> bool {
    value.as_str().is_some_and(|text| {
        let start = text.trim_start();
        start.starts_with(['{', '[', '"']) || start.starts_with("<?xml")
    })
}

fn is_empty(plan: &Plan, data: &Value) -> bool {
    if !plan.has_output {
        return false;
    }
    match plan.answer.empty.as_ref().unwrap_or(&Empty::Auto) {
        Empty::Never => false,
        Empty::Values(values) => values.iter().any(|v| v == data || loosely(v, data)),
        Empty::Auto if !plan.needs_data => false,
        Empty::Auto => match data {
            Value::Null => true,
            Value::String(text) => matches!(text.trim(), "" | "null" | "[]" | "{}"),
            Value::Object(map) => map.is_empty(),
            Value::Array(items) => items
                .iter()
                .all(|i| i.as_object().is_some_and(serde_json::Map::is_empty)),
            _ => false,
        },
    }
}

/// `"null"` and `null`, `"[]"` and `[]`: a text that says the same JSON.
fn loosely(expected: &Value, data: &Value) -> bool {
    data.as_str()
        .is_some_and(|text| serde_json::from_str::<Value>(text).is_ok_and(|v| v == *expected))
}

/// What a login leaves: values by name, cookies, and when it ends. What a renewal leaves out stays as it was in `old`.
pub(crate) fn session(
    wiring: &Wiring,
    response: &RawResponse,
    document: &Value,
    data: &Value,
    now: hub_core::time::Timestamp,
    old: Option<&Session>,
) -> Result<Session, ConnectorError> {
    use crate::calendar::later;
    use crate::manifest::model::Lives;
    let missing = |what: &str| ConnectorError::Misfit {
        place: what.to_owned(),
        expected: "what the login promises".to_owned(),
        got: "nothing".to_owned(),
        effect_unknown: false,
    };
    let mut session = Session {
        values: std::collections::BTreeMap::new(),
        since: now,
        until: None,
    };
    let Some(rules) = &wiring.session else {
        return Ok(session);
    };
    for (name, spot) in &rules.read {
        let value = match spot.place {
            Some(Place::Header) => spot
                .path
                .only_name()
                .and_then(|n| response.header(n))
                .map(str::to_owned),
            Some(Place::Cookie) => spot
                .path
                .only_name()
                .and_then(|n| cookie(response, n))
                .map(str::to_owned),
            _ => spot
                .path
                .get(if spot.path.absolute { document } else { data })
                .and_then(code_text),
        };
        let value = value.or_else(|| old?.values.get(name).cloned());
        session.values.insert(name.clone(), value.ok_or_else(|| missing(name))?);
    }
    for (name, _) in &rules.page {
        if let Some(value) = old.and_then(|o| o.values.get(name)) {
            session.values.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    // What is not set anew stays as it was.
    let kept = old.and_then(|o| o.values.get("cookie")).map_or("", String::as_str);
    let kept = |name: &str| {
        kept.split("; ")
            .find_map(|c| c.split_once('=').filter(|(n, _)| *n == name))
    };
    let cookies: Vec<String> = rules
        .keep
        .iter()
        .map(|name| {
            cookie(response, name)
                .or_else(|| kept(name).map(|(_, value)| value))
                .map(|v| format!("{name}={v}"))
                .ok_or_else(|| missing(name))
        })
        .collect::<Result<_, _>>()?;
    if !cookies.is_empty() {
        session.values.insert("cookie".to_owned(), cookies.join("; "));
    }
    session.until = match &rules.lives {
        Lives::Fixed(ms) => Some(later(now, *ms)),
        Lives::Once => Some(now),
        Lives::Unknown => None,
        Lives::Told(path) => path
            .get(document)
            .and_then(code_text)
            .and_then(|t| t.trim().parse::<u64>().ok())
            // Early, so that a token does not end on its way.
            .map(|seconds| {
                later(
                    now,
                    seconds
                        .saturating_sub((seconds / 20).min(60))
                        .saturating_mul(1_000)
                        .max(1),
                )
            }),
    };
    Ok(session)
}

/// Data and the whole answer as one source: rows start at the data, absolute ones at the answer, `header x` at headers.
pub(crate) struct AnswerSource<'a> {
    /// Where rows start.
    pub data: &'a Value,
    /// The whole answer.
    pub document: &'a Value,
    /// For headers and cookies.
    pub response: &'a RawResponse,
}

impl Source for AnswerSource<'_> {
    fn get(&self, place: Place, path: &Path) -> Option<Value> {
        match place {
            Place::Header => path.only_name().and_then(|n| self.response.header(n)).map(Value::from),
            Place::Cookie => path.only_name().and_then(|n| cookie(self.response, n)).map(Value::from),
            _ if path.absolute => path.get(self.document).cloned(),
            _ => path.get(self.data).cloned(),
        }
    }

    fn get_each(&self, _place: Place, path: &Path) -> Option<Vec<Value>> {
        let tree = if path.absolute { self.document } else { self.data };
        let found = path.get_each(tree)?;
        Some(found.into_iter().map(|v| v.cloned().unwrap_or(Value::Null)).collect())
    }
}
