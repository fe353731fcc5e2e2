//! Changes of a thing: JSON Merge Patch (RFC 7396), JSON Patch (RFC 6902), and the next id in a row.

use crate::seed::Seed;
use serde_json::{Map, Number, Value};

/// Merges a patch into a thing; `null` takes a member away.
pub(super) fn merge(target: &mut Map<String, Value>, patch: &Map<String, Value>) {
    for (name, value) in patch {
        match value {
            Value::Null => drop(target.shift_remove(name)),
            Value::Object(inner) => {
                let own = target.entry(name.clone()).or_insert_with(|| Value::Object(Map::new()));
                match own {
                    Value::Object(own) => merge(own, inner),
                    other => {
                        let mut made = Map::new();
                        merge(&mut made, inner);
                        *other = Value::Object(made);
                    }
                }
            }
            other => drop(target.insert(name.clone(), other.clone())),
        }
    }
}

/// Does the operations of a patch that can be done: `add`, `replace`, `remove`, `copy`, `move`.
pub(super) fn operations(target: &mut Map<String, Value>, patch: &[Value]) {
    let mut whole = Value::Object(std::mem::take(target));
    for step in patch {
        let text = |name: &str| step.get(name).and_then(Value::as_str);
        let Some(path) = text("path") else { continue };
        match text("op") {
            Some("add") => put(&mut whole, path, step.get("value").cloned(), true),
            Some("replace") => put(&mut whole, path, step.get("value").cloned(), false),
            Some("remove") => drop(take(&mut whole, path)),
            Some("copy") => {
                let value = text("from").and_then(|from| whole.pointer(from)).cloned();
                put(&mut whole, path, value, true);
            }
            Some("move") => {
                let value = text("from").and_then(|from| take(&mut whole, from));
                put(&mut whole, path, value, true);
            }
            _ => {}
        }
    }
    if let Value::Object(made) = whole {
        *target = made;
    }
}

/// The place a pointer ends in, and its last step.
fn parent<'v>(whole: &'v mut Value, pointer: &str) -> Option<(&'v mut Value, String)> {
    let (before, last) = pointer.rsplit_once('/')?;
    Some((whole.pointer_mut(before)?, last.replace("~1", "/").replace("~0", "~")))
}

fn put(whole: &mut Value, pointer: &str, value: Option<Value>, insert: bool) {
    let (Some(value), Some((place, last))) = (value, parent(whole, pointer)) else {
        return;
    };
    match place {
        Value::Object(members) => drop(members.insert(last, value)),
        Value::Array(items) => match last.parse::<usize>() {
            Ok(at) if insert && at <= items.len() => items.insert(at, value),
            Ok(at) => {
                if let Some(item) = items.get_mut(at) {
                    *item = value;
                }
            }
            Err(_) => items.push(value),
        },
        _ => {}
    }
}

fn take(whole: &mut Value, pointer: &str) -> Option<Value> {
    let (place, last) = parent(whole, pointer)?;
    match place {
        Value::Object(members) => members.shift_remove(&last),
        Value::Array(items) => {
            let at = last.parse().ok().filter(|at| *at < items.len())?;
            Some(items.remove(at))
        }
        _ => None,
    }
}

/// The id after this one, in its own form: the next number, the next number at the end of a text, another UUID.
pub(super) fn next(id: &Value, seed: Seed) -> Value {
    match id {
        Value::Number(number) => {
            let next = number.as_i64().map(|n| Number::from(n.wrapping_add(1)));
            Value::Number(next.unwrap_or_else(|| Number::from(1)))
        }
        Value::String(text) if is_uuid(text) => Value::String(uuid(text, seed)),
        Value::String(text) => Value::String(counted(text)),
        other => other.clone(),
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Other digits; version and variant (RFC 9562, 4.1 and 4.2) stay.
fn uuid(text: &str, seed: Seed) -> String {
    let mut dice = seed.with(text).dice();
    let fresh = |(at, old): (usize, char)| match at {
        8 | 13 | 14 | 18 | 19 | 23 => old,
        _ => u32::try_from(dice.below(16))
            .ok()
            .and_then(|digit| char::from_digit(digit, 16))
            .unwrap_or(old),
    };
    text.char_indices().map(fresh).collect()
}

/// `A-0099` is followed by `A-0100`, `abc` by `abc-2`.
fn counted(text: &str) -> String {
    let head = text.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = text.get(head.len()..).unwrap_or_default();
    if digits.is_empty() {
        return format!("{text}-2");
    }
    let mut out: Vec<u8> = digits.bytes().collect();
    for digit in out.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return head.to_owned() + &String::from_utf8_lossy(&out);
        }
        *digit = b'0';
    }
    // The row of this width is at its end and begins again, so that a pattern with a fixed width still fits.
    head.to_owned() + &String::from_utf8_lossy(&out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn patches_do_what_their_standards_say() {
        let mut thing = object(&json!({"a": "b", "c": {"d": "e", "f": "g"}}));
        merge(
            &mut thing,
            &object(&json!({"a": "z", "c": {"f": null}, "n": {"x": null, "y": 1}})),
        );
        assert_eq!(
            Value::Object(thing.clone()),
            json!({"a": "z", "c": {"d": "e"}, "n": {"y": 1}})
        );
        let steps = json!([
            {"op": "replace", "path": "/a", "value": [1, 3]},
            {"op": "add", "path": "/a/1", "value": 2},
            {"op": "add", "path": "/a/-", "value": 4},
            {"op": "remove", "path": "/c/d"},
            {"op": "move", "from": "/n/y", "path": "/m~1"},
            {"op": "copy", "from": "/a/0", "path": "/n/z"},
            {"op": "remove", "path": "/nowhere/9"},
            {"op": "test", "path": "/a", "value": 0},
        ]);
        operations(&mut thing, steps.as_array().unwrap());
        assert_eq!(
            Value::Object(thing),
            json!({"a": [1, 2, 3, 4], "c": {}, "m/": 1, "n": {"z": 1}})
        );
    }

    #[test]
    fn ids_follow_in_their_own_form() {
        let after = |id: Value| next(&id, Seed::new(1));
        assert_eq!(after(json!(7)), json!(8));
        assert_eq!(after(json!("A-0099")), json!("A-0100"));
        assert_eq!(after(json!("99")), json!("00"));
        assert_eq!(after(json!("abc")), json!("abc-2"));
        let old = "123e4567-e89b-42d3-a456-426614174000";
        let Value::String(new) = after(json!(old)) else {
            panic!()
        };
        assert!(
            is_uuid(&new) && new != old && new.as_bytes()[14] == b'4' && new.as_bytes()[19] == b'a',
            "{new}"
        );
    }
}
