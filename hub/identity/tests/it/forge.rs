//! Tokens put together by hand, so that they can be wrong.

use hub_core::time::Timestamp;
use hub_core::{Assurance, Subject};
use hub_crypto::{Digest, EcdsaKey, base64_url, hmac};
use hub_identity::{SigningKey, TestIssuer, TestSubject, TokenError, TokenVerifier, TrustedIssuer};
use hub_store::Store;
use serde_json::{Value, json};
use std::sync::{Arc, OnceLock};
use tempfile::TempDir;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    (folder, store)
}

pub(crate) async fn issuer(store: &Store) -> TestIssuer {
    TestIssuer::load(store, "http://hub.test/sso", "hub").await.unwrap()
}

pub(crate) fn wang() -> TestSubject {
    TestSubject {
        sub: "p-1".into(),
        assurance: Assurance::R3,
        name: Some("王小明".into()),
        id_number: Some("990101199003070011".into()),
        mobile: Some("13900000001".into()),
        mandate: None,
    }
}

/// A key and the tokens it signs.
pub(crate) struct Forge {
    issuer: String,
    key: EcdsaKey,
}

impl Forge {
    pub(crate) fn new() -> Self {
        Self::named("http://hub.test/sso")
    }

    pub(crate) fn named(issuer: &str) -> Self {
        Self {
            issuer: issuer.into(),
            key: EcdsaKey::generate().unwrap(),
        }
    }

    pub(crate) fn shared() -> &'static Self {
        static ONE: OnceLock<Forge> = OnceLock::new();
        ONE.get_or_init(Self::new)
    }

    pub(crate) fn kid(&self) -> String {
        format!("k{}", base64_url(&self.key.public_point()[1..9]))
    }

    pub(crate) fn jwk(&self) -> Value {
        let (x, y) = self.key.public_point()[1..].split_at(32);
        json!({"kty": "EC", "crv": "P-256", "kid": self.kid(), "x": base64_url(x), "y": base64_url(y)})
    }

    pub(crate) fn trusted(&self) -> TrustedIssuer {
        let jwks = json!({"keys": [self.jwk()]});
        TrustedIssuer::from_jwks(self.issuer.clone(), vec!["hub".into()], Assurance::R4, &jwks).unwrap()
    }

    pub(crate) fn key_called(&self, kid: &str) -> SigningKey {
        let mut key = self.trusted().keys.remove(0);
        key.id = kid.into();
        key
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": "ES256", "typ": "at+jwt", "kid": self.kid()})
    }

    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": self.issuer, "aud": "hub", "sub": "p-1", "acr": "R2", "name": "王小明",
            "iat": at(0).as_second(), "exp": at(600).as_second(),
        })
    }

    pub(crate) fn signed(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = self.key.sign(message.as_bytes()).unwrap();
        format!("{message}.{}", base64_url(&signature))
    }

    pub(crate) fn mac(secret: &[u8], header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = hmac(Digest::Sha256, secret, message.as_bytes());
        format!("{message}.{}", base64_url(&signature))
    }

    /// The public key as bytes an attacker could use as a secret.
    pub(crate) fn public_forms(&self) -> Vec<Vec<u8>> {
        let point = self.key.public_point().to_vec();
        let jwk = self.jwk().to_string().into_bytes();
        vec![
            point.clone(),
            point[1..].to_vec(),
            point[1..33].to_vec(),
            jwk,
            Vec::new(),
        ]
    }

    pub(crate) fn verify(&self, token: &str) -> Result<Arc<Subject>, TokenError> {
        TokenVerifier::new(vec![self.trusted()]).verify(token, at(0))
    }
}

fn message(header: &Value, claims: &Value) -> String {
    let part = |v: &Value| base64_url(v.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}
