//! Hostile, broken and surprising answers end in the right problem, never in a panic and never in a success.

use crate::city::{bill, connector, drive};
use hub_core::{ProblemCode, RawResponse};

const DIALECTS: [&str; 4] = [
    "system: t/sys\nupstream: {dialect: rest-json}\n",
    "system: t/sys\nupstream: {dialect: rest-envelope}\nanswer: {ok: 0}\nnames: same\noperations: same\n",
    "system: t/sys\nupstream: {dialect: xml-gbk}\nanswer: {code: /r/code, ok: 0, data: /r/data}\nnames: same\noperations: {\"*\": not-yet, bill-query: POST /x}\n",
    "system: t/sys\nupstream: {dialect: soap}\nanswer: {code: /code, ok: 0, data: /data}\nnames: same\noperations: {\"*\": not-yet, bill-query: GetBill}\n",
];

fn problem(manifest: &str, status: u16, content_type: &str, body: &[u8]) -> ProblemCode {
    let connector = connector(manifest);
    let (input, _) = bill();
    let (answer, _) = drive(&connector, "bill-query", &input, None, &mut |_, _| RawResponse {
        status,
        headers: vec![("Content-Type".into(), content_type.into())],
        body: body.to_vec(),
    });
    match answer {
        Ok(answer) => panic!("a success: {}", answer.body),
        Err(error) => {
            let problem = error.problem();
            let shown = problem.document("http://h", hub_core::Lang::En, "r").to_string();
            assert!(!shown.contains("430105199003071230"), "{shown}");
            problem.code
        }
    }
}

#[test]
fn a_page_instead_of_data_is_blocked() {
    for manifest in DIALECTS {
        for page in [
            "<!DOCTYPE html><html><body>拦截 430105199003071230</body></html>",
            "  <html>",
            "<?xml version=\"1.0\"?>\n<!DOCTYPE html><html/>",
        ] {
            let code = problem(manifest, 200, "text/html", page.as_bytes());
            assert_eq!(code, ProblemCode::UpstreamBlocked, "{manifest}\n{page}");
        }
    }
}

#[test]
fn what_cannot_be_read_is_unexpected() {
    let deep = "[".repeat(100_000);
    let deep_xml = "<a>".repeat(100_000);
    let bombs: [&[u8]; 8] = [
        b"{\"code\": 0, \"data\": {\"amo",
        b"not json at all",
        b"\xff\xfe\xff\xd8\x00",
        deep.as_bytes(),
        deep_xml.as_bytes(),
        b"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;\">]><x>&b;</x>",
        b"<r><data><amount_fen>12</data></r>",
        b"\x00\x00\x00\x00",
    ];
    for manifest in DIALECTS {
        for bomb in bombs {
            let code = problem(manifest, 200, "application/octet-stream", bomb);
            assert!(
                matches!(code, ProblemCode::UpstreamUnexpected | ProblemCode::UpstreamContract),
                "{code:?} {manifest} {}",
                String::from_utf8_lossy(&bomb[..bomb.len().min(60)])
            );
        }
    }
}

#[test]
fn statuses_mean_what_they_say() {
    for manifest in &DIALECTS[..3] {
        for (status, expected) in [
            (401, ProblemCode::UpstreamRefused),
            (403, ProblemCode::UpstreamRefused),
            (404, ProblemCode::RecordNotFound),
            (409, ProblemCode::Conflict),
            (429, ProblemCode::UpstreamBusy),
            (500, ProblemCode::UpstreamUnavailable),
            (503, ProblemCode::UpstreamUnavailable),
            (504, ProblemCode::UpstreamTimeout),
            (302, ProblemCode::UpstreamUnexpected),
        ] {
            assert_eq!(
                problem(manifest, status, "text/plain", b"x"),
                expected,
                "{status} {manifest}"
            );
        }
    }
}

