//! `Idempotency-Key`.

use crate::city::{Act, City, Request, body, header, problem};
use hub_core::{Kept, Problem, ProblemCode as Code};
use serde_json::json;
use std::time::Duration;

fn apply(text: &str, key: &str) -> Request {
    Request::apply(text).header("Idempotency-Key", key)
}

#[tokio::test]
async fn the_same_request_gets_the_same_answer() {
    let city = City::open().await;
    city.line.then(Act::Answer(201, json!({"case_no": "C-1"})));
    let first = city.call(apply("a", "k1")).await;
    assert_eq!((first.status, header(&first, "idempotency-replayed")), (201, None));
    let again = city.call(apply("a", "\"k1\"")).await;
    assert_eq!(
        (again.status, header(&again, "idempotency-replayed")),
        (201, Some("true"))
    );
    assert_eq!(body(&again), body(&first));
    assert_eq!(city.line.count(), 1);
    let conflict = city.call(apply("b", "k1")).await;
    assert_eq!(problem(&conflict).code, Code::IdempotencyConflict);
    city.line.then(Act::Answer(201, json!({"case_no": "C-2"})));
    let mut other = apply("a", "k1");
    other.0.headers.retain(|(n, _)| n != "Authorization");
    let other = city.call(other.token("li-r4")).await;
    assert_eq!(
        body(&other),
        &json!({"case_no": "C-2"}),
        "another subject's key is another key"
    );
}

#[tokio::test]
async fn of_many_at_once_one_goes_through() {
    let city = std::sync::Arc::new(City::open().await);
    for _ in 0..8 {
        city.line
            .then(Act::Wait(Duration::from_millis(150), json!({"case_no": "C-1"})));
    }
    let race: Vec<_> = (0..8)
        .map(|_| {
            let city = city.clone();
            tokio::spawn(async move { city.call(apply("a", "race")).await })
        })
        .collect();
    let mut good = 0;
    for call in race {
        let reply = call.await.unwrap();
        match reply.status {
            200 => good += 1,
            _ => assert_eq!(problem(&reply).code, Code::IdempotencyBusy),
        }
    }
    assert_eq!((good, city.line.count()), (1, 1));
}

#[tokio::test]
async fn a_refusal_of_the_agency_stays_and_a_hub_failure_does_not() {
    let city = City::open().await;
    city.line.then(Act::Fail(
        Problem::new(Code::BusinessRejected).detail("已有", "A case is open"),
    ));
    assert_eq!(city.call(apply("a", "k")).await.status, 409);
    let again = city.call(apply("a", "k")).await;
    assert_eq!(problem(&again).detail.as_ref().unwrap().en, "A case is open");
    assert_eq!(city.line.count(), 1);
    city.line.then(Act::Fail(Problem::new(Code::NotConnected)));
    assert_eq!(city.call(apply("a", "k2")).await.status, 503);
    city.line.then(Act::Answer(201, json!({"case_no": "C-1"})));
    assert_eq!(city.call(apply("a", "k2")).await.status, 201);
}

#[tokio::test]
async fn a_repetition_after_a_failure_learns_what_became_of_the_submission() {
    let city = City::open().await;
    city.line.then(Act::Fail(Problem::new(Code::UpstreamUnavailable)));
    let saved = city.call(apply("a", "k")).await;
    assert_eq!((saved.status, problem(&saved).kept), (503, Kept::Saved));
    let again = city.call(apply("a", "k")).await;
    assert_eq!((again.status, problem(&again).kept), (503, Kept::Saved));
    assert_eq!(city.line.count(), 1, "it is not sent a second time");
    city.clock.forward(60);
    city.line.then(Act::Answer(201, json!({"case_no": "C-9"})));
    assert_eq!(hub_gateway::Jobs::new(city.gateway.clone()).deliver_due().await, 1);
    let after = city.call(apply("a", "k")).await;
    assert_eq!((after.status, body(&after)), (201, &json!({"case_no": "C-9"})));
}

#[tokio::test]
async fn keys_that_are_none_are_refused_and_reads_ignore_them() {
    let city = City::open().await;
    for bad in ["", "a\"b", &"x".repeat(256)] {
        let reply = city.call(apply("a", bad)).await;
        assert_eq!(problem(&reply).code, Code::BadRequest, "{bad}");
    }
    for _ in 0..2 {
        city.line.then(Act::Answer(200, json!({"full_name": "张三"})));
        let read = Request::account(&json!({}))
            .key("wide")
            .token("zhang-r2")
            .header("Idempotency-Key", "k");
        assert_eq!(city.call(read).await.status, 200);
    }
    assert_eq!(city.line.count(), 2);
}
