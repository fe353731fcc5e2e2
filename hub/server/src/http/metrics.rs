//! Counters in the Prometheus text format (0.0.4). Labels are bounded: doors, methods and statuses, never callers.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds of the latency buckets, seconds.
const BUCKETS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// Everything counted at the edge.
#[derive(Debug, Default)]
pub struct Metrics {
    answered: Mutex<BTreeMap<(&'static str, u16), u64>>,
    buckets: [AtomicU64; BUCKETS.len()],
    micros: AtomicU64,
    count: AtomicU64,
    in_flight: AtomicU64,
}

impl Metrics {
    /// A call came in.
    pub fn begin(&self) {
        self.in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A call was answered at one of the hub's doors (`gateway`, `sandbox`, `portal`, …).
    pub fn end(&self, door: &'static str, status: u16, took: Duration) {
        self.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let seconds = took.as_secs_f64();
        for (bound, bucket) in BUCKETS.iter().zip(&self.buckets) {
            if seconds <= *bound {
                bucket.fetch_add(1, Ordering::Relaxed);
            }
        }
        let mut answered = self.answered.lock().unwrap_or_else(PoisonError::into_inner);
        *answered.entry((door, status)).or_default() += 1;
    }

    /// The text of `/metrics`; `gauges` are read at this moment: name, help, value.
    #[must_use]
    pub fn text(&self, gauges: &[(&str, &str, f64)]) -> String {
        let mut out = String::from("# HELP hub_requests_total Requests answered.\n# TYPE hub_requests_total counter\n");
        for ((door, status), n) in self.answered.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = writeln!(out, "hub_requests_total{{door=\"{door}\",status=\"{status}\"}} {n}");
        }
        out.push_str("# HELP hub_request_seconds Time to answer.\n# TYPE hub_request_seconds histogram\n");
        for (bound, bucket) in BUCKETS.iter().zip(&self.buckets) {
            let n = bucket.load(Ordering::Relaxed);
            let _ = writeln!(out, "hub_request_seconds_bucket{{le=\"{bound}\"}} {n}");
        }
        let count = self.count.load(Ordering::Relaxed);
        let sum = Duration::from_micros(self.micros.load(Ordering::Relaxed)).as_secs_f64();
        let _ = writeln!(out, "hub_request_seconds_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(out, "hub_request_seconds_sum {sum}\nhub_request_seconds_count {count}");
        #[allow(clippy::cast_precision_loss)]
        let in_flight = self.in_flight.load(Ordering::Relaxed) as f64;
        let own = [("hub_requests_in_flight", "Requests being answered.", in_flight)];
        for (name, help, value) in own.iter().chain(gauges) {
            let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_buckets() {
        let metrics = Metrics::default();
        metrics.begin();
        metrics.end("gateway", 200, Duration::from_millis(3));
        metrics.begin();
        let text = metrics.text(&[("hub_services", "Services.", 4.0)]);
        assert!(text.contains("hub_requests_total{door=\"gateway\",status=\"200\"} 1\n"));
        assert!(text.contains("hub_request_seconds_bucket{le=\"0.001\"} 0\n"));
        assert!(text.contains("hub_request_seconds_bucket{le=\"0.005\"} 1\n"));
        assert!(text.contains("hub_requests_in_flight 1\n") && text.contains("hub_services 4\n"));
    }
}
