//! OpenID Connect: out with PKCE, state and nonce, pushed where that is offered; back with `iss` checked, the code exchanged, the
//! ID token checked.

use super::dance::Kept;
use super::file::{Endpoints, Oidc, ProviderFile};
use super::keys::Keys;
use super::plain::{Asked, Ours, Plain, proof};
use super::token::{Checker, Expected, sub};
use super::trouble::{Trouble, Why};
use super::way::{Request, Way, send};
use crate::sso::{AuthRequest, Params};
use hub_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// What one act needs.
pub(crate) struct Act<'a> {
    pub(crate) way: &'a dyn Way,
    pub(crate) file: &'a ProviderFile,
    pub(crate) oidc: &'a Oidc,
    pub(crate) endpoints: &'a Endpoints,
    pub(crate) ours: &'a Ours,
    pub(crate) keys: &'a Keys,
}

/// What a provider says of a person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// Values by name; for OpenID Connect everything that its tokens and userinfo say.
    pub(crate) values: BTreeMap<String, String>,
    /// Who it is, throughout the issuer.
    pub(crate) everywhere: Option<String>,
    /// Who it is, within our application there.
    pub(crate) here: Option<String>,
    /// The provider's session.
    pub(crate) session: Option<String>,
    /// What the provider calls the person when it tells of a sign-out, where that may be another name.
    pub(crate) named: Option<String>,
}

impl Act<'_> {
    /// Where the browser is sent.
    pub(crate) async fn out(&self, kept: &Kept, request: &AuthRequest) -> Result<String, Trouble> {
        let mut more = vec![("nonce", kept.nonce.clone())];
        if let Some(least) = request.least {
            let words = self.file.assurance.words(least);
            if !words.is_empty() {
                more.push(("acr_values", words.join(" ")));
            }
        }
        if kept.not_before.is_some() {
            more.push(("max_age", request.max_age.unwrap_or(0).to_string()));
        }
        if request.again || request.max_age == Some(0) {
            more.push(("prompt", "login".to_owned()));
        }
        let plain = self.plain(kept)?;
        let address = plain.address(&Asked {
            state: &kept.state,
            verifier: &kept.verifier,
            scope: &self.oidc.scope,
            more: &more,
        });
        match &self.endpoints.par {
            Some(par) if self.oidc.pushed => self.push(par, &address).await,
            _ => Ok(address.to_string()),
        }
    }

    /// Pushes a request (RFC 9126): the browser carries its name only.
    async fn push(&self, par: &Url, address: &Url) -> Result<String, Trouble> {
        // What the endpoint itself had in its query is no part of the request.
        let own = self.endpoints.authorization.query_pairs().count();
        let mut form: Vec<(String, String)> = address.query_pairs().into_owned().skip(own).collect();
        let mut headers = proof(self.ours, &mut form);
        headers.push((
            "content-type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        ));
        headers.push(("accept".to_owned(), "application/json".to_owned()));
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&form)
            .finish();
        let pushed = Request {
            method: "POST",
            url: par,
            headers,
            body: body.into_bytes(),
        };
        let answer = send(self.way, self.file, pushed).await?;
        if answer.status != 201 && answer.status != 200 {
            return Err(Trouble::untrusted(format!(
                "it took no pushed request: {}",
                answer.status
            )));
        }
        let said: Value = serde_json::from_slice(&answer.body).map_err(|_| Trouble::untrusted("PAR: not JSON"))?;
        let name = said.get("request_uri").and_then(Value::as_str);
        let name = name.ok_or_else(|| Trouble::untrusted("PAR: no request_uri"))?;
        let mut short = self.endpoints.authorization.clone();
        short
            .query_pairs_mut()
            .append_pair("client_id", &self.ours.id)
            .append_pair("request_uri", name);
        Ok(short.to_string())
    }

    fn plain(&self, kept: &Kept) -> Result<Plain, Trouble> {
        Plain::new(
            self.ours,
            &self.endpoints.authorization,
            &self.endpoints.token,
            &kept.callback,
        )
    }

    /// Who came back.
    pub(crate) async fn back(&self, kept: &Kept, params: &Params, now: Timestamp) -> Result<Told, Trouble> {
        self.check_iss(params)?;
        if params.get("error").is_some() {
            return Err(Trouble::new(Why::Cancelled, "it came back with an error"));
        }
        let code = params
            .get("code")
            .ok_or_else(|| Trouble::untrusted("it came back without a code"))?;
        let tokens = self
            .plain(kept)?
            .exchange(self.way, self.file, code, &kept.verifier)
            .await?;
        let id_token = tokens.more.get("id_token").and_then(Value::as_str);
        let id_token = id_token.ok_or_else(|| Trouble::untrusted("there is no ID token"))?;
        let expected = Expected {
            nonce: &kept.nonce,
            not_before: kept.not_before,
        };
        let claims = self.checker().id_token(id_token, &expected, now).await?;
        let sub = sub(&claims)?.to_owned();
        let mut told = Told {
            session: claims.get("sid").and_then(Value::as_str).map(str::to_owned),
            everywhere: Some(sub.clone()),
            ..Told::default()
        };
        let mut all = claims;
        if self.oidc.userinfo {
            for (name, value) in self.userinfo(&tokens.access, &sub).await? {
                // What is signed counts before what is not.
                all.entry(name).or_insert(value);
            }
        }
        let all = Value::Object(all);
        let levels = &self.file.assurance;
        let mapped = self.file.claims.values().chain(levels.from.as_ref());
        for name in mapped.chain(self.file.refuse.iter().map(|r| &r.name)) {
            let found = super::file::Place::parse(name).and_then(|place| place.text(&all));
            told.values.extend(found.map(|value| (name.clone(), value)));
        }
        Ok(told)
    }

    /// Whether the answer comes from this provider and no other (RFC 9207, 2.4).
    fn check_iss(&self, params: &Params) -> Result<(), Trouble> {
        match params.get("iss") {
            Some(iss) if iss == self.file.issuer => Ok(()),
            None if !self.endpoints.says_iss => Ok(()),
            Some(_) => Err(Trouble::untrusted("the answer comes from another issuer")),
            None => Err(Trouble::untrusted("the answer does not say its issuer")),
        }
    }

    pub(crate) fn checker(&self) -> Checker<'_> {
        Checker {
            way: self.way,
            file: self.file,
            keys: self.keys,
            jwks: &self.endpoints.jwks,
            algorithms: &self.oidc.algorithms,
            client: &self.ours.id,
        }
    }

    /// What userinfo says, if it speaks of the same person (OpenID Connect Core 5.3.2).
    async fn userinfo(&self, access: &str, sub: &str) -> Result<serde_json::Map<String, Value>, Trouble> {
        let url = self.endpoints.userinfo.as_ref();
        let url = url.ok_or_else(|| Trouble::untrusted("it has no userinfo"))?;
        let request = Request {
            method: "GET",
            url,
            headers: vec![
                ("authorization".to_owned(), format!("Bearer {access}")),
                ("accept".to_owned(), "application/json".to_owned()),
            ],
            body: Vec::new(),
        };
        let answer = send(self.way, self.file, request).await?;
        if answer.status != 200 {
            return Err(Trouble::untrusted(format!("userinfo answered {}", answer.status)));
        }
        let said: Value =
            serde_json::from_slice(&answer.body).map_err(|_| Trouble::untrusted("userinfo is not JSON"))?;
        match said {
            Value::Object(said) if said.get("sub").and_then(Value::as_str) == Some(sub) => Ok(said),
            _ => Err(Trouble::untrusted("userinfo speaks of somebody else")),
        }
    }
}
