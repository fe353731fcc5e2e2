//! The timers of the gateway. Work on submissions is leased in the store, so that of several processes one does it.

use crate::evidence::Grant;
use crate::files::Papers;
use crate::gateway::Gateway;
use crate::news::Hearer;
use crate::normalize::normalize;
use crate::ports::Asked;
use crate::show::{seen_by, show};
use crate::snapshot::Snapshot;
use crate::submissions::{Underway, settle};
use hub_core::ports::{Answer, Call, TrailRecord};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Environment, Kept, Operation, Problem, ProblemCode};
use hub_store::{Submission, TakenSubmission};
use jiff::SignedDuration;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How often due submissions are looked for.
const DELIVERY: Duration = Duration::from_secs(5);
/// How often counters are tidied and expired rows thrown away.
const TIDYING: Duration = Duration::from_secs(60);
/// How often it is looked whose news are due.
const HEARING: Duration = Duration::from_secs(1);
/// Submissions taken at once.
const BATCH: u32 = 16;

/// The timers.
pub struct Jobs {
    gateway: Gateway,
}

impl Jobs {
    /// For a gateway.
    #[must_use]
    pub fn new(gateway: Gateway) -> Self {
        Self { gateway }
    }

    /// Runs until `stop` turns true or its sender is gone. What is being delivered then is finished first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut delivery = tokio::time::interval(DELIVERY);
        let mut tidying = tokio::time::interval(TIDYING);
        let mut hearing = tokio::time::interval(HEARING);
        hearing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hearer = Hearer::default();
        delivery.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tidying.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = delivery.tick() => { self.deliver_due().await; }
                _ = tidying.tick() => self.tidy().await,
                _ = hearing.tick() => self.gateway.hear(&mut hearer).await,
                changed = stop.changed() => if changed.is_err() || *stop.borrow() {
                    self.gateway.live.keep().await;
                    return;
                },
            }
        }
    }

    /// Delivers the submissions that are due now; how many were tried.
    pub async fn deliver_due(&self) -> usize {
        let core = self.gateway.core.as_ref();
        let now = core.clock.now();
        let lease =
            now + SignedDuration::from_millis(i64::try_from(core.settings.deadline_ms).unwrap_or(60_000) * 2 + 30_000);
        let taken = match core.store.submissions().take_due(now, lease, BATCH).await {
            Ok(taken) => taken,
            Err(error) => {
                tracing::error!(error = %error, "due submissions could not be taken");
                return 0;
            }
        };
        let count = taken.len();
        for submission in taken {
            self.deliver(submission, now).await;
        }
        count
    }

    /// Looks for news of all systems that tell any by rows or files, due or not.
    pub async fn hear_now(&self) {
        self.gateway.hear(&mut Hearer::default()).await;
    }

    async fn tidy(&self) {
        let core = self.gateway.core.as_ref();
        core.limiters.tidy();
        self.gateway.live.keep().await;
        match core.store.purge(core.clock.now()).await {
            Ok(purged) => tracing::debug!(?purged, "expired rows thrown away"),
            Err(error) => tracing::error!(error = %error, "expired rows could not be thrown away"),
        }
    }

    async fn deliver(&self, taken: TakenSubmission, now: Timestamp) {
        let core = self.gateway.core.as_ref();
        let started = Instant::now();
        let snapshot = core.snapshots.get();
        let TakenSubmission { submission, in_doubt } = taken;
        let Some(operation) = snapshot.catalog.operation(&submission.operation) else {
            self.give_to_a_person(&submission, ProblemCode::NotFound, now).await;
            return;
        };
        let owner = &submission.subject;
        let papers = match Papers::of(&core.store, operation, &submission.input, owner, now).await {
            Ok(papers) => papers,
            Err(problem) => {
                self.give_to_a_person(&submission, problem.code, now).await;
                return;
            }
        };
        let (call, grant) = revive(&submission, operation, papers, core.settings.deadline_ms);
        let Some(outcome) = self.attempt(&call, &grant, in_doubt).await else {
            self.give_to_a_person(&submission, ProblemCode::UpstreamTimeout, now)
                .await;
            return;
        };
        let outcome = finish(&snapshot, operation, &submission, outcome);
        let underway = Underway {
            id: submission.id.clone(),
            attempts: submission.attempts,
            created: submission.created,
        };
        let hours = snapshot.policies.privacy.delivery_hours;
        let outcome = settle(&core.store, underway, outcome, core.clock.now(), hours).await;
        self.trail(&submission, operation, &grant, &outcome, now, started).await;
    }

    /// Sends it, or first asks what became of it. `None` where nobody can tell, so that nobody may send.
    async fn attempt(&self, call: &Call, grant: &Grant, in_doubt: bool) -> Option<Result<Answer, Problem>> {
        let asked = if in_doubt {
            self.gateway.live.ask(call, grant).await
        } else {
            Ok(Asked::NotArrived)
        };
        match asked {
            Ok(Asked::Arrived(answer)) => Some(Ok(answer)),
            Ok(Asked::NotArrived) => Some(self.gateway.ask_upstream(call, grant).await),
            Ok(Asked::CannotTell) => None,
            Err(problem) => Some(Err(problem.kept(Kept::Unknown))),
        }
    }

    async fn give_to_a_person(&self, submission: &Submission, code: ProblemCode, now: Timestamp) {
        let reason = code.as_str();
        tracing::warn!(submission = %submission.id, reason, "a person has to look at a submission");
        if let Err(error) = self
            .gateway
            .core
            .store
            .submissions()
            .manual(&submission.id, reason, now)
            .await
        {
            tracing::error!(submission = %submission.id, error = %error, "a submission could not be set aside");
        }
    }

    async fn trail(
        &self,
        submission: &Submission,
        operation: &Operation,
        grant: &Grant,
        outcome: &Result<Answer, Problem>,
        now: Timestamp,
        started: Instant,
    ) {
        let problem = outcome.as_ref().err();
        let record = TrailRecord {
            at: rfc3339(now),
            request_id: submission.request_id.clone(),
            environment: Environment::Live,
            client: Some(submission.client.clone()),
            tenant: None,
            subject: Some(submission.subject.clone()).filter(|s| !s.is_empty()),
            principal: None,
            operation: Some(submission.operation.clone()),
            level: Some(operation.level),
            grant: Some(grant.rule().to_owned()),
            fields: crate::journey::personal_fields(operation, &submission.input),
            status: problem.map_or(operation.status, |p| p.code.status()),
            problem: problem.map(|p| p.code.as_str().to_owned()),
            submission: Some(submission.id.clone()),
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts: grant.attempts(),
            jump: grant.jump().map(str::to_owned),
        };
        if let Err(error) = self.gateway.core.trail.write(record, true).await {
            tracing::error!(error = %error, "a trail record was not written");
        }
    }
}

/// The call as it was when it was accepted. Its subject has gone; what named them is in the input.
fn revive(submission: &Submission, operation: &Arc<Operation>, papers: Papers, deadline_ms: u64) -> (Call, Grant) {
    let subject = Some(submission.subject.clone()).filter(|s| !s.is_empty());
    let grant = Grant::for_delivery(operation, submission.client.clone(), subject, papers);
    let call = Call {
        operation: Arc::clone(operation),
        input: submission.input.clone(),
        subject: None,
        pairwise: submission.pairwise.clone(),
        submission: Some(submission.id.clone()),
        request_id: submission.request_id.clone(),
        controls: Vec::new(),
        deadline_ms,
    };
    (call, grant)
}

/// The answer as the subject will see it.
fn finish(
    snapshot: &Snapshot,
    operation: &Operation,
    submission: &Submission,
    outcome: Result<Answer, Problem>,
) -> Result<Answer, Problem> {
    let privacy = &snapshot.policies.privacy;
    let masked = seen_by(privacy, operation, !submission.subject.is_empty());
    outcome
        .and_then(|answer| normalize(&snapshot.catalog, operation, answer))
        .map(|answer| show(&snapshot.catalog, operation, answer, masked))
}
