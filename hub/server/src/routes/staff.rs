//! People who operate the hub: who they are, what each may, and what they did.

use super::admin::{admin, unfit};
use super::describe::Description;
use super::table::Route;
use super::{Answered, Ask};
use actix_web::HttpResponse;
use hub_core::time::rfc3339;
use hub_core::{Problem, ProblemCode};
use hub_identity::{Duty, IdentityError, Operator, OperatorError, Staff};
use serde_json::{Value, json};

/// Who makes a request at the operators' door.
pub enum Hand {
    /// Whoever holds the token of the first hour, until somebody is there who decides who may what.
    First,
    /// A person.
    Person(Operator),
}

impl Hand {
    /// As the trail names them.
    pub fn name(&self) -> String {
        match self {
            Hand::First => "operator:first".to_owned(),
            Hand::Person(operator) => format!("operator:{}", operator.name),
        }
    }
}

/// What a route is for. Whoever audits reads everything and changes nothing.
pub fn duty(route: &Route) -> Duty {
    const SECURITY: [&str; 5] = [
        "/admin/clients",
        "/admin/sso",
        "/admin/agencies",
        "/admin/members",
        "/admin/operators",
    ];
    match route.path {
        path if SECURITY.iter().any(|p| path.starts_with(p)) => Duty::Security,
        path if path.starts_with("/admin/trail") => Duty::Audit,
        _ => Duty::System,
    }
}

/// Lets in who may use a route, and nobody else.
///
/// # Errors
/// `token-missing`, `token-invalid`, `access-denied`.
pub async fn admitted(ask: &Ask, route: &Route) -> Result<Hand, Problem> {
    let token = ask.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| Problem::new(ProblemCode::TokenMissing))?.trim();
    let (hub, now) = (&ask.worker.hub, ask.worker.hub.clock.now());
    if hub.is_operator(token) {
        if hub.staff.has_security().await.map_err(ours)? {
            return Err(Problem::new(ProblemCode::TokenInvalid).detail(
                "已有安全管理员，首个令牌不再有效：请以个人账户登录",
                "There is a security officer: the first token opens nothing any more, sign in as yourself",
            ));
        }
        return Ok(Hand::First);
    }
    let holder = hub.staff.holder(token, now).await.map_err(ours)?;
    let holder = holder.ok_or_else(|| Problem::new(ProblemCode::TokenInvalid))?;
    let needed = duty(route);
    let reads = route.method == "GET" && holder.duty == Duty::Audit;
    if holder.duty == needed || reads || route.path == "/admin/sign-out" {
        return Ok(Hand::Person(holder));
    }
    Err(Problem::new(ProblemCode::AccessDenied)
        .detail(
            format!("该操作须由 {} 管理员办理", needed.as_str()),
            format!("This is for the {} administrator", needed.as_str()),
        )
        .with("duty", needed.as_str()))
}

#[allow(clippy::needless_pass_by_value)]
fn ours(error: IdentityError) -> Problem {
    Problem::new(ProblemCode::StoreUnavailable).inner(error.to_string())
}

fn staff(ask: &Ask) -> &Staff {
    &ask.worker.hub.staff
}

pub async fn sign_in(ask: Ask) -> Answered {
    ask.worker.gateway.knock_at(ask.peer)?;
    let body = ask.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    for name in ["name", "password", "code"] {
        if text(name).is_empty() {
            return Err(unfit(name, "text", "nothing"));
        }
    }
    let now = ask.worker.hub.clock.now();
    let signed = staff(&ask)
        .sign_in(text("name"), text("password"), text("code"), now)
        .await
        .map_err(ours)?;
    let status = if signed.is_some() { 200 } else { 401 };
    let who = format!("operator:{}", text("name").chars().take(40).collect::<String>());
    ask.worker
        .gateway
        .note_act(&who, "admin.sign-in", &ask.voice.request_id, status)
        .await?;
    let Some((operator, token)) = signed else {
        return Err(Problem::new(ProblemCode::TokenInvalid).detail(
            "姓名、口令或验证码不对，或账户已锁定十五分钟",
            "Name, password or code is not right, or the account is locked for fifteen minutes",
        ));
    };
    Ok(HttpResponse::Ok()
        .insert_header(("cache-control", "no-store"))
        .json(json!({"token": token, "name": operator.name, "role": operator.duty.as_str(), "idle_seconds": 900, "seconds": 28_800})))
}

