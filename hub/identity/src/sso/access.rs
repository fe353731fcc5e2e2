//! Access tokens (RFC 9068): made here, read here, and dead as soon as their family is.
//!
//! A client can read its token, so nothing in it may tell more than the client was told: the subject is pairwise, and
//! what the hub needs to call services for the person is sealed inside, for hubs alone.

use super::dpop::Proofs;
use super::keys::KeyRing;
use crate::claims::times;
use crate::verifier::{fingerprint, key_id, rules};
use crate::{IdentityError, TokenError};
use arc_swap::ArcSwap;
use hub_core::ports::Shown;
use hub_core::time::Timestamp;
use hub_core::{Assurance, Subject};
use hub_crypto::{base64_url, from_base64_url, hex, open, random, seal};
use hub_store::Store;
use jsonwebtoken::{Algorithm, Validation, decode};
use moka::sync::Cache;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Seconds an access token is good for.
pub const ACCESS_SECONDS: i64 = 300;
/// Name of the sealing key in the store.
const SEAL: &str = "identity.sso.seal";
/// Tokens remembered.
const REMEMBERED: u64 = 20_000;
/// Type of an access token.
const TYPE: &str = "at+jwt";

/// What an access token says.
#[derive(Debug, Clone)]
pub struct Access {
    /// Person, if there is one.
    pub subject: Option<Arc<Subject>>,
    /// The person's name towards the client, or the client's own.
    pub sub: String,
    /// Whose token it is.
    pub client: String,
    /// What it opens.
    pub scopes: Vec<String>,
    /// For whom it is.
    pub audience: String,
    /// Its family; a client's own token has none.
    pub family: Option<String>,
    /// Thumbprint of the key it is bound to (RFC 9449).
    pub key: Option<String>,
    /// The client that acts with it, if it came of an exchange (RFC 8693).
    pub actor: Option<String>,
    /// Its id.
    pub id: String,
    /// Seconds since the epoch.
    pub issued: i64,
    /// Seconds since the epoch.
    pub expires: i64,
    /// Id of the key that signed it.
    kid: String,
}

/// What a token is to say.
pub(crate) struct NewAccess<'a> {
    pub(crate) subject: Option<&'a Subject>,
    pub(crate) sub: &'a str,
    pub(crate) client: &'a str,
    pub(crate) scopes: &'a [String],
    pub(crate) audience: &'a str,
    pub(crate) family: Option<&'a str>,
    pub(crate) key: Option<&'a str>,
    pub(crate) actor: Option<&'a str>,
    pub(crate) seconds: i64,
}

impl NewAccess<'_> {
    /// How it is to be shown.
    pub(crate) fn token_type(&self) -> &'static str {
        if self.key.is_some() { "DPoP" } else { "Bearer" }
    }
}

/// Makes and reads access tokens.
pub struct AccessTokens {
    issuer: String,
    /// Names of this hub's services in `aud`.
    services: Vec<String>,
    ring: ArcSwap<KeyRing>,
    sealing: [u8; 32],
    rules: Validation,
    seen: Cache<[u8; 32], Arc<Access>>,
    proofs: Proofs,
    /// Families that died, and when this hub last heard of it, in seconds.
    dead: ArcSwap<HashMap<String, i64>>,
}

impl std::fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

