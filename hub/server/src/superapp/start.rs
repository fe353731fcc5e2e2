//! Starting the apps: an address, a key, a registration each.

use super::file::AppFile;
use super::visit::Visits;
use super::wire::Wire;
use super::{App, SCOPE, doors};
use crate::hub::Hub;
use actix_web::dev::ServerHandle;
use actix_web::{HttpServer, web};
use hub_core::Environment;
use hub_identity::sso::Provider;
use hub_outbound::{BreakerSettings, EgressPolicy, Outbound};
use hub_registry::NewClient;
use hub_store::Store;
use serde_json::json;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;
use url::Url;

/// Tenant of the apps.
const TENANT: &str = "apps";

/// Largest answer of the hub, in bytes.
const ANSWER: usize = 16 << 20;

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Apps that run.
pub struct Apps {
    /// Their addresses, by id.
    pub addresses: BTreeMap<String, String>,
    handles: Vec<ServerHandle>,
}

impl Apps {
    /// Shuts them.
    pub async fn stop(self) {
        for handle in self.handles {
            handle.stop(true).await;
        }
    }
}

/// Starts every app on loopback: on the ports behind the hub's where they are free, else on any.
///
/// # Errors
/// If an address, a key or a registration cannot be had.
pub async fn start(
    hub: &Arc<Hub>,
    store: &Store,
    plan: &str,
    files: BTreeMap<String, AppFile>,
) -> Result<Apps, Failed> {
    let first = hub.config.listen.address.port();
    let mut listeners = BTreeMap::new();
    for (offset, (id, file)) in (1_u16..).zip(files) {
        listeners.insert(id, (bind(first, offset)?, file));
    }
    let address = |listener: &TcpListener| listener.local_addr().map(|a| format!("http://{a}"));
    let mut addresses = BTreeMap::new();
    for (id, (listener, _)) in &listeners {
        addresses.insert(id.clone(), address(listener)?);
    }
    let names: BTreeMap<_, _> = listeners
        .iter()
        .map(|(id, (_, f))| (id.clone(), f.name.clone()))
        .collect();
    hub.registry.put_tenant(TENANT, "Demo apps", hub.clock.now()).await?;
    let mut handles = Vec::new();
    for (id, (listener, file)) in listeners {
        let base = addresses.get(&id).cloned().unwrap_or_default();
        let wire = wire(hub, store, plan, &id, &file, &base).await?;
        let app = Arc::new(App {
            id,
            file,
            base,
            others: addresses.clone(),
            names: names.clone(),
            hub: Arc::clone(hub),
            wire,
            visits: Visits::default(),
        });
        let server = HttpServer::new(move || {
            actix_web::App::new()
                .app_data(web::Data::from(Arc::clone(&app)))
                .configure(doors::configure)
        });
        let server = server.workers(1).disable_signals().listen(listener)?.run();
        handles.push(server.handle());
        tokio::spawn(server);
    }
    Ok(Apps { addresses, handles })
}

fn bind(first: u16, offset: u16) -> std::io::Result<TcpListener> {
    let wanted = first.checked_add(offset).filter(|_| first != 0);
    match wanted.map(|port| TcpListener::bind(("127.0.0.1", port))) {
        Some(Ok(listener)) => Ok(listener),
        _ => TcpListener::bind(("127.0.0.1", 0)),
    }
}

/// The way to the hub. Key and secret are made at the first start and kept; the registration follows the address.
async fn wire(hub: &Hub, store: &Store, plan: &str, id: &str, file: &AppFile, base: &str) -> Result<Wire, Failed> {
    let client = format!("{TENANT}-{id}");
    let fresh = super::visit::fresh();
    let secret = store
        .secrets()
        .get_or_keep(&format!("apps.{id}.secret"), fresh.as_bytes())
        .await?;
    let secret = String::from_utf8(secret)?;
    let registration = json!({
        "client_id": client, "client_name": file.name.zh, "client_name#en": file.name.en, "scope": SCOPE,
        "redirect_uris": [format!("{base}/arrive")], "post_logout_redirect_uris": [format!("{base}/")],
    });
    let sso: &Provider = &hub.sso;
    sso.keep(&registration, &secret, hub.clock.now()).await?;
    let new = NewClient {
        id: Some(client.clone()),
        tenant: TENANT.to_owned(),
        name: file.name.zh.clone(),
        plan: plan.to_owned(),
        environment: Environment::Live,
        origins: Vec::new(),
    };
    // The hub says 503 for an agency that is away; it is not away itself.
    let breaker = BreakerSettings {
        statuses: Vec::new(),
        ..BreakerSettings::default()
    };
    Ok(Wire {
        outbound: Outbound::with(EgressPolicy::public(), breaker, ANSWER, Arc::clone(&hub.clock))?,
        hub: Url::parse(&hub.base)?,
        key: hub
            .registry
            .kept_key(&format!("{client}.key"), new, hub.clock.now())
            .await?,
        client,
        secret,
    })
}
