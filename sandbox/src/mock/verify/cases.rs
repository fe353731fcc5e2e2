//! Requests for one operation, made from its description.

use super::super::ask::schema_of;
use super::super::place::Place;
use super::super::routes::{Found, Route};
use super::super::{Ask, Listed, Mock, Sample, choose, media};
use hub_core::Text;
use serde_json::{Map, Value, json};

/// Most requests made for one operation.
const MOST: usize = 60;
/// Longest text sent to see whether a limit holds.
const LONG: usize = 100_000;

/// What a request is there to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// What the description asks for, and no more.
    Positive,
    /// It fits, at a limit.
    Boundary,
    /// It does not fit.
    Negative,
    /// A method that the path does not have.
    Method,
    /// Without the credentials that the description asks for.
    Unguarded,
}

impl Kind {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Boundary => "boundary",
            Self::Negative => "negative",
            Self::Method => "method",
            Self::Unguarded => "unguarded",
        }
    }
}

/// One request.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// By which it is sent again: the same description and seed make the same request.
    pub id: String,
    /// What for.
    pub kind: Kind,
    /// Where in the normal form the operation stands.
    pub pointer: String,
    /// What is special about it.
    pub what: Text,
    /// The request.
    pub request: Sample,
}

/// A body in the making: what was changed, and into what.
struct Mutant {
    what: Text,
    body: Value,
}

impl Mock {
    /// The requests for an operation, the plain one first; none if not even that can be made.
    #[must_use]
    pub fn cases(&self, listed: &Listed) -> Vec<Case> {
        let number = self.routes.all().iter().position(|r| r.pointer == listed.pointer);
        let Some((number, route)) = number.and_then(|n| Some((n, self.routes.all().get(n)?))) else {
            return Vec::new();
        };
        let Ok(plain) = self.sample(listed) else {
            return Vec::new();
        };
        let mut made = vec![(
            Kind::Positive,
            Text::new("只含必填项", "only what is required"),
            plain.clone(),
        )];
        made.extend(self.unguarded(listed, &plain));
        made.extend(self.of_query(route, &plain));
        made.extend(self.of_body(route, &plain));
        if !matches!(&*route.method, "GET" | "HEAD") {
            made.extend(self.other_method(&plain));
        }
        made.truncate(MOST);
        let cases = made.into_iter().enumerate().map(|(n, (kind, what, request))| Case {
            id: format!("{number}.{n}"),
            kind,
            pointer: route.pointer.clone(),
            what,
            request,
        });
        cases.collect()
    }

    /// Whether a request fits the description, by the reading that the mock does.
    fn fits(&self, request: &Sample) -> bool {
        let ask = Ask {
            method: &request.method,
            path: &request.path,
            query: &request.query,
            headers: request.headers.clone(),
            body: &request.body,
            ..Ask::default()
        };
        match self.routes.find(ask.method, ask.path) {
            Found::Route(route, values) => self.read(route, &values, &ask).is_ok(),
            _ => false,
        }
    }

    fn kind_of(&self, request: &Sample) -> Kind {
        if self.fits(request) {
            Kind::Boundary
        } else {
            Kind::Negative
        }
    }

    /// The same without credentials, where the description asks for some.
    fn unguarded(&self, listed: &Listed, plain: &Sample) -> Option<(Kind, Text, Sample)> {
        let bare = self.sample_as(listed, false).ok()?;
        (bare != *plain).then(|| (Kind::Unguarded, Text::new("不带凭证", "without credentials"), bare))
    }

    fn other_method(&self, plain: &Sample) -> Option<(Kind, Text, Sample)> {
        // A method that changes nothing wherever it is taken.
        if matches!(self.routes.find("TRACE", &plain.path), Found::Route(..)) {
            return None;
        }
        let other = Sample {
            method: "TRACE".to_owned(),
            body: Vec::new(),
            ..plain.clone()
        };
        let what = Text::new("未声明的方法 TRACE", "the method TRACE, not declared");
        Some((Kind::Method, what, other))
    }

    fn of_query(&self, route: &Route, plain: &Sample) -> Vec<(Kind, Text, Sample)> {
        let mut made = Vec::new();
        for parameter in self.parameters(route) {
            let (Some(name), Some("query")) = (parameter.text("name"), parameter.text("in")) else {
                continue;
            };
            let Some(schema) = schema_of(&parameter).map(Place::follow) else {
                continue;
            };
            let encoded = media::percent_encoded(name);
            let rest: Vec<&str> = plain
                .query
                .split('&')
                .filter(|p| !p.is_empty() && !is_named(p, &encoded))
                .collect();
            if parameter.is("required") {
                let request = Sample {
                    query: rest.join("&"),
                    ..plain.clone()
                };
                let what = Text::new(
                    format!("缺少查询参数 {name}"),
                    format!("without the query parameter {name}"),
                );
                made.push((self.kind_of(&request), what, request));
            }
            for value in values(&schema)
                .into_iter()
                .filter(|v| !v.is_object() && !v.is_array() && !v.is_null())
            {
                let text = media::plain(&value);
                if text.len() > 4_000 {
                    continue;
                }
                let pair = format!("{encoded}={}", media::percent_encoded(&text));
                let mut pairs = rest.clone();
                pairs.push(&pair);
                let request = Sample {
                    query: pairs.join("&"),
                    ..plain.clone()
                };
                let shown = short(&value);
                let what = Text::new(
                    format!("查询参数 {name} = {shown}"),
                    format!("the query parameter {name} = {shown}"),
                );
                made.push((self.kind_of(&request), what, request));
            }
        }
        made
    }

