//! Exactly one of several forms (`oneOf`) where what fits one fits others as well: forms that are open to more than they name.

use super::make::Need;
use super::place::Place;
use super::{Mock, coerce};
use crate::invent::Style;
use serde_json::{Value, json};

impl Mock {
    /// A value of one form with a member that this form does not know and that each other form takes for a wrong one. Last of
    /// all: such a member says nothing, but there is no other way to fit just one.
    pub(super) fn foiled(&self, pointer: &str, need: Need<'_>, depth: usize) -> Option<Value> {
        let schema = Place::at(&self.description.document, pointer).follow();
        let whole = self.validator(pointer, need.way)?;
        let forms = schema.raw("oneOf")?;
        let count = forms.value.as_array()?.len();
        let forms: Vec<Place<'_>> = (0..count).filter_map(|n| Some(forms.nth(n)?.follow())).collect();
        let need = Need {
            style: Style::Minimal,
            ..need
        };
        forms.iter().enumerate().find_map(|(chosen, form)| {
            let mut value = self.invent_within(form, need, depth + 1).ok()?;
            for (_, other) in forms.iter().enumerate().filter(|(n, _)| *n != chosen) {
                self.foil(&mut value, form, other, need);
            }
            whole.accepts(&value).then_some(value)
        })
    }

    /// Keeps a value of a form from being one of another form, too.
    fn foil(&self, value: &mut Value, form: &Place<'_>, other: &Place<'_>, need: Need<'_>) {
        let own = self.validator_at(form, need.way);
        let Some(others) = self.validator_at(other, need.way).filter(|v| v.accepts(value)) else {
            return;
        };
        let flat = coerce::flat(self, other.value);
        let known = flat.get("properties").and_then(Value::as_object);
        for name in known.into_iter().flat_map(|known| known.keys()) {
            for wrong in [json!(false), json!(0), json!(""), json!([]), json!({})] {
                let mut tried = value.clone();
                let Some(members) = tried.as_object_mut().filter(|m| !m.contains_key(name)) else {
                    continue;
                };
                members.insert(name.clone(), wrong);
                if own.as_ref().is_none_or(|v| v.accepts(&tried)) && !others.accepts(&tried) {
                    *value = tried;
                    return;
                }
            }
        }
    }
}
