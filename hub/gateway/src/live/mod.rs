//! The way to the agencies' systems: connectors encode and decode, `hub-outbound` carries.
//!
//! Everything that decides whether a call may be made at all has been decided before; here it is decided whether it can
//! be made now (connected, open, addressed), how often it may be tried, and what a silence means.

mod budget;
mod clock;
mod drive;
mod failure;
mod retry;
mod session;

use crate::drift::Drift;
use crate::evidence::Grant;
use crate::ports::{AddressSource, Asked, Line, SecretSource, SessionStanding};
use crate::snapshot::Snapshots;
use budget::{Membership, StoreLedger};
use clock::Clocks;
use drive::{Course, Journeyer};
use failure::Failed;
use hub_connectors::{Availability, Connector};
use hub_core::ports::{Answer, BoxFuture, Call, Clock, Upstream};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Effect, Kept, Operation, Outgoing, Problem, ProblemCode, Returned, SystemId};
use hub_outbound::{Outbound, SetupError, Target, TlsRules, UpstreamLimits};
use hub_store::Store;
use retry::Retries;
use session::Sessions;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// What the live upstream is made of.
pub struct LiveParts {
    /// Connectors are taken from the snapshot in force.
    pub snapshots: Snapshots,
    /// The opener of sockets.
    pub outbound: Outbound,
    /// What all hubs share: sessions, budgets, what was learnt.
    pub store: Store,
    /// Secrets of connectors.
    pub secrets: Arc<dyn SecretSource>,
    /// Addresses of systems.
    pub addresses: Arc<dyn AddressSource>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Answers live calls.
pub struct LiveUpstream {
    outbound: Outbound,
    shared: Arc<Shared>,
}

struct Shared {
    snapshots: Snapshots,
    store: Store,
    secrets: Arc<dyn SecretSource>,
    addresses: Arc<dyn AddressSource>,
    clock: Arc<dyn Clock>,
    sessions: Sessions,
    retries: Retries,
    clocks: Clocks,
    membership: Membership,
    drift: Drift,
    bases: Bases,
}

/// Addresses as they were read the first time: the same few come with every call.
#[derive(Default)]
struct Bases(RwLock<HashMap<String, Url>>);

/// Addresses kept; reloads may bring others.
const MOST_BASES: usize = 10_000;

impl Bases {
    fn parsed(&self, base: &str) -> Result<Url, url::ParseError> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(base).cloned();
        if let Some(url) = known {
            return Ok(url);
        }
        let url = Url::parse(base)?;
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_BASES {
            all.clear();
        }
        all.insert(base.to_owned(), url.clone());
        Ok(url)
    }
}

/// Less than this before the deadline it is not worth asking what became of a call.
const WORTH_ASKING: Duration = Duration::from_millis(500);

impl LiveUpstream {
    /// Puts it together.
    #[must_use]
    pub fn new(parts: LiveParts) -> Self {
        parts.outbound.draw_from(Arc::new(StoreLedger(parts.store.clone())));
        Self {
            outbound: parts.outbound,
            shared: Arc::new(Shared {
                snapshots: parts.snapshots,
                sessions: Sessions::new(parts.store.clone()),
                drift: Drift::default(),
                store: parts.store,
                secrets: parts.secrets,
                addresses: parts.addresses,
                clock: parts.clock,
                retries: Retries::default(),
                clocks: Clocks::default(),
                membership: Membership::default(),
                bases: Bases::default(),
            }),
        }
    }

    /// Finds this hub's place among those over the store, and takes up what was learnt before a restart. Call it before
    /// the first call is served.
    pub async fn restore(&self) {
        let shared = &self.shared;
        shared
            .membership
            .beat(&shared.store, &self.outbound, shared.clock.now())
            .await;
        shared.drift.restore(&shared.store).await;
    }

    /// The same with a worker's own connections; budgets, breakers and sessions stay shared.
    ///
    /// # Errors
    /// Where no client can be made.
    pub fn for_worker(&self) -> Result<Self, SetupError> {
        Ok(Self {
            outbound: self.outbound.for_worker()?,
            shared: Arc::clone(&self.shared),
        })
    }

