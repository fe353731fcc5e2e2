//! The extensions of a contract: which exist, where each may stand, and the JSON Schema each must fit.

use super::report::{At, Report};
use crate::check::{self, sentence};
use crate::document::escape;
use crate::nearest;
use hub_core::{Finding, Text};
use jsonschema::Validator;
use jsonschema::error::{ValidationError, ValidationErrorKind as Kind};
use serde_json::Value;

/// Where an extension has a meaning.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Home {
    Operation,
    Schema,
    Anywhere,
}

struct Extension {
    key: &'static str,
    home: Home,
    form: Form,
}

/// A schema and its compiled form.
struct Form {
    schema: Value,
    validator: Validator,
}

/// The schemas under `docs/schema`, compiled once a load.
pub(super) struct Extensions {
    known: Vec<Extension>,
    agency: Form,
    themes: Form,
    events: Form,
    synonyms: Form,
}

/// A whole file that is no API description.
#[derive(Clone, Copy)]
pub(super) enum Sheet {
    Agency,
    Themes,
    Events,
    Synonyms,
}

macro_rules! schema {
    ($name:literal) => {
        include_str!(concat!("../../../../docs/schema/", $name, ".schema.json"))
    };
}

const KNOWN: [(&str, Home, &str); 14] = [
    ("x-hub-service", Home::Operation, schema!("x-hub-service")),
    ("x-hub-assurance", Home::Operation, schema!("x-hub-assurance")),
    ("x-hub-audience", Home::Operation, schema!("x-hub-audience")),
    ("x-hub-effect", Home::Operation, schema!("x-hub-effect")),
    ("x-hub-subject", Home::Operation, schema!("x-hub-subject")),
    ("x-hub-cache", Home::Operation, schema!("x-hub-cache")),
    ("x-hub-basis", Home::Operation, schema!("x-hub-basis")),
    ("x-hub-en", Home::Anywhere, schema!("x-hub-en")),
    ("x-hub-level", Home::Schema, schema!("x-hub-level")),
    ("x-hub-level-when", Home::Schema, schema!("x-hub-level-when")),
    ("x-hub-mask", Home::Schema, schema!("x-hub-mask")),
    ("x-hub-unit", Home::Schema, schema!("x-hub-unit")),
    ("x-hub-handle", Home::Schema, schema!("x-hub-handle")),
    ("x-hub-labels", Home::Schema, schema!("x-hub-labels")),
];

impl Extensions {
    pub(super) fn new() -> Result<Self, Vec<Finding>> {
        let known = KNOWN
            .into_iter()
            .map(|(key, home, schema)| compile(key, schema).map(|form| Extension { key, home, form }))
            .collect::<Result<_, _>>()
            .map_err(|finding| vec![finding])?;
        let sheet = |name, schema| compile(name, schema).map_err(|finding| vec![finding]);
        Ok(Self {
            known,
            agency: sheet("agency", schema!("agency"))?,
            themes: sheet("themes", schema!("themes"))?,
            events: sheet("events", schema!("events"))?,
            synonyms: sheet("synonyms", schema!("synonyms"))?,
        })
    }

    /// Reports every extension of a document that is unknown, misplaced or malformed. Answers whether there is any at all.
    pub(super) fn check(&self, report: &mut Report<'_>) -> bool {
        let document = report.document;
        self.walk(&document.value, &At::Root, &mut Vec::new(), report)
    }

    /// Reports what does not fit the schema of a whole file.
    pub(super) fn check_sheet(&self, sheet: Sheet, report: &mut Report<'_>) {
        let form = match sheet {
            Sheet::Agency => &self.agency,
            Sheet::Themes => &self.themes,
            Sheet::Events => &self.events,
            Sheet::Synonyms => &self.synonyms,
        };
        let document = report.document;
        fit(form, &document.value, &At::Root, report);
    }

