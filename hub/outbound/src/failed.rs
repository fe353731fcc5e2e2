//! An exchange that brought no answer: why, and whether something of it can be seen by the other side.

use crate::SendErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// An exchange without an answer: why, in words without values.
pub(crate) type Failed = (SendErrorKind, String);

/// Whether something of an exchange can have become visible to the other side.
#[derive(Debug, Clone, Default)]
pub(crate) struct Left(Arc<AtomicBool>);

impl Left {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a driver's error means. Its words may hold values, so that only codes are kept.
pub(crate) fn sort(error: &sqlx::Error) -> Failed {
    match error {
        sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            (SendErrorKind::Refused, "nobody listens".to_owned())
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => (SendErrorKind::Unreachable, "the connection broke".to_owned()),
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            (SendErrorKind::Broken, format!("the database says {code}"))
        }
        _ => (SendErrorKind::Broken, "the database cannot be understood".to_owned()),
    }
}
