//! Tokens the hub makes itself: RFC 7523 at a token endpoint, and a bearer token with every call.

use crate::city::{agree, compile, connector, drive, now, secrets, through};
use hub_connectors::ServerContext;
use hub_core::{ProblemCode, RawRequest};
use serde_json::{Value, json};

const ROWS: &str = r#"
answer: {code: /code, ok: "0", message: /message, data: /data}
wire: {date: yyyy-MM-dd, money: yuan}
fields: {hh: account_no, je: amount_fen, dqr: due_date, ny: period_month}
operations: {bill-query: POST /bill, "*": not-yet}
"#;

fn input() -> Value {
    json!({"account_no": "0081"})
}

fn output() -> Value {
    json!({"account_no": "0081", "amount_fen": 128_050, "due_date": "2026-04-30"})
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&hub_crypto::from_base64_url(part).unwrap()).unwrap()
}

#[test]
fn rfc_7523_client_assertion_at_a_token_endpoint() {
    let manifest = format!(
        r#"
system: t/sys
upstream: {{dialect: rest-envelope}}
jwt:
  algorithm: rs256
  secret: secret:rsa-key
  header: {{kid: k1}}
  claims: {{iss: secret:app, sub: secret:app, aud: "https://upstream.example/token", jti: $uuid}}
  lives: 1m
session:
  login: POST /token
  sends: form
  send:
    grant_type: client_credentials
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    client_assertion: $jwt
  answer: {{}}
  read: {{token: /access_token}}
  lives: /expires_in
send: {{header Authorization: "Bearer {{session:token}}"}}
{ROWS}"#
    );
    let connector = connector(&manifest);
    assert_eq!(connector.secrets(), ["app", "rsa-key"]);
    let exchange = agree(&connector, "bill-query", &input(), &output());
    let login = String::from_utf8_lossy(&exchange.requests[0].1.body).into_owned();
    assert!(login.starts_with(
        "grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=ey"
    ));
    let token = login.rsplit('=').next().unwrap();
    let claims = claims(token);
    assert_eq!(claims["iss"], "app-value");
    assert_eq!(
        (claims["iat"].as_i64(), claims["exp"].as_i64()),
        (Some(1_775_614_530), Some(1_775_614_590))
    );
    // The endpoint refuses the assertion of somebody else, and one that was changed.
    let mut other = secrets();
    other.insert("app".into(), "other-app".into());
    let refused = |secrets: &std::collections::BTreeMap<String, String>, request: &RawRequest| {
        let context = ServerContext { now: now(), secrets };
        let response = connector.serve(request, &context, &mut |_, _| unreachable!());
        !String::from_utf8_lossy(&response.body).contains("access_token")
    };
    assert!(!refused(&secrets(), &exchange.requests[0].1));
    assert!(refused(&other, &exchange.requests[0].1));
    let mut changed = exchange.requests[0].1.clone();
    let text = String::from_utf8(changed.body).unwrap();
    changed.body = text.replace(".ey", ".fy").into_bytes();
    assert!(refused(&secrets(), &changed));
}

#[test]
fn a_bearer_token_with_every_call() {
    let manifest = format!(
        r#"
system: t/sys
upstream: {{dialect: rest-envelope}}
jwt: {{algorithm: sm2, secret: secret:sm2-key, claims: {{iss: hub, sub: $request_id}}}}
send: {{header Authorization: "Bearer {{$jwt}}"}}
{ROWS}"#
    );
    let connector = connector(&manifest);
    let exchange = agree(&connector, "bill-query", &input(), &output());
    let header = exchange.requests[0].1.header("authorization").unwrap();
    assert_eq!(claims(header.strip_prefix("Bearer ").unwrap())["sub"], "req-1");
    // Without it, and with that of a day ago, the city refuses.
    let (answer, _) = drive(&connector, "bill-query", &input(), None, &mut |request, _| {
        let mut request = request.clone();
        request.headers.retain(|(name, _)| name != "Authorization");
        let secrets = secrets();
        let context = ServerContext {
            now: now(),
            secrets: &secrets,
        };
        connector.serve(&request, &context, &mut |_, _| unreachable!())
    });
    assert!(answer.is_err());
    let (answer, _) = drive(&connector, "bill-query", &input(), None, &mut |request, _| {
        let secrets = secrets();
        let context = ServerContext {
            now: "2026-04-09T02:15:30Z".parse().unwrap(),
            secrets: &secrets,
        };
        connector.serve(request, &context, &mut |_, _| unreachable!())
    });
    assert!(answer.is_err());
    let (answer, _) = through(&connector, "bill-query", &input(), Err(ProblemCode::BusinessRejected));
    assert_eq!(answer.unwrap_err().problem().code, ProblemCode::BusinessRejected);
}

#[test]
fn mistakes_are_named() {
    let of = |jwt: &str| {
        let manifest = format!("system: t/sys\nupstream: {{dialect: rest-envelope}}\njwt: {jwt}\n{ROWS}");
        let findings = compile(&manifest).unwrap_err();
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert!(of("{secret: secret:key}").contains("`algorithm` is missing"));
    assert!(of("{algorithm: es256}").contains("`secret` is missing"));
    assert!(of("{algorithm: es256, secret: hunter2}").contains("secret:key"));
    assert!(of("{algorithm: none, secret: secret:key}").contains("hs256"));
    assert!(of("{algorithm: hs256, secret: secret:key, lives: soon}").contains("5s"));
}
