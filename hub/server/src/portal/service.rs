//! The page of one service: its card, and its operations to try.

use super::form::{self, Field};
use super::{Badge, Choice, Fact, Frame, badges};
use askama::Template;
use hub_catalog::Catalog;
use hub_core::{Effect, Operation, ParameterPlace, Service, Text};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What the page needs beside the catalog.
#[derive(Debug, Clone, Default)]
pub struct ServicePage {
    /// The hub's public address.
    pub base: String,
    /// Personas to act as.
    pub personas: Vec<Choice>,
    /// Scenarios to choose; the first is the default.
    pub scenarios: Vec<Choice>,
    /// Why it cannot be called live, if it cannot.
    pub not_connected: Option<Text>,
}

pub(super) struct Shown {
    pub(super) id: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) summary: String,
    pub(super) description: String,
    pub(super) verb: &'static str,
    pub(super) has_body: bool,
    pub(super) once: bool,
    pub(super) status: u16,
    pub(super) fields: Vec<Field>,
    pub(super) example: String,
    pub(super) curl: String,
}

#[derive(Template)]
#[template(path = "service.html")]
struct Card<'a> {
    frame: &'a Frame,
    id: &'a str,
    number: &'a str,
    name: String,
    other_name: String,
    agency: String,
    agency_code: &'a str,
    badges: Vec<Badge>,
    not_connected: Option<String>,
    facts: Vec<Fact>,
    papers: Vec<String>,
    filled: String,
    operations: Vec<Shown>,
    personas: &'a [Choice],
    scenarios: &'a [Choice],
    words: String,
}

/// The page of a service.
///
/// # Errors
/// If the template fails.
pub fn service(frame: &Frame, catalog: &Catalog, service: &Service, page: &ServicePage) -> askama::Result<String> {
    let operations: Vec<&Arc<Operation>> = service
        .operations
        .iter()
        .filter_map(|id| catalog.operation(id))
        .collect();
    Card {
        id: &service.id,
        number: &service.number,
        name: frame.of(&service.name),
        other_name: if frame.zh() {
            service.name.en.clone()
        } else {
            service.name.zh.clone()
        },
        agency: catalog
            .agency(&service.agency)
            .map(|a| frame.of(&a.name))
            .unwrap_or_default(),
        agency_code: &service.agency,
        badges: badges(service, frame.lang),
        not_connected: page.not_connected.as_ref().map(|r| frame.of(r)),
        facts: facts(frame, catalog, service),
        papers: service.card.papers.iter().map(|p| frame.of(p)).collect(),
        filled: filled(frame, &operations),
        operations: operations.iter().map(|o| shown(frame, o, &page.base)).collect(),
        personas: &page.personas,
        scenarios: &page.scenarios,
        words: words(frame),
        frame,
    }
    .render()
}

fn facts(frame: &Frame, catalog: &Catalog, service: &Service) -> Vec<Fact> {
    let card = &service.card;
    let days = |n: u32| match n {
        0 => frame.t("即时", "at once").to_owned(),
        n if frame.zh() => format!("{n} 个工作日"),
        n => format!("{n} working days"),
    };
    let mut facts = Vec::new();
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            facts.push(Fact {
                name: name.to_owned(),
                value,
            });
        }
    };
    put(frame.t("谁可以办", "Who may ask"), frame.of(&card.who));
    put(frame.t("费用", "Fee"), frame.of(&card.fee));
    put(frame.t("承诺时限", "Promised"), days(card.promised_days));
    put(frame.t("法定时限", "By law"), days(card.legal_days));
    let visits = match card.visits {
        0 => frame.t("不用跑", "none").to_owned(),
        n if frame.zh() => format!("{n} 次"),
        n => n.to_string(),
    };
    put(frame.t("跑现场", "Visits to a hall"), visits);
    for (name, text) in [
        (frame.t("办理范围", "Scope"), &card.scope),
        (frame.t("事项类型", "Kind of matter"), &card.kind),
        (frame.t("办理依据", "Legal basis"), &card.basis),
        (frame.t("所属一件事", "Part of"), &service.event),
    ] {
        put(name, text.as_ref().map(|t| frame.of(t)).unwrap_or_default());
    }
    let phone = catalog.agency(&service.agency).and_then(|a| a.phone.clone());
    put(frame.t("咨询电话", "Telephone"), phone.unwrap_or_default());
    facts
}

/// Names of the fields that are filled from the subject, once each.
fn filled(frame: &Frame, operations: &[&Arc<Operation>]) -> String {
    let mut names: Vec<String> = Vec::new();
    for operation in operations {
        for bound in &operation.bound {
            let name = operation.input.child(&bound.field).map(|s| form::label(s, frame.lang));
            let name = name.unwrap_or_else(|| bound.field.clone());
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names.join(frame.t("、", ", "))
}

pub(super) fn shown(frame: &Frame, operation: &Operation, base: &str) -> Shown {
    let output = operation.examples.iter().find_map(|e| e.output.as_ref());
    Shown {
        id: operation.id.to_string(),
        method: operation.method.clone(),
        path: operation.public_path(),
        summary: frame.of(&operation.summary),
        description: frame.of(&operation.description),
        verb: match operation.effect {
            Effect::None => frame.t("查询", "Ask"),
            _ => frame.t("提交", "Submit"),
        },
        has_body: operation.request.is_some(),
        once: operation.effect == Effect::Once,
        status: operation.status,
        fields: form::fields(frame, operation),
        example: output.map_or_else(String::new, |v| format!("{v:#}")),
        curl: curl(operation, base, "/sandbox", &[]),
    }
}

/// The contract's example as a line for a shell, at one of the hub's doors.
#[must_use]
pub fn curl(operation: &Operation, base: &str, door: &str, headers: &[(&str, &str)]) -> String {
    let mut path = operation.public_path();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let mut body = Map::new();
    for (name, value) in form::example(operation) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match operation.parameters.iter().find(|p| p.name == name).map(|p| p.place) {
            Some(ParameterPlace::Path) => path = path.replace(&format!("{{{name}}}"), &segment(&text)),
            Some(ParameterPlace::Query) => {
                query.append_pair(&name, &text);
            }
            Some(ParameterPlace::Header) => {}
            None => {
                body.insert(name, value);
            }
        }
    }
    let query = query.finish();
    let mark = if query.is_empty() { "" } else { "?" };
    let address = quoted(&format!("{base}{door}{path}{mark}{query}"));
    let method = if operation.method == "GET" {
        String::new()
    } else {
        format!("-X {} ", operation.method)
    };
    let mut line = format!("curl {method}{address}");
    for (name, value) in headers {
        line += &format!(" \\\n  -H {}", quoted(&format!("{name}: {value}")));
    }
    if operation.request.is_some() {
        let json = quoted(&format!("{:#}", json!(body)));
        line += &format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d {json}");
    }
    line
}

/// A text as one segment of a path (RFC 3986, 3.3).
#[must_use]
pub fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The words that the script shows, as JSON that cannot end the element it stands in.
pub(super) fn words(frame: &Frame) -> String {
    let words: Value = json!({
        "waiting": frame.t("正在办理…", "Working…"),
        "unreachable": frame.t("没有连上，请再试一次", "Not reachable, try again"),
        "expected": frame.t("应为：", "Expected:"),
    });
    words.to_string().replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_shell_and_address() {
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(segment("a b/c"), "a%20b%2Fc");
    }
}
