//! Submissions: calls that must happen once and must not be lost.
//!
//! `stored -> delivering -> delivered | failed | manual`, and back to `stored` for another try. `delivering` is a lease:
//! whoever finds it run out knows only that the call may have left, never that it has not.
//!
//! Submissions of one subject to one system are delivered in the order in which they were accepted: a later one is not
//! taken while an earlier one is open. One that waits for a person holds up nobody.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use crate::master_key::Sealer;
use crate::store::new_id;
use hub_core::time::Timestamp;
use serde_json::{Map, Value};

/// Where a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SubmissionState {
    /// Waits for its next try.
    Stored,
    /// Somebody is at it, until the lease ends.
    Delivering,
    /// The agency has answered well.
    Delivered,
    /// The agency has refused it for good.
    Failed,
    /// A person has to look: whether it arrived cannot be found out.
    Manual,
}

impl SubmissionState {
    /// The word in the database and in answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Delivering => "delivering",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Manual => "manual",
        }
    }

    /// From its word.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(word: &str) -> Result<Self, StoreError> {
        match word {
            "stored" => Ok(Self::Stored),
            "delivering" => Ok(Self::Delivering),
            "delivered" => Ok(Self::Delivered),
            "failed" => Ok(Self::Failed),
            "manual" => Ok(Self::Manual),
            _ => Err(StoreError::Damaged("a submission's state")),
        }
    }
}

/// A submission to be kept.
#[derive(Debug, Clone)]
pub struct NewSubmission {
    /// Operation id.
    pub operation: String,
    /// The system it goes to, `agency/system`.
    pub system: String,
    /// Client id.
    pub client: String,
    /// Tenant of the client.
    pub tenant: Option<String>,
    /// The subject as the store may know it: an opaque id, never a number of the person.
    pub subject: String,
    /// Pairwise id towards the agency, if the operation passes one on.
    pub pairwise: Option<String>,
    /// Request id of the call.
    pub request_id: String,
    /// Canonical input, bound fields filled; sealed.
    pub input: Map<String, Value>,
    /// Now.
    pub now: Timestamp,
    /// The caller delivers it at once and holds the lease until then; `None` leaves it to the jobs, due at once.
    pub lease_until: Option<Timestamp>,
    /// Scope of the idempotency key it was accepted under; the key learns of the submission in the same commit, so
    /// that no crash can let the key run a second time.
    pub idempotency: Option<String>,
}

/// A kept submission.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// `sub_…`.
    pub id: String,
    /// Operation id.
    pub operation: String,
    /// The system it goes to, `agency/system`; empty for those accepted by an older hub.
    pub system: String,
    /// Client id.
    pub client: String,
    /// Tenant of the client, if it was known.
    pub tenant: Option<String>,
    /// Opaque subject id.
    pub subject: String,
    /// Pairwise id towards the agency.
    pub pairwise: Option<String>,
    /// Request id of the call.
    pub request_id: String,
    /// Canonical input.
    pub input: Map<String, Value>,
    /// Where it stands.
    pub state: SubmissionState,
    /// Tries begun.
    pub attempts: u32,
    /// Next try, or end of the lease.
    pub next_at: Timestamp,
    /// The agency's canonical answer, once delivered.
    pub answer: Option<Value>,
    /// Problem code or words for the operator, once failed, postponed or given to a person.
    pub reason: Option<String>,
    /// When it was accepted.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// What the person who decided about it wrote down; sealed at rest.
    pub note: Option<String>,
}

/// How a submission was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its id.
    pub id: String,
    /// An earlier one of the same subject to the same system is not yet delivered, so that this one must not be sent now.
    pub queued: bool,
}

/// A submission taken for a try.
#[derive(Debug, Clone, PartialEq)]
pub struct TakenSubmission {
    /// It.
    pub submission: Submission,
    /// An earlier try never reported back: it may have arrived. Ask the agency or give it to a person; do not just send.
    pub in_doubt: bool,
}

/// The repository of submissions.
#[derive(Debug, Clone, Copy)]
pub struct Submissions<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
    pub(crate) node: &'a str,
}

