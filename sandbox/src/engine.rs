//! The mock engine: a contract and a call in, a valid answer out, and a world that remembers.

use crate::clock::WorldClock;
use crate::invent::Style;
use crate::links::{Links, Role};
use crate::party::Party;
use crate::pattern::Patterns;
use crate::personas::Personas;
use crate::scenario::{self, Outcome, Scenario, Word};
use crate::scene::Scene;
use crate::seed::Seed;
use crate::state::{Limits, lock};
use crate::vocabulary::Vocabulary;
use crate::world::World;
use crate::worlds::{Kept, Worlds};
use crate::{ContractSource, Contracts, DataError};
use hub_core::ports::{Answer, BoxFuture, Call, Clock, Upstream};
use hub_core::time::rfc3339;
use hub_core::{Operation, Problem, ProblemCode, SystemId};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The world of callers that name none.
pub const DEFAULT_WORLD: &str = "default";

/// Worlds that are never forgotten to make room.
const PINNED: [&str; 2] = [DEFAULT_WORLD, crate::city::CITY_WORLD];

/// Answers every operation of the contracts it is given, always.
pub struct MockEngine {
    contracts: ContractSource,
    seed: Seed,
    pub(crate) clock: Arc<dyn Clock>,
    personas: Arc<Personas>,
    words: Vocabulary,
    patterns: Patterns,
    pub(crate) worlds: Worlds,
    links: Mutex<LinkCache>,
}

/// The links of the systems met so far, good for one set of contracts.
#[derive(Default)]
struct LinkCache {
    of: Option<Arc<dyn Contracts>>,
    systems: HashMap<SystemId, Arc<Links>>,
}

/// An answer, and how long an upstream would have taken for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// What is answered.
    pub result: Result<Answer, Problem>,
    /// Milliseconds to wait before answering.
    pub delay_ms: u64,
}

impl MockEngine {
    /// An engine over contracts, a seed and a clock, with the personas this crate ships.
    ///
    /// # Errors
    /// Only if shipped data is broken.
    pub fn new(contracts: ContractSource, seed: u64, clock: Arc<dyn Clock>) -> Result<Self, DataError> {
        Ok(Self {
            contracts,
            seed: Seed::new(seed),
            clock,
            personas: Arc::new(Personas::embedded()?),
            words: Vocabulary::embedded()?,
            patterns: Patterns::default(),
            worlds: Worlds::new(Limits::default(), PINNED.to_vec()),
            links: Mutex::default(),
        })
    }

    /// The same engine with other personas.
    #[must_use]
    pub fn with_personas(mut self, personas: Arc<Personas>) -> Self {
        self.personas = personas;
        self
    }

