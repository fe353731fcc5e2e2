//! ID tokens (OpenID Connect Core 2): made, and read back as hints.

use super::client::SsoClient;
use super::grant::Granted;
use super::keys::half_hash;
use super::provider::{Provider, hashed};
use super::scope;
use crate::IdentityError;
use hub_core::time::Timestamp;
use serde_json::{Map, Value, json};

/// Seconds an ID token is good for.
const SECONDS: i64 = 300;
/// Longest token read.
const LONGEST: usize = 8 * 1024;
/// Type of an ID token.
const TYPE: &str = "JWT";

/// What an ID token says that came back as a hint; it may have run out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// For whom it was made.
    pub client: String,
    /// The person's name towards the client.
    pub sub: String,
    /// The session's name towards the client.
    pub sid: String,
}

impl Provider {
    pub(crate) fn id_token(
        &self,
        client: &SsoClient,
        granted: &Granted,
        nonce: Option<&str>,
        access_token: &str,
        now: Timestamp,
    ) -> Result<String, IdentityError> {
        let issued = now.as_second();
        let mut claims: Map<String, Value> = scope::claims(&granted.subject, &granted.scopes);
        claims.insert("iss".into(), json!(self.issuer()));
        claims.insert("sub".into(), json!(self.sub(&granted.subject, client)));
        claims.insert("aud".into(), json!(client.row().id));
        claims.insert("iat".into(), json!(issued));
        claims.insert("exp".into(), json!(issued + SECONDS));
        claims.insert("acr".into(), json!(granted.subject.assurance));
        claims.insert("sid".into(), json!(sid_towards(&granted.sid, client)));
        claims.insert("at_hash".into(), json!(half_hash(&client.row().alg, access_token)));
        // Two clients that compare the second of a sign-in could join their people by it: only who asks for it learns it.
        if granted.tell_time {
            claims.insert("auth_time".into(), json!(granted.since));
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".into(), json!(nonce));
        }
        self.access.ring().sign_as(&client.row().alg, TYPE, &claims)
    }

    /// What an ID token of ours says, even if it has run out.
    pub(crate) fn read_id_token(&self, token: &str) -> Option<Hint> {
        if token.len() > LONGEST {
            return None;
        }
        let claims = self.access.ring().read(TYPE, token)?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        (text("iss").as_deref() == Some(self.issuer())).then_some(())?;
        Some(Hint {
            client: text("aud")?,
            sub: text("sub")?,
            sid: text("sid")?,
        })
    }
}

/// The session's name towards one client: two that compare theirs learn nothing.
pub(crate) fn sid_towards(sid: &str, client: &SsoClient) -> String {
    hashed(&format!("sid\0{sid}\0{}", client.row().id))
}
