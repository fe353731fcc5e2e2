//! Delivering events to addresses. What is due stands in the store, so that a hub that dies takes nothing along.
//!
//! An address is served by one task of one hub at a time, in the order of its events; one that is slow holds up nobody else.

use super::list::Events;
use super::send::{Sender, Sent, why};
use super::webhooks::{Endpoint, body};
use super::words::{Filter, SWITCHED_OFF};
use hub_core::ports::Clock;
use hub_core::time::Timestamp;
use hub_crypto::{hex, random};
use hub_store::{AttemptRow, DeliveryRow, DeliveryState, NewEvent, Store, StoreError, Tried, WebhookRow};
use jiff::SignedDuration;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

/// Between two looks when nothing is heard: for what is due again, and what happened at other hubs.
const LOOK: Duration = Duration::from_millis(500);
/// How long a hub has an address before others may think that it died. Longer than any attempt.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// Seconds from one attempt to the next: some 21 hours in all.
const WAITS: [u32; 8] = [2, 10, 60, 300, 1_800, 7_200, 21_600, 43_200];
/// Longest wait that an address can ask for.
const LONGEST: u64 = 3_600;
/// After so long without a single arrival an address is switched off.
const HOPELESS: SignedDuration = SignedDuration::from_hours(20);
/// Addresses served at a time; no tenant has so many that it could take all places.
const TASKS: usize = 512;
/// Shortest time between two deliveries of a tenant: fifty a second.
const PACE: Duration = Duration::from_millis(20);
/// Deliveries before an address lets others come first.
const TURN: usize = 100;

/// Delivers.
pub struct Deliverer {
    store: Store,
    events: Arc<Events>,
    clock: Arc<dyn Clock>,
    sender: Sender,
    next: Mutex<HashMap<String, tokio::time::Instant>>,
}

