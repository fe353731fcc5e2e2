//! Operators' acts, on a listener of their own, each with the operators' token.

use super::describe::{Description, Who};
use super::{Answered, Ask};
use crate::hub::{Edition, Hub, published};
use actix_web::HttpResponse;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Environment, Finding, Problem, ProblemCode, Severity, Text};
use hub_identity::IdentityError;
use hub_identity::sso::{AUTH_METHODS, GRANTS, MEMBERS, RegistrationError, SsoClientRow};
use hub_registry::{ClientRow, KeyInfo, NewClient, RegistryError};
use serde_json::{Value, json};
use std::time::Duration;

/// How long an old key stays good beside a new one.
const GRACE: Duration = Duration::from_secs(24 * 3600);

pub async fn reload(ask: Ask) -> Answered {
    let hub = &ask.worker.hub;
    let _alone = hub.reloading.lock().await;
    let paths = hub.config.paths.clone();
    let all = published(&paths, &hub.desk.shelf(), hub.clock.now());
    let read = tokio::task::spawn_blocking(move || Edition::load(&paths, &all)).await;
    let read = read.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let edition = read.map_err(|findings| unusable(&findings))?;
    let (counts, notes) = (edition.catalog.counts(), edition.notes.clone());
    let version = hub.next_edition();
    hub.upstreams.put(&edition.providers);
    ask.worker.gateway.reload(edition.snapshot(version));
    tracing::info!(version, services = counts.services, "another edition is in force");
    Ok(HttpResponse::Ok().json(json!({"version": version, "counts": counts, "notes": notes})))
}

/// The last good edition stays; every finding is listed.
fn unusable(findings: &[Finding]) -> Problem {
    for finding in findings.iter().filter(|f| f.severity == Severity::Error) {
        tracing::warn!(finding = %finding, "the new edition cannot be used");
    }
    let count = findings.len();
    let first = findings.first();
    let problem = Problem::new(ProblemCode::ReloadFailed)
        .detail(
            format!("共 {count} 处问题，仍用上一份目录"),
            format!("{count} findings; the last good edition stays"),
        )
        .with("findings", json!(findings));
    match first {
        Some(f) => problem.at(
            format!("{}:{}:{}", f.file, f.line, f.column),
            f.expected.clone().map_or_else(|| f.message.clone(), Text::same),
            f.got.clone().unwrap_or_default(),
        ),
        None => problem,
    }
}

pub async fn clients(ask: Ask) -> Answered {
    let registry = &ask.worker.hub.registry;
    let (clients, keys) = (
        registry.clients().await.map_err(refused)?,
        registry.keys().await.map_err(refused)?,
    );
    let items: Vec<Value> = clients.iter().map(|c| shown(c, &keys)).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

pub async fn new_client(ask: Ask) -> Answered {
    let (hub, body) = (&ask.worker.hub, ask.json()?);
    let now = hub.clock.now();
    let new = described(&body)?;
    if !ask
        .worker
        .gateway
        .snapshot()
        .policies
        .plans
        .names()
        .any(|p| p == new.plan)
    {
        let snapshot = ask.worker.gateway.snapshot();
        let known: Vec<&str> = snapshot.policies.plans.names().collect();
        let expected = Text::same(known.join(", "));
        return Err(Problem::new(ProblemCode::ValidationFailed).at("/plan", expected, new.plan));
    }
    hub.registry
        .put_tenant(&new.tenant, &new.tenant, now)
        .await
        .map_err(refused)?;
    let client = hub.registry.put_client(new, now).await.map_err(refused)?;
    let issued = hub.registry.issue_key(&client.id, now).await.map_err(refused)?;
    tracing::info!(client = %client.id, "a client was made");
    let mut answer = shown(&client, &[]);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("key".into(), json!(issued.key));
        fields.insert("prefix".into(), json!(issued.prefix));
    }
    Ok(HttpResponse::Created()
        .insert_header(("cache-control", "no-store"))
        .json(answer))
}

