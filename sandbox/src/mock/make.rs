//! Makes an answer: an example of the description where one fits, else invented, checked and mended place by place.

use super::ask::{Given, schema_of};
use super::choose::{self, Chosen};
use super::place::Place;
use super::prefer::Wishes;
use super::routes::Route;
use super::{Ask, Mock, Told, Way, media};
use crate::invent::{Inventor, Spot, Style, general};
use crate::party::Party;
use crate::seed::Seed;
use hub_core::problem::Violation;
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode, Text};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of making, checking and mending.
const ROUNDS: usize = 24;
/// Rounds after which only what is required is made: fewer places, fewer of them wrong.
const RICH_ROUNDS: usize = 16;

/// Forms within forms that are tried one by one.
const FORMS: usize = 2;

/// What a value is invented for.
#[derive(Clone, Copy)]
pub(super) struct Need<'a> {
    pub way: Way,
    pub style: Style,
    pub seed: Seed,
    pub echo: &'a Map<String, Value>,
    /// What time it is.
    pub now: Timestamp,
}

/// A media type of a response, and what it says about the body.
struct Media<'a> {
    name: &'a str,
    place: Place<'a>,
    schema: Option<Place<'a>>,
}

impl Mock {
    pub(super) fn make(
        &self,
        route: &Route,
        chosen: &Chosen<'_>,
        ask: &Ask<'_>,
        given: &Given,
        wishes: &Wishes,
    ) -> Result<Told, Problem> {
        let seed = self.seed.with(&route.method).with(ask.path).with(ask.query);
        let seed = seed
            .with(&String::from_utf8_lossy(ask.body))
            .with_number(u64::from(chosen.status));
        let need = Need {
            way: Way::Out,
            style: Self::style(wishes),
            seed,
            echo: &given.echo,
            now: self.now(ask),
        };
        let mut told = Told {
            status: chosen.status,
            headers: Vec::new(),
            body: Vec::new(),
            value: None,
            schema: None,
            delay_ms: 0,
        };
        let Some(response) = &chosen.response else {
            return Ok(told);
        };
        told.headers = self.headers(response, need);
        // RFC 9110, 15.3.5, 15.3.6 and 15.4.5: these have no content.
        if matches!(chosen.status, 204 | 205 | 304) {
            return Ok(told);
        }
        let Some((name, place)) = choose::content(response, ask.header("accept"))? else {
            return Ok(told);
        };
        let media = Media {
            name,
            schema: place.raw("schema"),
            place,
        };
        told.headers.push(("content-type".to_owned(), media::sent(name)));
        self.fill(&mut told, &media, wishes, need)?;
        Ok(told)
    }

    fn fill(&self, told: &mut Told, media: &Media<'_>, wishes: &Wishes, need: Need<'_>) -> Result<(), Problem> {
        if let Some(items) = media.place.raw("itemSchema") {
            let item = |number| {
                let seed = need.seed.with_number(number);
                self.invent(&items, Need { seed, ..need })
            };
            let all = Value::Array(vec![item(1)?, item(2)?]);
            told.body = media::write(self, media.name, None, &all);
            return Ok(());
        }
        told.schema = media.schema.as_ref().map(|s| s.pointer.clone());
        if let Some(example) = self.example(media, wishes)? {
            told.body = match &example {
                Value::String(text) if !media::is_json(media.name) => text.clone().into_bytes(),
                value => media::write(self, media.name, media.schema.as_ref(), value),
            };
            told.value = Some(example);
            return Ok(());
        }
        let value = match &media.schema {
            Some(schema) => self.invent(schema, need)?,
            None if media::is_json(media.name) => Value::Object(Map::new()),
            None => Value::String(String::new()),
        };
        told.body = media::write(self, media.name, media.schema.as_ref(), &value);
        told.value = Some(value);
        Ok(())
    }

    /// The example to give: the one named, else the first that fits its own schema.
    fn example(&self, media: &Media<'_>, wishes: &Wishes) -> Result<Option<Value>, Problem> {
        let all = choose::examples(&media.place);
        let fits = |value: &Value| self.as_given(media, value);
        if let Some(wanted) = &wishes.example {
            let named = all.iter().find(|(name, _)| *name == Some(wanted.as_str()));
            return match named {
                Some((_, value)) => fits(value).map(Some).ok_or_else(|| unfit(wanted)),
                None => Err(unnamed(&all, wanted)),
            };
        }
        if wishes.dynamic || Self::style(wishes) != Style::Rich {
            return Ok(None);
        }
        Ok(all.into_iter().find_map(|(_, value)| fits(value)))
    }

    /// An example as a value of its schema. Many write the text of the body where the value belongs.
    fn as_given(&self, media: &Media<'_>, example: &Value) -> Option<Value> {
        let Some(schema) = &media.schema else {
            return Some(example.clone());
        };
        let validator = self.validator_at(schema, Way::Out);
        let accepts = |value: &Value| validator.as_ref().is_none_or(|v| v.accepts(value));
        if accepts(example) {
            return Some(example.clone());
        }
        let text = example.as_str()?;
        if !media::is_json(media.name) {
            // The text is in the media type's own form, which is not a form of the schema.
            return (media::base(media.name).contains("xml") && text.trim_start().starts_with('<'))
                .then(|| example.clone());
        }
        serde_json::from_str(text).ok().filter(accepts)
    }

