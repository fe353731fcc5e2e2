//! Authorization requests: read, checked, pushed.

use super::access::assurance;
use super::client::SsoClient;
use super::error::{OauthCode, OauthError};
use super::params::{Params, appended};
use super::provider::{Provider, fresh, hashed, later};
use super::scope::scope;
use hub_core::Assurance;
use hub_core::time::Timestamp;
use hub_store::RequestKind;
use serde::{Deserialize, Serialize};

/// Seconds a pushed request is good for.
pub const PUSHED_SECONDS: u64 = 90;
/// What a name of a pushed request begins with (RFC 9126, 2.2).
const PUSHED: &str = "urn:ietf:params:oauth:request_uri:";
/// Most characters of `state` and `nonce`.
const TEXT: usize = 1024;

/// A request that was checked: client and address are right, everything it asks for can be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthRequest {
    /// Who asks.
    pub client: String,
    /// Where the browser goes back to, to the letter.
    pub redirect: String,
    /// `state`.
    pub state: Option<String>,
    /// `nonce`.
    pub nonce: Option<String>,
    /// Scopes, those we know.
    pub scopes: Vec<String>,
    /// PKCE challenge.
    pub challenge: String,
    /// `prompt=none`: nobody may be shown anything.
    pub silent: bool,
    /// `prompt=login` or `select_account`: the person signs in again.
    pub again: bool,
    /// `prompt=consent`: the person is asked again.
    pub ask: bool,
    /// `max_age` in seconds.
    pub max_age: Option<i64>,
    /// The least of `acr_values`.
    pub least: Option<Assurance>,
    /// The `sub` the client expects (`id_token_hint`).
    pub expected: Option<String>,
    /// For whom its access tokens are (RFC 8707).
    pub resource: Option<String>,
    /// Thumbprint of the key that the code is bound to (`dpop_jkt`).
    #[serde(default)]
    pub holder: Option<String>,
    /// When it came, in microseconds.
    pub opened: i64,
}

/// Where the browser goes with a refusal, or with a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Back {
    /// The whole address.
    pub address: String,
}

/// A request that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Client or address are not right: the person sees a page of ours, and is sent nowhere.
    Page(OauthError),
    /// The client hears of it.
    Back(Back),
}

impl From<OauthError> for Refused {
    fn from(error: OauthError) -> Self {
        Self::Page(error)
    }
}

impl Provider {
    /// Reads an authorization request.
    ///
    /// # Errors
    /// A page, as long as client or address are not known to be right; else the way back.
    pub async fn open(&self, params: &Params, now: Timestamp) -> Result<AuthRequest, Refused> {
        let client = self.asking(params).await?;
        let (params, pushed) = match params.get("request_uri") {
            None => (params.clone(), false),
            // Not one that was pushed: nothing is fetched, and the client hears of it.
            Some(name) if !name.starts_with(PUSHED) && registered(&client, params).is_ok() => (params.clone(), false),
            Some(name) => (self.pushed(name, &client, now).await?, true),
        };
        let redirect = registered(&client, &params)?;
        let read = if client.row().pushed_only && !pushed {
            Err(OauthError::request(
                "该应用必须先推送授权请求（PAR）",
                "this client must push its requests (PAR)",
            ))
        } else {
            self.read(&client, &params, now)
        };
        read.map_err(|error| Refused::Back(self.refusal(redirect, params.get("state"), &error)))
    }

    async fn asking(&self, params: &Params) -> Result<SsoClient, OauthError> {
        let unknown = || OauthError::request("该应用没有在枢纽登记", "the client is not registered here");
        self.client(params.need("client_id")?).await?.ok_or_else(unknown)
    }

    async fn pushed(&self, name: &str, client: &SsoClient, now: Timestamp) -> Result<Params, OauthError> {
        let gone = || {
            OauthError::new(
                OauthCode::InvalidRequestUri,
                "推送的请求不存在、已用过或已过期",
                "the pushed request is unknown, used or expired",
            )
        };
        let handle = name.strip_prefix(PUSHED).ok_or_else(gone)?;
        let hash = hashed(handle);
        let all = self.store.sign_ins();
        let taken = all
            .take_request(RequestKind::Pushed, &hash, &client.row().id, now)
            .await?;
        let pairs = serde_json::from_slice(&taken.ok_or_else(gone)?).map_err(OauthError::ours)?;
        Params::new(pairs)
    }

