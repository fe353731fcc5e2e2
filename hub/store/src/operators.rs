//! People who operate the hub, and their sign-ins.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// A person who operates the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRow {
    /// Stable id.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// `system`, `security` or `audit`.
    pub role: String,
    /// Hash of the password.
    pub password: Vec<u8>,
    /// What it was hashed with.
    pub salt: Vec<u8>,
    /// Secret of the second factor.
    pub secret: Vec<u8>,
    /// Last step of time whose code was used.
    pub step: i64,
    /// Failures in a row.
    pub failed: i64,
    /// Locked until.
    pub locked: Timestamp,
    /// Whether they may sign in at all.
    pub active: bool,
    /// Since when.
    pub created: Timestamp,
}

/// The repository of operators.
#[derive(Debug, Clone, Copy)]
pub struct Operators<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl Operators<'_> {
    /// Keeps a new operator; `false` if the name is taken.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn add(&self, new: &OperatorRow) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO operators (id, name, role, password, salt, sealed, step, failed, locked, active, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, 1, $8) ON CONFLICT (name) DO NOTHING RETURNING id",
            [
                new.id.as_str().into(),
                new.name.as_str().into(),
                new.role.as_str().into(),
                new.password.clone().into(),
                new.salt.clone().into(),
                self.sealer.seal(&new.secret, "operator", &new.id)?.into(),
                new.step.into(),
                new.created.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Every operator.
    ///
    /// # Errors
    /// If the store does not answer or a row does not open.
    pub async fn all(&self) -> Result<Vec<OperatorRow>, StoreError> {
        let statement = sql(
            "SELECT id, name, role, password, salt, sealed, step, failed, locked, active, created FROM operators ORDER BY name",
            [],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|row| self.operator(row)).collect()
    }

    /// Counts a failure; locks the account until a time if that is one too many.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn failed(&self, id: &str, most: i64, locked: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE operators SET failed = CASE WHEN failed + 1 >= $2 THEN 0 ELSE failed + 1 END,
                                  locked = CASE WHEN failed + 1 >= $2 THEN $3 ELSE locked END
             WHERE id = $1",
            [id.into(), most.into(), locked.as_microsecond().into()],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Uses the code of a step of time up and opens a session. Of many who try with one code, one is told `true`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sign_in(&self, id: &str, step: i64, session: &str, now: Timestamp) -> Result<bool, StoreError> {
        let take = sql(
            "UPDATE operators SET step = $2, failed = 0 WHERE id = $1 AND step < $2 AND active = 1 RETURNING id",
            [id.into(), step.into()],
        );
        if self.db.write(take).await?.is_empty() {
            return Ok(false);
        }
        let open = sql(
            "INSERT INTO operator_sessions (hash, operator, since, seen) VALUES ($1, $2, $3, $3)",
            [session.into(), id.into(), now.as_microsecond().into()],
        );
        self.db.write(open).await.map(|_| true)
    }

    /// The operator of a session that began after `since` and was seen after `seen`; notes that it is seen.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn session(
        &self,
        hash: &str,
        since: Timestamp,
        seen: Timestamp,
        now: Timestamp,
    ) -> Result<Option<OperatorRow>, StoreError> {
        let statement = sql(
            "UPDATE operator_sessions SET seen = $4 WHERE hash = $1 AND since > $2 AND seen > $3 RETURNING operator",
            [
                hash.into(),
                since.as_microsecond().into(),
                seen.as_microsecond().into(),
                now.as_microsecond().into(),
            ],
        );
        let Some(mut row) = self.db.write(statement).await?.into_iter().next() else {
            return Ok(None);
        };
        let id = row.text(0)?;
        Ok(self.all().await?.into_iter().find(|o| o.id == id && o.active))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sign_out(&self, hash: &str) -> Result<(), StoreError> {
        let statement = sql("DELETE FROM operator_sessions WHERE hash = $1", [hash.into()]);
        self.db.write(statement).await.map(drop)
    }

    /// Lets an operator in no more, and ends what they had open; `false` if there is none.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn dismiss(&self, id: &str) -> Result<bool, StoreError> {
        let end = sql("DELETE FROM operator_sessions WHERE operator = $1", [id.into()]);
        let shut = sql(
            "UPDATE operators SET active = 0 WHERE id = $1 AND active = 1 RETURNING id",
            [id.into()],
        );
        self.db.write_all(vec![end, shut]).await.map(|rows| !rows.is_empty())
    }

    fn operator(&self, mut row: Row) -> Result<OperatorRow, StoreError> {
        let id = row.text(0)?;
        Ok(OperatorRow {
            name: row.text(1)?,
            role: row.text(2)?,
            password: row.bytes(3)?,
            salt: row.bytes(4)?,
            secret: self.sealer.open(&row.bytes(5)?, "operator", &id)?,
            step: row.int(6)?,
            failed: row.int(7)?,
            locked: time(row.int(8)?)?,
            active: row.flag(9)?,
            created: time(row.int(10)?)?,
            id,
        })
    }
}
