//! Who used what of a subject, in plain words.

use crate::replay::unavailable;
use crate::setting::Setting;
use hub_core::Problem;
use hub_core::time::rfc3339;
use hub_store::Disclosure;
use serde_json::{Value, json};

/// Uses in plain words.
pub(crate) async fn disclosed(at: &Setting<'_>, uses: &[Disclosure]) -> Result<Vec<Value>, Problem> {
    let clients = at.core.store.clients().clients().await.map_err(unavailable)?;
    Ok(uses
        .iter()
        .map(|one| {
            let name = clients.iter().find(|c| c.id == one.client).map(|c| c.name.as_str());
            let operation = at.catalog().operation(&one.operation);
            let service = operation.and_then(|o| at.catalog().service(o.service.as_deref()?));
            let agency = operation.and_then(|o| at.catalog().agency(&o.system.agency));
            let outcome = match (one.status, one.reached) {
                (..=399, _) => "answered",
                (_, true) => "failed",
                (_, false) => "refused",
            };
            json!({
                "at": rfc3339(one.at), "request_id": one.request_id,
                "who": {"client": one.client, "name": name},
                "what": {"operation": one.operation, "service": service.map(|s| &s.name), "agency": agency.map(|a| &a.name),
                         "fields": one.fields},
                "why": operation.and_then(|o| o.basis.clone()), "acting_for": one.principal, "by_agent": one.agent.is_some(),
                "outcome": outcome, "status": one.status, "problem": one.problem,
            })
        })
        .collect())
}
