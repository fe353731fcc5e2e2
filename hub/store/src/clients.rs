//! Tenants, their clients, and the keys of these.

use crate::StoreError;
use crate::db::{Db, Row, sql};
use hub_core::Environment;
use hub_core::time::Timestamp;

/// An organisation that owns clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantRow {
    /// Stable id.
    pub id: String,
    /// Name people read.
    pub name: String,
    /// Since when.
    pub created: Timestamp,
}

/// A calling application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRow {
    /// Stable id.
    pub id: String,
    /// Owner.
    pub tenant: String,
    /// Name people read.
    pub name: String,
    /// Name of its plan.
    pub plan: String,
    /// Where its keys are good.
    pub environment: Environment,
    /// Exact CORS origins.
    pub origins: Vec<String>,
    /// Suspended clients have no good key.
    pub active: bool,
    /// Since when.
    pub created: Timestamp,
}

/// A key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRow {
    /// Public part by which it is found.
    pub prefix: String,
    /// Whose it is.
    pub client: String,
    /// Keyed hash of the whole key.
    pub hash: Vec<u8>,
    /// Dead at once.
    pub revoked: bool,
    /// Dead from then on.
    pub expires: Option<Timestamp>,
    /// Since when.
    pub created: Timestamp,
}

/// Reads a time back.
pub(crate) fn time(micros: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(micros).map_err(|_| StoreError::Damaged("a time is out of range"))
}

/// The repository of tenants, clients and keys.
#[derive(Debug, Clone, Copy)]
pub struct Clients<'a> {
    pub(crate) db: &'a Db,
}

impl Clients<'_> {
    /// Keeps a tenant; its name is replaced if it exists.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn put_tenant(&self, tenant: &TenantRow) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO tenants (id, name, created) VALUES ($1, $2, $3)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name",
            [
                tenant.id.as_str().into(),
                tenant.name.as_str().into(),
                tenant.created.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Every tenant.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, StoreError> {
        let rows = self
            .db
            .read(sql("SELECT id, name, created FROM tenants ORDER BY id", []))
            .await?;
        rows.into_iter()
            .map(|mut r| {
                Ok(TenantRow {
                    id: r.text(0)?,
                    name: r.text(1)?,
                    created: time(r.int(2)?)?,
                })
            })
            .collect()
    }

    /// Keeps a client, in place of its earlier form; tenant, environment and birth stay as they were.
    ///
    /// # Errors
    /// If its tenant is unknown or the store does not answer.
    pub async fn put_client(&self, client: &ClientRow) -> Result<(), StoreError> {
        let origins = serde_json::to_string(&client.origins).unwrap_or_else(|_| "[]".to_owned());
        let statement = sql(
            "INSERT INTO clients (id, tenant, name, plan, environment, origins, active, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (id) DO UPDATE
             SET name = excluded.name, plan = excluded.plan, origins = excluded.origins, active = excluded.active",
            [
                client.id.as_str().into(),
                client.tenant.as_str().into(),
                client.name.as_str().into(),
                client.plan.as_str().into(),
                client.environment.as_str().into(),
                origins.into(),
                client.active.into(),
                client.created.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Every client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn clients(&self) -> Result<Vec<ClientRow>, StoreError> {
        let statement = sql(
            "SELECT id, tenant, name, plan, environment, origins, active, created FROM clients ORDER BY id",
            [],
        );
        self.db.read(statement).await?.into_iter().map(client).collect()
    }

    /// Keeps a new key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the prefix is taken or the client unknown.
    pub async fn add_key(&self, key: &KeyRow) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO client_keys (prefix, client, hash, revoked, expires, created) VALUES ($1, $2, $3, $4, $5, $6)",
            [
                key.prefix.as_str().into(),
                key.client.as_str().into(),
                key.hash.clone().into(),
                key.revoked.into(),
                key.expires.map(Timestamp::as_microsecond).into(),
                key.created.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Ends a key at a time; an earlier end stays. `false` if there is no such key.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end_key(&self, prefix: &str, at: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE client_keys SET expires = CASE WHEN expires IS NULL OR expires > $2 THEN $2 ELSE expires END
             WHERE prefix = $1 RETURNING prefix",
            [prefix.into(), at.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Kills a key at once. `false` if there is no such key.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn revoke_key(&self, prefix: &str) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE client_keys SET revoked = 1 WHERE prefix = $1 RETURNING prefix",
            [prefix.into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Every key, dead ones too.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        let statement = sql(
            "SELECT prefix, client, hash, revoked, expires, created FROM client_keys ORDER BY created, prefix",
            [],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter()
            .map(|mut r| {
                Ok(KeyRow {
                    prefix: r.text(0)?,
                    client: r.text(1)?,
                    hash: r.bytes(2)?,
                    revoked: r.flag(3)?,
                    expires: r.maybe_int(4)?.map(time).transpose()?,
                    created: time(r.int(5)?)?,
                })
            })
            .collect()
    }
}

fn client(mut row: Row) -> Result<ClientRow, StoreError> {
    Ok(ClientRow {
        id: row.text(0)?,
        tenant: row.text(1)?,
        name: row.text(2)?,
        plan: row.text(3)?,
        environment: row
            .text(4)?
            .parse()
            .map_err(|_| StoreError::Damaged("an environment"))?,
        origins: serde_json::from_str(&row.text(5)?).map_err(|_| StoreError::Damaged("origins of a client"))?,
        active: row.flag(6)?,
        created: time(row.int(7)?)?,
    })
}
