//! The hub's own API: every operation of its document, tried by a stranger without rights.

use crate::support::{City, TestHub};
use serde_json::{Value, json};

struct Own {
    method: String,
    path: String,
    admin: bool,
    closed: bool,
    /// For everybody, but a key that is shown must be a good one.
    judged: bool,
    client: bool,
    body: bool,
}

fn operations(document: &Value) -> Vec<Own> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            all.push(Own {
                method: method.to_uppercase(),
                path: path.clone(),
                admin: operation["servers"].is_array(),
                client: operation["security"] == json!([{"clientKey": []}]),
                closed: !operation["security"].as_array().unwrap().is_empty() && operation["security"][0] != json!({}),
                judged: operation["security"][0] == json!({}),
                body: operation["requestBody"].is_object(),
            });
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_gets_only_what_is_for_everybody() {
    let hub = TestHub::demo(City::sample()).await;
    let document = hub.ask("GET", "/hub/openapi.json", &[], None).await.body;
    let ready = hub.ready();
    let live = ready.client_key.clone().unwrap();
    let forged = format!("Bearer {}", "x".repeat(40));
    let operations = operations(&document);
    assert!(operations.len() > 15 && operations.iter().any(|o| o.closed) && operations.iter().any(|o| !o.closed));
    for own in operations {
        let base = if own.admin { &ready.admin_url } else { &ready.base_url };
        let service = hub.catalog().services()[0].id.clone();
        let target = own.path.replace("{id}", &service);
        let body = own.body.then(|| json!({}));
        let tries: [&[(&str, &str)]; 4] = [
            &[],
            &[("x-api-key", "hub_live_0000000000000000_nonsense")],
            &[("authorization", &forged)],
            &[("x-api-key", &live), ("authorization", &forged)],
        ];
        for headers in tries {
            let got = hub.send(base, &own.method, &target, headers, body.as_ref()).await;
            // A client's key is good for what is the client's own.
            let is_client = own.client && headers.iter().any(|(_, value)| *value == live);
            let place = format!("{} {} {headers:?}: {} {}", own.method, own.path, got.status, got.body);
            let shows_key = headers.iter().any(|(name, _)| *name == "x-api-key");
            if own.closed && !is_client || own.judged && shows_key {
                assert!([401, 403].contains(&got.status), "{place}");
                assert_eq!(got.header("content-type"), "application/problem+json", "{place}");
                assert!(
                    !got.header("www-authenticate").is_empty() || got.status == 403,
                    "{place}"
                );
            } else {
                // Whoever may come but says nothing is told what to say.
                let asked_back = own.body && got.status == 422;
                assert!(got.status < 300 || asked_back, "{place}");
            }
            assert!(!got.header("x-request-id").is_empty(), "{place}");
            assert_eq!(got.header("x-content-type-options"), "nosniff", "{place}");
        }
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_doors_do_not_stand_on_the_public_listener() {
    let hub = TestHub::demo(City::empty()).await;
    let bearer = format!("Bearer {}", hub.ready().admin_token);
    for target in ["/admin/clients", "/admin/reload", "/metrics", "/admin/upstreams"] {
        let got = hub.ask("GET", target, &[("authorization", &bearer)], None).await;
        assert_eq!((got.status, got.code()), (404, "not-found"), "{target}");
    }
    let got = hub
        .send(&hub.ready().admin_url, "GET", "/catalog/services", &[], None)
        .await;
    assert_eq!(got.status, 404);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_methods_and_addresses_are_problems() {
    let hub = TestHub::demo(City::empty()).await;
    let got = hub
        .ask("DELETE", "/catalog/services", &[("accept-language", "en")], None)
        .await;
    assert_eq!(
        (got.status, got.code(), got.header("allow")),
        (405, "method-not-allowed", "GET, HEAD")
    );
    assert_eq!(got.header("content-language"), "en");
    let got = hub
        .ask("GET", "/no/such/place", &[("x-request-id", "test-0001")], None)
        .await;
    assert_eq!((got.status, got.code()), (404, "not-found"));
    assert_eq!(got.header("x-request-id"), "test-0001");
    assert_eq!(got.body["request_id"], "test-0001");
    assert_eq!(got.header("content-language"), "zh-CN");
    assert!(got.body["type"].as_str().unwrap().starts_with(&hub.ready().base_url));
    let got = hub.ask("GET", "/catalog/services?page=x", &[], None).await;
    assert_eq!((got.status, got.code()), (400, "bad-request"));
    let got = hub.ask("GET", "/openapi.json?version=2.0", &[], None).await;
    assert_eq!(got.body["where"], "parameter/version");
    hub.stop().await;
}
