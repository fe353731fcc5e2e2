//! One request on its way through the edge: what every handler is given, and what is done for every answer.

use super::table::{Body, Door, Route};
use super::{Answered, staff, table};
use crate::http::{address, edge, problem};
use crate::hub::Worker;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use hub_core::{Lang, Problem, ProblemCode};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

/// One request, body whole.
pub struct Ask {
    /// The request.
    pub http: HttpRequest,
    /// Its body.
    pub body: Bytes,
    /// How the answer is worded.
    pub voice: problem::Voice,
    /// The client's address.
    pub peer: IpAddr,
    /// This thread's hub.
    pub worker: web::Data<Worker>,
}

impl Ask {
    /// A parameter of the path, decoded.
    pub fn path(&self, name: &str) -> String {
        self.http.match_info().query(name).to_owned()
    }

    /// The query, decoded, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        query(&self.http)
    }

    /// One parameter of the query, if it is not empty.
    pub fn parameter(&self, name: &str) -> Option<String> {
        self.query()
            .into_iter()
            .find(|(n, v)| n == name && !v.is_empty())
            .map(|(_, v)| v)
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.http.headers().get(name)?.to_str().ok()
    }

    /// The body as an HTML form's parameters, decoded, in order; `None` if it is none.
    pub fn form(&self) -> Option<Vec<(String, String)>> {
        let media = self.header("content-type")?.split(';').next()?.trim();
        if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return None;
        }
        Some(url::form_urlencoded::parse(&self.body).into_owned().collect())
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// `unsupported-media-type` or `bad-request`.
    pub fn json(&self) -> Result<Value, Problem> {
        let media = self.header("content-type").unwrap_or_default();
        if !media
            .split(';')
            .next()
            .is_some_and(|m| m.trim().eq_ignore_ascii_case("application/json"))
        {
            return Err(Problem::new(ProblemCode::UnsupportedMediaType));
        }
        serde_json::from_slice(&self.body).map_err(|e| {
            let (line, column) = (e.line(), e.column());
            Problem::new(ProblemCode::BadRequest).detail(
                format!("JSON 在第 {line} 行第 {column} 列出错"),
                format!("broken JSON at line {line}, column {column}"),
            )
        })
    }
}

fn query(http: &HttpRequest) -> Vec<(String, String)> {
    url::form_urlencoded::parse(http.query_string().as_bytes())
        .into_owned()
        .collect()
}

/// Answers a request by its route.
pub async fn answer(
    route: &'static Route,
    http: HttpRequest,
    payload: web::Payload,
    worker: web::Data<Worker>,
) -> HttpResponse {
    let started = Instant::now();
    worker.hub.metrics.begin();
    let voice = voice(&http, &worker);
    let peer = peer(&http, &worker);
    let answered = match body(route.body, payload, &worker).await {
        Ok(body) => {
            let ask = Ask {
                http: http.clone(),
                body,
                voice: voice.clone(),
                peer,
                worker: worker.clone(),
            };
            match route.name {
                // Whoever signs in proves that inside.
                OPERATORS if route.path != SIGN_IN => operated(route, ask).await,
                // Every one of these doors costs the store or a signature; there is no pipeline in front of them.
                SSO => match worker.gateway.knock_at(peer) {
                    Ok(()) => (route.act)(ask).await,
                    Err(flood) => Err(flood),
                },
                _ => (route.act)(ask).await,
            }
        }
        Err(refused) => Err(refused),
    };
    finish(route.name, &http, answered, &voice, &worker, started)
}

/// Name of the routes that are for operators alone, and the one among them at which they become operators.
const OPERATORS: &str = "admin";
const SIGN_IN: &str = "/admin/sign-in";
/// Name of the routes of the OpenID provider and of the ways to identity providers.
const SSO: &str = "sso";

/// Lets in who may use an operators' route, and writes down what they did; whoever counts things is not written down.
async fn operated(route: &'static Route, ask: Ask) -> Answered {
    let hand = staff::admitted(&ask, route).await?;
    let (worker, request) = (ask.worker.clone(), ask.voice.request_id.clone());
    let answered = (route.act)(ask).await;
    if route.path != "/metrics" {
        let status = match &answered {
            Ok(answer) => answer.status().as_u16(),
            Err(problem) => problem.code.status(),
        };
        let act = format!("admin.{} {}", route.method, route.path);
        worker.gateway.note_act(&hand.name(), &act, &request, status).await?;
    }
    answered
}

/// Refuses a request that no route takes.
pub async fn refuse(
    door: Door,
    http: HttpRequest,
    _payload: web::Payload,
    worker: web::Data<Worker>,
    why: Problem,
) -> HttpResponse {
    let started = Instant::now();
    worker.hub.metrics.begin();
    let voice = voice(&http, &worker);
    let wants_page = http
        .headers()
        .get("accept")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|a| a.contains("text/html"));
    let answered = if wants_page && door == Door::Public && why.code == ProblemCode::NotFound {
        super::pages::missing(&http, &worker, &[])
    } else {
        Err(why)
    };
    finish("none", &http, answered, &voice, &worker, started)
}

async fn body(kind: Body, payload: web::Payload, worker: &Worker) -> Result<Bytes, Problem> {
    let listen = &worker.hub.config.listen;
    let limit = match kind {
        Body::None => return Ok(Bytes::new()),
        Body::Call => listen.body_bytes,
        Body::File => listen.file_bytes,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    edge::body(payload, limit, Duration::from_millis(listen.body_timeout_ms)).await
}

fn voice(http: &HttpRequest, worker: &Worker) -> problem::Voice {
    let accept = http
        .headers()
        .get("accept-language")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    problem::Voice {
        base: worker.hub.base.clone(),
        lang: Lang::from_accept_language(accept),
        request_id: edge::request_id(http.headers()),
    }
}

fn peer(http: &HttpRequest, worker: &Worker) -> IpAddr {
    let socket = http.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |a| a.ip());
    let forwarded = http.headers().get("x-forwarded-for").and_then(|v| v.to_str().ok());
    address::client_address(socket, forwarded, &worker.hub.trusted)
}

/// What every answer gets: ids, the closed type, a line in the log, a count.
fn finish(
    name: &'static str,
    http: &HttpRequest,
    answered: Answered,
    voice: &problem::Voice,
    worker: &Worker,
    started: Instant,
) -> HttpResponse {
    let mut answer = answered.unwrap_or_else(|p| problem::respond(&p, voice));
    let headers = answer.headers_mut();
    headers.insert(
        HeaderName::from_static("x-content-type-options"),
        HeaderValue::from_static("nosniff"),
    );
    for (name, value) in [
        ("x-request-id", voice.request_id.clone()),
        ("traceparent", edge::trace_parent(http.headers())),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let (status, took) = (answer.status().as_u16(), started.elapsed());
    worker.hub.metrics.end(name, status, took);
    tracing::info!(
        request_id = %voice.request_id,
        method = %http.method(),
        path = %place(name, http),
        status,
        elapsed_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    answer
}

/// Where a request went, without anything a caller could have put a person into: the pattern of a route, and of a call
/// its agency and system.
fn place(name: &str, http: &HttpRequest) -> String {
    match table::TABLE.iter().find(|r| r.name == name && r.is_call()) {
        Some(_) => http.path().split('/').take(5).collect::<Vec<_>>().join("/"),
        None => http.match_pattern().unwrap_or_else(|| "unmatched".to_owned()),
    }
}
