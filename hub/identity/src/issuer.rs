//! Issuers whose tokens are taken, and their keys.

use crate::IdentityError;
use hub_core::Assurance;
use hub_crypto::{Digest, base64_url, digest, from_base64_url};
use jsonwebtoken::DecodingKey;
use serde_json::{Value, json};

/// A public ES256 key under its id.
#[derive(Clone)]
pub struct SigningKey {
    /// `kid`.
    pub id: String,
    pub(crate) x: String,
    pub(crate) y: String,
    pub(crate) key: DecodingKey,
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.id)
    }
}

impl SigningKey {
    /// From an uncompressed P-256 point (SEC 1, 2.3.3). Its id is the thumbprint of RFC 7638.
    pub(crate) fn from_point(point: &[u8]) -> Result<Self, IdentityError> {
        let bad = || IdentityError::Key("a P-256 point of 65 bytes is expected".into());
        let (first, rest) = point.split_first().ok_or_else(bad)?;
        if *first != 4 || rest.len() != 64 {
            return Err(bad());
        }
        let (x, y) = rest.split_at(32);
        let (x, y) = (base64_url(x), base64_url(y));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        Self::new(base64_url(&digest(Digest::Sha256, canonical.as_bytes())), x, y)
    }

    /// From a JSON Web Key: EC, P-256, for signatures, with a `kid`.
    fn from_jwk(jwk: &Value) -> Result<Self, IdentityError> {
        let bad = |what: &str| IdentityError::Key(format!("JWKS: {what}"));
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        if text("kty") != Some("EC") || text("crv") != Some("P-256") {
            return Err(bad("only EC keys on P-256 are taken"));
        }
        if text("use").is_some_and(|u| u != "sig") || text("alg").is_some_and(|a| a != "ES256") {
            return Err(bad("a key that is not for ES256 signatures"));
        }
        if jwk.get("d").is_some() {
            return Err(bad("a private key stands in a public set"));
        }
        let (Some(id), Some(x), Some(y)) = (text("kid"), text("x"), text("y")) else {
            return Err(bad("a key lacks kid, x or y"));
        };
        for part in [x, y] {
            if from_base64_url(part).map_or(0, |b| b.len()) != 32 {
                return Err(bad("a coordinate is not 32 bytes"));
            }
        }
        Self::new(id.to_owned(), x.to_owned(), y.to_owned())
    }

    /// The keys of a JWKS document (RFC 7517, 5).
    pub(crate) fn of_jwks(jwks: &Value) -> Result<Vec<Self>, IdentityError> {
        jwks.get("keys")
            .and_then(Value::as_array)
            .filter(|keys| !keys.is_empty())
            .ok_or_else(|| IdentityError::Key("JWKS: no `keys`".into()))?
            .iter()
            .map(Self::from_jwk)
            .collect()
    }

    fn new(id: String, x: String, y: String) -> Result<Self, IdentityError> {
        let key = DecodingKey::from_ec_components(&x, &y).map_err(|e| IdentityError::Key(e.to_string()))?;
        Ok(Self { id, x, y, key })
    }

    /// As a JSON Web Key.
    #[must_use]
    pub fn jwk(&self) -> Value {
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id, "x": self.x, "y": self.y,
        })
    }
}

/// An issuer whose tokens are taken.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    /// Its name, exactly as in `iss`.
    pub issuer: String,
    /// This hub's names in `aud`; one of them must be there.
    pub audiences: Vec<String>,
    /// What its word on assurance is worth at most.
    pub most: Assurance,
    /// Its keys.
    pub keys: Vec<SigningKey>,
}

impl TrustedIssuer {
    /// With the keys of a JWKS document (RFC 7517, 5).
    ///
    /// # Errors
    /// If the document has no key, or one that is not for ES256.
    pub fn from_jwks(
        issuer: impl Into<String>,
        audiences: Vec<String>,
        most: Assurance,
        jwks: &Value,
    ) -> Result<Self, IdentityError> {
        Ok(Self {
            issuer: issuer.into(),
            audiences,
            most,
            keys: SigningKey::of_jwks(jwks)?,
        })
    }
}
