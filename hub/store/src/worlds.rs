//! Worlds of the sandbox: who owns them, and what is in them, in layers.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Cell, Db, Row, Statement, sql};
use crate::master_key::Sealer;
use crate::store::new_id;
use hub_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldRow {
    /// Id.
    pub id: String,
    /// Client that owns it; empty where only a token does.
    pub client: String,
    /// Tenant of the client.
    pub tenant: String,
    /// What its owner calls it.
    pub name: String,
    /// Its own layer.
    pub layer: String,
    /// Whether it is put away until its owner thaws it.
    pub frozen: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used, to an hour or so.
    pub used: Timestamp,
}

/// What the holder of a token may do with a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rights {
    /// Look.
    Read,
    /// Look and call.
    Write,
    /// Everything.
    Own,
}

impl Rights {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Own => "own",
        }
    }

    fn read(word: &str) -> Result<Self, StoreError> {
        [Self::Read, Self::Write, Self::Own]
            .into_iter()
            .find(|rights| rights.as_str() == word)
            .ok_or(StoreError::Damaged("rights to a world"))
    }
}

/// A state that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotRow {
    /// Id.
    pub id: String,
    /// World it was taken of.
    pub world: String,
    /// Layer it consists of, with those below.
    pub layer: String,
    /// What its owner calls it.
    pub name: String,
    /// What time it was in the world.
    pub at: Timestamp,
    /// When it was taken.
    pub created: Timestamp,
}

/// A part of a world: where it stands and what it says, nothing for what is gone.
pub type Part = (String, Option<String>);

#[derive(Serialize, Deserialize)]
pub(crate) struct Sealed(pub(crate) String, pub(crate) String);

/// The repository of worlds.
#[derive(Debug, Clone, Copy)]
pub struct Worlds<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
    pub(crate) events: &'a Sealer,
    pub(crate) node: &'a str,
}

const ROW: &str = "SELECT id, client, tenant, name, layer, frozen, created, used FROM worlds WHERE id = $1";

