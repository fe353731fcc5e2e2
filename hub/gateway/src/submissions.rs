//! Step accept, and what follows: a call with effect `once` is stored before it leaves, and stays stored until the
//! agency has it, refused it, or a person has to look. Why it is answered as a problem: `docs/adr/0005-submissions.md`.

use crate::evidence::Grant;
use crate::journey::subject_mark;
use crate::kept;
use crate::replay::{Ticket, unavailable};
use hub_core::ports::{Answer, Call};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Kept, Lang, Operation, Problem, ProblemCode};
use hub_store::{Accepted, NewSubmission, Store, StoreError, Submission, SubmissionState};
use jiff::SignedDuration;
use serde_json::{Value, json};

/// A submission on its way.
#[derive(Debug, Clone)]
pub(crate) struct Underway {
    pub(crate) id: String,
    pub(crate) attempts: u32,
    pub(crate) created: Timestamp,
    /// An earlier one of the same subject has not been delivered yet, so that this one waits its turn.
    pub(crate) queued: bool,
}

/// Stores the submission and names it in the call.
pub(crate) async fn accept(
    store: &Store,
    call: &mut Call,
    grant: &Grant,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<Underway, Problem> {
    let millis = i64::try_from(call.deadline_ms).unwrap_or(60_000) + 30_000;
    let new = NewSubmission {
        operation: call.operation.id.to_string(),
        system: call.operation.system.to_string(),
        tenant: grant.tenant().map(str::to_owned),
        client: grant.client().unwrap_or_default().to_owned(),
        subject: call.subject.as_ref().map_or_else(String::new, |s| subject_mark(&s.id)),
        pairwise: call.pairwise.clone(),
        request_id: call.request_id.clone(),
        input: call.input.clone(),
        // Kept together, so that even after a crash a repetition is led to the submission.
        idempotency: ticket.scope().map(str::to_owned),
        now,
        // Past this this process must have died: whether the call arrived is then in doubt.
        lease_until: Some(now + SignedDuration::from_millis(millis)),
    };
    let Accepted { id, queued } = store.submissions().accept(&new).await.map_err(unavailable)?;
    if let Some(owner) = grant.subject() {
        grant.papers().hold(store, owner, now).await?;
    }
    call.submission = Some(id.clone());
    Ok(Underway {
        id,
        attempts: 1,
        created: now,
        queued,
    })
}

/// What the subject is told about a submission that waits behind an earlier one of theirs.
pub(crate) fn waits(underway: Underway) -> Problem {
    let mut problem = Problem::new(ProblemCode::UpstreamBusy)
        .detail(
            "您先前的一次提交还在送达中；本次已收到并保存，将按先后顺序送达",
            "An earlier submission of yours is still being delivered; this one is received and saved and follows it",
        )
        .kept(Kept::Saved)
        .with("follow", format!("/me/submissions/{}", underway.id));
    problem.submission = Some(underway.id);
    problem
}

/// How long a submission is worth waiting for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Hours for which delivery is tried.
    pub(crate) hours: u32,
    /// Whether anybody can tell if it arrived.
    pub(crate) can_tell: bool,
}

/// What an outcome means for a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Done,
    Refused,
    /// It did not arrive and can be sent again.
    Again,
    /// It may have arrived.
    Unsure,
    /// It has been tried for too long.
    Manual,
}

/// Where nobody can tell, waiting brings nothing but a delay for whatever comes next.
fn fate(outcome: &Result<Answer, Problem>, late: bool, can_tell: bool) -> Fate {
    let Err(problem) = outcome else { return Fate::Done };
    let fate = match (problem.kept, problem.code) {
        (Kept::Unknown, _) => Fate::Unsure,
        (
            _,
            ProblemCode::UpstreamUnavailable
            | ProblemCode::UpstreamMaintenance
            | ProblemCode::UpstreamBusy
            | ProblemCode::UpstreamTimeout
            | ProblemCode::UpstreamBlocked
            // It is the hub's credentials that are refused; the citizen's matter never was looked at.
            | ProblemCode::UpstreamRefused,
        ) => Fate::Again,
        _ => Fate::Refused,
    };
    if (late && fate != Fate::Refused) || (fate == Fate::Unsure && !can_tell) {
        Fate::Manual
    } else {
        fate
    }
}

