//! A hub without a city, and a restart.

use crate::support::{City, TestHub, example, persona};
use hub_server::wiring::Plan;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_city_answers() {
    let city = City::empty();
    let data = tempfile::tempdir().unwrap();
    let plan = Plan {
        config: city.config(data.path()),
        ..Plan::default()
    };
    let hub = TestHub::start(city, data, plan).await;
    assert_eq!(hub.ready().client_key, None);
    assert!(hub.ready().subject_tokens.is_empty() && hub.ready().simulated_systems.is_empty());
    for target in [
        "/livez",
        "/readyz",
        "/",
        "/search",
        "/status",
        "/openapi.json",
        "/openapi.yaml",
        "/catalog/agencies",
    ] {
        assert_eq!(hub.ask("GET", target, &[], None).await.status, 200, "{target}");
    }
    let page = hub.ask("GET", "/catalog/services", &[], None).await;
    assert_eq!(page.body["total"], 0);
    let got = hub.ask("GET", "/gateway/a/b/v1/c", &[], None).await;
    assert_eq!((got.status, got.code()), (404, "not-found"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_changes_no_credential_and_a_second_hub_stays_out() {
    let hub = TestHub::demo(City::sample()).await;
    let operation = super::operators::live_read(&hub);
    let (input, who) = (example(&operation), persona(hub.ready(), &operation).to_owned());
    let before = hub.ready().clone();
    assert!(hub.call("/gateway", &operation, &input, &who).await.status < 500);

    let second = Plan {
        config: hub.city.config(hub.data()),
        ..Plan::default()
    };
    let refused = hub_server::wiring::Running::start(second).await.err().unwrap();
    assert!(refused.to_string().contains("another hub"), "{refused}");

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
    let after = hub.ready();
    assert_eq!(
        (&after.client_key, &after.sandbox_key),
        (&before.client_key, &before.sandbox_key)
    );
    assert_eq!(after.admin_token, before.admin_token);
    let bearer = format!("Bearer {}", before.subject_tokens[&who]);
    let (target, body) = crate::support::request(&operation, &input);
    let headers = [
        ("x-api-key", before.client_key.as_deref().unwrap()),
        ("authorization", &bearer),
    ];
    let got = hub
        .ask(&operation.method, &format!("/gateway{target}"), &headers, body.as_ref())
        .await;
    assert!(got.status != 401 && got.status != 403, "{}", got.body);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_city_is_told_at_the_start() {
    let city = City::empty();
    std::fs::create_dir(city.path("specs").join("x")).unwrap();
    std::fs::write(city.path("specs/x/y.yaml"), "openapi: 3.1.0\ninfo: {title: x\n").unwrap();
    let data = tempfile::tempdir().unwrap();
    let plan = Plan {
        config: city.config(data.path()),
        ..Plan::default()
    };
    let Err(hub_server::wiring::StartError::Findings(findings)) = hub_server::wiring::Running::start(plan).await else {
        panic!("it started")
    };
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(findings[0].line > 0 && findings[0].file.ends_with("y.yaml"));
    drop(json!(findings));
}
