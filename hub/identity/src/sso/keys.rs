//! The provider's signing keys: one signs, the next is already published, the last still verifies.
//!
//! Keys are counted, and key number n is whatever the first hub keeps under that number, so that hubs over one store
//! never disagree. The next one stands in the JWKS long before it signs: neither another hub nor a client that keeps the
//! document for a while ever meets a key it does not know.

use crate::IdentityError;
use crate::issuer::{SigningKey, coordinates};
use crate::verifier::rules;
use hub_core::time::Timestamp;
use hub_crypto::{
    Digest, EcdsaKey, SM2_DEFAULT_ID, SignatureForm, base64_url, digest, ed25519_generate, ed25519_public,
    from_base64_url, hex, sm2_generate, sm2_public, sm2_sign, sm2_verify,
};
use hub_store::Store;
use jsonwebtoken::{Algorithm, EncodingKey, Header, decode, decode_header, encode};
use serde_json::{Map, Value, json};

/// Algorithms that ID tokens can be signed with, the first where a client asks for none. `SM2` is no registered name:
/// SM2 with SM3 (GB/T 32918.2) over the signing input, r‖s, the default signer id of GM/T 0009.
pub const ALGORITHMS: &[&str] = &["ES256", "EdDSA", "SM2"];

/// Name of the fact that says which key signs: its number, and since when in seconds.
const NAME: &str = "identity.sso.signing";
/// How long a key signs, in seconds.
const SIGNS_FOR: i64 = 90 * 24 * 3600;

/// The keys in force.
pub struct KeyRing {
    number: u64,
    since: i64,
    signer: EcdsaKey,
    ed_signer: EncodingKey,
    sm2_signer: String,
    /// The ones that sign, the next, the last; those with ES256 first.
    keys: Vec<SigningKey>,
    /// Likewise, those with SM2: id and uncompressed point.
    sm2: Vec<(String, Vec<u8>)>,
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
        let mut numbers = vec![number, number + 1];
        numbers.extend(number.checked_sub(1).filter(|n| *n > 0));
        let (mut ec, mut ed, mut sm2) = (Vec::new(), Vec::new(), Vec::new());
        for number in numbers {
            ec.push(ec_key(store, number).await?);
            ed.push(ed_key(store, number).await?);
            sm2.push(sm2_key(store, number).await?);
        }
        let none = || IdentityError::Key("there is no signing key".into());
        let keys = published(&ec, &ed)?;
        Ok(Self {
            number,
            since,
            ed_signer: EncodingKey::from_ed_der(ed.first().ok_or_else(none)?),
            sm2_signer: sm2.first().ok_or_else(none)?.clone(),
            keys,
            sm2: sm2
                .iter()
                .map(|private| sm2_published(private))
                .collect::<Result<_, _>>()?,
            signer: ec.into_iter().next().ok_or_else(none)?,
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

    /// Its keys as a JWKS document (RFC 7517, 5). Those with SM2 stand apart: no registry has a name for them, and some
    /// clients refuse a whole document for one key they do not know.
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"keys": self.keys.iter().map(SigningKey::jwk).collect::<Vec<_>>()})
    }

    /// The keys with SM2, likewise.
    #[must_use]
    pub fn sm2_jwks(&self) -> Value {
        let keys = self.sm2.iter().filter_map(|(id, point)| {
            let (x, y) = coordinates(point)?;
            Some(json!({"kty": "EC", "crv": "SM2", "use": "sig", "alg": "SM2", "kid": id, "x": x, "y": y}))
        });
        json!({"keys": keys.collect::<Vec<_>>()})
    }

    /// The key of an id.
    pub(crate) fn key(&self, id: &str) -> Option<&SigningKey> {
        self.keys.iter().find(|k| k.id == id)
    }

    /// Signs claims as a token of a type, with ES256. Not by the library, which reads and checks the key anew for each token:
    /// that costs more than the signature itself.
    pub(crate) fn sign(&self, typ: &str, claims: &Map<String, Value>) -> Result<String, IdentityError> {
        let kid = self.id_of(Algorithm::ES256);
        compact("ES256", typ, kid, claims, |input| self.signer.sign(input))
    }

    /// The same with one of [`ALGORITHMS`].
    pub(crate) fn sign_as(&self, alg: &str, typ: &str, claims: &Map<String, Value>) -> Result<String, IdentityError> {
        match alg {
            "EdDSA" => {
                let mut header = Header::new(Algorithm::EdDSA);
                header.typ = Some(typ.to_owned());
                header.kid = self.id_of(Algorithm::EdDSA).map(str::to_owned);
                encode(&header, claims, &self.ed_signer).map_err(|e| IdentityError::Key(e.to_string()))
            }
            "SM2" => {
                let kid = self.sm2.first().map(|(id, _)| id.as_str());
                compact("SM2", typ, kid, claims, |input| {
                    sm2_sign(&self.sm2_signer, SM2_DEFAULT_ID, input, SignatureForm::Raw)
                })
            }
            _ => self.sign(typ, claims),
        }
    }

    fn id_of(&self, alg: Algorithm) -> Option<&str> {
        self.keys.iter().find(|k| k.alg == alg).map(|k| k.id.as_str())
    }

    /// The claims of a token of a type that one of these keys signed.
    pub(crate) fn read(&self, typ: &str, token: &str) -> Option<Map<String, Value>> {
        if let Ok(header) = decode_header(token) {
            let key = self.key(&header.kid?).filter(|k| k.alg == header.alg)?;
            let right = header.typ.as_deref() == Some(typ);
            return right.then(|| decode(token, &key.key, &rules(key.alg)).ok().map(|t| t.claims))?;
        }
        // The library does not know SM2 and so reads no header that names it.
        let (input, signature) = token.rsplit_once('.')?;
        let (header, claims) = input.split_once('.')?;
        let part = |text| serde_json::from_slice::<Map<String, Value>>(&from_base64_url(text).ok()?).ok();
        let header = part(header)?;
        let says = |name: &str, value: &str| header.get(name).and_then(Value::as_str) == Some(value);
        let (_, point) = self.sm2.iter().find(|(id, _)| says("kid", id))?;
        let plain = header.len() == 3 && says("alg", "SM2") && says("typ", typ);
        let signature = from_base64_url(signature).ok()?;
        let form = SignatureForm::Raw;
        let good = sm2_verify(&hex(point), SM2_DEFAULT_ID, input.as_bytes(), &signature, form).is_ok();
        (plain && good).then(|| part(claims))?
    }
}

