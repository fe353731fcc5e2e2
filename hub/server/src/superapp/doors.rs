//! The app's doors: the first page, signing in and out, a service, the account, and the container of H5 modules.

use super::visit::{Leaving, Visit, fresh};
use super::wire::{claims, text};
use super::{App, filled};
use crate::portal::{AppAccount, AppFrame, AppService, Entry, Frame, ModulePage, Outcome, Sheet, app, assets};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use hub_catalog::SearchQuery;
use hub_core::{Lang, Operation, RawRequest, RawResponse, Service};
use hub_crypto::{Digest, base64_url, digest};
use serde_json::{Value, json};
use std::sync::Arc;
use url::form_urlencoded;

/// Services on the first page, or found.
const SHOWN: usize = 24;
/// Largest form.
const FORM_BYTES: usize = 256 << 10;
/// The account's lines on the page.
const LINES: usize = 30;

type Here = web::Data<App>;
type Form = web::Form<Vec<(String, String)>>;

/// Registers the doors.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .app_data(web::FormConfig::default().limit(FORM_BYTES))
        .route("/", web::get().to(home))
        .route("/assets/{name}", web::get().to(asset))
        .route("/sign-in", web::get().to(sign_in))
        .route("/arrive", web::get().to(arrive))
        .route("/sign-out", web::post().to(sign_out))
        .route("/s/{service}", web::get().to(service))
        .route("/s/{service}/{operation}", web::post().to(call))
        .route("/agree", web::post().to(agree))
        .route("/my", web::get().to(account))
        .route("/my/withdraw", web::post().to(withdraw))
        .route("/h5/{module}", web::get().to(module));
}

/// A request with what is known of it.
struct At<'a> {
    app: &'a App,
    frame: Frame,
    query: Vec<(String, String)>,
    browser: Option<String>,
}

impl<'a> At<'a> {
    fn new(app: &'a App, http: &'a HttpRequest) -> Self {
        let query: Vec<(String, String)> = form_urlencoded::parse(http.query_string().as_bytes())
            .into_owned()
            .collect();
        let accept = http
            .headers()
            .get("accept-language")
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        let cookies = http
            .headers()
            .get_all("cookie")
            .filter_map(|h| h.to_str().ok())
            .flat_map(|h| h.split(';'));
        let name = cookie_name(app);
        let browser = cookies
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(n, _)| *n == name);
        Self {
            app,
            frame: Frame::new(http.path(), &query, accept).remembering(&sent(http)),
            browser: browser.map(|(_, value)| value.to_owned()),
            query,
        }
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    fn lang(&self) -> &'static str {
        if self.frame.lang == Lang::Zh { "zh" } else { "en" }
    }

    /// Who is signed in; a token that is about to end is exchanged for the next one first.
    async fn visit(&self) -> Option<Visit> {
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

    fn until(&self, given: &Value) -> i64 {
        self.app.hub.clock.now().as_second() + given.get("expires_in").and_then(Value::as_i64).unwrap_or(60)
    }

    fn around(&self, visit: Option<&Visit>) -> AppFrame<'_> {
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

    fn page(&self, made: askama::Result<String>) -> HttpResponse {
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
        if let Some(cookie) = self.frame.remembered().and_then(|c| HeaderValue::from_str(&c).ok()) {
            headers.append(HeaderName::from_static("set-cookie"), cookie);
        }
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
        answer
    }

    fn offered(&self, id: &str) -> Option<Arc<Service>> {
        let catalog = self.app.hub.catalog();
        catalog.service(id).filter(|s| self.app.file.offers.has(s)).cloned()
    }

    fn told(&self, words: (&str, &str), back: &str) -> HttpResponse {
        let words = self.frame.t(words.0, words.1).to_owned();
        self.page(app::said(&self.around(None), words, back))
    }

    /// Goes on to another origin at the end of a form's way, along which browsers follow a redirect to the origins alone that the
    /// first page named (CSP 3, 6.4.3.1): by a page that goes on by itself.
    fn onwards(&self, to: &str) -> HttpResponse {
        let mut answer = self.told(("您已登录。", "You are signed in."), to);
        if let Ok(value) = HeaderValue::from_str(&format!("0; url={to}")) {
            answer.headers_mut().insert(HeaderName::from_static("refresh"), value);
        }
        answer
    }

    /// Nobody is signed in: the way in, and back to here.
    fn to_sign_in(&self, back: &str) -> HttpResponse {
        go(&format!("/sign-in?back={}{}", encoded(back), self.frame.and()))
    }
}

