//! The way to a MySQL or MariaDB server: the hub connects, encrypts and logs in by itself and hands the driver a connection
//! on which that is done.
//!
//! Why not the driver: it sends the password in clear to a server whose greeting asks for `mysql_clear_password`, resolves
//! and checks certificates by rules of its own, and offers what an exchange never needs. So it never learns the password,
//! and TLS follows the same rules as that of all other upstreams.

mod packet;

use crate::failed::{Failed, database_says, sort};
use crate::{SendErrorKind, TlsRules, tls};
use packet::{Greeting, Plugin, Said};
use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions};
use std::fs::DirBuilder;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsConnector;

/// More turns than any login has.
const TURNS: usize = 6;

/// Where a server is and who logs in.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    pub(crate) host: String,
    /// What the host's name was found to be, and judged.
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) name: String,
    pub(crate) user: String,
    pub(crate) password: String,
    /// By which rules it is encrypted, if it is.
    pub(crate) tls: Option<TlsRules>,
}

trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Opens a connection that is logged in, with time limits that the server itself enforces.
pub(crate) async fn connect(server: &Server, roots: &Arc<RootCertStore>) -> Result<MySqlConnection, Failed> {
    let mut line = TcpStream::connect((server.address, server.port)).await.map_err(broke)?;
    let (_, payload) = packet::read(&mut line).await.map_err(broke)?;
    if let Ok(Said::No(code)) = Said::read(&payload, Plugin::Native) {
        return Err((SendErrorKind::Broken, format!("the database says {code}")));
    }
    let greeting = Greeting::read(&payload).map_err(|_| strange())?;
    let door = Door::open().map_err(|_| (SendErrorKind::Broken, "no temporary folder".to_owned()))?;
    // All that it would say after the login is said below, so that it does not wait for a line that is not copied yet.
    let options = MySqlConnectOptions::new()
        .socket(door.path())
        .username("hub")
        .ssl_mode(MySqlSslMode::Disabled)
        .enable_cleartext_plugin(false)
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .disable_statement_logging();
    let driver = async { options.connect().await.map_err(|e| sort(&e)) };
    let inside = async {
        let mut inner = door.enter().await.map_err(broke)?;
        let outer = log_in(line, &mut inner, &greeting, server, roots).await?;
        Ok((inner, outer))
    };
    let (mut connection, (inner, outer)) = tokio::try_join!(driver, inside)?;
    tokio::spawn(copy(inner, outer));
    for words in session(&greeting) {
        let set = sqlx::raw_sql(AssertSqlSafe(words)).execute(&mut connection).await;
        set.map_err(|e| sort(&e))?;
    }
    Ok(connection)
}

/// Strict, so that a value that does not fit is refused, not cut. The limits end what we can no longer wait for.
fn session(greeting: &Greeting) -> [String; 2] {
    let limit = if greeting.is_mariadb() {
        "max_statement_time = 5, SESSION idle_transaction_timeout = 5"
    } else {
        "max_execution_time = 5000"
    };
    [
        "SET NAMES utf8mb4".to_owned(),
        format!(
            "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE', \
             SESSION innodb_lock_wait_timeout = 2, SESSION lock_wait_timeout = 2, SESSION wait_timeout = 60, SESSION {limit}"
        ),
    ]
}

/// Ends with either side.
async fn copy(inner: UnixStream, outer: Box<dyn Line>) {
    let (mut from_driver, mut to_driver) = tokio::io::split(inner);
    let (mut from_server, mut to_server) = tokio::io::split(outer);
    let _ended = tokio::select! {
        ended = tokio::io::copy(&mut from_driver, &mut to_server) => ended,
        ended = tokio::io::copy(&mut from_server, &mut to_driver) => ended,
    };
}

