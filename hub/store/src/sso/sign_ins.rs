//! Requests under way, sessions, consents, and what may come once only.

use super::{words, written};
use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// Changes of one consent in the same moment that all succeed.
const MOST_AT_ONCE: usize = 32;

/// Which requests are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// Pushed by the client (RFC 9126).
    Pushed,
    /// Its person is at one of our pages.
    Open,
}

impl RequestKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Open => "open",
        }
    }
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Hash of the cookie.
    pub hash: String,
    /// Its name inside.
    pub sid: String,
    /// Mark of the subject.
    pub subject: String,
    /// What is known of the person, as its owner wrote it.
    pub content: Vec<u8>,
    /// Signed in at.
    pub since: Timestamp,
    /// Last seen.
    pub seen: Timestamp,
    /// Dead from then on, whatever happens.
    pub expires: Timestamp,
}

/// What a person agreed to, or no longer agrees to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentRow {
    /// Mark of the subject.
    pub subject: String,
    /// To whom.
    pub client: String,
    /// Counts every change.
    pub epoch: i64,
    /// What.
    pub scopes: Vec<String>,
    /// Since when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Withdrawn at.
    pub withdrawn: Option<Timestamp>,
}

/// The repository of sign-ins.
#[derive(Debug, Clone, Copy)]
pub struct SignIns<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl SignIns<'_> {
    /// Keeps a request until a time; an open one is replaced.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keep_request(
        &self,
        kind: RequestKind,
        hash: &str,
        client: &str,
        content: &[u8],
        expires: Timestamp,
    ) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO sso_requests (hash, kind, client, sealed, expires) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (hash) DO UPDATE SET sealed = excluded.sealed, expires = excluded.expires",
            [
                hash.into(),
                kind.as_str().into(),
                client.into(),
                self.sealer.seal(content, "request", hash)?.into(),
                expires.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// A request under way, which stays.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn request(&self, kind: RequestKind, hash: &str, now: Timestamp) -> Result<Option<Vec<u8>>, StoreError> {
        let statement = sql(
            "SELECT sealed FROM sso_requests WHERE hash = $1 AND kind = $2 AND expires > $3",
            [hash.into(), kind.as_str().into(), now.as_microsecond().into()],
        );
        let row = self.db.read_one(statement).await?;
        row.map(|mut r| self.sealer.open(&r.bytes(0)?, "request", hash))
            .transpose()
    }

    /// A request of a client, for the one who comes first.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn take_request(
        &self,
        kind: RequestKind,
        hash: &str,
        client: &str,
        now: Timestamp,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        let statement = sql(
            "DELETE FROM sso_requests WHERE hash = $1 AND kind = $2 AND client = $3 AND expires > $4 RETURNING sealed",
            [
                hash.into(),
                kind.as_str().into(),
                client.into(),
                now.as_microsecond().into(),
            ],
        );
        let row = self.db.write(statement).await?.into_iter().next();
        row.map(|mut r| self.sealer.open(&r.bytes(0)?, "request", hash))
            .transpose()
    }

    /// Keeps a session in place of one with the same `sid`, whose cookie is dead from then on.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keep_session(&self, session: &SessionRow) -> Result<(), StoreError> {
        // In one statement: a form that is sent twice comes twice at once.
        let statement = sql(
            "INSERT INTO sso_sessions (hash, sid, subject, sealed, since, seen, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (sid) DO UPDATE SET hash = excluded.hash, subject = excluded.subject, sealed = excluded.sealed,
                 since = excluded.since, seen = excluded.seen, expires = excluded.expires",
            [
                session.hash.as_str().into(),
                session.sid.as_str().into(),
                session.subject.as_str().into(),
                self.sealer.seal(&session.content, "session", &session.sid)?.into(),
                session.since.as_microsecond().into(),
                session.seen.as_microsecond().into(),
                session.expires.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// The session of a cookie.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<SessionRow>, StoreError> {
        let statement = sql(
            "SELECT hash, sid, subject, sealed, since, seen, expires FROM sso_sessions WHERE hash = $1 AND expires > $2",
            [hash.into(), now.as_microsecond().into()],
        );
        let row = self.db.read_one(statement).await?;
        row.map(|r| self.read_session(r)).transpose()
    }

    /// Every session of a subject, the youngest first.
    ///
    /// # Errors
    /// If the store does not answer or a row does not open.
    pub async fn sessions_of(&self, subject: &str, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
        let statement = sql(
            "SELECT hash, sid, subject, sealed, since, seen, expires FROM sso_sessions
             WHERE subject = $1 AND expires > $2 ORDER BY since DESC, sid",
            [subject.into(), now.as_microsecond().into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|r| self.read_session(r)).collect()
    }

    fn read_session(&self, mut row: Row) -> Result<SessionRow, StoreError> {
        let sid = row.text(1)?;
        Ok(SessionRow {
            hash: row.text(0)?,
            subject: row.text(2)?,
            content: self.sealer.open(&row.bytes(3)?, "session", &sid)?,
            since: time(row.int(4)?)?,
            seen: time(row.int(5)?)?,
            expires: time(row.int(6)?)?,
            sid,
        })
    }

    /// Says that a session was seen.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn seen(&self, hash: &str, now: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE sso_sessions SET seen = $2 WHERE hash = $1",
            [hash.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end_session(&self, sid: &str) -> Result<(), StoreError> {
        let statement = sql("DELETE FROM sso_sessions WHERE sid = $1", [sid.into()]);
        self.db.write(statement).await.map(drop)
    }

    /// Keeps a consent as the next epoch of its subject and client. `epoch` and `withdrawn` are not read.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if others came first all the time.
    pub async fn give(&self, consent: &ConsentRow) -> Result<i64, StoreError> {
        let statement = sql(
            "INSERT INTO sso_consents (subject, client, epoch, scopes, since, until)
             SELECT $1, $2, COALESCE(MAX(epoch), 0) + 1, $3, $4, $5 FROM sso_consents WHERE subject = $1 AND client = $2
             ON CONFLICT (subject, client, epoch) DO NOTHING
             RETURNING epoch",
            [
                consent.subject.as_str().into(),
                consent.client.as_str().into(),
                written(&consent.scopes).into(),
                consent.since.as_microsecond().into(),
                consent.until.as_microsecond().into(),
            ],
        );
        // Of many who take the next epoch at once one gets it; an answer of "yes" that is sent twice comes twice at once.
        for _ in 0..MOST_AT_ONCE {
            if let Some(mut row) = self.db.write(statement.clone()).await?.into_iter().next() {
                return row.int(0);
            }
        }
        Err(StoreError::Conflict)
    }

    /// Withdraws every consent of a subject to a client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn withdraw(&self, subject: &str, client: &str, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE sso_consents SET withdrawn = $3 WHERE subject = $1 AND client = $2 AND withdrawn IS NULL
             RETURNING epoch",
            [subject.into(), client.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Every consent of a subject, the last of each client first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn consents(&self, subject: &str) -> Result<Vec<ConsentRow>, StoreError> {
        let statement = sql(
            "SELECT subject, client, epoch, scopes, since, until, withdrawn FROM sso_consents
             WHERE subject = $1 ORDER BY client, epoch DESC",
            [subject.into()],
        );
        self.db.read(statement).await?.into_iter().map(consent).collect()
    }

    /// The consent of a subject to a client that counts, withdrawn or run out as it may be.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn consent(&self, subject: &str, client: &str) -> Result<Option<ConsentRow>, StoreError> {
        let statement = sql(
            "SELECT subject, client, epoch, scopes, since, until, withdrawn FROM sso_consents
             WHERE subject = $1 AND client = $2 ORDER BY epoch DESC LIMIT 1",
            [subject.into(), client.into()],
        );
        self.db.read_one(statement).await?.map(consent).transpose()
    }

    /// Whether this mark comes for the first time before it expires.
    ///
    /// # Errors
    /// If the store does not answer; then it must not count as the first.
    pub async fn comes_first(&self, mark: &str, now: Timestamp, expires: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO sso_seen (mark, expires) VALUES ($1, $3)
             ON CONFLICT (mark) DO UPDATE SET expires = excluded.expires WHERE sso_seen.expires <= $2
             RETURNING mark",
            [
                mark.into(),
                now.as_microsecond().into(),
                expires.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }
}

fn consent(mut row: Row) -> Result<ConsentRow, StoreError> {
    Ok(ConsentRow {
        subject: row.text(0)?,
        client: row.text(1)?,
        epoch: row.int(2)?,
        scopes: words(&row.text(3)?)?,
        since: time(row.int(4)?)?,
        until: time(row.int(5)?)?,
        withdrawn: row.maybe_int(6)?.map(time).transpose()?,
    })
}
