//! What is kept up without anybody asking: sessions, budgets, matters, orders, the manual queue, drift.

use crate::city::{Act, City, Request, body, problem};
use crate::live::{case, city_over, manifest, weather};
use crate::upstream::{Do, Upstream};
use hub_core::{Kept, Problem, ProblemCode as Code, Reply, SystemId};
use hub_gateway::{Door, Jobs, StatementRow};
use hub_store::{SubmissionState as State, Wanted};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn ask(n: usize) -> Request {
    Request::new("GET", &format!("/demo/front/v1/weather?city=c{n}")).key("wide")
}

async fn follow(city: &City, id: &str) -> Reply {
    let request = Request::new("GET", &format!("/submissions/{id}"))
        .key("wide")
        .token("zhang-r4");
    city.gateway.run(request.0, Door::Me).await
}

const TOKENS: &str = "session: {login: POST /login, send: {user: secret:user}, read: {token: /access_token, renew: /refresh_token}, \
     lives: 100s, refresh: {call: POST /renew, send: {refresh_token: session:renew}}, lost: [\"401\"]}\nsend: {header X-Token: session:token}";

#[tokio::test(flavor = "multi_thread")]
async fn q18_two_hubs_over_one_store_log_in_once() {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = logins.clone();
    let upstream = Upstream::open(move |heard| {
        if heard.line == "POST /login" {
            let n = count.fetch_add(1, Ordering::SeqCst) + 1;
            std::thread::sleep(Duration::from_millis(150));
            return Do::Say(
                200,
                "application/json",
                json!({"access_token": format!("a{n}"), "refresh_token": "r"}).to_string(),
            );
        }
        // A new token kills the one before.
        let live = format!("x-token: a{}\r\n", count.load(Ordering::SeqCst));
        if heard.head.contains(&live) {
            weather()
        } else {
            Do::Say(401, "application/json", "{}".into())
        }
    })
    .await;
    let manifest = manifest("dialect: rest-json", TOKENS, "operations: same");
    let first = Arc::new(city_over(&manifest, Some(upstream.address.clone()), None).await);
    let second = city_over(&manifest, Some(upstream.address.clone()), Some(first.store.clone())).await;
    let second = Arc::new(second);
    let calls: Vec<_> = (0..12)
        .map(|n| {
            let city = if n % 2 == 0 { first.clone() } else { second.clone() };
            tokio::spawn(async move { city.call(ask(n)).await.status })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), 200);
    }
    assert_eq!(logins.load(Ordering::SeqCst), 1);
    let restarted = city_over(&manifest, Some(upstream.address.clone()), Some(first.store.clone())).await;
    assert_eq!(restarted.call(ask(99)).await.status, 200);
    assert_eq!(
        logins.load(Ordering::SeqCst),
        1,
        "a hub that starts again uses what is kept"
    );
}

