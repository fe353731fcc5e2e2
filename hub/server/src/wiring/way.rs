//! The way to identity providers: over the one opener of sockets, bounded in time and size.

use hub_core::ports::Clock;
use hub_core::{Effect, RawRequest, RawResponse, SystemId};
use hub_identity::upstream::{ANSWER_BYTES, Destination, Way};
use hub_outbound::{BreakerSettings, EgressPolicy, Outbound, SetupError, Target, UpstreamLimits};
use std::sync::Arc;
use std::time::Duration;

/// How long a provider may take to answer, in milliseconds.
const PATIENCE: u64 = 5_000;

/// The way to identity providers.
pub struct ProviderWay(Outbound);

impl ProviderWay {
    /// With connections and a size of its own.
    ///
    /// # Errors
    /// If TLS or the HTTP client cannot be set up.
    pub fn new(clock: Arc<dyn Clock>) -> Result<Self, SetupError> {
        let (policy, breaker) = (EgressPolicy::public(), BreakerSettings::default());
        Outbound::with(policy, breaker, ANSWER_BYTES, clock).map(Self)
    }
}

#[async_trait::async_trait]
impl Way for ProviderWay {
    async fn send(&self, to: &Destination, request: RawRequest) -> Result<RawResponse, String> {
        let target = Target {
            system: SystemId::new("identity", &to.provider),
            base: to.base.clone(),
            limits: UpstreamLimits::default(),
            timeout_ms: PATIENCE,
            trusted_loopback: to.inner,
            source: None,
            tls: None,
            known_as: Vec::new(),
        };
        let deadline = tokio::time::Instant::now() + Duration::from_millis(PATIENCE);
        let sent = self.0.send(&target, request, deadline, Effect::Repeatable).await;
        sent.map_err(|e| e.to_string())
    }
}
