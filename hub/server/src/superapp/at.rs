//! A request of the app, with what is known of it: whose app, which person, which page.

use super::App;
use super::visit::Visit;
use super::wire::text;
use crate::http::page::{cookies, frame, remember};
use crate::portal::{AppFrame, Frame, app};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use hub_core::{Lang, Service};
use serde_json::Value;
use std::sync::Arc;
use url::form_urlencoded;

pub(super) type Here = web::Data<App>;
pub(super) type Form = web::Form<Vec<(String, String)>>;

/// A request with what is known of it.
pub(super) struct At<'a> {
    pub(super) app: &'a App,
    pub(super) frame: Frame,
    pub(super) browser: Option<String>,
}

impl<'a> At<'a> {
    pub(super) fn new(app: &'a App, http: &HttpRequest) -> Self {
        let (name, cookies) = (cookie_name(app), cookies(http));
        let own = cookies
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(n, _)| *n == name);
        Self {
            app,
            frame: frame(http),
            browser: own.map(|(_, value)| value.to_owned()),
        }
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.frame.parameter(name)
    }

    pub(super) fn lang(&self) -> &'static str {
        if self.frame.lang == Lang::Zh { "zh" } else { "en" }
    }

    /// Who is signed in; a token that is about to end is exchanged for the next one first.
    pub(super) async fn visit(&self) -> Option<Visit> {
        let browser = self.browser.as_deref()?;
        let visit = self.app.visits.of(browser)?;
        if visit.until > self.app.hub.clock.now().as_second() + 30 {
            return Some(visit);
        }
        let refresh = visit.refresh.clone()?;
        let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        let Ok(given) = self.app.wire.tokens(&grant).await else {
            self.app.visits.end(browser);
            return None;
        };
        let next = Visit {
            access: text(&given, "access_token")?,
            refresh: text(&given, "refresh_token"),
            until: self.until(&given),
            ..visit
        };
        self.app.visits.put(browser, next.clone());
        Some(next)
    }

    pub(super) fn until(&self, given: &Value) -> i64 {
        self.app.hub.clock.now().as_second() + given.get("expires_in").and_then(Value::as_i64).unwrap_or(60)
    }

    pub(super) fn around(&self, visit: Option<&Visit>) -> AppFrame<'_> {
        let app = self.app;
        let module = |id: &String| Some((id.clone(), self.frame.of(app.names.get(id)?)));
        AppFrame {
            frame: &self.frame,
            app: self.frame.of(&app.file.name),
            person: visit.map(|v| v.person.clone()),
            hub: app.hub.base.clone(),
            modules: app.file.modules.iter().filter_map(module).collect(),
            module: app.file.module,
        }
    }

    pub(super) fn page(&self, made: askama::Result<String>) -> HttpResponse {
        let Ok(page) = made else {
            return HttpResponse::InternalServerError().finish();
        };
        let ancestors = match self.app.file.module {
            true => self
                .app
                .others
                .values()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" "),
            false => "'none'".to_owned(),
        };
        let inside: Vec<&str> = self
            .app
            .file
            .modules
            .iter()
            .filter_map(|m| self.app.others.get(m))
            .map(String::as_str)
            .collect();
        // A module that signs in goes by the hub and comes back, within the frame.
        let hub = &self.app.hub.base;
        let policy = format!(
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self' {hub}; frame-src {hub} {}; frame-ancestors {ancestors}",
            inside.join(" ")
        );
        let mut answer = HttpResponse::Ok().content_type("text/html; charset=utf-8").body(page);
        let headers = answer.headers_mut();
        for (name, value) in [
            ("content-security-policy", policy.as_str()),
            ("cache-control", "no-store"),
            ("referrer-policy", "no-referrer"),
            ("x-content-type-options", "nosniff"),
        ] {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        remember(&mut answer, &self.frame);
        answer
    }

    pub(super) fn offered(&self, id: &str) -> Option<Arc<Service>> {
        let catalog = self.app.hub.catalog();
        catalog.service(id).filter(|s| self.app.file.offers.has(s)).cloned()
    }

    pub(super) fn told(&self, words: (&str, &str), back: &str) -> HttpResponse {
        let words = self.frame.t(words.0, words.1).to_owned();
        self.page(app::said(&self.around(None), words, back))
    }

    /// Goes on to another origin at the end of a form's way, along which browsers follow a redirect to the origins alone that the
    /// first page named (CSP 3, 6.4.3.1): by a page that goes on by itself.
    pub(super) fn onwards(&self, to: &str) -> HttpResponse {
        let mut answer = self.told(("您已登录。", "You are signed in."), to);
        if let Ok(value) = HeaderValue::from_str(&format!("0; url={to}")) {
            answer.headers_mut().insert(HeaderName::from_static("refresh"), value);
        }
        answer
    }

    /// Nobody is signed in: the way in, and back to here.
    pub(super) fn to_sign_in(&self, back: &str) -> HttpResponse {
        go(&format!("/sign-in?back={}{}", encoded(back), self.frame.and()))
    }
}

pub(super) fn cookie_name(app: &App) -> String {
    format!("app-{}", app.id)
}

pub(super) fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(super) fn go(to: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(("location", to))
        .insert_header(("cache-control", "no-store"))
        .finish()
}

/// A path of this app, and nothing else.
pub(super) fn own_path(given: Option<&str>) -> String {
    let good = |p: &&str| p.starts_with('/') && !p.starts_with("//") && !p.contains('\\');
    given.filter(good).unwrap_or("/").to_owned()
}
