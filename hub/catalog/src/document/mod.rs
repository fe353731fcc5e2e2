//! Documents as people write them: YAML 1.2 or JSON, read into one ordered value that remembers where everything stood.
//!
//! Specs, manifests and policies all come through here, so that every finding can name file, line and column.

mod compose;
mod json;
mod near;
mod reading;
mod scalar;

pub use near::nearest;
pub use reading::Reading;

use hub_core::{Finding, Text};
use serde_json::Value;
use std::borrow::Cow;
use std::sync::Arc;

/// Bytes a document may have.
const MAX_BYTES: usize = 32 << 20;

/// A document that was read whole.
#[derive(Debug, Clone)]
pub struct Document {
    /// Name as the user knows it, usually a path: `psb/hukou.yaml`.
    pub name: String,
    /// What it says. Long integers and decimals keep every digit (`1.10` stays `1.10`).
    pub value: Value,
    source: Arc<str>,
    places: Places,
}

/// How strictly a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Care {
    /// Our own: whatever is unusual is refused.
    Strict,
    /// Of strangers: what has one meaning is read.
    Foreign,
}

/// The name a further value of a key gets in a document of strangers.
fn mangled(key: &str, map: &serde_json::Map<String, Value>) -> String {
    (2..)
        .map(|n: usize| format!("\0{n}\0{key}"))
        .find(|name| !map.contains_key(name))
        .unwrap_or_default()
}

/// The key that a name says again, if it does.
pub(crate) fn duplicate(name: &str) -> Option<&str> {
    let (count, key) = name.strip_prefix('\0')?.split_once('\0')?;
    count.parse::<usize>().ok().map(|_| key)
}

/// Where one value stood, and how many entries it and everything below it take in the list.
#[derive(Debug, Clone, Copy)]
struct Place {
    line: u32,
    column: u32,
    size: u32,
}

/// Places in the order of a walk through the value, parents first.
#[derive(Debug, Clone, Default)]
struct Places(Vec<Place>);

impl Document {
    /// Reads UTF-8 bytes: JSON where the name ends in `.json` or the text is JSON, else YAML 1.2 with its core schema.
    ///
    /// Refused with a finding: text that is not UTF-8, syntax errors, duplicate keys, merge keys (`<<`), keys that are
    /// lists or mappings, unknown tags, several documents in one file, aliases that blow the document up, more than
    /// 32 MiB, nesting beyond 100 levels. Two readings differ from the core schema, because JSON can't carry them:
    /// `.inf` and `.nan` are refused; digits with a leading zero (`0000`, `007`) stay text.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self, Finding> {
        Self::read(name, decode(name, bytes)?, Care::Strict, &mut Vec::new())
    }

    /// Reads text of strangers: what [`Document::parse`] refuses although it has one meaning is read and told of.
    ///
    /// A duplicate key stays, under a name that [`duplicate`] knows, because only the reader of the whole can say
    /// whether both say the same.
    pub(crate) fn parse_foreign(name: &str, text: &str, repairs: &mut Vec<Finding>) -> Result<Self, Finding> {
        Self::read(name, text, Care::Foreign, repairs)
    }

    fn read(name: &str, text: &str, care: Care, repairs: &mut Vec<Finding>) -> Result<Self, Finding> {
        let is_json_name = std::path::Path::new(name)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("json"));
        let looks_json = text.trim_start().starts_with(['{', '[']);
        let (value, places) = if is_json_name && care == Care::Strict {
            json::read(name, text, care)?
        } else if looks_json || is_json_name {
            match json::read(name, text, care) {
                Ok(read) => read,
                // Where it is neither, a person who named it JSON wants to hear of JSON.
                Err(fault) => match compose::read(name, text, care, repairs) {
                    Ok(read) => {
                        if is_json_name {
                            repairs.push(fault.severity(hub_core::Severity::Note));
                        }
                        read
                    }
                    Err(_) if is_json_name => return Err(fault),
                    Err(error) => return Err(error),
                },
            }
        } else {
            compose::read(name, text, care, repairs)?
        };
        Ok(Self {
            name: name.to_owned(),
            value,
            source: text.into(),
            places,
        })
    }

    /// The text it was read from, without a byte order mark.
    #[must_use]
    pub fn source(&self) -> &Arc<str> {
        &self.source
    }

    /// Line and column, both from 1, of what a JSON pointer names: of the value itself if that is a scalar, of the key
    /// it stands under if it is a list or a mapping. Where there is no such value, of its nearest parent.
    #[must_use]
    pub fn position(&self, pointer: &str) -> (usize, usize) {
        let place = self.places.find(&self.value, pointer);
        (place.line as usize, place.column as usize)
    }

    /// Line and column of every value, parents first, in the order of the value.
    pub(crate) fn places(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.places.walk()
    }

    /// Its name, what it says, and where every value stood, parents first.
    pub(crate) fn into_parts(self) -> (String, Value, impl Iterator<Item = (u32, u32)>) {
        let places = self.places.0.into_iter().map(|place| (place.line, place.column));
        (self.name, self.value, places)
    }

    /// An error at a place of this document.
    #[must_use]
    pub fn finding(&self, code: &str, pointer: &str, message: Text) -> Finding {
        let (line, column) = self.position(pointer);
        Finding::error(code, self.name.clone(), message).at(pointer, line, column)
    }
}

