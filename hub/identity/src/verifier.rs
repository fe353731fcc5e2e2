//! Verifying subject tokens.

use crate::claims;
use crate::{TokenError, TrustedIssuer};
use hub_core::Subject;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, digest};
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use moka::sync::Cache;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// Longest token read.
const LONGEST: usize = 8 * 1024;
/// Verified tokens remembered.
const REMEMBERED: u64 = 20_000;
/// How long a verified token is taken without looking again, in seconds.
const FRESH: i64 = 60;
/// Types of token taken (RFC 9068, 2.1); others, an id_token above all, are for other ends.
const TYPES: &[&str] = &["at+jwt", "application/at+jwt"];

/// A token seen and found good.
#[derive(Clone)]
struct Verified {
    subject: Arc<Subject>,
    /// Seconds since the epoch.
    at: i64,
}

/// Verifies subject tokens against issuers known beforehand.
pub struct TokenVerifier {
    issuers: Vec<TrustedIssuer>,
    seen: Cache<[u8; 32], Verified>,
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenVerifier")
            .field("issuers", &self.issuers)
            .finish_non_exhaustive()
    }
}

impl TokenVerifier {
    /// A verifier that trusts these issuers and nobody else.
    #[must_use]
    pub fn new(issuers: Vec<TrustedIssuer>) -> Self {
        Self {
            issuers,
            seen: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(Duration::from_secs(FRESH.unsigned_abs()))
                .build(),
        }
    }

    /// The subject of a good token.
    ///
    /// # Errors
    /// Why the token is not good.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Subject>, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Form);
        }
        let now = now.as_second();
        let name = fingerprint(token);
        if let Some(known) = name.and_then(|n| self.seen.get(&n)) {
            if known.subject.expires <= now {
                return Err(TokenError::Expired);
            }
            if (known.at..known.at + FRESH).contains(&now) {
                return Ok(known.subject);
            }
        }
        let subject = Arc::new(self.check(token, now)?);
        if let Some(name) = name {
            let verified = Verified {
                subject: Arc::clone(&subject),
                at: now,
            };
            self.seen.insert(name, verified);
        }
        Ok(subject)
    }

    fn check(&self, token: &str, now: i64) -> Result<Subject, TokenError> {
        let (kid, alg) = key_id(token)?;
        let mut found = TokenError::Key;
        for issuer in &self.issuers {
            // Issuers may happen to use one kid, so a signature that does not fit says nothing about the next.
            for key in issuer.keys.iter().filter(|k| k.id == kid && k.alg == alg) {
                match decode::<Map<String, Value>>(token, &key.key, &rules(alg)) {
                    Ok(good) => return claims::subject(&good.claims, issuer, now),
                    Err(_) => found = TokenError::Signature,
                }
            }
        }
        Err(found)
    }
}

/// The library checks form, algorithm and signature; claims are ours, because they need the caller's clock.
pub(crate) fn rules(alg: Algorithm) -> Validation {
    let mut rules = Validation::new(alg);
    rules.required_spec_claims.clear();
    rules.validate_exp = false;
    rules.validate_nbf = false;
    rules.validate_aud = false;
    rules
}

pub(crate) fn fingerprint(token: &str) -> Option<[u8; 32]> {
    digest(Digest::Sha256, token.as_bytes()).try_into().ok()
}

/// The key id and its algorithm, if the header asks for nothing but a check with a key that is known here.
pub(crate) fn key_id(token: &str) -> Result<(String, Algorithm), TokenError> {
    if token.len() > LONGEST || token.split('.').count() != 3 {
        return Err(TokenError::Form);
    }
    let header = decode_header(token).map_err(|_| TokenError::Header)?;
    let Header {
        typ,
        alg: alg @ (Algorithm::ES256 | Algorithm::EdDSA),
        cty: None,
        jku: None,
        jwk: None,
        kid: Some(kid),
        x5u: None,
        x5c: None,
        crit: None,
        enc: None,
        zip: None,
        ..
    } = header
    else {
        return Err(TokenError::Header);
    };
    let known = typ.is_some_and(|t| TYPES.contains(&t.to_ascii_lowercase().as_str()));
    if known { Ok((kid, alg)) } else { Err(TokenError::Header) }
}