#[test]
fn a_failure_inside_200_is_never_a_success() {
    let manifest = DIALECTS[1];
    for (body, expected) in [
        (r#"{"code":"500","msg":"查询失败"}"#, ProblemCode::BusinessRejected),
        (r#"{"code":1}"#, ProblemCode::BusinessRejected),
        (r#"{"msg":"ok","data":{"amount_fen":1}}"#, ProblemCode::UpstreamContract),
        (
            r#"{"code":null,"data":{"amount_fen":1}}"#,
            ProblemCode::UpstreamContract,
        ),
        (r#"{"code":{"a":1},"data":{}}"#, ProblemCode::UpstreamContract),
        ("[]", ProblemCode::UpstreamContract),
        ("null", ProblemCode::UpstreamContract),
        (r#"{"code":0,"data":null}"#, ProblemCode::RecordNotFound),
        (r#"{"code":0,"data":"null"}"#, ProblemCode::RecordNotFound),
        (r#"{"code":0,"data":{}}"#, ProblemCode::RecordNotFound),
        (r#"{"code":"0","data":[{}]}"#, ProblemCode::RecordNotFound),
        (
            r#"{"code":0,"data":{"account_no":"1","amount_fen":{"x":1},"due_date":"2026-04-30"}}"#,
            ProblemCode::UpstreamContract,
        ),
        (
            r#"{"code":0,"data":{"account_no":"1","amount_fen":"twelve","due_date":"2026-04-30"}}"#,
            ProblemCode::UpstreamContract,
        ),
    ] {
        assert_eq!(
            problem(manifest, 200, "application/json", body.as_bytes()),
            expected,
            "{body}"
        );
    }
}

#[test]
fn long_numbers_and_leading_zeros_survive() {
    let connector = connector(DIALECTS[1]);
    let (input, _) = bill();
    let (answer, _) = drive(&connector, "bill-query", &input, None, &mut |_, _| RawResponse {
        status: 200,
        headers: Vec::new(),
        body: br#"{"code":"0","data":{"account_no":1775614530000123456,"amount_fen":"0012","due_date":"2026-04-30"}}"#
            .to_vec(),
    });
    let body = answer.unwrap().body;
    assert_eq!(body["account_no"], "1775614530000123456");
    assert_eq!(body["amount_fen"], 12);
}

#[test]
fn mutated_answers_never_panic() {
    let good = br#"{"code":0,"msg":"ok","data":{"account_no":"1","amount_fen":12,"due_date":"2026-04-30","item_list":[{"item_name":"x","amount_fen":1}]}}"#;
    let manifests: Vec<_> = DIALECTS.iter().map(|m| connector(m)).collect();
    let (input, _) = bill();
    for connector in &manifests {
        for at in 0..good.len() {
            for byte in [0, b'"', b'{', b'}', b'[', 0xff, b'9', b'<'] {
                let mut body = good.to_vec();
                body[at] = byte;
                let _ = drive(connector, "bill-query", &input, None, &mut |_, _| RawResponse {
                    status: 200,
                    headers: Vec::new(),
                    body: body.clone(),
                });
            }
        }
    }
}

#[test]
fn hostile_requests_never_panic_the_city() {
    use hub_connectors::ServerContext;
    use hub_core::RawRequest;
    let secrets = crate::city::secrets();
    for manifest in DIALECTS {
        let connector = connector(manifest);
        for method in ["GET", "POST"] {
            for target in [
                "/",
                "/bills/%ff%00",
                "/bills/..%2f..?period_month=%D5",
                "/x?=&&=%",
                "/bills/1?period_month=%E9%99",
            ] {
                for body in [&b"\xff\xff"[..], b"{", b"<a", b"", b"a=%zz&b"] {
                    let request = RawRequest {
                        method: method.into(),
                        target: target.into(),
                        headers: vec![("Content-Type".into(), "multipart/form-data".into())],
                        body: body.to_vec(),
                    };
                    let context = ServerContext {
                        now: crate::city::now(),
                        secrets: &secrets,
                    };
                    let response = connector.serve(&request, &context, &mut |_, _| {
                        Err(hub_core::Problem::new(ProblemCode::RecordNotFound))
                    });
                    assert!((200..600).contains(&response.status));
                }
            }
        }
    }
}
