//! Calls of the catalog's operations, what belongs to the subject, and the door at which upstreams knock. The
//! pipeline decides everything; it runs on in its own task when the client hangs up.

use super::{Answered, Ask, log, worlds};
use crate::http::{cors, edge, problem};
use crate::hub::Chosen;
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use hub_catalog::Resolution;
use hub_core::time::rfc3339;
use hub_core::{Effect, Inbound, Problem, ProblemCode, Reply};
use hub_gateway::Door;
use hub_store::Rights;
use std::time::Instant;

pub async fn live(ask: Ask) -> Answered {
    through(ask, "/gateway", Door::Gateway).await
}

pub async fn callback(ask: Ask) -> Answered {
    through(ask, "/callback", Door::Callback).await
}

pub async fn own(ask: Ask) -> Answered {
    through(ask, "/me", Door::Me).await
}

fn preflight(ask: &Ask) -> Option<HttpResponse> {
    let hub = &ask.worker.hub;
    let asks = ask.http.headers().contains_key("access-control-request-method");
    (ask.http.method() == Method::OPTIONS && asks)
        .then(|| cors::preflight(ask.header("origin"), |o| hub.knows_origin(o)))
}

async fn through(ask: Ask, prefix: &str, door: Door) -> Answered {
    if let Some(answer) = preflight(&ask) {
        return Ok(answer);
    }
    let inbound = edge::inbound(&ask.http, prefix, ask.body.clone(), ask.peer, &ask.voice);
    let key = inbound.header("x-api-key").map(str::to_owned);
    let reply = ask.worker.gateway.run(inbound, door).await;
    Ok(closed(&ask, edge::outbound(reply, &ask.voice), key.as_deref()))
}

/// An answer that leaves: nothing in it runs as a page of ours, and only its client's pages may read it.
fn closed(ask: &Ask, mut answer: HttpResponse, key: Option<&str>) -> HttpResponse {
    edge::close(&mut answer);
    cors::open(&mut answer, ask.http.headers(), |o| ask.worker.hub.origin_of(key, o));
    answer
}

/// A call in a world of the sandbox.
pub async fn sandbox(ask: Ask) -> Answered {
    if let Some(answer) = preflight(&ask) {
        return Ok(answer);
    }
    let inbound = edge::inbound(&ask.http, "/sandbox", ask.body.clone(), ask.peer, &ask.voice);
    let key = inbound.header("x-api-key").map(str::to_owned);
    let (said, began) = (inbound.clone(), Instant::now());
    let (world, reply) = called(&ask, inbound).await;
    log::note(&ask, &said, &world, &reply, began, None);
    let answer = match reply {
        Ok(reply) => edge::outbound(reply, &ask.voice),
        Err(problem) => problem::respond(&problem, &ask.voice),
    };
    Ok(closed(&ask, echoed(&ask, answer, &world), key.as_deref()))
}

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

/// What every answer of the sandbox says of itself.
fn echoed(ask: &Ask, mut answer: HttpResponse, world: &str) -> HttpResponse {
    let headers = answer.headers_mut();
    let said = || {
        ask.header("hub-scenario")
            .map(str::to_owned)
            .or_else(|| ask.parameter("_scenario"))
    };
    let mut put = |name: &'static str, value: String| {
        let name = HeaderName::from_static(name);
        if let Ok(value) = HeaderValue::from_str(&value)
            && !headers.contains_key(&name)
        {
            headers.insert(name, value);
        }
    };
    put("hub-sandbox", world.to_owned());
    put("hub-scenario", said().unwrap_or_else(|| "ok".to_owned()));
    put("hub-clock", rfc3339(ask.worker.hub.worlds.engine().now_in(world)));
    answer
}
