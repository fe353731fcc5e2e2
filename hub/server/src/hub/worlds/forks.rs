//! States of a world that are kept, copied, shared and gone back to.

use super::{Born, Worlds, busy, stored, token};
use hub_core::ports::Client;
use hub_core::{Problem, ProblemCode, Text};
use hub_sandbox::WorldClock;
use hub_store::{Rights, SnapshotRow, WorldRow, new_world_id};
use std::net::IpAddr;
use std::sync::Arc;

/// Snapshots of one world.
const SNAPSHOTS: usize = 50;

impl Worlds {
    /// Empties a world, or puts it back to a snapshot.
    ///
    /// # Errors
    /// If there is no such snapshot, or the store does not answer.
    pub async fn reset(&self, row: &WorldRow, snapshot: Option<&str>) -> Result<(), Problem> {
        let over = match snapshot {
            Some(id) => Some(self.snapshot_of(row, id).await?.layer),
            None => None,
        };
        let pen = self.pen(&row.id);
        let _held = pen.lock().await;
        let row = self.row(&row.id).await?;
        let next = new_world_id("lay_").map_err(stored)?;
        let moved = self
            .store
            .worlds()
            .move_to(&row.id, &row.layer, &next, over.as_deref())
            .await;
        if !moved.map_err(stored)? {
            return Err(busy());
        }
        self.engine.put_away(&row.id);
        match over {
            None => {
                self.engine.open(&row.id, WorldClock::default());
                self.write_held(&row.id).await
            }
            Some(_) => {
                let parts = self.store.worlds().read(&next).await.map_err(stored)?;
                match self.engine.load(&row.id, &parts) {
                    true => Ok(()),
                    false => Err(Problem::new(ProblemCode::Internal).inner("a snapshot cannot be read")),
                }
            }
        }
    }

    /// The snapshots of a world, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn snapshots(&self, id: &str) -> Result<Vec<SnapshotRow>, Problem> {
        self.store.worlds().snapshots(id).await.map_err(stored)
    }

    async fn snapshot_of(&self, row: &WorldRow, id: &str) -> Result<SnapshotRow, Problem> {
        let all = self.snapshots(&row.id).await?;
        let near: Vec<String> = all.iter().take(3).map(|s| s.id.clone()).collect();
        all.into_iter().find(|s| s.id == id).ok_or_else(|| {
            Problem::new(ProblemCode::ValidationFailed)
                .at(
                    "/snapshot",
                    Text::new("这个世界的一个快照", "a snapshot of this world"),
                    id,
                )
                .near(near)
        })
    }

    /// Keeps the state of a world.
    ///
    /// # Errors
    /// If there are too many, or the store does not answer.
    pub async fn keep(&self, row: &WorldRow, name: &str) -> Result<SnapshotRow, Problem> {
        if self.snapshots(&row.id).await?.len() >= SNAPSHOTS {
            let text = (
                format!("最多 {SNAPSHOTS} 个快照"),
                format!("At most {SNAPSHOTS} snapshots are kept"),
            );
            return Err(Problem::new(ProblemCode::QuotaExceeded).detail(text.0, text.1));
        }
        let pen = self.pen(&row.id);
        let _held = pen.lock().await;
        self.write_held(&row.id).await?;
        let row = self.row(&row.id).await?;
        let snapshot = SnapshotRow {
            id: new_world_id("snp_").map_err(stored)?,
            world: row.id.clone(),
            layer: row.layer.clone(),
            name: name.chars().take(100).collect(),
            at: self.engine.now_in(&row.id),
            created: self.clock.now(),
        };
        let next = new_world_id("lay_").map_err(stored)?;
        self.store.worlds().snapshot(&snapshot, &next).await.map_err(stored)?;
        Ok(snapshot)
    }

    /// Makes a world that is the same as another, or as a snapshot of it, and apart from it. It belongs to the caller.
    ///
    /// # Errors
    /// As [`Worlds::make`] and [`Worlds::reset`].
    pub async fn fork(
        self: &Arc<Self>,
        row: &WorldRow,
        name: &str,
        snapshot: Option<&str>,
        client: Option<&Client>,
        peer: IpAddr,
    ) -> Result<Born, Problem> {
        self.may_be_born(client, peer).await?;
        let fork = self.new_row(name, client)?;
        let (token, hash) = token("wkey_")?;
        if let Some(id) = snapshot {
            let snapshot = self.snapshot_of(row, id).await?;
            let added = self.store.worlds().add(&fork, &hash, Some(&snapshot.layer)).await;
            added.map_err(stored)?;
        } else {
            drop(self.enter(row).await?);
            let pen = self.pen(&row.id);
            let _held = pen.lock().await;
            // Both at one moment: what goes to the store is what the fork has.
            let changes = self.engine.fork(&row.id, &fork.id).ok_or_else(busy)?;
            let written = match changes.is_empty() {
                true => Ok(()),
                false => self.write_down(&row.id, changes).await,
            };
            let source = self.row(&row.id).await?;
            let next = new_world_id("lay_").map_err(stored)?;
            let forked = match written {
                Ok(()) => self
                    .store
                    .worlds()
                    .fork(&source, &next, &fork, &hash)
                    .await
                    .map_err(stored),
                Err(problem) => Err(problem),
            };
            if let Err(problem) = forked {
                self.engine.put_away(&fork.id);
                return Err(problem);
            }
        }
        self.make_room(&fork).await;
        Ok(Born { row: fork, token })
    }

    /// A token with which others can use a world.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn share(&self, row: &WorldRow, rights: Rights) -> Result<String, Problem> {
        let (token, hash) = token("wkey_")?;
        let shared = self
            .store
            .worlds()
            .share(&hash, &row.id, rights, self.clock.now())
            .await;
        shared.map(|()| token).map_err(stored)
    }
}
