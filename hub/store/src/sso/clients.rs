//! Applications that people sign in to.

use super::{words, written};
use crate::StoreError;
use crate::clients::time;
use crate::db::{Db, Row, sql};
use hub_core::time::Timestamp;

/// An application as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoClientRow {
    /// `client_id`.
    pub id: String,
    /// Name people read, Chinese.
    pub name: String,
    /// The same in English.
    pub en: String,
    /// How it proves itself at the token endpoint (OpenID Connect Core 9).
    pub auth: String,
    /// Hash of its secret, if it has one.
    pub secret: Option<Vec<u8>>,
    /// Its JWKS document, if it signs.
    pub keys: Option<String>,
    /// Where people may be sent back to, to the letter.
    pub redirects: Vec<String>,
    /// Where people may be sent after they signed out, to the letter.
    pub logouts: Vec<String>,
    /// Where it wants to hear of a sign-out.
    pub back_channel: Option<String>,
    /// Within one sector a person has one `sub`.
    pub sector: String,
    /// Scopes it may ask for.
    pub scopes: Vec<String>,
    /// Grant types it may use.
    pub grants: Vec<String>,
    /// Whether it must push its requests (RFC 9126).
    pub pushed_only: bool,
    /// Algorithm of its ID tokens.
    pub alg: String,
    /// Whether its access tokens are always bound to a key (RFC 9449).
    pub dpop: bool,
    /// For whom it may exchange tokens (RFC 8693).
    pub exchanges: Vec<String>,
    /// Origins whose pages may ask for tokens in its name, to the letter.
    pub origins: Vec<String>,
    /// Whether it may do anything at all.
    pub active: bool,
    /// Since when.
    pub created: Timestamp,
}

/// The repository of applications.
#[derive(Debug, Clone, Copy)]
pub struct SsoClients<'a> {
    pub(crate) db: &'a Db,
}

impl SsoClients<'_> {
    /// Keeps an application, in place of its earlier form; its birth stays.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn put(&self, client: &SsoClientRow) -> Result<(), StoreError> {
        let statement = sql(
            "INSERT INTO sso_clients (id, name, en, auth, secret, keys, redirects, logouts, back_channel, sector, scopes,
                                      grants, pushed_only, alg, active, created, dpop, exchanges, origins)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
             ON CONFLICT (id) DO UPDATE
             SET name = excluded.name, en = excluded.en, auth = excluded.auth, secret = excluded.secret,
                 keys = excluded.keys, redirects = excluded.redirects, logouts = excluded.logouts,
                 back_channel = excluded.back_channel, sector = excluded.sector, scopes = excluded.scopes,
                 grants = excluded.grants, pushed_only = excluded.pushed_only, alg = excluded.alg,
                 active = excluded.active, dpop = excluded.dpop, exchanges = excluded.exchanges,
                 origins = excluded.origins",
            [
                client.id.as_str().into(),
                client.name.as_str().into(),
                client.en.as_str().into(),
                client.auth.as_str().into(),
                client.secret.clone().into(),
                client.keys.as_deref().into(),
                written(&client.redirects).into(),
                written(&client.logouts).into(),
                client.back_channel.as_deref().into(),
                client.sector.as_str().into(),
                written(&client.scopes).into(),
                written(&client.grants).into(),
                client.pushed_only.into(),
                client.alg.as_str().into(),
                client.active.into(),
                client.created.as_microsecond().into(),
                client.dpop.into(),
                written(&client.exchanges).into(),
                written(&client.origins).into(),
            ],
        );
        self.db.write(statement).await.map(drop)
    }

    /// An application.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn get(&self, id: &str) -> Result<Option<SsoClientRow>, StoreError> {
        let statement = sql(
            "SELECT id, name, en, auth, secret, keys, redirects, logouts, back_channel, sector, scopes, grants,
                    pushed_only, alg, active, created, dpop, exchanges, origins
             FROM sso_clients WHERE id = $1",
            [id.into()],
        );
        self.db.read_one(statement).await?.map(client).transpose()
    }

    /// Every application.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn all(&self) -> Result<Vec<SsoClientRow>, StoreError> {
        let statement = sql(
            "SELECT id, name, en, auth, secret, keys, redirects, logouts, back_channel, sector, scopes, grants,
                    pushed_only, alg, active, created, dpop, exchanges, origins
             FROM sso_clients ORDER BY id",
            [],
        );
        self.db.read(statement).await?.into_iter().map(client).collect()
    }
}

fn client(mut row: Row) -> Result<SsoClientRow, StoreError> {
    Ok(SsoClientRow {
        id: row.text(0)?,
        name: row.text(1)?,
        en: row.text(2)?,
        auth: row.text(3)?,
        secret: row.maybe_bytes(4)?,
        keys: row.maybe_text(5)?,
        redirects: words(&row.text(6)?)?,
        logouts: words(&row.text(7)?)?,
        back_channel: row.maybe_text(8)?,
        sector: row.text(9)?,
        scopes: words(&row.text(10)?)?,
        grants: words(&row.text(11)?)?,
        pushed_only: row.flag(12)?,
        alg: row.text(13)?,
        active: row.flag(14)?,
        created: time(row.int(15)?)?,
        dpop: row.flag(16)?,
        exchanges: words(&row.text(17)?)?,
        origins: words(&row.text(18)?)?,
    })
}
