//! Runs that hold a back end against its description.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Cell, Db, Row, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// How a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerificationState {
    /// Nobody has proven that the back end is theirs.
    Unproven,
    /// Under way.
    Running,
    /// Over.
    Done,
    /// The hub stopped meanwhile.
    Interrupted,
}

impl VerificationState {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unproven => "unproven",
            Self::Running => "running",
            Self::Done => "done",
            Self::Interrupted => "interrupted",
        }
    }

    fn read(word: &str) -> Result<Self, StoreError> {
        [Self::Unproven, Self::Running, Self::Done, Self::Interrupted]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or(StoreError::Damaged("the state of a verification"))
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationRow {
    /// Id.
    pub id: String,
    /// Who asked.
    pub client: String,
    /// Tenant of the client.
    pub tenant: String,
    /// How it is.
    pub state: VerificationState,
    /// What was asked for, as JSON; sealed.
    pub asked: String,
    /// What came of it, as JSON; sealed.
    pub report: Option<String>,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
}

/// The repository of runs.
#[derive(Debug, Clone, Copy)]
pub struct Verifications<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
    pub(crate) node: &'a str,
}

impl Verifications<'_> {
    /// Keeps a new one, unless its tenant has asked so often since a time; false then.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn add(&self, new: &VerificationRow, since: Timestamp, most: u32) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO verifications (id, client, tenant, node, state, asked, report, created, updated)
             SELECT $1, $2, $3, $4, 'unproven', $5, NULL, $6, $6
             WHERE (SELECT COUNT(*) FROM verifications WHERE tenant = $3 AND created > $7) < $8 RETURNING id",
            [
                new.id.as_str().into(),
                new.client.as_str().into(),
                new.tenant.as_str().into(),
                self.node.into(),
                self.sealer.seal(new.asked.as_bytes(), "asked", &new.id)?.into(),
                new.created.as_microsecond().into(),
                since.as_microsecond().into(),
                i64::from(most).into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// A run.
    ///
    /// # Errors
    /// If the store does not answer or it does not open.
    pub async fn get(&self, id: &str) -> Result<Option<VerificationRow>, StoreError> {
        let statement = sql(
            "SELECT id, client, tenant, state, asked, report, created, updated FROM verifications WHERE id = $1",
            [id.into()],
        );
        let row = self.db.read_one(statement).await?;
        row.map(|row| self.row(row)).transpose()
    }

    /// The runs of a client, newest first.
    ///
    /// # Errors
    /// If the store does not answer or one does not open.
    pub async fn of_client(&self, client: &str, most: u32) -> Result<Vec<VerificationRow>, StoreError> {
        let statement = sql(
            "SELECT id, client, tenant, state, asked, report, created, updated FROM verifications
             WHERE client = $1 ORDER BY created DESC, id DESC LIMIT $2",
            [client.into(), i64::from(most).into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|row| self.row(row)).collect()
    }

    /// Begins one at this hub; false if another of its tenant runs, or it was begun before.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn begin(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE verifications SET state = 'running', node = $2, updated = $3 WHERE id = $1 AND state = 'unproven'
               AND NOT EXISTS (SELECT 1 FROM verifications v
                               WHERE v.tenant = verifications.tenant AND v.state = 'running')
             RETURNING id",
            [id.into(), self.node.into(), now.as_microsecond().into()],
        );
        match self.db.write(statement).await {
            // Two hubs began at the same moment.
            Err(StoreError::Conflict) => Ok(false),
            other => other.map(|rows| !rows.is_empty()),
        }
    }

    /// Ends one with its report.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end(
        &self,
        id: &str,
        state: VerificationState,
        report: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let report: Cell = self.sealer.seal(report.as_bytes(), "report", id)?.into();
        let statement = sql(
            "UPDATE verifications SET state = $2, report = $3, updated = $4 WHERE id = $1 AND state = 'running'",
            [id.into(), state.as_str().into(), report, now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Ends what a hub of this name was at when it died.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn take_over(&self, now: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE verifications SET state = 'interrupted', updated = $2 WHERE node = $1 AND state = 'running'",
            [self.node.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Forgets those that were asked for before a time and do not run.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn forget_before(&self, before: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "DELETE FROM verifications WHERE created < $1 AND state <> 'running'",
            [before.as_microsecond().into()],
        );
        self.db.write(statement).await.map(drop)
    }

    fn row(&self, mut row: Row) -> Result<VerificationRow, StoreError> {
        let id = row.text(0)?;
        let text = |plain: Vec<u8>| String::from_utf8(plain).map_err(|_| StoreError::Damaged("a verification"));
        let report = match row.maybe_bytes(5)? {
            Some(sealed) => Some(text(self.sealer.open(&sealed, "report", &id)?)?),
            None => None,
        };
        Ok(VerificationRow {
            client: row.text(1)?,
            tenant: row.text(2)?,
            state: VerificationState::read(&row.text(3)?)?,
            asked: text(self.sealer.open(&row.bytes(4)?, "asked", &id)?)?,
            report,
            created: time(row.int(6)?)?,
            updated: time(row.int(7)?)?,
            id,
        })
    }
}
