//! The table of routes: what stands where, who may come, what it says about itself.

use super::describe::Description;
use super::{
    Answered, Ask, admin, apps, calls, catalog, events, health, log, logged_call, me, own_sessions, pages, queue,
    registry, sandbox, sign_in, sso, staff, upkeep, upstream, verifications, verify_pages, versions, webhooks,
    webhooks_described, world_clock, worlds, worlds_described,
};
use futures_util::future::LocalBoxFuture;

/// Which listener a route stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Everybody's.
    Public,
    /// Operators'.
    Admin,
}

/// What of a body a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None.
    None,
    /// Up to `listen.body_bytes`.
    Call,
    /// Up to `listen.file_bytes`.
    File,
}

/// Answers one request.
pub type Act = fn(Ask) -> LocalBoxFuture<'static, Answered>;

/// One row.
pub struct Route {
    /// Upper-case method; `*` for all.
    pub method: &'static str,
    /// Path in actix's form.
    pub path: &'static str,
    /// Listener.
    pub door: Door,
    /// Label in metrics and logs.
    pub name: &'static str,
    /// Body.
    pub body: Body,
    /// Handler.
    pub act: Act,
    /// What `/hub/openapi.json` says about it; `None` for pages, for operations of the catalog, which `/openapi.json`
    /// describes, and for the OpenID provider, which describes itself by discovery.
    pub says: Option<fn() -> Description>,
}

impl Route {
    /// Whether it carries calls of the catalog.
    #[must_use]
    pub fn is_call(&self) -> bool {
        self.says.is_none() && self.method == "*"
    }

    /// The path in OpenAPI's form.
    #[must_use]
    pub fn template(&self) -> String {
        self.path.replace(":.*}", "}")
    }
}

const fn page(path: &'static str, act: Act) -> Route {
    Route {
        method: "GET",
        path,
        door: Door::Public,
        name: "portal",
        body: Body::None,
        act,
        says: None,
    }
}

const fn form(path: &'static str, act: Act) -> Route {
    Route {
        method: "POST",
        body: Body::File,
        ..page(path, act)
    }
}

const fn sso(method: &'static str, path: &'static str, act: Act) -> Route {
    Route {
        method,
        path,
        door: Door::Public,
        name: "sso",
        body: Body::Call,
        act,
        says: None,
    }
}

const fn call(path: &'static str, name: &'static str, act: Act) -> Route {
    Route {
        method: "*",
        path,
        door: Door::Public,
        name,
        body: Body::Call,
        act,
        says: None,
    }
}

const fn read(path: &'static str, name: &'static str, act: Act, says: fn() -> Description) -> Route {
    Route {
        method: "GET",
        path,
        door: Door::Public,
        name,
        body: Body::None,
        act,
        says: Some(says),
    }
}

const fn own(method: &'static str, path: &'static str, body: Body, says: fn() -> Description) -> Route {
    Route {
        method,
        path,
        door: Door::Public,
        name: "me",
        body,
        act: |a| Box::pin(calls::own(a)),
        says: Some(says),
    }
}

const fn operator(method: &'static str, path: &'static str, act: Act, says: fn() -> Description) -> Route {
    Route {
        method,
        path,
        door: Door::Admin,
        name: "admin",
        body: Body::Call,
        act,
        says: Some(says),
    }
}

const fn desk(method: &'static str, path: &'static str, body: Body, act: Act, says: fn() -> Description) -> Route {
    Route {
        method,
        path,
        door: Door::Public,
        name: "registry",
        body,
        act,
        says: Some(says),
    }
}

const fn world(method: &'static str, path: &'static str, act: Act, says: fn() -> Description) -> Route {
    Route {
        method,
        path,
        door: Door::Public,
        name: "sandbox",
        body: Body::Call,
        act,
        says: Some(says),
    }
}

const fn upload(path: &'static str, act: Act, says: fn() -> Description) -> Route {
    Route {
        body: Body::File,
        ..developer("POST", path, act, says)
    }
}

