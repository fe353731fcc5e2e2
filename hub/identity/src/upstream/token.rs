//! A provider's tokens: the ID token of a sign-in (OpenID Connect Core 3.1.3.7) and the logout token (Back-Channel Logout 1.0,
//! 2.6).

use super::file::ProviderFile;
use super::keys::{Bringer, Keys};
use super::trouble::Trouble;
use super::way::Way;
use hub_core::time::Timestamp;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use serde_json::{Map, Value};
use url::Url;

/// Longest token read.
const LONGEST: usize = 16 * 1024;
/// By how much clocks may differ, in seconds.
pub(crate) const LEEWAY: i64 = 30;
/// Oldest token, by `iat`, in seconds: it was just made.
const OLDEST: i64 = 600;
/// Longest validity, in seconds.
const LIFE: i64 = 24 * 3600;
/// The event of a logout token.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// Most characters of `sub`.
const SUB: usize = 255;

pub(crate) type Claims = Map<String, Value>;

/// What checks a token of one provider.
pub(crate) struct Checker<'a> {
    pub(crate) way: &'a dyn Way,
    pub(crate) file: &'a ProviderFile,
    pub(crate) keys: &'a Keys,
    pub(crate) jwks: &'a Url,
    pub(crate) algorithms: &'a [Algorithm],
    pub(crate) client: &'a str,
}

/// What an ID token must say.
pub(crate) struct Expected<'a> {
    pub(crate) nonce: &'a str,
    /// Not signed in before, in seconds, if that was asked for.
    pub(crate) not_before: Option<i64>,
}

fn bad(what: &str) -> Trouble {
    Trouble::untrusted(format!("its token: {what}"))
}

