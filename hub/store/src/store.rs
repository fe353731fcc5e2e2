//! Opening the store, and the way to its repositories.

use crate::clients::time;
use crate::db::{Db, sql};
use crate::lite::Lite;
use crate::master_key::Sealer;
use crate::pg::Pg;
use crate::{
    Agencies, Arrivals, Calls, Cases, Clients, Consents, Deliveries, Disclosures, Erasures, Events, Files, Idempotency,
    Ledger, Mandates, MasterKey, Meta, Nodes, Operators, Orders, Secrets, Sessions, SignIns, SsoClients, StoreError,
    Submissions, TokenFamilies, Verifications, Versions, Webhooks, Worlds, node,
};
use hub_core::time::Timestamp;
use hub_crypto::{hex, random};
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

/// File of the database in the data folder.
const DATABASE: &str = "hub.db";
/// File of the master key in the data folder.
const KEY: &str = "master.key";
/// How long the account of persons who went is kept, in microseconds (cybersecurity law, article 23: six months at least).
const DISCLOSURES_KEPT: i64 = 184 * 86_400 * 1_000_000;
/// A secret of known content: whoever opens it has the right master key.
const PROOF: &str = "store.proof";

#[derive(Debug)]
struct Sealers {
    secrets: Sealer,
    submissions: Sealer,
    idempotency: Sealer,
    files: Sealer,
    sessions: Sealer,
    cases: Sealer,
    sso: Sealer,
    mandates: Sealer,
    operators: Sealer,
    worlds: Sealer,
    calls: Sealer,
    events: Sealer,
    webhooks: Sealer,
    verifications: Sealer,
}

/// The open store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    db: Db,
    sealers: Arc<Sealers>,
    node: Arc<str>,
}

/// What [`Store::purge`] has forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Purged {
    /// Idempotency keys.
    pub idempotency: u64,
    /// Papers.
    pub files: u64,
}

impl Store {
    /// Opens the store in a folder, creating what is missing. The master key is `master_key` (64 hexadecimal digits,
    /// `HUB_MASTER_KEY`) if given, else the file `master.key` in the folder.
    ///
    /// # Errors
    /// If the folder cannot be used, the key does not fit, or the data are newer than this hub.
    pub async fn open(folder: &Path, master_key: Option<&str>) -> Result<Self, StoreError> {
        let io = |e: std::io::Error| StoreError::Unavailable(format!("{}: {e}", folder.display()));
        private_folder(folder).map_err(io)?;
        let database = folder.join(DATABASE);
        let key = match master_key {
            Some(text) => MasterKey::parse(text)?,
            None => MasterKey::in_file(&folder.join(KEY), !database.exists())?,
        };
        private(&database).map_err(io)?;
        Self::with(Db::Lite(Lite::open(&database).await?), &key, folder).await
    }

