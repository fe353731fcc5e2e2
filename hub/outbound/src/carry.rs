//! Carrying a step by its transport, under the same limits whatever it is.

use crate::breaker::Outcome;
use crate::database::Database;
use crate::failed::{Failed, Left};
use crate::folder::Folder;
use crate::link::Databases;
use crate::outbound::Outbound;
use crate::sftp::Server;
use crate::shelf;
use crate::upstream::{Entry, Visit};
use crate::{SendEffect, SendError, SendErrorKind, SetupError, Target};
use hub_core::transport::{FileAnswer, FileRequest, SqlAnswer, SqlRequest, SqlTable};
use hub_core::{Effect, Outgoing, Returned};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// Bytes of the files of one exchange with a folder of our own.
const LARGEST: usize = 16 << 20;

impl Outbound {
    /// Makes one attempt by the transport that the step asks for, on a tenant's turn.
    ///
    /// # Errors
    /// As [`Outbound::send_for`]; also where the address is not one of that transport.
    pub async fn carry(
        &self,
        tenant: &str,
        target: &Target,
        outgoing: Outgoing,
        deadline: Instant,
        effect: Effect,
    ) -> Result<Returned, SendError> {
        let left = Left::default();
        match outgoing {
            Outgoing::Http(request) => {
                let sent = self.send_for(tenant, target, request, deadline, effect).await;
                sent.map(Returned::Http)
            }
            Outgoing::Sql(request) => {
                let database = Database::of(target, &self.shared.policy, request.login.as_ref()).await?;
                let work = self
                    .databases
                    .exchange(&database, &request, self.shared.body_cap, &left);
                let answer = self
                    .within(&self.visit(tenant, target, deadline), target, effect, &left, work)
                    .await?;
                Ok(Returned::Sql(answer))
            }
            Outgoing::File(request) => {
                let visit = self.visit(tenant, target, deadline);
                let cap = self.shared.body_cap;
                let answer = if target.base.scheme() == "sftp" {
                    let server = Server::of(target, &self.shared.policy, request.login.as_ref()).await?;
                    let work = self.servers.exchange(server, &request, cap, &left);
                    self.within(&visit, target, effect, &left, work).await?
                } else {
                    let mut folder = folder_of(target)?;
                    let work = shelf::exchange(&mut folder, &request, cap, &left);
                    self.within(&visit, target, effect, &left, work).await?
                };
                Ok(Returned::File(answer))
            }
        }
    }

    /// Under the upstream's breaker and budget. An exchange counts once, however often it looks for its answer.
    async fn within<T>(
        &self,
        visit: &Visit<'_>,
        target: &Target,
        effect: Effect,
        left: &Left,
        work: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, SendError> {
        let upstream = self.upstream(&target.system);
        if let Some(retry_after) = upstream.denied.left(Instant::now()) {
            return Err(SendError::unsent(SendErrorKind::Denied { retry_after })
                .because("its last logins were refused; the next one waits"));
        }
        let Entry { pass, place } = upstream.enter(visit).await?;
        let deadline = visit.deadline;
        let whole = Instant::now() + Duration::from_millis(target.timeout_ms);
        let timeout = || (SendErrorKind::Timeout, "no answer came in time".to_owned());
        let result = timeout_at(whole.min(deadline), work)
            .await
            .unwrap_or_else(|_| Err(timeout()));
        let outcome = match &result {
            Ok(_) => Outcome::Good,
            Err((SendErrorKind::Timeout, _)) if deadline < whole => Outcome::Neutral,
            Err((SendErrorKind::TooLarge, _)) => Outcome::Good,
            Err((SendErrorKind::Address | SendErrorKind::Denied { .. }, _)) => Outcome::Neutral,
            Err(_) => Outcome::Bad,
        };
        pass.settle(outcome, Instant::now());
        drop(place);
        if result.is_ok() {
            upstream.denied.taken();
        }
        result.map_err(|(kind, detail)| {
            let kind = match kind {
                SendErrorKind::Denied { .. } => SendErrorKind::Denied {
                    retry_after: upstream.denied.refused(Instant::now()),
                },
                other => other,
            };
            let unknown = effect != Effect::None && left.is_set();
            SendError {
                effect: if unknown { SendEffect::Unknown } else { SendEffect::None },
                kind,
                detail: Some(detail),
            }
        })
    }
}

/// The folder of a target. Only an operator names folders of the hub's own machine.
fn folder_of(target: &Target) -> Result<Folder, SendError> {
    let refused = |why: &str| SendError::unsent(SendErrorKind::Address).because(why);
    if target.base.scheme() != "file" || !target.trusted_loopback {
        return Err(refused("the address is no folder that an operator has named"));
    }
    let path = target
        .base
        .to_file_path()
        .map_err(|()| refused("the folder has no path"))?;
    Ok(Folder::at(path))
}

/// The same exchanges without limits, for those who stand on the other side: the simulated city's hosts.
#[derive(Clone)]
pub struct Carrier {
    databases: Arc<Databases>,
}

impl Default for Carrier {
    fn default() -> Self {
        // Files need no certificates.
        let databases = Databases::new(Arc::new(rustls::RootCertStore::empty()));
        Self {
            databases: Arc::new(databases),
        }
    }
}

impl Carrier {
    /// Makes an SQLite file with these tables, and says its address.
    ///
    /// # Errors
    /// If it cannot be made.
    pub async fn make_database(&self, file: &Path, tables: &[SqlTable]) -> Result<Url, SetupError> {
        Database::make(file, tables)
            .await
            .map_err(|(_, words)| SetupError::Client(words))?;
        let url = Url::from_file_path(file).map_err(|()| SetupError::Client("no absolute path".to_owned()))?;
        Url::parse(&url.as_str().replacen("file:", "sqlite:", 1)).map_err(|e| SetupError::Client(e.to_string()))
    }

    /// One exchange with an SQLite file.
    ///
    /// # Errors
    /// In words without values.
    pub async fn rows(&self, file: &Path, request: &SqlRequest) -> Result<SqlAnswer, SendErrorKind> {
        let database = Database::file(file.to_owned());
        let left = Left::default();
        let work = self.databases.exchange(&database, request, usize::MAX, &left);
        work.await.map_err(|(kind, _)| kind)
    }

    /// One exchange with a folder.
    ///
    /// # Errors
    /// In words without values.
    pub async fn files(&self, folder: PathBuf, request: FileRequest) -> Result<FileAnswer, SendErrorKind> {
        let work = async { shelf::exchange(&mut Folder::at(folder), &request, LARGEST, &Left::default()).await };
        work.await.map_err(|(kind, _)| kind)
    }
}
