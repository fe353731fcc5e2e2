//! Answers that pass as they came: only where reading them would make the very same.

use crate::city::{CATALOG, bill, connector, drive, operation};
use hub_connectors::Connector;
use hub_core::RawResponse;
use proptest::prelude::*;
use serde_json::{Value, json};

const PLAIN: &str = "system: t/sys\nupstream: {dialect: rest-json}\n";

fn response(body: &str) -> RawResponse {
    RawResponse {
        status: 200,
        headers: vec![("Content-Type".into(), "application/json; charset=utf-8".into())],
        body: body.as_bytes().to_vec(),
    }
}

fn passes(connector: &Connector, body: &str) -> bool {
    connector.leaves_untouched("bill-query", &response(body))
        && CATALOG.fits_exactly(&operation("bill-query"), body.as_bytes())
}

/// What resuming the dialogue makes of a body.
fn read(connector: &Connector, body: &str) -> Option<Value> {
    let (input, _) = bill();
    let (answer, exchange) = drive(connector, "bill-query", &input, None, &mut |_, _| response(body));
    assert!(exchange.notes.is_empty() || !passes(connector, body));
    answer.ok().map(|answer| answer.body)
}

#[test]
fn a_plain_answer_that_fits_passes_as_it_came() {
    let connector = connector(PLAIN);
    let (_, output) = bill();
    let body = serde_json::to_string_pretty(&output).unwrap();
    assert!(passes(&connector, &body));
    assert_eq!(read(&connector, &body).as_ref(), Some(&output));
}

#[test]
fn whatever_reading_would_change_or_refuse_is_read() {
    let connector = connector(PLAIN);
    let least = r#""account_no": "1", "amount_fen": 1, "due_date": "2026-04-08""#;
    assert!(passes(&connector, &format!("{{{least}}}")));
    for more in [
        r#""extra": 1"#,                        // unknown
        r#""usage_qty": null"#,                 // nothing
        r#""period_month": """#,                // an empty text
        r#""account_no": "2""#,                 // twice
        r#""amount_fen": 1.0"#,                 // twice, and a fraction
        r#""usage_qty": "3""#,                  // another type
        r#""item_list": [{"item_name": "x"}]"#, // lacks what it must have
        r#""item_list": [null]"#,               // nothing as an item
        r#""usage_qty": {"deep": 1}"#,          // a tree
        r#""is_paid": tru"#,                    // broken
    ] {
        assert!(!passes(&connector, &format!("{{{least}, {more}}}")), "{more}");
    }
    for body in [
        "",
        "{}",
        "[]",
        "null",
        &format!("{{{least}}} x"),
        "{\"account_no\": \"1\"}",
        "<html>",
    ] {
        assert!(!passes(&connector, body), "{body}");
    }
}

#[test]
fn another_status_form_or_charset_is_read() {
    let connector = connector(PLAIN);
    let body = bill().1.to_string();
    let with = |status, media: &str| RawResponse {
        status,
        headers: vec![("Content-Type".into(), media.into())],
        ..response(&body)
    };
    assert!(connector.leaves_untouched("bill-query", &with(200, "application/json")));
    for (status, media) in [
        (201, "application/json"),
        (404, "application/json"),
        (200, "text/html"),
        (200, "application/json; charset=gbk"),
        (200, ""),
    ] {
        assert!(
            !connector.leaves_untouched("bill-query", &with(status, media)),
            "{status} {media}"
        );
    }
}

#[test]
fn a_manifest_that_says_more_reads_every_answer() {
    let body = bill().1.to_string();
    for more in [
        "fields: {hh: account_no}\n",
        "wire: {date: yyyyMMdd}\n",
        "answer: {data: /data}\n",
        "answer: {code: /code, ok: 0}\n",
        "fails: {\"200\": busy}\n",
    ] {
        let connector = connector(&format!("{PLAIN}{more}"));
        assert!(!connector.leaves_untouched("bill-query", &response(&body)), "{more}");
    }
    let gbk = connector("system: t/sys\nupstream: {dialect: rest-json, charset: gbk}\n");
    assert!(!gbk.leaves_untouched("bill-query", &response(&body)));
    let plain = connector(PLAIN);
    assert!(
        !plain.leaves_untouched("apply", &response(&body)),
        "what has an effect is read"
    );
    assert!(!plain.leaves_untouched("nobody", &response(&body)));
}

/// Bodies near the contract: members right, wrong, absent, foreign, in any order.
fn bodies() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just(json!("0081")),
        Just(json!(128_050)),
        Just(json!(12.5)),
        Just(json!("2026-04-30")),
        Just(json!("2026-03")),
        Just(json!(true)),
        Just(Value::Null),
        Just(json!("")),
        Just(json!([])),
        Just(json!({})),
    ];
    let right = bill().1.as_object().cloned().unwrap();
    let names: Vec<String> = right.keys().cloned().chain(["foreign".to_owned()]).collect();
    let changes = proptest::collection::vec((proptest::sample::select(names), proptest::option::of(scalar)), 0..4);
    (changes, any::<u64>()).prop_map(move |(changes, order)| {
        let mut map = right.clone();
        for (name, value) in changes {
            match value {
                Some(value) => drop(map.insert(name, value)),
                None => drop(map.shift_remove(&name)),
            }
        }
        let mut members: Vec<_> = map.into_iter().collect();
        let turns = usize::try_from(order % 7).unwrap() % members.len().max(1);
        members.rotate_left(turns);
        Value::Object(members.into_iter().collect()).to_string()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn passing_is_the_same_as_reading(body in bodies()) {
        let connector = connector(PLAIN);
        let tree: Value = serde_json::from_str(&body).unwrap();
        if passes(&connector, &body) {
            prop_assert_eq!(read(&connector, &body), Some(tree.clone()));
            prop_assert!(CATALOG.check_output(&operation("bill-query"), &tree).is_ok());
        }
    }
}
