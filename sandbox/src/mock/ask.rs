//! Reads a request by the description: parameters in their styles, the body in its media type; says what does not fit.

use super::place::{Place, percent_decoded};
use super::routes::Route;
use super::{Memory, Mock, Way, coerce, media, multipart};
use hub_catalog::document::Document;
use hub_core::problem::Violation;
use hub_core::time::Timestamp;
use hub_core::{Lang, Problem, ProblemCode, Text};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// A request.
#[derive(Debug, Clone, Default)]
pub struct Ask<'a> {
    /// Method, upper case.
    pub method: &'a str,
    /// Path as sent, percent-encoding left in.
    pub path: &'a str,
    /// Query as sent, without the question mark.
    pub query: &'a str,
    /// Headers; names in any case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: &'a [u8],
    /// Where it is asked.
    pub room: Room<'a>,
}

/// The world a request is asked in; a mock that is served alone has none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Room<'a> {
    /// What was done there, in place of the mock's own memory.
    pub memory: Option<&'a Memory>,
    /// What time it is there, in place of the moment that stands still.
    pub now: Option<Timestamp>,
    /// Language of who does not say theirs.
    pub lang: Lang,
}

impl Ask<'_> {
    /// The language of refusals.
    pub(super) fn lang(&self) -> Lang {
        self.header("accept-language")
            .map_or(self.room.lang, Lang::from_accept_language)
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The scenario asked for, as it was written: by header, else by query.
    #[must_use]
    pub fn scenario(&self) -> Option<String> {
        let said = self.header("hub-scenario").map(str::to_owned);
        said.or_else(|| super::prefer::apart(self.query).map(|(_, word)| word))
    }
}

/// What was read, by name: what the caller said is said again where the answer has the same name.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub echo: Map<String, Value>,
    /// The members of the body that a caller can set, where it is an object.
    pub body: Option<Map<String, Value>>,
    /// The body, where it is a list.
    pub list: Option<Vec<Value>>,
}

/// How strictly a request is read.
struct Reading<'a> {
    ask: &'a Ask<'a>,
    values: &'a [(String, String)],
    query: Vec<(String, String)>,
    /// Whether what is not there is missed.
    strict: bool,
    given: Given,
    wrong: Vec<Violation>,
}

/// Names of header parameters that the description can not set (OpenAPI 3.1, 4.8.12.2.1).
const NO_PARAMETERS: [&str; 3] = ["accept", "content-type", "authorization"];

impl Mock {
    pub(super) fn read(&self, route: &Route, values: &[(String, String)], ask: &Ask<'_>) -> Result<Given, Problem> {
        self.read_with(route, values, ask, true)
    }

    /// Reads what is there and misses nothing.
    pub(super) fn read_lenient(
        &self,
        route: &Route,
        values: &[(String, String)],
        ask: &Ask<'_>,
    ) -> Result<Given, Problem> {
        self.read_with(route, values, ask, false)
    }

    fn read_with(
        &self,
        route: &Route,
        values: &[(String, String)],
        ask: &Ask<'_>,
        strict: bool,
    ) -> Result<Given, Problem> {
        let mut reading = Reading {
            ask,
            values,
            query: pairs(ask.query),
            strict,
            given: Given::default(),
            wrong: Vec::new(),
        };
        for parameter in self.parameters(route) {
            self.parameter(&parameter, &mut reading);
        }
        self.body(route, &mut reading)?;
        match reading.wrong.is_empty() {
            true => Ok(reading.given),
            false => Err(Problem::violations(ProblemCode::ValidationFailed, reading.wrong)),
        }
    }