    /// A value for a schema that its validator accepts.
    pub(super) fn invent(&self, place: &Place<'_>, need: Need<'_>) -> Result<Value, Problem> {
        self.invent_within(place, need, 0)
    }

    /// The same for a form within forms.
    pub(super) fn invent_within(&self, place: &Place<'_>, need: Need<'_>, depth: usize) -> Result<Value, Problem> {
        let schema = match place.value {
            Value::Null => &Value::Bool(true),
            schema => schema,
        };
        let validator = self.validator_at(place, need.way);
        let party = Party::nobody(&self.personas, &self.words, need.seed);
        let mut misses: BTreeMap<String, usize> = BTreeMap::new();
        let mut last: Vec<Violation> = Vec::new();
        for round in 0..ROUNDS {
            let style = match need.style {
                Style::Rich | Style::Maximal if round >= RICH_ROUNDS => Style::Minimal,
                style => style,
            };
            let inventor = Inventor {
                words: &self.words,
                patterns: &self.patterns,
                party: &party,
                references: self,
                echo: need.echo,
                now: need.now,
                style,
                seed: need.seed,
                misses: &misses,
                window: None,
                request: need.way == Way::In,
                made: &Cell::new(0),
            };
            let root = Spot {
                pointer: String::new(),
                name: "",
                shape: None,
                depth: 0,
                nth: 0,
            };
            let places: BTreeSet<String> = match inventor.value(schema, &root) {
                Ok(value) => {
                    let Some(validator) = validator.as_ref().filter(|v| !v.accepts(&value)) else {
                        return Ok(value);
                    };
                    last = validator.violations(&value);
                    validator.misfits(&value).iter().map(|place| general(place)).collect()
                }
                Err(trouble) => {
                    last = vec![Violation {
                        place: trouble.pointer.clone(),
                        keyword: "schema".to_owned(),
                        expected: Text::new("可以生成值的结构", "a schema a value can be made for"),
                        got: trouble.reason,
                    }];
                    BTreeSet::from([trouble.pointer])
                }
            };
            for place in places {
                *misses.entry(place).or_default() += 1;
            }
        }
        let is_several = depth < FORMS && last.iter().any(|v| v.place.is_empty() && v.keyword == "oneOf");
        is_several
            .then(|| self.foiled(&place.pointer, need, depth))
            .flatten()
            .ok_or_else(|| failure(&place.pointer, last))
    }

    /// The headers a response declares. What HTTP writes itself is left to it.
    fn headers(&self, response: &Place<'_>, need: Need<'_>) -> Vec<(String, String)> {
        const OWN: [&str; 5] = [
            "content-type",
            "content-length",
            "transfer-encoding",
            "connection",
            "date",
        ];
        let mut made = Vec::new();
        let declared = response.get("headers");
        for (name, header) in declared.iter().flat_map(Place::members) {
            let lower = name.to_ascii_lowercase();
            if OWN.contains(&lower.as_str()) || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
            {
                continue;
            }
            if let Some(text) = self.header(
                &header,
                Need {
                    seed: need.seed.with(name),
                    ..need
                },
            ) {
                made.push((lower, text));
            }
        }
        made
    }

    fn header(&self, header: &Place<'_>, need: Need<'_>) -> Option<String> {
        let schema = schema_of(header);
        let fits = |value: &Value| {
            let validator = self.validator_at(schema.as_ref()?, Way::Out)?;
            validator.accepts(value).then_some(())
        };
        let example = choose::examples(header).into_iter().map(|(_, v)| v);
        let example = example
            .filter(|v| fits(v).is_some())
            .map(written)
            .find(|text| is_sendable(text));
        example.or_else(|| {
            let empty = Map::new();
            let value = self.invent(schema.as_ref()?, Need { echo: &empty, ..need }).ok()?;
            let text = written(&value);
            if is_sendable(&text) {
                return Some(text);
            }
            let plain = Value::String(format!("v{}", need.seed.dice().between(1_000, 9_999)));
            fits(&plain).map(|()| written(&plain))
        })
    }
}

/// A header's value in the style `simple`.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::Array(items) => items.iter().map(media::plain).collect::<Vec<_>>().join(","),
        other => media::plain(other),
    }
}

fn is_sendable(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| (0x20..0x7f).contains(&b))
}

fn failure(pointer: &str, violations: Vec<Violation>) -> Problem {
    let place = violations.first().map_or("", |v| v.place.as_str()).to_owned();
    Problem::violations(ProblemCode::Internal, violations).detail(
        format!("没有找到符合 {pointer} 的值，位置 {place}"),
        format!("No value was found that fits {pointer}, at {place}"),
    )
}

fn unfit(name: &str) -> Problem {
    Problem::new(ProblemCode::ScenarioUnknown).detail(
        format!("示例 {name} 不符合它自己的结构，所以不发送"),
        format!("The example {name} does not fit its own schema, so it is not sent"),
    )
}

fn unnamed(all: &[(Option<&str>, &Value)], wanted: &str) -> Problem {
    let names: Vec<String> = all.iter().filter_map(|(name, _)| name.map(str::to_owned)).collect();
    Problem::new(ProblemCode::ScenarioUnknown)
        .detail(
            format!("没有名为 {wanted} 的示例，已有的：{}", names.join("、")),
            format!("There is no example named {wanted}; there are: {}", names.join(", ")),
        )
        .at("header/Prefer", Text::same(names.join(" | ")), "another name")
        .with("possible", names)
}
