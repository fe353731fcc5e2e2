//! Small things by name: plain facts, and sealed secrets.

use crate::StoreError;
use crate::db::{Db, sql};
use crate::master_key::Sealer;

/// Plain facts by name.
#[derive(Debug, Clone, Copy)]
pub struct Meta<'a> {
    pub(crate) db: &'a Db,
}

impl Meta<'_> {
    /// A fact.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, name: &str) -> Result<Option<String>, StoreError> {
        let row = self
            .db
            .read_one(sql("SELECT value FROM meta WHERE name = $1", [name.into()]))
            .await?;
        row.map(|mut r| r.text(0)).transpose()
    }

    /// Keeps a fact, in place of an earlier one.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn put(&self, name: &str, value: &str) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name.into(), value.into()],
        );
        self.db.write(statement).await.map(drop)
    }
}

/// Sealed secrets by name.
#[derive(Debug, Clone, Copy)]
pub struct Secrets<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl Secrets<'_> {
    /// A secret.
    ///
    /// # Errors
    /// If the store does not answer or the value does not open.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self
            .db
            .read_one(sql("SELECT sealed FROM secrets WHERE name = $1", [name.into()]))
            .await?;
        row.map(|mut r| self.sealer.open(&r.bytes(0)?, "secret", name))
            .transpose()
    }

    /// Keeps a secret, in place of an earlier one.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn put(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO secrets (name, sealed) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET sealed = excluded.sealed",
            [name.into(), self.sealer.seal(value, "secret", name)?.into()],
        );
        self.db.write(statement).await.map(drop)
    }

    /// The secret of this name; the first caller's `fresh` value becomes it for all.
    ///
    /// # Errors
    /// If the store does not answer or the value does not open.
    pub async fn get_or_keep(&self, name: &str, fresh: &[u8]) -> Result<Vec<u8>, StoreError> {
        if let Some(known) = self.get(name).await? {
            return Ok(known);
        }
        let statement = sql(
            "INSERT INTO secrets (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING",
            [name.into(), self.sealer.seal(fresh, "secret", name)?.into()],
        );
        self.db.write(statement).await?;
        self.get(name)
            .await?
            .ok_or(StoreError::Damaged("a secret just kept is gone"))
    }
}
