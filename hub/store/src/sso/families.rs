//! Codes and tokens, by the family they live and die with.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, sql};
use crate::master_key::Sealer;
use hub_core::time::Timestamp;

/// What one sign-in gave to one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FamilyRow {
    /// Its name.
    pub id: String,
    /// Whose tokens they are.
    pub client: String,
    /// Mark of the subject.
    pub subject: String,
    /// Session it came from.
    pub sid: String,
    /// What was granted about whom, as its owner wrote it.
    pub content: Vec<u8>,
    /// Whether it outlives the session.
    pub lasting: bool,
    /// Dead from then on.
    pub expires: Timestamp,
    /// Dead since.
    pub revoked: Option<Timestamp>,
}

/// A code to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCode {
    /// Hash of the code.
    pub hash: String,
    /// What it is bound to, as its owner wrote it.
    pub content: Vec<u8>,
    /// Good until then.
    pub expires: Timestamp,
}

/// A code as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeRow {
    /// To whom it was given.
    pub client: String,
    /// Whose tokens it becomes.
    pub family: String,
    /// What it is bound to.
    pub content: Vec<u8>,
    /// Good until then.
    pub expires: Timestamp,
    /// Whether it was used.
    pub used: bool,
}

/// A refresh token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshRow {
    /// Its family.
    pub family: String,
    /// Whether another one took its place.
    pub used: bool,
    /// Thumbprint of the key it is bound to.
    pub holder: Option<String>,
}

