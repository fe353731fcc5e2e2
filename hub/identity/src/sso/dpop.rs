//! Proofs of possession (RFC 9449): a token bound to a key is good only with a signature of that key over this very request.

use super::error::{OauthCode, OauthError};
use super::provider::{Provider, later};
use crate::TokenError;
use crate::issuer::SigningKey;
use crate::verifier::rules;
use hub_core::ports::Shown;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, base64_url, ct_eq, digest};
use jsonwebtoken::{Algorithm, decode, decode_header};
use moka::sync::Cache;
use serde_json::{Map, Value};
use std::time::Duration;
use url::Url;

/// Algorithms of proofs.
pub const PROOF_ALGORITHMS: &[&str] = &["ES256", "EdDSA"];
/// Longest proof read.
const LONGEST: usize = 4096;
/// How old a proof may be, and by how much clocks may differ, in seconds.
const AGE: i64 = 60;
const LEEWAY: i64 = 10;
/// Proofs remembered at the doors where tokens are used.
const REMEMBERED: u64 = 200_000;

/// A proof that fits its request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proven {
    /// Thumbprint of the key (RFC 7638).
    pub(crate) key: String,
    /// By which it is recognised if it comes again.
    pub(crate) mark: String,
}

/// A request that a proof must be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct About<'a> {
    pub(crate) method: &'a str,
    /// Whole address.
    pub(crate) address: &'a str,
    /// The token it comes with, at doors where tokens are used.
    pub(crate) token: Option<&'a str>,
}

