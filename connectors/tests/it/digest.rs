//! HTTP Digest through a whole call: asked once, answered with what RFC 7616 prescribes, never asked for ever.

use crate::city::{agree, bill, connector, drive};
use hub_connectors::Purpose;
use hub_core::{ProblemCode, RawResponse};

const MANIFEST: &str = "\
system: t/sys
upstream: {dialect: rest-envelope}
auth: {digest: [secret:user, secret:password]}
answer: {ok: 0}
names: same
operations: {bill-query: GET /v1/bill, \"*\": not-yet}
";

fn asks(words: &str) -> RawResponse {
    RawResponse {
        status: 401,
        headers: vec![(
            "WWW-Authenticate".into(),
            format!("Digest realm=\"r\", qop=\"auth\", {words}"),
        )],
        body: Vec::new(),
    }
}

fn good() -> RawResponse {
    RawResponse {
        status: 200,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: serde_json::json!({"code": 0, "data": bill().1})
            .to_string()
            .into_bytes(),
    }
}

#[test]
fn digest_agrees_with_its_server_half() {
    let (input, output) = bill();
    let exchange = agree(&connector(MANIFEST), "bill-query", &input, &output);
    let statuses: Vec<u16> = exchange.responses.iter().map(|r| r.status).collect();
    assert_eq!(statuses, [401, 200]);
    assert!(exchange.requests[0].1.header("Authorization").is_none());
    let proof = exchange.requests[1].1.header("Authorization").unwrap();
    assert!(
        proof.contains("algorithm=SHA-256") && !proof.contains("password-value"),
        "{proof}"
    );
}

/// HA1 = MD5("user-value:r:password-value"), HA2 = MD5("GET:/v1/bill?account_no=0081&period_month=2026-03"), both reckoned
/// apart with another program; the cnonce is the sixteen bytes of the second step's randomness.
#[test]
fn the_proof_covers_method_and_whole_target() {
    let (input, _) = bill();
    let (answer, exchange) = drive(&connector(MANIFEST), "bill-query", &input, None, &mut |_, exchange| {
        if exchange.responses.is_empty() {
            asks("nonce=\"n1\"")
        } else {
            good()
        }
    });
    assert!(answer.is_ok());
    let proof = exchange.requests[1].1.header("Authorization").unwrap();
    assert_eq!(
        proof,
        "Digest username=\"user-value\", realm=\"r\", nonce=\"n1\", uri=\"/v1/bill?account_no=0081&period_month=2026-03\", \
         response=\"d6bf1d353460ee1ea93a693fdef84a1f\", qop=auth, nc=00000001, cnonce=\"02020202020202020202020202020202\""
    );
    assert_eq!(exchange.requests[1].0, Purpose::Act);
}

#[test]
fn a_question_is_answered_once_unless_it_was_too_old() {
    let (input, _) = bill();
    let refused = drive(&connector(MANIFEST), "bill-query", &input, None, &mut |_, _| {
        asks("nonce=\"n1\"")
    });
    assert_eq!(refused.1.requests.len(), 2);
    assert_eq!(refused.0.unwrap_err().problem().code, ProblemCode::UpstreamRefused);
    let questions = ["nonce=\"n1\"", "nonce=\"n2\", stale=true"];
    let (answer, exchange) = drive(&connector(MANIFEST), "bill-query", &input, None, &mut |_, exchange| {
        questions.get(exchange.responses.len()).map_or_else(good, |q| asks(q))
    });
    assert!(answer.is_ok() && exchange.requests.len() == 3);
    // The same question, called old for ever, is no question.
    let stuck = drive(&connector(MANIFEST), "bill-query", &input, None, &mut |_, _| {
        asks("nonce=\"n1\", stale=true")
    });
    assert!(stuck.0.is_err() && stuck.1.requests.len() == 2);
    // A 401 that asks for something else is what it always was.
    let other = drive(&connector(MANIFEST), "bill-query", &input, None, &mut |_, _| {
        RawResponse {
            status: 401,
            headers: vec![("WWW-Authenticate".into(), "Basic realm=\"r\"".into())],
            body: Vec::new(),
        }
    });
    assert_eq!(
        (other.0.unwrap_err().problem().code, other.1.requests.len()),
        (ProblemCode::UpstreamRefused, 1)
    );
}