impl Places {
    fn open(&mut self, line: usize, column: usize) -> usize {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        self.0.push(Place {
            line: narrow(line),
            column: narrow(column),
            size: 1,
        });
        self.0.len() - 1
    }

    fn close(&mut self, slot: usize) {
        let size = u32::try_from(self.0.len() - slot).unwrap_or(u32::MAX);
        if let Some(place) = self.0.get_mut(slot) {
            place.size = size;
        }
    }

    /// Line and column of every value, in the order of a walk.
    fn walk(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.0.iter().map(|place| (place.line, place.column))
    }

    fn find(&self, root: &Value, pointer: &str) -> Place {
        let mut at = 0;
        let mut value = root;
        for token in pointer.split('/').skip(1) {
            let token = unescape(token);
            let child = match value {
                Value::Object(map) => map
                    .iter()
                    .enumerate()
                    .find(|(_, (k, _))| **k == token)
                    .map(|(i, (_, v))| (i, v)),
                Value::Array(items) => token.parse().ok().and_then(|i: usize| items.get(i).map(|v| (i, v))),
                _ => None,
            };
            let Some((index, next)) = child else { break };
            let mut slot = at + 1;
            for _ in 0..index {
                slot += self.0.get(slot).map_or(1, |p| p.size as usize);
            }
            (at, value) = (slot, next);
        }
        self.0.get(at).copied().unwrap_or(Place {
            line: 1,
            column: 1,
            size: 1,
        })
    }
}

fn decode<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Finding> {
    let fail = |code, zh: &str, en: &str| Finding::error(code, name, Text::new(zh, en));
    if bytes.len() > MAX_BYTES {
        return Err(
            fail("document-too-large", "文件过大", "The document is too large").expected(
                format!("at most {} MiB", MAX_BYTES >> 20),
                format!("{} MiB", bytes.len().div_ceil(1 << 20)),
            ),
        );
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        let tail = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let column = String::from_utf8_lossy(tail).chars().count() + 1;
        fail("not-utf-8", "文件不是 UTF-8 编码", "The document is not UTF-8")
            .at("", line, column)
            .fix(Text::new("请以 UTF-8 编码保存文件", "Save the file as UTF-8."))
    })
}

/// Whether a plain YAML scalar of these characters reads as text.
pub(crate) fn plain_is_text(text: &str) -> bool {
    scalar::plain(text).is_ok_and(|v| v.is_string())
}

/// One token of a JSON pointer with `~1` and `~0` undone (RFC 6901).
pub(crate) fn unescape(token: &str) -> Cow<'_, str> {
    match token.contains('~') {
        true => Cow::Owned(token.replace("~1", "/").replace("~0", "~")),
        false => Cow::Borrowed(token),
    }
}

/// What a JSON pointer names (RFC 6901). The same as [`Value::pointer`], which copies every token twice.
#[must_use]
pub fn pointed<'v>(value: &'v Value, pointer: &str) -> Option<&'v Value> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    pointer.split('/').skip(1).try_fold(value, |value, token| match value {
        Value::Object(map) => map.get(unescape(token).as_ref()),
        Value::Array(items) => {
            let is_number = token.bytes().all(|b| b.is_ascii_digit()) && (token.len() == 1 || !token.starts_with('0'));
            items.get(is_number.then(|| token.parse::<usize>().ok())??)
        }
        _ => None,
    })
}

/// A name as one token of a JSON pointer (RFC 6901).
#[must_use]
pub fn escape(name: &str) -> Cow<'_, str> {
    // Bytes, because searching for two characters takes ten times as long and every step of a walk asks.
    match name.bytes().any(|b| matches!(b, b'~' | b'/')) {
        true => Cow::Owned(name.replace('~', "~0").replace('/', "~1")),
        false => Cow::Borrowed(name),
    }
}

#[cfg(test)]
mod tests;
