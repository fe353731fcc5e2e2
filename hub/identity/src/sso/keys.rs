//! The provider's signing keys: one signs, the next is already published, the last still verifies.
//!
//! Keys are counted, and key number n is whatever the first hub keeps under that number, so that hubs over one store
//! never disagree. The next one stands in the JWKS long before it signs: neither another hub nor a client that keeps the
//! document for a while ever meets a key it does not know.

use crate::IdentityError;
use crate::issuer::SigningKey;
use hub_core::time::Timestamp;
use hub_crypto::EcdsaKey;
use hub_store::Store;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Map, Value, json};

/// Name of the fact that says which key signs: its number, and since when in seconds.
const NAME: &str = "identity.sso.signing";
/// How long a key signs, in seconds.
const SIGNS_FOR: i64 = 90 * 24 * 3600;

/// The keys in force.
pub struct KeyRing {
    number: u64,
    since: i64,
    signer: EncodingKey,
    /// The one that signs, the next, the last.
    keys: Vec<SigningKey>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyRing")
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

impl KeyRing {
    /// The store's keys; made at the first start, turned when they are due.
    ///
    /// # Errors
    /// If the store does not answer or a key is damaged.
    pub async fn load(store: &Store, now: Timestamp) -> Result<Self, IdentityError> {
        let now = now.as_second();
        let kept = store.meta().get(NAME).await?;
        let (mut number, mut since) = kept.as_deref().and_then(read).unwrap_or((1, now));
        let due = now - since >= SIGNS_FOR;
        if due {
            // Whoever turns at the same time comes to the same number.
            (number, since) = (number + 1, now);
        }
        if kept.is_none() || due {
            store.meta().put(NAME, &format!("{number} {since}")).await?;
        }
        let signing = key(store, number).await?;
        let mut keys = vec![public(&signing)?, public(&key(store, number + 1).await?)?];
        if number > 1 {
            keys.push(public(&key(store, number - 1).await?)?);
        }
        Ok(Self {
            number,
            since,
            signer: EncodingKey::from_ec_der(signing.pkcs8()),
            keys,
        })
    }

    /// Lets the next key sign from now on.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn turn(&self, store: &Store, now: Timestamp) -> Result<Self, IdentityError> {
        let fact = format!("{} {}", self.number + 1, now.as_second());
        store.meta().put(NAME, &fact).await?;
        Self::load(store, now).await
    }

    /// Whether the store says the same, at this time.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn is_fresh(&self, store: &Store, now: Timestamp) -> Result<bool, IdentityError> {
        let kept = store.meta().get(NAME).await?;
        let same = kept.as_deref().and_then(read) == Some((self.number, self.since));
        Ok(same && now.as_second() - self.since < SIGNS_FOR)
    }

    /// Its keys as a JWKS document (RFC 7517, 5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"keys": self.keys.iter().map(SigningKey::jwk).collect::<Vec<_>>()})
    }

    /// The key of an id.
    pub(crate) fn key(&self, id: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|k| k.id == id)
    }

    /// Signs claims as a token of a type.
    pub(crate) fn sign(&self, typ: &str, claims: &Map<String, Value>) -> Result<String, IdentityError> {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some(typ.to_owned());
        header.kid = self.keys.first().map(|k| k.id.clone());
        encode(&header, claims, &self.signer).map_err(|e| IdentityError::Key(e.to_string()))
    }
}

fn read(fact: &str) -> Option<(u64, i64)> {
    let (number, since) = fact.split_once(' ')?;
    Some((number.parse().ok()?, since.parse().ok()?))
}

async fn key(store: &Store, number: u64) -> Result<EcdsaKey, IdentityError> {
    let broken = |e: hub_crypto::CryptoError| IdentityError::Key(e.to_string());
    let fresh = EcdsaKey::generate().map_err(broken)?;
    let name = format!("identity.sso.key.{number}");
    let der = store.secrets().get_or_keep(&name, fresh.pkcs8()).await?;
    EcdsaKey::from_pkcs8(&der).map_err(broken)
}

fn public(key: &EcdsaKey) -> Result<SigningKey, IdentityError> {
    SigningKey::from_point(key.public_point())
}
