//! Watches the trail for what concerns subjects, and the store for what other hubs over it published or revoked, for ends that
//! have come, and whom that concerns.

use crate::hub::{Worker, republish};
use hub_gateway::Keeper;
use hub_registry::RegistryError;
use std::collections::BTreeMap;
use std::time::Duration;

/// Between two looks: what is published at one hub is called at the others within a second.
const LOOK: Duration = Duration::from_millis(400);
/// Looks between two times at which ends are looked for and owners of clients are told.
const SELDOM: u32 = 5;

/// Between two times at which worlds of the sandbox are looked after.
const UPKEEP: Duration = Duration::from_secs(900);

/// Looks again and again.
pub async fn run(worker: Worker, keeper: Keeper) {
    // What was taken back must not wait for the account of who used what, which takes the longer the more is called.
    tokio::join!(hear(worker.clone()), look(worker, keeper));
}

/// Hears of what people and operators took back at other hubs.
async fn hear(worker: Worker) {
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        look.tick().await;
        if let Err(error) = worker.hub.sso.refresh(worker.hub.clock.now()).await {
            tracing::warn!(%error, "what other hubs revoked could not be read");
        }
        if let Err(error) = worker.gateway.refresh_rights().await {
            tracing::warn!(%error, "what people took back at other hubs could not be read");
        }
    }
}

async fn look(worker: Worker, keeper: Keeper) {
    let mut unusable = BTreeMap::new();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut looks = 0_u32;
    let mut upkeep = None;
    loop {
        look.tick().await;
        looks = looks.wrapping_add(1);
        if let Err(error) = keeper.keep().await {
            tracing::warn!(%error, "what the trail tells of could not be kept");
        }
        if let Err(error) = worker.gateway.keep_sent().await {
            tracing::warn!(%error, "what clients send could not be kept");
        }
        worker.hub.worlds.engine().pass_due();
        worker.hub.worlds.write_all().await;
        if looks.is_multiple_of(SELDOM)
            && let Err(error) = worker.hub.worlds.wake().await
        {
            tracing::warn!(%error, "worlds in which something is due could not be woken");
        }
        let now = std::time::Instant::now();
        if upkeep.is_none_or(|last: std::time::Instant| now.duration_since(last) > UPKEEP) {
            upkeep = Some(now);
            if let Err(error) = worker.hub.calls.upkeep(worker.hub.clock.now()).await {
                tracing::warn!(%error, "old lines of the log of calls could not be forgotten");
            }
            if let Err(error) = worker.hub.events.upkeep(worker.hub.clock.now()).await {
                tracing::warn!(%error, "old events could not be forgotten");
            }
            if let Err(error) = worker.hub.worlds.upkeep().await {
                tracing::warn!(%error, "worlds of the sandbox could not be looked after");
            }
        }
        if let Err(error) = worker.hub.desk.refresh().await {
            tracing::warn!(%error, "the registry could not be read");
            continue;
        }
        republish(&worker, &mut unusable).await;
        if looks.is_multiple_of(SELDOM)
            && let Err(error) = tell(&worker).await
        {
            tracing::warn!(%error, "owners of clients could not be told");
        }
    }
}

async fn tell(worker: &Worker) -> Result<(), RegistryError> {
    let (desk, now) = (&worker.hub.desk, worker.hub.clock.now());
    desk.retire_ended(now).await?;
    let told = desk.tell(now).await?;
    if told > 0 {
        tracing::info!(told, "owners of clients were told of what comes");
    }
    Ok(())
}
