//! The hub as an OpenID provider: what must survive between two steps of a sign-in, and after it.
//!
//! Codes, tokens and cookies come here as hashes. What may happen once (a code, a rotation, an assertion) is one statement
//! that finds its row unused, so that of many who try at once one succeeds, whichever hub they ask.

mod clients;
mod families;
mod sign_ins;

pub use clients::{SsoClientRow, SsoClients};
pub use families::{CodeRow, FamilyRow, NewCode, RefreshRow, TokenFamilies};
pub use sign_ins::{ConsentRow, RequestKind, SessionRow, SignIns};

use crate::db::{Statement, sql};

/// Deletes what has run out. Codes and refresh tokens go with their family: until then a used one must be recognised.
pub(crate) fn forget_expired(now: i64) -> Vec<Statement> {
    vec![
        sql("DELETE FROM sso_requests WHERE expires <= $1", [now.into()]),
        sql("DELETE FROM sso_sessions WHERE expires <= $1", [now.into()]),
        sql("DELETE FROM sso_seen WHERE expires <= $1", [now.into()]),
        sql(
            "DELETE FROM sso_codes WHERE family IN (SELECT id FROM sso_families WHERE expires <= $1)",
            [now.into()],
        ),
        sql(
            "DELETE FROM sso_refresh WHERE family IN (SELECT id FROM sso_families WHERE expires <= $1)",
            [now.into()],
        ),
        sql("DELETE FROM sso_families WHERE expires <= $1", [now.into()]),
    ]
}

/// A list of words as it is kept.
fn written(words: &[String]) -> String {
    serde_json::to_string(words).unwrap_or_else(|_| "[]".to_owned())
}

/// A kept list of words.
fn words(text: &str) -> Result<Vec<String>, crate::StoreError> {
    serde_json::from_str(text).map_err(|_| crate::StoreError::Damaged("a list of words"))
}
