//! The hub about itself.

use super::describe::{Description, Who, document};
use super::{Answered, Ask};
use actix_web::HttpResponse;
use hub_core::{Problem, ProblemCode};
use serde_json::json;
use std::fmt::Write as _;

pub async fn own_document(ask: Ask) -> Answered {
    Ok(HttpResponse::Ok()
        .insert_header(("access-control-allow-origin", "*"))
        .json(document(&ask.worker.hub.base)))
}

pub async fn live(_ask: Ask) -> Answered {
    Ok(HttpResponse::Ok().json(json!({"status": "alive"})))
}

pub async fn ready(ask: Ask) -> Answered {
    let hub = &ask.worker.hub;
    if hub.is_stopping() {
        return Err(Problem::new(ProblemCode::ShuttingDown).retry_after(5));
    }
    Ok(HttpResponse::Ok().json(json!({"status": "ready", "catalog": hub.catalog().counts()})))
}

pub async fn metrics(ask: Ask) -> Answered {
    let mut text = ask.worker.metrics();
    // The database may be away; everything else is worth reading all the more then.
    if let Ok(counts) = ask.worker.gateway.submission_counts().await {
        text.push_str("# HELP hub_submissions Submissions by state.\n# TYPE hub_submissions gauge\n");
        for (state, count) in counts {
            let _ = writeln!(text, "hub_submissions{{state=\"{}\"}} {count}", state.as_str());
        }
    }
    Ok(HttpResponse::Ok().content_type("text/plain; version=0.0.4").body(text))
}

pub fn says_own_document() -> Description {
    Description::new("hub.openapi", "本文档", "This document")
}

pub fn says_live() -> Description {
    status(Description::new(
        "hub.live",
        "进程是否存活",
        "Whether the process lives",
    ))
}

pub fn says_ready() -> Description {
    status(Description::new(
        "hub.ready",
        "是否可以接收请求",
        "Whether it takes requests",
    ))
    .problems(&[503])
}

pub fn says_metrics() -> Description {
    Description::new("hub.metrics", "运行指标", "Counters in the Prometheus text format")
        .who(Who::Operator)
        .good(200, "text/plain", json!({"type": "string"}))
        .problems(&[401, 403])
}

fn status(description: Description) -> Description {
    let body = json!({"type": "object", "required": ["status"], "properties": {"status": {"type": "string"}}});
    description.good(200, "application/json", body)
}