pub async fn sign_out(ask: Ask) -> Answered {
    let token = ask.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
    staff(&ask)
        .sign_out(token.unwrap_or_default().trim())
        .await
        .map_err(ours)?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn list(ask: Ask) -> Answered {
    let all = staff(&ask).all().await.map_err(ours)?;
    let now = ask.worker.hub.clock.now();
    let items: Vec<Value> = all
        .iter()
        .map(|o| {
            json!({
                "id": o.id, "name": o.name, "role": o.role, "active": o.active, "locked": o.locked > now,
                "created": rfc3339(o.created),
            })
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "total": items.len()})))
}

pub async fn new(ask: Ask) -> Answered {
    let body = ask.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let word = text("role");
    let duty = Duty::parse(word).ok_or_else(|| unfit("role", "system, security, audit", word))?;
    // Whoever comes first decides who comes next: nobody else could let them in.
    let first = !staff(&ask).has_security().await.map_err(ours)?;
    if first && duty != Duty::Security {
        return Err(unfit("role", "security, for the first operator", word));
    }
    let now = ask.worker.hub.clock.now();
    let made = staff(&ask).add(text("name"), text("password"), duty, now).await;
    let made = made.map_err(|error| match error {
        OperatorError::Name => unfit("name", "2 to 40 letters, digits, - and _, not taken", text("name")),
        OperatorError::Password => unfit("password", "12 characters or more", "fewer"),
        OperatorError::Identity(error) => ours(error),
    })?;
    Ok(HttpResponse::Created()
        .insert_header(("cache-control", "no-store"))
        .json(json!({
            "id": made.operator.id, "name": made.operator.name, "role": duty.as_str(), "otpauth": made.otpauth, "secret": made.secret,
        })))
}

pub async fn dismiss(ask: Ask) -> Answered {
    let id = ask.path("id");
    let all = staff(&ask).all().await.map_err(ours)?;
    let officers = all.iter().filter(|o| o.active && o.role == Duty::Security.as_str());
    if officers.clone().count() == 1 && officers.clone().any(|o| o.id == id) {
        return Err(unfit("id", "not the last security officer", &id));
    }
    match staff(&ask).dismiss(&id).await.map_err(ours)? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Problem::new(ProblemCode::NotFound)),
    }
}

fn operator_schema() -> Value {
    json!({"type": "object", "required": ["id", "name", "role"], "properties": {
        "id": {"type": "string"}, "name": {"type": "string"}, "role": {"enum": ["system", "security", "audit"]},
        "active": {"type": "boolean"}, "locked": {"type": "boolean"}, "created": {"type": "string", "format": "date-time"},
        "otpauth": {"type": "string", "description": "For an authenticator app; shown once."},
        "secret": {"type": "string", "description": "The same, to type; shown once."},
    }})
}

pub fn says_sign_in() -> Description {
    let body = json!({"type": "object", "required": ["name", "password", "code"], "properties": {
        "name": {"type": "string"}, "password": {"type": "string"},
        "code": {"type": "string", "description": "The six digits of the moment (RFC 6238)."},
    }});
    let token = json!({"type": "object", "required": ["token", "role"], "properties": {
        "token": {"type": "string"}, "name": {"type": "string"}, "role": {"enum": ["system", "security", "audit"]},
        "idle_seconds": {"type": "integer"}, "seconds": {"type": "integer"},
    }});
    Description::new(
        "admin.sign-in",
        "管理员登录（口令与动态码）",
        "Sign an operator in (password and code)",
    )
    .body("application/json", body)
    .good(200, "application/json", token)
    .problems(&[400, 401, 415, 422, 429])
}

pub fn says_sign_out() -> Description {
    admin(Description::new("admin.sign-out", "管理员退出", "Sign an operator out")).good(204, "", Value::Null)
}

pub fn says_list() -> Description {
    let page = json!({"type": "object", "required": ["items", "total"], "properties": {
        "items": {"type": "array", "items": operator_schema()}, "total": {"type": "integer"},
    }});
    admin(Description::new(
        "admin.operators",
        "管理员名单",
        "People who operate the hub",
    ))
    .good(200, "application/json", page)
}

pub fn says_new() -> Description {
    let body = json!({"type": "object", "required": ["name", "password", "role"], "properties": {
        "name": {"type": "string"}, "password": {"type": "string", "minLength": 12}, "role": {"enum": ["system", "security", "audit"]},
    }});
    admin(Description::new(
        "admin.operators.new",
        "新增管理员；第一个须为安全管理员，此后首个令牌失效",
        "Let an operator in; the first is the security officer, and ends the first token",
    ))
    .body("application/json", body)
    .good(201, "application/json", operator_schema())
    .problems(&[400, 415, 422])
}

pub fn says_dismiss() -> Description {
    admin(Description::new(
        "admin.operators.dismiss",
        "停用管理员",
        "Let an operator in no more",
    ))
    .path("id", "Id of the operator.")
    .good(204, "", Value::Null)
    .problems(&[404, 422])
}