#[tokio::test]
async fn q18_a_session_is_renewed_early_and_its_refresh_token_is_rotated() {
    let upstream = Upstream::open(|heard| {
        let tokens = |a: &str, r: &str| {
            Do::Say(
                200,
                "application/json",
                json!({"access_token": a, "refresh_token": r}).to_string(),
            )
        };
        match heard.line.as_str() {
            "POST /login" => tokens("a1", "r1"),
            "POST /renew" if heard.body.contains("\"r1\"") => tokens("a2", "r2"),
            "POST /renew" if heard.body.contains("\"r2\"") => {
                Do::Say(200, "application/json", r#"{"access_token":"a3"}"#.into())
            }
            "POST /renew" => Do::Say(401, "application/json", "{}".into()),
            _ => weather(),
        }
    })
    .await;
    let manifest = manifest("dialect: rest-json", TOKENS, "operations: same");
    let city = city_over(&manifest, Some(upstream.address.clone()), None).await;
    let token = || {
        let heard = upstream.heard.lock().unwrap();
        let last = heard.last().unwrap().head.clone();
        last.split("x-token: ").nth(1).unwrap()[..2].to_owned()
    };
    assert_eq!((city.call(ask(1)).await.status, token().as_str()), (200, "a1"));
    city.clock.forward(84);
    assert_eq!(
        (city.call(ask(2)).await.status, token().as_str()),
        (200, "a1"),
        "it is good for long"
    );
    city.clock.forward(13);
    assert_eq!(
        (city.call(ask(3)).await.status, token().as_str()),
        (200, "a2"),
        "renewed before its end"
    );
    city.clock.forward(500);
    assert_eq!(
        (city.call(ask(4)).await.status, token().as_str()),
        (200, "a3"),
        "with the rotated refresh token"
    );
    city.clock.forward(500);
    assert_eq!(
        (city.call(ask(5)).await.status, token().as_str()),
        (200, "a3"),
        "what an answer leaves out stays"
    );
    assert_eq!(upstream.lines().iter().filter(|l| *l == "POST /login").count(), 1);
}

#[tokio::test]
async fn q18_a_renewal_that_fails_uses_the_old_session_to_its_end() {
    let upstream = Upstream::open(|heard| match heard.line.as_str() {
        "POST /login" if heard.head.contains("never") => Do::HangUp,
        "POST /login" => Do::Say(
            200,
            "application/json",
            r#"{"access_token":"a1","refresh_token":"r1"}"#.into(),
        ),
        "POST /renew" => Do::HangUp,
        _ => weather(),
    })
    .await;
    let city = city_over(
        &manifest("dialect: rest-json", TOKENS, "operations: same"),
        Some(upstream.address.clone()),
        None,
    )
    .await;
    assert_eq!(city.call(ask(1)).await.status, 200);
    city.clock.forward(97);
    assert_eq!(city.call(ask(2)).await.status, 200);
    assert_eq!(upstream.lines().iter().filter(|l| *l == "POST /renew").count(), 1);
    assert_eq!(city.call(ask(3)).await.status, 200);
    assert_eq!(
        upstream.lines().iter().filter(|l| *l == "POST /renew").count(),
        1,
        "not again at once"
    );
}

#[tokio::test]
async fn q20_refused_logins_are_not_repeated_until_the_account_is_locked() {
    let upstream = Upstream::open(|_| Do::Say(401, "application/json", "{}".into())).await;
    let session = "session: {login: POST /login, send: {user: secret:user}, keep: cookie SID, lost: [\"401\"]}";
    let city = city_over(
        &manifest("dialect: rest-json", session, "operations: same"),
        Some(upstream.address.clone()),
        None,
    )
    .await;
    for n in 0..5 {
        let reply = city.call(ask(n)).await;
        assert_eq!(problem(&reply).code, Code::UpstreamRefused);
    }
    assert_eq!(upstream.lines(), ["POST /login", "POST /login"]);
    let credentials = city.gateway.credentials();
    assert_eq!((credentials[0].kind, credentials[0].refusals), ("session", 2));
    let text = city.gateway.state_metrics();
    assert!(text.contains("hub_credentials_near{within=\"refused\"} 1"), "{text}");
    // The citizen's matter never was looked at, so it is kept.
    let reply = city.call(Request::apply("a")).await;
    assert_eq!(
        (problem(&reply).code, problem(&reply).kept),
        (Code::UpstreamRefused, Kept::Saved)
    );
}

#[tokio::test]
async fn q20_a_login_that_brings_its_page_again_is_not_repeated_either() {
    let page = "<!doctype html><html><body><form>login</form></body></html>";
    let upstream = Upstream::open(|_| Do::Say(200, "text/html", page.into())).await;
    let session =
        "session: {login: POST /login, send: {user: secret:user}, keep: cookie SID, answer: {}, lost: [html]}";
    let city = city_over(
        &manifest("dialect: rest-json", session, "operations: same"),
        Some(upstream.address.clone()),
        None,
    )
    .await;
    for n in 0..5 {
        assert!(city.call(ask(n)).await.status >= 500);
    }
    assert_eq!(upstream.lines(), ["POST /login", "POST /login"]);
}

#[tokio::test]
async fn q28_what_must_happen_once_is_not_sent_again_after_a_500_and_is_after_a_503() {
    for (status, body, sent, kept) in [
        (500, "{}", 1, Kept::Unknown),
        (500, "oops", 1, Kept::Unknown),
        (502, "<html>Bad Gateway</html>", 1, Kept::Unknown),
        (503, "{}", 2, Kept::Saved),
        (503, "closed", 2, Kept::Saved),
    ] {
        let upstream = Upstream::open(move |_| Do::Say(status, "application/json", body.into())).await;
        let manifest = manifest("dialect: rest-json", "", "operations: same");
        let city = city_over(&manifest, Some(upstream.address.clone()), None).await;
        let reply = city.call(Request::apply("a")).await;
        assert_eq!(
            (problem(&reply).code, problem(&reply).kept),
            (Code::UpstreamUnavailable, kept)
        );
        city.clock.forward(3_600);
        Jobs::new(city.gateway.clone()).deliver_due().await;
        assert_eq!(upstream.lines().len(), sent, "{status}");
    }
}

#[tokio::test]
async fn q18_logins_are_counted_where_the_system_counts_them() {
    let upstream = Upstream::open(|heard| match heard.line.as_str() {
        "POST /login" => Do::SayWith("Set-Cookie: SID=s1; Path=/".into(), "{}"),
        _ => Do::Say(401, "application/json", "{}".into()),
    })
    .await;
    let session =
        "session: {login: POST /login, send: {user: secret:user}, keep: cookie SID, lost: [\"401\"], daily: 1}";
    let city = city_over(
        &manifest("dialect: rest-json", session, "operations: same"),
        Some(upstream.address.clone()),
        None,
    )
    .await;
    assert_eq!(problem(&city.call(ask(1)).await).code, Code::UpstreamRefused);
    assert_eq!(problem(&city.call(ask(2)).await).code, Code::UpstreamBusy);
    assert_eq!(upstream.lines().iter().filter(|l| *l == "POST /login").count(), 1);
}

#[tokio::test]
async fn q22_logins_and_questions_count_and_retries_stay_below_a_tenth() {
    let upstream = Upstream::open(|heard| match heard.line.as_str() {
        "POST /login" => Do::SayWith("Set-Cookie: SID=s1; Path=/".into(), "{}"),
        _ => weather(),
    })
    .await;
    let more = "limits: {daily: 3}\nsession: {login: POST /login, send: {user: secret:user}, keep: cookie SID, lost: [\"401\"]}";
    let city = city_over(
        &manifest("dialect: rest-json", more, "operations: same"),
        Some(upstream.address.clone()),
        None,
    )
    .await;
    assert_eq!(
        (city.call(ask(1)).await.status, city.call(ask(2)).await.status),
        (200, 200)
    );
    let full = city.call(ask(3)).await;
    assert_eq!(problem(&full).code, Code::UpstreamBusy);
    assert_eq!(upstream.lines().len(), 3, "the login was one of them");
    // Another hub over the same store has no budget of its own.
    let manifest = manifest("dialect: rest-json", "limits: {daily: 3}", "operations: same");
    let second = city_over(&manifest, Some(upstream.address.clone()), Some(city.store.clone())).await;
    assert_eq!(problem(&second.call(ask(4)).await).code, Code::UpstreamBusy);

    let broken = Upstream::open(|_| Do::HangUp).await;
    let plain = manifest_of_plain();
    let city = city_over(&plain, Some(broken.address.clone()), None).await;
    let mut calls = 0;
    for n in 0..60 {
        city.call(ask(n)).await;
        calls += 1;
    }
    let heard = broken.lines().len();
    assert!(heard <= calls * 11 / 10 + 3, "{heard} attempts of {calls} calls");
}

fn manifest_of_plain() -> String {
    manifest("dialect: rest-json, timeout: 400ms", "", "operations: same")
}

const DESK: &str = "codes:\n  st: {\"01\": accepted, \"02\": docs, \"03\": review, \"04\": approved}\n\
    callback: {verify: \"secret:hook in header X-Token\", case: case_no, state: zt, fields: {case_no: case_no, zt: text | st}, answer: text success";

fn knock(number: &str, state: &str) -> Request {
    Request::new("POST", "/demo/front/notice")
        .json(&json!({"case_no": number, "zt": state}))
        .header("X-Token", "<hook>")
}

#[tokio::test]
async fn q23_news_reach_the_submission_and_never_go_back() {
    let upstream = Upstream::open(|_| case("C-7")).await;
    let city = city_over(
        &manifest("dialect: rest-json", &format!("{DESK}}}"), "operations: same"),
        Some(upstream.address.clone()),
        None,
    )
    .await;
    // News of a matter that the hub does not know yet are kept for it.
    city.gateway.run(knock("C-7", "01").0, Door::Callback).await;
    assert_eq!(city.call(Request::apply("a")).await.status, 201);
    let id = city.records().last().unwrap().submission.clone().unwrap();
    let state = async || {
        let view = body(&follow(&city, &id).await).clone();
        let matter = view["matters"][0].clone();
        assert_eq!(
            (&matter["field"], &matter["number"]),
            (&json!("case_no"), &json!("C-7"))
        );
        matter["state"].as_str().unwrap_or("none").to_owned()
    };
    assert_eq!(state().await, "accepted");
    for (code, expected) in [
        ("03", "review"),
        ("02", "review"),
        ("03", "review"),
        ("04", "approved"),
        ("01", "approved"),
    ] {
        let reply = city.gateway.run(knock("C-7", code).0, Door::Callback).await;
        assert_eq!(
            (reply.status, state().await.as_str()),
            (200, expected),
            "the order of the codes is the order of the states"
        );
    }
}

#[tokio::test]
async fn q23_declared_steps_decide_and_a_poll_stands_in_for_lost_news() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let upstream = Upstream::open(move |heard| {
        if heard.line.starts_with("GET /people/C-7") {
            let states = ["review", "approved", "approved"];
            let n = count.fetch_add(1, Ordering::SeqCst);
            return Do::Say(
                200,
                "application/json",
                json!({"full_name": states[n.min(2)], "case_no": "C-7"}).to_string(),
            );
        }
        case("C-7")
    })
    .await;
    // The state stands in `full_name`, for want of a better field in this little city.
    let callback = "callback: {verify: \"secret:hook in header X-Token\", case: case_no, state: full_name, \
        fields: {case_no: case_no, full_name: full_name}, steps: {docs: review, review: \"docs, approved\"}, \
        poll: {ask: people, every: 1h}, answer: text success}";
    let city = city_over(
        &manifest("dialect: rest-json", callback, "operations: same"),
        Some(upstream.address.clone()),
        None,
    )
    .await;
    assert_eq!(city.call(Request::apply("a")).await.status, 201);
    let id = city.records().last().unwrap().submission.clone().unwrap();
    let jobs = Jobs::new(city.gateway.clone());
    assert_eq!(jobs.poll_due().await, 0, "not before its time");
    city.clock.forward(3_601);
    assert_eq!(jobs.poll_due().await, 1);
    let state = async || body(&follow(&city, &id).await)["matters"][0]["state"].clone();
    assert_eq!(state().await, "review");
    let records = city.records();
    let polled = records.iter().find(|r| r.grant.as_deref() == Some("poll")).unwrap();
    assert_eq!(polled.operation.as_deref(), Some("demo.people"));
    let tell = |state: &str| {
        let body = json!({"case_no": "C-7", "full_name": state});
        let request = Request::new("POST", "/demo/front/notice")
            .json(&body)
            .header("X-Token", "<hook>");
        city.gateway.run(request.0, Door::Callback)
    };
    tell("docs").await;
    assert_eq!(state().await, "docs", "a step back that is declared is one");
    city.clock.forward(3_601);
    assert_eq!(jobs.poll_due().await, 1);
    assert_eq!(state().await, "approved");
    tell("review").await;
    assert_eq!(state().await, "approved", "nothing follows what is final");
    city.clock.forward(100 * 3_600);
    assert_eq!(jobs.poll_due().await, 0, "and nobody asks any more");
}

