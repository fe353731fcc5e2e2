//! The timers of the gateway. Work on submissions is leased in the store, so that of several processes one does it.

use crate::evidence::Grant;
use crate::files::Papers;
use crate::gateway::Gateway;
use crate::news::Hearer;
use crate::normalize::normalize;
use crate::ports::Asked;
use crate::show::{seen_by, show};
use crate::snapshot::Snapshot;
use crate::submissions::{Patience, Underway, settle};
use crate::{credentials, matters};
use futures_util::StreamExt as _;
use hub_connectors::Event;
use hub_core::ports::{Answer, Call, TrailRecord};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Environment, Kept, Operation, Problem, ProblemCode, SystemId};
use hub_store::{Case, Submission, TakenSubmission};
use jiff::SignedDuration;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
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
/// Submissions delivered at once.
const ABREAST: usize = 8;
/// How often this hub says that it lives.
const BEAT: Duration = Duration::from_secs(5);
/// Matters asked about at once.
const POLLS: u32 = 16;
/// When a matter whose question got lost is asked about again.
const POLL_LEASE: SignedDuration = SignedDuration::from_mins(10);
/// A matter of which nothing was heard for so long is no longer asked about.
const POLL_DAYS: i64 = 180;
/// Longest pause between questions: it doubles with every question that brings no news.
const POLL_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// The timers.
pub struct Jobs {
    gateway: Gateway,
    /// What was said about credentials that end.
    said: Mutex<BTreeMap<String, &'static str>>,
}

impl Jobs {
    /// For a gateway.
    #[must_use]
    pub fn new(gateway: Gateway) -> Self {
        Self {
            gateway,
            said: Mutex::default(),
        }
    }

