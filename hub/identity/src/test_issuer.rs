//! The issuer of demo and tests: mints subject tokens for personas. A hub with real subjects does not trust it.

use crate::issuer::SigningKey;
use crate::{IdentityError, TrustedIssuer};
use hub_core::time::Timestamp;
use hub_core::{Assurance, Mandate};
use hub_crypto::{EcdsaKey, hex, random};
use hub_store::Store;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};

/// Name of the key in the store.
const NAME: &str = "identity.test-issuer";

/// Whom a test token is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestSubject {
    /// `sub`.
    pub sub: String,
    /// `acr`.
    pub assurance: Assurance,
    /// Name.
    pub name: Option<String>,
    /// Id number.
    pub id_number: Option<String>,
    /// Mobile number.
    pub mobile: Option<String>,
    /// Company acted for.
    pub mandate: Option<Mandate>,
}

/// The test issuer.
pub struct TestIssuer {
    issuer: String,
    audience: String,
    signer: EncodingKey,
    key: SigningKey,
}

impl std::fmt::Debug for TestIssuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestIssuer")
            .field("issuer", &self.issuer)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl TestIssuer {
    /// An issuer of this name for this audience, with the store's key; made at the first start.
    ///
    /// # Errors
    /// If the store does not answer or the key is damaged.
    pub async fn load(store: &Store, issuer: &str, audience: &str) -> Result<Self, IdentityError> {
        let broken = |e: hub_crypto::CryptoError| IdentityError::Key(e.to_string());
        let fresh = EcdsaKey::generate().map_err(broken)?;
        let der = store.secrets().get_or_keep(NAME, fresh.pkcs8()).await?;
        let pair = EcdsaKey::from_pkcs8(&der).map_err(broken)?;
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            signer: EncodingKey::from_ec_der(&der),
            key: SigningKey::from_point(pair.public_point())?,
        })
    }

    /// A token for a subject, good for `ttl` seconds from `now`.
    ///
    /// # Errors
    /// If signing fails.
    pub fn mint(&self, subject: &TestSubject, ttl: u32, now: Timestamp) -> Result<String, IdentityError> {
        let broken = |e: String| IdentityError::Key(e);
        let issued = now.as_second();
        let jti = random::<16>().map_err(|e| broken(e.to_string()))?;
        let mut claims = Map::new();
        claims.insert("iss".into(), json!(self.issuer));
        claims.insert("aud".into(), json!(self.audience));
        claims.insert("sub".into(), json!(subject.sub));
        claims.insert("iat".into(), json!(issued));
        claims.insert("exp".into(), json!(issued + i64::from(ttl)));
        claims.insert("jti".into(), json!(hex(&jti)));
        claims.insert("acr".into(), json!(subject.assurance));
        let texts = [
            ("name", &subject.name),
            ("id_number", &subject.id_number),
            ("mobile", &subject.mobile),
        ];
        for (name, value) in texts {
            if let Some(value) = value {
                claims.insert(name.into(), json!(value));
            }
        }
        if let Some(mandate) = &subject.mandate {
            claims.insert("mandate".into(), json!(mandate));
        }
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("at+jwt".into());
        header.kid = Some(self.key.id.clone());
        encode(&header, &claims, &self.signer).map_err(|e| broken(e.to_string()))
    }

    /// Its keys as a JWKS document.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({ "keys": [self.key.jwk()] })
    }

    /// Itself as a verifier has to know it.
    #[must_use]
    pub fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer {
            issuer: self.issuer.clone(),
            audiences: vec![self.audience.clone()],
            most: Assurance::R4,
            keys: vec![self.key.clone()],
        }
    }
}