    fn parameter(&self, parameter: &Place<'_>, reading: &mut Reading<'_>) {
        let (Some(name), Some(place)) = (parameter.text("name"), parameter.text("in")) else {
            return;
        };
        if place == "header" && is_no_parameter(name) {
            return;
        }
        let Some(schema) = schema_of(parameter) else { return };
        let own = |wanted: &str| -> Vec<String> {
            let all = reading.query.iter().filter(|(n, _)| n == wanted);
            all.map(|(_, v)| v.clone()).collect()
        };
        let texts = match place {
            "path" => {
                let own = reading.values.iter().filter(|(n, _)| n == name);
                own.map(|(_, v)| v.clone()).collect()
            }
            "query" => own(name),
            "header" => reading.ask.header(name).map(str::to_owned).into_iter().collect(),
            "cookie" => cookies(reading.ask, name),
            _ => return,
        };
        if !reading.strict && place == "path" && texts.iter().any(|t| *t == format!("{{{name}}}")) {
            return;
        }
        let value = match place {
            "query" => coerce::query(self, parameter, &schema, &texts, &reading.query),
            _ => coerce::listed(self, parameter, &schema, &texts),
        };
        let at = format!("parameter/{name}");
        match value {
            Some(value) => {
                self.check(&schema, &value, &at, &mut reading.wrong);
                reading.given.echo.entry(name.to_owned()).or_insert(value);
            }
            // An object spread over the query may have no members to spread.
            None if reading.strict && parameter.is("required") && self.is_object(&schema) => {
                self.check(&schema, &Value::Object(Map::new()), &at, &mut reading.wrong);
            }
            None if reading.strict && (parameter.is("required") || place == "path") => {
                reading.wrong.push(missing(at, name));
            }
            None => {}
        }
    }

    fn is_object(&self, schema: &Place<'_>) -> bool {
        coerce::kind(&coerce::flat(self, schema.value)) == Some("object")
    }

    fn check(&self, schema: &Place<'_>, value: &Value, at: &str, wrong: &mut Vec<Violation>) {
        let Some(validator) = self.validator_at(schema, Way::In) else {
            return;
        };
        if validator.accepts(value) {
            return;
        }
        wrong.extend(validator.violations(value).into_iter().map(|violation| Violation {
            place: format!("{at}{}", violation.place),
            ..violation
        }));
    }

