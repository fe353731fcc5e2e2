//! Credentials that end: certificates, keys and tokens of the systems, sessions at them. Whoever runs the hub hears of it
//! 30, 7 and 1 days ahead, not from the citizens the day after.

use crate::gateway::Gateway;
use hub_core::SystemId;
use hub_core::time::{Timestamp, china, rfc3339};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Days ahead at which it is said.
const AHEAD: [i64; 3] = [30, 7, 1];

/// Something that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Whose.
    pub system: SystemId,
    /// Name of the secret, or `session`.
    pub name: String,
    /// `certificate`, `token`, `declared` (its manifest says when it ends), `session`.
    pub kind: &'static str,
    /// When it ends; `None` for a session of which nobody knows.
    pub ends: Option<Timestamp>,
    /// Logins refused in a row; sessions only.
    pub refusals: u32,
    /// Milliseconds by which the system's clock is ahead; sessions only.
    pub ahead_ms: i64,
}

impl Credential {
    /// Whole days left; below zero once it has ended.
    #[must_use]
    pub fn days_left(&self, now: Timestamp) -> Option<i64> {
        Some(self.ends?.duration_since(now).as_secs().div_euclid(86_400))
    }

    /// `ok`, `30d`, `7d`, `1d`, `expired`; `refused` where logins fail. A session is renewed by itself, so its end is none.
    #[must_use]
    pub fn level(&self, now: Timestamp) -> &'static str {
        if self.kind == "session" {
            return if self.refusals > 0 { "refused" } else { "ok" };
        }
        match self.ends.map(|ends| ends.duration_since(now).as_secs()) {
            Some(left) if left <= 0 => "expired",
            Some(left) if left <= AHEAD[2] * 86_400 => "1d",
            Some(left) if left <= AHEAD[1] * 86_400 => "7d",
            Some(left) if left <= AHEAD[0] * 86_400 => "30d",
            _ => "ok",
        }
    }

    /// As operators see it.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> Value {
        json!({
            "system": self.system, "name": self.name, "kind": self.kind, "ends": self.ends.map(rfc3339),
            "days_left": self.days_left(now), "level": self.level(now), "refusals": self.refusals,
            "clock_ahead_ms": self.ahead_ms,
        })
    }
}

impl Gateway {
    /// Everything that ends, the first to end first. Secrets are read, never shown.
    #[must_use]
    pub fn credentials(&self) -> Vec<Credential> {
        let snapshot = self.snapshot();
        let mut all = Vec::new();
        for (system, connector) in &snapshot.connectors {
            let settings = connector.settings();
            let mut add = |name: &str, kind, ends| {
                all.push(Credential {
                    system: system.clone(),
                    name: name.to_owned(),
                    kind,
                    ends: Some(ends),
                    refusals: 0,
                    ahead_ms: 0,
                });
            };
            for (name, day) in &settings.expires {
                // Good through its last day.
                let end = day.tomorrow().ok().and_then(|d| d.to_zoned(china()).ok());
                if let Some(end) = end {
                    add(name, "declared", end.timestamp());
                }
            }
            for name in connector.secrets() {
                let Some(secret) = self.core.secrets.get(system, name) else {
                    continue;
                };
                // The first of a chain to end ends it.
                if let Some(ends) = hub_crypto::certificate_ends(&secret).into_iter().min().and_then(second) {
                    add(name, "certificate", ends);
                } else if let Some(ends) = token_end(&secret) {
                    add(name, "token", ends);
                }
            }
        }
        all.extend(self.live.sessions().into_iter().map(|s| Credential {
            system: s.system,
            name: "session".into(),
            kind: "session",
            ends: s.until,
            refusals: s.refusals,
            ahead_ms: s.ahead_ms,
        }));
        all.sort_by_key(|c| (c.ends.is_none(), c.ends));
        all
    }

    /// What ends, what drifts and what waits, in the text format of Prometheus.
    #[must_use]
    pub fn state_metrics(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ok = self.write_state(&mut out);
        out
    }

