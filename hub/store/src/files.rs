//! Papers: uploaded by subjects or fetched from agencies, sealed, forgotten when unused.

use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use crate::master_key::Sealer;
use crate::store::new_id;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, digest, hex};

/// A paper to be kept.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// Opaque id of the subject whose it is.
    pub owner: String,
    /// Name as uploaded; sealed, for names of papers name people.
    pub name: String,
    /// Media type as sniffed.
    pub media_type: String,
    /// Content; sealed.
    pub bytes: Vec<u8>,
    /// Now.
    pub now: Timestamp,
    /// Forgotten from then on unless used.
    pub expires: Timestamp,
}

/// What is known of a paper without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    /// `file_…`.
    pub id: String,
    /// Name as uploaded.
    pub name: String,
    /// Media type.
    pub media_type: String,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Whether a submission holds it.
    pub used: bool,
    /// Forgotten from then on.
    pub expires: Timestamp,
    /// Since when.
    pub created: Timestamp,
}

/// A paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// What is known of it.
    pub info: FileInfo,
    /// Content.
    pub bytes: Vec<u8>,
}

/// The repository of papers.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    pub(crate) db: &'a Db,
    pub(crate) sealer: &'a Sealer,
}

impl Files<'_> {
    /// Keeps a paper.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn put(&self, new: &NewFile) -> Result<FileInfo, StoreError> {
        let id = new_id("file_")?;
        let info = FileInfo {
            name: new.name.clone(),
            media_type: new.media_type.clone(),
            sha256: hex(&digest(Digest::Sha256, &new.bytes)),
            size: new.bytes.len() as u64,
            used: false,
            expires: new.expires,
            created: new.now,
            id,
        };
        let statement = sql(
            "INSERT INTO files (id, owner, name, media_type, sha256, size, content, used, expires, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $9)",
            [
                info.id.as_str().into(),
                new.owner.as_str().into(),
                self.sealer.seal(new.name.as_bytes(), "name", &info.id)?.into(),
                info.media_type.as_str().into(),
                info.sha256.as_str().into(),
                i64::try_from(info.size).unwrap_or(i64::MAX).into(),
                self.sealer.seal(&new.bytes, "content", &info.id)?.into(),
                info.expires.as_microsecond().into(),
                info.created.as_microsecond().into(),
            ],
        );
        self.db.write(statement).await?;
        Ok(info)
    }

    /// A paper of this owner; `None` if it is somebody else's, forgotten or unknown.
    ///
    /// # Errors
    /// If the store does not answer or the content does not open.
    pub async fn get(&self, id: &str, owner: &str, now: Timestamp) -> Result<Option<File>, StoreError> {
        let statement = sql(
            "SELECT id, name, media_type, sha256, size, used, expires, created, content
             FROM files WHERE id = $1 AND owner = $2 AND expires > $3",
            [id.into(), owner.into(), now.as_microsecond().into()],
        );
        let Some(mut row) = self.db.read_first(statement).await? else {
            return Ok(None);
        };
        let content = row.bytes(8)?;
        let info = self.info(row)?;
        let bytes = self.sealer.open(&content, "content", id)?;
        Ok(Some(File { info, bytes }))
    }

    /// The newest papers of an owner.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_owner(&self, owner: &str, now: Timestamp, most: u32) -> Result<Vec<FileInfo>, StoreError> {
        let statement = sql(
            "SELECT id, name, media_type, sha256, size, used, expires, created
             FROM files WHERE owner = $1 AND expires > $2 ORDER BY created DESC, id LIMIT $3",
            [owner.into(), now.as_microsecond().into(), i64::from(most).into()],
        );
        self.db
            .read(statement)
            .await?
            .into_iter()
            .map(|row| self.info(row))
            .collect()
    }

    /// A submission holds the paper: it stays until `expires` at least.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn used(&self, id: &str, owner: &str, expires: Timestamp) -> Result<bool, StoreError> {
        let statement = sql(
            "UPDATE files SET used = 1, expires = CASE WHEN expires < $3 THEN $3 ELSE expires END
             WHERE id = $1 AND owner = $2 RETURNING id",
            [id.into(), owner.into(), expires.as_microsecond().into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    /// Forgets a paper that no submission holds. `false` if there is none.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn remove(&self, id: &str, owner: &str) -> Result<bool, StoreError> {
        let statement = sql(
            "DELETE FROM files WHERE id = $1 AND owner = $2 AND used = 0 RETURNING id",
            [id.into(), owner.into()],
        );
        self.db.write(statement).await.map(|rows| !rows.is_empty())
    }

    fn info(&self, mut row: Row) -> Result<FileInfo, StoreError> {
        let id = row.text(0)?;
        let name = self.sealer.open(&row.bytes(1)?, "name", &id)?;
        Ok(FileInfo {
            name: String::from_utf8(name).map_err(|_| StoreError::Damaged("a file name"))?,
            media_type: row.text(2)?,
            sha256: row.text(3)?,
            size: u64::try_from(row.int(4)?).unwrap_or(0),
            used: row.flag(5)?,
            expires: time(row.int(6)?)?,
            created: time(row.int(7)?)?,
            id,
        })
    }
}
