//! Worlds of the sandbox: making, sharing, forking, freezing them; their clocks and what happens in them.

use super::{Answered, Ask};
use crate::hub::{Born, Chosen, Named, Worlds};
use actix_web::HttpResponse;
use hub_core::ports::Client;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Environment, Problem, ProblemCode, Text};
use hub_sandbox::{Decision, Happening};
use hub_store::{Rights, SnapshotRow, WorldRow};
use serde_json::{Value, json};
use std::sync::Arc;

/// Happenings a page.
const PAGE: usize = 200;

/// The client whose key a request shows; `None` without a key.
pub(super) fn client(ask: &Ask) -> Result<Option<Arc<Client>>, Problem> {
    let bearer = || {
        let text = ask.header("authorization")?.split_once(' ')?.1.trim();
        text.starts_with("hub_").then_some(text)
    };
    let Some(key) = ask.header("x-api-key").or_else(bearer) else {
        return Ok(None);
    };
    let hub = &ask.worker.hub;
    let client = hub.registry.client(key.trim(), hub.clock.now());
    let client = client.ok_or_else(|| Problem::new(ProblemCode::KeyInvalid))?;
    if client.environment != Environment::Sandbox {
        return Err(Problem::new(ProblemCode::KeyEnvironment)
            .with("key_environment", client.environment.as_str())
            .with("called_environment", Environment::Sandbox.as_str()));
    }
    Ok(Some(client))
}

/// The same where a key must be shown.
pub(super) fn known_client(ask: &Ask) -> Result<Arc<Client>, Problem> {
    client(ask)?.ok_or_else(|| Problem::new(ProblemCode::KeyMissing))
}

/// The world a call is meant for.
pub(super) async fn choose(ask: &Ask, named: Option<&str>) -> Result<Chosen, Problem> {
    // Without a name the key plays no part here; the pipeline judges it.
    let client = if named.is_some() { client(ask)? } else { None };
    ask.worker.hub.worlds.choose(named, client.as_deref()).await
}

/// What a request says: a JSON object, or nothing.
pub(super) fn said(ask: &Ask) -> Result<Value, Problem> {
    let value = if ask.body.is_empty() { json!({}) } else { ask.json()? };
    match value.is_object() {
        true => Ok(value),
        false => Err(Problem::new(ProblemCode::BadRequest).detail("需要一个 JSON 对象", "A JSON object is needed")),
    }
}

fn text<'a>(said: &'a Value, name: &str) -> Result<Option<&'a str>, Problem> {
    match said.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(name, &Text::new("文本", "a text"), "another type")),
    }
}

fn wrong(name: &str, expected: &Text, got: &str) -> Problem {
    Problem::new(ProblemCode::ValidationFailed).at(format!("/{name}"), expected.clone(), got)
}

pub(super) fn moment(said: &Value, name: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = text(said, name)? else { return Ok(None) };
    let expected = Text::new("RFC 3339 时刻", "a moment as RFC 3339 has it");
    text.parse().map(Some).map_err(|_| wrong(name, &expected, "***"))
}

/// The world of a path, and that the caller may do so much with it. Its token may stand in the path or in `Hub-World`.
async fn named(ask: &Ask, rights: Rights) -> Result<Named, Problem> {
    let knock = ask.worker.gateway.knock_at(ask.peer);
    knock?;
    let (worlds, id) = (&ask.worker.hub.worlds, ask.path("id"));
    let client = client(ask)?;
    let token = ask
        .header("hub-world")
        .filter(|t| t.starts_with("wkey_") && id.starts_with("wld_"));
    if client.is_none() && token.is_none() && !id.starts_with("wkey_") {
        return Err(Problem::new(ProblemCode::KeyMissing));
    }
    let found = worlds.find(token.unwrap_or(&id), client.as_deref()).await;
    let found = found.map_err(|problem| match problem.code {
        ProblemCode::BadRequest => Problem::new(ProblemCode::NotAuthorized).detail(
            "没有这个世界，或它属于别人",
            "There is no such world, or it is somebody else's",
        ),
        _ => problem,
    })?;
    if token.is_some() && found.row.id != id {
        return Err(Problem::new(ProblemCode::NotAuthorized).detail(
            "Hub-World 中的口令属于另一个世界",
            "The token in Hub-World is for another world",
        ));
    }
    if found.rights < rights {
        return Err(
            Problem::new(ProblemCode::NotAuthorized).detail("此口令的权限不足", "The token does not allow this")
        );
    }
    Ok(found)
}

