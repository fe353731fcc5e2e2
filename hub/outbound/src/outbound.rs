//! Sending one call.

use crate::answer::{self, hop_by_hop};
use crate::breaker::{BreakerSettings, Outcome};
use crate::ledger::{Ledger, Share};
use crate::link::Databases;
use crate::policy::{Reach, route};
use crate::resolver::{Filter, OutOfBounds};
use crate::sftp::Servers;
use crate::upstream::{Entry, Upstream, Visit};
use crate::watched::{Touched, Watched};
use crate::{EgressPolicy, SendEffect, SendError, SendErrorKind, SetupError, Target, TlsRules, UpstreamHealth, tls};
use bytes::Bytes;
use hub_core::ports::Clock;
use hub_core::time::Timestamp;
use hub_core::{Effect, RawRequest, RawResponse, SystemId};
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Body, Client, Method, Request};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Idle connections are given up before the upstream does (many servers: 5 s), because a call with an effect that
/// meets a closing connection is in doubt.
const IDLE: Duration = Duration::from_secs(4);
/// Idle connections kept to one host by one worker.
const IDLE_PER_HOST: usize = 64;
/// Largest answer taken, unless set otherwise.
const BODY: usize = 16 * 1024 * 1024;

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) policy: EgressPolicy,
    pub(crate) clock: Arc<dyn Clock>,
    breaker: BreakerSettings,
    pub(crate) body_cap: usize,
    roots: Arc<rustls::RootCertStore>,
    tls: rustls::ClientConfig,
    upstreams: RwLock<HashMap<SystemId, Arc<Upstream>>>,
    ledger: OnceLock<Arc<dyn Ledger>>,
    share: RwLock<Share>,
}

/// In what a client differs: TLS, the address it calls from, how far it may reach.
type Particulars = (TlsRules, Option<IpAddr>, Reach);

/// The way out. One per worker: connections are its own, everything that limits is shared.
#[derive(Clone)]
pub struct Outbound {
    pub(crate) shared: Arc<Shared>,
    /// Databases that are connected to, this worker's own.
    pub(crate) databases: Arc<Databases>,
    /// File servers that are connected to, likewise.
    pub(crate) servers: Arc<Servers>,
    public: Client,
    inner: Client,
    /// Clients of upstreams whose TLS has rules of its own, made when first needed.
    particular: Arc<Mutex<HashMap<Particulars, Client>>>,
}

impl Outbound {
    /// A way out under one policy, with the machine's clock.
    ///
    /// # Errors
    /// If TLS or the HTTP client cannot be set up.
    pub fn new(policy: EgressPolicy) -> Result<Self, SetupError> {
        Self::with(policy, BreakerSettings::default(), BODY, Arc::new(SystemClock))
    }

    /// A way out with everything given: breaker settings, largest answer in bytes, clock of the daily budgets.
    ///
    /// # Errors
    /// If TLS or the HTTP client cannot be set up.
    pub fn with(
        policy: EgressPolicy,
        breaker: BreakerSettings,
        body_cap: usize,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let roots = tls::roots();
        let shared = Arc::new(Shared {
            policy,
            clock,
            breaker,
            body_cap,
            tls: tls::config(&roots, &TlsRules::default())?,
            roots,
            upstreams: RwLock::default(),
            ledger: OnceLock::new(),
            share: RwLock::new(Share::WHOLE),
        });
        Self::over(shared)
    }

    fn over(shared: Arc<Shared>) -> Result<Self, SetupError> {
        let public = client(&shared.tls, None, Reach::Public)?;
        let inner = client(&shared.tls, None, Reach::Inner)?;
        Ok(Self {
            databases: Arc::new(Databases::new(Arc::clone(&shared.roots))),
            servers: Arc::default(),
            shared,
            public,
            inner,
            particular: Arc::default(),
        })
    }

    fn client(&self, target: &Target, reach: Reach) -> Result<Client, SetupError> {
        let rules = target.tls.as_deref().filter(|rules| **rules != TlsRules::default());
        if rules.is_none() && target.source.is_none() {
            return Ok(match reach {
                Reach::Public => self.public.clone(),
                Reach::Inner => self.inner.clone(),
            });
        }
        let rules = rules.cloned().unwrap_or_default();
        let mut made = self.particular.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (rules, target.source, reach);
        if let Some(client) = made.get(&key) {
            return Ok(client.clone());
        }
        let new = client(&tls::config(&self.shared.roots, &key.0)?, target.source, reach)?;
        made.insert(key, new.clone());
        Ok(new)
    }

