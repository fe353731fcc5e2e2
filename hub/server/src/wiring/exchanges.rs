//! The simulated city's databases and drop folders: real files, behind which the agencies' side reads and writes.

use hub_connectors::Connector;
use hub_core::SystemId;
use hub_core::transport::{FileRequest, SqlRequest};
use hub_outbound::{Carrier, SetupError};
use hub_sandbox::City;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use url::Url;

/// Between two looks. A look at a database that nobody has written to is a look at its files' dates.
const LOOK: Duration = Duration::from_millis(25);

/// Looks after which all is looked at, whatever the dates say.
const EVERY_SO_OFTEN: u64 = 40;
/// Files whose date is younger may change once more without showing it: dates are as coarse as the kernel's clock.
const SETTLED: Duration = Duration::from_millis(100);

/// Databases and folders by system.
pub struct Exchanges {
    carrier: Carrier,
    databases: BTreeMap<SystemId, PathBuf>,
    folders: BTreeMap<SystemId, PathBuf>,
    addresses: BTreeMap<SystemId, String>,
}

impl Exchanges {
    /// Makes what the systems need below a folder. Databases outlive a restart, as an agency's do.
    ///
    /// # Errors
    /// If the files cannot be made.
    pub async fn make(below: &Path, connectors: &BTreeMap<SystemId, Arc<Connector>>) -> Result<Self, SetupError> {
        let failed = |e: std::io::Error| SetupError::Client(e.to_string());
        let below = std::path::absolute(below).map_err(failed)?;
        let mut made = Self {
            carrier: Carrier::default(),
            databases: BTreeMap::new(),
            folders: BTreeMap::new(),
            addresses: BTreeMap::new(),
        };
        for (system, connector) in connectors {
            let tables = connector.tables();
            let name = format!("{}-{}", system.agency, system.system);
            if !tables.is_empty() {
                std::fs::create_dir_all(&below).map_err(failed)?;
                // Other tables, another file: nothing has to be changed in one that is there.
                let shape = hub_crypto::digest(hub_crypto::Digest::Sha256, format!("{tables:?}").as_bytes());
                let shape = hub_crypto::hex(shape.get(..4).unwrap_or_default());
                let file = below.join(format!("{name}-{shape}.db"));
                let url = made.carrier.make_database(&file, &tables).await?;
                made.addresses.insert(system.clone(), url.into());
                made.databases.insert(system.clone(), file);
            } else if connector.drops_files() {
                let folder = below.join(name);
                drop(std::fs::remove_dir_all(&folder));
                std::fs::create_dir_all(&folder).map_err(failed)?;
                let url = Url::from_directory_path(&folder);
                let url = url.map_err(|()| SetupError::Client("no absolute path".to_owned()))?;
                made.addresses.insert(system.clone(), url.into());
                made.folders.insert(system.clone(), folder);
            }
        }
        Ok(made)
    }

    /// Where the systems stand that are reached by no HTTP.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<SystemId, String> {
        self.addresses.clone()
    }

    /// Publishes what is published, then answers until it is dropped.
    pub async fn run(self, city: City) {
        for (system, folder) in &self.folders {
            self.publish(&city, system, folder).await;
        }
        let mut seen: BTreeMap<&SystemId, Seen> = BTreeMap::new();
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for number in 0_u64.. {
            looks.tick().await;
            if number % EVERY_SO_OFTEN == 0 {
                seen.clear();
            }
            for (system, file) in &self.databases {
                let now = Seen::at(file);
                // A look that failed, because the other side was just writing, is made again.
                if seen.get(system) != Some(&now) && self.take_rows(&city, system, file).await && now.is_settled() {
                    seen.insert(system, now);
                }
            }
            for (system, folder) in &self.folders {
                self.take_files(&city, system, folder).await;
            }
        }
    }

    async fn publish(&self, city: &City, system: &SystemId, folder: &Path) {
        let writes = city.lend(system, Connector::published).unwrap_or_default();
        let request = FileRequest {
            writes,
            ..FileRequest::default()
        };
        if let Err(error) = self.carrier.files(folder.to_owned(), request).await {
            tracing::warn!(system = %system, %error, "a simulated system cannot publish its files");
        }
    }

    async fn take_rows(&self, city: &City, system: &SystemId, file: &Path) -> bool {
        let waiting = city.lend(system, |c, _, _| c.waiting()).unwrap_or_default();
        let request = reading(waiting.clone());
        let Ok(found) = self.carrier.rows(file, &request).await else {
            return false;
        };
        let mut done = true;
        for (select, rows) in waiting.iter().zip(found.found) {
            for row in rows {
                let lists = city
                    .lend(system, |c, _, _| c.lists_of(&select.table, &row))
                    .unwrap_or_default();
                let Ok(lists) = self.carrier.rows(file, &reading(lists)).await else {
                    done = false;
                    continue;
                };
                let taken = city.lend(system, |connector, context, handler| {
                    connector.take_row(&select.table, &row, &lists.found, context, handler)
                });
                let Some(taken) = taken else { continue };
                if let Err(error) = self.carrier.rows(file, &taken).await {
                    tracing::warn!(system = %system, %error, "a simulated system cannot answer a row");
                    done = false;
                }
            }
        }
        done
    }

    async fn take_files(&self, city: &City, system: &SystemId, folder: &Path) {
        for look in city.lend(system, |c, _, _| c.request_files()).unwrap_or_default() {
            let request = FileRequest {
                look: Some(look.clone()),
                ..FileRequest::default()
            };
            let Ok(found) = self.carrier.files(folder.to_owned(), request).await else {
                continue;
            };
            for file in found.files {
                let path = match look.folder.as_str() {
                    "" => file.name.clone(),
                    below => format!("{below}/{}", file.name),
                };
                let writes = city.lend(system, |connector, context, handler| {
                    connector.take_file(&path, &file.bytes, context, handler)
                });
                let request = FileRequest {
                    writes: writes.unwrap_or_default(),
                    ..FileRequest::default()
                };
                if let Err(error) = self.carrier.files(folder.to_owned(), request).await {
                    tracing::warn!(system = %system, %error, "a simulated system cannot answer a file");
                }
                // Dealt with: it and its marker go, as agencies clear their folders.
                for name in [path.clone(), format!("{path}{}", look.marker)] {
                    drop(std::fs::remove_file(folder.join(name)));
                }
            }
        }
    }
}

fn reading(reads: Vec<hub_core::transport::SqlSelect>) -> SqlRequest {
    SqlRequest {
        reads,
        ..SqlRequest::default()
    }
}

/// What a database's files look like: they change when it is written to.
#[derive(Debug, PartialEq, Eq)]
struct Seen([Option<(SystemTime, u64)>; 2]);

impl Seen {
    fn at(file: &Path) -> Self {
        let mut log = file.as_os_str().to_owned();
        log.push("-wal");
        let look = |path: &Path| {
            let seen = std::fs::metadata(path).ok()?;
            Some((seen.modified().ok()?, seen.len()))
        };
        Self([look(file), look(Path::new(&log))])
    }

    fn is_settled(&self) -> bool {
        let dates = self.0.iter().flatten().map(|(date, _)| date);
        dates
            .max()
            .is_none_or(|date| date.elapsed().is_ok_and(|age| age >= SETTLED))
    }
}
