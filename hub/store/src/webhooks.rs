//! Addresses of developers that are told of events.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use crate::events::{NewEvent, of_hub, signed, unsigned};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// How an address is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WebhookState {
    /// Nobody has proven that it is theirs.
    Pending,
    /// It is told of events.
    Active,
    /// Switched off.
    Off,
}

impl WebhookState {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Off => "off",
        }
    }

    fn read(word: &str) -> Result<Self, StoreError> {
        [Self::Pending, Self::Active, Self::Off]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or(StoreError::Damaged("the state of a webhook"))
    }
}

/// An address that is told of events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookRow {
    /// Id.
    pub id: String,
    /// Client whose events.
    pub client: String,
    /// Tenant of the client.
    pub tenant: String,
    /// How it is.
    pub state: WebhookState,
    /// Why it is so, in a word.
    pub reason: String,
    /// Kinds of events, by comma; empty for all.
    pub kinds: String,
    /// Only of this world; empty for all.
    pub world: String,
    /// Address and secrets, as JSON; sealed.
    pub secret: String,
    /// Number of the last event deliveries were made of.
    pub cursor: u64,
    /// Since when nothing arrives.
    pub failing: Option<Timestamp>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// The repository of webhooks.
#[derive(Debug, Clone, Copy)]
pub struct Webhooks<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
    pub(crate) events: &'a Sealer,
    pub(crate) node: &'a str,
}

macro_rules! columns {
    () => {
        "id, client, tenant, state, reason, kinds, world, sealed, cursor, failing, created, updated"
    };
}

