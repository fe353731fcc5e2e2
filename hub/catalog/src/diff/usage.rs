//! Who really used what breaks. The differ knows no clients: whoever counts calls implements [`Usage`].

use super::change::{Change, Severity};
use serde::Serialize;

/// One client that used a field of an operation.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Seen {
    /// The client's id.
    pub client: String,
    /// When it last did, RFC 3339.
    pub last_used: String,
    /// How many calls in the period the index covers.
    pub count: u64,
}

/// The index of usage, as far as the differ asks it.
pub trait Usage {
    /// Clients that used a field of an operation. `operation` is its operationId, or method and path where it has none;
    /// `field` is a JSON pointer with `*` for any entry, empty for the operation as a whole.
    fn clients(&self, operation: &str, field: &str) -> Vec<Seen>;
}

/// Names, in every change that is not safe, the clients that used what it concerns: most calls first, each once.
pub fn annotate(changes: &mut [Change], usage: &dyn Usage) {
    for change in changes.iter_mut().filter(|c| c.severity != Severity::Safe) {
        let mut clients: Vec<Seen> = Vec::new();
        for place in &change.place.operations {
            let operation = place.operation_id.as_deref().unwrap_or(&place.operation);
            for seen in usage.clients(operation, &place.field) {
                match clients.iter_mut().find(|c| c.client == seen.client) {
                    Some(known) => {
                        known.count = known.count.saturating_add(seen.count);
                        known.last_used = known.last_used.clone().max(seen.last_used);
                    }
                    None => clients.push(seen),
                }
            }
        }
        clients.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.client.cmp(&b.client)));
        change.clients = clients;
    }
}
