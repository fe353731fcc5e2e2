//! What happens in the sandbox, told to those it concerns: by cursor and by webhook.

use crate::crash::start;
use crate::receiver::{Came, Receiver};
use crate::support::{City, Got, TestHub, example, http, request};
use hub_core::Operation;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A case that the law gives twenty working days.
const APPLY: &str = "forest.event-approval-in-parks";
const START: &str = "2026-03-03T09:00:00+08:00";

pub struct Bench {
    pub hub: TestHub,
    apply: Arc<Operation>,
    pub key: String,
}

impl Bench {
    pub async fn new() -> Self {
        Self::over(TestHub::demo(City::of(&["forest/lic"]).unhurried()).await)
    }

    pub fn over(hub: TestHub) -> Self {
        let apply = hub.catalog().operation(APPLY).unwrap().clone();
        let key = hub.ready().sandbox_key.clone().unwrap();
        Self { hub, apply, key }
    }

    pub async fn ask(&self, method: &str, target: &str, body: Option<&Value>) -> Got {
        self.hub.ask(method, target, &[("x-api-key", &self.key)], body).await
    }

    pub async fn get(&self, target: &str) -> Value {
        let got = self.ask("GET", target, None).await;
        assert_eq!(got.status, 200, "{target}: {}", got.body);
        got.body
    }