    /// Takes a request from a client that proved itself (RFC 9126); answers its name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn push(
        &self,
        client: &SsoClient,
        params: Params,
        key: Option<&str>,
        now: Timestamp,
    ) -> Result<String, OauthError> {
        client.may("authorization_code")?;
        if params.get("request_uri").is_some() {
            return Err(OauthError::request(
                "推送的请求不能再指向请求",
                "a pushed request cannot name another",
            ));
        }
        if params.get("client_id").is_some_and(|id| id != client.row().id) {
            return Err(OauthError::request(
                "client_id 与应用不符",
                "client_id is not the client that proved itself",
            ));
        }
        registered(client, &params)?;
        self.read(client, &params, now)?;
        let handle = fresh(32)?;
        let named = params.get("dpop_jkt").map(str::to_owned);
        let mut pairs = params.without_proof();
        match (named, key) {
            (Some(named), Some(key)) if named != key => {
                return Err(OauthError::new(
                    OauthCode::InvalidDpopProof,
                    "dpop_jkt 与 DPoP 证明的密钥不符",
                    "dpop_jkt is not the key of the DPoP proof",
                ));
            }
            (None, Some(key)) => pairs.push(("dpop_jkt".to_owned(), key.to_owned())),
            _ => {}
        }
        let pairs = serde_json::to_vec(&pairs).map_err(OauthError::ours)?;
        let until = later(now, PUSHED_SECONDS);
        self.store
            .sign_ins()
            .keep_request(RequestKind::Pushed, &hashed(&handle), &client.row().id, &pairs, until)
            .await?;
        Ok(format!("{PUSHED}{handle}"))
    }

    /// The way back with a refusal (RFC 6749, 4.1.2.1; RFC 9207).
    pub(crate) fn refusal(&self, redirect: &str, state: Option<&str>, error: &OauthError) -> Back {
        let mut pairs = vec![
            ("error", error.code.as_str()),
            ("error_description", error.text.en.as_str()),
        ];
        pairs.extend(state.map(|s| ("state", s)));
        pairs.push(("iss", self.issuer()));
        Back {
            address: appended(redirect, &pairs),
        }
    }

    fn read(&self, client: &SsoClient, params: &Params, now: Timestamp) -> Result<AuthRequest, OauthError> {
        client.may("authorization_code")?;
        response(params)?;
        let prompt: Vec<&str> = params
            .get("prompt")
            .unwrap_or_default()
            .split(' ')
            .filter(|p| !p.is_empty())
            .collect();
        let known = ["none", "login", "consent", "select_account"];
        let silent = prompt.contains(&"none");
        if silent && prompt.len() > 1 || prompt.iter().any(|p| !known.contains(p)) {
            return Err(OauthError::request(
                "prompt 的取值不可用",
                "prompt has a value that cannot be used",
            ));
        }
        let max_age = match params.get("max_age").map(str::parse::<i64>) {
            None => None,
            Some(Ok(age)) if age >= 0 => Some(age),
            Some(_) => {
                return Err(OauthError::request(
                    "max_age 不是秒数",
                    "max_age is not a number of seconds",
                ));
            }
        };
        Ok(AuthRequest {
            client: client.row().id.clone(),
            redirect: params.need("redirect_uri")?.to_owned(),
            state: bounded(params, "state")?,
            nonce: bounded(params, "nonce")?,
            scopes: scopes(client, params)?,
            challenge: challenge(params)?,
            silent,
            again: prompt.contains(&"login") || prompt.contains(&"select_account"),
            ask: prompt.contains(&"consent"),
            max_age,
            least: least(params)?,
            expected: params
                .get("id_token_hint")
                .map(|t| self.hinted(t, client))
                .transpose()?,
            resource: self.resource(params)?,
            holder: holder(params)?,
            opened: now.as_microsecond(),
        })
    }

    fn hinted(&self, token: &str, client: &SsoClient) -> Result<String, OauthError> {
        let hint = self.read_id_token(token).filter(|h| h.client == client.row().id);
        let hint = hint.ok_or_else(|| OauthError::request("id_token_hint 无效", "id_token_hint is not good"))?;
        Ok(hint.sub)
    }

    /// The one resource that tokens are for, if one is named.
    pub(crate) fn resource(&self, params: &Params) -> Result<Option<String>, OauthError> {
        match params.get("resource") {
            None => Ok(None),
            Some(one) if self.access.services().iter().any(|s| s == one) => Ok(Some(one.to_owned())),
            Some(_) => Err(OauthError::new(
                OauthCode::InvalidTarget,
                "没有这个资源",
                "there is no such resource here",
            )),
        }
    }
}

