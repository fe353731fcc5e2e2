//! Three commands for a newcomer, made from the contracts.

use crate::portal;
use crate::wiring::Running;
use hub_core::{Assurance, Effect, Operation};
use std::sync::Arc;

/// A live read for anybody, a read for a signed-in person, and the sandbox, as far as the city has them.
pub fn three(running: &Running) -> Vec<String> {
    let (hub, ready) = (running.hub(), &running.ready);
    let catalog = hub.catalog();
    let live = |o: &&Arc<Operation>| {
        let service = o.service.as_deref().and_then(|s| catalog.service(s));
        service.is_some_and(|s| hub.not_connected(s).is_none())
    };
    let simple = |o: &&Arc<Operation>| o.effect == Effect::None && o.examples.iter().any(|e| e.input.is_some());
    let reads = || catalog.operations().iter().filter(simple);
    let open = reads()
        .filter(live)
        .find(|o| o.assurance == Assurance::R0 && o.method == "GET");
    let personal = reads()
        .filter(live)
        .find(|o| o.assurance == Assurance::R2 && !o.bound.is_empty());
    let mut tries = Vec::new();
    if let (Some(operation), Some(key)) = (open, &ready.client_key) {
        tries.push(portal::curl(
            operation,
            &ready.base_url,
            "/gateway",
            &[("X-Api-Key", key)],
        ));
    }
    if let Some(operation) = personal {
        tries.push(format!("hub call {}", operation.id));
    }
    if let Some(operation) = reads()
        .find(|o| o.assurance > Assurance::R0)
        .or_else(|| catalog.operations().first())
    {
        tries.push(portal::curl(operation, &ready.base_url, "/sandbox", &[]));
    }
    tries
}
