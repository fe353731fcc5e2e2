//! Signatures of others: answers under changing names, unsigned refusals, notices with recipes of their own.

use crate::city::{agree, compile, connector, drive, now, secrets};
use hub_connectors::{Connector, Event, ServerContext};
use hub_core::{ProblemCode, RawRequest, RawResponse};
use serde_json::{Value, json};

// Made with OpenSSL by the key of these tests: `openssl dgst -sha256 -sign`.
const BILL: &str = r#"{"code":"10000","hh":"0081","je":1,"dqr":"2026-04-30"}"#;
const BILL_SIGN: &str = "kWGhKe/iAEj+gMHt3KWBdXBxhNRUXXid8+pWI1RQL6truXLVSWinhFGXr9QUpEQcL1TovdtvMJdzWdo6AWSCy3msEBsHqT84CK/bLot6DPAdRJZVdD0Hn/qXbmQME2io2vfR0kuLbD7HqU19PmwrAe46UffdP2JsV2k3XdYF/H61mLEG1VRcj2qZy4EwcotBKH/jPWRDGdFjLx8NKffyApSL9q5GVQyxaY+Ip4jZfyVx4U+aipI2EIzXmhwZ5WBovf8zTH8yMc32sFRYdNIUWXa9hQwy052jcFFHzPLMGmYuD087yA/9RPZn1kPQMNuydaAcu0jrpjwHj3iTANbIEA==";
const CASE: &str = r#"{"code":"10000", "zt":"2","slh":"S1"}"#;
const CASE_SIGN: &str = "E2/im69ib77nw9cQ/mFs6dAHpcdt4O6HCIMq/JflBZUfzCnwhpmim94s/6tY61wz83Opf8qcvHCUMMr3Isfj57MFRhim/zjCHTVok1sx3WanmQrnX+V3BgpSmV/cKo46u/HDGa2VzHRu0FpfCraBKwh55Yn1/pl5GNte7DRp3xAaGuKryH2363hi1oBZy7I0/TReEozUwH3EbF1EI+NZ2k5A3Ug1ngSA8o3iwoWGxhjNrTrknVXzcP1BLpkPGIAajmrhpPKn+Y2BojCUbxMzhJ0KQ/VCv5z6A0OR7GHItd89H1AoKGGrAUK+BvRlQ7NutVJn1UZ+av3NBGnD/ePxZw==";
const NONE: &str = r#"{"code":"40004","sub_msg":"不存在"}"#;
const NONE_SIGN: &str = "cm4S4GQ2ERgz5dBW2kUctepluT1yvEVxQLSwrJAG6+iYElkdXqdN6RrUDi9X9E0w7KKDc56ec0GdJ8kAoyCU+EkTHlcFXdAuKCLU9HuubcqI0OwvHrnkhP3803YDBGvjzq/BIgr1+xwZ6l5VihFBKOfAhlNZQCXIyhChHVcNH7Czn8wKAzLxpLnhA29KiucLWvJEkhyHxhjAX6KPCucyAFBXcncyuqC3lW2nZfpfJP7OCzjxaMTG/XL8K4qNRRz10suveZgabZYsDhPhnQMOwAgYQunPJryMEzGo6DVPwju4FLtdh4X8oJw8+XyIn611CgIumqpjw4K3Owk0c51GPw==";
const NOTICE: &str = r#"{"id":"e1","resource":{"slh":"S1","zt":"2"}}"#;
const NOTICE_SIGN: &str = "2CmxOdgUWBnQum4Gh2nmSIQmnDlY4ag3WiTyfzNepUiN2sZ7RsRs3vtZ1IC0I3pe902tRQahpHnF0bqDgVNvPjf3W1cBoiqKkjLk/52MLbAoGMl+LAw36aMNvaRxuncIzxn7VqNgrqP7+n9z9demQiyYHCTXc3rgypVBVJbCVosvLEddEmt9csCcrPqJBXkkkktNWSmPqdefnAGUE9UYu4xD4zw3kKWFm5gQgS6Rx10hhcYJ0CAVwksOFK7mLfK/14iZbeSzwRMb4cV7Aog8Wgo+GTladOx5D6jZo5xI70jGefiZKLcGPfHmDRAiP9jBMuVtQ1gLPX8QKg+3bIFhpg==";
const FORM_SIGN: &str = "3pF6QpcDwEDo/G7T9ALgBDBAPN+X/7UiWUJoiMQ+jBwayQMJ3fTDoSyJ7Bq+6fcyP5LGpJpQlulmYklAOuSh6+pQXitGQhjIkY7xnLLfosPRDPdTf83WZuV5j1owfejqwzE8rbiMHhOAyz1ocx4aouIae5jpBGzJJJryg2dCsXsWzxU3J6efn6naAzscYeBmF98tjjiUj8QsNrzg8iqj5bMiWZYZw6XDffhJx644mC6fg4qTK0MiiGZElQEwBo7d2owNM2HOvhZfOTCXhHvD2D14GYbhSHDELv6Z0spm7h0oCBe0ElJCl419lAkK84n4halp5b9qgizj1WexJMSgkw==";

