//! Operators: reload, clients and keys, upstreams, metrics.

use crate::support::{City, TestHub, example, persona};
use hub_core::{Effect, Operation};
use serde_json::json;
use std::sync::Arc;

/// A live read of the sample city.
pub fn live_read(hub: &TestHub) -> Arc<Operation> {
    let catalog = hub.catalog();
    let reads = catalog
        .operations()
        .iter()
        .filter(|o| o.effect == Effect::None && hub.is_live(o) && o.service.is_some());
    reads.min_by_key(|o| o.assurance).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_edition_is_refused_and_the_last_good_one_stays() {
    let hub = TestHub::demo(City::sample()).await;
    let before = hub.catalog().counts();
    let good = hub.operate("POST", "/admin/reload", None).await;
    assert_eq!(good.status, 200, "{}", good.body);
    assert_eq!(good.body["version"], 2);

    let spec = std::fs::read_dir(hub.city.path("specs"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.is_dir())
        .unwrap();
    std::fs::write(spec.join("broken.yaml"), "openapi: 3.1.0\npaths: [oops\n").unwrap();
    let bad = hub.operate("POST", "/admin/reload", None).await;
    assert_eq!((bad.status, bad.code()), (422, "reload-failed"), "{}", bad.body);
    let finding = &bad.body["findings"][0];
    assert!(finding["file"].as_str().unwrap().ends_with("broken.yaml"), "{finding}");
    assert!(finding["line"].as_u64().unwrap() > 0, "{finding}");
    assert_eq!(hub.catalog().counts(), before);

    std::fs::remove_file(spec.join("broken.yaml")).unwrap();
    assert_eq!(hub.operate("POST", "/admin/reload", None).await.body["version"], 3);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_fails_while_editions_change() {
    let hub = Arc::new(TestHub::demo(City::sample().unhurried()).await);
    let operation = live_read(&hub);
    let (input, who) = (example(&operation), persona(hub.ready(), &operation).to_owned());
    let mut callers = Vec::new();
    for _ in 0..4 {
        let (hub, operation, input, who) = (hub.clone(), operation.clone(), input.clone(), who.clone());
        callers.push(tokio::spawn(async move {
            for _ in 0..25 {
                let got = hub.call("/sandbox", &operation, &input, &who).await;
                assert_eq!(got.status, 200, "{}", got.body);
            }
        }));
    }
    for _ in 0..5 {
        assert_eq!(hub.operate("POST", "/admin/reload", None).await.status, 200);
    }
    for caller in callers {
        caller.await.unwrap();
    }
    Arc::into_inner(hub).unwrap().stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_made_rotated_and_revoked() {
    let hub = TestHub::demo(City::sample()).await;
    let operation = live_read(&hub);
    let (target, body) = crate::support::request(&operation, &example(&operation));
    let bearer = format!(
        "Bearer {}",
        hub.ready().subject_tokens[persona(hub.ready(), &operation)]
    );
    let call = async |key: &str| {
        let headers = [("x-api-key", key), ("authorization", bearer.as_str())];
        hub.ask(&operation.method, &format!("/gateway{target}"), &headers, body.as_ref())
            .await
            .status
    };
    let made = hub
        .operate("POST", "/admin/clients", Some(&json!({"tenant": "team"})))
        .await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (id, first) = (
        made.body["id"].as_str().unwrap().to_owned(),
        made.body["key"].as_str().unwrap().to_owned(),
    );
    assert_ne!(call(&first).await, 401);
    let second = hub
        .operate("POST", &format!("/admin/clients/{id}/keys"), Some(&json!({})))
        .await;
    let second = second.body["key"].as_str().unwrap().to_owned();
    assert!(
        call(&first).await != 401 && call(&second).await != 401,
        "both are good for a while"
    );
    let listed = hub.operate("GET", "/admin/clients", None).await.body.to_string();
    assert!(
        !listed.contains(&first) && !listed.contains(&second),
        "keys are shown once"
    );
    assert_eq!(
        hub.operate("DELETE", &format!("/admin/clients/{id}/keys"), None)
            .await
            .status,
        200
    );
    assert_eq!((call(&first).await, call(&second).await), (401, 401));
    let bad = hub
        .operate(
            "POST",
            "/admin/clients",
            Some(&json!({"tenant": "team", "plan": "none"})),
        )
        .await;
    assert_eq!((bad.status, bad.body["where"].as_str()), (422, Some("/plan")));
    let bad = hub
        .operate("POST", "/admin/clients", Some(&json!({"tenant": "team", "plann": "x"})))
        .await;
    assert_eq!(bad.status, 422);
    assert_eq!(
        hub.operate("POST", "/admin/clients/nobody/keys", Some(&json!({})))
            .await
            .status,
        404
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_see_upstreams_and_figures_and_no_keys() {
    let hub = TestHub::demo(City::sample()).await;
    let operation = live_read(&hub);
    let got = hub
        .call(
            "/gateway",
            &operation,
            &example(&operation),
            persona(hub.ready(), &operation),
        )
        .await;
    assert!(got.status < 500, "{}", got.body);
    let upstreams = hub.operate("GET", "/admin/upstreams", None).await.body;
    assert_eq!(upstreams["total"], hub.ready().simulated_systems.len());
    let text = hub.operate("GET", "/metrics", None).await.body;
    let text = text.as_str().unwrap();
    assert!(text.contains("hub_requests_total{door=\"gateway\""), "{text}");
    assert!(!text.contains(hub.ready().client_key.as_ref().unwrap().as_str()));
    hub.stop().await;
}
