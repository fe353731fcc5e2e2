//! Where agencies register: themselves, their people, and descriptions from upload to retirement.

use super::describe::{Description, Who};
use super::{Answered, Ask, admin, versions};
use actix_web::HttpResponse;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Problem, ProblemCode, Text};
use hub_registry::{Act, Invited, Member, MemberRow, RegistryError, Role};
use serde_json::{Value, json};
use std::sync::Arc;

/// Acts shown on one page.
const ACTS: i64 = 500;

/// Who is at the desk.
pub fn member(ask: &Ask) -> Result<Arc<Member>, Problem> {
    ask.worker.gateway.knock_at(ask.peer)?;
    let token = ask.header("authorization").and_then(|v| v.strip_prefix("Bearer "));
    let token = token.ok_or_else(|| Problem::new(ProblemCode::TokenMissing))?;
    let member = ask.worker.hub.desk.member(token.trim());
    member.ok_or_else(|| Problem::new(ProblemCode::TokenInvalid))
}

#[allow(clippy::needless_pass_by_value)]
pub fn refused(error: RegistryError) -> Problem {
    error.problem()
}

/// The members of a JSON body, all of them texts or flags, none of them unknown.
pub struct Fields(Value);

impl Fields {
    /// Reads the body.
    pub fn of(ask: &Ask, known: &[&str]) -> Result<Self, Problem> {
        let body = ask.json()?;
        let Some(fields) = body.as_object() else {
            return Err(Problem::new(ProblemCode::ValidationFailed).at("", Text::same("an object"), ""));
        };
        match fields.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => {
                Err(admin::unfit(name, &known.join(", "), name).near(hub_catalog::nearest(name, known.iter().copied())))
            }
            None => Ok(Self(body)),
        }
    }

    /// A text that may be missing.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|t| !t.is_empty())
    }

    /// A text that may not.
    pub fn need(&self, name: &str) -> Result<&str, Problem> {
        let got = self.0.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string);
        self.text(name).ok_or_else(|| admin::unfit(name, "text", &got))
    }

    /// A flag that may not be missing.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        let got = self.0.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string);
        self.0
            .get(name)
            .and_then(Value::as_bool)
            .ok_or_else(|| admin::unfit(name, "true or false", &got))
    }
}

fn role(fields: &Fields) -> Result<Role, Problem> {
    let word = fields.need("role")?;
    Role::from_word(word).ok_or_else(|| admin::unfit("role", "clerk, owner, reviewer, operator", word))
}

fn invited(invited: &Invited) -> HttpResponse {
    let member = &invited.member;
    HttpResponse::Created()
        .insert_header(("cache-control", "no-store"))
        .json(json!({
            "id": member.id, "agency": member.agency, "name": member.name, "role": member.role, "token": invited.token,
        }))
}

fn row(row: &MemberRow) -> Value {
    json!({"id": row.id, "agency": row.agency, "name": row.name, "role": row.role, "active": row.active,
           "created": rfc3339(row.created)})
}

pub fn act(act: &Act) -> Value {
    // To the microsecond: acts follow one another faster than seconds.
    json!({"at": act.at.to_string(), "actor": act.actor, "role": act.role, "agency": act.agency, "subject": act.subject,
           "act": act.act, "state": act.state, "revision": act.revision, "why": act.why})
}

pub async fn ask_in(ask: Ask) -> Answered {
    ask.worker.gateway.knock_at(ask.peer)?;
    let fields = Fields::of(&ask, &["id", "name", "en"])?;
    let hub = &ask.worker.hub;
    let en = fields.text("en").unwrap_or(fields.need("name")?);
    let made = hub
        .desk
        .ask_in(fields.need("id")?, fields.need("name")?, en, hub.clock.now())
        .await;
    Ok(invited(&made.map_err(refused)?))
}

pub async fn agencies(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let shelf = ask.worker.hub.desk.shelf();
    let items: Vec<Value> = shelf
        .agencies()
        .filter(|a| by.sees(&a.id))
        .map(|a| json!({"id": a.id, "name": {"zh": a.name, "en": a.en}, "state": a.state, "created": rfc3339(a.created)}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({"total": items.len(), "items": items})))
}

