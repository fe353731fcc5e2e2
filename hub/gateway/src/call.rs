//! Step call: hands the call to whoever answers in its world, and waits no longer than its deadline.

use crate::evidence::Grant;
use crate::gateway::Gateway;
use hub_core::ports::{Answer, Call};
use hub_core::{Effect, Environment, Kept, Problem, ProblemCode};
use std::time::Duration;

/// Upstreams keep the deadline themselves; this long after it they have failed to.
const GRACE: Duration = Duration::from_secs(2);

impl Gateway {
    /// An answer for whoever looks into it: always a tree, never bytes that only pass.
    pub(crate) async fn read_upstream(&self, call: &Call, grant: &Grant) -> Result<Answer, Problem> {
        self.ask_upstream(call, grant).await.map(Answer::read)
    }

    /// An answer on its way to the caller, as a tree or as bytes that may pass untouched.
    pub(crate) async fn ask_upstream(&self, call: &Call, grant: &Grant) -> Result<Answer, Problem> {
        let answer = match grant.environment() {
            Environment::Live => self.live.answer(call, grant),
            Environment::Sandbox => self.core.sandbox.answer(call, grant),
        };
        let limit = Duration::from_millis(call.deadline_ms) + GRACE;
        match tokio::time::timeout(limit, answer).await {
            Ok(outcome) => outcome,
            Err(_) => Err(
                Problem::new(ProblemCode::UpstreamTimeout).kept(match call.operation.effect {
                    Effect::None => Kept::Nothing,
                    Effect::Repeatable | Effect::Once => Kept::Unknown,
                }),
            ),
        }
    }
}