/// A signed token in compact form (RFC 7515, 7.1).
fn compact(
    alg: &str,
    typ: &str,
    kid: Option<&str>,
    claims: &Map<String, Value>,
    sign: impl FnOnce(&[u8]) -> hub_crypto::Result<Vec<u8>>,
) -> Result<String, IdentityError> {
    let header = json!({"alg": alg, "typ": typ, "kid": kid}).to_string();
    let claims = serde_json::to_vec(claims).map_err(|e| IdentityError::Key(e.to_string()))?;
    let input = format!("{}.{}", base64_url(header.as_bytes()), base64_url(&claims));
    let signature = sign(input.as_bytes()).map_err(broken)?;
    Ok(format!("{input}.{}", base64_url(&signature)))
}

/// The left half of a text's hash, with the hash that goes with an algorithm (OpenID Connect Core 3.1.3.6).
pub(crate) fn half_hash(alg: &str, text: &str) -> String {
    let hash = match alg {
        "EdDSA" => Digest::Sha512,
        "SM2" => Digest::Sm3,
        _ => Digest::Sha256,
    };
    let whole = digest(hash, text.as_bytes());
    base64_url(whole.get(..whole.len() / 2).unwrap_or(&whole))
}

fn read(fact: &str) -> Option<(u64, i64)> {
    let (number, since) = fact.split_once(' ')?;
    Some((number.parse().ok()?, since.parse().ok()?))
}

#[allow(clippy::needless_pass_by_value)] // so that it can stand in `map_err`
fn broken(error: hub_crypto::CryptoError) -> IdentityError {
    IdentityError::Key(error.to_string())
}

async fn ec_key(store: &Store, number: u64) -> Result<EcdsaKey, IdentityError> {
    let fresh = EcdsaKey::generate().map_err(broken)?;
    let name = format!("identity.sso.key.{number}");
    let der = store.secrets().get_or_keep(&name, fresh.pkcs8()).await?;
    EcdsaKey::from_pkcs8(&der).map_err(broken)
}

async fn ed_key(store: &Store, number: u64) -> Result<Vec<u8>, IdentityError> {
    let (fresh, _) = ed25519_generate().map_err(broken)?;
    let name = format!("identity.sso.ed25519.{number}");
    Ok(store.secrets().get_or_keep(&name, &fresh).await?)
}

async fn sm2_key(store: &Store, number: u64) -> Result<String, IdentityError> {
    let fresh = sm2_generate().map_err(broken)?;
    let name = format!("identity.sso.sm2.{number}");
    let kept = store.secrets().get_or_keep(&name, fresh.as_bytes()).await?;
    String::from_utf8(kept).map_err(|_| IdentityError::Key("an SM2 key is damaged".into()))
}

fn published(ec: &[EcdsaKey], ed: &[Vec<u8>]) -> Result<Vec<SigningKey>, IdentityError> {
    let ec = ec.iter().map(|key| SigningKey::from_point(key.public_point()));
    let ed = ed
        .iter()
        .map(|key| SigningKey::from_ed25519(&ed25519_public(key).map_err(broken)?));
    ec.chain(ed).collect()
}

fn sm2_published(private: &str) -> Result<(String, Vec<u8>), IdentityError> {
    let point = sm2_public(private).map_err(broken)?;
    Ok((base64_url(&digest(Digest::Sm3, &point)), point))
}

#[cfg(test)]
mod tests {
    use super::half_hash;

    #[test]
    fn at_hash_of_the_published_sample() {
        // OpenID Connect Core, A.3: its access token and its at_hash.
        let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
        assert_eq!(half_hash("ES256", token), "77QmUPtjPfzWtF2AnpK9RQ");
        assert_eq!(half_hash("EdDSA", token).len(), 43, "32 bytes of SHA-512");
        assert_eq!(half_hash("SM2", token).len(), 22);
    }
}
