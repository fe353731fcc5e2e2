//! What a token is worth, and its end: introspection (RFC 7662), revocation (RFC 7009), userinfo.

use super::client::SsoClient;
use super::error::{OauthCode, OauthError};
use super::params::Params;
use super::provider::{Provider, hashed};
use super::scope;
use crate::TokenError;
use hub_core::ports::Shown;
use hub_core::time::Timestamp;
use serde_json::{Value, json};

impl Provider {
    /// What a token is worth, told to the client it was made for. To others no token is worth anything.
    ///
    /// # Errors
    /// If the client may not ask, or the store does not answer.
    pub async fn introspect(&self, client: &SsoClient, params: &Params, now: Timestamp) -> Result<Value, OauthError> {
        if client.row().auth == "none" {
            return Err(OauthError::client());
        }
        let token = params.need("token")?;
        let inactive = json!({"active": false});
        if let Ok(access) = self.access.read(token, now) {
            if access.client != client.row().id && access.audience != client.row().id {
                return Ok(inactive);
            }
            // The store knows of a death that this hub has not heard of yet.
            if let Some(family) = &access.family
                && self.living(family, now).await.is_err()
            {
                return Ok(inactive);
            }
            let kind = if access.key.is_some() { "DPoP" } else { "Bearer" };
            let mut worth = json!({
                "active": true, "token_type": kind, "iss": self.issuer(), "sub": access.sub, "aud": access.audience,
                "client_id": access.client, "scope": access.scopes.join(" "), "iat": access.issued, "exp": access.expires,
                "jti": access.id,
            });
            let more = [
                ("cnf", access.key.as_ref().map(|key| json!({"jkt": key}))),
                ("act", access.actor.as_ref().map(|actor| json!({"sub": actor}))),
                ("acr", access.subject.as_ref().map(|s| json!(s.assurance))),
            ];
            if let Some(members) = worth.as_object_mut() {
                members.extend(more.into_iter().filter_map(|(n, v)| Some((n.to_owned(), v?))));
            }
            return Ok(worth);
        }
        let Some(row) = self.store.families().refresh(&hashed(token)).await?.filter(|r| !r.used) else {
            return Ok(inactive);
        };
        Ok(match self.living(&row.family, now).await {
            Ok((family, granted)) if family.client == client.row().id => json!({
                "active": true, "token_type": "refresh_token", "iss": self.issuer(), "client_id": family.client,
                "sub": self.sub(&granted.subject, client), "scope": granted.scopes.join(" "), "exp": family.expires.as_second(),
            }),
            _ => inactive,
        })
    }

    /// Ends a token and all of its family.
    ///
    /// # Errors
    /// If it is another client's; one that nobody knows is as good as ended.
    pub async fn revoke(&self, client: &SsoClient, params: &Params, now: Timestamp) -> Result<(), OauthError> {
        let token = params.need("token")?;
        let family = match self.access.read(token, now) {
            // One that came of an exchange is the family's too, but the family is not its to end.
            Ok(access) if access.actor.is_some() => return Ok(()),
            Ok(access) if access.client != client.row().id => return Err(stranger()),
            Ok(access) => access.family.clone(),
            Err(_) => self.store.families().refresh(&hashed(token)).await?.map(|r| r.family),
        };
        let Some(id) = family else { return Ok(()) };
        match self.store.families().get(&id).await? {
            Some(family) if family.client != client.row().id => Err(stranger()),
            Some(family) => self.kill(&family.id, now).await,
            None => Ok(()),
        }
    }

    /// What a client may know of the person behind an access token (OpenID Connect Core 5.3).
    ///
    /// # Errors
    /// `invalid_token`, `insufficient_scope`.
    pub async fn userinfo(&self, shown: &Shown<'_>, now: Timestamp) -> Result<Value, OauthError> {
        let bad = || {
            OauthError::new(
                OauthCode::InvalidToken,
                "访问令牌无效或已过期",
                "the access token is not good or has expired",
            )
        };
        let access = self.access.shown(shown, now).map_err(|error| match error {
            TokenError::Proof(claim) if shown.proof.is_some() => OauthError::new(
                OauthCode::InvalidDpopProof,
                &format!("DPoP 证明不符：{claim}"),
                &format!("the DPoP proof does not fit ({claim})"),
            ),
            _ => bad(),
        })?;
        let (Some(subject), Some(family)) = (&access.subject, &access.family) else {
            return Err(bad());
        };
        if !access.scopes.iter().any(|s| s == "openid") {
            return Err(OauthError::new(
                OauthCode::InsufficientScope,
                "访问令牌不含 openid",
                "the access token is not for openid",
            ));
        }
        self.living(family, now)
            .await
            .map_err(|e| if e.code == OauthCode::InvalidGrant { bad() } else { e })?;
        let mut claims = scope::claims(subject, &access.scopes);
        claims.insert("sub".into(), json!(access.sub));
        Ok(Value::Object(claims))
    }
}

fn stranger() -> OauthError {
    OauthError::new(
        OauthCode::UnauthorizedClient,
        "该令牌不是发给该应用的",
        "the token was not issued to this client",
    )
}
