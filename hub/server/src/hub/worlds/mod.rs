//! Worlds of developers: who may use which, in memory while they are used, in the store always.
//!
//! Invariants: what a call changed in a world of somebody's is in the store before the caller hears of it, what is changed in
//! the world of everybody soon after; whoever forks or keeps a world sees all of it that was there at one moment.

mod forks;
mod writing;

use super::chosen::{Chosen, Named};
use super::events::Events;
use hub_core::ports::{Client, Clock};
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode, Text};
use hub_crypto::{Digest, digest, hex, random};
use hub_sandbox::{DEFAULT_WORLD, MockEngine, WorldClock};
use hub_store::{Rights, Store, StoreError, WorldRow, new_world_id};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Worlds of a tenant in use at a time; those left alone longest are frozen beyond that.
const LIVE: u64 = 20;
/// Worlds of a tenant in all.
const MOST: u64 = 500;
/// The same for worlds that only a token owns.
const LIVE_OF_NOBODY: u64 = 300;
const MOST_OF_NOBODY: u64 = 5_000;
/// Worlds that an address without a key can make in an hour.
const AN_HOUR: u32 = 30;
/// Days after which a world that nobody used is frozen.
const IDLE_DAYS: i64 = 30;
/// Hours after which a use is noted again.
const NOTED: i64 = 1;
/// Tenant of the worlds that belong to everybody.
const HOUSE: &str = "hub";

/// The worlds.
pub struct Worlds {
    store: Store,
    engine: Arc<MockEngine>,
    clock: Arc<dyn Clock>,
    events: Arc<Events>,
    /// Row in the store of the world of everybody: each hub has its own.
    everybody: String,
    /// One writer a world.
    pens: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    births: Mutex<HashMap<IpAddr, (i64, u32)>>,
}

/// A world that was made, and the token of its owner.
pub struct Born {
    /// The world.
    pub row: WorldRow,
    /// Shown once.
    pub token: String,
}

/// A token for a world: 256 random bits behind a speaking prefix, and its hash.
fn token(prefix: &str) -> Result<(String, Vec<u8>), Problem> {
    let bytes = random::<32>().map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let text = format!("{prefix}{}", hex(&bytes));
    let hash = hash(&text);
    Ok((text, hash))
}

fn hash(token: &str) -> Vec<u8> {
    digest(Digest::Sha256, token.as_bytes())
}

/// What the store's trouble means to a caller.
#[expect(clippy::needless_pass_by_value, reason = "given to map_err as it is")]
pub fn stored(error: StoreError) -> Problem {
    let code = match error {
        StoreError::Unavailable(_) | StoreError::Unsure(_) => ProblemCode::StoreUnavailable,
        StoreError::Conflict => return busy(),
        _ => ProblemCode::Internal,
    };
    Problem::new(code).inner(error.to_string())
}

fn busy() -> Problem {
    Problem::new(ProblemCode::Overloaded)
        .detail("这个世界正在另一处被更改", "The world is being changed elsewhere")
        .retry_after(1)
}

fn unknown(named: &str) -> Problem {
    let got = if named.starts_with("wld_") { named } else { "***" };
    Problem::new(ProblemCode::BadRequest)
        .detail("没有这个沙箱世界", "There is no such world of the sandbox")
        .at(
            "header/Hub-World",
            Text::new(
                "POST /sandbox/_worlds 所返回的 id 或口令",
                "an id or a token that POST /sandbox/_worlds has answered",
            ),
            got,
        )
}

