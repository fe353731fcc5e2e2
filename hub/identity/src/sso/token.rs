//! The token endpoint: codes, refresh tokens, clients for themselves (RFC 6749, 4 to 6).

use super::access::{ACCESS_SECONDS, NewAccess};
use super::client::SsoClient;
use super::error::{OauthCode, OauthError};
use super::exchange::TOKEN_EXCHANGE;
use super::grant::{Bound, Granted};
use super::params::Params;
use super::provider::{Provider, fresh, hashed};
use hub_core::time::Timestamp;
use hub_crypto::{Digest, base64_url, ct_eq, digest};
use hub_store::FamilyRow;
use serde_json::{Value, json};

/// To whom tokens are given, and for what.
struct Given<'a> {
    client: &'a SsoClient,
    family: &'a str,
    granted: &'a Granted,
    /// Thumbprint of the key they are bound to.
    key: Option<&'a str>,
    now: Timestamp,
}

/// Scope that lets a client call services for the person.
const SERVICES: &str = "services";

impl Provider {
    /// Answers a token request of a client that proved itself, and the possession of `key` if that is a thumbprint.
    ///
    /// # Errors
    /// Why there is no token.
    pub async fn token(
        &self,
        client: &SsoClient,
        params: &Params,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Value, OauthError> {
        if client.row().dpop && key.is_none() {
            return Err(OauthError::new(
                OauthCode::InvalidDpopProof,
                "该应用的令牌请求必须带 DPoP 证明",
                "this client must send a DPoP proof with its token requests",
            ));
        }
        match params.need("grant_type")? {
            "authorization_code" => self.by_code(client, params, key, now).await,
            "refresh_token" => self.by_refresh(client, params, key, now).await,
            "client_credentials" => self.for_itself(client, params, key, now),
            TOKEN_EXCHANGE => self.exchange(client, params, key, now).await,
            _ => Err(OauthError::new(
                OauthCode::UnsupportedGrantType,
                "不支持这种授权方式",
                "there is no such grant type here",
            )),
        }
    }

    async fn by_code(
        &self,
        client: &SsoClient,
        params: &Params,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Value, OauthError> {
        client.may("authorization_code")?;
        let hash = hashed(params.need("code")?);
        let all = self.store.families();
        let code = all.code(&hash).await?.filter(|c| c.client == client.row().id);
        let code = code.ok_or_else(OauthError::grant)?;
        if code.used {
            // Somebody else has it too, and nobody can tell who is who (RFC 6749, 10.5).
            self.kill(&code.family, now).await?;
            return Err(OauthError::grant());
        }
        let bound: Bound = serde_json::from_slice(&code.content).map_err(OauthError::ours)?;
        let right = code.expires > now
            && params.get("redirect_uri") == Some(&bound.redirect)
            && params.get("code_verifier").is_some_and(|v| fits(v, &bound.challenge))
            && bound.holder.as_deref().is_none_or(|holder| key == Some(holder));
        if !right {
            return Err(OauthError::grant());
        }
        if !all.use_code(&hash, now).await? {
            self.kill(&code.family, now).await?;
            return Err(OauthError::grant());
        }
        let (family, granted) = self.living(&code.family, now).await?;
        let refresh = match client.may("refresh_token") {
            Err(_) => None,
            Ok(()) => {
                let token = fresh(32)?;
                // Who can prove itself does so at every refresh; who cannot has to hold the key (RFC 9449, 5).
                let holder = key.filter(|_| client.row().auth == "none");
                if !all.first_refresh(&hashed(&token), &family.id, holder, now).await? {
                    return Err(OauthError::grant());
                }
                Some(token)
            }
        };
        let mut granted = granted;
        if let Some(resource) = self.resource(params)? {
            granted.resource = Some(resource);
        }
        let given = Given {
            client,
            family: &family.id,
            granted: &granted,
            key,
            now,
        };
        self.tokens(&given, bound.nonce.as_deref(), refresh)
    }

    async fn by_refresh(
        &self,
        client: &SsoClient,
        params: &Params,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Value, OauthError> {
        client.may("refresh_token")?;
        let old = hashed(params.need("refresh_token")?);
        let all = self.store.families();
        let row = all.refresh(&old).await?.ok_or_else(OauthError::grant)?;
        let family = all.get(&row.family).await?.filter(|f| f.client == client.row().id);
        let family = family.ok_or_else(OauthError::grant)?;
        if row.holder.is_some() && row.holder.as_deref() != key {
            return Err(OauthError::grant());
        }
        if row.used {
            // RFC 9700, 4.14.2: the one who comes second tells that there are two.
            self.kill(&family.id, now).await?;
            return Err(OauthError::grant());
        }
        let (_, mut granted) = self.living(&family.id, now).await?;
        if let Some(resource) = self.resource(params)? {
            granted.resource = Some(resource);
        }
        granted.scopes = narrowed(granted.scopes, params)?;
        let new = fresh(32)?;
        if !all.rotate(&old, &hashed(&new), now).await? {
            self.kill(&family.id, now).await?;
            return Err(OauthError::grant());
        }
        let given = Given {
            client,
            family: &family.id,
            granted: &granted,
            key,
            now,
        };
        self.tokens(&given, None, Some(new))
    }

    fn for_itself(
        &self,
        client: &SsoClient,
        params: &Params,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Value, OauthError> {
        client.may("client_credentials")?;
        let wanted: Vec<String> = params
            .get("scope")
            .unwrap_or_default()
            .split(' ')
            .map(str::to_owned)
            .collect();
        let wanted: Vec<String> = wanted.into_iter().filter(|s| !s.is_empty()).collect();
        // Whatever is about a person needs one.
        if wanted.iter().any(|s| s != SERVICES || !client.row().scopes.contains(s)) {
            return Err(OauthError::new(
                OauthCode::InvalidScope,
                "应用不能为自己请求这个 scope",
                "a client cannot have this scope for itself",
            ));
        }
        let resource = self.resource(params)?;
        let new = NewAccess {
            subject: None,
            sub: &client.row().id,
            client: &client.row().id,
            scopes: &wanted,
            audience: resource.as_deref().unwrap_or_else(|| self.issuer()),
            family: None,
            key,
            actor: None,
            seconds: ACCESS_SECONDS,
        };
        let token = self.access.mint(&new, now)?;
        Ok(json!({
            "access_token": token, "token_type": new.token_type(), "expires_in": ACCESS_SECONDS, "scope": wanted.join(" "),
        }))
    }

    /// A family that is alive, and what it stands for.
    pub(crate) async fn living(&self, id: &str, now: Timestamp) -> Result<(FamilyRow, Granted), OauthError> {
        let family = self.store.families().get(id).await?;
        let family = family.filter(|f| f.revoked.is_none() && f.expires > now);
        let family = family.ok_or_else(OauthError::grant)?;
        let granted = serde_json::from_slice(&family.content).map_err(OauthError::ours)?;
        Ok((family, granted))
    }

    pub(crate) async fn kill(&self, family: &str, now: Timestamp) -> Result<(), OauthError> {
        self.store.families().revoke(family, now).await?;
        self.access.kill(&[family.to_owned()], now);
        Ok(())
    }

    fn tokens(&self, given: &Given<'_>, nonce: Option<&str>, refresh: Option<String>) -> Result<Value, OauthError> {
        let Given {
            client,
            family,
            granted,
            key,
            now,
        } = *given;
        // Only a person who agreed to have services called is known to the gateway by this token.
        let calls = granted.scopes.iter().any(|s| s == SERVICES);
        let service = granted
            .resource
            .as_deref()
            .or_else(|| self.access.services().first().map(String::as_str));
        let new = NewAccess {
            subject: Some(&granted.subject),
            sub: &self.sub(&granted.subject, client),
            client: &client.row().id,
            scopes: &granted.scopes,
            audience: service.filter(|_| calls).unwrap_or_else(|| self.issuer()),
            family: Some(family),
            key,
            actor: None,
            seconds: ACCESS_SECONDS,
        };
        let access = self.access.mint(&new, now)?;
        let id = self.id_token(client, granted, nonce, &access, now)?;
        let mut answer = json!({
            "access_token": access, "token_type": new.token_type(), "expires_in": ACCESS_SECONDS, "id_token": id,
            "scope": granted.scopes.join(" "),
        });
        if let (Some(refresh), Some(fields)) = (refresh, answer.as_object_mut()) {
            fields.insert("refresh_token".into(), json!(refresh));
        }
        Ok(answer)
    }
}

/// Whether a verifier fits a challenge (RFC 7636, 4.6).
fn fits(verifier: &str, challenge: &str) -> bool {
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let well_formed = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    let hashed = base64_url(&digest(Digest::Sha256, verifier.as_bytes()));
    well_formed && ct_eq(hashed.as_bytes(), challenge.as_bytes())
}

/// The scopes of a refreshed token: as granted, or fewer (RFC 6749, 6).
fn narrowed(granted: Vec<String>, params: &Params) -> Result<Vec<String>, OauthError> {
    let Some(wanted) = params.get("scope") else {
        return Ok(granted);
    };
    let wanted: Vec<String> = wanted.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect();
    if wanted.iter().all(|w| granted.contains(w)) && wanted.iter().any(|w| w == "openid") {
        return Ok(wanted);
    }
    Err(OauthError::new(
        OauthCode::InvalidScope,
        "不能超出原来授予的范围",
        "the scope is wider than what was granted",
    ))
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn pkce_of_the_published_sample() {
        // RFC 7636, appendix B.
        let (verifier, challenge) = (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        assert!(fits(verifier, challenge));
        assert!(!fits(challenge, challenge), "not plain");
        assert!(!fits("short", challenge));
    }
}
