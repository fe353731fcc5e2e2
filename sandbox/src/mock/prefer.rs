//! What a caller wants to see: `Prefer` (RFC 7240) with the preferences mock servers agree on, and `Hub-Scenario`.

use crate::scenario::{Scenario, Word};
use hub_core::{Problem, ProblemCode, Text};

/// Scenario words that mean something without state: the others speak of a matter's later life or of a subject.
pub(super) const POSSIBLE: [Word; 12] = [
    Word::Ok,
    Word::Minimal,
    Word::Maximal,
    Word::Empty,
    Word::NotFound,
    Word::Invalid,
    Word::Rejected,
    Word::Duplicate,
    Word::Limited,
    Word::Down,
    Word::Slow,
    Word::Cut,
];

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
    pub(super) fn read(headers: &[(String, String)]) -> Result<Self, Problem> {
        let mut wishes = Self::default();
        let named = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
        if named("hub-scenario") || named("_scenario") {
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
