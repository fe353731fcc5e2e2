//! Versions of descriptions: uploaded, looked at, taken from step to step.

use super::describe::{Description, Who};
use super::registry::{Fields, act, act_schema, desk, list, member, refused};
use super::{Answered, Ask, admin};
use crate::hub::{Hub, in_folder, take};
use actix_web::HttpResponse;
use hub_catalog::diff;
use hub_catalog::lint::LintFinding;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Problem, ProblemCode, SystemId};
use hub_registry::{Asked, Member, Shown, State, Step, Upload, VersionRow};
use serde_json::{Value, json};
use std::sync::Arc;

/// A time in a request.
pub fn moment(field: &str, text: &str) -> Result<Timestamp, Problem> {
    text.parse()
        .map_err(|_| admin::unfit(field, "a time, for example 2030-01-01T00:00:00+08:00", text))
}

pub async fn upload(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let hub = &ask.worker.hub;
    let agency = ask
        .parameter("agency")
        .or_else(|| by.agency.clone())
        .unwrap_or_default();
    let file = ask.parameter("file").unwrap_or_else(|| "description".to_owned());
    let draft = ask.parameter("draft").is_some_and(|d| d == "true");
    let upload = Upload {
        system: ask.parameter("system"),
        // The name is shown to people and stands before places of findings; folders in it say nothing here.
        file: file.rsplit(['/', '\\']).next().unwrap_or(&file).to_owned(),
        bytes: ask.body.to_vec(),
        publish: !draft,
        connector: None,
        agency,
    };
    let catalog = hub.catalog();
    let folder = |id: &SystemId, major: u32| {
        in_folder(&hub.config.paths, id) && catalog.systems().iter().any(|s| s.id == *id && s.major == major)
    };
    let uploaded = hub.desk.upload(&by, upload, &folder, hub.clock.now()).await;
    let shown = uploaded.map_err(refused)?;
    Ok(HttpResponse::Created().json(summary(hub, &by, &shown).await))
}

pub async fn all(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let hub = &ask.worker.hub;
    let (agency, system) = (ask.parameter("agency"), ask.parameter("system"));
    let rows: Vec<VersionRow> = match (&agency, &system) {
        (Some(agency), Some(system)) => hub.desk.versions_of(agency, system).await.map_err(refused)?,
        _ => hub.desk.shelf().versions().into_iter().map(|s| s.row.clone()).collect(),
    };
    let mine = |r: &&VersionRow| by.sees(&r.owner) && agency.as_ref().is_none_or(|a| *a == r.owner || *a == r.agency);
    let mut items: Vec<Value> = rows.iter().filter(mine).map(|r| head(hub, r)).collect();
    if by.agency.is_none() {
        items.extend(folder(hub));
    }
    Ok(HttpResponse::Ok().json(json!({"total": items.len(), "items": items})))
}

/// What stands in the folder of specs, as versions that nobody changes here.
fn folder(hub: &Hub) -> Vec<Value> {
    let snapshot = hub.snapshots.get();
    let own = |s: &&hub_core::System| !snapshot.registered.contains_key(&s.id);
    let systems = snapshot.catalog.systems();
    systems
        .iter()
        .filter(own)
        .map(|s| {
            json!({"id": format!("folder:{}", s.id), "origin": "folder", "agency": s.id.agency, "system": s.id.system,
                   "owner": s.id.agency, "major": s.major, "number": s.version, "state": "live"})
        })
        .collect()
}

fn head(hub: &Hub, row: &VersionRow) -> Value {
    let path = format!("/{}/{}/v{}", row.agency, row.system, row.major);
    json!({
        "id": row.id, "origin": "registry", "agency": row.agency, "system": row.system, "owner": row.owner,
        "major": row.major, "number": row.number, "state": row.state, "file": row.file,
        "sandbox_url": format!("{}/sandbox{path}", hub.base), "live_url": format!("{}/gateway{path}", hub.base),
        "sunset": row.sunset.map(rfc3339), "deprecated": row.deprecated.map(rfc3339),
        "inner_allowed": row.inner_allowed, "connected": row.connector.is_some(),
        "author": row.author, "asked_by": row.asked_by, "break_by": row.break_by,
        "created": rfc3339(row.created), "updated": rfc3339(row.updated), "revision": row.revision,
    })
}

