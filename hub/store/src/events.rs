//! What happened, told to clients: numbered for each of them in the order in which it became visible.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, Statement, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// Events looked at in one go.
const SCANNED: i64 = 500;

/// An event that has no number yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Id: the same event has the same, so that whoever is not sure may write it again.
    pub id: String,
    /// What happened.
    pub kind: String,
    /// When it was told, by the machine's time.
    pub at: Timestamp,
    /// What is said of it, as JSON; sealed.
    pub body: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Whose.
    pub client: String,
    /// Counted for the client, from 1.
    pub number: u64,
    /// Id.
    pub id: String,
    /// World it happened in; empty for what happened at the hub itself.
    pub world: String,
    /// What happened.
    pub kind: String,
    /// When it was told, by the machine's time.
    pub at: Timestamp,
    /// What is said of it, as JSON.
    pub body: String,
}

/// Some events, and how far was looked for them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventPage {
    /// Those wanted, oldest first.
    pub events: Vec<EventRow>,
    /// Number of the last event that was looked at.
    pub last: u64,
    /// Whether there are later ones that were not looked at.
    pub more: bool,
}

/// The repository of events.
#[derive(Debug, Clone, Copy)]
pub struct Events<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl Events<'_> {
    /// Events of a client after a number that are wanted, by kind and world.
    ///
    /// # Errors
    /// If the store does not answer or one does not open.
    pub async fn after(
        &self,
        client: &str,
        after: u64,
        most: usize,
        wanted: impl Fn(&str, &str) -> bool + Send,
    ) -> Result<EventPage, StoreError> {
        let statement = sql(
            "SELECT client, number, id, world, kind, at, body FROM events WHERE client = $1 AND number > $2
             ORDER BY number LIMIT $3",
            [client.into(), signed(after).into(), SCANNED.into()],
        );
        let rows = self.db.read(statement).await?;
        let mut page = EventPage {
            last: after,
            more: rows.len() as i64 >= SCANNED,
            ..EventPage::default()
        };
        for row in rows {
            if page.events.len() >= most {
                page.more = true;
                break;
            }
            let (event, sealed) = event(row)?;
            page.last = event.number;
            if wanted(&event.kind, &event.world) {
                page.events.push(self.opened(event, &sealed)?);
            }
        }
        Ok(page)
    }

    /// An event of a client.
    ///
    /// # Errors
    /// If the store does not answer or it does not open.
    pub async fn get(&self, client: &str, id: &str) -> Result<Option<EventRow>, StoreError> {
        let statement = sql(
            "SELECT client, number, id, world, kind, at, body FROM events WHERE id = $1 AND client = $2",
            [id.into(), client.into()],
        );
        let row = self.db.read_one(statement).await?;
        let Some((event, sealed)) = row.map(event).transpose()? else {
            return Ok(None);
        };
        self.opened(event, &sealed).map(Some)
    }

    /// The number of the last event of a client; 0 where there is none.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn head(&self, client: &str) -> Result<u64, StoreError> {
        let statement = sql("SELECT last FROM event_heads WHERE client = $1", [client.into()]);
        let row = self.db.read_one(statement).await?;
        row.map_or(Ok(0), |mut row| row.int(0).map(unsigned))
    }

    /// Forgets events that were told before a time, with what became of them; how many.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn forget_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let before = before.as_microsecond();
        let gone = "DELETE FROM delivery_attempts WHERE (webhook, number) IN (
                 SELECT d.webhook, d.number FROM deliveries d JOIN events e ON e.id = d.event WHERE e.at < $1)";
        let deliveries = "DELETE FROM deliveries WHERE event IN (SELECT id FROM events WHERE at < $1)";
        let events = "DELETE FROM events WHERE at < $1 RETURNING 1";
        let statements = [gone, deliveries, events].map(|text| sql(text, [before.into()]));
        self.db.write_all(statements.into()).await.map(|rows| rows.len() as u64)
    }

    fn opened(&self, mut event: EventRow, sealed: &[u8]) -> Result<EventRow, StoreError> {
        let plain = self.sealer.open(sealed, "event", &event.id)?;
        event.body = String::from_utf8(plain).map_err(|_| StoreError::Damaged("an event"))?;
        Ok(event)
    }
}

pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn event(mut row: Row) -> Result<(EventRow, Vec<u8>), StoreError> {
    let event = EventRow {
        client: row.text(0)?,
        number: unsigned(row.int(1)?),
        id: row.text(2)?,
        world: row.text(3)?,
        kind: row.text(4)?,
        at: time(row.int(5)?)?,
        body: String::new(),
    };
    Ok((event, row.bytes(6)?))
}

/// What adds events of a world as long as it has a layer: to whom it belongs, and nobody else.
pub(crate) fn of_world(
    sealer: &Sealer,
    world: &str,
    layer: &str,
    events: &[NewEvent],
) -> Result<Vec<Statement>, StoreError> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = vec![sql(
        "INSERT INTO event_heads (client, last) SELECT client, 0 FROM worlds WHERE id = $1 AND layer = $2 AND client <> ''
         ON CONFLICT (client) DO NOTHING",
        [world.into(), layer.into()],
    )];
    for event in events {
        all.push(sql(
            "UPDATE event_heads SET last = last + 1
             WHERE client = (SELECT client FROM worlds WHERE id = $1 AND layer = $2)
               AND NOT EXISTS (SELECT 1 FROM events WHERE id = $3)",
            [world.into(), layer.into(), event.id.as_str().into()],
        ));
        all.push(sql(
            "INSERT INTO events (client, number, id, world, kind, at, body)
             SELECT h.client, h.last, $3, w.id, $4, $5, $6 FROM worlds w JOIN event_heads h ON h.client = w.client
             WHERE w.id = $1 AND w.layer = $2 AND w.client <> ''
             ON CONFLICT DO NOTHING",
            [
                world.into(),
                layer.into(),
                event.id.as_str().into(),
                event.kind.as_str().into(),
                event.at.as_microsecond().into(),
                sealer.seal(event.body.as_bytes(), "event", &event.id)?.into(),
            ],
        ));
    }
    Ok(all)
}

/// What adds an event of the hub's own for a client.
pub(crate) fn of_hub(sealer: &Sealer, client: &str, event: &NewEvent) -> Result<Vec<Statement>, StoreError> {
    Ok(vec![
        sql(
            "INSERT INTO event_heads (client, last) VALUES ($1, 0) ON CONFLICT (client) DO NOTHING",
            [client.into()],
        ),
        sql(
            "UPDATE event_heads SET last = last + 1 WHERE client = $1 AND NOT EXISTS (SELECT 1 FROM events WHERE id = $2)",
            [client.into(), event.id.as_str().into()],
        ),
        sql(
            "INSERT INTO events (client, number, id, world, kind, at, body)
             SELECT client, last, $2, '', $3, $4, $5 FROM event_heads WHERE client = $1 ON CONFLICT DO NOTHING",
            [
                client.into(),
                event.id.as_str().into(),
                event.kind.as_str().into(),
                event.at.as_microsecond().into(),
                sealer.seal(event.body.as_bytes(), "event", &event.id)?.into(),
            ],
        ),
    ])
}
