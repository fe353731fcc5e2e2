//! A small invented contract, and a call through both halves of a connector.

use hub_catalog::{Catalog, Document};
use hub_connectors::{
    Compiled, Connector, ConnectorError, Context, FileContent, Files, NoFiles, Origin, Purpose, ServerContext, Session,
    Step,
};
use hub_core::ports::{Answer, Call};
use hub_core::{Finding, Operation, Outgoing, Problem, ProblemCode, RawRequest, RawResponse, Returned};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

const FIELDS: &str = r##"
full_name: {type: string, title: 姓名, x-hub-en: Full name, minLength: 1, maxLength: 50, x-hub-level: L2}
id_card_no: {type: string, title: 证件号, x-hub-en: ID number, minLength: 15, maxLength: 18, x-hub-level: L3}
account_no: {type: string, title: 户号, x-hub-en: Account, minLength: 1, maxLength: 20, x-hub-level: L1}
case_no: {type: string, title: 办件号, x-hub-en: Case number, minLength: 1, maxLength: 40, x-hub-level: L1, x-hub-handle: true}
acceptance_no: {type: string, title: 受理号, x-hub-en: Acceptance number, minLength: 1, maxLength: 40, x-hub-level: L1, x-hub-handle: true}
amount_fen: {type: integer, title: 金额, x-hub-en: Amount, minimum: 0, x-hub-unit: fen, x-hub-level: L1}
due_date: {type: string, format: date, title: 到期日, x-hub-en: Due date, x-hub-level: L1}
done_at: {type: string, format: date-time, title: 办结时间, x-hub-en: Done at, x-hub-level: L1}
period_month: {type: string, format: month, title: 账期, x-hub-en: Month, x-hub-level: L1}
is_paid: {type: boolean, title: 已缴, x-hub-en: Paid, x-hub-level: L1}
usage_qty: {type: number, title: 用量, x-hub-en: Usage, minimum: 0, x-hub-level: L1}
case_status: {type: string, title: 状态, x-hub-en: State, enum: [accepted, in_review, approved, rejected], x-hub-level: L1}
page_url: {type: string, format: uri, title: 页面, x-hub-en: Page, maxLength: 500, x-hub-level: L1}
file_id: {type: string, title: 文件, x-hub-en: File, minLength: 1, maxLength: 64, x-hub-unit: file, x-hub-level: L2}
page: {type: integer, title: 页, x-hub-en: Page, minimum: 1, x-hub-level: L1}
page_size: {type: integer, title: 每页, x-hub-en: Page size, minimum: 1, maximum: 100, x-hub-level: L1}
total: {type: integer, title: 总数, x-hub-en: Total, minimum: 0, x-hub-level: L1}
item_list:
  type: array
  title: 明细
  x-hub-en: Items
  maxItems: 50
  x-hub-level: L1
  items:
    type: object
    required: [item_name, amount_fen]
    properties:
      item_name: {type: string, title: 项目, x-hub-en: Item, maxLength: 50}
      amount_fen: {$ref: "#/amount_fen"}
      due_date: {$ref: "#/due_date"}
material_list:
  type: array
  title: 材料
  x-hub-en: Papers
  maxItems: 20
  x-hub-level: L2
  items:
    type: object
    required: [name, file]
    properties:
      name: {type: string, title: 名称, x-hub-en: Name, maxLength: 50}
      file: {$ref: "#/file_id"}
"##;