    /// Runs until `stop` turns true or its sender is gone. What is being delivered then is finished first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        // On its own: whoever is busy delivering still has to say that he lives.
        let live = Arc::clone(&self.gateway.live);
        let beating = tokio::spawn(async move {
            let mut beat = tokio::time::interval(BEAT);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                beat.tick().await;
                live.beat().await;
            }
        });
        self.work(&mut stop).await;
        beating.abort();
        self.gateway.live.keep().await;
        self.gateway.live.leave().await;
    }

    async fn work(&self, stop: &mut watch::Receiver<bool>) {
        let mut delivery = tokio::time::interval(DELIVERY);
        let mut tidying = tokio::time::interval(TIDYING);
        let mut hearing = tokio::time::interval(HEARING);
        hearing.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut hearer = Hearer::default();
        delivery.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tidying.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = delivery.tick() => {
                    // As long as there is one: what has been delivered lets the next of its subject go.
                    while self.deliver_due().await > 0 && !*stop.borrow() {}
                    self.poll_due().await;
                }
                _ = tidying.tick() => {
                    self.tidy().await;
                    self.fetch_statements().await;
                }
                _ = hearing.tick() => self.gateway.hear(&mut hearer).await,
                changed = stop.changed() => if changed.is_err() || *stop.borrow() {
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
        // No two of one subject to one system are among them, so that none can overtake another.
        futures_util::stream::iter(taken)
            .for_each_concurrent(ABREAST, |submission| self.deliver(submission, now))
            .await;
        count
    }

    /// Looks for news of all systems that tell any by rows or files, due or not.
    pub async fn hear_now(&self) {
        self.gateway.hear(&mut Hearer::default()).await;
    }

    /// Fetches the daily statements that are due and compares them; how many.
    pub async fn fetch_statements(&self) -> usize {
        self.gateway.statements_due().await
    }

    async fn tidy(&self) {
        let core = self.gateway.core.as_ref();
        core.limiters.tidy();
        self.gateway.live.keep().await;
        if let Ok(mut said) = self.said.lock() {
            credentials::warn(&self.gateway.credentials(), &mut said, core.clock.now());
        }
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
        let (call, grant) = revive(&submission, operation, papers, "delivery", core.settings.deadline_ms);
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
            queued: false,
        };
        let patience = Patience {
            hours: snapshot.policies.privacy.delivery_hours,
            can_tell: self.gateway.live.can_tell(operation),
        };
        let outcome = settle(&core.store, underway, outcome, core.clock.now(), patience).await;
        matters::opened(core, &snapshot, operation, &submission.id, &submission.input, &outcome).await;
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
            Ok(Asked::NotArrived) => Some(self.gateway.read_upstream(call, grant).await),
            Ok(Asked::CannotTell) => None,
            Err(problem) => Some(Err(problem.kept(Kept::Unknown))),
        }
    }

    /// Asks about the matters that no news came of; how many.
    pub async fn poll_due(&self) -> usize {
        let core = self.gateway.core.as_ref();
        let now = core.clock.now();
        let due = match core.store.cases().take_due(now, now + POLL_LEASE, POLLS).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(error = %error, "matters to be asked about could not be taken");
                return 0;
            }
        };
        let count = due.len();
        for case in due {
            let next = self.poll(&case, now).await;
            // News in the meantime have set the next question themselves.
            let asked = Case {
                next_poll: next,
                ..case
            };
            if let Err(error) = core.store.cases().change(&asked).await {
                tracing::error!(system = asked.system, error = %error, "a matter is asked about again later");
            }
        }
        count
    }

    /// Asks about one matter; when to ask next.
    async fn poll(&self, case: &Case, now: Timestamp) -> Option<Timestamp> {
        let core = self.gateway.core.as_ref();
        let snapshot = core.snapshots.get();
        let system = SystemId::try_from(case.system.clone()).ok()?;
        let connector = snapshot.connectors.get(&system)?;
        let poll = connector.poll()?;
        let mut operations = snapshot.catalog.operations_of(&system);
        let operation = operations.find(|o| o.key() == poll.operation)?;
        let submission = core.store.submissions().get(case.submission.as_deref()?).await;
        let Ok(submission) = submission else {
            return Some(now + POLL_LEASE);
        };
        let submission = submission?;
        let mut asking = submission.clone();
        asking.input = question(operation, case, &submission)?;
        asking.operation = operation.id.to_string();
        let (call, grant) = revive(&asking, operation, Papers::default(), "poll", core.settings.deadline_ms);
        let started = Instant::now();
        let outcome = self.gateway.read_upstream(&call, &grant).await;
        let outcome = outcome.and_then(|answer| normalize(&snapshot.catalog, operation, answer));
        self.trail(&asking, operation, &grant, &outcome, now, started).await;
        if let Ok(answer) = outcome {
            // The state is read as it is; what its subject is shown of the rest is what the operation shows.
            let state = answer.body.get(&poll.state).cloned();
            let masked = seen_by(&snapshot.policies.privacy, operation, !asking.subject.is_empty());
            let answer = show(&snapshot.catalog, operation, answer, masked);
            let event = Event {
                case: (text_of(case, "field")?, text_of(case, "number")?),
                state: state.map(|state| (poll.state.clone(), state)),
                at: None,
                values: answer.body.as_object().cloned().unwrap_or_default(),
            };
            match matters::note(core, connector, &event).await {
                Ok(true) => return None,
                Ok(false) => {}
                Err(problem) => {
                    tracing::error!(system = %system, problem = problem.code.as_str(), "an answer about a matter could not be kept");
                }
            }
        }
        if now.duration_since(case.heard) > SignedDuration::from_hours(24 * POLL_DAYS) {
            return None;
        }
        let every = i64::try_from(poll.every_ms).unwrap_or(i64::MAX / 64);
        let pause = SignedDuration::from_millis(every.saturating_mul(1 << case.polls.saturating_sub(1).min(5)));
        Some(now + pause.min(POLL_PAUSE.max(SignedDuration::from_millis(every))))
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
            tenant: submission.tenant.clone(),
            subject: Some(submission.subject.clone()).filter(|s| !s.is_empty()),
            principal: None,
            agent: None,
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
fn revive(
    submission: &Submission,
    operation: &Arc<Operation>,
    papers: Papers,
    rule: &str,
    deadline_ms: u64,
) -> (Call, Grant) {
    let grant = Grant::for_submission(operation, submission, rule, papers);
    let call = Call {
        operation: Arc::clone(operation),
        input: submission.input.clone(),
        subject: None,
        pairwise: submission.pairwise.clone(),
        agent: None,
        submission: Some(submission.id.clone()),
        request_id: submission.request_id.clone(),
        controls: Vec::new(),
        deadline_ms,
    };
    (call, grant)
}

/// What is asked about a matter: its number, and what else the question needs out of the submission and its answer.
fn question(operation: &Operation, case: &Case, submission: &Submission) -> Option<Map<String, Value>> {
    let (field, number) = (text_of(case, "field")?, text_of(case, "number")?);
    let mut input = Map::new();
    for child in &operation.input.children {
        let name = child.name.to_string();
        let known = if name == field {
            Some(Value::from(number.clone()))
        } else {
            let answer = submission.answer.as_ref().and_then(|a| a.get(&name));
            answer.or_else(|| submission.input.get(&name)).cloned()
        };
        match known {
            Some(value) => drop(input.insert(name, value)),
            None if child.required => {
                tracing::warn!(operation = %operation.id, field = name, "a matter cannot be asked about without it");
                return None;
            }
            None => {}
        }
    }
    Some(input)
}

fn text_of(case: &Case, name: &str) -> Option<String> {
    case.news.get(name).and_then(matters::text)
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