#[tokio::test]
async fn q28_a_person_decides_and_the_trail_says_so() {
    let city = City::open().await;
    let mut ids = Vec::new();
    for n in 0..3 {
        city.line
            .then(Act::Fail(Problem::new(Code::UpstreamTimeout).kept(Kept::Unknown)));
        let token = ["zhang-r4", "li-r4", "zhang-r4"][n];
        let reply = city.call(Request::apply_as(token, "a")).await;
        ids.push(problem(&reply).submission.clone().unwrap());
        city.clock.forward(60);
        Jobs::new(city.gateway.clone()).deliver_due().await;
    }
    let wanted = Wanted {
        state: Some(State::Manual),
        most: 10,
        ..Wanted::default()
    };
    let queue = city.gateway.submissions(&wanted).await.unwrap();
    let listed: Vec<&str> = queue.iter().map(|s| s["submission"].as_str().unwrap()).collect();
    assert_eq!(listed, ids);
    assert_eq!(
        (&queue[0]["reason"], &queue[0]["system"]),
        (&json!("upstream-timeout"), &json!("demo/front"))
    );
    assert!(!json!(queue).to_string().contains("张三"), "operators see no input");

    let bad = city
        .gateway
        .decide(&ids[0], "delivered", Some(json!({"case": 1})), None)
        .await
        .unwrap_err();
    assert_eq!(bad.code, Code::ValidationFailed, "an answer has to fit its contract");
    assert_eq!(
        city.gateway.decide(&ids[0], "lost", None, None).await.unwrap_err().code,
        Code::ValidationFailed
    );
    let decided = city
        .gateway
        .decide(&ids[0], "delivered", Some(json!({"case_no": "C-1"})), Some("phoned"))
        .await
        .unwrap();
    assert_eq!(
        (&decided["state"], &decided["note"]),
        (&json!("delivered"), &json!("phoned"))
    );
    assert_eq!(
        city.gateway
            .decide(&ids[0], "again", None, None)
            .await
            .unwrap_err()
            .code,
        Code::Conflict
    );
    city.gateway.decide(&ids[1], "again", None, None).await.unwrap();
    city.gateway.decide(&ids[2], "refused", None, None).await.unwrap();
    let own = follow(&city, &ids[0]).await;
    assert_eq!(body(&own)["answer"], json!({"case_no": "C-1"}));
    let refused = follow(&city, &ids[2]).await;
    assert_eq!(body(&refused)["problem"]["code"], "business-rejected");
    let grants: Vec<String> = city
        .records()
        .iter()
        .filter_map(|r| r.grant.clone())
        .filter(|g| g.starts_with("operator"))
        .collect();
    assert_eq!(grants, ["operator:delivered", "operator:again", "operator:refused"]);
    city.line.then(Act::Answer(201, json!({"case_no": "C-2"})));
    assert_eq!(Jobs::new(city.gateway.clone()).deliver_due().await, 1);
    let sent = city.store.submissions().get(&ids[1]).await.unwrap().unwrap();
    assert_eq!(sent.state, State::Delivered);
}

