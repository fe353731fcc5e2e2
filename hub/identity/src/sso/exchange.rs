//! Token exchange (RFC 8693): a client that holds a person's token gets one for another module, narrower and shorter, in
//! which it stands as the one who acts.

use super::access::NewAccess;
use super::client::SsoClient;
use super::error::{OauthCode, OauthError};
use super::params::Params;
use super::provider::Provider;
use hub_core::time::Timestamp;
use serde_json::{Value, json};

/// Its grant type.
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The one type of token that comes and goes.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// Longest an exchanged token is good for, in seconds.
pub const EXCHANGED_SECONDS: i64 = 60;
/// Scopes that mean something only to the client that signed the person in.
const NOT_HANDED_ON: &[&str] = &["offline_access"];

/// For whom an exchanged token is.
struct Target {
    audience: String,
    /// The person's name there.
    sub: String,
    /// What may be handed on to it.
    scopes: Vec<String>,
}

impl Provider {
    /// Answers a token exchange.
    ///
    /// # Errors
    /// `invalid_request` for a token that is not good or not this client's, `invalid_target`, `invalid_scope`.
    pub(crate) async fn exchange(
        &self,
        client: &SsoClient,
        params: &Params,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<Value, OauthError> {
        client.may(TOKEN_EXCHANGE)?;
        types(params)?;
        let held = self
            .access
            .read(params.need("subject_token")?, now)
            .map_err(|_| unfit())?;
        // Only who was given a token exchanges it, and what came of an exchange goes no further: an agency cannot walk on to
        // the next one in the person's name.
        if held.client != client.row().id || held.actor.is_some() || held.key.as_deref().is_some_and(|k| Some(k) != key)
        {
            return Err(unfit());
        }
        let (Some(subject), Some(family)) = (&held.subject, &held.family) else {
            return Err(unfit());
        };
        let target = self.target(client, subject, params).await?;
        let scopes = handed_on(&held.scopes, &target.scopes, params)?;
        let seconds = EXCHANGED_SECONDS.min(held.expires - now.as_second());
        let new = NewAccess {
            subject: Some(subject),
            sub: &target.sub,
            client: &client.row().id,
            scopes: &scopes,
            audience: &target.audience,
            family: Some(family),
            key,
            actor: Some(&client.row().id),
            seconds,
        };
        let token = self.access.mint(&new, now)?;
        Ok(json!({
            "access_token": token, "issued_token_type": ACCESS_TOKEN, "token_type": new.token_type(), "expires_in": seconds,
            "scope": scopes.join(" "),
        }))
    }

    /// The module or the hub's services, whichever is named and registered for this client.
    async fn target(
        &self,
        client: &SsoClient,
        subject: &hub_core::Subject,
        params: &Params,
    ) -> Result<Target, OauthError> {
        let nowhere = || {
            OauthError::new(
                OauthCode::InvalidTarget,
                "没有这个目标，或该应用不能向它换取令牌",
                "there is no such target, or the client may not exchange tokens for it",
            )
        };
        let named = match (params.get("audience"), self.resource(params)?) {
            (Some(audience), None) => audience.to_owned(),
            (None, Some(resource)) => resource,
            _ => return Err(nowhere()),
        };
        if self.access.services().contains(&named) {
            return Ok(Target {
                sub: self.sub(subject, client),
                scopes: client.row().scopes.clone(),
                audience: named,
            });
        }
        if !client.row().exchanges.contains(&named) {
            return Err(nowhere());
        }
        let module = self.client(&named).await?.ok_or_else(nowhere)?;
        Ok(Target {
            sub: self.sub(subject, &module),
            scopes: module.row().scopes.clone(),
            audience: named,
        })
    }
}

fn types(params: &Params) -> Result<(), OauthError> {
    let given = params.need("subject_token_type")?;
    let wanted = params.get("requested_token_type").unwrap_or(ACCESS_TOKEN);
    if given != ACCESS_TOKEN || wanted != ACCESS_TOKEN || params.get("actor_token").is_some() {
        return Err(OauthError::request(
            "只能用访问令牌换访问令牌，且不接受 actor_token",
            "only access tokens are exchanged, for access tokens, and there is no actor_token",
        ));
    }
    Ok(())
}

/// `invalid_request`, as RFC 8693, 2.2.2 has it: one text for all reasons.
fn unfit() -> OauthError {
    OauthError::request(
        "subject_token 无效、已失效、不是发给该应用的，或本身就是换来的",
        "subject_token is unknown, dead, not this client's, or came of an exchange itself",
    )
}

/// The scopes that were asked for, else all that can be handed on; never more than the person gave.
fn handed_on(held: &[String], target: &[String], params: &Params) -> Result<Vec<String>, OauthError> {
    let good = |s: &String| held.contains(s) && target.contains(s) && !NOT_HANDED_ON.contains(&s.as_str());
    let Some(wanted) = params.get("scope") else {
        return Ok(held.iter().filter(|s| good(s)).cloned().collect());
    };
    let wanted: Vec<String> = wanted.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect();
    if wanted.iter().all(good) {
        return Ok(wanted);
    }
    Err(OauthError::new(
        OauthCode::InvalidScope,
        "不能超出本人授予该应用、且目标可以得到的范围",
        "the scope is wider than what the person gave the client and the target may have",
    ))
}
