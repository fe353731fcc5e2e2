//! The manifest of a SOAP system from the normal form of its WSDL: element, namespace and action of every operation stand
//! there as `x-soap`, the order of elements is that of its properties.

use serde_json::Value;
use std::fmt::Write;

/// Writes the manifest behind its head.
pub(crate) fn manifest(head: &str, address: &Value, document: &Value) -> String {
    let operations: Vec<(&str, &Value, &Value)> = operations(document).collect();
    let first = operations.first().map(|(_, _, soap)| *soap);
    let said = |name: &str| first.and_then(|soap| soap.get(name)).cloned().unwrap_or_default();
    let mut text = format!(
        "{head}upstream: {{url: {address}, dialect: soap}}\nframe: {{namespace: {}, soap: {}, style: {}}}\nnames: same\noperations:\n",
        said("namespace"),
        said("version"),
        said("style"),
    );
    for (id, operation, soap) in operations {
        let word = |name: &str| soap.get(name).cloned().unwrap_or_default();
        let mut frame = format!("action: {}, qualified: {}", word("action"), word("qualified"));
        for name in ["namespace", "style"] {
            if word(name) != said(name) {
                let _ = write!(frame, ", {name}: {}", word(name));
            }
        }
        let order = order(document, operation);
        if order.len() > 1 {
            let _ = write!(frame, ", order: {}", Value::from(order));
        }
        let _ = writeln!(
            text,
            "  {}: {{call: {}, frame: {{{frame}}}}}",
            Value::from(id),
            word("element")
        );
    }
    text
}

fn operations(document: &Value) -> impl Iterator<Item = (&str, &Value, &Value)> {
    let paths = document.get("paths").and_then(Value::as_object);
    paths.into_iter().flatten().filter_map(|(_, item)| {
        let operation = item.get("post")?;
        Some((
            operation.get("operationId")?.as_str()?,
            operation,
            operation.get("x-soap")?,
        ))
    })
}

/// The members of the request in the order of their sequence.
fn order(document: &Value, operation: &Value) -> Vec<String> {
    let mut schema = operation.pointer("/requestBody/content/application~1json/schema");
    // A schema of references is followed; one that chases its own tail is not worth more turns.
    for _ in 0..8 {
        let target = schema.and_then(|s| s.get("$ref")).and_then(Value::as_str);
        match target.and_then(|t| document.pointer(t.strip_prefix('#')?)) {
            Some(next) => schema = Some(next),
            None => break,
        }
    }
    let members = schema.and_then(|s| s.get("properties")).and_then(Value::as_object);
    members.into_iter().flat_map(|m| m.keys().cloned()).collect()
}
