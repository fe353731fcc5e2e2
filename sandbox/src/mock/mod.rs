//! Any API description, served alone: no catalog, no connector, no state. What the description says is what is checked
//! on the way in, chosen among and checked on the way out.
//!
//! Invariants: the same seed and the same request give the same bytes, so time stands still in here; an example of the
//! description wins over invention where it fits its own schema; what fits no schema never leaves.

mod ask;
mod choose;
mod coerce;
mod make;
mod media;
mod place;
mod prefer;
mod routes;
mod sample;
mod xml;

pub use ask::Ask;
pub use sample::Sample;

use crate::invent::Style;
use crate::pattern::Patterns;
use crate::scenario::{self, Word};
use crate::seed::Seed;
use crate::vocabulary::Vocabulary;
use crate::{DataError, Personas};
use choose::Chosen;
use hub_catalog::description::{Description, Validator};
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode};
use place::Place;
use prefer::Wishes;
use routes::{Found, Route, Routes};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// When it is in here (RFC 3339), so that dates do not change from one day to the next.
const MOMENT: &str = "2026-03-09T09:00:00+08:00";

/// One description, ready to answer.
pub struct Mock {
    description: Arc<Description>,
    routes: Routes,
    seed: Seed,
    now: Timestamp,
    personas: Personas,
    words: Vocabulary,
    patterns: Patterns,
    validators: Mutex<HashMap<(String, Way), Compiled>>,
    components: Mutex<HashMap<String, Option<Arc<Value>>>>,
}

/// A compiled schema; `None` for one that no validator understands, which refuses nothing.
type Compiled = Option<Arc<Validator>>;

/// Compiled schemas kept; beyond that all are made again as they are needed.
const KEPT: usize = 2_000;

/// In which direction a schema is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    In,
    Out,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Status code.
    pub status: u16,
    /// Headers, `content-type` among them where there is a body.
    pub headers: Vec<(String, String)>,
    /// The body as it is sent.
    pub body: Vec<u8>,
    /// The value the body was written from; `None` where the description gives the answer no content.
    pub value: Option<Value>,
    /// Where in the normal form the schema of the body stands, if it has one.
    pub schema: Option<String>,
    /// Milliseconds to wait before answering.
    pub delay_ms: u64,
}

/// An operation of the description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Method, upper case.
    pub method: String,
    /// Path as in the description.
    pub path: String,
    /// Where in the normal form it stands.
    pub pointer: String,
}

/// Names in a path and what stands for them.
type PathValues = Vec<(String, String)>;

impl Mock {
    /// Serves a description.
    ///
    /// # Errors
    /// Only if shipped data is broken.
    pub fn new(description: impl Into<Arc<Description>>, seed: u64) -> Result<Self, DataError> {
        let description = description.into();
        let now = MOMENT.parse().map_err(|e| DataError::new("moment", e))?;
        Ok(Self {
            routes: Routes::of(&description.document),
            description,
            seed: Seed::new(seed),
            now,
            personas: Personas::embedded()?,
            words: Vocabulary::embedded()?,
            patterns: Patterns::default(),
            validators: Mutex::default(),
            components: Mutex::default(),
        })
    }

