//! Exchanges with front-end databases: rows written in one short transaction, an answer waited for outside of any.

use crate::SendErrorKind;
use crate::database::{CONNECT, Database, LOCK};
use crate::failed::{Failed, Left, sort};
use crate::mysql;
use crate::statements::{self, Grammar, Statement, Table, Unfit};
use hub_core::transport::{SqlAnswer, SqlRequest, SqlRow, SqlSelect};
use rustls::RootCertStore;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection, PgConnection, Row, SqliteConnection};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest run of one statement in milliseconds, told to the server: it stops even if we are gone.
const STATEMENT_MS: &str = "5000";
/// Connections kept idle for one database, and for how long.
const IDLE: usize = 4;
const IDLE_FOR: Duration = Duration::from_secs(20);

/// A connection, and what it has learned of the tables.
struct Link {
    wire: Wire,
    tables: HashMap<String, Arc<Table>>,
}

enum Wire {
    Lite(SqliteConnection),
    Pg(PgConnection),
    My(MySqlConnection),
}

/// Idle connections of one worker. A connection that failed is never kept.
pub(crate) struct Databases {
    /// Whom encrypted ones must show.
    roots: Arc<RootCertStore>,
    idle: Mutex<HashMap<Database, Vec<(Instant, Link)>>>,
}

impl Databases {
    pub(crate) fn new(roots: Arc<RootCertStore>) -> Self {
        Self {
            roots,
            idle: Mutex::default(),
        }
    }

    fn idle(&self, database: &Database) -> Option<Link> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(database)?;
        kept.retain(|(since, _)| since.elapsed() < IDLE_FOR);
        kept.pop().map(|(_, link)| link)
    }

    fn keep(&self, database: &Database, link: Link) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(database.clone()).or_default();
        if kept.len() < IDLE {
            kept.push((Instant::now(), link));
        }
    }

    /// One exchange. A kept connection that turns out to be dead before anything left is replaced, once.
    pub(crate) async fn exchange(
        &self,
        database: &Database,
        request: &SqlRequest,
        cap: usize,
        left: &Left,
    ) -> Result<SqlAnswer, Failed> {
        if let Some(mut link) = self.idle(database) {
            match link.exchange(request, cap, left).await {
                Ok(answer) => {
                    self.keep(database, link);
                    return Ok(answer);
                }
                Err(failed) if left.is_set() || failed.0 == SendErrorKind::TooLarge => return Err(failed),
                Err(_) => {}
            }
        }
        let mut link = Link::open(database, &self.roots).await?;
        let answer = link.exchange(request, cap, left).await?;
        self.keep(database, link);
        Ok(answer)
    }
}

impl Link {
    async fn open(database: &Database, roots: &Arc<RootCertStore>) -> Result<Self, Failed> {
        let silent = || (SendErrorKind::Unreachable, "the database does not answer".to_owned());
        let wire = match database {
            Database::Lite(file) => {
                let options = SqliteConnectOptions::new()
                    .filename(file)
                    .create_if_missing(false)
                    .busy_timeout(LOCK)
                    .disable_statement_logging();
                Wire::Lite(options.connect().await.map_err(|e| sort(&e))?)
            }
            Database::Pg {
                address,
                port,
                name,
                user,
                password,
            } => {
                let options = PgConnectOptions::new_without_pgpass()
                    .host(&address.to_string())
                    .port(*port)
                    .database(name)
                    .username(user)
                    .password(password)
                    // The driver is built without TLS: such databases stand behind dedicated lines.
                    .ssl_mode(PgSslMode::Disable)
                    .application_name("shuniu")
                    .options([
                        ("statement_timeout", STATEMENT_MS),
                        ("lock_timeout", "2000"),
                        ("idle_in_transaction_session_timeout", STATEMENT_MS),
                    ])
                    .disable_statement_logging();
                let connected = tokio::time::timeout(CONNECT, options.connect()).await;
                Wire::Pg(connected.map_err(|_| silent())?.map_err(|e| sort(&e))?)
            }
            Database::My(server) => {
                let connected = tokio::time::timeout(CONNECT, mysql::connect(server, roots)).await;
                Wire::My(connected.map_err(|_| silent())??)
            }
        };
        Ok(Self {
            wire,
            tables: HashMap::new(),
        })
    }

    fn grammar(&self) -> Grammar {
        match self.wire {
            Wire::Lite(_) => Grammar::Lite,
            Wire::Pg(_) => Grammar::Pg,
            Wire::My(_) => Grammar::My,
        }
    }

    async fn exchange(&mut self, request: &SqlRequest, cap: usize, left: &Left) -> Result<SqlAnswer, Failed> {
        self.write(request, left).await?;
        let mut answer = SqlAnswer::default();
        if let Some(awaited) = &request.awaited {
            answer.found.push(self.awaited(awaited, request.every_ms, cap).await?);
        }
        for select in &request.reads {
            answer.found.push(self.select(select, cap).await?);
        }
        self.mark(request).await?;
        Ok(answer)
    }

