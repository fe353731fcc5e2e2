//! Front-end databases: where they are and who logs in.

use crate::address::{AddressClass, classify};
use crate::failed::{Failed, sort};
use crate::mysql::Server;
use crate::statements;
use crate::{EgressPolicy, SendError, SendErrorKind, Target};
use hub_core::transport::SqlTable;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Longest wait for a connection.
pub(crate) const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for a lock of theirs.
pub(crate) const LOCK: Duration = Duration::from_secs(2);

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
    My(Server),
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
                let port = base.port().unwrap_or(5432);
                let (address, _) = found(target, policy, port).await?;
                let (user, password) = who(base, login);
                Ok(Self::Pg {
                    address,
                    port,
                    name: decoded(base.path().trim_start_matches('/')),
                    user,
                    password,
                })
            }
            "mysql" => {
                let port = base.port().unwrap_or(3306);
                let (address, class) = found(target, policy, port).await?;
                let (user, password) = who(base, login);
                let asked = base
                    .query_pairs()
                    .any(|(key, value)| key == "tls" && value == "required");
                // In clear only where an operator vouches for the line.
                let encrypted = asked || target.tls.is_some() || class != AddressClass::Inner;
                Ok(Self::My(Server {
                    host: host(base),
                    address,
                    port,
                    name: decoded(base.path().trim_start_matches('/')),
                    user,
                    password,
                    tls: encrypted.then(|| target.tls.as_deref().cloned().unwrap_or_default()),
                }))
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

pub(crate) fn host(base: &Url) -> String {
    base.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned()
}

pub(crate) fn who(base: &Url, login: Option<&(String, String)>) -> (String, String) {
    let told = || (decoded(base.username()), decoded(base.password().unwrap_or_default()));
    login.cloned().unwrap_or_else(told)
}

/// The first address of a target's host that may be connected to.
pub(crate) async fn found(
    target: &Target,
    policy: &EgressPolicy,
    port: u16,
) -> Result<(IpAddr, AddressClass), SendError> {
    let host = host(&target.base);
    let inner = target.trusted_loopback || policy.lists_host(&host, port);
    let asked = tokio::time::timeout(CONNECT, tokio::net::lookup_host((host.as_str(), port)));
    let found = asked.await.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into()));
    let unknown = |_| SendError::unsent(SendErrorKind::Unreachable).because("the name is not known");
    let mut classed = found.map_err(unknown)?.map(|a| (a.ip(), classify(a.ip())));
    let admitted = classed.find(|(_, class)| match class {
        AddressClass::Public => true,
        AddressClass::Inner => inner,
        AddressClass::Forbidden => false,
    });
    admitted.ok_or_else(|| SendError::unsent(SendErrorKind::Address).because("the address is not public"))
}

pub(crate) fn decoded(text: &str) -> String {
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
