//! What a sign-in grants, as it is kept, and the session it comes from.

use super::error::OauthError;
use super::provider::{Provider, fresh, hashed, later};
use hub_core::Subject;
use hub_core::time::Timestamp;
use hub_store::SessionRow;
use serde::{Deserialize, Serialize};

/// Longest a person stays signed in, in seconds.
pub const SESSION_SECONDS: u64 = 8 * 3600;
/// Longest a person is signed in without being seen, in seconds.
pub(crate) const IDLE_SECONDS: i64 = 30 * 60;
/// How seldom it is noted that somebody was seen, in seconds.
const NOTE_SECONDS: i64 = 60;

/// What a family of tokens stands for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Granted {
    pub(crate) subject: Subject,
    pub(crate) scopes: Vec<String>,
    pub(crate) sid: String,
    /// When the person signed in, in seconds.
    pub(crate) since: i64,
    /// Whether the client asked for that time.
    pub(crate) tell_time: bool,
    pub(crate) resource: Option<String>,
}

/// What a code is bound to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Bound {
    pub(crate) redirect: String,
    pub(crate) challenge: String,
    pub(crate) nonce: Option<String>,
    /// Thumbprint of the key whose possession has to be proven (RFC 9449, 10).
    #[serde(default)]
    pub(crate) holder: Option<String>,
}

/// A person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its name inside.
    pub sid: String,
    /// Who.
    pub subject: Subject,
    /// Since when.
    pub since: Timestamp,
}

impl Provider {
    /// The session of a cookie.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn session(&self, cookie: &str, now: Timestamp) -> Result<Option<Session>, OauthError> {
        let all = self.store.sign_ins();
        let hash = hashed(cookie);
        let Some(row) = all.session(&hash, now).await? else {
            return Ok(None);
        };
        let idle = now.as_second() - row.seen.as_second();
        if idle > IDLE_SECONDS {
            self.end(&row.sid, now).await?;
            return Ok(None);
        }
        if idle > NOTE_SECONDS {
            all.seen(&hash, now).await?;
        }
        Ok(Some(Session {
            subject: serde_json::from_slice(&row.content).map_err(OauthError::ours)?,
            sid: row.sid,
            since: row.since,
        }))
    }

    /// Signs a person in; the cookie is always a new one and the earlier one dead, so that nobody is signed in to a session
    /// that somebody else began.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sign_in(
        &self,
        subject: &Subject,
        earlier: Option<&str>,
        now: Timestamp,
    ) -> Result<String, OauthError> {
        self.sign_in_on("", subject, earlier, now).await
    }

    /// The same on a kind of device ([`super::device`]).
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sign_in_on(
        &self,
        device: &str,
        subject: &Subject,
        earlier: Option<&str>,
        now: Timestamp,
    ) -> Result<String, OauthError> {
        let mut content = serde_json::to_value(subject).map_err(OauthError::ours)?;
        if let Some(members) = content.as_object_mut() {
            // Readers of the person pass over it.
            members.insert("device".to_owned(), device.into());
        }
        let old = match earlier {
            None => None,
            Some(cookie) => self.store.sign_ins().session(&hashed(cookie), now).await?,
        };
        let mark = self.mark(subject);
        let sid = match old {
            // The same person again: the session goes on under another cookie, with what clients have of it.
            Some(old) if old.subject == mark => old.sid,
            // Somebody else: what the last one left on this browser ends.
            Some(old) => {
                self.end(&old.sid, now).await?;
                fresh(16)?
            }
            None => fresh(16)?,
        };
        let cookie = fresh(32)?;
        let session = SessionRow {
            hash: hashed(&cookie),
            sid,
            subject: mark,
            content: serde_json::to_vec(&content).map_err(OauthError::ours)?,
            since: now,
            seen: now,
            expires: later(now, SESSION_SECONDS),
        };
        self.store.sign_ins().keep_session(&session).await?;
        Ok(cookie)
    }

    /// Ends a session and what it gave to clients.
    pub(crate) async fn end(&self, sid: &str, now: Timestamp) -> Result<(), OauthError> {
        self.store.sign_ins().end_session(sid).await?;
        let families = self.store.families().revoke_of_session(sid, now).await?;
        self.access.kill(&families, now);
        Ok(())
    }
}

/// The token that a form of ours carries: only who holds the cookie can make it, and for this request only.
#[must_use]
pub fn form_token(cookie: &str, handle: &str) -> String {
    hashed(&format!("form\0{cookie}\0{handle}"))
}
