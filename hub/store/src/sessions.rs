//! Sessions at the agencies' systems: one a system, shared by all hubs, made by one of them at a time.
//!
//! Many systems kill the older of two sessions and count logins. So whoever wants to log in first takes the lease of the
//! system; the others wait for what it keeps.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptSession {
    /// What the login left, as its owner wrote it.
    pub bytes: Vec<u8>,
    /// When it was made.
    pub since: Timestamp,
}

/// The repository of sessions.
#[derive(Debug, Clone, Copy)]
pub struct Sessions<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl Sessions<'_> {
    /// The session of a system, if one is kept.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn get(&self, system: &str) -> Result<Option<KeptSession>, StoreError> {
        let statement = sql("SELECT sealed, since FROM sessions WHERE system = $1", [system.into()]);
        let Some(mut row) = self.db.read_one(statement).await? else {
            return Ok(None);
        };
        let Some(sealed) = row.maybe_bytes(0)? else {
            return Ok(None);
        };
        Ok(Some(KeptSession {
            bytes: self.sealer.open(&sealed, "session", system)?,
            since: time(row.int(1)?)?,
        }))
    }

    /// The right to log in until a time; false while somebody else has it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn lease(
        &self,
        system: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO sessions (system, sealed, since, holder, lease_until) VALUES ($1, NULL, 0, $2, $4)
             ON CONFLICT (system) DO UPDATE SET holder = excluded.holder, lease_until = excluded.lease_until
             WHERE sessions.lease_until <= $3 OR sessions.holder = excluded.holder
             RETURNING system",
            [
                system.into(),
                holder.into(),
                now.as_microsecond().into(),
                until.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Keeps a session for all, unless a younger one is kept already, and ends the lease.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keep(&self, system: &str, holder: &str, session: &KeptSession) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO sessions (system, sealed, since, holder, lease_until) VALUES ($1, $2, $3, $4, 0)
             ON CONFLICT (system) DO UPDATE SET
                 sealed = excluded.sealed, since = excluded.since,
                 lease_until = 0
             WHERE sessions.sealed IS NULL OR sessions.since <= excluded.since
             RETURNING system",
            [
                system.into(),
                self.sealer.seal(&session.bytes, "session", system)?.into(),
                session.since.as_microsecond().into(),
                holder.into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Ends the lease without a session: the login failed.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn release(&self, system: &str, holder: &str) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE sessions SET lease_until = 0 WHERE system = $1 AND holder = $2",
            [system.into(), holder.into()],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Forgets a session that the system no longer takes, unless a younger one is kept.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn forget(&self, system: &str, since: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE sessions SET sealed = NULL WHERE system = $1 AND since <= $2",
            [system.into(), since.as_microsecond().into()],
        );
        self.db.write(statement).await.map(drop)
    }
}
