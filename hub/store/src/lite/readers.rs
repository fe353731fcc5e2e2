//! The readers. Each is used by one at a time and asked nothing but what is to be read: a pool that tests its connections
//! before and after goes to the database's thread three times for each answer.

use super::{bound, close, row, unavailable};
use crate::StoreError;
use crate::db::{Row, Statement};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Readers at the same time.
const READERS: u32 = 4;
/// How long one waits for a reader to be free.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Readers {
    options: SqliteConnectOptions,
    free: Semaphore,
    idle: Mutex<Vec<SqliteConnection>>,
}

impl Readers {
    /// The first is opened at once, so that a file that cannot be read is told at the start.
    pub(super) async fn open(options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let first = options.connect().await.map_err(|e| unavailable(&e))?;
        Ok(Self {
            options,
            free: Semaphore::new(READERS as usize),
            idle: Mutex::new(vec![first]),
        })
    }

    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let _right = tokio::time::timeout(PATIENCE, self.free.acquire())
            .await
            .map_err(|_| StoreError::Unavailable("every reader is busy".into()))?
            .map_err(|_| StoreError::Unavailable("it is closed".into()))?;
        let idle = self.idle().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.options.connect().await.map_err(|e| unavailable(&e))?,
        };
        // Whoever gives up in the middle of an answer takes the connection along, and another is opened.
        let rows = bound(statement)
            .fetch_all(&mut connection)
            .await
            .map_err(|e| unavailable(&e))?;
        self.idle().push(connection);
        rows.iter().map(row).collect()
    }

    /// Waits for those who read, and lets nobody else.
    pub(super) async fn close(&self) {
        let all = self.free.acquire_many(READERS).await;
        self.free.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle());
        for connection in idle {
            close(connection).await;
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<SqliteConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
