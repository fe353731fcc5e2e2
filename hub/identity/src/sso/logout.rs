//! Signing out where a client asks for it (RP-Initiated Logout 1.0), and telling the others (Back-Channel Logout 1.0).

use super::client::SsoClient;
use super::error::OauthError;
use super::grant::Session;
use super::id_token::sid_towards;
use super::params::{Params, appended};
use super::provider::{Provider, fresh};
use hub_core::time::Timestamp;
use serde_json::{Map, json};

/// Seconds a logout token is good for.
const NOTICE_SECONDS: i64 = 120;
/// The event a logout token tells of.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// A client that is to hear of a sign-out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutNotice {
    /// Which.
    pub client: String,
    /// Where it wants to hear.
    pub address: String,
    /// The logout token.
    pub token: String,
}

/// A sign-out that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Where the browser goes afterwards, if a client may send it there.
    pub back: Option<String>,
    /// Whether the client proved by its ID token that it is about this very session; else the person is asked.
    pub certain: bool,
}

impl Provider {
    /// Reads a request to sign out.
    ///
    /// # Errors
    /// If something in it is not right; then nobody is sent anywhere.
    pub async fn leaving(&self, params: &Params, session: Option<&Session>) -> Result<Leaving, OauthError> {
        let hint = match params.get("id_token_hint") {
            None => None,
            Some(token) => Some(
                self.read_id_token(token)
                    .ok_or_else(|| OauthError::request("id_token_hint 无效", "id_token_hint is not good"))?,
            ),
        };
        let named = params.get("client_id");
        if let (Some(named), Some(hint)) = (named, &hint)
            && hint.client != named
        {
            return Err(OauthError::request(
                "client_id 与 id_token_hint 不符",
                "client_id is not whom the hint is for",
            ));
        }
        let client = match named.or(hint.as_ref().map(|h| h.client.as_str())) {
            None => None,
            Some(id) => self.client(id).await?,
        };
        let certain = match (&hint, &client, session) {
            (Some(hint), Some(client), Some(session)) => hint.sid == sid_towards(&session.sid, client),
            _ => false,
        };
        Ok(Leaving {
            back: afterwards(params, client.as_ref())?,
            certain,
        })
    }

    /// Ends a session and what it gave; answers whom to tell.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sign_out(&self, session: &Session, now: Timestamp) -> Result<Vec<LogoutNotice>, OauthError> {
        let concerned = self.store.families().clients_of_session(&session.sid).await?;
        self.end(&session.sid, now).await?;
        let mut notices = Vec::new();
        for id in concerned {
            let Some(client) = self.client(&id).await? else {
                continue;
            };
            if let Some(address) = client.row().back_channel.clone() {
                let token = self.logout_token(&client, session, now)?;
                notices.push(LogoutNotice {
                    client: id,
                    address,
                    token,
                });
            }
        }
        Ok(notices)
    }

    /// A logout token (Back-Channel Logout 1.0, 2.4).
    fn logout_token(&self, client: &SsoClient, session: &Session, now: Timestamp) -> Result<String, OauthError> {
        let issued = now.as_second();
        let mut claims = Map::new();
        claims.insert("iss".into(), json!(self.issuer()));
        claims.insert("aud".into(), json!(client.row().id));
        claims.insert("sub".into(), json!(self.sub(&session.subject, client)));
        claims.insert("sid".into(), json!(sid_towards(&session.sid, client)));
        claims.insert("iat".into(), json!(issued));
        claims.insert("exp".into(), json!(issued + NOTICE_SECONDS));
        claims.insert("jti".into(), json!(fresh(16)?));
        claims.insert("events".into(), json!({(EVENT): {}}));
        Ok(self.access.ring().sign_as(&client.row().alg, "logout+jwt", &claims)?)
    }
}

fn afterwards(params: &Params, client: Option<&SsoClient>) -> Result<Option<String>, OauthError> {
    let Some(wanted) = params.get("post_logout_redirect_uri") else {
        return Ok(None);
    };
    if !client.is_some_and(|c| c.row().logouts.iter().any(|l| l == wanted)) {
        return Err(OauthError::request(
            "退出后的返回地址与应用登记的不一致",
            "post_logout_redirect_uri is not one the client has registered",
        ));
    }
    let state: Vec<(&str, &str)> = params.get("state").map(|s| ("state", s)).into_iter().collect();
    Ok(Some(if state.is_empty() {
        wanted.to_owned()
    } else {
        appended(wanted, &state)
    }))
}