/// The repository of codes and tokens.
#[derive(Debug, Clone, Copy)]
pub struct TokenFamilies<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl TokenFamilies<'_> {
    /// Opens a family with the code that leads to it, both or neither.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn open(&self, family: &FamilyRow, code: &NewCode) -> Result<(), StoreError> {
        let first = sql(
            "INSERT INTO sso_families (id, client, subject, sid, sealed, lasting, expires)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
            [
                family.id.as_str().into(),
                family.client.as_str().into(),
                family.subject.as_str().into(),
                family.sid.as_str().into(),
                self.sealer.seal(&family.content, "family", &family.id)?.into(),
                family.lasting.into(),
                family.expires.as_microsecond().into(),
            ],
        );
        let second = sql(
            "INSERT INTO sso_codes (hash, client, family, sealed, expires) VALUES ($1, $2, $3, $4, $5)",
            [
                code.hash.as_str().into(),
                family.client.as_str().into(),
                family.id.as_str().into(),
                self.sealer.seal(&code.content, "code", &code.hash)?.into(),
                code.expires.as_microsecond().into(),
            ],
        );
        self.db.write_all(vec![first, second]).await.map(drop)
    }

    /// A code, used or not.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn code(&self, hash: &str) -> Result<Option<CodeRow>, StoreError> {
        let statement = sql(
            "SELECT client, family, sealed, expires, used FROM sso_codes WHERE hash = $1",
            [hash.into()],
        );
        let Some(mut row) = self.db.read_one(statement).await? else {
            return Ok(None);
        };
        Ok(Some(CodeRow {
            client: row.text(0)?,
            family: row.text(1)?,
            content: self.sealer.open(&row.bytes(2)?, "code", hash)?,
            expires: time(row.int(3)?)?,
            used: row.maybe_int(4)?.is_some(),
        }))
    }

    /// Uses a code up. Of many who try, one is told `true`.
    ///
    /// # Errors
    /// If the store does not answer; then the code must not count as good.
    pub async fn use_code(&self, hash: &str, now: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE sso_codes SET used = $2 WHERE hash = $1 AND used IS NULL RETURNING family",
            [hash.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// A family, dead or alive.
    ///
    /// # Errors
    /// If the store does not answer or the row does not open.
    pub async fn get(&self, id: &str) -> Result<Option<FamilyRow>, StoreError> {
        let statement = sql(
            "SELECT client, subject, sid, sealed, lasting, expires, revoked FROM sso_families WHERE id = $1",
            [id.into()],
        );
        let Some(mut row) = self.db.read_one(statement).await? else {
            return Ok(None);
        };
        Ok(Some(FamilyRow {
            id: id.to_owned(),
            client: row.text(0)?,
            subject: row.text(1)?,
            sid: row.text(2)?,
            content: self.sealer.open(&row.bytes(3)?, "family", id)?,
            lasting: row.flag(4)?,
            expires: time(row.int(5)?)?,
            revoked: row.maybe_int(6)?.map(time).transpose()?,
        }))
    }

    /// Keeps the first refresh token of a family; `false` if the family is dead.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn first_refresh(
        &self,
        hash: &str,
        family: &str,
        holder: Option<&str>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = sql(
            "INSERT INTO sso_refresh (hash, family, since, holder)
             SELECT $1, id, $3, $4 FROM sso_families WHERE id = $2 AND revoked IS NULL RETURNING family",
            [hash.into(), family.into(), now.as_microsecond().into(), holder.into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// A refresh token, used or not.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn refresh(&self, hash: &str) -> Result<Option<RefreshRow>, StoreError> {
        let statement = sql(
            "SELECT family, next, holder FROM sso_refresh WHERE hash = $1",
            [hash.into()],
        );
        let row = self.db.read_one(statement).await?;
        row.map(|mut r| {
            Ok(RefreshRow {
                family: r.text(0)?,
                used: r.maybe_text(1)?.is_some(),
                holder: r.maybe_text(2)?,
            })
        })
        .transpose()
    }

    /// Puts a refresh token in the place of another. Of many who try, one is told `true`; nobody is if the family is dead.
    ///
    /// # Errors
    /// If the store does not answer; then the new token must not be given out.
    pub async fn rotate(&self, old: &str, new: &str, now: Timestamp) -> Result<bool, StoreError> {
        // The second statement sees whose update came first: of two at once the later finds the row taken.
        let take = sql(
            "UPDATE sso_refresh SET next = $2 WHERE hash = $1 AND next IS NULL",
            [old.into(), new.into()],
        );
        let follow = sql(
            "INSERT INTO sso_refresh (hash, family, since, holder)
             SELECT $2, r.family, $3, r.holder FROM sso_refresh r JOIN sso_families f ON f.id = r.family
             WHERE r.hash = $1 AND r.next = $2 AND f.revoked IS NULL
             RETURNING family",
            [old.into(), new.into(), now.as_microsecond().into()],
        );
        self.db.write_all(vec![take, follow]).await.map(|rows| !rows.is_empty())
    }

    /// Kills a family.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn revoke(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        let statement = sql(
            "UPDATE sso_families SET revoked = $2 WHERE id = $1 AND revoked IS NULL",
            [id.into(), now.as_microsecond().into()],
        );
        self.db.write(statement).await.map(drop)
    }

    /// Kills what a session gave, but what outlives it; answers the names.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn revoke_of_session(&self, sid: &str, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "UPDATE sso_families SET revoked = $2 WHERE sid = $1 AND lasting = 0 AND revoked IS NULL RETURNING id",
            [sid.into(), now.as_microsecond().into()],
        );
        let rows = self.db.write(statement).await?;
        rows.into_iter().map(|mut r| r.text(0)).collect()
    }

    /// Kills what a session gave, with what was to outlive it; answers the names.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn revoke_all_of_session(&self, sid: &str, now: Timestamp) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "UPDATE sso_families SET revoked = $2 WHERE sid = $1 AND revoked IS NULL RETURNING id",
            [sid.into(), now.as_microsecond().into()],
        );
        let rows = self.db.write(statement).await?;
        rows.into_iter().map(|mut r| r.text(0)).collect()
    }

    /// Clients that a session gave something to.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn clients_of_session(&self, sid: &str) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "SELECT DISTINCT client FROM sso_families WHERE sid = $1 ORDER BY client",
            [sid.into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|mut r| r.text(0)).collect()
    }

    /// Kills everything a client has of a subject; answers the names.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn revoke_of_subject(
        &self,
        subject: &str,
        client: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "UPDATE sso_families SET revoked = $3 WHERE subject = $1 AND client = $2 AND revoked IS NULL RETURNING id",
            [subject.into(), client.into(), now.as_microsecond().into()],
        );
        let rows = self.db.write(statement).await?;
        rows.into_iter().map(|mut r| r.text(0)).collect()
    }

    /// Names of the families that died at a time or later.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn revoked_since(&self, at: Timestamp) -> Result<Vec<String>, StoreError> {
        let statement = sql(
            "SELECT id FROM sso_families WHERE revoked >= $1",
            [at.as_microsecond().into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter().map(|mut r| r.text(0)).collect()
    }
}
