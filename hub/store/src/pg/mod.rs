//! PostgreSQL: a pool of connections, one commit a write. The database groups commits by itself.

mod cells;
mod failure;
mod pool;

use crate::StoreError;
use crate::db::{Row, Statement};
use crate::dialect::Dialect;
use cells::{bound, row};
use failure::{broken, unavailable, while_committing};
use pool::{Lent, Pool, WAIT};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow};
use sqlx::{ConnectOptions, Connection};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Longest wait for an answer; the database gives up on its side before that, so that it is the one to say so.
const ANSWER: Duration = Duration::from_secs(8);
/// Longest time a start may take to bring the database up to date.
const MIGRATION: Duration = Duration::from_secs(600);

/// An open PostgreSQL database.
#[derive(Clone)]
pub struct Pg {
    pool: Arc<Pool>,
    /// Where it was opened. Connections live there, whichever worker asks: a connection made on a worker's own runtime
    /// would wait for that worker. And a caller that is dropped half-way leaves nothing half-way.
    home: Handle,
}

impl std::fmt::Debug for Pg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pg(…)")
    }
}

impl Pg {
    /// Connects and brings the database up to date.
    pub(crate) async fn open(url: &str) -> Result<Self, StoreError> {
        let mut options = PgConnectOptions::from_str(url)
            .map_err(|_| StoreError::Unavailable("the address of the database cannot be read".into()))?
            .disable_statement_logging();
        if options.get_application_name().is_none() {
            options = options.application_name("shuniu");
        }
        let pool = Pool::new(options);
        let connection = timeout(WAIT, pool.connect()).await.unwrap_or_else(|_| {
            let text = format!("PostgreSQL did not answer within {} s", WAIT.as_secs());
            Err(StoreError::Unavailable(text))
        })?;
        timeout(MIGRATION, prepare(connection)).await.unwrap_or_else(|_| {
            let text = format!("not done within {} s", MIGRATION.as_secs());
            Err(StoreError::Migration(text))
        })?;
        Ok(Self {
            pool: Arc::new(pool),
            home: Handle::current(),
        })
    }

    pub(crate) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        let pool = Arc::clone(&self.pool);
        let task = self.home.spawn(async move { read(&pool, statement).await });
        task.await
            .unwrap_or_else(|_| Err(StoreError::Unavailable("the hub is stopping".into())))
    }

    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Row>, StoreError> {
        let pool = Arc::clone(&self.pool);
        let task = self.home.spawn(async move { write(&pool, statements).await });
        task.await
            .unwrap_or_else(|_| Err(StoreError::Unsure("the hub is stopping".into())))
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Migrates; the migrator's lock lets one of several starting hubs do it while the others wait.
async fn prepare(mut connection: PgConnection) -> Result<(), StoreError> {
    let facts = "SELECT current_setting('server_encoding'), current_setting('fsync')";
    let facts = sqlx::query(facts).fetch_one(&mut connection).await;
    let mut facts = row(&facts.map_err(|e| unavailable(&e))?)?;
    if facts.text(0)? != "UTF8" {
        let text = "the database has another encoding than UTF8";
        return Err(StoreError::Migration(text.into()));
    }
    if facts.text(1)? == "off" {
        tracing::warn!("PostgreSQL runs with fsync off: what is acknowledged may be lost with the machine");
    }
    let patient = "SET statement_timeout = 0; SET lock_timeout = '60s'";
    sqlx::raw_sql(patient)
        .execute(&mut connection)
        .await
        .map_err(|e| unavailable(&e))?;
    Dialect::Pg.migrate(&mut connection).await?;
    let _ = connection.close().await;
    Ok(())
}

/// A read that finds a dead connection is tried once more: nothing can happen twice.
async fn read(pool: &Pool, statement: Statement) -> Result<Vec<Row>, StoreError> {
    let mut first = true;
    loop {
        let mut lent = pool.lend().await?;
        let rows = timeout(ANSWER, bound(statement.clone()).fetch_all(&mut lent.connection)).await;
        match rows {
            Err(_) => {
                pool.forget_idle();
                return Err(StoreError::Unavailable(silent()));
            }
            Ok(Err(error)) if broken(&error) => {
                pool.forget_idle();
                if !std::mem::take(&mut first) {
                    return Err(unavailable(&error));
                }
            }
            Ok(rows) => {
                pool.give_back(lent);
                return rows.map_err(|e| unavailable(&e))?.iter().map(row).collect();
            }
        }
    }
}

/// What is known of a write when its connection breaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing is committed unless we say so.
    Open,
    /// The word is said: it may be committed.
    Committing,
}

async fn write(pool: &Pool, statements: Vec<Statement>) -> Result<Vec<Row>, StoreError> {
    let mut lent = pool.lend().await?;
    let mut stage = Stage::Open;
    let outcome = timeout(ANSWER, commit(&mut lent, statements, &mut stage)).await;
    match outcome {
        Ok(Ok(rows)) => {
            pool.give_back(lent);
            rows.iter().map(row).collect()
        }
        Ok(Err(error)) => {
            if broken(&error) {
                pool.forget_idle();
            } else {
                pool.give_back(lent);
            }
            Err(match stage {
                Stage::Open => unavailable(&error),
                Stage::Committing => while_committing(&error),
            })
        }
        Err(_) => {
            pool.forget_idle();
            Err(match stage {
                Stage::Open => StoreError::Unavailable(silent()),
                Stage::Committing => StoreError::Unsure(silent()),
            })
        }
    }
}

fn silent() -> String {
    format!("PostgreSQL did not answer within {} s", ANSWER.as_secs())
}

/// One statement commits by itself; several need a transaction. After an error that leaves the connection standing, none
/// is open on it.
async fn commit(lent: &mut Lent, statements: Vec<Statement>, stage: &mut Stage) -> Result<Vec<PgRow>, sqlx::Error> {
    let connection = &mut lent.connection;
    let one = statements.len() == 1;
    if one {
        *stage = Stage::Committing;
    } else {
        sqlx::raw_sql("BEGIN").execute(&mut *connection).await?;
    }
    let mut rows = Vec::new();
    for statement in statements {
        // All rows are read, for the answer to the commit comes after the last of them.
        match bound(statement).fetch_all(&mut *connection).await {
            Ok(found) => rows = found,
            Err(error) if one || broken(&error) => return Err(error),
            Err(error) => {
                sqlx::raw_sql("ROLLBACK").execute(&mut *connection).await?;
                return Err(error);
            }
        }
    }
    if !one {
        *stage = Stage::Committing;
        sqlx::raw_sql("COMMIT").execute(&mut *connection).await?;
    }
    Ok(rows)
}
