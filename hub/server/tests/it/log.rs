//! The log of the sandbox's calls over HTTP.

use crate::support::{City, Got, TestHub, example, request};
use hub_core::Operation;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const APPLY: &str = "forest.event-approval-in-parks";

async fn hub() -> (TestHub, Arc<Operation>) {
    let hub = TestHub::demo(City::of(&["forest/lic"]).unhurried()).await;
    let apply = hub.catalog().operation(APPLY).unwrap().clone();
    (hub, apply)
}

async fn call(hub: &TestHub, apply: &Operation, headers: &[(&str, &str)], body: Option<Value>) -> Got {
    let (target, whole) = request(apply, &example(apply));
    hub.ask("POST", &format!("/sandbox{target}"), headers, body.or(whole).as_ref())
        .await
}

/// The log is written behind the calls.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(700)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn j6_from_it_failed_to_the_cause_and_a_working_replay() {
    let (hub, apply) = hub().await;
    let began = Instant::now();
    // 1: it failed; all that is known is the request id.
    let mut body = request(&apply, &example(&apply)).1.unwrap();
    let right = body.clone();
    let field = body.as_object().unwrap().keys().next().unwrap().clone();
    body[&field] = json!({"not": "this"});
    let failed = call(&hub, &apply, &[], Some(body)).await;
    assert_eq!(
        (failed.status, failed.code()),
        (422, "validation-failed"),
        "{}",
        failed.body
    );
    let id = failed.header("x-request-id").to_owned();
    // 2: the cause
    let told = hub.ask("GET", &format!("/r/{id}.json"), &[], None).await;
    assert_eq!(told.status, 200, "{}", told.body);
    let told = told.body;
    assert_eq!(told["failed"]["step"], "validate");
    assert_eq!(told["failed"]["where"], format!("/{field}"));
    assert_eq!((&told["operation"], &told["status"]), (&json!(APPLY), &json!(422)));
    let outcomes: Vec<&str> = told["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes.iter().filter(|o| **o == "refused").count(), 1);
    assert_eq!(outcomes.last(), Some(&"not-reached"));
    assert!(
        told["curl"]
            .as_str()
            .unwrap()
            .starts_with("curl -X POST 'http://127.0.0.1:")
    );
    let beside = told["beside_contract"].as_array().unwrap();
    let wrong: Vec<&Value> = beside.iter().filter(|row| row["fits"] == false).collect();
    assert_eq!(wrong.len(), 1, "{beside:?}");
    assert_eq!(wrong[0]["name"], field.as_str());
    assert_eq!(wrong[0]["got"], r#"{"not":"this"}"#);
    assert!(
        wrong[0]["contract"].as_str().unwrap().starts_with("string"),
        "{wrong:?}"
    );
    let page = hub
        .ask("GET", &format!("/r/{id}"), &[("accept-language", "zh")], None)
        .await;
    assert!(page.body.as_str().unwrap().contains("请求与合同对照"));
    assert!(page.status == 200 && page.body.as_str().unwrap().contains("validation-failed"));
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    // 3: the same call with what was wrong put right
    let again = hub
        .ask("POST", &format!("/r/{id}/replay"), &[], Some(&json!({"body": right})))
        .await;
    assert_eq!(
        (&again.body["status"], &again.body["before"], &again.body["same"]),
        (&json!(apply.status), &json!(422), &json!(false)),
        "{}",
        again.body
    );
    let new = again.body["request_id"].as_str().unwrap();
    let told = hub.ask("GET", &format!("/r/{new}.json"), &[], None).await.body;
    assert_eq!((&told["replay_of"], &told["failed"]), (&json!(id), &Value::Null));
    assert!(
        told["timeline"]
            .as_array()
            .unwrap()
            .iter()
            .all(|s| s["outcome"] == "passed")
    );
    // As it was, it fails again, with the same words.
    let same = hub
        .ask("POST", &format!("/r/{id}/replay"), &[], Some(&json!({})))
        .await
        .body;
    assert_eq!(same["status"], 422);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_calls_are_its_own_and_nothing_secret_is_in_them() {
    let (hub, apply) = hub().await;
    let key = hub.ready().sandbox_key.clone().unwrap();
    let who = crate::support::persona(hub.ready(), &apply).to_owned();
    let bearer = format!("Bearer {}", hub.ready().subject_tokens[&who]);
    let own = [("x-api-key", key.as_str())];
    let both = [("x-api-key", key.as_str()), ("authorization", bearer.as_str())];
    let made = call(&hub, &apply, &both, None).await;
    assert_eq!(made.status, apply.status, "{}", made.body);
    let down = call(&hub, &apply, &[("x-api-key", &key), ("hub-scenario", "down")], None).await;
    let anonymous = call(&hub, &apply, &[], None).await;
    settle().await;
    let id = |got: &Got| got.header("x-request-id").to_owned();
    // The client's log, filtered.
    let log = async |query: &str| hub.ask("GET", &format!("/developer/log{query}"), &own, None).await.body;
    let ids = |log: &Value| -> Vec<String> {
        let items = log["items"].as_array().unwrap_or_else(|| panic!("{log}"));
        items
            .iter()
            .map(|i| i["request_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = log("").await;
    assert_eq!(ids(&all), [id(&down), id(&made)]);
    assert_eq!(ids(&log("?status=503").await), [id(&down)]);
    assert_eq!(ids(&log("?code=upstream-unavailable").await), [id(&down)]);
    assert_eq!(ids(&log("?code=ok").await), [id(&made)]);
    assert_eq!(ids(&log(&format!("?operation={APPLY}&world=default")).await).len(), 2);
    assert_eq!(ids(&log("?world=wld_x").await), Vec::<String>::new());
    assert_eq!(ids(&log(&format!("?request_id={}", id(&made))).await), [id(&made)]);
    let first = log("?page_size=1").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(
        (ids(&first), ids(&log(&format!("?page_size=1&cursor={cursor}")).await)),
        (vec![id(&down)], vec![id(&made)])
    );
    let found = log("?q=event-approval").await;
    assert_eq!(
        (
            ids(&found).len(),
            &found["scanned"]["lines"],
            &found["scanned"]["complete"]
        ),
        (2, &json!(2), &json!(true))
    );
    assert!(found["scanned"]["from"].is_string());
    assert_eq!(log("?cursor=x").await["code"], "bad-request");
    // Others see nothing of it; nobody's call is seen by whoever knows its id.
    let see = async |id: &str, headers: &[(&str, &str)]| hub.ask("GET", &format!("/r/{id}.json"), headers, None).await;
    let stranger = see(&id(&made), &[]).await;
    assert_eq!((stranger.status, stranger.code()), (401, "key-missing"));
    assert_eq!(
        hub.ask("GET", &format!("/r/{}", id(&made)), &[], None).await.status,
        404
    );
    assert_eq!(
        hub.ask("POST", &format!("/r/{}/replay", id(&made)), &[], Some(&json!({})))
            .await
            .status,
        401
    );
    assert_eq!(see(&id(&anonymous), &[]).await.status, 200);
    let link = all["items"][1]["link"]
        .as_str()
        .unwrap()
        .strip_prefix(&hub.ready().base_url)
        .unwrap()
        .to_owned();
    assert_eq!(
        hub.ask("GET", &link, &[], None).await.status,
        200,
        "whoever was given the link"
    );
    assert_eq!(hub.ask("GET", &format!("{link}0"), &[], None).await.status, 404);
    // What is said in it: no key, no token, nothing of level L3 or L4.
    let told = see(&id(&made), &own).await.body;
    let text = told.to_string();
    assert!(!text.contains(&key) && !text.contains(bearer.strip_prefix("Bearer ").unwrap()));
    assert_eq!(told["persona"], who.as_str());
    let person = hub
        .hub()
        .cast
        .personas()
        .person(who.split('@').next().unwrap())
        .unwrap();
    assert!(!text.contains(&person.id_number), "{text}");
    let again = hub
        .ask("POST", &format!("/r/{}/replay", id(&made)), &own, Some(&json!({})))
        .await
        .body;
    assert_eq!(again["status"], apply.status, "{again}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_lines_are_waited_for() {
    let (hub, apply) = hub().await;
    let hub = Arc::new(hub);
    let key = hub.ready().sandbox_key.clone().unwrap();
    call(&hub, &apply, &[("x-api-key", &key)], None).await;
    settle().await;
    let own = [("x-api-key", key.as_str())];
    let cursor = hub.ask("GET", "/developer/log", &own, None).await.body["items"][0]["cursor"]
        .as_str()
        .unwrap()
        .to_owned();
    let nothing = hub
        .ask("GET", &format!("/developer/log?after={cursor}"), &own, None)
        .await
        .body;
    assert_eq!((&nothing["items"], &nothing["after"]), (&json!([]), &json!(cursor)));
    let (own_hub, own_key, own_cursor) = (Arc::clone(&hub), key.clone(), cursor.clone());
    let waiting = tokio::spawn(async move {
        let target = format!("/developer/log?after={own_cursor}&wait=20");
        own_hub.ask("GET", &target, &[("x-api-key", &own_key)], None).await.body
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    let made = call(&hub, &apply, &[("x-api-key", &key)], None).await;
    let got = waiting.await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert_eq!(got["items"][0]["request_id"], made.header("x-request-id"));
    Arc::into_inner(hub).unwrap().stop().await;
}
