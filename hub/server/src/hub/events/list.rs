//! The list of events.

use super::words::Filter;
use crate::hub::{Cast, stored};
use hub_core::Problem;
use hub_core::ports::Clock;
use hub_core::time::{Timestamp, rfc3339};
use hub_crypto::{Digest, digest, hex};
use hub_sandbox::{Change, Happening, happenings};
use hub_store::{EventPage, EventRow, NewEvent, Store, StoreError, WorldRow};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;

/// Days an event is kept.
const KEPT_DAYS: i64 = 30;

/// The events.
pub struct Events {
    store: Store,
    clock: Arc<dyn Clock>,
    cast: Arc<Cast>,
    told: watch::Sender<u64>,
}

impl Events {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, cast: Arc<Cast>) -> Self {
        Self {
            store,
            clock,
            cast,
            told: watch::Sender::new(0),
        }
    }

    /// The events among what has to be written down of a world.
    #[must_use]
    pub fn of(&self, world: &WorldRow, changes: &[Change]) -> Vec<NewEvent> {
        if world.client.is_empty() {
            return Vec::new();
        }
        let now = self.clock.now();
        happenings(changes).iter().map(|h| self.event(world, h, now)).collect()
    }

    fn event(&self, world: &WorldRow, told: &Happening, now: Timestamp) -> NewEvent {
        // The same happening has the same id however often it is written. Its layer is part of it: a world that is put back
        // counts from an earlier number again.
        let name = format!("{} {} {} {}", world.id, world.layer, told.number, told.event());
        let mut id = hex(&digest(Digest::Sha256, name.as_bytes()));
        id.truncate(32);
        let body = json!({
            "clock": rfc3339(told.at), "subject": self.subject(&told.owners), "service": told.service,
            "operation": told.operation,
            "data": {"case": told.case, "system": told.system, "kind": told.kind, "number": told.number,
                     "text": told.kind.text()},
        });
        NewEvent {
            id: format!("evt_{id}"),
            kind: told.event().to_owned(),
            at: now,
            body: body.to_string(),
        }
    }

    /// Persona or company whose numbers these are.
    fn subject(&self, owners: &[String]) -> Option<String> {
        let all = self.cast.personas();
        owners.iter().find_map(|number| {
            let person = all.person_by_number(number).map(|p| p.id.clone());
            person.or_else(|| all.company(number).map(|c| c.id.clone()))
        })
    }

    /// Says that there are new ones.
    pub fn tell(&self) {
        self.told.send_modify(|n| *n += 1);
    }

    /// Hears of new ones from now on; those of other hubs are not heard of.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Events of a client after a number.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn after(&self, client: &str, after: u64, most: usize, wanted: &Filter) -> Result<EventPage, Problem> {
        let wants = |kind: &str, world: &str| wanted.wants(kind, world);
        let page = self.store.events().after(client, after, most, wants).await;
        page.map_err(stored)
    }

    /// An event of a client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, client: &str, id: &str) -> Result<Option<EventRow>, Problem> {
        self.store.events().get(client, id).await.map_err(stored)
    }

    /// The number of the last event of a client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn head(&self, client: &str) -> Result<u64, Problem> {
        self.store.events().head(client).await.map_err(stored)
    }

    /// Forgets what is too old.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn upkeep(&self, now: Timestamp) -> Result<(), StoreError> {
        let Ok(before) = now.checked_sub(jiff::SignedDuration::from_hours(24 * KEPT_DAYS)) else {
            return Ok(());
        };
        self.store.events().forget_before(before).await?;
        self.store.verifications().forget_before(before).await
    }
}

/// An event as it is shown and as it is sent: the same bytes every time.
#[must_use]
pub fn document(event: &EventRow) -> Value {
    let mut told = json!({
        "id": event.id, "type": event.kind, "timestamp": rfc3339(event.at), "sequence": event.number,
        "world": (!event.world.is_empty()).then_some(&event.world),
    });
    let body: Value = serde_json::from_str(&event.body).unwrap_or(Value::Null);
    if let (Some(told), Value::Object(body)) = (told.as_object_mut(), body) {
        told.extend(body);
    }
    told
}