    fn walk<'v>(&self, value: &'v Value, at: &At<'_>, path: &mut Vec<&'v str>, report: &mut Report<'_>) -> bool {
        let mut any = false;
        match value {
            Value::Object(map) => {
                for (key, child) in map {
                    let here = at.key(key);
                    if key.starts_with("x-hub-") {
                        any = true;
                        self.extension(key, child, &here, path, report);
                        continue;
                    }
                    // Examples are data: what looks like an extension there is none.
                    if matches!(key.as_str(), "example" | "examples") {
                        continue;
                    }
                    path.push(key);
                    any |= self.walk(child, &here, path, report);
                    path.pop();
                }
            }
            Value::Array(items) => {
                path.push("");
                for (index, child) in items.iter().enumerate() {
                    any |= self.walk(child, &at.index(index), path, report);
                }
                path.pop();
            }
            _ => {}
        }
        any
    }

    fn extension(&self, key: &str, value: &Value, at: &At<'_>, path: &[&str], report: &mut Report<'_>) {
        let Some(extension) = self.known.iter().find(|e| e.key == key) else {
            let near = nearest(key, self.known.iter().map(|e| e.key));
            let finding = report.finding(
                "unknown-extension",
                at,
                format!("未知扩展 `{key}`"),
                format!("`{key}` is no extension of the hub"),
            );
            report.push(finding.near(near));
            return;
        };
        let on_operation = matches!(path, ["paths", _, _]);
        let misplaced = match extension.home {
            Home::Operation => !on_operation,
            Home::Schema => on_operation,
            Home::Anywhere => false,
        };
        if misplaced {
            let (zh, en) = if on_operation {
                ("字段", "a schema")
            } else {
                ("操作", "an operation")
            };
            let finding = report.finding(
                "misplaced-extension",
                at,
                format!("`{key}` 只能写在{zh}上"),
                format!("`{key}` has a meaning on {en} only"),
            );
            report.push(finding);
            return;
        }
        fit(&extension.form, value, at, report);
    }
}

fn compile(name: &str, schema: &str) -> Result<Form, Finding> {
    let broken = |error: String| {
        Finding::error(
            "broken-schema",
            format!("docs/schema/{name}.schema.json"),
            Text::same(error),
        )
    };
    let schema: Value = serde_json::from_str(schema).map_err(|error| broken(error.to_string()))?;
    let validator = check::compile(&schema).map_err(broken)?;
    Ok(Form { schema, validator })
}

/// Reports each way in which a value does not fit.
fn fit(form: &Form, value: &Value, at: &At<'_>, report: &mut Report<'_>) {
    if form.validator.is_valid(value) {
        return;
    }
    for error in form.validator.iter_errors(value) {
        for error in sentence::telling(&error) {
            misfit(form, error, at, report);
        }
    }
}

fn misfit(form: &Form, error: &ValidationError<'_>, at: &At<'_>, report: &mut Report<'_>) {
    let pointer = format!("{}{}", at.pointer(), error.instance_path().as_str());
    if let Kind::AdditionalProperties { unexpected } = error.kind() {
        let known = form.known_beside(error);
        for name in unexpected {
            unknown_key(name, &pointer, &known, report);
        }
        return;
    }
    let expected = sentence::expected(error, &sentence::About::default());
    let key = at.pointer().rsplit('/').next().unwrap_or_default().to_owned();
    let subject = if key.is_empty() {
        report.document.name.clone()
    } else {
        key
    };
    let finding = report.finding(
        "bad-extension",
        &At::Pointer(&pointer),
        format!("{subject} 的内容不正确：应为{}", expected.zh),
        format!("{subject} is not right: expected {}", expected.en),
    );
    let found = match error.instance().as_ref() {
        Value::String(text) => format!("`{}`", text.chars().take(60).collect::<String>()),
        scalar @ (Value::Number(_) | Value::Bool(_) | Value::Null) => scalar.to_string(),
        other => sentence::type_of(other).to_owned(),
    };
    report.push(finding.expected(expected.en, found));
}

fn unknown_key(name: &str, parent: &str, known: &[&str], report: &mut Report<'_>) {
    let pointer = format!("{parent}/{}", escape(name));
    let finding = report.finding(
        "unknown-key",
        &At::Pointer(&pointer),
        format!("没有键 `{name}`"),
        format!("`{name}` is no key here"),
    );
    report.push(
        finding
            .expected(known.join(", "), name)
            .near(nearest(name, known.iter().copied())),
    );
}

impl Form {
    /// The keys that were allowed where an unknown one stood.
    fn known_beside(&self, error: &ValidationError<'_>) -> Vec<&str> {
        let place = error.schema_path().as_str();
        let object = place
            .rsplit_once('/')
            .and_then(|(object, _)| self.schema.pointer(object));
        let properties = object.and_then(|o| o.get("properties")).and_then(Value::as_object);
        properties
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }
}
