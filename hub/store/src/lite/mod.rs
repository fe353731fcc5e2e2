//! SQLite: one writer that commits in groups, a few readers beside it.

mod readers;
mod words;
mod writer;

use crate::StoreError;
use crate::db::{Row, Statement};
use crate::dialect::Dialect;
use readers::Readers;
use rusqlite::{Connection, OpenFlags};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use words::unavailable;
use writer::Writer;

/// Statements that a connection keeps ready, more than there are.
const PREPARED: usize = 512;
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// An open SQLite file.
#[derive(Debug, Clone)]
pub struct Lite {
    readers: Arc<Readers>,
    writer: Writer,
}

impl Lite {
    /// Opens or creates the file and brings it up to date.
    pub(crate) async fn open(file: &Path) -> Result<Self, StoreError> {
        migrate(file).await?;
        let writer = opened(file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|e| unavailable(&e))?;
        Ok(Self {
            readers: Arc::new(Readers::open(file)?),
            writer: Writer::start(writer)?,
        })
    }

    pub(crate) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        Arc::clone(&self.readers).read(statement).await
    }

    /// What an index finds is there before another thread would be awake.
    pub(crate) fn read_here(&self, statement: &Statement) -> Result<Option<Row>, StoreError> {
        self.readers.read_here(statement)
    }

    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Row>, StoreError> {
        self.writer.write(statements).await
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

/// Migrations are sqlx's, for both databases; answers are not: its SQLite lives on threads of its own, and waking one and being
/// woken by it takes several times as long as what they are asked for.
async fn migrate(file: &Path) -> Result<(), StoreError> {
    let told = |e: sqlx::Error| StoreError::Unavailable(e.to_string());
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .busy_timeout(BUSY)
        .disable_statement_logging();
    let mut connection = options.connect().await.map_err(told)?;
    Dialect::Lite.migrate(&mut connection).await?;
    connection.close().await.map_err(told)
}

fn opened(file: &Path, way: OpenFlags) -> rusqlite::Result<Connection> {
    // Each connection is used by one at a time.
    let connection = Connection::open_with_flags(file, way | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    connection.pragma_update(None, "foreign_keys", true)?;
    if way.contains(OpenFlags::SQLITE_OPEN_READ_WRITE) {
        connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
        // FULL: with NORMAL a commit survives the process but not the machine, and an acknowledged submission must.
        connection.pragma_update(None, "synchronous", "full")?;
    }
    Ok(connection)
}

fn closed() -> StoreError {
    StoreError::Unavailable("it is closed".into())
}
