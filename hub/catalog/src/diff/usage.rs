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
    /// Clients that sent a field of an operation. `operation` is its operationId, or method and path where it has none;
    /// `field` is a JSON pointer with `*` for any entry, a parameter's name standing beside those of the body; empty: clients that
    /// called the operation.
    fn clients(&self, operation: &str, field: &str) -> Vec<Seen>;
}

/// Whether a kind of change concerns only who sends the field: not where something must be sent from now on, or is put in for
/// who leaves it out. What clients do with answers nobody sees: there it concerns whoever calls.
fn concerns_senders(kind: &str) -> bool {
    let mut parts = kind.splitn(3, '.');
    let (area, keyword, effect) = (parts.next(), parts.next(), parts.next());
    let of_all = ["required", "required-property", "required-parameter", "default"];
    matches!(area, Some("parameter" | "request-body"))
        && keyword.is_some_and(|k| !of_all.contains(&k))
        && effect != Some("added")
}

/// Names, in every change that is not safe, the clients that used what it concerns: most calls first, each once.
pub fn annotate(changes: &mut [Change], usage: &dyn Usage) {
    for change in changes.iter_mut().filter(|c| c.severity != Severity::Safe) {
        let (mut clients, of_senders): (Vec<Seen>, _) = (Vec::new(), concerns_senders(&change.id));
        for place in &change.place.operations {
            let operation = place.operation_id.as_deref().unwrap_or(&place.operation);
            let field = if of_senders { place.field.as_str() } else { "" };
            for seen in usage.clients(operation, field) {
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
