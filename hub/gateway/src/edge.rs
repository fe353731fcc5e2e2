//! The edge: runs a call in a task of its own and ends it in the trail, whatever happens inside.

use crate::gateway::Gateway;
use crate::journey::Journey;
use futures_util::FutureExt;
use hub_core::ports::TrailRecord;
use hub_core::wire::ReplyBody;
use hub_core::{Environment, Inbound, Kept, Problem, ProblemCode, Reply};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

/// Through which door a call came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// `/gateway`: the agencies' systems.
    Gateway,
    /// `/sandbox`: the mock engine.
    Sandbox,
    /// `/callback`: an upstream knocks.
    Callback,
    /// `/me`: the subject's own things.
    Me,
}

impl Door {
    fn environment(self) -> Environment {
        match self {
            Door::Sandbox => Environment::Sandbox,
            Door::Gateway | Door::Callback | Door::Me => Environment::Live,
        }
    }
}

/// Status in the trail of a call whose client had gone.
const CLIENT_GONE: u16 = 499;

impl Gateway {
    /// Answers one call. Never fails; dropping the future (the client hung up) cancels nothing, the call runs on in its
    /// own task to its trail. Needs a tokio runtime.
    pub async fn run(&self, inbound: Inbound, door: Door) -> Reply {
        let (answer, answered) = oneshot::channel();
        let gateway = self.clone();
        let running = self.running();
        tokio::spawn(async move {
            gateway.travel(&inbound, door, answer).await;
            drop(running);
        });
        answered
            .await
            .unwrap_or_else(|_| answer_with(Problem::new(ProblemCode::ShuttingDown)))
    }

    async fn travel(&self, inbound: &Inbound, door: Door, answer: oneshot::Sender<Reply>) {
        let now = self.core.clock.now();
        let mut journey = Journey::new(inbound, door.environment(), now);
        let walk = AssertUnwindSafe(self.through(inbound, door, &mut journey)).catch_unwind();
        let outcome = walk.await.unwrap_or_else(|_| {
            self.core.metrics.panics.fetch_add(1, Ordering::Relaxed);
            tracing::error!(request_id = %inbound.request_id, "a call ended in a panic");
            Err(Problem::new(ProblemCode::Internal))
        });
        let mut reply = journey.end(outcome);
        self.count(&journey);
        if answer.is_closed() {
            self.core.metrics.abandoned.fetch_add(1, Ordering::Relaxed);
            journey.record.status = CLIENT_GONE;
        }
        let gone = journey.record.status == CLIENT_GONE;
        if self.is_written(&journey)
            && !self.write(journey.record.clone(), journey.durable()).await
            && journey.durable()
        {
            // An answer of this level must not leave without its record.
            let mut unrecorded = Problem::new(ProblemCode::StoreUnavailable);
            if journey.may_have_acted() {
                unrecorded = unrecorded.kept(Kept::Unknown);
                unrecorded.submission.clone_from(&journey.record.submission);
            }
            reply = answer_with(unrecorded);
        }
        if answer.send(reply).is_err() && !gone {
            self.core.metrics.abandoned.fetch_add(1, Ordering::Relaxed);
            journey.record.status = CLIENT_GONE;
            self.write(journey.record, false).await;
        }
    }

    async fn through(&self, inbound: &Inbound, door: Door, journey: &mut Journey) -> Result<Reply, Problem> {
        match door {
            Door::Sandbox => match self.described(inbound) {
                Some(showing) => self.show_described(inbound, showing, journey).await,
                None => self.call(inbound, door.environment(), journey).await,
            },
            Door::Gateway => self.call(inbound, door.environment(), journey).await,
            Door::Callback => self.knock(inbound, journey).await,
            Door::Me => self.own(inbound, journey).await,
        }
    }

    fn count(&self, journey: &Journey) {
        let record = &journey.record;
        let operation = record.operation.as_deref().unwrap_or("unresolved");
        let problem = record.problem.as_deref();
        self.core
            .metrics
            .call(operation, record.environment, record.status, problem, journey.elapsed());
    }

    /// Refusals before authentication are sampled, everything else is written.
    fn is_written(&self, journey: &Journey) -> bool {
        let code = journey.record.problem.as_deref().unwrap_or_default();
        journey.authenticated || self.core.sampler.takes(code, self.core.clock.now())
    }

    async fn write(&self, record: TrailRecord, durable: bool) -> bool {
        match self.core.trail.write(record, durable).await {
            Ok(()) => true,
            Err(error) => {
                self.core.metrics.trail_failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(error = %error, "a trail record was not written");
                false
            }
        }
    }
}

fn answer_with(problem: Problem) -> Reply {
    Reply {
        status: problem.code.status(),
        headers: Vec::new(),
        body: ReplyBody::Problem(Box::new(problem)),
    }
}
