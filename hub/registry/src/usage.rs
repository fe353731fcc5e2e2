//! Who uses what, and who is told of what changes.

use crate::RegistryError;
use crate::desk::Desk;
use crate::shelf::Shown;
use hub_catalog::diff::{Seen, Usage};
use hub_catalog::{METHODS, operation_id, operation_key};
use hub_core::SystemId;
use hub_core::time::{Timestamp, rfc3339};
use hub_store::{Notice, UsageRow};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Days before an end at which clients are told of it.
const DAYS: [u64; 3] = [90, 30, 7];

/// The clients of one version.
#[derive(Debug, Default)]
pub struct Used {
    /// Ids that its operations can have in a catalog, and what the description calls them.
    names: BTreeMap<String, String>,
    rows: Vec<UsageRow>,
    /// What each client sent to which operation, and when it last did.
    sent: BTreeMap<(String, String), BTreeMap<String, Timestamp>>,
}

impl Usage for Used {
    fn clients(&self, operation: &str, field: &str) -> Vec<Seen> {
        let key = operation_key(operation);
        let own = |row: &&UsageRow| self.names.get(&row.operation) == Some(&key);
        let seen = |row: &UsageRow| {
            let last_used = self.last_sent(row, field)?;
            Some(Seen {
                client: row.client.clone(),
                last_used: rfc3339(last_used),
                count: u64::try_from(row.calls).unwrap_or_default(),
            })
        };
        self.rows.iter().filter(own).filter_map(seen).collect()
    }
}

impl Used {
    /// When a client last sent a field; its last call for the operation as a whole, and where nothing or not everything is known of
    /// what it sends: rather one too many is told than one too few.
    fn last_sent(&self, row: &UsageRow, field: &str) -> Option<Timestamp> {
        let known = self.sent.get(&(row.operation.clone(), row.client.clone()));
        let Some(known) = known.filter(|_| !field.is_empty()) else {
            return Some(row.last_used);
        };
        let steps = field
            .match_indices('/')
            .map(|(at, _)| field.get(..at).unwrap_or_default());
        let hidden = steps
            .filter_map(|above| known.get(&format!("{above}/**")))
            .copied()
            .max();
        known.get(field).copied().max(hidden)
    }
}

/// Every id that an operation of a version can have in a catalog, under the plain name of its system and beside a newer
/// major, with what the description calls it.
fn names(shown: &Shown) -> BTreeMap<String, String> {
    let row = &shown.row;
    let systems = [
        SystemId::new(&row.agency, &row.system),
        SystemId::new(&row.agency, format!("{}.v{}", row.system, row.major)),
    ];
    let mut names = BTreeMap::new();
    let document = &shown.reading.description.document;
    let paths = document.get("paths").and_then(Value::as_object);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            if !METHODS.contains(&method.as_str()) {
                continue;
            }
            let own = operation.get("operationId").and_then(Value::as_str);
            let key = operation_key(&own.map_or_else(|| format!("{method} {path}"), str::to_owned));
            for system in &systems {
                names.insert(operation_id(system, method, path, operation), key.clone());
            }
        }
    }
    names
}

impl Desk {
    /// Who called a version that is called now.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn usage(&self, shown: &Shown) -> Result<Used, RegistryError> {
        let names = names(shown);
        let mut rows = self.store.versions().usage(&format!("{}.", shown.row.agency)).await?;
        rows.retain(|row| names.contains_key(&row.operation));
        let mut sent: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
        for (field, at) in self.store.versions().sent(&format!("{}.", shown.row.agency)).await? {
            sent.entry((field.operation, field.client))
                .or_default()
                .insert(field.field, at);
        }
        Ok(Used { names, rows, sent })
    }

    /// What a client's owner was told.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn notices(&self, client: &str) -> Result<Vec<Notice>, RegistryError> {
        Ok(self.store.versions().notices(Some(client)).await?)
    }

    /// Tells the owners of clients that used a system of its new version, when that has just gone live.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn announce(&self, shown: &Shown, now: Timestamp) -> Result<(), RegistryError> {
        let shelf = self.shelf();
        let same = |s: &&&Arc<Shown>| s.row.agency == shown.row.agency && s.row.system == shown.row.system;
        for other in shelf.versions().iter().filter(same) {
            let used = self.usage(other).await?;
            self.tell_all(&used, shown, "published", now).await?;
        }
        Ok(())
    }

    async fn tell_all(&self, used: &Used, about: &Shown, kind: &str, now: Timestamp) -> Result<u64, RegistryError> {
        let clients: BTreeSet<&str> = used.rows.iter().map(|r| r.client.as_str()).collect();
        let mut told = 0;
        for client in clients {
            let notice = Notice {
                client: client.to_owned(),
                version: about.row.id.clone(),
                kind: kind.to_owned(),
                text: text(about, kind).to_string(),
                created: now,
            };
            told += u64::from(self.store.versions().tell(&notice).await?);
        }
        Ok(told)
    }

    /// Tells the owners of clients that use a version of its end: when it is announced, and 90, 30 and 7 days ahead. Each
    /// is told once of each.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn tell(&self, now: Timestamp) -> Result<u64, RegistryError> {
        let shelf = self.shelf();
        let mut told = 0;
        for shown in shelf.versions() {
            if !shown.state().is_called() {
                continue;
            }
            let kinds = kinds(shown, now);
            if kinds.is_empty() {
                continue;
            }
            let used = self.usage(shown).await?;
            for kind in &kinds {
                told += self.tell_all(&used, shown, kind, now).await?;
            }
        }
        Ok(told)
    }
}

/// What is due to be told of a version that is called.
fn kinds(shown: &Shown, now: Timestamp) -> Vec<String> {
    let mut kinds = Vec::new();
    if shown.row.deprecated.is_some() {
        kinds.push("deprecated".to_owned());
    }
    if let Some(end) = shown.row.sunset {
        let due = |days: &&u64| {
            let before = end.checked_sub(Duration::from_secs(**days * 24 * 3600));
            before.is_ok_and(|at| at <= now)
        };
        kinds.extend(DAYS.iter().filter(due).map(u64::to_string));
    }
    kinds
}

fn text(shown: &Shown, kind: &str) -> Value {
    let (row, path) = (&shown.row, shown.path());
    let end = row.sunset.map(rfc3339).unwrap_or_default();
    match kind {
        "published" => json!({
            "zh": format!("{path} 现行版本为 {}", row.number),
            "en": format!("{path} is now at version {}", row.number),
        }),
        "deprecated" => json!({
            "zh": format!("{path} {} 已弃用，{end} 停用", row.number),
            "en": format!("{path} {} is deprecated and ends at {end}", row.number),
        }),
        days => json!({
            "zh": format!("{path} {} 将在 {days} 天内停用（{end}）", row.number),
            "en": format!("{path} {} ends within {days} days, at {end}", row.number),
        }),
    }
}