#[tokio::test]
async fn a_later_submission_of_the_same_person_waits_its_turn() {
    let city = City::open().await;
    city.line.then(Act::Fail(Problem::new(Code::UpstreamUnavailable)));
    let first = problem(&city.call(Request::apply("a")).await)
        .submission
        .clone()
        .unwrap();
    city.clock.forward(1);
    let reply = city.call(Request::apply("b")).await;
    assert_eq!(
        (problem(&reply).code, problem(&reply).kept),
        (Code::UpstreamBusy, Kept::Saved)
    );
    let second = problem(&reply).submission.clone().unwrap();
    assert_eq!(city.line.count(), 1, "it was not sent before the first");
    city.line.then(Act::Answer(201, json!({"case_no": "C-1"})));
    assert_eq!(
        city.call(Request::apply_as("li-r4", "c")).await.status,
        201,
        "others do not wait"
    );
    city.clock.forward(16);
    for number in ["C-2", "C-3"] {
        city.line.then(Act::Answer(201, json!({"case_no": number})));
    }
    let jobs = Jobs::new(city.gateway.clone());
    assert_eq!(
        (
            jobs.deliver_due().await,
            jobs.deliver_due().await,
            jobs.deliver_due().await
        ),
        (1, 1, 0)
    );
    for (id, number) in [(first, "C-2"), (second, "C-3")] {
        let sent = city.store.submissions().get(&id).await.unwrap().unwrap();
        assert_eq!(sent.answer, Some(json!({"case_no": number})));
    }
}

