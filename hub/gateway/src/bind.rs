//! Step bind: fields that name the person or company are filled from the subject, and the evidence is made that the
//! call is authorised, fits its contract and speaks of nobody else.

use crate::authenticate::Caller;
use crate::evidence::{CheckedInput, Grant, Permit};
use crate::files::papers;
use crate::setting::Setting;
use hub_core::ports::Call;
use hub_core::{Mask, Operation, ParameterPlace, Problem, ProblemCode, SubjectAttribute, Text};
use serde_json::Value;
use std::sync::Arc;

/// Fills the bound fields and makes the call and its grant.
pub(crate) async fn bind(
    at: &Setting<'_>,
    caller: &Caller,
    operation: &Arc<Operation>,
    checked: CheckedInput,
    permit: Permit,
    controls: Vec<(String, String)>,
) -> Result<(Call, Grant), Problem> {
    let mut input = checked.into_fields();
    let subject = caller.subject.as_ref();
    let pairwise = subject.map(|s| at.core.authenticator.pairwise(s, &operation.system.agency));
    for bound in &operation.bound {
        let proven = match (bound.from, subject) {
            (SubjectAttribute::Pairwise, _) => pairwise.as_deref(),
            (attribute, Some(subject)) => subject.attribute(attribute),
            (_, None) => None,
        };
        let given = input.get(&bound.field);
        match (proven, given) {
            (Some(proven), Some(given)) if !same(given, proven) => {
                return Err(mismatch(operation, &bound.field, given));
            }
            (Some(proven), _) => {
                input.insert(bound.field.clone(), Value::String(proven.to_owned()));
            }
            // Nobody signed in: a name that cannot be proven must not pass as one that was.
            (None, Some(_)) if subject.is_none() => return Err(Problem::new(ProblemCode::TokenMissing)),
            (None, given) => {
                let required = operation.input.child(&bound.field).is_none_or(|f| f.required);
                if required || given.is_some() {
                    return Err(incomplete(operation, &bound.field, bound.from));
                }
            }
        }
    }
    let papers = papers(at, caller, operation, &input).await?;
    let grant = Grant::new(operation, at.environment, caller, permit, papers);
    let call = Call {
        operation: Arc::clone(operation),
        input,
        subject: subject.cloned(),
        pairwise,
        agent: caller
            .agent
            .as_ref()
            .map(|agent| at.core.authenticator.pairwise(agent, &operation.system.agency)),
        submission: None,
        request_id: at.inbound.request_id.clone(),
        controls,
        deadline_ms: at.core.settings.deadline_ms,
    };
    Ok((call, grant))
}

/// Identity numbers end in a check character that people write in either case.
fn same(given: &Value, proven: &str) -> bool {
    given.as_str().is_some_and(|g| g.trim().eq_ignore_ascii_case(proven))
}

fn place(operation: &Operation, field: &str) -> String {
    let parameter = operation.parameters.iter().find(|p| p.name == field);
    match parameter.map(|p| p.place) {
        Some(ParameterPlace::Path | ParameterPlace::Query) => format!("parameter/{field}"),
        Some(ParameterPlace::Header) => format!("header/{field}"),
        None => format!("/{field}"),
    }
}

fn mismatch(operation: &Operation, field: &str, given: &Value) -> Problem {
    let rule = operation.input.child(field).map_or(Mask::Redact, |f| f.mask.clone());
    let masked = if rule.hides() { rule } else { Mask::Redact }.apply(given);
    let got = masked.as_str().map_or_else(|| masked.to_string(), str::to_owned);
    Problem::new(ProblemCode::SubjectMismatch).at(
        place(operation, field),
        Text::new("办事人本人的信息", "the subject's own value"),
        got,
    )
}

fn incomplete(operation: &Operation, field: &str, attribute: SubjectAttribute) -> Problem {
    let attribute = serde_json::to_value(attribute).unwrap_or_default();
    Problem::new(ProblemCode::SubjectIncomplete)
        .at(
            place(operation, field),
            Text::new("登录来源所证明的属性", "an attribute proven by the sign-in"),
            "nothing",
        )
        .with("attribute", attribute)
}
