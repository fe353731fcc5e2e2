//! Mistakes in a manifest are found when it is loaded, with place, expected, got and nearest.

use crate::city::{CATALOG, compile};
use hub_catalog::Document;
use hub_connectors::{Connector, Origin};
use hub_core::Finding;

const GOOD: &str = "\
system: t/sys
upstream: {dialect: rest-envelope}
answer: {ok: 0}
codes:
  state: {\"1\": accepted}
fields:
  hh: account_no
  je: amount_fen
  rq: due_date
  ny: period_month
operations:
  bill-query: GET /bill
  \"*\": not-yet
";

fn findings(from: &str, to: &str) -> Vec<Finding> {
    assert!(GOOD.contains(from), "{from}");
    match compile(&GOOD.replace(from, to)) {
        Ok(compiled) => compiled.notes,
        Err(findings) => findings,
    }
}

fn only(from: &str, to: &str, code: &str, line: usize) -> Finding {
    let found = findings(from, to);
    let one = found.iter().find(|f| f.code == code);
    let one = one.unwrap_or_else(|| panic!("{code} is not among {found:#?}"));
    assert_eq!(one.line, line, "{one}");
    assert!(one.column > 0);
    assert!(!one.message.zh.is_empty() && !one.message.en.is_empty());
    one.clone()
}

#[test]
fn the_good_one_is_good() {
    let compiled = compile(GOOD).unwrap();
    assert_eq!(compiled.lines, 13);
    assert!(compiled.notes.is_empty(), "{:#?}", compiled.notes);
}

#[test]
fn unknown_keys_words_and_values() {
    assert_eq!(only("answer:", "anwser:", "unknown-key", 3).near, ["answer"]);
    let finding = only("rest-envelope", "rest-envelop", "unknown-word", 2);
    assert_eq!(finding.near[0], "rest-envelope");
    only("{ok: 0}", "{ok: 0, empty: {a: 1}}", "wrong-kind", 3);
    only(
        "answer: {ok: 0}",
        "answer: {ok: 0}\nfails: {\"1\": notfound}",
        "unknown-word",
        4,
    );
    only(
        "answer: {ok: 0}",
        "answer: {ok: 0}\nclosed: [sometimes]",
        "bad-value",
        4,
    );
    only("answer: {ok: 0}", "answer: {ok: 0}\nsend: {a: $nwo}", "bad-value", 4);
    only(
        "answer: {ok: 0}",
        "answer: {ok: 0}\nsend: {a: secret:../x}",
        "bad-value",
        4,
    );
    only(
        "answer: {ok: 0}",
        "answer: {ok: 0}\nwire: {money: dollars}",
        "bad-value",
        4,
    );
    only("answer: {ok: 0}", "answer: {}", "no-success", 3);
    // Formats that need more than their name, once however many operations there are.
    for (format, keys) in [("fixed", "sends"), ("piped", "answers"), ("protobuf", "answers")] {
        let upstream = format!("dialect: rest-envelope, method: POST, {keys}: {format}");
        let mut manifest = GOOD.replace("dialect: rest-envelope", &upstream);
        if keys == "sends" {
            manifest = manifest.replace("GET /bill", "POST /bill");
        }
        let found = match compile(&manifest) {
            Ok(compiled) => panic!("{:?}", compiled.notes),
            Err(found) => found,
        };
        let found: Vec<_> = found.iter().filter(|f| f.code == "no-layout").collect();
        assert_eq!(found.len(), 1, "{format}");
        assert_eq!(
            (found[0].line, found[0].column > 30),
            (2, true),
            "{format}: {}",
            found[0]
        );
    }
    only(
        "bill-query: GET /bill",
        "bill-query: {call: POST /bill, sends: fixed, frame: {layout: {fields: [hh, ny 6]}}}",
        "no-layout",
        12,
    );
    only("t/sys", "t/syss", "unknown-system", 1);
}

#[test]
fn rows_against_the_contract() {
    let finding = only("hh: account_no", "hh: acount_no", "unknown-field", 7);
    assert_eq!(finding.near[0], "account_no");
    only("  hh: account_no\n", "", "input-not-sent", 11);
    only("  rq: due_date\n", "", "output-not-given", 11);
    only("  rq: due_date\n", "  rq: due_date\n  rq2: due_date\n", "two-rows", 10);
    only(
        "ny: period_month",
        "query hh: period_month\n  query hh2: x",
        "unknown-field",
        11,
    );
    only("ny: period_month", "ny: period_month | datum", "unknown-codec", 10);
    only("ny: period_month", "ny: period_month | uploaded", "no-upload", 10);
    only(
        "bill-query: GET /bill",
        "bill-query: {call: GET /bill, request: {hh: account_no, \"body hh\": period_month}}",
        "same-upstream-name",
        12,
    );
    only(
        "ny: period_month",
        "ny: period_month\n  xm: full_name",
        "unused-row",
        11,
    );
    let finding = only(
        "{\"1\": accepted}",
        "{\"1\": acepted}\nresponse: {zt: case_status | state}\nnames: same",
        "unused-row",
        6,
    );
    assert_eq!(finding.severity, hub_core::Severity::Warning);
}

#[test]
fn codes_must_be_in_the_enum() {
    let manifest = GOOD.replace("{\"1\": accepted}", "{\"1\": acepted}").replace(
        "  \"*\": not-yet",
        "  apply: {call: POST /a, names: same, fields: {zt: case_status | state}}\n  case-list: not-yet",
    );
    let found = compile(&manifest).unwrap_err();
    let one = found.iter().find(|f| f.code == "code-not-in-enum").unwrap();
    assert_eq!(one.near, ["accepted"]);
    assert_eq!(one.line, 5);
}

#[test]
fn operations_are_bound_or_refused() {
    let finding = only("  \"*\": not-yet\n", "", "operation-not-bound", 11);
    assert!(finding.message.en.contains("apply"));
    let finding = only("bill-query:", "bill-qery:", "unknown-operation", 12);
    assert_eq!(finding.near[0], "bill-query");
    only("GET /bill", "GET /bill/{acount_no}", "unknown-path-name", 12);
    only("GET /bill", "query.bill", "no-place-for-code", 12);
    only(
        "bill-query: GET /bill",
        "bill-query: {call: GET /bill, unsure: {ask: nobody}}",
        "unknown-operation",
        12,
    );
    only(
        "answer: {ok: 0}",
        "answer: {ok: 0}\nsend: {\"header T\": session:token}",
        "unknown-session-value",
        4,
    );
}

#[test]
fn variables_and_macros_are_for_operators() {
    let upload = |manifest: &str| {
        let document = Document::parse("uploaded.yaml", manifest.as_bytes()).unwrap();
        Connector::compile(&document, &CATALOG, Origin::Uploaded)
    };
    let with = |url: &str| GOOD.replace("{dialect", &format!("{{url: \"{url}\", dialect"));
    assert!(upload(&with("https://api.example.org/v1")).is_ok());
    assert!(upload(&with("${UPSTREAM_T_SYS}")).is_err());
    assert!(compile(&with("${UPSTREAM_T_SYS}/v1")).is_ok());
    assert!(compile(&with("${HOME}")).is_err());
    assert!(compile(&with("https://user:password@api.example.org")).is_err());
    assert!(compile(&with("file:///etc/passwd")).is_err());
    let macros = GOOD.replace(
        "answer: {ok: 0}",
        "answer: {ok: 0}\ngive: {usage_qty: \"= data.l.map(x, x).size()\"}",
    );
    assert!(upload(&macros).is_err());
    assert!(compile(&macros).is_ok());
}
