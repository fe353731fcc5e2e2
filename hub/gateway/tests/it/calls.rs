//! One call, step by step: what is answered and what is refused.

use crate::city::{Act, Broken, City, Request, body, header, problem};
use hub_core::ProblemCode as Code;
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn a_public_read_is_answered_and_cached() {
    let city = City::open().await;
    let first = city.call(Request::weather().key("wide")).await;
    assert_eq!(first.status, 200);
    assert_eq!(body(&first), &json!({"text": "晴"}));
    assert_eq!(header(&first, "age"), Some("0"));
    assert_eq!(header(&first, "cache-control"), Some("private, max-age=60"));
    let second = city.call(Request::weather().key("other")).await;
    assert_eq!(second.status, 200);
    assert_eq!(city.line.count(), 1, "the second answer is the cached one");
    city.call(Request::new("GET", "/demo/front/v1/weather?city=x").key("wide"))
        .await;
    assert_eq!(city.line.count(), 2, "other input, other answer");
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_call() {
    let city = Arc::new(City::open().await);
    let slow = std::time::Duration::from_millis(100);
    (0..8).for_each(|_| city.line.then(Act::Wait(slow, json!({"text": "雨"}))));
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let city = city.clone();
            tokio::spawn(async move { body(&city.call(Request::weather().key("wide")).await).clone() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap(), json!({"text": "雨"}));
    }
    assert_eq!(city.line.count(), 1);
    assert!(city.gateway.metrics().render().contains("hub_cache_hits_total 7"));
}

#[tokio::test]
async fn failures_are_not_cached() {
    let city = City::open().await;
    city.line
        .then(Act::Fail(hub_core::Problem::new(Code::UpstreamUnavailable)));
    assert_eq!(city.call(Request::weather().key("wide")).await.status, 503);
    assert_eq!(city.call(Request::weather().key("wide")).await.status, 200);
}

#[tokio::test]
async fn addresses_and_methods_that_do_not_exist() {
    let city = City::open().await;
    let unknown = city
        .call(Request::new("GET", "/demo/front/v1/wether").key("wide"))
        .await;
    assert_eq!(problem(&unknown).code, Code::NotFound);
    let method = city
        .call(Request::new("DELETE", "/demo/front/v1/weather").key("wide"))
        .await;
    assert_eq!(problem(&method).code, Code::MethodNotAllowed);
    assert_eq!(header(&method, "allow"), Some("GET"));
}

#[tokio::test]
async fn a_key_is_needed_and_must_be_right() {
    let city = City::open().await;
    let missing = city.call(Request::weather()).await;
    assert_eq!(problem(&missing).code, Code::KeyMissing);
    assert_eq!(missing.status, 401);
    assert!(header(&missing, "www-authenticate").is_some());
    let wrong = city.call(Request::weather().key("nonsense")).await;
    assert_eq!(problem(&wrong).code, Code::KeyInvalid);
    let other_world = city.call(Request::weather().key("sandbox")).await;
    assert_eq!(problem(&other_world).code, Code::KeyEnvironment);
    let twice = city.call(Request::weather().key("wide").key("other")).await;
    assert_eq!(problem(&twice).code, Code::BadRequest);
    assert_eq!(city.line.count(), 0);
}

#[tokio::test]
async fn a_key_alone_opens_r0_only() {
    let city = City::open().await;
    let none = city.call(Request::account(&json!({})).key("wide")).await;
    assert_eq!(problem(&none).code, Code::TokenMissing);
    let bad = city.call(Request::account(&json!({})).key("wide").token("junk")).await;
    assert_eq!(problem(&bad).code, Code::TokenInvalid);
    let low = city
        .call(Request::account(&json!({})).key("wide").token("zhang-r1"))
        .await;
    assert_eq!(problem(&low).code, Code::AssuranceTooLow);
    assert_eq!(problem(&low).more["required_assurance"], "R2");
    assert!(header(&low, "www-authenticate").unwrap().contains("acr_values=\"R2\""));
}

#[tokio::test]
async fn companies_and_persons_are_told_apart() {
    let city = City::open().await;
    let path = "/demo/front/v1/company/query";
    let person = city
        .call(
            Request::new("POST", path)
                .json(&json!({}))
                .key("wide")
                .token("zhang-r4"),
        )
        .await;
    assert_eq!(problem(&person).code, Code::AudienceMismatch);
    let agent = city
        .call(Request::new("POST", path).json(&json!({})).key("wide").token("agent"))
        .await;
    assert_eq!(agent.status, 200);
    assert_eq!(city.line.calls.lock().unwrap()[0].input["uscc"], "91350100M000100Y43");
    let agent = city.call(Request::account(&json!({})).key("wide").token("agent")).await;
    assert_eq!(problem(&agent).code, Code::AudienceMismatch);
}

#[tokio::test]
async fn the_subject_is_bound_and_nobody_else_can_be_named() {
    let city = City::open().await;
    city.line.then(Act::Answer(200, json!({"full_name": "张三"})));
    let own = city
        .call(Request::account(&json!({})).key("wide").token("zhang-r2"))
        .await;
    assert_eq!(body(&own), &json!({"full_name": "张三"}), "the subject sees values");
    let call = city.line.calls.lock().unwrap()[0].clone();
    assert_eq!(call.input["id_card_no"], "990101199001010019");
    assert_eq!(call.pairwise.as_deref(), Some("demo:zhang"));

    city.line.then(Act::Answer(200, json!({"full_name": "张三"})));
    let same = Request::account(&json!({"id_card_no": "990101199001010019"}))
        .key("wide")
        .token("zhang-r2");
    assert_eq!(city.call(same).await.status, 200);

    let other = Request::account(&json!({"id_card_no": "990101199202020029"}))
        .key("wide")
        .token("zhang-r2");
    let refused = city.call(other).await;
    assert_eq!(problem(&refused).code, Code::SubjectMismatch);
    assert_eq!(problem(&refused).place.as_deref(), Some("/id_card_no"));
    assert_eq!(problem(&refused).got.as_deref(), Some("990***********0029"));

    let nameless = city
        .call(Request::account(&json!({})).key("wide").token("nameless"))
        .await;
    assert_eq!(problem(&nameless).code, Code::SubjectIncomplete);
    assert_eq!(city.line.count(), 2);
}

#[tokio::test]
async fn input_is_checked_with_place_expected_and_got() {
    let city = City::open().await;
    let bad = city
        .call(Request::new("GET", "/demo/front/v1/weather?city=x&days=9").key("wide"))
        .await;
    assert_eq!(bad.status, 422);
    assert_eq!(problem(&bad).place.as_deref(), Some("parameter/days"));
    assert!(problem(&bad).expected.is_some() && problem(&bad).got.is_some());
    let text = city
        .call(Request::new("GET", "/demo/front/v1/weather?city=x&days=three").key("wide"))
        .await;
    assert_eq!(problem(&text).place.as_deref(), Some("parameter/days"));
    let missing = city
        .call(Request::new("GET", "/demo/front/v1/weather").key("wide"))
        .await;
    assert_eq!(missing.status, 422);
    let unknown = city
        .call(Request::new("GET", "/demo/front/v1/weather?city=x&colour=red").key("wide"))
        .await;
    assert_eq!(problem(&unknown).place.as_deref(), Some("parameter/colour"));
    let body = city
        .call(Request::account(&json!({"colour": 1})).key("wide").token("zhang-r2"))
        .await;
    assert_eq!(body.status, 422);
    assert_eq!(city.line.count(), 0);
}

#[tokio::test]
async fn bodies_that_cannot_be_read() {
    let city = City::open().await;
    let path = "/demo/front/v1/account/query";
    let mut broken = Request::new("POST", path)
        .key("wide")
        .token("zhang-r2")
        .header("Content-Type", "application/json");
    broken.0.body = "{\"days\": }".into();
    let reply = city.call(broken).await;
    assert_eq!(problem(&reply).code, Code::BadRequest);
    assert_eq!(problem(&reply).place.as_deref(), Some("1:10"));
    let mut form = Request::new("POST", path).key("wide").token("zhang-r2");
    form.0.body = "days=3".into();
    assert_eq!(problem(&city.call(form).await).code, Code::UnsupportedMediaType);
    let accept = Request::weather().key("wide").header("Accept", "text/html");
    assert_eq!(problem(&city.call(accept).await).code, Code::NotAcceptable);
}

#[tokio::test]
async fn answers_that_break_the_contract_do_not_leave() {
    let city = City::open().await;
    city.line.then(Act::Answer(200, json!({"text": 7})));
    let reply = city.call(Request::weather().key("wide")).await;
    assert_eq!(problem(&reply).code, Code::UpstreamContract);
    assert_eq!(problem(&reply).place.as_deref(), Some("/text"));
}

#[tokio::test]
async fn anonymous_viewers_see_masked_values_but_handles() {
    let city = City::open().await;
    city.line
        .then(Act::Answer(200, json!({"full_name": "张三", "case_no": "C-1001"})));
    let reply = city
        .call(Request::new("GET", "/demo/front/v1/people/C-1001").key("wide"))
        .await;
    assert_eq!(body(&reply), &json!({"full_name": "张*", "case_no": "C-1001"}));
}

#[tokio::test]
async fn the_sandbox_serves_a_newcomer_and_the_gateway_takes_no_controls() {
    let city = City::open().await;
    city.mock.then(Act::Answer(200, json!({"full_name": "张三"})));
    let reply = city.sandbox(Request::account(&json!({}))).await;
    assert_eq!(reply.status, 200);
    let call = city.mock.calls.lock().unwrap()[0].clone();
    assert_eq!(call.subject.unwrap().id, "zhang");
    let named = Request::account(&json!({})).header("Hub-Persona", "nobody");
    assert_eq!(problem(&city.sandbox(named).await).near, ["zhang-r4"]);
    city.mock.then(Act::Answer(200, json!({"full_name": "张三"})));
    let world = Request::account(&json!({})).header("Hub-World", "w1");
    assert_eq!(city.sandbox(world).await.status, 200);
    let controls = city.mock.calls.lock().unwrap()[1].controls.clone();
    assert_eq!(controls, [("hub-world".to_owned(), "w1".to_owned())]);
    let live = city
        .call(Request::weather().key("wide").header("Hub-Scenario", "down"))
        .await;
    assert_eq!(problem(&live).code, Code::ControlNotAllowed);
    let wrong = city.sandbox(Request::account(&json!({})).key("nonsense")).await;
    assert_eq!(problem(&wrong).code, Code::KeyInvalid);
    assert_eq!(city.line.count(), 0);
}

#[tokio::test]
async fn what_must_be_recorded_first_does_not_leave_unrecorded() {
    let city = City::with(|parts| parts.trail = Arc::new(Broken)).await;
    city.line.then(Act::Answer(200, json!({"full_name": "张三"})));
    let sensitive = city
        .call(Request::account(&json!({})).key("wide").token("zhang-r2"))
        .await;
    assert_eq!(problem(&sensitive).code, Code::StoreUnavailable);
    let public = city.call(Request::weather().key("wide")).await;
    assert_eq!(public.status, 200);
    assert!(city.gateway.metrics().render().contains("hub_trail_failures_total 2"));
}