    /// The connector of a call, if it can be called now.
    fn ready(&self, call: &Call, now: Timestamp) -> Result<(Arc<Connector>, Target), Problem> {
        let system = &call.operation.system;
        let connector = self.connector(system)?;
        if let Availability::NotYet { reason } = connector.available(call.operation.key()) {
            return Err(Problem::new(ProblemCode::NotConnected).detail(reason.zh, reason.en));
        }
        let target = self.open(system, &connector, now)?;
        Ok((connector, target))
    }

    fn connector(&self, system: &SystemId) -> Result<Arc<Connector>, Problem> {
        let snapshot = self.shared.snapshots.get();
        let known = snapshot.connectors.get(system).cloned();
        known.ok_or_else(|| Problem::new(ProblemCode::NotConnected))
    }

    /// The address of a system, if it is open now.
    fn open(&self, system: &SystemId, connector: &Connector, now: Timestamp) -> Result<Target, Problem> {
        let closed = || connector.settings().closed.resumes_at(now);
        if let Some(until) = self.shared.addresses.keeps_hours(system).then(closed).flatten() {
            let seconds = u64::try_from(until.as_second() - now.as_second()).unwrap_or(0).max(1);
            return Err(Problem::new(ProblemCode::UpstreamMaintenance)
                .detail(
                    format!("该系统此时关闭，{} 恢复", rfc3339(until)),
                    format!(
                        "The system is closed at this time and opens again at {}",
                        rfc3339(until)
                    ),
                )
                .with("resume_at", rfc3339(until))
                .retry_after(seconds));
        }
        self.target(system, connector)
    }

    /// One look at what a system tells of its own accord.
    async fn looked(&self, system: &SystemId, outgoing: Outgoing) -> Result<Returned, Problem> {
        let connector = self.connector(system)?;
        let target = self.open(system, &connector, self.shared.clock.now())?;
        let deadline = Instant::now() + Duration::from_millis(target.timeout_ms);
        let carried = self.outbound.carry("", &target, outgoing, deadline, Effect::None).await;
        carried.map_err(|error| Failed::silent(&error, true).problem)
    }

    fn target(&self, system: &SystemId, connector: &Connector) -> Result<Target, Problem> {
        let settings = connector.settings();
        let base = match settings.base_variable() {
            None => settings.base.clone(),
            Some(variable) => {
                let value = self.shared.addresses.variable(variable).ok_or_else(|| {
                    Problem::new(ProblemCode::NotConnected)
                        .detail(
                            format!("尚未配置该系统的地址变量 {variable}"),
                            format!("The address of this system is not configured: set {variable}"),
                        )
                        .with("variable", variable)
                })?;
                settings.base.replacen(&format!("${{{variable}}}"), &value, 1)
            }
        };
        let base = self
            .shared
            .bases
            .parsed(&base)
            .map_err(|e| Problem::new(ProblemCode::UpstreamAddress).inner(format!("address of {system}: {e}")))?;
        let source = self.shared.addresses.source(system);
        let source = source.map(|text| text.trim().parse()).transpose().map_err(|_| {
            let variable = system.egress_variable();
            Problem::new(ProblemCode::UpstreamAddress).inner(format!("{variable} is no IP address"))
        })?;
        Ok(Target {
            system: system.clone(),
            source,
            base,
            limits: UpstreamLimits {
                rps: settings.limits.rps,
                daily: settings.limits.daily.map(u64::from),
                concurrency: settings.limits.concurrency,
            },
            timeout_ms: settings.timeout_ms,
            trusted_loopback: self.shared.addresses.trusts_loopback(system),
            known_as: settings.known_as.clone(),
            tls: settings.tls.as_ref().map(|tls| {
                Arc::new(TlsRules {
                    pins: tls.pins.clone(),
                    only_13: tls.only_13,
                })
            }),
        })
    }

