//! Addresses of developers: whose they are, what they want, which secret signs.

use super::list::{Events, document};
use super::send::{Sender, Sent};
use super::sign::Secrets;
use super::words::{CHALLENGE, Filter, TEST};
use crate::hub::stored;
use crate::hub::turns::Turns;
use hub_core::ports::{Client, Clock};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Problem, ProblemCode, Text};
use hub_crypto::{CryptoError, ct_eq, hex, random};
use hub_store::{DeliveryRow, DeliveryState, Store, WebhookRow, WebhookState, new_world_id};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use url::Url;

/// Addresses of a tenant.
const MOST: u32 = 20;
/// Challenges and tests a tenant can cause in a minute.
const A_MINUTE: u32 = 30;
/// Longest time an old secret signs beside the new one, in hours.
const OVERLAP: i64 = 24 * 7;

/// Where events are sent and what signs them; sealed in the store.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// Address.
    pub url: String,
    /// What signs.
    pub secrets: Secrets,
}

impl Endpoint {
    /// As it was kept.
    ///
    /// # Errors
    /// If it was damaged.
    pub fn read(row: &WebhookRow) -> Result<Self, Problem> {
        serde_json::from_str(&row.secret).map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))
    }

    fn written(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What its owner changes.
#[derive(Debug, Clone, Default)]
pub struct Changed {
    /// Another address.
    pub url: Option<String>,
    /// Other kinds and world.
    pub filter: Option<Filter>,
    /// On or off.
    pub on: Option<bool>,
}

/// The addresses.
pub struct Webhooks {
    store: Store,
    events: Arc<Events>,
    clock: Arc<dyn Clock>,
    sender: Sender,
    turns: Turns,
}

fn random_failed(error: CryptoError) -> Problem {
    Problem::new(ProblemCode::Internal).inner(error.to_string())
}

fn unknown() -> Problem {
    Problem::new(ProblemCode::NotFound).detail("没有这个 webhook", "There is no such webhook")
}

impl Webhooks {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store, events: Arc<Events>, clock: Arc<dyn Clock>, sender: Sender) -> Self {
        Self {
            store,
            events,
            clock,
            sender,
            turns: Turns::new(A_MINUTE),
        }
    }

    /// Makes one and asks whether it is its owner's. Its secret is shown once, by whoever is handed it here.
    ///
    /// # Errors
    /// If the address may not be asked, or there are too many.
    pub async fn make(&self, client: &Client, url: &str, filter: &Filter) -> Result<(WebhookRow, Endpoint), Problem> {
        let address = self.sender.address(url, "/url")?;
        self.may_ask(&client.tenant)?;
        let endpoint = Endpoint {
            url: address.to_string(),
            secrets: Secrets::new().map_err(random_failed)?,
        };
        let now = self.clock.now();
        let row = WebhookRow {
            id: new_world_id("whk_").map_err(stored)?,
            client: client.id.clone(),
            tenant: client.tenant.clone(),
            state: WebhookState::Pending,
            reason: "asked".to_owned(),
            kinds: filter.kinds(),
            world: filter.world().to_owned(),
            secret: endpoint.written(),
            // What happens from here on is sent, even what happens before it is proven.
            cursor: self.events.head(&client.id).await?,
            failing: None,
            created: now,
            updated: now,
        };
        if !self.store.webhooks().add(&row, MOST).await.map_err(stored)? {
            return Err(Problem::new(ProblemCode::QuotaExceeded).detail(
                format!("最多 {MOST} 个 webhook"),
                format!("At most {MOST} webhooks are kept"),
            ));
        }
        Ok((self.prove(row).await?, endpoint))
    }

    fn may_ask(&self, tenant: &str) -> Result<(), Problem> {
        self.turns.take(tenant, self.clock.now())
    }

    /// Asks an address for a value that only whoever reads its requests can know.
    async fn prove(&self, mut row: WebhookRow) -> Result<WebhookRow, Problem> {
        let endpoint = Endpoint::read(&row)?;
        let value = hex(&random::<24>().map_err(random_failed)?);
        let now = self.clock.now();
        let id = format!("chl_{}", value.get(..16).unwrap_or_default());
        let body = json!({"type": CHALLENGE, "timestamp": rfc3339(now), "webhook": row.id, "challenge": value});
        let sent = self.post(&row, &endpoint, &id, now, &body).await;
        let (state, reason) = match (sent.is_good(), answers(&sent.body, &value)) {
            (true, true) => (WebhookState::Active, String::new()),
            (true, false) => (WebhookState::Pending, "wrong-answer".to_owned()),
            (false, _) => (WebhookState::Pending, sent.word()),
        };
        let put = self.store.webhooks().put(&row.id, state, &reason, now).await;
        put.map_err(stored)?;
        if state == WebhookState::Active {
            self.events.tell();
        }
        (row.state, row.reason, row.failing, row.updated) = (state, reason, None, now);
        Ok(row)
    }

    async fn post(&self, row: &WebhookRow, endpoint: &Endpoint, id: &str, at: Timestamp, body: &Value) -> Sent {
        let Ok(url) = Url::parse(&endpoint.url) else {
            return Sent {
                error: Some("address"),
                ..Sent::default()
            };
        };
        let body = body.to_string().into_bytes();
        let mut headers = endpoint.secrets.headers(id, at, &body);
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
        self.sender.send(&row.tenant, &url, "POST", headers, body).await
    }

    /// One of a client's.
    ///
    /// # Errors
    /// If there is none.
    pub async fn get(&self, client: &str, id: &str) -> Result<WebhookRow, Problem> {
        let found = self.store.webhooks().get(client, id).await.map_err(stored)?;
        found.ok_or_else(unknown)
    }

    /// Those of a client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_client(&self, client: &str) -> Result<Vec<WebhookRow>, Problem> {
        self.store.webhooks().of_client(client).await.map_err(stored)
    }

    /// Removes one.
    ///
    /// # Errors
    /// If there is none.
    pub async fn remove(&self, client: &str, id: &str) -> Result<(), Problem> {
        match self.store.webhooks().remove(client, id).await.map_err(stored)? {
            true => Ok(()),
            false => Err(unknown()),
        }
    }

    /// Changes one. Another address has to be proven, and so has one that was off.
    ///
    /// # Errors
    /// If there is none, or the address may not be asked.
    pub async fn change(&self, client: &str, id: &str, changed: &Changed) -> Result<WebhookRow, Problem> {
        let mut row = self.get(client, id).await?;
        let mut endpoint = Endpoint::read(&row)?;
        let moved = match &changed.url {
            Some(url) => {
                let url = self.sender.address(url, "/url")?.to_string();
                std::mem::replace(&mut endpoint.url, url) != endpoint.url
            }
            None => false,
        };
        if let Some(filter) = &changed.filter {
            row.kinds = filter.kinds();
            filter.world().clone_into(&mut row.world);
        }
        row.secret = endpoint.written();
        let now = self.clock.now();
        let (store, on) = (self.store.webhooks(), changed.on);
        if moved {
            // Nothing goes to the new address before it is proven.
            store
                .put(id, WebhookState::Pending, "asked", now)
                .await
                .map_err(stored)?;
            row.state = WebhookState::Pending;
        }
        store.change(&row, now).await.map_err(stored)?;
        row.updated = now;
        if on == Some(false) {
            store.put(id, WebhookState::Off, "owner", now).await.map_err(stored)?;
            (row.state, row.reason) = (WebhookState::Off, "owner".to_owned());
            return Ok(row);
        }
        match moved || on == Some(true) && row.state != WebhookState::Active {
            true => {
                self.may_ask(&row.tenant)?;
                self.prove(row).await
            }
            false => Ok(row),
        }
    }

    /// Gives one a new secret; the old one signs beside it for some hours. The new one is shown once.
    ///
    /// # Errors
    /// If there is none.
    pub async fn rotate(&self, client: &str, id: &str, hours: i64) -> Result<(WebhookRow, Endpoint), Problem> {
        let mut row = self.get(client, id).await?;
        let mut endpoint = Endpoint::read(&row)?;
        let now = self.clock.now();
        let overlap = jiff::SignedDuration::from_hours(hours.clamp(0, OVERLAP));
        let until = now.checked_add(overlap).unwrap_or(now);
        endpoint.secrets.rotate(until).map_err(random_failed)?;
        row.secret = endpoint.written();
        self.store.webhooks().change(&row, now).await.map_err(stored)?;
        row.updated = now;
        Ok((row, endpoint))
    }

    /// Sends something to an active one that is no event; what came of it.
    ///
    /// # Errors
    /// If there is none, or it is not active.
    pub async fn test(&self, client: &str, id: &str) -> Result<Sent, Problem> {
        let row = self.get(client, id).await?;
        if row.state != WebhookState::Active {
            return Err(Problem::new(ProblemCode::ValidationFailed).at(
                "/state",
                Text::new(
                    "已验证的 webhook；先 PATCH {\"state\": \"active\"}",
                    "an active webhook; PATCH {\"state\": \"active\"} first",
                ),
                row.state.as_str(),
            ));
        }
        self.may_ask(&row.tenant)?;
        let endpoint = Endpoint::read(&row)?;
        let id = format!("tst_{}", hex(&random::<16>().map_err(random_failed)?));
        let now = self.clock.now();
        let body = json!({"id": id, "type": TEST, "timestamp": rfc3339(now), "data": {}});
        Ok(self.post(&row, &endpoint, &id, now, &body).await)
    }

    /// Sends an event once more, to one address or to all that want it; the deliveries.
    ///
    /// # Errors
    /// If there is no such event or address.
    pub async fn again(&self, client: &str, event: &str, only: Option<&str>) -> Result<Vec<DeliveryRow>, Problem> {
        let missing = || Problem::new(ProblemCode::NotFound).detail("没有这个事件", "There is no such event");
        let event = self.events.get(client, event).await?.ok_or_else(missing)?;
        let all = match only {
            Some(id) => vec![self.get(client, id).await?],
            None => {
                let all = self.of_client(client).await?;
                let wants = |row: &WebhookRow| Filter::kept(&row.kinds, &row.world).wants(&event.kind, &event.world);
                all.into_iter().filter(wants).collect()
            }
        };
        let now = self.clock.now();
        for row in &all {
            let again = self
                .store
                .deliveries()
                .again(&row.id, event.number, &event.id, now)
                .await;
            again.map_err(stored)?;
        }
        self.events.tell();
        let deliveries = self.store.deliveries().of_event(&event.id).await.map_err(stored)?;
        let named = |d: &DeliveryRow| all.iter().any(|row| row.id == d.webhook);
        Ok(deliveries.into_iter().filter(named).collect())
    }

    /// Deliveries to an address, latest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn deliveries(
        &self,
        id: &str,
        state: Option<DeliveryState>,
        before: u64,
        most: u32,
    ) -> Result<Vec<DeliveryRow>, Problem> {
        let found = self.store.deliveries().of_webhook(id, state, before, most).await;
        found.map_err(stored)
    }

    /// Deliveries of an event.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_event(&self, event: &str) -> Result<Vec<DeliveryRow>, Problem> {
        self.store.deliveries().of_event(event).await.map_err(stored)
    }

    /// A delivery as it is shown, with every attempt.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn shown(&self, delivery: &DeliveryRow) -> Result<Value, Problem> {
        let attempts = self
            .store
            .deliveries()
            .attempts(&delivery.webhook, delivery.number)
            .await;
        let attempts: Vec<Value> = attempts
            .map_err(stored)?
            .iter()
            .map(|attempt| {
                let mut told = json!({"at": rfc3339(attempt.at)});
                let body: Value = serde_json::from_str(&attempt.body).unwrap_or(Value::Null);
                if let (Some(told), Value::Object(body)) = (told.as_object_mut(), body) {
                    told.extend(body);
                }
                told
            })
            .collect();
        let waits = delivery.state == DeliveryState::Waiting;
        Ok(json!({
            "webhook": delivery.webhook, "event": delivery.event, "sequence": delivery.number,
            "state": delivery.state.as_str(), "next_attempt": waits.then(|| rfc3339(delivery.next_at)),
            "attempts": attempts,
        }))
    }
}

