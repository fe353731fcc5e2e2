//! Answers that stand inside something: a member, a text, a text inside a text, a script.

use crate::city::{agree, compile, connector, drive};
use hub_core::{ProblemCode, RawResponse};
use serde_json::{Value, json};

fn manifest(frame: &str, upstream: &str) -> String {
    format!(
        r#"
system: t/sys
upstream: {{dialect: rest-envelope{upstream}}}
frame: {frame}
answer: {{code: /code, ok: "1", message: /msg, data: /data}}
fails: {{"2": not-found}}
fields: {{hh: account_no, je: amount_fen, dqr: due_date}}
operations: {{bill-query: POST /bill, "*": not-yet}}
"#
    )
}

fn told(manifest: &str, body: &str) -> Result<Value, ProblemCode> {
    let connector = connector(manifest);
    let (answer, _) = drive(
        &connector,
        "bill-query",
        &json!({"account_no": "0081"}),
        None,
        &mut |_, _| RawResponse {
            status: 200,
            headers: vec![("Content-Type".into(), "application/json; charset=utf-8".into())],
            body: body.as_bytes().to_vec(),
        },
    );
    answer.map(|a| a.body).map_err(|e| e.problem().code)
}

fn both_agree(manifest: &str) -> String {
    let output = json!({"account_no": "0081", "amount_fen": 1, "due_date": "2026-04-30"});
    let exchange = agree(
        &connector(manifest),
        "bill-query",
        &json!({"account_no": "0081"}),
        &output,
    );
    String::from_utf8(exchange.responses[0].body.clone()).unwrap()
}

