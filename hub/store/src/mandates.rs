//! Who may act for whom.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// A person's authority to act for a company or another person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MandateRow {
    /// Stable id.
    pub id: String,
    /// Mark of the person, or code of the company, that is acted for.
    pub principal: String,
    /// Whether that is a company.
    pub company: bool,
    /// Mark of who offered it.
    pub offered: String,
    /// Mark of who acts, once accepted.
    pub agent: Option<String>,
    /// Hash of the code with which it is accepted.
    pub code: String,
    /// As what.
    pub role: String,
    /// For which services; empty for all.
    pub services: Vec<String>,
    /// Why, in the principal's words.
    pub reason: String,
    /// What is known of the principal, as its owner wrote it.
    pub content: Vec<u8>,
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Accepted at.
    pub accepted: Option<Timestamp>,
    /// Ended by either side at.
    pub ended: Option<Timestamp>,
}

/// The repository of mandates.
#[derive(Debug, Clone, Copy)]
pub struct Mandates<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl Mandates<'_> {
    /// Keeps an offer.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn offer(&self, mandate: &MandateRow) -> Result<(), StoreError> {
        let services = serde_json::to_string(&mandate.services).unwrap_or_else(|_| "[]".to_owned());
        let statement = sql(
            "INSERT INTO mandates (id, principal, company, offered, code, role, services, reason, sealed, since, until, changed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $10)",
            [
                mandate.id.as_str().into(),
                mandate.principal.as_str().into(),
                mandate.company.into(),
                mandate.offered.as_str().into(),
                mandate.code.as_str().into(),
                mandate.role.as_str().into(),
                services.into(),
                mandate.reason.as_str().into(),
                self.sealer.seal(&mandate.content, "mandate", &mandate.id)?.into(),
                mandate.since.as_microsecond().into(),
                mandate.until.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Accepts an offer that nobody has accepted yet, by its code; answers its id. Nobody accepts their own.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn accept(&self, code: &str, agent: &str, now: Timestamp) -> Result<Option<String>, StoreError> {
        let statement = sql(
            "UPDATE mandates SET agent = $2, accepted = $3, changed = $3
             WHERE code = $1 AND accepted IS NULL AND ended IS NULL AND until > $3 AND offered <> $2 RETURNING id",
            [code.into(), agent.into(), now.as_microsecond().into()],
        );
        let rows = self.db.write(statement).await?;
        rows.into_iter().next().map(|mut r| r.text(0)).transpose()
    }

    /// Ends a mandate, by whichever side; `false` if it is not theirs or has ended.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end(&self, id: &str, side: &str, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE mandates SET ended = $3, changed = $3
             WHERE id = $1 AND ended IS NULL AND (offered = $2 OR principal = $2 OR agent = $2) RETURNING id",
            [id.into(), side.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// What a person gave or holds, newest first, whatever has become of it.
    ///
    /// # Errors
    /// If the store does not answer or a row does not open.
    pub async fn of_person(&self, mark: &str) -> Result<Vec<MandateRow>, StoreError> {
        let statement = sql(
            "SELECT id, principal, company, offered, agent, code, role, services, reason, sealed, since, until, accepted, ended
             FROM mandates WHERE offered = $1 OR principal = $1 OR agent = $1 ORDER BY since DESC, id DESC",
            [mark.into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|row| self.mandate(row)).collect()
    }

    /// Whose mandates changed at a time or later: the marks of those who act.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn changed_since(&self, at: Timestamp) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "SELECT DISTINCT agent FROM mandates WHERE changed >= $1 AND agent IS NOT NULL",
            [at.as_microsecond().into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|mut r| r.text(0)).collect()
    }

    fn mandate(&self, mut row: Row) -> Result<MandateRow, StoreError> {
        let id = row.text(0)?;
        let services = serde_json::from_str(&row.text(7)?).map_err(|_| StoreError::Damaged("services of a mandate"))?;
        Ok(MandateRow {
            principal: row.text(1)?,
            company: row.flag(2)?,
            offered: row.text(3)?,
            agent: row.maybe_text(4)?,
            code: row.text(5)?,
            role: row.text(6)?,
            services,
            reason: row.text(8)?,
            content: self.sealer.open(&row.bytes(9)?, "mandate", &id)?,
            since: time(row.int(10)?)?,
            until: time(row.int(11)?)?,
            accepted: row.maybe_int(12)?.map(time).transpose()?,
            ended: row.maybe_int(13)?.map(time).transpose()?,
            id,
        })
    }
}
