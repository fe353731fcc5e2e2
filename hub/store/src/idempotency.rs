//! Idempotency keys: which request a key stood for, and what was answered.
//!
//! A submission accepted under a key is named in the key's row by [`crate::Submissions::accept`], in one commit.
//! The scope is a hash the caller makes of client, subject, operation and key; nothing personal is in it.

use crate::StoreError;
use crate::db::{Db, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// What a key is worth now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Never used, or long ago: the caller goes on, and must finish or release it.
    New,
    /// The same request is under way.
    Busy {
        /// Its submission, if one was accepted.
        submission: Option<String>,
    },
    /// The same request was under way when the hub stopped; its submission knows the rest.
    Interrupted {
        /// The submission.
        submission: String,
    },
    /// The same request was answered.
    Done {
        /// Status answered.
        status: u16,
        /// What was answered, as the caller wrote it.
        answer: Vec<u8>,
    },
    /// The key stood for another request.
    Different,
}

/// The repository of idempotency keys.
#[derive(Debug, Clone, Copy)]
pub struct Idempotency<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
    pub(crate) node: &'a str,
}

impl Idempotency<'_> {
    /// Claims a key for a request. Of many that claim at once exactly one gets [`Claim::New`].
    ///
    /// `busy_until`: by then the caller has finished, or is dead. `expires`: until then the key is remembered.
    ///
    /// # Errors
    /// If the store does not answer; then the call must not go on.
    pub async fn claim(
        &self,
        scope: &str,
        request: &str,
        now: Timestamp,
        busy_until: Timestamp,
        expires: Timestamp,
    ) -> Result<Claim, StoreError> {
        // A row may be taken over when it is forgotten, or when its holder died before anything was accepted.
        let statement = sql(
            "INSERT INTO idempotency (scope, request, done, busy_until, expires, holder) VALUES ($1, $2, 0, $4, $5, $6)
             ON CONFLICT (scope) DO UPDATE
             SET request = excluded.request, done = 0, submission = NULL, status = NULL, answer = NULL,
                 busy_until = excluded.busy_until, expires = excluded.expires, holder = excluded.holder
             WHERE idempotency.expires <= $3
                OR (idempotency.done = 0 AND idempotency.submission IS NULL AND idempotency.busy_until <= $3
                    AND idempotency.request = excluded.request)
             RETURNING scope",
            [
                scope.into(),
                request.into(),
                now.as_microsecond().into(),
                busy_until.as_microsecond().into(),
                expires.as_microsecond().into(),
                self.node.into(),
            ],
        );
        if !self.db.write(statement).await?.is_empty() {
            return Ok(Claim::New);
        }
        self.look(scope, request, now).await
    }

    async fn look(&self, scope: &str, request: &str, now: Timestamp) -> Result<Claim, StoreError> {
        let statement = sql(
            "SELECT request, done, submission, status, answer, busy_until FROM idempotency WHERE scope = $1",
            [scope.into()],
        );
        let Some(mut row) = self.db.read_one(statement).await? else {
            // Released between the two statements; the client's next try gets it.
            return Ok(Claim::Busy { submission: None });
        };
        if row.text(0)? != request {
            return Ok(Claim::Different);
        }
        if row.flag(1)? {
            let status = u16::try_from(row.int(3)?).map_err(|_| StoreError::Damaged("a status"))?;
            let answer = self.sealer.open(&row.bytes(4)?, "answer", scope)?;
            return Ok(Claim::Done { status, answer });
        }
        Ok(match row.maybe_text(2)? {
            Some(submission) if row.int(5)? <= now.as_microsecond() => Claim::Interrupted { submission },
            submission => Claim::Busy { submission },
        })
    }

    /// Keeps the answer of a claimed key.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn finish(&self, scope: &str, status: u16, answer: &[u8]) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE idempotency SET done = 1, status = $2, answer = $3 WHERE scope = $1",
            [
                scope.into(),
                i64::from(status).into(),
                self.sealer.seal(answer, "answer", scope)?.into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Gives a claimed key back: nothing has happened, the client may try again with it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn release(&self, scope: &str) -> Result<(), StoreError> {
        self.db
            .write(sql(
                "DELETE FROM idempotency WHERE scope = $1 AND done = 0",
                [scope.into()],
            ))
            .await
            .map(drop)
    }
}
