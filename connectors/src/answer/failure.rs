//! What a failure means: the rules of `fails`, HTTP statuses, SOAP faults.

use super::{Reading, failed, status};
use crate::error::{ConnectorError, Failure};
use crate::manifest::model::FailTest;
use crate::plan::Plan;
use crate::wiring::code_text;
use serde_json::json;

/// Why an answer that could be read is no success; `None` if it is one.
pub(super) fn failure(plan: &Plan, reading: &Reading<'_>) -> Option<ConnectorError> {
    let words = reading.words(plan);
    if let Some((code, fault_words)) = &reading.document.fault {
        let failure = fault_rule(plan, code)
            .or_else(|| code_rule(plan, code, fault_words))
            .or_else(|| any_rule(plan))
            .unwrap_or(if code.ends_with("Server") || code.ends_with("Receiver") {
                Failure::Unavailable
            } else {
                Failure::Rejected
            });
        return Some(failed(failure, Some(code.clone()), Some(fault_words.clone()))).filter(|_| failure != Failure::Ok);
    }
    let code = reading.code(plan);
    let status = reading.response.status;
    if status::fits(&plan.answer, reading.response).is_some() {
        return None;
    }
    if status::alone(&plan.answer) && status < 400 {
        let failure = http_rule(plan, status).or_else(|| message_rule(plan, words.as_deref().unwrap_or("")));
        let failure = failure.or_else(|| any_rule(plan)).unwrap_or(Failure::Rejected);
        return (failure != Failure::Ok).then(|| failed(failure, Some(format!("http {status}")), words));
    }
    if !(200..300).contains(&status) {
        // A known code inside says more than the status around it.
        let known = code
            .as_deref()
            .and_then(|c| code_rule(plan, c, words.as_deref().unwrap_or("")));
        let ruled = known.or_else(|| http_rule(plan, status));
        let failure = ruled.unwrap_or_else(|| by_status(status));
        let shown = code.or_else(|| Some(format!("http {status}")));
        let error = failed(failure, shown, words);
        return (failure != Failure::Ok).then(|| match ruled {
            Some(_) => error,
            None => unexplained(status, error),
        });
    }
    if is_success(plan, reading, code.as_deref()) {
        return None;
    }
    let text = words.as_deref().unwrap_or("");
    let failure = match code.as_deref() {
        Some(code) => code_rule(plan, code, text),
        None => message_rule(plan, text),
    };
    let failure = failure.or_else(|| any_rule(plan));
    match (failure, &code) {
        (Some(Failure::Ok), _) => None,
        (Some(failure), _) => Some(failed(failure, code, words)),
        // A login that does not look like one that went well was refused.
        (None, None) if plan.login && plan.answer.when.is_some() => Some(failed(Failure::Refused, None, words)),
        // No code where one must be: not the answer that the manual promises.
        (None, None) => Some(ConnectorError::Misfit {
            place: plan
                .answer
                .code
                .as_ref()
                .map_or_else(String::new, |s| s.path.to_string()),
            expected: "a result code".to_owned(),
            got: "nothing".to_owned(),
            effect_unknown: false,
        }),
        (None, Some(_)) => Some(failed(Failure::Rejected, code, words)),
    }
}

fn is_success(plan: &Plan, reading: &Reading<'_>, code: Option<&str>) -> bool {
    if let Some(when) = &plan.answer.when {
        let status = json!(reading.response.status);
        let value = when.evaluate(&[("answer", &reading.document.tree), ("status", &status)]);
        return value.is_ok_and(|v| v == true);
    }
    match (&plan.answer.ok, &plan.answer.code) {
        (Some(ok), Some(_)) => ok.iter().filter_map(code_text).any(|o| match (o.as_str(), code) {
            // The status alone decides: codes stand in failures only.
            ("2xx", _) | ("none", None) => true,
            (_, code) => code == Some(o.as_str()),
        }),
        _ => true,
    }
}

fn code_rule(plan: &Plan, code: &str, words: &str) -> Option<Failure> {
    let particular = plan.fails.iter().find(|rule| match &rule.test {
        FailTest::Code(c, part) => c == code && !part.is_empty() && words.contains(part.as_str()),
        _ => false,
    });
    particular
        .or_else(|| {
            plan.fails
                .iter()
                .find(|rule| matches!(&rule.test, FailTest::Code(c, part) if c == code && part.is_empty()))
        })
        .map(|rule| rule.failure)
        .or_else(|| message_rule(plan, words))
}

fn message_rule(plan: &Plan, words: &str) -> Option<Failure> {
    plan.fails
        .iter()
        .find(|rule| matches!(&rule.test, FailTest::Message(part) if words.contains(part.as_str())))
        .map(|rule| rule.failure)
}

fn fault_rule(plan: &Plan, code: &str) -> Option<Failure> {
    plan.fails
        .iter()
        .find(|rule| matches!(&rule.test, FailTest::Fault(end) if code.ends_with(end.as_str())))
        .map(|rule| rule.failure)
}

pub(super) fn http_rule(plan: &Plan, status: u16) -> Option<Failure> {
    plan.fails
        .iter()
        .find(|rule| match &rule.test {
            FailTest::Http(from, to) => (*from..=*to).contains(&status),
            // Where no code is declared, the status is the code.
            FailTest::Code(code, _) => plan.answer.code.is_none() && *code == status.to_string(),
            _ => false,
        })
        .map(|rule| rule.failure)
}

fn any_rule(plan: &Plan) -> Option<Failure> {
    plan.fails
        .iter()
        .find(|rule| rule.test == FailTest::Any)
        .map(|rule| rule.failure)
}

/// Statuses of a server that broke down somewhere on its way (RFC 9110, 15.6): it may have done what it was asked, unless the
/// manifest knows better. A 503 says that it did not begin.
const MAY_HAVE_HAPPENED: [u16; 2] = [500, 502];

/// An error that only a status speaks of.
pub(super) fn unexplained(status: u16, error: ConnectorError) -> ConnectorError {
    match MAY_HAVE_HAPPENED.contains(&status) {
        true => error.unsure(),
        false => error,
    }
}

/// What a status means where the manifest says nothing.
pub(super) fn by_status(status: u16) -> Failure {
    match status {
        401 | 403 | 407 => Failure::Refused,
        404 | 410 => Failure::NotFound,
        408 | 504 => Failure::Timeout,
        409 | 423 => Failure::Conflict,
        429 => Failure::Busy,
        500..=599 => Failure::Unavailable,
        _ => Failure::Rejected,
    }
}
