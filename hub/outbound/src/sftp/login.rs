//! The way into a file server: to the address that was judged, past a host key that was pinned, with the secrets of the
//! system. No agent, no files of this machine's user, no keys believed because they came first.

use crate::database::{CONNECT, decoded, found, host, who};
use crate::failed::Failed;
use crate::{EgressPolicy, SendError, SendErrorKind, Target};
use hub_core::transport::FileLogin;
use russh::client::{self, AuthResult, Handle};
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh::{ChannelStream, Preferred, SshId};
use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest way from the first byte to the open channel; servers that look names up take their time.
const ENTRY: Duration = Duration::from_secs(8);
/// A connection on which nothing has happened for so long is given up by itself.
const SILENT: Duration = Duration::from_secs(60);
/// Host keys that can be verified. RSA is not among them: no such verifier is built in.
const HOST_KEYS: &[Algorithm] = &[
    Algorithm::Ed25519,
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP256,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP384,
    },
    Algorithm::Ecdsa {
        curve: EcdsaCurve::NistP521,
    },
];

/// Where a server is, which it must be, and who logs in.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Server {
    /// What the host's name was found to be, and judged.
    address: IpAddr,
    port: u16,
    user: String,
    password: String,
    key: Option<String>,
    pins: Vec<String>,
    /// The folder that stands for the agency's, without a slash at its end.
    pub(crate) base: String,
}

impl Server {
    /// The server of a target, judged by the egress policy. The connection goes to exactly the address judged.
    pub(crate) async fn of(
        target: &Target,
        policy: &EgressPolicy,
        login: Option<&FileLogin>,
    ) -> Result<Self, SendError> {
        let refused = |why: &str| SendError::unsent(SendErrorKind::Address).because(why);
        let none = FileLogin::default();
        let (base, login) = (&target.base, login.unwrap_or(&none));
        // An address with pins of its own is another server than the one that the manifest knows.
        let own: Vec<String> = pins(base.query().unwrap_or_default());
        let pins = if own.is_empty() { login.pins.clone() } else { own };
        if pins.is_empty() {
            return Err(refused(
                "no host key is pinned: upstream.ssh.pin, or ?pin=SHA256:… at the address",
            ));
        }
        let (user, password) = who(base, None);
        let user = if user.is_empty() {
            login.user.clone().unwrap_or_default()
        } else {
            user
        };
        if user.is_empty() || host(base).is_empty() {
            return Err(refused(
                "the address has no user or no host: sftp://user@host:port/folder",
            ));
        }
        let port = base.port().unwrap_or(22);
        let (address, _) = found(target, policy, port).await?;
        Ok(Self {
            address,
            port,
            user,
            password: login.password.clone().unwrap_or(password),
            key: login.key.clone(),
            pins,
            base: folder(&decoded(base.path())).ok_or_else(|| refused("the folder of the address has dot segments"))?,
        })
    }
}

/// `pin=` in an address' query. A plus in a fingerprint is a plus.
fn pins(query: &str) -> Vec<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(name, _)| *name == "pin")
        .map(|(_, pin)| decoded(pin))
        .collect()
}

/// The folder as the server names it: absolute, or below the one where the user arrives (`/~/drop`).
fn folder(path: &str) -> Option<String> {
    let path = path.trim_end_matches('/');
    if path.split('/').any(|part| part == "." || part == "..") {
        return None;
    }
    Some(match path.strip_prefix("/~") {
        Some(below) => format!(".{below}"),
        None => path.to_owned(),
    })
}

/// The connection below the channel; it ends when this is dropped.
pub(super) struct Line(Handle<Known>);

impl Line {
    pub(super) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// Believes pinned keys and nothing else, and remembers what was shown.
struct Known {
    pins: Vec<String>,
    shown: Arc<Mutex<Option<String>>>,
}

impl client::Handler for Known {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else {
            return Ok(false);
        };
        let shown = key.fingerprint(HashAlg::Sha256).to_string();
        let known = self.pins.contains(&shown);
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Ok(known)
    }
}