    /// A way out for another worker: own connections, the same budgets and breakers.
    ///
    /// # Errors
    /// If the HTTP client cannot be built.
    pub fn for_worker(&self) -> Result<Self, SetupError> {
        Self::over(Arc::clone(&self.shared))
    }

    /// Draws daily budgets from a ledger from now on. The first one counts.
    pub fn draw_from(&self, ledger: Arc<dyn Ledger>) {
        let _first = self.shared.ledger.set(ledger);
    }

    /// Uses this part of rates and concurrencies from now on; the other hubs use the rest.
    pub fn share(&self, share: Share) {
        *self.shared.share.write().unwrap_or_else(PoisonError::into_inner) = share;
    }

    /// Gives back to the ledger what was drawn and not used; before a stop.
    pub async fn give_back(&self) {
        let Some(ledger) = self.shared.ledger.get() else { return };
        let all: Vec<_> = {
            let known = self.shared.upstreams.read().unwrap_or_else(PoisonError::into_inner);
            known
                .iter()
                .filter_map(|(id, u)| Some((id.clone(), u.empty()?)))
                .collect()
        };
        for (system, (day, unused)) in all {
            ledger.give_back(&system, &day, unused).await;
        }
    }

    /// A tenant's visit to an upstream, within this hub's share of what that bears.
    pub(crate) fn visit<'v>(&'v self, tenant: &'v str, target: &Target, deadline: Instant) -> Visit<'v> {
        let share = *self.shared.share.read().unwrap_or_else(PoisonError::into_inner);
        Visit {
            limits: share.limits(target.limits),
            tenant,
            deadline,
            clock: self.shared.clock.as_ref(),
            ledger: self.shared.ledger.get().map(AsRef::as_ref),
        }
    }

    /// Makes one attempt for nobody in particular. `effect` is the operation's: a failed read has never done anything.
    ///
    /// # Errors
    /// As [`Outbound::send_for`].
    pub async fn send(
        &self,
        target: &Target,
        request: RawRequest,
        deadline: Instant,
        effect: Effect,
    ) -> Result<RawResponse, SendError> {
        self.send_for("", target, request, deadline, effect).await
    }

    /// Makes one attempt for a tenant: where an upstream's budget is short, tenants take turns. `effect` is the operation's: a failed read has never done anything.
    ///
    /// # Errors
    /// Why no answer came, and whether the call may have had an effect. An answer of any status is no error.
    pub async fn send_for(
        &self,
        tenant: &str,
        target: &Target,
        request: RawRequest,
        deadline: Instant,
        effect: Effect,
    ) -> Result<RawResponse, SendError> {
        let (url, reach) = route(&self.shared.policy, target, &request.target)?;
        let client = self
            .client(target, reach)
            .map_err(|e| SendError::unsent(SendErrorKind::Unreachable).because(e.to_string()))?;
        let touched = Touched::default();
        let request = build(request, url, &touched)?;
        let in_doubt = effect != Effect::None;

        let upstream = self.upstream(&target.system);
        let Entry { pass, place } = upstream.enter(&self.visit(tenant, target, deadline)).await?;

        let start = Instant::now();
        let whole = start + Duration::from_millis(target.timeout_ms);
        let result = attempt(&client, request, whole.min(deadline), self.shared.body_cap).await;
        let outcome = match &result {
            Ok(answer) if upstream.counts(answer.status) => Outcome::Bad,
            Ok(_) => Outcome::Good,
            // A caller in a hurry proves nothing about the upstream.
            Err(failed) if failed.kind == SendErrorKind::Timeout && deadline < whole => Outcome::Neutral,
            Err(failed) => failed.outcome(),
        };
        pass.settle(outcome, Instant::now());
        drop(place);
        result.map_err(|failed| {
            let left = in_doubt && failed.may_have_left(&touched);
            SendError {
                effect: if left { SendEffect::Unknown } else { SendEffect::None },
                kind: failed.kind,
                detail: failed.detail,
            }
        })
    }

