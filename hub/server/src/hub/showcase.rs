//! Registered descriptions in the sandbox: every version that is shown answers from its description alone, from the moment
//! it was uploaded.

use hub_core::wire::ReplyBody;
use hub_core::{Inbound, Lang, Problem, ProblemCode, Reply};
use hub_gateway::{Described, Showing};
use hub_registry::{Desk, Shown};
use hub_sandbox::mock::{Ask, Mock, Room, Told};
use hub_sandbox::{DEFAULT_WORLD, MockEngine};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Mocks kept ready; beyond that all are made again as they are needed.
const KEPT: usize = 200;

/// The showcase.
pub struct Showcase {
    desk: Arc<Desk>,
    seed: u64,
    /// Whose worlds remember what was done.
    engine: Arc<MockEngine>,
    mocks: Mutex<HashMap<String, Arc<Mock>>>,
}

impl Showcase {
    /// Over a desk.
    #[must_use]
    pub fn new(desk: Arc<Desk>, seed: u64, engine: Arc<MockEngine>) -> Self {
        Self {
            desk,
            seed,
            engine,
            mocks: Mutex::default(),
        }
    }

    /// The mock of a version, made at the first call.
    ///
    /// # Errors
    /// If shipped data is broken.
    pub fn mock(&self, shown: &Shown) -> Result<Arc<Mock>, Problem> {
        let mut mocks = self.mocks.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = mocks.get(&shown.row.id) {
            return Ok(Arc::clone(known));
        }
        let made = Mock::new(Arc::clone(&shown.reading.description), self.seed);
        let made = made.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
        let made = Arc::new(made);
        if mocks.len() >= KEPT {
            mocks.clear();
        }
        mocks.insert(shown.row.id.clone(), Arc::clone(&made));
        Ok(made)
    }
}

/// A version at its path.
struct OnShow {
    name: String,
    /// How much of the path names the version.
    prefix: usize,
    shown: Arc<Shown>,
    mock: Result<Arc<Mock>, Problem>,
    engine: Arc<MockEngine>,
}

/// The showcase as the gateway asks it.
pub struct Door(pub Arc<Showcase>);

impl Described for Door {
    fn find(&self, inbound: &Inbound) -> Option<Arc<dyn Showing>> {
        let mut parts = inbound.path.splitn(5, '/').skip(1);
        let (agency, system, version) = (parts.next()?, parts.next()?, parts.next()?);
        let major = version.strip_prefix('v')?.parse().ok()?;
        let number = inbound.header("hub-version");
        let shelf = self.0.desk.shelf();
        let shown = shelf.shown(agency, system, major, number)?;
        // What is called is in the catalog, and its sandbox remembers what was done.
        if shown.state().is_called() && number.is_none() {
            return None;
        }
        Some(Arc::new(OnShow {
            name: format!("{agency}.{system}.{version}"),
            prefix: agency.len() + system.len() + version.len() + 3,
            mock: self.0.mock(shown),
            shown: Arc::clone(shown),
            engine: Arc::clone(&self.0.engine),
        }))
    }
}

impl Showing for OnShow {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn answer(&self, inbound: &Inbound) -> Result<(Reply, u64), Problem> {
        let mock = self.mock.as_ref().map_err(Clone::clone)?;
        let below = inbound.path.get(self.prefix..).unwrap_or_default();
        let world = inbound.header("hub-world").unwrap_or(DEFAULT_WORLD);
        let memory = self.engine.memory(world, &self.shown.row.id);
        let ask = Ask {
            method: &inbound.method,
            path: if below.is_empty() { "/" } else { below },
            query: &inbound.query,
            headers: inbound.headers.clone(),
            body: &inbound.body,
            room: Room {
                memory: Some(&memory),
                now: Some(self.engine.now_in(world)),
                lang: Lang::Zh,
            },
        };
        let told = mock.answer(&ask)?;
        let delay = told.delay_ms;
        Ok((self.reply(inbound, told), delay))
    }
}

impl OnShow {
    /// The scenario asked for, by header or in the query, as it is echoed.
    fn scenario(&self, inbound: &Inbound) -> Option<String> {
        let given = inbound.header("hub-scenario").map(str::to_owned);
        given.or_else(|| {
            let mut pairs = url::form_urlencoded::parse(inbound.query.as_bytes());
            pairs
                .find(|(name, _)| name == "_scenario")
                .map(|(_, word)| word.into_owned())
        })
    }

    fn reply(&self, inbound: &Inbound, told: Told) -> Reply {
        let (own, mut headers): (Vec<_>, Vec<_>) = told
            .headers
            .into_iter()
            .partition(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let world = inbound.header("hub-world").unwrap_or(DEFAULT_WORLD);
        headers.push(("Hub-Sandbox".to_owned(), world.to_owned()));
        headers.push(("Hub-Version".to_owned(), self.shown.row.number.clone()));
        if let Some(word) = self.scenario(inbound) {
            headers.push(("Hub-Scenario".to_owned(), word));
        }
        let body = match own.into_iter().next() {
            Some((_, content_type)) => ReplyBody::Bytes {
                content_type,
                bytes: told.body.into(),
            },
            None => ReplyBody::Empty,
        };
        Reply {
            status: told.status,
            headers,
            body,
        }
    }
}
