//! Calls of the catalog's operations, what belongs to the subject, and the door at which upstreams knock. The
//! pipeline decides everything; it runs on in its own task when the client hangs up.

use super::{Answered, Ask, in_world, log};
use crate::http::{cors, edge, problem};
use actix_web::HttpResponse;
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use hub_core::time::rfc3339;
use hub_gateway::Door;
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
    let (world, reply) = in_world::called(&ask, inbound).await;
    log::note(&ask, &said, &world, &reply, began, None);
    let answer = match reply {
        Ok(reply) => edge::outbound(reply, &ask.voice),
        Err(problem) => problem::respond(&problem, &ask.voice),
    };
    Ok(closed(&ask, echoed(&ask, answer, &world), key.as_deref()))
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
