//! Step show: masking by viewer.
//!
//! The subject and a mandated agent see values; whoever is nobody sees masked ones. Handles are never masked: they are
//! how their owner finds the matter again.

use crate::policy::Privacy;
use hub_catalog::Catalog;
use hub_core::ports::{Answer, Call};
use hub_core::{Assurance, DataLevel, Operation, Shape};
use serde_json::Value;

/// From which level on a viewer sees masked values; `None` shows everything.
pub(crate) type MaskFrom = Option<DataLevel>;

/// What the viewer of this call may see: a subject whose own matter it is sees everything.
pub(crate) fn mask_from(privacy: &Privacy, call: &Call) -> MaskFrom {
    seen_by(privacy, &call.operation, call.subject.is_some())
}

/// The same by whether the viewer is known. A contract that asks nobody's name speaks to anonymous viewers, so that
/// signing in shows nobody more of other people.
pub(crate) fn seen_by(privacy: &Privacy, operation: &Operation, known: bool) -> MaskFrom {
    match (known, operation.bound.is_empty()) {
        (true, false) => None,
        (true, true) if operation.assurance > Assurance::R0 => privacy.stranger_from,
        _ => privacy.anonymous_from,
    }
}

/// The answer as this viewer sees it.
pub(crate) fn show(catalog: &Catalog, operation: &Operation, answer: Answer, from: MaskFrom) -> Answer {
    if let Some(from) = from.filter(|from| operation.output.highest_level() >= *from) {
        let mut answer = answer.read();
        answer.body = mask(catalog, &operation.output, &answer.body, from);
        return answer;
    }
    answer
}

fn mask(catalog: &Catalog, shape: &Shape, value: &Value, from: DataLevel) -> Value {
    let name = shape.field.as_deref().unwrap_or(&shape.name);
    if shape.mask.hides() && shape.level >= from && !catalog.is_handle(name) {
        return shape.mask.apply(value);
    }
    match (value, &shape.item) {
        (Value::Object(members), _) => Value::Object(
            members
                .iter()
                .map(|(name, member)| {
                    let shown = shape
                        .child(name)
                        .map_or_else(|| member.clone(), |c| mask(catalog, c, member, from));
                    (name.clone(), shown)
                })
                .collect(),
        ),
        (Value::Array(items), Some(item)) => Value::Array(items.iter().map(|v| mask(catalog, item, v, from)).collect()),
        _ => value.clone(),
    }
}