fn described(body: &Value) -> Result<NewClient, Problem> {
    let known = ["tenant", "name", "plan", "environment", "origins"];
    let fields = body.as_object().into_iter().flatten();
    if let Some((name, _)) = fields.into_iter().find(|(n, _)| !known.contains(&n.as_str())) {
        return Err(unfit(name, &known.join(", "), name).near(hub_catalog::nearest(name, known)));
    }
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let need = |name: &str| text(name).ok_or_else(|| unfit(name, "text", "nothing"));
    let tenant = need("tenant")?.to_owned();
    let environment = text("environment").unwrap_or("live");
    let origins = body.get("origins").and_then(Value::as_array).into_iter().flatten();
    Ok(NewClient {
        id: None,
        name: text("name").unwrap_or(&tenant).to_owned(),
        plan: text("plan").unwrap_or("standard").to_owned(),
        environment: environment
            .parse::<Environment>()
            .map_err(|e| unfit("environment", e.expected, environment))?,
        origins: origins.filter_map(|o| o.as_str().map(str::to_owned)).collect(),
        tenant,
    })
}

pub(super) fn unfit(name: &str, expected: &str, got: &str) -> Problem {
    Problem::new(ProblemCode::ValidationFailed).at(format!("/{name}"), Text::same(expected), got)
}

pub async fn rotate(ask: Ask) -> Answered {
    let (hub, id) = (&ask.worker.hub, ask.path("id"));
    let issued = hub
        .registry
        .rotate(&id, GRACE, hub.clock.now())
        .await
        .map_err(refused)?;
    tracing::info!(client = %id, "a client got another key");
    let answer = json!({"id": id, "key": issued.key, "prefix": issued.prefix, "grace_seconds": GRACE.as_secs()});
    Ok(HttpResponse::Created()
        .insert_header(("cache-control", "no-store"))
        .json(answer))
}

pub async fn revoke(ask: Ask) -> Answered {
    let (hub, id) = (&ask.worker.hub, ask.path("id"));
    let wanted = ask.parameter("prefix");
    let clients = hub.registry.clients().await.map_err(refused)?;
    if !clients.iter().any(|c| c.id == id) {
        return Err(Problem::new(ProblemCode::NotFound));
    }
    let keys = hub.registry.keys().await.map_err(refused)?;
    let of = |k: &&KeyInfo| k.client == id && !k.revoked && wanted.as_ref().is_none_or(|w| *w == k.prefix);
    let mut revoked = Vec::new();
    for key in keys.iter().filter(of) {
        hub.registry.revoke(&key.prefix).await.map_err(refused)?;
        revoked.push(key.prefix.clone());
    }
    tracing::info!(client = %id, keys = revoked.len(), "keys were revoked");
    Ok(HttpResponse::Ok().json(json!({"id": id, "revoked": revoked})))
}

