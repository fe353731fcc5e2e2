//! The one writer. Whatever waits when a commit ends goes into the next one, so a busy hub pays one sync for many
//! writes and an idle one waits for nobody.

use super::{bound, row, unavailable, unsure};
use crate::StoreError;
use crate::db::{Row, Statement};
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};

/// Writes that may wait; more are held back at the caller.
const QUEUE: usize = 1024;
/// Most writes in one commit.
const GROUP: usize = 128;

type Outcome = Result<Vec<Row>, StoreError>;

type Group = (Vec<Statement>, oneshot::Sender<Outcome>);

enum Job {
    Write(Vec<Statement>, oneshot::Sender<Outcome>),
    Close(oneshot::Sender<()>),
}

/// The way to the writer.
#[derive(Debug, Clone)]
pub(super) struct Writer(mpsc::Sender<Job>);

impl Writer {
    /// The writer has a thread of its own: it waits for the database's thread many times a commit, and each of these would
    /// wake a worker of a runtime that has other things to do.
    pub(super) fn start(connection: SqliteConnection) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime = runtime.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || runtime.block_on(run(connection, receiver)))
            .map_err(|e| StoreError::Unavailable(e.to_string()))?;
        Ok(Self(sender))
    }

    pub(super) async fn write(&self, statements: Vec<Statement>) -> Outcome {
        let (sender, receiver) = oneshot::channel();
        self.0
            .send(Job::Write(statements, sender))
            .await
            .map_err(|_| StoreError::Unavailable("it is closed".into()))?;
        receiver
            .await
            .unwrap_or_else(|_| Err(StoreError::Unsure("the writer stopped".into())))
    }

    pub(super) async fn close(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.0.send(Job::Close(sender)).await.is_ok() {
            let _ = receiver.await;
        }
    }
}

async fn run(mut connection: SqliteConnection, mut jobs: mpsc::Receiver<Job>) {
    let mut waiting = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut waiting, GROUP).await > 0 {
        let mut closing = None;
        let mut group = Vec::with_capacity(waiting.len());
        for job in waiting.drain(..) {
            match job {
                Job::Write(statements, sender) => group.push((statements, sender)),
                Job::Close(sender) => closing = Some(sender),
            }
        }
        match <[Group; 1]>::try_from(group) {
            Ok([(statements, sender)]) => {
                let _ = sender.send(alone(&mut connection, statements).await);
            }
            Err(group) => commit(&mut connection, group).await,
        }
        if let Some(sender) = closing {
            jobs.close();
            super::close(connection).await;
            let _ = sender.send(());
            return;
        }
    }
    super::close(connection).await;
}

/// Runs what nobody shares a commit with. Every word to the database costs a way to its thread and back, so one statement is
/// left to commit by itself, and several need no savepoint.
async fn alone(connection: &mut SqliteConnection, statements: Vec<Statement>) -> Outcome {
    if statements.len() < 2 {
        let Some(statement) = statements.into_iter().next() else {
            return Ok(Vec::new());
        };
        let rows = bound(statement).fetch_all(connection).await.map_err(|e| unsure(&e))?;
        return rows.iter().map(row).collect();
    }
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut *connection)
        .await
        .map_err(|e| unavailable(&e))?;
    let outcome = several(connection, statements).await;
    let committed = match outcome {
        Ok(_) => sqlx::query("COMMIT").execute(&mut *connection).await,
        Err(_) => sqlx::query("ROLLBACK").execute(&mut *connection).await,
    };
    match committed {
        Err(error) if outcome.is_ok() => {
            let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
            Err(StoreError::Unsure(error.to_string()))
        }
        _ => outcome,
    }
}

/// Runs a group in one transaction. A job that fails undoes itself and only itself; nobody hears of success before the
/// commit.
async fn commit(connection: &mut SqliteConnection, group: Vec<Group>) {
    if group.is_empty() {
        return;
    }
    if let Err(error) = sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await {
        let error = unavailable(&error);
        for (_, sender) in group {
            let _ = sender.send(Err(error.clone()));
        }
        return;
    }
    let mut outcomes = Vec::with_capacity(group.len());
    for (statements, sender) in group {
        let outcome = job(connection, statements).await;
        outcomes.push((outcome, sender));
    }
    let committed = sqlx::query("COMMIT").execute(&mut *connection).await;
    if let Err(error) = committed {
        // A disk that is full rolls back by itself; whichever it was, no transaction may stay open.
        let _ = sqlx::query("ROLLBACK").execute(&mut *connection).await;
        let error = StoreError::Unsure(error.to_string());
        for (_, sender) in outcomes {
            let _ = sender.send(Err(error.clone()));
        }
        return;
    }
    for (outcome, sender) in outcomes {
        let _ = sender.send(outcome);
    }
}

/// One statement is atomic by itself; several need a savepoint.
async fn job(connection: &mut SqliteConnection, statements: Vec<Statement>) -> Outcome {
    if statements.len() < 2 {
        return several(connection, statements).await;
    }
    sqlx::query("SAVEPOINT job")
        .execute(&mut *connection)
        .await
        .map_err(|e| unavailable(&e))?;
    let outcome = several(connection, statements).await;
    if outcome.is_err() {
        sqlx::query("ROLLBACK TO job")
            .execute(&mut *connection)
            .await
            .map_err(|e| unavailable(&e))?;
    }
    sqlx::query("RELEASE job")
        .execute(&mut *connection)
        .await
        .map_err(|e| unavailable(&e))?;
    outcome
}

async fn several(connection: &mut SqliteConnection, statements: Vec<Statement>) -> Outcome {
    let mut rows = Vec::new();
    for statement in statements {
        rows = bound(statement)
            .fetch_all(&mut *connection)
            .await
            .map_err(|e| unavailable(&e))?;
    }
    rows.iter().map(row).collect()
}