/// Reads a proof; why it does not fit stays in the name of the claim.
pub(crate) fn read(proof: &str, about: &About<'_>, now: i64) -> Result<Proven, &'static str> {
    if proof.len() > LONGEST || proof.split('.').count() != 3 {
        return Err("form");
    }
    let header = decode_header(proof).map_err(|_| "header")?;
    let known = matches!(header.alg, Algorithm::ES256 | Algorithm::EdDSA);
    if !known || header.typ.as_deref() != Some("dpop+jwt") || header.crit.is_some() {
        return Err("header");
    }
    // Read as it was sent: the library drops members, and a private key among them must be seen.
    let jwk = proof
        .split('.')
        .next()
        .and_then(|h| hub_crypto::from_base64_url(h).ok());
    let jwk = jwk.and_then(|h| serde_json::from_slice::<Value>(&h).ok());
    let jwk = jwk.as_ref().and_then(|h| h.get("jwk")).ok_or("jwk")?;
    let key = SigningKey::named_by_itself(jwk)
        .ok()
        .filter(|k| k.alg == header.alg)
        .ok_or("jwk")?;
    let claims = decode::<Map<String, Value>>(proof, &key.key, &rules(key.alg))
        .map_err(|_| "signature")?
        .claims;
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("htm") != Some(about.method) {
        return Err("htm");
    }
    if !text("htu").is_some_and(|htu| same_place(htu, about.address)) {
        return Err("htu");
    }
    let issued = claims.get("iat").and_then(Value::as_i64).ok_or("iat")?;
    if !(now - AGE - LEEWAY..=now + LEEWAY).contains(&issued) {
        return Err("iat");
    }
    if let Some(token) = about.token {
        let hash = base64_url(&digest(Digest::Sha256, token.as_bytes()));
        if !text("ath").is_some_and(|ath| ct_eq(ath.as_bytes(), hash.as_bytes())) {
            return Err("ath");
        }
    }
    let jti = text("jti").filter(|j| !j.is_empty() && j.len() <= 255).ok_or("jti")?;
    let mark = digest(Digest::Sha256, format!("dpop\0{}\0{jti}", key.id).as_bytes());
    Ok(Proven {
        key: key.id,
        mark: base64_url(&mark),
    })
}

/// Whether an address names a place, query and fragment apart, in normal form (RFC 9449, 4.3).
fn same_place(given: &str, place: &str) -> bool {
    let normal = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    normal(given).is_some_and(|g| normal(place) == Some(g))
}

fn refused(why: &str) -> OauthError {
    OauthError::new(
        OauthCode::InvalidDpopProof,
        &format!("DPoP 证明无效（{why}）"),
        &format!("the DPoP proof is not good ({why})"),
    )
}

impl Provider {
    /// The key whose possession the header of a request at one of our doors for clients proves.
    ///
    /// # Errors
    /// `invalid_dpop_proof`.
    pub async fn proof_key(
        &self,
        proof: Option<&str>,
        door: &str,
        now: Timestamp,
    ) -> Result<Option<String>, OauthError> {
        let Some(proof) = proof else { return Ok(None) };
        let address = format!("{}{door}", self.issuer());
        let about = About {
            method: "POST",
            address: &address,
            token: None,
        };
        let proven = read(proof, &about, now.as_second()).map_err(refused)?;
        let until = later(now, (AGE + 2 * LEEWAY).unsigned_abs());
        if !self.store.sign_ins().comes_first(&proven.mark, now, until).await? {
            return Err(refused("jti"));
        }
        Ok(Some(proven.key))
    }
}

/// Proofs that came with tokens, so that none counts twice at this hub. Others do not know of them: what is stolen on the
/// way is good for a minute, for one request, at another hub.
#[derive(Debug)]
pub(crate) struct Proofs {
    seen: Cache<String, ()>,
}

impl Default for Proofs {
    fn default() -> Self {
        let life = Duration::from_secs((AGE + 2 * LEEWAY).unsigned_abs());
        Self {
            seen: Cache::builder().max_capacity(REMEMBERED).time_to_live(life).build(),
        }
    }
}

impl Proofs {
    /// Holds what was shown against the key that its token is bound to.
    pub(crate) fn check(
        &self,
        bound: Option<&str>,
        shown: &Shown<'_>,
        base: &str,
        now: Timestamp,
    ) -> Result<(), TokenError> {
        let (bound, proof) = match (bound, &shown.proof) {
            (None, None) => return Ok(()),
            (Some(bound), Some(proof)) => (bound, proof),
            // A bound token without its proof, or a proof for a token that anybody may bear.
            _ => return Err(TokenError::Proof("cnf")),
        };
        let address = format!("{base}{}", proof.path);
        let about = About {
            method: proof.method,
            address: &address,
            token: Some(shown.token),
        };
        let proven = read(proof.text, &about, now.as_second()).map_err(TokenError::Proof)?;
        if proven.key != bound {
            return Err(TokenError::Proof("jwk"));
        }
        if self.seen.entry(proven.mark).or_insert(()).is_fresh() {
            Ok(())
        } else {
            Err(TokenError::Proof("jti"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sample_is_read() {
        // RFC 9449, 4.1: its proof, made for its token endpoint at 1562262616.
        let proof = concat!(
            "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0Rs",
            "cEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2",
            "In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2Vu",
            "IiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
        );
        let about = |method, address| About {
            method,
            address,
            token: None,
        };
        let here = about("POST", "https://server.example.com/token");
        let proven = read(proof, &here, 1_562_262_620).unwrap();
        assert_eq!(proven.key, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        assert!(
            read(
                proof,
                &about("POST", "HTTPS://server.example.com:443/token?x=1"),
                1_562_262_616
            )
            .is_ok()
        );
        for (about, now, why) in [
            (about("GET", "https://server.example.com/token"), 1_562_262_620, "htm"),
            (about("POST", "https://server.example.com/token/"), 1_562_262_620, "htu"),
            (here, 1_562_262_616 + AGE + LEEWAY + 1, "iat"),
            (here, 1_562_262_616 - LEEWAY - 1, "iat"),
            (
                About {
                    token: Some("t"),
                    ..here
                },
                1_562_262_620,
                "ath",
            ),
        ] {
            assert_eq!(read(proof, &about, now), Err(why));
        }
        let broken = proof.replacen(".2-Gx", ".3-Gx", 1);
        assert_eq!(read(&broken, &here, 1_562_262_620), Err("signature"));
    }
}
