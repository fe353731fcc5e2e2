//! Sessions at the systems that want a login: one per system, shared by all calls and, through the store, by all hubs;
//! made by one of them at a time, and renewed before they end.

use hub_connectors::Session;
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode, SystemId};
use hub_outbound::Denied;
use hub_store::{KeptSession, Store};
use jiff::SignedDuration;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Lock, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::Instant;

/// How long a hub may take for a login before another one tries.
const LEASE: SignedDuration = SignedDuration::from_secs(30);
/// How often a hub that waits for another one's login looks.
const LOOK: Duration = Duration::from_millis(100);
/// When a renewal that failed is tried again while the old session is still good.
const PUT_OFF: SignedDuration = SignedDuration::from_secs(30);

/// Makes every lease another one, so that a late end of an earlier one ends no later one.
static LEASES: AtomicU64 = AtomicU64::new(0);

/// Sessions by system.
pub(super) struct Sessions {
    store: Store,
    slots: RwLock<HashMap<SystemId, Arc<Slot>>>,
}

/// The session of one system.
pub(super) struct Slot {
    system: String,
    store: Store,
    held: RwLock<Option<Held>>,
    login: Arc<Mutex<()>>,
    denied: Denied,
    /// The last refusal.
    last: Lock<Option<Problem>>,
}

#[derive(Debug, Clone)]
struct Held {
    session: Session,
    /// When it is renewed; each hub draws its own moment, so that they do not come in step.
    renew_at: Option<Timestamp>,
}

/// The right to log in. Dropped without [`Slot::keep`] it is given back.
pub(super) struct Right {
    _here: OwnedMutexGuard<()>,
    leased: Option<Lease>,
}

struct Lease {
    store: Store,
    system: String,
    holder: String,
}

impl Right {
    /// What was made is kept, which ended the lease.
    pub(super) fn kept(&mut self) {
        self.leased = None;
    }
}

impl Drop for Right {
    fn drop(&mut self) {
        if let Some(Lease { store, system, holder }) = self.leased.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                if let Err(error) = store.sessions().release(&system, &holder).await {
                    tracing::warn!(system, %error, "the right to log in runs out by itself");
                }
            });
        }
    }
}

/// How a call gets its session.
pub(super) enum Way {
    /// There is one.
    Ready(Session),
    /// Log in. `old` is one that may be renewed; it is still good if `spare`.
    LogIn {
        right: Right,
        old: Option<Session>,
        spare: bool,
    },
}

impl Sessions {
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            slots: RwLock::default(),
        }
    }

    pub(super) fn of(&self, system: &SystemId) -> Arc<Slot> {
        let known = self.slots.read().ok().and_then(|s| s.get(system).cloned());
        let fresh = || {
            Arc::new(Slot {
                system: system.to_string(),
                store: self.store.clone(),
                held: RwLock::default(),
                login: Arc::default(),
                denied: Denied::default(),
                last: Lock::default(),
            })
        };
        known.unwrap_or_else(|| match self.slots.write() {
            Ok(mut all) => Arc::clone(all.entry(system.clone()).or_insert_with(fresh)),
            Err(_) => fresh(),
        })
    }

    /// What is held now: system, end, and refusals in a row.
    pub(super) fn standing(&self) -> Vec<(SystemId, Option<Timestamp>, u32)> {
        let all = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        let of = |slot: &Slot| {
            let held = slot.held.read().unwrap_or_else(PoisonError::into_inner);
            let until = held.as_ref().and_then(|h| h.session.until);
            (until, slot.denied.count())
        };
        all.iter()
            .map(|(system, slot)| {
                let (until, refusals) = of(slot);
                (system.clone(), until, refusals)
            })
            .collect()
    }
}