    pub(crate) fn upstream(&self, system: &SystemId) -> Arc<Upstream> {
        let known = self
            .shared
            .upstreams
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(system)
            .cloned();
        known.unwrap_or_else(|| {
            let mut all = self.shared.upstreams.write().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Upstream::new(system.clone(), self.shared.breaker.clone()));
            Arc::clone(all.entry(system.clone()).or_insert_with(new))
        })
    }

    /// How every upstream called so far is doing, by id.
    #[must_use]
    pub fn health(&self) -> Vec<UpstreamHealth> {
        let all = self.shared.upstreams.read().unwrap_or_else(PoisonError::into_inner);
        let clock = self.shared.clock.as_ref();
        let mut list: Vec<_> = all.iter().map(|(id, u)| u.health(id, clock)).collect();
        list.sort_by(|a, b| a.system.cmp(&b.system));
        list
    }
}

fn client(tls: &rustls::ClientConfig, source: Option<IpAddr>, reach: Reach) -> Result<Client, SetupError> {
    Client::builder()
        .local_address(source)
        .tls_backend_preconfigured(tls.clone())
        .dns_resolver(Filter(reach))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .tcp_nodelay(true)
        .build()
        .map_err(|e| SetupError::Client(e.without_url().to_string()))
}

fn build(raw: RawRequest, url: url::Url, touched: &Touched) -> Result<Request, SendError> {
    let wrong =
        |what: &str| SendError::unsent(SendErrorKind::Broken).because(format!("the connector made a bad {what}"));
    let method = Method::from_bytes(raw.method.as_bytes()).map_err(|_| wrong("method"))?;
    let mut request = Request::new(method, url);
    let headers = request.headers_mut();
    headers.insert("accept-encoding", HeaderValue::from_static("identity"));
    headers.insert("user-agent", HeaderValue::from_static("shuniu"));
    let mut given = std::collections::HashSet::new();
    for (name, value) in &raw.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("header name"))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| wrong("header value"))?;
        if hop_by_hop(name.as_str()) || matches!(name.as_str(), "host" | "content-length") {
            continue;
        }
        // The first of a name takes the place of our own, further ones stand beside it.
        if given.insert(name.clone()) {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    if !raw.body.is_empty() {
        *request.body_mut() = Some(Body::wrap(Watched::new(Bytes::from(raw.body), touched.clone())));
    } else if !matches!(raw.method.as_str(), "GET" | "HEAD" | "DELETE" | "OPTIONS") {
        *request.body_mut() = Some(Body::from(Bytes::new()));
    }
    Ok(request)
}

/// An attempt without an answer.
struct Failed {
    kind: SendErrorKind,
    detail: Option<String>,
    /// It failed while connecting, so nothing can have left.
    connecting: bool,
    /// The call had a body that would tell.
    watched: bool,
}

impl Failed {
    fn outcome(&self) -> Outcome {
        match self.kind {
            SendErrorKind::TooLarge => Outcome::Good,
            SendErrorKind::Address => Outcome::Neutral,
            _ => Outcome::Bad,
        }
    }

    fn may_have_left(&self, touched: &Touched) -> bool {
        !self.connecting && (touched.is_set() || !self.watched)
    }
}

async fn attempt(client: &Client, request: Request, end: Instant, cap: usize) -> Result<RawResponse, Failed> {
    let watched = request.body().is_some_and(|b| b.as_bytes().is_none());
    let failed = |kind, detail| Failed {
        kind,
        detail,
        connecting: false,
        watched,
    };
    let whole = async {
        let response = client.execute(request).await.map_err(|e| sort(&e, watched))?;
        answer::read(response, cap)
            .await
            .map_err(|(kind, detail)| failed(kind, detail))
    };
    timeout_at(end, whole)
        .await
        .unwrap_or_else(|_| Err(failed(SendErrorKind::Timeout, None)))
}

/// Sorts the transport's error. Only its innermost cause is kept in words: the outer ones name the address.
fn sort(error: &reqwest::Error, watched: bool) -> Failed {
    let mut kind = if error.is_timeout() && error.is_connect() {
        SendErrorKind::NoWay
    } else if error.is_timeout() {
        SendErrorKind::Timeout
    } else if error.is_connect() {
        SendErrorKind::Unreachable
    } else {
        SendErrorKind::Broken
    };
    let mut detail = None;
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if inner.is::<OutOfBounds>() {
            kind = SendErrorKind::Address;
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.kind() == std::io::ErrorKind::ConnectionRefused
        {
            kind = SendErrorKind::Refused;
        }
        detail = Some(inner.to_string());
        cause = inner.source();
    }
    Failed {
        kind,
        detail,
        connecting: error.is_connect(),
        watched,
    }
}
