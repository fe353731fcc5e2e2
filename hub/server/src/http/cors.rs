//! CORS (fetch standard): exact origins of clients, default none, never with cookies.

use actix_web::HttpResponse;
use actix_web::http::header::HeaderMap;

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "authorization, content-type, idempotency-key, x-api-key, x-request-id, accept-language, \
                       traceparent, dpop, hub-scenario, hub-persona, hub-fault, hub-world";
const EXPOSED: &str = "x-request-id, ratelimit, ratelimit-policy, retry-after, location, hub-scenario, hub-sandbox, hub-clock, \
     hub-unknown-codes";

/// The answer to a preflight. A preflight carries no key, so any client's origin opens it; the call itself is judged
/// by its own key's origins.
#[must_use]
pub fn preflight(origin: Option<&str>, known: impl Fn(&str) -> bool) -> HttpResponse {
    let mut answer = HttpResponse::NoContent();
    answer.insert_header(("vary", "origin"));
    if let Some(origin) = origin.filter(|o| known(o)) {
        answer
            .insert_header(("access-control-allow-origin", origin))
            .insert_header(("access-control-allow-methods", METHODS))
            .insert_header(("access-control-allow-headers", HEADERS))
            .insert_header(("access-control-max-age", "600"));
    }
    answer.finish()
}

/// Opens an answer to the page it was asked from, where `known` says that the page belongs to the calling client.
pub fn open(answer: &mut HttpResponse, asked: &HeaderMap, known: impl Fn(&str) -> bool) {
    let Some(origin) = asked.get("origin") else { return };
    if !origin.to_str().is_ok_and(known) {
        return;
    }
    use actix_web::http::header::{HeaderName, HeaderValue};
    let headers = answer.headers_mut();
    headers.insert(HeaderName::from_static("access-control-allow-origin"), origin.clone());
    headers.insert(
        HeaderName::from_static("access-control-expose-headers"),
        HeaderValue::from_static(EXPOSED),
    );
    headers.append(HeaderName::from_static("vary"), HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_origins_are_let_in() {
        let known = |o: &str| o == "https://app.example";
        let yes = preflight(Some("https://app.example"), known);
        assert_eq!(
            yes.headers().get("access-control-allow-origin").unwrap(),
            "https://app.example"
        );
        assert!(!yes.headers().contains_key("access-control-allow-credentials"));
        for origin in [Some("https://app.example.evil"), Some("null"), None] {
            assert!(
                !preflight(origin, known)
                    .headers()
                    .contains_key("access-control-allow-origin")
            );
        }
    }
}
