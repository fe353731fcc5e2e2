//! What is registered comes into force: the catalog is made anew with it, beside what the folders hold, and only if it can be used.

use super::{Edition, Worker};
use crate::config::Paths;
use hub_core::time::Timestamp;
use hub_core::{Finding, Problem, ProblemCode, Severity, SystemId};
use hub_gateway::Registration;
use hub_registry::{Asked, Member, Plan, Published, RegistryError, Shelf, Step};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything a shelf has published, beside what stands in the folder of specs.
#[must_use]
pub fn published(paths: &Paths, shelf: &Shelf, now: Timestamp) -> Vec<Published> {
    shelf.published(now, &|system| in_folder(paths, system))
}

/// Whether a system stands in the folder of specs.
pub fn in_folder(paths: &Paths, system: &SystemId) -> bool {
    let file = |ending: &str| {
        paths
            .specs
            .join(&system.agency)
            .join(format!("{}.{ending}", system.system))
    };
    ["yaml", "yml", "json"].iter().any(|ending| file(ending).is_file())
}

/// Takes a step in the life of a version. Where it changes what is called, the catalog after it is made first; if it can't
/// be, the step is not taken.
///
/// # Errors
/// Why the step was not taken.
pub async fn take(worker: &Worker, by: &Member, id: &str, asked: &Asked) -> Result<(), Problem> {
    let hub = &worker.hub;
    let now = hub.clock.now();
    let _alone = hub.reloading.lock().await;
    let plan = hub.desk.plan(by, id, asked, now).await.map_err(refused)?;
    if !plan.moves_calls {
        return hub.desk.commit(plan).await.map_err(refused);
    }
    let edition = after(worker, &plan, now).await?;
    hub.desk.commit(plan).await.map_err(refused)?;
    put_in_force(worker, edition);
    if asked.step == Step::Approve
        && let Some(shown) = hub.desk.shelf().get(id)
        && let Err(error) = hub.desk.announce(shown, now).await
    {
        tracing::warn!(%error, version = id, "owners of clients were not told of a new version");
    }
    Ok(())
}

async fn after(worker: &Worker, plan: &Plan, now: Timestamp) -> Result<Edition, Problem> {
    let catalog = Arc::clone(&worker.gateway.snapshot().catalog);
    let all = plan.published(now, &|system| catalog.stands_in_folder(system));
    load(worker, all).await?.map_err(|findings| unfit(&findings))
}

async fn load(worker: &Worker, all: Vec<Published>) -> Result<Result<Edition, Vec<Finding>>, Problem> {
    let (paths, current) = (worker.hub.config.paths.clone(), worker.gateway.snapshot());
    let mut own = current.connectors.clone();
    own.retain(|system, _| !current.registered.contains_key(system));
    tokio::task::spawn_blocking(move || Edition::beside(&paths, &current.catalog, own, &all))
        .await
        .map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))
}

fn put_in_force(worker: &Worker, edition: Edition) {
    let version = worker.hub.next_edition();
    let services = edition.catalog.counts().services;
    worker.hub.upstreams.put(&edition.providers);
    worker.gateway.reload(edition.snapshot(version));
    tracing::info!(version, services, "another edition is in force");
}

/// Makes the catalog anew if what is published has changed: at another hub over the same store, or because an end has come.
/// An edition that cannot be used changes nothing, is told of, and is not tried again: `unusable` remembers it.
pub async fn republish(worker: &Worker, unusable: &mut BTreeMap<SystemId, Registration>) {
    let hub = &worker.hub;
    let now = hub.clock.now();
    let _alone = hub.reloading.lock().await;
    let catalog = Arc::clone(&worker.gateway.snapshot().catalog);
    let all = hub
        .desk
        .shelf()
        .published(now, &|system| catalog.stands_in_folder(system));
    let registered = super::registered::registrations(&all);
    if registered == worker.gateway.snapshot().registered || registered == *unusable {
        return;
    }
    match load(worker, all).await {
        Ok(Ok(edition)) => put_in_force(worker, edition),
        Ok(Err(findings)) => {
            for finding in findings.iter().filter(|f| f.severity == Severity::Error) {
                tracing::error!(finding = %finding, "what is published cannot be used");
            }
            *unusable = registered;
        }
        Err(problem) => tracing::error!(code = problem.code.as_str(), "the catalog was not made anew"),
    }
}

/// The version cannot stand in the catalog.
fn unfit(findings: &[Finding]) -> Problem {
    let errors: Vec<&Finding> = findings.iter().filter(|f| f.severity == Severity::Error).collect();
    let count = errors.len();
    let problem = Problem::new(ProblemCode::VersionNotReady)
        .detail(
            format!("目录无法收录该版本：{count} 处问题"),
            format!("the catalog cannot hold this version: {count} findings"),
        )
        .with("findings", json!(errors));
    match errors.first() {
        Some(first) => problem.at(
            format!("{}:{}:{}", first.file, first.line, first.column),
            first.message.clone(),
            first.got.clone().unwrap_or_default(),
        ),
        None => problem,
    }
}

#[allow(clippy::needless_pass_by_value)]
fn refused(error: RegistryError) -> Problem {
    error.problem()
}