impl Worlds<'_> {
    /// Makes a world with an owner's token, over a layer or over nothing. Its own layer is `world.layer`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn add(&self, world: &WorldRow, token: &[u8], over: Option<&str>) -> Result<(), StoreError> {
        let statements = vec![
            layer(&world.layer, over),
            row_of(world),
            key_of(token, &world.id, Rights::Own, world.created),
        ];
        self.db.write_all(statements).await.map(drop)
    }

    /// A world.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, id: &str) -> Result<Option<WorldRow>, StoreError> {
        self.db.read_one(sql(ROW, [id.into()])).await?.map(world).transpose()
    }

    /// The world a token opens, and how far.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn by_key(&self, hash: &[u8]) -> Result<Option<(String, Rights)>, StoreError> {
        let statement = sql(
            "SELECT world, rights FROM world_keys WHERE hash = $1",
            [hash.to_vec().into()],
        );
        let row = self.db.read_one(statement).await?;
        row.map(|mut r| Ok((r.text(0)?, Rights::read(&r.text(1)?)?)))
            .transpose()
    }

    /// Lets the holder of a token use a world.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn share(&self, hash: &[u8], id: &str, rights: Rights, now: Timestamp) -> Result<(), StoreError> {
        self.db.write(key_of(hash, id, rights, now)).await.map(drop)
    }

    /// The worlds of a client, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_client(&self, client: &str) -> Result<Vec<WorldRow>, StoreError> {
        let statement = sql(
            "SELECT id, client, tenant, name, layer, frozen, created, used FROM worlds
             WHERE client = $1 ORDER BY created DESC, id DESC",
            [client.into()],
        );
        self.db.read(statement).await?.into_iter().map(world).collect()
    }

    /// How many worlds of a tenant (of nobody, if it is empty) are not frozen, and how many there are.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn count(&self, tenant: &str) -> Result<(u64, u64), StoreError> {
        let statement = sql(
            "SELECT COUNT(CASE WHEN frozen = 0 THEN 1 END), COUNT(*) FROM worlds WHERE tenant = $1",
            [tenant.into()],
        );
        let mut row = self
            .db
            .read_first(statement)
            .await?
            .ok_or(StoreError::Damaged("a count"))?;
        let number = |n: i64| u64::try_from(n).unwrap_or(0);
        Ok((number(row.int(0)?), number(row.int(1)?)))
    }

    /// Freezes the world of a tenant that was left alone longest; which.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn freeze_oldest(&self, tenant: &str, but: &str) -> Result<Option<String>, StoreError> {
        let statement = sql(
            "UPDATE worlds SET frozen = 1, revision = revision + 1 WHERE id IN (
                 SELECT id FROM worlds WHERE tenant = $1 AND frozen = 0 AND id <> $2 ORDER BY used, id LIMIT 1)
             RETURNING id",
            [tenant.into(), but.into()],
        );
        let rows = self.db.write(statement).await?;
        rows.into_iter().next().map(|mut r| r.text(0)).transpose()
    }

    /// Freezes what was not used since; which.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn freeze_idle(&self, since: Timestamp) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "UPDATE worlds SET frozen = 1, revision = revision + 1 WHERE frozen = 0 AND used < $1 RETURNING id",
            [since.as_microsecond().into()],
        );
        let rows = self.db.write(statement).await?;
        rows.into_iter().map(|mut r| r.text(0)).collect()
    }

    /// Freezes or thaws a world; false if there is none.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn set_frozen(&self, id: &str, frozen: bool, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE worlds SET frozen = $2, used = $3, revision = revision + 1 WHERE id = $1 RETURNING id",
            [id.into(), frozen.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Removes a world, its tokens and its snapshots; false if there is none. Its layers go with the next
    /// [`Worlds::sweep`].
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn remove(&self, id: &str) -> Result<bool, StoreError> {
        let statements = vec![
            sql("DELETE FROM world_keys WHERE world = $1", [id.into()]),
            sql("DELETE FROM world_snapshots WHERE world = $1", [id.into()]),
            sql("DELETE FROM world_timers WHERE world = $1", [id.into()]),
            sql("DELETE FROM worlds WHERE id = $1 RETURNING id", [id.into()]),
        ];
        self.db.write_all(statements).await.map(|rows| !rows.is_empty())
    }

    /// Everything of a layer and those below it.
    ///
    /// # Errors
    /// If the store does not answer or a part does not open.
    pub async fn read(&self, layer: &str) -> Result<Vec<(String, String)>, StoreError> {
        let mut all: HashMap<String, Option<Vec<u8>>> = HashMap::new();
        let mut next = Some(layer.to_owned());
        while let Some(layer) = next {
            let parent = sql("SELECT parent FROM world_layers WHERE id = $1", [layer.as_str().into()]);
            let parent = self.db.read_one(parent).await?;
            let parts = sql("SELECT place, body FROM world_parts WHERE layer = $1", [layer.into()]);
            for mut row in self.db.read(parts).await? {
                // What stands above is newer.
                let (place, body) = (row.text(0)?, row.maybe_bytes(1)?);
                all.entry(place).or_insert(body);
            }
            next = parent.map(|mut row| row.maybe_text(0)).transpose()?.flatten();
        }
        let there = all.into_iter().filter_map(|(place, body)| Some((place, body?)));
        let opened = there.map(|(place, body)| {
            let plain = self.sealer.open(&body, "part", &place)?;
            let part = serde_json::from_slice::<Sealed>(&plain);
            part.map(|Sealed(key, body)| (key, body))
                .map_err(|_| StoreError::Damaged("a part of a world"))
        });
        opened.collect()
    }

    /// Puts another layer under a world in place of its own: an empty one, or one over what was kept; false if the world
    /// had another layer than `from`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn move_to(&self, id: &str, from: &str, to: &str, over: Option<&str>) -> Result<bool, StoreError> {
        let statements = vec![layer(to, over), moved(id, from, to)];
        self.db.write_all(statements).await.map(|rows| !rows.is_empty())
    }

    /// Keeps the state of a world: what it does from now on goes to the layer `next`.
    ///
    /// # Errors
    /// If the store does not answer, or the world has another layer by now.
    pub async fn snapshot(&self, snapshot: &SnapshotRow, next: &str) -> Result<(), StoreError> {
        let statements = vec![
            layer(next, Some(&snapshot.layer)),
            sql(
                "INSERT INTO world_snapshots (id, world, layer, name, at, created)
                 SELECT $1, id, layer, $4, $5, $6 FROM worlds WHERE id = $2 AND layer = $3",
                [
                    snapshot.id.as_str().into(),
                    snapshot.world.as_str().into(),
                    snapshot.layer.as_str().into(),
                    snapshot.name.as_str().into(),
                    snapshot.at.as_microsecond().into(),
                    snapshot.created.as_microsecond().into(),
                ],
            ),
            moved(&snapshot.world, &snapshot.layer, next),
        ];
        let rows = self.db.write_all(statements).await?;
        if rows.is_empty() {
            Err(StoreError::Conflict)
        } else {
            Ok(())
        }
    }

    /// The snapshots of a world, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn snapshots(&self, id: &str) -> Result<Vec<SnapshotRow>, StoreError> {
        let statement = sql(
            "SELECT id, world, layer, name, at, created FROM world_snapshots WHERE world = $1 ORDER BY created DESC, id DESC",
            [id.into()],
        );
        let rows = self.db.read(statement).await?;
        let snapshot = |mut row: Row| {
            Ok(SnapshotRow {
                id: row.text(0)?,
                world: row.text(1)?,
                layer: row.text(2)?,
                name: row.text(3)?,
                at: time(row.int(4)?)?,
                created: time(row.int(5)?)?,
            })
        };
        rows.into_iter().map(snapshot).collect()
    }

    /// Forks a world: both go on in layers of their own over the one they had in common.
    ///
    /// # Errors
    /// If the store does not answer, or the world has another layer by now.
    pub async fn fork(&self, source: &WorldRow, next: &str, fork: &WorldRow, token: &[u8]) -> Result<(), StoreError> {
        let statements = vec![
            layer(next, Some(&source.layer)),
            layer(&fork.layer, Some(&source.layer)),
            // Each only as long as the source has the layer it was seen with.
            sql(
                "INSERT INTO worlds (id, client, tenant, name, layer, frozen, created, used, revision)
                 SELECT $1, $2, $3, $4, $5, 0, $6, $6, 1 FROM worlds WHERE id = $7 AND layer = $8",
                [
                    fork.id.as_str().into(),
                    fork.client.as_str().into(),
                    fork.tenant.as_str().into(),
                    fork.name.as_str().into(),
                    fork.layer.as_str().into(),
                    fork.created.as_microsecond().into(),
                    source.id.as_str().into(),
                    source.layer.as_str().into(),
                ],
            ),
            sql(
                "INSERT INTO world_keys (hash, world, rights, created) SELECT $1, id, 'own', $3 FROM worlds WHERE id = $2",
                [
                    token.to_vec().into(),
                    fork.id.as_str().into(),
                    fork.created.as_microsecond().into(),
                ],
            ),
            moved(&source.id, &source.layer, next),
        ];
        let rows = self.db.write_all(statements).await?;
        if rows.is_empty() {
            Err(StoreError::Conflict)
        } else {
            Ok(())
        }
    }

    /// Forgets layers that nothing stands on any more.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let layers = sql(
            "WITH RECURSIVE used(id) AS (
                 SELECT layer FROM worlds UNION SELECT layer FROM world_snapshots
                 UNION SELECT l.parent FROM world_layers l JOIN used u ON l.id = u.id WHERE l.parent IS NOT NULL)
             DELETE FROM world_layers WHERE id NOT IN (SELECT id FROM used)",
            [],
        );
        let parts = sql(
            "DELETE FROM world_parts WHERE layer NOT IN (SELECT id FROM world_layers)",
            [],
        );
        self.db.write_all(vec![layers, parts]).await.map(drop)
    }
}