/// Runs what changes worlds to its end, even when whoever asked has gone.
async fn through<T, F>(ask: &Ask, act: impl FnOnce(Arc<Worlds>) -> F) -> Result<T, Problem>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Problem>> + Send + 'static,
{
    let done = tokio::spawn(act(Arc::clone(&ask.worker.hub.worlds)));
    done.await.unwrap_or_else(|_| Err(Problem::new(ProblemCode::Internal)))
}

fn shown(ask: &Ask, row: &WorldRow, rights: Rights) -> Value {
    let base = format!("{}/sandbox/_worlds/{}", ask.worker.hub.base, row.id);
    let mut shown = json!({
        "id": row.id, "name": row.name, "client": (!row.client.is_empty()).then_some(&row.client),
        "state": if row.frozen { "frozen" } else { "live" }, "rights": rights.as_str(),
        "created": rfc3339(row.created), "used": rfc3339(row.used),
        "use": {"header": "Hub-World", "value": row.id},
        "links": {
            "self": base, "clock": format!("{}/sandbox/_clock", ask.worker.hub.base), "events": format!("{base}/events"),
            "snapshots": format!("{base}/snapshots"), "fork": format!("{base}/fork"), "share": format!("{base}/share"),
            "reset": format!("{base}/reset"), "thaw": format!("{base}/thaw"), "decisions": format!("{base}/decisions"),
        },
    });
    if let (Some(standing), Some(members)) = (ask.worker.hub.worlds.engine().standing(&row.id), shown.as_object_mut()) {
        members.insert(
            "clock".into(),
            json!({"now": rfc3339(standing.now), "frozen": standing.frozen}),
        );
        members.insert("matters".into(), json!(standing.matters));
        members.insert("things".into(), json!(standing.things));
    }
    shown
}

fn born(ask: &Ask, born: &Born) -> HttpResponse {
    let mut shown = shown(ask, &born.row, Rights::Own);
    if let Some(members) = shown.as_object_mut() {
        members.insert("token".into(), json!(born.token));
    }
    HttpResponse::Created()
        .insert_header(("location", format!("/sandbox/_worlds/{}", born.row.id)))
        .insert_header(("cache-control", "no-store"))
        .json(shown)
}

pub async fn make(ask: Ask) -> Answered {
    ask.worker.gateway.knock_at(ask.peer)?;
    let (client, said) = (client(&ask)?, said(&ask)?);
    let (name, standing) = (
        text(&said, "name")?.unwrap_or_default().to_owned(),
        moment(&said, "clock")?,
    );
    let peer = ask.peer;
    let made = through(&ask, |worlds| async move {
        worlds.make(&name, standing, client.as_deref(), peer).await
    });
    Ok(born(&ask, &made.await?))
}

pub async fn list(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let rows = ask.worker.hub.worlds.of_client(&client.id).await?;
    let items: Vec<Value> = rows.iter().map(|row| shown(&ask, row, Rights::Own)).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items})))
}

pub async fn one(ask: Ask) -> Answered {
    let Named { row, rights } = named(&ask, Rights::Read).await?;
    Ok(HttpResponse::Ok().json(shown(&ask, &row, rights)))
}

pub async fn remove(ask: Ask) -> Answered {
    let Named { row, .. } = named(&ask, Rights::Own).await?;
    through(&ask, |worlds| async move { worlds.remove(&row).await }).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn reset(ask: Ask) -> Answered {
    let Named { row, rights } = named(&ask, Rights::Own).await?;
    let said = said(&ask)?;
    let snapshot = text(&said, "snapshot")?.map(str::to_owned);
    let own = row.clone();
    through(
        &ask,
        |worlds| async move { worlds.reset(&own, snapshot.as_deref()).await },
    )
    .await?;
    Ok(HttpResponse::Ok().json(shown(&ask, &row, rights)))
}

fn snapshot_of(row: &SnapshotRow) -> Value {
    json!({"id": row.id, "world": row.world, "name": row.name, "clock": rfc3339(row.at), "created": rfc3339(row.created)})
}

pub async fn keep(ask: Ask) -> Answered {
    let Named { row, .. } = named(&ask, Rights::Write).await?;
    let said = said(&ask)?;
    let name = text(&said, "name")?.unwrap_or_default().to_owned();
    live(&row)?;
    let kept = through(&ask, |worlds| async move {
        drop(worlds.choose_row(&row).await?);
        worlds.keep(&row, &name).await
    });
    Ok(HttpResponse::Created().json(snapshot_of(&kept.await?)))
}

pub async fn snapshots(ask: Ask) -> Answered {
    let Named { row, .. } = named(&ask, Rights::Read).await?;
    let all = ask.worker.hub.worlds.snapshots(&row.id).await?;
    let items: Vec<Value> = all.iter().map(snapshot_of).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items})))
}