/// Takes the driver's side and the server's through their logins; only the server's is one.
async fn log_in(
    mut line: TcpStream,
    driver: &mut UnixStream,
    greeting: &Greeting,
    server: &Server,
    roots: &Arc<RootCertStore>,
) -> Result<Box<dyn Line>, Failed> {
    packet::write(driver, 0, &greeting.for_driver()).await.map_err(broke)?;
    let (_, answer) = packet::read(driver).await.map_err(broke)?;
    let with_database = !server.name.is_empty();
    let opening = packet::opening(&answer, server.tls.is_some(), with_database).map_err(|_| strange())?;
    let mut sequence = 1;
    let mut outer: Box<dyn Line> = match &server.tls {
        None => Box::new(line),
        Some(_) if !greeting.offers_tls() => {
            return Err((SendErrorKind::Unreachable, "the database offers no TLS".to_owned()));
        }
        Some(rules) => {
            packet::write(&mut line, sequence, &opening).await.map_err(broke)?;
            sequence += 1;
            Box::new(encrypted(line, &server.host, rules, roots).await?)
        }
    };
    let plugin = greeting.plugin();
    let proof = plugin.proof(&server.password, greeting.nonce());
    let login = packet::login(&opening, &server.user, &proof, &server.name, plugin);
    packet::write(&mut *outer, sequence, &login).await.map_err(broke)?;
    let welcome = prove(&mut *outer, plugin, server).await?;
    packet::write(driver, 2, &welcome).await.map_err(broke)?;
    Ok(outer)
}

async fn encrypted(
    line: TcpStream,
    host: &str,
    rules: &TlsRules,
    roots: &Arc<RootCertStore>,
) -> Result<impl Line + use<>, Failed> {
    let refused = |why: &str| (SendErrorKind::Unreachable, why.to_owned());
    let mut config = tls::config(roots, rules).map_err(|_| refused("TLS cannot be set up"))?;
    config.alpn_protocols.clear();
    let name = ServerName::try_from(host.to_owned()).map_err(|_| refused("the host is no name for TLS"))?;
    let connected = TlsConnector::from(Arc::new(config)).connect(name, line).await;
    connected.map_err(|_| refused("the certificate is not believed, or TLS failed"))
}

/// Proves the password in the ways that are spoken here; the server's welcome.
async fn prove(outer: &mut dyn Line, mut plugin: Plugin, server: &Server) -> Result<Vec<u8>, Failed> {
    let refused = |why: &str| (SendErrorKind::Broken, why.to_owned());
    for _ in 0..TURNS {
        let (sequence, payload) = packet::read(&mut *outer).await.map_err(broke)?;
        let answer = match Said::read(&payload, plugin).map_err(|_| strange())? {
            Said::Welcome => return Ok(payload),
            Said::No(code) => return Err(database_says(&code.to_string())),
            Said::Unspoken => {
                return Err(refused(
                    "the database asks for the password in a way that is not spoken",
                ));
            }
            Said::Remembered => continue,
            Said::Prove(other, nonce) => {
                plugin = other;
                plugin.proof(&server.password, &nonce)
            }
            // In clear below TLS, whose other end has shown its certificate. Without TLS it would have to be encrypted for
            // whoever says that a key is his.
            Said::Tell if server.tls.is_some() => server.password.bytes().chain([0]).collect(),
            Said::Tell => return Err(refused("the database knows this account over TLS only")),
        };
        packet::write(&mut *outer, sequence.wrapping_add(1), &answer)
            .await
            .map_err(broke)?;
    }
    Err(strange())
}

fn broke(error: io::Error) -> Failed {
    match error.kind() {
        io::ErrorKind::InvalidData => strange(),
        _ => sort(&sqlx::Error::Io(error)),
    }
}

fn strange() -> Failed {
    (SendErrorKind::Broken, "what answers is no MySQL".to_owned())
}

/// The socket by which the driver comes in, in a folder that nobody else may enter. It is gone once the driver is in.
struct Door {
    folder: PathBuf,
    listener: UnixListener,
}

impl Door {
    fn open() -> io::Result<Self> {
        let random = hub_crypto::random::<8>().map_err(io::Error::other)?;
        let folder = std::env::temp_dir().join(format!("hub-{}", hub_crypto::hex(&random)));
        DirBuilder::new().mode(0o700).create(&folder)?;
        match UnixListener::bind(folder.join("s")) {
            Ok(listener) => Ok(Self { folder, listener }),
            Err(error) => {
                let _ignored = std::fs::remove_dir(&folder);
                Err(error)
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("s")
    }

    async fn enter(&self) -> io::Result<UnixStream> {
        self.listener.accept().await.map(|(stream, _)| stream)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        let _ignored = std::fs::remove_file(self.path());
        let _ignored = std::fs::remove_dir(&self.folder);
    }
}
