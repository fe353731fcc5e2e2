//! Clients as they were last read: every request of the protocol begins with one, and hardly any of them ever changes.

use super::client::SsoClient;
use hub_store::{SsoClientRow, Store, StoreError};
use moka::sync::Cache;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// For so long may a hub not know what another one changed.
const HELD: Duration = Duration::from_secs(2);
/// Most clients held.
const MOST: u64 = 10_000;

/// The clients of a store, each held for [`HELD`].
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    store: Store,
    known: Cache<String, SsoClient>,
    origins: Cache<(), Arc<BTreeSet<String>>>,
}

impl Clients {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            known: Cache::builder().max_capacity(MOST).time_to_live(HELD).build(),
            origins: Cache::builder().max_capacity(1).time_to_live(HELD).build(),
        }
    }

    /// A client, whether it may act or not. That there is none is asked anew each time, so that one just registered is known.
    pub(crate) async fn get(&self, id: &str) -> Result<Option<SsoClient>, StoreError> {
        if let Some(client) = self.known.get(id) {
            return Ok(Some(client));
        }
        let client = self.store.sso_clients().get(id).await?.map(SsoClient::new);
        if let Some(client) = &client {
            self.known.insert(id.to_owned(), client.clone());
        }
        Ok(client)
    }

    pub(crate) async fn put(&self, row: &SsoClientRow) -> Result<(), StoreError> {
        self.store.sso_clients().put(row).await?;
        self.known.invalidate(&row.id);
        self.origins.invalidate_all();
        Ok(())
    }

    pub(crate) async fn all(&self) -> Result<Vec<SsoClientRow>, StoreError> {
        self.store.sso_clients().all().await
    }

    /// Origins whose pages may ask for tokens. A stranger's browser asks for them, before it says which client it is.
    pub(crate) async fn origins(&self) -> Result<Arc<BTreeSet<String>>, StoreError> {
        if let Some(origins) = self.origins.get(&()) {
            return Ok(origins);
        }
        let active = self.all().await?.into_iter().filter(|c| c.active);
        let origins = Arc::new(active.flat_map(|c| c.origins).collect::<BTreeSet<_>>());
        self.origins.insert((), Arc::clone(&origins));
        Ok(origins)
    }
}