    /// Opens the store in a PostgreSQL database, creating what is missing in it: `postgres://user:password@host/database`.
    /// The schema is the connection's first. The master key is as in [`Store::open`]; several hubs over one database need
    /// the same, and the file is created only beside an empty database.
    ///
    /// # Errors
    /// If the database does not answer, the key does not fit, or the data are newer than this hub.
    pub async fn open_url(url: &str, folder: &Path, master_key: Option<&str>) -> Result<Self, StoreError> {
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            let text = "the address of the database must begin with postgres://";
            return Err(StoreError::Unavailable(text.into()));
        }
        // A key that is none is found out before anything is created.
        let given = master_key.map(MasterKey::parse).transpose()?;
        let db = Db::Pg(Pg::open(url).await?);
        let key = match given {
            Some(key) => key,
            None => {
                let proof = sql("SELECT 1 FROM secrets WHERE name = $1", [PROOF.into()]);
                let empty = db.read_one(proof).await?.is_none();
                private_folder(folder).map_err(|e| StoreError::Unavailable(format!("{}: {e}", folder.display())))?;
                MasterKey::in_file(&folder.join(KEY), empty)?
            }
        };
        Self::with(db, &key, folder).await
    }

    async fn with(db: Db, key: &MasterKey, folder: &Path) -> Result<Self, StoreError> {
        private_folder(folder).map_err(|e| StoreError::Unavailable(format!("{}: {e}", folder.display())))?;
        let store = Self {
            db,
            node: node::name(folder)?.into(),
            sealers: Arc::new(Sealers {
                secrets: key.sealer("secrets"),
                submissions: key.sealer("submissions"),
                idempotency: key.sealer("idempotency"),
                files: key.sealer("files"),
                sessions: key.sealer("sessions"),
                cases: key.sealer("cases"),
                sso: key.sealer("sso"),
                mandates: key.sealer("mandates"),
                operators: key.sealer("operators"),
                worlds: key.sealer("worlds"),
                calls: key.sealer("calls"),
                events: key.sealer("events"),
                webhooks: key.sealer("webhooks"),
                verifications: key.sealer("verifications"),
            }),
        };
        match store.secrets().get_or_keep(PROOF, PROOF.as_bytes()).await {
            Err(StoreError::Damaged(_)) => Err(StoreError::MasterKey("it is not the key of these data".into())),
            other => other.map(|_| store),
        }
    }

    /// Plain facts by name.
    #[must_use]
    pub fn meta(&self) -> Meta<'_> {
        Meta { db: &self.db }
    }

    /// Sealed secrets by name.
    #[must_use]
    pub fn secrets(&self) -> Secrets<'_> {
        Secrets {
            db: &self.db,
            sealer: &self.sealers.secrets,
        }
    }

    /// Tenants, clients, keys.
    #[must_use]
    pub fn clients(&self) -> Clients<'_> {
        Clients { db: &self.db }
    }

    /// Submissions.
    #[must_use]
    pub fn submissions(&self) -> Submissions<'_> {
        Submissions {
            db: &self.db,
            sealer: &self.sealers.submissions,
            node: &self.node,
        }
    }

    /// Idempotency keys.
    #[must_use]
    pub fn idempotency(&self) -> Idempotency<'_> {
        Idempotency {
            db: &self.db,
            sealer: &self.sealers.idempotency,
            node: &self.node,
        }
    }

    /// Papers.
    #[must_use]
    pub fn files(&self) -> Files<'_> {
        Files {
            db: &self.db,
            sealer: &self.sealers.files,
        }
    }

    /// The name of this node; the same as long as its data folder is.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Sessions at the agencies' systems.
    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions {
            db: &self.db,
            sealer: &self.sealers.sessions,
        }
    }

    /// Budgets all hubs draw from.
    #[must_use]
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger { db: &self.db }
    }

    /// The hubs over this store.
    #[must_use]
    pub fn nodes(&self) -> Nodes<'_> {
        Nodes { db: &self.db }
    }

    /// Matters at the agencies.
    #[must_use]
    pub fn cases(&self) -> Cases<'_> {
        Cases {
            db: &self.db,
            sealer: &self.sealers.cases,
        }
    }

    /// Orders to be paid.
    #[must_use]
    pub fn orders(&self) -> Orders<'_> {
        Orders { db: &self.db }
    }

    /// Agencies and their people.
    #[must_use]
    pub fn agencies(&self) -> Agencies<'_> {
        Agencies { db: &self.db }
    }

    /// People who operate the hub.
    #[must_use]
    pub fn operators(&self) -> Operators<'_> {
        Operators {
            db: &self.db,
            sealer: &self.sealers.operators,
        }
    }

    /// What is left of persons who went.
    #[must_use]
    pub fn erasures(&self) -> Erasures<'_> {
        Erasures { db: &self.db }
    }

    /// What people agreed to for a service.
    #[must_use]
    pub fn consents(&self) -> Consents<'_> {
        Consents { db: &self.db }
    }

    /// Who may act for whom.
    #[must_use]
    pub fn mandates(&self) -> Mandates<'_> {
        Mandates {
            db: &self.db,
            sealer: &self.sealers.mandates,
        }
    }

    /// Who used what of a person.
    #[must_use]
    pub fn disclosures(&self) -> Disclosures<'_> {
        Disclosures { db: &self.db }
    }

    /// Versions of registered descriptions.
    #[must_use]
    pub fn versions(&self) -> Versions<'_> {
        Versions { db: &self.db }
    }

    /// Worlds of the sandbox.
    #[must_use]
    pub fn worlds(&self) -> Worlds<'_> {
        Worlds {
            db: &self.db,
            sealer: &self.sealers.worlds,
            events: &self.sealers.events,
            node: &self.node,
        }
    }

    /// The log of the sandbox's calls.
    #[must_use]
    pub fn calls(&self) -> Calls<'_> {
        Calls {
            db: &self.db,
            sealer: &self.sealers.calls,
        }
    }

    /// What happened, told to clients.
    #[must_use]
    pub fn events(&self) -> Events<'_> {
        Events {
            db: &self.db,
            sealer: &self.sealers.events,
        }
    }

    /// Addresses that are told of events.
    #[must_use]
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks {
            db: &self.db,
            sealer: &self.sealers.webhooks,
            events: &self.sealers.events,
            node: &self.node,
        }
    }

    /// What became of telling them.
    #[must_use]
    pub fn deliveries(&self) -> Deliveries<'_> {
        Deliveries {
            db: &self.db,
            sealer: &self.sealers.webhooks,
            node: &self.node,
        }
    }

    /// Runs that hold back ends against their descriptions.
    #[must_use]
    pub fn verifications(&self) -> Verifications<'_> {
        Verifications {
            db: &self.db,
            sealer: &self.sealers.verifications,
            node: &self.node,
        }
    }

    /// Applications that people sign in to.
    #[must_use]
    pub fn sso_clients(&self) -> SsoClients<'_> {
        SsoClients { db: &self.db }
    }

    /// Requests, sessions and consents of people who sign in.
    #[must_use]
    pub fn sign_ins(&self) -> SignIns<'_> {
        SignIns {
            db: &self.db,
            sealer: &self.sealers.sso,
        }
    }

    /// People who come from identity providers.
    #[must_use]
    pub fn arrivals(&self) -> Arrivals<'_> {
        Arrivals {
            db: &self.db,
            sealer: &self.sealers.sso,
        }
    }

    /// Codes and tokens, by family.
    #[must_use]
    pub fn families(&self) -> TokenFamilies<'_> {
        TokenFamilies {
            db: &self.db,
            sealer: &self.sealers.sso,
        }
    }

    /// Forgets what has run out.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn purge(&self, now: Timestamp) -> Result<Purged, StoreError> {
        let now = now.as_microsecond();
        let kept_from = time(now - DISCLOSURES_KEPT)?;
        self.erasures().forget(kept_from).await?;
        let keys = sql("DELETE FROM idempotency WHERE expires <= $1 RETURNING 1", [now.into()]);
        let files = sql("DELETE FROM files WHERE expires <= $1 RETURNING 1", [now.into()]);
        self.db.write_all(crate::sso::forget_expired(now)).await?;
        self.db.write_all(crate::arrivals::forget_expired(now)).await?;
        Ok(Purged {
            idempotency: self.db.write(keys).await?.len() as u64,
            files: self.db.write(files).await?.len() as u64,
        })
    }

    /// Whether the store answers a read and takes a write; for readiness.
    ///
    /// # Errors
    /// Why not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.db.read(sql("SELECT 1", [])).await?;
        self.meta().put("store.ping", "1").await
    }

    /// Finishes what is being written and closes. Without it nothing acknowledged is lost either.
    pub async fn close(&self) {
        self.db.close().await;
    }
}

/// Makes the data folder, if it is not there, so that only its owner can enter it.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes the database file, if it is not there, so that only its owner can read it; its journal follows suit.
fn private(file: &Path) -> std::io::Result<()> {
    if file.exists() {
        return Ok(());
    }
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .map(drop)
}

/// A random id of 128 bits with a speaking prefix.
pub(crate) fn new_id(prefix: &str) -> Result<String, StoreError> {
    let bytes = random::<16>().map_err(|e| StoreError::Unavailable(e.to_string()))?;
    Ok(format!("{prefix}{}", hex(&bytes)))
}
