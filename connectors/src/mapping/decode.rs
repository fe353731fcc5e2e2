//! Upstream to canonical: answers of the client half, requests of the server half.

use super::bind::{Bind, FilePart, Link};
use super::path::Path;
use crate::error::ConnectorError;
use crate::manifest::check::kind_of;
use crate::manifest::model::Place;
use crate::step::Note;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::ShapeKind;
use hub_core::time::{Timestamp, civil};
use jiff::civil::Date;
use serde_json::{Map, Value};

/// Where upstream values come from.
pub trait Source {
    /// What stands at a place; `None` if nothing does.
    fn get(&self, place: Place, path: &Path) -> Option<Value>;
    /// What stands at a path through every item.
    fn get_each(&self, place: Place, path: &Path) -> Option<Vec<Value>>;
}

/// A tree is a source of itself: for members and items.
impl Source for Value {
    fn get(&self, _place: Place, path: &Path) -> Option<Value> {
        path.get(self).cloned()
    }

    fn get_each(&self, _place: Place, path: &Path) -> Option<Vec<Value>> {
        let found = path.get_each(self)?;
        Some(found.into_iter().map(|v| v.cloned().unwrap_or(Value::Null)).collect())
    }
}

/// Decodes and remembers harmless surprises.
#[derive(Default)]
pub struct Decoder {
    /// What was surprising.
    pub notes: Vec<Note>,
    /// The day whose versions of the code tables are in force; the newest if it is not known.
    pub today: Option<Date>,
}

impl Decoder {
    /// For values of this moment.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self {
            notes: Vec::new(),
            today: Some(civil(now).date()),
        }
    }

    /// Decodes the rows of one level into canonical members.
    ///
    /// # Errors
    /// The first value that is not in the declared form. Its value is never in the error.
    pub fn decode(&mut self, binds: &[Bind], source: &dyn Source) -> Result<Value, ConnectorError> {
        let mut target = Value::Object(Map::new());
        for bind in binds {
            // Where several upstream names may hold one field, the first that does counts.
            if !bind.field.is_self() && bind.field.get(&target).is_some() {
                continue;
            }
            if let Some(value) = self.one(bind, source)? {
                if bind.field.is_self() {
                    target = value;
                } else {
                    bind.field.set(&mut target, value);
                }
            }
        }
        Ok(target)
    }

    fn one(&mut self, bind: &Bind, source: &dyn Source) -> Result<Option<Value>, ConnectorError> {
        if bind.kind == ShapeKind::Array {
            return self.list(bind, source);
        }
        let found = if bind.path.has_each() {
            source
                .get_each(bind.place, &bind.path)
                .and_then(|v| v.into_iter().next())
        } else {
            source.get(bind.place, &bind.path)
        };
        let Some(found) = found else {
            return Ok(None);
        };
        self.value(bind, bind.kind, found)
    }

    fn list(&mut self, bind: &Bind, source: &dyn Source) -> Result<Option<Value>, ConnectorError> {
        let items = if bind.whole {
            match source.get(bind.place, &bind.path) {
                None | Some(Value::Null) => None,
                Some(value) => match self.chain(bind, value)? {
                    Value::Array(items) => Some(items),
                    Value::Null => Some(Vec::new()),
                    other => Some(vec![other]),
                },
            }
        } else if bind.path.has_each() {
            source
                .get_each(bind.place, &bind.path)
                .or_else(|| nothing_in(&source.get(bind.place, &bind.path.container()?)?))
        } else {
            source.get(bind.place, &bind.path).and_then(as_items)
        };
        let Some(items) = items else {
            // XML says an empty list by saying nothing.
            return Ok(bind.required.then(|| Value::Array(Vec::new())));
        };
        let kind = bind.item.unwrap_or(ShapeKind::Any);
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            let item = match (&bind.rows, bind.whole) {
                (Some(rows), _) if !item.is_null() => Some(self.members(rows, &item)?),
                (Some(_), _) => None,
                (None, true) => Some(item),
                (None, false) => self.value(bind, kind, item)?,
            };
            list.extend(item);
        }
        Ok(Some(Value::Array(list)))
    }

    fn value(&mut self, bind: &Bind, kind: ShapeKind, found: Value) -> Result<Option<Value>, ConnectorError> {
        let scalar = !matches!(kind, ShapeKind::Object | ShapeKind::Array | ShapeKind::Any);
        let found = if scalar { text_of_element(found) } else { found };
        let value = match &bind.rows {
            Some(rows) => {
                let inner = self.chain(bind, found)?;
                match inner {
                    Value::Null => Value::Null,
                    Value::String(ref text) if text.trim().is_empty() => Value::Null,
                    // An upstream that sends a list of one for an object.
                    Value::Array(items) => match items.first() {
                        Some(first) => self.members(rows, first)?,
                        None => Value::Null,
                    },
                    other => self.members(rows, &other)?,
                }
            }
            None => self.chain(bind, found)?,
        };
        match value {
            Value::Null if bind.nullable => Ok(Some(Value::Null)),
            Value::Null => Ok(None),
            // An optional text that is empty is a text that is not there.
            Value::String(ref text) if text.is_empty() && !bind.required => Ok(None),
            value if scalar && (value.is_object() || value.is_array()) => {
                Err(misfit(bind, "a single value", kind_of(&value)))
            }
            value => Ok(Some(value)),
        }
    }

    fn members(&mut self, rows: &[Bind], value: &Value) -> Result<Value, ConnectorError> {
        self.decode(rows, value)
    }

    fn chain(&mut self, bind: &Bind, value: Value) -> Result<Value, ConnectorError> {
        let mut value = value;
        for link in &bind.chain {
            value = match link {
                Link::Codec(codec) => {
                    let decoded = codec
                        .decode(&value)
                        .map_err(|e| misfit(bind, &e.expected, kind_of(&value)))?;
                    if let Some(kind) = codec.flag(&decoded) {
                        self.note(bind, kind);
                    }
                    decoded
                }
                Link::Codes(codes) if !value.is_null() => codes.meaning(&value, self.today).unwrap_or_else(|| {
                    self.note(bind, "unknown-code");
                    value
                }),
                Link::File(part) => inline_file(*part, value),
                Link::Codes(_) | Link::Upload => value,
            };
        }
        Ok(value)
    }

    fn note(&mut self, bind: &Bind, kind: &'static str) {
        let field = bind.field.to_string();
        if !self.notes.iter().any(|n| n.field == field && n.kind == kind) {
            self.notes.push(Note { field, kind });
        }
    }
}

