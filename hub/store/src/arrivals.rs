//! People who come from identity providers: what must survive while they are away, and who they are here.
//!
//! A dance is taken by one statement that names its provider and its browser, so that of many who try one succeeds and nobody
//! else can use it up.

use crate::StoreError;
use crate::db::{Db, Statement, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// A sign-in that begins at an identity provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dance {
    /// Hash of its state.
    pub state: String,
    /// Which provider.
    pub provider: String,
    /// Hash of the browser's name.
    pub browser: String,
    /// What is needed when the person comes back, as its owner wrote it.
    pub content: Vec<u8>,
    /// Dead from then on.
    pub expires: Timestamp,
}

/// A session here that came from one at a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TheirSession {
    /// Ours.
    pub sid: String,
    /// Mark of the person at the provider.
    pub mark: String,
    /// Mark of the provider's session; empty if it has told none.
    pub their: String,
    /// Mark of the subject here.
    pub subject: String,
    /// Of no use from then on.
    pub expires: Timestamp,
}

/// The repository of arrivals.
#[derive(Debug, Clone, Copy)]
pub struct Arrivals<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl Arrivals<'_> {
    /// Keeps a dance.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn begin(&self, dance: &Dance) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO idp_dances (state, provider, browser, sealed, expires) VALUES ($1, $2, $3, $4, $5)",
            [
                dance.state.as_str().into(),
                dance.provider.as_str().into(),
                dance.browser.as_str().into(),
                self.sealer.seal(&dance.content, "dance", &dance.state)?.into(),
                dance.expires.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Takes a dance, for the one who comes first.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn take(
        &self,
        state: &str,
        provider: &str,
        browser: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let statement = sql(
            "DELETE FROM idp_dances WHERE state = $1 AND provider = $2 AND browser = $3 AND expires > $4 RETURNING sealed",
            [
                state.into(),
                provider.into(),
                browser.into(),
                now.as_microsecond().into(),
            ],
        );
        let row = self.db.write(statement).await?.into_iter().next();
        row.map(|mut r| self.sealer.open(&r.bytes(0)?, "dance", state))
            .transpose()
    }

    /// The account that a mark leads to.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn account(&self, mark: &str) -> Result<Option<String>, StoreError> {
        let statement = sql("SELECT account FROM idp_links WHERE mark = $1", [mark.into()]);
        let row = self.db.read_one(statement).await?;
        row.map(|mut r| r.text(0)).transpose()
    }

    /// The account of a person at a provider; `new` becomes it, if there is none yet. Of several who come at once all are told
    /// the same.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn link(&self, mark: &str, provider: &str, new: &str, now: Timestamp) -> Result<String, StoreError> {
        let statement = sql(
            "INSERT INTO idp_links (mark, provider, account, since) VALUES ($1, $2, $3, $4)
             ON CONFLICT (mark) DO UPDATE SET provider = excluded.provider RETURNING account",
            [mark.into(), provider.into(), new.into(), now.as_microsecond().into()],
        );
        self.told(statement).await
    }

    /// The account of a proven id number; `new` becomes it, if there is none yet.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn number(&self, mark: &str, new: &str, now: Timestamp) -> Result<String, StoreError> {
        let statement = sql(
            "INSERT INTO idp_numbers (mark, account, since) VALUES ($1, $2, $3)
             ON CONFLICT (mark) DO UPDATE SET since = idp_numbers.since RETURNING account",
            [mark.into(), new.into(), now.as_microsecond().into()],
        );
        self.told(statement).await
    }

    async fn told(&self, statement: Statement) -> Result<String, StoreError> {
        let row = self.db.write(statement).await?.into_iter().next();
        row.ok_or(StoreError::Damaged("a link to an account"))?.text(0)
    }

    /// Remembers where a session came from.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn came_from(&self, session: &TheirSession) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO idp_sessions (sid, mark, their, subject, expires) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (sid, mark, their) DO UPDATE SET expires = excluded.expires",
            [
                session.sid.as_str().into(),
                session.mark.as_str().into(),
                session.their.as_str().into(),
                session.subject.as_str().into(),
                session.expires.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// The sessions that came from a provider's session (`their`), or from any of a person there (`mark`); of both, if both are
    /// given. `(ours, subject)`; they are forgotten.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn take_sessions(
        &self,
        mark: Option<&str>,
        their: Option<&str>,
    ) -> Result<Vec<(String, String)>, StoreError> {
        let statement = match (mark, their) {
            (Some(mark), Some(their)) => sql(
                "DELETE FROM idp_sessions WHERE mark = $1 AND their = $2 RETURNING sid, subject",
                [mark.into(), their.into()],
            ),
            (Some(mark), None) => sql(
                "DELETE FROM idp_sessions WHERE mark = $1 RETURNING sid, subject",
                [mark.into()],
            ),
            (None, Some(their)) => sql(
                "DELETE FROM idp_sessions WHERE their = $1 RETURNING sid, subject",
                [their.into()],
            ),
            (None, None) => return Ok(Vec::new()),
        };
        let rows = self.db.write(statement).await?;
        rows.into_iter().map(|mut r| Ok((r.text(0)?, r.text(1)?))).collect()
    }
}

/// Deletes what has run out.
pub(crate) fn forget_expired(now: i64) -> Vec<Statement> {
    vec![
        sql("DELETE FROM idp_dances WHERE expires <= $1", [now.into()]),
        sql("DELETE FROM idp_sessions WHERE expires <= $1", [now.into()]),
    ]
}
