//! Counters of what the gateway does, as text for Prometheus. Labels are operations and codes, never callers.

use hub_core::Environment;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

/// Upper bounds of the latency buckets, in milliseconds.
const BOUNDS: [u64; 10] = [1, 5, 10, 25, 50, 100, 250, 1_000, 5_000, 15_000];

/// All counters.
#[derive(Debug, Default)]
pub struct Metrics {
    calls: Family<(String, &'static str, u16), AtomicU64>,
    latency: Family<String, Latency>,
    problems: Family<String, AtomicU64>,
    surprises: Family<(String, String, &'static str), AtomicU64>,
    /// Attempts to reach an upstream.
    pub attempts: AtomicU64,
    /// Answers out of the cache.
    pub cache_hits: AtomicU64,
    /// Answers replayed under an idempotency key.
    pub replays: AtomicU64,
    /// Calls whose client had gone before the answer.
    pub abandoned: AtomicU64,
    /// Panics caught in the pipeline.
    pub panics: AtomicU64,
    /// Trail records that could not be written.
    pub trail_failures: AtomicU64,
    /// Calls being handled now.
    pub running: AtomicU64,
}

#[derive(Debug, Default)]
struct Latency {
    buckets: [AtomicU64; BOUNDS.len()],
    count: AtomicU64,
    micros: AtomicU64,
}

impl Metrics {
    /// Counts one call that has ended.
    pub(crate) fn call(
        &self,
        operation: &str,
        environment: Environment,
        status: u16,
        problem: Option<&str>,
        took: Duration,
    ) {
        one(&self.calls, (operation.to_owned(), environment.as_str(), status)).fetch_add(1, Ordering::Relaxed);
        if let Some(code) = problem {
            one(&self.problems, code.to_owned()).fetch_add(1, Ordering::Relaxed);
        }
        let latency = one(&self.latency, operation.to_owned());
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        for (bound, bucket) in BOUNDS.iter().zip(&latency.buckets) {
            if millis <= *bound {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        latency.count.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        latency.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts one surprise in an answer that was passed on: an unknown code, validity without end, a masked id number.
    pub(crate) fn surprise(&self, operation: &str, field: &str, kind: &'static str) {
        let key = (operation.to_owned(), field.to_owned(), kind);
        one(&self.surprises, key).fetch_add(1, Ordering::Relaxed);
    }

    /// All counters in the text format of Prometheus.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ok = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "# HELP hub_calls_total Calls answered.\n# TYPE hub_calls_total counter"
        )?;
        for ((operation, environment, status), count) in list(&self.calls) {
            writeln!(
                out,
                "hub_calls_total{{operation=\"{operation}\",environment=\"{environment}\",status=\"{status}\"}} {}",
                count.load(Ordering::Relaxed)
            )?;
        }
        writeln!(
            out,
            "# HELP hub_problems_total Problems answered.\n# TYPE hub_problems_total counter"
        )?;
        for (code, count) in list(&self.problems) {
            writeln!(
                out,
                "hub_problems_total{{code=\"{code}\"}} {}",
                count.load(Ordering::Relaxed)
            )?;
        }
        writeln!(
            out,
            "# HELP hub_surprises_total Surprises in upstream answers that were passed on.\n# TYPE hub_surprises_total counter"
        )?;
        for ((operation, field, kind), count) in list(&self.surprises) {
            writeln!(
                out,
                "hub_surprises_total{{operation=\"{operation}\",field=\"{field}\",kind=\"{kind}\"}} {}",
                count.load(Ordering::Relaxed)
            )?;
        }
        writeln!(
            out,
            "# HELP hub_call_seconds Time from edge to answer.\n# TYPE hub_call_seconds histogram"
        )?;
        for (operation, latency) in list(&self.latency) {
            latency.write(out, &operation)?;
        }
        for (name, help, counter) in [
            (
                "hub_upstream_attempts_total",
                "Attempts to reach an upstream.",
                &self.attempts,
            ),
            ("hub_cache_hits_total", "Answers out of the cache.", &self.cache_hits),
            (
                "hub_replays_total",
                "Answers replayed under an idempotency key.",
                &self.replays,
            ),
            ("hub_abandoned_total", "Calls whose client had gone.", &self.abandoned),
            ("hub_panics_total", "Panics caught.", &self.panics),
            (
                "hub_trail_failures_total",
                "Trail records not written.",
                &self.trail_failures,
            ),
        ] {
            writeln!(
                out,
                "# HELP {name} {help}\n# TYPE {name} counter\n{name} {}",
                counter.load(Ordering::Relaxed)
            )?;
        }
        let running = self.running.load(Ordering::Relaxed);
        writeln!(
            out,
            "# HELP hub_running Calls being handled.\n# TYPE hub_running gauge\nhub_running {running}"
        )
    }
}

impl Latency {
    fn write(&self, out: &mut String, operation: &str) -> std::fmt::Result {
        let count = self.count.load(Ordering::Relaxed);
        for (bound, bucket) in BOUNDS.iter().zip(&self.buckets) {
            let le = Duration::from_millis(*bound).as_secs_f64();
            let n = bucket.load(Ordering::Relaxed);
            writeln!(
                out,
                "hub_call_seconds_bucket{{operation=\"{operation}\",le=\"{le}\"}} {n}"
            )?;
        }
        writeln!(
            out,
            "hub_call_seconds_bucket{{operation=\"{operation}\",le=\"+Inf\"}} {count}"
        )?;
        let sum = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        writeln!(out, "hub_call_seconds_sum{{operation=\"{operation}\"}} {sum}")?;
        writeln!(out, "hub_call_seconds_count{{operation=\"{operation}\"}} {count}")
    }
}

type Family<K, V> = RwLock<BTreeMap<K, Arc<V>>>;

/// The counter under a key, made at its first use.
fn one<K: Ord, V: Default>(family: &Family<K, V>, key: K) -> Arc<V> {
    let known = family.read().ok().and_then(|f| f.get(&key).cloned());
    known.unwrap_or_else(|| match family.write() {
        Ok(mut family) => Arc::clone(family.entry(key).or_default()),
        Err(_) => Arc::default(),
    })
}

/// A copy of a family, so that printing holds no lock.
fn list<K: Clone + Ord, V>(family: &Family<K, V>) -> Vec<(K, Arc<V>)> {
    family
        .read()
        .map(|f| f.iter().map(|(k, v)| (k.clone(), Arc::clone(v))).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_counts_calls_and_buckets() {
        let metrics = Metrics::default();
        metrics.call("a.b", Environment::Live, 200, None, Duration::from_millis(7));
        metrics.call(
            "a.b",
            Environment::Live,
            503,
            Some("upstream-unavailable"),
            Duration::from_millis(70),
        );
        metrics.surprise("a.b", "case_status", "unknown-code");
        let text = metrics.render();
        let surprise = "hub_surprises_total{operation=\"a.b\",field=\"case_status\",kind=\"unknown-code\"} 1";
        assert!(text.contains(surprise), "{text}");
        assert!(text.contains("hub_calls_total{operation=\"a.b\",environment=\"live\",status=\"200\"} 1"));
        assert!(text.contains("hub_problems_total{code=\"upstream-unavailable\"} 1"));
        assert!(text.contains("hub_call_seconds_bucket{operation=\"a.b\",le=\"0.01\"} 1"));
        assert!(text.contains("hub_call_seconds_bucket{operation=\"a.b\",le=\"0.1\"} 2"));
        assert!(text.contains("hub_call_seconds_count{operation=\"a.b\"} 2"));
    }
}
