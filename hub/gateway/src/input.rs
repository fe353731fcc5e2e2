//! Step validate, first half: one flat object out of path, query, headers and body, typed as the contract types it.
//!
//! A query is text, so a number in it is parsed where the contract says number; text that is none stays text and the
//! contract's own check says what was expected.

use hub_core::problem::Violation;
use hub_core::{Inbound, Operation, ParameterPlace, Problem, ProblemCode, Shape, ShapeKind, Text};
use serde_json::{Map, Value};

/// Assembles the input.
pub(crate) fn assemble(
    operation: &Operation,
    path: Vec<(String, String)>,
    inbound: &Inbound,
) -> Result<Map<String, Value>, Problem> {
    let mut violations = Vec::new();
    let mut input = body(operation, inbound)?;
    for parameter in &operation.parameters {
        if input.contains_key(&parameter.name) {
            violations.push(unknown(format!("/{}", parameter.name), &parameter.name));
        }
    }
    for (name, text) in path {
        let value = typed(operation.input.child(&name), &text);
        input.insert(name, value);
    }
    query(operation, &inbound.query, &mut input, &mut violations);
    for parameter in operation
        .parameters
        .iter()
        .filter(|p| p.place == ParameterPlace::Header)
    {
        if let Some(text) = inbound.header(&parameter.name) {
            let value = typed(operation.input.child(&parameter.name), text);
            input.insert(parameter.name.clone(), value);
        }
    }
    if violations.is_empty() {
        Ok(input)
    } else {
        Err(Problem::violations(ProblemCode::ValidationFailed, violations))
    }
}

fn unknown(place: String, name: &str) -> Violation {
    Violation {
        place,
        keyword: "additionalProperties".into(),
        expected: Text::new("合同中没有此字段", "the contract has no such field here"),
        got: name.to_owned(),
    }
}

/// Fields of the query that the contract declares; all others are refused.
fn query(operation: &Operation, query: &str, input: &mut Map<String, Value>, violations: &mut Vec<Violation>) {
    for (name, text) in url::form_urlencoded::parse(query.as_bytes()) {
        let declared = operation
            .parameters
            .iter()
            .any(|p| p.place == ParameterPlace::Query && p.name == name);
        let place = format!("parameter/{name}");
        if !declared {
            violations.push(unknown(place, &name));
            continue;
        }
        let shape = operation.input.child(&name);
        let array = shape.filter(|s| s.kind == ShapeKind::Array);
        match (array, input.get_mut(name.as_ref())) {
            // OpenAPI's default style for arrays in a query is the parameter repeated.
            (Some(array), Some(Value::Array(items))) => items.push(typed(array.item.as_deref(), &text)),
            (Some(array), _) => {
                input.insert(
                    name.into_owned(),
                    Value::Array(vec![typed(array.item.as_deref(), &text)]),
                );
            }
            (None, Some(_)) => violations.push(Violation {
                place,
                keyword: "maxItems".into(),
                expected: Text::new("只出现一次", "once only"),
                got: "2".into(),
            }),
            (None, None) => {
                input.insert(name.into_owned(), typed(shape, &text));
            }
        }
    }
}

/// Text as the type its shape names, or as text.
fn typed(shape: Option<&Shape>, text: &str) -> Value {
    let parsed = match shape.map(|s| s.kind) {
        Some(ShapeKind::Integer) => text.parse::<i64>().ok().map(Value::from),
        // Through serde_json, so that no digit is lost.
        Some(ShapeKind::Number) => serde_json::from_str::<serde_json::Number>(text).ok().map(Value::Number),
        Some(ShapeKind::Boolean) => text.parse::<bool>().ok().map(Value::Bool),
        _ => None,
    };
    parsed.unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The JSON body as an object.
fn body(operation: &Operation, inbound: &Inbound) -> Result<Map<String, Value>, Problem> {
    if inbound.body.is_empty() {
        return Ok(Map::new());
    }
    if operation.request.is_none() {
        return Err(Problem::new(ProblemCode::BadRequest).detail("此操作不接受请求体", "This operation takes no body"));
    }
    media_type(operation, inbound.header("content-type"))?;
    match serde_json::from_slice(&inbound.body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(other) => Err(Problem::violations(
            ProblemCode::ValidationFailed,
            vec![Violation {
                place: String::new(),
                keyword: "type".into(),
                expected: Text::new("一个对象", "an object"),
                got: kind(&other).to_owned(),
            }],
        )),
        Err(error) => Err(Problem::new(ProblemCode::BadRequest)
            .detail("请求体不是合法的 JSON", "The body is not JSON")
            .at(
                format!("{}:{}", error.line(), error.column()),
                Text::same("JSON (RFC 8259)"),
                match error.classify() {
                    serde_json::error::Category::Eof => "end of input",
                    _ => "a syntax error",
                },
            )),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

fn media_type(operation: &Operation, header: Option<&str>) -> Result<(), Problem> {
    let wanted = operation.request_type.as_deref().unwrap_or("application/json");
    let header = header.unwrap_or_default();
    let mut parts = header.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let charset = parts.find_map(|p| {
        let (name, value) = p.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    });
    if essence.eq_ignore_ascii_case(wanted) && charset.is_none_or(|c| c.eq_ignore_ascii_case("utf-8")) {
        return Ok(());
    }
    Err(Problem::new(ProblemCode::UnsupportedMediaType).at(
        "header/Content-Type",
        Text::same(wanted),
        if header.is_empty() { "nothing" } else { header },
    ))
}

/// Whether the client takes JSON back (RFC 9110 12.5.1).
pub(crate) fn acceptable(inbound: &Inbound) -> Result<(), Problem> {
    let Some(accept) = inbound.header("accept") else {
        return Ok(());
    };
    let takes = accept.split(',').any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let refused = parts.any(|p| matches!(p.strip_prefix("q=").map(str::parse::<f32>), Some(Ok(q)) if q <= 0.0));
        !refused && matches!(essence.as_str(), "" | "*/*" | "application/*" | "application/json")
    });
    if takes {
        Ok(())
    } else {
        Err(Problem::new(ProblemCode::NotAcceptable).at("header/Accept", Text::same("application/json"), accept))
    }
}