fn sent(http: &HttpRequest) -> String {
    let all = http.headers().get_all("cookie").filter_map(|h| h.to_str().ok());
    all.collect::<Vec<_>>().join(";")
}

fn cookie_name(app: &App) -> String {
    format!("app-{}", app.id)
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn go(to: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(("location", to))
        .insert_header(("cache-control", "no-store"))
        .finish()
}

/// A path of this app, and nothing else.
fn own_path(given: Option<&str>) -> String {
    let good = |p: &&str| p.starts_with('/') && !p.starts_with("//") && !p.contains('\\');
    given.filter(good).unwrap_or("/").to_owned()
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
        return enter_module(&at, visit.as_ref());
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

/// A module's first page: silently signed in, or a word about why not. It never shows a sign-in page inside of another's frame.
fn enter_module(at: &At<'_>, visit: Option<&Visit>) -> HttpResponse {
    match (visit, at.parameter("refused")) {
        (None, None) => at.to_sign_in_silently(),
        (None, Some(why)) => {
            let app = at.parameter("in").unwrap_or_default();
            let back = at.app.others.get(app).map(|base| format!("{base}/h5/{}", at.app.id));
            let page = ModulePage {
                person: None,
                sub: String::new(),
                needs_consent: why == "consent_required",
                outside: format!("/sign-in?back={}", encoded(&format!("/?to={app}"))),
                app: back.unwrap_or_default(),
                services: Vec::new(),
            };
            at.page(app::module(&at.around(None), page))
        }
        (Some(visit), _) => {
            if let Some(to) = at.parameter("to").and_then(|app| at.app.others.get(app)) {
                return at.onwards(&format!("{to}/h5/{}", at.app.id));
            }
            let catalog = at.app.hub.catalog();
            let offered = at.app.file.offers.services.iter().filter_map(|id| catalog.service(id));
            let page = ModulePage {
                person: Some(visit.person.clone()),
                sub: visit.sub.clone(),
                needs_consent: false,
                outside: String::new(),
                app: String::new(),
                services: offered.map(|s| (s.id.clone(), at.frame.of(&s.name))).collect(),
            };
            at.page(app::module(&at.around(Some(visit)), page))
        }
    }
}

impl At<'_> {
    fn to_sign_in_silently(&self) -> HttpResponse {
        let app = self.parameter("in").unwrap_or_default();
        go(&format!(
            "/sign-in?silent=1&back={}{}",
            encoded(&format!("/?in={app}")),
            self.frame.and()
        ))
    }
}

async fn sign_in(here: Here, http: HttpRequest) -> HttpResponse {
    let at = At::new(&here, &http);
    let browser = at.browser.clone().unwrap_or_else(fresh);
    let (state, verifier, nonce) = (fresh(), fresh(), fresh());
    let challenge = base64_url(&digest(Digest::Sha256, verifier.as_bytes()));
    let mut query = form_urlencoded::Serializer::new(String::new());
    let app = at.app;
    query.extend_pairs([
        ("response_type", "code"),
        ("client_id", app.wire.client.as_str()),
        ("redirect_uri", &format!("{}/arrive", app.base)),
        ("scope", "openid profile services offline_access"),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    if at.parameter("silent").is_some() {
        query.append_pair("prompt", "none");
    }
    for name in ["acr_values", "max_age", "lang"] {
        if let Some(value) = at.parameter(name) {
            query.append_pair(name, value);
        }
    }
    let leaving = Leaving {
        verifier,
        nonce,
        back: own_path(at.parameter("back")),
        browser: browser.clone(),
    };
    app.visits.leave(&state, leaving);
    let mut answer = go(&format!("{}/sso/authorize?{}", app.hub.base, query.finish()));
    if at.browser.is_none() {
        let cookie = format!("{}={browser}; Path=/; HttpOnly; SameSite=Lax", cookie_name(app));
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            answer
                .headers_mut()
                .insert(HeaderName::from_static("set-cookie"), value);
        }
    }
    answer
}

async fn arrive(here: Here, http: HttpRequest) -> HttpResponse {
    let at = At::new(&here, &http);
    let leaving = at.parameter("state").and_then(|state| at.app.visits.arrive(state));
    // Only in the browser it began in, and only from the hub (RFC 9207).
    let issuer = format!("{}/sso", at.app.hub.base);
    let ours = leaving.filter(|l| at.browser.as_deref() == Some(&l.browser) && at.parameter("iss") == Some(&issuer));
    let Some(leaving) = ours else {
        return at.told(
            (
                "这次登录不是从这里开始的，请重试。",
                "This sign-in did not begin here. Please try again.",
            ),
            "/",
        );
    };
    if let Some(error) = at.parameter("error") {
        if at.app.file.module {
            let joined = if leaving.back.contains('?') { '&' } else { '?' };
            return go(&format!("{}{joined}refused={}", leaving.back, encoded(error)));
        }
        return at.told(("没有登录。", "You are not signed in."), "/");
    }
    match signed_in(&at, &leaving, &issuer).await {
        Some(visit) => {
            at.app.visits.put(&leaving.browser, visit);
            go(&leaving.back)
        }
        None => at.told(
            (
                "登录没有完成，请重试。",
                "The sign-in was not completed. Please try again.",
            ),
            "/",
        ),
    }
}

async fn signed_in(at: &At<'_>, leaving: &Leaving, issuer: &str) -> Option<Visit> {
    let back = format!("{}/arrive", at.app.base);
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", at.parameter("code")?),
        ("redirect_uri", &back),
        ("code_verifier", &leaving.verifier),
    ];
    let given = at.app.wire.tokens(&grant).await.ok()?;
    let id_token = text(&given, "id_token")?;
    let said = claims(&id_token)?;
    let is = |name: &str, value: &str| text(&said, name).as_deref() == Some(value);
    let good = is("iss", issuer) && is("aud", &at.app.wire.client) && is("nonce", &leaving.nonce);
    good.then_some(())?;
    Some(Visit {
        person: text(&said, "name").unwrap_or_else(|| at.frame.t("您", "You").to_owned()),
        sub: text(&said, "sub")?,
        access: text(&given, "access_token")?,
        refresh: text(&given, "refresh_token"),
        until: at.until(&given),
        id_token,
    })
}

async fn sign_out(here: Here, http: HttpRequest) -> HttpResponse {
    let at = At::new(&here, &http);
    let Some(visit) = at.browser.as_deref().and_then(|b| at.app.visits.end(b)) else {
        return go("/");
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([
        ("id_token_hint", visit.id_token.as_str()),
        ("post_logout_redirect_uri", &format!("{}/", at.app.base)),
    ]);
    go(&format!("{}/sso/logout?{}", at.app.hub.base, query.finish()))
}

async fn service(here: Here, http: HttpRequest, id: web::Path<String>) -> HttpResponse {
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

async fn call(here: Here, http: HttpRequest, path: web::Path<(String, String)>, form: Form) -> HttpResponse {
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

async fn agree(here: Here, http: HttpRequest, form: Form) -> HttpResponse {
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

async fn account(here: Here, http: HttpRequest) -> HttpResponse {
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

async fn withdraw(here: Here, http: HttpRequest, form: Form) -> HttpResponse {
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

/// The container: the module's own page in a frame, below a bar of the app's.
async fn module(here: Here, http: HttpRequest, id: web::Path<String>) -> HttpResponse {
    let at = At::new(&here, &http);
    let visit = at.visit().await;
    let offered = at.app.file.modules.contains(&*id);
    let Some(address) = at.app.others.get(&*id).filter(|_| offered) else {
        return at.told(("本应用没有这个模块。", "This app has no such module."), "/");
    };
    if visit.is_none() {
        return at.to_sign_in(&format!("/h5/{id}"));
    }
    let name = at.app.names.get(&*id).map(|n| at.frame.of(n)).unwrap_or_default();
    let inside = format!("{address}/?in={}{}", at.app.id, at.frame.and());
    at.page(app::container(&at.around(visit.as_ref()), &name, &inside))
}
