//! One course through a connector's dialogue: log in if need be, upload, act, or ask.

use super::clock::Clocks;
use super::failure::Failed;
use super::session::{Right, Slot, Way};
use crate::drift::Drift;
use crate::evidence::Grant;
use crate::ports::SecretSource;
use hub_catalog::Catalog;
use hub_connectors::{About, Connector, ConnectorError, Context, Dialogue, Failure, Purpose, Secrets, Session, Step};
use hub_core::ports::{Answer, Call, Clock};
use hub_core::time::{Timestamp, civil};
use hub_core::{Effect, Outgoing, Problem, ProblemCode, RawResponse, Returned, SystemId};
use hub_outbound::{Outbound, Target};
use hub_store::Store;
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;

/// More steps than any dialogue needs: log in, upload a case's papers, act, log in again.
const MOST_STEPS: usize = 64;

/// What the dialogue is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// Making the call.
    Call,
    /// Finding out whether an earlier one arrived.
    Ask,
}

/// A call with all it needs on the way.
pub(super) struct Journeyer<'a> {
    pub(super) call: &'a Call,
    pub(super) grant: &'a Grant,
    pub(super) connector: Arc<Connector>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) target: Target,
    pub(super) session: Arc<Slot>,
    pub(super) outbound: &'a Outbound,
    pub(super) secrets: &'a dyn SecretSource,
    pub(super) clock: &'a dyn Clock,
    pub(super) clocks: &'a Clocks,
    pub(super) drift: &'a Drift,
    pub(super) store: &'a Store,
    pub(super) deadline: Instant,
}

/// Where a course stands with its session.
#[derive(Default)]
struct Pass {
    session: Option<Session>,
    /// One that has ended or is about to: something to renew.
    old: Option<Session>,
    right: Option<Right>,
    /// The session under renewal is still good, so that a failure is none.
    spare: Option<Session>,
    /// This course has logged in.
    fresh: bool,
}

impl Pass {
    fn of(way: Way) -> Self {
        match way {
            Way::Ready(session) => Self {
                session: Some(session),
                ..Self::default()
            },
            Way::LogIn { right, old, spare } => Self {
                spare: old.clone().filter(|_| spare),
                old,
                right: Some(right),
                ..Self::default()
            },
        }
    }

    /// What the connector is handed: a session that is over is one to renew.
    fn handed(&self, now: Timestamp) -> Option<Session> {
        let ended = |mut old: Session| {
            old.until = Some(now);
            old
        };
        self.session.clone().or_else(|| self.old.clone().map(ended))
    }
}

/// The secrets of one system.
struct Scoped<'a> {
    source: &'a dyn SecretSource,
    system: &'a SystemId,
}

impl Secrets for Scoped<'_> {
    fn get(&self, name: &str) -> Option<String> {
        self.source.get(self.system, name)
    }

    fn subject_token(&self, about: &About<'_>) -> Option<String> {
        self.source.subject_token(self.system, about)
    }
}

