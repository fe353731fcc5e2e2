//! What became of telling an address of an event.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, Statement, sql};
use crate::events::{signed, unsigned};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// How a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It is tried, or tried again.
    Waiting,
    /// It arrived.
    Delivered,
    /// It was tried as often as it is.
    Failed,
}

impl DeliveryState {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// One event on its way to one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryRow {
    /// Address.
    pub webhook: String,
    /// Number of the event.
    pub number: u64,
    /// Id of the event.
    pub event: String,
    /// How it is.
    pub state: DeliveryState,
    /// Attempts so far, since it was last sent again by hand.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// One attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRow {
    /// When it began.
    pub at: Timestamp,
    /// What came of it, as JSON; sealed.
    pub body: String,
}

/// What an attempt leaves behind.
#[derive(Debug, Clone)]
pub struct Tried {
    /// The attempt.
    pub attempt: AttemptRow,
    /// How the delivery is now.
    pub state: DeliveryState,
    /// Attempts by now.
    pub attempts: u32,
    /// When it is tried next.
    pub next_at: Timestamp,
    /// Since when nothing arrives at the address.
    pub failing: Option<Timestamp>,
    /// Until when this hub goes on with the address.
    pub lease: Timestamp,
}

/// The repository of deliveries.
#[derive(Debug, Clone, Copy)]
pub struct Deliveries<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
    pub(crate) node: &'a str,
}

