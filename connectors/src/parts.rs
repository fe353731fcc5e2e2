//! The values of one request by place, before they become a message and after they were one.

use crate::manifest::model::Place;
use crate::mapping::decode::Source;
use crate::mapping::encode::Sink;
use crate::mapping::path::Path;
use crate::mapping::template::scalar_text;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Values by place.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// Among the fields.
    pub fields: Value,
    /// Beside the fields.
    pub outer: Value,
    /// Query parameters.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Cookies.
    pub cookies: Vec<(String, String)>,
    /// Values of the path.
    pub path: BTreeMap<String, String>,
    /// Children of the SOAP header.
    pub head: Value,
}

/// The one name of a path in a place that has no trees.
fn flat(path: &Path) -> String {
    path.only_name()
        .map_or_else(|| path.to_string().trim_end_matches("[]").to_owned(), str::to_owned)
}

impl Parts {
    fn list(&self, place: Place) -> Option<&Vec<(String, String)>> {
        match place {
            Place::Query => Some(&self.query),
            Place::Header => Some(&self.headers),
            Place::Cookie => Some(&self.cookies),
            _ => None,
        }
    }

    /// These values with others over them: what the manifest sends by itself is a default for what the caller gives.
    #[must_use]
    pub fn overlaid(mut self, over: Parts) -> Parts {
        overlay(&mut self.fields, over.fields);
        overlay(&mut self.outer, over.outer);
        overlay(&mut self.head, over.head);
        self.path.extend(over.path);
        for (own, over) in [
            (&mut self.query, over.query),
            (&mut self.headers, over.headers),
            (&mut self.cookies, over.cookies),
        ] {
            own.retain(|(n, _)| !over.iter().any(|(o, _)| o.eq_ignore_ascii_case(n)));
            own.extend(over);
        }
        self
    }

    fn find(&self, place: Place, name: &str) -> Vec<String> {
        let same = |n: &str| match place {
            Place::Header => n.eq_ignore_ascii_case(name),
            _ => n == name,
        };
        self.list(place)
            .into_iter()
            .flatten()
            .filter(|(n, _)| same(n))
            .map(|(_, v)| v.clone())
            .collect()
    }
}

impl Sink for Parts {
    fn put(&mut self, place: Place, path: &Path, value: Value) {
        match place {
            Place::Body => path.set(&mut self.fields, value),
            Place::Frame => path.set(&mut self.outer, value),
            Place::Head => path.set(&mut self.head, value),
            Place::Path => {
                if let Some(text) = scalar_text(&value) {
                    self.path.insert(flat(path), text);
                }
            }
            Place::Query | Place::Header | Place::Cookie => {
                let values = match value {
                    Value::Array(items) => items,
                    Value::Null => Vec::new(),
                    other => vec![other],
                };
                for value in values {
                    let text = scalar_text(&value).unwrap_or_else(|| value.to_string());
                    let pair = (flat(path), text);
                    match place {
                        Place::Query => self.query.push(pair),
                        Place::Header => self.headers.push(pair),
                        _ => self.cookies.push(pair),
                    }
                }
            }
        }
    }

    fn put_each(&mut self, place: Place, path: &Path, values: Vec<Value>) {
        match place {
            Place::Body => path.set_each(&mut self.fields, values),
            Place::Frame => path.set_each(&mut self.outer, values),
            Place::Head => path.set_each(&mut self.head, values),
            _ => self.put(place, path, Value::Array(values)),
        }
    }

    fn has(&self, place: Place, path: &Path) -> bool {
        match place {
            Place::Body => self.fields.has(place, path),
            Place::Frame => self.outer.has(place, path),
            Place::Head => self.head.has(place, path),
            Place::Path => self.path.contains_key(&flat(path)),
            _ => !self.find(place, &flat(path)).is_empty(),
        }
    }
}

impl Source for Parts {
    fn get(&self, place: Place, path: &Path) -> Option<Value> {
        match place {
            Place::Body if path.absolute => path.get(&self.outer).cloned(),
            Place::Body => path.get(&self.fields).cloned(),
            Place::Frame => path.get(&self.outer).cloned(),
            Place::Head => path.get(&self.head).cloned(),
            Place::Path => self.path.get(&flat(path)).map(|v| Value::from(v.as_str())),
            _ => {
                let mut found = self.find(place, &flat(path));
                if found.len() > 1 {
                    return Some(found.into_iter().map(Value::from).collect());
                }
                found.pop().map(Value::from)
            }
        }
    }

    fn get_each(&self, place: Place, path: &Path) -> Option<Vec<Value>> {
        match place {
            Place::Body if path.absolute => self.outer.get_each(place, path),
            Place::Body => self.fields.get_each(place, path),
            Place::Frame => self.outer.get_each(place, path),
            Place::Head => self.head.get_each(place, path),
            _ => {
                let found = self.find(place, &flat(path));
                (!found.is_empty()).then(|| found.into_iter().map(Value::from).collect())
            }
        }
    }
}

/// The members of one tree laid over another; the later wins and takes the earlier's place in the order.
pub fn overlay(into: &mut Value, over: Value) {
    match (into, over) {
        (_, Value::Null) => {}
        (Value::Object(there), Value::Object(new)) => {
            for (name, value) in new {
                match there.get_mut(&name) {
                    Some(old) => overlay(old, value),
                    None => {
                        there.insert(name, value);
                    }
                }
            }
        }
        (into, over) => *into = over,
    }
}

/// The members of one tree laid into another; the first wins.
pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (_, Value::Null) => {}
        (Value::Object(there), Value::Object(new)) => {
            for (name, value) in new {
                match there.get_mut(&name) {
                    Some(old) if old.is_object() => merge(old, value),
                    Some(_) => {}
                    None => {
                        there.insert(name, value);
                    }
                }
            }
        }
        (into, from) if into.is_null() => *into = from,
        _ => {}
    }
}

/// An object, whatever was there before.
#[must_use]
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
