//! The life of tenants, clients and keys.

use crate::RegistryError;
use crate::key::{fresh, hash};
use crate::snapshot::Snapshot;
use arc_swap::ArcSwap;
use hub_core::Environment;
use hub_core::ports::Client;
use hub_core::time::Timestamp;
use hub_crypto::{hex, random};
use hub_store::{ClientRow, KeyRow, Store, StoreError, TenantRow};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Name of the hashing key in the store.
const MAC: &str = "registry.keys";
/// Most characters of a name.
const NAME: usize = 100;

/// A client to be created.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// Id to use; `None` lets one be made.
    pub id: Option<String>,
    /// Owner.
    pub tenant: String,
    /// Name people read.
    pub name: String,
    /// Name of its plan in `policies/limits/`.
    pub plan: String,
    /// Where its keys are good.
    pub environment: Environment,
    /// Exact CORS origins, for example `https://app.example`.
    pub origins: Vec<String>,
}

/// A key, the one time it is seen.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedKey {
    /// The whole key. Show it, do not keep it.
    pub key: String,
    /// Its public part, by which it is named from now on.
    pub prefix: String,
}

impl std::fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuedKey({})", self.prefix)
    }
}

/// A key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Public part.
    pub prefix: String,
    /// Whose.
    pub client: String,
    /// Dead at once.
    pub revoked: bool,
    /// Dead from then on.
    pub expires: Option<Timestamp>,
    /// Since when.
    pub created: Timestamp,
}

/// Tenants, clients and keys.
pub struct Registry {
    store: Store,
    mac: Vec<u8>,
    snapshot: ArcSwap<Snapshot>,
    /// Held over a change and the reading after it, so that an older reading never replaces a newer one.
    change: Mutex<()>,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Registry")
    }
}

