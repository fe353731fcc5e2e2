//! What is remembered, laid over what was invented: where in an answer the thing or the list of things stands, and
//! which remembered members may stand in it. What would break the contract is left out.

use super::coerce::flat;
use super::place::Place;
use super::{Mock, Told, Way, media};
use serde_json::{Map, Value};

/// Levels an answer may wrap its things in.
const WRAPPED: usize = 3;
/// Rounds of taking back what does not fit.
const ROUNDS: usize = 8;

/// Where in an answer the thing stands: the outermost object with the member that holds its id, else all of it.
pub(super) fn thing_at(value: &Value, id: Option<&str>) -> Option<String> {
    let holds = |v: &Value| v.as_object().is_some_and(|o| id.is_some_and(|id| o.contains_key(id)));
    let through = |v: &Value| v.is_object();
    outermost(value, &holds, &through).or_else(|| value.is_object().then(String::new))
}

/// Where in an answer the list of things stands.
pub(super) fn list_at(value: &Value, id: Option<&str>) -> Option<String> {
    let named = |v: &Value| {
        let first = v.as_array().and_then(|a| a.first()).and_then(Value::as_object);
        first.is_some_and(|o| id.is_some_and(|id| o.contains_key(id)))
    };
    let any = |v: &Value| v.is_array();
    let through = |v: &Value| v.is_object();
    outermost(value, &named, &through).or_else(|| outermost(value, &any, &through))
}

/// The first place by levels that is what is looked for.
fn outermost(value: &Value, is: &dyn Fn(&Value) -> bool, through: &dyn Fn(&Value) -> bool) -> Option<String> {
    let mut level = vec![(String::new(), value)];
    for _ in 0..=WRAPPED {
        if let Some((pointer, _)) = level.iter().find(|(_, v)| is(v)) {
            return Some(pointer.clone());
        }
        let inner = level.iter().filter(|(_, v)| through(v)).flat_map(|(pointer, v)| {
            let members = v.as_object().into_iter().flatten();
            members.map(move |(name, v)| (format!("{pointer}/{}", hub_catalog::document::escape(name)), v))
        });
        level = inner.collect();
    }
    None
}

impl Mock {
    /// The schema of a place within a value, through references and `allOf`; not through choices.
    pub(super) fn schema_within<'a>(&'a self, schema: &Place<'a>, pointer: &str) -> Option<Place<'a>> {
        let mut place = schema.clone();
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            place = below(&place, &|p| p.raw("properties")?.raw(&step), 0)?;
        }
        Some(place)
    }

    /// The schema of the items of a list.
    pub(super) fn items_of<'a>(list: &Place<'a>) -> Option<Place<'a>> {
        below(list, &|p| p.raw("items"), 0)
    }

    /// A thing with remembered members over it. `full` takes those that the schema knows and the thing lacks, too.
    pub(super) fn laid(
        &self,
        thing: &Value,
        over: &Map<String, Value>,
        schema: Option<&Place<'_>>,
        full: bool,
    ) -> Value {
        let Value::Object(thing) = thing else {
            return thing.clone();
        };
        let flat = schema.map(|s| flat(self, s.value)).unwrap_or_default();
        let known = flat.get("properties").and_then(Value::as_object);
        let mut made = thing.clone();
        for (name, value) in over {
            let declared = known.is_none_or(|k| {
                let own = k.get(name).map(|schema| self::flat(self, schema));
                own.is_some_and(|own| own.get("writeOnly") != Some(&Value::Bool(true)))
            });
            if made.contains_key(name) || (full && declared) {
                made.insert(name.clone(), value.clone());
            }
        }
        let made = Value::Object(made);
        match schema {
            Some(schema) => self.settled(&schema.pointer, made, &Value::Object(thing.clone())),
            None => made,
        }
    }

    /// A value without what its schema does not take: such places are as in `before` again, or gone.
    pub(super) fn settled(&self, pointer: &str, mut value: Value, before: &Value) -> Value {
        let Some(validator) = self.validator(pointer, Way::Out) else {
            return value;
        };
        for _ in 0..ROUNDS {
            if validator.accepts(&value) {
                return value;
            }
            let mut moved = false;
            for place in validator.misfits(&value) {
                // A member of the thing as a whole: half a member would be neither the one nor the other.
                let step = place.split('/').nth(1).map(|s| s.replace("~1", "/").replace("~0", "~"));
                let (Some(step), Some(object)) = (step, value.as_object_mut()) else {
                    continue;
                };
                moved |= match before.get(&step) {
                    Some(old) if object.get(&step) != Some(old) => object.insert(step, old.clone()).is_some(),
                    Some(_) => false,
                    None => object.shift_remove(&step).is_some(),
                };
            }
            if !moved {
                break;
            }
        }
        self.one_by_one(&validator, value, before)
    }

    /// Where it is not said which member is wrong, each is tried.
    fn one_by_one(&self, validator: &hub_catalog::description::Validator, value: Value, before: &Value) -> Value {
        let (Value::Object(wanted), Some(before)) = (value, before.as_object()) else {
            return before.clone();
        };
        let mut made = Value::Object(before.clone());
        for (name, value) in wanted {
            let Some(object) = made.as_object_mut() else { break };
            let old = object.insert(name.clone(), value);
            if validator.accepts(&made) {
                continue;
            }
            if let Some(object) = made.as_object_mut() {
                match old {
                    Some(old) => drop(object.insert(name, old)),
                    None => drop(object.shift_remove(&name)),
                }
            }
        }
        made
    }

    /// An answer with another value in it, if its contract takes that value.
    pub(super) fn retell(&self, told: &mut Told, value: Value) -> bool {
        let document = &self.description.document;
        if let Some(pointer) = &told.schema
            && let Some(validator) = self.validator(pointer, Way::Out)
            && !validator.accepts(&value)
        {
            return false;
        }
        let media = told.headers.iter().find(|(name, _)| name == "content-type");
        let Some((_, media)) = media else { return false };
        let schema = told.schema.as_ref().map(|pointer| Place::at(document, pointer));
        told.body = media::write(self, media, schema.as_ref(), &value);
        told.value = Some(value);
        true
    }
}

/// A place below a schema: its own, that of what it refers to, that of a part it must fit as well.
fn below<'a>(schema: &Place<'a>, step: &dyn Fn(&Place<'a>) -> Option<Place<'a>>, depth: usize) -> Option<Place<'a>> {
    let schema = schema.clone().follow();
    if depth > WRAPPED * 2 {
        return None;
    }
    step(&schema).or_else(|| {
        let parts = schema.raw("allOf")?;
        let count = parts.value.as_array().map_or(0, Vec::len);
        (0..count).find_map(|number| below(&parts.nth(number)?, step, depth + 1))
    })
}