impl Submissions<'_> {
    /// Keeps a submission. It is on disk when this returns.
    ///
    /// # Errors
    /// If it could not be kept; then the call must not be acknowledged.
    pub async fn accept(&self, new: &NewSubmission) -> Result<Accepted, StoreError> {
        let id = new_id("sub_")?;
        let plain = serde_json::to_vec(&new.input).map_err(|_| StoreError::Damaged("the input is no JSON"))?;
        let leased = new.lease_until.is_some();
        let mut all = Vec::new();
        if let Some(scope) = &new.idempotency {
            all.push(sql(
                "UPDATE idempotency SET submission = $2 WHERE scope = $1 AND done = 0",
                [scope.as_str().into(), id.as_str().into()],
            ));
        }
        all.push(sql(
            // A call under way since it was accepted is no predecessor: of two calls made at once neither is the earlier.
            "INSERT INTO submissions
             (id, operation, client, subject, pairwise, request_id, input, state, attempts, next_at, created, updated,
              system, tenant, holder)
             SELECT $1, $2, $3, $4, $5, $6, $7, CASE WHEN held = 1 THEN 'stored' ELSE $8 END,
                    CASE WHEN held = 1 THEN 0 ELSE $9 END, CASE WHEN held = 1 THEN $11 ELSE $10 END, $11, $11,
                    $12, $13, $14
             FROM (SELECT CASE WHEN EXISTS (
                       SELECT 1 FROM submissions WHERE subject = $4 AND subject <> '' AND system = $12
                       AND (state = 'stored' OR state = 'delivering' AND (updated > created OR doubt = 1))
                   ) THEN 1 ELSE 0 END AS held) AS before
             RETURNING state",
            [
                id.as_str().into(),
                new.operation.as_str().into(),
                new.client.as_str().into(),
                new.subject.as_str().into(),
                new.pairwise.clone().into(),
                new.request_id.as_str().into(),
                self.sealer.seal(&plain, "input", &id)?.into(),
                if leased {
                    SubmissionState::Delivering
                } else {
                    SubmissionState::Stored
                }
                .as_str()
                .into(),
                i64::from(leased).into(),
                new.lease_until.unwrap_or(new.now).as_microsecond().into(),
                new.now.as_microsecond().into(),
                new.system.as_str().into(),
                new.tenant.clone().into(),
                self.node.into(),
            ],
        ));
        let mut rows = self.db.write_all(all).await?;
        let state = match rows.first_mut() {
            Some(row) => row.text(0)?,
            None => return Err(StoreError::Damaged("a submission just kept is gone")),
        };
        Ok(Accepted {
            id,
            queued: leased && state == SubmissionState::Stored.as_str(),
        })
    }

    /// Takes up to `most` submissions that are due, oldest first, and holds them until `lease_until`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn take_due(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        most: u32,
    ) -> Result<Vec<TakenSubmission>, StoreError> {
        let take = sql(
            self.db.dialect().take_due(),
            [
                now.as_microsecond().into(),
                i64::from(most).into(),
                lease_until.as_microsecond().into(),
                self.node.into(),
            ],
        );
        let mut taken = Vec::new();
        for mut row in self.db.write(take).await? {
            let in_doubt = row.flag(17)?;
            let id = row.text(0)?;
            match self.submission(id.clone(), row) {
                Ok(submission) => taken.push(TakenSubmission { submission, in_doubt }),
                // One that does not open must not hold up the others for ever.
                Err(error) => {
                    tracing::error!(submission = %id, %error, "given to a person");
                    self.manual(&id, "damaged", now).await?;
                }
            }
        }
        taken.sort_by(|a, b| (a.submission.created, &a.submission.id).cmp(&(b.submission.created, &b.submission.id)));
        Ok(taken)
    }

    /// The agency has answered well.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn delivered(&self, id: &str, answer: &Value, now: Timestamp) -> Result<bool, StoreError> {
        let plain = serde_json::to_vec(answer).map_err(|_| StoreError::Damaged("the answer is no JSON"))?;
        let statement = sql(
            "UPDATE submissions SET state = 'delivered', answer = $2, reason = NULL, updated = $3
             WHERE id = $1 AND state IN ('stored', 'delivering', 'manual') RETURNING id",
            [
                id.into(),
                self.sealer.seal(&plain, "answer", id)?.into(),
                now.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// The agency has refused it for good; `reason` is a problem code.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn failed(&self, id: &str, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE submissions SET state = 'failed', reason = $2, updated = $3
             WHERE id = $1 AND state IN ('stored', 'delivering', 'manual') RETURNING id",
            [id.into(), reason.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// A person has to look.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn manual(&self, id: &str, reason: &str, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE submissions SET state = 'manual', reason = $2, updated = $3
             WHERE id = $1 AND state IN ('stored', 'delivering') RETURNING id",
            [id.into(), reason.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// It has surely not arrived: another try at `next_at`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn again(&self, id: &str, reason: &str, next_at: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE submissions SET state = 'stored', reason = $2, next_at = $3, updated = $4
             WHERE id = $1 AND state = 'delivering' RETURNING id",
            [
                id.into(),
                reason.into(),
                next_at.as_microsecond().into(),
                now.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Still in doubt and still being asked about: stays `delivering`, looked at again at `next_at`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn hold(&self, id: &str, next_at: Timestamp, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE submissions SET next_at = $2, doubt = 1, updated = $3 WHERE id = $1 AND state = 'delivering' RETURNING id",
            [id.into(), next_at.as_microsecond().into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// One submission.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn get(&self, id: &str) -> Result<Option<Submission>, StoreError> {
        let statement = sql(
            "SELECT id, operation, client, subject, pairwise, request_id, input, state, attempts, next_at, answer,
                    reason, created, updated, system, tenant, note
             FROM submissions WHERE id = $1",
            [id.into()],
        );
        self.db
            .read_one(statement)
            .await?
            .map(|mut row| self.submission(row.text(0)?, row))
            .transpose()
    }

    /// The newest submissions of a subject, older than `before` if given.
    ///
    /// # Errors
    /// If the store does not answer or a row does not open.
    pub async fn of_subject(
        &self,
        subject: &str,
        before: Option<Timestamp>,
        most: u32,
    ) -> Result<Vec<Submission>, StoreError> {
        let statement = sql(
            "SELECT id, operation, client, subject, pairwise, request_id, input, state, attempts, next_at, answer,
                    reason, created, updated, system, tenant, note
             FROM submissions WHERE subject = $1 AND created < $2 ORDER BY created DESC, id LIMIT $3",
            [
                subject.into(),
                before.map_or(i64::MAX, Timestamp::as_microsecond).into(),
                i64::from(most).into(),
            ],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter()
            .map(|mut row| self.submission(row.text(0)?, row))
            .collect()
    }

    /// Forgets what was delivered or refused before a time; answers how many. What is open is never forgotten.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn forget_closed(&self, before: Timestamp) -> Result<u64, StoreError> {
        let statement = sql(
            "DELETE FROM submissions WHERE state IN ('delivered', 'failed') AND updated < $1 RETURNING 1",
            [before.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| rows.len() as u64)
    }

    /// How many stand in each state.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn counts(&self) -> Result<Vec<(SubmissionState, u64)>, StoreError> {
        let rows = self
            .db
            .read(sql("SELECT state, count(*) FROM submissions GROUP BY state", []))
            .await?;
        rows.into_iter()
            .map(|mut r| {
                Ok((
                    SubmissionState::parse(&r.text(0)?)?,
                    u64::try_from(r.int(1)?).unwrap_or(0),
                ))
            })
            .collect()
    }

    /// The row's columns after its id.
    pub(crate) fn submission(&self, id: String, mut row: Row) -> Result<Submission, StoreError> {
        let input = self.sealer.open(&row.bytes(6)?, "input", &id)?;
        let answer = match row.maybe_bytes(10)? {
            Some(sealed) => Some(self.sealer.open(&sealed, "answer", &id)?),
            None => None,
        };
        let note = match row.maybe_bytes(16)? {
            Some(sealed) => Some(self.sealer.open(&sealed, "note", &id)?),
            None => None,
        };
        let json = |_| StoreError::Damaged("a submission is no JSON");
        Ok(Submission {
            operation: row.text(1)?,
            client: row.text(2)?,
            subject: row.text(3)?,
            pairwise: row.maybe_text(4)?,
            request_id: row.text(5)?,
            input: serde_json::from_slice(&input).map_err(json)?,
            state: SubmissionState::parse(&row.text(7)?)?,
            attempts: u32::try_from(row.int(8)?).unwrap_or(u32::MAX),
            next_at: time(row.int(9)?)?,
            answer: answer.map(|a| serde_json::from_slice(&a)).transpose().map_err(json)?,
            reason: row.maybe_text(11)?,
            created: time(row.int(12)?)?,
            updated: time(row.int(13)?)?,
            system: row.text(14)?,
            tenant: row.maybe_text(15)?,
            note: note
                .map(String::from_utf8)
                .transpose()
                .map_err(|_| StoreError::Damaged("a note is no text"))?,
            id,
        })
    }
}
