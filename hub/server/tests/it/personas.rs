//! The people of the sandbox are the same wherever they are met: listed, in forms, signed in, in answers, in the ledger.

use crate::support::{City, TestHub, example, request};
use hub_core::{Audience, Effect, SubjectAttribute};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_persona_is_the_same_everywhere() {
    let hub = TestHub::demo(City::sample().unhurried()).await;
    let catalog = hub.catalog();
    let people = hub.hub().cast.personas();
    assert_eq!((people.people().len(), people.companies().len()), (24, 6));
    let listed = hub.ask("GET", "/sandbox/_personas", &[], None).await.body;
    let listed: Vec<&Value> = listed["items"].as_array().unwrap().iter().collect();
    // A read that is about the person alone, by name and number.
    let reads = catalog.operations().iter().filter(|o| {
        let bound = |from| o.bound.iter().any(|b| b.from == from);
        let named = bound(SubjectAttribute::IdNumber) && bound(SubjectAttribute::Name);
        let alone = o.audience != Audience::Legal && o.bound.iter().all(|b| b.from != SubjectAttribute::Uscc);
        o.effect == Effect::None
            && named
            && alone
            && o.assurance <= hub_core::Assurance::R2
            && o.service.is_some()
            && o.request.is_some()
    });
    let operation = reads.into_iter().next().expect("a read about a person");
    let (target, body) = request(operation, &example_without_names(operation));
    let page = hub
        .ask(
            "GET",
            &format!("/s/{}", operation.service.as_deref().unwrap()),
            &[("accept-language", "zh")],
            None,
        )
        .await;
    let page = page.body.as_str().unwrap().to_owned();
    let mut answered = BTreeSet::new();
    for person in people.people() {
        let own = listed.iter().find(|p| p["id"] == person.id.as_str()).unwrap();
        assert_eq!(own["name"]["zh"], person.name.as_str());
        assert!(
            page.contains(&format!("value=\"{}\"", person.id)),
            "{} is not in the form",
            person.id
        );
        let bearer = format!("Bearer {}", hub.ready().subject_tokens[&person.id]);
        let target = format!("/sandbox{target}");
        let named = hub
            .ask(
                &operation.method,
                &target,
                &[("hub-persona", &person.id)],
                body.as_ref(),
            )
            .await;
        let signed = hub
            .ask(&operation.method, &target, &[("authorization", &bearer)], body.as_ref())
            .await;
        assert_eq!(
            (named.status, &named.body["code"]),
            (signed.status, &signed.body["code"]),
            "{}",
            person.id
        );
        if named.status != operation.status {
            continue;
        }
        assert_eq!(named.body, signed.body, "{}", person.id);
        // Who says the same name and number is the same person; who says another's is not.
        let said = |name: &str, number: &str| {
            let mut input = example_without_names(operation);
            for bound in &operation.bound {
                match bound.from {
                    SubjectAttribute::Name => drop(input.insert(bound.field.clone(), name.into())),
                    SubjectAttribute::IdNumber => drop(input.insert(bound.field.clone(), number.into())),
                    _ => {}
                }
            }
            request(operation, &input)
        };
        let say = async |(target, body): (String, Option<Value>)| {
            let target = format!("/sandbox{target}");
            hub.ask(
                &operation.method,
                &target,
                &[("hub-persona", &person.id)],
                body.as_ref(),
            )
            .await
        };
        let own = say(said(&person.name, &person.id_number)).await;
        assert_eq!(
            (own.status, &own.body),
            (operation.status, &named.body),
            "{}",
            person.id
        );
        let other = say(said("别人", &person.id_number)).await;
        assert_eq!((other.status, other.code()), (403, "subject-mismatch"), "{}", person.id);
        answered.insert(person.id.clone());
    }
    assert!(answered.len() >= 15, "{answered:?}");
    // What was asked about one stands in that one's ledger and in nobody else's.
    let (one, other) = ("li-xiulan", "guo-jun");
    let live = hub
        .call("/gateway", operation, &example_without_names(operation), one)
        .await;
    let id = live.header("x-request-id").to_owned();
    let mut found = false;
    for _ in 0..40 {
        let ledger = hub.me(one, "GET", "/me/ledger").await.body;
        found = ledger["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["request_id"] == id.as_str());
        if found {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(found, "{} {}", live.status, live.body);
    let ledger = hub.me(other, "GET", "/me/ledger").await.body;
    assert!(
        !ledger["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["request_id"] == id.as_str())
    );
    hub.stop().await;
}

/// The example's input less what the subject fills in.
fn example_without_names(operation: &hub_core::Operation) -> serde_json::Map<String, Value> {
    let mut input = example(operation);
    input.retain(|name, _| !operation.bound.iter().any(|b| b.field == *name));
    input
}
