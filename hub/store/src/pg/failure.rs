//! What an error of PostgreSQL means: surely nothing written, or not known.

use crate::StoreError;
use sqlx::Error;

/// The text for the operator. PostgreSQL's messages name tables and columns; values stand in its details only, which are
/// left out, and so is the address, which has the password in it.
fn words(error: &Error) -> String {
    match error {
        Error::Database(inner) => match inner.code() {
            Some(code) => format!("PostgreSQL: {} ({code})", inner.message()),
            None => format!("PostgreSQL: {}", inner.message()),
        },
        other => format!("PostgreSQL: {other}"),
    }
}

/// Whether the connection is of no more use, and an answer that was on its way is lost.
pub(super) fn broken(error: &Error) -> bool {
    match error {
        // Shut down, lost, or "completion unknown".
        Error::Database(inner) => inner
            .code()
            .is_none_or(|code| code.starts_with("57P") || code.starts_with("08") || code == "40003"),
        _ => true,
    }
}

/// An error where nothing can have been written.
pub(super) fn unavailable(error: &Error) -> StoreError {
    match error {
        Error::Database(inner)
            if inner.is_unique_violation() || inner.is_foreign_key_violation() || inner.is_check_violation() =>
        {
            StoreError::Conflict
        }
        _ => StoreError::Unavailable(words(error)),
    }
}

/// An error while something may have been committed.
pub(super) fn while_committing(error: &Error) -> StoreError {
    if broken(error) {
        StoreError::Unsure(words(error))
    } else {
        unavailable(error)
    }
}
