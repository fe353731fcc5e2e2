//! Talking to a running hub: where it is, and one request to it.

use crate::wiring::Ready;
use hub_core::{Effect, RawRequest, RawResponse, SystemId};
use hub_outbound::{EgressPolicy, Outbound, Target, UpstreamLimits};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// One hub to talk to.
pub struct Hub {
    outbound: Outbound,
    target: Target,
}

impl Hub {
    /// The hub at an address. Whoever types the address vouches for it, so it may be loopback.
    ///
    /// # Errors
    /// In words.
    pub fn at(address: &str) -> Result<Self, String> {
        let base = url::Url::parse(address).map_err(|e| format!("{address}: {e}"))?;
        let outbound = Outbound::new(EgressPolicy::public()).map_err(|e| e.to_string())?;
        let target = Target {
            system: SystemId::new("hub", "hub"),
            base,
            limits: UpstreamLimits::default(),
            timeout_ms: u64::try_from(PATIENCE.as_millis()).unwrap_or(u64::MAX),
            trusted_loopback: true,
            source: None,
            tls: None,
            known_as: Vec::new(),
        };
        Ok(Self { outbound, target })
    }

    /// Sends one request.
    ///
    /// # Errors
    /// In words.
    pub async fn send(&self, request: RawRequest) -> Result<RawResponse, String> {
        let deadline = Instant::now() + PATIENCE;
        self.outbound
            .send(&self.target, request, deadline, Effect::None)
            .await
            .map_err(|e| format!("{}: {e}", self.target.base))
    }
}

/// What the hub that runs over a data folder told at its start; nothing if none does.
pub fn ready(data: &Path) -> Option<Ready> {
    Ready::read(data).ok()
}
