//! The provider: what all its acts share.

use super::access::AccessTokens;
use super::client::{MEMBERS, SsoClient, Unfit, registration};
use super::clients::Clients;
use super::error::OauthError;
use crate::{IdentityError, PairwiseKey};
use hub_core::Subject;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, base64_url, digest, random};
use hub_store::{SsoClientRow, Store};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// The OpenID provider.
#[derive(Debug, Clone)]
pub struct Provider {
    pub(crate) store: Store,
    clients: Clients,
    pub(crate) access: Arc<AccessTokens>,
    pub(crate) pairwise: PairwiseKey,
}

/// A client just registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The client.
    pub client: SsoClientRow,
    /// Its secret, shown once, if it proves itself by one.
    pub secret: Option<String>,
}

/// Why a client was not registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistrationError {
    /// A member is not good.
    #[error("{}: expected {}", .0.member, .0.expected)]
    Unfit(Unfit),
    /// There is no such member; the known ones are [`MEMBERS`].
    #[error("there is no member `{0}`")]
    Unknown(String),
    /// The id is taken.
    #[error("the client id is taken")]
    Taken,
    /// The store.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

impl Provider {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store, access: Arc<AccessTokens>, pairwise: PairwiseKey) -> Self {
        Self {
            clients: Clients::new(store.clone()),
            store,
            access,
            pairwise,
        }
    }

    /// Its issuer name, which is its address.
    #[must_use]
    pub fn issuer(&self) -> &str {
        self.access.issuer()
    }

    /// Its public keys (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> Value {
        self.access.ring().jwks()
    }

    /// Its public keys with SM2.
    #[must_use]
    pub fn sm2_jwks(&self) -> Value {
        self.access.ring().sm2_jwks()
    }

    /// Whether a page of this origin may ask for tokens: a client says so.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn knows_origin(&self, origin: &str) -> Result<bool, IdentityError> {
        Ok(self.clients.origins().await?.contains(origin))
    }

    /// Looks what other hubs did.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn refresh(&self, now: Timestamp) -> Result<(), IdentityError> {
        self.access.refresh(&self.store, now).await
    }

    /// Lets the next key sign.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn turn_keys(&self, now: Timestamp) -> Result<(), IdentityError> {
        let ring = self.access.ring().turn(&self.store, now).await?;
        self.access.turned(ring);
        Ok(())
    }

    /// Registers a client.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn register(&self, given: &Value, now: Timestamp) -> Result<Registered, RegistrationError> {
        let members = given.as_object().into_iter().flat_map(|m| m.keys());
        if let Some(odd) = members.into_iter().find(|m| !MEMBERS.contains(&m.as_str())) {
            return Err(RegistrationError::Unknown(odd.clone()));
        }
        let mut client = registration(given).map_err(RegistrationError::Unfit)?;
        if client.id.is_empty() {
            client.id = format!("app_{}", fresh(12)?);
        }
        if client.sector.is_empty() {
            client.sector.clone_from(&client.id);
        }
        client.created = now;
        let secret = match client.auth.as_str() {
            "client_secret_basic" | "client_secret_post" => Some(fresh(32)?),
            _ => None,
        };
        client.secret = secret.as_deref().map(|s| digest(Digest::Sha256, s.as_bytes()));
        let taken = self.clients.get(&client.id).await;
        if taken.map_err(IdentityError::from)?.is_some() {
            return Err(RegistrationError::Taken);
        }
        self.clients.put(&client).await.map_err(IdentityError::from)?;
        Ok(Registered { client, secret })
    }

    /// Registers a client under its own id with a secret that is given, or in place of its earlier registration: for those that
    /// the hub itself brings along.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn keep(&self, given: &Value, secret: &str, now: Timestamp) -> Result<(), RegistrationError> {
        let mut client = registration(given).map_err(RegistrationError::Unfit)?;
        client.created = now;
        client.secret = Some(digest(Digest::Sha256, secret.as_bytes()));
        Ok(self.clients.put(&client).await.map_err(IdentityError::from)?)
    }

    /// Every client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn clients(&self) -> Result<Vec<SsoClientRow>, IdentityError> {
        Ok(self.clients.all().await?)
    }

    /// A client that may act.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn client(&self, id: &str) -> Result<Option<SsoClient>, OauthError> {
        let client = self.clients.get(id).await?;
        Ok(client.filter(|c| c.row().active))
    }

    /// The subject's name towards a client: one in each sector.
    pub(crate) fn sub(&self, subject: &Subject, client: &SsoClient) -> String {
        self.pairwise.id(subject, &format!("sso:{}", client.row().sector))
    }

    /// The mark under which a subject's rows stand in the store.
    pub(crate) fn mark(&self, subject: &Subject) -> String {
        self.pairwise.id(subject, "sso-store")
    }
}

/// A random text of so many bytes.
pub(crate) fn fresh(bytes: usize) -> Result<String, IdentityError> {
    let all = random::<32>().map_err(|e| IdentityError::Key(e.to_string()))?;
    Ok(base64_url(all.get(..bytes).unwrap_or(&all)))
}

/// The hash by which something random is found.
pub(crate) fn hashed(secret: &str) -> String {
    base64_url(&digest(Digest::Sha256, secret.as_bytes()))
}

/// A time so many seconds on.
pub(crate) fn later(now: Timestamp, seconds: u64) -> Timestamp {
    now.saturating_add(Duration::from_secs(seconds)).unwrap_or(now)
}
