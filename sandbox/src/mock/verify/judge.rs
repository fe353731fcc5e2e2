//! What is wrong with an answer.

use super::super::place::Place;
use super::super::{Mock, Way, choose, media};
use super::cases::{Case, Kind};
use hub_core::Text;
use serde_json::Value;

/// An answer as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answered {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Answered {
    pub(super) fn media(&self) -> Option<&str> {
        let found = self
            .headers
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case("content-type"));
        found.map(|(_, v)| v.split(';').next().unwrap_or_default().trim())
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which kind of thing: the same word for the same cause.
    pub rule: &'static str,
    /// In words.
    pub text: Text,
}

fn fault(rule: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Fault {
    Fault {
        rule,
        text: Text::new(zh, en),
    }
}

impl Mock {
    /// What is wrong with the answer to a request; nothing, if nothing is.
    #[must_use]
    pub fn judge(&self, case: &Case, answered: &Answered) -> Vec<Fault> {
        let status = answered.status;
        if status >= 500 {
            // What broke has no contract to be held against.
            return vec![fault(
                "server-error",
                format!("以 {status} 出错，请求有误也应答 4xx"),
                format!("it failed with {status}; a request that is wrong gets a 4xx"),
            )];
        }
        let good = (200..300).contains(&status);
        let refused = matches!(status, 400 | 415 | 422);
        let mut faults = Vec::new();
        match case.kind {
            Kind::Positive | Kind::Boundary if refused => faults.push(fault(
                "valid-refused",
                format!("请求符合描述，却被拒绝（{status}）"),
                format!("a request that fits the description is refused ({status})"),
            )),
            Kind::Negative if good => faults.push(fault(
                "invalid-accepted",
                format!("请求不符合描述，却被接受（{status}）"),
                format!("a request that does not fit the description is accepted ({status})"),
            )),
            Kind::Unguarded if good => faults.push(fault(
                "unguarded",
                format!("没有凭证也能调用（{status}）"),
                format!("it answers without credentials ({status})"),
            )),
            Kind::Method if good => faults.push(fault(
                "method-taken",
                format!("未声明的方法被接受（{status}），应为 405"),
                format!("a method that is not declared is taken ({status}); expected 405"),
            )),
            _ => {}
        }
        // Refusals come before the operation; what it does not declare of them is no fault of the answer.
        let before = matches!(status, 401 | 403 | 404 | 405 | 406 | 413 | 415 | 429);
        let declared = self.contract(case, answered);
        match declared {
            Err(undeclared) if good || !(before || matches!(case.kind, Kind::Negative | Kind::Method)) => {
                faults.push(undeclared);
            }
            Err(_) => {}
            Ok(misfits) => faults.extend(misfits),
        }
        faults
    }

    /// Whether an answer is what the operation declares; an error if it declares none of its status.
    fn contract(&self, case: &Case, answered: &Answered) -> Result<Vec<Fault>, Fault> {
        let status = answered.status;
        let operation = Place::at(&self.description.document, &case.pointer);
        let response = choose::declared(operation.get("responses").as_ref(), status).and_then(|chosen| chosen.response);
        let response = response.ok_or_else(|| {
            fault(
                "undeclared-status",
                format!("描述没有声明状态 {status}"),
                format!("the description declares no status {status}"),
            )
        })?;
        let Some(content) = response.get("content").filter(|_| case.request.method != "HEAD") else {
            return Ok(Vec::new());
        };
        let sent = answered.media().unwrap_or_default();
        let declared: Vec<(&str, Place<'_>)> = content.members().collect();
        if declared.is_empty() || answered.body.is_empty() && sent.is_empty() {
            return Ok(Vec::new());
        }
        let Some((name, place)) = declared
            .iter()
            .find(|(name, _)| media::matches(&media::base(name), sent))
        else {
            let names: Vec<&str> = declared.iter().map(|(name, _)| *name).collect();
            return Ok(vec![fault(
                "undeclared-media-type",
                format!("回答的类型是“{sent}”，声明的是 {}", names.join("、")),
                format!("the answer is `{sent}`, declared: {}", names.join(", ")),
            )]);
        };
        let Some(schema) = place.raw("schema").filter(|_| media::is_json(name)) else {
            return Ok(Vec::new());
        };
        let value: Value = match serde_json::from_slice(&answered.body) {
            Ok(value) => value,
            Err(error) => {
                return Ok(vec![fault(
                    "unreadable-answer",
                    format!("回答不是 JSON：{error}"),
                    format!("the answer is no JSON: {error}"),
                )]);
            }
        };
        let Some(validator) = self.validator_at(&schema, Way::Out) else {
            return Ok(Vec::new());
        };
        Ok(validator.violations(&value).first().map_or_else(Vec::new, |first| {
            let (place, expected) = (&first.place, &first.expected);
            vec![fault(
                "answer-misfit",
                format!("回答不符合描述：{place} 应为 {}", expected.zh),
                format!(
                    "the answer does not fit the description: {place} should be {}",
                    expected.en
                ),
            )]
        }))
    }
}
