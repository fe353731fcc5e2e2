//! Where a test keeps its data: a folder, or a folder and a schema of its own in the PostgreSQL of `HUB_TEST_POSTGRES`.

use hub_crypto::{hex, random};
use hub_store::{Store, StoreError};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use tempfile::TempDir;

const TABLES: [&str; 14] = [
    "meta",
    "secrets",
    "tenants",
    "clients",
    "client_keys",
    "submissions",
    "idempotency",
    "files",
    "sessions",
    "ledger",
    "nodes",
    "cases",
    "orders",
    "differences",
];

/// The address of the test database. Where everything must be tested its absence is an error, elsewhere it is said aloud.
pub(crate) fn postgres_url() -> Option<String> {
    static SAID: Once = Once::new();
    if let Ok(url) = std::env::var("HUB_TEST_POSTGRES") {
        return Some(url);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "HUB_TEST_POSTGRES is not set: in CI nothing is left out"
    );
    SAID.call_once(|| {
        let line = "\nNOT TESTED WITH POSTGRESQL: run `make unit`, or `.ci/services run cargo test -p hub-store`\n\n";
        std::io::stderr().write_all(line.as_bytes()).unwrap(); // past the harness, which would hide it
    });
    None
}

/// A place of a test's own.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    /// The address with the schema in it.
    pub(crate) url: Option<String>,
    _kept: Option<TempDir>,
}

impl Place {
    pub(crate) fn lite() -> Arc<Self> {
        Arc::new(Self::new(None))
    }

    fn new(url: Option<String>) -> Self {
        let kept = tempfile::tempdir().unwrap();
        Self {
            folder: kept.path().to_owned(),
            url,
            _kept: Some(kept),
        }
    }

    /// The place of another process.
    pub(crate) fn at(folder: &Path, url: Option<String>) -> Self {
        Self {
            folder: folder.to_owned(),
            url,
            _kept: None,
        }
    }

    /// As a hub opens it.
    pub(crate) async fn open(&self, master_key: Option<&str>) -> Result<Store, StoreError> {
        match &self.url {
            Some(url) => Store::open_url(url, &self.folder, master_key).await,
            None => Store::open(&self.folder, master_key).await,
        }
    }

    pub(crate) async fn store(&self) -> Store {
        self.open(None).await.unwrap()
    }

    /// Past the store.
    pub(crate) async fn execute(&self, sql: &'static str) {
        match &self.url {
            Some(url) => {
                let mut raw = PgConnection::connect(url).await.unwrap();
                sqlx::raw_sql(sql).execute(&mut raw).await.unwrap();
                raw.close().await.unwrap();
            }
            None => {
                let file = SqliteConnectOptions::new().filename(self.folder.join("hub.db"));
                let mut raw = file.connect().await.unwrap();
                sqlx::raw_sql(sql).execute(&mut raw).await.unwrap();
                raw.close().await.unwrap();
            }
        }
    }

    /// Whether somebody with the disk in hand, or with the right to read every table, finds these bytes.
    pub(crate) async fn shows(&self, bytes: &[u8]) -> bool {
        let Some(url) = &self.url else {
            return ["hub.db", "hub.db-wal"].iter().any(|name| {
                let file = std::fs::read(self.folder.join(name)).unwrap();
                file.windows(bytes.len()).any(|w| w == bytes)
            });
        };
        let mut raw = PgConnection::connect(url).await.unwrap();
        let text = String::from_utf8_lossy(bytes);
        for table in TABLES {
            let all = AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
            for row in sqlx::query(all).fetch_all(&mut raw).await.unwrap() {
                let row: String = row.get(0);
                if row.contains(&*text) || row.contains(&hex(bytes)) {
                    return true;
                }
            }
        }
        false
    }
}

/// Runs a test in a schema of its own, which is gone afterwards, whatever the outcome.
pub(crate) async fn on_postgres<F: Future<Output = ()> + 'static>(test: impl FnOnce(Arc<Place>) -> F) {
    let Some(url) = postgres_url() else { return };
    let schema = format!("test_{}", hex(&random::<8>().unwrap()));
    let mut raw = PgConnection::connect(&url).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::raw_sql(create).execute(&mut raw).await.unwrap();
    let mark = if url.contains('?') { '&' } else { '?' };
    let place = Place::new(Some(format!("{url}{mark}options=-csearch_path%3D{schema}")));
    let tasks = tokio::task::LocalSet::new();
    let test = tasks.spawn_local(test(Arc::new(place)));
    let outcome = tasks.run_until(test).await;
    let remove = AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"));
    sqlx::raw_sql(remove).execute(&mut raw).await.unwrap();
    if let Err(error) = outcome {
        std::panic::resume_unwind(error.into_panic());
    }
}
