//! Versions of registered descriptions, and what was done to them.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, Statement, sql};
use crate::store::new_id;
use hub_core::time::Timestamp;

/// A version of a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Stable id.
    pub id: String,
    /// Agency in its path.
    pub agency: String,
    /// System in its path.
    pub system: String,
    /// The agency that answers for it.
    pub owner: String,
    /// Major version, in its path.
    pub major: u32,
    /// Version as the description says it.
    pub number: String,
    /// State of its life.
    pub state: String,
    /// Name of the uploaded file.
    pub file: String,
    /// The upload as it came.
    pub content: Vec<u8>,
    /// Manifest of its connector, if it has one.
    pub connector: Option<String>,
    /// Findings that are let pass: YAML of waivers.
    pub waivers: Option<String>,
    /// Who uploaded it.
    pub author: String,
    /// Who asked for it to go live.
    pub asked_by: Option<String>,
    /// Who of the agency answers for what it breaks.
    pub break_by: Option<String>,
    /// Whether an operator lets its upstream stand on this machine or in a private network.
    pub inner_allowed: bool,
    /// Since when it is deprecated (RFC 9745).
    pub deprecated: Option<Timestamp>,
    /// From when on it is not called any more (RFC 8594).
    pub sunset: Option<Timestamp>,
    /// Since when.
    pub created: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// Counts changes: whoever changes it says what it saw.
    pub revision: i64,
}

/// Something that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who, by id.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// The agency it concerns; empty for the hub.
    pub agency: String,
    /// The version, member or agency it was done to.
    pub subject: String,
    /// What, in a word.
    pub act: String,
    /// The state after it.
    pub state: Option<String>,
    /// The revision of the version after it; 0 where there is none.
    pub revision: i64,
    /// Why, in the actor's words.
    pub why: String,
}

/// A notice to the owner of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// For whom.
    pub client: String,
    /// About which version.
    pub version: String,
    /// `published`, `deprecated`, `90`, `30`, `7`, `ended`.
    pub kind: String,
    /// JSON of what it says.
    pub text: String,
    /// When.
    pub created: Timestamp,
}

/// How often a client used an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Operation id.
    pub operation: String,
    /// Client id.
    pub client: String,
    /// Calls so far.
    pub calls: i64,
    /// When it last did.
    pub last_used: Timestamp,
}

/// The repository of versions.
#[derive(Debug, Clone, Copy)]
pub struct Versions<'a> {
    pub(crate) db: &'a Db,
}

/// Statement that appends an act.
pub(crate) fn act_statement(act: &Act) -> Result<Statement, StoreError> {
    Ok(sql(
        "INSERT INTO acts (id, at, actor, role, agency, subject, act, state, revision, why)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        [
            new_id("act_")?.into(),
            act.at.as_microsecond().into(),
            act.actor.as_str().into(),
            act.role.as_str().into(),
            act.agency.as_str().into(),
            act.subject.as_str().into(),
            act.act.as_str().into(),
            act.state.clone().into(),
            act.revision.into(),
            act.why.as_str().into(),
        ],
    ))
}

/// Statement that adds to what a client used.
pub(crate) fn count_statement(row: &UsageRow) -> Statement {
    sql(
        "INSERT INTO usage (operation, client, calls, last_used) VALUES ($1, $2, $3, $4)
         ON CONFLICT (operation, client) DO UPDATE
         SET calls = usage.calls + excluded.calls,
             last_used = CASE WHEN excluded.last_used > usage.last_used THEN excluded.last_used ELSE usage.last_used END",
        [
            row.operation.as_str().into(),
            row.client.as_str().into(),
            row.calls.into(),
            row.last_used.as_microsecond().into(),
        ],
    )
}