/// Whether an answer is the value of a challenge and nothing else: whoever sends back what they are sent proves nothing.
fn answers(body: &[u8], value: &str) -> bool {
    if body.len() > 4_096 {
        return false;
    }
    let is = |text: &[u8]| ct_eq(text, value.as_bytes());
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(members)) => {
            let challenge = members.get("challenge").and_then(Value::as_str);
            members.len() == 1 && challenge.is_some_and(|text| is(text.as_bytes()))
        }
        Ok(Value::String(text)) => is(text.as_bytes()),
        _ => is(body.trim_ascii()),
    }
}

/// The body of an event, as every attempt sends it.
pub(super) fn body(event: &hub_store::EventRow) -> Vec<u8> {
    document(event).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::answers;

    #[test]
    fn an_echo_is_no_answer_to_a_challenge() {
        assert!(answers(b"abc\n", "abc") && answers(b"\"abc\"", "abc") && answers(br#"{"challenge": "abc"}"#, "abc"));
        for wrong in [
            &br#"{"type": "webhook.challenge", "challenge": "abc"}"#[..],
            b"abcd",
            b"",
            b"<p>abc</p>",
            br#"{"challenge": "x"}"#,
        ] {
            assert!(!answers(wrong, "abc"), "{}", String::from_utf8_lossy(wrong));
        }
    }
}