/// Connects, knows the server again, logs in and opens the channel.
pub(super) async fn connect(server: &Server) -> Result<(Line, ChannelStream<client::Msg>), Failed> {
    let stream = timeout(CONNECT, TcpStream::connect((server.address, server.port)));
    let silent = |_| (SendErrorKind::NoWay, "the file server does not answer".to_owned());
    let stream = stream.await.map_err(silent)?.map_err(|e| unreached(&e))?;
    let slow = |_| {
        (
            SendErrorKind::Timeout,
            "the file server did not let the hub in in time".to_owned(),
        )
    };
    timeout(ENTRY, entered(server, stream)).await.map_err(slow)?
}

async fn entered(server: &Server, stream: TcpStream) -> Result<(Line, ChannelStream<client::Msg>), Failed> {
    let config = client::Config {
        client_id: SshId::Standard(Cow::Borrowed("SSH-2.0-shuniu")),
        preferred: Preferred {
            key: Cow::Borrowed(HOST_KEYS),
            ..Preferred::DEFAULT
        },
        inactivity_timeout: Some(SILENT),
        nodelay: true,
        ..client::Config::default()
    };
    let shown = Arc::default();
    let known = Known {
        pins: server.pins.clone(),
        shown: Arc::clone(&shown),
    };
    let met = client::connect_stream(Arc::new(config), stream, known).await;
    let mut handle = met.map_err(|error| unmet(&error, &shown))?;
    log_in(&mut handle, server).await?;
    let channel = handle.channel_open_session().await.map_err(|_| gone())?;
    channel.request_subsystem(true, "sftp").await.map_err(|_| gone())?;
    Ok((Line(handle), channel.into_stream()))
}

/// The key first, where there is one; the password where there is none, or where the server wants both.
async fn log_in(handle: &mut Handle<Known>, server: &Server) -> Result<(), Failed> {
    let refused = |why: &str| (SendErrorKind::Broken, why.to_owned());
    if let Some(key) = &server.key {
        let key = decode_secret_key(key, None);
        let key = key.ok().filter(|key| !key.algorithm().is_rsa());
        let key = key.ok_or_else(|| {
            refused("the private key cannot be used: OpenSSH or PKCS #8, Ed25519 or ECDSA, no passphrase")
        })?;
        let key = PrivateKeyWithHashAlg::new(Arc::new(key), None);
        match handle
            .authenticate_publickey(&*server.user, key)
            .await
            .map_err(|_| gone())?
        {
            AuthResult::Success => return Ok(()),
            AuthResult::Failure {
                partial_success: true, ..
            } if !server.password.is_empty() => {}
            AuthResult::Failure { .. } => return Err(denied("the file server does not take this user's key")),
        }
    } else if server.password.is_empty() {
        return Err(refused("there is no key and no password for the file server"));
    }
    let told = handle.authenticate_password(&*server.user, &*server.password).await;
    match told.map_err(|_| gone())? {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { .. } => Err(denied("the file server does not take this user's password")),
    }
}

fn denied(why: &str) -> Failed {
    let kind = SendErrorKind::Denied {
        retry_after: Duration::ZERO,
    };
    (kind, why.to_owned())
}

fn unreached(error: &io::Error) -> Failed {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => (SendErrorKind::Refused, "nobody listens".to_owned()),
        _ => (
            SendErrorKind::Unreachable,
            "the file server cannot be reached".to_owned(),
        ),
    }
}

fn unmet(error: &russh::Error, shown: &Mutex<Option<String>>) -> Failed {
    let words = match error {
        russh::Error::UnknownKey => {
            let shown = shown.lock().unwrap_or_else(PoisonError::into_inner).take();
            // Public, and what an operator compares with what the agency says.
            let shown = shown.unwrap_or_else(|| "a certificate".to_owned());
            format!("the file server shows another host key than those pinned: {shown}")
        }
        russh::Error::NoCommonAlgo { kind, .. } => {
            format!("the file server offers no {kind:?} algorithm that is spoken here (of host keys: Ed25519, ECDSA)")
        }
        _ => "what answers is no SSH server, or the connection broke".to_owned(),
    };
    (SendErrorKind::Unreachable, words)
}

fn gone() -> Failed {
    (
        SendErrorKind::Unreachable,
        "the connection to the file server broke".to_owned(),
    )
}
