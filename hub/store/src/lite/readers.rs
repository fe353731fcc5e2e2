//! The readers. Each is used by one at a time; whoever finds none that is free opens another.

use super::words::{Broken, rows, unavailable};
use crate::StoreError;
use crate::db::{Row, Statement};
use rusqlite::{Connection, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Lists that are read at the same time.
const READERS: u32 = 4;
/// How long one waits for one's turn.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug)]
pub(super) struct Readers {
    file: PathBuf,
    turns: Arc<Semaphore>,
    /// None once it is closed.
    free: Mutex<Option<Vec<Connection>>>,
}

impl Readers {
    /// The first is opened at once, so that a file that cannot be read is told at the start.
    pub(super) fn open(file: &Path) -> Result<Self, StoreError> {
        let readers = Self {
            file: file.to_owned(),
            turns: Arc::new(Semaphore::new(READERS as usize)),
            free: Mutex::new(Some(Vec::new())),
        };
        let first = readers.take()?;
        readers.give_back(first);
        Ok(readers)
    }

    /// Reads one row in the thread that asks.
    pub(super) fn read_here(&self, statement: &Statement) -> Result<Option<Row>, StoreError> {
        Ok(self.rows(statement, 1)?.pop())
    }

    /// Reads what may be much, where it holds up nobody. A list is read to its end also if nobody waits for it any more.
    pub(super) async fn read(self: Arc<Self>, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let turn = tokio::time::timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned())
            .await
            .map_err(|_| StoreError::Unavailable("every reader is busy".into()))?
            .map_err(|_| super::closed())?;
        let reading = tokio::task::spawn_blocking(move || {
            let read = self.rows(&statement, usize::MAX);
            drop(turn);
            read
        });
        reading
            .await
            .map_err(|_| StoreError::Unavailable("a reader stopped".into()))?
    }

    fn rows(&self, statement: &Statement, most: usize) -> Result<Vec<Row>, StoreError> {
        let connection = self.take()?;
        let read = rows(&connection, statement, most).map_err(Broken::unavailable);
        // One that failed is closed, and another is opened.
        if read.is_ok() {
            self.give_back(connection);
        }
        read
    }

    fn take(&self) -> Result<Connection, StoreError> {
        let known = self.free().as_mut().ok_or_else(super::closed)?.pop();
        match known {
            Some(connection) => Ok(connection),
            None => super::opened(&self.file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(|e| unavailable(&e)),
        }
    }

    fn give_back(&self, connection: Connection) {
        if let Some(free) = self.free().as_mut() {
            free.push(connection);
        }
    }

    /// Waits for those who read, and lets nobody else.
    pub(super) async fn close(&self) {
        let all = self.turns.acquire_many(READERS).await;
        self.turns.close();
        drop(all);
        drop(self.free().take());
    }

    fn free(&self) -> std::sync::MutexGuard<'_, Option<Vec<Connection>>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