/// A new id of a layer, a world, a snapshot: random, with a speaking prefix.
///
/// # Errors
/// If the system gives no randomness.
pub fn new_world_id(prefix: &str) -> Result<String, StoreError> {
    new_id(prefix)
}

fn layer(id: &str, over: Option<&str>) -> Statement {
    sql(
        "INSERT INTO world_layers (id, parent, depth)
         VALUES ($1, $2, COALESCE((SELECT depth + 1 FROM world_layers WHERE id = $2), 0))",
        [id.into(), over.into()],
    )
}

fn moved(id: &str, from: &str, to: &str) -> Statement {
    sql(
        "UPDATE worlds SET layer = $3, revision = revision + 1 WHERE id = $1 AND layer = $2 RETURNING id",
        [id.into(), from.into(), to.into()],
    )
}

fn row_of(world: &WorldRow) -> Statement {
    sql(
        "INSERT INTO worlds (id, client, tenant, name, layer, frozen, created, used, revision)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1)",
        [
            world.id.as_str().into(),
            world.client.as_str().into(),
            world.tenant.as_str().into(),
            world.name.as_str().into(),
            world.layer.as_str().into(),
            world.frozen.into(),
            world.created.as_microsecond().into(),
            world.used.as_microsecond().into(),
        ],
    )
}

fn key_of(hash: &[u8], id: &str, rights: Rights, now: Timestamp) -> Statement {
    sql(
        "INSERT INTO world_keys (hash, world, rights, created) VALUES ($1, $2, $3, $4)",
        [
            Cell::from(hash.to_vec()),
            id.into(),
            rights.as_str().into(),
            now.as_microsecond().into(),
        ],
    )
}

fn world(mut row: Row) -> Result<WorldRow, StoreError> {
    Ok(WorldRow {
        id: row.text(0)?,
        client: row.text(1)?,
        tenant: row.text(2)?,
        name: row.text(3)?,
        layer: row.text(4)?,
        frozen: row.flag(5)?,
        created: time(row.int(6)?)?,
        used: time(row.int(7)?)?,
    })
}
