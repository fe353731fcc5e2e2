//! The way to the agencies' systems, over real sockets: what is tried again, what never is, and what is said.

use crate::city::{City, Request, body, catalog, document, header, lines, problem, snapshot};
use crate::upstream::{Do, Upstream};
use hub_connectors::{About, Connector, Origin};
use hub_core::wire::ReplyBody;
use hub_core::{Kept, ProblemCode as Code, Reply, SystemId};
use hub_gateway::{AddressSource, Door, Jobs, LiveParts, LiveUpstream, SecretSource, Snapshot};
use hub_outbound::{EgressPolicy, Outbound};
use hub_store::SubmissionState as State;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Under which the news of case `C-1` are kept: SHA-256 of its number, preceded by its length in eight bytes.
pub const CASE: &str = "27ca2ba8fa72fa3e81547f31001b9782584493a9f3eeb12555224e08b32ca12c";

/// One address and one secret for everything.
pub struct Around(pub Option<String>);

impl AddressSource for Around {
    fn variable(&self, name: &str) -> Option<String> {
        assert_eq!(name, "UPSTREAM_DEMO_FRONT");
        self.0.clone()
    }

    fn trusts_loopback(&self, _system: &SystemId) -> bool {
        true
    }
}

impl SecretSource for Around {
    fn get(&self, system: &SystemId, name: &str) -> Option<String> {
        assert_eq!(system.to_string(), "demo/front");
        (name != "missing").then(|| format!("<{name}>"))
    }

    fn subject_token(&self, system: &SystemId, about: &About<'_>) -> Option<String> {
        let name = |pairwise: &str| pairwise.trim_start_matches("demo:").to_owned();
        let (subject, agent) = (name(about.subject), about.agent.map_or("nobody".into(), name));
        Some(format!("{system} {subject} by {agent} {}", about.assurance?))
    }
}

fn plain() -> String {
    manifest("dialect: rest-json, timeout: 400ms", "", "operations: same")
}

pub fn manifest(upstream: &str, more: &str, operations: &str) -> String {
    format!("system: demo/front\nupstream: {{url: \"${{UPSTREAM_DEMO_FRONT}}\", {upstream}}}\n{more}\n{operations}\n")
}

/// A city whose live line is the real one.
pub async fn city(manifest: &str, address: Option<String>) -> City {
    city_over(manifest, address, None).await
}

/// The same over a store that another hub has open.
pub async fn city_over(manifest: &str, address: Option<String>, store: Option<hub_store::Store>) -> City {
    let document = document("demo/front/connector.yaml", manifest);
    let compiled = Connector::compile(&document, &catalog(), Origin::Operator);
    let connector = compiled.unwrap_or_else(|f| panic!("{}", lines(&f))).connector;
    let city = City::with(|parts| {
        if let Some(store) = store {
            parts.store = store;
        }
        let live = LiveParts {
            snapshots: parts.snapshots.clone(),
            outbound: Outbound::new(EgressPolicy::public()).unwrap(),
            store: parts.store.clone(),
            secrets: Arc::new(Around(None)),
            addresses: Arc::new(Around(address)),
            clock: parts.clock.clone(),
        };
        parts.live = Arc::new(LiveUpstream::new(live).for_worker().unwrap());
        parts.secrets = Arc::new(Around(None));
        parts.settings.deadline_ms = 3_000;
    })
    .await;
    city.gateway.reload(Snapshot {
        connectors: BTreeMap::from([(SystemId::new("demo", "front"), Arc::new(connector))]),
        ..snapshot()
    });
    city
}

pub fn weather() -> Do {
    Do::Say(200, "application/json", json!({"text": "晴"}).to_string())
}

