//! Agencies and the people who act for them or for the hub.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, Statement, sql};
use crate::versions::{Act, act_statement};
use hub_core::time::Timestamp;

/// An agency that registers services.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgencyRow {
    /// Its code, first part of its paths.
    pub id: String,
    /// Name in Chinese.
    pub name: String,
    /// Name in English.
    pub en: String,
    /// `asked`, `approved`, `suspended`.
    pub state: String,
    /// Since when.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// A person, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// Stable id.
    pub id: String,
    /// For whom; `None` for the hub's own people.
    pub agency: Option<String>,
    /// Name people read.
    pub name: String,
    /// `clerk`, `owner`, `reviewer`, `operator`.
    pub role: String,
    /// Public part of the token.
    pub prefix: String,
    /// Keyed hash of the whole token.
    pub hash: Vec<u8>,
    /// Whether the token is good.
    pub active: bool,
    /// Since when.
    pub created: Timestamp,
}

/// The repository of agencies and people.
#[derive(Debug, Clone, Copy)]
pub struct Agencies<'a> {
    pub(crate) db: &'a Db,
}

impl Agencies<'_> {
    /// Keeps an agency in place of its earlier form, and the act that made it so.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn put(&self, agency: &AgencyRow, act: &Act) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO agencies (id, name, en, state, created, updated) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (id) DO UPDATE
             SET name = excluded.name, en = excluded.en, state = excluded.state, updated = excluded.updated",
            [
                agency.id.as_str().into(),
                agency.name.as_str().into(),
                agency.en.as_str().into(),
                agency.state.as_str().into(),
                agency.created.as_microsecond().into(),
                agency.updated.as_microsecond().into(),
            ],
        );
        self.both(statement, act).await
    }

    /// Every agency.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn all(&self) -> Result<Vec<AgencyRow>, StoreError> {
        let statement = sql(
            "SELECT id, name, en, state, created, updated FROM agencies ORDER BY id",
            [],
        );
        self.db.read(statement).await?.into_iter().map(agency).collect()
    }

    /// Keeps a new person.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id or prefix is taken or the agency unknown.
    pub async fn add_member(&self, member: &MemberRow, act: &Act) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO members (id, agency, name, role, prefix, hash, active, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [
                member.id.as_str().into(),
                member.agency.clone().into(),
                member.name.as_str().into(),
                member.role.as_str().into(),
                member.prefix.as_str().into(),
                member.hash.clone().into(),
                member.active.into(),
                member.created.as_microsecond().into(),
            ],
        );
        self.both(statement, act).await
    }

    /// Ends a person's token, or lets it be good again.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn set_active(&self, member: &str, active: bool, act: &Act) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE members SET active = $2 WHERE id = $1",
            [member.into(), active.into()],
        );
        self.both(statement, act).await
    }

    /// Every person, those who may not act any more too.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn members(&self) -> Result<Vec<MemberRow>, StoreError> {
        let statement = sql(
            "SELECT id, agency, name, role, prefix, hash, active, created FROM members ORDER BY created, id",
            [],
        );
        self.db.read(statement).await?.into_iter().map(member).collect()
    }

    async fn both(&self, statement: Statement, act: &Act) -> Result<(), StoreError> {
        self.db.write_all(vec![statement, act_statement(act)?]).await.map(drop)
    }
}

fn agency(mut row: Row) -> Result<AgencyRow, StoreError> {
    Ok(AgencyRow {
        id: row.text(0)?,
        name: row.text(1)?,
        en: row.text(2)?,
        state: row.text(3)?,
        created: time(row.int(4)?)?,
        updated: time(row.int(5)?)?,
    })
}

fn member(mut row: Row) -> Result<MemberRow, StoreError> {
    Ok(MemberRow {
        id: row.text(0)?,
        agency: row.maybe_text(1)?,
        name: row.text(2)?,
        role: row.text(3)?,
        prefix: row.text(4)?,
        hash: row.bytes(5)?,
        active: row.flag(6)?,
        created: time(row.int(7)?)?,
    })
}