impl Versions<'_> {
    /// Keeps a new version with the act of its upload.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if its id is taken.
    pub async fn add(&self, version: &VersionRow, act: &Act) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO versions (id, agency, system, owner, major, number, state, file, content, connector, author,
                                   asked_by, break_by, sunset, created, updated, revision, inner_ok, since, waivers)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
            [
                version.id.as_str().into(),
                version.agency.as_str().into(),
                version.system.as_str().into(),
                version.owner.as_str().into(),
                i64::from(version.major).into(),
                version.number.as_str().into(),
                version.state.as_str().into(),
                version.file.as_str().into(),
                version.content.clone().into(),
                version.connector.clone().into(),
                version.author.as_str().into(),
                version.asked_by.clone().into(),
                version.break_by.clone().into(),
                version.sunset.map(Timestamp::as_microsecond).into(),
                version.created.as_microsecond().into(),
                version.updated.as_microsecond().into(),
                version.revision.into(),
                version.inner_allowed.into(),
                version.deprecated.map(Timestamp::as_microsecond).into(),
                version.waivers.clone().into(),
            ],
        );
        self.db.write_all(vec![statement, act_statement(act)?]).await.map(drop)
    }

    /// Changes versions together, each with its act, which says the revision it makes.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], and nothing is done, if any of them has changed since it was read, or two versions of one
    /// major would be called.
    pub async fn change(&self, changes: &[(VersionRow, Act)]) -> Result<(), StoreError> {
        let mut all = Vec::new();
        for (version, act) in changes {
            all.push(act_statement(act)?);
            all.push(sql(
                "UPDATE versions SET owner = $2, state = $3, connector = $4, asked_by = $5, break_by = $6, sunset = $7,
                                     updated = $8, revision = $9, inner_ok = $10, since = $11, waivers = $12
                 WHERE id = $1",
                [
                    version.id.as_str().into(),
                    version.owner.as_str().into(),
                    version.state.as_str().into(),
                    version.connector.clone().into(),
                    version.asked_by.clone().into(),
                    version.break_by.clone().into(),
                    version.sunset.map(Timestamp::as_microsecond).into(),
                    act.at.as_microsecond().into(),
                    act.revision.into(),
                    version.inner_allowed.into(),
                    version.deprecated.map(Timestamp::as_microsecond).into(),
                    version.waivers.clone().into(),
                ],
            ));
        }
        self.db.write_all(all).await.map(drop)
    }

    /// One version.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, id: &str) -> Result<Option<VersionRow>, StoreError> {
        let statement = sql(
            "SELECT id, agency, system, owner, major, number, state, file, content, connector, author, asked_by, break_by,
                    sunset, created, updated, revision, inner_ok, since, waivers FROM versions WHERE id = $1",
            [id.into()],
        );
        self.db.read_first(statement).await?.map(version).transpose()
    }

    /// Every version that is not retired, or of one system all of them, oldest first; without
    /// what was uploaded, which [`Versions::get`] brings.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn list(&self, system: Option<(&str, &str)>) -> Result<Vec<VersionRow>, StoreError> {
        let statement = match system {
            None => sql(
                "SELECT id, agency, system, owner, major, number, state, file, '', connector, author, asked_by,
                        break_by, sunset, created, updated, revision, inner_ok, since, waivers FROM versions
                 WHERE state <> 'retired' ORDER BY created, id",
                [],
            ),
            Some((agency, system)) => sql(
                "SELECT id, agency, system, owner, major, number, state, file, '', connector, author, asked_by,
                        break_by, sunset, created, updated, revision, inner_ok, since, waivers FROM versions
                 WHERE agency = $1 AND system = $2 ORDER BY created, id",
                [agency.into(), system.into()],
            ),
        };
        self.db.read(statement).await?.into_iter().map(head).collect()
    }

    /// A number that grows with every act: whoever remembers it knows whether anything was done since.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn acts_so_far(&self) -> Result<i64, StoreError> {
        let row = self.db.read_first(sql("SELECT COUNT(*) FROM acts", [])).await?;
        row.map_or(Ok(0), |mut r| r.int(0))
    }

    /// What was done to a version, person or agency, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn acts(&self, subject: &str) -> Result<Vec<Act>, StoreError> {
        let statement = sql(
            "SELECT at, actor, role, agency, subject, act, state, revision, why FROM acts
             WHERE subject = $1 ORDER BY at, revision, id",
            [subject.into()],
        );
        self.db.read(statement).await?.into_iter().map(act).collect()
    }

    /// What was done for an agency from a time on, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn acts_of(&self, agency: &str, from: Timestamp, most: i64) -> Result<Vec<Act>, StoreError> {
        let statement = sql(
            "SELECT at, actor, role, agency, subject, act, state, revision, why FROM acts
             WHERE agency = $1 AND at >= $2 ORDER BY at, revision, id LIMIT $3",
            [agency.into(), from.as_microsecond().into(), most.into()],
        );
        self.db.read(statement).await?.into_iter().map(act).collect()
    }

    /// Keeps a notice; `false` if the client was told of this before.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn tell(&self, notice: &Notice) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO notices (client, version, kind, text, created) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (client, version, kind) DO NOTHING RETURNING client",
            [
                notice.client.as_str().into(),
                notice.version.as_str().into(),
                notice.kind.as_str().into(),
                notice.text.as_str().into(),
                notice.created.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Notices to a client, or to all of them, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn notices(&self, client: Option<&str>) -> Result<Vec<Notice>, StoreError> {
        let statement = match client {
            Some(client) => sql(
                "SELECT client, version, kind, text, created FROM notices WHERE client = $1 ORDER BY created, kind",
                [client.into()],
            ),
            None => sql(
                "SELECT client, version, kind, text, created FROM notices ORDER BY created, client, kind",
                [],
            ),
        };
        let rows = self.db.read(statement).await?;
        rows.into_iter()
            .map(|mut r| {
                Ok(Notice {
                    client: r.text(0)?,
                    version: r.text(1)?,
                    kind: r.text(2)?,
                    text: r.text(3)?,
                    created: time(r.int(4)?)?,
                })
            })
            .collect()
    }

    /// Who used the operations whose ids begin with `prefix`.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn usage(&self, prefix: &str) -> Result<Vec<UsageRow>, StoreError> {
        let statement = sql(
            "SELECT operation, client, calls, last_used FROM usage
             WHERE SUBSTR(operation, 1, LENGTH($1)) = $1 ORDER BY operation, client",
            [prefix.into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter()
            .map(|mut r| {
                Ok(UsageRow {
                    operation: r.text(0)?,
                    client: r.text(1)?,
                    calls: r.int(2)?,
                    last_used: time(r.int(3)?)?,
                })
            })
            .collect()
    }
}

fn version(mut row: Row) -> Result<VersionRow, StoreError> {
    let content = row.bytes(8)?;
    let head = head(row)?;
    Ok(VersionRow { content, ..head })
}

fn head(mut row: Row) -> Result<VersionRow, StoreError> {
    Ok(VersionRow {
        id: row.text(0)?,
        agency: row.text(1)?,
        system: row.text(2)?,
        owner: row.text(3)?,
        major: u32::try_from(row.int(4)?).map_err(|_| StoreError::Damaged("a major version"))?,
        number: row.text(5)?,
        state: row.text(6)?,
        file: row.text(7)?,
        content: Vec::new(),
        connector: row.maybe_text(9)?,
        author: row.text(10)?,
        asked_by: row.maybe_text(11)?,
        break_by: row.maybe_text(12)?,
        sunset: row.maybe_int(13)?.map(time).transpose()?,
        created: time(row.int(14)?)?,
        updated: time(row.int(15)?)?,
        revision: row.int(16)?,
        inner_allowed: row.flag(17)?,
        deprecated: row.maybe_int(18)?.map(time).transpose()?,
        waivers: row.maybe_text(19)?,
    })
}

fn act(mut row: Row) -> Result<Act, StoreError> {
    Ok(Act {
        at: time(row.int(0)?)?,
        actor: row.text(1)?,
        role: row.text(2)?,
        agency: row.text(3)?,
        subject: row.text(4)?,
        act: row.text(5)?,
        state: row.maybe_text(6)?,
        revision: row.int(7)?,
        why: row.text(8)?,
    })
}
