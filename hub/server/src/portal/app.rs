//! The pages of the demo super-app: another frame than the portal's, the same style sheet.

use super::form::{self, Field};
use super::{Badge, Fact, Frame, badges};
use askama::Template;
use hub_core::{Operation, Semantic, Service, Shape};
use serde_json::Value;

/// Rows of an answer that are shown.
const ROWS: usize = 60;

/// The frame around the app's pages.
pub struct AppFrame<'a> {
    /// Language and links.
    pub frame: &'a Frame,
    /// Name of the app.
    pub app: String,
    /// Who is signed in.
    pub person: Option<String>,
    /// The hub's address.
    pub hub: String,
    /// Modules: id and name.
    pub modules: Vec<(String, String)>,
    /// Whether it is a module, which stands inside of another app.
    pub module: bool,
}

/// A service in a list.
pub struct Entry {
    /// Id.
    pub id: String,
    /// Name.
    pub name: String,
    /// Agency.
    pub agency: String,
}

/// A service, what was filled in, and what came of it.
pub struct AppService<'a> {
    /// The service.
    pub service: &'a Service,
    /// Its operations, the leading one first.
    pub operations: Vec<&'a Operation>,
    /// Agency.
    pub agency: String,
    /// Idempotency key of the next form.
    pub once: String,
    /// What was filled in.
    pub form: Vec<(String, String)>,
    /// Operation and what came of it.
    pub outcome: Option<(String, Outcome)>,
}

/// What came of a call, in words.
pub struct Outcome {
    good: bool,
    title: String,
    facts: Vec<Fact>,
    fix: String,
    /// Where the person goes on, where the service wants them known more surely.
    pub further: Option<String>,
    /// What the person is asked to agree to.
    pub sheet: Option<Sheet>,
}

/// What a service asks a person to agree to.
pub struct Sheet {
    service: String,
    why: String,
    fields: Vec<String>,
    apart: Vec<String>,
}

/// The account.
pub struct AppAccount {
    lines: Vec<Line>,
    consents: Vec<Consent>,
}

struct Line {
    at: String,
    what: String,
    who: String,
    why: String,
    outcome: Badge,
}

struct Consent {
    id: String,
    service: String,
    until: String,
    open: bool,
}

/// The page of a module.
pub struct ModulePage {
    /// Who is signed in.
    pub person: Option<String>,
    /// Their name towards this module alone.
    pub sub: String,
    /// Whether it is for want of a yes that nobody is signed in.
    pub needs_consent: bool,
    /// Where the person signs in, outside of the frame.
    pub outside: String,
    /// The page of the app that it stands in.
    pub app: String,
    /// What it offers: id and name.
    pub services: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "app_home.html")]
struct Home<'a> {
    around: &'a AppFrame<'a>,
    frame: &'a Frame,
    words: &'a str,
    offered: usize,
    entries: Vec<Entry>,
}

struct Shown<'a> {
    id: String,
    summary: String,
    fields: Vec<Field>,
    outcome: Option<&'a Outcome>,
    open: bool,
}

#[derive(Template)]
#[template(path = "app_service.html")]
struct ServicePage<'a> {
    around: &'a AppFrame<'a>,
    frame: &'a Frame,
    page: &'a AppService<'a>,
    name: String,
    badges: Vec<Badge>,
    operations: Vec<Shown<'a>>,
}

#[derive(Template)]
#[template(path = "app_account.html")]
struct Account<'a> {
    around: &'a AppFrame<'a>,
    frame: &'a Frame,
    page: &'a AppAccount,
}

#[derive(Template)]
#[template(path = "app_module.html")]
struct Module<'a> {
    around: &'a AppFrame<'a>,
    frame: &'a Frame,
    page: ModulePage,
}

#[derive(Template)]
#[template(path = "app_container.html")]
struct Container<'a> {
    around: &'a AppFrame<'a>,
    frame: &'a Frame,
    name: &'a str,
    inside: &'a str,
}

#[derive(Template)]
#[template(path = "app_said.html")]
struct Said<'a> {
    around: &'a AppFrame<'a>,
    frame: &'a Frame,
    words: String,
    back: &'a str,
}

/// The first page.
///
/// # Errors
/// If the template fails.
pub fn home(around: &AppFrame<'_>, words: &str, offered: usize, entries: Vec<Entry>) -> askama::Result<String> {
    Home {
        frame: around.frame,
        around,
        words,
        offered,
        entries,
    }
    .render()
}

