//! The operators' doors to what waits for a person and what has to be watched.

use crate::support::{City, TestHub, on_postgres};
use hub_core::Effect;
use hub_server::config::{Config, Hidden};
use hub_server::wiring::Plan;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn q28_the_manual_queue_is_listed_and_decided() {
    let hub = TestHub::demo(City::sample()).await;
    let empty = hub.operate("GET", "/admin/submissions?state=manual", None).await;
    assert_eq!((empty.status, &empty.body["total"]), (200, &json!(0)));
    let bad = hub.operate("GET", "/admin/submissions?state=lost", None).await;
    assert_eq!((bad.status, bad.body["where"].as_str()), (422, Some("/state")));
    let catalog = hub.catalog();
    let fits =
        |o: &&std::sync::Arc<hub_core::Operation>| o.effect == Effect::Once && hub.is_live(o) && o.service.is_some();
    let operation = catalog.operations().iter().find(fits).unwrap().clone();
    let who = crate::support::persona(hub.ready(), &operation).to_owned();
    let input = hub.input(&operation, &who).await;
    let got = hub.call("/gateway", &operation, &input, &who).await;
    assert!(got.status < 300, "{}", got.body);
    let all = hub
        .operate("GET", "/admin/submissions?state=delivered", None)
        .await
        .body;
    let id = all["items"][0]["submission"].as_str().unwrap().to_owned();
    assert_eq!(all["items"][0]["operation"], json!(operation.id));
    assert_eq!(all["items"][0]["system"], json!(operation.system));
    let one = hub.operate("GET", &format!("/admin/submissions/{id}"), None).await;
    assert_eq!((one.status, &one.body["state"]), (200, &json!("delivered")));
    let decide = format!("/admin/submissions/{id}/decision");
    let late = hub.operate("POST", &decide, Some(&json!({"decision": "again"}))).await;
    assert_eq!((late.status, late.code()), (409, "conflict"), "{}", late.body);
    let nobody = hub
        .operate(
            "POST",
            "/admin/submissions/sub_0/decision",
            Some(&json!({"decision": "again"})),
        )
        .await;
    assert_eq!(nobody.status, 404);
    hub.stop().await;
}

/// The simulated system remembers the order that was made there, and its statement tells of it.
#[tokio::test(flavor = "multi_thread")]
async fn q27_a_statement_is_fetched_from_the_simulated_system() {
    let hub = TestHub::demo(City::of(&["gasgrp/cis"])).await;
    let catalog = hub.catalog();
    let order = catalog.operation("gasgrp.gas-bill-payment.order").unwrap().clone();
    let who = crate::support::persona(hub.ready(), &order).to_owned();
    let input = hub.input(&order, &who).await;
    let got = hub.call("/gateway", &order, &input, &who).await;
    assert!(got.status < 300, "{}", got.body);
    let today = hub_core::time::civil(hub_core::time::Timestamp::now()).date();
    let fetch = async |day: jiff::civil::Date| {
        let path = format!("/admin/payments/gasgrp/cis/{day}");
        hub.operate("POST", &path, Some(&json!({}))).await
    };
    let agreed = fetch(today).await;
    assert_eq!(
        (agreed.status, &agreed.body["total"]),
        (200, &json!(0)),
        "{}",
        agreed.body
    );
    // What the hub does not know is found: the order that is told of another system's statement.
    let path = format!("/admin/payments/gasgrp/cis/{today}");
    let rows = json!({"rows": []});
    let empty = hub.operate("POST", &path, Some(&rows)).await;
    assert_eq!(
        (
            empty.status,
            &empty.body["items"][0]["kind"],
            &empty.body["items"][0]["order_no"]
        ),
        (200, &json!("missing-there"), &input["order_no"]),
        "the fetched statement has settled it as paid: {}",
        empty.body
    );
    let other = hub
        .operate("POST", &format!("/admin/payments/psb/order/{today}"), Some(&json!({})))
        .await;
    assert_eq!(other.code(), "not-connected");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn q18_q27_q32_operators_see_credentials_payments_and_drift() {
    let hub = TestHub::demo(City::sample()).await;
    let credentials = hub.operate("GET", "/admin/credentials", None).await;
    assert_eq!(credentials.status, 200, "{}", credentials.body);
    let drift = hub.operate("GET", "/admin/drift", None).await;
    assert_eq!((drift.status, &drift.body["items"]), (200, &json!([])));
    let rows = json!({"rows": [{"order_no": "P1", "amount_fen": 12850, "state": "paid"}]});
    let found = hub
        .operate("POST", "/admin/payments/ut/gas/2026-04-08", Some(&rows))
        .await;
    assert_eq!(
        (found.status, &found.body["items"][0]["kind"]),
        (200, &json!("missing-here")),
        "{}",
        found.body
    );
    let bad = json!({"rows": [{"order_no": "P1", "amount_fen": 128.5, "state": "paid"}]});
    let bad = hub
        .operate("POST", "/admin/payments/ut/gas/2026-04-08", Some(&bad))
        .await;
    assert_eq!(
        (bad.status, bad.body["where"].as_str()),
        (422, Some("/rows/0/amount_fen"))
    );
    let listed = hub.operate("GET", "/admin/payments/differences", None).await;
    assert_eq!(listed.body["total"], 1);
    let settle = "/admin/payments/ut/gas/2026-04-08/P1/settle";
    assert_eq!(hub.operate("POST", settle, Some(&json!({}))).await.status, 200);
    assert_eq!(hub.operate("POST", settle, Some(&json!({}))).await.status, 404);
    let text = hub.operate("GET", "/metrics", None).await.body;
    let text = text.as_str().unwrap();
    for name in [
        "hub_credentials_near{within=\"7d\"}",
        "# TYPE hub_drift_findings",
        "# TYPE hub_submissions",
    ] {
        assert!(text.contains(name), "{name} {text}");
    }
    hub.stop().await;
}

/// Two hubs, each with a data folder of its own, over one PostgreSQL.
#[tokio::test(flavor = "multi_thread")]
async fn q22_hubs_over_one_postgresql_see_one_queue() {
    on_postgres(async |url| {
        let key = "0f".repeat(32);
        let variables = |name: &str| (name == "HUB_STORE_URL").then(|| url.clone());
        let given: Option<Hidden> = Config::load(None, &variables).unwrap().store.url;
        assert!(
            !format!("{given:?}").contains("postgres"),
            "the address holds a password"
        );
        let start = async || {
            let (city, data) = (City::sample(), tempfile::tempdir().unwrap());
            let mut config = city.config(data.path());
            config.identity.test_issuer = true;
            config.store.url.clone_from(&given);
            let plan = Plan {
                config,
                simulated: true,
                credentials: true,
                master_key: Some(key.clone()),
                ..Plan::default()
            };
            TestHub::start(city, data, plan).await
        };
        let (one, two) = (start().await, start().await);
        let catalog = one.catalog();
        let fits = |o: &&std::sync::Arc<hub_core::Operation>| {
            o.effect == Effect::Once && one.is_live(o) && o.service.is_some()
        };
        let operation = catalog.operations().iter().find(fits).unwrap().clone();
        let who = crate::support::persona(one.ready(), &operation).to_owned();
        let input = one.input(&operation, &who).await;
        let got = one.call("/gateway", &operation, &input, &who).await;
        assert!(got.status < 300, "{}", got.body);
        let seen = two
            .operate("GET", "/admin/submissions?state=delivered", None)
            .await
            .body;
        assert_eq!(seen["total"], 1, "{seen}");
        one.stop().await;
        two.stop().await;
    })
    .await;
}