const fn developer(method: &'static str, path: &'static str, act: Act, says: fn() -> Description) -> Route {
    Route {
        method,
        path,
        door: Door::Public,
        name: "developer",
        body: Body::Call,
        act,
        says: Some(says),
    }
}

/// Every route of the hub, in the order in which they are matched.
pub static TABLE: &[Route] = &[
    page("/", |a| Box::pin(pages::home(a))),
    page("/search", |a| Box::pin(pages::search(a))),
    page("/s/{service}", |a| Box::pin(pages::service(a))),
    page("/problems/{code}", |a| Box::pin(pages::problem(a))),
    page("/agency", |a| Box::pin(pages::desk(a))),
    page("/dev/verify", |a| Box::pin(verify_pages::form(a))),
    form("/dev/verify", |a| Box::pin(verify_pages::make(a))),
    page("/dev/verify/{id}", |a| Box::pin(verify_pages::show(a))),
    form("/dev/verify/{id}/start", |a| Box::pin(verify_pages::start(a))),
    form("/dev/verify/{id}/replay", |a| Box::pin(verify_pages::replay(a))),
    page("/status", |a| Box::pin(pages::status(a))),
    page("/assets/{name}", |a| Box::pin(pages::asset(a))),
    page("/favicon.ico", |a| Box::pin(pages::icon(a))),
    page("/robots.txt", |a| Box::pin(pages::robots(a))),
    read(
        "/openapi.json",
        "catalog",
        |a| Box::pin(catalog::openapi_json(a)),
        catalog::says_openapi_json,
    ),
    read(
        "/openapi.yaml",
        "catalog",
        |a| Box::pin(catalog::openapi_yaml(a)),
        catalog::says_openapi_yaml,
    ),
    read(
        "/catalog/services",
        "catalog",
        |a| Box::pin(catalog::services(a)),
        catalog::says_services,
    ),
    read(
        "/catalog/services/{id}",
        "catalog",
        |a| Box::pin(catalog::service(a)),
        catalog::says_service,
    ),
    read(
        "/catalog/services/{id}/openapi.json",
        "catalog",
        |a| Box::pin(catalog::service_openapi(a)),
        catalog::says_service_openapi,
    ),
    read(
        "/catalog/agencies",
        "catalog",
        |a| Box::pin(catalog::agencies(a)),
        catalog::says_agencies,
    ),
    read(
        "/sandbox/_personas",
        "sandbox",
        |a| Box::pin(sandbox::personas(a)),
        sandbox::says_personas,
    ),
    read(
        "/sandbox/_scenarios",
        "sandbox",
        |a| Box::pin(sandbox::scenarios(a)),
        sandbox::says_scenarios,
    ),
    world(
        "GET",
        "/sandbox/_clock",
        |a| Box::pin(world_clock::look(a)),
        world_clock::says_look,
    ),
    world(
        "POST",
        "/sandbox/_clock",
        |a| Box::pin(world_clock::move_on(a)),
        world_clock::says_move_on,
    ),
    world(
        "POST",
        "/sandbox/_worlds",
        |a| Box::pin(worlds::make(a)),
        worlds_described::says_make,
    ),
    world(
        "GET",
        "/sandbox/_worlds",
        |a| Box::pin(worlds::list(a)),
        worlds_described::says_list,
    ),
    world(
        "GET",
        "/sandbox/_worlds/{id}",
        |a| Box::pin(worlds::one(a)),
        worlds_described::says_one,
    ),
    world(
        "DELETE",
        "/sandbox/_worlds/{id}",
        |a| Box::pin(worlds::remove(a)),
        worlds_described::says_remove,
    ),
    world(
        "POST",
        "/sandbox/_worlds/{id}/reset",
        |a| Box::pin(worlds::reset(a)),
        worlds_described::says_reset,
    ),
    world(
        "POST",
        "/sandbox/_worlds/{id}/snapshots",
        |a| Box::pin(worlds::keep(a)),
        worlds_described::says_keep,
    ),
    world(
        "GET",
        "/sandbox/_worlds/{id}/snapshots",
        |a| Box::pin(worlds::snapshots(a)),
        worlds_described::says_snapshots,
    ),
    world(
        "POST",
        "/sandbox/_worlds/{id}/fork",
        |a| Box::pin(worlds::fork(a)),
        worlds_described::says_fork,
    ),
    world(
        "POST",
        "/sandbox/_worlds/{id}/share",
        |a| Box::pin(worlds::share(a)),
        worlds_described::says_share,
    ),
    world(
        "POST",
        "/sandbox/_worlds/{id}/thaw",
        |a| Box::pin(worlds::thaw(a)),
        worlds_described::says_thaw,
    ),
    world(
        "POST",
        "/sandbox/_worlds/{id}/freeze",
        |a| Box::pin(worlds::freeze(a)),
        worlds_described::says_freeze,
    ),
    world(
        "GET",
        "/sandbox/_worlds/{id}/events",
        |a| Box::pin(worlds::events(a)),
        worlds_described::says_events,
    ),
    world(
        "POST",
        "/sandbox/_worlds/{id}/decisions",
        |a| Box::pin(worlds::decide(a)),
        worlds_described::says_decide,
    ),
    developer("GET", "/developer/log", |a| Box::pin(log::list(a)), log::says_list),
    developer(
        "GET",
        "/developer/events",
        |a| Box::pin(events::list(a)),
        events::says_list,
    ),
    developer(
        "GET",
        "/developer/events/{id}",
        |a| Box::pin(events::one(a)),
        events::says_one,
    ),
    developer(
        "POST",
        "/developer/events/{id}/resend",
        |a| Box::pin(events::resend(a)),
        events::says_resend,
    ),
    developer(
        "POST",
        "/developer/webhooks",
        |a| Box::pin(webhooks::make(a)),
        webhooks_described::says_make,
    ),
    developer(
        "GET",
        "/developer/webhooks",
        |a| Box::pin(webhooks::list(a)),
        webhooks_described::says_list,
    ),
    developer(
        "GET",
        "/developer/webhooks/{id}",
        |a| Box::pin(webhooks::one(a)),
        webhooks_described::says_one,
    ),
    developer(
        "PATCH",
        "/developer/webhooks/{id}",
        |a| Box::pin(webhooks::change(a)),
        webhooks_described::says_change,
    ),
    developer(
        "DELETE",
        "/developer/webhooks/{id}",
        |a| Box::pin(webhooks::remove(a)),
        webhooks_described::says_remove,
    ),
    developer(
        "POST",
        "/developer/webhooks/{id}/secret",
        |a| Box::pin(webhooks::rotate(a)),
        webhooks_described::says_rotate,
    ),
    developer(
        "POST",
        "/developer/webhooks/{id}/test",
        |a| Box::pin(webhooks::test(a)),
        webhooks_described::says_test,
    ),
    developer(
        "GET",
        "/developer/webhooks/{id}/deliveries",
        |a| Box::pin(webhooks::deliveries(a)),
        webhooks_described::says_deliveries,
    ),
    upload(
        "/developer/verifications",
        |a| Box::pin(verifications::make(a)),
        verifications::says_make,
    ),
    developer(
        "GET",
        "/developer/verifications",
        |a| Box::pin(verifications::list(a)),
        verifications::says_list,
    ),
    developer(
        "GET",
        "/developer/verifications/{id}",
        |a| Box::pin(verifications::one(a)),
        verifications::says_one,
    ),
    developer(
        "POST",
        "/developer/verifications/{id}/start",
        |a| Box::pin(verifications::start(a)),
        verifications::says_start,
    ),
    developer(
        "POST",
        "/developer/verifications/{id}/replay/{finding}",
        |a| Box::pin(verifications::replay(a)),
        verifications::says_replay,
    ),
    developer(
        "GET",
        "/r/{id}.json",
        |a| Box::pin(logged_call::one(a)),
        logged_call::says_one,
    ),
    developer(
        "POST",
        "/r/{id}/replay",
        |a| Box::pin(logged_call::replay(a)),
        logged_call::says_replay,
    ),
    page("/r/{id}", |a| Box::pin(logged_call::show(a))),
    own("POST", "/me/files", Body::File, me::says_upload),
    own("GET", "/me/ledger", Body::None, me::says_ledger),
    own("GET", "/me/consents", Body::None, me::says_consents),
    own("POST", "/me/consents", Body::Call, me::says_give),
    own("GET", "/me/consents/asked/{id}", Body::None, me::says_asked),
    own("DELETE", "/me/consents/{id}", Body::None, me::says_withdraw),
    own("GET", "/me/export", Body::None, me::says_export),
    own("POST", "/me/deletion", Body::Call, me::says_erase),
    own("GET", "/me/mandates", Body::None, me::says_mandates),
    own("POST", "/me/mandates", Body::Call, me::says_offer),
    own("POST", "/me/mandates/accept", Body::Call, me::says_accept),
    own("DELETE", "/me/mandates/{id}", Body::None, me::says_end),
    own("GET", "/me/sessions", Body::None, me::says_sessions),
    own("DELETE", "/me/sessions", Body::None, me::says_end_sessions),
    own("DELETE", "/me/sessions/{id}", Body::None, me::says_end_session),
    own("GET", "/me/submissions", Body::None, me::says_submissions),
    own("GET", "/me/submissions/{id}", Body::None, me::says_submission),
    desk(
        "POST",
        "/registry/agencies",
        Body::Call,
        |a| Box::pin(registry::ask_in(a)),
        registry::says_ask_in,
    ),
    desk(
        "GET",
        "/registry/agencies",
        Body::None,
        |a| Box::pin(registry::agencies(a)),
        registry::says_agencies,
    ),
    desk(
        "POST",
        "/registry/agencies/{id}/approval",
        Body::Call,
        |a| Box::pin(registry::judge(a)),
        registry::says_judge,
    ),
    desk(
        "GET",
        "/registry/members",
        Body::None,
        |a| Box::pin(registry::members(a)),
        registry::says_members,
    ),
    desk(
        "POST",
        "/registry/members",
        Body::Call,
        |a| Box::pin(registry::new_member(a)),
        registry::says_new_member,
    ),
    desk(
        "DELETE",
        "/registry/members/{id}",
        Body::None,
        |a| Box::pin(registry::dismiss(a)),
        registry::says_dismiss,
    ),
    desk(
        "GET",
        "/registry/acts",
        Body::None,
        |a| Box::pin(registry::acts(a)),
        registry::says_acts,
    ),
    desk(
        "GET",
        "/registry/notices",
        Body::None,
        |a| Box::pin(versions::notices(a)),
        versions::says_notices,
    ),
    desk(
        "POST",
        "/registry/versions",
        Body::File,
        |a| Box::pin(versions::upload(a)),
        versions::says_upload,
    ),
    desk(
        "GET",
        "/registry/versions",
        Body::None,
        |a| Box::pin(versions::all(a)),
        versions::says_all,
    ),
    desk(
        "GET",
        "/registry/versions/{id}",
        Body::None,
        |a| Box::pin(versions::one(a)),
        versions::says_one,
    ),
    desk(
        "GET",
        "/registry/versions/{id}/findings",
        Body::None,
        |a| Box::pin(versions::findings(a)),
        versions::says_findings,
    ),
    desk(
        "GET",
        "/registry/versions/{id}/changes",
        Body::None,
        |a| Box::pin(versions::changes(a)),
        versions::says_changes,
    ),
    desk(
        "GET",
        "/registry/versions/{id}/history",
        Body::None,
        |a| Box::pin(versions::history(a)),
        versions::says_history,
    ),
    desk(
        "GET",
        "/registry/versions/{id}/document",
        Body::None,
        |a| Box::pin(versions::document(a)),
        versions::says_document,
    ),
    desk(
        "POST",
        "/registry/versions/{id}/steps",
        Body::Call,
        |a| Box::pin(versions::step(a)),
        versions::says_step,
    ),
    read(
        "/hub/openapi.json",
        "hub",
        |a| Box::pin(health::own_document(a)),
        health::says_own_document,
    ),
    read("/livez", "health", |a| Box::pin(health::live(a)), health::says_live),
    read("/readyz", "health", |a| Box::pin(health::ready(a)), health::says_ready),
    sso("GET", "/sso/.well-known/openid-configuration", |a| {
        Box::pin(sso::configuration(a))
    }),
    sso("GET", "/.well-known/oauth-authorization-server/sso", |a| {
        Box::pin(sso::configuration(a))
    }),
    sso("GET", "/sso/jwks", |a| Box::pin(sso::jwks(a))),
    sso("GET", "/sso/authorize", |a| Box::pin(sign_in::authorize(a))),
    sso("POST", "/sso/authorize", |a| Box::pin(sign_in::authorize(a))),
    sso("GET", "/sso/continue", |a| Box::pin(sign_in::resume(a))),
    sso("POST", "/sso/sign-in", |a| Box::pin(sign_in::sign_in(a))),
    sso("POST", "/sso/consent", |a| Box::pin(sign_in::consent(a))),
    sso("GET", "/sso/via/{provider}", |a| Box::pin(upstream::start(a))),
    sso("GET", "/sso/via/{provider}/callback", |a| {
        Box::pin(upstream::callback(a))
    }),
    sso("POST", "/sso/via/{provider}/callback", |a| {
        Box::pin(upstream::posted(a))
    }),
    sso("POST", "/sso/via/{provider}/logout", |a| Box::pin(upstream::logout(a))),
    sso("GET", "/sso/via/{provider}/logout", |a| Box::pin(upstream::left(a))),
    sso("GET", "/sso/via/{provider}/metadata", |a| {
        Box::pin(upstream::metadata(a))
    }),
    sso("GET", "/sso/apps", |a| Box::pin(apps::list(a))),
    sso("POST", "/sso/apps", |a| Box::pin(apps::withdraw(a))),
    sso("GET", "/sso/sessions", |a| Box::pin(own_sessions::list(a))),
    sso("POST", "/sso/sessions", |a| Box::pin(own_sessions::end(a))),
    sso("GET", "/sso/jwks/sm2", |a| Box::pin(sso::sm2_jwks(a))),
    sso("POST", "/sso/par", |a| Box::pin(sso::par(a))),
    sso("OPTIONS", "/sso/par", |a| Box::pin(sso::preflight(a))),
    sso("POST", "/sso/token", |a| Box::pin(sso::token(a))),
    sso("OPTIONS", "/sso/token", |a| Box::pin(sso::preflight(a))),
    sso("POST", "/sso/introspect", |a| Box::pin(sso::introspect(a))),
    sso("POST", "/sso/revoke", |a| Box::pin(sso::revoke(a))),
    sso("OPTIONS", "/sso/revoke", |a| Box::pin(sso::preflight(a))),
    sso("OPTIONS", "/sso/userinfo", |a| Box::pin(sso::preflight(a))),
    sso("GET", "/sso/userinfo", |a| Box::pin(sso::userinfo(a))),
    sso("POST", "/sso/userinfo", |a| Box::pin(sso::userinfo(a))),
    sso("GET", "/sso/logout", |a| Box::pin(sign_in::logout(a))),
    sso("POST", "/sso/logout", |a| Box::pin(sign_in::logout(a))),
    sso("POST", "/sso/sign-out", |a| Box::pin(sign_in::sign_out(a))),
    call("/gateway/{path:.*}", "gateway", |a| Box::pin(calls::live(a))),
    call("/sandbox/{path:.*}", "sandbox", |a| Box::pin(calls::sandbox(a))),
    call("/callback/{path:.*}", "callback", |a| Box::pin(calls::callback(a))),
    operator(
        "POST",
        "/admin/sign-in",
        |a| Box::pin(staff::sign_in(a)),
        staff::says_sign_in,
    ),
    operator(
        "POST",
        "/admin/sign-out",
        |a| Box::pin(staff::sign_out(a)),
        staff::says_sign_out,
    ),
    operator(
        "GET",
        "/admin/operators",
        |a| Box::pin(staff::list(a)),
        staff::says_list,
    ),
    operator("POST", "/admin/operators", |a| Box::pin(staff::new(a)), staff::says_new),
    operator(
        "DELETE",
        "/admin/operators/{id}",
        |a| Box::pin(staff::dismiss(a)),
        staff::says_dismiss,
    ),
    operator(
        "POST",
        "/admin/reload",
        |a| Box::pin(admin::reload(a)),
        admin::says_reload,
    ),
    operator(
        "GET",
        "/admin/clients",
        |a| Box::pin(admin::clients(a)),
        admin::says_clients,
    ),
    operator(
        "POST",
        "/admin/clients",
        |a| Box::pin(admin::new_client(a)),
        admin::says_new_client,
    ),
    operator(
        "POST",
        "/admin/clients/{id}/keys",
        |a| Box::pin(admin::rotate(a)),
        admin::says_rotate,
    ),
    operator(
        "DELETE",
        "/admin/clients/{id}/keys",
        |a| Box::pin(admin::revoke(a)),
        admin::says_revoke,
    ),
    operator(
        "GET",
        "/admin/sso/clients",
        |a| Box::pin(admin::sso_clients(a)),
        admin::says_sso_clients,
    ),
    operator(
        "POST",
        "/admin/sso/clients",
        |a| Box::pin(admin::new_sso_client(a)),
        admin::says_new_sso_client,
    ),
    operator(
        "POST",
        "/admin/agencies",
        |a| Box::pin(registry::take_in(a)),
        registry::says_take_in,
    ),
    operator(
        "POST",
        "/admin/members",
        |a| Box::pin(registry::let_in(a)),
        registry::says_let_in,
    ),
    operator(
        "GET",
        "/admin/upstreams",
        |a| Box::pin(admin::upstreams(a)),
        admin::says_upstreams,
    ),
    operator(
        "GET",
        "/admin/credentials",
        |a| Box::pin(upkeep::credentials(a)),
        upkeep::says_credentials,
    ),
    operator(
        "GET",
        "/admin/drift",
        |a| Box::pin(upkeep::drift(a)),
        upkeep::says_drift,
    ),
    operator(
        "POST",
        "/admin/drift/{agency}/{system}/accept",
        |a| Box::pin(upkeep::accept_drift(a)),
        upkeep::says_accept_drift,
    ),
    operator(
        "GET",
        "/admin/submissions",
        |a| Box::pin(queue::list(a)),
        queue::says_list,
    ),
    operator(
        "GET",
        "/admin/submissions/{id}",
        |a| Box::pin(queue::one(a)),
        queue::says_one,
    ),
    operator(
        "POST",
        "/admin/submissions/{id}/decision",
        |a| Box::pin(queue::decide(a)),
        queue::says_decide,
    ),
    operator(
        "POST",
        "/admin/payments/{agency}/{system}/{day}",
        |a| Box::pin(queue::statement(a)),
        queue::says_statement,
    ),
    operator(
        "GET",
        "/admin/payments/differences",
        |a| Box::pin(queue::differences(a)),
        queue::says_differences,
    ),
    operator(
        "POST",
        "/admin/payments/{agency}/{system}/{day}/{order_no}/settle",
        |a| Box::pin(queue::settle(a)),
        queue::says_settle,
    ),
    operator(
        "GET",
        "/metrics",
        |a| Box::pin(health::metrics(a)),
        health::says_metrics,
    ),
];

/// The row of a method and a path in OpenAPI's form.
#[must_use]
pub fn at(method: &str, template: &str) -> Option<&'static Route> {
    TABLE.iter().find(|r| r.method == method && r.template() == template)
}
