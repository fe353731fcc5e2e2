//! rest-json, rest-envelope, signed-gateway.

use crate::city::{agree, bill, connector, through};
use hub_core::ProblemCode;
use serde_json::json;

#[test]
fn a_plain_rest_system_needs_almost_nothing() {
    let connector = connector("system: t/sys\nupstream: {dialect: rest-json}\n");
    let (input, output) = bill();
    let exchange = agree(&connector, "bill-query", &input, &output);
    let (_, request) = &exchange.requests[0];
    assert_eq!(request.target, "/bills/0081?period_month=2026-03");
    assert_eq!(request.method, "GET");
    assert!(request.body.is_empty());
    assert_eq!(
        String::from_utf8_lossy(&exchange.responses[0].body),
        output.to_string(),
        "plain REST passes as it is"
    );
    let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::RecordNotFound));
    let problem = answer.unwrap_err().problem();
    assert_eq!(problem.code, ProblemCode::RecordNotFound);
    assert_eq!(problem.detail.unwrap().zh, "欠费");
}

#[test]
fn an_envelope_with_rows_codecs_and_codes() {
    let connector = connector(
        r#"
system: t/sys
upstream: {dialect: rest-envelope}
answer: {ok: 200}
fails: {"404": not-found, "500 ~已存在": conflict}
wire: {date: yyyyMMdd, datetime: yyyy-MM-dd HH:mm:ss, month: yyyyMM, money: yuan, bool: Y/N}
paging: {page: pageNum from 0, size: pageSize, total: total}
send: {query apikey: secret:key, "header X-Request": $request_id}
codes:
  state: {"1": accepted, "01": accepted, "2": in_review, "3": approved, "4": rejected}
fields:
  hh: account_no
  je: amount_fen
  dqr: due_date
  ny: period_month
  yj: is_paid
  sl: usage_qty
  mx[]: {item_list: {mc: item_name, je: amount_fen, rq: due_date}}
  xm: full_name
  zjh: id_card_no
  cl[]: {material_list: {mc: name, nr: file | file base64}}
  slh: [acceptance_no, case_no]
  zt: case_status | state
  bj: done_at
  rows[]: {items: {slh: case_no, zt: case_status | state}}
operations:
  bill-query: POST /bill/get
  apply: POST /apply
  case-list: GET /case/list
"#,
    );
    let (input, output) = bill();
    let exchange = agree(&connector, "bill-query", &input, &output);
    let (_, request) = &exchange.requests[0];
    assert_eq!(request.target, "/bill/get?apikey=key-value");
    assert_eq!(request.header("x-request"), Some("req-1"));
    assert_eq!(exchange.last_body(), r#"{"hh":"0081","ny":"202603"}"#);
    let answer: serde_json::Value = serde_json::from_slice(&exchange.responses[0].body).unwrap();
    assert_eq!(answer["data"]["je"], "1280.50");
    assert_eq!(answer["data"]["yj"], "N");
    assert_eq!(answer["data"]["mx"][0]["rq"], "20260430");

    let list = json!({"items": [{"case_no": "7", "case_status": "in_review"}], "total": 41});
    let exchange = agree(&connector, "case-list", &json!({"page": 3, "page_size": 20}), &list);
    assert_eq!(
        exchange.requests[0].1.target,
        "/case/list?apikey=key-value&pageNum=2&pageSize=20"
    );

    let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::RecordNotFound));
    assert!(answer.unwrap_err().is_not_found());
    let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::Conflict));
    assert_eq!(answer.unwrap_err().problem().code, ProblemCode::Conflict);
    let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::BusinessRejected));
    let problem = answer.unwrap_err().problem();
    assert_eq!(problem.code, ProblemCode::BusinessRejected);
    assert_eq!(problem.detail.unwrap().zh, "欠费");
}

