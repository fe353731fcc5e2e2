//! The providers in force, and the two ends of a sign-in at one of them.

use super::arrive::arrive;
use super::dance::Kept;
use super::discovery::Discovered;
use super::file::{Dialect, ProviderFile, Reference};
use super::folder::Providers;
use super::keys::Keys;
use super::oidc::Told;
use super::plain::Ours;
use super::trouble::{Trouble, Why};
use super::way::Way;
use super::{calls, cas, header, oidc, saml};
use crate::sso::{AuthRequest, Params, Provider, SESSION_SECONDS, device, later};
use arc_swap::ArcSwap;
use hub_connectors::Secrets;
use hub_core::Text;
use hub_core::time::Timestamp;
use hub_store::TheirSession;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The secrets of a provider, by its id.
pub type SecretsOf = Arc<dyn Fn(&str) -> Arc<dyn Secrets> + Send + Sync>;

/// A provider that people may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Its id, a part of its paths.
    pub id: String,
    /// What people read.
    pub name: Text,
}

/// How a sign-in begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// The browser is sent to this address.
    Away(String),
    /// The person sends this form there.
    Form(saml::Form),
    /// The person is known already.
    Here(Welcome),
}

/// A person who has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// Handle of the request that goes on.
    pub handle: String,
    /// Language of the page the person left, if one was chosen.
    pub lang: Option<String>,
    /// The browser's new cookie.
    pub cookie: String,
}

/// Nobody has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// Handle of the request that could go on, if it is this browser's.
    pub handle: Option<String>,
    /// Language of the page the person left, if one was chosen.
    pub lang: Option<String>,
    /// Why.
    pub trouble: Trouble,
}

impl From<Trouble> for Failed {
    fn from(trouble: Trouble) -> Self {
        Self {
            handle: None,
            lang: None,
            trouble,
        }
    }
}

/// A provider in force, with what was learned of it.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) file: ProviderFile,
    pub(crate) discovered: Discovered,
    pub(crate) keys: Keys,
}

/// Identity providers.
pub struct Upstreams {
    pub(crate) provider: Provider,
    pub(crate) way: Arc<dyn Way>,
    pub(crate) secrets: SecretsOf,
    /// Public address of the hub, without a trailing slash.
    base: String,
    active: ArcSwap<BTreeMap<String, Arc<Active>>>,
}

