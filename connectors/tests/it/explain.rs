//! What `explain` tells about a request, and that it tells no secret.

use crate::city::{OneFile, call, connector, drive, now, secrets};
use hub_connectors::{Connector, Context, Explanation, Session};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const GATEWAY: &str = r#"
system: t/sys
upstream: {dialect: signed-gateway, path: /gateway}
frame: {code: method, body: bizContent}
sign: {cover: sorted, key: "suffix &key=", digest: md5, case: upper, into: sign, secret: secret:key}
answer: {code: /resultCode, ok: "0000", message: /resultMsg}
wire: {datetime: "yyyy-MM-dd HH:mm:ss"}
send: {appId: secret:app, timestamp: $now, nonce: n1}
fields: {hh: account_no, je: amount_fen, rq: due_date, ny: period_month}
operations: {bill-query: zd.cx, "*": not-yet}
"#;

fn explain(connector: &Connector, session: Option<&Session>) -> Explanation {
    let secrets = secrets();
    let context = Context {
        now: now(),
        random: [1; 32],
        secrets: &secrets,
        session,
        files: &OneFile,
    };
    let input = json!({"account_no": "0081", "period_month": "2026-03"});
    connector.explain(&call("bill-query", &input), &context).unwrap()
}

#[test]
fn the_exact_text_that_was_signed_is_shown_without_the_key() {
    let explained = explain(&connector(GATEWAY), None);
    assert_eq!(explained.request_line(), "POST /gateway");
    let signature = explained.signature.unwrap();
    assert_eq!(
        signature.covered,
        r#"appId=***&bizContent={"hh":"0081","ny":"2026-03"}&method=zd.cx&nonce=n1&timestamp=2026-04-08 10:15:30&key=***"#
    );
    let keys: Vec<&str> = signature.steps.iter().map(|s| s.key).collect();
    assert_eq!(keys, ["cover", "key", "digest"]);
    // md5 over the text with `app-value` and `key-value` in the places of the stars, by another tool.
    let body: Value = serde_json::from_str(&explained.body).unwrap();
    assert_eq!(body["sign"], "9C2D3C33EA8BF1F504E4CBAEE5D985F0");
    assert_eq!(signature.steps[2].text, body["sign"]);
    assert_eq!(body["appId"], "***");
    assert!(!explained.assumed_session);
}

#[test]
fn no_secret_shows_in_whatever_form_it_travels() {
    let manifest = r#"
system: t/sys
upstream: {dialect: form}
session: {login: POST /token, send: {u: secret:user}, answer: {}, read: {token: t}, keep: cookie SID}
auth: {basic: [secret:user, secret:password]}
sign: {template: "{timestamp}{secret}", digest: sha256, secret: secret:key, into: header X-Sign, add: {header X-Time: "{timestamp}", header X-Key: "{secret:key | md5}"}}
send: {query token: session:token, pw: secret:password, header X-App: secret:app}
answer: {code: /c, ok: 1}
fields: {hh: account_no, je: amount_fen, rq: due_date, ny: period_month}
operations: {bill-query: POST /bill, "*": not-yet}
"#;
    let connector = connector(manifest);
    let mut secrets = secrets();
    for (name, value) in [
        ("password", "p&ss 张/\"1"),
        ("key", "k<>1"),
        ("app", "A=B"),
        ("user", "u"),
    ] {
        secrets.insert(name.to_owned(), value.to_owned());
    }
    let context = |session| Context {
        now: now(),
        random: [1; 32],
        secrets: &secrets,
        session,
        files: &OneFile,
    };
    let call = call("bill-query", &json!({"account_no": "0081"}));
    let session = Session {
        values: BTreeMap::from([
            ("token".to_owned(), "T-0-K".to_owned()),
            ("cookie".to_owned(), "SID=S-1-D".to_owned()),
        ]),
        since: now(),
        until: None,
    };
    let explained = connector.explain(&call, &context(Some(&session))).unwrap();
    let shown = serde_json::to_string(&explained).unwrap();
    let digest = hub_crypto::hex(&hub_crypto::digest(hub_crypto::Digest::Md5, b"k<>1"));
    for secret in [
        "p&ss",
        "p%26ss",
        "k<>1",
        "A=B",
        "T-0-K",
        "S-1-D",
        digest.as_str(),
        "dTpw",
    ] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(explained.body, "pw=***&hh=0081");
    assert_eq!(explained.target, "/bill?token=***");
    assert_eq!(explained.signature.unwrap().covered, "1775614530***");
    // Without a session its values are made up, and the login can be explained too.
    let assumed = connector.explain(&call, &context(None)).unwrap();
    assert!(assumed.assumed_session);
    assert_eq!(assumed.target, "/bill?token=session-token");
    let login = connector.explain_login(&call, &context(None)).unwrap().unwrap();
    assert_eq!((login.target.as_str(), login.body.as_str()), ("/token", "***=***"));
}

