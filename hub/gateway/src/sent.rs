//! What clients really send: which fields of an operation's input, so that whoever wants to change one is told whom that concerns.
//!
//! Calls of one form are noted once an hour: most clients always send the same few. Names of the contract only, never values, and never
//! names that a caller chose.

use crate::authenticate::Caller;
use crate::evidence::CheckedInput;
use crate::setting::Setting;
use hub_catalog::document::escape;
use hub_core::time::Timestamp;
use hub_core::{Environment, Operation, Shape, ShapeKind};
use hub_store::{SentField, Store, StoreError};
use moka::sync::Cache;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a form is remembered; what was last sent is known as exactly.
const REMEMBERED: Duration = Duration::from_secs(3_600);
/// Forms remembered.
const FORMS: u64 = 20_000;
/// Values looked at in one input, and how deep.
const MOST: usize = 500;
const DEEPEST: usize = 12;
/// Behind a pointer: more lies below it than is told.
const MORE: &str = "/**";
/// Notes that wait to be kept; beyond, they are made again with the next call of their form after an hour.
const WAITING: usize = 100_000;

/// What was sent since it was last kept.
pub(crate) struct Sent {
    forms: Cache<u64, ()>,
    keys: RandomState,
    waiting: Mutex<BTreeSet<SentField>>,
}

impl Sent {
    pub(crate) fn new() -> Self {
        Self {
            forms: Cache::builder().max_capacity(FORMS).time_to_live(REMEMBERED).build(),
            keys: RandomState::new(),
            waiting: Mutex::default(),
        }
    }

    /// Notes the input of a call, once an hour for each form it can have.
    fn note(&self, client: &str, operation: &str, shape: &Shape, input: &Map<String, Value>) {
        let (mut form, mut left) = (self.keys.build_hasher(), MOST);
        (client, operation).hash(&mut form);
        look(shape, input, 0, &mut left, &mut |step| step.hash(&mut form));
        let form = form.finish();
        if self.forms.get(&form).is_some() {
            return;
        }
        self.forms.insert(form, ());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING {
            waiting.extend(fields(shape, input).into_iter().map(|field| SentField {
                operation: operation.to_owned(),
                client: client.to_owned(),
                field,
            }));
        }
    }

    /// Keeps what was noted.
    ///
    /// # Errors
    /// If the store does not answer; then it is kept the next time.
    pub(crate) async fn keep(&self, store: &Store, now: Timestamp) -> Result<(), StoreError> {
        let taken = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(());
        }
        let all: Vec<SentField> = taken.into_iter().collect();
        let kept = store.versions().keep_sent(&all, now).await;
        if kept.is_err() {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.extend(all);
        }
        kept
    }
}

/// Notes what the client of a live call sends.
pub(crate) fn noted(at: &Setting<'_>, caller: &Caller, operation: &Operation, input: &CheckedInput) {
    if let Some(client) = caller.client.as_ref().filter(|_| at.environment == Environment::Live) {
        at.core
            .sent
            .note(&client.id, &operation.id, &operation.input, input.fields());
    }
}

/// A step on the way through an input.
#[derive(Debug, Clone, Copy, Hash)]
enum Step<'a> {
    /// Into a property of the contract.
    Name(&'a str),
    /// Into entries.
    Entry,
    /// What the contract does not name, or is too much to look at.
    More,
    /// Back.
    Out,
}

/// Walks through an input in its own order.
fn look<'a>(
    shape: &'a Shape,
    input: &Map<String, Value>,
    depth: usize,
    left: &mut usize,
    step: &mut dyn FnMut(Step<'a>),
) {
    for (name, value) in input {
        match shape.child(name) {
            Some(known) if *left > 0 && depth < DEEPEST => {
                *left -= 1;
                step(Step::Name(&known.name));
                value_of(known, value, depth + 1, left, step);
                step(Step::Out);
            }
            _ => step(Step::More),
        }
    }
}

