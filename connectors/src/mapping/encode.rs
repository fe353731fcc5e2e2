//! Canonical to upstream: requests of the client half, answers of the server half.

use super::bind::{Bind, FilePart, Link};
use super::path::Path;
use super::template::scalar_text;
use crate::context::{FileContent, Files};
use crate::error::ConnectorError;
use crate::manifest::model::Place;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::{ShapeKind, Text};
use serde_json::Value;
use std::collections::BTreeMap;

/// What becomes of an absent field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Absent {
    /// It is left out.
    #[default]
    Drop,
    /// It is null.
    Null,
    /// It is an empty text.
    Empty,
}

/// What encoding may look up.
pub struct Encoder<'a> {
    /// Papers.
    pub files: &'a dyn Files,
    /// Upstream ids of papers already uploaded, by file id.
    pub uploaded: &'a BTreeMap<String, String>,
    /// What becomes of an absent field.
    pub absent: Absent,
    /// The day whose versions of the code tables are in force; the newest if it is not known.
    pub today: Option<jiff::civil::Date>,
}

/// Where encoded values go.
pub trait Sink {
    /// Takes a value for a place.
    fn put(&mut self, place: Place, path: &Path, value: Value);
    /// Takes a list whose items stand at a path through every item.
    fn put_each(&mut self, place: Place, path: &Path, values: Vec<Value>);
    /// Whether something stands there already.
    fn has(&self, place: Place, path: &Path) -> bool;
}

impl Sink for Value {
    fn put(&mut self, _place: Place, path: &Path, value: Value) {
        path.set(self, value);
    }

    fn put_each(&mut self, _place: Place, path: &Path, values: Vec<Value>) {
        path.set_each(self, values);
    }

    fn has(&self, _place: Place, path: &Path) -> bool {
        path.get(self).is_some_and(|v| !v.is_null())
    }
}

impl Encoder<'_> {
    /// Encodes the rows of one level. `at` is the canonical place of `source`, for messages.
    ///
    /// # Errors
    /// The first canonical value that the upstream's form cannot say.
    pub fn encode(&self, binds: &[Bind], source: &Value, sink: &mut dyn Sink, at: &str) -> Result<(), ConnectorError> {
        for bind in binds {
            // Where the contract has several names for one upstream name, the first that is given counts.
            if sink.has(bind.place, &bind.path) && !bind.path.has_each() {
                continue;
            }
            let place = format!("{at}/{}", bind.field);
            match bind.field.get(source).filter(|v| !v.is_null()) {
                None => self.absent(bind, sink),
                Some(value) => self.one(bind, value, sink, &place)?,
            }
        }
        Ok(())
    }

    fn absent(&self, bind: &Bind, sink: &mut dyn Sink) {
        if bind.path.has_each() || !matches!(bind.place, Place::Body | Place::Frame | Place::Query) {
            return;
        }
        match self.absent {
            Absent::Drop => {}
            Absent::Null => sink.put(bind.place, &bind.path, Value::Null),
            Absent::Empty => sink.put(bind.place, &bind.path, Value::from("")),
        }
    }

    fn one(&self, bind: &Bind, value: &Value, sink: &mut dyn Sink, place: &str) -> Result<(), ConnectorError> {
        match (bind.kind, value) {
            (ShapeKind::Array, Value::Array(items)) => {
                let items = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.item(bind, item, &format!("{place}/{index}")))
                    .collect::<Result<Vec<_>, _>>()?;
                if bind.whole {
                    let list = self.chain(bind, Value::Array(items), place)?;
                    sink.put(bind.place, &bind.path, list);
                } else if bind.path.has_each() {
                    sink.put_each(bind.place, &bind.path, items);
                } else {
                    sink.put(bind.place, &bind.path, Value::Array(items));
                }
            }
            _ => {
                let encoded = match &bind.rows {
                    Some(rows) => {
                        let inner = self.members(rows, value, place)?;
                        self.chain(bind, inner, place)?
                    }
                    None => self.chain(bind, value.clone(), place)?,
                };
                if bind.path.has_each() {
                    sink.put_each(bind.place, &bind.path, vec![encoded]);
                } else {
                    sink.put(bind.place, &bind.path, encoded);
                }
            }
        }
        Ok(())
    }

    fn item(&self, bind: &Bind, item: &Value, place: &str) -> Result<Value, ConnectorError> {
        match &bind.rows {
            Some(rows) => self.members(rows, item, place),
            None if bind.whole => Ok(item.clone()),
            None => self.chain(bind, item.clone(), place),
        }
    }

    fn members(&self, rows: &[Bind], value: &Value, place: &str) -> Result<Value, ConnectorError> {
        let mut tree = Value::Null;
        self.encode(rows, value, &mut tree, place)?;
        Ok(if tree.is_null() {
            Value::Object(serde_json::Map::new())
        } else {
            tree
        })
    }

    /// The chain backwards: its last link is nearest to the canonical value.
    fn chain(&self, bind: &Bind, value: Value, place: &str) -> Result<Value, ConnectorError> {
        let mut value = value;
        for link in bind.chain.iter().rev() {
            value = self.link(link, &value, place)?;
        }
        Ok(value)
    }

    fn link(&self, link: &Link, value: &Value, place: &str) -> Result<Value, ConnectorError> {
        match link {
            Link::Codec(codec) => codec.encode(value).map_err(|e| cannot(place, Text::same(e.expected))),
            // A value without a code goes as it is: the contract's own check has passed it.
            Link::Codes(codes) => Ok(codes.code(value, self.today).unwrap_or_else(|| value.clone())),
            Link::Upload => {
                let id = scalar_text(value).unwrap_or_default();
                self.uploaded
                    .get(&id)
                    .map(|upstream| Value::from(upstream.as_str()))
                    .ok_or(ConnectorError::FileMissing(id))
            }
            Link::File(part) => {
                let id = scalar_text(value).unwrap_or_default();
                let file = self.files.get(&id).ok_or(ConnectorError::FileMissing(id))?;
                Ok(file_part(*part, &file))
            }
        }
    }
}

fn file_part(part: FilePart, file: &FileContent) -> Value {
    match part {
        FilePart::Base64 => Value::from(STANDARD.encode(&file.bytes)),
        FilePart::Name => Value::from(file.name.as_str()),
        FilePart::Type => Value::from(file.media_type.as_str()),
        FilePart::Size => Value::from(file.bytes.len()),
    }
}

fn cannot(place: &str, expected: Text) -> ConnectorError {
    ConnectorError::Input {
        place: place.to_owned(),
        expected,
    }
}