/// In the simulated city an inline paper becomes an id made of its content, so that the same paper has the same id.
fn inline_file(part: FilePart, value: Value) -> Value {
    match (part, &value) {
        (FilePart::Base64, Value::String(text)) => {
            let bytes = STANDARD.decode(text.as_bytes()).unwrap_or_default();
            Value::from(file_id(&bytes))
        }
        _ => value,
    }
}

/// The simulated city's id of a paper.
#[must_use]
pub fn file_id(bytes: &[u8]) -> String {
    let digest = hub_crypto::hex(&hub_crypto::digest(hub_crypto::Digest::Sha256, bytes));
    format!("file-{}", digest.get(..24).unwrap_or(&digest))
}

/// An XML element that has attributes is an object; asked for as a single value it is its text.
fn text_of_element(value: Value) -> Value {
    match value {
        Value::Object(map) if map.keys().all(|k| k.starts_with('@') || k == "#text") => {
            let nil = map.get("@nil").is_some_and(|v| v == "true");
            match map.get("#text") {
                Some(text) if !nil => text.clone(),
                _ => Value::Null,
            }
        }
        other => other,
    }
}

/// An element that is there and has nothing in it is a list without items.
fn nothing_in(container: &Value) -> Option<Vec<Value>> {
    let empty = match container {
        Value::String(text) => text.trim().is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    empty.then(Vec::new)
}

fn as_items(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(items) => Some(items),
        Value::Null => None,
        Value::String(text) if text.trim().is_empty() => None,
        other => Some(vec![other]),
    }
}

fn misfit(bind: &Bind, expected: &str, got: &str) -> ConnectorError {
    ConnectorError::Misfit {
        place: bind.path.to_string(),
        expected: expected.to_owned(),
        got: got.to_owned(),
        effect_unknown: false,
    }
}
