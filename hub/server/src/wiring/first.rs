//! First credentials: what a newcomer needs to call at all. Kept sealed in the store, so that a restart changes none.

use crate::hub::{Cast, ISSUER};
use hub_catalog::Catalog;
use hub_core::Environment;
use hub_core::time::Timestamp;
use hub_crypto::{base64_url, random};
use hub_gateway::{Plans, all_consents};
use hub_identity::TestIssuer;
use hub_registry::{Desk, Member, NewClient, Registry, Role};
use hub_store::Store;
use std::collections::BTreeMap;

/// Name of the operators' token in the store.
const ADMIN: &str = "admin.token";
/// Tenant of the first clients.
const TENANT: &str = "first";
/// Plans for the first clients; the first of these that the policies have, else any.
const PLANS: [&str; 3] = ["demo", "city", "standard"];
/// The fact that the invented people agreed.
const AGREED: &str = "first.consents";
/// Seconds a persona's token is good.
const TOKEN_SECONDS: u32 = 24 * 3600 - 60;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Keys and tokens of the first hour.
#[derive(Default)]
pub struct Credentials {
    /// Key of the first live client.
    pub client_key: Option<String>,
    /// Key of the first sandbox client.
    pub sandbox_key: Option<String>,
    /// Tokens by persona.
    pub subject_tokens: BTreeMap<String, String>,
    /// Tokens at the registry by role.
    pub desk_tokens: BTreeMap<String, String>,
}

/// The operators' token: the given one, else the store's, made at the first start.
///
/// # Errors
/// If the store does not answer.
pub async fn admin_token(store: &Store, given: Option<String>) -> Result<String, Failed> {
    if let Some(given) = given.filter(|t| !t.is_empty()) {
        return Ok(given);
    }
    let fresh = format!("hub_admin_{}", base64_url(&random::<24>()?));
    Ok(String::from_utf8(
        store.secrets().get_or_keep(ADMIN, fresh.as_bytes()).await?,
    )?)
}

/// The first clients' keys, made at the first start.
///
/// # Errors
/// If the store does not answer.
pub async fn keys(registry: &Registry, plans: &Plans, now: Timestamp) -> Result<Credentials, Failed> {
    registry.put_tenant(TENANT, "First tenant", now).await?;
    let key = async |environment: Environment| {
        let new = NewClient {
            id: Some(format!("{TENANT}-{environment}")),
            tenant: TENANT.to_owned(),
            name: format!("First {environment} client"),
            plan: plan(plans).to_owned(),
            environment,
            origins: Vec::new(),
        };
        registry.kept_key(&format!("first.{environment}"), new, now).await
    };
    Ok(Credentials {
        client_key: Some(key(Environment::Live).await?),
        sandbox_key: Some(key(Environment::Sandbox).await?),
        subject_tokens: BTreeMap::new(),
        desk_tokens: BTreeMap::new(),
    })
}

/// The plan of clients that the hub itself brings along.
#[must_use]
pub fn plan(plans: &Plans) -> &str {
    let known = PLANS.into_iter().find(|p| plans.get(p).is_some());
    known.or_else(|| plans.names().next()).unwrap_or("standard")
}

/// A first agency with a clerk and an owner, and a reviewer of the hub, let in at the first start.
///
/// # Errors
/// If the store does not answer.
pub async fn people(store: &Store, desk: &Desk, now: Timestamp) -> Result<BTreeMap<String, String>, Failed> {
    let operator = Member::operator();
    if desk.shelf().agency(TENANT).is_none() {
        desk.put_agency(&operator, TENANT, "首个部门", "First agency", now)
            .await?;
    }
    let mut tokens = BTreeMap::new();
    for role in [Role::Clerk, Role::Owner, Role::Reviewer] {
        let name = format!("first.desk.{}", role.as_str());
        let kept = store.secrets().get(&name).await?.map(String::from_utf8).transpose()?;
        let token = match kept.filter(|token| desk.member(token).is_some()) {
            Some(kept) => kept,
            None => {
                let agency = role.is_of_agency().then_some(TENANT);
                let invited = desk
                    .invite(&operator, agency, &format!("First {}", role.as_str()), role, now)
                    .await?;
                store.secrets().put(&name, invited.token.as_bytes()).await?;
                invited.token
            }
        };
        tokens.insert(role.as_str().to_owned(), token);
    }
    Ok(tokens)
}

/// Lets the invented people agree to everything in the first live client, once: a demo begins with services that answer.
/// What somebody takes back later stays taken back.
///
/// # Errors
/// If the store does not answer.
pub async fn consents(store: &Store, catalog: &Catalog, cast: &Cast, now: Timestamp) -> Result<(), Failed> {
    let done = store.meta().get(AGREED).await?;
    if done.is_some() {
        return Ok(());
    }
    let client = format!("{TENANT}-{}", Environment::Live);
    let until = now.saturating_add(std::time::Duration::from_secs(365 * 86_400))?;
    let mut all = Vec::new();
    for word in cast.personas().words().filter(|w| !w.contains('@')) {
        if let Some(subject) = cast.signed_in(&word) {
            let id = format!("{ISSUER}#{}", subject.sub);
            all.extend(all_consents(catalog, &client, &id, now, until));
        }
    }
    store.consents().add(&all).await?;
    Ok(store.meta().put(AGREED, "yes").await?)
}

/// A token for every persona and every mandate.
///
/// # Errors
/// If signing fails.
pub fn tokens(issuer: &TestIssuer, cast: &Cast, now: Timestamp) -> Result<BTreeMap<String, String>, Failed> {
    let mut tokens = BTreeMap::new();
    for word in cast.personas().words() {
        if let Some(subject) = cast.signed_in(&word) {
            tokens.insert(word, issuer.mint(&subject, TOKEN_SECONDS, now)?);
        }
    }
    Ok(tokens)
}
