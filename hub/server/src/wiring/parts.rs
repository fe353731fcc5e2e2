//! Building every room of a hub and joining them.

use super::clock::MachineClock;
use super::doors::Doors;
use super::exchanges::Exchanges;
use super::first::{self, Credentials};
use super::listen::Listeners;
use super::ready::Ready;
use super::secrets::{DerivedSecrets, GivenSecrets, Own, Signing, given};
use super::simulated::Answerer;
use super::start::{Plan, StartError, TRAIL};
use super::upstreams::{NamedUpstreams, RegisteredUpstreams, SimulatedUpstreams, address};
use super::way::ProviderWay;
use crate::http::metrics::Metrics;
use crate::hub::Edition;
use crate::hub::Press;
use crate::hub::events::{Deliverer, Events, Sender, Webhooks};
use crate::hub::verifications::Verifications;
use crate::hub::{AUDIENCE, BackChannel, CallLog, Cast, ISSUER, PersonsSignIns, Showcase, ShowcaseDoor, Worlds};
use crate::hub::{Hub, Worker};
use hub_core::SystemId;
use hub_core::ports::Clock;
use hub_gateway::{
    AddressSource, Gateway, Journal, JournalSettings, LiveParts, LiveUpstream, SecretSource, Settings, Snapshots,
};
use hub_identity::sso::{AccessTokens, Provider};
use hub_identity::upstream::{SecretsOf, Upstreams};
use hub_identity::{Identity, PairwiseKey, Staff, TestIssuer, TokenVerifier};
use hub_outbound::{EgressPolicy, Outbound};
use hub_registry::{Desk, Registry};
use hub_sandbox::{City, Contracts, MockEngine, Personas};
use hub_store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// Folder of the simulated city's databases and files in the data folder.
const EXCHANGES: &str = "city";

/// The built hub.
pub struct Parts {
    /// Shared state and pipeline.
    pub worker: Worker,
    /// The way to the upstreams, from which threads make their own.
    pub live: Arc<LiveUpstream>,
    /// Who tells addresses of events.
    pub deliverer: Arc<Deliverer>,
    /// The trail.
    pub journal: Arc<Journal>,
    /// What to tell programs.
    pub ready: Ready,
    /// Who answers for the simulated systems, if they are simulated.
    pub city: Option<Simulated>,
}

/// What stands behind a hub whose city is simulated.
pub struct Simulated {
    /// Who answers over HTTP.
    pub answerer: Answerer,
    /// Who answers by rows and files.
    pub city: City,
    /// Where.
    pub exchanges: Exchanges,
}

