//! What becomes known about one call on its way: the trail record in the making and the headers of the answer.
//!
//! It belongs to whoever runs the pipeline, not to the pipeline, so that a panic inside loses nothing that was known.

use crate::authenticate::Caller;
use crate::evidence::{Grant, Permit};
use crate::limits::Allowance;
use hub_core::ports::{Call, TrailRecord};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::wire::ReplyBody;
use hub_core::{DataLevel, Effect, Environment, Inbound, Operation, Problem, Reply};
use hub_crypto::{Digest, digest, hex};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Instant;

/// One call on its way.
pub(crate) struct Journey {
    pub(crate) record: TrailRecord,
    pub(crate) headers: Vec<(String, String)>,
    /// Whether the client is known. Before that, refusals are counted and sampled.
    pub(crate) authenticated: bool,
    pub(crate) operation: Option<Arc<Operation>>,
    started: Instant,
}

impl Journey {
    pub(crate) fn new(inbound: &Inbound, environment: Environment, now: Timestamp) -> Self {
        Self {
            record: TrailRecord {
                at: rfc3339(now),
                request_id: inbound.request_id.clone(),
                environment,
                client: None,
                tenant: None,
                subject: None,
                principal: None,
                agent: None,
                operation: None,
                level: None,
                grant: None,
                fields: Vec::new(),
                status: 0,
                problem: None,
                submission: None,
                elapsed_ms: 0,
                attempts: 0,
                jump: None,
            },
            headers: Vec::new(),
            authenticated: false,
            operation: None,
            started: Instant::now(),
        }
    }

    pub(crate) fn resolved(&mut self, operation: &Arc<Operation>) {
        self.record.operation = Some(operation.id.to_string());
        self.record.level = Some(operation.level);
        self.operation = Some(Arc::clone(operation));
    }

    pub(crate) fn known(&mut self, caller: &Caller) {
        self.authenticated = true;
        if let Some(client) = &caller.client {
            self.record.client = Some(client.id.clone());
            self.record.tenant = Some(client.tenant.clone());
        }
        if let Some(subject) = &caller.subject {
            self.record.subject = Some(subject_mark(&subject.id));
            self.record.principal = subject.mandate.as_ref().map(|m| m.uscc.clone());
            self.record.agent = caller.agent.as_ref().map(|agent| subject_mark(&agent.id));
        }
    }

    pub(crate) fn allowed(&mut self, permit: &Permit) {
        self.record.grant = Some(permit.rule.to_string());
    }

    pub(crate) fn limited(&mut self, allowance: Option<&Allowance>) {
        self.headers.extend(allowance.into_iter().flat_map(Allowance::headers));
    }

    /// Notes which personal fields leave for the agency: names only, never values.
    pub(crate) fn bound(&mut self, call: &Call) {
        self.record.fields = personal_fields(&call.operation, &call.input);
    }

    /// Notes how often the upstream was reached, and to which page of its own it sends the subject.
    pub(crate) fn reached(&mut self, grant: &Grant) {
        self.record.attempts = grant.attempts();
        self.record.jump = grant.jump().map(str::to_owned);
    }

    pub(crate) fn replayed(&mut self) {
        self.headers
            .push(("Idempotency-Replayed".to_owned(), "true".to_owned()));
    }

    /// Whether an upstream was reached by a call that has an effect.
    pub(crate) fn may_have_acted(&self) -> bool {
        let reads = self.operation.as_ref().is_none_or(|o| o.effect == Effect::None);
        self.record.attempts > 0 && !reads
    }

    /// Whether the record must be on disk before the answer leaves.
    pub(crate) fn durable(&self) -> bool {
        self.authenticated
            && self.record.environment == Environment::Live
            && self.record.level.is_some_and(|l| l >= DataLevel::L3)
    }

    /// Ends the journey with what the pipeline came to.
    pub(crate) fn end(&mut self, outcome: Result<Reply, Problem>) -> Reply {
        let mut reply = outcome.unwrap_or_else(|problem| self.refuse(problem));
        reply.headers.append(&mut self.headers);
        self.record.status = reply.status;
        self.record.elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        reply
    }

    /// The reply for a problem, with the headers that its code asks for.
    fn refuse(&mut self, problem: Problem) -> Reply {
        self.record.problem = Some(problem.code.as_str().to_owned());
        if problem.submission.is_some() {
            self.record.submission.clone_from(&problem.submission);
        }
        if let Some(inner) = &problem.inner {
            tracing::warn!(request_id = %self.record.request_id, code = problem.code.as_str(), inner = %inner, "call failed");
        }
        Reply {
            status: problem.code.status(),
            headers: crate::refusal::headers(&problem),
            body: ReplyBody::Problem(Box::new(problem)),
        }
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.started.elapsed()
    }
}

/// How a subject appears in the trail: the same mark every time, from which the id cannot be read.
pub(crate) fn subject_mark(id: &str) -> String {
    let mut mark = hex(&digest(Digest::Sha256, id.as_bytes()));
    mark.truncate(32);
    mark
}

/// Names of the fields of an input that are personal.
pub(crate) fn personal_fields(operation: &Operation, input: &Map<String, Value>) -> Vec<String> {
    input
        .keys()
        .filter(|name| {
            operation
                .input
                .child(name)
                .is_some_and(|shape| shape.highest_level() > DataLevel::L1)
        })
        .cloned()
        .collect()
}
