//! What people agreed to for a service.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, Statement, sql};
use hub_core::time::Timestamp;

/// One yes of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceConsent {
    /// Stable id.
    pub id: String,
    /// Mark of the subject.
    pub subject: String,
    /// Client in which it was given and through which it counts.
    pub client: String,
    /// Service, or system where an operation belongs to none.
    pub service: String,
    /// Agency that receives.
    pub agency: String,
    /// Canonical fields agreed to.
    pub fields: Vec<String>,
    /// Those that need a yes of their own and got it.
    pub apart: Vec<String>,
    /// Mark of who said it for the subject, if somebody did.
    pub agent: Option<String>,
    /// From when.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Taken back or replaced at.
    pub withdrawn: Option<Timestamp>,
}

/// The repository of consents.
#[derive(Debug, Clone, Copy)]
pub struct Consents<'a> {
    pub(crate) db: &'a Db,
}

impl Consents<'_> {
    /// Keeps many at once, those that are not there yet; nothing ends with them.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn add(&self, all: &[ServiceConsent]) -> Result<(), StoreError> {
        let statements = all.iter().map(insert).collect();
        self.db.write_all(statements).await.map(drop)
    }

    /// Keeps a yes; an earlier one of the same person, client and service ends with it.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn give(&self, consent: &ServiceConsent) -> Result<(), StoreError> {
        let end = sql(
            "UPDATE consents SET withdrawn = $4, changed = $4
             WHERE subject = $1 AND client = $2 AND service = $3 AND withdrawn IS NULL",
            [
                consent.subject.as_str().into(),
                consent.client.as_str().into(),
                consent.service.as_str().into(),
                consent.since.as_microsecond().into(),
            ],
        );
        self.db.write_all(vec![end, insert(consent)]).await.map(drop)
    }

    /// Takes a yes back; `false` if the subject has no such one in force.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn withdraw(&self, id: &str, subject: &str, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE consents SET withdrawn = $3, changed = $3
             WHERE id = $1 AND subject = $2 AND withdrawn IS NULL RETURNING id",
            [id.into(), subject.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Everything a subject ever agreed to, newest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_subject(&self, subject: &str) -> Result<Vec<ServiceConsent>, StoreError> {
        let statement = sql(
            "SELECT id, subject, client, service, agency, fields, apart, agent, since, until, withdrawn
             FROM consents WHERE subject = $1 ORDER BY since DESC, id DESC",
            [subject.into()],
        );
        self.db.read(statement).await?.into_iter().map(consent).collect()
    }

    /// Whose consents changed at a time or later.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn changed_since(&self, at: Timestamp) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "SELECT DISTINCT subject FROM consents WHERE changed >= $1",
            [at.as_microsecond().into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|mut r| r.text(0)).collect()
    }
}

fn insert(consent: &ServiceConsent) -> Statement {
    let list = |words: &[String]| serde_json::to_string(words).unwrap_or_else(|_| "[]".to_owned());
    sql(
        "INSERT INTO consents (id, subject, client, service, agency, fields, apart, agent, since, until, changed)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9)
             ON CONFLICT (id) DO NOTHING",
        [
            consent.id.as_str().into(),
            consent.subject.as_str().into(),
            consent.client.as_str().into(),
            consent.service.as_str().into(),
            consent.agency.as_str().into(),
            list(&consent.fields).into(),
            list(&consent.apart).into(),
            consent.agent.clone().into(),
            consent.since.as_microsecond().into(),
            consent.until.as_microsecond().into(),
        ],
    )
}

fn consent(mut row: Row) -> Result<ServiceConsent, StoreError> {
    let words = |text: String| serde_json::from_str(&text).map_err(|_| StoreError::Damaged("fields of a consent"));
    Ok(ServiceConsent {
        id: row.text(0)?,
        subject: row.text(1)?,
        client: row.text(2)?,
        service: row.text(3)?,
        agency: row.text(4)?,
        fields: words(row.text(5)?)?,
        apart: words(row.text(6)?)?,
        agent: row.maybe_text(7)?,
        since: time(row.int(8)?)?,
        until: time(row.int(9)?)?,
        withdrawn: row.maybe_int(10)?.map(time).transpose()?,
    })
}