    /// The same asked again until it `has` what is waited for.
    pub async fn get_until(&self, what: &str, target: &str, has: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            let got = self.get(target).await;
            if has(&got) {
                return got;
            }
            assert!(Instant::now() < end, "{what}: {got}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// A world of the client's, its clock standing.
    pub async fn world(&self) -> String {
        let made = self
            .ask("POST", "/sandbox/_worlds", Some(&json!({"clock": START})))
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        text(&made.body["id"])
    }

    pub async fn apply(&self, world: &str) -> String {
        let (target, body) = request(&self.apply, &example(&self.apply));
        let headers = [
            ("x-api-key", self.key.as_str()),
            ("hub-world", world),
            ("hub-scenario", "pending; days=60"),
            ("hub-persona", "zheng-haiyan@yunfan-tech"),
        ];
        let made = self
            .hub
            .ask("POST", &format!("/sandbox{target}"), &headers, body.as_ref())
            .await;
        assert!(made.status < 300, "{}", made.body);
        text(&made.body["acceptance_no"])
    }

    pub async fn turn(&self, world: &str, turn: Value) {
        let headers = [("x-api-key", self.key.as_str()), ("hub-world", world)];
        let got = self.hub.ask("POST", "/sandbox/_clock", &headers, Some(&turn)).await;
        assert_eq!(got.status, 200, "{}", got.body);
    }

    pub async fn webhook(&self, body: Value) -> Value {
        let made = self.ask("POST", "/developer/webhooks", Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

fn kinds(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items.iter().map(|e| e["type"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_whole_every_event_is_signed_and_delivered() {
    let bench = Bench::new().await;
    let receiver = Receiver::start();
    let hook = bench.webhook(json!({"url": receiver.url})).await;
    assert_eq!(hook["state"], "active", "{hook}");
    let secret = text(&hook["secret"]);
    let began = Instant::now();
    let world = bench.world().await;
    // 1: the application
    let case = bench.apply(&world).await;
    // 2: day 16, the warning arrives
    bench.turn(&world, json!({"advance": "16wd"})).await;
    let came = receiver
        .until("the warning", |came| {
            came.iter().any(|c| c.kind() == "case.overdue-warning")
        })
        .await;
    let warning = came.iter().find(|c| c.kind() == "case.overdue-warning").unwrap();
    assert_eq!(warning.signed_with(&secret), 1);
    assert_eq!(warning.id, text(&warning.body["id"]));
    assert_eq!(warning.body["data"]["case"], case.as_str());
    assert_eq!(warning.body["world"], world.as_str());
    assert_eq!(warning.body["subject"], "yunfan-tech", "{}", warning.text);
    assert!(
        text(&warning.body["clock"]).starts_with("2026-03-2"),
        "{}",
        warning.text
    );
    assert!(!warning.text.contains("9133"), "no number of anybody: {}", warning.text);
    // 3: day 21, overdue
    bench.turn(&world, json!({"advance": "5wd"})).await;
    // 4: the decision
    let decision = json!({"case": case, "decision": "approved"});
    let decided = bench
        .ask("POST", &format!("/sandbox/_worlds/{world}/decisions"), Some(&decision))
        .await;
    assert_eq!(decided.status, 200, "{}", decided.body);
    // 5: the event is received
    let came = receiver
        .until("the decision", |came| came.iter().any(|c| c.kind() == "case.approved"))
        .await;
    let told: Vec<&str> = came.iter().map(Came::kind).collect();
    let expected = [
        "case.submitted",
        "case.accepted",
        "case.examined",
        "case.overdue-warning",
        "case.overdue",
        "case.approved",
    ];
    assert_eq!(told, expected);
    assert!(came.iter().all(|c| c.signed_with(&secret) == 1));
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    // The same by cursor, and each with its deliveries.
    let page = bench.get("/developer/events").await;
    assert_eq!(kinds(&page), expected);
    let numbers: Vec<u64> = page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["sequence"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    for (sent, listed) in came.iter().zip(page["items"].as_array().unwrap()) {
        assert_eq!(sent.body, *listed, "what is sent is what is listed");
    }
    let one = bench.get(&format!("/developer/events/{}", warning.id)).await;
    assert_eq!(
        (
            &one["deliveries"][0]["state"],
            &one["deliveries"][0]["attempts"][0]["status"]
        ),
        (&json!("delivered"), &json!(200))
    );
    // A snapshot as a link for a colleague.
    let kept = bench
        .ask(
            "POST",
            &format!("/sandbox/_worlds/{world}/snapshots"),
            Some(&json!({"name": "decided"})),
        )
        .await;
    assert_eq!(kept.status, 201, "{}", kept.body);
    let shared = bench
        .ask("POST", &format!("/sandbox/_worlds/{world}/share"), Some(&json!({})))
        .await;
    let link = text(&shared.body["link"]);
    let seen = bench
        .hub
        .ask(
            "GET",
            link.strip_prefix(&bench.hub.ready().base_url).unwrap(),
            &[],
            None,
        )
        .await;
    assert_eq!((seen.status, &seen.body["rights"]), (200, &json!("read")));
    receiver.stop().await;
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_goes_on_where_it_was_and_waits() {
    let bench = Bench::new().await;
    let (mine, other) = (bench.world().await, bench.world().await);
    bench.apply(&mine).await;
    bench.apply(&other).await;
    bench.turn(&mine, json!({"advance": "3d"})).await;
    let all = bench.get("/developer/events").await;
    assert_eq!(
        kinds(&all),
        ["case.submitted", "case.submitted", "case.accepted", "case.examined"]
    );
    let first = bench.get("/developer/events?limit=1").await;
    assert_eq!(
        (kinds(&first).len(), &first["next"], &first["more"]),
        (1, &json!(1), &json!(true))
    );
    let rest = bench.get("/developer/events?after=1").await;
    assert_eq!(
        (kinds(&rest).len(), &rest["next"], &rest["more"]),
        (3, &json!(4), &json!(false))
    );
    let some = bench
        .get(&format!(
            "/developer/events?world={mine}&type=case.submitted,case.examined"
        ))
        .await;
    assert_eq!(
        (kinds(&some), &some["next"]),
        (vec!["case.submitted", "case.examined"], &json!(4))
    );
    assert!(kinds(&bench.get("/developer/events?after=now").await).is_empty());
    for wrong in ["type=case.overdo", "after=x", "limit=y"] {
        let got = bench.ask("GET", &format!("/developer/events?{wrong}"), None).await;
        assert_eq!((got.status, got.code()), (400, "bad-request"), "{wrong}");
    }
    let missing = bench.ask("GET", "/developer/events/evt_0", None).await;
    assert_eq!((missing.status, missing.code()), (404, "not-found"));
    // Waiting for what is not there yet.
    let began = Instant::now();
    let act = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.turn(&mine, json!({"advance": "30d"})).await;
    };
    let refused = bench.ask("GET", "/developer/events?type=case.over*", None).await;
    assert_eq!(refused.status, 400, "a star stands for whole words");
    let (waited, ()) = tokio::join!(bench.get("/developer/events?after=4&wait=20&type=case.overdue"), act);
    assert_eq!(kinds(&waited), ["case.overdue"]);
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    // A snapshot that is gone back to counts anew in its world; the client's numbers go on.
    let kept = bench
        .ask("POST", &format!("/sandbox/_worlds/{mine}/snapshots"), Some(&json!({})))
        .await;
    let before = bench.get("/developer/events?after=now").await["next"].as_u64().unwrap();
    for round in 1..=2 {
        bench.apply(&mine).await;
        let back = json!({"snapshot": kept.body["id"]});
        let reset = bench
            .ask("POST", &format!("/sandbox/_worlds/{mine}/reset"), Some(&back))
            .await;
        assert_eq!(reset.status, 200, "{}", reset.body);
        assert_eq!(
            bench.get("/developer/events?after=now").await["next"],
            json!(before + round)
        );
    }
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_in_a_running_world_is_told_though_nobody_looks() {
    let bench = Bench::new().await;
    let world = bench.world().await;
    bench.apply(&world).await;
    bench.turn(&world, json!({"set": "2026-03-04T08:59:58+08:00"})).await;
    bench.turn(&world, json!({"run": true})).await;
    let told = bench.get("/developer/events?after=1&wait=20").await;
    assert_eq!(kinds(&told), ["case.accepted"]);
    // Not in memory either: another hub process takes the world up when its time comes.
    bench.turn(&world, json!({"set": "2026-03-05T08:59:56+08:00"})).await;
    let (city, data) = bench.hub.stop().await;
    let bench = Bench::over(TestHub::demo_over(city, data).await);
    let told = bench.get("/developer/events?after=2&wait=20").await;
    assert_eq!(kinds(&told), ["case.examined"]);
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_amid_deliveries_loses_none() {
    let city = City::of(&["forest/lic"]).unhurried();
    let data = tempfile::tempdir().unwrap();
    let catalog = hub_catalog::Catalog::load(&city.path("specs")).unwrap();
    let apply = catalog.operation(APPLY).unwrap().clone();
    let receiver = Receiver::start();
    receiver.waits(Duration::from_millis(25));
    let (client, (target, body)) = (http(), request(&apply, &example(&apply)));
    let (mut child, ready, _) = start(&city, data.path());
    let key = ready.sandbox_key.clone().unwrap();
    let send = async |base: &str, method: &str, path: &str, world: &str, body: &Value| {
        let request = client
            .request(method.parse().unwrap(), format!("{base}{path}"))
            .header("x-api-key", &key)
            .header("content-type", "application/json")
            .header("hub-persona", "zheng-haiyan@yunfan-tech");
        let request = if world.is_empty() {
            request
        } else {
            request.header("hub-world", world)
        };
        let request = if method == "GET" {
            request
        } else {
            request.body(body.to_string())
        };
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let value = serde_json::from_slice::<Value>(&answer.bytes().await.ok()?).ok()?;
        Some((status, value))
    };
    let (_, hook) = send(
        &ready.base_url,
        "POST",
        "/developer/webhooks",
        "",
        &json!({"url": receiver.url}),
    )
    .await
    .unwrap();
    assert_eq!(hook["state"], "active");
    let (_, world) = send(
        &ready.base_url,
        "POST",
        "/sandbox/_worlds",
        "",
        &json!({"clock": START}),
    )
    .await
    .unwrap();
    let world = text(&world["id"]);
    let mut cases = BTreeSet::new();
    let mut base = ready.base_url.clone();
    for round in 0..3 {
        let began = Instant::now();
        // Some fifty a second are delivered: more than this would not arrive while it is waited for.
        let most = 150 * (round + 1);
        while began.elapsed() < Duration::from_millis(900) && cases.len() < most {
            let path = format!("/sandbox{target}");
            let all = (0..3).map(|_| send(&base, "POST", &path, &world, body.as_ref().unwrap()));
            for answer in futures_util::future::join_all(all).await.into_iter().flatten() {
                if answer.0 < 300 {
                    cases.insert(text(&answer.1["acceptance_no"]));
                }
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let (again, ready, _) = start(&city, data.path());
        child = again;
        base = ready.base_url;
        assert!(!cases.is_empty(), "round {round}");
    }
    // Everything that was answered is an event, once, and every event arrives.
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let (_, page) = send(
            &base,
            "GET",
            &format!("/developer/events?limit=200&after={after}"),
            "",
            &Value::Null,
        )
        .await
        .unwrap();
        events.extend(page["items"].as_array().unwrap().clone());
        after = page["next"].as_u64().unwrap();
        if page["more"] == false {
            break;
        }
    }
    let told: Vec<String> = events.iter().map(|e| text(&e["data"]["case"])).collect();
    for case in &cases {
        assert_eq!(told.iter().filter(|t| *t == case).count(), 1, "{case}");
    }
    let numbers: Vec<u64> = events.iter().map(|e| e["sequence"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());
    receiver.waits(Duration::ZERO);
    let ids: BTreeSet<String> = events.iter().map(|e| text(&e["id"])).collect();
    let has_all = |came: &[Came]| {
        let heard: BTreeSet<&str> = came.iter().map(|c| c.id.as_str()).collect();
        ids.iter().all(|id| heard.contains(id.as_str()))
    };
    let came = receiver.until("every event", has_all).await;
    let secret = text(&hook["secret"]);
    assert!(came.iter().all(|c| c.signed_with(&secret) == 1));
    // The interrupted deliveries apart, none came twice.
    assert!(came.len() <= ids.len() + 6, "{} of {}", came.len(), ids.len());
    child.kill().unwrap();
    child.wait().unwrap();
    receiver.stop().await;
}
