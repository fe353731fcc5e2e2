//! What the way of a call needs of the registry, in memory.

use crate::key::{Parts, hash, parts};
use hub_core::Environment;
use hub_core::ports::Client;
use hub_core::time::Timestamp;
use hub_crypto::ct_eq;
use hub_store::{ClientRow, KeyRow};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

struct Entry {
    hash: Vec<u8>,
    expires: Option<Timestamp>,
    client: Arc<Client>,
}

/// Keys that may be good, and the origins of their clients.
#[derive(Default)]
pub(crate) struct Snapshot {
    keys: HashMap<String, Entry>,
    origins: HashSet<String>,
}

impl Snapshot {
    pub(crate) fn new(clients: Vec<ClientRow>, keys: Vec<KeyRow>) -> Self {
        let clients: HashMap<String, Arc<Client>> = clients.into_iter().filter(|c| c.active).map(client).collect();
        let origins = clients.values().flat_map(|c| c.origins.iter().cloned()).collect();
        let keys = keys
            .into_iter()
            .filter(|k| !k.revoked)
            .filter_map(|k| {
                let entry = Entry {
                    hash: k.hash,
                    expires: k.expires,
                    client: Arc::clone(clients.get(&k.client)?),
                };
                Some((k.prefix, entry))
            })
            .collect();
        Self { keys, origins }
    }

    pub(crate) fn client(&self, mac: &[u8], key: &str, now: Timestamp) -> Option<Arc<Client>> {
        // A text that was never a key costs nothing to refuse; any that could be one costs the same.
        let Parts { environment, prefix } = parts(key)?;
        let entry = self.keys.get(prefix);
        let same = ct_eq(&hash(mac, key), entry.map_or(&[0; 32], |e| e.hash.as_slice()));
        let entry = entry.filter(|_| same)?;
        let alive = entry.expires.is_none_or(|end| now < end);
        (alive && entry.client.environment == environment).then(|| Arc::clone(&entry.client))
    }

    pub(crate) fn knows_origin(&self, origin: &str) -> bool {
        self.origins.contains(origin)
    }
}

fn client(row: ClientRow) -> (String, Arc<Client>) {
    let environment: Environment = row.environment;
    let client = Client {
        id: row.id.clone(),
        tenant: row.tenant,
        plan: row.plan,
        environment,
        origins: row.origins,
    };
    (row.id, Arc::new(client))
}