impl Checker<'_> {
    /// The claims of a good ID token.
    pub(crate) async fn id_token(
        &self,
        token: &str,
        expected: &Expected<'_>,
        now: Timestamp,
    ) -> Result<Claims, Trouble> {
        let claims = self.signed(token, &["jwt"], Bringer::Provider, now).await?;
        let now = now.as_second();
        self.addressed(&claims)?;
        let (expires, issued) = times(&claims, now)?;
        if issued < now - OLDEST || expires - issued > LIFE {
            return Err(bad("its times are not plausible"));
        }
        if claims.get("nonce").and_then(Value::as_str) != Some(expected.nonce) {
            return Err(bad("nonce"));
        }
        sub(&claims)?;
        if let Some(least) = expected.not_before {
            let at =
                whole(&claims, "auth_time")?.ok_or_else(|| bad("auth_time is missing although it was asked for"))?;
            if at < least - LEEWAY || at > now + LEEWAY {
                return Err(bad("the person did not sign in anew"));
            }
        }
        Ok(claims)
    }

    /// The claims of a good logout token.
    pub(crate) async fn logout_token(&self, token: &str, now: Timestamp) -> Result<Claims, Trouble> {
        let claims = self
            .signed(token, &["jwt", "logout+jwt"], Bringer::Anybody, now)
            .await?;
        let now = now.as_second();
        self.addressed(&claims)?;
        let (expires, issued) = times(&claims, now)?;
        if issued < now - OLDEST || expires - issued > LIFE {
            return Err(bad("its times are not plausible"));
        }
        if !claims
            .get("events")
            .and_then(|e| e.get(EVENT))
            .is_some_and(Value::is_object)
        {
            return Err(bad("it tells of no sign-out"));
        }
        // An ID token must not pass for one (2.4).
        if claims.contains_key("nonce") {
            return Err(bad("a logout token with a nonce"));
        }
        if claims.contains_key("sub") {
            sub(&claims)?;
        }
        let named = |name| {
            claims
                .get(name)
                .and_then(Value::as_str)
                .is_some_and(|v| !v.is_empty() && v.len() <= SUB)
        };
        if !named("jti") || !(named("sub") || named("sid")) {
            return Err(bad("jti, sub or sid is missing"));
        }
        Ok(claims)
    }

    async fn signed(&self, token: &str, types: &[&str], bringer: Bringer, now: Timestamp) -> Result<Claims, Trouble> {
        let (kid, algorithm) = self.header(token, types)?;
        let source = (self.way, self.file, self.jwks);
        let wanted = (kid.as_deref(), algorithm);
        let mut rules = Validation::new(algorithm);
        // Claims are ours to check, because they need the caller's clock.
        rules.required_spec_claims.clear();
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.validate_aud = false;
        for again in [false, true] {
            let keys = self.keys.find(source, wanted, bringer, again, now).await?;
            let good = keys.iter().find_map(|k| decode::<Claims>(token, &k.key, &rules).ok());
            if let Some(good) = good {
                return Ok(good.claims);
            }
        }
        Err(bad("its signature does not fit"))
    }

    fn header(&self, token: &str, types: &[&str]) -> Result<(Option<String>, Algorithm), Trouble> {
        if token.len() > LONGEST || token.split('.').count() != 3 {
            return Err(bad("it is none in compact form"));
        }
        let header = decode_header(token).map_err(|_| bad("header"))?;
        let Header {
            typ,
            alg,
            cty: None,
            jku: None,
            jwk: None,
            kid,
            x5u: None,
            x5c: None,
            crit: None,
            enc: None,
            zip: None,
            ..
        } = header
        else {
            return Err(bad("its header brings keys or asks for something that is not known"));
        };
        if !self.algorithms.contains(&alg) {
            return Err(bad("an algorithm that its file does not name"));
        }
        let plain = typ.map(|t| t.to_ascii_lowercase());
        let plain = plain.as_deref().map(|t| t.strip_prefix("application/").unwrap_or(t));
        if plain.is_some_and(|t| !types.contains(&t)) {
            return Err(bad("typ"));
        }
        Ok((kid, alg))
    }

    /// `iss`, `aud` and `azp`.
    fn addressed(&self, claims: &Claims) -> Result<(), Trouble> {
        if claims.get("iss").and_then(Value::as_str) != Some(self.file.issuer.as_str()) {
            return Err(bad("iss"));
        }
        let (ours, several) = match claims.get("aud") {
            Some(Value::String(one)) => (one == self.client, false),
            Some(Value::Array(list)) if list.iter().all(Value::is_string) => {
                (list.iter().any(|a| a.as_str() == Some(self.client)), list.len() > 1)
            }
            _ => (false, false),
        };
        if !ours {
            return Err(bad("aud"));
        }
        match claims.get("azp") {
            None if several => Err(bad("several audiences and no azp")),
            None => Ok(()),
            Some(azp) if azp.as_str() == Some(self.client) => Ok(()),
            Some(_) => Err(bad("azp")),
        }
    }
}

/// A NumericDate in whole seconds. A number in a string is none.
fn whole(claims: &Claims, name: &str) -> Result<Option<i64>, Trouble> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(n)) => {
            let seconds = n.as_i64().filter(|s| (0..=253_402_300_799).contains(s));
            seconds.map(Some).ok_or_else(|| bad(name))
        }
        Some(_) => Err(bad(name)),
    }
}

/// `exp` and `iat` of a token whose times can be.
fn times(claims: &Claims, now: i64) -> Result<(i64, i64), Trouble> {
    let expires = whole(claims, "exp")?.ok_or_else(|| bad("exp"))?;
    let issued = whole(claims, "iat")?.ok_or_else(|| bad("iat"))?;
    let from = whole(claims, "nbf")?.unwrap_or(issued);
    if expires <= now - LEEWAY {
        return Err(bad("it has expired"));
    }
    if issued > now + LEEWAY || from > now + LEEWAY || expires < issued {
        return Err(bad("it is from the future"));
    }
    Ok((expires, issued))
}

/// `sub`: a text that can stand in a header or a log line.
pub(crate) fn sub(claims: &Claims) -> Result<&str, Trouble> {
    let sub = claims.get("sub").and_then(Value::as_str);
    sub.filter(|s| crate::claims::is_plain(s, SUB))
        .ok_or_else(|| bad("sub"))
}
