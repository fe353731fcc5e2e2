//! Recorded exchanges (quirk 31): what was sent and what came, byte for byte, and the canonical answer it must become.
//!
//! A fixture lies in `fixtures/` beside its manifest. It is replayed through the same face that live calls use, without
//! any network, so that a change of the manifest or of the engine that would change a byte is seen.

use crate::charset::Charset;
use crate::connector::Connector;
use crate::context::{Context, NoFiles, ServerContext};
use crate::error::ConnectorError;
use crate::step::Step;
use hub_catalog::{Catalog, Document};
use hub_core::ports::{Answer, Call};
use hub_core::time::Timestamp;
use hub_core::{Finding, RawRequest, RawResponse, Text};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// When a fixture plays that does not say: the time in the manual's examples.
const NOW: &str = "2026-04-08T10:15:30+08:00";
/// Keys of a fixture.
const KEYS: [&str; 10] = [
    "operation",
    "now",
    "random",
    "secrets",
    "input",
    "exchange",
    "answer",
    "problem",
    "notes",
    "served",
];

/// A recorded exchange.
#[derive(Debug)]
pub struct Fixture {
    /// The file it came from.
    pub name: String,
    operation: String,
    now: Timestamp,
    random: u8,
    secrets: BTreeMap<String, String>,
    input: Map<String, Value>,
    exchange: Vec<(Expected, RawResponse)>,
    outcome: Outcome,
    notes: Vec<String>,
    served: bool,
}

/// What must be sent.
#[derive(Debug)]
struct Expected {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// What must come of it.
#[derive(Debug)]
enum Outcome {
    Answer(Value),
    Problem(String),
}

/// Reads parts of one file and keeps the first thing that is wrong.
struct Reader<'d> {
    document: &'d Document,
}

type Read<T> = Result<T, Finding>;

