//! Sentences and advice, made from the rows of the table.

use super::change::{Direction, Severity};
use super::table::{Area, Effect, Kind};
use hub_core::Text;

/// What a place is called.
#[must_use]
pub fn area(area: Area) -> Text {
    let (zh, en) = match area {
        Area::Api => ("接口描述", "the description"),
        Area::Operation => ("操作", "the operation"),
        Area::Parameter => ("请求参数", "the parameter"),
        Area::RequestBody => ("请求正文", "the request body"),
        Area::Response => ("答复", "the answer"),
        Area::ResponseBody => ("答复正文", "the response body"),
        Area::ResponseHeader => ("答复头", "the response header"),
        Area::Security => ("认证", "security"),
        Area::EventBody => ("事件内容", "the event"),
        Area::EventAnswer => ("对事件的应答", "the answer to the event"),
    };
    Text::new(zh, en)
}

fn effect(effect: Effect) -> (&'static str, &'static str) {
    match effect {
        Effect::Added => ("新增", "added"),
        Effect::Removed => ("删除", "removed"),
        Effect::Narrowed => ("收紧", "narrowed"),
        Effect::Widened => ("放宽", "widened"),
        Effect::Changed => ("改变", "changed"),
    }
}

/// One kind of change in a few words.
#[must_use]
pub fn name(kind: &Kind) -> Text {
    let (zh, en) = effect(kind.effect);
    let place = area(kind.area);
    Text::new(
        format!("{}：{}{zh}", place.zh, kind.row.zh),
        format!("{}: {} {en}", place.en, kind.row.en),
    )
}

/// The sentence of one change: where, what, from, to.
#[must_use]
pub fn sentence(kind: &Kind, at: &str, from: Option<&str>, to: Option<&str>) -> Text {
    let (zh, en) = effect(kind.effect);
    let place = area(kind.area);
    let gap = if at.is_empty() { "" } else { " " };
    let (from_to_zh, from_to_en) = match (from, to) {
        (Some(from), Some(to)) => (format!("，由“{from}”变为“{to}”"), format!(" from “{from}” to “{to}”")),
        (Some(from), None) => (format!("，原为“{from}”"), format!(", was “{from}”")),
        (None, Some(to)) => (format!("，现为“{to}”"), format!(", now “{to}”")),
        (None, None) => (String::new(), String::new()),
    };
    Text::new(
        format!("{}{gap}{at}：{}{zh}{from_to_zh}。", place.zh, kind.row.zh),
        format!("{}{gap}{at}: {} {en}{from_to_en}.", capital(&place.en), kind.row.en),
    )
}

/// How to avoid one kind of change, or what to do about it.
#[must_use]
pub fn advice(kind: &Kind) -> Text {
    if kind.severity == Severity::Safe {
        return Text::new("无需处理。", "Nothing to do.");
    }
    if let Some((zh, en)) = kind.row.advice {
        return Text::new(zh, en);
    }
    if kind.severity == Severity::Risky {
        return Text::new(
            "请在更新说明中写明，并通知使用方。",
            "Say so in the notes of the version and tell the clients.",
        );
    }
    let sent = kind.area.direction() != Direction::Response;
    let (zh, en) = match (kind.effect, sent) {
        (Effect::Narrowed, true) => (
            "请继续接受原来的取值；确需收紧时发布新的主版本，并给旧版本写明停用日期。",
            "Keep accepting what was accepted; where it must be stricter, publish a new major version and give the old one an end date.",
        ),
        (Effect::Widened, false) => (
            "请让旧版本的答复保持原来的范围；新的取值放进新字段或新的主版本。",
            "Keep answers within the old range; put new values into a new field or a new major version.",
        ),
        (Effect::Removed, _) => (
            "请先标记 deprecated 并写明 x-sunset 日期，到期后再删除；或者发布新的主版本，两版并行。",
            "Mark it deprecated with an x-sunset date first and remove it after that; or publish a new major version beside the old one.",
        ),
        (Effect::Added, _) => (
            "请设为选填，或者放进新的主版本。",
            "Make it optional, or put it into a new major version.",
        ),
        _ => (
            "请保留旧的，另加新字段或新操作；确需改变时发布新的主版本。",
            "Keep the old one and add a new field or operation beside it; where it must change, publish a new major version.",
        ),
    };
    Text::new(zh, en)
}

/// What a severity is called.
#[must_use]
pub fn severity(severity: Severity) -> Text {
    match severity {
        Severity::Breaking => Text::new("破坏", "breaking"),
        Severity::Risky => Text::new("有风险", "risky"),
        Severity::Safe => Text::new("安全", "safe"),
    }
}

/// What a direction is called.
#[must_use]
pub fn direction(direction: Direction) -> Text {
    match direction {
        Direction::Request => Text::new("调用方发出", "sent by the client"),
        Direction::Response => Text::new("调用方收到", "received by the client"),
        Direction::Both => Text::new("不分方向", "neither"),
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
