//! Addresses of a client that are told of events.

use super::events::{number, page};
use super::worlds::{known_client, said};
use super::{Answered, Ask};
use crate::hub::events::{Changed, Endpoint, Filter, Sent, kinds, why};
use actix_web::HttpResponse;
use hub_core::time::rfc3339;
use hub_core::{Problem, ProblemCode, Text};
use hub_store::{DeliveryState, WebhookRow, WebhookState};
use serde_json::{Value, json};

/// Deliveries a page, unless asked otherwise, and at most.
const PAGE: u32 = 30;
const MOST: u32 = 100;
/// Hours an old secret signs on, unless asked otherwise.
const OVERLAP: i64 = 24;

fn shown(ask: &Ask, row: &WebhookRow, secret: Option<&Endpoint>) -> Result<Value, Problem> {
    let endpoint = Endpoint::read(row)?;
    let filter = Filter::kept(&row.kinds, &row.world);
    let base = format!("{}/developer/webhooks/{}", ask.worker.hub.base, row.id);
    let mut told = json!({
        "id": row.id, "url": endpoint.url, "types": filter.list(), "world": (!row.world.is_empty()).then_some(&row.world),
        "state": row.state.as_str(), "created": rfc3339(row.created), "updated": rfc3339(row.updated),
        "reason": (!row.reason.is_empty()).then(|| json!({"code": row.reason, "text": why(&row.reason)})),
        "failing_since": row.failing.filter(|_| row.state == WebhookState::Active).map(rfc3339),
        "links": {"self": base, "deliveries": format!("{base}/deliveries"), "secret": format!("{base}/secret"),
                  "test": format!("{base}/test")},
    });
    if let (Some(endpoint), Some(members)) = (secret, told.as_object_mut()) {
        members.insert("secret".into(), json!(endpoint.secrets.newest()));
    }
    Ok(told)
}

fn wrong(place: &str, expected: &Text, got: &str) -> Problem {
    Problem::new(ProblemCode::ValidationFailed).at(place, expected.clone(), got)
}

/// What is wanted, where something is said of it; what is not said stays as it was.
fn filter(said: &Value, before: &Filter) -> Result<Option<Filter>, Problem> {
    let (types, world) = (said.get("types"), said.get("world"));
    if types.is_none() && world.is_none() {
        return Ok(None);
    }
    let listed = || {
        wrong(
            "/types",
            &Text::new("事件类型的列表", "a list of kinds of events"),
            "another type",
        )
    };
    let words: Vec<&str> = match types {
        None => before.list().iter().map(String::as_str).collect(),
        Some(Value::Array(all)) => {
            let words: Option<Vec<&str>> = all.iter().map(Value::as_str).collect();
            words.ok_or_else(listed)?
        }
        Some(Value::Null) => Vec::new(),
        Some(_) => return Err(listed()),
    };
    let world = match world {
        None => before.world(),
        Some(Value::Null) => "",
        Some(Value::String(world)) => world,
        Some(_) => {
            return Err(wrong(
                "/world",
                &Text::new("世界的编号", "the id of a world"),
                "another type",
            ));
        }
    };
    Filter::said(words, world, "/types").map(Some)
}

fn url(said: &Value) -> Result<Option<&str>, Problem> {
    match said.get("url") {
        None => Ok(None),
        Some(Value::String(url)) => Ok(Some(url)),
        Some(_) => Err(wrong("/url", &Text::new("一个地址", "an address"), "another type")),
    }
}

pub async fn make(ask: Ask) -> Answered {
    let (client, said) = (known_client(&ask)?, said(&ask)?);
    let expected = Text::new("接收事件的地址", "the address to send events to");
    let url = url(&said)?.ok_or_else(|| wrong("/url", &expected, "nothing"))?;
    let filter = filter(&said, &Filter::default())?.unwrap_or_default();
    let (row, endpoint) = ask.worker.hub.webhooks.make(&client, url, &filter).await?;
    Ok(HttpResponse::Created()
        .insert_header(("location", format!("/developer/webhooks/{}", row.id)))
        .insert_header(("cache-control", "no-store"))
        .json(shown(&ask, &row, Some(&endpoint))?))
}

