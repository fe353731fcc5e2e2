//! Sessions at the systems that want a login: one per system, shared by all calls, made by one call at a time.

use hub_connectors::Session;
use hub_core::SystemId;
use hub_core::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use tokio::sync::{Mutex, MutexGuard};

/// Sessions by system.
#[derive(Debug, Default)]
pub(super) struct Sessions(RwLock<HashMap<SystemId, Arc<Slot>>>);

/// The session of one system.
#[derive(Debug, Default)]
pub(super) struct Slot {
    session: RwLock<Option<Session>>,
    login: Mutex<()>,
}

impl Sessions {
    pub(super) fn of(&self, system: &SystemId) -> Arc<Slot> {
        let known = self.0.read().ok().and_then(|s| s.get(system).cloned());
        known.unwrap_or_else(|| match self.0.write() {
            Ok(mut all) => Arc::clone(all.entry(system.clone()).or_default()),
            Err(_) => Arc::default(),
        })
    }
}

impl Slot {
    /// The session, if it is still good.
    pub(super) fn current(&self, now: Timestamp) -> Option<Session> {
        self.session.read().ok()?.clone().filter(|s| s.is_good(now))
    }

    /// Keeps a session unless a younger one is kept already.
    pub(super) fn keep(&self, fresh: Session) {
        if let Ok(mut kept) = self.session.write()
            && kept.as_ref().is_none_or(|old| old.since <= fresh.since)
        {
            *kept = Some(fresh);
        }
    }

    /// The system no longer takes it.
    pub(super) fn forget(&self) {
        if let Ok(mut kept) = self.session.write() {
            *kept = None;
        }
    }

    /// The right to log in.
    pub(super) async fn login(&self) -> MutexGuard<'_, ()> {
        self.login.lock().await
    }
}