fn live(row: &WorldRow) -> Result<(), Problem> {
    match row.frozen {
        true => Err(Problem::new(ProblemCode::WorldFrozen).with("world", row.id.clone())),
        false => Ok(()),
    }
}

pub async fn fork(ask: Ask) -> Answered {
    let Named { row, .. } = named(&ask, Rights::Read).await?;
    live(&row)?;
    let (client, said, peer) = (client(&ask)?, said(&ask)?, ask.peer);
    let name = text(&said, "name")?.unwrap_or(&row.name).to_owned();
    let snapshot = text(&said, "snapshot")?.map(str::to_owned);
    let made = through(&ask, |worlds| async move {
        worlds
            .fork(&row, &name, snapshot.as_deref(), client.as_deref(), peer)
            .await
    });
    Ok(born(&ask, &made.await?))
}

pub async fn share(ask: Ask) -> Answered {
    let Named { row, .. } = named(&ask, Rights::Own).await?;
    let said = said(&ask)?;
    let rights = match text(&said, "rights")?.unwrap_or("read") {
        "read" => Rights::Read,
        "write" => Rights::Write,
        other => {
            return Err(wrong(
                "rights",
                &Text::same("read | write"),
                &other.chars().take(20).collect::<String>(),
            ));
        }
    };
    let token = ask.worker.hub.worlds.share(&row, rights).await?;
    let link = format!("{}/sandbox/_worlds/{token}", ask.worker.hub.base);
    let told = json!({"world": row.id, "rights": rights.as_str(), "token": token, "link": link,
                      "use": {"header": "Hub-World", "value": token}});
    Ok(HttpResponse::Created()
        .insert_header(("cache-control", "no-store"))
        .json(told))
}

pub async fn thaw(ask: Ask) -> Answered {
    frozen(ask, false).await
}

pub async fn freeze(ask: Ask) -> Answered {
    frozen(ask, true).await
}

async fn frozen(ask: Ask, frozen: bool) -> Answered {
    let Named { mut row, rights } = named(&ask, Rights::Own).await?;
    row.frozen = frozen;
    let own = row.clone();
    through(&ask, |worlds| async move { worlds.set_frozen(&own, frozen).await }).await?;
    Ok(HttpResponse::Ok().json(shown(&ask, &row, rights)))
}

pub(super) fn told(happening: &Happening) -> Value {
    json!({
        "number": happening.number, "at": rfc3339(happening.at), "kind": happening.kind, "text": happening.kind.text(),
        "system": happening.system, "service": happening.service, "operation": happening.operation, "case": happening.case,
    })
}

pub async fn events(ask: Ask) -> Answered {
    let Named { row, .. } = named(&ask, Rights::Read).await?;
    live(&row)?;
    let after = match ask.parameter("after") {
        None => 0,
        Some(text) => text.parse().map_err(|_| {
            Problem::new(ProblemCode::BadRequest).at("parameter/after", Text::new("一个编号", "a number"), "***")
        })?,
    };
    let entered = ask.worker.hub.worlds.choose_row(&row).await?;
    let happened = ask.worker.hub.worlds.engine().happened(&row.id, after, PAGE);
    drop(entered);
    let items: Vec<Value> = happened.iter().map(|h| told(h)).collect();
    let last = happened.last().map_or(after, |h| h.number);
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": last, "more": items.len() == PAGE})))
}

pub async fn decide(ask: Ask) -> Answered {
    let Named { row, .. } = named(&ask, Rights::Write).await?;
    live(&row)?;
    let said = said(&ask)?;
    let papers = said.get("papers").and_then(Value::as_u64).unwrap_or(1).clamp(1, 20);
    let case = text(&said, "case")?.unwrap_or_default().to_owned();
    let decision = match text(&said, "decision")? {
        Some("approved") => Decision::Approve,
        Some("rejected") => Decision::Reject,
        Some("need-docs") => Decision::AskForPapers(papers),
        other => {
            let expected = Text::same("approved | rejected | need-docs");
            return Err(wrong(
                "decision",
                &expected,
                &other.unwrap_or("nothing").chars().take(20).collect::<String>(),
            ));
        }
    };
    let worlds = Arc::clone(&ask.worker.hub.worlds);
    let entered = worlds.choose_row(&row).await?;
    let happened = worlds.engine().decide(&row.id, &case, decision)?;
    worlds.write(&row.id).await?;
    drop(entered);
    let items: Vec<Value> = happened.iter().map(|h| told(h)).collect();
    Ok(HttpResponse::Ok().json(json!({"happened": items})))
}