pub async fn list(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let rows = ask.worker.hub.webhooks.of_client(&client.id).await?;
    let items: Result<Vec<Value>, Problem> = rows.iter().map(|row| shown(&ask, row, None)).collect();
    Ok(page(&json!({"items": items?, "types": kinds().collect::<Vec<_>>()})))
}

pub async fn one(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let row = ask.worker.hub.webhooks.get(&client.id, &ask.path("id")).await?;
    Ok(page(&shown(&ask, &row, None)?))
}

pub async fn change(ask: Ask) -> Answered {
    let (client, said, id) = (known_client(&ask)?, said(&ask)?, ask.path("id"));
    let webhooks = &ask.worker.hub.webhooks;
    let before = webhooks.get(&client.id, &id).await?;
    let on = match said.get("state").map(|state| (state, state.as_str())) {
        None => None,
        Some((_, Some("active"))) => Some(true),
        Some((_, Some("off"))) => Some(false),
        Some(_) => return Err(wrong("/state", &Text::same("active | off"), "***")),
    };
    let changed = Changed {
        url: url(&said)?.map(str::to_owned),
        filter: filter(&said, &Filter::kept(&before.kinds, &before.world))?,
        on,
    };
    let row = webhooks.change(&client.id, &id, &changed).await?;
    Ok(page(&shown(&ask, &row, None)?))
}

pub async fn remove(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    ask.worker.hub.webhooks.remove(&client.id, &ask.path("id")).await?;
    Ok(HttpResponse::NoContent().finish())
}

pub async fn rotate(ask: Ask) -> Answered {
    let (client, said) = (known_client(&ask)?, said(&ask)?);
    let hours = match said.get("overlap_hours") {
        None => OVERLAP,
        Some(hours) => hours.as_i64().ok_or_else(|| {
            wrong(
                "/overlap_hours",
                &Text::new("小时数", "a number of hours"),
                "another type",
            )
        })?,
    };
    let (row, endpoint) = ask
        .worker
        .hub
        .webhooks
        .rotate(&client.id, &ask.path("id"), hours)
        .await?;
    Ok(page(&shown(&ask, &row, Some(&endpoint))?))
}

fn sent(sent: &Sent) -> Value {
    json!({
        "arrived": sent.is_good(), "status": sent.status, "error": sent.error, "excerpt": sent.excerpt(),
        "took_ms": u64::try_from(sent.took.as_millis()).unwrap_or(u64::MAX),
        "why": (!sent.is_good()).then(|| why(&sent.word())),
    })
}

pub async fn test(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let came = ask.worker.hub.webhooks.test(&client.id, &ask.path("id")).await?;
    Ok(page(&sent(&came)))
}

pub async fn deliveries(ask: Ask) -> Answered {
    let client = known_client(&ask)?;
    let webhooks = &ask.worker.hub.webhooks;
    let row = webhooks.get(&client.id, &ask.path("id")).await?;
    let state = match ask.parameter("state") {
        None => None,
        Some(word) => Some(DeliveryState::read(&word).ok_or_else(|| {
            let expected = Text::same("waiting | delivered | failed");
            Problem::new(ProblemCode::BadRequest).at("parameter/state", expected, "***")
        })?),
    };
    let most = number::<u32>(&ask, "limit")?.unwrap_or(PAGE).clamp(1, MOST);
    let before = number::<u64>(&ask, "before")?.unwrap_or(u64::MAX);
    let found = webhooks.deliveries(&row.id, state, before, most).await?;
    let mut items = Vec::with_capacity(found.len());
    for delivery in &found {
        items.push(webhooks.shown(delivery).await?);
    }
    let next = (found.len() >= most as usize)
        .then(|| found.last().map(|d| d.number))
        .flatten();
    Ok(page(&json!({"items": items, "next_before": next})))
}
