//! One operation of a unified document.

use super::parts::{self, set};
use super::widen::Widener;
use crate::catalog::BODY_FIELD;
use crate::load::schema::component_reference;
use hub_core::{Assurance, Effect, Example, Operation, Parameter, ParameterPlace, Shape, Text};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// Words by which properties come from elsewhere, so that one schema alone cannot say that there are no more.
const COMPOSING: [&str; 7] = [
    "$ref",
    "allOf",
    "anyOf",
    "oneOf",
    "if",
    "patternProperties",
    "unevaluatedProperties",
];

/// The operation object. `tag` is its agency's code; `components` are the dictionary's and the systems' own.
pub(super) fn object(
    operation: &Operation,
    tag: &str,
    body_is_optional: bool,
    components: &HashMap<String, Arc<Value>>,
    widener: &mut Widener<'_>,
) -> Value {
    let mut out = Map::new();
    out.insert("operationId".into(), json!(operation.id));
    out.insert("summary".into(), json!(operation.summary.zh));
    out.insert("description".into(), json!(description(operation)));
    out.insert("tags".into(), json!([tag]));
    extensions(operation, &mut out);
    out.insert("parameters".into(), parameters(operation, components));
    if let Some(body) = request_body(operation, body_is_optional) {
        out.insert("requestBody".into(), body);
    }
    out.insert("responses".into(), responses(operation, widener));
    let security = match operation.assurance {
        Assurance::R0 => json!([{"clientKey": []}]),
        _ => json!([{"clientKey": [], "subjectToken": []}]),
    };
    out.insert("security".into(), security);
    Value::Object(out)
}

fn description(operation: &Operation) -> String {
    let Text { zh, en } = &operation.description;
    let summary = &operation.summary.en;
    let english = if en == summary {
        en.clone()
    } else {
        format!("{summary}. {en}")
    };
    if *zh == english || zh == en {
        zh.clone()
    } else {
        format!("{zh}\n\n{english}")
    }
}

fn extensions(operation: &Operation, out: &mut Map<String, Value>) {
    let english = json!({"summary": operation.summary.en, "description": operation.description.en});
    out.insert("x-hub-en".into(), english);
    if let Some(service) = &operation.service {
        out.insert("x-hub-service".into(), json!(service));
    }
    out.insert("x-hub-assurance".into(), json!(operation.assurance));
    out.insert("x-hub-audience".into(), json!(operation.audience));
    out.insert("x-hub-effect".into(), json!(operation.effect));
    out.insert("x-hub-level".into(), json!(operation.level));
    if !operation.bound.is_empty() {
        let bound: Map<_, _> = operation
            .bound
            .iter()
            .map(|b| (b.field.clone(), json!(b.from)))
            .collect();
        out.insert("x-hub-subject".into(), Value::Object(bound));
    }
    if let Some(basis) = &operation.basis {
        out.insert("x-hub-basis".into(), json!(basis));
    }
}

fn parameters(operation: &Operation, components: &HashMap<String, Arc<Value>>) -> Value {
    let mut all: Vec<Value> = operation
        .parameters
        .iter()
        .map(|p| parameter(operation, p, components))
        .collect();
    all.push(json!({"$ref": "#/components/parameters/X-Request-Id"}));
    if operation.method == "POST" && operation.effect != Effect::None {
        all.push(json!({"$ref": "#/components/parameters/Idempotency-Key"}));
    }
    Value::Array(all)
}