const SYSTEM: &str = r##"
openapi: 3.1.0
info: {title: 试验系统, x-hub-en: Trial system, version: 1.0.0}
paths:
  /bills/{account_no}:
    get:
      operationId: t.bill-query
      summary: 查账单
      x-hub-en: {summary: Bill}
      x-hub-effect: none
      parameters:
        - {name: account_no, in: path, required: true, schema: {$ref: "../fields.yaml#/account_no"}}
        - {name: period_month, in: query, schema: {$ref: "../fields.yaml#/period_month"}}
      responses:
        "200":
          description: 成功
          content:
            application/json:
              schema:
                type: object
                required: [account_no, amount_fen, due_date]
                properties:
                  account_no: {$ref: "../fields.yaml#/account_no"}
                  amount_fen: {$ref: "../fields.yaml#/amount_fen"}
                  due_date: {$ref: "../fields.yaml#/due_date"}
                  period_month: {$ref: "../fields.yaml#/period_month"}
                  is_paid: {$ref: "../fields.yaml#/is_paid"}
                  usage_qty: {$ref: "../fields.yaml#/usage_qty"}
                  item_list: {$ref: "../fields.yaml#/item_list"}
              examples: {normal: {value: {account_no: "1", amount_fen: 1, due_date: "2026-04-08"}}}
  /applications:
    post:
      operationId: t.apply
      summary: 申请
      x-hub-en: {summary: Apply}
      x-hub-effect: once
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [full_name, id_card_no, material_list]
              properties:
                full_name: {$ref: "../fields.yaml#/full_name"}
                id_card_no: {$ref: "../fields.yaml#/id_card_no"}
                material_list: {$ref: "../fields.yaml#/material_list"}
            examples: {normal: {value: {full_name: 张三, id_card_no: "430105199003071230", material_list: []}}}
      responses:
        "201":
          description: 成功
          content:
            application/json:
              schema:
                type: object
                required: [acceptance_no, case_status]
                properties:
                  acceptance_no: {$ref: "../fields.yaml#/acceptance_no"}
                  case_status: {$ref: "../fields.yaml#/case_status"}
                  done_at: {$ref: "../fields.yaml#/done_at"}
                  page_url: {$ref: "../fields.yaml#/page_url"}
              examples: {normal: {value: {acceptance_no: "1", case_status: accepted}}}
  /cases:
    get:
      operationId: t.case-list
      summary: 办件
      x-hub-en: {summary: Cases}
      x-hub-effect: none
      parameters:
        - {name: page, in: query, schema: {$ref: "../fields.yaml#/page"}}
        - {name: page_size, in: query, schema: {$ref: "../fields.yaml#/page_size"}}
      responses:
        "200":
          description: 成功
          content:
            application/json:
              schema:
                type: object
                required: [items, total]
                properties:
                  items:
                    type: array
                    maxItems: 100
                    items:
                      type: object
                      required: [case_no, case_status]
                      properties:
                        case_no: {$ref: "../fields.yaml#/case_no"}
                        case_status: {$ref: "../fields.yaml#/case_status"}
                  total: {$ref: "../fields.yaml#/total"}
              examples: {normal: {value: {items: [], total: 0}}}
"##;

/// The contract of the trial system `t/sys`.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let documents = [("fields.yaml", FIELDS), ("t/sys.yaml", SYSTEM)]
        .map(|(name, text)| Document::parse(name, text.as_bytes()).unwrap());
    Catalog::from_documents(documents.to_vec()).unwrap_or_else(|f| panic!("{f:#?}"))
});

pub fn compile(manifest: &str) -> Result<Compiled, Vec<Finding>> {
    let document = Document::parse("t/sys/connector.yaml", manifest.as_bytes()).map_err(|f| vec![f])?;
    Connector::compile(&document, &CATALOG, Origin::Operator)
}

pub fn connector(manifest: &str) -> Connector {
    match compile(manifest) {
        Ok(compiled) => compiled.connector,
        Err(findings) => {
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            panic!("{}", lines.join("\n"))
        }
    }
}

pub fn operation(key: &str) -> Arc<Operation> {
    CATALOG.operations().iter().find(|o| o.key() == key).unwrap().clone()
}

const SM2_KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgKU4WA3BQmpAy/Mvm
    WXq3y0y5fjn8kAlIfKWkELg01FqhRANCAARDqCGTaQQ85Pp8yBUsYB3abq/PS984
    lP3Rq2bUqF3p6dF0wBjZ3a5RJrKj4pYfMIRMUt3sWbBxGEyQ3bEhm2Ka";
const RSA_KEY: &str = include_str!("../../../hub/crypto/tests/rsa/pkcs8.b64");

pub fn secrets() -> BTreeMap<String, String> {
    let texts = ["key", "app", "app-secret", "user", "password", "token", "callback"];
    let mut secrets: BTreeMap<String, String> = texts
        .into_iter()
        .map(|n| (n.to_owned(), format!("{n}-value")))
        .collect();
    // Keys made for tests with OpenSSL; they guard nothing.
    secrets.insert("app-id".into(), "APPID-0123456789X".into());
    secrets.insert("sm2-key".into(), SM2_KEY.into());
    secrets.insert("rsa-key".into(), RSA_KEY.into());
    secrets
}

pub struct OneFile;

impl Files for OneFile {
    fn get(&self, file_id: &str) -> Option<FileContent> {
        (file_id == "f1").then(|| FileContent {
            name: "证件.pdf".into(),
            media_type: "application/pdf".into(),
            bytes: b"%PDF-1.7".to_vec(),
        })
    }
}

pub fn call(key: &str, input: &Value) -> Call {
    Call {
        operation: operation(key),
        input: input.as_object().cloned().unwrap(),
        subject: None,
        pairwise: Some("pw1".into()),
        agent: None,
        submission: Some("sub-1".into()),
        request_id: "req-1".into(),
        controls: Vec::new(),
        deadline_ms: 5_000,
    }
}

/// 2026-04-08 10:15:30 in China.
pub fn now() -> hub_core::time::Timestamp {
    "2026-04-08T02:15:30Z".parse().unwrap()
}