impl AccessTokens {
    /// Of an issuer whose services go by these names in `aud`, the first of them where nothing else is asked for.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn load(
        store: &Store,
        issuer: &str,
        services: Vec<String>,
        now: Timestamp,
    ) -> Result<Self, IdentityError> {
        let fresh = random::<32>().map_err(|e| IdentityError::Key(e.to_string()))?;
        let sealing = store.secrets().get_or_keep(SEAL, &fresh).await?;
        let tokens = Self {
            issuer: issuer.to_owned(),
            services,
            ring: ArcSwap::from_pointee(KeyRing::load(store, now).await?),
            sealing: sealing
                .try_into()
                .map_err(|_| IdentityError::Key("the sealing key is damaged".into()))?,
            rules: rules(Algorithm::ES256),
            proofs: Proofs::default(),
            seen: Cache::new(REMEMBERED),
            dead: ArcSwap::default(),
        };
        tokens.refresh(store, now).await?;
        Ok(tokens)
    }

    /// Looks what other hubs did: families that died, keys that turned.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn refresh(&self, store: &Store, now: Timestamp) -> Result<(), IdentityError> {
        // A token of a family that died before that has run out itself.
        let age = Duration::from_secs((ACCESS_SECONDS + 60).unsigned_abs());
        let since = now.saturating_sub(age).unwrap_or(now);
        let dead = store.families().revoked_since(since).await?;
        let heard = now.as_second();
        // What died here while the store was asked must not be forgotten for what the store said before.
        self.dead.rcu(|known| {
            let known = known.iter().filter(|(_, at)| **at >= since.as_second());
            let mut all: HashMap<String, i64> = known.map(|(id, at)| (id.clone(), *at)).collect();
            all.extend(dead.iter().map(|id| (id.clone(), heard)));
            all
        });
        if !self.ring.load().is_fresh(store, now).await? {
            self.turned(KeyRing::load(store, now).await?);
        }
        Ok(())
    }

    /// The keys in force.
    #[must_use]
    pub fn ring(&self) -> Arc<KeyRing> {
        self.ring.load_full()
    }

    /// Puts other keys in force.
    pub(crate) fn turned(&self, ring: KeyRing) {
        self.ring.store(Arc::new(ring));
    }

    /// Its own name in `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The hub's services' names in `aud`.
    #[must_use]
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// Lets no token of these families pass any more, here and now; other hubs hear of it through the store.
    pub(crate) fn kill(&self, families: &[String], now: Timestamp) {
        if families.is_empty() {
            return;
        }
        self.dead.rcu(|dead| {
            let mut more = HashMap::clone(dead);
            more.extend(families.iter().map(|id| (id.clone(), now.as_second())));
            more
        });
    }

    /// A token, and its id.
    pub(crate) fn mint(&self, new: &NewAccess<'_>, now: Timestamp) -> Result<String, IdentityError> {
        let broken = |e: hub_crypto::CryptoError| IdentityError::Key(e.to_string());
        let issued = now.as_second();
        let id = hex(&random::<16>().map_err(broken)?);
        let mut claims = Map::new();
        claims.insert("iss".into(), json!(self.issuer));
        claims.insert("aud".into(), json!(new.audience));
        claims.insert("sub".into(), json!(new.sub));
        claims.insert("client_id".into(), json!(new.client));
        claims.insert("scope".into(), json!(new.scopes.join(" ")));
        claims.insert("iat".into(), json!(issued));
        claims.insert("exp".into(), json!(issued + new.seconds));
        claims.insert("jti".into(), json!(id));
        if let Some(family) = new.family {
            claims.insert("family".into(), json!(family));
        }
        if let Some(key) = new.key {
            claims.insert("cnf".into(), json!({"jkt": key}));
        }
        if let Some(actor) = new.actor {
            claims.insert("act".into(), json!({"sub": actor}));
        }
        if let Some(subject) = new.subject {
            claims.insert("acr".into(), json!(subject.assurance));
            let plain = serde_json::to_vec(subject).map_err(|e| IdentityError::Key(e.to_string()))?;
            let sealed = seal(&self.sealing, &plain, id.as_bytes()).map_err(broken)?;
            claims.insert("person".into(), json!(base64_url(&sealed)));
        }
        self.ring.load().sign(TYPE, &claims)
    }

    /// What a good token says.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<Arc<Access>, TokenError> {
        let name = fingerprint(token);
        if let Some(known) = name.and_then(|n| self.seen.get(&n)) {
            return self.alive(known, now);
        }
        self.first(token, name, now)
    }

    /// What a token says that nobody here has seen yet.
    fn first(&self, token: &str, name: Option<[u8; 32]>, now: Timestamp) -> Result<Arc<Access>, TokenError> {
        let access = Arc::new(self.check(token, now.as_second())?);
        if let Some(name) = name {
            self.seen.insert(name, Arc::clone(&access));
        }
        self.alive(access, now)
    }

    /// The same, unless its time, its family or its key is over.
    fn alive(&self, access: Arc<Access>, now: Timestamp) -> Result<Arc<Access>, TokenError> {
        if access.expires <= now.as_second() {
            return Err(TokenError::Expired);
        }
        if access.family.as_ref().is_some_and(|f| self.dead.load().contains_key(f)) {
            return Err(TokenError::Revoked);
        }
        if self.ring.load().key(&access.kid).is_none() {
            return Err(TokenError::Key);
        }
        Ok(access)
    }

    /// What a good token says that was shown at a door, with the proof of its key if it is bound to one.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn shown(&self, shown: &Shown<'_>, now: Timestamp) -> Result<Arc<Access>, TokenError> {
        let access = self.read(shown.token, now)?;
        self.proven(&access, shown, now)?;
        Ok(access)
    }

    fn proven(&self, access: &Access, shown: &Shown<'_>, now: Timestamp) -> Result<(), TokenError> {
        let base = self.issuer.strip_suffix("/sso").unwrap_or(&self.issuer);
        self.proofs.check(access.key.as_deref(), shown, base, now)
    }

    /// The person on whose behalf services are called with a token, or why it is not good for that; `None` if it does not
    /// even say that it is of these keys.
    pub fn caller(&self, shown: &Shown<'_>, now: Timestamp) -> Option<Result<Arc<Subject>, TokenError>> {
        let name = fingerprint(shown.token);
        let access = match name.and_then(|n| self.seen.get(&n)) {
            Some(known) => self.alive(known, now),
            None if self.is_ours(shown.token) => self.first(shown.token, name, now),
            None => return None,
        };
        Some(access.and_then(|access| {
            self.proven(&access, shown, now)?;
            if !self.services.contains(&access.audience) {
                return Err(TokenError::Audience);
            }
            access.subject.clone().ok_or(TokenError::Claim("sub"))
        }))
    }

    /// Whether a token says it is of these keys. Says nothing about whether it is good.
    fn is_ours(&self, token: &str) -> bool {
        key_id(token).is_ok_and(|(kid, _)| self.ring.load().key(&kid).is_some())
    }

    fn check(&self, token: &str, now: i64) -> Result<Access, TokenError> {
        let (kid, alg) = key_id(token)?;
        let ring = self.ring.load();
        let key = ring.key(&kid).filter(|k| k.alg == alg).ok_or(TokenError::Key)?;
        let claims = decode::<Map<String, Value>>(token, &key.key, &self.rules)
            .map_err(|_| TokenError::Signature)?
            .claims;
        let text = |name: &'static str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
        let below = |name: &str, member: &str| claims.get(name)?.get(member)?.as_str().map(str::to_owned);
        let need = |name| text(name).ok_or(TokenError::Claim(name));
        if text("iss").as_deref() != Some(&self.issuer) {
            return Err(TokenError::Issuer);
        }
        let expires = times(&claims, now)?;
        let id = need("jti")?;
        let subject = match text("person") {
            None => None,
            Some(sealed) => Some(Arc::new(self.person(&sealed, &id, expires)?)),
        };
        Ok(Access {
            subject,
            sub: need("sub")?,
            client: need("client_id")?,
            scopes: need("scope")?.split(' ').map(str::to_owned).collect(),
            audience: need("aud")?,
            family: text("family"),
            key: below("cnf", "jkt"),
            actor: below("act", "sub"),
            issued: claims.get("iat").and_then(Value::as_i64).unwrap_or(now),
            expires,
            id,
            kid,
        })
    }

    fn person(&self, sealed: &str, id: &str, expires: i64) -> Result<Subject, TokenError> {
        let bad = TokenError::Claim("person");
        let sealed = from_base64_url(sealed).map_err(|_| bad)?;
        let plain = open(&self.sealing, &sealed, id.as_bytes()).map_err(|_| bad)?;
        let subject: Subject = serde_json::from_slice(&plain).map_err(|_| bad)?;
        Ok(Subject { expires, ..subject })
    }
}

/// The assurance a word of `acr` stands for.
pub(crate) fn assurance(word: &str) -> Option<Assurance> {
    word.parse().ok()
}