#[test]
fn q03_the_whole_envelope_in_the_text_of_one_member() {
    // As ASP.NET's script services answer.
    let once =
        r#"{"d":"{\"code\":\"1\",\"msg\":\"\",\"data\":{\"hh\":\"0081\",\"je\":\"1\",\"dqr\":\"2026-04-30\"}}"}"#;
    let m = manifest("{output: d, reads: json}", "");
    assert_eq!(
        told(&m, once).unwrap(),
        json!({"account_no": "0081", "amount_fen": 1, "due_date": "2026-04-30"})
    );
    let object = r#"{"d":{"code":1,"data":{"hh":"0081","je":1,"dqr":"2026-04-30"}}}"#;
    assert_eq!(told(&m, object).unwrap()["account_no"], "0081");
    for (body, expected) in [
        (
            r#"{"d":"{\"code\":\"2\",\"msg\":\"无此户\"}"}"#,
            ProblemCode::RecordNotFound,
        ),
        (
            r#"{"d":"{\"code\":\"9\",\"msg\":\"no\"}"}"#,
            ProblemCode::BusinessRejected,
        ),
        (r#"{"d":"{\"code\":"}"#, ProblemCode::UpstreamUnexpected),
        (r#"{"d":null}"#, ProblemCode::UpstreamContract),
        (r#"{"code":"1","data":{"hh":"0081"}}"#, ProblemCode::UpstreamUnexpected),
    ] {
        assert_eq!(told(&m, body), Err(expected), "{body}");
    }
    let twice = json!({"d": json!(json!({"code": "1", "data": {"hh": "0081", "je": 1, "dqr": "2026-04-30"}}).to_string()).to_string()}).to_string();
    assert_eq!(told(&m, &twice), Err(ProblemCode::UpstreamUnexpected));
    let two = manifest("{output: d, reads: json, levels: 2}", "");
    assert_eq!(told(&two, &twice).unwrap()["account_no"], "0081");
    assert_eq!(told(&two, once).unwrap()["account_no"], "0081");
    assert!(both_agree(&m).starts_with(r#"{"d":"{\""#));
    assert!(both_agree(&two).starts_with(r#"{"d":"\"{\\\""#));
}

#[test]
fn q03_a_whole_body_that_is_one_text() {
    let m = manifest("{reads: json}", "");
    let body = r#""{\"code\":\"1\",\"data\":{\"hh\":\"0081\",\"je\":1,\"dqr\":\"2026-04-30\"}}""#;
    assert_eq!(told(&m, body).unwrap()["account_no"], "0081");
    assert_eq!(told(&m, r#""{\"code\":\"2\"}""#), Err(ProblemCode::RecordNotFound));
    let twice = json!(body).to_string();
    assert_eq!(told(&m, &twice), Err(ProblemCode::UpstreamUnexpected));
    assert!(both_agree(&m).starts_with(r#""{\""#));
}

#[test]
fn q03_json_in_the_only_element_of_xml() {
    let m = manifest("{output: string, reads: json}", ", answers: xml");
    let body = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<string xmlns=\"http://tempuri.org/\">{\"code\":\"1\",\"data\":{\"hh\":\"0081\",\"je\":1,\"dqr\":\"2026-04-30\"}}</string>";
    assert_eq!(told(&m, body).unwrap()["account_no"], "0081");
    assert!(both_agree(&m).contains("<string>{\""));
}

#[test]
fn a_script_that_hands_json_to_a_function() {
    let m = manifest("{}", "").replace("data: /data}", "data: /data, jsonp: true}");
    for body in [
        r#"cb({"code":"1","data":{"hh":"0081","je":1,"dqr":"2026-04-30"}});"#,
        "/**/jQuery_1.cb ({\"code\":1,\"data\":{\"hh\":\"0081\",\"je\":1,\"dqr\":\"2026-04-30\"}})\r\n",
        r#"{"code":"1","data":{"hh":"0081","je":1,"dqr":"2026-04-30"}}"#,
    ] {
        assert_eq!(told(&m, body).unwrap()["account_no"], "0081", "{body}");
    }
    assert_eq!(told(&m, r#"cb({"code":"2"});"#), Err(ProblemCode::RecordNotFound));
    assert_eq!(told(&m, "<html>cb({})</html>"), Err(ProblemCode::UpstreamBlocked));
    assert_eq!(told(&m, "cb({}); cb2({})"), Err(ProblemCode::UpstreamUnexpected));
    // Only where the manifest says so.
    let plain = manifest("{}", "");
    assert_eq!(
        told(
            &plain,
            r#"cb({"code":"1","data":{"hh":"0081","je":1,"dqr":"2026-04-30"}});"#
        ),
        Err(ProblemCode::UpstreamUnexpected)
    );
    assert!(both_agree(&m).starts_with("callback({"));
}

#[test]
fn a_frame_that_does_nothing_is_refused_where_it_stands() {
    let found = |frame: &str, upstream: &str| {
        let findings = compile(&manifest(frame, upstream)).unwrap_err();
        assert_eq!(findings.len(), 1, "{findings:#?}");
        let one = &findings[0];
        assert_eq!((one.code.as_str(), one.line), ("unused-key", 4), "{one}");
        (one.column, one.pointer.clone())
    };
    let (column, pointer) = found("{action: \"urn:x\"}", "");
    assert!(column > 1);
    assert_eq!(pointer, "/frame/action");
    found("{namespace: \"urn:x\"}", "");
    found("{soap: \"1.2\"}", ", answers: xml");
    assert!(compile(&manifest("{namespace: \"urn:x\"}", ", sends: xml")).is_ok());
    let own = manifest("{}", "").replace(
        "bill-query: POST /bill",
        "bill-query: {call: POST /bill, frame: {call: GetBill}}",
    );
    let findings = compile(&own).unwrap_err();
    assert_eq!(
        (findings[0].code.as_str(), findings[0].line),
        ("unused-key", 8),
        "{findings:#?}"
    );
    let findings = compile(&manifest("{reads: json, levels: 9}", "")).unwrap_err();
    assert_eq!(findings[0].code, "bad-value");
}

#[test]
fn a_call_in_another_format_does_not_stand_in_the_systems_frame() {
    // The system speaks SOAP; its login and one operation speak plain JSON.
    let m = r#"
system: t/sys
upstream: {dialect: soap}
frame: {namespace: "urn:x", output: "{call}Result", reads: json}
session: {login: POST /token, sends: json, answers: json, answer: {}, read: {token: /token}}
send: {header X-Token: session:token}
answer: {code: /code, ok: "1", data: /data}
fields: {hh: account_no, je: amount_fen, dqr: due_date}
operations: {bill-query: {call: POST /bill, sends: json, answers: json}, "*": not-yet}
"#;
    let connector = connector(m);
    let (answer, _) = drive(
        &connector,
        "bill-query",
        &json!({"account_no": "0081"}),
        None,
        &mut |request, _| RawResponse {
            status: 200,
            headers: Vec::new(),
            body: match request.target.as_str() {
                "/token" => br#"{"token":"t"}"#.to_vec(),
                _ => br#"{"code":"1","data":{"hh":"0081","je":1,"dqr":"2026-04-30"}}"#.to_vec(),
            },
        },
    );
    assert_eq!(answer.unwrap().body["account_no"], "0081");
}
