//! Tokens that tell a system of an agency on whose behalf the hub calls it: made for one call, good at that system alone.

use super::access::AccessTokens;
use crate::IdentityError;
use hub_core::Assurance;
use hub_core::time::Timestamp;
use hub_crypto::{hex, random};
use serde_json::{Map, Value, json};

/// Seconds such a token is good for.
pub const TOLD_SECONDS: i64 = 60;
/// Type of such a token: at no door of the hub is it worth anything.
const TYPE: &str = "subject+jwt";

/// What a system is told. Nothing else about the person is in the token: what the contract names travels in the call.
#[derive(Debug, Clone, Copy)]
pub struct Told<'a> {
    /// The system.
    pub audience: &'a str,
    /// The subject's name towards the agency.
    pub sub: &'a str,
    /// The name of who acts, where somebody else does.
    pub actor: Option<&'a str>,
    /// How surely the subject is known; not known any more where a submission is delivered later.
    pub assurance: Option<Assurance>,
}

impl AccessTokens {
    /// A token for a system.
    ///
    /// # Errors
    /// If signing fails.
    pub fn tell(&self, told: &Told<'_>, now: Timestamp) -> Result<String, IdentityError> {
        let issued = now.as_second();
        let id = hex(&random::<16>().map_err(|e| IdentityError::Key(e.to_string()))?);
        let mut claims: Map<String, Value> = Map::new();
        claims.insert("iss".into(), json!(self.issuer()));
        claims.insert("aud".into(), json!(told.audience));
        claims.insert("sub".into(), json!(told.sub));
        claims.insert("iat".into(), json!(issued));
        claims.insert("exp".into(), json!(issued + TOLD_SECONDS));
        claims.insert("jti".into(), json!(id));
        if let Some(actor) = told.actor {
            claims.insert("act".into(), json!({"sub": actor}));
        }
        if let Some(assurance) = told.assurance {
            claims.insert("acr".into(), json!(assurance));
        }
        self.ring().sign(TYPE, &claims)
    }
}