#[test]
fn what_cannot_be_sent_cannot_be_explained() {
    let connector = connector(GATEWAY);
    let secrets = BTreeMap::new();
    let context = Context {
        now: now(),
        random: [1; 32],
        secrets: &secrets,
        session: None,
        files: &OneFile,
    };
    let error = |key: &str| {
        connector
            .explain(&call(key, &json!({"account_no": "1"})), &context)
            .unwrap_err()
    };
    assert_eq!(error("bill-query").to_string(), "the secret `app` is not set");
    assert!(error("apply").to_string().contains("is not connected"));
}

/// What the caller would read when the system answers this.
fn refusal(body: &Value, session: Option<&Session>) -> String {
    let connector = connector(GATEWAY);
    let input = json!({"account_no": "0081", "period_month": "2026-03"});
    let response = || hub_core::RawResponse {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    };
    let (answer, _) = drive(&connector, "bill-query", &input, session, &mut |_, _| response());
    let problem = answer.unwrap_err().problem();
    problem
        .document("", hub_core::Lang::Zh, "https://hub.example")
        .to_string()
}

#[test]
fn a_refusal_tells_no_secret_that_the_system_sends_back_and_no_number_of_a_person() {
    let basic = hub_crypto::base64(b"u:app-value!");
    for words in [
        "invalid key app-value".to_owned(),
        "GET /x?appId=app%2Dvalue app-value&n=1".to_owned(),
        format!("Authorization: Basic {basic}"),
        // So long that the secret is where words are cut.
        format!("{}app-value", "x".repeat(495)),
        format!("{}app-value", "x".repeat(295)),
    ] {
        let said = refusal(&json!({"resultCode": "app-value", "resultMsg": words}), None);
        assert!(!said.contains("app-value") && !said.contains("app-v"), "{said}");
        assert!(
            !said.contains(&hub_crypto::base64(b"app-value")) && !said.contains(&basic),
            "{said}"
        );
    }
    let session = Session {
        values: BTreeMap::from([("token".to_owned(), "kept-session-token".to_owned())]),
        since: now(),
        until: None,
    };
    let words = "token kept-session-token of 11010519491231002X, 13812345678";
    let said = refusal(&json!({"resultCode": "9", "resultMsg": words}), Some(&session));
    assert!(said.contains("token *** of 110****2X, 138****78"), "{said}");
}

#[test]
fn short_secrets_are_blanked_and_leave_signatures_whole() {
    let connector = connector(&GATEWAY.replace("case: upper, into: sign", "into: query sign, output: base64"));
    // Every digit, as an id of the caller: one of them stands in the signature.
    for app in ["A", "b", "Q", "=", "w", "==", "9", "k"] {
        let mut secrets = secrets();
        secrets.insert("app".into(), app.into());
        secrets.insert("key".into(), "k".into());
        let context = Context {
            now: now(),
            random: [1; 32],
            secrets: &secrets,
            session: None,
            files: &OneFile,
        };
        let input = json!({"account_no": "0081", "period_month": "2026-03"});
        let told = connector.explain(&call("bill-query", &input), &context).unwrap();
        let signature = &told.signature.as_ref().unwrap().steps[2].text;
        assert_eq!(
            (signature.len(), signature.contains('*')),
            (24, false),
            "{app}: {signature}"
        );
        let escaped = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        assert!(told.target.ends_with(&escaped), "{app}: {}", told.target);
        assert!(
            told.body.contains(r#""appId":"***""#) || told.body.contains("***"),
            "{app}: {}",
            told.body
        );
        assert!(!told.body.contains(&format!("\"{app}\"")), "{app}: {}", told.body);
    }
}
