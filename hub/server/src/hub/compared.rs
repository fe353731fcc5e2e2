//! A request of the sandbox beside its contract: field by field what was promised, what came, and what of it does not fit.

use super::logged::Shown;
use hub_core::{Operation, Shape};
use serde_json::{Map, Value, json};

/// Keywords of a schema that say what a plain value must be, in the order in which they are told.
const SAID: [&str; 11] = [
    "type",
    "format",
    "enum",
    "const",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
];
/// Most characters told of a schema or of a value.
const LONGEST: usize = 160;

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// Its name, or the place that the contract does not know.
    pub name: String,
    /// What the contract says.
    pub contract: String,
    /// Whether it must be there.
    pub required: bool,
    /// What came; hidden where the log hides it, empty where nothing did.
    pub got: String,
    /// What does not fit: `where: expected`; empty where all does.
    pub wrong: Vec<String>,
}

impl Compared {
    /// For programs.
    #[must_use]
    pub fn document(&self) -> Value {
        json!({"name": self.name, "contract": self.contract, "required": self.required, "got": self.got,
            "fits": self.wrong.is_empty(), "wrong": self.wrong})
    }
}

/// All fields of an operation's input, and behind them what came and is none of them. `problem` is the answer's, if it was one.
#[must_use]
pub fn compared(operation: &Operation, shown: &Shown, problem: Option<&Value>) -> Vec<Compared> {
    let came = came(operation, shown);
    let mut wrong = violations(problem);
    let mut rows: Vec<Compared> = operation
        .input
        .children
        .iter()
        .map(|field| row(field, &came, &mut wrong))
        .collect();
    rows.extend(wrong.into_iter().map(|(place, expected)| Compared {
        got: text(came.get(place.trim_start_matches('/'))),
        name: place,
        contract: String::new(),
        required: false,
        wrong: vec![expected],
    }));
    rows
}

fn row(field: &Shape, came: &Map<String, Value>, wrong: &mut Vec<(String, String)>) -> Compared {
    let name = field.name.as_ref();
    let is_own = |place: &str| {
        let place = place.strip_prefix("parameter").unwrap_or(place).trim_start_matches('/');
        place.split('/').next() == Some(name)
    };
    let (own, others) = std::mem::take(wrong).into_iter().partition(|(place, _)| is_own(place));
    *wrong = others;
    let own: Vec<(String, String)> = own;
    Compared {
        name: name.to_owned(),
        contract: contract(&field.schema),
        required: field.required,
        got: text(came.get(name)),
        wrong: own
            .into_iter()
            .map(|(place, expected)| format!("{place}: {expected}"))
            .collect(),
    }
}

/// `where` and `expected` of each violation: one alone stands in the problem itself.
fn violations(problem: Option<&Value>) -> Vec<(String, String)> {
    let Some(problem) = problem.filter(|p| p.get("code").is_some_and(|c| c == "validation-failed")) else {
        return Vec::new();
    };
    let all = problem.get("errors").and_then(Value::as_array);
    let all = all.map_or_else(|| std::slice::from_ref(problem), Vec::as_slice);
    let part = |v: &Value, name: &str| v.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    all.iter().map(|v| (part(v, "where"), part(v, "expected"))).collect()
}

/// What came, as one object: out of the path, the query and the body.
fn came(operation: &Operation, shown: &Shown) -> Map<String, Value> {
    let (path, query) = shown.target.split_once('?').unwrap_or((&shown.target, ""));
    let template = operation.public_path();
    let names = template
        .split('/')
        .map(|s| s.strip_prefix('{').and_then(|s| s.strip_suffix('}')));
    let steps = names
        .zip(path.split('/'))
        .filter_map(|(name, step)| Some((name?, step)));
    let mut all: Map<String, Value> = steps.map(|(name, step)| (name.to_owned(), json!(step))).collect();
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    all.extend(pairs.map(|(name, value)| (name.into_owned(), Value::from(value.into_owned()))));
    if let Value::Object(body) = &shown.request {
        all.extend(body.clone());
    }
    all
}

fn contract(schema: &Value) -> String {
    let said = SAID.iter().filter_map(|key| Some((*key, schema.get(*key)?)));
    let words: Vec<String> = said
        .map(|(key, value)| match (key, value) {
            ("type" | "format", Value::String(word)) => word.clone(),
            (key, value) => format!("{key} {value}"),
        })
        .collect();
    short(&words.join(" · "))
}

fn text(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::String(text)) => short(text),
        Some(other) => short(&other.to_string()),
    }
}

fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