/// The contract knows `clear` and `rain`.
#[tokio::test]
async fn q15_a_code_that_no_contract_lists_leaves_flagged() {
    let answers = [
        json!({"text": "晴", "sky": "hail"}),
        json!({"text": "晴", "sky": "rain", "hours": [{"sky": "rain"}, {"sky": "04"}]}),
        json!({"text": "晴", "sky": "rain"}),
        json!({"text": {"deep": 5}, "sky": "hail"}),
        json!({"sky": "hail"}),
        json!({"text": "晴", "sky": "9".repeat(65)}),
        json!({"text": "晴", "sky": "<html>"}),
        json!({"text": "晴", "sky": ["rain", "hail"]}),
    ];
    let upstream = Upstream::open(move |heard| {
        let at: usize = heard.line.rsplit('c').next().unwrap().parse().unwrap();
        Do::Say(200, "application/json", answers[at].to_string())
    })
    .await;
    let city = city(&plain(), Some(upstream.address.clone())).await;
    let ask = |n: usize| city.call(Request::new("GET", &format!("/demo/front/v1/weather?city=c{n}")).key("wide"));
    let flag = |reply: &Reply| header(reply, "Hub-Unknown-Codes").map(str::to_owned);
    let hail = ask(0).await;
    assert_eq!((hail.status, &body(&hail)["sky"]), (200, &json!("hail")), "as it came");
    assert_eq!(flag(&hail).as_deref(), Some("/sky"));
    let nested = ask(1).await;
    assert_eq!((nested.status, flag(&nested).as_deref()), (200, Some("/hours/1/sky")));
    let known = ask(2).await;
    assert_eq!((known.status, flag(&known)), (200, None));
    for n in 3..8 {
        assert_eq!(problem(&ask(n).await).code, Code::UpstreamContract, "{n}");
    }
    let text = city.gateway.metrics().render();
    for field in ["sky", "hours/sky"] {
        let counted =
            format!("hub_surprises_total{{operation=\"demo.weather\",field=\"{field}\",kind=\"unknown-code\"}} 1");
        assert!(text.contains(&counted), "{text}");
    }
}

pub fn case(number: &str) -> Do {
    Do::Say(201, "application/json", json!({"case_no": number}).to_string())
}

#[tokio::test]
async fn a_call_arrives_in_the_systems_own_words_and_comes_back_canonical() {
    let upstream = Upstream::open(|_| weather()).await;
    let city = city(&plain(), Some(upstream.address.clone())).await;
    let reply = city.call(Request::weather().key("wide")).await;
    assert_eq!(reply.status, 200, "{:?}", reply.body);
    assert_eq!(body(&reply), &json!({"text": "晴"}));
    assert_eq!(upstream.lines(), ["GET /weather?city=%E6%98%9F%E5%9F%8E"]);
}

#[tokio::test]
async fn an_address_that_is_not_set_is_named() {
    let city = city(&plain(), None).await;
    let reply = city.call(Request::weather().key("wide")).await;
    assert_eq!(problem(&reply).code, Code::NotConnected);
    assert_eq!(problem(&reply).more["variable"], "UPSTREAM_DEMO_FRONT");
}

#[tokio::test]
async fn q21_a_closed_system_is_not_even_called() {
    let upstream = Upstream::open(|_| case("C-1")).await;
    let closed = manifest("dialect: rest-json", "closed: [\"10:00-12:00\"]", "operations: same");
    let city = city(&closed, Some(upstream.address.clone())).await;
    // It is 11:05:30 in China.
    let reply = city.call(Request::apply("a")).await;
    assert_eq!(
        (problem(&reply).code, problem(&reply).kept),
        (Code::UpstreamMaintenance, Kept::Saved)
    );
    assert_eq!(problem(&reply).more["resume_at"], "2026-04-08T12:00:00+08:00");
    assert_eq!(header(&reply, "retry-after"), Some("3270"));
    assert!(upstream.lines().is_empty());
    let jobs = Jobs::new(city.gateway.clone());
    city.clock.forward(3_000);
    assert_eq!(jobs.deliver_due().await, 0, "it waits until the system opens");
    city.clock.forward(300);
    assert_eq!(jobs.deliver_due().await, 1);
    assert_eq!(upstream.lines(), ["POST /applications"]);
}