/// Writes down what the outcome means and tells the caller what is kept.
pub(crate) async fn settle(
    store: &Store,
    underway: Underway,
    outcome: Result<Answer, Problem>,
    now: Timestamp,
    patience: Patience,
) -> Result<Answer, Problem> {
    let late = now > underway.created + SignedDuration::from_hours(i64::from(patience.hours));
    let fate = fate(&outcome, late, patience.can_tell);
    if let Err(error) = write(store, &underway, &outcome, fate, now).await {
        // Its lease runs out and it is looked into as if this process had died.
        tracing::error!(submission = %underway.id, error = %error, "the state of a submission could not be stored");
    }
    outcome.map_err(|mut problem| match fate {
        Fate::Refused | Fate::Done => problem,
        Fate::Again | Fate::Unsure | Fate::Manual => {
            if fate == Fate::Again {
                problem.kept = Kept::Saved;
            }
            problem = problem.with("follow", format!("/me/submissions/{}", underway.id));
            problem.submission = Some(underway.id);
            problem
        }
    })
}

async fn write(
    store: &Store,
    underway: &Underway,
    outcome: &Result<Answer, Problem>,
    fate: Fate,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (id, all) = (&underway.id, store.submissions());
    let reason = outcome.as_ref().err().map_or("", |p| p.code.as_str());
    let next = now + backoff(underway.attempts, outcome.as_ref().err());
    let known = match (fate, outcome) {
        (Fate::Done, Ok(answer)) => all.delivered(id, &answer.body, now).await?,
        (Fate::Again, _) => all.again(id, reason, next, now).await?,
        (Fate::Unsure, _) => all.hold(id, next, now).await?,
        (Fate::Manual, _) => all.manual(id, reason, now).await?,
        (Fate::Refused | Fate::Done, _) => all.failed(id, reason, now).await?,
    };
    if !known {
        tracing::error!(submission = %id, "a submission was changed by somebody else");
    }
    Ok(())
}

/// Waiting doubles from 15 seconds up to an hour; an upstream that names a later time is believed.
fn backoff(attempts: u32, problem: Option<&Problem>) -> SignedDuration {
    let doubled = 15_i64
        .saturating_mul(1_i64 << attempts.saturating_sub(1).min(8))
        .min(3_600);
    let asked = problem.and_then(|p| p.retry_after).and_then(|s| i64::try_from(s).ok());
    SignedDuration::from_secs(doubled.max(asked.unwrap_or(0)))
}

/// What has become of a submission: its answer, or the problem that says where it stands. `None` if it is unknown.
pub(crate) async fn outcome(
    store: &Store,
    id: &str,
    operation: &Operation,
) -> Result<Option<Result<Answer, Problem>>, Problem> {
    let submission = store.submissions().get(id).await.map_err(unavailable)?;
    Ok(submission.map(|s| standing(&s, operation.status)))
}

fn standing(submission: &Submission, status: u16) -> Result<Answer, Problem> {
    let code = submission.reason.as_deref().and_then(kept::code);
    let (code, keeping) = match submission.state {
        SubmissionState::Delivered => {
            return Ok(Answer::new(status, submission.answer.clone().unwrap_or(Value::Null)));
        }
        SubmissionState::Failed => return Err(Problem::new(code.unwrap_or(ProblemCode::BusinessRejected))),
        SubmissionState::Stored => (code.unwrap_or(ProblemCode::UpstreamUnavailable), Kept::Saved),
        SubmissionState::Delivering | SubmissionState::Manual => {
            (code.unwrap_or(ProblemCode::UpstreamTimeout), Kept::Unknown)
        }
    };
    let mut problem = Problem::new(code)
        .kept(keeping)
        .with("follow", format!("/me/submissions/{}", submission.id));
    problem.submission = Some(submission.id.clone());
    Err(problem)
}

/// A submission as its subject sees it.
pub(crate) fn view(submission: &Submission, lang: Lang, base: &str) -> Value {
    let waits = submission.state == SubmissionState::Stored;
    let mut view = json!({
        "submission": submission.id,
        "operation": submission.operation,
        "state": submission.state.as_str(),
        "attempts": submission.attempts,
        "created": rfc3339(submission.created),
        "updated": rfc3339(submission.updated),
    });
    let Some(members) = view.as_object_mut() else {
        return view;
    };
    if waits {
        members.insert("next_attempt".into(), rfc3339(submission.next_at).into());
    }
    match standing(submission, 200) {
        Ok(answer) => members.insert("answer".into(), answer.body),
        Err(problem) => members.insert("problem".into(), problem.document(base, lang, &submission.request_id)),
    };
    view
}
