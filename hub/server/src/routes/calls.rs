//! Calls of the catalog's operations, what belongs to the subject, and the door at which upstreams knock. The
//! pipeline decides everything; it runs on in its own task when the client hangs up.

use super::{Answered, Ask};
use crate::http::{cors, edge};
use actix_web::http::Method;
use hub_gateway::Door;

pub async fn live(ask: Ask) -> Answered {
    through(ask, "/gateway", Door::Gateway).await
}

pub async fn sandbox(ask: Ask) -> Answered {
    through(ask, "/sandbox", Door::Sandbox).await
}

pub async fn callback(ask: Ask) -> Answered {
    through(ask, "/callback", Door::Callback).await
}

pub async fn own(ask: Ask) -> Answered {
    through(ask, "/me", Door::Me).await
}

async fn through(ask: Ask, prefix: &str, door: Door) -> Answered {
    let hub = &ask.worker.hub;
    let preflight = ask.http.headers().contains_key("access-control-request-method");
    if ask.http.method() == Method::OPTIONS && preflight {
        return Ok(cors::preflight(ask.header("origin"), |o| hub.knows_origin(o)));
    }
    let inbound = edge::inbound(&ask.http, prefix, ask.body.clone(), ask.peer, &ask.voice);
    let key = inbound.header("x-api-key").map(str::to_owned);
    let reply = ask.worker.gateway.run(inbound, door).await;
    let mut answer = edge::outbound(reply, &ask.voice);
    edge::close(&mut answer);
    cors::open(&mut answer, ask.http.headers(), |o| hub.origin_of(key.as_deref(), o));
    Ok(answer)
}