    /// The same engine with other bounds on what it keeps. Forgets every world.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.worlds = Worlds::new(limits, PINNED.to_vec());
        self
    }

    /// Everybody the engine knows.
    #[must_use]
    pub fn personas(&self) -> &Arc<Personas> {
        &self.personas
    }

    /// Which data choose an outcome where nobody says a scenario.
    #[must_use]
    pub fn magic(&self) -> &crate::Magic {
        &self.words.magic
    }

    /// What time the machine says it is, in no world in particular.
    #[must_use]
    pub fn now(&self) -> hub_core::time::Timestamp {
        self.clock.now()
    }

    /// Forgets everything that happened in a world.
    pub fn reset(&self, world: &str) {
        self.worlds.reset(world);
    }

    /// The scenario words an operation can show.
    #[must_use]
    pub fn scenarios(&self, operation: &Operation) -> Vec<Word> {
        let contracts = (self.contracts)();
        let links = self.links_of(&contracts, &operation.system);
        scenario::possible(&self.words, operation, links.role(operation))
    }

    /// The headers every sandbox answer carries, a problem too: scenario, world, clock.
    #[must_use]
    pub fn headers(&self, controls: &[(String, String)]) -> Vec<(String, String)> {
        self.headers_of(controls, None)
    }

    fn headers_of(&self, controls: &[(String, String)], said: Option<&str>) -> Vec<(String, String)> {
        let scenario = Scenario::read(controls).unwrap_or_default();
        let text = said.map_or(scenario.text, str::to_owned);
        vec![
            ("Hub-Scenario".to_owned(), text),
            ("Hub-Sandbox".to_owned(), world_of(controls).to_owned()),
            ("Hub-Clock".to_owned(), rfc3339(self.now_in(world_of(controls)))),
        ]
    }

    /// Answers a call at once. `controls` are the sandbox headers in lower case, and `_scenario`.
    ///
    /// # Errors
    /// What the scenario or the state of the world says: a record that is not there, a refusal, a conflict.
    pub fn answer(
        &self,
        world: &str,
        operation: &Operation,
        input: &Map<String, Value>,
        controls: &[(String, String)],
    ) -> Result<Answer, Problem> {
        self.tell(world, operation, input, controls).result
    }

    /// Answers a call, and says how long the upstream would have taken.
    #[must_use]
    pub fn tell(
        &self,
        world: &str,
        operation: &Operation,
        input: &Map<String, Value>,
        controls: &[(String, String)],
    ) -> Told {
        let contracts = (self.contracts)();
        let links = self.links_of(&contracts, &operation.system);
        let role = links.role(operation);
        let possible = || scenario::possible(&self.words, operation, role);
        let asked = Scenario::read(controls).map_err(|word| scenario::unknown(&word, &possible()));
        let asked = asked.map(|asked| match asked.is_said() {
            true => asked,
            false => self.conjured(operation, role, input).unwrap_or(asked),
        });
        let said = asked.as_ref().map(|asked| asked.text.clone()).ok();
        let outcome = asked.and_then(|asked| {
            let outcome = asked.outcome(&self.words, operation, role);
            outcome.ok_or_else(|| scenario::unknown(asked.word.as_str(), &possible()))
        });
        let (style, twist, delay_ms) = match outcome {
            Err(problem) | Ok(Outcome::Refuse(problem)) => {
                return Told {
                    result: Err(problem),
                    delay_ms: 0,
                };
            }
            Ok(Outcome::Answer(style)) => (style, None, 0),
            Ok(Outcome::Late(ms)) => (Style::Rich, None, ms),
            Ok(Outcome::Accept(twist)) => (Style::Rich, Some(twist), 0),
        };
        let party = Party::of(&self.personas, &self.words, self.seed, operation, input);
        let kept = self.world(world);
        let (now, origin) = {
            let mut world = lock(&kept);
            (world.now(self.clock.now()), world.origin().to_owned())
        };
        let scene = Scene {
            contracts: contracts.as_ref(),
            words: &self.words,
            patterns: &self.patterns,
            links: &links,
            role,
            operation,
            input,
            party: &party,
            now,
            style,
            twist,
            seed: self.call_seed(&origin, operation, input),
            world: &kept,
            limit: self.worlds.limits().matters,
        };
        let result = scene.play().map(|body| Answer {
            headers: self.headers_of(controls, said.as_deref()),
            ..Answer::new(operation.status, body)
        });
        let held = lock(&kept).held();
        self.worlds.settle(world, held);
        Told { result, delay_ms }
    }

    pub(crate) fn world(&self, name: &str) -> Kept {
        self.worlds
            .get(name, || World::new(name, WorldClock::default(), self.clock.now()))
    }

    /// What the caller's own data ask for, where the operation can show it.
    fn conjured(&self, operation: &Operation, role: Option<&Role>, input: &Map<String, Value>) -> Option<Scenario> {
        let asked = Scenario::of_word(self.words.magic.word(operation, input)?);
        asked.outcome(&self.words, operation, role).map(|_| asked)
    }

    /// The seed of a call: world, operation, and what was said, apart from which page of it.
    fn call_seed(&self, world: &str, operation: &Operation, input: &Map<String, Value>) -> Seed {
        let paging = &self.words.paging;
        let pages = |name: &String| {
            [&paging.page, &paging.size, &paging.offset]
                .iter()
                .any(|n| n.contains(name))
        };
        let mut said: Vec<(&String, &Value)> = input.iter().filter(|(name, _)| !pages(name)).collect();
        said.sort_by_key(|(name, _)| *name);
        let start = self.seed.with(world).with(&operation.id);
        said.into_iter()
            .fold(start, |seed, (name, value)| seed.with(name).with(&value.to_string()))
    }

    fn links_of(&self, contracts: &Arc<dyn Contracts>, system: &SystemId) -> Arc<Links> {
        let mut cache = lock(&self.links);
        let same = |old: &Arc<dyn Contracts>| std::ptr::addr_eq(Arc::as_ptr(old), Arc::as_ptr(contracts));
        if !cache.of.as_ref().is_some_and(same) {
            *cache = LinkCache {
                of: Some(contracts.clone()),
                systems: HashMap::new(),
            };
        }
        if let Some(links) = cache.systems.get(system) {
            return links.clone();
        }
        let links = Arc::new(Links::of(contracts.as_ref(), &self.words, system));
        cache.systems.insert(system.clone(), links.clone());
        links
    }
}

/// The world the controls name.
fn world_of(controls: &[(String, String)]) -> &str {
    let named = controls.iter().find(|(name, _)| name.eq_ignore_ascii_case("hub-world"));
    named.map_or(DEFAULT_WORLD, |(_, world)| world.as_str())
}

impl<G: Send + Sync> Upstream<G> for MockEngine {
    /// Answers from the world the call names; a `slow` upstream really takes its time, up to the call's deadline.
    fn answer<'a>(&'a self, call: &'a Call, _grant: &'a G) -> BoxFuture<'a, Result<Answer, Problem>> {
        Box::pin(async move {
            let told = self.tell(world_of(&call.controls), &call.operation, &call.input, &call.controls);
            if told.delay_ms >= call.deadline_ms && told.delay_ms > 0 {
                tokio::time::sleep(Duration::from_millis(call.deadline_ms)).await;
                let lost = if call.operation.effect == hub_core::Effect::None {
                    hub_core::Kept::Nothing
                } else {
                    hub_core::Kept::Unknown
                };
                return Err(Problem::new(ProblemCode::UpstreamTimeout).kept(lost));
            }
            if told.delay_ms > 0 {
                tokio::time::sleep(Duration::from_millis(told.delay_ms)).await;
            }
            told.result
        })
    }
}