/// A service.
///
/// # Errors
/// If the template fails.
pub fn service(around: &AppFrame<'_>, page: &AppService<'_>) -> askama::Result<String> {
    let frame = around.frame;
    let shown = |(number, operation): (usize, &&Operation)| {
        let mut fields = form::fields(frame, operation);
        let came = page.outcome.as_ref().filter(|(id, _)| *id == *operation.id);
        if came.is_some() {
            for field in &mut fields {
                let given = page.form.iter().find(|(name, _)| *name == field.name);
                field.value = given.map(|(_, value)| value.clone()).unwrap_or_default();
                for choice in &mut field.choices {
                    choice.chosen = choice.value == field.value;
                }
            }
        }
        Shown {
            id: operation.id.to_string(),
            summary: frame.of(&operation.summary),
            fields,
            outcome: came.map(|(_, outcome)| outcome),
            open: came.is_some() || (number == 0 && page.outcome.is_none()),
        }
    };
    ServicePage {
        frame,
        around,
        name: frame.of(&page.service.name),
        badges: badges(page.service, frame.lang),
        operations: page.operations.iter().enumerate().map(shown).collect(),
        page,
    }
    .render()
}

/// The account.
///
/// # Errors
/// If the template fails.
pub fn account(around: &AppFrame<'_>, page: &AppAccount) -> askama::Result<String> {
    Account {
        frame: around.frame,
        around,
        page,
    }
    .render()
}

/// A module's own page.
///
/// # Errors
/// If the template fails.
pub fn module(around: &AppFrame<'_>, page: ModulePage) -> askama::Result<String> {
    Module {
        frame: around.frame,
        around,
        page,
    }
    .render()
}

/// The container of a module.
///
/// # Errors
/// If the template fails.
pub fn container(around: &AppFrame<'_>, name: &str, inside: &str) -> askama::Result<String> {
    Container {
        frame: around.frame,
        around,
        name,
        inside,
    }
    .render()
}

/// One sentence, and the way back.
///
/// # Errors
/// If the template fails.
pub fn said(around: &AppFrame<'_>, words: String, back: &str) -> askama::Result<String> {
    Said {
        frame: around.frame,
        around,
        words,
        back,
    }
    .render()
}

fn word(of: &Value, name: &str) -> String {
    of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// A text in both languages, or one that is in neither.
fn both(frame: &Frame, of: Option<&Value>) -> String {
    match of {
        Some(Value::String(text)) => text.clone(),
        Some(both) => word(both, frame.t("zh", "en")),
        None => String::new(),
    }
}

impl Outcome {
    /// An answer by its contract.
    #[must_use]
    pub fn good(frame: &Frame, operation: &Operation, body: &Value) -> Self {
        let mut facts = Vec::new();
        rows(&mut facts, frame, &operation.output, body, "");
        Self {
            good: true,
            title: frame.t("办理成功", "Done").to_owned(),
            facts,
            fix: String::new(),
            further: None,
            sheet: None,
        }
    }

    /// A problem (RFC 9457).
    #[must_use]
    pub fn refused(frame: &Frame, body: &Value) -> Self {
        let mut facts = Vec::new();
        let mut put = |zh: &str, en: &str, value: String| {
            if !value.is_empty() {
                let name = frame.t(zh, en).to_owned();
                facts.push(Fact { name, value });
            }
        };
        put("位置", "Where", word(body, "where"));
        put("应为", "Expected", word(body, "expected"));
        let kept = match word(body, "kept").as_str() {
            "nothing" => frame.t("没有保存，没有办理", "nothing was kept or done"),
            "stored" => frame.t("已收到，已保存", "received and kept"),
            "unknown" => frame.t("不确定，请先查询结果", "not known: look at the result first"),
            _ => "",
        };
        put("是否保存", "Kept", kept.to_owned());
        put("请求编号", "Request id", word(body, "request_id"));
        Self {
            good: false,
            title: Some(word(body, "detail"))
                .filter(|d| !d.is_empty())
                .unwrap_or_else(|| word(body, "title")),
            facts,
            fix: word(body, "fix"),
            further: None,
            sheet: None,
        }
    }

    /// Says it to a person where the problem's own words are for developers.
    pub fn retitle(&mut self, title: &str) {
        title.clone_into(&mut self.title);
        self.facts.clear();
    }

    /// The hub did not answer.
    #[must_use]
    pub fn silent(frame: &Frame) -> Self {
        let title = frame.t(
            "服务暂时联系不上，请稍后再试。",
            "The service cannot be reached now. Please try again later.",
        );
        Self {
            good: false,
            title: title.to_owned(),
            facts: Vec::new(),
            fix: String::new(),
            further: None,
            sheet: None,
        }
    }
}

/// The values of an answer, one row each, with the names that the contract gives them.
fn rows(facts: &mut Vec<Fact>, frame: &Frame, shape: &Shape, value: &Value, name: &str) {
    if facts.len() >= ROWS {
        return;
    }
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (key, member) in members {
                let known = shape.children.iter().find(|s| s.name.as_ref() == key);
                let own = known.map_or_else(|| key.clone(), |s| form::label(s, frame.lang));
                let name = if name.is_empty() {
                    own
                } else {
                    format!("{name} · {own}")
                };
                rows(facts, frame, known.unwrap_or(&Shape::empty()), member, &name);
            }
        }
        Value::Array(items) => {
            let inner = Shape::empty();
            let inner = shape.item.as_deref().unwrap_or(&inner);
            for (number, item) in items.iter().enumerate() {
                rows(facts, frame, inner, item, &format!("{name} {}", number + 1));
            }
        }
        scalar => facts.push(Fact {
            name: bare_name(shape, name).to_owned(),
            value: said_plainly(frame, shape, scalar),
        }),
    }
}