/// A gateway whose answers stand under the method's name, as a large payment platform has it.
const GATEWAY: &str = r#"
system: t/sys
upstream: {dialect: signed-gateway, path: /gateway.do, sends: form}
frame: {code: query method, body: biz_content, as: json}
sign:
  digest: rsa2
  secret: secret:rsa-key
  into: query sign
  answer: {cover: member *_response, into: sign}
answer: {code: "/*_response/code", ok: "10000", message: "/*_response/sub_msg", data: "/*_response"}
fails: {"40004": not-found, "20001": refused}
codes: {state: {"1": in_review, "2": approved}}
fields: {hh: account_no, je: amount_fen, dqr: due_date, slh: acceptance_no, zt: case_status | state}
names: same
operations: {bill-query: pay.bill.query, apply: pay.case.apply, case-list: not-yet}
callback:
  verify: sign
  sign: {exclude: [sign_type], digest: rsa2, verify: secret:rsa-key, into: sign}
  sends: form
  case: slh
  state: zt
  answer: text success
"#;

fn told(key: &str, body: &str) -> Result<Value, ProblemCode> {
    let connector = connector(GATEWAY);
    let input = match key {
        "apply" => json!({"full_name": "张三", "id_card_no": "34052419800101001X", "material_list": []}),
        _ => json!({"account_no": "0081"}),
    };
    let (answer, _) = drive(&connector, key, &input, None, &mut |_, _| RawResponse {
        status: 200,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.as_bytes().to_vec(),
    });
    answer.map(|a| a.body).map_err(|e| e.problem().code)
}