impl Journeyer<'_> {
    /// Runs the dialogue once, from its beginning to an answer or a failure.
    pub(super) async fn go(&self, course: Course) -> Result<Answer, Failed> {
        let mut pass = self.pass(None).await?;
        loop {
            let outcome = self.walk(course, &mut pass).await;
            let Err(failed) = &outcome else {
                self.session.taken();
                return outcome;
            };
            let Some(spare) = pass.spare.take().filter(|_| !pass.fresh) else {
                // Whatever a login is answered but a session: wrong once more, and the account may be locked.
                let login = failed.answered && pass.right.is_some();
                if login || (pass.fresh && failed.problem.code == ProblemCode::UpstreamRefused) {
                    self.session.refused(&failed.problem);
                }
                return outcome;
            };
            // The renewal failed, but the session under renewal is still good.
            tracing::warn!(system = %self.target.system, problem = failed.problem.code.as_str(), "a session could not be renewed");
            self.session.put_off(self.now());
            pass = Pass {
                session: Some(spare),
                ..Pass::default()
            };
        }
    }

    /// Our time, by the system's clock where its manifest says so.
    fn now(&self) -> Timestamp {
        let now = self.clock.now();
        if self.connector.settings().clock_of_answers {
            self.clocks.of(&self.target.system, now)
        } else {
            now
        }
    }

    /// The session a course begins with. `lost` is one the system no longer takes.
    async fn pass(&self, lost: Option<&Session>) -> Result<Pass, Failed> {
        if !self.connector.settings().has_session {
            return Ok(Pass::default());
        }
        if self.connector.logs_in_each_time() {
            return Ok(Pass {
                right: Some(self.session.alone().await),
                ..Pass::default()
            });
        }
        let way = self
            .session
            .way(self.now(), lost.map(|s| s.since), self.deadline)
            .await?;
        Ok(Pass::of(way))
    }

    async fn walk(&self, course: Course, pass: &mut Pass) -> Result<Answer, Failed> {
        let mut step = self.begin(course, pass).await?;
        for _ in 0..MOST_STEPS {
            let (request, purpose, dialogue) = match step {
                Step::Done {
                    answer,
                    session,
                    notes,
                    jump,
                } => {
                    if let Some(host) = jump {
                        self.grant.jumped(host);
                    }
                    for note in notes {
                        tracing::warn!(operation = %self.call.operation.id, field = %note.field, kind = note.kind, "surprise in an answer");
                        self.grant.surprised(&note.field, note.kind);
                    }
                    if let Some(session) = session {
                        self.session.keep(&session, self.now()).await;
                    }
                    return Ok(answer);
                }
                Step::Send {
                    request,
                    purpose,
                    dialogue,
                } => (request, purpose, dialogue),
            };
            if let Some(fresh) = dialogue.fresh_session() {
                pass.fresh = true;
                self.session.keep(fresh, self.now()).await;
                pass.session = Some(fresh.clone());
                if let Some(right) = &mut pass.right {
                    right.kept();
                }
            }
            if purpose != Purpose::Login {
                pass.right = None;
            } else if pass.right.is_none() {
                // The session was lost on the way. If somebody else has logged in meanwhile, begin again with theirs.
                let next = self.pass(pass.session.as_ref()).await?;
                let again = next.session.is_some();
                *pass = next;
                if again {
                    step = self.begin(course, pass).await?;
                    continue;
                }
            }
            if purpose == Purpose::Login && dialogue.logs_in() {
                self.may_log_in().await?;
            }
            let returned = self.send(request, purpose).await?;
            if let Returned::Http(response) = &returned {
                self.clocks.look(&self.target.system, response, self.clock.now());
            }
            let returned = match returned {
                Returned::Http(response) if purpose == Purpose::Act && self.may_pass(&response) => {
                    self.watch(&response);
                    return Ok(self.untouched(response));
                }
                other => other,
            };
            step = self.resume(dialogue, &returned, pass).await?;
            if let Returned::Http(response) = &returned
                && purpose == Purpose::Act
                && matches!(step, Step::Done { .. })
            {
                self.watch(response);
            }
        }
        Err(Problem::new(ProblemCode::Internal)
            .inner("the dialogue does not end")
            .into())
    }

    fn watch(&self, response: &RawResponse) {
        self.drift
            .watch(&self.connector, &self.call.operation, response, self.clock.now());
    }

    /// Whether an answer is canonical as it came, to the letter.
    fn may_pass(&self, response: &RawResponse) -> bool {
        let operation = &self.call.operation;
        self.connector.leaves_untouched(operation.key(), response)
            && self.catalog.fits_exactly(operation, &response.body)
    }

    fn untouched(&self, response: RawResponse) -> Answer {
        Answer {
            untouched: Some(response.body.into()),
            ..Answer::new(self.call.operation.status, Value::Null)
        }
    }

    /// Counts a login where the system counts them.
    async fn may_log_in(&self) -> Result<(), Failed> {
        let Some(most) = self.connector.settings().logins_daily else {
            return Ok(());
        };
        let name = format!("login/{}", self.target.system);
        let day = civil(self.clock.now()).date().to_string();
        let full = |words: String| Problem::new(ProblemCode::UpstreamBusy).retry_after(600).inner(words);
        match self.store.ledger().take(&name, &day, 1, u64::from(most)).await {
            Ok(0) => Err(full("the logins that the system allows in a day are used up".into()).into()),
            Ok(_) => Ok(()),
            Err(error) => Err(full(format!("nobody can tell how many logins are left: {error}")).into()),
        }
    }

    async fn begin(&self, course: Course, pass: &Pass) -> Result<Step, Failed> {
        self.with_context(pass, |context| match course {
            Course::Call => self.connector.begin(self.call, context),
            Course::Ask => self.connector.begin_ask(self.call, context),
        })
        .await
    }

    async fn resume(&self, dialogue: Dialogue, returned: &Returned, pass: &Pass) -> Result<Step, Failed> {
        self.with_context(pass, |context| self.connector.resume(dialogue, returned, context))
            .await
    }

    async fn with_context(
        &self,
        pass: &Pass,
        step: impl FnOnce(&Context<'_>) -> Result<Step, ConnectorError>,
    ) -> Result<Step, Failed> {
        let error = {
            let secrets = Scoped {
                source: self.secrets,
                system: &self.target.system,
            };
            let random = hub_crypto::random::<32>()
                .map_err(|e| Problem::new(ProblemCode::Internal).inner(format!("no randomness: {e}")))?;
            let now = self.now();
            let session = pass.handed(now);
            let context = Context {
                now,
                random,
                secrets: &secrets,
                session: session.as_ref(),
                files: self.grant.papers(),
            };
            match step(&context) {
                Ok(step) => return Ok(step),
                Err(error) => error,
            }
        };
        let lost = matches!(
            &error,
            ConnectorError::Failed {
                failure: Failure::Session,
                ..
            }
        );
        if lost && let Some(session) = &pass.session {
            self.session.forget(session).await;
        }
        Err(Failed::told(&error))
    }

    async fn send(&self, request: Outgoing, purpose: Purpose) -> Result<Returned, Failed> {
        let effect = match purpose {
            Purpose::Act => {
                self.grant.attempted();
                self.call.operation.effect
            }
            Purpose::Login | Purpose::Upload | Purpose::Ask => Effect::None,
        };
        let tenant = self.grant.tenant().or(self.grant.client()).unwrap_or_default();
        let sent = self
            .outbound
            .carry(tenant, &self.target, request, self.deadline, effect)
            .await;
        let harmless = effect != Effect::Once || self.connector.key_field(self.call.operation.key()).is_some();
        sent.map_err(|error| Failed::silent(&error, harmless))
    }
}