impl Registry {
    /// Reads everything into memory.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn load(store: Store) -> Result<Self, RegistryError> {
        let fresh = random::<32>().map_err(|e| RegistryError::Key(e.to_string()))?;
        let mac = store.secrets().get_or_keep(MAC, &fresh).await?;
        let registry = Self {
            store,
            mac,
            snapshot: ArcSwap::default(),
            change: Mutex::new(()),
        };
        registry.reload().await?;
        Ok(registry)
    }

    /// Reads everything again: another hub may have changed it.
    ///
    /// # Errors
    /// If the store does not answer; then what is in memory stays.
    pub async fn reload(&self) -> Result<(), RegistryError> {
        let _held = self.change.lock().await;
        self.refresh().await
    }

    async fn refresh(&self) -> Result<(), RegistryError> {
        let clients = self.store.clients();
        let snapshot = Snapshot::new(clients.clients().await?, clients.keys().await?);
        self.snapshot.store(Arc::new(snapshot));
        Ok(())
    }

    /// The client behind a key. `None` if the key is unknown, revoked, expired, or its client suspended.
    #[must_use]
    pub fn client(&self, key: &str, now: Timestamp) -> Option<Arc<Client>> {
        self.snapshot.load().client(&self.mac, key, now)
    }

    /// Whether any active client has this CORS origin; for preflights, which carry no key.
    #[must_use]
    pub fn knows_origin(&self, origin: &str) -> bool {
        self.snapshot.load().knows_origin(origin)
    }

    /// Keeps a tenant under an id; renames it if it exists.
    ///
    /// # Errors
    /// If a value cannot be taken or the store does not answer.
    pub async fn put_tenant(&self, id: &str, name: &str, now: Timestamp) -> Result<(), RegistryError> {
        check_id("id", id)?;
        check_name(name)?;
        let row = TenantRow {
            id: id.to_owned(),
            name: name.to_owned(),
            created: now,
        };
        Ok(self.store.clients().put_tenant(&row).await?)
    }

    /// Creates a client, or changes name, plan and origins of the one with this id (tenant and environment never
    /// change).
    ///
    /// # Errors
    /// If a value cannot be taken, the tenant is unknown, or the store does not answer.
    pub async fn put_client(&self, new: NewClient, now: Timestamp) -> Result<ClientRow, RegistryError> {
        check_name(&new.name)?;
        check_id("plan", &new.plan)?;
        new.origins.iter().try_for_each(|o| check_origin(o))?;
        let id = match new.id {
            Some(id) => check_id("id", &id).map(|()| id)?,
            None => format!(
                "cli-{}",
                hex(&random::<8>().map_err(|e| RegistryError::Key(e.to_string()))?)
            ),
        };
        let _held = self.change.lock().await;
        let known = self.find(&id).await?;
        if let Some(known) = &known
            && (known.tenant != new.tenant || known.environment != new.environment)
        {
            return Err(RegistryError::Exists(id));
        }
        let row = ClientRow {
            id,
            tenant: new.tenant,
            name: new.name,
            plan: new.plan,
            environment: new.environment,
            origins: new.origins,
            active: known.as_ref().is_none_or(|k| k.active),
            created: known.map_or(now, |k| k.created),
        };
        match self.store.clients().put_client(&row).await {
            Err(StoreError::Conflict) => return Err(unknown("tenant", &row.tenant)),
            other => other?,
        }
        self.refresh().await?;
        Ok(row)
    }

    /// Suspends a client or lets it call again; its keys are kept.
    ///
    /// # Errors
    /// If it is unknown or the store does not answer.
    pub async fn set_active(&self, id: &str, active: bool) -> Result<(), RegistryError> {
        let _held = self.change.lock().await;
        let mut row = self.find(id).await?.ok_or_else(|| unknown("client", id))?;
        row.active = active;
        self.store.clients().put_client(&row).await?;
        self.refresh().await
    }

    /// The key of a client that the hub itself brings along. It is kept sealed under a name, so that a restart changes none; one
    /// that is not good any more is replaced.
    ///
    /// # Errors
    /// If a value cannot be taken or the store does not answer.
    pub async fn kept_key(&self, name: &str, new: NewClient, now: Timestamp) -> Result<String, RegistryError> {
        let kept = self.store.secrets().get(name).await?;
        let kept = kept.and_then(|key| String::from_utf8(key).ok());
        if let Some(kept) = kept.filter(|key| self.client(key, now).is_some()) {
            return Ok(kept);
        }
        let client = self.put_client(new, now).await?;
        let issued = self.issue_key(&client.id, now).await?;
        self.store.secrets().put(name, issued.key.as_bytes()).await?;
        Ok(issued.key)
    }

    /// Issues a further key.
    ///
    /// # Errors
    /// If the client is unknown or the store does not answer.
    pub async fn issue_key(&self, client: &str, now: Timestamp) -> Result<IssuedKey, RegistryError> {
        let _held = self.change.lock().await;
        let issued = self.keep_key(client, now).await?;
        self.refresh().await?;
        Ok(issued)
    }

    /// Issues a key and lets all others of the client end after `grace`.
    ///
    /// # Errors
    /// If the client is unknown or the store does not answer. If it fails half-way, an old key may live on without an
    /// end; rotating again mends that.
    pub async fn rotate(&self, client: &str, grace: Duration, now: Timestamp) -> Result<IssuedKey, RegistryError> {
        let _held = self.change.lock().await;
        let end = now.checked_add(grace).map_err(|_| RegistryError::Value {
            field: "grace",
            expected: "a time that can be reached",
        })?;
        let issued = self.keep_key(client, now).await?;
        let clients = self.store.clients();
        for old in clients.keys().await? {
            if old.client == client && old.prefix != issued.prefix && !old.revoked {
                clients.end_key(&old.prefix, end).await?;
            }
        }
        self.refresh().await?;
        Ok(issued)
    }

    async fn keep_key(&self, client: &str, now: Timestamp) -> Result<IssuedKey, RegistryError> {
        let row = self.find(client).await?.ok_or_else(|| unknown("client", client))?;
        let (key, prefix) = fresh(row.environment).map_err(|e| RegistryError::Key(e.to_string()))?;
        let kept = KeyRow {
            prefix: prefix.clone(),
            client: row.id,
            hash: hash(&self.mac, &key),
            revoked: false,
            expires: None,
            created: now,
        };
        self.store.clients().add_key(&kept).await?;
        Ok(IssuedKey { key, prefix })
    }

    /// Kills a key. When this returns it opens nothing any more.
    ///
    /// # Errors
    /// If it is unknown or the store does not answer.
    pub async fn revoke(&self, prefix: &str) -> Result<(), RegistryError> {
        let _held = self.change.lock().await;
        if !self.store.clients().revoke_key(prefix).await? {
            return Err(unknown("key", prefix));
        }
        self.refresh().await
    }

    /// Every tenant.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, RegistryError> {
        Ok(self.store.clients().tenants().await?)
    }

    /// Every client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn clients(&self) -> Result<Vec<ClientRow>, RegistryError> {
        Ok(self.store.clients().clients().await?)
    }

    /// Every key, dead ones too, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keys(&self) -> Result<Vec<KeyInfo>, RegistryError> {
        let rows = self.store.clients().keys().await?;
        let info = |k: KeyRow| KeyInfo {
            prefix: k.prefix,
            client: k.client,
            revoked: k.revoked,
            expires: k.expires,
            created: k.created,
        };
        Ok(rows.into_iter().map(info).collect())
    }

    async fn find(&self, id: &str) -> Result<Option<ClientRow>, RegistryError> {
        Ok(self.store.clients().clients().await?.into_iter().find(|c| c.id == id))
    }
}

fn unknown(kind: &'static str, id: &str) -> RegistryError {
    RegistryError::Unknown {
        kind,
        id: id.chars().filter(|c| !c.is_control()).take(NAME).collect(),
    }
}

fn check_id(field: &'static str, id: &str) -> Result<(), RegistryError> {
    let good = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.'));
    if good {
        return Ok(());
    }
    Err(RegistryError::Value {
        field,
        expected: "1 to 64 of a-z, 0-9, -, _, .",
    })
}

fn check_name(name: &str) -> Result<(), RegistryError> {
    let length = name.chars().count();
    if (1..=NAME).contains(&length) && !name.chars().any(char::is_control) && !name.trim().is_empty() {
        return Ok(());
    }
    Err(RegistryError::Value {
        field: "name",
        expected: "1 to 100 characters",
    })
}

/// An origin as browsers send it (RFC 6454, 6.2): nothing that could be read in two ways, no wildcard, no `null`.
fn check_origin(origin: &str) -> Result<(), RegistryError> {
    let good = url::Url::parse(origin).is_ok_and(|u| {
        matches!(u.scheme(), "http" | "https") && !origin.contains('*') && u.origin().ascii_serialization() == origin
    });
    if good {
        return Ok(());
    }
    Err(RegistryError::Value {
        field: "origins",
        expected: "an origin as browsers send it, for example https://app.example",
    })
}
