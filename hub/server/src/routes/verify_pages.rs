//! The pages at which a back end is held against its description. Plain forms: nothing here needs script.

use super::pages::{html, missing};
use super::verifications::{came, shown};
use super::{Answered, Ask};
use crate::http::page::frame;
use crate::hub::verifications::{Asked, BUDGET};
use crate::portal::{self, Draft};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use hub_core::ports::Client;
use hub_core::{Environment, Problem, ProblemCode};
use hub_store::VerificationRow;
use serde_json::Value;
use std::sync::Arc;

pub async fn form(ask: Ask) -> Answered {
    let frame = frame(&ask.http);
    html(StatusCode::OK, &frame, portal::verify(&frame, &Draft::default(), None))
}

/// The fields of a form, files as text.
fn fields(ask: &Ask) -> Vec<(String, String)> {
    let media = ask.header("content-type").unwrap_or_default();
    let parts = hub_sandbox::mock::form_parts(media, &ask.body);
    parts.or_else(|| ask.form()).unwrap_or_default()
}

fn field<'a>(fields: &'a [(String, String)], name: &str) -> &'a str {
    let found = fields.iter().find(|(n, v)| n == name && !v.trim().is_empty());
    found.map_or("", |(_, v)| v)
}

fn client(ask: &Ask, key: &str) -> Result<Arc<Client>, Problem> {
    let hub = &ask.worker.hub;
    ask.worker.gateway.knock_at(ask.peer)?;
    let client = hub.registry.client(key.trim(), hub.clock.now());
    let client = client.ok_or_else(|| Problem::new(ProblemCode::KeyInvalid))?;
    match client.environment {
        Environment::Sandbox => Ok(client),
        _ => Err(Problem::new(ProblemCode::KeyEnvironment)),
    }
}

pub async fn make(ask: Ask) -> Answered {
    let frame = frame(&ask.http);
    let fields = fields(&ask);
    let draft = Draft {
        base: field(&fields, "base_url").to_owned(),
        version: field(&fields, "version").to_owned(),
        text: field(&fields, "text").to_owned(),
        reads: !field(&fields, "reads").is_empty(),
        budget: field(&fields, "budget").to_owned(),
    };
    match made(&ask, &fields, &draft).await {
        Ok(row) => Ok(to(&ask, &row)),
        Err(problem) => {
            let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
            html(status, &frame, portal::verify(&frame, &draft, Some(&problem)))
        }
    }
}

async fn made(ask: &Ask, fields: &[(String, String)], draft: &Draft) -> Result<VerificationRow, Problem> {
    let client = client(ask, field(fields, "key"))?;
    let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let header = field(fields, "header").split_once(':');
    let asked = Asked {
        base: draft.base.trim().to_owned(),
        description: text(field(fields, "file")).or_else(|| text(&draft.text)),
        version: text(draft.version.trim()),
        headers: header
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .into_iter()
            .collect(),
        reads: draft.reads,
        budget: draft.budget.trim().parse().unwrap_or(BUDGET),
    };
    let verifications = &ask.worker.hub.verifications;
    let row = verifications.make(&client, asked).await?;
    verifications.start(&row).await?;
    Ok(row)
}

/// Where a run is seen.
fn to(ask: &Ask, row: &VerificationRow) -> HttpResponse {
    let frame = frame(&ask.http);
    let proof = ask.worker.hub.verifications.proof(&row.id);
    HttpResponse::SeeOther()
        .insert_header(("location", format!("/dev/verify/{}?t={proof}{}", row.id, frame.and())))
        .insert_header(("cache-control", "no-store"))
        .finish()
}

async fn linked(ask: &Ask, proof: &str) -> Result<VerificationRow, Problem> {
    ask.worker.hub.verifications.linked(&ask.path("id"), proof).await
}

pub async fn show(ask: Ask) -> Answered {
    let proof = ask.parameter("t").unwrap_or_default();
    match linked(&ask, &proof).await {
        Ok(row) => page(&ask, &row, None, None),
        Err(problem) if problem.code == ProblemCode::NotFound => missing(&ask.http, &ask.worker, &[]),
        Err(problem) => Err(problem),
    }
}

fn page(ask: &Ask, row: &VerificationRow, unproven: Option<&str>, again: Option<&Value>) -> Answered {
    let frame = frame(&ask.http);
    let told = shown(ask, row, unproven)?;
    let proof = ask.worker.hub.verifications.proof(&row.id);
    html(
        StatusCode::OK,
        &frame,
        portal::verification(&frame, &told, &proof, again),
    )
}

pub async fn start(ask: Ask) -> Answered {
    let fields = fields(&ask);
    let row = linked(&ask, field(&fields, "t")).await?;
    let verifications = &ask.worker.hub.verifications;
    match verifications.start(&row).await {
        Ok(None) => Ok(to(&ask, &row)),
        Ok(Some(word)) => page(&ask, &row, Some(&word), None),
        // It was begun meanwhile.
        Err(problem) if problem.code == ProblemCode::ValidationFailed => Ok(to(&ask, &row)),
        Err(problem) => Err(problem),
    }
}

pub async fn replay(ask: Ask) -> Answered {
    let fields = fields(&ask);
    let row = linked(&ask, field(&fields, "t")).await?;
    let finding = field(&fields, "finding");
    let again = ask.worker.hub.verifications.again(&row, finding).await?;
    page(&ask, &row, None, Some(&came(&again)))
}
