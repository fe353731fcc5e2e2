//! Starting a hub and stopping it.

use super::listen::{Listeners, Served, serve};
use super::parts::{Parts, build};
use super::ready::{RUNNING, Ready};
use super::simulated::SimulatedCity;
use crate::config::{Config, Paths};
use crate::hub::{Edition, published};
use crate::hub::{Hub, Worker};
use crate::superapp::{self, Apps};
use hub_catalog::lint::RuleSet;
use hub_core::Finding;
use hub_core::time::Timestamp;
use hub_gateway::{Jobs, Journal, Keeper};
use hub_registry::Desk;
use hub_store::Store;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Folder of the trail in the data folder.
pub const TRAIL: &str = "trail";
/// Folder of the rules for descriptions in the folder of policies.
const RULES: &str = "rules";
/// File that keeps a second hub from the data folder.
const LOCK: &str = "lock";

/// What to start.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Config.
    pub config: Config,
    /// Whether the simulated city stands behind it.
    pub simulated: bool,
    /// Whether first credentials are made.
    pub credentials: bool,
    /// Whether the demo super-app is started, with its modules.
    pub apps: bool,
    /// Operators' token; made if missing.
    pub admin_token: Option<String>,
    /// Master key of the store, 64 hexadecimal digits; from the data folder if missing.
    pub master_key: Option<String>,
}

/// Why a hub did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Folders or config cannot be used.
    #[error("{} findings", .0.len())]
    Findings(Vec<Finding>),
    /// Something else, in words.
    #[error("{0}")]
    Other(String),
}

impl StartError {
    /// From anything with words.
    pub fn other(error: impl std::fmt::Display) -> Self {
        Self::Other(error.to_string())
    }
}

/// A running hub.
pub struct Running {
    /// Addresses and credentials.
    pub ready: Ready,
    worker: Worker,
    served: Served,
    apps: Apps,
    exchanges: Option<AbortHandle>,
    watch: AbortHandle,
    log: AbortHandle,
    stop_jobs: watch::Sender<bool>,
    jobs: tokio::task::JoinHandle<()>,
    deliveries: tokio::task::JoinHandle<()>,
    journal: Arc<Journal>,
    store: Store,
    data: std::path::PathBuf,
    // Held as long as the hub runs; the system lets it go with the process.
    _lock: File,
}

impl Running {
    /// Starts a hub. When this returns it answers.
    ///
    /// # Errors
    /// Why it cannot.
    pub async fn start(plan: Plan) -> Result<Self, StartError> {
        let paths = plan.config.paths.clone();
        let read = paths.clone();
        let edition = tokio::task::spawn_blocking(move || Edition::load(&read, &[]))
            .await
            .map_err(StartError::other)?;
        let edition = edition.map_err(StartError::Findings)?;
        for note in &edition.notes {
            tracing::debug!(finding = %note, "note");
        }
        let key = plan.master_key.as_deref();
        let store = match &plan.config.store.url {
            Some(url) => Store::open_url(url.show(), &paths.data, key).await,
            None => Store::open(&paths.data, key).await,
        };
        let store = store.map_err(StartError::other)?;
        let lock = lock(&paths.data)?;
        let rules = rules(&paths.policies.join(RULES))?;
        let desk = Arc::new(Desk::load(store.clone(), rules).await.map_err(StartError::other)?);
        let edition = with_registered(edition, &desk, &paths).await?;
        // This folder is ours alone from here on, so whoever delivered under its name has died.
        let left = store
            .submissions()
            .take_over(Timestamp::now())
            .await
            .map_err(StartError::other)?;
        if left > 0 {
            tracing::warn!(
                left,
                "submissions were under way when this hub died; what became of them is found out"
            );
        }
        let apps = match plan.apps {
            true => superapp::read(&paths.policies).map_err(StartError::Findings)?,
            false => BTreeMap::new(),
        };
        let listeners = Listeners::bind(&plan.config.listen).map_err(StartError::other)?;
        let city = if plan.simulated {
            Some(SimulatedCity::bind().map_err(StartError::other)?)
        } else {
            None
        };
        let parts = build(
            plan,
            edition,
            store.clone(),
            Arc::clone(&desk),
            &listeners,
            city.as_ref().map(|c| c.base.clone()),
        )
        .await?;
        let Parts {
            worker,
            live,
            deliverer,
            journal,
            mut ready,
            city: behind,
        } = parts;

        let mut exchanges = None;
        let simulated = match city.zip(behind) {
            Some((listener, behind)) => {
                exchanges = Some(tokio::spawn(behind.exchanges.run(behind.city)).abort_handle());
                Some(listener.start(behind.answerer).map_err(StartError::other)?)
            }
            None => None,
        };
        let served = serve(listeners, &worker, &live, simulated).map_err(StartError::other)?;
        let (stop_jobs, stop) = watch::channel(false);
        let jobs = tokio::spawn(Jobs::new(worker.gateway.clone()).run(stop.clone()));
        let deliveries = tokio::spawn(deliverer.run(stop));
        let keeper = Keeper::new(store.clone(), paths.data.join(TRAIL));
        let log = tokio::spawn(Arc::clone(&worker.hub.calls).run()).abort_handle();
        let watch = tokio::spawn(super::watch::run(worker.clone(), keeper)).abort_handle();
        let snapshot = worker.hub.snapshots.get();
        let plan = super::first::plan(&snapshot.policies.plans);
        let apps = superapp::start(&worker.hub, &store, plan, apps)
            .await
            .map_err(StartError::other)?;
        ready.apps.clone_from(&apps.addresses);
        ready.write(&paths.data.join(RUNNING)).map_err(StartError::other)?;
        tracing::info!(address = %ready.base_url, services = worker.hub.catalog().counts().services, "the hub answers");
        Ok(Self {
            ready,
            worker,
            served,
            apps,
            exchanges,
            watch,
            log,
            stop_jobs,
            jobs,
            deliveries,
            journal,
            store,
            data: paths.data,
            _lock: lock,
        })
    }