impl std::fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstreams")
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl Upstreams {
    /// With no provider yet.
    #[must_use]
    pub fn new(provider: Provider, way: Arc<dyn Way>, secrets: SecretsOf, base: &str) -> Self {
        Self {
            provider,
            way,
            secrets,
            base: base.to_owned(),
            active: ArcSwap::default(),
        }
    }

    /// Puts files in force, all at once. What was learned of providers is learned anew.
    pub fn put(&self, providers: &Providers) {
        let active = providers.all().iter().filter(|f| f.active).map(|file| {
            let one = Active {
                file: file.clone(),
                discovered: Discovered::default(),
                keys: Keys::default(),
            };
            (file.id.clone(), Arc::new(one))
        });
        self.active.store(Arc::new(active.collect()));
    }

    /// Where people may come from, by id.
    #[must_use]
    pub fn doors(&self) -> Vec<Door> {
        let active = self.active.load();
        let door = |one: &Arc<Active>| Door {
            id: one.file.id.clone(),
            name: one.file.name.clone(),
        };
        active.values().map(door).collect()
    }

    pub(crate) fn one(&self, id: &str) -> Result<Arc<Active>, Trouble> {
        let found = self.active.load().get(id).cloned();
        found.ok_or_else(|| Trouble::new(Why::NoProvider, "there is no such provider"))
    }

    pub(crate) fn ours(&self, file: &ProviderFile) -> Result<Ours, Trouble> {
        let secrets = (self.secrets)(&file.id);
        let secret = |name: &String| {
            let missing = || Trouble::new(Why::Ours, format!("the secret `{name}` of {} is not set", file.id));
            secrets.get(name).ok_or_else(missing)
        };
        let id = match &file.client.id {
            None => String::new(),
            Some(Reference::Text(text)) => text.clone(),
            Some(Reference::Secret(name)) => secret(name)?,
        };
        Ok(Ours {
            id,
            secret: file.client.secret.as_ref().map(secret).transpose()?,
            in_body: file.client.in_body,
        })
    }

    /// Begins: a browser that was at our page for a parked request goes to a provider. `headers` are those it came with.
    ///
    /// # Errors
    /// Why it cannot go there.
    pub async fn start(
        &self,
        id: &str,
        (handle, request, lang): (&str, &AuthRequest, Option<&str>),
        browser: &str,
        headers: &[(String, String)],
        now: Timestamp,
    ) -> Result<Start, Trouble> {
        let one = self.one(id)?;
        let file = &one.file;
        let store = &self.provider.store;
        let secrets = (self.secrets)(id);
        let (length, in_callback) = match &file.dialect {
            Dialect::Header(rules) => {
                let told = header::told(store, file, rules, headers, secrets.as_ref(), now).await?;
                let device = agent(headers);
                let whose = (browser, device.as_str());
                let welcome = self.welcome(file, "", (handle, lang), &told, whose, now).await?;
                return Ok(Start::Here(welcome));
            }
            Dialect::Calls(calls) => (calls.authorize.state_length, calls.authorize.state.is_none()),
            Dialect::Cas(_) => (64, true),
            Dialect::Oidc(_) | Dialect::Saml(_) => (64, false),
        };
        let ours = self.ours(file)?;
        let mut kept = Kept::new(file, (handle, request, lang), self.callback(id), length, now)?;
        kept.device = agent(headers);
        if in_callback {
            kept.callback = format!("{}?state={}", kept.callback, kept.state);
        }
        let address = match &file.dialect {
            Dialect::Oidc(oidc) => {
                let endpoints = one.discovered.endpoints(self.way.as_ref(), file, oidc, now).await?;
                let act = oidc::Act {
                    way: self.way.as_ref(),
                    file,
                    oidc,
                    endpoints: &endpoints,
                    ours: &ours,
                    keys: &one.keys,
                };
                act.out(&kept, request).await?
            }
            Dialect::Calls(calls) => self
                .calls(file, calls, &ours, secrets.as_ref(), now)
                .out(&kept, request)?,
            Dialect::Cas(cas) => cas::out(cas, &kept),
            Dialect::Saml(saml) => {
                let key = self.signing_key(file, saml)?;
                let act = saml::Act {
                    file,
                    saml,
                    entity: &self.entity(file)?,
                    key: key.as_deref(),
                    now,
                };
                match act.out(&kept, request)? {
                    saml::Out::Address(address) => address,
                    saml::Out::Form(form) => {
                        kept.keep(store, id, browser, now).await?;
                        return Ok(Start::Form(form));
                    }
                }
            }
            Dialect::Header(_) => return Err(Trouble::new(Why::Ours, "nobody is sent away")),
        };
        kept.keep(store, id, browser, now).await?;
        Ok(Start::Away(address))
    }

    fn callback(&self, id: &str) -> String {
        format!("{}/callback", self.doors_of(id))
    }

    /// The address below which our doors for a provider are.
    pub(crate) fn doors_of(&self, id: &str) -> String {
        format!("{}/sso/via/{id}", self.base)
    }

    fn calls<'a>(
        &'a self,
        file: &'a ProviderFile,
        calls: &'a super::file::Calls,
        ours: &'a Ours,
        secrets: &'a dyn Secrets,
        now: Timestamp,
    ) -> calls::Act<'a> {
        calls::Act {
            way: self.way.as_ref(),
            file,
            calls,
            ours,
            secrets,
            now,
        }
    }

    /// Ends: a browser comes back from a provider.
    ///
    /// # Errors
    /// Why nobody was signed in.
    pub async fn back(&self, id: &str, params: &Params, browser: &str, now: Timestamp) -> Result<Welcome, Failed> {
        let one = self.one(id)?;
        let name = match &one.file.dialect {
            Dialect::Calls(calls) => calls.authorize.state.as_deref().unwrap_or("state"),
            _ => "state",
        };
        let state = params
            .get(name)
            .ok_or_else(|| Trouble::new(Why::Strange, "it came back without a state"))?;
        // Whatever comes of it, this state is used: who tries again goes the whole way.
        let kept = Kept::take(&self.provider.store, id, state, browser, now).await?;
        let welcomed = self.welcomed(&one, &kept, params, browser, now).await;
        welcomed.map_err(|trouble| Failed {
            handle: Some(kept.handle),
            lang: kept.lang,
            trouble,
        })
    }

    async fn welcomed(
        &self,
        one: &Active,
        kept: &Kept,
        params: &Params,
        browser: &str,
        now: Timestamp,
    ) -> Result<Welcome, Trouble> {
        let file = &one.file;
        if kept.issuer != file.issuer {
            return Err(Trouble::untrusted(
                "its file names another issuer than when the person left",
            ));
        }
        let ours = self.ours(file)?;
        let way = self.way.as_ref();
        let told = match &file.dialect {
            Dialect::Oidc(oidc) => {
                let endpoints = one.discovered.endpoints(way, file, oidc, now).await?;
                let act = oidc::Act {
                    way,
                    file,
                    oidc,
                    endpoints: &endpoints,
                    ours: &ours,
                    keys: &one.keys,
                };
                act.back(kept, params, now).await?
            }
            Dialect::Calls(calls) => {
                let secrets = (self.secrets)(&file.id);
                self.calls(file, calls, &ours, secrets.as_ref(), now)
                    .back(kept, params)
                    .await?
            }
            Dialect::Cas(cas) => cas::back(way, file, cas, kept, params).await?,
            Dialect::Saml(_) => self.saml_back(file, kept, params, now).await?,
            Dialect::Header(_) => return Err(Trouble::untrusted("nobody comes back from there")),
        };
        self.welcome(
            file,
            &ours.id,
            (&kept.handle, kept.lang.as_deref()),
            &told,
            (browser, &kept.device),
            now,
        )
        .await
    }

    /// Signs a person in.
    async fn welcome(
        &self,
        file: &ProviderFile,
        client: &str,
        (handle, lang): (&str, Option<&str>),
        told: &Told,
        (browser, device): (&str, &str),
        now: Timestamp,
    ) -> Result<Welcome, Trouble> {
        let arrived = arrive(&self.provider, file, client, told, now).await?;
        let signed = self.provider.sign_in_on(device, &arrived.subject, Some(browser), now);
        let cookie = signed.await?;
        if let Some(session) = self.provider.session(&cookie, now).await? {
            let their = told.session.as_deref();
            let row = TheirSession {
                sid: session.sid,
                mark: told
                    .named
                    .as_deref()
                    .map_or(arrived.mark, |name| self.named(file, name)),
                their: their.map(|s| self.their(file, s)).unwrap_or_default(),
                subject: self.provider.mark(&arrived.subject),
                expires: later(now, SESSION_SECONDS),
            };
            self.provider.store.arrivals().came_from(&row).await?;
        }
        Ok(Welcome {
            handle: handle.to_owned(),
            lang: lang.map(str::to_owned),
            cookie,
        })
    }

    /// The mark of a provider's session.
    pub(crate) fn their(&self, file: &ProviderFile, session: &str) -> String {
        self.provider
            .pairwise
            .mark(&["idp session", &file.id, &file.issuer, session])
    }
}

/// The kind of device that a request came from.
fn agent(headers: &[(String, String)]) -> String {
    let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("user-agent"));
    device(found.map_or("", |(_, value)| value))
}
