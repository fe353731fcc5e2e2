//! Daily budgets of upstreams survive a restart: an agency that allows 5,000 calls a day counts on through ours.

use hub_core::SystemId;
use hub_outbound::{DailyUse, Outbound};
use hub_store::Store;
use serde::{Deserialize, Serialize};

/// Where they are kept.
const NAME: &str = "outbound.daily-use";

#[derive(Serialize, Deserialize)]
struct Used {
    system: SystemId,
    day: String,
    used: u64,
}

/// Writes down how much of every daily budget is used.
pub(super) async fn keep(store: &Store, outbound: &Outbound) {
    let all: Vec<Used> = outbound
        .daily_use()
        .into_iter()
        .map(|DailyUse { system, day, used }| Used { system, day, used })
        .collect();
    if all.is_empty() {
        return;
    }
    let text = serde_json::to_string(&all).unwrap_or_default();
    if let Err(error) = store.meta().put(NAME, &text).await {
        tracing::error!(error = %error, "the used daily budgets could not be kept");
    }
}

/// Takes up what was written down.
pub(super) async fn restore(store: &Store, outbound: &Outbound) {
    let text = match store.meta().get(NAME).await {
        Ok(text) => text.unwrap_or_default(),
        Err(error) => {
            tracing::error!(error = %error, "the used daily budgets could not be read");
            return;
        }
    };
    let all: Vec<Used> = serde_json::from_str(&text).unwrap_or_default();
    let all: Vec<DailyUse> = all
        .into_iter()
        .map(|Used { system, day, used }| DailyUse { system, day, used })
        .collect();
    outbound.restore_daily_use(&all);
}
