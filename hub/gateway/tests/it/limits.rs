//! Limits and their headers.

use crate::city::{City, LIMITS, Request, document, header, problem, snapshot};
use hub_core::ProblemCode as Code;
use hub_gateway::{Policies, Snapshot};
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn the_third_call_of_a_plan_of_two_is_refused() {
    let city = City::open().await;
    for left in ["r=1", "r=0"] {
        let reply = city.call(Request::weather().key("narrow")).await;
        assert_eq!(reply.status, 200);
        assert_eq!(header(&reply, "ratelimit-policy"), Some("\"client-minute\";q=2;w=60"));
        assert!(
            header(&reply, "ratelimit")
                .unwrap()
                .starts_with(&format!("\"client-minute\";{left};t="))
        );
    }
    let refused = city.call(Request::weather().key("narrow")).await;
    assert_eq!(refused.status, 429);
    assert_eq!(problem(&refused).code, Code::RateLimited);
    let wait: u64 = header(&refused, "retry-after").unwrap().parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(
        header(&refused, "ratelimit"),
        Some(format!("\"client-minute\";r=0;t={wait}").as_str())
    );
    assert_eq!(
        city.call(Request::weather().key("wide")).await.status,
        200,
        "others are not touched"
    );
}

#[tokio::test]
async fn a_daily_quota_ends_at_midnight() {
    let city = City::open().await;
    let ask = || Request::account(&json!({})).key("daily").token("zhang-r2");
    let full = crate::city::Act::Answer(200, json!({"full_name": "张三"}));
    city.line.then(full);
    assert_eq!(city.call(ask()).await.status, 200);
    let refused = city.call(ask()).await;
    assert_eq!(problem(&refused).code, Code::QuotaExceeded);
    // 11:05:30 in China: until midnight.
    assert_eq!(header(&refused, "retry-after"), Some("46470"));
    city.line
        .then(crate::city::Act::Answer(200, json!({"full_name": "张三"})));
    let other = city
        .call(Request::account(&json!({})).key("daily").token("li-r4"))
        .await;
    assert_eq!(other.status, 200, "another subject has their own");
    city.clock.forward(46_470);
    city.line
        .then(crate::city::Act::Answer(200, json!({"full_name": "张三"})));
    assert_eq!(city.call(ask()).await.status, 200);
}

#[tokio::test]
async fn a_client_without_a_plan_is_not_served() {
    let city = City::open().await;
    let reply = city.call(Request::weather().key("planless")).await;
    assert_eq!(problem(&reply).code, Code::QuotaExceeded);
}

#[tokio::test]
async fn one_address_cannot_flood_even_without_a_key() {
    let city = City::open().await;
    let tight = LIMITS.replace("per_second: 1000}\nplans", "per_second: 1, burst: 3}\nplans");
    let before = snapshot();
    let documents = [("limits", document("limits.yaml", &tight))];
    let policies = Policies::from_documents(&documents, &before.catalog).unwrap();
    city.gateway.reload(Snapshot {
        policies: Arc::new(policies),
        ..before
    });
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(problem(&city.call(Request::new("GET", "/x")).await).code);
    }
    assert_eq!(
        codes,
        [Code::NotFound, Code::NotFound, Code::NotFound, Code::RateLimited]
    );
    let mut other = Request::new("GET", "/x");
    other.0.peer = "2001:db8::1".parse().unwrap();
    assert_eq!(problem(&city.call(other).await).code, Code::NotFound);
}
