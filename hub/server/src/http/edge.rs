//! Conversions between actix and the hub's own messages, with the checks that only the edge can make.

use super::problem::{self, Voice};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use hub_core::wire::ReplyBody;
use hub_core::{Inbound, Problem, ProblemCode, Reply, Text};
use std::net::IpAddr;
use std::time::Duration;

/// Headers that belong to one connection and are never passed on (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a call that never reach the pipeline: cookies are for pages, the length is the body's own.
const NOT_FOR_CALLS: [&str; 4] = ["cookie", "content-length", "host", "expect"];

/// The id of a request: the caller's if it is 8 to 64 letters, digits, `-`, `_` or `.`, else a new one.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> String {
    let well_formed = |id: &&str| {
        (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    let given = headers
        .get("x-request-id")
        .and_then(|v| v.to_str().ok())
        .filter(well_formed);
    given.map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned)
}

/// The trace parent to answer with (W3C Trace Context): the caller's, or a new one.
#[must_use]
pub fn trace_parent(headers: &HeaderMap) -> String {
    let hex = |s: &str, n| s.len() == n && s.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let well_formed = |text: &&str| {
        let parts: Vec<&str> = text.split('-').collect();
        matches!(parts.as_slice(), [v, t, s, f] if *v == "00" && hex(t, 32) && hex(s, 16) && hex(f, 2))
    };
    let given = headers
        .get("traceparent")
        .and_then(|v| v.to_str().ok())
        .filter(well_formed);
    given.map_or_else(
        || {
            let trace = uuid::Uuid::now_v7().simple().to_string();
            let span: String = trace.chars().rev().take(16).collect();
            format!("00-{trace}-{span}-01")
        },
        str::to_owned,
    )
}

/// Reads a body whole, within a size and a time.
///
/// # Errors
/// `body-too-large`, or `bad-request` where it breaks off or takes too long.
pub async fn body(mut payload: web::Payload, limit: usize, patience: Duration) -> Result<Bytes, Problem> {
    let read = async {
        let mut whole = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|e| broken("请求体中断", "the body broke off").inner(e.to_string()))?;
            if whole.len() + chunk.len() > limit {
                let expected = Text::new(format!("最多 {limit} 字节"), format!("at most {limit} bytes"));
                return Err(Problem::new(ProblemCode::BodyTooLarge).at("body", expected, "more"));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    };
    let slow = |_| broken("请求体没有及时到达", "the body did not arrive in time");
    tokio::time::timeout(patience, read).await.map_err(slow)?
}

fn broken(zh: &str, en: &str) -> Problem {
    Problem::new(ProblemCode::BadRequest).detail(zh, en)
}

/// A call for the pipeline: the path behind `door`, headers as text, nothing that belongs to the connection.
#[must_use]
pub fn inbound(http: &HttpRequest, door: &str, body: Bytes, peer: IpAddr, voice: &Voice) -> Inbound {
    let raw = http.uri().path();
    let path = raw.strip_prefix(door).unwrap_or(raw);
    let named = http
        .headers()
        .get("connection")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let named: Vec<String> = named.split(',').map(|n| n.trim().to_ascii_lowercase()).collect();
    let passes =
        |name: &str| !HOP_BY_HOP.contains(&name) && !NOT_FOR_CALLS.contains(&name) && !named.iter().any(|n| n == name);
    let headers = http.headers().iter().filter(|(name, _)| passes(name.as_str()));
    Inbound {
        method: http.method().as_str().to_owned(),
        path: if path.is_empty() {
            "/".to_owned()
        } else {
            path.to_owned()
        },
        query: http.query_string().to_owned(),
        headers: headers
            // What is no text stays there to be refused: a key that vanished would let a thing be done twice.
            .map(|(n, v)| {
                (
                    n.as_str().to_owned(),
                    String::from_utf8_lossy(v.as_bytes()).into_owned(),
                )
            })
            .collect(),
        body,
        peer,
        request_id: voice.request_id.clone(),
    }
}

