//! Writing worlds down, with what happened in them and when something is due there next: all of it or nothing.

use crate::StoreError;
use crate::db::sql;
use crate::events::{NewEvent, of_world};
use crate::worlds::{Part, Sealed, Worlds};
use hub_core::time::Timestamp;

/// What is written down of a world in one go.
#[derive(Debug, Clone, Default)]
pub struct Written<'a> {
    /// Parts.
    pub parts: &'a [Part],
    /// What happened, in order; told to the client it belongs to.
    pub told: &'a [NewEvent],
    /// When something is due next, by the machine's time.
    pub due: Option<Timestamp>,
}

impl Worlds<'_> {
    /// Writes parts of a world down, all or none; false if its layer is another by now.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn write(&self, id: &str, layer: &str, parts: &[Part], now: Timestamp) -> Result<bool, StoreError> {
        let written = Written {
            parts,
            ..Written::default()
        };
        self.write_down(id, layer, &written, now).await
    }

    /// Writes a world down, all or nothing; false if its layer is another by now.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn write_down(
        &self,
        id: &str,
        layer: &str,
        written: &Written<'_>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut statements = Vec::with_capacity(written.parts.len() + 3 * written.told.len() + 3);
        for (key, body) in written.parts {
            let place = self.sealer.mark(key);
            let body = body.as_ref().map(|body| self.seal(&place, key, body)).transpose()?;
            // Whoever lost the layer meanwhile writes nothing.
            statements.push(sql(
                "INSERT INTO world_parts (layer, place, body)
                 SELECT layer, $3, $4 FROM worlds WHERE id = $1 AND layer = $2
                 ON CONFLICT (layer, place) DO UPDATE SET body = excluded.body",
                [id.into(), layer.into(), place.into(), body.into()],
            ));
        }
        statements.extend(of_world(self.events, id, layer, written.told)?);
        statements.push(match written.due {
            Some(due) => sql(
                "INSERT INTO world_timers (world, node, due) SELECT id, $3, $4 FROM worlds WHERE id = $1 AND layer = $2
                 ON CONFLICT (world) DO UPDATE SET node = excluded.node, due = excluded.due",
                [id.into(), layer.into(), self.node.into(), due.as_microsecond().into()],
            ),
            None => sql("DELETE FROM world_timers WHERE world = $1", [id.into()]),
        });
        statements.push(sql(
            "UPDATE worlds SET used = $3, revision = revision + 1 WHERE id = $1 AND layer = $2 RETURNING id",
            [id.into(), layer.into(), now.as_microsecond().into()],
        ));
        self.db.write_all(statements).await.map(|rows| !rows.is_empty())
    }

    fn seal(&self, place: &str, key: &str, body: &str) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(&Sealed(key.to_owned(), body.to_owned()));
        let plain = plain.map_err(|_| StoreError::Damaged("a part of a world is no text"))?;
        self.sealer.seal(&plain, "part", place)
    }

    /// Worlds that were last used at this hub and in which something is due, the longest due first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn due(&self, now: Timestamp, most: u32) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "SELECT t.world FROM world_timers t JOIN worlds w ON w.id = t.world
             WHERE t.node = $1 AND t.due <= $2 AND w.frozen = 0 ORDER BY t.due LIMIT $3",
            [self.node.into(), now.as_microsecond().into(), i64::from(most).into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|mut row| row.text(0)).collect()
    }

    /// Notes when something is due next in a world that is not written to.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn note_due(&self, id: &str, due: Option<Timestamp>) -> Result<(), StoreError> {
        let statement = match due {
            Some(due) => sql(
                "UPDATE world_timers SET due = $2 WHERE world = $1",
                [id.into(), due.as_microsecond().into()],
            ),
            None => sql("DELETE FROM world_timers WHERE world = $1", [id.into()]),
        };
        self.db.write(statement).await.map(drop)
    }
}
