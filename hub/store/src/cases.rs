//! Matters at the agencies: what they last told about each, and which submission opened it.
//!
//! A matter is found by the mark (a digest) of its number; the number itself and what was told are sealed.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;
use serde_json::Value;

/// A matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Whose, `agency/system`.
    pub system: String,
    /// Digest of its number.
    pub mark: String,
    /// The submission that opened it, if it came through this hub.
    pub submission: Option<String>,
    /// Its last state.
    pub state: Option<String>,
    /// When it changed by the agency's clock, as told.
    pub at: Option<String>,
    /// What was told; sealed at rest.
    pub news: Value,
    /// Goes up with every change.
    pub version: u64,
    /// When it was last heard of.
    pub heard: Timestamp,
    /// Polls since the last news.
    pub polls: u32,
    /// When it is asked about next; `None` where nobody asks.
    pub next_poll: Option<Timestamp>,
}

impl Case {
    /// One of which nothing is known.
    #[must_use]
    pub fn unheard(system: &str, mark: &str, now: Timestamp) -> Self {
        Self {
            system: system.to_owned(),
            mark: mark.to_owned(),
            submission: None,
            state: None,
            at: None,
            news: Value::Null,
            version: 0,
            heard: now,
            polls: 0,
            next_poll: None,
        }
    }
}

/// The repository of matters.
#[derive(Debug, Clone, Copy)]
pub struct Cases<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

const COLUMNS_OF: &str = "SELECT system, mark, submission, state, at, news, version, heard, polls, next_poll
             FROM cases WHERE system = $1 AND mark = $2";

impl Cases<'_> {
    /// One matter.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn get(&self, system: &str, mark: &str) -> Result<Option<Case>, StoreError> {
        let row = self.db.read_one(sql(COLUMNS_OF, [system.into(), mark.into()])).await?;
        row.map(|row| self.case(row)).transpose()
    }

    /// The matters that a submission opened, oldest first.
    ///
    /// # Errors
    /// If the store does not answer or a row does not open.
    pub async fn of_submission(&self, submission: &str) -> Result<Vec<Case>, StoreError> {
        let statement = sql(
            "SELECT system, mark, submission, state, at, news, version, heard, polls, next_poll
             FROM cases WHERE submission = $1 ORDER BY mark",
            [submission.into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|row| self.case(row)).collect()
    }

    /// Keeps a matter that nobody knows yet; false if somebody does.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn open(&self, case: &Case) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO cases (system, mark, submission, state, at, news, version, heard, polls, next_poll)
             VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $9) ON CONFLICT (system, mark) DO NOTHING RETURNING 1",
            [
                case.system.as_str().into(),
                case.mark.as_str().into(),
                case.submission.clone().into(),
                case.state.clone().into(),
                case.at.clone().into(),
                self.sealed(case)?.into(),
                case.heard.as_microsecond().into(),
                i64::from(case.polls).into(),
                next(case.next_poll).into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Writes a changed matter over the version it was read in; false if somebody was faster.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn change(&self, case: &Case) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE cases SET submission = $3, state = $4, at = $5, news = $6, heard = $7, polls = $8, next_poll = $9,
                    version = version + 1
             WHERE system = $1 AND mark = $2 AND version = $10 RETURNING 1",
            [
                case.system.as_str().into(),
                case.mark.as_str().into(),
                case.submission.clone().into(),
                case.state.clone().into(),
                case.at.clone().into(),
                self.sealed(case)?.into(),
                case.heard.as_microsecond().into(),
                i64::from(case.polls).into(),
                next(case.next_poll).into(),
                i64::try_from(case.version).unwrap_or(i64::MAX).into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Takes up to `most` matters that are to be asked about, and puts the next question off until `until`, so that of
    /// several hubs one asks.
    ///
    /// # Errors
    /// If the store does not answer or a row does not open.
    pub async fn take_due(&self, now: Timestamp, until: Timestamp, most: u32) -> Result<Vec<Case>, StoreError> {
        let statement = sql(
            self.db.dialect().take_polls(),
            [
                now.as_microsecond().into(),
                i64::from(most).into(),
                until.as_microsecond().into(),
            ],
        );
        let rows = self.db.write(statement).await?;
        rows.into_iter().map(|row| self.case(row)).collect()
    }

    fn sealed(&self, case: &Case) -> Result<Vec<u8>, StoreError> {
        let plain = serde_json::to_vec(&case.news).map_err(|_| StoreError::Damaged("news are no JSON"))?;
        self.sealer.seal(&plain, "news", &key(&case.system, &case.mark))
    }

    fn case(&self, mut row: Row) -> Result<Case, StoreError> {
        let (system, mark) = (row.text(0)?, row.text(1)?);
        let news = match row.maybe_bytes(5)? {
            Some(sealed) => {
                let plain = self.sealer.open(&sealed, "news", &key(&system, &mark))?;
                serde_json::from_slice(&plain).map_err(|_| StoreError::Damaged("news are no JSON"))?
            }
            None => Value::Null,
        };
        let next_poll = row.int(9)?;
        Ok(Case {
            submission: row.maybe_text(2)?,
            state: row.maybe_text(3)?,
            at: row.maybe_text(4)?,
            news,
            version: u64::try_from(row.int(6)?).unwrap_or(0),
            heard: time(row.int(7)?)?,
            polls: u32::try_from(row.int(8)?).unwrap_or(u32::MAX),
            next_poll: if next_poll == NEVER {
                None
            } else {
                Some(time(next_poll)?)
            },
            system,
            mark,
        })
    }
}

/// NULL would be ordered differently by the two databases.
const NEVER: i64 = i64::MAX;

fn next(poll: Option<Timestamp>) -> i64 {
    poll.map_or(NEVER, Timestamp::as_microsecond)
}

fn key(system: &str, mark: &str) -> String {
    format!("{system}/{mark}")
}
