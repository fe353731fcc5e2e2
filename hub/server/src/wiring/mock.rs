//! One description over HTTP, alone: a listener and the mock behind it, nothing of the hub.

use crate::http::edge;
use crate::http::problem::{self, Voice};
use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Lang, Problem, ProblemCode};
use hub_sandbox::mock::{Ask, MOMENT, Mock, Room, Told};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// Largest request, bytes.
const LARGEST: usize = 10 << 20;
/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The listener of one mock.
pub struct MockServer {
    /// Its address without a trailing slash.
    pub base: String,
    listener: TcpListener,
}

/// What every worker has.
struct Shared {
    mock: Arc<Mock>,
    base: String,
    lang: Lang,
}

impl MockServer {
    /// Takes the address.
    ///
    /// # Errors
    /// If it is taken.
    pub fn bind(address: SocketAddr) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        let base = format!("http://{}", listener.local_addr()?);
        Ok(Self { base, listener })
    }

    /// Starts to answer.
    ///
    /// # Errors
    /// If the listener cannot be served.
    pub fn start(self, mock: Arc<Mock>, lang: Lang) -> std::io::Result<ServerHandle> {
        let shared = web::Data::new(Shared {
            mock,
            base: self.base,
            lang,
        });
        let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)));
        let server = server.disable_signals().listen(self.listener)?.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(handle)
    }
}

/// Waits until the process is told to stop.
pub async fn signalled() {
    let terminate = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminate => {}
    }
}

async fn answer(http: HttpRequest, payload: web::Payload, shared: web::Data<Shared>) -> HttpResponse {
    let accept = http.headers().get("accept-language").and_then(|v| v.to_str().ok());
    let voice = Voice {
        base: shared.base.clone(),
        lang: accept.map_or(shared.lang, Lang::from_accept_language),
        request_id: edge::request_id(http.headers()),
    };
    let body = match edge::body(payload, LARGEST, PATIENCE).await {
        Ok(body) => body,
        Err(problem) => return open(problem::respond(&problem, &voice)),
    };
    let headers = http.headers().iter();
    // A mock that is served alone has no clock to turn: each request may say what time it is.
    let said = http.headers().get("hub-clock").and_then(|v| v.to_str().ok());
    let now: Option<Timestamp> = said.and_then(|text| text.parse().ok());
    let clock = now.map_or_else(|| MOMENT.to_owned(), rfc3339);
    let ask = Ask {
        method: http.method().as_str(),
        path: http.uri().path(),
        query: http.query_string(),
        headers: headers
            .filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())))
            .collect(),
        body: &body,
        room: Room {
            memory: None,
            now,
            lang: shared.lang,
        },
    };
    let preflight = ask.header("access-control-request-method").is_some();
    let mut echo = vec![("hub-sandbox", "mock".to_owned()), ("hub-clock", clock)];
    echo.push(("x-request-id", voice.request_id.clone()));
    echo.extend(ask.scenario().map(|word| ("hub-scenario", word)));
    let answer = match shared.mock.answer(&ask) {
        Ok(told) => {
            if told.delay_ms > 0 {
                tokio::time::sleep(Duration::from_millis(told.delay_ms.min(60_000))).await;
            }
            write(told)
        }
        // What a browser asks before the call itself is no operation of the description.
        Err(problem) if problem.code == ProblemCode::MethodNotAllowed && preflight => allowed(&http),
        Err(problem) => refused(&problem, &voice),
    };
    open(echoed(answer, echo))
}

/// A problem; a 401 names what the description asks for, not what the hub would.
fn refused(problem: &Problem, voice: &Voice) -> HttpResponse {
    let mut answer = problem::respond(problem, voice);
    let challenge = problem.more.get("challenge").and_then(|c| c.as_str());
    if let Some(value) = challenge.and_then(|c| HeaderValue::from_str(c).ok()) {
        answer.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    answer
}

/// What every answer of a sandbox says of itself.
fn echoed(mut answer: HttpResponse, echo: Vec<(&'static str, String)>) -> HttpResponse {
    for (name, value) in echo {
        if let Ok(value) = HeaderValue::from_str(&value) {
            answer.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    answer
}

fn allowed(http: &HttpRequest) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    for (asked, granted) in [
        ("access-control-request-method", "access-control-allow-methods"),
        ("access-control-request-headers", "access-control-allow-headers"),
    ] {
        if let Some(value) = http.headers().get(asked) {
            answer.insert_header((granted, value.clone()));
        }
    }
    answer.finish()
}

/// Pages of any origin may read: nothing here is anybody's.
fn open(mut answer: HttpResponse) -> HttpResponse {
    let name = HeaderName::from_static("access-control-allow-origin");
    answer.headers_mut().insert(name, HeaderValue::from_static("*"));
    answer
}

fn write(told: Told) -> HttpResponse {
    let status = StatusCode::from_u16(told.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    for (name, value) in &told.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::from_str(value)) {
            answer.append_header((name, value));
        }
    }
    answer.body(told.body)
}
