//! Events sent to developers' own servers: proven addresses, signatures, attempts, what is switched off.

use crate::events::{Bench, text};
use crate::receiver::{Came, Receiver};
use crate::support::{City, TestHub};
use serde_json::json;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_arrive_is_sent_again_with_the_same_id() {
    let bench = Bench::new().await;
    let receiver = Receiver::start();
    receiver.answers(&[500, 302]);
    let hook = bench
        .webhook(json!({"url": receiver.url, "types": ["case.submitted"]}))
        .await;
    let world = bench.world().await;
    bench.apply(&world).await;
    bench.turn(&world, json!({"advance": "3d"})).await;
    let id = text(&hook["id"]);
    receiver.until("a second attempt", |came| came.len() >= 2).await;
    let deliveries = bench.get(&format!("/developer/webhooks/{id}/deliveries")).await;
    let delivery = &deliveries["items"][0];
    assert_eq!(
        (&delivery["state"], &delivery["attempts"][0]["status"]),
        (&json!("waiting"), &json!(500))
    );
    assert!(delivery["next_attempt"].is_string(), "{delivery}");
    let excerpt = text(&delivery["attempts"][0]["excerpt"]);
    assert_eq!(excerpt, "token *** seen");
    let came = receiver.until("a third attempt", |came| came.len() >= 3).await;
    assert_eq!(
        came.iter().map(|c| c.status).collect::<Vec<_>>(),
        [500, 302, 200],
        "a redirect is not followed"
    );
    assert!(
        came.iter()
            .all(|c| c.id == came[0].id && c.text == came[0].text && c.kind() == "case.submitted")
    );
    // The receiver has it before the hub has read its answer and kept that.
    let delivered = format!("/developer/webhooks/{id}/deliveries?state=delivered");
    let done = bench
        .get_until("it is kept as delivered", &delivered, |done| {
            done["items"][0].is_object()
        })
        .await;
    assert_eq!(done["items"][0]["attempts"].as_array().unwrap().len(), 3, "{done}");
    assert!(bench.get(&format!("/developer/webhooks/{id}")).await["failing_since"].is_null());
    // By hand once more.
    let again = bench
        .ask(
            "POST",
            &format!("/developer/events/{}/resend", came[0].id),
            Some(&json!({})),
        )
        .await;
    assert_eq!(
        (again.status, &again.body["deliveries"][0]["webhook"]),
        (202, &hook["id"])
    );
    let came = receiver.until("it was sent again", |came| came.len() >= 4).await;
    assert_eq!(came[3].id, came[0].id);
    receiver.stop().await;
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_to_who_does_not_answer_the_challenge() {
    let bench = Bench::new().await;
    let receiver = Receiver::start();
    receiver.answers_challenges(Some(json!({"challenge": "something"})));
    let hook = bench.webhook(json!({"url": receiver.url})).await;
    assert_eq!(
        (&hook["state"], &hook["reason"]["code"]),
        (&json!("pending"), &json!("wrong-answer"))
    );
    let id = text(&hook["id"]);
    let world = bench.world().await;
    bench.apply(&world).await;
    let test = bench
        .ask("POST", &format!("/developer/webhooks/{id}/test"), Some(&json!({})))
        .await;
    assert_eq!(test.status, 422);
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    assert!(receiver.came().is_empty());
    // Once it answers, what happened meanwhile comes too.
    receiver.answers_challenges(None);
    let on = bench
        .ask(
            "PATCH",
            &format!("/developer/webhooks/{id}"),
            Some(&json!({"state": "active"})),
        )
        .await;
    assert_eq!((on.status, &on.body["state"]), (200, &json!("active")), "{}", on.body);
    assert!(on.body["secret"].is_null(), "a secret is shown once");
    receiver.until("what happened before", |came| came.len() == 1).await;
    // Another address has to be proven anew.
    let moved = Receiver::start();
    moved.answers_challenges(Some(json!({"type": "webhook.challenge", "challenge": "x"})));
    let patch = json!({"url": moved.url, "types": ["case.*"]});
    let elsewhere = bench
        .ask("PATCH", &format!("/developer/webhooks/{id}"), Some(&patch))
        .await;
    assert_eq!(
        (&elsewhere.body["state"], &elsewhere.body["types"]),
        (&json!("pending"), &json!(["case.*"]))
    );
    for wrong in [
        json!({}),
        json!({"url": "nowhere"}),
        json!({"url": receiver.url, "types": ["x.y"]}),
        json!({"url": 7}),
    ] {
        let got = bench.ask("POST", "/developer/webhooks", Some(&wrong)).await;
        assert_eq!((got.status, got.code()), (422, "validation-failed"), "{wrong}");
    }
    let removed = bench.ask("DELETE", &format!("/developer/webhooks/{id}"), None).await;
    assert_eq!(removed.status, 204);
    assert_eq!(
        bench
            .ask("GET", &format!("/developer/webhooks/{id}"), None)
            .await
            .status,
        404
    );
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_sign_for_a_while_and_a_test_is_sent_at_once() {
    let bench = Bench::new().await;
    let receiver = Receiver::start();
    let hook = bench.webhook(json!({"url": receiver.url})).await;
    let (id, old) = (text(&hook["id"]), text(&hook["secret"]));
    let rotated = bench
        .ask(
            "POST",
            &format!("/developer/webhooks/{id}/secret"),
            Some(&json!({"overlap_hours": 1})),
        )
        .await;
    let new = text(&rotated.body["secret"]);
    let test = bench
        .ask("POST", &format!("/developer/webhooks/{id}/test"), Some(&json!({})))
        .await;
    assert_eq!(
        (&test.body["arrived"], &test.body["status"]),
        (&json!(true), &json!(200))
    );
    let came = receiver.came();
    assert_eq!(
        (came.len(), came[0].kind(), came[0].signatures.len()),
        (1, "webhook.test", 2)
    );
    assert_eq!((came[0].signed_with(&old), came[0].signed_with(&new)), (1, 1));
    let rotated = bench
        .ask(
            "POST",
            &format!("/developer/webhooks/{id}/secret"),
            Some(&json!({"overlap_hours": 0})),
        )
        .await;
    let newest = text(&rotated.body["secret"]);
    bench
        .ask("POST", &format!("/developer/webhooks/{id}/test"), Some(&json!({})))
        .await;
    let came = receiver.came();
    assert_eq!((came[1].signatures.len(), came[1].signed_with(&newest)), (1, 1));
    // Nothing of it is readable in the data.
    for file in bench.hub.data().read_dir().unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes
                .windows(20)
                .any(|w| newest.as_bytes().starts_with(w) || &newest.as_bytes()[7..27] == w);
            assert!(!found, "{} holds a secret", path.display());
        }
    }
    receiver.stop().await;
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_gone_is_switched_off_and_said_so_and_who_is_slow_holds_up_nobody() {
    let bench = Bench::new().await;
    let (gone, slow, good) = (Receiver::start(), Receiver::start(), Receiver::start());
    gone.always(Some(410));
    slow.waits(Duration::from_secs(6));
    let off = bench.webhook(json!({"url": gone.url, "types": ["case.*"]})).await;
    bench.webhook(json!({"url": slow.url})).await;
    bench.webhook(json!({"url": good.url})).await;
    let world = bench.world().await;
    let began = Instant::now();
    bench.apply(&world).await;
    let came = good.until("the rest", |came| came.len() >= 2).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(
        came.iter().map(Came::kind).collect::<Vec<_>>(),
        ["case.submitted", "webhook.off"]
    );
    assert_eq!(
        (&came[1].body["data"]["webhook"], &came[1].body["data"]["reason"]),
        (&off["id"], &json!("gone"))
    );
    let shown = bench.get(&format!("/developer/webhooks/{}", text(&off["id"]))).await;
    assert_eq!(
        (&shown["state"], &shown["reason"]["code"]),
        (&json!("off"), &json!("gone"))
    );
    assert_eq!(gone.came().len(), 1);
    // What it missed is there when it is back.
    gone.always(None);
    let patch = format!("/developer/webhooks/{}", text(&off["id"]));
    let on = bench.ask("PATCH", &patch, Some(&json!({"state": "active"}))).await;
    assert_eq!(on.body["state"], "active", "{}", on.body);
    let came = gone.until("what it missed", |came| came.len() >= 2).await;
    assert_eq!(came[0].id, came[1].id);
    bench.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn inner_addresses_are_refused_unless_the_operator_allows_them() {
    let city = City::of(&["forest/lic"]).unhurried();
    let data = tempfile::tempdir().unwrap();
    let mut config = city.config(data.path());
    config.identity.test_issuer = true;
    let plan = hub_server::wiring::Plan {
        config,
        simulated: true,
        credentials: true,
        ..Default::default()
    };
    let bench = Bench::over(TestHub::start(city, data, plan).await);
    for url in [
        "http://127.0.0.1:9/",
        "https://127.0.0.1:9/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://169.254.169.254/x",
        "https://2130706433/",
    ] {
        let got = bench
            .ask("POST", "/developer/webhooks", Some(&json!({"url": url})))
            .await;
        assert_eq!(
            (got.status, got.body["where"].as_str()),
            (422, Some("/url")),
            "{url}: {}",
            got.body
        );
    }
    // A name is judged by what it leads to, when a connection is made.
    let named = bench.webhook(json!({"url": "https://localhost:9/"})).await;
    assert_eq!(
        (&named["state"], &named["reason"]["code"]),
        (&json!("pending"), &json!("address")),
        "{named}"
    );
    for n in 1..20 {
        let got = bench
            .ask(
                "POST",
                "/developer/webhooks",
                Some(&json!({"url": "https://localhost:9/"})),
            )
            .await;
        assert_eq!(got.status, 201, "{n}: {}", got.body);
    }
    let more = bench
        .ask(
            "POST",
            "/developer/webhooks",
            Some(&json!({"url": "https://localhost:9/"})),
        )
        .await;
    assert_eq!((more.status, more.code()), (429, "quota-exceeded"));
    for n in 0.. {
        let id = text(&named["id"]);
        let got = bench
            .ask(
                "PATCH",
                &format!("/developer/webhooks/{id}"),
                Some(&json!({"state": "active"})),
            )
            .await;
        if got.status == 429 {
            assert_eq!(got.code(), "rate-limited");
            break;
        }
        assert!(n < 40, "nobody is challenged without end");
    }
    bench.hub.stop().await;
}