/// Builds a hub. `city` is the address of the simulated systems, if there are any.
///
/// # Errors
/// Whatever cannot be opened or read.
pub async fn build(
    plan: Plan,
    edition: Edition,
    store: Store,
    desk: Arc<Desk>,
    listeners: &Listeners,
    city: Option<String>,
) -> Result<Parts, StartError> {
    let Plan {
        config,
        credentials,
        admin_token,
        ..
    } = plan;
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let now = clock.now();
    let providers = Arc::clone(&edition.providers);
    let snapshots = Snapshots::new(edition.snapshot(1));
    let registry = Arc::new(Registry::load(store.clone()).await.map_err(StartError::other)?);
    let cast = Arc::new(Cast::new(personas(&config.paths.personas)?, Arc::clone(&clock)));

    let test_issuer = match config.identity.test_issuer {
        true => Some(
            TestIssuer::load(&store, ISSUER, AUDIENCE)
                .await
                .map_err(StartError::other)?,
        ),
        false => None,
    };
    let trusted = test_issuer.iter().map(TestIssuer::trusted).collect();
    let pairwise = PairwiseKey::load(&store).await.map_err(StartError::other)?;
    let base = &listeners.base;
    let services = vec![AUDIENCE.to_owned(), base.clone(), format!("{base}/gateway")];
    let own = AccessTokens::load(&store, &format!("{base}/sso"), services, now).await;
    let own = Arc::new(own.map_err(StartError::other)?);
    let staff = Staff::new(store.clone());
    let signers = Arc::clone(&own);
    let sso = Provider::new(store.clone(), Arc::clone(&own), pairwise.clone());
    let identity = Identity::new(TokenVerifier::new(trusted), pairwise).with_own(own);

    let secrets: Arc<dyn SecretSource> = match &city {
        Some(_) => Arc::new(DerivedSecrets::open(&store).await.map_err(StartError::other)?),
        None => Arc::new(GivenSecrets::load(config.paths.secrets.as_deref()).map_err(StartError::Findings)?),
    };
    // Identity providers are real wherever there are any, so their secrets are the operator's even where the city's are derived.
    let given = given(config.paths.secrets.as_deref()).map_err(StartError::Findings)?;
    let secrets_of: SecretsOf = Arc::new(move |id| Arc::new(Own::new(&given, &SystemId::new("identity", id))));
    let way = ProviderWay::new(Arc::clone(&clock)).map_err(StartError::other)?;
    let upstreams = Upstreams::new(sso.clone(), Arc::new(way), secrets_of, base);
    upstreams.put(&providers);
    let exchanges = match &city {
        Some(_) => {
            let folder = config.paths.data.join(EXCHANGES);
            let made = Exchanges::make(&folder, &snapshots.get().connectors).await;
            Some(made.map_err(StartError::other)?)
        }
        None => None,
    };
    let others = exchanges.as_ref().map(Exchanges::addresses).unwrap_or_default();
    let addresses: Arc<dyn AddressSource> = match &city {
        Some(base) => Arc::new(SimulatedUpstreams {
            base: base.clone(),
            snapshots: snapshots.clone(),
            exchanges: others.clone(),
        }),
        None => Arc::new(NamedUpstreams),
    };
    let addresses = Arc::new(RegisteredUpstreams {
        snapshots: snapshots.clone(),
        others: addresses,
    });
    let engine = Arc::new(engine(&snapshots, config.sandbox.seed, &clock, &cast)?);
    let showcase = Showcase::new(Arc::clone(&desk), config.sandbox.seed, Arc::clone(&engine));
    let showcase = Arc::new(showcase);
    let events = Arc::new(Events::new(store.clone(), Arc::clone(&clock), Arc::clone(&cast)));
    let inner = config.developer.inner_addresses;
    let sender = Sender::new(Arc::clone(&clock), inner).map_err(StartError::other)?;
    let verifications = Verifications::open(
        store.clone(),
        Arc::clone(&clock),
        sender.clone(),
        Arc::clone(&desk),
        inner,
    );
    let verifications = Arc::new(verifications.await.map_err(StartError::other)?);
    let webhooks = Webhooks::new(store.clone(), Arc::clone(&events), Arc::clone(&clock), sender.clone());
    let webhooks = Arc::new(webhooks);
    let deliverer = Deliverer::new(store.clone(), Arc::clone(&events), Arc::clone(&clock), sender);
    let worlds = Worlds::new(
        store.clone(),
        Arc::clone(&engine),
        Arc::clone(&clock),
        Arc::clone(&events),
    );
    let worlds = Arc::new(worlds);
    worlds.begin().await.map_err(StartError::other)?;
    let calls = Arc::new(CallLog::open(store.clone()).await.map_err(StartError::other)?);
    let behind = exchanges.map(|exchanges| {
        let city = || simulated_city(&snapshots, &engine, &secrets);
        let answering = city();
        Simulated {
            answerer: Arc::new(move |system, request| answering.answer(system, &request)),
            city: city(),
            exchanges,
        }
    });
    let outbound = Outbound::new(EgressPolicy::public()).map_err(StartError::other)?;
    let journal = Journal::open(&config.paths.data.join(TRAIL), JournalSettings::default());
    let journal = Arc::new(journal.map_err(StartError::other)?);
    let signing = Signing {
        secrets: Arc::clone(&secrets),
        tokens: signers,
        clock: Arc::clone(&clock),
    };
    let live = Arc::new(LiveUpstream::new(LiveParts {
        snapshots: snapshots.clone(),
        outbound: outbound.clone(),
        store: store.clone(),
        secrets: Arc::new(signing),
        addresses,
        clock: Arc::clone(&clock),
    }));
    live.restore().await;

    let admin_token = first::admin_token(&store, admin_token)
        .await
        .map_err(StartError::other)?;
    let mut first = match credentials {
        true => first::keys(&registry, &snapshots.get().policies.plans, now)
            .await
            .map_err(StartError::other)?,
        false => Credentials::default(),
    };
    if credentials {
        first.desk_tokens = first::people(&store, &desk, now).await.map_err(StartError::other)?;
    }
    if credentials && test_issuer.is_some() {
        first::consents(&store, &snapshots.get().catalog, &cast, now)
            .await
            .map_err(StartError::other)?;
    }
    if let Some(issuer) = &test_issuer {
        first.subject_tokens = first::tokens(issuer, &cast, now).map_err(StartError::other)?;
    }
    let back_channel = BackChannel {
        outbound: outbound.clone(),
        loopback: config.identity.test_issuer,
    };
    let gateway = Gateway::new(hub_gateway::Parts {
        snapshots: snapshots.clone(),
        clock: Arc::clone(&clock),
        authenticator: Arc::new(Doors {
            registry: Arc::clone(&registry),
            identity,
        }),
        personas: Arc::clone(&cast) as Arc<dyn hub_gateway::Personas>,
        store,
        secrets,
        trail: Arc::clone(&journal) as Arc<dyn hub_core::ports::TrailSink>,
        live: Arc::clone(&live) as Arc<dyn hub_gateway::Line>,
        sandbox: engine,
        described: Some(Arc::new(ShowcaseDoor(Arc::clone(&showcase)))),
        sign_ins: Some(Arc::new(PersonsSignIns {
            provider: sso.clone(),
            back_channel: back_channel.clone(),
        })),
        settings: Settings {
            base: listeners.base.clone(),
            file_cap: usize::try_from(config.listen.file_bytes).unwrap_or(usize::MAX),
            ..Settings::default()
        },
    });
    let simulated = city.iter().flat_map(|base| {
        let snapshot = snapshots.get();
        let each: Vec<_> = snapshot
            .connectors
            .keys()
            .map(|s| {
                let other = others.get(s).cloned();
                (s.to_string(), other.unwrap_or_else(|| address(base, s)))
            })
            .collect();
        each
    });
    let ready = Ready {
        base_url: listeners.base.clone(),
        admin_url: listeners.admin_base.clone(),
        client_key: first.client_key,
        sandbox_key: first.sandbox_key,
        admin_token: admin_token.clone(),
        subject_tokens: first.subject_tokens,
        desk_tokens: first.desk_tokens,
        default_persona: test_issuer.is_some().then(|| cast.personas().default_id().to_owned()),
        apps: BTreeMap::new(),
        simulated_systems: simulated.collect(),
    };
    let hub = Arc::new(Hub {
        base: listeners.base.clone(),
        admin_base: listeners.admin_base.clone(),
        metrics: Metrics::default(),
        trusted: config.trusted_proxies(),
        config,
        registry,
        desk,
        showcase,
        worlds,
        events,
        webhooks,
        verifications,
        calls,
        clock,
        outbound,
        back_channel,
        snapshots,
        cast,
        sso,
        staff,
        upstreams,
        admin_token,
        press: Press::default(),
        stopping: AtomicBool::new(false),
        editions: AtomicU64::new(1),
        reloading: tokio::sync::Mutex::new(()),
    });
    Ok(Parts {
        worker: Worker { hub, gateway },
        deliverer: Arc::new(deliverer),
        live,
        journal,
        ready,
        city: behind,
    })
}

/// The personas of the file, or those that are shipped where there is none.
fn personas(file: &std::path::Path) -> Result<Personas, StartError> {
    let read = if file.is_file() {
        Personas::load(file)
    } else {
        Personas::embedded()
    };
    read.map_err(StartError::other)
}

fn engine(snapshots: &Snapshots, seed: u64, clock: &Arc<dyn Clock>, cast: &Cast) -> Result<MockEngine, StartError> {
    let contracts = snapshots.clone();
    let source = Arc::new(move || Arc::clone(&contracts.get().catalog) as Arc<dyn Contracts>);
    let engine = MockEngine::new(source, seed, Arc::clone(clock)).map_err(StartError::other)?;
    Ok(engine.with_personas(Arc::new(cast.personas().clone())))
}

fn simulated_city(snapshots: &Snapshots, engine: &Arc<MockEngine>, secrets: &Arc<dyn SecretSource>) -> City {
    let (snapshots, secrets) = (snapshots.clone(), Arc::clone(secrets));
    City::new(
        Arc::new(move |system| snapshots.get().connectors.get(system).cloned()),
        Arc::clone(engine),
        Arc::new(move |system| Arc::new(Own::new(&secrets, system))),
    )
}
