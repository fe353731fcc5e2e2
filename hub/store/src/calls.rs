//! The log of the sandbox's calls.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, Statement, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// Lines forgotten in one go, so that nobody waits long behind them.
const FORGOTTEN: i64 = 5_000;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// When it was answered; with the node it names the line.
    pub at: Timestamp,
    /// Hub that answered.
    pub node: String,
    /// Request id; a caller may choose it.
    pub request_id: String,
    /// Client; empty for a caller without a key.
    pub client: String,
    /// World.
    pub world: String,
    /// Operation, empty where none was found.
    pub operation: String,
    /// HTTP method.
    pub method: String,
    /// HTTP status.
    pub status: u16,
    /// Problem code; empty where there was none.
    pub code: String,
    /// Scenario, as it was echoed.
    pub scenario: String,
    /// Microseconds from edge to answer.
    pub took_us: i64,
    /// Request id of the call this one repeats.
    pub replay_of: Option<String>,
    /// What was said, as JSON; sealed.
    pub body: String,
}

/// Which calls are wanted. Empty texts and a status of 0 ask for any.
#[derive(Debug, Clone, Default)]
pub struct WantedCalls {
    /// Whose.
    pub client: String,
    /// Only of this operation.
    pub operation: String,
    /// Only with this status.
    pub status: u16,
    /// Only with this problem code; `ok` for none.
    pub code: String,
    /// Only in this world.
    pub world: String,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Only lines older than this one.
    pub before: Option<(Timestamp, String)>,
    /// At most so many.
    pub most: u32,
    /// Whether what was said is wanted too; it has to be opened line by line.
    pub bodies: bool,
}

/// The repository of calls.
#[derive(Debug, Clone, Copy)]
pub struct Calls<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

// One text a leading filter, so that each is found by an index that ends in the order wanted.
macro_rules! wanted {
    ($all:expr, $lead:literal) => {
        if $all { wanted!("body", $lead, text) } else { wanted!("NULL", $lead, text) }
    };
    ($body:literal, $lead:literal, text) => {
        concat!(
            "SELECT at, node, request_id, client, world, operation, method, status, code, scenario, took_us, replay_of, ",
            $body,
            " FROM calls WHERE client = $1 AND ",
            $lead,
            " AND at >= $6 AND (at < $7 OR at = $7 AND node < $8)
              AND ($2 = '' OR operation = $2) AND ($3 = 0 OR status = $3) AND ($4 = '' OR code = $4)
              AND ($5 = '' OR world = $5)
             ORDER BY at DESC, node DESC LIMIT $9"
        )
    };
}

