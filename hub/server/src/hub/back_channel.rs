//! Telling clients that a person has signed out (Back-Channel Logout 1.0, 2.5).

use hub_core::wire::RawRequest;
use hub_core::{Effect, SystemId};
use hub_identity::sso::LogoutNotice;
use hub_outbound::{Outbound, Target, UpstreamLimits};
use std::time::Duration;
use url::Url;

/// How long a client may take to hear it, in milliseconds.
const PATIENCE: u64 = 5_000;
/// Waits before it is told again.
const AGAIN: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(10)];

/// The way to clients.
#[derive(Clone)]
pub struct BackChannel {
    /// Sockets.
    pub outbound: Outbound,
    /// Whether a client may stand on this machine: only where the people are invented.
    pub loopback: bool,
}

impl BackChannel {
    /// Tells clients that somebody has signed out; nobody waits for them.
    pub fn tell(&self, notices: Vec<LogoutNotice>) {
        for notice in notices {
            tokio::spawn(tell(self.clone(), notice));
        }
    }
}

/// Tells a client, three times at most. Its tokens are dead whether it hears or not.
async fn tell(way: BackChannel, notice: LogoutNotice) {
    let Ok(url) = Url::parse(&notice.address) else { return };
    let mut base = url.clone();
    base.set_path("/");
    base.set_query(None);
    let target = Target {
        system: SystemId::new("sso", &notice.client),
        base,
        limits: UpstreamLimits::default(),
        timeout_ms: PATIENCE,
        trusted_loopback: way.loopback,
        source: None,
        tls: None,
        known_as: Vec::new(),
    };
    let place = url
        .query()
        .map_or_else(|| url.path().to_owned(), |q| format!("{}?{q}", url.path()));
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("logout_token", &notice.token)
        .finish();
    let mut waits = AGAIN.into_iter();
    loop {
        let request = RawRequest {
            method: "POST".to_owned(),
            target: place.clone(),
            headers: vec![(
                "content-type".to_owned(),
                "application/x-www-form-urlencoded".to_owned(),
            )],
            body: form.clone().into_bytes(),
        };
        let deadline = tokio::time::Instant::now() + Duration::from_millis(PATIENCE);
        let heard = way.outbound.send(&target, request, deadline, Effect::Repeatable).await;
        match heard {
            Ok(answer) if (200..300).contains(&answer.status) => return,
            Ok(answer) => {
                tracing::info!(client = %notice.client, status = answer.status, "a client did not take a sign-out");
            }
            Err(error) => tracing::info!(client = %notice.client, %error, "a client did not hear of a sign-out"),
        }
        let Some(wait) = waits.next() else { return };
        tokio::time::sleep(wait).await;
    }
}