/// A version with what is to be said of it, and what this person can do.
pub async fn summary(hub: &Arc<Hub>, by: &Member, shown: &Arc<Shown>) -> Value {
    let (own, desk, now) = (Arc::clone(shown), Arc::clone(&hub.desk), hub.clock.now());
    let judged = tokio::task::spawn_blocking(move || {
        let findings = desk.findings(&own, now);
        let hindrances = desk.hindrances_among(&own, &findings, now);
        (findings, hindrances)
    })
    .await;
    let mut value = head(hub, &shown.row);
    let description = &shown.reading.description;
    let example = example(hub, shown);
    let more = json!({
        "title": shown.reading.title, "format": description.format.as_str(), "format_version": description.version,
        "operations": description.operations, "repairs": description.repairs,
        "steps": Step::open(shown.state(), by.role), "example": example,
    });
    let judged = judged.map_or(Value::Null, |(findings, hindrances)| {
        let must = findings.iter().filter(|f| f.blocks()).count();
        json!({"must": must, "others": findings.len() - must,
               "blocking": hindrances.findings, "breaks": hindrances.breaks.map_or(0, |r| r.changes.len())})
    });
    if let (Value::Object(all), Value::Object(more)) = (&mut value, more) {
        all.extend(more);
        all.insert("verdict".into(), judged);
    }
    value
}

/// One call that works: the first that only looks, as a line for a shell.
fn example(hub: &Hub, shown: &Shown) -> Option<Value> {
    let mock = hub.showcase.mock(shown).ok()?;
    let (reads, others): (Vec<_>, Vec<_>) = mock.operations().partition(|o| o.method == "GET");
    let sample = reads.iter().chain(&others).find_map(|o| mock.sample(o).ok())?;
    let mut url = format!("{}/sandbox{}{}", hub.base, shown.path(), sample.path);
    if !sample.query.is_empty() {
        url = format!("{url}?{}", sample.query);
    }
    let quoted = |text: &str| text.replace('\'', "'\\''");
    let mut curl = format!("curl -X {} '{}'", sample.method, quoted(&url));
    let mut headers = sample.headers.clone();
    // Beside a version that is called, this one is asked for by its number.
    if hub
        .desk
        .shelf()
        .called(&shown.row.agency, &shown.row.system, shown.row.major)
        .is_some()
    {
        headers.push(("Hub-Version".to_owned(), shown.row.number.clone()));
    }
    for (name, value) in &headers {
        curl = format!("{curl} -H '{name}: {}'", quoted(value));
    }
    let body = String::from_utf8_lossy(&sample.body);
    if !body.is_empty() {
        curl = format!("{curl} -d '{}'", quoted(&body));
    }
    let headers: serde_json::Map<String, Value> = headers.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    Some(json!({"method": sample.method, "url": url, "headers": headers, "body": body, "curl": curl}))
}

/// A version that this person may see.
fn seen(ask: &Ask) -> Result<(Arc<Member>, Arc<Shown>), Problem> {
    let by = member(ask)?;
    let id = ask.path("id");
    let shelf = ask.worker.hub.desk.shelf();
    let shown = shelf.get(&id).filter(|s| by.sees(&s.row.owner));
    shown
        .map(|s| (by, Arc::clone(s)))
        .ok_or_else(|| Problem::new(ProblemCode::NotFound))
}

pub async fn one(ask: Ask) -> Answered {
    let (by, shown) = seen(&ask)?;
    Ok(HttpResponse::Ok().json(summary(&ask.worker.hub, &by, &shown).await))
}

pub async fn findings(ask: Ask) -> Answered {
    let (_, shown) = seen(&ask)?;
    let (desk, now) = (Arc::clone(&ask.worker.hub.desk), ask.worker.hub.clock.now());
    let found = tokio::task::spawn_blocking(move || desk.findings(&shown, now)).await;
    let found = found.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let items: Vec<Value> = found.iter().map(LintFinding::document).collect();
    Ok(HttpResponse::Ok().json(json!({"total": items.len(), "items": items})))
}

pub async fn changes(ask: Ask) -> Answered {
    let (_, shown) = seen(&ask)?;
    let hub = &ask.worker.hub;
    let (desk, now, row) = (Arc::clone(&hub.desk), hub.clock.now(), shown.row.clone());
    let compared = tokio::task::spawn_blocking(move || desk.changes(&shown, now)).await;
    let compared = compared.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let Some((base, mut report)) = compared else {
        return Ok(HttpResponse::Ok().json(json!({"base": null, "breaking": false, "changes": []})));
    };
    let used = hub.desk.usage(&base).await.map_err(refused)?;
    diff::annotate(&mut report.changes, &used);
    let answer = json!({
        "base": base.row.id, "base_number": base.row.number, "number": row.number,
        "breaking": report.breaking(), "changes": report.changes,
    });
    Ok(HttpResponse::Ok().json(answer))
}

