//! Ports: what the pipeline needs from others, implemented above or beside it and wired in the server.

use crate::{DataLevel, Environment, Operation, Problem, Subject, time::Timestamp};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future, so that ports stay object safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What time it is. Tests and sandbox worlds bring their own.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// A verified client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// Stable id.
    pub id: String,
    /// Tenant that owns it.
    pub tenant: String,
    /// Name of its plan in `policies/limits/`.
    pub plan: String,
    /// Where its key is good.
    pub environment: Environment,
    /// Exact CORS origins.
    #[serde(default)]
    pub origins: Vec<String>,
}

/// What a caller shows to be let in on a subject's behalf.
#[derive(Debug, Clone)]
pub struct Shown<'a> {
    /// The token.
    pub token: &'a str,
    /// The proof that comes with it (the scheme `DPoP`, RFC 9449); `None` for a bearer.
    pub proof: Option<Proof<'a>>,
}

impl<'a> Shown<'a> {
    /// A token that whoever bears it may use (RFC 6750).
    #[must_use]
    pub fn bearer(token: &'a str) -> Self {
        Self { token, proof: None }
    }
}

/// A proof of possession and the request it has to be about.
#[derive(Debug, Clone)]
pub struct Proof<'a> {
    /// The header `DPoP`.
    pub text: &'a str,
    /// Method of the request.
    pub method: &'a str,
    /// Its path below the hub's address, still percent-encoded.
    pub path: String,
}

/// Proves who calls and for whom. Answers from memory.
pub trait Authenticator: Send + Sync {
    /// The client behind a key. `None` if the key is unknown, revoked or expired.
    fn client(&self, key: &str, now: Timestamp) -> Option<Arc<Client>>;
    /// The subject behind a token.
    ///
    /// # Errors
    /// A problem that says why the token is not good (`token-invalid`, `token-expired`).
    fn subject(&self, shown: &Shown<'_>, now: Timestamp) -> Result<Arc<Subject>, Problem>;
    /// The subject's name towards one agency or client (`sector`); the same every time, joinable by nobody.
    fn pairwise(&self, subject: &Subject, sector: &str) -> String;
}

/// One of the places where a person is signed in, as they see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedInAt {
    /// What it is called towards its person through one client; another client is told another name.
    pub id: String,
    /// Kind of browser and machine, coarse; empty if unknown.
    pub device: String,
    /// Signed in at.
    pub since: Timestamp,
    /// Last seen at.
    pub seen: Timestamp,
    /// Whether what asks came of it.
    pub is_this: bool,
}

/// Who asks where a person is signed in: the person, by a token that was checked, through a client.
#[derive(Debug, Clone, Copy)]
pub struct SignedInAsk<'a> {
    /// The person.
    pub subject: &'a Subject,
    /// The token they came with.
    pub token: &'a str,
    /// The client in between.
    pub client: &'a str,
}

/// Where people are signed in, and how it ends.
pub trait SignIns: Send + Sync {
    /// Where a person is signed in, the youngest first.
    ///
    /// # Errors
    /// `store-unavailable`.
    fn list<'a>(&'a self, ask: SignedInAsk<'a>, now: Timestamp) -> BoxFuture<'a, Result<Vec<SignedInAt>, Problem>>;

    /// Ends the one of a name, be it the one that asks, or without a name all others; answers how many.
    ///
    /// # Errors
    /// `store-unavailable`.
    fn end<'a>(
        &'a self,
        ask: SignedInAsk<'a>,
        id: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<usize, Problem>>;
}

/// A checked call on its way to whoever answers it.
#[derive(Debug, Clone)]
pub struct Call {
    /// What is called.
    pub operation: Arc<Operation>,
    /// Flat canonical input, bound fields filled.
    pub input: Map<String, Value>,
    /// On whose behalf.
    pub subject: Option<Arc<Subject>>,
    /// Pairwise id towards the agency.
    pub pairwise: Option<String>,
    /// The pairwise id of who acts, where somebody else does in the subject's name.
    pub agent: Option<String>,
    /// Id of the stored submission, for effect `once`.
    pub submission: Option<String>,
    /// Request id for the upstream's log.
    pub request_id: String,
    /// Sandbox controls (`Hub-Scenario`, `Hub-World`, …), lower-case names; empty when live.
    pub controls: Vec<(String, String)>,
    /// Milliseconds left.
    pub deadline_ms: u64,
}

/// A canonical answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status of the contract.
    pub status: u16,
    /// Canonical body; null where it is `untouched`.
    pub body: Value,
    /// The body as JSON bytes that came from the upstream and already are canonical. Only reads have it.
    pub untouched: Option<Bytes>,
    /// Extra headers (`Hub-Scenario`, `Hub-Clock`, …).
    pub headers: Vec<(String, String)>,
}

impl Answer {
    /// An answer without extra headers.
    #[must_use]
    pub fn new(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            untouched: None,
            headers: Vec::new(),
        }
    }

    /// The same with its body as a tree, for whoever must look into it.
    #[must_use]
    pub fn read(mut self) -> Self {
        if let Some(bytes) = self.untouched.take() {
            self.body = serde_json::from_slice(&bytes).unwrap_or_default();
        }
        self
    }
}

/// Who answers a call: the connectors over `hub/outbound`, or the mock engine. `G` is the gateway's evidence that the
/// call was authorised; whoever cannot make one cannot call.
pub trait Upstream<G>: Send + Sync {
    /// Answers one call.
    fn answer<'a>(&'a self, call: &'a Call, grant: &'a G) -> BoxFuture<'a, Result<Answer, Problem>>;
}

/// One line of the trail. Holds no personal values and no secrets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrailRecord {
    /// When the call came in, RFC 3339.
    pub at: String,
    /// Request id.
    pub request_id: String,
    /// Where it was answered.
    pub environment: Environment,
    /// Client id, if authenticated.
    pub client: Option<String>,
    /// Tenant, if authenticated.
    pub tenant: Option<String>,
    /// Inner subject id, hashed.
    pub subject: Option<String>,
    /// Company acted for.
    pub principal: Option<String>,
    /// Who acted, hashed likewise, where somebody else did in the subject's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Operation id, if resolved.
    pub operation: Option<String>,
    /// Data level, if resolved.
    pub level: Option<DataLevel>,
    /// Name of the access grant that matched.
    pub grant: Option<String>,
    /// Names of the personal fields that went to the agency.
    pub fields: Vec<String>,
    /// HTTP status answered, 499 where the client had gone, 500 after a panic.
    pub status: u16,
    /// Problem code, if it failed.
    pub problem: Option<String>,
    /// Submission id, if one was stored.
    pub submission: Option<String>,
    /// Milliseconds from edge to answer.
    pub elapsed_ms: u64,
    /// Upstream attempts made.
    pub attempts: u32,
    /// Host of the agency's own page to which the subject was sent with a ticket: the visit's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jump: Option<String>,
}

/// Where the trail goes.
pub trait TrailSink: Send + Sync {
    /// Takes a record; `durable` waits until it is on disk.
    fn write(&self, record: TrailRecord, durable: bool) -> BoxFuture<'_, Result<(), TrailError>>;
}

/// The trail could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the trail cannot be written: {0}")]
pub struct TrailError(pub String);
