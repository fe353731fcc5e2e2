//! What can go wrong with the store.

use hub_crypto::CryptoError;

/// The store could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or the disk is full or gone. Nothing was written.
    #[error("the store is not available: {0}")]
    Unavailable(String),
    /// Whether the write is on disk is not known.
    #[error("the store broke off while writing: {0}")]
    Unsure(String),
    /// The row exists already, or names another that does not.
    #[error("the row contradicts what is stored")]
    Conflict,
    /// No database of ours can keep this value.
    #[error("the value cannot be stored: {0}")]
    Unfit(&'static str),
    /// A stored row is not what was written.
    #[error("stored data is damaged: {0}")]
    Damaged(&'static str),
    /// The master key does not fit the data, or cannot be used.
    #[error("master key: {0}")]
    MasterKey(String),
    /// The data were written by a newer hub, or a migration failed.
    #[error("the database cannot be brought up to date: {0}")]
    Migration(String),
}

impl From<CryptoError> for StoreError {
    fn from(_: CryptoError) -> Self {
        Self::Damaged("a sealed value does not open")
    }
}
