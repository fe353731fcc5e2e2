//! Submissions: stored before they leave, delivered later, never twice.

use crate::city::{Act, City, Request, body, problem};
use hub_core::ports::Answer;
use hub_core::{Kept, Problem, ProblemCode as Code};
use hub_gateway::{Asked, Door, Jobs};
use hub_store::SubmissionState as State;
use serde_json::json;

async fn state(city: &City, id: &str) -> State {
    city.store.submissions().get(id).await.unwrap().unwrap().state
}

fn down() -> Act {
    Act::Fail(Problem::new(Code::UpstreamUnavailable))
}

#[tokio::test]
async fn a_good_one_is_delivered_and_named_to_the_upstream() {
    let city = City::open().await;
    city.line.then(Act::Answer(201, json!({"case_no": "C-1"})));
    assert_eq!(city.call(Request::apply("a")).await.status, 201);
    let id = city.line.calls.lock().unwrap()[0].submission.clone().unwrap();
    assert_eq!(state(&city, &id).await, State::Delivered);
    assert_eq!(city.records()[0].submission.as_deref(), Some(id.as_str()));
}

#[tokio::test]
async fn an_upstream_that_is_down_gets_it_later() {
    let city = City::open().await;
    city.line.then(down());
    let reply = city.call(Request::apply("a")).await;
    assert_eq!((reply.status, problem(&reply).kept), (503, Kept::Saved));
    let id = problem(&reply).submission.clone().unwrap();
    assert_eq!(problem(&reply).more["follow"], format!("/me/submissions/{id}"));
    let jobs = Jobs::new(city.gateway.clone());
    assert_eq!(jobs.deliver_due().await, 0, "not before its time");
    city.clock.forward(16);
    city.line.then(down());
    assert_eq!(jobs.deliver_due().await, 1);
    assert_eq!(state(&city, &id).await, State::Stored);
    city.clock.forward(31);
    city.line.then(Act::Answer(201, json!({"case_no": "C-1"})));
    assert_eq!(jobs.deliver_due().await, 1);
    assert_eq!(state(&city, &id).await, State::Delivered);
    let calls = city.line.calls.lock().unwrap().clone();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[2].input, calls[0].input);
    assert_eq!(calls[2].submission, Some(id.clone()));
    assert_eq!(calls[2].pairwise, calls[0].pairwise);
    let records = city.records();
    assert_eq!(records.iter().map(|r| r.status).collect::<Vec<_>>(), [503, 503, 201]);
    assert_eq!(records[2].grant.as_deref(), Some("delivery"));

    let follow = |token| {
        Request::new("GET", &format!("/submissions/{id}"))
            .key("wide")
            .token(token)
    };
    let own = city.gateway.run(follow("zhang-r4").0, Door::Me).await;
    assert_eq!(body(&own)["state"], "delivered");
    assert_eq!(body(&own)["answer"], json!({"case_no": "C-1"}));
    let stranger = city.gateway.run(follow("li-r4").0, Door::Me).await;
    assert_eq!(problem(&stranger).code, Code::NotFound);
}

#[tokio::test]
async fn one_that_may_have_arrived_is_asked_about_and_not_sent_again() {
    let city = City::open().await;
    let lost = || Act::Fail(Problem::new(Code::UpstreamTimeout).kept(Kept::Unknown));
    let jobs = Jobs::new(city.gateway.clone());
    let mut ids = Vec::new();
    for person in ["zhang-r4", "li-r4", "wang-r4"] {
        city.line.then(lost());
        let reply = city.call(Request::apply_as(person, "a")).await;
        assert_eq!((reply.status, problem(&reply).kept), (504, Kept::Unknown));
        ids.push(problem(&reply).submission.clone().unwrap());
        city.clock.forward(1);
    }
    let arrived = Answer::new(201, json!({"case_no": "C-7"}));
    city.line.when_asked(Ok(Asked::Arrived(arrived)));
    city.line.when_asked(Ok(Asked::NotArrived));
    city.line.when_asked(Ok(Asked::CannotTell));
    city.clock.forward(60);
    city.line.then(Act::Answer(201, json!({"case_no": "C-8"})));
    assert_eq!(jobs.deliver_due().await, 3);
    assert_eq!(city.line.count(), 4, "only the one that had not arrived was sent again");
    assert_eq!(state(&city, &ids[0]).await, State::Delivered);
    assert_eq!(state(&city, &ids[1]).await, State::Delivered);
    assert_eq!(state(&city, &ids[2]).await, State::Manual);
}

#[tokio::test]
async fn one_whose_process_died_is_in_doubt() {
    let city = City::open().await;
    city.line.then(Act::Panic);
    let reply = city.call(Request::apply("a")).await;
    assert_eq!(problem(&reply).code, Code::Internal);
    let id = city.line.calls.lock().unwrap()[0].submission.clone().unwrap();
    city.clock.forward(600);
    Jobs::new(city.gateway.clone()).deliver_due().await;
    assert_eq!(
        state(&city, &id).await,
        State::Manual,
        "nobody can tell, so nobody sends"
    );
    assert_eq!(city.line.count(), 1);
}

#[tokio::test]
async fn a_refusal_or_a_missing_connector_keeps_nothing() {
    let city = City::open().await;
    for code in [Code::BusinessRejected, Code::NotConnected] {
        city.line.then(Act::Fail(Problem::new(code)));
        let reply = city.call(Request::apply("a")).await;
        assert_eq!((problem(&reply).code, problem(&reply).kept), (code, Kept::Nothing));
        assert_eq!(problem(&reply).submission, None);
    }
    city.clock.forward(3_600);
    assert_eq!(Jobs::new(city.gateway.clone()).deliver_due().await, 0);
}

#[tokio::test]
async fn an_answer_that_breaks_the_contract_is_in_doubt() {
    let city = City::open().await;
    city.line.then(Act::Answer(201, json!({"case": 1})));
    let reply = city.call(Request::apply("a")).await;
    assert_eq!(
        (problem(&reply).code, problem(&reply).kept),
        (Code::UpstreamContract, Kept::Unknown)
    );
}

#[tokio::test]
async fn after_three_days_a_person_has_to_look() {
    let city = City::open().await;
    city.line.then(down());
    let reply = city.call(Request::apply("a")).await;
    let id = problem(&reply).submission.clone().unwrap();
    city.clock.forward(72 * 3_600 + 1);
    city.line.then(down());
    Jobs::new(city.gateway.clone()).deliver_due().await;
    assert_eq!(state(&city, &id).await, State::Manual);
}
