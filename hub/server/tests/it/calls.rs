//! What a caller meets on the way: keys, people, fields, limits.

use crate::support::{City, TestHub, example, persona, request};
use hub_core::{Assurance, Effect, Operation, SubjectAttribute};
use serde_json::{Value, json};
use std::sync::Arc;

fn find(hub: &TestHub, wanted: impl Fn(&Operation) -> bool) -> Arc<Operation> {
    let catalog = hub.catalog();
    catalog
        .operations()
        .iter()
        .find(|o| wanted(o))
        .expect("the sample city has such an operation")
        .clone()
}

/// A live read for a signed-in person.
fn personal(hub: &TestHub) -> Arc<Operation> {
    find(hub, |o| {
        o.effect == Effect::None
            && hub.is_live(o)
            && o.service.is_some()
            && o.assurance > Assurance::R0
            && !o.bound.is_empty()
            && !o.input.children.iter().any(|c| hub.catalog().is_handle(&c.name))
    })
}

/// A live operation with a body.
fn posting(hub: &TestHub) -> Arc<Operation> {
    find(hub, |o| {
        hub.is_live(o) && o.service.is_some() && o.request.is_some() && !o.bound.is_empty()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_dialect_answers_live_in_canonical_terms() {
    let hub = TestHub::demo(City::sample()).await;
    let catalog = hub.catalog();
    for system in catalog.systems() {
        let reads = || {
            catalog
                .operations_of(&system.id)
                .filter(|o| o.service.is_some() && o.effect == Effect::None)
        };
        let Some(operation) = reads().find(|o| hub.is_live(o)) else {
            continue;
        };
        let got = hub
            .call(
                "/gateway",
                operation,
                &example(operation),
                persona(hub.ready(), operation),
            )
            .await;
        assert_eq!(got.status, operation.status, "{}: {}", operation.id, got.body);
        catalog
            .check_output(operation, &got.body)
            .unwrap_or_else(|v| panic!("{}: {v:?}", operation.id));
        assert!(!got.header("ratelimit").is_empty() && !got.header("ratelimit-policy").is_empty());
        assert_eq!(got.header("content-security-policy"), "sandbox; default-src 'none'");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_401_and_a_key_alone_opens_little() {
    let hub = TestHub::demo(City::sample()).await;
    let operation = personal(&hub);
    let (target, body) = request(&operation, &example(&operation));
    let target = format!("/gateway{target}");
    let ask = async |headers: &[(&str, &str)]| hub.ask(&operation.method, &target, headers, body.as_ref()).await;
    let got = ask(&[]).await;
    assert_eq!((got.status, got.code()), (401, "key-missing"));
    let got = ask(&[("x-api-key", "hub_live_aaaaaaaaaaaaaaaa_bbbbbbbbbbbbbbbbbbbbbbbb")]).await;
    assert_eq!((got.status, got.code()), (401, "key-invalid"));
    assert!(!got.header("www-authenticate").is_empty());
    let key = hub.ready().client_key.clone().unwrap();
    let got = ask(&[("x-api-key", &key)]).await;
    assert!(operation.assurance > Assurance::R0);
    assert_eq!((got.status, got.code()), (401, "token-missing"), "{}", got.body);
    let sandbox = hub.ready().sandbox_key.clone().unwrap();
    let got = ask(&[("x-api-key", &sandbox)]).await;
    assert_eq!((got.status, got.code()), (403, "key-environment"), "{}", got.body);
    let got = ask(&[("x-api-key", &key), ("hub-scenario", "down")]).await;
    assert_eq!((got.status, got.code()), (400, "control-not-allowed"), "{}", got.body);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_acts_for_somebody_else() {
    let hub = TestHub::demo(City::sample().unhurried()).await;
    let catalog = hub.catalog();
    let mut tried = 0;
    for operation in catalog.operations() {
        for bound in operation.bound.iter().filter(|b| b.from != SubjectAttribute::Pairwise) {
            if operation.request.is_none() && !operation.parameters.iter().any(|p| p.name == bound.field) {
                // The contract leaves the caller no place to write it.
                continue;
            }
            // Another of the right form, so that validation lets it pass to the binding.
            let stranger = match bound.from {
                SubjectAttribute::IdNumber | SubjectAttribute::PartyNumber => "99010119800308026X",
                SubjectAttribute::Uscc => "91350100M000100Y43",
                SubjectAttribute::Mobile => "15400000099",
                _ => "陌生人",
            };
            let mut input = example(operation);
            input.insert(bound.field.clone(), json!(stranger));
            let got = hub
                .call("/sandbox", operation, &input, persona(hub.ready(), operation))
                .await;
            let place = format!("{} {}: {}", operation.id, bound.field, got.body);
            assert_eq!((got.status, got.code()), (403, "subject-mismatch"), "{place}");
            assert!(!got.body.to_string().contains(stranger), "{place}");
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_422_with_its_place() {
    let hub = TestHub::demo(City::sample()).await;
    let operation = posting(&hub);
    let who = persona(hub.ready(), &operation).to_owned();
    let mut input = hub.input(&operation, &who).await;
    input.insert("no_such_field".into(), json!("x"));
    for (door, lang, words) in [("/gateway", "zh", "字"), ("/sandbox", "en", "field")] {
        let got = hub
            .call_with(door, &operation, &input, &who, &[("accept-language", lang)])
            .await;
        assert_eq!((got.status, got.code()), (422, "validation-failed"), "{}", got.body);
        assert_eq!(got.body["where"], "/no_such_field", "{}", got.body);
        assert_eq!(
            (got.body["at_fault"].as_str(), got.body["kept"].as_str()),
            (Some("you"), Some("nothing"))
        );
        assert!(got.body["fix"].as_str().unwrap().contains(words), "{}", got.body);
    }
    let target = format!("/sandbox{}", operation.public_path());
    let wrong = hub
        .ask(&operation.method, &target, &[("content-type", "text/plain")], None)
        .await;
    assert!((400..500).contains(&wrong.status), "{}", wrong.body);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_limit_is_429_with_headers() {
    let city = City::sample();
    let plans = "plans:\n  anonymous: {title: {zh: 测试, en: Test}, client: {per_second: 2, burst: 3}}\n  \
                 demo: {title: {zh: 测试, en: Test}, client: {per_second: 2, burst: 3}}\n";
    std::fs::write(city.path("policies").join("limits/plans.yaml"), plans).unwrap();
    let hub = TestHub::demo(city).await;
    let operation = personal(&hub);
    let who = persona(hub.ready(), &operation).to_owned();
    let mut refused = None;
    for _ in 0..8 {
        let got = hub.call("/sandbox", &operation, &example(&operation), &who).await;
        if got.status == 429 {
            refused = Some(got);
            break;
        }
    }
    let got = refused.expect("eight calls at once are over a limit of three");
    assert!(["rate-limited", "quota-exceeded"].contains(&got.code()));
    assert!(got.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert!(
        !got.header("ratelimit").is_empty() && !got.header("ratelimit-policy").is_empty(),
        "{:?}",
        got.headers
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_needs_no_key_in_the_sandbox() {
    let hub = TestHub::demo(City::sample()).await;
    let operation = personal(&hub);
    let (target, body) = request(&operation, &example(&operation));
    let target = format!("/sandbox{target}");
    let got = hub.ask(&operation.method, &target, &[], body.as_ref()).await;
    assert_eq!(got.status, operation.status, "{}", got.body);
    assert_eq!(got.header("hub-scenario"), "ok");
    let got = hub
        .ask(&operation.method, &target, &[("hub-scenario", "down")], body.as_ref())
        .await;
    assert_eq!((got.status, got.code()), (503, "upstream-unavailable"), "{}", got.body);
    let got = hub
        .ask(&operation.method, &target, &[("hub-persona", "nobody")], body.as_ref())
        .await;
    assert_eq!(got.status, 400);
    let listed = hub.ask("GET", "/sandbox/_personas", &[], None).await.body;
    assert!(listed["items"].as_array().unwrap().len() >= 24);
    assert!(
        !hub.ask("GET", "/sandbox/_scenarios", &[], None).await.body["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_gives_the_same_answer_and_other_pages_get_none() {
    let hub = TestHub::demo(City::sample()).await;
    let operation = find(&hub, |o| {
        o.effect == Effect::Once && hub.is_live(o) && o.service.is_some() && o.method == "POST"
    });
    let who = persona(hub.ready(), &operation).to_owned();
    let input = hub.input(&operation, &who).await;
    let key = [("idempotency-key", "it-0001"), ("origin", "https://evil.example")];
    let first = hub.call_with("/gateway", &operation, &input, &who, &key).await;
    assert!(first.status < 300, "{}: {}", operation.id, first.body);
    let again = hub.call_with("/gateway", &operation, &input, &who, &key).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("access-control-allow-origin"), "");
    let listed = hub.me(&who, "GET", "/me/submissions").await;
    assert_eq!(
        listed.body["items"].as_array().map(Vec::len),
        Some(1),
        "{}",
        listed.body
    );
    let id = listed.body["items"][0]["submission"].as_str().unwrap().to_owned();
    let one = hub.me(&who, "GET", &format!("/me/submissions/{id}")).await;
    assert_eq!(
        (one.status, one.body["state"].as_str()),
        (200, Some("delivered")),
        "{}",
        one.body
    );
    let stranger = hub
        .ready()
        .subject_tokens
        .keys()
        .find(|p| !p.starts_with(who.split('@').next().unwrap()))
        .unwrap()
        .clone();
    assert_eq!(
        hub.me(&stranger, "GET", &format!("/me/submissions/{id}")).await.status,
        404
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn papers_are_sniffed_kept_and_their_owners_only() {
    let hub = TestHub::demo(City::empty()).await;
    let who = hub.ready().default_persona.clone().unwrap();
    let png = [
        0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R', 0, 0, 0, 1, 0, 0, 0, 1,
    ];
    let put = hub.upload(&who, "image/png", &png).await;
    assert_eq!(put.status, 201, "{}", put.body);
    assert_eq!(put.body["media_type"], "image/png");
    assert!(put.body["file_id"].is_string());
    let lie = hub
        .upload(&who, "application/pdf", b"MZ\x90\x00 this is a program")
        .await;
    assert_eq!((lie.status, lie.code()), (415, "file-rejected"), "{}", lie.body);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_hangs_up_still_leaves_a_trail() {
    let hub = TestHub::demo(City::sample()).await;
    let operation = personal(&hub);
    let (target, body) = request(&operation, &example(&operation));
    let bearer = format!(
        "Bearer {}",
        hub.ready().subject_tokens[persona(hub.ready(), &operation)]
    );
    let headers = [
        ("x-api-key", hub.ready().sandbox_key.as_deref().unwrap()),
        ("authorization", &bearer),
        ("hub-scenario", "slow; ms=600"),
        ("x-request-id", "hung-up-0001"),
    ];
    let target = format!("/sandbox{target}");
    let asking = hub.ask(&operation.method, &target, &headers, body.as_ref());
    assert!(
        tokio::time::timeout(std::time::Duration::from_millis(200), asking)
            .await
            .is_err()
    );
    tokio::time::sleep(std::time::Duration::from_millis(900)).await;
    let (_, data) = hub.stop().await;
    let line = trail(data.path())
        .into_iter()
        .find(|r| r["request_id"] == "hung-up-0001")
        .expect("it is in the trail");
    assert_eq!(
        (line["status"].as_u64(), line["operation"].as_str()),
        (Some(499), Some(operation.id.as_ref()))
    );
    assert!(hub_gateway::trail::verify(&data.path().join("trail")).unwrap().lines > 0);
}

/// The records of a trail.
pub fn trail(data: &std::path::Path) -> Vec<Value> {
    let mut records = Vec::new();
    for entry in data.join("trail").read_dir().unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        records.extend(
            text.lines()
                .map(|l| serde_json::from_str::<Value>(l).unwrap()["record"].clone()),
        );
    }
    records
}