    fn body(&self, route: &Route, reading: &mut Reading<'_>) -> Result<(), Problem> {
        let Some(body) = self.request_body(route) else {
            return Ok(());
        };
        // A text of no length is one, where it is called a text.
        let said = reading.ask.header("content-type");
        let is_text = said.is_some_and(|said| media::base(said) == "text/plain");
        if reading.ask.body.is_empty() && !is_text {
            if reading.strict && body.is("required") {
                reading.wrong.push(missing("body".to_owned(), "body"));
            }
            return Ok(());
        }
        let content = body.get("content");
        let declared: Vec<(&str, Place<'_>)> = content.iter().flat_map(Place::members).collect();
        let fitting = declared
            .iter()
            .find(|(media, _)| said.is_none_or(|said| media::matches(media, said)));
        let Some((name, media)) = fitting else {
            if declared.is_empty() {
                return Ok(());
            }
            let names: Vec<&str> = declared.iter().map(|(media, _)| *media).collect();
            let expected = Text::same(names.join(" | "));
            let problem = Problem::new(ProblemCode::UnsupportedMediaType);
            return Err(problem.at("header/Content-Type", expected, "another"));
        };
        let Some(schema) = media.raw("schema") else {
            return Ok(());
        };
        let Some(value) = self.body_value(said.unwrap_or(name), &schema, reading.ask.body)? else {
            return Ok(());
        };
        self.check(&schema, &value, "", &mut reading.wrong);
        match value {
            Value::Object(mut members) => {
                // Whoever sends what is read-only is not heard (OpenAPI 3.1, 4.8.24.4).
                let fixed = self.fixed_in(&schema);
                members.retain(|name, _| !fixed.contains(name));
                for (name, value) in &members {
                    reading.given.echo.entry(name.clone()).or_insert_with(|| value.clone());
                }
                reading.given.body = Some(members);
            }
            Value::Array(items) => reading.given.list = Some(items),
            _ => {}
        }
        Ok(())
    }

    /// Members of a body that a caller cannot set.
    fn fixed_in(&self, schema: &Place<'_>) -> HashSet<String> {
        let flat = coerce::flat(self, schema.value);
        let properties = flat.get("properties").and_then(Value::as_object);
        let fixed = properties.into_iter().flatten().filter(|(_, schema)| {
            let said = schema.get("readOnly").is_some_and(|r| r == true);
            said || coerce::flat(self, schema).get("readOnly").is_some_and(|r| r == true)
        });
        fixed.map(|(name, _)| name.clone()).collect()
    }

    /// Members of an operation's body that a caller cannot set.
    pub(super) fn fixed_of(&self, route: &Route) -> HashSet<String> {
        let content = self.request_body(route).and_then(|b| b.get("content"));
        let schemas = content
            .iter()
            .flat_map(Place::members)
            .filter_map(|(_, media)| media.raw("schema"));
        schemas.flat_map(|schema| self.fixed_in(&schema)).collect()
    }

    /// The value a body holds; `None` for media types that are taken as they come.
    fn body_value(&self, media: &str, schema: &Place<'_>, body: &[u8]) -> Result<Option<Value>, Problem> {
        let broken = |zh: &str, en: &str| Problem::new(ProblemCode::BadRequest).detail(zh, en);
        if media::is_json(media) {
            let read = serde_json::from_slice(body);
            return read
                .map(Some)
                .map_err(|e| broken("请求体不是 JSON", "The body is not JSON").inner(e.to_string()));
        }
        let text = || std::str::from_utf8(body).map_err(|_| broken("请求体不是 UTF-8", "The body is not UTF-8"));
        match media::base(media).as_str() {
            "application/x-www-form-urlencoded" => Ok(Some(coerce::form(self, schema, &pairs(text()?)))),
            "multipart/form-data" => {
                let parts = multipart::read(media, body);
                let parts = parts.ok_or_else(|| broken("请求体不是分段表单", "The body is not a form in parts"))?;
                Ok(Some(coerce::form(self, schema, &parts)))
            }
            "text/plain" => Ok(Some(coerce::scalar(self, schema.value, text()?))),
            // RFC 9512 and the names before it.
            base if base.ends_with("yaml") => Document::parse("body.yaml", body)
                .map(|document| Some(document.value))
                .map_err(|f| broken("请求体不是 YAML", "The body is not YAML").inner(f.to_string())),
            _ => Ok(None),
        }
    }
}

/// Whether a header parameter is one that other parts of the description set.
pub(super) fn is_no_parameter(name: &str) -> bool {
    NO_PARAMETERS.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Where a parameter's or header's schema stands.
pub(super) fn schema_of<'a>(parameter: &Place<'a>) -> Option<Place<'a>> {
    parameter.raw("schema").or_else(|| {
        let content = parameter.get("content")?;
        let (_, media) = content.members().next()?;
        media.raw("schema")
    })
}

fn missing(place: String, name: &str) -> Violation {
    Violation {
        place,
        keyword: "required".to_owned(),
        expected: Text::new(format!("必填：{name}"), format!("{name}, which is required")),
        got: "nothing".to_owned(),
    }
}

/// Names and values of a query or a form (WHATWG URL, 5.1).
pub(super) fn pairs(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let spaced = text.replace('+', " ");
        percent_decoded(&spaced).unwrap_or(spaced)
    };
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (plain(name), plain(value))
        })
        .collect()
}

pub(super) fn cookies(ask: &Ask<'_>, name: &str) -> Vec<String> {
    let all = ask.header("cookie").unwrap_or_default().split(';');
    all.filter_map(|pair| pair.trim().split_once('='))
        .filter(|(n, _)| *n == name)
        .map(|(_, v)| v.to_owned())
        .collect()
}
