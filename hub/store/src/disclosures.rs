//! Who used what of a person.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use crate::versions::{UsageRow, count_statement};
use hub_core::time::Timestamp;

/// One use of a person's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disclosure {
    /// Stable id: the node and the number of the line in its trail.
    pub id: String,
    /// Mark of the subject.
    pub subject: String,
    /// When.
    pub at: Timestamp,
    /// Request id.
    pub request_id: String,
    /// Client id; empty where none was known.
    pub client: String,
    /// Operation id.
    pub operation: String,
    /// Names of the personal fields that went to the agency.
    pub fields: Vec<String>,
    /// HTTP status answered.
    pub status: u16,
    /// Problem code, if it failed.
    pub problem: Option<String>,
    /// Whether the agency was reached.
    pub reached: bool,
    /// Company acted for.
    pub principal: Option<String>,
    /// Mark of who acted, where somebody else did.
    pub agent: Option<String>,
}

/// The repository of disclosures.
#[derive(Debug, Clone, Copy)]
pub struct Disclosures<'a> {
    pub(crate) db: &'a Db,
}

impl Disclosures<'_> {
    /// Keeps what was read of a trail, how often clients used what in it, and up to where it was read, together. What is
    /// there already stays.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keep(
        &self,
        all: &[Disclosure],
        used: &[UsageRow],
        trail: &str,
        read_to: &str,
    ) -> Result<(), StoreError> {
        let one = |d: &Disclosure| {
            let fields = serde_json::to_string(&d.fields).unwrap_or_else(|_| "[]".to_owned());
            sql(
                "INSERT INTO disclosures (id, subject, at, request_id, client, operation, fields, status, problem, reached,
                                          principal, agent)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING",
                [
                    d.id.as_str().into(),
                    d.subject.as_str().into(),
                    d.at.as_microsecond().into(),
                    d.request_id.as_str().into(),
                    d.client.as_str().into(),
                    d.operation.as_str().into(),
                    fields.into(),
                    i64::from(d.status).into(),
                    d.problem.clone().into(),
                    d.reached.into(),
                    d.principal.clone().into(),
                    d.agent.clone().into(),
                ],
            )
        };
        let mut statements: Vec<_> = all.iter().map(one).chain(used.iter().map(count_statement)).collect();
        statements.push(sql(
            "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [trail.into(), read_to.into()],
        ));
        self.db.write_all(statements).await.map(drop)
    }

    /// What was used of a subject, newest first, before a time and, of those at that very time, before an id.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_subject(
        &self,
        subject: &str,
        before: (Timestamp, &str),
        most: u32,
    ) -> Result<Vec<Disclosure>, StoreError> {
        let statement = sql(
            "SELECT id, subject, at, request_id, client, operation, fields, status, problem, reached, principal, agent
             FROM disclosures WHERE subject = $1 AND (at < $2 OR at = $2 AND id < $4) ORDER BY at DESC, id DESC LIMIT $3",
            [
                subject.into(),
                before.0.as_microsecond().into(),
                i64::from(most).into(),
                before.1.into(),
            ],
        );
        self.db.read(statement).await?.into_iter().map(disclosure).collect()
    }

    /// How often a subject's data were used.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn count(&self, subject: &str) -> Result<u64, StoreError> {
        let statement = sql("SELECT COUNT(*) FROM disclosures WHERE subject = $1", [subject.into()]);
        let row = self.db.read_first(statement).await?;
        let count = row.map_or(Ok(0), |mut r| r.int(0))?;
        u64::try_from(count).map_err(|_| StoreError::Damaged("a count"))
    }
}

fn disclosure(mut row: Row) -> Result<Disclosure, StoreError> {
    Ok(Disclosure {
        id: row.text(0)?,
        subject: row.text(1)?,
        at: time(row.int(2)?)?,
        request_id: row.text(3)?,
        client: row.text(4)?,
        operation: row.text(5)?,
        fields: serde_json::from_str(&row.text(6)?).map_err(|_| StoreError::Damaged("fields of a disclosure"))?,
        status: u16::try_from(row.int(7)?).map_err(|_| StoreError::Damaged("a status"))?,
        problem: row.maybe_text(8)?,
        reached: row.flag(9)?,
        principal: row.maybe_text(10)?,
        agent: row.maybe_text(11)?,
    })
}