/// The address, if it is one of the client's to the letter.
fn registered<'a>(client: &SsoClient, params: &'a Params) -> Result<&'a str, OauthError> {
    let wanted = params.need("redirect_uri")?;
    if client.leads_to(wanted) {
        return Ok(wanted);
    }
    Err(OauthError::request(
        "返回地址与应用登记的不一致",
        "redirect_uri is not one the client has registered",
    ))
}

fn response(params: &Params) -> Result<(), OauthError> {
    if params.get("request").is_some() {
        return Err(OauthError::new(
            OauthCode::RequestNotSupported,
            "不接受 request 对象",
            "request objects are not taken",
        ));
    }
    if params.get("request_uri").is_some() {
        return Err(OauthError::new(
            OauthCode::RequestUriNotSupported,
            "request_uri 只接受推送请求的回执",
            "request_uri names pushed requests only",
        ));
    }
    if params.get("registration").is_some() {
        return Err(OauthError::new(
            OauthCode::RegistrationNotSupported,
            "应用须事先登记",
            "clients are registered beforehand",
        ));
    }
    match params.need("response_type")? {
        "code" => {}
        _ => {
            return Err(OauthError::new(
                OauthCode::UnsupportedResponseType,
                "只支持 response_type=code",
                "only response_type=code is supported",
            ));
        }
    }
    match params.get("response_mode") {
        None | Some("query") => Ok(()),
        Some(_) => Err(OauthError::request(
            "只支持 response_mode=query",
            "only response_mode=query is supported",
        )),
    }
}

fn bounded(params: &Params, name: &'static str) -> Result<Option<String>, OauthError> {
    match params.get(name) {
        Some(text) if text.len() > TEXT => Err(OauthError::request(
            &format!("{name} 过长"),
            &format!("{name} is too long"),
        )),
        other => Ok(other.map(str::to_owned)),
    }
}

/// Scopes we know; what we do not know is ignored (OpenID Connect Core 3.1.2.1), what the client may not have is refused.
fn scopes(client: &SsoClient, params: &Params) -> Result<Vec<String>, OauthError> {
    let mut wanted: Vec<String> = Vec::new();
    for word in params.get("scope").unwrap_or_default().split(' ') {
        if scope(word).is_some() && !wanted.iter().any(|w| w == word) {
            wanted.push(word.to_owned());
        }
    }
    let bad = |zh, en| Err(OauthError::new(OauthCode::InvalidScope, zh, en));
    if !wanted.iter().any(|w| w == "openid") {
        return bad("scope 必须包含 openid", "the scope must contain openid");
    }
    if !wanted.iter().all(|w| client.row().scopes.contains(w)) {
        return bad(
            "应用没有登记所请求的 scope",
            "the client is not registered for a scope it asks for",
        );
    }
    Ok(wanted)
}

/// The challenge of PKCE: S256 and nothing else (RFC 7636; RFC 9700, 2.1.1).
fn challenge(params: &Params) -> Result<String, OauthError> {
    let missing = |_| {
        OauthError::request(
            "必须使用 PKCE（code_challenge）",
            "PKCE is required: code_challenge is missing",
        )
    };
    let text = params.need("code_challenge").map_err(missing)?;
    if params.get("code_challenge_method") != Some("S256") {
        return Err(OauthError::request(
            "PKCE 只支持 code_challenge_method=S256",
            "only code_challenge_method=S256 is supported",
        ));
    }
    let good = text.len() == 43
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if good {
        return Ok(text.to_owned());
    }
    Err(OauthError::request(
        "code_challenge 格式不对",
        "code_challenge is not a SHA-256 in base64url",
    ))
}

fn holder(params: &Params) -> Result<Option<String>, OauthError> {
    let plain = |t: &str| t.len() == 43 && t.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    match params.get("dpop_jkt") {
        Some(text) if !plain(text) => Err(OauthError::request(
            "dpop_jkt 格式不对",
            "dpop_jkt is not a SHA-256 thumbprint in base64url",
        )),
        other => Ok(other.map(str::to_owned)),
    }
}

fn least(params: &Params) -> Result<Option<Assurance>, OauthError> {
    let Some(values) = params.get("acr_values") else {
        return Ok(None);
    };
    let known: Vec<Assurance> = values.split(' ').filter_map(assurance).collect();
    known.iter().min().copied().map(Some).ok_or_else(|| {
        OauthError::new(
            OauthCode::UnmetAuthenticationRequirements,
            "acr_values 中没有枢纽认识的等级",
            "acr_values names no level that is known here",
        )
    })
}
