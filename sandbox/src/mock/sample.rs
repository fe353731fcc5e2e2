//! A request that an operation takes, made like an answer: what a first example call looks like.

use super::ask::{is_no_parameter, schema_of};
use super::choose;
use super::make::{Need, written};
use super::media::{self, percent_encoded};
use super::place::Place;
use super::routes::Route;
use super::{Listed, Mock, Way};
use crate::invent::Style;
use hub_core::Problem;
use serde_json::{Map, Value};

/// A request ready to be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// Method, upper case.
    pub method: String,
    /// Path, encoded.
    pub path: String,
    /// Query, encoded, without the question mark.
    pub query: String,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Mock {
    /// A request for an operation: only what it requires.
    ///
    /// # Errors
    /// If no value is found for something that is required.
    pub fn sample(&self, listed: &Listed) -> Result<Sample, Problem> {
        self.sample_as(listed, self.guarded)
    }

    /// The same, with or without the credentials that the description asks for.
    pub(super) fn sample_as(&self, listed: &Listed, shown: bool) -> Result<Sample, Problem> {
        let Some(route) = self.routes.all().iter().find(|r| r.pointer == listed.pointer) else {
            return Ok(Sample::default());
        };
        let mut sample = Sample {
            method: route.method.to_string(),
            path: route.path.split(['?', '#']).next().unwrap_or_default().to_owned(),
            ..Sample::default()
        };
        let mut query = Vec::new();
        for parameter in self.parameters(route) {
            self.say(route, &parameter, &mut sample, &mut query)?;
        }
        if shown {
            self.show(route, &mut sample, &mut query);
        }
        sample.query = query.join("&");
        self.say_body(route, &mut sample)?;
        Ok(sample)
    }

    fn say(
        &self,
        route: &Route,
        parameter: &Place<'_>,
        sample: &mut Sample,
        query: &mut Vec<String>,
    ) -> Result<(), Problem> {
        let (Some(name), Some(place)) = (parameter.text("name"), parameter.text("in")) else {
            return Ok(());
        };
        if place != "path" && !parameter.is("required") || place == "header" && is_no_parameter(name) {
            return Ok(());
        }
        let Some(schema) = schema_of(parameter) else {
            return Ok(());
        };
        let own = choose::examples(parameter).into_iter().map(|(_, v)| v.clone());
        let validator = self.validator_at(&schema, Way::In);
        let example = own
            .into_iter()
            .find(|v| validator.as_ref().is_none_or(|c| c.accepts(v)));
        let value = match example {
            Some(value) => value,
            None => self.invent_for(route, &schema, name)?,
        };
        // What is empty leaves no trace in a path or a query, so that it would be missed there.
        let value = match is_empty(&value) {
            true => self.invent_as(route, &schema, name, Style::Rich)?,
            false => value,
        };
        match place {
            "path" => {
                let style = parameter.text("style").unwrap_or("simple");
                let before = match style {
                    "label" => ".".to_owned(),
                    "matrix" => format!(";{name}="),
                    _ => String::new(),
                };
                let text = before + &joined(&value, ",", parameter.is("explode"));
                sample.path = sample.path.replace(&format!("{{{name}}}"), &text);
            }
            "query" => query.extend(in_query(parameter, name, &value)),
            "header" => sample.headers.push((name.to_owned(), written(&value))),
            "cookie" => sample
                .headers
                .push(("cookie".to_owned(), format!("{name}={}", joined(&value, ",", false)))),
            _ => {}
        }
        Ok(())
    }

    fn say_body(&self, route: &Route, sample: &mut Sample) -> Result<(), Problem> {
        let Some(body) = self.request_body(route) else {
            return Ok(());
        };
        let Some((media, place)) = choose::content(&body, None)? else {
            return Ok(());
        };
        sample.headers.push(("content-type".to_owned(), media::sent(media)));
        let value = match place.raw("schema") {
            Some(schema) => self.invent_for(route, &schema, "body")?,
            None => Value::Object(Map::new()),
        };
        sample.body = media::write(self, media, place.raw("schema").as_ref(), &value);
        Ok(())
    }

    pub(super) fn invent_for(&self, route: &Route, place: &Place<'_>, name: &str) -> Result<Value, Problem> {
        self.invent_as(route, place, name, Style::Minimal)
    }

    fn invent_as(&self, route: &Route, place: &Place<'_>, name: &str, style: Style) -> Result<Value, Problem> {
        let empty = Map::new();
        let need = Need {
            way: Way::In,
            style,
            seed: self.seed.with("sample").with(&route.pointer).with(name),
            echo: &empty,
            now: self.now,
        };
        self.invent(place, need)
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A parameter's value in one text; its parts are encoded, what stands between them is not.
fn joined(value: &Value, between: &str, explode: bool) -> String {
    let plain = |v: &Value| percent_encoded(&media::plain(v));
    match value {
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(between),
        Value::Object(members) => {
            let pair = if explode { "=" } else { between };
            let all: Vec<String> = members
                .iter()
                .map(|(n, v)| format!("{}{pair}{}", percent_encoded(n), plain(v)))
                .collect();
            all.join(between)
        }
        other => plain(other),
    }
}

fn in_query(parameter: &Place<'_>, name: &str, value: &Value) -> Vec<String> {
    let style = parameter.text("style").unwrap_or("form");
    let explode = parameter.value.get("explode").and_then(Value::as_bool);
    let explode = explode.unwrap_or(style == "form");
    let encoded = percent_encoded(name);
    let text = |v: &Value| percent_encoded(&media::plain(v));
    if parameter.value.get("content").is_some() {
        return vec![format!("{encoded}={}", percent_encoded(&value.to_string()))];
    }
    match value {
        Value::Array(items) if explode => items.iter().map(|v| format!("{encoded}={}", text(v))).collect(),
        Value::Object(members) if style == "deepObject" => members
            .iter()
            .map(|(n, v)| format!("{encoded}%5B{}%5D={}", percent_encoded(n), text(v)))
            .collect(),
        Value::Object(members) if explode => members
            .iter()
            .map(|(n, v)| format!("{}={}", percent_encoded(n), text(v)))
            .collect(),
        other => {
            let between = match style {
                "spaceDelimited" => "%20",
                "pipeDelimited" => "|",
                _ => ",",
            };
            vec![format!("{encoded}={}", joined(other, between, false))]
        }
    }
}