    /// The hub, for tests.
    #[must_use]
    pub fn hub(&self) -> &Arc<Hub> {
        &self.worker.hub
    }

    /// Waits for Ctrl-C or SIGTERM.
    pub async fn until_told(&self) {
        super::mock::signalled().await;
    }

    /// Stops: no new calls, those under way end, what is being delivered is delivered, everything is on disk.
    pub async fn stop(self) {
        self.worker.hub.stopping.store(true, Ordering::Relaxed);
        self.worker.hub.verifications.stop();
        let patience = Duration::from_secs(self.worker.hub.config.listen.shutdown_seconds);
        self.apps.stop().await;
        self.served.stop_doors().await;
        let settled = tokio::time::timeout(patience, self.worker.gateway.settle()).await;
        if settled.is_err() {
            tracing::warn!("calls were still under way after the longest wait; their submissions are kept");
        }
        // The timers hear of it between two deliveries.
        let _told = self.stop_jobs.send(true);
        drop(tokio::time::timeout(patience, self.jobs).await);
        drop(tokio::time::timeout(patience, self.deliveries).await);
        self.served.stop_city().await;
        self.exchanges.into_iter().for_each(|e| e.abort());
        self.watch.abort();
        self.log.abort();
        if let Err(error) = self.worker.hub.calls.flush().await {
            tracing::warn!(%error, "the log of calls could not be written");
        }
        self.worker.hub.worlds.write_all().await;
        let journal = Arc::clone(&self.journal);
        drop(tokio::task::spawn_blocking(move || journal.close()).await);
        self.store.close().await;
        drop(std::fs::remove_file(self.data.join(RUNNING)));
        tracing::info!("the hub has stopped");
    }
}

/// The rules of the city, or those that come with the hub where it has none.
fn rules(folder: &Path) -> Result<RuleSet, StartError> {
    let mut files = BTreeMap::new();
    let entries = folder.read_dir().into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if ["yaml", "yml", "json"].contains(&ending) {
            let bytes = std::fs::read(&path).map_err(|e| StartError::Other(format!("{}: {e}", path.display())))?;
            files.insert(path.display().to_string(), bytes);
        }
    }
    let read = if files.is_empty() {
        RuleSet::standard()
    } else {
        RuleSet::read(&files)
    };
    read.map_err(StartError::Findings)
}

/// The edition with what the registry has published. What cannot be used any more is told of and left out whole: a hub that
/// does not start helps nobody.
async fn with_registered(edition: Edition, desk: &Desk, paths: &Paths) -> Result<Edition, StartError> {
    let all = published(paths, &desk.shelf(), Timestamp::now());
    if all.is_empty() {
        return Ok(edition);
    }
    let (paths, catalog, own) = (paths.clone(), Arc::clone(&edition.catalog), edition.connectors.clone());
    let read = tokio::task::spawn_blocking(move || Edition::beside(&paths, &catalog, own, &all)).await;
    match read.map_err(StartError::other)? {
        Ok(whole) => Ok(whole),
        Err(findings) => {
            for finding in &findings {
                tracing::error!(finding = %finding, "what is published cannot be used");
            }
            Ok(edition)
        }
    }
}

/// Takes the data folder for this process alone: two writers would break the chain of the trail.
fn lock(data: &Path) -> Result<File, StartError> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(data.join(LOCK))
        .map_err(StartError::other)?;
    file.try_lock().map_err(|_| {
        StartError::Other(format!(
            "another hub runs over {}; stop it or name another --data-dir",
            data.display()
        ))
    })?;
    Ok(file)
}