pub async fn judge(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let fields = Fields::of(&ask, &["approved", "why"])?;
    let hub = &ask.worker.hub;
    let (id, good) = (ask.path("id"), fields.flag("approved")?);
    let why = fields.text("why").unwrap_or_default();
    hub.desk
        .judge_agency(&by, &id, good, why, hub.clock.now())
        .await
        .map_err(refused)?;
    Ok(HttpResponse::Ok().json(json!({"id": id, "state": if good { "approved" } else { "suspended" }})))
}

/// An operator at the operators' door takes an agency in without its asking.
pub async fn take_in(ask: Ask) -> Answered {
    let fields = Fields::of(&ask, &["id", "name", "en"])?;
    let hub = &ask.worker.hub;
    let (id, name) = (fields.need("id")?, fields.need("name")?);
    let en = fields.text("en").unwrap_or(name);
    hub.desk
        .put_agency(&Member::operator(), id, name, en, hub.clock.now())
        .await
        .map_err(refused)?;
    Ok(HttpResponse::Created().json(json!({"id": id, "name": {"zh": name, "en": en}})))
}

/// An operator at the operators' door lets anybody in: so the hub's first reviewer comes about.
pub async fn let_in(ask: Ask) -> Answered {
    invite(&ask, &Member::operator()).await
}

pub async fn new_member(ask: Ask) -> Answered {
    let by = member(&ask)?;
    invite(&ask, &by).await
}

async fn invite(ask: &Ask, by: &Member) -> Answered {
    let fields = Fields::of(ask, &["agency", "name", "role"])?;
    let hub = &ask.worker.hub;
    let made = hub
        .desk
        .invite(
            by,
            fields.text("agency"),
            fields.need("name")?,
            role(&fields)?,
            hub.clock.now(),
        )
        .await;
    Ok(invited(&made.map_err(refused)?))
}

pub async fn members(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let agency = ask.parameter("agency").or_else(|| by.agency.clone());
    let all = ask
        .worker
        .hub
        .desk
        .people(&by, agency.as_deref())
        .await
        .map_err(refused)?;
    let items: Vec<Value> = all.iter().map(row).collect();
    Ok(HttpResponse::Ok().json(json!({"total": items.len(), "items": items})))
}

pub async fn dismiss(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let hub = &ask.worker.hub;
    let (id, why) = (ask.path("id"), ask.parameter("why").unwrap_or_default());
    hub.desk
        .dismiss(&by, &id, &why, hub.clock.now())
        .await
        .map_err(refused)?;
    Ok(HttpResponse::Ok().json(json!({"id": id, "active": false})))
}

pub async fn acts(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let agency = ask
        .parameter("agency")
        .or_else(|| by.agency.clone())
        .unwrap_or_default();
    if !by.sees(&agency) {
        return Err(Problem::new(ProblemCode::NotAuthorized));
    }
    let from = match ask.parameter("from") {
        None => Timestamp::UNIX_EPOCH,
        Some(text) => versions::moment("from", &text)?,
    };
    let all = ask
        .worker
        .hub
        .desk
        .acts_of(&agency, from, ACTS)
        .await
        .map_err(refused)?;
    let items: Vec<Value> = all.iter().map(act).collect();
    Ok(HttpResponse::Ok().json(json!({"total": items.len(), "items": items})))
}

pub fn desk(description: Description) -> Description {
    description.who(Who::Member).problems(&[401, 403])
}

pub fn list(item: &Value) -> Value {
    json!({"type": "object", "required": ["items", "total"],
           "properties": {"items": {"type": "array", "items": item}, "total": {"type": "integer"}}})
}