impl Webhooks<'_> {
    /// Keeps a new one, unless the tenant has so many; false then.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn add(&self, new: &WebhookRow, most: u32) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO webhooks (id, client, tenant, state, reason, kinds, world, sealed, cursor, failing, lease, holder,
                                   created, updated)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, NULL, 0, '', $10, $10
             WHERE (SELECT COUNT(*) FROM webhooks WHERE tenant = $3) < $11 RETURNING id",
            [
                new.id.as_str().into(),
                new.client.as_str().into(),
                new.tenant.as_str().into(),
                new.state.as_str().into(),
                new.reason.as_str().into(),
                new.kinds.as_str().into(),
                new.world.as_str().into(),
                self.sealer.seal(new.secret.as_bytes(), "webhook", &new.id)?.into(),
                signed(new.cursor).into(),
                new.created.as_microsecond().into(),
                i64::from(most).into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// One of a client's.
    ///
    /// # Errors
    /// If the store does not answer or it does not open.
    pub async fn get(&self, client: &str, id: &str) -> Result<Option<WebhookRow>, StoreError> {
        let statement = sql(
            concat!("SELECT ", columns!(), " FROM webhooks WHERE id = $1 AND client = $2"),
            [id.into(), client.into()],
        );
        let row = self.db.read_one(statement).await?;
        row.map(|row| self.webhook(row)).transpose()
    }

    /// Those of a client, oldest first.
    ///
    /// # Errors
    /// If the store does not answer or one does not open.
    pub async fn of_client(&self, client: &str) -> Result<Vec<WebhookRow>, StoreError> {
        let statement = sql(
            concat!(
                "SELECT ",
                columns!(),
                " FROM webhooks WHERE client = $1 ORDER BY created, id"
            ),
            [client.into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|row| self.webhook(row)).collect()
    }

    /// Changes what its owner says about it: kinds, world, address and secrets. State and reason are left alone.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn change(&self, row: &WebhookRow, now: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE webhooks SET kinds = $2, world = $3, sealed = $4, updated = $5 WHERE id = $1",
            [
                row.id.as_str().into(),
                row.kinds.as_str().into(),
                row.world.as_str().into(),
                self.sealer.seal(row.secret.as_bytes(), "webhook", &row.id)?.into(),
                now.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Puts it into a state. Whoever is active begins without a past of failures.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn put(&self, id: &str, state: WebhookState, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE webhooks SET state = $2, reason = $3, failing = NULL, updated = $4 WHERE id = $1",
            [
                id.into(),
                state.as_str().into(),
                reason.into(),
                now.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Switches one off that was active, and tells its client with an event; false if it was not active.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn switch_off(&self, row: &WebhookRow, reason: &str, event: &NewEvent) -> Result<bool, StoreError> {
        let mut statements = of_hub(self.events, &row.client, event)?;
        statements.push(sql(
            "UPDATE webhooks SET state = 'off', reason = $2, updated = $3, lease = 0 WHERE id = $1 AND state = 'active'
             RETURNING id",
            [row.id.as_str().into(), reason.into(), event.at.as_microsecond().into()],
        ));
        self.db.write_all(statements).await.map(|rows| !rows.is_empty())
    }

    /// Removes one with what became of its deliveries; false if there is none.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn remove(&self, client: &str, id: &str) -> Result<bool, StoreError> {
        if self.get(client, id).await?.is_none() {
            return Ok(false);
        }
        let statements = [
            "DELETE FROM delivery_attempts WHERE webhook = $1",
            "DELETE FROM deliveries WHERE webhook = $1",
            "DELETE FROM webhooks WHERE id = $1 RETURNING id",
        ];
        let statements = statements.map(|text| sql(text, [id.into()]));
        self.db.write_all(statements.into()).await.map(|rows| !rows.is_empty())
    }

    /// Active ones that something is to be done for and nobody is at.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn due(&self, now: Timestamp, most: u32) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "SELECT w.id FROM webhooks w WHERE w.state = 'active' AND w.lease <= $1 AND (
                 (SELECT h.last FROM event_heads h WHERE h.client = w.client) > w.cursor
                 OR EXISTS (SELECT 1 FROM deliveries d
                            WHERE d.webhook = w.id AND d.state = 'waiting' AND d.next_at <= $1))
             ORDER BY w.lease, w.id LIMIT $2",
            [now.as_microsecond().into(), i64::from(most).into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|mut row| row.text(0)).collect()
    }

    /// Takes an active one for this hub until a time; nothing if another is at it.
    ///
    /// # Errors
    /// If the store does not answer or it does not open.
    pub async fn lease(&self, id: &str, now: Timestamp, until: Timestamp) -> Result<Option<WebhookRow>, StoreError> {
        let statement = sql(
            concat!(
                "UPDATE webhooks SET lease = $3, holder = $4 WHERE id = $1 AND state = 'active' AND lease <= $2 RETURNING ",
                columns!()
            ),
            [
                id.into(),
                now.as_microsecond().into(),
                until.as_microsecond().into(),
                self.node.into(),
            ],
        );
        let row = self.db.write(statement).await?.into_iter().next();
        row.map(|row| self.webhook(row)).transpose()
    }

    /// Lets one go that this hub has taken.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn release(&self, id: &str) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE webhooks SET lease = 0, holder = '' WHERE id = $1 AND holder = $2",
            [id.into(), self.node.into()],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Lets go what a hub of this name had taken before it died.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn take_over(&self) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE webhooks SET lease = 0, holder = '' WHERE holder = $1",
            [self.node.into()],
        );
        self.db.write(statement).await.map(drop)
    }

    fn webhook(&self, mut row: Row) -> Result<WebhookRow, StoreError> {
        let id = row.text(0)?;
        let plain = self.sealer.open(&row.bytes(7)?, "webhook", &id)?;
        Ok(WebhookRow {
            client: row.text(1)?,
            tenant: row.text(2)?,
            state: WebhookState::read(&row.text(3)?)?,
            reason: row.text(4)?,
            kinds: row.text(5)?,
            world: row.text(6)?,
            secret: String::from_utf8(plain).map_err(|_| StoreError::Damaged("a webhook"))?,
            cursor: unsigned(row.int(8)?),
            failing: row.maybe_int(9)?.map(time).transpose()?,
            created: time(row.int(10)?)?,
            updated: time(row.int(11)?)?,
            id,
        })
    }
}