/// Everything that went over the wire in one call.
#[derive(Debug, Default)]
pub struct Exchange {
    pub requests: Vec<(Purpose, RawRequest)>,
    pub responses: Vec<RawResponse>,
    pub sent: Vec<Outgoing>,
    pub returned: Vec<Returned>,
    pub inputs: Vec<Map<String, Value>>,
    pub session: Option<Session>,
    pub notes: Vec<hub_connectors::Note>,
    pub jump: Option<String>,
}

impl Exchange {
    pub fn last_body(&self) -> String {
        String::from_utf8_lossy(&self.requests.last().unwrap().1.body).into_owned()
    }
}

/// One call, answered by `answer` for each request.
pub fn drive(
    connector: &Connector,
    key: &str,
    input: &Value,
    session: Option<&Session>,
    answer: &mut dyn FnMut(&RawRequest, &mut Exchange) -> RawResponse,
) -> (Result<Answer, ConnectorError>, Exchange) {
    carry(connector, key, input, session, &mut |outgoing, exchange| {
        let request = outgoing.http().unwrap();
        answer(request, exchange).into()
    })
}

/// One call, answered by `answer` for each step by whatever transport.
pub fn carry(
    connector: &Connector,
    key: &str,
    input: &Value,
    session: Option<&Session>,
    answer: &mut dyn FnMut(&Outgoing, &mut Exchange) -> Returned,
) -> (Result<Answer, ConnectorError>, Exchange) {
    let secrets = secrets();
    let mut exchange = Exchange::default();
    let context = |number: u8| Context {
        now: now(),
        random: [number; 32],
        secrets: &secrets,
        session,
        files: if input.to_string().contains("f1") {
            &OneFile
        } else {
            &NoFiles
        },
    };
    let mut step = connector.begin(&call(key, input), &context(1));
    for number in 2..10 {
        match step {
            Err(error) => return (Err(error), exchange),
            Ok(Step::Done {
                answer,
                session,
                notes,
                jump,
            }) => {
                exchange.jump = jump;
                exchange.session = session;
                exchange.notes = notes;
                return (Ok(answer), exchange);
            }
            Ok(Step::Send {
                request,
                purpose,
                dialogue,
            }) => {
                exchange.requests.extend(request.http().map(|r| (purpose, r.clone())));
                exchange.sent.push(request.clone());
                let returned = answer(&request, &mut exchange);
                exchange.responses.extend(returned.http().cloned());
                exchange.returned.push(returned.clone());
                step = connector.resume(dialogue, &returned, &context(number));
            }
        }
    }
    panic!("no end: {:#?}", exchange.requests)
}

/// One call through both halves.
pub fn through(
    connector: &Connector,
    key: &str,
    input: &Value,
    output: Result<Value, ProblemCode>,
) -> (Result<Answer, ConnectorError>, Exchange) {
    let secrets = secrets();
    carry(connector, key, input, None, &mut |outgoing, exchange| {
        let context = ServerContext {
            now: now(),
            secrets: &secrets,
        };
        let mut handler = |operation: &Arc<Operation>, input: Map<String, Value>| {
            assert_eq!(operation.key(), key);
            exchange.inputs.push(input);
            match &output {
                Ok(body) => Ok(Answer::new(operation.status, body.clone())),
                Err(code) => Err(Problem::new(*code).detail("欠费", "owing")),
            }
        };
        connector.exchange(outgoing, &context, &mut handler)
    })
}

/// Both halves agree: the input arrives as it was sent, the answer as it was given.
pub fn agree(connector: &Connector, key: &str, input: &Value, output: &Value) -> Exchange {
    let (answer, exchange) = through(connector, key, input, Ok(output.clone()));
    let shown = || {
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        exchange
            .requests
            .iter()
            .map(|(_, r)| format!("{} {} {:?}\n{}", r.method, r.target, r.headers, text(&r.body)))
            .chain(
                exchange
                    .responses
                    .iter()
                    .map(|r| format!("{} {}", r.status, text(&r.body))),
            )
            .collect::<Vec<_>>()
            .join("\n")
    };
    let answer = answer.unwrap_or_else(|e| panic!("{e}\n{}", shown()));
    assert_eq!(answer.body, *output, "{}", shown());
    assert_eq!(
        Value::Object(exchange.inputs.last().unwrap().clone()),
        *input,
        "{}",
        shown()
    );
    exchange
}

pub fn bill() -> (Value, Value) {
    (
        json!({"account_no": "0081", "period_month": "2026-03"}),
        json!({"account_no": "0081", "amount_fen": 128_050, "due_date": "2026-04-30", "period_month": "2026-03",
               "is_paid": false, "usage_qty": 12.5,
               "item_list": [{"item_name": "水费", "amount_fen": 100_000, "due_date": "2026-04-30"},
                             {"item_name": "污水处理费", "amount_fen": 28_050}]}),
    )
}
