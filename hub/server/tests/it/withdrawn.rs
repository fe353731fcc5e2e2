//! A yes that is taken back at one hub is refused at the other within a second, caches or not (attack 40).

use crate::channel::{Browser, Channel};
use crate::support::{City, Got, TestHub, example, on_postgres, request};
use hub_core::Operation;
use hub_server::config::Config;
use hub_server::wiring::Plan;
use serde_json::json;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LI: &str = "li-xiulan";
/// What is promised.
const WITHIN: Duration = Duration::from_secs(1);
/// When it is given up: a token would still be good for minutes.
const GIVEN_UP: Duration = Duration::from_secs(15);

/// A hub, at a free address or at this one, that outsiders know by the address of the first: each takes the other's tokens.
async fn hub(url: &str, beside: Option<(&TestHub, SocketAddr)>) -> TestHub {
    let city = City::of(&["nhsa/pub"]).unhurried();
    // Calls here are faster than the system may be asked.
    let manifest = city.path("connectors/nhsa/pub/connector.yaml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let lines = text.split_inclusive('\n').filter(|l| !l.starts_with("limits:"));
    std::fs::write(&manifest, lines.collect::<String>()).unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut config = city.config(data.path());
    config.identity.test_issuer = true;
    let variables = |name: &str| (name == "HUB_STORE_URL").then(|| url.to_owned());
    config.store.url = Config::load(None, &variables).unwrap().store.url;
    if let Some((first, address)) = beside {
        config.listen.public_url = Some(first.ready().base_url.clone());
        config.listen.address = address;
    }
    let plan = Plan {
        config,
        simulated: true,
        credentials: true,
        master_key: Some("0f".repeat(32)),
        ..Plan::default()
    };
    TestHub::start(city, data, plan).await
}

/// A read that stands on consent alone.
fn on_consent(hub: &TestHub) -> Arc<Operation> {
    let is = |o: &&Arc<Operation>| {
        let asks = o.basis.as_ref().is_some_and(|b| b.en.starts_with("consent"));
        asks && o.effect == hub_core::Effect::None && hub.is_live(o) && o.service.is_some()
    };
    hub.catalog().operations().iter().find(is).unwrap().clone()
}

async fn call(hub: &TestHub, base: &str, operation: &Operation, token: &str) -> Got {
    let mut input = example(operation);
    input.retain(|name, _| !operation.bound.iter().any(|b| b.field == *name));
    let (target, body) = request(operation, &input);
    let bearer = format!("Bearer {token}");
    let key = hub.ready().client_key.clone().unwrap();
    let headers = [("x-api-key", key.as_str()), ("authorization", bearer.as_str())];
    hub.send(
        base,
        &operation.method,
        &format!("/gateway{target}"),
        &headers,
        body.as_ref(),
    )
    .await
}

async fn signed_in(channel: &Channel<'_>, browser: &mut Browser) -> String {
    let all = channel.tokens(browser, LI, &[("scope", "openid services")]).await;
    all["access_token"].as_str().unwrap().to_owned()
}

/// Time from now until a call is refused with a code; before that it is answered.
async fn until_refused(hub: &TestHub, base: &str, operation: &Operation, token: &str, code: &str) -> Duration {
    let began = Instant::now();
    loop {
        let got = call(hub, base, operation, token).await;
        if got.code() == code {
            return began.elapsed();
        }
        assert_eq!(got.status, 200, "{}", got.body);
        assert!(began.elapsed() < GIVEN_UP, "still answered");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The middle of three: one may have met a machine that did something else.
fn middle(mut three: Vec<Duration>) -> Duration {
    three.sort();
    three[1]
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_40_what_is_withdrawn_at_one_hub_is_refused_at_the_other_within_a_second() {
    on_postgres(|url| async move {
        let here = hub(&url, None).await;
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let there = hub(&url, Some((&here, free))).await;
        let (near, far) = (here.ready().base_url.clone(), format!("http://{free}"));
        let operation = on_consent(&here);
        let channel = Channel::new(&here, &json!({})).await;

        // The app's whole access: its tokens die.
        let mut took = Vec::new();
        for _ in 0..3 {
            let mut browser = Browser::new(&here);
            let token = signed_in(&channel, &mut browser).await;
            let got = call(&there, &far, &operation, &token).await;
            assert_eq!(got.status, 200, "each takes the other's tokens: {}", got.body);
            let page = browser.get("/sso/apps").await;
            assert_eq!(browser.submit(&page, &[]).await.status, 303);
            let at_once = call(&here, &near, &operation, &token).await;
            assert_eq!(at_once.code(), "token-invalid", "here there is nothing to wait for");
            took.push(until_refused(&there, &far, &operation, &token, "token-invalid").await);
        }
        assert!(middle(took.clone()) < WITHIN, "{took:?}");

        // The yes to one service: its calls are refused, and the token lives on.
        let mut took = Vec::new();
        let token = signed_in(&channel, &mut Browser::new(&here)).await;
        let bearer = format!("Bearer {token}");
        let key = here.ready().client_key.clone().unwrap();
        let headers = [("x-api-key", key.as_str()), ("authorization", bearer.as_str())];
        for _ in 0..3 {
            let got = call(&there, &far, &operation, &token).await;
            assert_eq!(got.status, 200, "{}", got.body);
            let all = here.send(&near, "GET", "/me/consents", &headers, None).await.body;
            let service = operation.service.as_deref().unwrap();
            let mut items = all["items"].as_array().unwrap().iter();
            let given = items
                .find(|c| c["state"] == "in-force" && c["service"]["id"] == service)
                .unwrap();
            let place = format!("/me/consents/{}", given["id"].as_str().unwrap());
            assert_eq!(here.send(&near, "DELETE", &place, &headers, None).await.status, 204);
            assert_eq!(call(&here, &near, &operation, &token).await.code(), "consent-missing");
            took.push(until_refused(&there, &far, &operation, &token, "consent-missing").await);
            let yes = json!({"service": service, "apart": true});
            let again = here.send(&near, "POST", "/me/consents", &headers, Some(&yes)).await;
            assert_eq!(again.status, 201, "{}", again.body);
            let began = Instant::now();
            while call(&there, &far, &operation, &token).await.status != 200 {
                assert!(began.elapsed() < GIVEN_UP, "a yes is heard of too");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        assert!(middle(took.clone()) < WITHIN, "{took:?}");
        there.stop().await;
        here.stop().await;
    })
    .await;
}
