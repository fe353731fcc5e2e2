//! The portal's pages.

use super::{Answered, Ask};
use crate::http::page::{frame, remember};
use crate::hub::Worker;
use crate::portal::{self, Choice, Fact, Frame, ServicePage, Wanted};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use hub_catalog::nearest;
use hub_core::{Problem, ProblemCode};

/// Pages run their own style and script and nothing else.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(super) fn html(status: StatusCode, frame: &Frame, page: askama::Result<String>) -> Answered {
    let page = page.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let mut answer = HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("content-language", frame.tag()))
        .insert_header(("content-security-policy", POLICY))
        .insert_header(("referrer-policy", "same-origin"))
        .insert_header(("cache-control", "no-cache"))
        .insert_header(("vary", "accept-language, cookie"))
        .body(page);
    remember(&mut answer, frame);
    Ok(answer)
}

pub async fn home(ask: Ask) -> Answered {
    let frame = frame(&ask.http);
    let page = portal::home(&frame, &ask.worker.hub.catalog(), &ask.worker.hub.base);
    html(StatusCode::OK, &frame, page)
}

pub async fn desk(ask: Ask) -> Answered {
    let frame = frame(&ask.http);
    html(StatusCode::OK, &frame, portal::desk(&frame))
}

pub async fn search(ask: Ask) -> Answered {
    let frame = frame(&ask.http);
    let page = portal::search(&frame, &ask.worker.hub.catalog(), &Wanted::new(&ask.query()));
    html(StatusCode::OK, &frame, page)
}

pub async fn service(ask: Ask) -> Answered {
    let frame = frame(&ask.http);
    let hub = &ask.worker.hub;
    let catalog = hub.catalog();
    let wanted = ask.path("service");
    let Some(service) = catalog.service(&wanted) else {
        let ids: Vec<&str> = catalog.services().iter().map(|s| s.id.as_str()).collect();
        return missing(&ask.http, &ask.worker, &nearest(&wanted, ids));
    };
    let page = ServicePage {
        base: hub.base.clone(),
        personas: hub.persona_choices(frame.lang),
        scenarios: hub.scenario_choices(frame.lang),
        not_connected: hub.not_connected(service),
    };
    html(
        StatusCode::OK,
        &frame,
        portal::service(&frame, &catalog, service, &page),
    )
}

pub async fn problem(ask: Ask) -> Answered {
    let frame = frame(&ask.http);
    match portal::problem(&frame, &ask.path("code")) {
        Some(page) => html(StatusCode::OK, &frame, page),
        None => missing(&ask.http, &ask.worker, &[]),
    }
}

pub async fn status(ask: Ask) -> Answered {
    let frame = frame(&ask.http);
    let facts = ask.worker.hub.facts(frame.lang);
    let facts = facts.into_iter().map(|(name, value)| Fact { name, value }).collect();
    html(StatusCode::OK, &frame, portal::status(&frame, facts))
}

pub async fn asset(ask: Ask) -> Answered {
    let asset = portal::assets::asset(&ask.path("name")).ok_or_else(|| Problem::new(ProblemCode::NotFound))?;
    let tag = format!("\"{}\"", asset.tag);
    if ask.header("if-none-match") == Some(tag.as_str()) {
        return Ok(HttpResponse::NotModified().finish());
    }
    // The address carries the content's own mark, so a kept copy can never be wrong.
    let keep = if ask.parameter("v").as_deref() == Some(asset.tag.as_str()) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    Ok(HttpResponse::Ok()
        .content_type(asset.media_type)
        .insert_header(("cache-control", keep))
        .insert_header(("etag", tag))
        .body(asset.bytes.into_owned()))
}

pub async fn icon(_ask: Ask) -> Answered {
    Ok(HttpResponse::PermanentRedirect()
        .insert_header(("location", "/assets/mark.svg"))
        .finish())
}

pub async fn robots(_ask: Ask) -> Answered {
    Ok(HttpResponse::Ok()
        .content_type("text/plain; charset=utf-8")
        .body("User-agent: *\nDisallow: /gateway\nDisallow: /sandbox\n"))
}

/// The page for an address that leads nowhere.
pub fn missing(http: &HttpRequest, worker: &Worker, near: &[String]) -> Answered {
    let frame = frame(http);
    let catalog = worker.hub.catalog();
    let near = near.iter().filter_map(|id| catalog.service(id));
    let near = near.map(|s| Choice {
        value: s.id.clone(),
        name: frame.of(&s.name),
        count: 0,
        chosen: false,
    });
    html(StatusCode::NOT_FOUND, &frame, portal::missing(&frame, near.collect()))
}
