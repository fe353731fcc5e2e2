//! The agencies' desk: the frame that the script fills. Everything it shows comes through `/registry`.

use super::Frame;
use askama::Template;
use hub_registry::{State, Step};
use serde_json::{Map, Value, json};

#[derive(Template)]
#[template(path = "desk.html")]
struct DeskPage<'a> {
    frame: &'a Frame,
    words: String,
}

/// The page.
///
/// # Errors
/// If the template fails.
pub fn desk(frame: &Frame) -> askama::Result<String> {
    let words = words(frame).to_string();
    DeskPage {
        frame,
        // Inside a script element only `<` could end it.
        words: words.replace('<', "\\u003c"),
    }
    .render()
}

fn words(frame: &Frame) -> Value {
    let states: Map<String, Value> = State::ALL
        .iter()
        .map(|s| (s.as_str().to_owned(), json!(state(*s, frame))))
        .collect();
    let steps: Map<String, Value> = Step::ALL
        .iter()
        .map(|s| (s.as_str().to_owned(), json!(step(*s, frame))))
        .collect();
    let reasons: Vec<&str> = Step::ALL
        .iter()
        .filter(|s| s.needs_reason())
        .map(|s| s.as_str())
        .collect();
    json!({
        "states": states, "steps": steps, "reasons": reasons,
        "failed": frame.t("没有成功", "It did not work"),
        "reading": frame.t("正在读取……", "Reading ..."),
        "operations": frame.t("{n} 个操作", "operations: {n}"),
        "verdict": frame.t("{must} 个必须修复，{others} 个建议，沙箱不受影响", "{must} to put right before it goes live, {others} to consider; the sandbox is not affected"),
        "blocking": frame.t("正式发布前须解决", "What stands before going live"),
        "findings": frame.t("全部检查结果", "Everything that was found"),
        "changes": frame.t("与现行版本的差异和受影响的应用", "What it changes, and whom that concerns"),
        "address": frame.t("沙箱地址", "Sandbox address"),
        "example": frame.t("调用示例和它的应答", "One call, and what it answers"),
        "copy": frame.t("复制", "Copy"),
        "copied": frame.t("已复制", "Copied"),
        "why": frame.t("理由（会留在记录里）", "The reason (it stays on record)"),
        "sunset": frame.t("停用日期，至少 90 天后，例如 2030-01-01", "The day it ends, at least 90 days ahead, for example 2030-01-01"),
        "to": frame.t("移交给哪个部门（代码）", "To which agency (code)"),
    })
}

fn state(state: State, frame: &Frame) -> &'static str {
    let (zh, en) = match state {
        State::Draft => ("草稿", "draft"),
        State::Sandbox => ("沙箱", "sandbox"),
        State::InReview => ("审核中", "in review"),
        State::Live => ("正式", "live"),
        State::Deprecated => ("已弃用", "deprecated"),
        State::Retired => ("已下线", "retired"),
    };
    if frame.zh() { zh } else { en }
}

fn step(step: Step, frame: &Frame) -> &'static str {
    let (zh, en) = match step {
        Step::Publish => ("发布到沙箱", "Publish to the sandbox"),
        Step::Ask => ("申请正式发布", "Ask to go live"),
        Step::AllowBreak => ("认可不兼容变化", "Answer for what it breaks"),
        Step::Approve => ("批准", "Approve"),
        Step::SendBack => ("退回", "Send back"),
        Step::Withdraw => ("撤回申请", "Withdraw"),
        Step::Connect => ("更换连接器", "Change the connector"),
        Step::Waive => ("豁免", "Waive findings"),
        Step::AllowInner => ("放行专网地址", "Allow an inner address"),
        Step::Deprecate => ("公告停用", "Announce its end"),
        Step::Keep => ("取消停用", "Keep it"),
        Step::Retire => ("下线", "Retire"),
        Step::RollBack => ("恢复此版本", "Roll back to this"),
        Step::Transfer => ("移交", "Transfer"),
    };
    if frame.zh() { zh } else { en }
}
