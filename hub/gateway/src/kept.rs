//! Answers and refusals as bytes, to be kept under an idempotency key and taken out again.

use hub_core::ports::Answer;
use hub_core::{Kept, Problem, ProblemCode, Text};
use serde_json::{Value, json};

/// Status and bytes of an outcome. What may have personal values in it is sealed by whoever keeps it.
pub(crate) fn pack(outcome: &Result<Answer, Problem>) -> (u16, Vec<u8>) {
    let (status, document) = match outcome {
        Ok(answer) => (answer.status, json!({"answer": answer.clone().read().body})),
        Err(problem) => (problem.code.status(), json!({"problem": document(problem)})),
    };
    (status, document.to_string().into_bytes())
}

/// The outcome that was kept; `None` where the bytes are not ours.
pub(crate) fn unpack(status: u16, bytes: &[u8]) -> Option<Result<Answer, Problem>> {
    let mut document: Value = serde_json::from_slice(bytes).ok()?;
    if let Some(body) = document.get_mut("answer") {
        return Some(Ok(Answer::new(status, body.take())));
    }
    problem(document.get("problem")?).map(Err)
}

fn document(problem: &Problem) -> Value {
    json!({
        "code": problem.code.as_str(),
        "detail": problem.detail,
        "where": problem.place,
        "expected": problem.expected,
        "got": problem.got,
        "kept": problem.kept.as_str(),
        "retry_after": problem.retry_after,
        "submission": problem.submission,
        "more": problem.more,
    })
}

fn problem(document: &Value) -> Option<Problem> {
    let word = |name: &str| document.get(name).and_then(Value::as_str);
    let text = |name: &str| serde_json::from_value::<Option<Text>>(document.get(name)?.clone()).ok()?;
    let mut problem = Problem::new(code(word("code")?)?);
    problem.detail = text("detail");
    problem.place = word("where").map(str::to_owned);
    problem.expected = text("expected");
    problem.got = word("got").map(str::to_owned);
    problem.kept = match word("kept") {
        Some("saved") => Kept::Saved,
        Some("unknown") => Kept::Unknown,
        _ => Kept::Nothing,
    };
    problem.retry_after = document.get("retry_after").and_then(Value::as_u64);
    problem.submission = word("submission").map(str::to_owned);
    problem.more = document
        .get("more")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    Some(problem)
}

/// A problem code by its word.
pub(crate) fn code(word: &str) -> Option<ProblemCode> {
    ProblemCode::ALL.iter().find(|c| c.as_str() == word).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_come_back_whole() {
        let mut problem = Problem::new(ProblemCode::BusinessRejected)
            .detail("已有在办件", "A case is open")
            .at("/case_no", Text::same("x"), "y")
            .kept(Kept::Unknown)
            .retry_after(3)
            .with("upstream_code", "3004");
        problem.submission = Some("s1".into());
        let refused = Err(problem);
        let (status, bytes) = pack(&refused);
        assert_eq!(unpack(status, &bytes), Some(refused));
        let answered = Ok(Answer::new(201, json!({"case_no": "1"})));
        let (status, bytes) = pack(&answered);
        assert_eq!(unpack(status, &bytes), Some(answered));
        assert_eq!(unpack(200, b"{}"), None);
    }
}
