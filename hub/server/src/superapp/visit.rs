//! Who is signed in to an app, and who is on the way: in memory, as a demo may.

use hub_crypto::{base64_url, random};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most browsers remembered; then the longest known are forgotten.
const MOST: usize = 10_000;

/// A person in an app.
#[derive(Clone)]
pub(super) struct Visit {
    /// Name.
    pub(super) person: String,
    /// Their name towards this app alone.
    pub(super) sub: String,
    /// Access token.
    pub(super) access: String,
    /// Refresh token.
    pub(super) refresh: Option<String>,
    /// ID token, to sign out with.
    pub(super) id_token: String,
    /// The access token is good until then, seconds since 1970.
    pub(super) until: i64,
}

/// A sign-in under way.
#[derive(Clone)]
pub(super) struct Leaving {
    /// PKCE verifier (RFC 7636).
    pub(super) verifier: String,
    /// What the ID token must repeat.
    pub(super) nonce: String,
    /// Where the person goes then.
    pub(super) back: String,
    /// Browser it began in.
    pub(super) browser: String,
}

/// Both, by browser and by state.
#[derive(Default)]
pub(super) struct Visits {
    visits: Mutex<Kept<Visit>>,
    leaving: Mutex<Kept<Leaving>>,
}

struct Kept<T> {
    by_name: BTreeMap<String, (u64, T)>,
    count: u64,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            count: 0,
        }
    }
}

impl<T: Clone> Kept<T> {
    fn put(&mut self, name: &str, value: T) {
        self.count += 1;
        self.by_name.insert(name.to_owned(), (self.count, value));
        if self.by_name.len() > MOST {
            let oldest = self.count.saturating_sub(MOST as u64);
            self.by_name.retain(|_, (number, _)| *number > oldest);
        }
    }
}

fn held<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Visits {
    pub(super) fn of(&self, browser: &str) -> Option<Visit> {
        held(&self.visits).by_name.get(browser).map(|(_, visit)| visit.clone())
    }

    pub(super) fn put(&self, browser: &str, visit: Visit) {
        held(&self.visits).put(browser, visit);
    }

    pub(super) fn end(&self, browser: &str) -> Option<Visit> {
        held(&self.visits).by_name.remove(browser).map(|(_, visit)| visit)
    }

    pub(super) fn leave(&self, state: &str, leaving: Leaving) {
        held(&self.leaving).put(state, leaving);
    }

    /// A state is good once.
    pub(super) fn arrive(&self, state: &str) -> Option<Leaving> {
        held(&self.leaving).by_name.remove(state).map(|(_, leaving)| leaving)
    }
}

/// Something nobody guesses.
pub(super) fn fresh() -> String {
    random::<32>().map_or_else(|_| String::new(), |bytes| base64_url(&bytes))
}
