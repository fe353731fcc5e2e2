//! The app's way to the hub: its public doors, over the one opener of sockets.

use super::visit::Visit;
use hub_core::{Effect, RawRequest, RawResponse, SystemId};
use hub_crypto::{base64, from_base64_url};
use hub_outbound::{Outbound, Target, UpstreamLimits};
use serde_json::Value;
use std::time::Duration;
use url::{Url, form_urlencoded};

/// How long the hub may take, in milliseconds.
const PATIENCE: u64 = 30_000;

/// The way to the hub, with what an app shows there.
pub(super) struct Wire {
    pub(super) outbound: Outbound,
    pub(super) hub: Url,
    pub(super) key: String,
    pub(super) client: String,
    pub(super) secret: String,
}

impl Wire {
    async fn send(&self, request: RawRequest) -> Result<RawResponse, String> {
        let target = Target {
            system: SystemId::new("app", &self.client),
            base: self.hub.clone(),
            limits: UpstreamLimits::default(),
            timeout_ms: PATIENCE,
            trusted_loopback: true,
            source: None,
            tls: None,
            known_as: Vec::new(),
        };
        let deadline = tokio::time::Instant::now() + Duration::from_millis(PATIENCE);
        let sent = self.outbound.send(&target, request, deadline, Effect::Repeatable).await;
        sent.map_err(|e| e.to_string())
    }

    /// A call in a person's name.
    pub(super) async fn ask(
        &self,
        visit: Option<&Visit>,
        mut request: RawRequest,
        lang: &str,
    ) -> Result<RawResponse, String> {
        let mut put = |name: &str, value: String| request.headers.push((name.to_owned(), value));
        put("x-api-key", self.key.clone());
        put("accept-language", lang.to_owned());
        if let Some(visit) = visit {
            put("authorization", format!("Bearer {}", visit.access));
        }
        self.send(request).await
    }

    /// What the token endpoint gives for a grant (RFC 6749, 5.1).
    pub(super) async fn tokens(&self, grant: &[(&str, &str)]) -> Result<Value, String> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(grant)
            .finish();
        let basic = base64(format!("{}:{}", self.client, self.secret).as_bytes());
        let request = RawRequest {
            method: "POST".to_owned(),
            target: "/sso/token".to_owned(),
            headers: vec![
                ("authorization".to_owned(), format!("Basic {basic}")),
                (
                    "content-type".to_owned(),
                    "application/x-www-form-urlencoded".to_owned(),
                ),
            ],
            body: body.into_bytes(),
        };
        let answer = self.send(request).await?;
        let body: Value = serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?;
        match answer.status {
            200 => Ok(body),
            _ => Err(text(&body, "error_description").unwrap_or_else(|| "the hub gave no token".to_owned())),
        }
    }
}

/// What an ID token says. It came from the token endpoint itself, so that its signature adds nothing (OpenID Connect Core
/// 3.1.3.7, 6); issuer, audience and nonce are the caller's to compare.
pub(super) fn claims(id_token: &str) -> Option<Value> {
    let payload = id_token.split('.').nth(1)?;
    serde_json::from_slice(&from_base64_url(payload).ok()?).ok()
}

/// A text in an object.
pub(super) fn text(of: &Value, name: &str) -> Option<String> {
    of.get(name).and_then(Value::as_str).map(str::to_owned)
}
