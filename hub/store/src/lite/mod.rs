//! SQLite: one writer that commits in groups, a few readers beside it.

mod readers;
mod writer;

use crate::StoreError;
use crate::db::{Cell, Row, Statement};
use crate::dialect::Dialect;
use readers::Readers;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row as _, Sqlite, TypeInfo, ValueRef};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use writer::Writer;

/// An open SQLite file.
#[derive(Debug, Clone)]
pub struct Lite {
    readers: Arc<Readers>,
    writer: Writer,
}

impl Lite {
    /// Opens or creates the file and brings it up to date.
    pub(crate) async fn open(file: &Path) -> Result<Self, StoreError> {
        // FULL: with NORMAL a commit survives the process but not the machine, and an acknowledged submission must.
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(|e| unavailable(&e))?;
        Dialect::Lite.migrate(&mut connection).await?;
        let readers = Readers::open(options.read_only(true).create_if_missing(false)).await?;
        Ok(Self {
            readers: Arc::new(readers),
            writer: Writer::start(connection)?,
        })
    }

    pub(crate) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.readers.read(statement).await
    }

    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Row>, StoreError> {
        self.writer.write(statements).await
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

fn bound(statement: Statement) -> Query<'static, Sqlite, SqliteArguments> {
    let mut query = sqlx::query(statement.sql);
    for cell in statement.values {
        query = match cell {
            Cell::Null => query.bind(None::<i64>),
            Cell::Int(int) => query.bind(int),
            Cell::Text(text) => query.bind(text),
            Cell::Bytes(bytes) => query.bind(bytes),
        };
    }
    query
}

fn row(row: &SqliteRow) -> Result<Row, StoreError> {
    (0..row.len())
        .map(|place| cell(row, place))
        .collect::<Result<_, sqlx::Error>>()
        .map(Row)
        .map_err(|e| unavailable(&e))
}

fn cell(row: &SqliteRow, place: usize) -> Result<Cell, sqlx::Error> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = value.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" => Cell::Int(row.try_get(place)?),
        "TEXT" => Cell::Text(row.try_get(place)?),
        _ => Cell::Bytes(row.try_get_unchecked(place)?),
    })
}

/// What happened, without the values: SQLite's messages name tables and columns only.
fn unavailable(error: &sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(inner)
            if inner.is_unique_violation() || inner.is_foreign_key_violation() || inner.is_check_violation() =>
        {
            StoreError::Conflict
        }
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// The same for a statement that commits by itself: what a disk has taken of it when it fails nobody knows.
fn unsure(error: &sqlx::Error) -> StoreError {
    const IO: i32 = 10;
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    let primary = code.and_then(|code| code.parse::<i32>().ok()).map(|code| code & 0xff);
    match primary {
        Some(code) if code != IO => unavailable(error),
        _ => StoreError::Unsure(error.to_string()),
    }
}

async fn close(connection: sqlx::SqliteConnection) {
    if let Err(error) = connection.close().await {
        tracing::warn!(%error, "the store did not close cleanly; its journal is replayed at the next start");
    }
}
