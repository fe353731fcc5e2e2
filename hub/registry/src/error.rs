//! What the registry refuses.

use hub_core::{Problem, ProblemCode, Text};
use hub_store::StoreError;

/// A change that was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// A value that cannot be taken.
    #[error("`{field}`: {expected} is expected")]
    Value {
        /// Which.
        field: &'static str,
        /// What would have been taken.
        expected: &'static str,
    },
    /// Nothing of this id.
    #[error("there is no {kind} `{id}`")]
    Unknown {
        /// tenant, client or key.
        kind: &'static str,
        /// The id asked for.
        id: String,
    },
    /// It exists already and is another.
    #[error("`{0}` exists already")]
    Exists(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made.
    #[error("no key could be made: {0}")]
    Key(String),
}

impl RegistryError {
    /// As the operator's program sees it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Value { field, expected } => {
                Problem::new(ProblemCode::ValidationFailed).at(format!("/{field}"), Text::same(*expected), "")
            }
            Self::Unknown { kind, id } => Problem::new(ProblemCode::NotFound)
                .detail(format!("没有 {kind} `{id}`"), format!("there is no {kind} `{id}`")),
            Self::Exists(id) => {
                Problem::new(ProblemCode::Conflict).detail(format!("`{id}` 已存在"), format!("`{id}` exists already"))
            }
            Self::Store(error) => Problem::new(ProblemCode::StoreUnavailable).inner(error.to_string()),
            Self::Key(words) => Problem::new(ProblemCode::Internal).inner(words.clone()),
        }
    }
}
