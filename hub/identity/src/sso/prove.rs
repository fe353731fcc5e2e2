//! How a client proves itself at our back doors (OpenID Connect Core 9; RFC 7523).

use super::client::SsoClient;
use super::error::OauthError;
use super::params::Params;
use super::provider::{Provider, later};
use crate::verifier::rules;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, base64_url, ct_eq, digest, from_base64};
use jsonwebtoken::{Algorithm, decode, decode_header};
use serde_json::{Map, Value};

const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest validity of an assertion, and by how much clocks may differ, in seconds.
const LONGEST: i64 = 600;
const LEEWAY: i64 = 30;

/// What a client sent to prove itself.
enum Proof {
    /// Nothing but its name.
    Name(String),
    /// Its secret.
    Secret {
        method: &'static str,
        id: String,
        secret: String,
    },
    /// A signed assertion.
    Assertion(String),
}

impl Provider {
    /// The client that stands behind a request with these parameters and this `Authorization` header.
    ///
    /// # Errors
    /// `invalid_client`, `invalid_request` if it proves itself in two ways at once.
    pub async fn prove(
        &self,
        params: &Params,
        authorization: Option<&str>,
        now: Timestamp,
    ) -> Result<SsoClient, OauthError> {
        match proof(params, authorization)? {
            Proof::Name(id) => {
                let client = self.client(&id).await?.ok_or_else(OauthError::client)?;
                if client.row().auth == "none" {
                    Ok(client)
                } else {
                    Err(OauthError::client())
                }
            }
            Proof::Secret { method, id, secret } => {
                let client = self.client(&id).await?.ok_or_else(OauthError::client)?;
                let given = digest(Digest::Sha256, secret.as_bytes());
                let good = client.row().secret.as_ref().is_some_and(|kept| ct_eq(kept, &given));
                if good && client.row().auth == method {
                    Ok(client)
                } else {
                    Err(OauthError::client())
                }
            }
            Proof::Assertion(token) => self.assertion(&token, params.get("client_id"), now).await,
        }
    }

    async fn assertion(&self, token: &str, named: Option<&str>, now: Timestamp) -> Result<SsoClient, OauthError> {
        // Whose keys are tried is read before anything is proven, and held against the proven claims below.
        let id = claimed_issuer(token).ok_or_else(OauthError::client)?;
        if named.is_some_and(|n| n != id) {
            return Err(OauthError::client());
        }
        let client = self.client(&id).await?.ok_or_else(OauthError::client)?;
        if client.row().auth != "private_key_jwt" {
            return Err(OauthError::client());
        }
        let (kid, alg) = header_key(token)?;
        let claims = client
            .keys()
            .iter()
            .filter(|k| k.alg == alg && kid.as_ref().is_none_or(|kid| *kid == k.id))
            .find_map(|k| decode::<Map<String, Value>>(token, &k.key, &rules(alg)).ok())
            .ok_or_else(OauthError::client)?
            .claims;
        let (jti, expires) = self.assertion_claims(&claims, &id, now)?;
        let mark = base64_url(&digest(Digest::Sha256, format!("{id}\0{jti}").as_bytes()));
        let until = later(now, (expires - now.as_second() + LEEWAY).unsigned_abs());
        if self.store.sign_ins().comes_first(&mark, now, until).await? {
            Ok(client)
        } else {
            Err(OauthError::client())
        }
    }

