//! The decision.

use super::condition::Facts;
use super::rule::domain;
use crate::authenticate::Caller;
use crate::evidence::Permit;
use crate::setting::Setting;
use hub_core::{Assurance, Audience, Operation, Problem, ProblemCode, Subject};
use std::sync::Arc;

/// Whether this caller may make this call, and by which rule.
pub(crate) fn authorize(at: &Setting<'_>, caller: &Caller, operation: &Operation) -> Result<Permit, Problem> {
    demands(operation, caller.subject.as_deref())?;
    let facts = Facts {
        caller,
        operation,
        domain: domain(at.catalog(), operation),
        environment: at.environment,
        now: at.now,
    };
    at.policies()
        .access
        .of(operation)
        .find(|rule| rule.covers(caller, at.environment) && rule.when.as_ref().is_none_or(|when| when.holds(&facts)))
        .map(|rule| Permit {
            rule: Arc::clone(&rule.name),
        })
        .ok_or_else(|| {
            Problem::new(ProblemCode::AccessDenied)
                .detail(
                    format!("没有授权允许调用 {}", operation.id),
                    format!("No grant allows a call of {}", operation.id),
                )
                .with("operation", operation.id.as_ref())
        })
}

/// What the contract demands of the subject. A key alone opens R0 operations that name nobody.
fn demands(operation: &Operation, subject: Option<&Subject>) -> Result<(), Problem> {
    let needed = operation.assurance > Assurance::R0
        || operation
            .bound
            .iter()
            .any(|b| operation.input.child(&b.field).is_none_or(|f| f.required));
    let Some(subject) = subject else {
        return if needed {
            Err(Problem::new(ProblemCode::TokenMissing).with("required_assurance", operation.assurance.as_str()))
        } else {
            Ok(())
        };
    };
    if subject.assurance < operation.assurance {
        return Err(Problem::new(ProblemCode::AssuranceTooLow)
            .detail(
                format!("需要 {}，当前为 {}", operation.assurance, subject.assurance),
                format!(
                    "{} is needed, the subject has {}",
                    operation.assurance, subject.assurance
                ),
            )
            .with("required_assurance", operation.assurance.as_str())
            .with("assurance", subject.assurance.as_str()));
    }
    let fits = match operation.audience {
        Audience::Both => true,
        Audience::Legal => subject.mandate.is_some(),
        Audience::Natural => subject.mandate.is_none(),
    };
    // Whoever asks for nothing about anybody may ask in any capacity.
    if needed && !fits {
        return Err(Problem::new(ProblemCode::AudienceMismatch).with("audience", operation.audience.as_str()));
    }
    Ok(())
}
