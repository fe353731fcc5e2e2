//! The OpenID provider's doors under the limit of a client's address.

use crate::channel::Channel;
use crate::support::{City, TestHub};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_knocks_too_often_waits() {
    let city = City::empty();
    let file = city.path("policies").join("limits/plans.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let line = text.lines().find(|l| l.starts_with("address:")).unwrap().to_owned();
    // The burst is enough for the token door alone; every door counts.
    std::fs::write(&file, text.replace(&line, "address: {per_second: 1, burst: 8}")).unwrap();
    let hub = TestHub::demo(city).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let doors = [
        ("/sso/token", vec![("grant_type", "client_credentials")]),
        ("/sso/introspect", vec![("token", "x")]),
        ("/sso/par", vec![("response_type", "code")]),
        ("/sso/sign-in", vec![("persona", "x")]),
    ];
    let mut refused = Vec::new();
    for _ in 0..6 {
        for (door, form) in &doors {
            let got = channel.send(door, form).await;
            if got.status == 429 {
                let wait: u64 = got.header("retry-after").parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                assert_eq!(got.code(), "rate-limited");
                refused.push(*door);
            }
        }
    }
    for (door, _) in &doors {
        assert!(refused.contains(door), "{door}: {refused:?}");
    }
    hub.stop().await;
}
