//! Upstreams that are not there.

use crate::support::{City, TestHub, example, persona};
use hub_core::{Effect, Operation};
use hub_server::wiring::Plan;
use std::sync::Arc;

/// A hub whose systems were never started.
async fn without_upstreams() -> TestHub {
    TestHub::demo(city_without_upstreams()).await
}

/// A city whose systems' addresses lead to a closed port.
pub(crate) fn city_without_upstreams() -> City {
    let city = City::sample();
    for manifest in crate::support::manifests_below(&city.path("connectors")) {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let start = text.find("${UPSTREAM_").unwrap();
        let end = start + text[start..].find('}').unwrap() + 1;
        std::fs::write(&manifest, text.replace(&text[start..end], "http://127.0.0.1:9")).unwrap();
    }
    city
}

fn first(hub: &TestHub, effect: Effect) -> Arc<Operation> {
    let catalog = hub.catalog();
    let fits = |o: &&Arc<Operation>| o.effect == effect && hub.is_live(o) && o.service.is_some();
    catalog.operations().iter().find(fits).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_a_stopped_system_is_503_and_nothing_is_kept() {
    let hub = without_upstreams().await;
    let operation = first(&hub, Effect::None);
    let got = hub
        .call(
            "/gateway",
            &operation,
            &example(&operation),
            persona(hub.ready(), &operation),
        )
        .await;
    assert_eq!((got.status, got.code()), (503, "upstream-unavailable"), "{}", got.body);
    assert_eq!(
        (got.body["kept"].as_str(), got.body["at_fault"].as_str()),
        (Some("nothing"), Some("agency"))
    );
    assert!(
        got.body["type"]
            .as_str()
            .unwrap()
            .ends_with("/problems/upstream-unavailable")
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_to_a_stopped_system_is_kept_and_can_be_followed() {
    let hub = without_upstreams().await;
    let operation = first(&hub, Effect::Once);
    let who = persona(hub.ready(), &operation).to_owned();
    let input = hub.input(&operation, &who).await;
    let got = hub.call("/gateway", &operation, &input, &who).await;
    assert_eq!((got.status, got.code()), (503, "upstream-unavailable"), "{}", got.body);
    assert_eq!(got.body["kept"], "saved", "{}", got.body);
    let id = got.body["submission"].as_str().unwrap().to_owned();
    let (city, data) = hub.stop().await;
    let mut config = city.config(data.path());
    config.identity.test_issuer = true;
    let hub = TestHub::start(
        city,
        data,
        Plan {
            config,
            simulated: true,
            credentials: true,
            ..Plan::default()
        },
    )
    .await;
    let kept = hub.me(&who, "GET", &format!("/me/submissions/{id}")).await;
    assert_eq!(kept.status, 200, "{}", kept.body);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulated_system_answers_around_the_clock() {
    let city = City::sample();
    for manifest in crate::support::manifests_below(&city.path("connectors")) {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let open: Vec<&str> = text.lines().filter(|l| !l.starts_with("closed:")).collect();
        let closed = "closed: [\"00:00-12:00\", \"12:00-24:00\"]";
        std::fs::write(&manifest, format!("{}\n{closed}\n", open.join("\n"))).unwrap();
    }
    let hub = TestHub::demo(city).await;
    let operation = first(&hub, Effect::None);
    let who = persona(hub.ready(), &operation);
    let got = hub.call("/gateway", &operation, &example(&operation), who).await;
    assert_eq!(got.status, 200, "{}", got.body);
    hub.stop().await;
}
