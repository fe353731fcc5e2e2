//! ID tokens (OpenID Connect Core 2): made, and read back as hints.

use super::client::SsoClient;
use super::grant::Granted;
use super::provider::{Provider, hashed};
use super::scope;
use crate::IdentityError;
use crate::verifier::rules;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, base64_url, digest};
use jsonwebtoken::{Algorithm, decode, decode_header};
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
        claims.insert("at_hash".into(), json!(half_hash(access_token)));
        // Two clients that compare the second of a sign-in could join their people by it: only who asks for it learns it.
        if granted.tell_time {
            claims.insert("auth_time".into(), json!(granted.since));
        }
        if let Some(nonce) = nonce {
            claims.insert("nonce".into(), json!(nonce));
        }
        self.access.ring().sign(TYPE, &claims)
    }

    /// What an ID token of ours says, even if it has run out.
    pub(crate) fn read_id_token(&self, token: &str) -> Option<Hint> {
        if token.len() > LONGEST {
            return None;
        }
        let header = decode_header(token).ok()?;
        if header.alg != Algorithm::ES256 || header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let ring = self.access.ring();
        let key = ring.key(&header.kid?)?;
        let claims = decode::<Map<String, Value>>(token, &key.key, &rules()).ok()?.claims;
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

/// `at_hash` for ES256 (OpenID Connect Core 3.1.3.6).
fn half_hash(token: &str) -> String {
    let whole = digest(Digest::Sha256, token.as_bytes());
    base64_url(whole.get(..16).unwrap_or(&whole))
}

#[cfg(test)]
mod tests {
    use super::half_hash;

    #[test]
    fn at_hash_of_the_published_sample() {
        // OpenID Connect Core, A.3: its access token and its at_hash.
        assert_eq!(
            half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"),
            "77QmUPtjPfzWtF2AnpK9RQ"
        );
    }
}
