//! A response between the form that brought it and the browser that it is for.
//!
//! A provider's form comes from another site, so that it comes without our cookie (`SameSite=Lax`). What it says is checked and kept
//! under a name that is good once; the browser is sent on to our own address with that name, and there it has its cookie again.

use super::super::dance::Kept;
use super::super::oidc::Told;
use super::super::trouble::{Trouble, Why};
use super::request_id;
use crate::sso::{fresh, hashed, later};
use hub_core::time::Timestamp;
use hub_store::{Dance, Store};
use serde::{Deserialize, Serialize};

/// Seconds between the form and the browser's next request.
const SECONDS: u64 = 60;

/// What a response said, all of it checked but whose it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Held {
    pub(crate) told: Told,
    /// Id of the assertion.
    pub(crate) id: String,
    /// The request that it answers.
    pub(crate) answers: String,
    /// When the person signed in there, in seconds.
    pub(crate) since: i64,
    /// Clocks may be this far off, in seconds.
    pub(crate) skew: i64,
    /// The assertion is good until then, in seconds.
    pub(crate) until: i64,
}

impl Held {
    /// Keeps it, under the name that is answered. An assertion is kept once.
    pub(crate) async fn keep(
        &self,
        store: &Store,
        provider: &str,
        issuer: &str,
        now: Timestamp,
    ) -> Result<String, Trouble> {
        let mark = hashed(&format!("idp assertion\0{issuer}\0{}", self.id));
        let left = u64::try_from(self.until.saturating_add(self.skew) - now.as_second()).unwrap_or(0);
        let sign_ins = store.sign_ins();
        if !sign_ins
            .comes_first(&mark, now, later(now, left.max(SECONDS) + 1))
            .await?
        {
            return Err(Trouble::new(Why::Used, "this assertion came before"));
        }
        let name = fresh(32)?;
        let content = serde_json::to_vec(self).map_err(|e| Trouble::new(Why::Ours, e.to_string()))?;
        let row = Dance {
            state: named(&name),
            provider: provider.to_owned(),
            browser: String::new(),
            content,
            expires: later(now, SECONDS),
        };
        store.arrivals().begin(&row).await?;
        Ok(name)
    }

    /// Takes the one of a name.
    pub(crate) async fn take(store: &Store, provider: &str, name: &str, now: Timestamp) -> Result<Self, Trouble> {
        let taken = store.arrivals().take(&named(name), provider, "", now).await?;
        let strange = || Trouble::new(Why::Strange, "what came is unknown, used or too old");
        serde_json::from_slice(&taken.ok_or_else(strange)?).map_err(|e| Trouble::new(Why::Ours, e.to_string()))
    }

    /// Who came back, if it answers the request of this dance and nobody had to sign in since.
    pub(crate) fn of(self, kept: &Kept) -> Result<Told, Trouble> {
        if self.answers != request_id(&kept.nonce) {
            return Err(Trouble::untrusted("it answers another request"));
        }
        if kept
            .not_before
            .is_some_and(|since| self.since.saturating_add(self.skew) < since)
        {
            return Err(Trouble::untrusted("the person did not sign in anew"));
        }
        Ok(self.told)
    }
}

fn named(name: &str) -> String {
    hashed(&format!("idp held\0{name}"))
}

/// What the person is told of a response that was not taken, in a word that an address carries.
const WORDS: [(&str, Why); 7] = [
    ("cancelled", Why::Cancelled),
    ("used", Why::Used),
    ("silent", Why::Silent),
    ("weak", Why::Weak),
    ("unsuited", Why::Unsuited),
    ("untrusted", Why::Untrusted),
    ("ours", Why::Ours),
];

/// The word of a reason.
pub(crate) fn word(why: &Why) -> &'static str {
    let found = WORDS.iter().find(|(_, w)| w == why);
    found.map_or("untrusted", |(word, _)| word)
}

/// The reason of a word.
pub(crate) fn reason(word: &str) -> Why {
    let found = WORDS.iter().find(|(w, _)| *w == word);
    found.map_or(Why::Untrusted, |(_, why)| why.clone())
}
