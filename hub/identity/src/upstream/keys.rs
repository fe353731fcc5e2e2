//! A provider's keys: fetched when one is asked for that is not known, and no more often than is good for either side.

use super::file::ProviderFile;
use super::trouble::Trouble;
use super::way::{Way, document};
use hub_core::time::Timestamp;
use hub_crypto::from_base64_url;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::Mutex;
use url::Url;

/// How long keys are used without a look, in seconds.
const FRESH: i64 = 600;
/// How long they are used when there is no look to be had, in seconds.
const STALE: i64 = 24 * 3600;
/// Between two looks because of a token that a stranger brought, in seconds.
const STRANGER_PAUSE: i64 = 15;
/// Most keys of a set.
const MOST: usize = 64;
/// Fewest bytes of an RSA modulus: 2048 bits.
const RSA_BYTES: usize = 256;

/// Who brought the token whose key is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bringer {
    /// We fetched it from the provider: its unknown key is a rotation, healed at once.
    Provider,
    /// Anybody: unknown keys cost one look in a while.
    Anybody,
}

/// A public key.
#[derive(Clone)]
pub(crate) struct Key {
    kid: Option<String>,
    algorithm: Algorithm,
    pub(crate) key: DecodingKey,
}

#[derive(Default)]
struct Known {
    keys: Vec<Key>,
    /// When it was last looked, whatever came of it; in seconds.
    looked: Option<i64>,
    /// When that last brought keys.
    fetched: Option<i64>,
}

/// The keys of one provider.
#[derive(Default)]
pub(crate) struct Keys {
    known: RwLock<Known>,
    /// Whoever looks holds this; who has what it needs does not wait.
    looking: Mutex<()>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// The keys that may have signed a token with this `kid` and algorithm. `again` says that those known did not fit.
    pub(crate) async fn find(
        &self,
        source: (&dyn Way, &ProviderFile, &Url),
        wanted: (Option<&str>, Algorithm),
        bringer: Bringer,
        again: bool,
        now: Timestamp,
    ) -> Result<Vec<Key>, Trouble> {
        let now = now.as_second();
        let seen = self.read().looked;
        if !again && let Some(found) = self.fresh(wanted, now) {
            return Ok(found);
        }
        let _alone = self.looking.lock().await;
        // Somebody may have looked while we waited.
        let looked = self.read().looked;
        if (!again || looked != seen)
            && let Some(found) = self.fresh(wanted, now)
        {
            return Ok(found);
        }
        let known = !self.read().of(wanted).is_empty();
        let pause = match bringer {
            Bringer::Provider if again || !known => 1,
            Bringer::Provider => 5,
            Bringer::Anybody => STRANGER_PAUSE,
        };
        if looked.is_none_or(|at| now - at >= pause) {
            self.write().looked = Some(now);
            let (way, file, url) = source;
            match document(way, file, url).await.and_then(|d| read(&d)) {
                Ok(keys) => {
                    let mut known = self.write();
                    known.keys = keys;
                    known.fetched = Some(now);
                }
                Err(trouble) if self.read().fetched.is_none_or(|at| now - at >= STALE) => return Err(trouble),
                // A set that cannot be had now was good a while ago.
                Err(trouble) => tracing::warn!(provider = %file.id, why = %trouble.inner, "keys could not be fetched"),
            }
        }
        let found = self.read().of(wanted);
        if found.is_empty() {
            return Err(Trouble::untrusted("the key of a token is not in its set"));
        }
        Ok(found)
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn fresh(&self, wanted: (Option<&str>, Algorithm), now: i64) -> Option<Vec<Key>> {
        let known = self.read();
        let fresh = known.fetched.is_some_and(|at| now - at < FRESH);
        Some(known.of(wanted)).filter(|found| fresh && !found.is_empty())
    }
}

impl Known {
    fn of(&self, (kid, algorithm): (Option<&str>, Algorithm)) -> Vec<Key> {
        let fits = |k: &&Key| k.algorithm == algorithm && (kid.is_none() || k.kid.as_deref() == kid);
        self.keys.iter().filter(fits).cloned().collect()
    }
}

/// The keys of a set that we can use; others are for others.
fn read(document: &Value) -> Result<Vec<Key>, Trouble> {
    let keys = document.get("keys").and_then(Value::as_array);
    let keys = keys.ok_or_else(|| Trouble::untrusted("its set of keys is none"))?;
    Ok(keys.iter().take(MOST).filter_map(key).collect())
}

fn key(jwk: &Value) -> Option<Key> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if text("use").is_some_and(|u| u != "sig") {
        return None;
    }
    let long = |name: &str| from_base64_url(text(name)?).ok().map(|b| b.len());
    let (algorithm, key) = match (text("kty")?, text("crv")) {
        ("EC", Some("P-256")) if long("x") == Some(32) && long("y") == Some(32) => (
            Algorithm::ES256,
            DecodingKey::from_ec_components(text("x")?, text("y")?).ok()?,
        ),
        ("RSA", _) if long("n").is_some_and(|n| n >= RSA_BYTES) => (
            Algorithm::RS256,
            DecodingKey::from_rsa_components(text("n")?, text("e")?).ok()?,
        ),
        ("OKP", Some("Ed25519")) if long("x") == Some(32) => {
            (Algorithm::EdDSA, DecodingKey::from_ed_components(text("x")?).ok()?)
        }
        _ => return None,
    };
    let named = match text("alg") {
        None => true,
        Some("Ed25519") => algorithm == Algorithm::EdDSA,
        Some(alg) => super::read::algorithm(alg) == Some(algorithm),
    };
    named.then(|| Key {
        kid: text("kid").map(str::to_owned),
        algorithm,
        key,
    })
}
