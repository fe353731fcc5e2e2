//! The manual queue: submissions nobody could tell about, as operators see them and decide about them.
//!
//! A decision is written to the trail. Inputs and answers are the subject's and the agency's: operators see neither.

use crate::gateway::Gateway;
use crate::matters;
use crate::normalize::{flagged, normalize};
use crate::replay::unavailable;
use hub_core::ports::{Answer, TrailRecord};
use hub_core::time::rfc3339;
use hub_core::{Environment, Problem, ProblemCode, Text};
use hub_store::{Decision, Submission, SubmissionState, Wanted};
use serde_json::{Value, json};

/// Longest note.
const NOTE: usize = 2_000;
/// What can be decided.
pub const DECISIONS: [&str; 3] = ["delivered", "again", "refused"];

impl Gateway {
    /// Submissions as operators see them, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn submissions(&self, wanted: &Wanted) -> Result<Vec<Value>, Problem> {
        let list = self.core.store.submissions().list(wanted).await.map_err(unavailable)?;
        Ok(list.iter().map(view).collect())
    }

    /// One submission as operators see it.
    ///
    /// # Errors
    /// If there is none, or the store does not answer.
    pub async fn submission(&self, id: &str) -> Result<Value, Problem> {
        Ok(view(&self.kept(id).await?))
    }

    /// How many submissions stand in each state.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn submission_counts(&self) -> Result<Vec<(SubmissionState, u64)>, Problem> {
        self.core.store.submissions().counts().await.map_err(unavailable)
    }

    async fn kept(&self, id: &str) -> Result<Submission, Problem> {
        let found = self.core.store.submissions().get(id).await.map_err(unavailable)?;
        found.ok_or_else(|| Problem::new(ProblemCode::NotFound))
    }

    /// A person has found out what became of a submission: `delivered` (with the agency's answer, if they know it),
    /// `again` (it has not arrived), `refused`.
    ///
    /// # Errors
    /// If the word or the answer does not fit, or nobody has to decide about it.
    pub async fn decide(
        &self,
        id: &str,
        word: &str,
        answer: Option<Value>,
        note: Option<&str>,
    ) -> Result<Value, Problem> {
        let unfit = |place: &str, expected: Text, got: String| {
            Problem::new(ProblemCode::ValidationFailed).at(place.to_owned(), expected, got)
        };
        if note.is_some_and(|n| n.chars().count() > NOTE) {
            let expected = Text::new(format!("不超过 {NOTE} 字"), format!("at most {NOTE} characters"));
            return Err(unfit("/note", expected, "more".into()));
        }
        let submission = self.kept(id).await?;
        let snapshot = self.snapshot();
        let operation = snapshot.catalog.operation(&submission.operation);
        let decision = match word {
            "delivered" => Decision::Delivered(match (answer, operation) {
                (Some(body), Some(operation)) => {
                    let answer = Answer::new(operation.status, body);
                    let fits = normalize(&snapshot.catalog, operation, answer);
                    // What an agency may add to its codes, a person may not mistype.
                    let fits = fits.and_then(|answer| match flagged(&answer).as_slice() {
                        [] => Ok(answer),
                        [field, ..] => Err(unfit(
                            &format!("/answer/{field}"),
                            Text::new("合同中的代码", "a code of the contract"),
                            "another".to_owned(),
                        )),
                    });
                    let refused = |mut problem: Problem| {
                        problem.code = ProblemCode::ValidationFailed;
                        problem.kept(hub_core::Kept::Nothing)
                    };
                    fits.map_err(refused)?.body
                }
                _ => Value::Null,
            }),
            "again" => Decision::Again,
            "refused" => Decision::Refused(ProblemCode::BusinessRejected.as_str()),
            other => return Err(unfit("/decision", Text::same(DECISIONS.join(", ")), other.to_owned())),
        };
        let now = self.core.clock.now();
        let decided = self.core.store.submissions().decide(id, &decision, note, now).await;
        if !decided.map_err(unavailable)? {
            return Err(Problem::new(ProblemCode::Conflict).detail(
                format!("该提交处于 {} 状态，无需人工处理", submission.state.as_str()),
                format!(
                    "The submission is {}; nobody has to decide about it",
                    submission.state.as_str()
                ),
            ));
        }
        if let (Decision::Delivered(body), Some(operation)) = (&decision, operation)
            && !body.is_null()
        {
            let outcome = Ok(Answer::new(operation.status, body.clone()));
            matters::opened(&self.core, &snapshot, operation, id, &submission.input, &outcome).await;
        }
        self.decided(&submission, word, operation.map(|o| o.level)).await?;
        self.submission(id).await
    }

    /// Writes down what an operator did: who, by which route, how it ended. Durable before the answer leaves.
    ///
    /// # Errors
    /// If the trail cannot be written.
    pub async fn note_act(&self, who: &str, act: &str, request: &str, status: u16) -> Result<(), Problem> {
        let record = TrailRecord {
            at: rfc3339(self.core.clock.now()),
            request_id: request.to_owned(),
            environment: Environment::Live,
            client: None,
            tenant: None,
            subject: None,
            principal: None,
            agent: None,
            operation: Some(act.to_owned()),
            level: None,
            grant: Some(who.to_owned()),
            fields: Vec::new(),
            status,
            problem: None,
            submission: None,
            elapsed_ms: 0,
            attempts: 0,
            jump: None,
        };
        let written = self.core.trail.write(record, true).await;
        written.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))
    }

    async fn decided(
        &self,
        submission: &Submission,
        word: &str,
        level: Option<hub_core::DataLevel>,
    ) -> Result<(), Problem> {
        let record = TrailRecord {
            at: rfc3339(self.core.clock.now()),
            request_id: submission.request_id.clone(),
            environment: Environment::Live,
            client: Some(submission.client.clone()),
            tenant: submission.tenant.clone(),
            subject: Some(submission.subject.clone()).filter(|s| !s.is_empty()),
            principal: None,
            agent: None,
            operation: Some(submission.operation.clone()),
            level,
            grant: Some(format!("operator:{word}")),
            fields: Vec::new(),
            status: 200,
            problem: None,
            submission: Some(submission.id.clone()),
            elapsed_ms: 0,
            attempts: 0,
            jump: None,
        };
        let written = self.core.trail.write(record, true).await;
        written.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))
    }
}

fn view(submission: &Submission) -> Value {
    json!({
        "submission": submission.id, "operation": submission.operation, "system": submission.system,
        "client": submission.client, "tenant": submission.tenant, "request_id": submission.request_id,
        "state": submission.state.as_str(), "reason": submission.reason, "attempts": submission.attempts,
        "next_attempt": (submission.state == SubmissionState::Stored).then(|| rfc3339(submission.next_at)),
        "created": rfc3339(submission.created), "updated": rfc3339(submission.updated), "note": submission.note,
    })
}