    fn assertion_claims(
        &self,
        claims: &Map<String, Value>,
        id: &str,
        now: Timestamp,
    ) -> Result<(String, i64), OauthError> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        // One audience and it is us: an assertion for several could be handed on by any of them (CVE-2025-27370).
        let audience = match claims.get("aud") {
            Some(Value::String(one)) => Some(one.as_str()),
            Some(Value::Array(list)) if list.len() == 1 => list.first().and_then(Value::as_str),
            _ => None,
        };
        let issuer = self.issuer();
        let ours = audience
            .is_some_and(|a| a == issuer || a.strip_prefix(issuer).is_some_and(|p| p == "/token" || p == "/par"));
        let now = now.as_second();
        let expires = claims.get("exp").and_then(Value::as_i64);
        let issued = claims.get("iat").map_or(Some(now), Value::as_i64);
        let from = claims.get("nbf").map_or(Some(now), Value::as_i64);
        let (Some(expires), Some(issued), Some(from), Some(jti)) = (expires, issued, from, text("jti")) else {
            return Err(OauthError::client());
        };
        let timely =
            expires > now - LEEWAY && expires <= now + LONGEST && issued <= now + LEEWAY && from <= now + LEEWAY;
        let own = text("iss") == Some(id) && text("sub") == Some(id);
        if ours && timely && own && !jti.is_empty() && jti.len() <= 255 {
            Ok((jti.to_owned(), expires))
        } else {
            Err(OauthError::client())
        }
    }
}

fn proof(params: &Params, authorization: Option<&str>) -> Result<Proof, OauthError> {
    let twice = || {
        OauthError::request(
            "应用同时用了两种方式证明自己",
            "the client proves itself in two ways at once",
        )
    };
    let basic = authorization
        .map(|value| basic(value).ok_or_else(OauthError::client))
        .transpose()?;
    let posted = params.get("client_secret");
    let assertion = params.get("client_assertion");
    if [basic.is_some(), posted.is_some(), assertion.is_some()]
        .iter()
        .filter(|b| **b)
        .count()
        > 1
    {
        return Err(twice());
    }
    if let Some((id, secret)) = basic {
        if params.get("client_id").is_some_and(|named| named != id) {
            return Err(OauthError::client());
        }
        let method = "client_secret_basic";
        return Ok(Proof::Secret { method, id, secret });
    }
    if let Some(token) = assertion {
        if params.get("client_assertion_type") != Some(ASSERTION) {
            return Err(OauthError::client());
        }
        return Ok(Proof::Assertion(token.to_owned()));
    }
    let id = params.get("client_id").ok_or_else(OauthError::client)?.to_owned();
    Ok(match posted {
        Some(secret) => Proof::Secret {
            method: "client_secret_post",
            id,
            secret: secret.to_owned(),
        },
        None => Proof::Name(id),
    })
}

/// Id and secret of HTTP Basic, each form-encoded before it was put together (RFC 6749, 2.3.1).
fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, rest) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let plain = String::from_utf8(from_base64(rest.trim()).ok()?).ok()?;
    let (id, secret) = plain.split_once(':')?;
    let decoded = |text: &str| {
        let pair = format!("x={text}");
        let (_, value) = url::form_urlencoded::parse(pair.as_bytes()).next()?;
        Some(value.into_owned())
    };
    Some((decoded(id)?, decoded(secret)?))
}

fn claimed_issuer(token: &str) -> Option<String> {
    let body = token.split('.').nth(1)?;
    let claims: Value = serde_json::from_slice(&hub_crypto::from_base64_url(body).ok()?).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// The key id and the algorithm, if the header asks for nothing but a check with a key that is registered.
fn header_key(token: &str) -> Result<(Option<String>, Algorithm), OauthError> {
    let header = decode_header(token).map_err(|_| OauthError::client())?;
    let brings = header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() || header.x5c.is_some();
    let known = matches!(header.alg, Algorithm::ES256 | Algorithm::EdDSA);
    if !known || brings || header.crit.is_some() {
        return Err(OauthError::client());
    }
    Ok((header.kid, header.alg))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_decoded_twice() {
        // RFC 6749, 2.3.1: its own sample.
        let sample = basic("Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3").unwrap();
        assert_eq!(sample, ("s6BhdRkqt3".to_owned(), "7Fjfp0ZBr1KtDRbnfVdmIw".to_owned()));
        let odd = format!("basic {}", hub_crypto::base64(b"a%3Ab:c+d%25"));
        assert_eq!(basic(&odd), Some(("a:b".to_owned(), "c d%".to_owned())));
        for bad in ["Bearer x", "Basic", "Basic !!!", "Basic YQ=="] {
            assert_eq!(basic(bad), None, "{bad}");
        }
    }
}