    /// Everything one course needs.
    fn travel<'a>(&'a self, call: &'a Call, grant: &'a Grant) -> Result<Journeyer<'a>, Problem> {
        if grant.operation() != call.operation.id.as_ref() {
            return Err(Problem::new(ProblemCode::Internal).inner("the grant is for another operation"));
        }
        let now = self.shared.clock.now();
        let (connector, target) = self.ready(call, now)?;
        Ok(Journeyer {
            call,
            grant,
            session: self.shared.sessions.of(&call.operation.system),
            connector,
            catalog: Arc::clone(&self.shared.snapshots.get().catalog),
            target,
            outbound: &self.outbound,
            secrets: self.shared.secrets.as_ref(),
            clock: self.shared.clock.as_ref(),
            clocks: &self.shared.clocks,
            drift: &self.shared.drift,
            store: &self.shared.store,
            deadline: Instant::now() + Duration::from_millis(call.deadline_ms),
        })
    }

    /// Tries until it is answered, must not be tried again, or the budget of retries is used up.
    async fn carry(&self, journeyer: &Journeyer<'_>) -> Result<Answer, Failed> {
        let retries = self.shared.retries.of(&journeyer.call.operation.system);
        retries.earn();
        let mut tries = 0;
        loop {
            let failed = match journeyer.go(Course::Call).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            tries += 1;
            let pause = retry::pause(tries);
            let time = Instant::now() + pause < journeyer.deadline;
            if !(failed.again && time && tries <= retry::MOST && retries.spend()) {
                return Err(failed);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn answered(&self, call: &Call, grant: &Grant) -> Result<Answer, Problem> {
        let journeyer = self.travel(call, grant)?;
        let mut failed = match self.carry(&journeyer).await {
            Ok(answer) => return Ok(answer),
            Err(failed) => failed,
        };
        let unknown = failed.problem.kept == Kept::Unknown && call.operation.effect == Effect::Once;
        if unknown && Instant::now() + WORTH_ASKING < journeyer.deadline {
            match asked(&journeyer).await {
                Ok(Asked::Arrived(answer)) => return Ok(answer),
                Ok(Asked::NotArrived) => failed.problem.kept = Kept::Nothing,
                Ok(Asked::CannotTell) | Err(_) => {}
            }
        }
        Err(failed.problem)
    }
}

/// Asks the system by the way its manifest names.
async fn asked(journeyer: &Journeyer<'_>) -> Result<Asked, Problem> {
    let key = journeyer.call.operation.key();
    if !journeyer.connector.can_ask(key) {
        // A number that the upstream itself takes only once makes sending again as good as asking.
        return Ok(match journeyer.connector.key_field(key) {
            Some(_) => Asked::NotArrived,
            None => Asked::CannotTell,
        });
    }
    match journeyer.go(Course::Ask).await {
        Ok(answer) => Ok(Asked::Arrived(answer)),
        Err(failed) if failed.not_found => Ok(Asked::NotArrived),
        Err(failed) => Err(failed.problem.kept(Kept::Unknown)),
    }
}

impl Upstream<Grant> for LiveUpstream {
    fn answer<'a>(&'a self, call: &'a Call, grant: &'a Grant) -> BoxFuture<'a, Result<Answer, Problem>> {
        Box::pin(self.answered(call, grant))
    }
}

impl Line for LiveUpstream {
    fn ask<'a>(&'a self, call: &'a Call, grant: &'a Grant) -> BoxFuture<'a, Result<Asked, Problem>> {
        Box::pin(async move { asked(&self.travel(call, grant)?).await })
    }

    fn look<'a>(&'a self, system: &'a SystemId, outgoing: Outgoing) -> BoxFuture<'a, Result<Returned, Problem>> {
        Box::pin(self.looked(system, outgoing))
    }

    fn can_tell(&self, operation: &Operation) -> bool {
        let snapshot = self.shared.snapshots.get();
        let connector = snapshot.connectors.get(&operation.system);
        connector.is_some_and(|c| c.can_ask(operation.key()) || c.key_field(operation.key()).is_some())
    }

    fn keep(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.shared.drift.keep(&self.shared.store).await;
            budget::tidy(&self.shared.store, self.shared.clock.now()).await;
        })
    }

    fn beat(&self) -> BoxFuture<'_, ()> {
        let shared = &self.shared;
        Box::pin(async {
            shared
                .membership
                .beat(&shared.store, &self.outbound, shared.clock.now())
                .await;
        })
    }

    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(budget::leave(&self.shared.store, &self.outbound))
    }

    fn sessions(&self) -> Vec<SessionStanding> {
        let clocks = self.shared.clocks.all();
        let ahead = |system: &SystemId| clocks.iter().find(|(s, _)| s == system).map_or(0, |(_, ms)| *ms);
        let standing = self.shared.sessions.standing().into_iter();
        standing
            .map(|(system, until, refusals)| SessionStanding {
                ahead_ms: ahead(&system),
                system,
                until,
                refusals,
            })
            .collect()
    }

    fn drift(&self) -> Option<&Drift> {
        Some(&self.shared.drift)
    }
}
