//! The subject's account of who used what.

use crate::support::{City, TestHub, example, persona};
use hub_core::Effect;
use serde_json::Value;
use std::time::{Duration, Instant};

async fn account(hub: &TestHub, persona: &str) -> Value {
    let got = hub.me(persona, "GET", "/me/ledger").await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.body
}

/// Every line of the trail about somebody, but their own looks.
fn lines(hub: &TestHub) -> usize {
    let folder = hub.data().join("trail");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap());
    let about = |line: &&str| {
        let record = serde_json::from_str::<Value>(line).unwrap()["record"].clone();
        let own = record["operation"].as_str().is_none_or(|o| o.starts_with("me."));
        record["subject"].is_string() && record["environment"] == "live" && !own
    };
    files.map(|text| text.lines().filter(about).count()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_about_a_person_appears_to_that_person_and_to_nobody_else() {
    let hub = TestHub::demo(City::sample()).await;
    let catalog = hub.catalog();
    // Asked by POST, so that somebody else's value in a bound field is seen and refused.
    let personal = |o: &&std::sync::Arc<hub_core::Operation>| {
        let in_body = o.request.is_some()
            && o.bound
                .iter()
                .any(|b| o.input.children.iter().any(|c| *c.name == *b.field));
        let has_example = o.examples.iter().any(|e| e.input.is_some());
        o.effect == Effect::None && in_body && hub.is_live(o) && has_example
    };
    let operation = catalog.operations().iter().find(personal).unwrap().clone();
    let someone = persona(hub.ready(), &operation).to_owned();
    let other = hub
        .ready()
        .subject_tokens
        .keys()
        .find(|p| **p != someone && !p.contains('@'))
        .unwrap()
        .clone();
    let called = Instant::now();
    let answered = hub.call("/gateway", &operation, &example(&operation), &someone).await;
    assert_eq!(answered.status, 200, "{}", answered.body);
    let field = operation.bound[0].field.clone();
    let others = serde_json::Map::from_iter([(field, Value::from("不是本人"))]);
    let refused = hub.call("/gateway", &operation, &others, &someone).await;
    assert!(refused.status >= 400, "{}", refused.body);
    let seen = loop {
        let seen = account(&hub, &someone).await;
        if seen["total"] == 2 {
            break seen;
        }
        assert!(called.elapsed() < Duration::from_secs(5), "{seen}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let first = &seen["items"][1];
    assert_eq!(first["request_id"], answered.header("x-request-id"), "{seen}");
    assert_eq!(
        (&first["outcome"], &first["what"]["operation"]),
        (&Value::from("answered"), &Value::from(&*operation.id))
    );
    assert_eq!(
        first["who"]["name"], "First live client",
        "in words, not by a number alone: {first}"
    );
    assert!(
        first["what"]["service"]["zh"].is_string() && first["what"]["agency"]["en"].is_string(),
        "{first}"
    );
    assert!(
        !first["what"]["fields"].as_array().unwrap().is_empty(),
        "what went to the agency, by name: {first}"
    );
    assert_eq!(seen["items"][0]["outcome"], "refused");
    assert_eq!(account(&hub, &other).await["total"], 0, "nobody else's");
    assert_eq!(lines(&hub), 2, "as many as the trail has");

    let (city, data) = hub.stop().await;
    let hub = TestHub::demo_over(city, data).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        account(&hub, &someone).await["total"],
        2,
        "a restart neither misses nor repeats"
    );
    hub.stop().await;
}
