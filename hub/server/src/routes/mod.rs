//! The hub's doors: one table of routes from which the listeners are made and `/hub/openapi.json` is written.

mod admin;
mod apps;
mod ask;
mod calls;
mod catalog;
mod describe;
mod events;
mod health;
mod in_world;
mod log;
mod logged_call;
mod me;
mod own_sessions;
mod pages;
mod queue;
mod registry;
mod sandbox;
mod sign_in;
mod sso;
mod staff;
mod table;
mod upkeep;
mod upstream;
mod verifications;
mod verify_pages;
mod versions;
mod webhooks;
mod webhooks_described;
mod world_clock;
mod worlds;
mod worlds_described;

pub use ask::Ask;
pub use describe::document;
pub use table::{Door, Route, TABLE, at};

use crate::hub::Worker;
use actix_web::{HttpRequest, HttpResponse, middleware, web};
use hub_core::{Problem, ProblemCode};
use std::collections::BTreeMap;

/// Registers every route of one door. Whatever is not in the table is answered by `not-found` or `method-not-allowed`.
pub fn configure(door: Door, worker: &Worker, app: &mut web::ServiceConfig) {
    app.app_data(web::Data::new(worker.clone()));
    let mut paths: BTreeMap<usize, Vec<&'static Route>> = BTreeMap::new();
    for (place, route) in TABLE.iter().enumerate().filter(|(_, r)| r.door == door) {
        let first = TABLE
            .iter()
            .position(|r| r.door == door && r.path == route.path)
            .unwrap_or(place);
        paths.entry(first).or_default().push(route);
    }
    // Calls come before all paths that need a pattern to be tried, for there are many of them; words of their own, such
    // as the sandbox's, come before calls. Where there are no such words, calls come first of all.
    let mut paths: Vec<_> = paths.into_values().collect();
    let alone = |call: &Route| {
        let below = call.path.trim_end_matches("{path:.*}");
        TABLE
            .iter()
            .filter(|r| r.path.starts_with(below))
            .all(|r| r.path == call.path)
    };
    paths.sort_by_key(|routes| match routes.first() {
        Some(first) if first.is_call() && alone(first) => -1,
        Some(first) if first.is_call() => 1,
        Some(first) if first.path.contains('{') && !first.path.starts_with("/sandbox/_") => 2,
        _ => 0,
    });
    for routes in paths {
        let Some(first) = routes.first() else { continue };
        if let Some(prefix) = first.path.strip_suffix("/{path:.*}").filter(|_| first.is_call()) {
            app.service(calls_below(prefix, first));
        } else {
            app.service(resource(first.path, &routes).wrap(middleware::Compress::default()));
        }
    }
    app.default_service(web::to(
        move |http: HttpRequest, payload: web::Payload, worker: web::Data<Worker>| {
            ask::refuse(door, http, payload, worker, Problem::new(ProblemCode::NotFound))
        },
    ));
}

/// Everything below a prefix is one call's path: no pattern is needed to see that.
fn calls_below(prefix: &str, route: &'static Route) -> actix_web::Scope {
    let handler = move |http: HttpRequest, payload: web::Payload, worker: web::Data<Worker>| {
        ask::answer(route, http, payload, worker)
    };
    web::scope(prefix).default_service(web::to(handler))
}

/// One path with its methods. `HEAD` is answered as `GET` without its body by the server itself.
fn resource(path: &str, routes: &[&'static Route]) -> actix_web::Resource {
    let mut resource = web::resource(path.to_owned());
    let mut allow: Vec<&'static str> = Vec::new();
    for route in routes.iter().copied() {
        allow.push(route.method);
        if route.method == "GET" {
            allow.push("HEAD");
        }
        let handler = move |http: HttpRequest, payload: web::Payload, worker: web::Data<Worker>| {
            ask::answer(route, http, payload, worker)
        };
        resource = match route.method {
            "*" => resource.route(web::route().to(handler)),
            "GET" => resource.route(web::get().to(handler)).route(web::head().to(handler)),
            "POST" => resource.route(web::post().to(handler)),
            "OPTIONS" => resource.route(web::method(actix_web::http::Method::OPTIONS).to(handler)),
            "DELETE" => resource.route(web::delete().to(handler)),
            "PATCH" => resource.route(web::patch().to(handler)),
            _ => resource,
        };
    }
    let door = routes.first().map_or(Door::Public, |r| r.door);
    resource.default_service(web::to(
        move |http: HttpRequest, payload: web::Payload, worker: web::Data<Worker>| {
            let problem = Problem::new(ProblemCode::MethodNotAllowed).with("allow", allow.clone());
            ask::refuse(door, http, payload, worker, problem)
        },
    ))
}

/// What a handler comes to.
pub type Answered = Result<HttpResponse, Problem>;
