//! Sending one request to a back end.

use hub_core::wire::RawRequest;
use hub_core::{Effect, SystemId};
use hub_outbound::{Outbound, Target, UpstreamLimits};
use hub_sandbox::mock::Sample;
use hub_sandbox::mock::verify::{Answered, Case, Kind};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Longest a single answer is waited for, in milliseconds.
const PATIENCE: u64 = 10_000;

/// Who sends requests to one back end.
pub struct Caller {
    /// The way out; one of its own for every run, for it remembers every request.
    pub outbound: Outbound,
    /// Address of the back end.
    pub base: Url,
    /// Headers for every request.
    pub headers: Vec<(String, String)>,
    /// When no request is begun any more.
    pub until: Instant,
    /// Whether whoever runs this answers for the address, so that it may be this machine or a private network.
    pub inner: bool,
    /// Shortest time from one request to the next.
    pub pace: Duration,
    /// Told to stop.
    pub stop: Arc<AtomicBool>,
}

impl Caller {
    /// Whether the time is up.
    #[must_use]
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.until || self.stop.load(Ordering::Relaxed)
    }

    /// The request as it is sent: with the headers that were given in place of invented ones.
    fn request(&self, case: &Case) -> RawRequest {
        let Sample {
            method,
            path,
            query,
            headers,
            body,
        } = case.request.clone();
        let mut all = headers;
        if case.kind != Kind::Unguarded {
            for (name, value) in &self.headers {
                all.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
                all.push((name.clone(), value.clone()));
            }
        }
        RawRequest {
            method,
            target: if query.is_empty() {
                path
            } else {
                format!("{path}?{query}")
            },
            headers: all,
            body,
        }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// Why no answer came.
    pub async fn send(&self, case: &Case) -> Result<Answered, String> {
        if !self.pace.is_zero() {
            tokio::time::sleep(self.pace).await;
        }
        let target = Target {
            // Of its own, so that what one request breaks keeps no other from being sent.
            system: SystemId::new("verify", &case.id),
            base: self.base.clone(),
            limits: UpstreamLimits::default(),
            timeout_ms: PATIENCE,
            trusted_loopback: self.inner,
            source: None,
            tls: None,
            known_as: Vec::new(),
        };
        let deadline = Instant::now() + Duration::from_millis(PATIENCE);
        let answer = self
            .outbound
            .send(&target, self.request(case), deadline, Effect::None)
            .await;
        let answer = answer.map_err(|e| e.to_string())?;
        Ok(Answered {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        })
    }

    /// A request as a command, with `hidden` in place of the values of the headers that were given.
    #[must_use]
    pub fn curl(&self, case: &Case, hidden: Option<&str>) -> String {
        let request = self.request(case);
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let mut line = format!("curl -i -X {}", request.method);
        for (name, value) in &request.headers {
            let given = self.headers.iter().any(|(n, v)| n == name && v == value);
            let value = hidden.filter(|_| given).unwrap_or(value);
            let _ = write!(line, " -H {}", quoted(&format!("{name}: {value}")));
        }
        if !request.body.is_empty() && request.body.len() <= 2_000 {
            let _ = write!(line, " -d {}", quoted(&String::from_utf8_lossy(&request.body)));
        }
        let base = self.base.as_str().trim_end_matches('/');
        let _ = write!(line, " {}", quoted(&format!("{base}{}", request.target)));
        line
    }
}
