//! What a scenario word means for an operation of a description: a declared response where there is one for it, else the
//! hub's own problem, for outcomes need not be declared.

use super::choose::{self, Chosen};
use super::coerce::{flat, kind};
use super::place::Place;
use super::prefer::Wishes;
use super::resource::Deed;
use super::routes::Route;
use super::{Listed, Mock, Told};
use crate::scenario::{self, Scenario, Word};
use hub_core::problem::Violation;
use hub_core::{Problem, ProblemCode, Text};
use serde_json::Value;

/// Levels of an answer looked through for lists and states.
const LEVELS: usize = 3;

impl Mock {
    /// The scenario words an operation can show.
    #[must_use]
    pub fn scenarios(&self, listed: &Listed) -> Vec<Word> {
        let route = self.routes.all().iter().find(|r| r.pointer == listed.pointer);
        route.map(|route| self.possible(route)).unwrap_or_default()
    }

    fn possible(&self, route: &Route) -> Vec<Word> {
        let all = Word::ALL.into_iter().map(|(word, _)| word);
        all.filter(|word| self.can(*word, route)).collect()
    }

    pub(super) fn can(&self, word: Word, route: &Route) -> bool {
        match word {
            Word::Empty => {
                let schema = self.usual_schema(route);
                schema.is_some_and(|schema| self.has_list(schema.value, 0))
            }
            Word::Invalid => self.request_body(route).is_some() || !self.parameters(route).is_empty(),
            Word::Duplicate => !matches!(&*route.method, "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY"),
            Word::NeedDocs => self.state(route, "need-docs").is_some(),
            Word::Pending => self.state(route, "processing").is_some() || self.is_taken_in(route),
            Word::ConsentMissing | Word::ConsentExpired => {
                let operation = self.whole(route);
                let says = |key: &str| operation.value.get(key).is_some();
                says("x-hub-subject") || says("x-hub-basis") || self.acts_for_somebody(route)
            }
            _ => true,
        }
    }

    /// Whether what is asked for is only begun when it is answered (RFC 9110, 15.3.3).
    fn is_taken_in(&self, route: &Route) -> bool {
        self.responses(route).is_some_and(|r| r.value.get("202").is_some())
    }

    fn usual_schema<'a>(&'a self, route: &'a Route) -> Option<Place<'a>> {
        let chosen = choose::response(self.responses(route).as_ref(), None).ok()?;
        let (_, media) = choose::content(&chosen.response?, None).ok()??;
        media.raw("schema")
    }

    fn has_list(&self, schema: &Value, depth: usize) -> bool {
        let flat = flat(self, schema);
        match kind(&flat) {
            Some("array") => flat.get("minItems").and_then(Value::as_u64).unwrap_or(0) == 0,
            Some("object") if depth < LEVELS => {
                let properties = flat.get("properties").and_then(Value::as_object);
                properties.is_some_and(|p| p.values().any(|inner| self.has_list(inner, depth + 1)))
            }
            _ => false,
        }
    }

    /// Where an operation's answer tells a state, and the value there that stands for a word of the vocabulary.
    pub(super) fn state(&self, route: &Route, word: &str) -> Option<(String, Value)> {
        let own = self.resources.of_route(route).map(|(_, _, deed)| deed);
        if *route.method != *"POST" && own != Some(Deed::Read) {
            return None;
        }
        self.state_in(self.usual_schema(route)?.value, word, "", 0)
    }

    fn state_in(&self, schema: &Value, word: &str, at: &str, depth: usize) -> Option<(String, Value)> {
        let flat = flat(self, schema);
        let properties = flat.get("properties")?.as_object()?;
        let step = |name: &str| format!("{at}/{}", hub_catalog::document::escape(name));
        let here = properties.iter().find_map(|(name, schema)| {
            let own = self::flat(self, schema);
            let choices = own.get("enum").and_then(Value::as_array)?;
            Some((step(name), self.words.state(word, choices)?))
        });
        let inner = || {
            let mut all = properties.iter();
            all.find_map(|(name, schema)| self.state_in(schema, word, &step(name), depth + 1))
        };
        here.or_else(|| if depth < LEVELS { inner() } else { None })
    }

    /// Writes the state of a scenario into an answer.
    pub(super) fn show_state(&self, told: &mut Told, route: &Route, word: Word) {
        let name = match word {
            Word::NeedDocs => "need-docs",
            Word::Pending => "processing",
            _ => return,
        };
        self.set_state(told, route, name);
    }

