//! form (GBK, sessions), xml, soap, soap-cdata.

use crate::city::{agree, bill, connector, through};
use hub_connectors::Purpose;
use hub_core::ProblemCode;
use serde_json::json;

const FORM: &str = r#"
system: t/sys
upstream: {dialect: form-gbk, timeout: 8s}
session: {login: POST /login.jsp, send: {yh: secret:user, mm: secret:password}, keep: cookie JSESSIONID, lost: [302 /login.jsp, html], answer: {code: /state, ok: ok}}
answer: {code: /state, ok: ok, message: /info, data: /rows/0, empty: "[]"}
fails: {nouser: not-found, paid: conflict}
wire: {date: yyyy年MM月dd日, month: yyyyMM, money: yuan}
limits: {rps: 30, daily: 50000}
closed: ["00:00-02:00"]
codes:
  pay-state: {"0": accepted, "1": in_review, "2": approved, "3": rejected}
fields:
  hh: account_no
  xm: full_name
  sfzh: id_card_no
  yjje: amount_fen
  jzrq: due_date
  zq: period_month
  mx: item_list
  slh: acceptance_no
  cl: material_list | json
  zt: case_status | pay-state
  sj: done_at
operations:
  bill-query: POST /yw/zdcx.jsp
  apply: {call: POST /yw/sq.jsp, unsure: {ask: bill-query}}
  case-list: not-yet
"#;

#[test]
fn a_gbk_form_system_logs_in_first() {
    let connector = connector(FORM);
    let input = json!({"account_no": "0081", "period_month": "2026-03"});
    let output = json!({"account_no": "0081", "amount_fen": 5_000, "due_date": "2026-04-30"});
    let exchange = agree(&connector, "bill-query", &input, &output);
    let (login, act) = (&exchange.requests[0], &exchange.requests[1]);
    assert_eq!((login.0, act.0), (Purpose::Login, Purpose::Act));
    assert_eq!(login.1.body, b"yh=user-value&mm=password-value");
    assert_eq!(act.1.body, b"hh=0081&zq=202603");
    assert_eq!(
        act.1.header("content-type"),
        Some("application/x-www-form-urlencoded; charset=GBK")
    );
    let session = exchange.session.unwrap();
    assert_eq!(act.1.header("cookie"), session.values.get("cookie").map(String::as_str));
    // 年 is C4 EA in GBK.
    let answer = &exchange.responses[1].body;
    assert!(answer.windows(2).any(|w| w == [0xC4, 0xEA]), "{answer:?}");
    let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::RecordNotFound));
    assert!(answer.unwrap_err().is_not_found());
}

#[test]
fn a_name_that_gbk_cannot_write_is_refused_not_spoiled() {
    let connector = connector(FORM);
    let input = json!({"full_name": "𠮷野", "id_card_no": "430105199003071230", "material_list": []});
    let (answer, _) = through(&connector, "apply", &input, Ok(json!({})));
    let problem = answer.unwrap_err().problem();
    assert_eq!(
        (problem.code, problem.place.as_deref()),
        (ProblemCode::ValidationFailed, Some("/full_name"))
    );
}