#[test]
fn one_recipe_for_answers_under_the_names_of_several_methods() {
    let bill = told(
        "bill-query",
        &format!(r#"{{"pay_bill_query_response":{BILL},"sign":"{BILL_SIGN}"}}"#),
    );
    assert_eq!(bill.unwrap()["account_no"], "0081");
    let case = told(
        "apply",
        &format!(r#"{{"sign":"{CASE_SIGN}", "pay_case_apply_response" : {CASE} }}"#),
    );
    assert_eq!(case.unwrap()["case_status"], "approved");
    let none = format!(r#"{{"error_response":{NONE},"sign":"{NONE_SIGN}"}}"#);
    assert_eq!(told("bill-query", &none), Err(ProblemCode::RecordNotFound));
    let output = json!({"account_no": "0081", "amount_fen": 1, "due_date": "2026-04-30"});
    agree(
        &connector(GATEWAY),
        "bill-query",
        &json!({"account_no": "0081"}),
        &output,
    );
    // A signature vouches for one member and for no other beside it, of another or of the same name.
    let forged = BILL.replace("0081", "0082");
    for beside in [
        format!(r#"{{"a_response":{forged},"pay_bill_query_response":{BILL},"sign":"{BILL_SIGN}"}}"#),
        format!(r#"{{"pay_bill_query_response":{BILL},"pay_bill_query_response":{forged},"sign":"{BILL_SIGN}"}}"#),
        format!(r#"{{"pay_bill_query_response":{forged},"sign":"{BILL_SIGN}"}}"#),
        format!(r#"{{"pay_bill_query":{BILL},"sign":"{BILL_SIGN}"}}"#),
    ] {
        assert_eq!(
            told("bill-query", &beside),
            Err(ProblemCode::UpstreamUnexpected),
            "{beside}"
        );
    }
}

#[test]
fn an_unsigned_refusal_is_told_and_an_unsigned_success_is_not_believed() {
    for (body, expected) in [
        (
            r#"{"error_response":{"code":"20001","sub_msg":"无效的应用授权令牌"}}"#,
            ProblemCode::UpstreamRefused,
        ),
        (
            r#"{"error_response":{"code":"40004"},"sign":""}"#,
            ProblemCode::RecordNotFound,
        ),
        (
            r#"{"error_response":{"code":"90000","sub_msg":"no"}}"#,
            ProblemCode::BusinessRejected,
        ),
        // A signature that is there must be right, and what says nothing by a code is nothing.
        (
            r#"{"error_response":{"code":"40004"},"sign":"AAAA"}"#,
            ProblemCode::UpstreamUnexpected,
        ),
        (
            r#"{"error_response":{"sub_msg":"no"}}"#,
            ProblemCode::UpstreamUnexpected,
        ),
        (
            r#"{"error_response":{"code":"10000"}}"#,
            ProblemCode::UpstreamUnexpected,
        ),
    ] {
        assert_eq!(told("bill-query", body), Err(expected), "{body}");
    }
    let unsigned = format!(r#"{{"pay_bill_query_response":{BILL}}}"#);
    assert_eq!(told("bill-query", &unsigned), Err(ProblemCode::UpstreamUnexpected));
}

fn knock(connector: &Connector, headers: &[(&str, &str)], body: &str) -> Result<Event, String> {
    let secrets = secrets();
    let request = RawRequest {
        method: "POST".into(),
        target: "/callback/t/sys/x".into(),
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    };
    let context = ServerContext {
        now: now(),
        secrets: &secrets,
    };
    connector.callback(&request, &context).0.map_err(|e| e.to_string())
}

#[test]
fn q23_a_notice_with_its_signature_in_the_form_and_the_kind_of_it_left_out() {
    let connector = connector(GATEWAY);
    let sign = FORM_SIGN.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let form = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")];
    let good = format!(
        "app_id=a1&notify_time=2026-04-08+10%3A15%3A30&sign_type=RSA2&slh=S1&subject=%E6%B0%B4%E8%B4%B9+%26+%E7%94%B5%E8%B4%B9&zt=2&sign={sign}"
    );
    let event = knock(&connector, &form, &good).unwrap();
    assert_eq!(event.case, ("acceptance_no".into(), "S1".into()));
    assert_eq!(event.state, Some(("case_status".into(), json!("approved"))));
    for bad in [
        good.replace("zt=2", "zt=1"),
        good.replace("&sign=", "&sing="),
        format!("{good}&extra=1"),
    ] {
        assert!(knock(&connector, &form, &bad).is_err(), "{bad}");
    }
}

/// Requests are signed one way, notices another.
fn with_notice(sign: &str) -> Connector {
    connector(&format!(
        "system: t/sys
upstream: {{dialect: rest-json}}
sign: {{template: \"{{method}}\\n{{target}}\\n{{timestamp}}\\n{{nonce}}\\n{{body}}\\n\", digest: rsa2, secret: secret:rsa-key, into: header Authorization, value: \"P n=\\\"{{nonce}}\\\",t=\\\"{{timestamp}}\\\",s=\\\"{{signature}}\\\"\"}}
codes: {{state: {{\"1\": in_review, \"2\": approved}}}}
fields: {{slh: acceptance_no, zt: case_status | state}}
operations: {{bill-query: same, \"*\": not-yet}}
callback:
  data: resource
  case: slh
  state: zt
  sign: {sign}
"
    ))
}

#[test]
fn q23_a_notice_signed_in_headers_by_a_recipe_of_its_own() {
    let connector = with_notice(
        "{template: \"{timestamp}\\n{nonce}\\n{body}\\n\", digest: rsa2, verify: secret:rsa-key, into: header Wechatpay-Signature, seen: {timestamp: header Wechatpay-Timestamp, nonce: header Wechatpay-Nonce}}",
    );
    let signed = |stamp, sign| {
        knock(
            &connector,
            &[
                ("Content-Type", "application/json"),
                ("Wechatpay-Timestamp", stamp),
                ("Wechatpay-Nonce", "n0nce"),
                ("Wechatpay-Signature", sign),
            ],
            NOTICE,
        )
    };
    assert_eq!(signed("1775614530", NOTICE_SIGN).unwrap().case.1, "S1");
    assert!(
        signed("1775614531", NOTICE_SIGN)
            .unwrap_err()
            .contains("does not match")
    );
    assert!(signed("1775614530", BILL_SIGN).unwrap_err().contains("does not match"));
    assert!(signed("1775614530", "").is_err());
    assert!(knock(&connector, &[], NOTICE).is_err());
}

#[test]
fn q23_several_signatures_in_one_header_any_that_fits() {
    // https://www.standardwebhooks.com: HMAC-SHA256 by the key of these tests over `id.timestamp.body`.
    let connector = with_notice(
        "{template: \"{header:webhook-id}.{timestamp}.{body}\", digest: hmac-sha256, secret: secret:key, output: base64, several: \" \", into: header webhook-signature, value: \"v1,{signature}\", seen: {timestamp: header webhook-timestamp}}",
    );
    assert!(
        connector.secrets().contains(&"key".to_owned()),
        "{:?}",
        connector.secrets()
    );
    let right = hub_crypto::hmac(
        hub_crypto::Digest::Sha256,
        b"key-value",
        format!("m1.1775614530.{NOTICE}").as_bytes(),
    );
    let right = format!("v1,{}", hub_crypto::base64(&right));
    let told = |signatures: &str| {
        let headers = [
            ("webhook-id", "m1"),
            ("webhook-timestamp", "1775614530"),
            ("webhook-signature", signatures),
        ];
        knock(&connector, &headers, NOTICE).is_ok()
    };
    let wrong = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert!(told(&right));
    assert!(told(&format!("{wrong} {right}")));
    assert!(told(&format!("v1a,bm90IG91cnM= {right}  {wrong}")));
    assert!(!told(wrong));
    assert!(!told(&format!("{wrong} v1a,bm90IG91cnM=")));
    assert!(!told(&right.replace("v1,", "v2,")));
    // No more than a few are tried.
    assert!(!told(&format!("{} {right}", vec![wrong; 16].join(" "))));
}

#[test]
fn mistakes_in_a_callbacks_recipe_are_found_where_they_stand() {
    let found = |from: &str, to: &str| {
        assert!(GATEWAY.contains(from));
        let findings = compile(&GATEWAY.replace(from, to)).unwrap_err();
        let one = &findings[0];
        (one.code.clone(), one.line, one.message.en.clone())
    };
    let (code, line, words) = found("exclude: [sign_type], digest: rsa2", "digest: rsa3");
    assert_eq!((code.as_str(), line), ("bad-sign", 18), "{words}");
    let (code, line, _) = found("verify: sign\n", "verify: none\n");
    assert_eq!((code.as_str(), line), ("bad-value", 17));
    assert_eq!(
        found("into: sign}\n  sends", "into: sign, several: \"\"}\n  sends").0,
        "bad-sign"
    );
}