fn agency_body() -> Value {
    json!({"type": "object", "required": ["id", "name"], "additionalProperties": false, "properties": {
        "id": {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$"},
        "name": {"type": "string", "minLength": 1}, "en": {"type": "string", "minLength": 1},
    }})
}

fn member_body() -> Value {
    json!({"type": "object", "required": ["name", "role"], "additionalProperties": false, "properties": {
        "agency": {"type": "string", "description": "Left out for the hub's own people."},
        "name": {"type": "string", "minLength": 1}, "role": {"enum": ["clerk", "owner", "reviewer", "operator"]},
    }})
}

fn member_schema() -> Value {
    let text = json!({"type": "string"});
    json!({"type": "object", "required": ["id", "name", "role"], "properties": {
        "id": text, "name": text, "role": text, "agency": {"type": ["string", "null"]},
        "token": {"type": "string", "description": "Only in the answer to the invitation; shown once."},
        "active": {"type": "boolean"}, "created": text,
    }})
}

pub fn act_schema() -> Value {
    let text = json!({"type": "string"});
    json!({"type": "object", "required": ["at", "actor", "role", "act", "why"], "properties": {
        "at": text, "actor": text, "role": text, "agency": text, "subject": text, "act": text,
        "state": {"type": ["string", "null"]}, "revision": {"type": "integer"}, "why": text,
    }})
}

pub fn says_ask_in() -> Description {
    Description::new("registry.agencies.ask", "部门申请入驻", "An agency asks to be taken in")
        .body("application/json", agency_body())
        .good(201, "application/json", member_schema())
        .problems(&[400, 409, 415, 422, 429])
}

pub fn says_agencies() -> Description {
    let agency = json!({"type": "object", "required": ["id", "name", "state"], "properties": {
        "id": {"type": "string"}, "name": {"$ref": "#/components/schemas/Text"},
        "state": {"enum": ["asked", "approved", "suspended"]}, "created": {"type": "string"},
    }});
    desk(Description::new(
        "registry.agencies.list",
        "入驻部门",
        "Agencies that registered",
    ))
    .good(200, "application/json", list(&agency))
}

pub fn says_judge() -> Description {
    let body = json!({"type": "object", "required": ["approved"], "additionalProperties": false,
                      "properties": {"approved": {"type": "boolean"}, "why": {"type": "string"}}});
    desk(Description::new(
        "registry.agencies.judge",
        "批准或停用部门",
        "Approve or suspend an agency",
    ))
    .path("id", "Agency code.")
    .body("application/json", body)
    .problems(&[400, 401, 403, 404, 415, 422])
}

pub fn says_take_in() -> Description {
    admin::admin(Description::new(
        "admin.agencies.create",
        "登记部门",
        "Take an agency in, or change its names",
    ))
    .body("application/json", agency_body())
    .good(201, "application/json", json!({"type": "object"}))
    .problems(&[400, 401, 415, 422])
}

pub fn says_let_in() -> Description {
    admin::admin(Description::new(
        "admin.members.create",
        "开通人员",
        "Let a person of an agency or of the hub in",
    ))
    .body("application/json", member_body())
    .good(201, "application/json", member_schema())
    .problems(&[400, 401, 404, 415, 422])
}

pub fn says_new_member() -> Description {
    desk(Description::new(
        "registry.members.create",
        "开通本部门人员",
        "Let a person of one's agency in",
    ))
    .body("application/json", member_body())
    .good(201, "application/json", member_schema())
    .problems(&[400, 401, 403, 404, 415, 422])
}

pub fn says_members() -> Description {
    desk(Description::new("registry.members.list", "人员", "People of an agency"))
        .query(
            "agency",
            "Agency code; one's own if missing.",
            json!({"type": "string"}),
        )
        .good(200, "application/json", list(&member_schema()))
}

pub fn says_dismiss() -> Description {
    desk(Description::new(
        "registry.members.dismiss",
        "停用人员",
        "End a person's token at once",
    ))
    .path("id", "Member id.")
    .query("why", "The reason, for the record.", json!({"type": "string"}))
    .problems(&[401, 403, 404])
}

pub fn says_acts() -> Description {
    desk(Description::new(
        "registry.acts.list",
        "操作记录",
        "What was done for an agency, oldest first",
    ))
    .query(
        "agency",
        "Agency code; one's own if missing.",
        json!({"type": "string"}),
    )
    .query(
        "from",
        "From this time on (RFC 3339).",
        json!({"type": "string", "format": "date-time"}),
    )
    .good(200, "application/json", list(&act_schema()))
}
