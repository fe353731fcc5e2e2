//! Worlds of the sandbox over HTTP: whose they are, their clocks, and that they survive.

use crate::crash::start;
use crate::support::{City, Got, TestHub, example, http, request};
use hub_core::Operation;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A case that the law gives twenty working days.
const APPLY: &str = "forest.event-approval-in-parks";
const START: &str = "2026-03-03T09:00:00+08:00";

struct Bench {
    hub: TestHub,
    apply: Arc<Operation>,
}

impl Bench {
    async fn new() -> Self {
        Self::over(TestHub::demo(City::of(&["forest/lic"]).unhurried()).await)
    }

    fn over(hub: TestHub) -> Self {
        let apply = hub.catalog().operation(APPLY).unwrap().clone();
        Self { hub, apply }
    }

    async fn restarted(self) -> Self {
        let (city, data) = self.hub.stop().await;
        Self::over(TestHub::demo_over(city, data).await)
    }

    fn key(&self) -> String {
        self.hub.ready().sandbox_key.clone().unwrap()
    }

    async fn post(&self, target: &str, headers: &[(&str, &str)], body: &Value) -> Got {
        self.hub.ask("POST", target, headers, Some(body)).await
    }

    /// A world of nobody's but its token's, its clock standing.
    async fn world(&self) -> Value {
        let made = self
            .post("/sandbox/_worlds", &[], &json!({"name": "试", "clock": START}))
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body
    }

    async fn apply(&self, token: &str, scenario: &str) -> Got {
        let (target, body) = request(&self.apply, &example(&self.apply));
        let headers = [("hub-world", token), ("hub-scenario", scenario)];
        self.hub
            .ask("POST", &format!("/sandbox{target}"), &headers, body.as_ref())
            .await
    }

    async fn state(&self, token: &str, case: &str) -> Value {
        let get = self.hub.catalog();
        let get = get
            .operations()
            .iter()
            .find(|o| o.id.ends_with(".case-get") && o.system == self.apply.system)
            .unwrap();
        let input = Map::from_iter([("acceptance_no".to_owned(), Value::from(case))]);
        let (target, _) = request(get, &input);
        let persona = self.apply.audience == hub_core::Audience::Legal;
        let mut headers = vec![("hub-world", token)];
        if persona {
            headers.push(("hub-persona", "zheng-haiyan@yunfan-tech"));
        }
        let got = self.hub.ask("GET", &format!("/sandbox{target}"), &headers, None).await;
        got.body["case_status"].clone()
    }

    async fn advance(&self, token: &str, by: &str) -> Got {
        self.post("/sandbox/_clock", &[("hub-world", token)], &json!({"advance": by}))
            .await
    }
}

