//! The pages at which a back end is held against its description.

use super::Frame;
use askama::Template;
use hub_core::Problem;
use serde_json::Value;

/// What was filled in so far.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    /// Address of the back end.
    pub base: String,
    /// A registered version.
    pub version: String,
    /// The description as text.
    pub text: String,
    /// GET and HEAD alone.
    pub reads: bool,
    /// Seconds.
    pub budget: String,
}

#[derive(Template)]
#[template(path = "verify.html")]
struct VerifyPage<'a> {
    frame: &'a Frame,
    draft: &'a Draft,
    wrong: Option<(String, Vec<String>)>,
}

/// The form, with what is wrong with it.
///
/// # Errors
/// If the template fails.
pub fn verify(frame: &Frame, draft: &Draft, problem: Option<&Problem>) -> askama::Result<String> {
    let wrong = problem.map(|problem| {
        let document = problem.document("", frame.lang, "");
        let word = |name: &str| {
            document
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let findings = document.get("findings").and_then(Value::as_array);
        let mut lines: Vec<String> = findings
            .into_iter()
            .flatten()
            .take(10)
            .filter_map(|finding| {
                let tag = if frame.zh() { "zh" } else { "en" };
                let text = finding.pointer(&format!("/message/{tag}")).and_then(Value::as_str)?;
                Some(text.to_owned())
            })
            .collect();
        let (place, expected) = (word("where"), word("expected"));
        if !place.is_empty() {
            lines.push(format!("{place}: {expected}"));
        }
        lines.push(word("fix"));
        let said = if word("detail").is_empty() {
            word("title")
        } else {
            word("detail")
        };
        (said, lines)
    });
    VerifyPage { frame, draft, wrong }.render()
}

/// Something that is wrong with a back end.
struct Finding {
    operation: String,
    rule: String,
    message: String,
    first: String,
    times: u64,
    curl: String,
    replay: String,
}

/// What came of sending one request again.
struct Again {
    status: String,
    excerpt: String,
    what: String,
    faults: Vec<String>,
}

#[derive(Template)]
#[template(path = "verification.html")]
struct VerificationPage<'a> {
    frame: &'a Frame,
    id: String,
    state: String,
    base: String,
    proof: &'a str,
    url: String,
    body: String,
    reason: String,
    operations: u64,
    all: u64,
    requests: u64,
    left: u64,
    unauthorized: u64,
    unreachable: String,
    findings: Vec<Finding>,
    again: Option<Again>,
}

/// A run: what proves that it may be, how far it is, what it found.
///
/// # Errors
/// If the template fails.
pub fn verification(frame: &Frame, told: &Value, proof: &str, again: Option<&Value>) -> askama::Result<String> {
    let tag = if frame.zh() { "zh" } else { "en" };
    let word = |value: &Value, pointer: &str| {
        value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let said = |value: &Value, pointer: &str| word(value, &format!("{pointer}/{tag}"));
    let number = |pointer: &str| told.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let findings = list(told.get("findings").unwrap_or(&Value::Null));
    let findings = findings.iter().map(|finding| Finding {
        operation: word(finding, "/operation"),
        rule: word(finding, "/rule"),
        message: said(finding, "/message"),
        first: said(finding, "/first"),
        times: finding.get("times").and_then(Value::as_u64).unwrap_or(1),
        curl: word(finding, "/curl"),
        replay: word(finding, "/replay"),
    });
    let again = again.map(|again| Again {
        status: again
            .get("status")
            .and_then(Value::as_u64)
            .map_or_else(|| word(again, "/error"), |status| status.to_string()),
        excerpt: word(again, "/excerpt"),
        what: said(again, "/what"),
        faults: list(again.get("findings").unwrap_or(&Value::Null))
            .iter()
            .map(|fault| said(fault, "/message"))
            .collect(),
    });
    VerificationPage {
        frame,
        id: word(told, "/id"),
        state: word(told, "/state"),
        base: word(told, "/base_url"),
        proof,
        url: word(told, "/challenge/url"),
        body: word(told, "/challenge/body"),
        reason: said(told, "/reason/text"),
        operations: number("/progress/operations"),
        all: number("/progress/of"),
        requests: number("/progress/requests"),
        left: number("/progress/not_sent"),
        unauthorized: number("/progress/unauthorized"),
        unreachable: word(told, "/progress/unreachable"),
        findings: findings.collect(),
        again,
    }
    .render()
}
