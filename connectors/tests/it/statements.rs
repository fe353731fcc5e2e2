//! The daily statement of a payment system, from a call and from the file of the day; and what a manifest must say of it.

use crate::city::{call, compile, connector, now, secrets};
use hub_connectors::{Connector, Context, NoFiles, ServerContext, Statement, Step};
use hub_core::ports::{Answer, Call};
use hub_core::transport::{FileAnswer, FileFound};
use hub_core::{Outgoing, Returned};
use jiff::civil::date;
use serde_json::{Value, json};

const FILES: &str = r#"
system: t/sys
upstream: {dialect: csv-batch}
batch: {files: "dz/JY_{RQ}_*.csv", marker: .ok, says: ["{count}"], header: true}
codes: {zt: {"1": paying, "2": paid, "9": refunded}}
operations:
  day:
    call: JY
    statement: "02:30"
    request: {RQ: day | date yyyyMMdd}
    response: {"[]": {order_list: {DDH: order_no, JE: amount_fen | yuan, ZT: state | zt}}}
  "*": not-yet
"#;

/// Asks for 2026-04-07 and gives what was sent and what came of `answer`.
fn ask(connector: &Connector, answer: impl Fn(&Outgoing) -> Returned) -> (Outgoing, Result<Value, String>) {
    let secrets = secrets();
    let context = Context {
        now: now(),
        random: [1; 32],
        secrets: &secrets,
        session: None,
        files: &NoFiles,
    };
    let call = Call {
        operation: connector.statement().unwrap().operation.clone(),
        input: Statement::asked(date(2026, 4, 7)),
        submission: None,
        ..call("bill-query", &json!({}))
    };
    let Step::Send { request, dialogue, .. } = connector.begin(&call, &context).unwrap() else {
        panic!("nothing is sent");
    };
    let came = match connector.resume(dialogue, &answer(&request), &context) {
        Ok(Step::Done { answer, .. }) => Ok(answer.body),
        Ok(Step::Send { .. }) => panic!("another step"),
        Err(error) => Err(error.to_string()),
    };
    (request, came)
}

fn found(text: &str, marker: &str) -> Returned {
    Returned::File(FileAnswer {
        files: vec![FileFound {
            name: "JY_20260407_001.csv".into(),
            bytes: text.as_bytes().to_vec(),
            marker: Some(marker.as_bytes().to_vec()),
        }],
    })
}

#[test]
fn q27_the_file_of_the_day_is_found_by_its_name() {
    let connector = connector(FILES);
    let file = "RQ,DDH,JE,ZT\r\n20260407,P-1,128.50,2\r\n20260407,P-2,0.42,9\r\n20260406,P-0,1.00,2\r\n";
    let (sent, came) = ask(&connector, |_| found(file, "3"));
    let Outgoing::File(asked) = sent else { panic!("no file") };
    let look = asked.look.unwrap();
    assert_eq!(
        (
            look.folder.as_str(),
            look.prefix.as_str(),
            look.suffix.as_str(),
            look.marker.as_str()
        ),
        ("dz", "JY_20260407_", ".csv", ".ok")
    );
    let orders = json!({"order_list": [
        {"order_no": "P-1", "amount_fen": 12_850, "state": "paid"},
        {"order_no": "P-2", "amount_fen": 42, "state": "refunded"},
    ]});
    assert_eq!(came.unwrap(), orders, "a line of another day is of another day");
    assert!(
        ask(&connector, |_| found(file, "4")).1.is_err(),
        "the marker counts another number"
    );
    let nothing = ask(&connector, |_| Returned::File(FileAnswer::default())).1;
    assert!(nothing.is_err(), "no file is no empty statement");
}

#[test]
fn q27_the_simulated_agency_writes_the_file_of_the_day() {
    let (connector, secrets) = (connector(FILES), secrets());
    let served = ServerContext {
        now: now(),
        secrets: &secrets,
    };
    let orders = json!({"order_list": [{"order_no": "P-1", "amount_fen": 12_850, "state": "paying"}]});
    let (_, came) = ask(&connector, |request| {
        connector.exchange(request, &served, &mut |operation, input| {
            assert!(connector.is_statement(operation));
            let of_the_day = input["day"] == "2026-04-07";
            let none = json!({"order_list": []});
            Ok(Answer::new(200, if of_the_day { orders.clone() } else { none }))
        })
    });
    assert_eq!(came.unwrap(), orders);
}

#[test]
fn a_statement_needs_a_time_and_all_its_fields() {
    let code = |from: &str, to: &str| {
        assert!(FILES.contains(from));
        compile(&FILES.replace(from, to)).unwrap_err().remove(0).code
    };
    assert_eq!(code("\"02:30\"", "soon"), "bad-value");
    assert_eq!(code("JE: amount_fen | yuan, ", ""), "output-not-given");
    assert_eq!(code("\"2\": paid", "\"2\": payed"), "code-not-in-enum");
    assert_eq!(code("    request: {RQ: day | date yyyyMMdd}\n", ""), "input-not-sent");
    let twice = FILES.replace(
        "  \"*\": not-yet",
        "  again: {call: JZ, statement: \"03:00\"}\n  \"*\": not-yet",
    );
    assert!(compile(&twice).unwrap_err().iter().any(|f| f.code == "two-rows"));
}
