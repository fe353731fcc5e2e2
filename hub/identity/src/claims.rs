//! From the claims of a token whose signature fits to a subject.

use crate::{TokenError, TrustedIssuer};
use hub_core::{Assurance, Mandate, Subject};
use serde_json::{Map, Value};

/// Clocks of issuers may be this far off, in seconds.
const LEEWAY: i64 = 30;
/// Longest validity of a subject token, in seconds.
const LONGEST: i64 = 24 * 3600;
/// Most characters of `sub`.
const SUB: usize = 255;
/// Most characters of any other text claim.
const TEXT: usize = 200;

type Claims = Map<String, Value>;

/// The subject of a token, at a time in seconds since the epoch.
pub(crate) fn subject(claims: &Claims, issuer: &TrustedIssuer, now: i64) -> Result<Subject, TokenError> {
    if claims.get("iss").and_then(Value::as_str) != Some(issuer.issuer.as_str()) {
        return Err(TokenError::Issuer);
    }
    audience(claims, issuer)?;
    let expires = times(claims, now)?;
    let sub = text(claims, "sub", SUB)?.ok_or(TokenError::Claim("sub"))?;
    Ok(Subject {
        id: format!("{}#{sub}", issuer.issuer),
        assurance: assurance(claims)?.min(issuer.most),
        name: text(claims, "name", TEXT)?,
        id_number: text(claims, "id_number", TEXT)?,
        mobile: text(claims, "mobile", TEXT)?,
        mandate: mandate(claims)?,
        expires,
    })
}

fn audience(claims: &Claims, issuer: &TrustedIssuer) -> Result<(), TokenError> {
    let ours = |v: &Value| v.as_str().is_some_and(|a| issuer.audiences.iter().any(|o| o == a));
    let good = match claims.get("aud") {
        Some(Value::Array(list)) => list.iter().all(Value::is_string) && list.iter().any(ours),
        Some(one) => ours(one),
        None => false,
    };
    if good { Ok(()) } else { Err(TokenError::Audience) }
}

/// A NumericDate (RFC 7519, 2) in whole seconds. A number in a string is none.
fn seconds(claims: &Claims, name: &'static str) -> Result<Option<i64>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(n)) => n.as_i64().filter(|s| *s >= 0).map(Some).ok_or(TokenError::Claim(name)),
        Some(_) => Err(TokenError::Claim(name)),
    }
}

/// The end of a token whose times are plausible.
pub(crate) fn times(claims: &Claims, now: i64) -> Result<i64, TokenError> {
    let expires = seconds(claims, "exp")?.ok_or(TokenError::Claim("exp"))?;
    let issued = seconds(claims, "iat")?.ok_or(TokenError::Claim("iat"))?;
    let from = seconds(claims, "nbf")?.unwrap_or(issued);
    if expires <= now {
        return Err(TokenError::Expired);
    }
    let future = issued > now + LEEWAY || from > now + LEEWAY;
    // `issued` is not negative, so the difference cannot overflow.
    if future || expires < issued || expires - issued > LONGEST {
        return Err(TokenError::Times);
    }
    Ok(expires)
}

fn assurance(claims: &Claims) -> Result<Assurance, TokenError> {
    claims
        .get("acr")
        .and_then(Value::as_str)
        .and_then(|word| word.parse().ok())
        .ok_or(TokenError::Claim("acr"))
}

/// A text claim: a string, not empty, not long, and without anything that could break out of a header or a log line.
fn text(claims: &Claims, name: &'static str, most: usize) -> Result<Option<String>, TokenError> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::String(s)) if is_plain(s, most) => Ok(Some(s.clone())),
        Some(_) => Err(TokenError::Claim(name)),
    }
}

pub(crate) fn is_plain(text: &str, most: usize) -> bool {
    let odd = |c: char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    !text.trim().is_empty() && text.chars().count() <= most && !text.chars().any(odd)
}

fn mandate(claims: &Claims) -> Result<Option<Mandate>, TokenError> {
    let fields = match claims.get("mandate") {
        None => return Ok(None),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(TokenError::Claim("mandate")),
    };
    let part = |name| text(fields, name, TEXT)?.ok_or(TokenError::Claim("mandate"));
    Ok(Some(Mandate {
        uscc: part("uscc")?,
        org_name: part("org_name")?,
        role: part("role")?,
    }))
}
