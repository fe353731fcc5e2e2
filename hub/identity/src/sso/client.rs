//! Applications that people sign in to: what they may be, and reading their registration.

use super::error::OauthError;
use super::exchange::TOKEN_EXCHANGE;
use super::keys::ALGORITHMS;
use super::scope::scope;
use crate::issuer::SigningKey;
use hub_store::SsoClientRow;
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// Ways to prove oneself (OpenID Connect Core 9), `none` for public clients.
pub const AUTH_METHODS: &[&str] = &["none", "client_secret_basic", "client_secret_post", "private_key_jwt"];
/// Grant types.
pub const GRANTS: &[&str] = &[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    TOKEN_EXCHANGE,
];
/// Most addresses of a client.
const MOST: usize = 20;

/// A registration that is not good: where, what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unfit {
    /// Name of the member.
    pub member: &'static str,
    /// What would have been right.
    pub expected: &'static str,
}

fn unfit(member: &'static str, expected: &'static str) -> Unfit {
    Unfit { member, expected }
}

/// Members of a registration (names of RFC 7591 and its relatives, and `sector`, `token_exchange_audiences`, `allowed_origins`).
pub const MEMBERS: &[&str] = &[
    "client_id",
    "client_name",
    "client_name#en",
    "token_endpoint_auth_method",
    "jwks",
    "redirect_uris",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "sector",
    "scope",
    "grant_types",
    "require_pushed_authorization_requests",
    "id_token_signed_response_alg",
    "dpop_bound_access_tokens",
    "token_exchange_audiences",
    "allowed_origins",
];

/// Reads a registration. Id, secret and birth are the caller's to set where they are missing.
///
/// # Errors
/// The first member that is not good.
pub(crate) fn registration(given: &Value) -> Result<SsoClientRow, Unfit> {
    let text = |name: &str| given.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let name = text("client_name").ok_or(unfit("client_name", "a name people read"))?;
    let auth = text("token_endpoint_auth_method").unwrap_or("client_secret_basic");
    if !AUTH_METHODS.contains(&auth) {
        let expected = "none, client_secret_basic, client_secret_post or private_key_jwt";
        return Err(unfit("token_endpoint_auth_method", expected));
    }
    let grants = match given.get("grant_types") {
        None => vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        Some(list) => words(list, "grant_types", |g| GRANTS.contains(&g))?,
    };
    let proving = |g: &String| g == "client_credentials" || g == TOKEN_EXCHANGE;
    if auth == "none" && grants.iter().any(proving) {
        return Err(unfit(
            "grant_types",
            "no client_credentials and no token exchange for a client that cannot prove itself",
        ));
    }
    let with_people = grants.iter().any(|g| g == "authorization_code");
    let redirects = addresses(given, "redirect_uris", is_redirect)?;
    if redirects.is_empty() && with_people {
        return Err(unfit("redirect_uris", "at least one address"));
    }
    let back_channel = match text("backchannel_logout_uri") {
        None => None,
        Some(address) if is_web(address) => Some(address.to_owned()),
        Some(_) => return Err(unfit("backchannel_logout_uri", "an https address without a fragment")),
    };
    let scopes = text("scope").unwrap_or("openid");
    let scopes: Vec<String> = scopes.split(' ').filter(|s| !s.is_empty()).map(str::to_owned).collect();
    if !scopes.iter().all(|s| scope(s).is_some()) {
        return Err(unfit("scope", "scopes of the discovery document"));
    }
    Ok(SsoClientRow {
        id: id(text("client_id"))?,
        name: name.to_owned(),
        en: text("client_name#en").unwrap_or(name).to_owned(),
        auth: auth.to_owned(),
        secret: None,
        keys: keys(given, auth)?,
        sector: sector(text("sector"), &redirects)?,
        logouts: addresses(given, "post_logout_redirect_uris", is_redirect)?,
        redirects,
        back_channel,
        scopes,
        grants,
        pushed_only: given.get("require_pushed_authorization_requests") == Some(&Value::Bool(true)),
        alg: algorithm(text("id_token_signed_response_alg"))?,
        dpop: given.get("dpop_bound_access_tokens") == Some(&Value::Bool(true)),
        exchanges: match given.get("token_exchange_audiences") {
            None => Vec::new(),
            Some(list) => words(list, "token_exchange_audiences", |a| !a.is_empty() && a.len() <= 64)?,
        },
        origins: addresses(given, "allowed_origins", is_origin)?,
        active: true,
        created: hub_core::time::Timestamp::UNIX_EPOCH,
    })
}