    /// Writes a state of the vocabulary into an answer, if it tells one.
    pub(super) fn set_state(&self, told: &mut Told, route: &Route, name: &str) {
        let (Some((at, state)), Some(value)) = (self.state(route, name), &told.value) else {
            return;
        };
        let mut whole = value.clone();
        let (before, last) = at.rsplit_once('/').unwrap_or_default();
        let Some(Value::Object(members)) = whole.pointer_mut(before) else {
            return;
        };
        members.insert(last.replace("~1", "/").replace("~0", "~"), state);
        self.retell(told, whole);
    }

    /// What a scenario word means here: a declared response, or `None` where the usual answer is given in a style.
    pub(super) fn scenario<'a>(&'a self, route: &'a Route, wishes: &Wishes) -> Result<Option<Chosen<'a>>, Problem> {
        let Some(asked) = &wishes.scenario else { return Ok(None) };
        let unknown = |word: &str| scenario::unknown(word, &self.possible(route));
        let asked = asked.as_ref().map_err(|word| unknown(word))?;
        if !self.can(asked.word, route) {
            return Err(unknown(asked.word.as_str()));
        }
        let responses = self.responses(route);
        if asked.word == Word::Pending && self.state(route, "processing").is_none() {
            return Ok(choose::declared(responses.as_ref(), 202));
        }
        let Some(problem) = refusal(asked) else { return Ok(None) };
        let near: &[u16] = match asked.word {
            Word::Invalid => &[422, 400],
            Word::Rejected => &[409, 422, 403],
            Word::Down => &[503, 502, 500],
            // The hub's own, whatever the agency declares.
            Word::ConsentMissing | Word::ConsentExpired | Word::Cut | Word::Garbled => {
                return Err(self.told_why(route, asked, problem));
            }
            _ => &[],
        };
        let statuses = std::iter::once(problem.code.status()).chain(near.iter().copied());
        statuses
            .filter_map(|status| choose::declared(responses.as_ref(), status))
            .next()
            .map(Some)
            .ok_or_else(|| self.told_why(route, asked, problem))
    }

    /// A scenario's problem in words.
    fn told_why(&self, route: &Route, asked: &Scenario, problem: Problem) -> Problem {
        match asked.word {
            Word::Invalid => {
                let place = asked.at().map(str::to_owned).or_else(|| self.first_place(route));
                Problem::violations(
                    problem.code,
                    vec![Violation {
                        place: place.unwrap_or_default(),
                        keyword: "scenario".to_owned(),
                        expected: Text::new("符合描述的值", "a value that fits the description"),
                        got: "***".to_owned(),
                    }],
                )
            }
            Word::Rejected => problem.detail(
                "不符合办理条件：经审核，所提交的信息与登记信息不一致",
                "The conditions are not met: what was submitted differs from the register",
            ),
            Word::Duplicate => problem.detail("已有一件相同的办件正在办理", "The same matter is already being handled"),
            Word::Cut => {
                let bytes = asked.number().unwrap_or(512);
                problem.detail(
                    format!("部门系统在发送 {bytes} 字节后断开"),
                    format!("The agency's system broke off after {bytes} bytes"),
                )
            }
            Word::Garbled => Problem::violations(
                ProblemCode::UpstreamContract,
                vec![Violation {
                    place: String::new(),
                    keyword: "type".to_owned(),
                    expected: Text::new("描述所述的类型", "the type the description says"),
                    got: "<html>".to_owned(),
                }],
            ),
            _ => problem,
        }
    }

    /// A 429 says when to come again, whoever declared it (RFC 6585, 4).
    pub(super) fn say_when(&self, told: &mut Told, wishes: &Wishes) {
        let Some(Ok(asked)) = &wishes.scenario else { return };
        if asked.word == Word::Limited {
            told.headers.retain(|(name, _)| name != "retry-after");
            told.headers
                .push(("retry-after".to_owned(), asked.seconds().to_string()));
        }
    }

    /// What a request can first get wrong.
    fn first_place(&self, route: &Route) -> Option<String> {
        let content = self.request_body(route).and_then(|b| b.get("content"));
        let schema = content.and_then(|c| c.members().next()?.1.raw("schema"));
        let named = schema.and_then(|schema| {
            let flat = flat(self, schema.value);
            let properties = flat.get("properties")?.as_object()?;
            let first = properties.keys().next()?;
            Some(format!("/{}", hub_catalog::document::escape(first)))
        });
        named.or_else(|| {
            let all = self.parameters(route);
            let name = all.first()?.text("name")?;
            Some(format!("parameter/{name}"))
        })
    }
}

/// What refuses a call; `None` for words that let it through.
fn refusal(asked: &Scenario) -> Option<Problem> {
    let code = match asked.word {
        Word::ConsentMissing => ProblemCode::ConsentMissing,
        Word::ConsentExpired => ProblemCode::ConsentExpired,
        Word::Garbled => ProblemCode::UpstreamContract,
        _ => return asked.refusal(),
    };
    Some(Problem::new(code))
}
