//! What a person takes along, and what is left when they go.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, sql};
use hub_core::time::Timestamp;

/// What was forgotten of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Papers.
    pub files: u64,
    /// Submissions that had come to an end, with what was said and answered.
    pub submissions: u64,
    /// Consents that ended.
    pub consents: u64,
    /// Mandates that ended.
    pub mandates: u64,
    /// Lines of the account that no law keeps any longer.
    pub disclosures: u64,
}

/// The repository of what is left of persons who went.
#[derive(Debug, Clone, Copy)]
pub struct Erasures<'a> {
    pub(crate) db: &'a Db,
}

impl Erasures<'_> {
    /// Forgets a person but for what is under way and what the law keeps until `kept_from`; leaves a tombstone.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn erase(&self, subject: &str, kept_from: Timestamp, now: Timestamp) -> Result<Erased, StoreError> {
        let at = now.as_microsecond();
        let count = async |statement| Ok::<u64, StoreError>(self.db.write(statement).await?.len() as u64);
        // The tombstone comes first: whatever fails below is asked for again and finds it standing.
        let stone = sql(
            "INSERT INTO tombstones (subject, at) VALUES ($1, $2) ON CONFLICT (subject) DO UPDATE SET at = excluded.at",
            [subject.into(), at.into()],
        );
        self.db.write(stone).await?;
        let files = sql(
            "DELETE FROM files WHERE owner = $1 AND id NOT IN (SELECT id FROM files WHERE owner = $1 AND used = 1 AND EXISTS
             (SELECT 1 FROM submissions WHERE subject = $1 AND state NOT IN ('delivered', 'failed'))) RETURNING 1",
            [subject.into()],
        );
        let matters = sql(
            "DELETE FROM cases WHERE submission IN
             (SELECT id FROM submissions WHERE subject = $1 AND state IN ('delivered', 'failed'))",
            [subject.into()],
        );
        let submissions = sql(
            "DELETE FROM submissions WHERE subject = $1 AND state IN ('delivered', 'failed') RETURNING 1",
            [subject.into()],
        );
        let consents = sql(
            "UPDATE consents SET withdrawn = $2, changed = $2 WHERE subject = $1 AND withdrawn IS NULL RETURNING 1",
            [subject.into(), at.into()],
        );
        let mandates = sql(
            "UPDATE mandates SET ended = $2, changed = $2
             WHERE (offered = $1 OR principal = $1 OR agent = $1) AND ended IS NULL RETURNING 1",
            [subject.into(), at.into()],
        );
        let disclosures = sql(
            "DELETE FROM disclosures WHERE subject = $1 AND at < $2 RETURNING 1",
            [subject.into(), kept_from.as_microsecond().into()],
        );
        self.db.write(matters).await?;
        Ok(Erased {
            files: count(files).await?,
            submissions: count(submissions).await?,
            consents: count(consents).await?,
            mandates: count(mandates).await?,
            disclosures: count(disclosures).await?,
        })
    }

    /// When a person went, if they did.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn tombstone(&self, subject: &str) -> Result<Option<Timestamp>, StoreError> {
        let statement = sql("SELECT at FROM tombstones WHERE subject = $1", [subject.into()]);
        let row = self.db.read_one(statement).await?;
        row.map(|mut r| time(r.int(0)?)).transpose()
    }

    /// Forgets lines of the account of persons who went, as soon as no law keeps them.
    pub(crate) async fn forget(&self, kept_from: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "DELETE FROM disclosures WHERE at < $1 AND subject IN (SELECT subject FROM tombstones)",
            [kept_from.as_microsecond().into()],
        );
        self.db.write(statement).await.map(drop)
    }
}