const GATEWAY: &str = r#"
system: t/sys
upstream: {dialect: signed-gateway, path: /gateway}
frame: {code: method, body: bizContent}
sign: {cover: sorted, empties: drop, key: "suffix &key=", digest: sm3, case: upper, into: sign, secret: secret:key}
answer: {code: /resultCode, ok: "0000", message: /resultMsg, data: /data}
fails: {"1001": not-found, "3004": conflict, "9001": maintenance}
wire: {date: yyyy-MM-dd HH:mm:ss, datetime: yyyy-MM-dd HH:mm:ss, money: fen}
send: {appId: secret:app, timestamp: $now, nonce: $nonce, wbh: $submission}
codes:
  case-state: {"01": accepted, "03": in_review, "04": approved, "05": rejected, "06": approved}
files: {upload: fj.sc, send: clnr, name: wjm, read: clid}
fields:
  hh: account_no
  xm: full_name
  zjh: id_card_no
  ywh: [acceptance_no, case_no]
  zt: case_status | case-state
  je: amount_fen
  dqr: due_date
  ny: period_month
  bjsj: done_at
  fjList[]: {material_list: {clmc: name, clid: file | uploaded}}
operations:
  bill-query: zd.cx
  apply: {call: sq.tj, unsure: {ask: by-submission}}
  case-list: not-yet
  by-submission: {call: gx.wbh, internal: true}
callback: {verify: sign, case: ywh, state: zt, answer: text success}
"#;

#[test]
fn a_signed_gateway_uploads_before_it_acts() {
    let connector = connector(GATEWAY);
    let input = json!({"full_name": "张三", "id_card_no": "430105199003071230",
                       "material_list": [{"name": "身份证", "file": "f1"}]});
    let output = json!({"acceptance_no": "A1", "case_status": "approved", "done_at": "2026-04-08T10:15:30+08:00"});
    let (answer, exchange) = through(&connector, "apply", &input, Ok(output.clone()));
    assert_eq!(answer.unwrap().body, output);
    let purposes: Vec<_> = exchange.requests.iter().map(|(p, _)| *p).collect();
    assert_eq!(
        purposes,
        [hub_connectors::Purpose::Upload, hub_connectors::Purpose::Act]
    );
    let upload: serde_json::Value = serde_json::from_slice(&exchange.requests[0].1.body).unwrap();
    assert_eq!(upload["method"], "fj.sc");
    assert_eq!(upload["bizContent"], r#"{"clnr":"JVBERi0xLjc=","wjm":"证件.pdf"}"#);
    let act: serde_json::Value = serde_json::from_slice(&exchange.requests[1].1.body).unwrap();
    assert_eq!(act["method"], "sq.tj");
    assert_eq!(act["timestamp"], "2026-04-08 10:15:30");
    assert_eq!(act["wbh"], "sub-1");
    assert!(
        act["bizContent"]
            .as_str()
            .unwrap()
            .contains(r#""fjList":[{"clmc":"身份证","clid":"file-"#)
    );
    assert_eq!(act["sign"].as_str().unwrap().len(), 64);
    let answer: serde_json::Value = serde_json::from_slice(&exchange.responses[1].body).unwrap();
    assert_eq!(answer["data"]["zt"], "04", "the first of several codes is sent back");
}

#[test]
fn a_wrong_signature_is_refused_by_the_city() {
    use crate::city::{call, drive, now, secrets};
    use hub_connectors::ServerContext;
    let connector = connector(GATEWAY);
    let (input, _) = bill();
    let secrets = secrets();
    let (answer, _) = drive(&connector, "bill-query", &input, None, &mut |request, _| {
        let mut request = request.clone();
        let body = String::from_utf8(request.body.clone()).unwrap().replace("0081", "0082");
        request.body = body.into_bytes();
        let context = ServerContext {
            now: now(),
            secrets: &secrets,
        };
        connector.serve(&request, &context, &mut |_, _| panic!("reached the business"))
    });
    assert!(answer.is_err());
    assert!(connector.can_ask("apply"));
    assert_eq!(call("apply", &json!({})).operation.key(), "apply");
}
