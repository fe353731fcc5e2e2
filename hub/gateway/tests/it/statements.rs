//! Daily statements: fetched after the end of the day, compared once, caught up with.

use crate::city::Request;
use crate::live::{case, city_over, manifest};
use crate::upstream::{Do, Upstream};
use hub_core::{ProblemCode as Code, SystemId};
use hub_gateway::Jobs;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const OPERATIONS: &str = "codes: {zt: {\"1\": paying, \"2\": paid, \"9\": refunded}}
operations:
  apply: {call: same, payment: {order: case_no}}
  bills: {call: \"GET /bills/{day}?kind=all\", statement: \"02:30\", answer: {data: /rows}, names: rows,
    response: {\"[]\": {order_list: {dd: order_no, je: amount_fen | yuan, zt: state | zt}}}}
  \"*\": same
";

/// The clock of the little city stands at 11:05:30 on 2026-04-08.
#[tokio::test]
async fn q27_the_statement_is_fetched_when_its_day_is_over() {
    let open = Arc::new(AtomicBool::new(true));
    let is_open = open.clone();
    let upstream = Upstream::open(move |heard| match heard.line.as_str() {
        "GET /bills/2026-04-08?kind=all" => Do::Say(
            200,
            "application/json",
            json!({"rows": [{"dd": "P-1", "je": "128.50", "zt": "2"}, {"dd": "P-9", "je": "0.42", "zt": "9"}]})
                .to_string(),
        ),
        line if line.starts_with("GET /bills/") && is_open.load(Ordering::SeqCst) => {
            Do::Say(200, "application/json", json!({"rows": []}).to_string())
        }
        line if line.starts_with("GET /bills/") => Do::Say(503, "application/json", "{}".into()),
        _ => case("P-1"),
    })
    .await;
    let manifest = manifest("dialect: rest-json, timeout: 900ms", "", OPERATIONS);
    let city = city_over(&manifest, Some(upstream.address.clone()), None).await;
    let bills = || {
        let lines = upstream.lines().into_iter();
        let days = lines.filter_map(|l| l.strip_prefix("GET /bills/").map(|d| d[..10].to_owned()));
        days.collect::<Vec<_>>()
    };
    assert_eq!(city.call(Request::apply("a")).await.status, 201);
    let jobs = Jobs::new(city.gateway.clone());
    assert_eq!((jobs.fetch_statements().await, bills().len()), (1, 1));
    assert_eq!(bills(), ["2026-04-07"], "a hub that is new begins with yesterday");
    // Ten past two of the next morning: not there yet.
    city.clock.forward(15 * 3_600 + 5 * 60);
    assert_eq!((jobs.fetch_statements().await, bills().len()), (0, 1));
    city.clock.forward(25 * 60);
    assert_eq!((jobs.fetch_statements().await, bills().len()), (1, 2));
    assert_eq!(jobs.fetch_statements().await, 0, "once a day");
    let order = city.store.orders().get("demo/front", "P-1").await.unwrap().unwrap();
    assert_eq!(order.state, "paid");
    let found = city.gateway.differences(false, 9).await.unwrap();
    let found: Vec<_> = found
        .iter()
        .map(|d| (d.day.as_str(), d.number.as_str(), d.kind.as_str(), d.theirs.as_str()))
        .collect();
    assert_eq!(found, [("2026-04-08", "P-9", "missing-here", "refunded 0.42")]);
    let record = city
        .records()
        .into_iter()
        .rfind(|r| r.grant.as_deref() == Some("statement"))
        .unwrap();
    assert_eq!(
        (record.operation.as_deref(), record.status),
        (Some("demo.front.bills"), 200)
    );
    // The system is down for a night and the hub is away for another: both days are caught up with.
    open.store(false, Ordering::SeqCst);
    city.clock.forward(24 * 3_600);
    assert_eq!(jobs.fetch_statements().await, 0);
    let tried = bills().len();
    assert_eq!(
        (jobs.fetch_statements().await, bills().len()),
        (0, tried),
        "not again at once"
    );
    city.clock.forward(24 * 3_600);
    open.store(true, Ordering::SeqCst);
    // Another hub over the same store tries nothing while this one does.
    let second = city_over(&manifest, Some(upstream.address.clone()), Some(city.store.clone())).await;
    second.clock.forward(15 * 3_600 + 30 * 60 + 48 * 3_600);
    assert_eq!(jobs.fetch_statements().await, 2);
    assert_eq!(Jobs::new(second.gateway.clone()).fetch_statements().await, 0);
    assert_eq!(bills()[tried..], ["2026-04-09", "2026-04-10"]);
    let system = SystemId::new("demo", "front");
    let again = city.gateway.fetch_statement(&system, "2026-04-08").await.unwrap();
    assert_eq!(again.len(), 1, "an operator may fetch a day again");
    let bad = city.gateway.fetch_statement(&system, "8 April").await.unwrap_err();
    assert_eq!(bad.code, Code::ValidationFailed);
}

#[tokio::test]
async fn q27_a_statement_that_cannot_be_read_is_compared_with_nothing() {
    let answers = [
        json!({"rows": [{"dd": "P-1", "zt": "2"}]}),
        json!({"rows": [{"dd": "P-1", "je": "1", "zt": "77"}]}),
    ];
    for answer in answers {
        let upstream = Upstream::open(move |heard| match heard.line.starts_with("GET /bills") {
            true => Do::Say(200, "application/json", answer.to_string()),
            false => case("P-1"),
        })
        .await;
        let manifest = manifest("dialect: rest-json, timeout: 900ms", "", OPERATIONS);
        let city = city_over(&manifest, Some(upstream.address.clone()), None).await;
        assert_eq!(city.call(Request::apply("a")).await.status, 201);
        let system = SystemId::new("demo", "front");
        let refused = city.gateway.fetch_statement(&system, "2026-04-08").await.unwrap_err();
        assert!(
            matches!(refused.code, Code::UpstreamContract | Code::ValidationFailed),
            "{refused:?}"
        );
        assert!(city.gateway.differences(false, 9).await.unwrap().is_empty());
    }
    let plain = manifest("dialect: rest-json", "", "operations: same");
    let city = city_over(&plain, None, None).await;
    let none = city
        .gateway
        .fetch_statement(&SystemId::new("demo", "front"), "2026-04-08")
        .await;
    assert_eq!(none.unwrap_err().code, Code::NotConnected);
}