    /// Every operation, in the order of the description.
    pub fn operations(&self) -> impl Iterator<Item = Listed> + '_ {
        self.routes.all().iter().map(|route| Listed {
            method: route.method.clone(),
            path: route.path.clone(),
            pointer: route.pointer.clone(),
        })
    }

    /// Answers a request.
    ///
    /// # Errors
    /// A problem for a request that the description does not allow, for a wish it cannot meet, and for a schema no
    /// value was found for.
    pub fn answer(&self, ask: &Ask<'_>) -> Result<Told, Problem> {
        let (route, values) = self.route(ask)?;
        let given = self.read(route, &values, ask)?;
        self.told(route, ask, &given)
    }

    /// Answers an operation as if it had been asked rightly: what the request lacks is not missed, and `{name}` in its
    /// path stands for a value that fits.
    ///
    /// # Errors
    /// As [`Mock::answer`], but for what is not given.
    pub fn answer_once(&self, ask: &Ask<'_>) -> Result<Told, Problem> {
        let (route, values) = self.route(ask)?;
        let given = self.read_lenient(route, &values, ask)?;
        self.told(route, ask, &given)
    }

    fn route<'a>(&'a self, ask: &Ask<'_>) -> Result<(&'a Route, PathValues), Problem> {
        match self.routes.find(ask.method, ask.path) {
            Found::Route(route, values) => Ok((route, values)),
            Found::WrongMethod(allow) => Err(Problem::new(ProblemCode::MethodNotAllowed).with("allow", allow)),
            Found::Nothing(near) => Err(Problem::new(ProblemCode::NotFound)
                .detail(
                    format!("描述中没有路径 {}", ask.path),
                    format!("The description has no path {}", ask.path),
                )
                .near(near)),
        }
    }

    fn told(&self, route: &Route, ask: &Ask<'_>, given: &ask::Given) -> Result<Told, Problem> {
        let wishes = Wishes::read(&ask.headers)?;
        let operation = Place::at(&self.description.document, &route.pointer);
        let chosen = match self.scenario(&operation, &wishes)? {
            Some(chosen) => chosen,
            None => choose::response(&operation, wishes.code)?,
        };
        let mut told = self.make(route, &chosen, ask, given, &wishes)?;
        told.delay_ms = wishes.delay_ms();
        if ask.method == "HEAD" {
            told.body.clear();
        }
        if let Some(applied) = wishes.applied() {
            told.headers.push(("preference-applied".to_owned(), applied));
        }
        Ok(told)
    }

    /// What a scenario word means here: a declared response with the status of its problem, or the problem.
    fn scenario<'a>(&'a self, operation: &Place<'a>, wishes: &Wishes) -> Result<Option<Chosen<'a>>, Problem> {
        let Some(asked) = &wishes.scenario else { return Ok(None) };
        let asked = asked
            .as_ref()
            .map_err(|word| scenario::unknown(word, &prefer::POSSIBLE))?;
        if !prefer::POSSIBLE.contains(&asked.word) {
            return Err(scenario::unknown(asked.word.as_str(), &prefer::POSSIBLE));
        }
        let Some(problem) = asked.refusal() else {
            return Ok(None);
        };
        let near: &[u16] = match asked.word {
            Word::Invalid => &[422, 400],
            Word::Rejected => &[409, 422, 403],
            Word::Down => &[503, 502, 500],
            _ => &[],
        };
        let statuses = std::iter::once(problem.code.status()).chain(near.iter().copied());
        statuses
            .filter_map(|status| choose::declared(operation, status))
            .next()
            .map(Some)
            .ok_or(problem)
    }

    fn style(wishes: &Wishes) -> Style {
        match wishes.word() {
            Word::Minimal => Style::Minimal,
            Word::Maximal => Style::Maximal,
            Word::Empty => Style::Empty,
            _ => Style::Rich,
        }
    }

    /// The validator of a schema; compiled once.
    fn validator(&self, pointer: &str, way: Way) -> Compiled {
        // Operations share what they refer to, and so the validators of it.
        let place = Place::at(&self.description.document, pointer);
        let bare = place.value.as_object().is_some_and(|schema| schema.len() == 1);
        let place = if bare { place.follow() } else { place };
        let pointer = place.pointer.as_str();
        let key = (pointer.to_owned(), way);
        if let Some(known) = crate::state::lock(&self.validators).get(&key) {
            return known.clone();
        }
        let made = match way {
            Way::In => self.description.request_validator(pointer),
            Way::Out => self.description.validator(pointer),
        };
        let made = made.ok().map(Arc::new);
        let mut kept = crate::state::lock(&self.validators);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, made.clone());
        made
    }
}

impl crate::compose::References for Mock {
    fn look_up(&self, reference: &str) -> Option<Arc<Value>> {
        let mut kept = crate::state::lock(&self.components);
        if let Some(known) = kept.get(reference) {
            return known.clone();
        }
        let found = place::resolve(&self.description.document, reference).map(|(_, value)| Arc::new(value.clone()));
        kept.insert(reference.to_owned(), found.clone());
        found
    }
}

#[cfg(test)]
mod tests;
