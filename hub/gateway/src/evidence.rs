//! Evidence types: values that only the step that checked something can make, so that no later step can be reached
//! without the earlier one.

use crate::authenticate::Caller;
use crate::files::Papers;
use crate::journey::subject_mark;
use hub_core::{Environment, Operation};
use hub_store::Submission;
use serde_json::{Map, Value};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Input that fits the contract. Made by `validate` only.
#[derive(Debug)]
pub struct CheckedInput(Map<String, Value>);

impl CheckedInput {
    pub(crate) fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// The flat input as the client gave it.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    pub(crate) fn into_fields(self) -> Map<String, Value> {
        self.0
    }
}

/// A rule of `policies/access` allows this call. Made by `authorize` only.
#[derive(Debug)]
pub struct Permit {
    pub(crate) rule: Arc<str>,
}

/// The proof that one call was authorised, fits its contract and is bound to its subject, papers included. Whoever wants an upstream
/// to answer needs one, and only this crate can make one. It also counts the attempts made under it.
#[derive(Debug)]
pub struct Grant {
    operation: Arc<str>,
    environment: Environment,
    client: Option<String>,
    tenant: Option<String>,
    subject: Option<String>,
    rule: Arc<str>,
    papers: Papers,
    attempts: AtomicU32,
    jump: OnceLock<String>,
    surprises: Mutex<Vec<(String, &'static str)>>,
}

impl Grant {
    pub(crate) fn new(
        operation: &Operation,
        environment: Environment,
        caller: &Caller,
        permit: Permit,
        papers: Papers,
    ) -> Self {
        Self {
            operation: Arc::clone(&operation.id),
            environment,
            client: caller.client.as_ref().map(|c| c.id.clone()),
            tenant: caller.client.as_ref().map(|c| c.tenant.clone()),
            subject: caller.subject.as_ref().map(|s| subject_mark(&s.id)),
            rule: permit.rule,
            papers,
            attempts: AtomicU32::new(0),
            jump: OnceLock::new(),
            surprises: Mutex::default(),
        }
    }

    /// For a submission that was authorised and bound when it was accepted and is delivered later, or asked about
    /// (`rule`).
    pub(crate) fn for_submission(operation: &Operation, submission: &Submission, rule: &str, papers: Papers) -> Self {
        Self {
            operation: Arc::clone(&operation.id),
            environment: Environment::Live,
            client: Some(submission.client.clone()),
            tenant: submission.tenant.clone(),
            subject: Some(submission.subject.clone()).filter(|s| !s.is_empty()),
            rule: rule.into(),
            papers,
            attempts: AtomicU32::new(0),
            jump: OnceLock::new(),
            surprises: Mutex::default(),
        }
    }

    /// For what the hub asks of its own accord, about nobody in particular.
    pub(crate) fn for_upkeep(operation: &Operation, rule: &str) -> Self {
        Self {
            operation: Arc::clone(&operation.id),
            environment: Environment::Live,
            client: None,
            tenant: None,
            subject: None,
            rule: rule.into(),
            papers: Papers::default(),
            attempts: AtomicU32::new(0),
            jump: OnceLock::new(),
            surprises: Mutex::default(),
        }
    }

    /// Operation it is good for.
    #[must_use]
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// World it is good for.
    #[must_use]
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// Client that calls.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        self.client.as_deref()
    }

    /// Tenant of the client.
    #[must_use]
    pub fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    /// Mark of the subject, as the trail and the store know it.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// Name of the access rule that allowed it.
    #[must_use]
    pub fn rule(&self) -> &str {
        &self.rule
    }

    /// The papers that the call refers to, all of them the subject's own.
    pub(crate) fn papers(&self) -> &Papers {
        &self.papers
    }

    /// Notes that the answer leads the subject to a page on this host.
    pub(crate) fn jumped(&self, host: String) {
        // The first counts: a repetition of the answer leads to the same page.
        drop(self.jump.set(host));
    }

    /// The host of that page.
    #[must_use]
    pub fn jump(&self) -> Option<&str> {
        self.jump.get().map(String::as_str)
    }

    /// Counts one attempt to reach the upstream.
    pub fn attempted(&self) {
        self.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// Keeps what was surprising in an answer: the canonical field and the kind of surprise, never a value.
    pub(crate) fn surprised(&self, field: &str, kind: &'static str) {
        let mut surprises = self.surprises.lock().unwrap_or_else(PoisonError::into_inner);
        surprises.push((field.to_owned(), kind));
    }

    /// What was surprising so far.
    pub(crate) fn surprises(&self) -> Vec<(String, &'static str)> {
        self.surprises.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Attempts made so far.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.attempts.load(Ordering::Relaxed)
    }
}
