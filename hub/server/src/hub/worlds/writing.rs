//! Writing worlds down with what happened in them, and waking those in which something is due.

use super::{Worlds, busy, stored};
use hub_core::Problem;
use hub_sandbox::Change;
use hub_store::{StoreError, Written};
use std::sync::Arc;

/// Worlds woken in one go.
const WOKEN: u32 = 20;

impl Worlds {
    pub(super) async fn write_down(&self, world: &str, changes: Vec<Change>) -> Result<(), Problem> {
        let keys: Vec<String> = changes.iter().map(|c| c.key.clone()).collect();
        let id = self.row_id(world);
        let mut told = false;
        let written = match self.store.worlds().get(id).await {
            Ok(Some(row)) => {
                let events = self.events.of(&row, &changes);
                told = !events.is_empty();
                let parts: Vec<_> = changes.into_iter().map(|c| (c.key, c.body)).collect();
                let own = !row.client.is_empty();
                let written = Written {
                    parts: &parts,
                    told: &events,
                    due: own.then(|| self.engine.next_due(world)).flatten(),
                };
                let worlds = self.store.worlds();
                worlds.write_down(id, &row.layer, &written, self.clock.now()).await
            }
            // It was removed meanwhile, and what was done in it with it.
            Ok(None) => return Ok(()),
            Err(error) => Err(error),
        };
        match written {
            Ok(true) => {
                self.engine.written_down(world, &keys);
                if told {
                    self.events.tell();
                }
                Ok(())
            }
            Ok(false) => {
                self.engine.change_again(world, &keys);
                Err(busy())
            }
            Err(error) => {
                self.engine.change_again(world, &keys);
                Err(stored(error))
            }
        }
    }

    /// Lets happen what is due by now in worlds whose clock runs, whether they are in memory or not: whoever waits for an event
    /// does not look.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn wake(self: &Arc<Self>) -> Result<(), StoreError> {
        for id in self.store.worlds().due(self.clock.now(), WOKEN).await? {
            let Ok(row) = self.row(&id).await else { continue };
            let entered = match self.enter(&row).await {
                Ok(entered) => entered,
                Err(problem) => {
                    tracing::warn!(inner = problem.inner.as_deref(), "a world could not be woken");
                    self.store.worlds().note_due(&id, None).await?;
                    continue;
                }
            };
            let _looked = self.engine.standing(&id);
            if self.engine.is_changed(&id) {
                // What is written says when something is due next.
                drop(self.write(&id).await);
            } else {
                self.store.worlds().note_due(&id, self.engine.next_due(&id)).await?;
            }
            drop(entered);
        }
        Ok(())
    }
}
