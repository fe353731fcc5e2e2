//! A sign-in that is under way: what is kept while the person is at the provider.

use super::file::ProviderFile;
use super::trouble::{Trouble, Why};
use crate::sso::{AuthRequest, fresh, hashed, later};
use hub_core::time::Timestamp;
use hub_crypto::{hex, random};
use hub_store::{Dance, Store};
use serde::{Deserialize, Serialize};

/// Seconds a person may spend at a provider.
const AWAY_SECONDS: u64 = 900;

/// What is kept of a dance, sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// Handle of the parked request.
    pub(crate) handle: String,
    pub(crate) state: String,
    pub(crate) nonce: String,
    pub(crate) verifier: String,
    /// The way back, to the letter.
    pub(crate) callback: String,
    /// The issuer at the time: a file that changed meanwhile takes nobody in.
    pub(crate) issuer: String,
    /// Language of the page the person left.
    pub(crate) lang: Option<String>,
    /// The person has to have signed in since, in seconds.
    pub(crate) not_before: Option<i64>,
    /// Kind of device the person left on.
    #[serde(default)]
    pub(crate) device: String,
}

impl Kept {
    /// A new one. The state is hexadecimal, which is what the strictest vendors take.
    pub(crate) fn new(
        file: &ProviderFile,
        (handle, request, lang): (&str, &AuthRequest, Option<&str>),
        callback: String,
        state_length: usize,
        now: Timestamp,
    ) -> Result<Self, Trouble> {
        let bytes = random::<64>().map_err(|e| Trouble::new(Why::Ours, e.to_string()))?;
        let state: String = hex(&bytes).chars().take(state_length).collect();
        let longest = request.max_age.unwrap_or(0);
        let anew = request.again || request.max_age.is_some();
        Ok(Self {
            handle: handle.to_owned(),
            lang: lang.map(str::to_owned),
            nonce: fresh(32)?,
            verifier: fresh(32)?,
            callback,
            issuer: file.issuer.clone(),
            not_before: anew.then(|| now.as_second() - if request.again { 0 } else { longest }),
            state,
            device: String::new(),
        })
    }

    /// Keeps it for this browser.
    pub(crate) async fn keep(
        &self,
        store: &Store,
        provider: &str,
        browser: &str,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let content = serde_json::to_vec(self).map_err(|e| Trouble::new(Why::Ours, e.to_string()))?;
        let dance = Dance {
            state: mark(&self.state),
            provider: provider.to_owned(),
            browser: bound(browser),
            content,
            expires: later(now, AWAY_SECONDS),
        };
        Ok(store.arrivals().begin(&dance).await?)
    }

    /// Takes the one of a state, if this browser began it at this provider.
    pub(crate) async fn take(
        store: &Store,
        provider: &str,
        state: &str,
        browser: &str,
        now: Timestamp,
    ) -> Result<Self, Trouble> {
        let taken = store
            .arrivals()
            .take(&mark(state), provider, &bound(browser), now)
            .await?;
        let strange = || Trouble::new(Why::Strange, "its state is unknown, used, too old or another browser's");
        serde_json::from_slice(&taken.ok_or_else(strange)?).map_err(|e| Trouble::new(Why::Ours, e.to_string()))
    }
}

fn mark(state: &str) -> String {
    hashed(&format!("idp state\0{state}"))
}

fn bound(browser: &str) -> String {
    hashed(&format!("idp browser\0{browser}"))
}