fn parameter(operation: &Operation, parameter: &Parameter, components: &HashMap<String, Arc<Value>>) -> Value {
    let place = match parameter.place {
        ParameterPlace::Path => "path",
        ParameterPlace::Query => "query",
        ParameterPlace::Header => "header",
    };
    // A field of the dictionary is named, not repeated.
    let shape = operation.input.child(&parameter.name);
    let field = shape.and_then(|s| s.field.as_deref());
    let same = field.filter(|f| components.get(*f).is_some_and(|c| Arc::ptr_eq(c, &parameter.schema)));
    let schema = match same {
        Some(field) => json!({"$ref": component_reference(field)}),
        None => parameter.schema.as_ref().clone(),
    };
    let mut out = json!({"name": parameter.name, "in": place, "required": parameter.required, "schema": schema});
    let word = |key: &str| parameter.schema.get(key).and_then(Value::as_str);
    if let Some(zh) = word("title") {
        let en = word("x-hub-en").filter(|en| *en != zh);
        set(
            &mut out,
            "description",
            json!(en.map_or_else(|| zh.to_owned(), |en| format!("{zh} {en}"))),
        );
    }
    let given = |e: &Example| e.input.as_ref()?.get(&parameter.name).cloned();
    if let Some(example) = operation.examples.iter().find_map(given) {
        set(&mut out, "example", example);
    }
    out
}

fn request_body(operation: &Operation, is_optional: bool) -> Option<Value> {
    let schema = operation.request.as_deref()?;
    let is_parameter = |name: &str| operation.parameters.iter().any(|p| p.name == name);
    let body_of = |example: &Example| {
        let input = example.input.as_ref()?;
        if operation.input.child(BODY_FIELD).is_some() {
            return input.get(BODY_FIELD).cloned();
        }
        let fields = input.iter().filter(|(name, _)| !is_parameter(name));
        Some(Value::Object(fields.map(|(k, v)| (k.clone(), v.clone())).collect()))
    };
    let mut media = json!({"schema": closed(operation, schema)});
    let examples = named_examples(operation, body_of);
    if !examples.is_empty() {
        set(&mut media, "examples", Value::Object(examples));
    }
    let media_type = operation.request_type.as_deref().unwrap_or("application/json");
    // A body in which nothing is needed may be left out whole: the hub takes that for an empty one.
    let needed = |shape: &Shape| shape.required && !is_parameter(&shape.name) && !operation.is_bound(&shape.name);
    let required = !is_optional && operation.input.children.iter().any(needed);
    Some(json!({"required": required, "content": {media_type: media}}))
}

/// The schema of a body, saying what the check holds to: fields that a contract does not name are not taken, unless it says
/// that they are.
fn closed(operation: &Operation, schema: &Value) -> Value {
    let mut schema = schema.clone();
    let whole = operation.input.child(BODY_FIELD).is_some();
    if let Some(map) = schema
        .as_object_mut()
        .filter(|map| !whole && map.contains_key("properties"))
    {
        let composed = COMPOSING.iter().any(|word| map.contains_key(*word));
        if !composed && !map.contains_key("additionalProperties") {
            map.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
    }
    schema
}

fn named_examples(operation: &Operation, value: impl Fn(&Example) -> Option<Value>) -> Map<String, Value> {
    let named = |e: &Example| Some((e.name.clone(), json!({"value": value(e)?})));
    operation.examples.iter().filter_map(named).collect()
}

fn responses(operation: &Operation, widener: &mut Widener<'_>) -> Value {
    let mut good = json!({
        "description": "成功 Success",
        "headers": {
            "X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"},
            "RateLimit": {"$ref": "#/components/headers/RateLimit"},
            "RateLimit-Policy": {"$ref": "#/components/headers/RateLimit-Policy"},
        },
    });
    if let Some(schema) = operation.response.as_deref() {
        let schema = match operation.assurance {
            Assurance::R0 => widener.widen(schema),
            _ => schema.clone(),
        };
        let mut media = json!({"schema": schema});
        let examples = named_examples(operation, |e| e.output.clone());
        if !examples.is_empty() {
            set(&mut media, "examples", Value::Object(examples));
        }
        set(&mut good, "content", json!({"application/json": media}));
    }
    let mut out = Map::new();
    out.insert(operation.status.to_string(), good);
    for status in parts::problem_statuses(operation) {
        let name = parts::response_name(status);
        out.insert(
            status.to_string(),
            json!({"$ref": format!("#/components/responses/{name}")}),
        );
    }
    Value::Object(out)
}