impl Slot {
    fn last(&self) -> std::sync::MutexGuard<'_, Option<Problem>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> Option<Held> {
        self.held.read().ok()?.clone()
    }

    /// A session to call with, or the right to make one. `lost` is when the session was made that the system no longer
    /// takes: only a younger one will do.
    pub(super) async fn way(&self, now: Timestamp, lost: Option<Timestamp>, deadline: Instant) -> Result<Way, Problem> {
        let good = |held: &Option<Held>| {
            let held = held.as_ref()?;
            let session = &held.session;
            (session.is_good(now) && lost.is_none_or(|lost| session.since > lost)).then(|| held.clone())
        };
        let spare = good(&self.held());
        if let Some(held) = &spare
            && held.renew_at.is_none_or(|at| now < at)
        {
            return Ok(Way::Ready(held.session.clone()));
        }
        let here = match &spare {
            // Somebody renews it already; it is good until they are done.
            Some(held) => match Arc::clone(&self.login).try_lock_owned() {
                Ok(here) => here,
                Err(_) => return Ok(Way::Ready(held.session.clone())),
            },
            None => Arc::clone(&self.login).lock_owned().await,
        };
        let began = Instant::now();
        loop {
            self.adopt(now).await;
            let held = self.held();
            if let Some(fresh) = good(&held)
                && fresh.renew_at.is_none_or(|at| now < at)
            {
                return Ok(Way::Ready(fresh.session));
            }
            if let Some(problem) = self.paused() {
                return spare.map(|s| Way::Ready(s.session)).ok_or(problem);
            }
            let waited = SignedDuration::try_from(began.elapsed()).unwrap_or_default();
            let from = now + waited;
            let holder = format!("{}/{}", self.store.node(), LEASES.fetch_add(1, Ordering::Relaxed));
            match self
                .store
                .sessions()
                .lease(&self.system, &holder, from, from + LEASE)
                .await
            {
                Ok(true) => {
                    let leased = Some(Lease {
                        store: self.store.clone(),
                        system: self.system.clone(),
                        holder,
                    });
                    let right = Right { _here: here, leased };
                    // Another hub may have ended its login between the look and the lease; another login would kill its session.
                    self.adopt(now).await;
                    let held = self.held();
                    return Ok(match good(&held).filter(|h| h.renew_at.is_none_or(|at| now < at)) {
                        Some(fresh) => Way::Ready(fresh.session),
                        None => log_in(right, held, spare.is_some()),
                    });
                }
                Ok(false) => {}
                Err(error) => {
                    // Two hubs may now log in at once, which is better than none.
                    tracing::warn!(system = self.system, %error, "logging in without asking the other hubs");
                    let right = Right {
                        _here: here,
                        leased: None,
                    };
                    return Ok(log_in(right, held, spare.is_some()));
                }
            }
            if let Some(held) = spare {
                return Ok(Way::Ready(held.session));
            }
            if Instant::now() + LOOK >= deadline {
                let problem = Problem::new(ProblemCode::UpstreamTimeout);
                return Err(problem.inner("another hub is still logging in"));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// The right to log in before every call: nothing is shared, but logins are still made one at a time.
    pub(super) async fn alone(&self) -> Right {
        Right {
            _here: Arc::clone(&self.login).lock_owned().await,
            leased: None,
        }
    }

    /// Takes up what another hub, or this one before it was started again, has kept.
    async fn adopt(&self, now: Timestamp) {
        match self.store.sessions().get(&self.system).await {
            Ok(Some(kept)) => {
                if let Ok(session) = serde_json::from_slice::<Session>(&kept.bytes) {
                    self.hold(session, now);
                }
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(system = self.system, %error, "the shared session could not be read"),
        }
    }

    /// Holds a session unless a younger one is held; whether it is another one than before.
    fn hold(&self, session: Session, now: Timestamp) -> bool {
        let Ok(mut held) = self.held.write() else { return false };
        if held
            .as_ref()
            .is_some_and(|h| h.session.since > session.since || h.session == session)
        {
            return false;
        }
        *held = Some(Held {
            renew_at: renewal(&session, now),
            session,
        });
        true
    }

    /// A login was good: what it left is for all.
    pub(super) async fn keep(&self, fresh: &Session, now: Timestamp) {
        if !self.hold(fresh.clone(), now) {
            return;
        }
        let kept = KeptSession {
            bytes: serde_json::to_vec(fresh).unwrap_or_default(),
            since: fresh.since,
        };
        if let Err(error) = self.store.sessions().keep(&self.system, self.store.node(), &kept).await {
            tracing::warn!(system = self.system, %error, "the session could not be shared");
        }
    }

    /// The system answered as it should.
    pub(super) fn taken(&self) {
        self.denied.taken();
    }

    /// A login was refused, or its session was.
    pub(super) fn refused(&self, problem: &Problem) {
        *self.last() = Some(problem.clone());
        self.denied.refused(Instant::now());
        tracing::error!(
            system = self.system,
            problem = problem.code.as_str(),
            "a login was refused"
        );
    }

    /// Why no login is tried now.
    fn paused(&self) -> Option<Problem> {
        let left = self.denied.left(Instant::now())?;
        let problem = self.last().clone()?;
        Some(problem.retry_after(left.as_secs().max(1)))
    }

    /// The renewal of a session that is still good failed: it is tried again in a while.
    pub(super) fn put_off(&self, now: Timestamp) {
        if let Ok(mut held) = self.held.write()
            && let Some(held) = held.as_mut()
        {
            held.renew_at = Some(now + PUT_OFF);
        }
    }

    /// The system no longer takes it.
    pub(super) async fn forget(&self, session: &Session) {
        if let Ok(mut held) = self.held.write()
            && held.as_ref().is_some_and(|h| h.session.since <= session.since)
        {
            *held = None;
        }
        let forgotten = self.store.sessions().forget(&self.system, session.since).await;
        if let Err(error) = forgotten {
            tracing::warn!(system = self.system, %error, "the shared session could not be forgotten");
        }
    }
}

fn log_in(right: Right, held: Option<Held>, spare: bool) -> Way {
    Way::LogIn {
        right,
        old: held.map(|h| h.session),
        spare,
    }
}

/// Between a twentieth and a seventh of its life before its end.
fn renewal(session: &Session, now: Timestamp) -> Option<Timestamp> {
    let until = session.until?;
    let life = until.duration_since(session.since).as_millis();
    let drawn = hub_crypto::random::<1>().map_or(0, |b| i128::from(b.first().copied().unwrap_or(0)));
    let early = life / 20 + life * drawn / 2_560;
    let early = SignedDuration::from_millis(i64::try_from(early).unwrap_or(0));
    // One that is kept for later is not renewed on the way.
    Some((until - early).max(now.min(until)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q18_renewal_is_early_and_not_in_step() {
        let since: Timestamp = "2026-04-08T03:00:00Z".parse().unwrap();
        let session = Session {
            values: std::collections::BTreeMap::new(),
            since,
            until: Some(since + SignedDuration::from_hours(2)),
        };
        let moments: Vec<i64> = (0..50)
            .map(|_| renewal(&session, since).unwrap().duration_since(since).as_secs())
            .collect();
        assert!(moments.iter().all(|s| (6_120..=6_840).contains(s)), "{moments:?}");
        assert!(moments.iter().collect::<std::collections::HashSet<_>>().len() > 10);
        let endless = Session { until: None, ..session };
        assert_eq!(renewal(&endless, since), None);
    }
}
