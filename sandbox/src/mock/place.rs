//! Places in the normal form: a value with its pointer, references followed.

use hub_catalog::document::{escape, pointed};
use serde_json::Value;

/// References followed in a row.
const MAX_HOPS: usize = 16;

/// A value of the document and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Place<'a> {
    document: &'a Value,
    pub pointer: String,
    pub value: &'a Value,
}

impl<'a> Place<'a> {
    /// The value at a pointer; `null` where there is none.
    pub(super) fn at(document: &'a Value, pointer: &str) -> Self {
        let value = pointed(document, pointer).unwrap_or(&Value::Null);
        Self::with(document, pointer.to_owned(), value)
    }

    /// A value and the pointer that names it.
    pub(super) fn with(document: &'a Value, pointer: String, value: &'a Value) -> Self {
        Self {
            document,
            pointer,
            value,
        }
    }

    /// A member as it stands, a reference not followed.
    pub(super) fn raw(&self, name: &str) -> Option<Self> {
        Some(Self {
            document: self.document,
            pointer: format!("{}/{}", self.pointer, escape(name)),
            value: self.value.get(name)?,
        })
    }

    /// A member, its reference followed.
    pub(super) fn get(&self, name: &str) -> Option<Self> {
        self.raw(name).map(Self::follow)
    }

    /// An item as it stands, a reference not followed.
    pub(super) fn nth(&self, number: usize) -> Option<Self> {
        Some(Self {
            document: self.document,
            pointer: format!("{}/{number}", self.pointer),
            value: self.value.get(number)?,
        })
    }

    /// All members with their names, references followed.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'a str, Self)> + use<'a, '_> {
        let map = self.value.as_object();
        map.into_iter()
            .flatten()
            .filter_map(|(name, _)| Some((name.as_str(), self.get(name)?)))
    }

    /// All items, references followed.
    pub(super) fn items(&self) -> impl Iterator<Item = Self> + use<'a, '_> {
        let list = self.value.as_array();
        list.into_iter().flatten().enumerate().map(|(number, value)| {
            Self {
                document: self.document,
                pointer: format!("{}/{number}", self.pointer),
                value,
            }
            .follow()
        })
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name)?.as_str()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.value.get(name) == Some(&Value::Bool(true))
    }

    /// What a reference object means.
    pub(super) fn follow(mut self) -> Self {
        for _ in 0..MAX_HOPS {
            let reference = self.value.get("$ref").and_then(Value::as_str);
            let Some((pointer, value)) = reference.and_then(|r| resolve(self.document, r)) else {
                break;
            };
            (self.pointer, self.value) = (pointer, value);
        }
        self
    }
}

/// The value behind a local reference, and its pointer. References may be written in percent (RFC 6901, 6).
pub(super) fn resolve<'a>(document: &'a Value, reference: &str) -> Option<(String, &'a Value)> {
    let pointer = reference.strip_prefix('#')?;
    if let Some(value) = pointed(document, pointer) {
        return Some((pointer.to_owned(), value));
    }
    let plain = percent_decoded(pointer)?;
    let value = pointed(document, &plain)?;
    Some((plain, value))
}

/// A text with its percent-encoding undone (RFC 3986, 2.1); `None` where that is broken or no UTF-8.
pub(super) fn percent_decoded(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| u8::try_from(char::from(b?).to_digit(16)?).ok();
        bytes.push(digit(rest.next())? * 16 + digit(rest.next())?);
    }
    String::from_utf8(bytes).ok()
}