impl Calls<'_> {
    /// Keeps lines, all or none.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keep(&self, lines: &[CallRow]) -> Result<(), StoreError> {
        let statements: Result<Vec<Statement>, StoreError> = lines.iter().map(|line| self.kept(line)).collect();
        self.db.write_all(statements?).await.map(drop)
    }

    fn kept(&self, line: &CallRow) -> Result<Statement, StoreError> {
        let body = self
            .sealer
            .seal(line.body.as_bytes(), "call", &name(line.at, &line.node))?;
        let code = if line.code.is_empty() { "ok" } else { &line.code };
        Ok(sql(
            "INSERT INTO calls (at, node, request_id, client, world, operation, method, status, code, scenario, took_us,
                                replay_of, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (at, node) DO NOTHING",
            [
                line.at.as_microsecond().into(),
                line.node.as_str().into(),
                line.request_id.as_str().into(),
                line.client.as_str().into(),
                line.world.as_str().into(),
                line.operation.as_str().into(),
                line.method.as_str().into(),
                i64::from(line.status).into(),
                code.into(),
                line.scenario.as_str().into(),
                line.took_us.into(),
                line.replay_of.clone().into(),
                body.into(),
            ],
        ))
    }

    /// The calls of a client, newest first.
    ///
    /// # Errors
    /// If the store does not answer or a line does not open.
    pub async fn of_client(&self, wanted: &WantedCalls) -> Result<Vec<CallRow>, StoreError> {
        let text = match wanted {
            w if w.status != 0 && w.code.is_empty() => wanted!(wanted.bodies, "status = $3"),
            w if !w.code.is_empty() => wanted!(wanted.bodies, "code = $4"),
            w if !w.operation.is_empty() => wanted!(wanted.bodies, "operation = $2"),
            w if !w.world.is_empty() => wanted!(wanted.bodies, "world = $5"),
            _ => wanted!(wanted.bodies, "1 = 1"),
        };
        let (before, node) = match &wanted.before {
            Some((at, node)) => (at.as_microsecond(), node.as_str()),
            None => (i64::MAX, ""),
        };
        let statement = sql(
            text,
            [
                wanted.client.as_str().into(),
                wanted.operation.as_str().into(),
                i64::from(wanted.status).into(),
                wanted.code.as_str().into(),
                wanted.world.as_str().into(),
                wanted.from.map_or(i64::MIN, Timestamp::as_microsecond).into(),
                before.into(),
                node.into(),
                i64::from(wanted.most).into(),
            ],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|row| self.line(row)).collect()
    }

    /// The calls of a client after one, oldest first.
    ///
    /// # Errors
    /// If the store does not answer or a line does not open.
    pub async fn newer(&self, client: &str, after: (Timestamp, &str), most: u32) -> Result<Vec<CallRow>, StoreError> {
        let statement = sql(
            "SELECT at, node, request_id, client, world, operation, method, status, code, scenario, took_us, replay_of, body
             FROM calls WHERE client = $1 AND (at > $2 OR at = $2 AND node > $3) ORDER BY at, node LIMIT $4",
            [client.into(), after.0.as_microsecond().into(), after.1.into(), i64::from(most).into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|row| self.line(row)).collect()
    }

    /// The calls with a request id, newest first.
    ///
    /// # Errors
    /// If the store does not answer or a line does not open.
    pub async fn with_request_id(&self, request_id: &str, most: u32) -> Result<Vec<CallRow>, StoreError> {
        let statement = sql(
            "SELECT at, node, request_id, client, world, operation, method, status, code, scenario, took_us, replay_of, body
             FROM calls WHERE request_id = $1 ORDER BY at DESC, node DESC LIMIT $2",
            [request_id.into(), i64::from(most).into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|row| self.line(row)).collect()
    }

    /// Forgets some of what is older; how many lines.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn forget_before(&self, before: Timestamp) -> Result<u64, StoreError> {
        let statement = sql(
            "DELETE FROM calls WHERE at < $1 AND at <= COALESCE(
                 (SELECT MAX(at) FROM (SELECT at FROM calls WHERE at < $1 ORDER BY at LIMIT $2) AS oldest), $1)
             RETURNING 1",
            [before.as_microsecond().into(), FORGOTTEN.into()],
        );
        self.db.write(statement).await.map(|rows| rows.len() as u64)
    }

    fn line(&self, mut row: Row) -> Result<CallRow, StoreError> {
        let (at, node) = (time(row.int(0)?)?, row.text(1)?);
        let plain = match row.maybe_bytes(12)? {
            Some(sealed) => self.sealer.open(&sealed, "call", &name(at, &node))?,
            None => Vec::new(),
        };
        let code = row.text(8)?;
        Ok(CallRow {
            request_id: row.text(2)?,
            client: row.text(3)?,
            world: row.text(4)?,
            operation: row.text(5)?,
            method: row.text(6)?,
            status: u16::try_from(row.int(7)?).map_err(|_| StoreError::Damaged("a status"))?,
            code: if code == "ok" { String::new() } else { code },
            scenario: row.text(9)?,
            took_us: row.int(10)?,
            replay_of: row.maybe_text(11)?,
            body: String::from_utf8(plain).map_err(|_| StoreError::Damaged("a line of the log"))?,
            at,
            node,
        })
    }
}

fn name(at: Timestamp, node: &str) -> String {
    format!("{} {node}", at.as_microsecond())
}