#[tokio::test]
async fn a_system_that_is_gone_keeps_the_submission() {
    let city = city(&plain(), Some("http://127.0.0.1:9".into())).await;
    let reply = city.call(Request::apply("a")).await;
    assert_eq!(
        (problem(&reply).code, problem(&reply).kept),
        (Code::UpstreamUnavailable, Kept::Saved)
    );
    let read = city.call(Request::weather().key("wide")).await;
    assert_eq!(
        (problem(&read).code, problem(&read).kept),
        (Code::UpstreamUnavailable, Kept::Nothing)
    );
    assert!(city.records()[1].attempts > 1, "a read is tried again");
}

#[tokio::test]
async fn a_read_that_breaks_off_is_tried_again_and_an_act_is_not() {
    let times = Arc::new(AtomicUsize::new(0));
    let count = times.clone();
    let upstream = Upstream::open(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Do::HangUp,
        1 => weather(),
        _ => Do::HangUp,
    })
    .await;
    let city = city(&plain(), Some(upstream.address.clone())).await;
    assert_eq!(city.call(Request::weather().key("wide")).await.status, 200);
    assert_eq!(times.load(Ordering::SeqCst), 2);
    let act = city.call(Request::apply("a")).await;
    assert_eq!(problem(&act).kept, Kept::Unknown);
    assert_eq!(
        times.load(Ordering::SeqCst),
        3,
        "nobody knows whether it arrived, so it is not sent again"
    );
    let id = problem(&act).submission.clone().unwrap();
    city.clock.forward(60);
    Jobs::new(city.gateway.clone()).deliver_due().await;
    let state = city.store.submissions().get(&id).await.unwrap().unwrap().state;
    assert_eq!((state, times.load(Ordering::SeqCst)), (State::Manual, 3));
}

#[tokio::test]
async fn q28_a_silent_act_is_asked_about_by_the_way_the_manifest_names() {
    let upstream = Upstream::open(|heard| match heard.line.as_str() {
        "POST /applications" => Do::Silence,
        _ => Do::Say(200, "application/json", json!({"case_no": "C-5"}).to_string()),
    })
    .await;
    let operations = "operations:\n  apply: {call: same, unsure: {ask: find}}\n  find: {call: GET /find, internal: true, send: {ref: $submission}}\n  \"*\": same\n";
    let city = city(
        &manifest("dialect: rest-json, timeout: 300ms", "", operations),
        Some(upstream.address.clone()),
    )
    .await;
    let reply = city.call(Request::apply("a")).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    assert_eq!(body(&reply), &json!({"case_no": "C-5"}));
    let asked = upstream.lines()[1].clone();
    let id = city.records()[0].submission.clone().unwrap();
    assert_eq!(asked, format!("GET /find?ref={id}"));
}

