//! Step replay: `Idempotency-Key` on POSTs with an effect (draft-ietf-httpapi-idempotency-key-header).
//!
//! The key is scoped to environment, world, client, subject and operation, and tied to the hash of the input. Whoever
//! sends the same request again gets the answer that was given; only what a repetition could not better is kept.

use crate::authenticate::{Caller, once};
use crate::kept::{pack, unpack};
use crate::setting::Setting;
use crate::{fingerprint, submissions};
use hub_core::ports::{Answer, Call};
use hub_core::{Effect, Inbound, Kept, Problem, ProblemCode, Text};
use hub_store::{Claim, Store, StoreError};
use jiff::SignedDuration;
use std::sync::atomic::Ordering;

/// Longest key.
const MAX_KEY: usize = 255;

/// A key that this call has claimed; `None` where it brought none.
#[derive(Debug)]
pub(crate) struct Ticket(Option<String>);

/// What the key led to.
pub(crate) enum Begun {
    /// The call goes on.
    Fresh(Ticket),
    /// It was answered before; this is the answer.
    Replayed(Result<Answer, Problem>),
}

/// Looks the key up and claims it.
pub(crate) async fn begin(at: &Setting<'_>, caller: &Caller, call: &Call) -> Result<Begun, Problem> {
    let counts = call.operation.method == "POST" && call.operation.effect != Effect::None;
    let key = match key(at.inbound)? {
        Some(key) if counts => key,
        _ => return Ok(Begun::Fresh(Ticket(None))),
    };
    let scope = scope(at, caller, call, key);
    let request = fingerprint::of_input(&call.input);
    let (store, now) = (&at.core.store, at.now);
    // By then this call has ended one way or another.
    let busy_until = now + SignedDuration::from_millis(i64::try_from(call.deadline_ms).unwrap_or(60_000) + 30_000);
    let expires = now + SignedDuration::from_hours(i64::from(at.policies().privacy.idempotency_hours));
    let claim = store
        .idempotency()
        .claim(&scope, &request, now, busy_until, expires)
        .await;
    let begun = match claim.map_err(unavailable)? {
        Claim::New => return Ok(Begun::Fresh(Ticket(Some(scope)))),
        Claim::Busy { .. } => return Err(busy()),
        Claim::Different => {
            return Err(Problem::new(ProblemCode::IdempotencyConflict).at(
                "header/Idempotency-Key",
                Text::new("首次使用该键时的请求", "the request this key was first used for"),
                "another request",
            ));
        }
        Claim::Interrupted { submission } => {
            let outcome = submissions::outcome(store, &submission, &call.operation).await?;
            outcome.ok_or_else(busy).map(Begun::Replayed)?
        }
        Claim::Done { status, answer } => done(store, call, status, &answer).await?,
    };
    at.core.metrics.replays.fetch_add(1, Ordering::Relaxed);
    Ok(begun)
}

fn scope(at: &Setting<'_>, caller: &Caller, call: &Call, key: &str) -> String {
    let world = call
        .controls
        .iter()
        .find(|(n, _)| n == "hub-world")
        .map_or("", |(_, v)| v.as_str());
    fingerprint::of(&[
        at.environment.as_str(),
        world,
        &caller.client_key(),
        call.subject.as_ref().map_or("", |s| s.id.as_str()),
        &call.operation.id,
        key,
    ])
}

fn busy() -> Problem {
    Problem::new(ProblemCode::IdempotencyBusy).retry_after(1)
}

/// A kept answer; where it said that a submission is on its way, what has become of that since.
async fn done(store: &Store, call: &Call, status: u16, bytes: &[u8]) -> Result<Begun, Problem> {
    let Some(kept) = unpack(status, bytes) else {
        return Err(Problem::new(ProblemCode::Internal).inner("a kept answer cannot be read"));
    };
    let pending = match &kept {
        Err(problem) if problem.kept != Kept::Nothing => problem.submission.clone(),
        _ => None,
    };
    let later = match pending {
        Some(id) => submissions::outcome(store, &id, &call.operation).await?,
        None => None,
    };
    Ok(Begun::Replayed(later.unwrap_or(kept)))
}

impl Ticket {
    /// The scope that was claimed.
    pub(crate) fn scope(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// Keeps the outcome, or gives the key back where trying again can help.
    pub(crate) async fn end(self, store: &Store, outcome: &Result<Answer, Problem>) {
        let Some(scope) = self.0 else { return };
        let written = match outcome {
            Err(problem) if !is_lasting(problem) => store.idempotency().release(&scope).await,
            outcome => {
                let (status, bytes) = pack(outcome);
                store.idempotency().finish(&scope, status, &bytes).await
            }
        };
        if let Err(error) = written {
            tracing::error!(error = %error, "the outcome under an idempotency key could not be kept");
        }
    }
}

/// Whether the same request would get the same refusal, or must not be made again.
fn is_lasting(problem: &Problem) -> bool {
    problem.kept != Kept::Nothing
        || matches!(
            problem.code,
            ProblemCode::BusinessRejected | ProblemCode::Conflict | ProblemCode::RecordNotFound
        )
}

/// The key as sent: a structured-field string, or bare.
fn key(inbound: &Inbound) -> Result<Option<&str>, Problem> {
    let Some(header) = once(inbound, "idempotency-key")? else {
        return Ok(None);
    };
    let bare = header
        .strip_prefix('"')
        .and_then(|h| h.strip_suffix('"'))
        .unwrap_or(header);
    let good =
        !bare.is_empty() && bare.len() <= MAX_KEY && bare.bytes().all(|b| (0x20..0x7f).contains(&b) && b != b'"');
    if good {
        return Ok(Some(bare));
    }
    Err(Problem::new(ProblemCode::BadRequest).at(
        "header/Idempotency-Key",
        Text::new("1 到 255 个可打印 ASCII 字符", "1 to 255 printable ASCII characters"),
        format!("{} characters", bare.chars().count()),
    ))
}

/// The store's failure as the caller sees it.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn unavailable(error: StoreError) -> Problem {
    Problem::new(ProblemCode::StoreUnavailable)
        .inner(error.to_string())
        .retry_after(5)
}