fn id(given: Option<&str>) -> Result<String, Unfit> {
    let good = |id: &str| id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    match given {
        None => Ok(String::new()),
        Some(id) if good(id) => Ok(id.to_owned()),
        Some(_) => Err(unfit("client_id", "at most 64 letters, digits and -_.")),
    }
}

fn algorithm(given: Option<&str>) -> Result<String, Unfit> {
    match given {
        None => Ok("ES256".to_owned()),
        Some(alg) if ALGORITHMS.contains(&alg) => Ok(alg.to_owned()),
        Some(_) => Err(unfit("id_token_signed_response_alg", "ES256, EdDSA or SM2")),
    }
}

/// Whether it is what a browser sends in `Origin`, to the letter (RFC 6454, 6.2).
fn is_origin(text: &str) -> bool {
    is_web(text) && Url::parse(text).is_ok_and(|url| url.origin().ascii_serialization() == text)
}

fn words(list: &Value, member: &'static str, good: impl Fn(&str) -> bool) -> Result<Vec<String>, Unfit> {
    let bad = unfit(member, "a list of known words");
    let list = list.as_array().ok_or(bad)?;
    list.iter()
        .map(|v| v.as_str().filter(|w| good(w)).map(str::to_owned).ok_or(bad))
        .collect()
}

fn addresses(given: &Value, member: &'static str, good: impl Fn(&str) -> bool) -> Result<Vec<String>, Unfit> {
    let bad = unfit(
        member,
        "at most 20 exact addresses: https, http on loopback, or a scheme of your own",
    );
    let Some(list) = given.get(member) else {
        return Ok(Vec::new());
    };
    let list = list.as_array().filter(|l| l.len() <= MOST).ok_or(bad)?;
    list.iter()
        .map(|v| v.as_str().filter(|a| good(a)).map(str::to_owned).ok_or(bad))
        .collect()
}

fn keys(given: &Value, auth: &str) -> Result<Option<String>, Unfit> {
    let bad = unfit("jwks", "a JWKS document with ES256 or EdDSA keys, for private_key_jwt");
    match (given.get("jwks"), auth) {
        (Some(jwks), "private_key_jwt") => match SigningKey::of_jwks(jwks) {
            Ok(_) => Ok(Some(jwks.to_string())),
            Err(_) => Err(bad),
        },
        (None, "private_key_jwt") | (Some(_), _) => Err(bad),
        (None, _) => Ok(None),
    }
}

/// The sector that was given, else the one host of all redirects (OpenID Connect Core 8.1).
fn sector(given: Option<&str>, redirects: &[String]) -> Result<String, Unfit> {
    if let Some(sector) = given {
        return Ok(sector.to_owned());
    }
    let place = |address: &String| {
        let url = Url::parse(address).ok()?;
        Some(url.host_str().map_or_else(|| url.scheme().to_owned(), str::to_owned))
    };
    let mut places: Vec<_> = redirects.iter().filter_map(place).collect();
    places.sort();
    places.dedup();
    match places.as_slice() {
        [one] => Ok(one.clone()),
        // A client without people never needs one; its id stands in when it is known.
        [] => Ok(String::new()),
        _ => Err(unfit("sector", "a name, because the redirects have several hosts")),
    }
}

/// Whether people may be sent there: nothing that browsers read differently than we do (RFC 9700, 4.1.3; RFC 8252).
fn is_redirect(address: &str) -> bool {
    if !is_plain(address) {
        return false;
    }
    match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => is_web(address),
        // A scheme of one's own carries a domain of one's own, so that no other app comes to it by chance.
        Ok(url) => url.scheme().contains('.') && url.username().is_empty(),
        Err(_) => false,
    }
}

fn is_web(address: &str) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let local = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    let open = url.scheme() == "https" || url.scheme() == "http" && local;
    open && is_plain(address) && url.username().is_empty() && url.password().is_none() && url.host_str().is_some()
}

fn is_plain(address: &str) -> bool {
    let odd = |b: u8| !b.is_ascii_graphic() || b"\\#*<>\"{}|^`".contains(&b);
    address.len() <= 500 && !address.bytes().any(odd) && !address.contains("/..") && !address.contains("/%2e")
}

