//! Pages (quirk 17): bases, totals that count pages, caps smaller than the caller's page, pages that repeat.

use crate::city::{connector, drive};
use hub_core::RawResponse;
use serde_json::{Value, json};

const HEAD: &str = "system: t/sys\nupstream: {dialect: rest-envelope}\nanswer: {ok: 0}\nfields: {\"rows[]\": {items: {id: case_no, zt: case_status}}}\noperations: {case-list: GET /cases, \"*\": not-yet}\n";

fn rows(numbers: std::ops::Range<i64>) -> Vec<Value> {
    numbers
        .map(|n| json!({"id": n.to_string(), "zt": "accepted"}))
        .collect()
}

fn page(rows: &[Value], more: &Value) -> RawResponse {
    let mut body = json!({"code": 0, "data": {"rows": rows}});
    if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
        body.extend(more.clone());
    }
    RawResponse {
        status: 200,
        headers: Vec::new(),
        body: body.to_string().into_bytes(),
    }
}

/// One list through literal pages: the case numbers, the total, what was asked for.
fn list(paging: &str, input: &Value, mut pages: Vec<RawResponse>) -> (Vec<String>, Value, Vec<String>) {
    let connector = connector(&format!("{HEAD}paging: {paging}\n"));
    pages.reverse();
    let (answer, exchange) = drive(&connector, "case-list", input, None, &mut |_, _| pages.pop().unwrap());
    assert!(pages.is_empty(), "{} pages were not asked for", pages.len());
    let body = answer.unwrap().body;
    let items = body["items"].as_array().unwrap();
    let numbers = items
        .iter()
        .map(|i| i["case_no"].as_str().unwrap().to_owned())
        .collect();
    let targets = exchange.requests.iter().map(|(_, r)| r.target.clone()).collect();
    (numbers, body["total"].clone(), targets)
}

#[test]
fn q17_bases_and_row_numbers() {
    let input = json!({"page": 3, "page_size": 10});
    let one = || {
        vec![page(
            &rows(20..22),
            &json!({"data": {"total": 22, "rows": rows(20..22)}}),
        )]
    };
    for (paging, target) in [
        (
            "{page: pageNum, size: pageSize, total: total}",
            "/cases?pageNum=3&pageSize=10",
        ),
        (
            "{page: CurPage from 0, size: PerNum, total: total}",
            "/cases?CurPage=2&PerNum=10",
        ),
        (
            "{start: startRow, end: endRow, total: total}",
            "/cases?startRow=21&endRow=30",
        ),
        (
            "{start: startIndex from 0, size: n, total: total}",
            "/cases?startIndex=20&n=10",
        ),
        (
            "{offset: offset, size: limit, total: total}",
            "/cases?offset=20&limit=10",
        ),
    ] {
        let (numbers, total, targets) = list(paging, &input, one());
        assert_eq!(numbers, ["20", "21"]);
        assert_eq!(total, 22);
        assert_eq!(targets, [target]);
    }
}

#[test]
fn q17_a_total_that_counts_pages() {
    let (_, total, _) = list(
        "{page: p, size: n, pages: /totalPage}",
        &json!({"page": 1, "page_size": 10}),
        vec![page(&rows(0..10), &json!({"totalPage": "4"}))],
    );
    assert_eq!(total, 40);
}

#[test]
fn q17_a_page_larger_than_the_upstream_s_cap() {
    // Rows 25 to 49 out of pages of ten: the third to the fifth.
    let total = json!({"total": 90});
    let (numbers, all, targets) = list(
        "{page: p, size: n, total: /total, max: 10}",
        &json!({"page": 2, "page_size": 25}),
        vec![
            page(&rows(20..30), &total),
            page(&rows(30..40), &total),
            page(&rows(40..50), &total),
        ],
    );
    assert_eq!(targets, ["/cases?p=3&n=10", "/cases?p=4&n=10", "/cases?p=5&n=10"]);
    let expected: Vec<String> = (25..50).map(|n: i64| n.to_string()).collect();
    assert_eq!(numbers, expected);
    assert_eq!(all, 90);
}

