//! Submissions as operators see them: the manual queue, and what a node that died left behind.

use crate::StoreError;
use crate::db::sql;
use crate::submissions::{Submission, SubmissionState, Submissions};
use hub_core::time::Timestamp;
use serde_json::Value;

/// What a person decided about a submission nobody could tell about.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// The agency has it; its answer in the contract's terms, if the person knows it.
    Delivered(Value),
    /// It has not arrived: send it.
    Again,
    /// The agency refuses it; a problem code.
    Refused(&'static str),
}

/// Which submissions an operator wants to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only in this state.
    pub state: Option<SubmissionState>,
    /// Only to this system.
    pub system: Option<String>,
    /// Only those accepted later.
    pub after: Option<Timestamp>,
    /// At most so many.
    pub most: u32,
}

impl Submissions<'_> {
    /// What operators see, oldest first.
    ///
    /// # Errors
    /// If the store does not answer or a row does not open.
    pub async fn list(&self, wanted: &Wanted) -> Result<Vec<Submission>, StoreError> {
        let state = wanted.state.map_or("", SubmissionState::as_str);
        let statement = sql(
            "SELECT id, operation, client, subject, pairwise, request_id, input, state, attempts, next_at, answer,
                    reason, created, updated, system, tenant, note
             FROM submissions
             WHERE ($1 = '' OR state = $1) AND ($2 = '' OR system = $2) AND created > $3
             ORDER BY created, id LIMIT $4",
            [
                state.into(),
                wanted.system.clone().unwrap_or_default().into(),
                wanted.after.map_or(i64::MIN, Timestamp::as_microsecond).into(),
                i64::from(wanted.most).into(),
            ],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter()
            .map(|mut row| self.submission(row.text(0)?, row))
            .collect()
    }

    /// A person decides about a submission that waits for one; false if none waits.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn decide(
        &self,
        id: &str,
        decision: &Decision,
        note: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (state, answer, reason) = match decision {
            Decision::Delivered(answer) => {
                let plain = serde_json::to_vec(answer).map_err(|_| StoreError::Damaged("the answer is no JSON"))?;
                (
                    SubmissionState::Delivered,
                    Some(self.sealer.seal(&plain, "answer", id)?),
                    None,
                )
            }
            Decision::Again => (SubmissionState::Stored, None, None),
            Decision::Refused(code) => (SubmissionState::Failed, None, Some(*code)),
        };
        let note = note
            .map(|text| self.sealer.seal(text.as_bytes(), "note", id))
            .transpose()?;
        let statement = sql(
            "UPDATE submissions SET state = $2, answer = $3, reason = $4, note = $5, doubt = 0, next_at = $6, updated = $6
             WHERE id = $1 AND state = 'manual' RETURNING id",
            [
                id.into(),
                state.as_str().into(),
                answer.into(),
                reason.into(),
                note.into(),
                now.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// What this node was at when it died is due now, in doubt, and the keys it held are free. Call it when no other process can be this node.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn take_over(&self, now: Timestamp) -> Result<u64, StoreError> {
        let statement = sql(
            "UPDATE submissions SET next_at = $2, doubt = 1
             WHERE state = 'delivering' AND holder = $1 AND next_at > $2 RETURNING 1",
            [self.node.into(), now.as_microsecond().into()],
        );
        // Whoever repeats a call under its key need not wait either.
        let keys = sql(
            "UPDATE idempotency SET busy_until = $2 WHERE done = 0 AND holder = $1 AND busy_until > $2",
            [self.node.into(), now.as_microsecond().into()],
        );
        self.db
            .write_all(vec![keys, statement])
            .await
            .map(|rows| rows.len() as u64)
    }
}
