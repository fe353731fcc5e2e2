//! Who calls and for whom: the registry's clients and the identity's subjects behind one port.

use hub_core::ports::{Authenticator, Client, Shown};
use hub_core::time::Timestamp;
use hub_core::{Problem, Subject};
use hub_identity::Identity;
use hub_registry::Registry;
use std::sync::Arc;

/// Clients by key, subjects by token.
pub struct Doors {
    /// Clients.
    pub registry: Arc<Registry>,
    /// Subjects.
    pub identity: Identity,
}

impl Authenticator for Doors {
    fn client(&self, key: &str, now: Timestamp) -> Option<Arc<Client>> {
        self.registry.client(key, now)
    }

    fn subject(&self, shown: &Shown<'_>, now: Timestamp) -> Result<Arc<Subject>, Problem> {
        self.identity.subject(shown, now)
    }

    fn pairwise(&self, subject: &Subject, sector: &str) -> String {
        self.identity.pairwise(subject, sector)
    }
}
