//! An exchange that brought no answer: why, and whether something of it can be seen by the other side.

use crate::SendErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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

/// Codes with which databases refuse a login: PostgreSQL (Appendix A, class 28), MySQL and MariaDB (1045 and its like, and accounts
/// that are locked).
const NO_LOGIN: [&str; 7] = ["28000", "28P01", "1044", "1045", "1698", "3118", "4151"];

/// What an error code of a database means.
pub(crate) fn database_says(code: &str) -> Failed {
    let kind = match NO_LOGIN.contains(&code) {
        true => SendErrorKind::Denied {
            retry_after: Duration::ZERO,
        },
        false => SendErrorKind::Broken,
    };
    (kind, format!("the database says {code}"))
}

/// What a driver's error means. Its words may hold values, so that only codes are kept.
pub(crate) fn sort(error: &sqlx::Error) -> Failed {
    match error {
        sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            (SendErrorKind::Refused, "nobody listens".to_owned())
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => (SendErrorKind::Unreachable, "the connection broke".to_owned()),
        sqlx::Error::Database(database) => database_says(&database.code().unwrap_or_default()),
        _ => (SendErrorKind::Broken, "the database cannot be understood".to_owned()),
    }
}