#[test]
fn a_lost_session_is_renewed_once() {
    use crate::city::drive;
    use hub_connectors::Session;
    use hub_core::RawResponse;
    let connector = connector(FORM);
    let old = Session {
        values: [("cookie".to_owned(), "JSESSIONID=old".to_owned())].into(),
        since: crate::city::now(),
        until: None,
    };
    let page = RawResponse {
        status: 302,
        headers: vec![("Location".into(), "http://x/login.jsp?back=1".into())],
        body: Vec::new(),
    };
    let good = |body: &str| RawResponse {
        status: 200,
        headers: vec![("Set-Cookie".into(), "JSESSIONID=new; Path=/".into())],
        body: body.as_bytes().to_vec(),
    };
    let (input, _) = bill();
    let (answer, exchange) = drive(
        &connector,
        "bill-query",
        &input,
        Some(&old),
        &mut |request, exchange| match exchange.requests.len() {
            1 => {
                assert_eq!(request.header("cookie"), Some("JSESSIONID=old"));
                page.clone()
            }
            2 => good(r#"{"state":"ok"}"#),
            _ => {
                assert_eq!(request.header("cookie"), Some("JSESSIONID=new"));
                good(r#"{"state":"ok","rows":[{"hh":"0081","yjje":"1,280.5","jzrq":"2026年04月30日"}]}"#)
            }
        },
    );
    assert_eq!(answer.unwrap().body["amount_fen"], 128_050);
    assert_eq!(exchange.session.unwrap().values["cookie"], "JSESSIONID=new");
    let (answer, exchange) = drive(&connector, "bill-query", &input, Some(&old), &mut |_, exchange| {
        if exchange.requests.len() == 2 {
            good(r#"{"state":"ok"}"#)
        } else {
            page.clone()
        }
    });
    assert_eq!(answer.unwrap_err().problem().code, ProblemCode::UpstreamRefused);
    assert_eq!(exchange.requests.len(), 3, "one login, no more");
}

#[test]
fn xml_with_head_and_body_in_gbk() {
    let connector = connector(
        r#"
system: t/sys
upstream: {dialect: xml-gbk, path: /svc}
frame: {root: request, code: head/trancode, body: body}
send: {head/chnl: "01", head/time: $now yyyyMMddHHmmss}
answer: {code: /response/head/code, ok: "0000", message: /response/head/msg, data: /response/body}
fails: {"1404": not-found}
wire: {date: yyyyMMdd, month: yyyyMM, money: yuan, bool: 是/否}
fields:
  hh: account_no
  "@ny": period_month
  je: amount_fen
  rq: due_date
  yj: is_paid
  sl: usage_qty
  mxs/mx[]: {item_list: {"@mc": item_name, je: amount_fen, rq: due_date}}
operations:
  bill-query: TRN0012
  "*": not-yet
"#,
    );
    let (input, output) = bill();
    let exchange = agree(&connector, "bill-query", &input, &output);
    assert_eq!(
        exchange.last_body(),
        "<?xml version=\"1.0\" encoding=\"GBK\"?><request><head><trancode>TRN0012</trancode><chnl>01</chnl>\
         <time>20260408101530</time></head><body ny=\"202603\"><hh>0081</hh></body></request>"
    );
    let one = json!({"account_no": "0081", "amount_fen": 1, "due_date": "2026-04-30",
                     "item_list": [{"item_name": "水费", "amount_fen": 1}]});
    agree(&connector, "bill-query", &input, &one);
}

const SOAP: &str = r#"
system: t/sys
upstream: {dialect: soap, path: /ws/Bill}
frame: {namespace: "http://bill.example/ws", output: "{call}Result", action: "http://bill.example/ws/{call}"}
auth: {wsse: {user: secret:user, password: secret:password, type: digest}}
answer: {code: /code, ok: 1, message: /msg, data: /data}
fails: {"0": rejected, "404": not-found}
wire: {money: yuan-number}
fields:
  account: account_no
  month: period_month
  amount: amount_fen
  due: due_date
  paid: is_paid
  usage: usage_qty
  lines/line[]: {item_list: {name: item_name, amount: amount_fen, due: due_date}}
operations: {bill-query: GetBill, "*": not-yet}
"#;

#[test]
fn soap_with_a_username_token() {
    let connector = connector(SOAP);
    let (input, output) = bill();
    let exchange = agree(&connector, "bill-query", &input, &output);
    let request = &exchange.requests[0].1;
    assert_eq!(request.header("soapaction"), Some("\"http://bill.example/ws/GetBill\""));
    let body = exchange.last_body();
    assert!(
        body.contains(
            "<soap:Body><tns:GetBill><tns:account>0081</tns:account><tns:month>2026-03</tns:month></tns:GetBill></soap:Body>"
        ),
        "{body}"
    );
    assert!(body.contains("#PasswordDigest") && body.contains("<wsse:Username>user-value</wsse:Username>"));
    assert!(!body.contains("password-value"));
    let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::RecordNotFound));
    assert!(answer.unwrap_err().is_not_found());
}

#[test]
fn soap_faults_are_failures() {
    use crate::city::drive;
    use hub_core::RawResponse;
    let connector = connector(SOAP);
    let (input, _) = bill();
    let fault = "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><e:Fault>\
                 <faultcode>e:Server</faultcode><faultstring>db down</faultstring></e:Fault></e:Body></e:Envelope>";
    let (answer, _) = drive(&connector, "bill-query", &input, None, &mut |_, _| RawResponse {
        status: 500,
        headers: Vec::new(),
        body: fault.into(),
    });
    assert_eq!(answer.unwrap_err().problem().code, ProblemCode::UpstreamUnavailable);
}

#[test]
fn soap_with_xml_in_a_string() {
    let connector = connector(
        r#"
system: t/sys
upstream: {dialect: soap-cdata, timeout: 5s}
frame: {call: Call, code: FuncCode, body: input, root: req, output: CallResult}
auth: {element: siteKey, value: secret:key}
answer: {code: /resp/head/code, ok: "1", message: /resp/head/msg, data: /resp/body}
fails: {"-2": not-found, "-9": maintenance}
wire: {date: yyyy/MM/dd HH:mm:ss, datetime: yyyy/MM/dd HH:mm:ss, money: yuan}
paging: {page: CurPage from 0, size: PerNum, total: total}
send: {bbh: "2.0", qqsj: $now}
fields:
  hh: account_no
  ny: period_month
  je: amount_fen
  rq: due_date
  jfmx/row[]: {item_list: {mc: item_name, je: amount_fen, rq: due_date}}
operations: {bill-query: PS0107, "*": not-yet}
"#,
    );
    let input = json!({"account_no": "0081"});
    let output = json!({"account_no": "0081", "amount_fen": 7, "due_date": "2026-04-30",
                        "item_list": [{"item_name": "a<b", "amount_fen": 7}]});
    let exchange = agree(&connector, "bill-query", &input, &output);
    let body = exchange.last_body();
    assert!(
        body.contains(
            "<soap:Body><Call><FuncCode>PS0107</FuncCode><siteKey>key-value</siteKey><bbh>2.0</bbh>\
             <qqsj>2026/04/08 10:15:30</qqsj><input>&lt;req&gt;&lt;hh&gt;0081&lt;/hh&gt;&lt;/req&gt;</input></Call></soap:Body>"
        ),
        "{body}"
    );
}

#[test]
fn an_empty_list_is_neither_sent_in_a_form_nor_signed() {
    let connector = connector(
        "system: t/sys\nupstream: {dialect: form}\n\
         sign: {cover: sorted, empties: drop, key: suffix, digest: md5, into: sign, secret: secret:key}\n\
         fields: {sfzh: id_card_no, xm: full_name, cl: material_list, slh: acceptance_no, zt: case_status}\n\
         operations: {apply: POST /apply, \"*\": not-yet}\n",
    );
    let input = json!({"full_name": "abc", "id_card_no": "34052419800101001X", "material_list": []});
    let output = json!({"acceptance_no": "1", "case_status": "accepted"});
    let exchange = agree(&connector, "apply", &input, &output);
    // md5sum of `sfzh=34052419800101001X&xm=abckey-value`.
    assert_eq!(
        exchange.last_body(),
        "sfzh=34052419800101001X&xm=abc&sign=98067e554330b990d6e11da31897763d"
    );
}

#[test]
fn an_empty_element_is_an_empty_list() {
    use crate::city::drive;
    use hub_core::RawResponse;
    let connector = connector(
        "system: t/sys\nupstream: {dialect: xml}\nanswer: {code: /r/code, ok: 0, data: /r/d}\nnames: same\n\
         fields: {\"mxs/mx[]\": {item_list: {mc: item_name, je: amount_fen}}}\n\
         operations: {bill-query: POST /bill, \"*\": not-yet}\n",
    );
    let read = |inner: &str| {
        let body = format!(
            "<r><code>0</code><d><account_no>1</account_no><amount_fen>1</amount_fen>\
             <due_date>2026-04-30</due_date>{inner}</d></r>"
        );
        let (answer, _) = drive(
            &connector,
            "bill-query",
            &json!({"account_no": "1"}),
            None,
            &mut |_, _| RawResponse {
                status: 200,
                headers: Vec::new(),
                body: body.clone().into_bytes(),
            },
        );
        answer.unwrap().body.get("item_list").cloned()
    };
    assert_eq!(read("<mxs/>"), Some(json!([])));
    assert_eq!(read("<mxs>\n</mxs>"), Some(json!([])));
    assert_eq!(read(""), None);
    assert_eq!(
        read("<mxs><mx><mc>水费</mc><je>2</je></mx></mxs>"),
        Some(json!([{"item_name": "水费", "amount_fen": 2}]))
    );
}