impl Reader<'_> {
    fn wrong(&self, at: &str, expected: &str) -> Finding {
        self.document
            .finding(
                "bad-fixture",
                at,
                Text::new("此处无法理解", "This cannot be understood"),
            )
            .expected(expected, "something else")
    }

    fn map<'v>(&self, value: &'v Value, at: &str) -> Read<&'v Map<String, Value>> {
        value.as_object().ok_or_else(|| self.wrong(at, "a mapping"))
    }

    fn texts(&self, value: Option<&Value>, at: &str) -> Read<Vec<(String, String)>> {
        let Some(value) = value else { return Ok(Vec::new()) };
        let map = self.map(value, at)?;
        Ok(map.iter().map(|(name, value)| (name.clone(), text(value))).collect())
    }

    /// The bytes of a body: `text`, `gbk`, `gb18030`, `base64` or `hex`, one text or a list of them without anything between.
    fn body(&self, map: &Map<String, Value>, at: &str) -> Read<Vec<u8>> {
        for key in ["text", "gbk", "gb18030", "base64", "hex"] {
            let Some(value) = map.get(key) else { continue };
            let whole = match value {
                Value::Array(parts) => parts.iter().map(text).collect::<String>(),
                other => text(other),
            };
            let bytes = match key {
                "text" => Some(whole.into_bytes()),
                "base64" => hub_crypto::from_base64(&whole).ok(),
                "hex" => hub_crypto::from_hex(&whole.replace(char::is_whitespace, "")).ok(),
                "gbk" => Charset::Gbk.encode(&whole).ok().map(std::borrow::Cow::into_owned),
                _ => Charset::Gb18030.encode(&whole).ok().map(std::borrow::Cow::into_owned),
            };
            return bytes.ok_or_else(|| self.wrong(&format!("{at}/{key}"), "a text that has such bytes"));
        }
        Ok(Vec::new())
    }

    fn turn(&self, value: &Value, at: &str) -> Read<(Expected, RawResponse)> {
        let none = Value::Object(Map::new());
        let map = self.map(value, at)?;
        let (asked, told) = (format!("{at}/request"), format!("{at}/response"));
        let request = self.map(map.get("request").unwrap_or(&none), &asked)?;
        let response = self.map(map.get("response").unwrap_or(&none), &told)?;
        let status = response.get("status").map_or(Some(200), Value::as_u64);
        let expected = Expected {
            line: request.get("line").map(text).unwrap_or_default(),
            headers: self.texts(request.get("headers"), &asked)?,
            body: self.body(request, &asked)?,
        };
        let came = RawResponse {
            status: status
                .and_then(|s| u16::try_from(s).ok())
                .ok_or_else(|| self.wrong(&told, "a status"))?,
            headers: self.texts(response.get("headers"), &told)?,
            body: self.body(response, &told)?,
        };
        Ok((expected, came))
    }

    fn fixture(&self, name: &str) -> Read<Fixture> {
        let map = self.map(&self.document.value, "")?;
        if let Some(key) = map.keys().find(|k| !KEYS.contains(&k.as_str())) {
            return Err(self.wrong(&format!("/{key}"), &format!("one of {}", KEYS.join(", "))));
        }
        let now = map.get("now").map_or_else(|| NOW.to_owned(), text);
        let turns = map.get("exchange").and_then(Value::as_array);
        let turns = turns.ok_or_else(|| self.wrong("/exchange", "a list"))?;
        let turns = turns.iter().enumerate();
        let outcome = match (map.get("answer"), map.get("problem")) {
            (Some(answer), None) => Outcome::Answer(answer.clone()),
            (None, Some(code)) => Outcome::Problem(text(code)),
            _ => return Err(self.wrong("", "either `answer` or `problem`")),
        };
        let notes = map.get("notes").and_then(Value::as_array);
        Ok(Fixture {
            name: name.to_owned(),
            operation: map.get("operation").map(text).unwrap_or_default(),
            now: now.parse().map_err(|_| self.wrong("/now", "a time of RFC 3339"))?,
            random: map
                .get("random")
                .and_then(Value::as_u64)
                .and_then(|n| u8::try_from(n).ok())
                .unwrap_or(7),
            secrets: self.texts(map.get("secrets"), "/secrets")?.into_iter().collect(),
            input: map.get("input").and_then(Value::as_object).cloned().unwrap_or_default(),
            exchange: turns
                .map(|(index, turn)| self.turn(turn, &format!("/exchange/{index}")))
                .collect::<Read<_>>()?,
            outcome,
            notes: notes.into_iter().flatten().map(text).collect(),
            served: map.get("served").and_then(Value::as_bool).unwrap_or(false),
        })
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Fixture {
    /// Reads a fixture.
    ///
    /// # Errors
    /// The first thing that is wrong with it, with its place.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Finding> {
        let document = Document::parse(name, bytes)?;
        Reader { document: &document }.fixture(name)
    }

    /// Key of its operation.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// What was asked.
    #[must_use]
    pub fn input(&self) -> &Map<String, Value> {
        &self.input
    }

    /// The last answer that came, where it became one of the contract's.
    #[must_use]
    pub fn answered(&self) -> Option<&RawResponse> {
        match self.outcome {
            Outcome::Answer(_) => self.exchange.last().map(|(_, response)| response),
            Outcome::Problem(_) => None,
        }
    }

    /// Plays it and returns everything that differs, in words; nothing if it is as recorded.
    #[must_use]
    pub fn replay(&self, connector: &Connector, catalog: &Catalog) -> Vec<String> {
        let system = connector.system();
        let Some(operation) = catalog.operations_of(system).find(|o| o.key() == self.operation) else {
            return vec![format!("{system} has no operation `{}`", self.operation)];
        };
        let call = Call {
            operation: Arc::clone(operation),
            input: self.input.clone(),
            subject: None,
            pairwise: Some("pairwise-1".to_owned()),
            agent: None,
            submission: Some("submission-1".to_owned()),
            request_id: "request-1".to_owned(),
            controls: Vec::new(),
            deadline_ms: 5_000,
        };
        let secrets = self.all_secrets(connector);
        let context = Context {
            now: self.now,
            random: [self.random; 32],
            secrets: &secrets,
            session: None,
            files: &NoFiles,
        };
        let mut wrong = Vec::new();
        let mut turns = self.exchange.iter();
        let mut step = connector.begin(&call, &context);
        loop {
            step = match step {
                Ok(Step::Send { request, dialogue, .. }) => {
                    let Some(request) = request.http() else {
                        wrong.push("a step that is not HTTP; fixtures record HTTP only".to_owned());
                        return wrong;
                    };
                    let Some((expected, response)) = turns.next() else {
                        wrong.push(format!("one more request: {} {}", request.method, request.target));
                        return wrong;
                    };
                    expected.compare(request, &mut wrong);
                    let last = turns.len() == 0;
                    if self.served && last {
                        self.serve(connector, request, response, &secrets, &mut wrong);
                    }
                    connector.resume(dialogue, &response.clone().into(), &context)
                }
                Ok(Step::Done { answer, notes, .. }) => {
                    let notes: Vec<String> = notes.iter().map(|n| format!("{} {}", n.field, n.kind)).collect();
                    self.compare(Ok(&answer.body), &notes, &mut wrong);
                    break;
                }
                Err(error) => {
                    self.compare(Err(&error), &[], &mut wrong);
                    break;
                }
            };
        }
        if turns.len() > 0 {
            wrong.push(format!("{} recorded requests were not sent", turns.len()));
        }
        wrong
    }

    /// Secrets that it does not name are `<name>-value`.
    fn all_secrets(&self, connector: &Connector) -> BTreeMap<String, String> {
        let mut secrets: BTreeMap<String, String> = connector
            .secrets()
            .iter()
            .map(|name| (name.clone(), format!("{name}-value")))
            .collect();
        secrets.extend(self.secrets.clone());
        secrets
    }

    fn compare(&self, came: Result<&Value, &ConnectorError>, notes: &[String], wrong: &mut Vec<String>) {
        match (&self.outcome, came) {
            (Outcome::Answer(expected), Ok(answer)) => {
                if expected != answer {
                    wrong.push(format!("the answer is {answer}, recorded was {expected}"));
                }
                if self.notes != notes {
                    wrong.push(format!("the notes are {notes:?}, recorded were {:?}", self.notes));
                }
            }
            (Outcome::Problem(expected), Err(error)) => {
                let code = error.problem().code;
                if code.as_str() != expected {
                    wrong.push(format!(
                        "the problem is {} ({error}), recorded was {expected}",
                        code.as_str()
                    ));
                }
            }
            (Outcome::Answer(_), Err(error)) => wrong.push(format!("no answer: {error}")),
            (Outcome::Problem(expected), Ok(answer)) => wrong.push(format!("{answer} instead of {expected}")),
        }
    }

    /// The other half: the simulated system must read the same input and write the same bytes.
    fn serve(
        &self,
        connector: &Connector,
        request: &RawRequest,
        response: &RawResponse,
        secrets: &BTreeMap<String, String>,
        wrong: &mut Vec<String>,
    ) {
        let Outcome::Answer(expected) = &self.outcome else {
            return;
        };
        let context = ServerContext { now: self.now, secrets };
        let mut read = None;
        let served = connector.serve(request, &context, &mut |operation, input| {
            read = Some(input);
            Ok(Answer::new(operation.status, expected.clone()))
        });
        if read.as_ref() != Some(&self.input) {
            wrong.push(format!("the server half read {read:?}"));
        }
        if served.body != response.body {
            wrong.push(format!(
                "the server half wrote {:?}, recorded was {:?}",
                String::from_utf8_lossy(&served.body),
                String::from_utf8_lossy(&response.body)
            ));
        }
    }
}

impl Expected {
    fn compare(&self, request: &RawRequest, wrong: &mut Vec<String>) {
        let line = format!("{} {}", request.method, request.target);
        if line != self.line {
            wrong.push(format!("`{line}` is asked for, recorded was `{}`", self.line));
        }
        for (name, value) in &self.headers {
            if request.header(name) != Some(value.as_str()) {
                wrong.push(format!(
                    "header {name} is {:?}, recorded was {value:?}",
                    request.header(name)
                ));
            }
        }
        if request.body != self.body {
            wrong.push(format!(
                "the body is {:?}, recorded was {:?}",
                String::from_utf8_lossy(&request.body),
                String::from_utf8_lossy(&self.body)
            ));
        }
    }
}