#[tokio::test]
async fn q20_many_calls_log_in_once_and_once_more_when_the_session_is_lost() {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = logins.clone();
    let upstream = Upstream::open(move |heard| {
        if heard.line == "POST /login" {
            assert!(heard.body.contains("<user>"));
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            return Do::SayWith(format!("Set-Cookie: SID=s{n}; Path=/"), "{}");
        }
        // The system keeps one session and forgets the first after four calls.
        let live = format!("sid=s{}", count.load(Ordering::SeqCst));
        if heard.head.contains(&live) && !heard.line.contains("late") || heard.head.contains("sid=s2") {
            weather()
        } else {
            Do::Say(401, "application/json", "{}".into())
        }
    })
    .await;
    let session = "session: {login: POST /login, send: {user: secret:user}, keep: cookie SID, lost: [\"401\"]}";
    let city = city(
        &manifest("dialect: rest-json", session, "operations: same"),
        Some(upstream.address.clone()),
    )
    .await;
    let city = Arc::new(city);
    let calls: Vec<_> = (0..6)
        .map(|n| {
            let city = city.clone();
            let path = format!("/demo/front/v1/weather?city=c{n}");
            tokio::spawn(async move { city.call(Request::new("GET", &path).key("wide")).await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(logins.load(Ordering::SeqCst), 1);
    let late = city
        .call(Request::new("GET", "/demo/front/v1/weather?city=late").key("wide"))
        .await;
    assert_eq!((late.status, logins.load(Ordering::SeqCst)), (200, 2));
    let last = city
        .call(Request::new("GET", "/demo/front/v1/weather?city=late2").key("wide"))
        .await;
    assert_eq!(
        (last.status, logins.load(Ordering::SeqCst)),
        (200, 2),
        "the new session is kept"
    );
}

#[tokio::test]
async fn a_page_instead_of_data_and_a_refusal_each_have_their_problem() {
    let upstream = Upstream::open(|heard| {
        if heard.line.contains("page") {
            Do::Say(200, "text/html", "<html><body>blocked</body></html>".into())
        } else {
            Do::Say(404, "application/json", "{}".into())
        }
    })
    .await;
    let city = city(&plain(), Some(upstream.address.clone())).await;
    let page = city
        .call(Request::new("GET", "/demo/front/v1/weather?city=page").key("wide"))
        .await;
    assert_eq!(problem(&page).code, Code::UpstreamBlocked);
    let none = city
        .call(Request::new("GET", "/demo/front/v1/weather?city=none").key("wide"))
        .await;
    assert_eq!(problem(&none).code, Code::RecordNotFound);
}

#[tokio::test]
async fn q23_a_knock_is_verified_answered_in_the_vendors_words_and_counted_once() {
    let callback = "callback: {verify: \"secret:hook in header X-Token\", case: case_no, state: text, time: at, fields: {case_no: case_no, text: text}, answer: text success, refuse: text fail}";
    let city = city(&manifest("dialect: rest-json", callback, "operations: same"), None).await;
    let knock = |state: &str, at: &str, token: &str| {
        let body = json!({"case_no": "C-1", "text": state, "at": at});
        let request = Request::new("POST", "/demo/front/notice")
            .json(&body)
            .header("X-Token", token);
        city.gateway.run(request.0, Door::Callback)
    };
    let said = |reply: &Reply| match &reply.body {
        ReplyBody::Bytes { bytes, .. } => String::from_utf8_lossy(bytes).into_owned(),
        other => panic!("{other:?}"),
    };
    let meta = async || {
        let case = city.store.cases().get("demo/front", CASE).await.unwrap();
        case.map(|c| c.state.unwrap())
    };
    let forged = knock("完成", "2026-04-08T10:00:00+08:00", "guess").await;
    assert_eq!(
        (forged.status, said(&forged).as_str(), meta().await),
        (401, "fail", None)
    );
    for (state, at, expected) in [
        ("受理", "2026-04-08T10:00:00+08:00", "受理"),
        ("完成", "2026-04-08T11:00:00+08:00", "完成"),
        ("受理", "2026-04-08T10:00:00+08:00", "完成"),
        ("完成", "2026-04-08T11:00:00+08:00", "完成"),
    ] {
        let reply = knock(state, at, "<hook>").await;
        assert_eq!(
            (reply.status, said(&reply).as_str()),
            (200, "success"),
            "older and repeated news are answered too"
        );
        assert_eq!(meta().await.unwrap(), expected);
    }
    let nowhere = Request::new("POST", "/demo/back/notice").json(&json!({}));
    assert_eq!(city.gateway.run(nowhere.0, Door::Callback).await.status, 404);
    let problems: Vec<_> = city.records().into_iter().filter_map(|r| r.problem).collect();
    assert_eq!(problems, ["callback-rejected", "not-found"]);
}