/// Amounts are shown in yuan, so that the unit of the contract would mislead.
fn bare_name<'a>(shape: &Shape, name: &'a str) -> &'a str {
    let units = ["(分)", "（分）", " (fen)"];
    let bare = units.iter().find_map(|unit| name.strip_suffix(unit));
    bare.filter(|_| shape.semantic == Semantic::Money).unwrap_or(name)
}

/// A value as a person says it: codes by their labels, amounts in yuan.
fn said_plainly(frame: &Frame, shape: &Shape, value: &Value) -> String {
    if let (Semantic::Money, Some(fen)) = (shape.semantic, value.as_i64()) {
        let sign = if fen < 0 { "-" } else { "" };
        let fen = fen.unsigned_abs();
        return format!("{sign}¥ {}.{:02}", fen / 100, fen % 100);
    }
    let bare = match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => frame.t("是", "yes").to_owned(),
        Value::Bool(false) => frame.t("否", "no").to_owned(),
        other => other.to_string(),
    };
    let label = shape.schema.get("x-hub-labels").and_then(|labels| labels.get(&bare));
    Some(both(frame, label))
        .filter(|label| !label.is_empty())
        .unwrap_or(bare)
}

impl Sheet {
    /// From `/me/consents/asked/{service}`.
    #[must_use]
    pub fn new(frame: &Frame, service: &str, sheet: &Value) -> Self {
        let fields = sheet.get("fields").and_then(Value::as_array);
        let of = |apart: bool| {
            let some = fields
                .into_iter()
                .flatten()
                .filter(|f| (f.get("apart") == Some(&Value::Bool(true))) == apart);
            some.map(|f| both(frame, f.get("name"))).collect()
        };
        Self {
            service: service.to_owned(),
            why: both(frame, sheet.get("why")),
            fields: of(false),
            apart: of(true),
        }
    }
}

impl AppAccount {
    /// From `/me/ledger` and `/me/consents`, of which those given in one app are shown.
    #[must_use]
    pub fn new(frame: &Frame, ledger: &Value, consents: &Value, client: &str, most: usize) -> Self {
        let items = |of: &Value| of.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
        let line = |item: Value| {
            let what = item.get("what").cloned().unwrap_or_default();
            let who = item.get("who").map(|w| word(w, "name")).unwrap_or_default();
            let (tone, text) = match word(&item, "outcome").as_str() {
                "answered" => ("good", frame.t("已提供", "given")),
                "refused" => ("warn", frame.t("已拒绝", "refused")),
                _ => ("", frame.t("未成功", "failed")),
            };
            Line {
                at: word(&item, "at").replace('T', " ").chars().take(16).collect(),
                what: format!(
                    "{} {}",
                    both(frame, what.get("agency")),
                    both(frame, what.get("service"))
                ),
                who,
                why: both(frame, item.get("why")),
                outcome: Badge {
                    tone,
                    text: text.to_owned(),
                },
            }
        };
        let consent = |item: Value| Consent {
            id: word(&item, "id"),
            service: both(frame, item.get("service").and_then(|s| s.get("name"))),
            until: word(&item, "until").chars().take(10).collect(),
            open: word(&item, "state") == "in-force",
        };
        Self {
            lines: items(ledger).into_iter().take(most).map(line).collect(),
            consents: items(consents)
                .into_iter()
                .filter(|c| word(c, "client") == client)
                .map(consent)
                .collect(),
        }
    }
}
