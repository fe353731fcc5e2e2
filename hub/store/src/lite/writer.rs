//! The one writer. Whatever waits when a commit ends goes into the next one, so a busy hub pays one sync for many
//! writes and an idle one waits for nobody.

use super::words::{Broken, rows, unavailable};
use crate::StoreError;
use crate::db::{Row, Statement};
use rusqlite::Connection;
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
    /// The writer has a thread of its own: what it does waits for the disk.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || run(connection, receiver))
            .map_err(|e| StoreError::Unavailable(e.to_string()))?;
        Ok(Self(sender))
    }

    pub(super) async fn write(&self, statements: Vec<Statement>) -> Outcome {
        let (sender, receiver) = oneshot::channel();
        self.0
            .send(Job::Write(statements, sender))
            .await
            .map_err(|_| super::closed())?;
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

fn run(connection: Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut waiting = Vec::with_capacity(GROUP);
    let mut closing = Vec::new();
    while closing.is_empty() && jobs.blocking_recv_many(&mut waiting, GROUP) > 0 {
        let mut group = Vec::with_capacity(waiting.len());
        for job in waiting.drain(..) {
            match job {
                Job::Write(statements, sender) => group.push((statements, sender)),
                Job::Close(sender) => closing.push(sender),
            }
        }
        match <[Group; 1]>::try_from(group) {
            Ok([(statements, sender)]) => {
                let _ = sender.send(alone(&connection, &statements));
            }
            Err(group) => commit(&connection, group),
        }
    }
    jobs.close();
    while let Some(job) = jobs.blocking_recv() {
        match job {
            Job::Write(_, sender) => drop(sender.send(Err(super::closed()))),
            Job::Close(sender) => closing.push(sender),
        }
    }
    if let Err((_, error)) = connection.close() {
        tracing::warn!(%error, "the store did not close cleanly; its journal is replayed at the next start");
    }
    for sender in closing {
        let _ = sender.send(());
    }
}

/// Runs what nobody shares a commit with: one statement is left to commit by itself, and several need no savepoint.
fn alone(connection: &Connection, statements: &[Statement]) -> Outcome {
    if let [statement] = statements {
        return rows(connection, statement, usize::MAX).map_err(Broken::unsure);
    }
    say(connection, "BEGIN IMMEDIATE")?;
    let outcome = several(connection, statements);
    let committed = match outcome {
        Ok(_) => connection.execute_batch("COMMIT"),
        Err(_) => connection.execute_batch("ROLLBACK"),
    };
    match committed {
        Err(error) if outcome.is_ok() => {
            let _ = connection.execute_batch("ROLLBACK");
            Err(StoreError::Unsure(error.to_string()))
        }
        _ => outcome,
    }
}

/// Runs a group in one transaction. A job that fails undoes itself and only itself; nobody hears of success before the
/// commit.
fn commit(connection: &Connection, group: Vec<Group>) {
    if group.is_empty() {
        return;
    }
    if let Err(error) = say(connection, "BEGIN IMMEDIATE") {
        for (_, sender) in group {
            let _ = sender.send(Err(error.clone()));
        }
        return;
    }
    let mut outcomes = Vec::with_capacity(group.len());
    for (statements, sender) in group {
        outcomes.push((job(connection, &statements), sender));
    }
    if let Err(error) = connection.execute_batch("COMMIT") {
        // A disk that is full rolls back by itself; whichever it was, no transaction may stay open.
        let _ = connection.execute_batch("ROLLBACK");
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
fn job(connection: &Connection, statements: &[Statement]) -> Outcome {
    if statements.len() < 2 {
        return several(connection, statements);
    }
    say(connection, "SAVEPOINT job")?;
    let outcome = several(connection, statements);
    if outcome.is_err() {
        say(connection, "ROLLBACK TO job")?;
    }
    say(connection, "RELEASE job")?;
    outcome
}

fn several(connection: &Connection, statements: &[Statement]) -> Outcome {
    let mut last = Vec::new();
    for statement in statements {
        last = rows(connection, statement, usize::MAX).map_err(Broken::unavailable)?;
    }
    Ok(last)
}

fn say(connection: &Connection, word: &str) -> Result<(), StoreError> {
    connection.execute_batch(word).map_err(|e| unavailable(&e))
}
