//! Any API description, served alone: no catalog, no connector, no script. What the description says is what is checked
//! on the way in, chosen among and checked on the way out.
//!
//! Invariants: the same seed, the same history and the same request give the same bytes, so time stands still in here;
//! an example of the description wins over invention where it fits its own schema, and what was made over both; what
//! fits no schema never leaves.

mod ask;
mod choose;
mod coerce;
mod fate;
mod foil;
mod guard;
mod list;
mod make;
mod media;
mod memory;
mod multipart;
mod operation;
mod outcome;
mod overlay;
mod patch;
mod place;
mod prefer;
mod refuse;
mod remember;
mod resource;
mod routes;
mod sample;
pub mod verify;
mod withheld;
mod xml;

pub use ask::{Ask, Room};
pub use memory::Memory;
pub use multipart::read as form_parts;
pub use resource::Inferred;
pub use sample::Sample;

use crate::compose::bare;
use crate::invent::Style;
use crate::pattern::Patterns;
use crate::scenario::{Scenario, Word};
use crate::seed::Seed;
use crate::vocabulary::Vocabulary;
use crate::{DataError, Personas};
use hub_catalog::description::{Description, Validator};
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode};
use operation::Parts;
use place::Place;
use prefer::Wishes;
use remember::Call;
use resource::Resources;
use routes::{Found, Route, Routes};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// When it is in here (RFC 3339), so that dates do not change from one day to the next.
pub const MOMENT: &str = "2026-03-09T09:00:00+08:00";

/// One description, ready to answer.
pub struct Mock {
    description: Arc<Description>,
    routes: Routes,
    resources: Resources,
    /// What was done to things; `None` for one that forgets.
    memory: Option<Memory>,
    /// Whether credentials are asked for.
    guarded: bool,
    /// Whether the description has anything that is sent and never said.
    withholds: bool,
    seed: Seed,
    now: Timestamp,
    personas: Personas,
    words: Vocabulary,
    patterns: Patterns,
    parts: Mutex<Parts>,
    validators: Mutex<Validators>,
    components: Mutex<HashMap<String, Option<Arc<Value>>>>,
}

/// A compiled schema; `None` for one that no validator understands, which refuses nothing.
type Compiled = Option<Arc<Validator>>;

/// Compiled schemas kept; beyond that all are made again as they are needed.
const KEPT: usize = 2_000;
/// Places whose compiled schemas are known; many places have the same.
const PLACES: usize = 50_000;
/// Longest text, in bytes, by which schemas are known to be the same.
const ALIKE: usize = 512;