pub async fn history(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let hub = &ask.worker.hub;
    let row = hub.desk.version(&ask.path("id")).await.map_err(refused)?;
    if !by.sees(&row.owner) {
        return Err(Problem::new(ProblemCode::NotFound));
    }
    let mut acts = hub.desk.history(&row.id).await.map_err(refused)?;
    if let Some(on) = ask.parameter("on") {
        let on = moment("on", &on)?;
        acts.retain(|a| a.at <= on);
    }
    let state = acts.iter().rev().find_map(|a| a.state.clone());
    let items: Vec<Value> = acts.iter().map(act).collect();
    Ok(HttpResponse::Ok().json(json!({"state": state, "total": items.len(), "items": items})))
}

pub async fn document(ask: Ask) -> Answered {
    let (_, shown) = seen(&ask)?;
    Ok(HttpResponse::Ok().json(&shown.reading.description.document))
}

pub async fn step(ask: Ask) -> Answered {
    let by = member(&ask)?;
    let id = ask.path("id");
    let fields = Fields::of(&ask, &["step", "why", "sunset", "to", "connector", "waivers"])?;
    let word = fields.need("step")?;
    let known: Vec<&str> = Step::ALL.iter().map(|s| s.as_str()).collect();
    let step = Step::from_word(word).ok_or_else(|| {
        admin::unfit("step", &known.join(", "), word).near(hub_catalog::nearest(word, known.iter().copied()))
    })?;
    let asked = Asked {
        why: fields.text("why").unwrap_or_default().to_owned(),
        sunset: fields.text("sunset").map(|t| moment("sunset", t)).transpose()?,
        to: fields.text("to").map(str::to_owned),
        connector: fields.text("connector").map(str::to_owned),
        waivers: fields.text("waivers").map(str::to_owned),
        ..Asked::step(step)
    };
    let hub = &ask.worker.hub;
    let before = hub.desk.version(&id).await.map_err(refused)?;
    if !by.sees(&before.owner) {
        return Err(Problem::new(ProblemCode::NotFound));
    }
    take(&ask.worker, &by, &id, &asked).await?;
    let shelf = hub.desk.shelf();
    let answer = match shelf.get(&id) {
        Some(shown) => summary(hub, &by, shown).await,
        None => head(hub, &hub.desk.version(&id).await.map_err(refused)?),
    };
    Ok(HttpResponse::Ok().json(answer))
}

/// What a client's owner was told: of new versions, of ends that come.
pub async fn notices(ask: Ask) -> Answered {
    let hub = &ask.worker.hub;
    let key = ask
        .header("x-api-key")
        .ok_or_else(|| Problem::new(ProblemCode::KeyMissing))?;
    let client = hub
        .registry
        .client(key, hub.clock.now())
        .ok_or_else(|| Problem::new(ProblemCode::KeyInvalid))?;
    let told = hub.desk.notices(&client.id).await.map_err(refused)?;
    let items: Vec<Value> = told
        .iter()
        .map(|n| {
            let text: Value = serde_json::from_str(&n.text).unwrap_or_default();
            json!({"at": rfc3339(n.created), "version": n.version, "kind": n.kind, "text": text})
        })
        .collect();
    Ok(HttpResponse::Ok().json(json!({"total": items.len(), "items": items})))
}

fn version_schema() -> Value {
    let text = json!({"type": "string"});
    let maybe = json!({"type": ["string", "null"]});
    let states: Vec<&str> = State::ALL.iter().map(|s| s.as_str()).collect();
    let steps: Vec<&str> = Step::ALL.iter().map(|s| s.as_str()).collect();
    json!({"type": "object", "required": ["id", "origin", "agency", "system", "owner", "major", "number", "state"],
    "properties": {
        "id": text, "origin": {"enum": ["folder", "registry"]}, "agency": text, "system": text, "owner": text,
        "major": {"type": "integer"}, "number": text, "state": {"enum": states}, "file": text,
        "sandbox_url": text, "live_url": text, "sunset": maybe, "deprecated": maybe,
        "title": text, "format": text, "format_version": text, "operations": {"type": "integer"},
        "steps": {"type": "array", "items": {"enum": steps}, "description": "What you can do with it now."},
        "verdict": {"type": ["object", "null"], "description": "What stands between it and going live."},
        "example": {"type": ["object", "null"], "description": "One call that works in the sandbox."},
    }})
}