    /// The rows of a request, all or none.
    async fn write(&mut self, request: &SqlRequest, left: &Left) -> Result<(), Failed> {
        if request.inserts.is_empty() {
            return Ok(());
        }
        // What must be asked of the database is asked before its transaction begins.
        let mut inserts = Vec::new();
        for insert in &request.inserts {
            let table = self.table(&insert.table).await?;
            inserts.push(statements::insert(self.grammar(), &table, insert).map_err(|e| unfit(&e))?);
        }
        let unless = match &request.unless {
            Some(select) => Some(self.statement(select).await?),
            None => None,
        };
        self.begin().await?;
        if let Some(unless) = unless
            && !self.fetch(unless).await?.is_empty()
        {
            // It was begun before, so that something may have happened already.
            left.set();
            return self.run("ROLLBACK").await;
        }
        for insert in inserts {
            self.execute(insert).await?;
        }
        left.set();
        self.run("COMMIT").await
    }

    async fn mark(&mut self, request: &SqlRequest) -> Result<(), Failed> {
        let mut updates = Vec::new();
        for update in &request.updates {
            let table = self.table(&update.table).await?;
            updates.extend(statements::update(self.grammar(), &table, update).map_err(|e| unfit(&e))?);
        }
        if updates.is_empty() {
            return Ok(());
        }
        self.begin().await?;
        for update in updates {
            self.execute(update).await?;
        }
        self.run("COMMIT").await
    }

    async fn begin(&mut self) -> Result<(), Failed> {
        let word = match self.grammar() {
            Grammar::Lite => "BEGIN IMMEDIATE",
            Grammar::Pg => "BEGIN",
            Grammar::My => "START TRANSACTION",
        };
        self.run(word).await
    }

    async fn awaited(&mut self, select: &SqlSelect, every_ms: u64, cap: usize) -> Result<Vec<SqlRow>, Failed> {
        loop {
            let rows = self.select(select, cap).await?;
            if !rows.is_empty() || every_ms == 0 {
                return Ok(rows);
            }
            sleep(Duration::from_millis(every_ms)).await;
        }
    }

    async fn select(&mut self, select: &SqlSelect, cap: usize) -> Result<Vec<SqlRow>, Failed> {
        let table = self.table(&select.table).await?;
        let statement = self.statement(select).await?;
        let rows = self.fetch(statement).await?;
        let size: usize = rows.iter().flatten().flatten().map(String::len).sum();
        if size > cap {
            return Err((SendErrorKind::TooLarge, "the rows are too large".to_owned()));
        }
        let named = |row: Vec<Option<String>>| {
            let names = table.columns.iter().map(|(name, _)| name.clone());
            SqlRow(names.zip(row).collect())
        };
        Ok(rows.into_iter().map(named).collect())
    }

    async fn statement(&mut self, select: &SqlSelect) -> Result<Statement, Failed> {
        let table = self.table(&select.table).await?;
        statements::select(self.grammar(), &table, select).map_err(|e| unfit(&e))
    }

    /// What the database says of a table, asked once a connection.
    async fn table(&mut self, name: &str) -> Result<Arc<Table>, Failed> {
        if let Some(known) = self.tables.get(name) {
            return Ok(Arc::clone(known));
        }
        let (schema, plain) = name.split_once('.').unwrap_or(("", name));
        let asked = statements::columns(self.grammar(), schema, plain);
        let rows = self.fetch(asked).await?;
        let Some(table) = statements::table(self.grammar(), plain, &rows) else {
            return Err((SendErrorKind::Broken, format!("the database has no table {plain}")));
        };
        let table = Arc::new(table);
        self.tables.insert(name.to_owned(), Arc::clone(&table));
        Ok(table)
    }

    /// A word of transactions: not every server prepares those.
    async fn run(&mut self, word: &'static str) -> Result<(), Failed> {
        let word = sqlx::raw_sql(word);
        match &mut self.wire {
            Wire::Lite(connection) => word.execute(connection).await.map(|_| ()),
            Wire::Pg(connection) => word.execute(connection).await.map(|_| ()),
            Wire::My(connection) => word.execute(connection).await.map(|_| ()),
        }
        .map_err(|e| sort(&e))
    }

    async fn execute(&mut self, statement: Statement) -> Result<(), Failed> {
        self.fetch(statement).await.map(|_| ())
    }

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<Vec<Option<String>>>, Failed> {
        // Safe: made in `statements` of quoted names, the values beside it.
        let sql = AssertSqlSafe(statement.sql);
        macro_rules! rows {
            ($connection:expr) => {{
                let mut query = sqlx::query(sql);
                for value in statement.values {
                    query = query.bind(value);
                }
                let rows = query.fetch_all($connection).await.map_err(|e| sort(&e))?;
                let cells = rows
                    .iter()
                    .map(|row| (0..row.len()).map(|at| row.try_get(at)).collect());
                cells.collect::<Result<_, sqlx::Error>>().map_err(|e| sort(&e))
            }};
        }
        match &mut self.wire {
            Wire::Lite(connection) => rows!(&mut *connection),
            Wire::Pg(connection) => rows!(&mut *connection),
            Wire::My(connection) => rows!(&mut *connection),
        }
    }
}

fn unfit(error: &Unfit) -> Failed {
    let words = match error {
        Unfit::NoColumn(name) => format!("the table has no column {name}"),
        Unfit::NoNumber(name) => format!("the column {name} takes numbers only"),
    };
    (SendErrorKind::Broken, words)
}
