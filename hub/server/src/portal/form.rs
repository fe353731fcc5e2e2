//! The form of one operation, made from its contract.

use super::{Choice, Frame};
use hub_core::{Lang, Operation, ParameterPlace, Semantic, Shape, ShapeKind};
use serde_json::{Map, Value};

/// One field of a form.
pub(super) struct Field {
    pub(super) key: String,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) hint: String,
    pub(super) required: bool,
    pub(super) place: &'static str,
    pub(super) kind: &'static str,
    pub(super) input: &'static str,
    pub(super) long: bool,
    pub(super) value: String,
    pub(super) choices: Vec<Choice>,
}

/// The fields that a person fills in: all of the input but what is bound to the subject.
pub(super) fn fields(frame: &Frame, operation: &Operation) -> Vec<Field> {
    let example = example(operation);
    let unbound = operation.input.children.iter().filter(|s| !operation.is_bound(&s.name));
    unbound.map(|shape| field(frame, operation, shape, &example)).collect()
}

/// An input that the contract takes: its first example.
pub(super) fn example(operation: &Operation) -> Map<String, Value> {
    operation
        .examples
        .iter()
        .find_map(|e| e.input.clone())
        .unwrap_or_default()
}

/// Where a field of the flat input stands in the request.
pub(super) fn place(operation: &Operation, name: &str) -> &'static str {
    match operation.parameters.iter().find(|p| p.name == name).map(|p| p.place) {
        Some(ParameterPlace::Path) => "path",
        Some(ParameterPlace::Query) => "query",
        Some(ParameterPlace::Header) => "header",
        None => "body",
    }
}

/// The name of a value for a person: the dictionary's title, else the bare name.
pub(super) fn label(shape: &Shape, lang: Lang) -> String {
    let word = |key: &str| shape.schema.get(key).and_then(Value::as_str).filter(|w| !w.is_empty());
    let (first, second) = match lang {
        Lang::Zh => ("title", "x-hub-en"),
        Lang::En => ("x-hub-en", "title"),
    };
    word(first)
        .or_else(|| word(second))
        .map_or_else(|| shape.name.to_string(), str::to_owned)
}

fn field(frame: &Frame, operation: &Operation, shape: &Shape, example: &Map<String, Value>) -> Field {
    let value = example.get(shape.name.as_ref());
    let given = shape.schema.get("examples").and_then(|e| e.get(0));
    let value = value.or_else(|| given.filter(|_| shape.required));
    Field {
        key: format!("{}-{}", operation.id, shape.name).replace('.', "-"),
        name: shape.name.to_string(),
        label: label(shape, frame.lang),
        hint: hint(shape, frame),
        required: shape.required,
        place: place(operation, &shape.name),
        kind: kind(shape.kind),
        input: input(shape),
        long: matches!(shape.kind, ShapeKind::Object | ShapeKind::Array | ShapeKind::Any) || is_long(shape),
        value: value.map(|v| written(v, shape.kind)).unwrap_or_default(),
        choices: choices(shape, value, frame),
    }
}

fn is_long(shape: &Shape) -> bool {
    shape.kind == ShapeKind::String
        && shape
            .schema
            .get("maxLength")
            .and_then(Value::as_u64)
            .is_some_and(|n| n > 200)
}

/// What a person should know before typing.
fn hint(shape: &Shape, frame: &Frame) -> String {
    let mut words = Vec::new();
    if let (Lang::Zh, Some(text)) = (frame.lang, shape.schema.get("description").and_then(Value::as_str)) {
        words.push(text.to_owned());
    }
    let meaning = match shape.semantic {
        Semantic::Money => frame.t("单位：分", "in fen"),
        Semantic::Date => frame.t("年-月-日", "yyyy-MM-dd"),
        Semantic::DateTime => frame.t("带时区的日期时间", "date-time with offset"),
        Semantic::Month => frame.t("年-月", "yyyy-MM"),
        Semantic::File => frame.t("先上传到 /me/files", "upload to /me/files first"),
        Semantic::Longitude | Semantic::Latitude => "CGCS2000",
        Semantic::Plain => "",
    };
    if !meaning.is_empty() {
        words.push(meaning.to_owned());
    }
    words.join(" · ")
}

fn kind(kind: ShapeKind) -> &'static str {
    match kind {
        ShapeKind::String => "string",
        ShapeKind::Integer => "integer",
        ShapeKind::Number => "number",
        ShapeKind::Boolean => "boolean",
        ShapeKind::Object => "object",
        ShapeKind::Array => "array",
        ShapeKind::Any => "any",
    }
}

fn input(shape: &Shape) -> &'static str {
    match (shape.semantic, shape.kind) {
        (Semantic::Date, _) => "date",
        (Semantic::Month, _) => "month",
        (_, ShapeKind::Integer) => "number",
        _ => "text",
    }
}

fn written(value: &Value, kind: ShapeKind) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other if matches!(kind, ShapeKind::Object | ShapeKind::Array) => format!("{other:#}"),
        other => other.to_string(),
    }
}

fn choices(shape: &Shape, value: Option<&Value>, frame: &Frame) -> Vec<Choice> {
    let labels = shape.schema.get("x-hub-labels");
    let of = |v: &Value| -> Choice {
        let word = written(v, shape.kind);
        let named = labels
            .and_then(|l| l.get(&word))
            .and_then(|l| l.get(frame.t("zh", "en")))
            .and_then(Value::as_str);
        let name = named.map_or_else(|| word.clone(), |n| format!("{n} ({word})"));
        Choice {
            name,
            count: 0,
            chosen: value == Some(v),
            value: word,
        }
    };
    if shape.kind == ShapeKind::Boolean {
        let yes_no = [(true, frame.t("是", "yes")), (false, frame.t("否", "no"))];
        return yes_no
            .map(|(v, name)| Choice {
                value: v.to_string(),
                name: name.to_owned(),
                count: 0,
                chosen: value == Some(&Value::Bool(v)),
            })
            .into();
    }
    shape.choices.iter().filter(|v| !v.is_null()).map(of).collect()
}
