//! The simulated city over real HTTP: one loopback listener, a path a system.

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use bytes::Bytes;
use hub_core::{RawRequest, RawResponse, SystemId};
use std::net::TcpListener;
use std::sync::Arc;

/// Answers what a simulated system is asked.
pub type Answerer = Arc<dyn Fn(&SystemId, RawRequest) -> RawResponse + Send + Sync>;

/// Largest request a simulated system takes, bytes.
const LARGEST: usize = 40 << 20;

/// The listener of the simulated city.
pub struct SimulatedCity {
    /// Its address without a trailing slash.
    pub base: String,
    listener: TcpListener,
}

impl SimulatedCity {
    /// Takes a free port on loopback.
    ///
    /// # Errors
    /// If there is none.
    pub fn bind() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let base = format!("http://{}", listener.local_addr()?);
        Ok(Self { base, listener })
    }

    /// Starts to answer.
    ///
    /// # Errors
    /// If the listener cannot be served.
    pub fn start(self, answerer: Answerer) -> std::io::Result<ServerHandle> {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::PayloadConfig::new(LARGEST))
                .app_data(web::Data::new(Arc::clone(&answerer)))
                .default_service(web::to(answer))
        });
        let server = server.workers(1).disable_signals().listen(self.listener)?.run();
        let handle = server.handle();
        tokio::spawn(server);
        Ok(handle)
    }
}

async fn answer(http: HttpRequest, body: Bytes, answerer: web::Data<Answerer>) -> HttpResponse {
    let Some((system, target)) = split(&http) else {
        return HttpResponse::NotFound().finish();
    };
    let headers = http.headers().iter();
    let request = RawRequest {
        method: http.method().as_str().to_owned(),
        target,
        headers: headers
            .filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())))
            .collect(),
        body: body.to_vec(),
    };
    // Off this thread: inventing a large answer must not hold up the other systems.
    let answerer = Arc::clone(&answerer);
    let answered = web::block(move || answerer(&system, request)).await;
    answered.map_or_else(|_| HttpResponse::InternalServerError().finish(), write)
}

/// The system a request is for, and its target below the system's base.
fn split(http: &HttpRequest) -> Option<(SystemId, String)> {
    let path = http.uri().path_and_query()?.as_str().strip_prefix('/')?;
    let (agency, rest) = path.split_once('/')?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (system, below) = rest.split_at(end);
    let system = SystemId::try_from(format!("{agency}/{system}")).ok()?;
    let target = if below.starts_with('/') {
        below.to_owned()
    } else {
        format!("/{below}")
    };
    Some((system, target))
}

fn write(raw: RawResponse) -> HttpResponse {
    let status = StatusCode::from_u16(raw.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    for (name, value) in raw
        .headers
        .iter()
        .filter(|(n, _)| !n.eq_ignore_ascii_case("content-length"))
    {
        answer.append_header((name.as_str(), value.as_str()));
    }
    answer.body(raw.body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_system_sees_the_path_below_its_base() {
        let of = |uri: &str| split(&TestRequest::with_uri(uri).to_http_request());
        assert_eq!(
            of("/nr/reg/api/x?a=%20b"),
            Some((SystemId::new("nr", "reg"), "/api/x?a=%20b".into()))
        );
        assert_eq!(of("/nr/reg"), Some((SystemId::new("nr", "reg"), "/".into())));
        assert_eq!(of("/nr/reg?wsdl"), Some((SystemId::new("nr", "reg"), "/?wsdl".into())));
        assert_eq!(of("/nr"), None);
        assert_eq!(of("/N%2Fr/reg/x"), None);
    }
}
