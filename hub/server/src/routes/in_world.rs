//! One call in the world of the sandbox it is meant for.

use super::{Ask, worlds};
use crate::hub::Chosen;
use hub_catalog::Resolution;
use hub_core::{Effect, Inbound, Problem, ProblemCode, Reply};
use hub_gateway::Door;
use hub_store::Rights;

/// The world a call was meant for, and what came of it.
pub(super) async fn called(ask: &Ask, mut inbound: Inbound) -> (String, Result<Reply, Problem>) {
    let hub = &ask.worker.hub;
    let named = inbound.header("hub-world").map(str::to_owned);
    let chosen = match worlds::choose(ask, named.as_deref()).await {
        Ok(chosen) => chosen,
        Err(problem) => {
            // Nobody finds out names for nothing.
            let knocked = ask.worker.gateway.knock_at(ask.peer);
            return ("none".to_owned(), Err(knocked.err().unwrap_or(problem)));
        }
    };
    if let Err(problem) = may(ask, &inbound, &chosen) {
        return (chosen.world, Err(problem));
    }
    // From here on it has one name, and no token travels on.
    inbound
        .headers
        .retain(|(name, _)| !name.eq_ignore_ascii_case("hub-world"));
    inbound.headers.push(("hub-world".to_owned(), chosen.world.clone()));
    let reply = ask.worker.gateway.run(inbound, Door::Sandbox).await;
    if chosen.is_own()
        && let Err(problem) = hub.worlds.write(&chosen.world).await
    {
        tracing::warn!(
            inner = problem.inner.as_deref(),
            "a world of the sandbox could not be written down"
        );
    }
    (chosen.world, Ok(reply))
}

/// Whoever may only look calls nothing that has an effect.
fn may(ask: &Ask, inbound: &Inbound, chosen: &Chosen) -> Result<(), Problem> {
    if chosen.rights > Rights::Read {
        return Ok(());
    }
    let reads = match ask.worker.hub.catalog().resolve(&inbound.method, &inbound.path) {
        Resolution::Found { operation, .. } => operation.effect == Effect::None,
        _ => ["GET", "HEAD", "OPTIONS"].contains(&inbound.method.as_str()),
    };
    match reads {
        true => Ok(()),
        false => Err(Problem::new(ProblemCode::NotAuthorized).detail(
            "此口令只能查看这个世界",
            "This token is good for looking at the world only",
        )),
    }
}
