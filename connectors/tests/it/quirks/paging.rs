//! Q17: pages.

use super::{connector, example, flags};
use crate::city::{self, drive};
use hub_connectors::{Connector, ConnectorError, Note};
use hub_core::{ProblemCode, RawResponse};
use serde_json::{Value, json};

type Outcome = Result<(Value, Vec<Note>), ConnectorError>;

/// Asks for a page, answers with these bodies in turn; what was asked, and what came of it.
fn pages(up: &Connector, input: &Value, bodies: &[&str]) -> (Vec<String>, Outcome) {
    let mut left = bodies.iter();
    let (answer, exchange) = drive(up, "case-list", input, None, &mut |_, _| RawResponse {
        status: 200,
        headers: Vec::new(),
        body: left.next().unwrap().as_bytes().to_vec(),
    });
    let asked = exchange
        .requests
        .iter()
        .map(|(_, r)| String::from_utf8(r.body.clone()).unwrap())
        .collect();
    (asked, answer.map(|a| (a.body, exchange.notes)))
}

fn numbers(body: &Value) -> Vec<&str> {
    body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|i| i["case_no"].as_str())
        .collect()
}

fn rows(numbers: &[u32], pages: u32) -> String {
    let rows: Vec<Value> = numbers
        .iter()
        .map(|n| json!({"slh": n.to_string(), "zt": "1"}))
        .collect();
    json!({"code": 0, "totalPage": pages, "data": {"rows": rows}}).to_string()
}

#[test]
fn q17_pages_of_every_kind() {
    let up = connector("q17");
    // Page 2 of 3 rows is rows 4 to 6: the second half of the upstream's page 1 and its page 2, counted from 0.
    let (asked, answer) = pages(
        &up,
        &json!({"page": 2, "page_size": 3}),
        &[&rows(&[3, 4], 4), &rows(&[5, 6], 4)],
    );
    assert_eq!(asked, [r#"{"CurPage":1,"PerNum":2}"#, r#"{"CurPage":2,"PerNum":2}"#]);
    let (body, notes) = answer.unwrap();
    assert_eq!(numbers(&body), ["4", "5", "6"]);
    // `total` is only the number of pages: 4 of 2 rows.
    assert_eq!(body["total"], 8);
    assert!(notes.is_empty());

    // A short page is the last one.
    let (asked, answer) = pages(
        &up,
        &json!({"page": 1, "page_size": 6}),
        &[&rows(&[1, 2], 2), &rows(&[3], 2)],
    );
    assert_eq!(asked.len(), 2);
    assert_eq!(numbers(&answer.unwrap().0), ["1", "2", "3"]);

    // An upstream that knows no pages sends the first row again: stop, and say so.
    let same = rows(&[1, 2], 9);
    let (asked, answer) = pages(&up, &json!({"page": 1, "page_size": 6}), &[&same, &same]);
    assert_eq!(asked.len(), 2);
    let (body, notes) = answer.unwrap();
    assert_eq!(numbers(&body), ["1", "2"]);
    assert_eq!(flags(&notes), [("items", "repeated-page")]);

    // What would cost more than 20 calls is refused before the first.
    let (asked, answer) = pages(&up, &json!({"page": 1, "page_size": 100}), &[]);
    assert!(asked.is_empty());
    assert_eq!(answer.unwrap_err().problem().code, ProblemCode::ValidationFailed);
}

#[test]
fn q17_names_and_bases() {
    let like = |paging: &str| {
        let from = "{page: CurPage from 0, size: PerNum, pages: /totalPage, max: 2}";
        assert!(example("q17").contains(from));
        city::connector(&example("q17").replace(from, paging))
    };
    let full = json!({"code": 0, "meta": {"total": "41"}, "data": {"total": 41, "rows": []}}).to_string();
    for (paging, expected) in [
        (
            "{page: pageNum, size: pageSize, total: total}",
            r#"{"pageNum":3,"pageSize":10}"#,
        ),
        (
            "{page: current, size: size, total: /meta/total}",
            r#"{"current":3,"size":10}"#,
        ),
        (
            "{start: startRow, end: endRow, total: total}",
            r#"{"startRow":21,"endRow":30}"#,
        ),
        (
            "{start: startIndex from 0, size: count, total: total}",
            r#"{"startIndex":20,"count":10}"#,
        ),
        (
            "{offset: offset, size: limit, total: /meta/total}",
            r#"{"offset":20,"limit":10}"#,
        ),
        (
            "{page: CurPage from 0, size: PerNum, total: total}",
            r#"{"CurPage":2,"PerNum":10}"#,
        ),
    ] {
        let (asked, answer) = pages(&like(paging), &json!({"page": 3, "page_size": 10}), &[&full]);
        assert_eq!(asked, [expected], "{paging}");
        assert_eq!(answer.unwrap().0["total"], 41, "{paging}");
    }
}
