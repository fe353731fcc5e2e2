//! Step normalize: an answer leaves only if it fits its contract.

use crate::cache::Age;
use hub_catalog::Catalog;
use hub_core::ports::Answer;
use hub_core::wire::ReplyBody;
use hub_core::{Effect, Kept, Operation, Problem, ProblemCode, Reply};
use serde_json::Value;

/// The answer, once it fits.
pub(crate) fn normalize(catalog: &Catalog, operation: &Operation, answer: Answer) -> Result<Answer, Problem> {
    if operation.response.is_none() {
        return Ok(Answer {
            body: Value::Null,
            untouched: None,
            ..answer
        });
    }
    if answer.untouched.is_some() {
        // Whoever lets bytes pass has checked them.
        return Ok(answer);
    }
    match catalog.check_output(operation, &answer.body) {
        Ok(()) => Ok(answer),
        Err(violations) => {
            let problem = Problem::violations(ProblemCode::UpstreamContract, violations);
            // The agency did answer, so it may well have acted.
            Err(match operation.effect {
                Effect::None => problem,
                Effect::Repeatable | Effect::Once => problem.kept(Kept::Unknown),
            })
        }
    }
}

/// The reply for a good answer.
pub(crate) fn reply(operation: &Operation, answer: Answer, age: Option<Age>) -> Reply {
    let mut headers = answer.headers;
    match age {
        Some(age) => {
            headers.push(("Age".to_owned(), age.seconds.to_string()));
            // `private`, because a shared cache would not ask for a key.
            headers.push(("Cache-Control".to_owned(), format!("private, max-age={}", age.lives)));
        }
        None => headers.push(("Cache-Control".to_owned(), "no-store".to_owned())),
    }
    Reply {
        status: answer.status,
        headers,
        body: match (&operation.response, answer.untouched) {
            (None, _) => ReplyBody::Empty,
            (Some(_), None) => ReplyBody::Json(answer.body),
            (Some(_), Some(bytes)) => ReplyBody::Bytes {
                content_type: "application/json".to_owned(),
                bytes,
            },
        },
    }
}
