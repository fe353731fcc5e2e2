//! One course through a connector's dialogue: log in if need be, upload, act, or ask.

use super::failure::Failed;
use super::session::Slot;
use crate::evidence::Grant;
use crate::ports::SecretSource;
use hub_connectors::{Connector, ConnectorError, Context, Dialogue, Purpose, Secrets, Session, Step};
use hub_core::ports::{Answer, Call, Clock};
use hub_core::{Effect, Problem, ProblemCode, RawRequest, RawResponse, SystemId};
use hub_outbound::{Outbound, Target};
use std::sync::Arc;
use tokio::sync::MutexGuard;
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
    pub(super) target: Target,
    pub(super) session: Arc<Slot>,
    pub(super) outbound: &'a Outbound,
    pub(super) secrets: &'a dyn SecretSource,
    pub(super) clock: &'a dyn Clock,
    pub(super) deadline: Instant,
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
}

impl Journeyer<'_> {
    /// Runs the dialogue once, from its beginning to an answer or a failure.
    pub(super) async fn go(&self, course: Course) -> Result<Answer, Failed> {
        let needs_session = self.connector.settings().has_session;
        let mut login = None;
        let mut session = self.session.current(self.clock.now());
        if needs_session && session.is_none() {
            // One login at a time: many systems kill the older of two sessions.
            login = Some(self.session.login().await);
            session = self.session.current(self.clock.now());
            if session.is_some() {
                login = None;
            }
        }
        let mut step = self.begin(course, session.as_ref())?;
        for _ in 0..MOST_STEPS {
            let (request, purpose, dialogue) = match step {
                Step::Done { answer, session, notes } => {
                    for note in notes {
                        tracing::warn!(operation = %self.call.operation.id, field = %note.field, kind = note.kind, "surprise in an answer");
                        self.grant.surprised(&note.field, note.kind);
                    }
                    session.into_iter().for_each(|s| self.session.keep(s));
                    return Ok(answer);
                }
                Step::Send {
                    request,
                    purpose,
                    dialogue,
                } => (request, purpose, dialogue),
            };
            if let Some(fresh) = dialogue.fresh_session() {
                self.session.keep(fresh.clone());
            }
            if purpose != Purpose::Login {
                login = None;
            } else if login.is_none() {
                let (guard, newer) = self.relogin(session.as_ref()).await;
                login = guard;
                if let Some(newer) = newer {
                    // Somebody else has logged in meanwhile: begin again with that session.
                    step = self.begin(course, Some(&newer))?;
                    session = Some(newer);
                    continue;
                }
            }
            let response = self.send(request, purpose).await?;
            step = self.resume(dialogue, &response, session.as_ref())?;
        }
        Err(Problem::new(ProblemCode::Internal)
            .inner("the dialogue does not end")
            .into())
    }

    /// Waits for the right to log in; if somebody else has meanwhile, their session instead.
    async fn relogin(&self, lost: Option<&Session>) -> (Option<MutexGuard<'_, ()>>, Option<Session>) {
        let guard = self.session.login().await;
        let newer = self
            .session
            .current(self.clock.now())
            .filter(|now| lost.is_some_and(|lost| now.since > lost.since));
        if newer.is_some() {
            (None, newer)
        } else {
            (Some(guard), None)
        }
    }

    fn begin(&self, course: Course, session: Option<&Session>) -> Result<Step, Failed> {
        self.with_context(session, |context| match course {
            Course::Call => self.connector.begin(self.call, context),
            Course::Ask => self.connector.begin_ask(self.call, context),
        })
    }

    fn resume(&self, dialogue: Dialogue, response: &RawResponse, session: Option<&Session>) -> Result<Step, Failed> {
        self.with_context(session, |context| self.connector.resume(dialogue, response, context))
    }

    fn with_context(
        &self,
        session: Option<&Session>,
        step: impl FnOnce(&Context<'_>) -> Result<Step, ConnectorError>,
    ) -> Result<Step, Failed> {
        let secrets = Scoped {
            source: self.secrets,
            system: &self.target.system,
        };
        let random = hub_crypto::random::<32>()
            .map_err(|e| Problem::new(ProblemCode::Internal).inner(format!("no randomness: {e}")))?;
        let context = Context {
            now: self.clock.now(),
            random,
            secrets: &secrets,
            session,
            files: self.grant.papers(),
        };
        step(&context).map_err(|error| {
            if matches!(
                &error,
                ConnectorError::Failed {
                    failure: hub_connectors::Failure::Session,
                    ..
                }
            ) {
                self.session.forget();
            }
            Failed::told(&error)
        })
    }

    async fn send(&self, request: RawRequest, purpose: Purpose) -> Result<RawResponse, Failed> {
        let effect = match purpose {
            Purpose::Act => {
                self.grant.attempted();
                self.call.operation.effect
            }
            Purpose::Login | Purpose::Upload | Purpose::Ask => Effect::None,
        };
        let sent = self.outbound.send(&self.target, request, self.deadline, effect).await;
        let harmless = effect != Effect::Once || self.connector.key_field(self.call.operation.key()).is_some();
        sent.map_err(|error| Failed::silent(&error, harmless))
    }
}
