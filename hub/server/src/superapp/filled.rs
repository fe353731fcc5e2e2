//! From a form that a person filled in to a request, by the contract.

use crate::portal::segment;
use hub_core::{Effect, Operation, ParameterPlace, RawRequest, ShapeKind};
use serde_json::{Map, Value};
use url::form_urlencoded;

/// The request below a door of the hub. What does not read as its type goes as it is: the hub says what is wrong with it.
pub(super) fn request(operation: &Operation, form: &[(String, String)], once: &str) -> RawRequest {
    let given = |name: &str| {
        form.iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.trim())
            .filter(|v| !v.is_empty())
    };
    let mut path = operation.public_path();
    let mut query = form_urlencoded::Serializer::new(String::new());
    let (mut headers, mut body) = (Vec::new(), Map::new());
    for shape in operation.input.children.iter().filter(|s| !operation.is_bound(&s.name)) {
        let name = shape.name.as_ref();
        let Some(text) = given(name) else { continue };
        let place = operation.parameters.iter().find(|p| p.name == name).map(|p| p.place);
        match place {
            Some(ParameterPlace::Path) => path = path.replace(&format!("{{{name}}}"), &segment(text)),
            Some(ParameterPlace::Query) => drop(query.append_pair(name, text)),
            Some(ParameterPlace::Header) => headers.push((name.to_owned(), text.to_owned())),
            None => drop(body.insert(name.to_owned(), typed(text, shape.kind))),
        }
    }
    let query = query.finish();
    if operation.effect == Effect::Once && !once.is_empty() {
        headers.push(("idempotency-key".to_owned(), once.to_owned()));
    }
    let with_body = operation.request.is_some();
    if with_body {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    RawRequest {
        method: operation.method.clone(),
        target: if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        },
        headers,
        body: if with_body {
            Value::Object(body).to_string().into_bytes()
        } else {
            Vec::new()
        },
    }
}

fn typed(text: &str, kind: ShapeKind) -> Value {
    let read = match kind {
        ShapeKind::String => None,
        _ => serde_json::from_str(text).ok(),
    };
    read.unwrap_or_else(|| Value::String(text.to_owned()))
}