impl Worlds {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store, engine: Arc<MockEngine>, clock: Arc<dyn Clock>, events: Arc<Events>) -> Self {
        let everybody = format!("{DEFAULT_WORLD}@{}", store.node());
        Self {
            store,
            engine,
            clock,
            events,
            everybody,
            pens: Mutex::default(),
            births: Mutex::default(),
        }
    }

    /// The engine whose worlds these are.
    #[must_use]
    pub fn engine(&self) -> &MockEngine {
        &self.engine
    }

    fn row_id<'a>(&'a self, world: &'a str) -> &'a str {
        if world == DEFAULT_WORLD { &self.everybody } else { world }
    }

    fn pen(&self, world: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut pens = self.pens.lock().unwrap_or_else(PoisonError::into_inner);
        if pens.len() > 10_000 {
            pens.retain(|_, pen| Arc::strong_count(pen) > 1);
        }
        Arc::clone(pens.entry(world.to_owned()).or_default())
    }

    /// Brings the world of everybody into memory.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn begin(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        if self.store.worlds().get(&self.everybody).await?.is_none() {
            let row = WorldRow {
                id: self.everybody.clone(),
                client: String::new(),
                tenant: HOUSE.to_owned(),
                name: DEFAULT_WORLD.to_owned(),
                layer: new_world_id("lay_")?,
                frozen: false,
                created: now,
                used: now,
            };
            // Nobody holds a token of it.
            let nobody = random::<32>().map_err(|e| StoreError::Unavailable(e.to_string()))?;
            self.store.worlds().add(&row, &nobody, None).await?;
        }
        let row = self.store.worlds().get(&self.everybody).await?;
        let parts = match &row {
            Some(row) => self.store.worlds().read(&row.layer).await,
            None => Ok(Vec::new()),
        };
        let parts = match parts {
            // A hub that does not start helps nobody: everybody begins anew.
            Err(error @ StoreError::Damaged(_)) => {
                tracing::error!(%error, "the world of everybody cannot be read");
                Vec::new()
            }
            other => other?,
        };
        if !self.engine.load(DEFAULT_WORLD, &parts) {
            self.engine.open(DEFAULT_WORLD, WorldClock::default());
        }
        Ok(())
    }

    /// The world a caller names, brought into memory.
    ///
    /// # Errors
    /// If there is none, it is frozen, or the caller may not use it.
    pub async fn choose(&self, named: Option<&str>, client: Option<&Client>) -> Result<Chosen, Problem> {
        let Some(named) = named.filter(|named| *named != DEFAULT_WORLD) else {
            return Ok(Chosen::new(
                DEFAULT_WORLD,
                Rights::Write,
                self.engine.enter(DEFAULT_WORLD),
            ));
        };
        let Named { row, rights } = self.find(named, client).await?;
        if row.frozen {
            return Err(Problem::new(ProblemCode::WorldFrozen).with("world", row.id));
        }
        let now = self.clock.now();
        if now.duration_since(row.used).as_hours() >= NOTED {
            // Only when it was last used, for whoever freezes; a call must not fail for it.
            drop(self.store.worlds().set_frozen(&row.id, false, now).await);
        }
        let entered = self.enter(&row).await?;
        Ok(Chosen::new(&row.id, rights, Some(entered)))
    }

    /// The world behind an id or a token, and what the caller may do with it.
    ///
    /// # Errors
    /// If there is none, or it is somebody else's.
    pub async fn find(&self, named: &str, client: Option<&Client>) -> Result<Named, Problem> {
        let worlds = self.store.worlds();
        let known = named.len() <= 100 && (named.starts_with("wld_") || named.starts_with("wkey_"));
        if !known {
            return Err(unknown(named));
        }
        let (id, rights) = match named.starts_with("wld_") {
            true => (named.to_owned(), None),
            false => match worlds.by_key(&hash(named)).await.map_err(stored)? {
                Some((id, rights)) => (id, Some(rights)),
                None => return Err(unknown(named)),
            },
        };
        let row = worlds.get(&id).await.map_err(stored)?.ok_or_else(|| unknown(named))?;
        let owns = client.is_some_and(|client| client.id == row.client);
        match (rights, client) {
            (Some(rights), _) => Ok(Named { row, rights }),
            (None, _) if owns => Ok(Named {
                row,
                rights: Rights::Own,
            }),
            (None, None) => Err(Problem::new(ProblemCode::KeyMissing).detail(
                "请出示世界所有者的应用密钥，或在 Hub-World 中使用它的口令",
                "Send the key of the world's owner, or its token as Hub-World",
            )),
            (None, Some(_)) => Err(Problem::new(ProblemCode::NotAuthorized).detail(
                "这个世界属于另一个应用；请用所有者的密钥，或请其分享一个口令",
                "This world belongs to another client; use its owner's key, or have a token shared with you",
            )),
        }
    }

    /// Brings a world into memory.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn choose_row(&self, row: &WorldRow) -> Result<Chosen, Problem> {
        let entered = self.enter(row).await?;
        Ok(Chosen::new(&row.id, Rights::Own, Some(entered)))
    }

    async fn enter(&self, row: &WorldRow) -> Result<hub_sandbox::Entered, Problem> {
        if let Some(entered) = self.engine.enter(&row.id) {
            return Ok(entered);
        }
        let pen = self.pen(&row.id);
        let _held = pen.lock().await;
        // Somebody may have been faster.
        if let Some(entered) = self.engine.enter(&row.id) {
            return Ok(entered);
        }
        // Its layer may be another since it was looked up.
        let row = self.row(&row.id).await?;
        let parts = self.store.worlds().read(&row.layer).await.map_err(stored)?;
        if !self.engine.load(&row.id, &parts) {
            return Err(Problem::new(ProblemCode::Internal).inner(format!("{} cannot be read", row.id)));
        }
        self.engine.enter(&row.id).ok_or_else(busy)
    }

    async fn row(&self, id: &str) -> Result<WorldRow, Problem> {
        let row = self.store.worlds().get(id).await.map_err(stored)?;
        row.ok_or_else(|| unknown(id))
    }

    /// Makes a world.
    ///
    /// # Errors
    /// If there are too many, or the store does not answer.
    pub async fn make(
        self: &Arc<Self>,
        name: &str,
        standing: Option<Timestamp>,
        client: Option<&Client>,
        peer: IpAddr,
    ) -> Result<Born, Problem> {
        self.may_be_born(client, peer).await?;
        let row = self.new_row(name, client)?;
        let (token, hash) = token("wkey_")?;
        let clock = standing.map_or_else(WorldClock::default, WorldClock::standing);
        self.store.worlds().add(&row, &hash, None).await.map_err(stored)?;
        self.engine.open(&row.id, clock);
        self.write(&row.id).await?;
        self.make_room(&row).await;
        Ok(Born { row, token })
    }

    fn new_row(&self, name: &str, client: Option<&Client>) -> Result<WorldRow, Problem> {
        let now = self.clock.now();
        Ok(WorldRow {
            id: new_world_id("wld_").map_err(stored)?,
            client: client.map(|c| c.id.clone()).unwrap_or_default(),
            tenant: client.map(|c| c.tenant.clone()).unwrap_or_default(),
            name: name.chars().take(100).collect(),
            layer: new_world_id("lay_").map_err(stored)?,
            frozen: false,
            created: now,
            used: now,
        })
    }

    async fn may_be_born(&self, client: Option<&Client>, peer: IpAddr) -> Result<(), Problem> {
        let tenant = client.map_or("", |c| c.tenant.as_str());
        let (_, all) = self.store.worlds().count(tenant).await.map_err(stored)?;
        let most = if client.is_some() { MOST } else { MOST_OF_NOBODY };
        if all >= most {
            let text = (format!("最多 {most} 个世界"), format!("At most {most} worlds are kept"));
            return Err(Problem::new(ProblemCode::QuotaExceeded).detail(text.0, text.1));
        }
        if client.is_some() {
            return Ok(());
        }
        let hour = self.clock.now().as_second() / 3_600;
        let mut births = self.births.lock().unwrap_or_else(PoisonError::into_inner);
        births.retain(|_, (when, _)| *when == hour);
        let (_, count) = births.entry(peer).or_insert((hour, 0));
        *count += 1;
        if *count > AN_HOUR {
            let left = 3_600 - self.clock.now().as_second() % 3_600;
            return Err(Problem::new(ProblemCode::RateLimited).retry_after(u64::try_from(left).unwrap_or(1)));
        }
        Ok(())
    }

    /// Freezes what was left alone longest where a tenant uses too many.
    async fn make_room(self: &Arc<Self>, newest: &WorldRow) {
        let most = if newest.client.is_empty() { LIVE_OF_NOBODY } else { LIVE };
        let worlds = self.store.worlds();
        while let Ok((live, _)) = worlds.count(&newest.tenant).await {
            if live <= most {
                return;
            }
            match worlds.freeze_oldest(&newest.tenant, &newest.id).await {
                Ok(Some(frozen)) => self.put_away(&frozen).await,
                _ => return,
            }
        }
    }

    async fn put_away(self: &Arc<Self>, id: &str) {
        if self.write(id).await.is_ok() {
            self.engine.put_away(id);
        }
    }

    /// The worlds of a client, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_client(&self, client: &str) -> Result<Vec<WorldRow>, Problem> {
        self.store.worlds().of_client(client).await.map_err(stored)
    }

    /// Writes down what was changed in a world.
    ///
    /// # Errors
    /// If the store does not answer; it is tried again later.
    pub async fn write(self: &Arc<Self>, world: &str) -> Result<(), Problem> {
        if !self.engine.is_changed(world) {
            return Ok(());
        }
        let (own, world) = (Arc::clone(self), world.to_owned());
        // In a task of its own: a caller who hangs up must not take along what was changed.
        let written = tokio::spawn(async move {
            let pen = own.pen(&world);
            let _held = pen.lock().await;
            own.write_held(&world).await
        });
        written
            .await
            .unwrap_or_else(|_| Err(Problem::new(ProblemCode::Internal)))
    }

    async fn write_held(&self, world: &str) -> Result<(), Problem> {
        let changes = self.engine.changes(world);
        if changes.is_empty() {
            return Ok(());
        }
        self.write_down(world, changes).await
    }

    /// Writes down what waits in any world.
    pub async fn write_all(self: &Arc<Self>) {
        for world in self.engine.changed() {
            if let Err(problem) = self.write(&world).await {
                tracing::warn!(
                    inner = problem.inner.as_deref(),
                    "a world of the sandbox could not be written down"
                );
            }
        }
    }

    /// Freezes or thaws a world.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn set_frozen(self: &Arc<Self>, row: &WorldRow, frozen: bool) -> Result<(), Problem> {
        self.store
            .worlds()
            .set_frozen(&row.id, frozen, self.clock.now())
            .await
            .map_err(stored)?;
        if frozen {
            self.put_away(&row.id).await;
        } else {
            self.make_room(row).await;
        }
        Ok(())
    }

    /// Removes a world.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn remove(&self, row: &WorldRow) -> Result<(), Problem> {
        let pen = self.pen(&row.id);
        let _held = pen.lock().await;
        self.store.worlds().remove(&row.id).await.map_err(stored)?;
        self.engine.put_away(&row.id);
        Ok(())
    }

    /// Freezes what nobody used for long, and forgets what nothing stands on.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn upkeep(self: &Arc<Self>) -> Result<(), StoreError> {
        let idle = jiff::SignedDuration::from_hours(24 * IDLE_DAYS);
        if let Ok(since) = self.clock.now().checked_sub(idle) {
            for id in self.store.worlds().freeze_idle(since).await? {
                self.put_away(&id).await;
            }
        }
        self.store.worlds().sweep().await
    }
}
