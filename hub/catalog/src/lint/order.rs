//! Whether names stand in alphabetical order.

use super::functions::{Miss, shown};
use crate::document::escape;
use serde_json::Value;
use std::cmp::Ordering;

/// The first item, or member, that stands after one it belongs before.
pub(super) fn misplaced(value: Option<&Value>, keyed: Option<&str>) -> Vec<Miss> {
    let found = match value {
        Some(Value::Array(items)) => {
            let key = |item: &Value| match keyed {
                Some(name) => item.get(name).cloned().unwrap_or(Value::Null),
                None => item.clone(),
            };
            let keys: Vec<Value> = items.iter().map(key).collect();
            first(&keys).map(|at| (at.to_string(), keys.get(at).map(shown)))
        }
        Some(Value::Object(map)) => {
            let keys: Vec<Value> = map.keys().map(|k| k.as_str().into()).collect();
            first(&keys).map(|at| {
                let name = map.keys().nth(at).map(String::as_str).unwrap_or_default();
                (escape(name).into_owned(), Some(name.to_owned()))
            })
        }
        _ => None,
    };
    found
        .map(|(token, got)| Miss {
            below: format!("/{token}"),
            expected: "alphabetical order".to_owned(),
            got,
        })
        .into_iter()
        .collect()
}

fn first(keys: &[Value]) -> Option<usize> {
    keys.windows(2)
        .position(|pair| matches!(pair, [a, b] if compare(a, b) == Ordering::Greater))
        .map(|at| at + 1)
}

fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
        (Value::String(a), Value::String(b)) => a.to_lowercase().cmp(&b.to_lowercase()).then_with(|| b.cmp(a)),
        _ => Ordering::Equal,
    }
}
