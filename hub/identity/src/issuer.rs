//! Issuers whose tokens are taken, and their keys.

use crate::IdentityError;
use hub_core::Assurance;
use hub_crypto::{Digest, base64_url, digest, from_base64_url};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value, json};

/// A public key under its id: ES256 (EC on P-256), or EdDSA (Ed25519, RFC 8037).
#[derive(Clone)]
pub struct SigningKey {
    /// `kid`.
    pub id: String,
    /// The one algorithm it is for.
    pub(crate) alg: Algorithm,
    /// Members of its JSON Web Key that make it the key it is.
    public: Map<String, Value>,
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
        let (x, y) = coordinates(point).ok_or_else(|| bad("a P-256 point of 65 bytes is expected"))?;
        Self::named_by_itself(&json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}))
    }

    /// From the 32 bytes of an Ed25519 key, likewise.
    pub(crate) fn from_ed25519(public: &[u8]) -> Result<Self, IdentityError> {
        Self::named_by_itself(&json!({"kty": "OKP", "crv": "Ed25519", "x": base64_url(public)}))
    }

    /// From a JSON Web Key for signatures, whatever it calls itself.
    pub(crate) fn named_by_itself(jwk: &Value) -> Result<Self, IdentityError> {
        let (alg, public, key) = read(jwk)?;
        Ok(Self {
            id: thumbprint(&public),
            alg,
            public,
            key,
        })
    }

    /// From a JSON Web Key for signatures, with a `kid`.
    fn from_jwk(jwk: &Value) -> Result<Self, IdentityError> {
        let (alg, public, key) = read(jwk)?;
        let id = jwk.get("kid").and_then(Value::as_str);
        Ok(Self {
            id: id.ok_or_else(|| bad("a key lacks kid"))?.to_owned(),
            alg,
            public,
            key,
        })
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

    /// As a JSON Web Key.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let mut jwk = self.public.clone();
        let alg = if self.alg == Algorithm::EdDSA { "EdDSA" } else { "ES256" };
        jwk.extend([("use", "sig"), ("alg", alg), ("kid", self.id.as_str())].map(|(n, v)| (n.to_owned(), json!(v))));
        Value::Object(jwk)
    }
}

fn bad(what: &str) -> IdentityError {
    IdentityError::Key(format!("JWKS: {what}"))
}

/// The coordinates of an uncompressed point of 65 bytes.
pub(crate) fn coordinates(point: &[u8]) -> Option<(String, String)> {
    let (4, rest) = point.split_first()? else { return None };
    let (x, y) = rest.split_at_checked(32).filter(|(_, y)| y.len() == 32)?;
    Some((base64_url(x), base64_url(y)))
}

/// What a JSON Web Key is for, its necessary members, and the key. Nothing private, nothing for another use.
fn read(jwk: &Value) -> Result<(Algorithm, Map<String, Value>, DecodingKey), IdentityError> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let (alg, word, members): (_, _, &[&str]) = match (text("kty"), text("crv")) {
        (Some("EC"), Some("P-256")) => (Algorithm::ES256, "ES256", &["crv", "kty", "x", "y"]),
        (Some("OKP"), Some("Ed25519")) => (Algorithm::EdDSA, "EdDSA", &["crv", "kty", "x"]),
        _ => return Err(bad("only EC keys on P-256 and Ed25519 keys are taken")),
    };
    let named = [word, "Ed25519"];
    let named = if alg == Algorithm::EdDSA {
        &named[..]
    } else {
        &named[..1]
    };
    if text("use").is_some_and(|u| u != "sig") || text("alg").is_some_and(|a| !named.contains(&a)) {
        return Err(bad("a key that is not for signatures with its algorithm"));
    }
    if ["d", "p", "q", "k", "oth"]
        .iter()
        .any(|private| jwk.get(private).is_some())
    {
        return Err(bad("a private key stands in a public set"));
    }
    let mut public = Map::new();
    for name in members {
        let part = text(name).ok_or_else(|| bad("a key lacks x or y"))?;
        if name.len() == 1 && from_base64_url(part).map_or(0, |b| b.len()) != 32 {
            return Err(bad("a coordinate is not 32 bytes"));
        }
        public.insert((*name).to_owned(), json!(part));
    }
    let (x, y) = (text("x").unwrap_or_default(), text("y").unwrap_or_default());
    let key = match alg {
        Algorithm::EdDSA => DecodingKey::from_ed_components(x),
        _ => DecodingKey::from_ec_components(x, y),
    };
    Ok((alg, public, key.map_err(|e| IdentityError::Key(e.to_string()))?))
}

/// The thumbprint of a key (RFC 7638): its necessary members in the order of their names, hashed.
pub(crate) fn thumbprint(public: &Map<String, Value>) -> String {
    let mut members: Vec<_> = public.iter().collect();
    members.sort_by_key(|(name, _)| name.as_str());
    let written: Vec<String> = members.into_iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
    base64_url(&digest(Digest::Sha256, format!("{{{}}}", written.join(",")).as_bytes()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_of_published_samples() {
        // RFC 8037, appendix A.3; RFC 9449, section 4.1 with 6.1.
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
        let key = SigningKey::named_by_itself(&ed).unwrap();
        assert_eq!(key.id, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let ec = json!({
            "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
            "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
        });
        let key = SigningKey::named_by_itself(&ec).unwrap();
        assert_eq!(key.id, "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
        let mut private = ec.clone();
        private["d"] = json!("x");
        assert!(SigningKey::named_by_itself(&private).is_err());
    }
}
