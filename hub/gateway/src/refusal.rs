//! The headers that belong to a refusal: `Retry-After`, `WWW-Authenticate`, `Allow`.

use hub_core::{Problem, ProblemCode};
use serde_json::Value;

/// Headers of a problem's answer.
pub(crate) fn headers(problem: &Problem) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    if let Some(seconds) = problem.retry_after {
        headers.push(("Retry-After".to_owned(), seconds.to_string()));
    }
    if let Some(challenge) = challenge(problem) {
        headers.push(("WWW-Authenticate".to_owned(), challenge));
    }
    if let Some(Value::Array(allow)) = problem.more.get("allow") {
        let methods: Vec<&str> = allow.iter().filter_map(Value::as_str).collect();
        headers.push(("Allow".to_owned(), methods.join(", ")));
    }
    headers
}

/// The other way to show a token (RFC 9449, 7.1).
const DPOP: &str = "DPoP realm=\"hub\", algs=\"ES256 EdDSA\"";

/// What a 401 asks for: RFC 9110 11.6.1 wants a challenge with every one; RFC 6750 3.1 and RFC 9470 3 say how to word it.
#[must_use]
pub fn challenge(problem: &Problem) -> Option<String> {
    let bearer = |error: &str| format!("Bearer realm=\"hub\", error=\"{error}\"");
    match problem.code {
        ProblemCode::KeyMissing | ProblemCode::KeyInvalid => Some("ApiKey realm=\"hub\", header=\"X-Api-Key\"".into()),
        ProblemCode::TokenMissing => Some(format!("Bearer realm=\"hub\", {DPOP}")),
        ProblemCode::TokenInvalid | ProblemCode::TokenExpired => Some(format!("{}, {DPOP}", bearer("invalid_token"))),
        ProblemCode::AssuranceTooLow => {
            let wanted = problem.more.get("required_assurance").and_then(Value::as_str);
            let wanted = wanted.map(|w| format!(", acr_values=\"{w}\"")).unwrap_or_default();
            Some(format!("{}{wanted}", bearer("insufficient_user_authentication")))
        }
        ProblemCode::CallbackRejected => Some("Signature realm=\"hub\"".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_up_names_the_level_wanted() {
        let problem = Problem::new(ProblemCode::AssuranceTooLow).with("required_assurance", "R3");
        let headers = headers(&problem);
        assert_eq!(headers[0].0, "WWW-Authenticate");
        assert!(headers[0].1.contains("insufficient_user_authentication"));
        assert!(headers[0].1.ends_with("acr_values=\"R3\""));
    }

    #[test]
    fn waiting_and_methods_are_told_in_headers() {
        let problem = Problem::new(ProblemCode::MethodNotAllowed)
            .with("allow", serde_json::json!(["GET", "POST"]))
            .retry_after(7);
        assert_eq!(
            headers(&problem),
            [
                ("Retry-After".to_owned(), "7".to_owned()),
                ("Allow".to_owned(), "GET, POST".to_owned())
            ]
        );
    }
}
