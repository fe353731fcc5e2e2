//! Request bodies and good answers: which media type, which status, which schema, which examples.

use super::report::{At, Report};
use super::system::{Context, follow};
use hub_core::{Shape, ShapeKind};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// A body in the one media type that is used.
pub(super) struct Body {
    pub(super) media_type: String,
    pub(super) schema: Arc<Value>,
    pub(super) shape: Shape,
    pub(super) examples: Vec<(String, Value)>,
    pub(super) required: bool,
}

impl Body {
    /// Whether its properties stand beside the parameters in the flat input.
    pub(super) fn is_flat(&self) -> bool {
        self.shape.kind == ShapeKind::Object && !self.shape.children.is_empty()
    }
}

/// The good answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Option<Body>,
}

/// The request body, if there is one.
pub(super) fn request<'d>(
    operation: &'d Value,
    at: &At<'_>,
    context: &Context<'_>,
    report: &mut Report<'d>,
) -> Option<Body> {
    let given = operation.get("requestBody")?;
    let (given, pointer) = follow(given, &at.key("requestBody"), report)?;
    let required = given.get("required") == Some(&Value::Bool(true));
    let mut body = content(given, &At::Pointer(&pointer), context, report)?;
    // A contract of the hub's own always means its body; only a stranger's optional body is optional.
    body.required = required || !context.is_plain;
    Some(body)
}

/// The good answer: the lowest 2xx status, else `default`, else an empty 200.
pub(super) fn answer<'d>(operation: &'d Value, at: &At<'_>, context: &Context<'_>, report: &mut Report<'d>) -> Answer {
    let here = at.key("responses");
    let responses = operation.get("responses").and_then(Value::as_object);
    let mut good: Vec<(u16, &String, &Value)> = responses
        .into_iter()
        .flatten()
        .filter_map(|(status, response)| good_status(status).map(|s| (s, status, response)))
        .collect();
    good.sort_by_key(|(order, _, _)| *order);
    let Some((status, key, response)) = good.first().copied() else {
        let finding = report.finding("no-good-answer", &here, "没有 2xx 响应", "There is no 2xx response");
        let finding = finding.expected("\"200\"", responses.map_or("none", |_| "others only"));
        report.push(finding.severity(hub_core::Severity::Warning));
        return Answer {
            status: 200,
            body: None,
        };
    };
    let body = follow(response, &here.key(key), report)
        .and_then(|(response, pointer)| content(response, &At::Pointer(&pointer), context, report));
    let status = if status >= 300 { 200 } else { status };
    Answer { status, body }
}

/// A 2xx status as a number; `2XX` and `default` come after all others.
fn good_status(key: &str) -> Option<u16> {
    match key {
        "default" => Some(1000),
        "2XX" | "2xx" => Some(999),
        _ => key.parse().ok().filter(|s| (200..300).contains(s)),
    }
}

fn content<'d>(holder: &'d Value, at: &At<'_>, context: &Context<'_>, report: &mut Report<'d>) -> Option<Body> {
    let types = holder.get("content")?.as_object()?;
    let is_json = |name: &str| {
        let essence = name.split(';').next().unwrap_or_default().trim();
        essence == "application/json" || essence.ends_with("+json")
    };
    let (name, media) = types
        .iter()
        .find(|(name, _)| is_json(name))
        .or_else(|| types.iter().next())?;
    let here = at.key("content");
    let here = here.key(name);
    let schema = match media.get("schema") {
        Some(schema) => context.rewriter.rewrite(schema, &here.key("schema"), report),
        None => json!({}),
    };
    let schema = Arc::new(schema);
    let shape = context.outline.draw("", &schema, true);
    Some(Body {
        media_type: name.clone(),
        examples: examples(media, &schema, &here, report),
        schema,
        shape,
        required: false,
    })
}

/// Named examples of a media type or a parameter; a single one is called `example`.
pub(super) fn examples<'d>(
    holder: &'d Value,
    schema: &Value,
    at: &At<'_>,
    report: &mut Report<'d>,
) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    if let Some(Value::Object(named)) = holder.get("examples") {
        let here = at.key("examples");
        for (name, example) in named {
            if let Some((example, _)) = follow(example, &here.key(name), report)
                && let Some(value) = example.get("value")
            {
                found.push((name.clone(), value.clone()));
            }
        }
    }
    if found.is_empty() {
        let single = holder
            .get("example")
            .or_else(|| schema.get("examples").and_then(|e| e.get(0)));
        found.extend(single.map(|value| ("example".to_owned(), value.clone())));
    }
    found
}

/// Example values of parameters and body as flat inputs, paired with answers of the same name.
pub(super) fn join(
    parameters: &[(&str, &[(String, Value)])],
    request: Option<&Body>,
    answer: Option<&Body>,
    is_bound: impl Fn(&str) -> bool,
) -> Vec<hub_core::Example> {
    let mut names: Vec<&str> = Vec::new();
    let bodies = [request, answer].into_iter().flatten().flat_map(|b| b.examples.iter());
    for (name, _) in bodies {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    if names.is_empty() && parameters.iter().any(|(_, examples)| !examples.is_empty()) {
        names.push("example");
    }
    let named = |examples: &[(String, Value)], name: &str| {
        let exact = examples.iter().find(|(n, _)| n == name);
        exact.or_else(|| examples.first()).map(|(_, v)| v.clone())
    };
    names
        .into_iter()
        .map(|name| {
            let mut input = Map::new();
            for (parameter, examples) in parameters {
                if let Some(value) = named(examples, name) {
                    input.insert((*parameter).to_owned(), value);
                }
            }
            if let Some(body) = request {
                match named(&body.examples, name) {
                    Some(Value::Object(fields)) if body.is_flat() => input.extend(fields),
                    Some(whole) => {
                        input.insert(crate::catalog::BODY_FIELD.to_owned(), whole);
                    }
                    None => {}
                }
            }
            input.retain(|field, _| !is_bound(field));
            hub_core::Example {
                name: name.to_owned(),
                input: Some(input),
                output: answer.and_then(|b| named(&b.examples, name)),
            }
        })
        .collect()
}