#[tokio::test]
async fn q27_orders_are_compared_with_the_statement_of_the_day() {
    let times = Arc::new(AtomicUsize::new(0));
    let count = times.clone();
    let upstream = Upstream::open(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => case("P-1"),
        _ => Do::Silence,
    })
    .await;
    let operations = "operations:\n  apply: {call: same, payment: {order: case_no}}\n  \"*\": same\n";
    let city = city_over(
        &manifest("dialect: rest-json, timeout: 300ms", "", operations),
        Some(upstream.address.clone()),
        None,
    )
    .await;
    assert_eq!(city.call(Request::apply("a")).await.status, 201);
    let order = city.store.orders().get("demo/front", "P-1").await.unwrap().unwrap();
    assert_eq!((order.state.as_str(), order.day.as_str()), ("created", "2026-04-08"));
    assert_eq!(problem(&city.call(Request::apply("b")).await).kept, Kept::Unknown);
    city.clock.forward(3_600);
    Jobs::new(city.gateway.clone()).deliver_due().await;
    assert_eq!(
        times.load(Ordering::SeqCst),
        2,
        "a post that may have moved money is never repeated by itself"
    );
    let row = |order: &str, amount| StatementRow {
        order_no: order.into(),
        amount_fen: amount,
        state: "paid".into(),
    };
    let found = city
        .gateway
        .reconcile("demo/front", "2026-04-08", &[row("P-1", 100), row("P-2", 200)])
        .await
        .unwrap();
    assert_eq!(
        found
            .iter()
            .map(|d| (d.number.as_str(), d.kind.as_str()))
            .collect::<Vec<_>>(),
        [("P-2", "missing-here")]
    );
    assert_eq!(
        city.store
            .orders()
            .get("demo/front", "P-1")
            .await
            .unwrap()
            .unwrap()
            .state,
        "paid"
    );
    assert_eq!(city.gateway.differences(false, 9).await.unwrap().len(), 1);
    assert!(
        city.gateway
            .settle_difference("demo/front", "2026-04-08", "P-2")
            .await
            .unwrap()
    );
    assert_eq!(city.gateway.differences(false, 9).await.unwrap(), []);
    let bad = city.gateway.reconcile("demo/front", "8 April", &[]).await.unwrap_err();
    assert_eq!(bad.code, Code::ValidationFailed);
}

