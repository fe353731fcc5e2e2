//! `/me`: papers.

use crate::city::{City, Request, body, problem};
use hub_core::wire::ReplyBody;
use hub_core::{ProblemCode as Code, Reply};
use hub_gateway::Door;
use serde_json::json;

async fn me(city: &City, request: Request) -> Reply {
    city.gateway.run(request.0, Door::Me).await
}

fn upload(bytes: &'static [u8]) -> Request {
    let mut request = Request::new("POST", "/files").key("wide").token("zhang-r4");
    request.0.body = bytes.into();
    request
}

#[tokio::test]
async fn a_paper_is_taken_sealed_shown_to_its_owner_and_dropped() {
    let city = City::open().await;
    let name = "%E8%BA%AB%E4%BB%BD%E8%AF%81.pdf";
    let put = me(&city, upload(b"%PDF-1.7 secret-words").header("Hub-File-Name", name)).await;
    assert_eq!(put.status, 201);
    assert_eq!(body(&put)["media_type"], "application/pdf");
    assert_eq!(body(&put)["name"], "身份证.pdf");
    let id = body(&put)["file_id"].as_str().unwrap().to_owned();
    let path = format!("/files/{id}");
    let own = me(&city, Request::new("GET", &path).key("wide").token("zhang-r4")).await;
    assert!(matches!(&own.body, ReplyBody::Bytes { bytes, .. } if bytes.ends_with(b"secret-words")));
    let stranger = me(&city, Request::new("GET", &path).key("wide").token("li-r4")).await;
    assert_eq!(problem(&stranger).code, Code::NotFound);
    for entry in std::fs::read_dir(city.folder.path())
        .unwrap()
        .flatten()
        .filter(|e| e.path().is_file())
    {
        let bytes = std::fs::read(entry.path()).unwrap();
        assert!(!bytes.windows(12).any(|w| w == b"secret-words"), "{:?}", entry.path());
    }
    let drop = me(&city, Request::new("DELETE", &path).key("wide").token("zhang-r4")).await;
    assert_eq!(drop.status, 204);
    let gone = me(&city, Request::new("GET", &path).key("wide").token("zhang-r4")).await;
    assert_eq!(gone.status, 404);
}

#[tokio::test]
async fn a_call_refers_to_the_subjects_own_papers_only() {
    let city = City::open().await;
    let put = me(&city, upload(b"\x89PNG\r\n\x1a\n")).await;
    let id = body(&put)["file_id"].as_str().unwrap().to_owned();
    let apply = |token: &str, id: &str| {
        let request = Request::new("POST", "/demo/front/v1/applications")
            .key("wide")
            .token(token);
        request.json(&json!({"text": "a", "paper": id}))
    };
    for (token, paper) in [("zhang-r4", "file_none"), ("li-r4", id.as_str())] {
        let reply = city.call(apply(token, paper)).await;
        assert_eq!(problem(&reply).code, Code::FileNotFound);
        assert_eq!(problem(&reply).place.as_deref(), Some("/paper"));
    }
    assert!(
        city.store.submissions().counts().await.unwrap().is_empty(),
        "nothing was accepted"
    );
    city.line.then(crate::city::Act::Answer(201, json!({"case_no": "C-1"})));
    assert_eq!(city.call(apply("zhang-r4", &id)).await.status, 201);
    let drop = me(
        &city,
        Request::new("DELETE", &format!("/files/{id}"))
            .key("wide")
            .token("zhang-r4"),
    )
    .await;
    assert_eq!(drop.status, 404, "a submission holds it");
    city.mock.then(crate::city::Act::Answer(201, json!({"case_no": "C-1"})));
    let mut trial = apply("zhang-r4", "file_any");
    trial.0.headers.retain(|(n, _)| n != "X-Api-Key");
    assert_eq!(city.sandbox(trial).await.status, 201, "in the sandbox every id passes");
}

#[tokio::test]
async fn what_is_no_paper_is_refused() {
    let city = City::open().await;
    let html = me(&city, upload(b"<html>").header("Content-Type", "application/pdf")).await;
    assert_eq!(problem(&html).code, Code::FileRejected);
    let city = City::with(|parts| parts.settings.file_cap = 10).await;
    let large = me(&city, upload(b"%PDF-1.7 more than ten bytes")).await;
    assert_eq!(problem(&large).code, Code::BodyTooLarge);
}

#[tokio::test]
async fn key_and_token_are_both_needed() {
    let city = City::open().await;
    let path = "/submissions";
    let no_key = me(&city, Request::new("GET", path).token("zhang-r4")).await;
    assert_eq!(problem(&no_key).code, Code::KeyMissing);
    let no_token = me(&city, Request::new("GET", path).key("wide")).await;
    assert_eq!(problem(&no_token).code, Code::TokenMissing);
    let method = me(&city, Request::new("PUT", path).key("wide").token("zhang-r4")).await;
    assert_eq!(problem(&method).code, Code::MethodNotAllowed);
    let both = me(&city, Request::new("GET", path).key("wide").token("zhang-r4")).await;
    assert_eq!(body(&both), &serde_json::json!({"items": []}));
}