    fn write_state(&self, out: &mut String) -> std::fmt::Result {
        let now = self.core.clock.now();
        let all = self.credentials();
        let mut near: BTreeMap<&str, u64> = ["30d", "7d", "1d", "expired", "refused"].map(|l| (l, 0)).into();
        writeln!(
            out,
            "# HELP hub_credential_seconds Time until a credential of a system ends.\n# TYPE hub_credential_seconds gauge"
        )?;
        for c in &all {
            if let Some(count) = near.get_mut(c.level(now)) {
                *count += 1;
            }
            let Some(ends) = c.ends else { continue };
            let (system, name, kind, left) = (&c.system, &c.name, c.kind, ends.duration_since(now).as_secs());
            writeln!(
                out,
                "hub_credential_seconds{{system=\"{system}\",name=\"{name}\",kind=\"{kind}\"}} {left}"
            )?;
        }
        writeln!(
            out,
            "# HELP hub_credentials_near Credentials that end within this time, have ended, or are refused.\n# TYPE hub_credentials_near gauge"
        )?;
        for (level, count) in near {
            writeln!(out, "hub_credentials_near{{within=\"{level}\"}} {count}")?;
        }
        writeln!(
            out,
            "# HELP hub_clock_ahead_seconds How far a system's clock is ahead.\n# TYPE hub_clock_ahead_seconds gauge"
        )?;
        for c in all.iter().filter(|c| c.ahead_ms != 0) {
            writeln!(
                out,
                "hub_clock_ahead_seconds{{system=\"{}\"}} {}",
                c.system,
                c.ahead_ms / 1_000
            )?;
        }
        writeln!(
            out,
            "# HELP hub_drift_findings What systems answer otherwise than before.\n# TYPE hub_drift_findings gauge"
        )?;
        for ((system, kind, severity), count) in self.live.drift().map(crate::drift::Drift::counts).unwrap_or_default()
        {
            writeln!(
                out,
                "hub_drift_findings{{system=\"{system}\",kind=\"{kind}\",severity=\"{severity}\"}} {count}"
            )?;
        }
        Ok(())
    }

    /// What systems answer otherwise than before, of one or of all.
    #[must_use]
    pub fn drift(&self, system: Option<&str>) -> Vec<Value> {
        self.live.drift().map(|d| d.findings(system)).unwrap_or_default()
    }

    /// An operator has seen what a system answers now; whether it was known.
    #[must_use]
    pub fn accept_drift(&self, system: &str) -> bool {
        self.live.drift().is_some_and(|d| d.accept(system))
    }
}

/// Says once what has come nearer to its end; called from a timer.
pub(crate) fn warn(all: &[Credential], said: &mut BTreeMap<String, &'static str>, now: Timestamp) {
    for credential in all {
        let key = format!("{}/{}/{}", credential.system, credential.name, credential.kind);
        let level = credential.level(now);
        if level == "ok" {
            said.remove(&key);
        } else if said.insert(key, level) != Some(level) {
            tracing::warn!(
                system = %credential.system, name = credential.name, kind = credential.kind, level,
                "a credential has to be renewed"
            );
        }
    }
}

fn second(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

/// The end that a JSON Web Token names (RFC 7519, 4.1.4). Nothing is verified: it is our own.
fn token_end(secret: &str) -> Option<Timestamp> {
    let parts: Vec<&str> = secret.trim().split('.').collect();
    let [_, claims, _] = parts.as_slice() else { return None };
    let claims: Value = serde_json::from_slice(&hub_crypto::from_base64_url(claims).ok()?).ok()?;
    second(claims.get("exp")?.as_i64()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q18_ends_are_said_30_7_and_1_days_ahead_each_once() {
        let end: Timestamp = "2026-05-01T00:00:00Z".parse().unwrap();
        let credential = Credential {
            system: SystemId::new("a", "b"),
            name: "key".into(),
            kind: "certificate",
            ends: Some(end),
            refusals: 0,
            ahead_ms: 0,
        };
        let before = |hours| end - jiff::SignedDuration::from_hours(hours);
        let levels = [
            (31 * 24, "ok"),
            (30 * 24, "30d"),
            (7 * 24, "7d"),
            (25, "7d"),
            (24, "1d"),
            (0, "expired"),
        ];
        let mut said = BTreeMap::new();
        for (hours, level) in levels {
            assert_eq!(credential.level(before(hours)), level, "{hours} hours before");
            warn(std::slice::from_ref(&credential), &mut said, before(hours));
            assert_eq!(said.get("a/b/key/certificate").copied().unwrap_or("ok"), level);
        }
        assert_eq!(credential.days_left(before(25)), Some(1));
        assert_eq!(credential.days_left(before(-1)), Some(-1));
    }

    #[test]
    fn a_tokens_end_is_read() {
        // The example of RFC 7519, 3.1: exp 1300819380.
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(token_end(token).map(Timestamp::as_second), Some(1_300_819_380));
        assert_eq!(token_end("secret"), None);
        assert_eq!(token_end("a.b.c"), None);
    }
}