pub fn says_upload() -> Description {
    desk(Description::new(
        "registry.versions.upload",
        "上传接口描述，立即可在沙箱调用",
        "Upload a description; it is callable in the sandbox at once",
    ))
    .query(
        "agency",
        "Agency code; one's own if missing.",
        json!({"type": "string"}),
    )
    .query(
        "system",
        "Name of the system in addresses; from the title if missing.",
        json!({"type": "string"}),
    )
    .query("file", "Name of the file.", json!({"type": "string"}))
    .query("draft", "Keep it without showing it.", json!({"type": "boolean"}))
    .body(
        "application/octet-stream",
        json!({"type": "string", "format": "binary"}),
    )
    .good(201, "application/json", version_schema())
    .problems(&[401, 403, 404, 409, 413, 422])
}

pub fn says_all() -> Description {
    desk(Description::new("registry.versions.list", "版本", "Versions"))
        .query("agency", "Agency code.", json!({"type": "string"}))
        .query(
            "system",
            "System; then retired versions are among them.",
            json!({"type": "string"}),
        )
        .good(200, "application/json", list(&version_schema()))
}

pub fn says_one() -> Description {
    desk(Description::new("registry.versions.get", "一个版本", "A version"))
        .path("id", "Version id.")
        .good(200, "application/json", version_schema())
        .problems(&[401, 404])
}

pub fn says_findings() -> Description {
    desk(Description::new(
        "registry.versions.findings",
        "检查结果",
        "What the rules find in a version",
    ))
    .path("id", "Version id.")
    .good(200, "application/json", list(&json!({"type": "object"})))
    .problems(&[401, 404])
}

pub fn says_changes() -> Description {
    desk(Description::new(
        "registry.versions.changes",
        "与现行版本的差异和受影响的应用",
        "What a version changes, and whom that concerns",
    ))
    .path("id", "Version id.")
    .problems(&[401, 404])
}

pub fn says_history() -> Description {
    let answer = json!({"type": "object", "required": ["state", "items", "total"], "properties": {
        "state": {"type": ["string", "null"]}, "total": {"type": "integer"},
        "items": {"type": "array", "items": act_schema()},
    }});
    desk(Description::new(
        "registry.versions.history",
        "版本的经历",
        "What was done to a version",
    ))
    .path("id", "Version id.")
    .query(
        "on",
        "As it was then (RFC 3339).",
        json!({"type": "string", "format": "date-time"}),
    )
    .good(200, "application/json", answer)
    .problems(&[401, 404])
}

pub fn says_document() -> Description {
    desk(Description::new(
        "registry.versions.document",
        "规范化的接口描述",
        "A version in the normal form",
    ))
    .path("id", "Version id.")
    .problems(&[401, 404])
}

pub fn says_step() -> Description {
    let steps: Vec<&str> = Step::ALL.iter().map(|s| s.as_str()).collect();
    let text = json!({"type": "string"});
    let body = json!({"type": "object", "required": ["step"], "additionalProperties": false, "properties": {
        "step": {"enum": steps}, "why": text, "sunset": {"type": "string", "format": "date-time"}, "to": text,
        "connector": {"type": "string", "description": "A manifest, for `connect`."},
        "waivers": {"type": "string", "description": "YAML of waivers, for `waive`: rule, place, why, until, who."},
    }});
    desk(Description::new(
        "registry.versions.step",
        "推进版本：申请、批准、退回、弃用……",
        "Take a version a step further: ask, approve, send back, deprecate, ...",
    ))
    .path("id", "Version id.")
    .body("application/json", body)
    .good(200, "application/json", version_schema())
    .problems(&[400, 401, 403, 404, 409, 415, 422])
}

pub fn says_notices() -> Description {
    let notice = json!({"type": "object", "required": ["at", "version", "kind", "text"], "properties": {
        "at": {"type": "string"}, "version": {"type": "string"}, "kind": {"type": "string"}, "text": {"type": "object"},
    }});
    Description::new(
        "registry.notices",
        "给应用负责人的通知",
        "What the owner of a client was told: new versions, ends that come",
    )
    .who(Who::Client)
    .good(200, "application/json", list(&notice))
    .problems(&[401])
}