fn value_of<'a>(shape: &'a Shape, value: &Value, depth: usize, left: &mut usize, step: &mut dyn FnMut(Step<'a>)) {
    match value {
        Value::Object(map) => look(shape, map, depth, left, step),
        Value::Array(items) => {
            let Some(item) = shape.item.as_deref() else {
                return step(Step::More);
            };
            // Of plain values one says as much as all.
            let plain = !matches!(item.kind, ShapeKind::Object | ShapeKind::Array | ShapeKind::Any);
            for value in items.iter().take(if plain { 1 } else { items.len() }) {
                if *left == 0 || depth >= DEEPEST {
                    return step(Step::More);
                }
                *left -= 1;
                step(Step::Entry);
                value_of(item, value, depth + 1, left, step);
                step(Step::Out);
            }
        }
        _ => {}
    }
}

/// Pointers of everything in an input, the empty one for that there was any.
fn fields(shape: &Shape, input: &Map<String, Value>) -> BTreeSet<String> {
    let (mut all, mut at, mut left) = (BTreeSet::from([String::new()]), Vec::<String>::new(), MOST);
    look(shape, input, 0, &mut left, &mut |step| {
        match step {
            Step::Name(name) => at.push(format!("/{}", escape(name))),
            Step::Entry => at.push("/*".to_owned()),
            Step::More => {
                all.insert(at.concat() + MORE);
            }
            Step::Out => {
                at.pop();
            }
        }
        all.insert(at.concat());
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shape(name: &str, kind: ShapeKind, children: Vec<Shape>, item: Option<Shape>) -> Shape {
        Shape {
            name: name.into(),
            kind,
            children,
            item: item.map(Box::new),
            ..Shape::empty()
        }
    }

    fn input() -> Shape {
        let entry = shape(
            "",
            ShapeKind::Object,
            vec![shape("deep", ShapeKind::String, vec![], None)],
            None,
        );
        shape(
            "",
            ShapeKind::Object,
            vec![
                shape("q", ShapeKind::String, vec![], None),
                shape("a/b", ShapeKind::Array, vec![], Some(entry)),
                shape("map", ShapeKind::Object, vec![], None),
                shape(
                    "words",
                    ShapeKind::Array,
                    vec![],
                    Some(shape("", ShapeKind::String, vec![], None)),
                ),
                shape("any", ShapeKind::Any, vec![], None),
            ],
            None,
        )
    }

    #[test]
    fn names_of_the_contract_are_noted_and_nothing_that_a_caller_chose() {
        let sent = |input: Value| {
            fields(&super::tests::input(), input.as_object().unwrap())
                .into_iter()
                .collect::<Vec<_>>()
        };
        assert_eq!(sent(json!({})), [""]);
        assert_eq!(
            sent(json!({"q": 1, "a/b": [{"deep": 1}, {"deep": 2, "secret": 3}]})),
            ["", "/a~1b", "/a~1b/*", "/a~1b/*/**", "/a~1b/*/deep", "/q"]
        );
        assert_eq!(sent(json!({"map": {"990101199001010017": 1}})), ["", "/map", "/map/**"]);
        assert_eq!(sent(json!({"words": vec!["w"; 2 * MOST]})), ["", "/words", "/words/*"]);
        assert_eq!(sent(json!({"any": {"b": 1}})), ["", "/any", "/any/**"]);
        let many: Vec<Value> = (0..MOST).map(|_| json!({})).collect();
        assert!(
            sent(json!({"a/b": many})).contains(&"/a~1b/**".to_owned()),
            "what was not looked at is not denied"
        );
    }

    #[test]
    fn a_form_is_noted_once_for_a_client() {
        let (all, shape) = (Sent::new(), input());
        let waiting = || all.waiting.lock().unwrap().len();
        let note = |client: &str, input: Value| all.note(client, "a.b", &shape, input.as_object().unwrap());
        note("a", json!({"q": 1}));
        assert_eq!(waiting(), 2);
        all.waiting.lock().unwrap().clear();
        note("a", json!({"q": 2}));
        assert_eq!(waiting(), 0);
        note("b", json!({"q": 2}));
        note("a", json!({"q": 2, "a/b": []}));
        assert_eq!(waiting(), 2 + 3);
    }
}