fn kinds(got: &Got) -> Vec<String> {
    let happened = got.body["happened"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", got.body));
    happened
        .iter()
        .map(|h| h["kind"].as_str().unwrap().to_owned())
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn j5_a_case_is_warned_of_overdue_decided_and_handed_on() {
    let bench = Bench::new().await;
    let began = Instant::now();
    let world = bench.world().await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let token = text(&world["token"]);
    // 1: the application
    let made = bench.apply(&token, "pending; days=60").await;
    assert_eq!(made.status, bench.apply.status, "{}", made.body);
    let case = text(&made.body["acceptance_no"]);
    assert_eq!(made.header("hub-clock"), START);
    assert_eq!(
        (made.header("hub-sandbox"), made.header("hub-scenario")),
        (text(&world["id"]).as_str(), "pending; days=60")
    );
    assert!(!made.header("x-request-id").is_empty());
    // 2: day 16, the warning
    let moved = bench.advance(&token, "16wd").await;
    assert_eq!(kinds(&moved), ["accepted", "examined", "warning"]);
    assert_eq!(
        (moved.body["now"].as_str(), moved.header("hub-clock")),
        (Some("2026-03-25T09:00:00+08:00"), "2026-03-25T09:00:00+08:00")
    );
    // 3: day 21, it is overdue
    let moved = bench.advance(&token, "5wd").await;
    assert_eq!(kinds(&moved), ["overdue"]);
    assert_eq!(moved.body["happened"][0]["case"], case.as_str());
    assert_eq!(bench.state(&token, &case).await, "processing");
    // 4: the decision
    let id = text(&world["id"]);
    let target = |what: &str| format!("/sandbox/_worlds/{id}/{what}");
    let own = [("hub-world", token.as_str())];
    let decided = bench
        .post(
            &target("decisions"),
            &own,
            &json!({"case": case, "decision": "approved"}),
        )
        .await;
    assert_eq!(kinds(&decided), ["approved"], "{}", decided.body);
    assert!(["approved", "finished"].contains(&text(&bench.state(&token, &case).await).as_str()));
    let again = bench
        .post(
            &target("decisions"),
            &own,
            &json!({"case": case, "decision": "rejected"}),
        )
        .await;
    assert_eq!((again.status, again.code()), (409, "conflict"));
    // 5: the events arrive, and a colleague gets the state
    let events = bench.hub.ask("GET", &target("events"), &own, None).await.body;
    let told: Vec<&str> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| h["kind"].as_str().unwrap())
        .collect();
    assert_eq!(
        told,
        ["submitted", "accepted", "examined", "warning", "overdue", "approved"]
    );
    let rest = bench
        .hub
        .ask("GET", &format!("{}?after=4", target("events")), &own, None)
        .await
        .body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (2, &json!(6)));
    let kept = bench.post(&target("snapshots"), &own, &json!({"name": "批准后"})).await;
    assert_eq!(
        (kept.status, &kept.body["clock"]),
        (201, &json!("2026-04-01T09:00:00+08:00"))
    );
    let shared = bench.post(&target("share"), &own, &json!({"rights": "read"})).await;
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
    assert_eq!(
        (seen.status, &seen.body["rights"], &seen.body["matters"]),
        (200, &json!("read"), &json!(1))
    );
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_is_its_owners_and_whoever_is_let_in() {
    let bench = Bench::new().await;
    let key = bench.key();
    let own = [("x-api-key", key.as_str())];
    let made = bench.post("/sandbox/_worlds", &own, &json!({"name": "我的"})).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let (id, token) = (text(&made.body["id"]), text(&made.body["token"]));
    let listed = bench.hub.ask("GET", "/sandbox/_worlds", &own, None).await;
    assert_eq!(listed.body["items"][0]["id"], id.as_str());
    assert!(listed.body["items"][0].get("token").is_none(), "it is shown once");
    let call = async |headers: &[(&str, &str)]| {
        let (target, body) = request(&bench.apply, &example(&bench.apply));
        bench
            .hub
            .ask("POST", &format!("/sandbox{target}"), headers, body.as_ref())
            .await
    };
    let told = |got: &Got| (got.status, got.code().to_owned());
    let mine = call(&[("hub-world", &id), ("x-api-key", &key)]).await;
    assert_eq!(
        (mine.status, mine.header("hub-sandbox")),
        (bench.apply.status, id.as_str())
    );
    assert_eq!(call(&[("hub-world", &token)]).await.status, bench.apply.status);
    // Another client, nobody, and names nobody has.
    let other = bench
        .hub
        .operate(
            "POST",
            "/admin/clients",
            Some(&json!({"tenant": "demo", "name": "另一个", "plan": "demo", "environment": "sandbox"})),
        )
        .await;
    let other = text(&other.body["key"]);
    assert_eq!(
        told(&call(&[("hub-world", &id), ("x-api-key", &other)]).await),
        (403, "not-authorized".into())
    );
    assert_eq!(told(&call(&[("hub-world", &id)]).await), (401, "key-missing".into()));
    for name in [
        "city",
        "wld_00000000000000000000000000000000",
        "wkey_nonsense",
        "default@x",
        "x",
    ] {
        let got = call(&[("hub-world", name)]).await;
        assert_eq!(
            (told(&got), got.body["where"].as_str()),
            ((400, "bad-request".into()), Some("header/Hub-World")),
            "{name}"
        );
        assert_eq!(got.header("hub-sandbox"), "none");
    }
    let foreign = bench
        .hub
        .ask("GET", &format!("/sandbox/_worlds/{id}"), &[("x-api-key", &other)], None)
        .await;
    assert_eq!(told(&foreign), (403, "not-authorized".into()));
    let listed = bench
        .hub
        .ask("GET", "/sandbox/_worlds", &[("x-api-key", &other)], None)
        .await;
    assert_eq!(listed.body["items"], json!([]));
    // A token to look with looks only; one to write with does not own.
    let share = async |rights: &str| {
        let got = bench
            .post(
                &format!("/sandbox/_worlds/{id}/share"),
                &own,
                &json!({"rights": rights}),
            )
            .await;
        text(&got.body["token"])
    };
    let (read, write) = (share("read").await, share("write").await);
    assert_eq!(
        told(&call(&[("hub-world", &read)]).await),
        (403, "not-authorized".into())
    );
    assert_eq!(call(&[("hub-world", &write)]).await.status, bench.apply.status);
    assert_eq!(told(&bench.advance(&read, "1d").await), (403, "not-authorized".into()));
    assert_eq!(bench.advance(&write, "1d").await.status, 200);
    let removed = bench
        .hub
        .ask(
            "DELETE",
            &format!("/sandbox/_worlds/{id}"),
            &[("hub-world", &write)],
            None,
        )
        .await;
    assert_eq!(told(&removed), (403, "not-authorized".into()));
    // The clock of everybody is nobody's to turn.
    assert_eq!(
        told(&bench.post("/sandbox/_clock", &own, &json!({"advance": "1d"})).await),
        (403, "not-authorized".into())
    );
    assert_eq!(
        bench.hub.ask("GET", "/sandbox/_clock", &[], None).await.body["world"],
        "default"
    );
    let removed = bench
        .hub
        .ask("DELETE", &format!("/sandbox/_worlds/{id}"), &own, None)
        .await;
    assert_eq!(removed.status, 204);
    assert_eq!(told(&call(&[("hub-world", &token)]).await), (400, "bad-request".into()));
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_snapshots_and_restarts_keep_what_was_there() {
    let bench = Bench::new().await;
    let world = bench.world().await;
    let (id, token) = (text(&world["id"]), text(&world["token"]));
    let made = bench.apply(&token, "pending; days=60").await;
    let case = text(&made.body["acceptance_no"]);
    bench.advance(&token, "3d").await;
    let own = [("hub-world", token.as_str())];
    let target = |what: &str| format!("/sandbox/_worlds/{id}/{what}");
    let kept = text(&bench.post(&target("snapshots"), &own, &json!({})).await.body["id"]);
    let fork = bench.post(&target("fork"), &own, &json!({"name": "分支"})).await;
    assert_eq!((fork.status, &fork.body["matters"]), (201, &json!(1)), "{}", fork.body);
    let forked = text(&fork.body["token"]);
    bench.advance(&forked, "P1Y").await;
    assert_eq!(bench.state(&token, &case).await, "processing");
    let there = text(&bench.state(&forked, &case).await);
    assert!(["approved", "finished"].contains(&there.as_str()), "{there}");
    let second = text(&bench.apply(&token, "ok").await.body["acceptance_no"]);
    let in_default = text(&bench.apply("default", "ok").await.body["acceptance_no"]);
    // What everybody did is written down within a second.
    tokio::time::sleep(Duration::from_secs(1)).await;

    let bench = bench.restarted().await;
    assert_eq!(bench.state(&token, &second).await, bench.state(&token, &second).await);
    assert!(bench.state(&token, &case).await.is_string() && bench.state(&token, &second).await.is_string());
    assert!(bench.state("default", &in_default).await.is_string());
    assert_eq!(text(&bench.state(&forked, &case).await), there);
    assert!(bench.state(&forked, &second).await.is_null(), "the fork is apart");
    let clock = bench.hub.ask("GET", "/sandbox/_clock", &own, None).await;
    assert_eq!(
        (&clock.body["now"], &clock.body["frozen"]),
        (&json!("2026-03-06T09:00:00+08:00"), &json!(true))
    );
    let events = bench.hub.ask("GET", &target("events"), &own, None).await.body;
    assert_eq!(events["items"].as_array().unwrap().len(), 4, "{events}");
    // Back to the snapshot: the second case never was. Then to nothing.
    let back = bench.post(&target("reset"), &own, &json!({"snapshot": kept})).await;
    assert_eq!((back.status, &back.body["matters"]), (200, &json!(1)), "{}", back.body);
    assert!(bench.state(&token, &second).await.is_null() && bench.state(&token, &case).await.is_string());
    let wrong = bench.post(&target("reset"), &own, &json!({"snapshot": "snp_x"})).await;
    assert_eq!(
        (wrong.status, wrong.code(), wrong.body["near"][0].as_str()),
        (422, "validation-failed", Some(kept.as_str()))
    );
    assert_eq!(
        bench.post(&target("reset"), &own, &json!({})).await.body["matters"],
        json!(0)
    );
    let of_kept = bench.post(&target("fork"), &own, &json!({"snapshot": kept})).await;
    let of_kept = text(&of_kept.body["token"]);
    assert!(bench.state(&of_kept, &case).await.is_string());
    assert!(bench.state(&token, &case).await.is_null());
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worlds_left_alone_are_frozen_and_thaw_whole() {
    let bench = Bench::new().await;
    let key = bench.key();
    let own = [("x-api-key", key.as_str())];
    let mut ids = Vec::new();
    for n in 0..21 {
        let made = bench
            .post("/sandbox/_worlds", &own, &json!({"name": n.to_string()}))
            .await;
        ids.push((text(&made.body["id"]), text(&made.body["token"])));
        if n == 0 {
            assert_eq!(bench.apply(&ids[0].1, "ok").await.status, bench.apply.status);
        }
    }
    let (id, _) = &ids[1];
    let first = bench
        .hub
        .ask("GET", &format!("/sandbox/_worlds/{}", ids[0].0), &own, None)
        .await;
    let second = bench
        .hub
        .ask("GET", &format!("/sandbox/_worlds/{id}"), &own, None)
        .await;
    let frozen: Vec<&Got> = [&first, &second]
        .into_iter()
        .filter(|w| w.body["state"] == "frozen")
        .collect();
    assert_eq!(
        frozen.len(),
        1,
        "only the one left alone longest: {} {}",
        first.body,
        second.body
    );
    let (id, token) = if first.body["state"] == "frozen" {
        &ids[0]
    } else {
        &ids[1]
    };
    let refused = bench.apply(token, "ok").await;
    assert_eq!(
        (refused.status, refused.code(), refused.body["world"].as_str()),
        (409, "world-frozen", Some(id.as_str()))
    );
    let thawed = bench
        .post(&format!("/sandbox/_worlds/{id}/thaw"), &own, &json!({}))
        .await;
    assert_eq!((thawed.status, &thawed.body["state"]), (200, &json!("live")));
    assert_eq!(bench.apply(token, "ok").await.status, bench.apply.status);
    let frozen = bench
        .post(&format!("/sandbox/_worlds/{id}/freeze"), &own, &json!({}))
        .await;
    assert_eq!(frozen.body["state"], "frozen");
    assert_eq!(bench.apply(token, "ok").await.code(), "world-frozen");
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_sandbox_says_where_and_when_it_was_given() {
    let bench = Bench::new().await;
    let token = text(&bench.world().await["token"]);
    let (target, body) = request(&bench.apply, &example(&bench.apply));
    let target = format!("/sandbox{target}");
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let tries: [(&str, Headers<'_>, Option<Value>); 5] = [
        ("ok", &[], body.clone()),
        ("down", &[("hub-scenario", "down")], body.clone()),
        ("nonsense", &[("hub-scenario", "nonsense")], body.clone()),
        ("not checked", &[], Some(json!({"no_such": 1}))),
        (
            "no key",
            &[("x-api-key", "hub_sandbox_0000000000000000_nonsense")],
            body,
        ),
    ];
    for (why, headers, body) in tries {
        let mut headers = headers.to_vec();
        headers.push(("hub-world", &token));
        let got = bench.hub.ask("POST", &target, &headers, body.as_ref()).await;
        if why == "no key" {
            assert_eq!(got.status, 401);
        } else {
            assert_eq!(got.header("hub-clock"), START, "{why}: {}", got.body);
        }
        for name in ["hub-sandbox", "hub-scenario", "hub-clock", "x-request-id"] {
            assert!(!got.header(name).is_empty(), "{why} {name}");
        }
    }
    let missing = bench
        .hub
        .ask("GET", "/sandbox/no/such/v1/thing", &[("hub-world", &token)], None)
        .await;
    assert_eq!((missing.status, missing.header("hub-clock")), (404, START));
    bench.hub.stop().await;
}

/// A description with a state in it, as an agency registers it.
const MATTERS: &str = "openapi: 3.0.3
info: {title: 办件, version: 1.0.0}
paths:
  /applies:
    post:
      summary: 申请
      requestBody: {content: {application/json: {schema: {type: object, properties: {title: {type: string}, contact_name: {type: string}}}}}}
      responses: {'201': {description: 好, content: {application/json: {schema: {$ref: '#/components/schemas/Apply'}}}}}
  /applies/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      summary: 查询
      responses: {'200': {description: 好, content: {application/json: {schema: {$ref: '#/components/schemas/Apply'}}}}, '404': {description: 无}}
    put:
      summary: 更新
      requestBody: {content: {application/json: {schema: {type: object, properties: {title: {type: string}}}}}}
      responses: {'200': {description: 好, content: {application/json: {schema: {$ref: '#/components/schemas/Apply'}}}}}
  /applies/{id}/supplements:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    post:
      summary: 补件
      requestBody: {content: {application/json: {schema: {type: object, properties: {file: {type: string}}}}}}
      responses: {'204': {description: 好}}
components:
  schemas:
    Apply: {type: object, required: [id, status], properties: {id: {type: integer}, title: {type: string}, status: {type: string, enum: [submitted, supplementing, processing, approved]}}}
";

#[tokio::test(flavor = "multi_thread")]
async fn registered_descriptions_live_in_worlds_too() {
    let bench = Bench::new().await;
    let http = http();
    let bearer = format!("Bearer {}", bench.hub.ready().desk_tokens["clerk"]);
    let uploaded = http
        .post(format!(
            "{}/registry/versions?system=matters&file=m.yaml",
            bench.hub.ready().base_url
        ))
        .header("authorization", bearer)
        .body(MATTERS)
        .send()
        .await
        .unwrap();
    let told: Value = serde_json::from_slice(&uploaded.bytes().await.unwrap()).unwrap();
    let address = text(&told["sandbox_url"]);
    let base = address.strip_prefix(&bench.hub.ready().base_url).unwrap().to_owned();
    let token = text(&bench.world().await["token"]);
    let own = [("hub-world", token.as_str())];
    let make = async |scenario: &str| {
        let headers = [("hub-world", token.as_str()), ("hub-scenario", scenario)];
        let made = bench
            .post(&format!("{base}/applies"), &headers, &json!({"title": "甲"}))
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["id"].to_string()
    };
    let (papers, waits) = (make("need-docs; n=2").await, make("pending; days=5").await);
    let state = async |world: &str, id: &str| {
        let got = bench
            .hub
            .ask("GET", &format!("{base}/applies/{id}"), &[("hub-world", world)], None)
            .await;
        (
            got.body["status"].as_str().unwrap_or_default().to_owned(),
            got.body["title"].clone(),
        )
    };
    assert_eq!(state(&token, &papers).await, ("supplementing".to_owned(), json!("甲")));
    assert_eq!(state(&token, &waits).await.0, "processing");
    assert_ne!(
        state("default", &papers).await.1,
        json!("甲"),
        "another world knows nothing of it"
    );
    let hand_in = async || {
        bench
            .post(
                &format!("{base}/applies/{papers}/supplements"),
                &own,
                &json!({"file": "x"}),
            )
            .await
            .status
    };
    assert_eq!(
        (hand_in().await, state(&token, &papers).await.0),
        (204, "supplementing".into())
    );
    assert_eq!(
        (hand_in().await, state(&token, &papers).await.0),
        (204, "processing".into())
    );
    bench.advance(&token, "5wd").await;
    assert_eq!(
        (state(&token, &waits).await.0, state(&token, &papers).await.0),
        ("approved".into(), "approved".into())
    );
    let magic = bench
        .post(&format!("{base}/applies"), &own, &json!({"contact_name": "停机先生"}))
        .await;
    assert_eq!((magic.status, magic.code()), (503, "upstream-unavailable"));

    let bench = bench.restarted().await;
    let got = bench
        .hub
        .ask("GET", &format!("{base}/applies/{waits}"), &own, None)
        .await;
    assert_eq!(
        (&got.body["status"], &got.body["title"], got.header("hub-clock")),
        (&json!("approved"), &json!("甲"), "2026-03-10T09:00:00+08:00")
    );
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_in_a_world_survives_kill_9() {
    let city = City::of(&["forest/lic"]).unhurried();
    let data = tempfile::tempdir().unwrap();
    let catalog = hub_catalog::Catalog::load(&city.path("specs")).unwrap();
    let apply = catalog.operation(APPLY).unwrap();
    let get = catalog
        .operations()
        .iter()
        .find(|o| o.id.ends_with(".case-get"))
        .unwrap();
    let (target, body) = request(apply, &example(apply));
    let (mut child, ready, _) = start(&city, data.path());
    let client = http();
    let made = client
        .post(format!("{}/sandbox/_worlds", ready.base_url))
        .header("content-type", "application/json")
        .body(json!({"clock": START}).to_string());
    let made: Value = serde_json::from_slice(&made.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let token = text(&made["token"]);
    let began = Instant::now();
    let mut answered = Vec::new();
    while began.elapsed() < Duration::from_millis(2_500) {
        let send = |n: usize| {
            let request = client
                .post(format!("{}/sandbox{target}", ready.base_url))
                .header("hub-world", &token)
                .header("x-request-id", format!("kill-{:06}-{n}", answered.len()))
                .header("content-type", "application/json")
                .body(body.as_ref().unwrap().to_string());
            async move {
                let answer = request.send().await.ok()?;
                let id = answer.headers().get("x-request-id")?.to_str().ok()?.to_owned();
                let body: Value = serde_json::from_slice(&answer.bytes().await.ok()?).ok()?;
                Some((Instant::now(), id, body["acceptance_no"].as_str()?.to_owned()))
            }
        };
        let all = futures_util::future::join_all((0..4).map(send)).await;
        answered.extend(all.into_iter().flatten());
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let killed = Instant::now();
    assert!(answered.len() > 8, "{}", answered.len());

    let (mut child, ready, _) = start(&city, data.path());
    let ask = async |target: String| {
        let got = client
            .get(format!("{}{target}", ready.base_url))
            .header("hub-world", &token);
        let got = got
            .header("hub-persona", "zheng-haiyan@yunfan-tech")
            .send()
            .await
            .unwrap();
        (
            got.status().as_u16(),
            serde_json::from_slice::<Value>(&got.bytes().await.unwrap()).unwrap(),
        )
    };
    for (at, id, case) in &answered {
        let input = Map::from_iter([("acceptance_no".to_owned(), Value::from(case.as_str()))]);
        let (status, told) = ask(format!("/sandbox{}", request(get, &input).0)).await;
        assert_eq!(
            (status, told["acceptance_no"].as_str()),
            (get.status, Some(case.as_str())),
            "{told}"
        );
        // The log may have lost its last second.
        if killed.duration_since(*at) > Duration::from_millis(1_200) {
            let (status, line) = ask(format!("/r/{id}.json")).await;
            assert_eq!((status, &line["status"]), (200, &json!(apply.status)), "{id}");
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
