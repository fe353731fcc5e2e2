//! The `when` of an access rule, in CEL.
//!
//! It sees four variables and nothing personal: `client` {id, tenant, plan}, `subject` {known, assurance, company, role},
//! `operation` {id, service, agency, system, domain, method, level, assurance, effect, audience} and `call`
//! {environment, address, hour, weekday, date}. Whatever is not exactly `true`, a failure included, does not open.

use crate::authenticate::Caller;
use cel::{Context, Env, Program, Value};
use hub_core::time::{Timestamp, civil};
use hub_core::{Assurance, Environment, Operation};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// Names a condition may use.
pub(super) const VARIABLES: [&str; 4] = ["client", "subject", "operation", "call"];

/// Longest condition.
const MAX_CHARS: usize = 2_000;

/// A compiled condition.
pub(super) struct Condition {
    program: Program,
    /// Kept, because making the standard environment costs more than running the condition.
    env: Arc<Env>,
    /// The variables it reads; the others need not be made.
    uses: Vec<&'static str>,
}

impl fmt::Debug for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Condition").field(&self.program).finish()
    }
}

impl Condition {
    /// Compiles a condition; the reason where it is not one.
    pub(super) fn compile(source: &str) -> Result<Self, String> {
        if source.chars().count() > MAX_CHARS {
            return Err(format!("longer than {MAX_CHARS} characters"));
        }
        let env = Arc::new(Env::stdlib());
        let program = env.compile(source).map_err(|e| {
            let lines: Vec<String> = e
                .errors
                .iter()
                .map(|e| format!("{}:{} {}", e.pos.0, e.pos.1, e.msg))
                .collect();
            lines.join("; ")
        })?;
        let unknown = program
            .references()
            .variables()
            .into_iter()
            .find(|v| !VARIABLES.contains(v))
            .map(str::to_owned);
        match unknown {
            Some(name) => Err(format!("`{name}` is not one of {}", VARIABLES.join(", "))),
            None => {
                let references = program.references();
                let uses = VARIABLES.into_iter().filter(|v| references.has_variable(v)).collect();
                drop(references);
                Ok(Self { program, env, uses })
            }
        }
    }

    /// Whether it is true for this call.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        let mut context = Context::with_env(Arc::clone(&self.env));
        for name in &self.uses {
            context.add_variable_from_value(*name, facts.variable(name));
        }
        match self.program.execute(&context) {
            Ok(Value::Bool(holds)) => holds,
            Ok(_) => false,
            Err(error) => {
                tracing::warn!(operation = %facts.operation.id, error = %error, "an access condition failed");
                false
            }
        }
    }
}

/// What a condition is asked about.
pub(super) struct Facts<'a> {
    pub(super) caller: &'a Caller,
    pub(super) operation: &'a Operation,
    pub(super) domain: &'a str,
    pub(super) environment: Environment,
    pub(super) now: Timestamp,
}

type Members = HashMap<String, Value>;

impl Facts<'_> {
    fn variable(&self, name: &str) -> Members {
        match name {
            "client" => self.client(),
            "subject" => self.subject(),
            "operation" => self.operation(),
            _ => self.call(),
        }
    }

    fn client(&self) -> Members {
        let client = self.caller.client.as_deref();
        members([
            ("id", client.map_or("", |c| &c.id).into()),
            ("tenant", client.map_or("", |c| &c.tenant).into()),
            ("plan", self.caller.plan().into()),
        ])
    }

    fn subject(&self) -> Members {
        let subject = self.caller.subject.as_deref();
        let mandate = subject.and_then(|s| s.mandate.as_ref());
        let assurance = subject.map_or(Assurance::R0, |s| s.assurance);
        members([
            ("known", Value::Bool(subject.is_some())),
            ("assurance", assurance.as_str().into()),
            ("company", Value::Bool(mandate.is_some())),
            ("role", mandate.map_or("", |m| &m.role).into()),
        ])
    }

    fn operation(&self) -> Members {
        let operation = self.operation;
        members([
            ("id", operation.id.as_ref().into()),
            ("service", operation.service.as_deref().unwrap_or_default().into()),
            ("agency", operation.system.agency.as_str().into()),
            ("system", operation.system.system.as_str().into()),
            ("domain", self.domain.into()),
            ("method", operation.method.as_str().into()),
            ("level", operation.level.as_str().into()),
            ("assurance", operation.assurance.as_str().into()),
            ("effect", operation.effect.as_str().into()),
            ("audience", operation.audience.as_str().into()),
        ])
    }

    fn call(&self) -> Members {
        let clock = civil(self.now);
        members([
            ("environment", self.environment.as_str().into()),
            ("address", self.caller.peer.to_string().into()),
            ("hour", Value::Int(i64::from(clock.hour()))),
            ("weekday", Value::Int(i64::from(clock.weekday().to_monday_one_offset()))),
            ("date", clock.date().to_string().into()),
        ])
    }
}

fn members<const N: usize>(list: [(&str, Value); N]) -> Members {
    list.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