    fn of_body(&self, route: &Route, plain: &Sample) -> Vec<(Kind, Text, Sample)> {
        let Some(body) = self.request_body(route) else {
            return Vec::new();
        };
        let chosen = choose::content(&body, None).ok().flatten();
        let Some((name, content)) = chosen.filter(|(name, _)| media::is_json(name)) else {
            return Vec::new();
        };
        let mut made = Vec::new();
        let mut with = |body: Vec<u8>, what: Text, forced: Option<Kind>| {
            let request = Sample { body, ..plain.clone() };
            made.push((forced.unwrap_or_else(|| self.kind_of(&request)), what, request));
        };
        with(
            br#"{"broken": "#.to_vec(),
            Text::new("不是完整的 JSON", "JSON that breaks off"),
            Some(Kind::Negative),
        );
        if body.is("required") {
            with(Vec::new(), Text::new("没有请求体", "no body"), None);
        }
        let Some(schema) = content.get("schema").map(Place::follow) else {
            return made;
        };
        let value: Value = serde_json::from_slice(&plain.body).unwrap_or_default();
        for mutant in mutants(&schema, &value) {
            with(media::write(self, name, Some(&schema), &mutant.body), mutant.what, None);
        }
        made
    }
}

fn is_named(pair: &str, name: &str) -> bool {
    let own = pair.split('=').next().unwrap_or_default();
    own == name || own.starts_with(&format!("{name}%5B"))
}

/// A body changed at one place each.
fn mutants(schema: &Place<'_>, body: &Value) -> Vec<Mutant> {
    let Value::Object(members) = body else {
        let whole = values(schema).into_iter().map(|value| Mutant {
            what: Text::new(
                format!("请求体 = {}", short(&value)),
                format!("the body = {}", short(&value)),
            ),
            body: value,
        });
        return whole.collect();
    };
    let mut made = Vec::new();
    for name in members.keys() {
        let mut less = members.clone();
        less.shift_remove(name);
        made.push(Mutant {
            what: Text::new(format!("缺少 {name}"), format!("without {name}")),
            body: Value::Object(less),
        });
    }
    let properties = schema.get("properties");
    for (name, property) in properties.iter().flat_map(Place::members) {
        for value in values(&property.clone().follow()) {
            let shown = short(&value);
            let mut other: Map<String, Value> = members.clone();
            other.insert(name.to_owned(), value);
            made.push(Mutant {
                what: Text::new(format!("{name} = {shown}"), format!("{name} = {shown}")),
                body: Value::Object(other),
            });
        }
    }
    made
}

/// Values at the limits of a schema and beyond, and of other types.
fn values(schema: &Place<'_>) -> Vec<Value> {
    let number = |name: &str| {
        schema
            .value
            .get(name)
            .and_then(Value::as_f64)
            .filter(|n| n.abs() < 1e15)
    };
    let length = |name: &str| {
        schema
            .value
            .get(name)
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
    };
    let mut all = vec![Value::Null, json!({"unexpected": true}), json!(["x"])];
    let whole = |n: f64| if n.fract() == 0.0 { json!(n as i64) } else { json!(n) };
    for (name, beyond) in [("minimum", -1.0), ("maximum", 1.0)] {
        if let Some(limit) = number(name) {
            all.extend([whole(limit), whole(limit + beyond)]);
        }
    }
    match schema.text("type") {
        Some("integer" | "number") => all.extend([json!("not a number"), json!(1.5), json!(-1)]),
        Some("boolean") => all.push(json!("maybe")),
        Some("string") => {
            all.extend([json!(""), json!("\u{0}\u{7}"), json!("' OR '1'='1"), json!("𠮷野家")]);
            if schema.value.get("enum").is_some() {
                all.push(json!("none-of-these"));
            }
            for limit in ["minLength", "maxLength"].into_iter().filter_map(length) {
                for wanted in [limit.saturating_sub(1), limit, limit + 1]
                    .into_iter()
                    .filter(|n| *n <= LONG)
                {
                    all.push(json!("x".repeat(wanted)));
                }
            }
            all.push(json!("x".repeat(LONG)));
        }
        _ => all.push(json!("text")),
    }
    all
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(40) {
        Some((at, _)) => format!("{}… ({} B)", text.get(..at).unwrap_or_default(), text.len()),
        None => text,
    }
}