/// Host and the rest of an address at a loopback IP, its port left out.
fn without_port(address: &str) -> Option<(&str, &str)> {
    let host = ["http://127.0.0.1", "http://[::1]"]
        .into_iter()
        .find(|h| address.starts_with(h))?;
    let rest = address.strip_prefix(host)?;
    let Some(port) = rest.strip_prefix(':') else {
        return Some((host, rest));
    };
    let digits = port.bytes().take_while(u8::is_ascii_digit).count();
    let (port, rest) = port.split_at_checked(digits)?;
    port.parse::<u16>().ok().map(|_| (host, rest))
}

/// A client that may act, with what of its registration the protocol asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoClient(Arc<SsoClientRow>);

impl SsoClient {
    pub(crate) fn new(row: SsoClientRow) -> Self {
        Self(Arc::new(row))
    }

    /// Its registration.
    #[must_use]
    pub fn row(&self) -> &SsoClientRow {
        &self.0
    }

    /// Whether people are sent back there: to the letter, but for the port of an app on the person's own machine, which
    /// takes whichever is free (RFC 8252, 7.3).
    #[must_use]
    pub fn leads_to(&self, address: &str) -> bool {
        let native = self.0.auth == "none";
        let same = |known: &String| {
            let alike = || Some(without_port(known)? == without_port(address)?);
            known == address || native && alike() == Some(true)
        };
        self.0.redirects.iter().any(same)
    }

    /// Whether it may use a grant type.
    ///
    /// # Errors
    /// `unauthorized_client`.
    pub(crate) fn may(&self, grant: &str) -> Result<(), OauthError> {
        if self.0.grants.iter().any(|g| g == grant) {
            return Ok(());
        }
        Err(OauthError::new(
            super::error::OauthCode::UnauthorizedClient,
            "该应用没有登记这种授权方式",
            "the client is not registered for this grant type",
        ))
    }

    /// Its keys, if it signs.
    pub(crate) fn keys(&self) -> Vec<SigningKey> {
        let document = self
            .0
            .keys
            .as_deref()
            .and_then(|k| serde_json::from_str::<Value>(k).ok());
        document.and_then(|d| SigningKey::of_jwks(&d).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn attack_05_redirects_that_browsers_read_differently_are_not_registered() {
        let good = [
            "https://app.example/cb",
            "https://app.example/cb?x=1",
            "http://127.0.0.1:8090/cb",
            "http://localhost/cb",
            "example.app.city:/cb",
        ];
        for address in good {
            assert!(is_redirect(address), "{address}");
        }
        let bad = [
            "http://app.example/cb",
            "https://app.example/cb#x",
            "https://user@app.example/cb",
            "https://app.example\\@evil.example/cb",
            "https://app.example/a/../cb",
            "https://app.example/%2e%2e/cb",
            "https://*.example/cb",
            "https://app.example/cb\r\nx: y",
            "https://app.example/c b",
            "javascript:alert(1)",
            "data:text/html,x",
            "//app.example/cb",
            "/cb",
            "",
        ];
        for address in bad {
            assert!(!is_redirect(address), "{address}");
        }
    }

    #[test]
    fn a_registration_says_what_is_wrong_with_it() {
        let good =
            json!({"client_name": "城市通", "redirect_uris": ["https://app.example/cb"], "scope": "openid profile"});
        let read = registration(&good).unwrap();
        assert_eq!(
            (read.sector.as_str(), read.auth.as_str()),
            ("app.example", "client_secret_basic")
        );
        for (name, value) in [
            ("client_name", json!("")),
            ("token_endpoint_auth_method", json!("client_secret_jwt")),
            ("redirect_uris", json!([])),
            ("redirect_uris", json!("https://app.example/cb")),
            ("grant_types", json!(["implicit"])),
            ("scope", json!("openid everything")),
            ("backchannel_logout_uri", json!("ftp://x")),
            ("client_id", json!("a b")),
            ("jwks", json!({"keys": []})),
            ("id_token_signed_response_alg", json!("none")),
            ("allowed_origins", json!(["https://app.example/"])),
            ("token_exchange_audiences", json!("everything")),
        ] {
            let mut bad = good.clone();
            bad[name] = value;
            assert_eq!(registration(&bad).unwrap_err().member, name);
        }
        let two = json!({"client_name": "x", "redirect_uris": ["https://a.example/cb", "https://b.example/cb"]});
        assert_eq!(registration(&two).unwrap_err().member, "sector");
    }
}
