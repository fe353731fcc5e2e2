//! What a caller wants to see: `Prefer` (RFC 7240) with the preferences mock servers agree on, and `Hub-Scenario`.

use super::Ask;
use crate::scenario::{Scenario, Word};
use hub_core::{Problem, ProblemCode, Text};

/// The query parameter that says what `Hub-Scenario` says, for who can send no headers.
const IN_QUERY: &str = "_scenario";

/// A query without the scenario in it, and that scenario.
pub(super) fn apart(query: &str) -> Option<(String, String)> {
    if !query.contains(IN_QUERY) {
        return None;
    }
    let is_it = |part: &&str| part.split('=').next() == Some(IN_QUERY);
    let word = query.split('&').find(is_it)?;
    let rest: Vec<&str> = query.split('&').filter(|part| !is_it(part)).collect();
    let (_, word) = super::ask::pairs(word).into_iter().next()?;
    Some((rest.join("&"), word))
}

/// What is wanted.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub code: Option<u16>,
    pub example: Option<String>,
    pub dynamic: bool,
    /// `Err` is a word nobody knows.
    pub scenario: Option<Result<Scenario, String>>,
}

impl Wishes {
    pub(super) fn read(ask: &Ask<'_>) -> Result<Self, Problem> {
        let headers = &ask.headers;
        let mut wishes = Self::default();
        let named = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if named("hub-scenario") || named(IN_QUERY) {
            wishes.scenario = Some(Scenario::read(headers));
        }
        let prefer = headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("prefer"));
        for part in prefer.flat_map(|(_, value)| value.split([',', ';'])) {
            let (key, value) = part.split_once('=').unwrap_or((part, "true"));
            let value = value.trim().trim_matches('"');
            match key.trim().to_ascii_lowercase().as_str() {
                "code" | "status" => wishes.code = Some(code(value)?),
                "example" => wishes.example = Some(value.to_owned()),
                "dynamic" => wishes.dynamic = value != "false",
                // RFC 7240, 2: what is not understood is ignored.
                _ => {}
            }
        }
        Ok(wishes)
    }

    pub(super) fn word(&self) -> Word {
        match &self.scenario {
            Some(Ok(scenario)) => scenario.word,
            _ => Word::Ok,
        }
    }

    /// The number beside the scenario's word.
    pub(super) fn number(&self) -> Option<u64> {
        self.scenario.as_ref()?.as_ref().ok()?.number()
    }

    /// Whether it is left to the mock what is answered, so that it may answer what it remembers.
    pub(super) fn leaves_open(&self) -> bool {
        let answers = matches!(
            self.word(),
            Word::Ok | Word::Minimal | Word::Maximal | Word::Empty | Word::Slow | Word::NeedDocs | Word::Pending
        );
        self.code.is_none() && self.example.is_none() && answers
    }

    pub(super) fn delay_ms(&self) -> u64 {
        match &self.scenario {
            Some(Ok(scenario)) if scenario.word == Word::Slow => scenario.delay_ms(),
            _ => 0,
        }
    }

    /// `Preference-Applied` (RFC 7240, 3).
    pub(super) fn applied(&self) -> Option<String> {
        let code = self.code.map(|code| format!("code={code}"));
        let example = self.example.as_ref().map(|name| format!("example=\"{name}\""));
        let dynamic = self.dynamic.then(|| "dynamic=true".to_owned());
        let all: Vec<String> = [code, example, dynamic].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

fn code(text: &str) -> Result<u16, Problem> {
    let code = text.parse().ok().filter(|code| (200..600).contains(code));
    code.ok_or_else(|| {
        let expected = Text::new("200 至 599 的状态码", "a status code from 200 to 599");
        Problem::new(ProblemCode::BadRequest).at("header/Prefer", expected, "no such code")
    })
}
