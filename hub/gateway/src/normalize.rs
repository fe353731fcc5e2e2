//! Step normalize: an answer leaves only if it fits its contract.

use crate::cache::Age;
use crate::unknown;
use hub_catalog::Catalog;
use hub_core::ports::Answer;
use hub_core::wire::ReplyBody;
use hub_core::{Effect, Kept, Operation, Problem, ProblemCode, Reply};
use serde_json::Value;

/// The answer, once it fits. A code that the contract does not list is no reason to withhold the rest: it leaves as it came,
/// flagged.
pub(crate) fn normalize(catalog: &Catalog, operation: &Operation, mut answer: Answer) -> Result<Answer, Problem> {
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
            if let Some(places) = unknown::places(catalog, operation, &answer.body, &violations) {
                answer.headers.push((unknown::HEADER.to_owned(), places.join(", ")));
                return Ok(answer);
            }
            let problem = Problem::violations(ProblemCode::UpstreamContract, violations);
            // The agency did answer, so it may well have acted.
            Err(match operation.effect {
                Effect::None => problem,
                Effect::Repeatable | Effect::Once => problem.kept(Kept::Unknown),
            })
        }
    }
}

/// The fields that an answer was flagged for, without the numbers of the items they stand in.
pub(crate) fn flagged(answer: &Answer) -> Vec<String> {
    let flag = answer.headers.iter().find(|(name, _)| name == unknown::HEADER);
    let places = flag.map(|(_, places)| places.split(", ")).into_iter().flatten();
    let mut fields: Vec<String> = places
        .map(|place| {
            let steps = place
                .split('/')
                .filter(|s| !s.is_empty() && s.parse::<usize>().is_err());
            steps.collect::<Vec<_>>().join("/")
        })
        .collect();
    fields.dedup();
    fields
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
