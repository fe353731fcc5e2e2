//! Connections to PostgreSQL, kept open between uses.
//!
//! Its own, because of what it must say when the database is gone: at once and why if the connection is refused, after a
//! bounded wait otherwise, and never a connection handed out, tested or closed without a limit.

use super::failure::unavailable;
use crate::StoreError;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Most connections of one hub.
const MOST: u32 = 10;
/// Longest wait for a connection, connecting included.
pub(super) const WAIT: Duration = Duration::from_secs(3);
/// A connection not used for this long is asked whether it still stands.
const FRESH: Duration = Duration::from_secs(1);
/// Longest wait for that, and for a connection to close.
const PING: Duration = Duration::from_secs(1);
/// A connection not used for this long is closed.
const UNUSED: Duration = Duration::from_secs(300);
/// A connection this old is closed, so that hubs find back to a database that moved.
const OLD: Duration = Duration::from_secs(1800);

/// What every connection is told. Limits, so that nothing waits for ever for a lock or on a hub that stopped half-way;
/// READ COMMITTED, which the statements are written for; and a commit that is on disk when it is answered, whatever the
/// database's default is.
const SESSION: &str = "SET statement_timeout = '6s'; SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s'; SET default_transaction_isolation = 'read committed';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

struct Idle {
    connection: PgConnection,
    born: Instant,
    since: Instant,
}

/// A connection in use. Dropping it hangs up; only [`Pool::give_back`] keeps it.
pub(super) struct Lent {
    pub(super) connection: PgConnection,
    born: Instant,
    _permit: OwnedSemaphorePermit,
}

/// The connections.
pub(super) struct Pool {
    options: PgConnectOptions,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self {
            options,
            permits: Arc::new(Semaphore::new(MOST as usize)),
            idle: Mutex::default(),
        }
    }

    /// A connection that answers, or why there is none.
    pub(super) async fn lend(&self) -> Result<Lent, StoreError> {
        timeout(WAIT, self.find()).await.unwrap_or_else(|_| {
            let text = format!("PostgreSQL gave no connection within {} s", WAIT.as_secs());
            Err(StoreError::Unavailable(text))
        })
    }

    async fn find(&self) -> Result<Lent, StoreError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Unavailable("it is closed".into()))?;
        while let Some(mut idle) = self.latest() {
            if idle.since.elapsed() < FRESH || matches!(timeout(PING, idle.connection.ping()).await, Ok(Ok(()))) {
                return Ok(Lent {
                    connection: idle.connection,
                    born: idle.born,
                    _permit: permit,
                });
            }
            // The database was stopped or moved: the others lead nowhere either.
            self.forget_idle();
        }
        Ok(Lent {
            connection: self.connect().await?,
            born: Instant::now(),
            _permit: permit,
        })
    }

    /// A new connection with the session's settings; not counted and not kept.
    pub(super) async fn connect(&self) -> Result<PgConnection, StoreError> {
        let mut connection = PgConnection::connect_with(&self.options)
            .await
            .map_err(|e| unavailable(&e))?;
        sqlx::raw_sql(AssertSqlSafe(SESSION))
            .execute(&mut connection)
            .await
            .map_err(|e| unavailable(&e))?;
        Ok(connection)
    }

    /// Keeps a connection on which nothing is under way.
    pub(super) fn give_back(&self, lent: Lent) {
        let Lent {
            connection,
            born,
            _permit,
        } = lent;
        let now = Instant::now();
        if self.permits.is_closed() || now - born > OLD {
            return;
        }
        let mut idle = self.idle();
        idle.retain(|other| now - other.since < UNUSED);
        idle.push(Idle {
            connection,
            born,
            since: now,
        });
    }

    /// Hangs up what is idle: it leads to a database that is gone.
    pub(super) fn forget_idle(&self) {
        self.idle().clear();
    }

    /// Waits for what is under way, then hangs up politely.
    pub(super) async fn close(&self) {
        let _ = timeout(super::ANSWER + WAIT, self.permits.acquire_many(MOST)).await;
        self.permits.close();
        let idle = std::mem::take(&mut *self.idle());
        for one in idle {
            let _ = timeout(PING, one.connection.close()).await;
        }
    }

    fn latest(&self) -> Option<Idle> {
        self.idle().pop()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
