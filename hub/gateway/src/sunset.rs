//! Tells callers of a deprecated version so, in the headers of every answer.

use crate::snapshot::Snapshot;
use hub_core::time::Timestamp;
use hub_core::{Operation, Reply};

/// Adds `Deprecation` (RFC 9745) and `Sunset` (RFC 8594) where the registry has announced an end.
pub(crate) fn told(snapshot: &Snapshot, operation: &Operation, mut reply: Reply) -> Reply {
    let Some(registration) = snapshot.registered.get(&operation.system) else {
        return reply;
    };
    if let Some(since) = registration.deprecated {
        let value = format!("@{}", since.as_second());
        reply.headers.push(("Deprecation".to_owned(), value));
    }
    if let Some(end) = registration.sunset {
        reply.headers.push(("Sunset".to_owned(), http_date(end)));
    }
    reply
}

/// A time as HTTP writes it (RFC 9110, 5.6.7).
fn http_date(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_as_the_standard_has_them() {
        // The example of RFC 9110, 5.6.7.
        let at: Timestamp = "1994-11-06T08:49:37Z".parse().unwrap();
        assert_eq!(http_date(at), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