pub async fn upstreams(ask: Ask) -> Answered {
    let hub: &Hub = &ask.worker.hub;
    let snapshot = ask.worker.gateway.snapshot();
    let health = hub.outbound.health();
    let items: Vec<Value> = snapshot
        .connectors
        .iter()
        .map(|(system, connector)| {
            let seen = health.iter().find(|h| h.system == *system);
            let limits = connector.settings().limits;
            json!({
                "system": system,
                "breaker": seen.map_or_else(|| "unused".to_owned(), |h| format!("{:?}", h.phase).to_ascii_lowercase()),
                "used_today": seen.map_or(0, |h| h.used_today),
                "limits": {"rps": limits.rps, "daily": limits.daily, "concurrency": limits.concurrency},
                "closed_until": connector.settings().closed.resumes_at(hub.clock.now()).map(rfc3339),
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

#[allow(clippy::needless_pass_by_value)]
fn refused(error: RegistryError) -> Problem {
    error.problem()
}

fn shown(client: &ClientRow, keys: &[KeyInfo]) -> Value {
    let time = |t: Option<Timestamp>| t.map(rfc3339);
    let keys: Vec<Value> = keys
        .iter()
        .filter(|k| k.client == client.id)
        .map(|k| json!({"prefix": k.prefix, "revoked": k.revoked, "expires": time(k.expires), "created": rfc3339(k.created)}))
        .collect();
    json!({
        "id": client.id, "tenant": client.tenant, "name": client.name, "plan": client.plan,
        "environment": client.environment, "origins": client.origins, "active": client.active, "keys": keys,
    })
}

pub async fn sso_clients(ask: Ask) -> Answered {
    let clients = ask.worker.hub.sso.clients().await.map_err(broken)?;
    let items: Vec<Value> = clients.iter().map(shown_sso).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

pub async fn new_sso_client(ask: Ask) -> Answered {
    let hub = &ask.worker.hub;
    let made = hub
        .sso
        .register(&ask.json()?, hub.clock.now())
        .await
        .map_err(|e| match e {
            RegistrationError::Unfit(what) => unfit(what.member, what.expected, "***"),
            RegistrationError::Unknown(name) => {
                unfit(&name, &MEMBERS.join(", "), &name).near(hub_catalog::nearest(&name, MEMBERS.iter().copied()))
            }
            RegistrationError::Taken => unfit("client_id", "an id that is not taken", "***"),
            RegistrationError::Identity(error) => broken(error),
        })?;
    tracing::info!(client = %made.client.id, "an application was registered for sign-in");
    let mut answer = shown_sso(&made.client);
    if let (Some(secret), Some(fields)) = (made.secret, answer.as_object_mut()) {
        fields.insert("client_secret".into(), json!(secret));
    }
    Ok(HttpResponse::Created()
        .insert_header(("cache-control", "no-store"))
        .json(answer))
}

#[allow(clippy::needless_pass_by_value)]
fn broken(error: IdentityError) -> Problem {
    Problem::new(ProblemCode::StoreUnavailable).inner(error.to_string())
}

fn shown_sso(client: &SsoClientRow) -> Value {
    json!({
        "client_id": client.id, "client_name": client.name, "client_name#en": client.en,
        "token_endpoint_auth_method": client.auth, "redirect_uris": client.redirects,
        "post_logout_redirect_uris": client.logouts, "backchannel_logout_uri": client.back_channel,
        "sector": client.sector, "scope": client.scopes.join(" "), "grant_types": client.grants,
        "require_pushed_authorization_requests": client.pushed_only,
        "id_token_signed_response_alg": client.alg, "active": client.active,
    })
}

pub(super) fn admin(description: Description) -> Description {
    description.who(Who::Operator).problems(&[401])
}

pub fn says_reload() -> Description {
    admin(Description::new(
        "admin.reload",
        "重新载入接口描述、连接器和策略",
        "Read specs, connectors and policies again",
    ))
    .problems(&[401, 422])
}

pub fn says_clients() -> Description {
    let page = json!({
        "type": "object",
        "required": ["items", "total"],
        "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Client"}}, "total": {"type": "integer"}},
    });
    admin(Description::new(
        "admin.clients.list",
        "应用和密钥（不含密文）",
        "Clients and keys, without secrets",
    ))
    .good(200, "application/json", page)
}

pub fn says_new_client() -> Description {
    let text = json!({"type": "string", "minLength": 1});
    let body = json!({
        "type": "object",
        "required": ["tenant"],
        "additionalProperties": false,
        "properties": {
            "tenant": text, "name": text, "plan": text, "environment": {"enum": ["live", "sandbox"]},
            "origins": {"type": "array", "items": {"type": "string"}},
        },
    });
    admin(Description::new(
        "admin.clients.create",
        "新建应用和第一个密钥",
        "Make a client and its first key",
    ))
    .body("application/json", body)
    .good(201, "application/json", json!({"$ref": "#/components/schemas/Client"}))
    .problems(&[400, 401, 415, 422])
}

pub fn says_rotate() -> Description {
    let answer = json!({
        "type": "object",
        "required": ["id", "key", "prefix", "grace_seconds"],
        "properties": {
            "id": {"type": "string"}, "key": {"type": "string"}, "prefix": {"type": "string"},
            "grace_seconds": {"type": "integer"},
        },
    });
    admin(Description::new(
        "admin.keys.rotate",
        "换发密钥",
        "Give a client another key; the old ones end after a while",
    ))
    .path("id", "Client id.")
    .good(201, "application/json", answer)
    .problems(&[401, 404])
}

pub fn says_revoke() -> Description {
    admin(Description::new(
        "admin.keys.revoke",
        "立即撤销密钥",
        "Revoke keys at once",
    ))
    .path("id", "Client id.")
    .query(
        "prefix",
        "Only this key; all of them if missing.",
        json!({"type": "string"}),
    )
    .problems(&[401, 404])
}

pub fn says_sso_clients() -> Description {
    let client = json!({"type": "object"});
    let page = json!({
        "type": "object",
        "required": ["items", "total"],
        "properties": {"items": {"type": "array", "items": client}, "total": {"type": "integer"}},
    });
    admin(Description::new(
        "admin.sso.clients.list",
        "通过枢纽登录的应用",
        "Applications that people sign in to",
    ))
    .good(200, "application/json", page)
}

pub fn says_new_sso_client() -> Description {
    let text = json!({"type": "string", "minLength": 1});
    let addresses = json!({"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": 20});
    let body = json!({
        "type": "object",
        "required": ["client_name"],
        "additionalProperties": false,
        "properties": {
            "client_id": text, "client_name": text, "client_name#en": text,
            "token_endpoint_auth_method": {"enum": AUTH_METHODS},
            "jwks": {"type": "object", "description": "Public ES256 keys, for private_key_jwt."},
            "redirect_uris": addresses, "post_logout_redirect_uris": addresses,
            "backchannel_logout_uri": {"type": "string", "format": "uri"},
            "sector": {"type": "string", "description": "Within one sector a person has one `sub`; the host of the redirects if missing."},
            "scope": {"type": "string", "description": "Scopes it may ask for, with spaces between them."},
            "grant_types": {"type": "array", "items": {"enum": GRANTS}},
            "require_pushed_authorization_requests": {"type": "boolean"},
        },
    });
    admin(Description::new(
        "admin.sso.clients.create",
        "登记一个通过枢纽登录的应用",
        "Register an application that people sign in to",
    ))
    .body("application/json", body)
    .good(
        201,
        "application/json",
        json!({"type": "object", "required": ["client_id"], "properties": {
            "client_id": text,
            "client_secret": {"type": "string", "description": "Shown once."},
        }}),
    )
    .problems(&[400, 401, 415, 422])
}

pub fn says_upstreams() -> Description {
    admin(Description::new(
        "admin.upstreams",
        "各部门系统的断路器和用量",
        "Breakers and budgets of the upstreams",
    ))
}

/// The schema of a client.
pub fn client_schema() -> Value {
    let text = json!({"type": "string"});
    json!({
        "type": "object",
        "required": ["id", "tenant", "name", "plan", "environment", "origins", "active", "keys"],
        "properties": {
            "id": text, "tenant": text, "name": text, "plan": text, "environment": {"enum": ["live", "sandbox"]},
            "origins": {"type": "array", "items": text}, "active": {"type": "boolean"},
            "keys": {"type": "array", "items": {
                "type": "object",
                "required": ["prefix", "revoked", "created"],
                "properties": {"prefix": text, "revoked": {"type": "boolean"}, "created": text,
                               "expires": {"type": ["string", "null"]}},
            }},
            "key": {"type": "string", "description": "Only in the answer to its making; shown once."},
            "prefix": text,
        },
    })
}