/// Compiled schemas by the address of their value, which stands in the description or among the parts of operations and stays as long
/// as the mock, and small ones by what they say: a thousand operations that take the same kind of number need one.
#[derive(Default)]
struct Validators {
    by_address: HashMap<(usize, Way), Compiled>,
    by_text: HashMap<(String, Way), Compiled>,
    /// How many were compiled.
    made: usize,
}

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
        let routes = Routes::of(&description.document);
        Ok(Self {
            resources: Resources::of(&routes),
            routes,
            memory: None,
            guarded: false,
            withholds: withheld::anywhere(&description.document),
            description,
            seed: Seed::new(seed),
            now,
            personas: Personas::embedded()?,
            words: Vocabulary::embedded()?,
            patterns: Patterns::default(),
            parts: Mutex::default(),
            validators: Mutex::default(),
            components: Mutex::default(),
        })
    }

    /// From now on what is made is there, what is changed is changed and what is removed is gone.
    #[must_use]
    pub fn remembering(mut self) -> Self {
        self.memory = Some(Memory::default());
        self
    }

    /// From now on callers show the credentials the description asks for; any value does.
    #[must_use]
    pub fn guarded(mut self) -> Self {
        self.guarded = true;
        self
    }

    /// Every operation, in the order of the description.
    pub fn operations(&self) -> impl Iterator<Item = Listed> + '_ {
        self.routes.all().iter().map(|route| Listed {
            method: route.method.to_string(),
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
        self.answered(ask, true)
    }

    /// Answers an operation as if it had been asked rightly: what the request lacks is not missed, `{name}` in its path
    /// stands for a value that fits, and nothing is remembered.
    ///
    /// # Errors
    /// As [`Mock::answer`], but for what is not given.
    pub fn answer_once(&self, ask: &Ask<'_>) -> Result<Told, Problem> {
        self.answered(ask, false)
    }

    fn answered(&self, ask: &Ask<'_>, strict: bool) -> Result<Told, Problem> {
        // A scenario in the query is no part of the request: the same answer as with the header.
        let apart = prefer::apart(ask.query);
        let Some((query, word)) = &apart else {
            return self.answered_bare(ask, strict);
        };
        let mut headers = ask.headers.clone();
        if ask.header("hub-scenario").is_none() {
            headers.push(("hub-scenario".to_owned(), word.clone()));
        }
        self.answered_bare(&Ask { query, headers, ..*ask }, strict)
    }

    fn answered_bare(&self, ask: &Ask<'_>, strict: bool) -> Result<Told, Problem> {
        let (route, values) = self.route(ask)?;
        let mut wishes = Wishes::read(ask)?;
        if strict && self.guarded {
            match self.unshown(route, ask, &wishes) {
                Ok(None) => {}
                Ok(Some(told)) => return Ok(finished(told, ask, &wishes)),
                Err(problem) => return Ok(finished(self.refused(route, ask, &wishes, problem)?, ask, &wishes)),
            }
        }
        let given = match strict {
            true => match self.read(route, &values, ask) {
                Ok(given) => given,
                Err(problem) => return Ok(finished(self.refused(route, ask, &wishes, problem)?, ask, &wishes)),
            },
            false => self.read_lenient(route, &values, ask)?,
        };
        let magic = self.magic(route, &given).filter(|_| wishes.scenario.is_none());
        wishes.scenario = wishes.scenario.or(magic.map(|word| Ok(Scenario::of_word(word))));
        let call = Call {
            route,
            values: &values,
            ask,
            given: &given,
            wishes: &wishes,
        };
        let mut told = self.withheld(self.told(&call, strict)?);
        let word = magic.map(|word| ("hub-scenario".to_owned(), word.as_str().to_owned()));
        told.headers.extend(word);
        Ok(finished(told, ask, &wishes))
    }

    /// What time it is where something is asked.
    fn now(&self, ask: &Ask<'_>) -> Timestamp {
        ask.room.now.unwrap_or(self.now)
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

    fn told(&self, call: &Call<'_>, strict: bool) -> Result<Told, Problem> {
        let chosen = self.scenario(call.route, call.wishes)?;
        if chosen.is_none()
            && strict
            && let Some(told) = self.remembered(call)?
        {
            return Ok(told);
        }
        let chosen = match chosen {
            Some(chosen) => chosen,
            None => choose::response(self.responses(call.route).as_ref(), call.wishes.code)?,
        };
        let mut told = self.make(call.route, &chosen, call.ask, call.given, call.wishes)?;
        self.show_state(&mut told, call.route, call.wishes.word());
        self.say_when(&mut told, call.wishes);
        Ok(told)
    }

    /// The outcome that what is sent asks for, where the operation can show it.
    fn magic(&self, route: &Route, given: &ask::Given) -> Option<Word> {
        let word = self.words.magic.word_by_name(given.body.as_ref()?)?;
        self.can(word, route).then_some(word)
    }

    fn style(wishes: &Wishes) -> Style {
        match wishes.word() {
            Word::Minimal => Style::Minimal,
            Word::Maximal => Style::Maximal,
            Word::Empty => Style::Empty,
            _ => Style::Rich,
        }
    }

    /// The validator of what a pointer names; compiled once.
    fn validator(&self, pointer: &str, way: Way) -> Compiled {
        self.validator_at(&Place::at(&self.description.document, pointer), way)
    }

    /// The validator of a schema; compiled once.
    fn validator_at(&self, place: &Place<'_>, way: Way) -> Compiled {
        // Operations share what they refer to, and so the validators of it.
        let followed = bare(place.value).map(|_| place.clone().follow());
        let place = followed.as_ref().unwrap_or(place);
        let at = (std::ptr::from_ref(place.value).addr(), way);
        if let Some(known) = crate::state::lock(&self.validators).by_address.get(&at) {
            return known.clone();
        }
        let text = alike(place).map(|text| (text, way));
        let same = text
            .as_ref()
            .and_then(|text| crate::state::lock(&self.validators).by_text.get(text).cloned());
        let is_new = same.is_none();
        let made = same.unwrap_or_else(|| {
            let made = match way {
                Way::In => self.description.request_validator(&place.pointer),
                Way::Out => self.description.validator(&place.pointer),
            };
            made.ok().map(Arc::new)
        });
        let mut kept = crate::state::lock(&self.validators);
        kept.put(at, text, &made, is_new);
        made
    }
}

impl Validators {
    fn put(&mut self, at: (usize, Way), text: Option<(String, Way)>, made: &Compiled, is_new: bool) {
        if self.made >= KEPT || self.by_address.len() >= PLACES {
            *self = Self::default();
        }
        self.made += usize::from(is_new);
        self.by_address.insert(at, made.clone());
        if let Some(text) = text {
            self.by_text.insert(text, made.clone());
        }
    }
}

/// The text of a small schema that refers to nothing: wherever it stands, it says the same.
fn alike(place: &Place<'_>) -> Option<String> {
    let small = place.value.as_object().is_some_and(|schema| schema.len() <= 6);
    let text = small.then(|| place.value.to_string())?;
    (text.len() <= ALIKE && !text.contains("\"$")).then_some(text)
}

/// An answer as it is sent: what was wished is said, and a HEAD has no body.
fn finished(mut told: Told, ask: &Ask<'_>, wishes: &Wishes) -> Told {
    told.delay_ms = wishes.delay_ms();
    if ask.method == "HEAD" {
        told.body.clear();
    }
    if let Some(applied) = wishes.applied() {
        told.headers.push(("preference-applied".to_owned(), applied));
    }
    told
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
mod contract_tests;
#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod tests;
