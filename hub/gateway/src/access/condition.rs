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
            None => Ok(Self { program, env }),
        }
    }

    /// Whether it is true for this call.
    pub(super) fn holds(&self, facts: &Facts<'_>) -> bool {
        let mut context = Context::with_env(Arc::clone(&self.env));
        for (name, value) in facts.variables() {
            context.add_variable_from_value(name, value);
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
    fn variables(&self) -> [(&'static str, Members); 4] {
        let text = |s: &str| Value::from(s);
        let members = |list: Vec<(&str, Value)>| list.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Members>();
        let client = self.caller.client.as_deref();
        let subject = self.caller.subject.as_deref();
        let mandate = subject.and_then(|s| s.mandate.as_ref());
        let operation = self.operation;
        let clock = civil(self.now);
        [
            (
                "client",
                members(vec![
                    ("id", text(client.map_or("", |c| &c.id))),
                    ("tenant", text(client.map_or("", |c| &c.tenant))),
                    ("plan", text(self.caller.plan())),
                ]),
            ),
            (
                "subject",
                members(vec![
                    ("known", Value::Bool(subject.is_some())),
                    (
                        "assurance",
                        text(subject.map_or(Assurance::R0, |s| s.assurance).as_str()),
                    ),
                    ("company", Value::Bool(mandate.is_some())),
                    ("role", text(mandate.map_or("", |m| &m.role))),
                ]),
            ),
            (
                "operation",
                members(vec![
                    ("id", text(&operation.id)),
                    ("service", text(operation.service.as_deref().unwrap_or_default())),
                    ("agency", text(&operation.system.agency)),
                    ("system", text(&operation.system.system)),
                    ("domain", text(self.domain)),
                    ("method", text(&operation.method)),
                    ("level", text(operation.level.as_str())),
                    ("assurance", text(operation.assurance.as_str())),
                    ("effect", text(operation.effect.as_str())),
                    ("audience", text(operation.audience.as_str())),
                ]),
            ),
            (
                "call",
                members(vec![
                    ("environment", text(self.environment.as_str())),
                    ("address", text(&self.caller.peer.to_string())),
                    ("hour", Value::Int(i64::from(clock.hour()))),
                    ("weekday", Value::Int(i64::from(clock.weekday().to_monday_one_offset()))),
                    ("date", text(&clock.date().to_string())),
                ]),
            ),
        ]
    }
}
