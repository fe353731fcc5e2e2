//! The app's doors, and its first page.

use super::at::{At, Here};
use super::{act, inside, sign};
use crate::portal::{Entry, app, assets};
use actix_web::{HttpRequest, HttpResponse, web};
use hub_catalog::SearchQuery;
use hub_core::Service;
use std::sync::Arc;

/// Services on the first page, or found.
const SHOWN: usize = 24;
/// Largest form.
const FORM_BYTES: usize = 256 << 10;

/// Registers the doors.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::FormConfig::default().limit(FORM_BYTES))
        .route("/", web::get().to(home))
        .route("/assets/{name}", web::get().to(asset))
        .route("/sign-in", web::get().to(sign::sign_in))
        .route("/arrive", web::get().to(sign::arrive))
        .route("/sign-out", web::post().to(sign::sign_out))
        .route("/s/{service}", web::get().to(act::service))
        .route("/s/{service}/{operation}", web::post().to(act::call))
        .route("/agree", web::post().to(act::agree))
        .route("/my", web::get().to(act::account))
        .route("/my/withdraw", web::post().to(act::withdraw))
        .route("/h5/{module}", web::get().to(inside::container));
}

async fn asset(name: web::Path<String>) -> HttpResponse {
    match assets::asset(&name) {
        Some(asset) => HttpResponse::Ok()
            .content_type(asset.media_type)
            .body(asset.bytes.into_owned()),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn home(here: Here, http: HttpRequest) -> HttpResponse {
    let at = At::new(&here, &http);
    let visit = at.visit().await;
    if at.app.file.module {
        return inside::enter(&at, visit.as_ref());
    }
    let catalog = at.app.hub.catalog();
    let words = at.parameter("q").unwrap_or_default();
    let mut shown: Vec<Arc<Service>> = Vec::new();
    if words.is_empty() {
        shown.extend(at.app.file.first.iter().filter_map(|id| at.offered(id)));
    }
    let query = |page| SearchQuery {
        q: words.to_owned(),
        page,
        page_size: 100,
        ..SearchQuery::default()
    };
    for page in 1..=20 {
        let found = catalog.search(&query(page));
        for service in found.items.iter().filter(|s| at.app.file.offers.has(s)) {
            // Whoever looks for nothing sees a little of everything.
            let seen = |s: &Arc<Service>| s.id == service.id || (words.is_empty() && s.agency == service.agency);
            if shown.len() < SHOWN && !shown.iter().any(seen) {
                shown.push(Arc::clone(service));
            }
        }
        if shown.len() >= SHOWN || found.total <= page * 100 {
            break;
        }
    }
    let offered = catalog.services().iter().filter(|s| at.app.file.offers.has(s)).count();
    let entry = |s: &Arc<Service>| Entry {
        id: s.id.clone(),
        name: at.frame.of(&s.name),
        agency: catalog
            .agency(&s.agency)
            .map(|a| at.frame.of(&a.short))
            .unwrap_or_default(),
    };
    at.page(app::home(
        &at.around(visit.as_ref()),
        words,
        offered,
        shown.iter().map(entry).collect(),
    ))
}
