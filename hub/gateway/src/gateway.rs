//! The gateway put together.

use crate::cache::Answers;
use crate::evidence::Grant;
use crate::limits::Limiters;
use crate::metrics::Metrics;
use crate::ports::{Described, Line, Personas, SecretSource};
use crate::rights::Rights;
use crate::sent::Sent;
use crate::snapshot::{Snapshot, Snapshots};
use crate::trail::Sampler;
use hub_core::Problem;
use hub_core::ports::{Authenticator, Clock, SignIns, TrailSink, Upstream};
use hub_store::{Store, StoreError};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::sync::Notify;

/// Figures that an operator may set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The hub's public address without a trailing slash, for links in documents.
    pub base: String,
    /// Milliseconds a call may take in all.
    pub deadline_ms: u64,
    /// Bytes of an uploaded file.
    pub file_cap: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base: String::new(),
            deadline_ms: 20_000,
            file_cap: 10 << 20,
        }
    }
}

/// What a gateway is made of.
pub struct Parts {
    /// What calls are decided from.
    pub snapshots: Snapshots,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who calls.
    pub authenticator: Arc<dyn Authenticator>,
    /// Who stands in for nobody in the sandbox.
    pub personas: Arc<dyn Personas>,
    /// What must not be lost.
    pub store: Store,
    /// Secrets of connectors, to verify callbacks with.
    pub secrets: Arc<dyn SecretSource>,
    /// Where the trail goes.
    pub trail: Arc<dyn TrailSink>,
    /// Who answers live calls.
    pub live: Arc<dyn Line>,
    /// Who answers sandbox calls.
    pub sandbox: Arc<dyn Upstream<Grant>>,
    /// Registered descriptions that the sandbox shows and no catalog holds.
    pub described: Option<Arc<dyn Described>>,
    /// Where people are signed in; without it `/me/sessions` is not there.
    pub sign_ins: Option<Arc<dyn SignIns>>,
    /// Figures.
    pub settings: Settings,
}

/// What all workers share.
pub(crate) struct Core {
    pub(crate) snapshots: Snapshots,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) authenticator: Arc<dyn Authenticator>,
    pub(crate) personas: Arc<dyn Personas>,
    pub(crate) store: Store,
    pub(crate) secrets: Arc<dyn SecretSource>,
    pub(crate) trail: Arc<dyn TrailSink>,
    pub(crate) sandbox: Arc<dyn Upstream<Grant>>,
    pub(crate) described: Option<Arc<dyn Described>>,
    pub(crate) sign_ins: Option<Arc<dyn SignIns>>,
    pub(crate) settings: Settings,
    pub(crate) limiters: Limiters,
    pub(crate) answers: Answers,
    pub(crate) metrics: Metrics,
    pub(crate) sampler: Sampler,
    pub(crate) rights: Rights,
    pub(crate) sent: Sent,
    idle: Notify,
}

/// The gateway. A clone shares everything; [`Gateway::for_worker`] gives a worker its own connections.
#[derive(Clone)]
pub struct Gateway {
    pub(crate) core: Arc<Core>,
    pub(crate) live: Arc<dyn Line>,
}

impl Gateway {
    /// Puts a gateway together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            core: Arc::new(Core {
                snapshots: parts.snapshots,
                clock: parts.clock,
                authenticator: parts.authenticator,
                personas: parts.personas,
                store: parts.store,
                secrets: parts.secrets,
                trail: parts.trail,
                sandbox: parts.sandbox,
                described: parts.described,
                sign_ins: parts.sign_ins,
                settings: parts.settings,
                limiters: Limiters::new(),
                answers: Answers::new(),
                metrics: Metrics::default(),
                sampler: Sampler::new(),
                rights: Rights::new(),
                sent: Sent::new(),
                idle: Notify::new(),
            }),
            live: parts.live,
        }
    }

    /// The same gateway over a worker's own connections.
    #[must_use]
    pub fn for_worker(&self, live: Arc<dyn Line>) -> Self {
        Self {
            core: Arc::clone(&self.core),
            live,
        }
    }

    /// Puts another snapshot in force. Calls under way end with the one they began with.
    pub fn reload(&self, snapshot: Snapshot) {
        self.core.snapshots.swap(snapshot);
        self.core.answers.clear();
    }

    /// Counts one knock of an address at a door that is no call's.
    ///
    /// # Errors
    /// `rate-limited`.
    pub fn knock_at(&self, peer: IpAddr) -> Result<(), Problem> {
        let snapshot = self.core.snapshots.get();
        let now = self.core.clock.now();
        self.core.limiters.address(&snapshot.policies.plans, peer, now)
    }

    /// Looks what persons agreed to or took back at other hubs.
    ///
    /// # Errors
    /// If the store does not answer; until it does, every call asks it.
    pub async fn refresh_rights(&self) -> Result<(), StoreError> {
        self.core.rights.hear(&self.core.store, self.core.clock.now()).await
    }

    /// Keeps what clients were seen to send since the last time.
    ///
    /// # Errors
    /// If the store does not answer; then it is kept the next time.
    pub async fn keep_sent(&self) -> Result<(), StoreError> {
        self.core.sent.keep(&self.core.store, self.core.clock.now()).await
    }

    /// The snapshot in force.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.core.snapshots.get()
    }

    /// Counters.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.core.metrics
    }

    /// Keys that the limiters hold.
    #[must_use]
    pub fn limited_keys(&self) -> usize {
        self.core.limiters.keys()
    }

    /// Waits until no call is under way, for a graceful stop. New calls must have been shut out before.
    pub async fn settle(&self) {
        loop {
            let idle = self.core.idle.notified();
            if self.core.metrics.running.load(Ordering::SeqCst) == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Counts a call as under way until the guard is dropped.
    pub(crate) fn running(&self) -> Running {
        self.core.metrics.running.fetch_add(1, Ordering::SeqCst);
        Running(Arc::clone(&self.core))
    }
}

/// A call under way.
pub(crate) struct Running(Arc<Core>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.metrics.running.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}
