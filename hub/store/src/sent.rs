//! Which fields of an operation clients really send, for those who want to change it.

use crate::StoreError;
use crate::clients::time;
use crate::db::sql;
use crate::versions::Versions;
use hub_core::time::Timestamp;

/// A field of an operation's input that a client sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SentField {
    /// Operation id.
    pub operation: String,
    /// Client id.
    pub client: String,
    /// JSON pointer with `*` for any entry; empty for any input at all; `/**` behind a pointer: something below it that the contract
    /// does not name, or more than was noted.
    pub field: String,
}

impl Versions<'_> {
    /// Keeps what clients sent, each with the time it was noted.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn keep_sent(&self, fields: &[SentField], at: Timestamp) -> Result<(), StoreError> {
        let one = |sent: &SentField| {
            sql(
                "INSERT INTO sent (operation, client, field, last_used) VALUES ($1, $2, $3, $4)
                 ON CONFLICT (operation, client, field) DO UPDATE SET last_used = excluded.last_used",
                [
                    sent.operation.as_str().into(),
                    sent.client.as_str().into(),
                    sent.field.as_str().into(),
                    at.as_microsecond().into(),
                ],
            )
        };
        self.db.write_all(fields.iter().map(one).collect()).await.map(drop)
    }

    /// What clients sent to the operations whose ids begin with `prefix`, and when they last did.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sent(&self, prefix: &str) -> Result<Vec<(SentField, Timestamp)>, StoreError> {
        let statement = sql(
            "SELECT operation, client, field, last_used FROM sent
             WHERE SUBSTR(operation, 1, LENGTH($1)) = $1 ORDER BY operation, client, field",
            [prefix.into()],
        );
        let rows = self.db.read(statement).await?;
        rows.into_iter()
            .map(|mut r| {
                let sent = SentField {
                    operation: r.text(0)?,
                    client: r.text(1)?,
                    field: r.text(2)?,
                };
                Ok((sent, time(r.int(3)?)?))
            })
            .collect()
    }
}
