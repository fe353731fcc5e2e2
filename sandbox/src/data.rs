//! Reads the data files of this crate.

use serde::de::DeserializeOwned;
use std::fmt::Display;

/// A data file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {words}")]
pub struct DataError {
    /// The file as it was named.
    pub file: String,
    /// What is wrong with it.
    pub words: String,
}

impl DataError {
    pub(crate) fn new(file: &str, words: impl Display) -> Self {
        Self {
            file: file.to_owned(),
            words: words.to_string(),
        }
    }
}

/// Reads a YAML document into a type that refuses unknown keys.
pub(crate) fn read<T: DeserializeOwned>(name: &str, bytes: &[u8]) -> Result<T, DataError> {
    let document =
        hub_catalog::document::Document::parse(name, bytes).map_err(|finding| DataError::new(name, finding))?;
    serde_json::from_value(document.value).map_err(|e| DataError::new(name, e))
}