/// Writes a reply of the pipeline.
#[must_use]
pub fn outbound(reply: Reply, voice: &Voice) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = match reply.body {
        ReplyBody::Problem(problem) => problem::write(&problem, voice),
        ReplyBody::Empty => HttpResponse::build(status).finish(),
        ReplyBody::Json(value) => HttpResponse::build(status)
            .content_type("application/json")
            .body(serde_json::to_vec(&value).unwrap_or_default()),
        ReplyBody::Bytes { content_type, bytes } => HttpResponse::build(status).content_type(content_type).body(bytes),
    };
    for (name, value) in reply.headers {
        let name = name.to_ascii_lowercase();
        if HOP_BY_HOP.contains(&name.as_str()) || name == "content-length" {
            continue;
        }
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(&value)) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// Closes an answer that somebody else wrote (an agency, a document) against being run as a page of this origin.
pub fn close(answer: &mut HttpResponse) {
    let headers = answer.headers_mut();
    let mut put = |name, value| headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    put("x-content-type-options", "nosniff");
    put("content-security-policy", "sandbox; default-src 'none'");
    put("referrer-policy", "no-referrer");
    if !headers.contains_key("cache-control") {
        headers.insert(
            HeaderName::from_static("cache-control"),
            HeaderValue::from_static("no-store"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use hub_core::Lang;

    fn voice() -> Voice {
        Voice {
            base: "http://h".into(),
            lang: Lang::En,
            request_id: "r".into(),
        }
    }

    #[test]
    fn request_ids_are_taken_only_if_well_formed() {
        let id = |text: &str| {
            request_id(
                TestRequest::default()
                    .insert_header(("x-request-id", text))
                    .to_http_request()
                    .headers(),
            )
        };
        assert_eq!(id("abc-DEF_1.2"), "abc-DEF_1.2");
        for bad in ["short", "a b c d e f g", "x'><script>alert(1)", &"a".repeat(65)] {
            assert_eq!(id(bad).len(), 32, "{bad}");
        }
    }

    #[test]
    fn a_header_that_is_no_text_does_not_vanish() {
        let value = HeaderValue::from_bytes(b"key-\xe9\xff-12345").unwrap();
        let http = TestRequest::default()
            .insert_header(("idempotency-key", value))
            .to_http_request();
        let call = inbound(&http, "/gateway", Bytes::new(), [127, 0, 0, 1].into(), &voice());
        assert_eq!(call.header("idempotency-key"), Some("key-\u{fffd}\u{fffd}-12345"));
    }

    #[test]
    fn trace_parents_are_taken_only_if_well_formed() {
        let answer = |text: &str| {
            trace_parent(
                TestRequest::default()
                    .insert_header(("traceparent", text))
                    .to_http_request()
                    .headers(),
            )
        };
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(answer(good), good);
        assert_ne!(answer("00-zz-00f067aa0ba902b7-01"), "00-zz-00f067aa0ba902b7-01");
        assert_eq!(answer("junk").len(), good.len());
    }

    #[test]
    fn what_belongs_to_the_connection_stays_at_the_edge() {
        let http = TestRequest::with_uri("/gateway/a/b/v1/c%2Fd?x=%20")
            .insert_header(("connection", "keep-alive, x-private"))
            .insert_header(("x-private", "1"))
            .insert_header(("cookie", "s=1"))
            .insert_header(("te", "trailers"))
            .insert_header(("x-api-key", "k"))
            .to_http_request();
        let call = inbound(&http, "/gateway", Bytes::new(), "1.2.3.4".parse().unwrap(), &voice());
        assert_eq!((call.path.as_str(), call.query.as_str()), ("/a/b/v1/c%2Fd", "x=%20"));
        assert_eq!(call.headers, [("x-api-key".to_owned(), "k".to_owned())]);
    }

    #[test]
    fn replies_cannot_break_the_header_block() {
        let reply = Reply {
            status: 200,
            headers: vec![
                ("X-Good".into(), "1".into()),
                ("X-Bad".into(), "1\r\nSet-Cookie: a=b".into()),
                ("Connection".into(), "close".into()),
            ],
            body: ReplyBody::Empty,
        };
        let answer = outbound(reply, &voice());
        assert!(answer.headers().contains_key("x-good"));
        assert!(!answer.headers().contains_key("x-bad") && !answer.headers().contains_key("connection"));
    }
}