impl Deliverer {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store, events: Arc<Events>, clock: Arc<dyn Clock>, sender: Sender) -> Self {
        Self {
            store,
            events,
            clock,
            sender,
            next: Mutex::default(),
        }
    }

    /// Delivers until it is told to stop; then ends what is under way.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        // Nobody else has this node's name: what it was at before is at nobody's.
        if let Err(error) = self.store.webhooks().take_over().await {
            tracing::warn!(%error, "webhooks of an earlier run could not be taken over");
        }
        let mut told = self.events.listen();
        let mut tasks: JoinSet<String> = JoinSet::new();
        let mut busy: HashSet<String> = HashSet::new();
        while !*stop.borrow() {
            if let Err(error) = self.begin(&mut tasks, &mut busy, &stop).await {
                tracing::warn!(%error, "webhooks could not be looked at");
            }
            tokio::select! {
                Some(done) = tasks.join_next(), if !tasks.is_empty() => match done {
                    Ok(id) => drop(busy.remove(&id)),
                    // A task that panicked is not known by name; its lease ends by itself.
                    Err(_) => busy.clear(),
                },
                _ = told.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
                _ = stop.changed() => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn begin(
        self: &Arc<Self>,
        tasks: &mut JoinSet<String>,
        busy: &mut HashSet<String>,
        stop: &watch::Receiver<bool>,
    ) -> Result<(), StoreError> {
        if busy.len() >= TASKS {
            return Ok(());
        }
        for id in self.store.webhooks().due(self.clock.now(), 200).await? {
            if busy.len() >= TASKS || !busy.insert(id.clone()) {
                continue;
            }
            let (own, stop) = (Arc::clone(self), stop.clone());
            tasks.spawn(async move {
                if let Err(error) = own.serve(&id, &stop).await {
                    tracing::warn!(%error, webhook = id, "events could not be delivered");
                }
                id
            });
        }
        Ok(())
    }

    async fn serve(&self, id: &str, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
        let now = self.clock.now();
        let Some(row) = self.store.webhooks().lease(id, now, later(now, LEASE)).await? else {
            return Ok(());
        };
        let served = self.deliver(row, stop).await;
        self.store.webhooks().release(id).await?;
        served
    }

    async fn deliver(&self, mut row: WebhookRow, stop: &watch::Receiver<bool>) -> Result<(), StoreError> {
        let Ok(endpoint) = Endpoint::read(&row) else {
            return Err(StoreError::Damaged("a webhook"));
        };
        self.fan_out(&row).await?;
        let mut left = TURN;
        while left > 0 {
            let due = self.store.deliveries().due(&row.id, self.clock.now(), 20).await?;
            if due.is_empty() {
                return Ok(());
            }
            for delivery in due {
                if *stop.borrow() || !self.attempt(&mut row, &endpoint, &delivery).await? {
                    return Ok(());
                }
                left = left.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// Makes deliveries of what happened since the last time.
    async fn fan_out(&self, row: &WebhookRow) -> Result<(), StoreError> {
        let filter = Filter::kept(&row.kinds, &row.world);
        let mut cursor = row.cursor;
        loop {
            let wants = |kind: &str, world: &str| filter.wants(kind, world);
            let page = self.store.events().after(&row.client, cursor, 200, wants).await?;
            // Events may have been forgotten behind which there is nothing.
            let head = if page.last == cursor && !page.more {
                self.store.events().head(&row.client).await?
            } else {
                page.last
            };
            if head == cursor {
                return Ok(());
            }
            let events: Vec<(u64, String)> = page.events.into_iter().map(|e| (e.number, e.id)).collect();
            let deliveries = self.store.deliveries();
            deliveries.make(&row.id, &events, head, self.clock.now()).await?;
            cursor = head;
            if !page.more {
                return Ok(());
            }
        }
    }

    /// One attempt; false if the address has had its turn: it did not take something, or is not to be served any more.
    async fn attempt(&self, row: &mut WebhookRow, to: &Endpoint, delivery: &DeliveryRow) -> Result<bool, StoreError> {
        self.pace(&row.tenant).await;
        let event = self.store.events().get(&row.client, &delivery.event).await?;
        let at = self.clock.now();
        let sent = match (event, Url::parse(&to.url)) {
            (Some(event), Ok(url)) => {
                let body = body(&event);
                let mut headers = to.secrets.headers(&event.id, at, &body);
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                self.sender.send(&row.tenant, &url, "POST", headers, body).await
            }
            _ => Sent {
                error: Some("address"),
                ..Sent::default()
            },
        };
        let tried = tried(delivery, &sent, at, row.failing, self.clock.now());
        row.failing = tried.failing;
        let goes_on = self.store.deliveries().tried(delivery, &tried).await?;
        let reason = if sent.status == Some(410) { "gone" } else { "silent" };
        if goes_on && (sent.status == Some(410) || is_hopeless(tried.failing, at)) {
            self.switch_off(row, reason).await?;
            return Ok(false);
        }
        // Whoever fails waits for the next turn, so that a slow one holds no place for long.
        Ok(goes_on && sent.is_good())
    }

    async fn switch_off(&self, row: &WebhookRow, reason: &str) -> Result<(), StoreError> {
        let id = random::<16>().map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let event = NewEvent {
            id: format!("evt_{}", hex(&id)),
            kind: SWITCHED_OFF.to_owned(),
            at: self.clock.now(),
            body: json!({"data": {"webhook": row.id, "reason": reason, "text": why(reason)}}).to_string(),
        };
        self.store.webhooks().switch_off(row, reason, &event).await?;
        self.events.tell();
        tracing::info!(webhook = row.id, reason, "a webhook was switched off");
        Ok(())
    }

    /// Waits until the tenant's turn.
    async fn pace(&self, tenant: &str) {
        let at = {
            let now = tokio::time::Instant::now();
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            if next.len() > 10_000 {
                next.retain(|_, at| *at > now);
            }
            let place = next.entry(tenant.to_owned()).or_insert(now);
            let at = (*place).max(now);
            *place = at + PACE;
            at
        };
        tokio::time::sleep_until(at).await;
    }
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

fn is_hopeless(failing: Option<Timestamp>, at: Timestamp) -> bool {
    failing.is_some_and(|since| at.duration_since(since) >= HOPELESS)
}

/// What an attempt leaves behind.
fn tried(delivery: &DeliveryRow, sent: &Sent, at: Timestamp, failing: Option<Timestamp>, now: Timestamp) -> Tried {
    let attempts = delivery.attempts.saturating_add(1);
    let wait = usize::try_from(delivery.attempts).ok().and_then(|n| WAITS.get(n));
    let (state, next_at) = match (sent.is_good(), wait) {
        (true, _) => (DeliveryState::Delivered, now),
        (false, Some(wait)) => (DeliveryState::Waiting, later(now, jittered(*wait, sent.retry_after))),
        (false, None) => (DeliveryState::Failed, now),
    };
    let body = json!({
        "status": sent.status, "error": sent.error, "took_ms": u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX),
        "excerpt": sent.excerpt(),
        "why": (!sent.is_good()).then(|| why(&sent.word())),
    });
    Tried {
        attempt: AttemptRow {
            at,
            body: body.to_string(),
        },
        state,
        attempts,
        next_at,
        failing: if sent.is_good() { None } else { failing.or(Some(at)) },
        lease: later(now, LEASE),
    }
}

/// A wait, up to a fifth longer, so that those that failed together do not come back together; and no shorter than was asked
/// for.
fn jittered(seconds: u32, asked: Option<u64>) -> SignedDuration {
    let byte = random::<1>().map_or(0, |[byte]| byte);
    let more = i64::from(seconds) * 1_000 * i64::from(byte) / (5 * 255);
    let asked = asked.unwrap_or(0).min(LONGEST);
    let asked = SignedDuration::from_secs(i64::try_from(asked).unwrap_or(0));
    SignedDuration::from_millis(i64::from(seconds) * 1_000 + more).max(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn delivery(attempts: u32) -> DeliveryRow {
        DeliveryRow {
            webhook: "w".into(),
            number: 1,
            event: "e".into(),
            state: DeliveryState::Waiting,
            attempts,
            next_at: at(0),
            updated: at(0),
        }
    }

    fn answer(status: u16) -> Sent {
        Sent {
            status: Some(status),
            ..Sent::default()
        }
    }

    #[test]
    fn attempts_come_later_and_later_and_end() {
        let mut waited = 0;
        for attempts in 0..8 {
            let tried = tried(&delivery(attempts), &answer(500), at(0), None, at(0));
            assert_eq!((tried.state, tried.attempts), (DeliveryState::Waiting, attempts + 1));
            let wait = tried.next_at.as_second();
            let plain = i64::from(WAITS[attempts as usize]);
            assert!((plain..=plain + plain / 5 + 1).contains(&wait), "{wait}");
            waited += wait;
        }
        assert!(waited < 26 * 3_600);
        assert_eq!(
            tried(&delivery(8), &answer(500), at(0), None, at(0)).state,
            DeliveryState::Failed
        );
        assert_eq!(
            tried(&delivery(3), &answer(204), at(9), Some(at(1)), at(9)).failing,
            None
        );
        let redirected = tried(&delivery(0), &answer(302), at(9), Some(at(1)), at(9));
        assert_eq!(
            (redirected.state, redirected.failing),
            (DeliveryState::Waiting, Some(at(1)))
        );
    }

    #[test]
    fn who_asks_for_time_gets_some() {
        let mut busy = answer(429);
        busy.retry_after = Some(30);
        assert_eq!(tried(&delivery(0), &busy, at(0), None, at(0)).next_at, at(30));
        busy.retry_after = Some(u64::MAX);
        assert_eq!(tried(&delivery(0), &busy, at(0), None, at(0)).next_at, at(3_600));
    }

    #[test]
    fn nothing_for_twenty_hours_is_hopeless() {
        assert!(!is_hopeless(None, at(100)) && !is_hopeless(Some(at(0)), at(20 * 3_600 - 1)));
        assert!(is_hopeless(Some(at(0)), at(20 * 3_600)));
    }
}
