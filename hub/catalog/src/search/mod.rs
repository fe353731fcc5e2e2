//! Finding services the way people ask for them.

use serde::Deserialize;
use std::collections::HashMap;

/// Everyday words of `synonyms.yaml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Synonyms {
    /// Words that mean the same.
    pub(crate) same: Vec<Vec<String>>,
    /// From what people say to what services are called.
    pub(crate) leads_to: HashMap<String, Vec<String>>,
}
