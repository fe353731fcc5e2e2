//! What all hubs over one store draw from: budgets given out in pieces, and the list of the hubs themselves.

use crate::StoreError;
use crate::db::{Db, sql};
use hub_core::time::Timestamp;

/// Budgets given out in pieces. What is given is written down before it is used, so that no crash can give it twice.
#[derive(Debug, Clone, Copy)]
pub struct Ledger<'a> {
    pub(crate) db: &'a Db,
}

impl Ledger<'_> {
    /// Takes up to `want` of what is left of `most` in this period; how many it got.
    ///
    /// # Errors
    /// If the store does not answer; then nothing may be used.
    pub async fn take(&self, name: &str, period: &str, want: u64, most: u64) -> Result<u64, StoreError> {
        let mut want = want.min(most);
        // Somebody else may take at the same time; after a few rounds the rest is too small to be fought for.
        for _ in 0..4 {
            if want == 0 {
                return Ok(0);
            }
            let statement = sql(
                "INSERT INTO ledger (name, period, used) VALUES ($1, $2, $3)
                 ON CONFLICT (name, period) DO UPDATE SET used = ledger.used + excluded.used
                 WHERE ledger.used + excluded.used <= $4
                 RETURNING used",
                [name.into(), period.into(), int(want), int(most)],
            );
            if !self.db.write(statement).await?.is_empty() {
                return Ok(want);
            }
            want = want.min(most.saturating_sub(self.used(name, period).await?));
        }
        Ok(0)
    }

    /// Gives back what was taken and not used.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn give_back(&self, name: &str, period: &str, unused: u64) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE ledger SET used = CASE WHEN used > $3 THEN used - $3 ELSE 0 END WHERE name = $1 AND period = $2",
            [name.into(), period.into(), int(unused)],
        );
        self.db.write(statement).await.map(drop)
    }

    /// How much of a period is given out.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn used(&self, name: &str, period: &str) -> Result<u64, StoreError> {
        let statement = sql(
            "SELECT used FROM ledger WHERE name = $1 AND period = $2",
            [name.into(), period.into()],
        );
        let row = self.db.read_one(statement).await?;
        let used = row.map(|mut r| r.int(0)).transpose()?.unwrap_or(0);
        Ok(u64::try_from(used).unwrap_or(0))
    }

    /// Forgets periods that end before this one; periods are compared as texts.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn forget_before(&self, period: &str) -> Result<u64, StoreError> {
        let statement = sql("DELETE FROM ledger WHERE period < $1 RETURNING 1", [period.into()]);
        self.db.write(statement).await.map(|rows| rows.len() as u64)
    }
}

fn int(number: u64) -> crate::db::Cell {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

/// This node's place among the hubs over one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its place, from 0.
    pub rank: u32,
    /// How many there are.
    pub hubs: u32,
    /// Microseconds since this node joined: whoever has just joined is not yet known to the others.
    pub joined: Timestamp,
}

/// The hubs over one store.
#[derive(Debug, Clone, Copy)]
pub struct Nodes<'a> {
    pub(crate) db: &'a Db,
}

impl Nodes<'_> {
    /// Says that this node lives, and finds its place among those that were seen since `gone_before`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn beat(&self, id: &str, now: Timestamp, gone_before: Timestamp) -> Result<Standing, StoreError> {
        let gone = sql(
            "DELETE FROM nodes WHERE seen < $1 AND id <> $2",
            [gone_before.as_microsecond().into(), id.into()],
        );
        let beat = sql(
            "INSERT INTO nodes (id, joined, seen) VALUES ($1, $2, $2)
             ON CONFLICT (id) DO UPDATE SET seen = excluded.seen,
                 joined = CASE WHEN nodes.seen < $3 THEN excluded.joined ELSE nodes.joined END",
            [
                id.into(),
                now.as_microsecond().into(),
                gone_before.as_microsecond().into(),
            ],
        );
        self.db.write_all(vec![gone, beat]).await?;
        let rows = self
            .db
            .read(sql("SELECT id, joined FROM nodes ORDER BY id", []))
            .await?;
        let (mut rank, mut joined, hubs) = (0, now, u32::try_from(rows.len()).unwrap_or(u32::MAX));
        for (place, mut row) in rows.into_iter().enumerate() {
            if row.text(0)? == id {
                rank = u32::try_from(place).unwrap_or(u32::MAX);
                joined = crate::clients::time(row.int(1)?)?;
            }
        }
        Ok(Standing {
            rank,
            hubs: hubs.max(1),
            joined,
        })
    }

    /// Leaves, so that the others need not wait for this node to be missed.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn leave(&self, id: &str) -> Result<(), StoreError> {
        self.db
            .write(sql("DELETE FROM nodes WHERE id = $1", [id.into()]))
            .await
            .map(drop)
    }
}
