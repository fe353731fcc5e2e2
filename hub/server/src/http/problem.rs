//! The only place that writes an error to HTTP (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder};
use hub_core::{Lang, Problem, ProblemCode};
use hub_gateway::challenge;
use hub_identity::sso::{OauthCode, OauthError};
use serde_json::{Value, json};

/// How an answer is worded: for whom, and under which address and id.
#[derive(Debug, Clone)]
pub struct Voice {
    /// The hub's public address without a trailing slash.
    pub base: String,
    /// Language of texts.
    pub lang: Lang,
    /// Id of the request.
    pub request_id: String,
}

/// Writes a problem of the edge or of a handler, and tells operators what they alone may know.
#[must_use]
pub fn respond(problem: &Problem, voice: &Voice) -> HttpResponse {
    if let Some(inner) = &problem.inner {
        tracing::warn!(request_id = %voice.request_id, problem = problem.code.as_str(), inner = %inner, "problem");
    }
    write(problem, voice)
}

/// Writes a problem that whoever made it has logged already.
#[must_use]
pub fn write(problem: &Problem, voice: &Voice) -> HttpResponse {
    let status = StatusCode::from_u16(problem.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut answer = HttpResponse::build(status);
    answer
        .content_type("application/problem+json")
        .insert_header(("content-language", voice.lang.tag()))
        .insert_header(("vary", "accept-language"))
        .insert_header(("cache-control", "no-store"));
    if let Some(seconds) = problem.retry_after {
        answer.insert_header(("retry-after", seconds.to_string()));
    }
    if let Some(challenge) = challenge(problem) {
        answer.insert_header(("www-authenticate", challenge));
    }
    if let Some(allow) = allowed(problem) {
        answer.insert_header((HeaderName::from_static("allow"), allow));
    }
    answer.body(problem.document(&voice.base, voice.lang, &voice.request_id).to_string())
}

/// Writes a refusal of the OpenID provider as its standards have it (RFC 6749, 5.2).
#[must_use]
pub fn oauth(error: &OauthError, voice: &Voice) -> HttpResponse {
    let code = error.code.as_str();
    if let Some(inner) = &error.inner {
        tracing::warn!(request_id = %voice.request_id, code, inner = %inner, "the provider failed");
    }
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    let mut answer = refusal(status);
    if error.code == OauthCode::InvalidClient {
        answer.insert_header(("www-authenticate", r#"Basic realm="hub""#));
    }
    answer.json(json!({"error": code, "error_description": error.text.en}))
}

/// Writes a refusal where an access token was asked for, and shown by this scheme (RFC 6750, 3.1; RFC 9449, 7.1): whoever
/// shows nothing is told of no error.
#[must_use]
pub fn protected(error: &OauthError, voice: &Voice, scheme: Option<Scheme>) -> HttpResponse {
    let code = error.code.as_str();
    let challenge = match (error.code, scheme) {
        (OauthCode::InvalidToken, None) => format!(r#"Bearer realm="hub", {DPOP}"#),
        (OauthCode::InvalidToken | OauthCode::InvalidDpopProof | OauthCode::InsufficientScope, Some(Scheme::Dpop)) => {
            format!(r#"{DPOP}, error="{code}""#)
        }
        (OauthCode::InvalidToken | OauthCode::InsufficientScope, _) => {
            format!(r#"Bearer realm="hub", error="{code}", {DPOP}"#)
        }
        _ => return oauth(error, voice),
    };
    let status = match error.code {
        OauthCode::InsufficientScope => StatusCode::FORBIDDEN,
        _ => StatusCode::UNAUTHORIZED,
    };
    refusal(status)
        .insert_header(("www-authenticate", challenge))
        .json(json!({"error": code, "error_description": error.text.en}))
}

/// How an access token is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 6750.
    Bearer,
    /// RFC 9449.
    Dpop,
}

fn refusal(status: StatusCode) -> HttpResponseBuilder {
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header(("cache-control", "no-store"))
        .insert_header(("pragma", "no-cache"));
    answer
}

/// The other way to show a token (RFC 9449, 7.1).
const DPOP: &str = r#"DPoP realm="hub", algs="ES256 EdDSA""#;

/// The methods a 405 lists, from the problem's `allow` member.
fn allowed(problem: &Problem) -> Option<HeaderValue> {
    if problem.code != ProblemCode::MethodNotAllowed {
        return None;
    }
    let methods: Vec<&str> = match problem.more.get("allow")? {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(one) => vec![one.as_str()],
        _ => return None,
    };
    HeaderValue::from_str(&methods.join(", ")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn voice() -> Voice {
        Voice {
            base: "http://h".into(),
            lang: Lang::En,
            request_id: "r-1".into(),
        }
    }

    #[test]
    fn every_401_says_what_it_wants_and_nothing_else_does() {
        for code in ProblemCode::ALL {
            let answer = respond(&Problem::new(*code), &voice());
            assert_eq!(answer.status().as_u16(), code.status());
            assert_eq!(
                answer.headers().contains_key("www-authenticate"),
                code.status() == 401,
                "{code:?}"
            );
            assert_eq!(
                answer.headers().get("content-type").unwrap(),
                "application/problem+json"
            );
            assert_eq!(answer.headers().get("content-language").unwrap(), "en");
        }
    }

    #[test]
    fn a_405_lists_the_methods_and_a_429_the_seconds() {
        let problem = Problem::new(ProblemCode::MethodNotAllowed).with("allow", json!(["GET", "POST"]));
        assert_eq!(respond(&problem, &voice()).headers().get("allow").unwrap(), "GET, POST");
        let problem = Problem::new(ProblemCode::RateLimited).retry_after(7);
        assert_eq!(respond(&problem, &voice()).headers().get("retry-after").unwrap(), "7");
    }
}