impl Deliveries<'_> {
    /// Makes deliveries of events, by number and id, and notes up to which event an address has them: both or neither.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn make(
        &self,
        webhook: &str,
        events: &[(u64, String)],
        cursor: u64,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut statements: Vec<Statement> = events
            .iter()
            .map(|(number, event)| {
                sql(
                    "INSERT INTO deliveries (webhook, number, event, state, attempts, next_at, updated)
                     SELECT id, $2, $3, 'waiting', 0, $4, $4 FROM webhooks WHERE id = $1
                     ON CONFLICT (webhook, number) DO NOTHING",
                    [
                        webhook.into(),
                        signed(*number).into(),
                        event.as_str().into(),
                        now.as_microsecond().into(),
                    ],
                )
            })
            .collect();
        statements.push(sql(
            "UPDATE webhooks SET cursor = $2 WHERE id = $1 AND cursor < $2",
            [webhook.into(), signed(cursor).into()],
        ));
        self.db.write_all(statements).await.map(drop)
    }

    /// Sends an event once more: attempts are counted anew.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn again(&self, webhook: &str, number: u64, event: &str, now: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO deliveries (webhook, number, event, state, attempts, next_at, updated)
             SELECT id, $2, $3, 'waiting', 0, $4, $4 FROM webhooks WHERE id = $1
             ON CONFLICT (webhook, number) DO UPDATE SET state = 'waiting', attempts = 0, next_at = excluded.next_at,
                                                         updated = excluded.updated",
            [
                webhook.into(),
                signed(number).into(),
                event.into(),
                now.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// What is due at an address, in the order of the events.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn due(&self, webhook: &str, now: Timestamp, most: u32) -> Result<Vec<DeliveryRow>, StoreError> {
        let statement = sql(
            "SELECT webhook, number, event, state, attempts, next_at, updated FROM deliveries
             WHERE webhook = $1 AND state = 'waiting' AND next_at <= $2 ORDER BY number LIMIT $3",
            [webhook.into(), now.as_microsecond().into(), i64::from(most).into()],
        );
        self.list(statement).await
    }

    /// Deliveries at an address before an event, latest first; only in a state, if one is named.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_webhook(
        &self,
        webhook: &str,
        state: Option<DeliveryState>,
        before: u64,
        most: u32,
    ) -> Result<Vec<DeliveryRow>, StoreError> {
        let statement = sql(
            "SELECT webhook, number, event, state, attempts, next_at, updated FROM deliveries
             WHERE webhook = $1 AND ($2 = '' OR state = $2) AND number < $3 ORDER BY number DESC LIMIT $4",
            [
                webhook.into(),
                state.map_or("", DeliveryState::as_str).into(),
                signed(before).into(),
                i64::from(most).into(),
            ],
        );
        self.list(statement).await
    }

    /// Deliveries of an event.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_event(&self, event: &str) -> Result<Vec<DeliveryRow>, StoreError> {
        let statement = sql(
            "SELECT webhook, number, event, state, attempts, next_at, updated FROM deliveries WHERE event = $1 ORDER BY webhook",
            [event.into()],
        );
        self.list(statement).await
    }

    async fn list(&self, statement: Statement) -> Result<Vec<DeliveryRow>, StoreError> {
        self.db.read(statement).await?.into_iter().map(delivery).collect()
    }

    /// The attempts of a delivery, oldest first.
    ///
    /// # Errors
    /// If the store does not answer or one does not open.
    pub async fn attempts(&self, webhook: &str, number: u64) -> Result<Vec<AttemptRow>, StoreError> {
        let statement = sql(
            "SELECT at, body FROM delivery_attempts WHERE webhook = $1 AND number = $2 ORDER BY at",
            [webhook.into(), signed(number).into()],
        );
        let attempt = |mut row: Row| {
            let at = time(row.int(0)?)?;
            let plain = self
                .sealer
                .open(&row.bytes(1)?, "attempt", &name(webhook, number, at))?;
            let body = String::from_utf8(plain).map_err(|_| StoreError::Damaged("an attempt"))?;
            Ok(AttemptRow { at, body })
        };
        self.db.read(statement).await?.into_iter().map(attempt).collect()
    }

    /// Notes an attempt and what it means; false if this hub has the address no more, or it is not active any more.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn tried(&self, delivery: &DeliveryRow, tried: &Tried) -> Result<bool, StoreError> {
        let (webhook, number) = (delivery.webhook.as_str(), signed(delivery.number));
        let body = self.sealer.seal(
            tried.attempt.body.as_bytes(),
            "attempt",
            &name(webhook, delivery.number, tried.attempt.at),
        )?;
        let at = tried.attempt.at.as_microsecond();
        let statements = vec![
            sql(
                "INSERT INTO delivery_attempts (webhook, number, at, body)
                 SELECT webhook, number, $3, $4 FROM deliveries WHERE webhook = $1 AND number = $2
                 ON CONFLICT (webhook, number, at) DO NOTHING",
                [webhook.into(), number.into(), at.into(), body.into()],
            ),
            // Whoever sent it again by hand meanwhile is not overruled.
            sql(
                "UPDATE deliveries SET state = $3, attempts = $4, next_at = $5, updated = $6
                 WHERE webhook = $1 AND number = $2 AND updated = $7",
                [
                    webhook.into(),
                    number.into(),
                    tried.state.as_str().into(),
                    i64::from(tried.attempts).into(),
                    tried.next_at.as_microsecond().into(),
                    at.into(),
                    delivery.updated.as_microsecond().into(),
                ],
            ),
            sql(
                "UPDATE webhooks SET failing = $2, lease = $3 WHERE id = $1 AND holder = $4 AND state = 'active' RETURNING id",
                [
                    webhook.into(),
                    tried.failing.map(Timestamp::as_microsecond).into(),
                    tried.lease.as_microsecond().into(),
                    self.node.into(),
                ],
            ),
        ];
        self.db.write_all(statements).await.map(|rows| !rows.is_empty())
    }
}

fn name(webhook: &str, number: u64, at: Timestamp) -> String {
    format!("{webhook} {number} {}", at.as_microsecond())
}

fn delivery(mut row: Row) -> Result<DeliveryRow, StoreError> {
    Ok(DeliveryRow {
        webhook: row.text(0)?,
        number: unsigned(row.int(1)?),
        event: row.text(2)?,
        state: DeliveryState::read(&row.text(3)?).ok_or(StoreError::Damaged("the state of a delivery"))?,
        attempts: u32::try_from(row.int(4)?).unwrap_or(u32::MAX),
        next_at: time(row.int(5)?)?,
        updated: time(row.int(6)?)?,
    })
}
