//! What persons agreed to, and whom they let act for them.

use crate::city::{Act, City, Request, body, problem};
use crate::live::{manifest, weather};
use crate::upstream::Upstream;
use hub_core::{ProblemCode as Code, Reply};
use hub_gateway::Door;
use serde_json::{Value, json};

async fn me(city: &City, method: &str, path: &str, token: &str, sent: Option<&Value>) -> Reply {
    let mut request = Request::new(method, path).key("wide").token(token);
    if let Some(sent) = sent {
        request = request.json(sent);
    }
    city.gateway.run(request.0, Door::Me).await
}

fn health(token: &str) -> Request {
    Request::new("POST", "/demo/front/v1/health/query")
        .key("wide")
        .token(token)
        .json(&json!({}))
}

async fn agree(city: &City, token: &str, sent: &Value) -> String {
    let reply = me(city, "POST", "/consents", token, Some(sent)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    body(&reply)["id"].as_str().unwrap().to_owned()
}

fn missing(reply: &Reply) -> Vec<String> {
    let problem = problem(reply);
    assert_eq!((reply.status, problem.code), (403, Code::ConsentMissing));
    serde_json::from_value(problem.more["fields"].clone()).unwrap()
}

#[tokio::test]
async fn what_stands_on_consent_moves_only_what_the_person_agreed_to() {
    let city = City::open().await;
    let refused = city.call(health("zhang-r4")).await;
    assert_eq!(missing(&refused), ["full_name", "id_card_no"]);
    assert_eq!(city.line.count(), 0, "nothing reached the agency");

    let sheet = me(&city, "GET", "/consents/asked/demo.health", "zhang-r4", None).await;
    let fields = body(&sheet)["fields"].as_array().unwrap();
    let apart: Vec<_> = fields.iter().map(|f| (&f["name"]["zh"], &f["apart"])).collect();
    assert_eq!(
        apart,
        [(&json!("姓名"), &json!(false)), (&json!("身份证号"), &json!(true))]
    );
    let none = me(&city, "GET", "/consents/asked/demo.weather", "zhang-r4", None).await;
    assert_eq!(problem(&none).code, Code::ValidationFailed);

    // The sensitive field needs a yes of its own.
    agree(&city, "zhang-r4", &json!({"service": "demo.health"})).await;
    assert_eq!(missing(&city.call(health("zhang-r4")).await), ["id_card_no"]);
    agree(
        &city,
        "zhang-r4",
        &json!({"service": "demo.health", "apart": true, "days": 2}),
    )
    .await;
    assert_eq!(city.call(health("zhang-r4")).await.status, 200);

    // For this person, in this client.
    assert_eq!(missing(&city.call(health("li-r4")).await).len(), 2);
    let other = Request::new("POST", "/demo/front/v1/health/query")
        .key("other")
        .token("zhang-r4")
        .json(&json!({}));
    assert_eq!(missing(&city.call(other).await).len(), 2);

    city.clock.forward(2 * 86_400);
    let ended = city.call(health("zhang-r4")).await;
    assert_eq!(problem(&ended).code, Code::ConsentExpired);
    let id = agree(&city, "zhang-r4", &json!({"service": "demo.health", "apart": true})).await;
    assert_eq!(city.call(health("zhang-r4")).await.status, 200);
    let path = format!("/consents/{id}");
    assert_eq!(
        me(&city, "DELETE", &path, "li-r4", None).await.status,
        404,
        "not theirs"
    );
    assert_eq!(city.call(health("zhang-r4")).await.status, 200);
    assert_eq!(me(&city, "DELETE", &path, "zhang-r4", None).await.status, 204);
    assert_eq!(missing(&city.call(health("zhang-r4")).await).len(), 2);
    assert_eq!(me(&city, "DELETE", &path, "zhang-r4", None).await.status, 404, "once");
    let history = me(&city, "GET", "/consents", "zhang-r4", None).await;
    let states: Vec<_> = body(&history)["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["state"].clone())
        .collect();
    assert_eq!(states, ["withdrawn", "withdrawn", "withdrawn"]);
    for bad in [
        json!({"service": "demo.health", "days": 0}),
        json!({"service": "demo.health", "days": 366}),
    ] {
        let reply = me(&city, "POST", "/consents", "zhang-r4", Some(&bad)).await;
        assert_eq!(problem(&reply).code, Code::ValidationFailed);
    }
}

#[tokio::test]
async fn a_yes_taken_back_at_one_hub_is_heard_of_at_the_other() {
    let city = City::open().await;
    let store = city.store.clone();
    let other = City::with(|parts| parts.store = store).await;
    let id = agree(&city, "zhang-r4", &json!({"service": "demo.health", "apart": true})).await;
    other.gateway.refresh_rights().await.unwrap();
    assert_eq!(other.call(health("zhang-r4")).await.status, 200);
    me(&city, "DELETE", &format!("/consents/{id}"), "zhang-r4", None).await;
    assert_eq!(
        other.call(health("zhang-r4")).await.status,
        200,
        "from memory, which is looked after"
    );
    other.gateway.refresh_rights().await.unwrap();
    assert_eq!(missing(&other.call(health("zhang-r4")).await).len(), 2);
    // Who could not look for a while does not answer from memory.
    agree(&city, "zhang-r4", &json!({"service": "demo.health", "apart": true})).await;
    other.clock.forward(3);
    assert_eq!(other.call(health("zhang-r4")).await.status, 200);
}

async fn offered(city: &City, token: &str, sent: &Value) -> (String, String) {
    let reply = me(city, "POST", "/mandates", token, Some(sent)).await;
    assert_eq!(reply.status, 201, "{:?}", reply.body);
    let text = |name: &str| body(&reply)[name].as_str().unwrap().to_owned();
    (text("id"), text("code"))
}

fn under(id: &str, token: &str) -> Request {
    Request::account(&json!({}))
        .key("wide")
        .token(token)
        .header("Mandate", id)
}

#[tokio::test]
async fn somebody_acts_for_another_because_both_said_so() {
    let city = City::open().await;
    let (id, code) = offered(&city, "li-r4", &json!({"role": "helper", "reason": "帮父亲办"})).await;
    let refused = city.call(under(&id, "zhang-r4")).await;
    assert_eq!(problem(&refused).code, Code::MandateInvalid, "nobody accepted yet");
    for (token, code) in [("li-r4", code.as_str()), ("zhang-r4", "guess"), ("zhang-r4", "")] {
        let reply = me(&city, "POST", "/mandates/accept", token, Some(&json!({"code": code}))).await;
        assert_eq!(problem(&reply).code, Code::MandateInvalid);
    }
    let accepted = me(
        &city,
        "POST",
        "/mandates/accept",
        "zhang-r4",
        Some(&json!({"code": code})),
    )
    .await;
    assert_eq!(
        (&body(&accepted)["state"], &body(&accepted)["side"]),
        (&json!("in-force"), &json!("agent"))
    );
    let twice = me(
        &city,
        "POST",
        "/mandates/accept",
        "wang-r4",
        Some(&json!({"code": code})),
    )
    .await;
    assert_eq!(problem(&twice).code, Code::MandateInvalid);

    city.line.then(Act::Answer(200, json!({"full_name": "李四"})));
    let reply = city.call(under(&id, "zhang-r4")).await;
    assert_eq!(reply.status, 200);
    {
        let calls = city.line.calls.lock().unwrap();
        let call = calls.last().unwrap();
        assert_eq!(
            call.input["id_card_no"], "990101199202020029",
            "the principal's, not the agent's"
        );
        assert_eq!(
            (call.pairwise.as_deref(), call.agent.as_deref()),
            (Some("demo:li"), Some("demo:zhang"))
        );
    }
    let records = city.records();
    let last = records.last().unwrap();
    let own = city
        .call(Request::account(&json!({})).key("wide").token("zhang-r4"))
        .await;
    assert_eq!(own.status, 502, "the script answers something else: {:?}", own.body);
    let mine = city.records().last().unwrap().subject.clone();
    assert!(
        last.agent.is_some() && last.agent == mine && last.subject != mine,
        "{last:?}"
    );

    // Known no surer than whoever acts.
    let low = city.call(under(&id, "zhang-r1")).await;
    assert_eq!(problem(&low).code, Code::AssuranceTooLow);
    let stranger = city.call(under(&id, "wang-r4")).await;
    assert_eq!(problem(&stranger).code, Code::MandateInvalid);
    // Papers and submissions go with it, the account and other mandates do not.
    let acting = async |method: &str, path: &str| {
        let request = Request::new(method, path)
            .key("wide")
            .token("zhang-r4")
            .header("Mandate", &id);
        city.gateway
            .run(request.json(&json!({"role": "helper"})).0, Door::Me)
            .await
    };
    assert_eq!(acting("GET", "/submissions").await.status, 200);
    for (method, path) in [
        ("GET", "/ledger"),
        ("GET", "/consents"),
        ("GET", "/mandates"),
        ("POST", "/mandates"),
    ] {
        assert_eq!(
            problem(&acting(method, path).await).code,
            Code::MandateInvalid,
            "{path}"
        );
    }
    let path = format!("/mandates/{id}");
    assert_eq!(me(&city, "DELETE", &path, "wang-r4", None).await.status, 404);
    assert_eq!(
        me(&city, "DELETE", &path, "zhang-r4", None).await.status,
        204,
        "either side ends it"
    );
    let ended = city.call(under(&id, "zhang-r4")).await;
    assert_eq!(problem(&ended).code, Code::MandateInvalid);
    let seen = me(&city, "GET", "/mandates", "li-r4", None).await;
    assert_eq!(body(&seen)["items"][0]["state"], "ended");
}

#[tokio::test]
async fn a_mandate_covers_what_it_names_for_as_long_as_it_says() {
    let city = City::open().await;
    let wrong = [
        json!({"role": "boss"}),
        json!({"role": "helper", "days": 0}),
        json!({"role": "helper", "services": ["demo.nothing"]}),
        json!({"role": "helper", "services": []}),
    ];
    for bad in wrong {
        let reply = me(&city, "POST", "/mandates", "li-r4", Some(&bad)).await;
        assert_eq!(problem(&reply).code, Code::ValidationFailed, "{bad}");
    }
    let reply = me(&city, "POST", "/mandates", "agent", Some(&json!({"role": "hr"}))).await;
    assert_eq!(problem(&reply).code, Code::AccessDenied, "not the head of the company");
    let (id, code) = offered(
        &city,
        "li-r4",
        &json!({"role": "guardian", "services": ["demo.health"], "days": 1}),
    )
    .await;
    me(
        &city,
        "POST",
        "/mandates/accept",
        "zhang-r4",
        Some(&json!({"code": code})),
    )
    .await;
    let other = city.call(under(&id, "zhang-r4")).await;
    assert_eq!(problem(&other).code, Code::MandateInvalid, "another service");
    // A guardian agrees, and it is written down who did.
    let request = Request::new("POST", "/consents")
        .key("wide")
        .token("zhang-r4")
        .header("Mandate", &id);
    let agreed = city
        .gateway
        .run(
            request.json(&json!({"service": "demo.health", "apart": true})).0,
            Door::Me,
        )
        .await;
    assert_eq!((agreed.status, &body(&agreed)["by_agent"]), (201, &json!(true)));
    assert_eq!(city.call(health("zhang-r4").header("Mandate", &id)).await.status, 200);
    assert_eq!(city.call(health("li-r4")).await.status, 200, "it is the child's");
    city.clock.forward(86_400);
    let over = city.call(health("zhang-r4").header("Mandate", &id)).await;
    assert_eq!(problem(&over).code, Code::MandateInvalid);
}

#[tokio::test]
async fn a_system_is_told_on_whose_behalf_by_a_token_for_it_alone() {
    let upstream = Upstream::open(|_| weather()).await;
    let told = manifest(
        "dialect: rest-json, timeout: 400ms",
        "send: {header X-Subject: $subject_token}",
        "operations: same",
    );
    let city = crate::live::city(&told, Some(upstream.address.clone())).await;
    let (id, code) = offered(&city, "li-r4", &json!({"role": "helper"})).await;
    me(
        &city,
        "POST",
        "/mandates/accept",
        "zhang-r4",
        Some(&json!({"code": code})),
    )
    .await;
    city.call(under(&id, "zhang-r4").header("X-Subject", "forged")).await;
    city.call(Request::weather().key("wide")).await;
    let heard = upstream.heard.lock().unwrap();
    let line = |n: usize| {
        let head = heard[n].head.to_ascii_lowercase();
        head.lines()
            .filter(|l| l.starts_with("x-subject"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        line(0),
        ["x-subject: demo/front li by zhang r4"],
        "attack 38: what a client sends is not passed on"
    );
    assert!(line(1).is_empty(), "nobody is signed in");
}

#[tokio::test]
async fn a_person_takes_everything_along_and_goes() {
    let city = City::open().await;
    let mut upload = Request::new("POST", "/files").key("wide").token("li-r4");
    upload.0.body = (&b"%PDF-1.7 x"[..]).into();
    let paper = city.gateway.run(upload.0, Door::Me).await;
    assert_eq!(paper.status, 201);
    agree(&city, "li-r4", &json!({"service": "demo.health", "apart": true})).await;
    let (id, code) = offered(&city, "li-r4", &json!({"role": "helper"})).await;
    me(
        &city,
        "POST",
        "/mandates/accept",
        "zhang-r4",
        Some(&json!({"code": code})),
    )
    .await;
    for end in [
        Act::Answer(201, json!({"case_no": "C-1"})),
        Act::Fail(hub_core::Problem::new(Code::UpstreamTimeout)),
    ] {
        city.line.then(end);
        city.call(Request::apply_as("li-r4", "请")).await;
    }
    let whole = me(&city, "GET", "/export", "li-r4", None).await;
    let count = |reply: &Reply, name: &str| body(reply)[name].as_array().unwrap().len();
    let counts = |reply: &Reply| ["consents", "mandates", "submissions", "files"].map(|name| count(reply, name));
    assert_eq!(counts(&whole), [1, 1, 2, 1]);
    assert_eq!(body(&whole)["person"]["id_number"], "990101199202020029");
    let said = body(&whole)["submissions"].as_array().unwrap();
    assert!(said.iter().all(|s| s["said"]["text"] == "请"), "{said:?}");
    let other = me(&city, "GET", "/export", "wang-r4", None).await;
    assert_eq!(counts(&other), [0, 0, 0, 0]);

    let unsure = me(&city, "POST", "/deletion", "li-r4", Some(&json!({}))).await;
    assert_eq!(problem(&unsure).code, Code::ValidationFailed);
    let gone = me(&city, "POST", "/deletion", "li-r4", Some(&json!({"confirm": true}))).await;
    assert_eq!(
        (gone.status, &body(&gone)["deleted"]["submissions"]),
        (200, &json!(1)),
        "{:?}",
        gone.body
    );
    let left = me(&city, "GET", "/export", "li-r4", None).await;
    assert_eq!(counts(&left), [1, 1, 1, 0], "history stays, what is under way too");
    assert_eq!(body(&left)["consents"][0]["state"], "withdrawn");
    assert!(body(&left)["deleted"].is_string(), "a tombstone");
    let ended = city.call(under(&id, "zhang-r4")).await;
    assert_eq!(problem(&ended).code, Code::MandateInvalid);
    assert_eq!(missing(&city.call(health("li-r4")).await).len(), 2);
}
