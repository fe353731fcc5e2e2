//! Orders to be paid, and what the daily statements of the payment systems say differently.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use hub_core::time::Timestamp;

/// An order as the hub knows it. An order number is a handle, not a name: it is kept readable, because statements are
/// compared by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Whose, `agency/system`.
    pub system: String,
    /// Its number.
    pub number: String,
    /// The submission that made it.
    pub submission: Option<String>,
    /// Amount in fen, if known.
    pub amount: Option<i64>,
    /// Its state.
    pub state: String,
    /// Civil day in China on which it was made, `yyyy-MM-dd`.
    pub day: String,
    /// When it last changed.
    pub updated: Timestamp,
}

/// What a statement says differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Whose.
    pub system: String,
    /// Day of the statement.
    pub day: String,
    /// Order number.
    pub number: String,
    /// `missing-here`, `missing-there`, `amount`, `state`.
    pub kind: String,
    /// What the hub knows.
    pub ours: String,
    /// What the statement says.
    pub theirs: String,
    /// Whether a person has settled it.
    pub settled: bool,
    /// When it was found.
    pub found: Timestamp,
}

/// The repository of orders.
#[derive(Debug, Clone, Copy)]
pub struct Orders<'a> {
    pub(crate) db: &'a Db,
}

impl Orders<'_> {
    /// Keeps an order, or what has become of it. Its day and submission stay those it was first kept with.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn put(&self, order: &Order) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO orders (system, number, submission, amount, state, day, updated)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (system, number) DO UPDATE SET
                 submission = COALESCE(orders.submission, excluded.submission),
                 amount = COALESCE(excluded.amount, orders.amount), state = excluded.state, updated = excluded.updated",
            [
                order.system.as_str().into(),
                order.number.as_str().into(),
                order.submission.clone().into(),
                order.amount.into(),
                order.state.as_str().into(),
                order.day.as_str().into(),
                order.updated.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// One order.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, system: &str, number: &str) -> Result<Option<Order>, StoreError> {
        let statement = sql(
            "SELECT system, number, submission, amount, state, day, updated FROM orders
             WHERE system = $1 AND number = $2",
            [system.into(), number.into()],
        );
        self.db.read_one(statement).await?.map(order).transpose()
    }

    /// The orders of one day.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_day(&self, system: &str, day: &str) -> Result<Vec<Order>, StoreError> {
        let statement = sql(
            "SELECT system, number, submission, amount, state, day, updated FROM orders
             WHERE system = $1 AND day = $2 ORDER BY number",
            [system.into(), day.into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(order).collect()
    }

    /// Puts what one statement says differently in the place of what was found for its day before. What a person has
    /// settled stays settled.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn differ(&self, system: &str, day: &str, found: &[Difference]) -> Result<(), StoreError> {
        let mut all = vec![sql(
            "DELETE FROM differences WHERE system = $1 AND day = $2 AND settled = 0",
            [system.into(), day.into()],
        )];
        for difference in found {
            all.push(sql(
                "INSERT INTO differences (system, day, number, kind, ours, theirs, settled, found)
                 VALUES ($1, $2, $3, $4, $5, $6, 0, $7)
                 ON CONFLICT (system, day, number, kind) DO NOTHING",
                [
                    system.into(),
                    day.into(),
                    difference.number.as_str().into(),
                    difference.kind.as_str().into(),
                    difference.ours.as_str().into(),
                    difference.theirs.as_str().into(),
                    difference.found.as_microsecond().into(),
                ],
            ));
        }
        self.db.write_all(all).await.map(drop)
    }

    /// What is different, the newest days first; settled ones only if asked for.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn differences(&self, settled: bool, most: u32) -> Result<Vec<Difference>, StoreError> {
        let statement = sql(
            "SELECT system, day, number, kind, ours, theirs, settled, found FROM differences
             WHERE settled <= $1 ORDER BY day DESC, system, number, kind LIMIT $2",
            [settled.into(), i64::from(most).into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter()
            .map(|mut row| {
                Ok(Difference {
                    system: row.text(0)?,
                    day: row.text(1)?,
                    number: row.text(2)?,
                    kind: row.text(3)?,
                    ours: row.text(4)?,
                    theirs: row.text(5)?,
                    settled: row.flag(6)?,
                    found: time(row.int(7)?)?,
                })
            })
            .collect()
    }

    /// A person has settled a difference.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn settle(&self, system: &str, day: &str, number: &str) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE differences SET settled = 1 WHERE system = $1 AND day = $2 AND number = $3 AND settled = 0
             RETURNING 1",
            [system.into(), day.into(), number.into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }
}

fn order(mut row: Row) -> Result<Order, StoreError> {
    Ok(Order {
        system: row.text(0)?,
        number: row.text(1)?,
        submission: row.maybe_text(2)?,
        amount: row.maybe_int(3)?,
        state: row.text(4)?,
        day: row.text(5)?,
        updated: time(row.int(6)?)?,
    })
}