#[tokio::test]
async fn q32_changed_answers_are_found_and_shown_without_values() {
    let changed = Arc::new(AtomicUsize::new(0));
    let now = changed.clone();
    let upstream = Upstream::open(move |_| {
        let answer = match now.load(Ordering::SeqCst) {
            0 => json!({"text": "晴", "wd": 21, "bz": "x"}),
            _ => json!({"text": "秘密", "wd": "21", "fl": 3}),
        };
        Do::Say(200, "application/json", answer.to_string())
    })
    .await;
    let city = city_over(&manifest_of_plain(), Some(upstream.address.clone()), None).await;
    for n in 0..10 {
        assert_eq!(city.call(ask(n)).await.status, 200);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(city.gateway.drift(None), Vec::<Value>::new());
    changed.store(1, Ordering::SeqCst);
    for n in 10..15 {
        assert_eq!(city.call(ask(n)).await.status, 200, "drift fails nobody");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    let found = city.gateway.drift(Some("demo/front"));
    let kinds: Vec<(&str, &str)> = found
        .iter()
        .map(|f| (f["kind"].as_str().unwrap(), f["path"].as_str().unwrap()))
        .collect();
    assert_eq!(
        kinds,
        [("new-field", "fl"), ("retyped-field", "wd"), ("missing-field", "bz")]
    );
    assert!(!json!(found).to_string().contains("秘密"));
    let text = city.gateway.state_metrics();
    assert!(
        text.contains("hub_drift_findings{system=\"demo/front\",kind=\"new-field\",severity=\"safe\"} 1"),
        "{text}"
    );
    assert!(city.gateway.accept_drift("demo/front") && city.gateway.drift(None).is_empty());
    assert!(!city.gateway.accept_drift("demo/back"));
}

#[tokio::test]
async fn q18_declared_ends_are_told() {
    let more = "expires: {key: 2026-04-20}\nsend: {header X-Key: secret:key}";
    let city = city_over(&manifest("dialect: rest-json", more, "operations: same"), None, None).await;
    let all = city.gateway.credentials();
    assert_eq!((all.len(), &all[0].system), (1, &SystemId::new("demo", "front")));
    assert_eq!(all[0].view("2026-04-08T03:05:30Z".parse().unwrap())["level"], "30d");
    let text = city.gateway.state_metrics();
    assert!(
        text.contains("hub_credential_seconds{system=\"demo/front\",name=\"key\",kind=\"declared\"} "),
        "{text}"
    );
    assert!(text.contains("hub_credentials_near{within=\"30d\"} 1"), "{text}");
}
