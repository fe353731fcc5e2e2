//! What one setting can be: its JSON Schema, and how it is read from the file or from a variable.

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;

/// A value that is none of what its setting takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// What would have been right.
    pub expected: String,
}

impl Unfit {
    fn new(expected: impl Into<String>) -> Self {
        Self {
            expected: expected.into(),
        }
    }
}

/// Where a setting is read from.
#[derive(Debug, Clone, Copy)]
pub enum Given<'a> {
    /// The config file.
    Json(&'a Value),
    /// An environment variable.
    Text(&'a str),
}

impl Given<'_> {
    fn word(self) -> Option<String> {
        match self {
            Given::Json(value) => value.as_str().map(str::to_owned),
            Given::Text(text) => Some(text.to_owned()),
        }
    }
}

/// A type a setting can have.
pub trait Setting: Sized {
    /// JSON Schema of the type.
    fn schema() -> Value;
    /// Reads it.
    ///
    /// # Errors
    /// What would have been right.
    fn read(given: Given<'_>) -> Result<Self, Unfit>;
    /// As it stands in a file.
    fn write(&self) -> Value;
}

impl Setting for bool {
    fn schema() -> Value {
        json!({"type": "boolean"})
    }
    fn read(given: Given<'_>) -> Result<Self, Unfit> {
        match given {
            Given::Json(value) => value.as_bool(),
            Given::Text(text) => text.parse().ok(),
        }
        .ok_or_else(|| Unfit::new("true or false"))
    }
    fn write(&self) -> Value {
        json!(self)
    }
}

impl Setting for u64 {
    fn schema() -> Value {
        json!({"type": "integer", "minimum": 0})
    }
    fn read(given: Given<'_>) -> Result<Self, Unfit> {
        match given {
            Given::Json(value) => value.as_u64(),
            Given::Text(text) => text.parse().ok(),
        }
        .ok_or_else(|| Unfit::new("a whole number, 0 or more"))
    }
    fn write(&self) -> Value {
        json!(self)
    }
}

impl Setting for String {
    fn schema() -> Value {
        json!({"type": "string"})
    }
    fn read(given: Given<'_>) -> Result<Self, Unfit> {
        given.word().ok_or_else(|| Unfit::new("a text"))
    }
    fn write(&self) -> Value {
        json!(self)
    }
}

impl Setting for PathBuf {
    fn schema() -> Value {
        json!({"type": "string", "minLength": 1})
    }
    fn read(given: Given<'_>) -> Result<Self, Unfit> {
        let word = given.word().filter(|w| !w.is_empty());
        word.map(PathBuf::from).ok_or_else(|| Unfit::new("a path"))
    }
    fn write(&self) -> Value {
        json!(self.display().to_string())
    }
}

impl Setting for SocketAddr {
    fn schema() -> Value {
        json!({"type": "string", "examples": ["127.0.0.1:8080", "[::1]:8080"]})
    }
    fn read(given: Given<'_>) -> Result<Self, Unfit> {
        let address = given
            .word()
            .and_then(|w| w.replace("localhost", "127.0.0.1").parse().ok());
        address.ok_or_else(|| Unfit::new("an address with a port, like 127.0.0.1:8080"))
    }
    fn write(&self) -> Value {
        json!(self.to_string())
    }
}

/// A text with a password in it: read, used, never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(String);

impl Hidden {
    /// The text.
    #[must_use]
    pub fn show(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden(…)")
    }
}

impl Setting for Hidden {
    fn schema() -> Value {
        json!({"type": "string", "minLength": 1})
    }
    fn read(given: Given<'_>) -> Result<Self, Unfit> {
        let word = given.word().filter(|w| !w.is_empty());
        word.map(Self).ok_or_else(|| Unfit::new("a text"))
    }
    fn write(&self) -> Value {
        Value::Null
    }
}

impl<T: Setting> Setting for Option<T> {
    fn schema() -> Value {
        T::schema()
    }
    fn read(given: Given<'_>) -> Result<Self, Unfit> {
        T::read(given).map(Some)
    }
    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }
}

impl Setting for Vec<String> {
    fn schema() -> Value {
        json!({"type": "array", "items": {"type": "string"}})
    }
    fn read(given: Given<'_>) -> Result<Self, Unfit> {
        let unfit = || Unfit::new("a list of texts");
        match given {
            Given::Json(value) => {
                let items = value.as_array().ok_or_else(unfit)?;
                items
                    .iter()
                    .map(|v| v.as_str().map(str::to_owned).ok_or_else(unfit))
                    .collect()
            }
            Given::Text(text) => Ok(text
                .split(',')
                .map(|w| w.trim().to_owned())
                .filter(|w| !w.is_empty())
                .collect()),
        }
    }
    fn write(&self) -> Value {
        json!(self)
    }
}
