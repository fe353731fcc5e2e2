//! Front-end databases: rows written in one short transaction, an answer waited for outside of any.

use crate::address::{AddressClass, classify};
use crate::carry::{Failed, Left};
use crate::statements::{self, Grammar, NoColumn, Statement, Table, quoted};
use crate::{EgressPolicy, SendError, SendErrorKind, Target};
use hub_core::transport::{SqlAnswer, SqlRequest, SqlRow, SqlSelect, SqlTable};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, SqliteConnection};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for a lock of theirs.
const LOCK: Duration = Duration::from_secs(2);
/// Longest run of one statement in milliseconds, told to the server: it stops even if we are gone.
const STATEMENT_MS: &str = "5000";
/// Connections kept idle for one database, and for how long.
const IDLE: usize = 4;
const IDLE_FOR: Duration = Duration::from_secs(20);

/// Where a database is and who logs in. Its debug text holds neither.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Database {
    Lite(PathBuf),
    Pg {
        address: IpAddr,
        port: u16,
        name: String,
        user: String,
        password: String,
    },
}

impl Database {
    /// The database of a target, judged by the egress policy. The connection goes to exactly the address judged.
    pub(crate) async fn of(
        target: &Target,
        policy: &EgressPolicy,
        login: Option<&(String, String)>,
    ) -> Result<Self, SendError> {
        let refused = |why: &str| SendError::unsent(SendErrorKind::Address).because(why);
        let base = &target.base;
        match base.scheme() {
            "sqlite" if target.trusted_loopback => Ok(Self::Lite(PathBuf::from(decoded(base.path())))),
            "sqlite" => Err(refused("the address is no file that an operator has named")),
            "postgres" | "postgresql" => {
                let host = base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
                let port = base.port().unwrap_or(5432);
                let inner = target.trusted_loopback || policy.lists_host(&host, port);
                let unknown = |_| SendError::unsent(SendErrorKind::Unreachable).because("the name is not known");
                let asked = tokio::time::timeout(CONNECT, tokio::net::lookup_host((host.as_str(), port)));
                let found = asked.await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
                let found = found.map_err(unknown)?;
                let admitted = |address: &IpAddr| match classify(*address) {
                    AddressClass::Public => true,
                    AddressClass::Inner => inner,
                    AddressClass::Forbidden => false,
                };
                let address = found.map(|a| a.ip()).find(admitted);
                let (user, password) = match login {
                    Some((user, password)) => (user.clone(), password.clone()),
                    None => (decoded(base.username()), decoded(base.password().unwrap_or_default())),
                };
                Ok(Self::Pg {
                    address: address.ok_or_else(|| refused("the address is not public"))?,
                    port,
                    name: decoded(base.path().trim_start_matches('/')),
                    user,
                    password,
                })
            }
            _ => Err(refused("the address is no database")),
        }
    }

    pub(crate) fn file(file: PathBuf) -> Self {
        Self::Lite(file)
    }

    /// Makes an SQLite file of our own.
    pub(crate) async fn make(file: &Path, tables: &[SqlTable]) -> Result<(), Failed> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
            .busy_timeout(LOCK)
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(|e| sort(&e))?;
        for table in tables {
            let sql = AssertSqlSafe(statements::create(table));
            sqlx::query(sql).execute(&mut connection).await.map_err(|e| sort(&e))?;
        }
        connection.close().await.map_err(|e| sort(&e))
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes().iter();
    while let Some(byte) = rest.next() {
        let hex = rest.as_slice().get(..2).and_then(|h| std::str::from_utf8(h).ok());
        match (byte, hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest.nth(1);
            }
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A connection, and what it has learned of the tables.
struct Link {
    wire: Wire,
    tables: HashMap<String, Arc<Table>>,
}

enum Wire {
    Lite(SqliteConnection),
    Pg(PgConnection),
}

/// Idle connections of one worker. A connection that failed is never kept.
#[derive(Default)]
pub(crate) struct Databases {
    idle: Mutex<HashMap<Database, Vec<(Instant, Link)>>>,
}

impl Databases {
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
        let mut link = Link::open(database).await?;
        let answer = link.exchange(request, cap, left).await?;
        self.keep(database, link);
        Ok(answer)
    }
}

impl Link {
    async fn open(database: &Database) -> Result<Self, Failed> {
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
                let silent = || (SendErrorKind::Unreachable, "the database does not answer".to_owned());
                Wire::Pg(connected.map_err(|_| silent())?.map_err(|e| sort(&e))?)
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
            inserts.push(statements::insert(self.grammar(), &table, insert).map_err(|e| no_column(&e))?);
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
            updates.extend(statements::update(self.grammar(), &table, update).map_err(|e| no_column(&e))?);
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
        statements::select(self.grammar(), &table, select).map_err(|e| no_column(&e))
    }

    /// What the database says of a table, asked once a connection.
    async fn table(&mut self, name: &str) -> Result<Arc<Table>, Failed> {
        if let Some(known) = self.tables.get(name) {
            return Ok(Arc::clone(known));
        }
        let (schema, plain) = name.split_once('.').unwrap_or(("", name));
        let sql = match self.grammar() {
            Grammar::Lite => "SELECT '' || $1, name, type FROM pragma_table_info($2)",
            Grammar::Pg => {
                "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname::text, \
                 format_type(a.atttypid, NULL) \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_attribute a ON a.attrelid = c.oid \
                 WHERE lower(c.relname) = lower($2) AND c.relkind IN ('r', 'v', 'p', 'f', 'm') \
                 AND a.attnum > 0 AND NOT a.attisdropped \
                 AND CASE WHEN $1 = '' THEN pg_table_is_visible(c.oid) ELSE lower(n.nspname) = lower($1) END \
                 ORDER BY a.attnum"
            }
        };
        let rows = self
            .fetch(Statement {
                sql: sql.to_owned(),
                values: vec![Some(schema.to_owned()), Some(plain.to_owned())],
            })
            .await?;
        let text = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let Some(first) = rows.first() else {
            return Err((SendErrorKind::Broken, format!("the database has no table {plain}")));
        };
        let table = Arc::new(Table {
            quoted: match self.grammar() {
                Grammar::Lite => quoted(plain),
                Grammar::Pg => text(first, 0),
            },
            columns: rows.iter().map(|row| (text(row, 1), text(row, 2))).collect(),
        });
        self.tables.insert(name.to_owned(), Arc::clone(&table));
        Ok(table)
    }

    async fn run(&mut self, word: &'static str) -> Result<(), Failed> {
        self.execute(Statement {
            sql: word.to_owned(),
            values: Vec::new(),
        })
        .await
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
        }
    }
}

fn no_column(error: &NoColumn) -> Failed {
    (SendErrorKind::Broken, format!("the table has no column {}", error.0))
}

/// What a driver's error means. Its words may hold values, so that only codes are kept.
fn sort(error: &sqlx::Error) -> Failed {
    match error {
        sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
            (SendErrorKind::Refused, "nobody listens".to_owned())
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) => (SendErrorKind::Unreachable, "the connection broke".to_owned()),
        sqlx::Error::Database(database) => {
            let code = database.code().unwrap_or_default();
            (SendErrorKind::Broken, format!("the database says {code}"))
        }
        _ => (SendErrorKind::Broken, "the database cannot be understood".to_owned()),
    }
}
