//! Codes that a contract does not list yet. An agency adds one on a Tuesday; the hundred other fields of the answer are as
//! good as they were. So the answer leaves with the code as it came, and with a flag that says where it stands.

use hub_catalog::Catalog;
use hub_core::problem::Violation;
use hub_core::{Operation, Shape};
use serde_json::Value;

/// The header that flags them: JSON pointers into the answer.
pub(crate) const HEADER: &str = "Hub-Unknown-Codes";

/// Longest text that passes for a code. What is longer, or holds what no code holds, is no code.
const LONGEST: usize = 64;
/// Places that are flagged; an answer with more is not the one of the contract.
const MOST: usize = 20;

/// The places of unknown codes, if nothing else is wrong with an answer; none where something is.
pub(crate) fn places(
    catalog: &Catalog,
    operation: &Operation,
    body: &Value,
    violations: &[Violation],
) -> Option<Vec<String>> {
    if violations.is_empty() || violations.len() > MOST {
        return None;
    }
    // Where a known code in each of these places makes the answer good, nothing else was wrong.
    let mut mended = body.clone();
    let mut places = Vec::new();
    for violation in violations {
        let place = violation.place.as_str();
        let value = mended.pointer_mut(place).filter(|_| violation.keyword == "enum")?;
        let known = at(&operation.output, place)?.choices.first()?.clone();
        if !is_code(value) {
            return None;
        }
        *value = known;
        places.push(place.to_owned());
    }
    catalog.check_output(operation, &mended).is_ok().then_some(places)
}

fn is_code(value: &Value) -> bool {
    let Value::String(text) = value else {
        return value.is_i64() || value.is_u64();
    };
    let length = text.chars().count();
    (1..=LONGEST).contains(&length) && !text.contains(['<', '>', '{', '}']) && !text.chars().any(char::is_control)
}

/// The shape at a place of an answer.
fn at<'s>(shape: &'s Shape, place: &str) -> Option<&'s Shape> {
    let mut shape = shape;
    for step in place.split('/').skip(1) {
        let name = step.replace("~1", "/").replace("~0", "~");
        shape = match shape.item.as_deref() {
            Some(item) if step.parse::<usize>().is_ok() => item,
            _ => shape.child(&name)?,
        };
    }
    Some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_passes_for_a_code() {
        for good in [json!("07"), json!("ZZ-unknown-9"), json!("已退件"), json!(7)] {
            assert!(is_code(&good), "{good}");
        }
        let page = json!("<html>");
        for bad in [
            json!(""),
            page,
            json!("a\u{0}"),
            json!("9".repeat(65)),
            json!(true),
            json!({}),
            json!(1.5),
        ] {
            assert!(!is_code(&bad), "{bad}");
        }
    }
}