#[test]
fn q17_the_last_page_is_the_one_that_is_not_full() {
    let total = json!({"total": 13});
    let (numbers, _, targets) = list(
        "{page: p, size: n, total: /total, max: 10}",
        &json!({"page": 1, "page_size": 50}),
        vec![page(&rows(0..10), &total), page(&rows(10..13), &total)],
    );
    assert_eq!(numbers.len(), 13);
    assert_eq!(targets.len(), 2);
}

#[test]
fn q17_a_page_that_begins_like_the_last_one_ends_it() {
    // An upstream that answers its first page whatever the number.
    let total = json!({"total": 1000});
    let (numbers, _, targets) = list(
        "{page: p, size: n, total: /total, max: 10}",
        &json!({"page": 1, "page_size": 100}),
        vec![page(&rows(0..10), &total), page(&rows(0..10), &total)],
    );
    assert_eq!(numbers.len(), 10);
    assert_eq!(targets.len(), 2);
}

#[test]
fn q17_links_are_followed_until_the_page_asked_for_is_there() {
    let next = |n: u32| json!({"next": format!("?p={n}")});
    let (numbers, _, targets) = list(
        "{size: n, next: /next, total: /total}",
        &json!({"page": 2, "page_size": 4}),
        vec![
            page(&rows(0..3), &next(2)),
            page(&rows(3..6), &next(3)),
            page(&rows(6..9), &next(4)),
        ],
    );
    assert_eq!(numbers, ["4", "5", "6", "7"]);
    assert_eq!(targets, ["/cases?n=4", "/cases?p=2", "/cases?p=3"]);
}

#[test]
fn q17_a_page_that_no_link_leads_to_is_an_error_and_not_an_empty_page() {
    let connector = connector(&format!("{HEAD}paging: {{size: n, next: /next, total: /total}}\n"));
    let ask = |number: u32, total: u32| {
        let input = json!({"page": number, "page_size": 4});
        let only = || page(&rows(0..4), &json!({"total": total}));
        drive(&connector, "case-list", &input, None, &mut |_, _| only()).0
    };
    let problem = ask(2, 20).unwrap_err().problem();
    assert_eq!(problem.code, hub_core::ProblemCode::UpstreamContract);
    assert_eq!(problem.place.as_deref(), Some("/next"));
    assert_eq!(problem.got.as_deref(), Some("none after 4 of 20 rows"));
    // What lies behind the last row is an empty page indeed.
    assert_eq!(ask(2, 4).unwrap().body["items"], json!([]));
    assert_eq!(ask(1, 20).unwrap().body["items"].as_array().unwrap().len(), 4);
}

#[test]
fn q17_rows_counted_where_the_dialect_follows_links_are_counted() {
    let connector = connector(
        "system: t/sys\nupstream: {dialect: fhir-lite}\npaging: {offset: query _offset}\noperations:\n  \
         case-list: {call: GET /Slot, response: {\"entry[]\": {items: {resource/id: case_no, resource/status: case_status}}}}\n  \"*\": not-yet\n",
    );
    let row = |n: u32| json!({"resource": {"id": n.to_string(), "status": "accepted"}});
    let entries: Vec<Value> = (8..12).map(row).collect();
    let input = json!({"page": 3, "page_size": 4});
    let body = json!({"resourceType": "Bundle", "total": 20, "entry": entries});
    let (answer, exchange) = drive(&connector, "case-list", &input, None, &mut |_, _| RawResponse {
        status: 200,
        headers: vec![("content-type".into(), "application/fhir+json".into())],
        body: body.to_string().into_bytes(),
    });
    assert_eq!(exchange.requests[0].1.target, "/Slot?_offset=8&_count=4");
    let body = answer.unwrap().body;
    assert_eq!(
        (body["items"][0]["case_no"].as_str(), body["total"].as_i64()),
        (Some("8"), Some(20))
    );
}
