//! XML signatures through both halves: WS-Security X.509 and enveloped.

use crate::city::{agree, connector, drive, secrets};
use hub_connectors::{Connector, ServerContext};
use hub_core::{ProblemCode, RawResponse};
use serde_json::{Value, json};

fn soap(more: &str) -> Connector {
    connector(&format!(
        r#"
system: t/sys
upstream: {{dialect: soap, path: /ws}}
frame: {{namespace: "http://bill.example/ws", output: "{{call}}Result"}}
xml-sign: {{kind: wsse, secret: secret:rsa-key, answers: true}}
answer: {{code: /code, ok: 1, message: /msg, data: /data}}
wire: {{money: yuan-number}}
fields: {{account: account_no, month: period_month, amount: amount_fen, due: due_date}}
operations: {{bill-query: GetBill, "*": not-yet}}
{more}"#
    ))
}

fn input() -> Value {
    json!({"account_no": "0081"})
}

fn output() -> Value {
    json!({"account_no": "0081", "amount_fen": 128_050, "due_date": "2026-04-30"})
}

#[test]
fn a_signed_envelope_beside_a_user_and_a_password() {
    agree(&soap(""), "bill-query", &input(), &output());
    let auth = "auth: {wsse: {user: secret:user, password: secret:password, type: digest}}";
    let exchange = agree(&soap(auth), "bill-query", &input(), &output());
    let body = exchange.last_body();
    assert_eq!(body.matches("<wsse:Security").count(), 1);
    assert!(
        body.contains("PasswordDigest") && body.contains("<ds:SignatureValue>"),
        "{body}"
    );
    let answer = String::from_utf8_lossy(&exchange.responses[0].body).into_owned();
    assert!(answer.contains("<ds:SignatureValue>"), "{answer}");
}

#[test]
fn what_was_changed_on_its_way_is_refused() {
    let connector = soap("");
    let secrets = secrets();
    let serve = |request: &hub_core::RawRequest| {
        let context = ServerContext {
            now: crate::city::now(),
            secrets: &secrets,
        };
        connector.serve(request, &context, &mut |operation, _| {
            Ok(hub_core::ports::Answer::new(operation.status, output()))
        })
    };
    let (answer, _) = drive(&connector, "bill-query", &input(), None, &mut |request, _| {
        let mut request = request.clone();
        let text = String::from_utf8(request.body).unwrap();
        request.body = text.replace("0081", "0082").into_bytes();
        serve(&request)
    });
    assert!(answer.is_err(), "a request of somebody else's account");
    let (answer, _) = drive(&connector, "bill-query", &input(), None, &mut |request, _| {
        let good = serve(request);
        let text = String::from_utf8(good.body).unwrap();
        RawResponse {
            body: text.replace("1280.5", "0.01").into_bytes(),
            ..good
        }
    });
    assert_eq!(answer.unwrap_err().problem().code, ProblemCode::UpstreamUnexpected);
}

#[test]
fn an_enveloped_signature_in_gbk() {
    let manifest = r#"
system: t/sys
upstream: {dialect: xml-gbk, path: /svc}
xml-sign: {kind: enveloped, secret: secret:rsa-key, answers: true}
frame: {root: request}
answer: {code: /response/code, ok: "0", message: /response/msg, data: /response/body}
fields: {xm: full_name, zjh: id_card_no, "cl[]": {material_list: {mc: name, nr: file}}, slh: acceptance_no, zt: case_status}
operations: {apply: POST /sq, "*": not-yet}
"#;
    let person = json!({"full_name": "张三", "id_card_no": "430105199003071230", "material_list": [{"name": "证", "file": "x"}]});
    let case = json!({"acceptance_no": "SL1", "case_status": "accepted"});
    let exchange = agree(&connector(manifest), "apply", &person, &case);
    let body = &exchange.requests[0].1.body;
    assert!(
        body.windows(4).any(|w| w == [0xd5, 0xc5, 0xc8, 0xfd]),
        "GBK bytes of the name"
    );
}
