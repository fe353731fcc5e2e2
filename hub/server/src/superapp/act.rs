//! What a person does in the app: uses a service, agrees, looks back, takes a yes back.

use super::at::{At, Form, Here, encoded, go};
use super::filled;
use super::visit::{Visit, fresh};
use super::wire::text;
use crate::portal::{AppAccount, AppService, Outcome, Sheet, app};
use actix_web::{HttpRequest, HttpResponse, web};
use hub_core::{Operation, RawRequest, RawResponse, Service};
use serde_json::{Value, json};
use std::sync::Arc;

/// The account's lines on the page.
const LINES: usize = 30;

pub(super) async fn service(here: Here, http: HttpRequest, id: web::Path<String>) -> HttpResponse {
    let at = At::new(&here, &http);
    let visit = at.visit().await;
    match at.offered(&id) {
        Some(service) => at.page(shown(&at, visit.as_ref(), &service, Vec::new(), None)),
        None => at.told(("本应用没有这项服务。", "This app does not offer that service."), "/"),
    }
}

fn shown(
    at: &At<'_>,
    visit: Option<&Visit>,
    service: &Service,
    form: Vec<(String, String)>,
    outcome: Option<(String, Outcome)>,
) -> askama::Result<String> {
    let catalog = at.app.hub.catalog();
    let operations = service.operations.iter().filter_map(|id| catalog.operation(id));
    let page = AppService {
        service,
        operations: operations.map(Arc::as_ref).collect(),
        agency: catalog
            .agency(&service.agency)
            .map(|a| at.frame.of(&a.short))
            .unwrap_or_default(),
        once: fresh(),
        form,
        outcome,
    };
    app::service(&at.around(visit), &page)
}

pub(super) async fn call(here: Here, http: HttpRequest, path: web::Path<(String, String)>, form: Form) -> HttpResponse {
    let at = At::new(&here, &http);
    let (id, operation) = path.into_inner();
    let catalog = at.app.hub.catalog();
    let found = at.offered(&id).zip(catalog.operation(&operation).cloned());
    let Some((service, operation)) = found.filter(|(s, o)| s.operations.iter().any(|id| *id == *o.id)) else {
        return at.told(("本应用没有这项服务。", "This app does not offer that service."), "/");
    };
    let back = format!("/s/{id}");
    let visit = at.visit().await;
    if visit.is_none() && operation.assurance > hub_core::Assurance::R0 {
        return at.to_sign_in(&back);
    }
    let once = form
        .iter()
        .find(|(n, _)| n == "_once")
        .map(|(_, v)| v.clone())
        .unwrap_or_default();
    let mut request = filled::request(&operation, &form, &once);
    request.target = format!("/gateway{}", request.target);
    let outcome = match at.app.wire.ask(visit.as_ref(), request, at.lang()).await {
        Err(_) => Outcome::silent(&at.frame),
        Ok(answer) => outcome(&at, &service, &operation, &answer, visit.as_ref()).await,
    };
    at.page(shown(
        &at,
        visit.as_ref(),
        &service,
        form.into_inner(),
        Some((operation.id.to_string(), outcome)),
    ))
}

/// What came of a call, in words. A service that stands on consent shows its sheet, one that wants the person known more surely
/// shows the way (RFC 9470).
async fn outcome(
    at: &At<'_>,
    service: &Service,
    operation: &Operation,
    answer: &RawResponse,
    visit: Option<&Visit>,
) -> Outcome {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    if answer.status < 300 {
        return Outcome::good(&at.frame, operation, &body);
    }
    let mut outcome = Outcome::refused(&at.frame, &body);
    match text(&body, "code").as_deref() {
        Some("assurance-too-low") => {
            let wanted = text(&body, "required_assurance").unwrap_or_else(|| operation.assurance.to_string());
            let back = encoded(&format!("/s/{}", service.id));
            outcome.retitle(at.frame.t("需要再核验一次身份", "Please confirm who you are once more"));
            outcome.further = Some(format!(
                "/sign-in?acr_values={wanted}&max_age=0&back={back}{}",
                at.frame.and()
            ));
        }
        Some("consent-missing" | "consent-expired") => {
            let request = RawRequest {
                method: "GET".to_owned(),
                target: format!("/me/consents/asked/{}", service.id),
                ..RawRequest::default()
            };
            let sheet = at.app.wire.ask(visit, request, at.lang()).await;
            let sheet = sheet.ok().and_then(|a| serde_json::from_slice(&a.body).ok());
            outcome.retitle(at.frame.t("需要您的同意", "Your consent is needed"));
            outcome.sheet = sheet.map(|sheet| Sheet::new(&at.frame, &service.id, &sheet));
        }
        _ => {}
    }
    outcome
}

pub(super) async fn agree(here: Here, http: HttpRequest, form: Form) -> HttpResponse {
    let at = At::new(&here, &http);
    let given = |name: &str| form.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    let (service, visit) = (given("service").unwrap_or_default(), at.visit().await);
    let Some(visit) = visit else {
        return at.to_sign_in(&format!("/s/{service}"));
    };
    let body = json!({"service": service, "apart": given("apart").is_some(), "days": 180});
    let request = RawRequest {
        method: "POST".to_owned(),
        target: "/me/consents".to_owned(),
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.to_string().into_bytes(),
    };
    match at.app.wire.ask(Some(&visit), request, at.lang()).await {
        Ok(answer) if answer.status < 300 => go(&format!("/s/{}{}", encoded(service), at.frame.suffix())),
        _ => at.told(
            (
                "同意没有记录下来，请重试。",
                "Your consent was not recorded. Please try again.",
            ),
            "/",
        ),
    }
}

pub(super) async fn account(here: Here, http: HttpRequest) -> HttpResponse {
    let at = At::new(&here, &http);
    let Some(visit) = at.visit().await else {
        return at.to_sign_in("/my");
    };
    let (ledger, consents) = (at.own(&visit, "/me/ledger").await, at.own(&visit, "/me/consents").await);
    let page = AppAccount::new(&at.frame, &ledger, &consents, &at.app.wire.client, LINES);
    at.page(app::account(&at.around(Some(&visit)), &page))
}

impl At<'_> {
    async fn own(&self, visit: &Visit, target: &str) -> Value {
        let request = RawRequest {
            method: "GET".to_owned(),
            target: target.to_owned(),
            ..RawRequest::default()
        };
        let answer = self.app.wire.ask(Some(visit), request, self.lang()).await;
        answer
            .ok()
            .and_then(|a| serde_json::from_slice(&a.body).ok())
            .unwrap_or_default()
    }
}

pub(super) async fn withdraw(here: Here, http: HttpRequest, form: Form) -> HttpResponse {
    let at = At::new(&here, &http);
    let Some(visit) = at.visit().await else {
        return at.to_sign_in("/my");
    };
    let id = form
        .iter()
        .find(|(n, _)| n == "id")
        .map(|(_, v)| encoded(v))
        .unwrap_or_default();
    let request = RawRequest {
        method: "DELETE".to_owned(),
        target: format!("/me/consents/{id}"),
        ..RawRequest::default()
    };
    match at.app.wire.ask(Some(&visit), request, at.lang()).await {
        Ok(answer) if answer.status < 300 => go(&format!("/my{}", at.frame.suffix())),
        _ => at.told(
            ("没有撤回，请重试。", "It was not taken back. Please try again."),
            "/my",
        ),
    }
}
