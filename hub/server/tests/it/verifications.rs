//! Verification as a door: a back end that is proven, held against its description on its owner's behalf.

use crate::support::{City, Got, TestHub, http};
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub const NOTES: &str = r##"
openapi: 3.1.0
info: {title: Notes, version: "1"}
components:
  schemas:
    Note:
      type: object
      required: [id, title]
      properties: {id: {type: integer}, title: {type: string, minLength: 1, maxLength: 20}}
    New:
      type: object
      required: [title]
      additionalProperties: false
      properties: {title: {type: string, minLength: 1, maxLength: 20}}
paths:
  /notes:
    get:
      responses:
        "200": {description: all, content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Note"}}}}}
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/New"}}}}
      responses:
        "201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}}
        "400": {description: wrong}
  /notes/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer, minimum: 1}}]
    get:
      responses:
        "200": {description: one, content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}}
        "404": {description: none}
    delete:
      responses:
        "204": {description: gone}
        "404": {description: none}
"##;

#[derive(Default)]
struct State {
    /// Paths that were asked.
    asked: Mutex<Vec<String>>,
    /// The file that proves ownership: path and content.
    file: Mutex<Option<(String, String)>>,
    wait: Mutex<Duration>,
    keys: Mutex<Vec<String>>,
}

/// A back end that says something else than its description.
struct BackEnd {
    origin: String,
    state: Arc<State>,
    handle: ServerHandle,
}

async fn answer(http: HttpRequest, state: web::Data<State>) -> HttpResponse {
    state.asked.lock().unwrap().push(http.path().to_owned());
    let key = http.headers().get("x-key").map(|v| v.to_str().unwrap().to_owned());
    state.keys.lock().unwrap().extend(key);
    if let Some((path, body)) = &*state.file.lock().unwrap()
        && path == http.path()
    {
        return HttpResponse::Ok().content_type("text/plain").body(format!("{body}\n"));
    }
    let wait = *state.wait.lock().unwrap();
    tokio::time::sleep(wait).await;
    match (http.method().as_str(), http.path()) {
        ("GET", "/api/notes") => HttpResponse::Ok().json(json!([{"id": "110101199003070011", "title": "t"}])),
        ("POST", "/api/notes") => HttpResponse::Created().json(json!({"id": 7, "title": "t"})),
        ("GET", "/api/notes/7") => HttpResponse::Ok().json(json!({"id": 7, "title": "t"})),
        ("DELETE", _) => HttpResponse::NoContent().finish(),
        _ => HttpResponse::NotFound().finish(),
    }
}

impl BackEnd {
    fn start() -> Self {
        let state = Arc::new(State::default());
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(answer)))
            .workers(1)
            .bind(("127.0.0.1", 0))
            .unwrap();
        let origin = format!("http://{}", server.addrs()[0]);
        let server = server.disable_signals().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { origin, state, handle }
    }

    /// Puts the file that a challenge asks for.
    fn proves(&self, challenge: &Value) {
        let path = text(&challenge["url"]).strip_prefix(&self.origin).unwrap().to_owned();
        *self.state.file.lock().unwrap() = Some((path, text(&challenge["body"])));
    }

    fn asked(&self) -> Vec<String> {
        self.state.asked.lock().unwrap().clone()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value}")).to_owned()
}

async fn ask(hub: &TestHub, method: &str, target: &str, body: Option<&Value>) -> Got {
    let key = hub.ready().sandbox_key.clone().unwrap();
    hub.ask(method, target, &[("x-api-key", &key)], body).await
}

async fn done(hub: &TestHub, id: &str) -> Value {
    let began = Instant::now();
    loop {
        let got = ask(hub, "GET", &format!("/developer/verifications/{id}"), None).await;
        if got.body["state"] != "running" {
            return got.body;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{}", got.body);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn finding<'a>(told: &'a Value, operation: &str, rule: &str) -> &'a Value {
    let all = told["findings"].as_array().unwrap_or_else(|| panic!("{told:#}"));
    all.iter()
        .find(|f| f["rule"] == rule && f["operation"].as_str().unwrap().starts_with(operation))
        .unwrap_or_else(|| panic!("{operation} {rule}: {told:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_end_is_held_against_its_description_once_it_is_proven() {
    let hub = TestHub::demo(City::of(&["forest/lic"]).unhurried()).await;
    let back = BackEnd::start();
    let asked =
        json!({"base_url": format!("{}/api", back.origin), "description": NOTES, "headers": {"X-Key": "geheim-3141"}});
    let made = ask(&hub, "POST", "/developer/verifications", Some(&asked)).await;
    assert_eq!(
        (made.status, &made.body["state"]),
        (201, &json!("unproven")),
        "{}",
        made.body
    );
    assert_eq!(made.body["reason"]["code"], "status-404");
    let id = text(&made.body["id"]);
    let start = format!("/developer/verifications/{id}/start");
    // What is not the file proves nothing, and nothing else was asked for.
    *back.state.file.lock().unwrap() = Some((back.asked()[0].clone(), "something".into()));
    let again = ask(&hub, "POST", &start, Some(&json!({}))).await;
    assert_eq!(
        (&again.body["state"], &again.body["reason"]["code"]),
        (&json!("unproven"), &json!("wrong-answer"))
    );
    assert!(
        back.asked()
            .iter()
            .all(|path| path.starts_with("/.well-known/hub-challenge-")),
        "{:?}",
        back.asked()
    );
    assert!(
        back.state.keys.lock().unwrap().is_empty(),
        "no credentials before the proof"
    );
    back.proves(&made.body["challenge"]);
    let began = ask(&hub, "POST", &start, Some(&json!({}))).await;
    assert_eq!(
        (began.status, &began.body["state"]),
        (200, &json!("running")),
        "{}",
        began.body
    );
    let twice = ask(&hub, "POST", &start, Some(&json!({}))).await;
    assert_eq!(twice.status, 422, "{}", twice.body);
    let told = done(&hub, &id).await;
    assert_eq!(told["state"], "done", "{told:#}");
    assert_eq!(
        (&told["progress"]["operations"], &told["progress"]["of"]),
        (&json!(4), &json!(4))
    );
    let misfit = finding(&told, "GET /notes", "answer-misfit");
    assert!(misfit["message"]["zh"].as_str().unwrap().contains("/0/id"), "{misfit}");
    finding(&told, "POST /notes", "invalid-accepted");
    let story = finding(&told, "GET /notes/7", "removed-still-there");
    assert!(back.state.keys.lock().unwrap().iter().any(|k| k == "geheim-3141"));
    assert!(!told.to_string().contains("geheim"), "credentials are shown to nobody");
    assert!(misfit["curl"].as_str().unwrap().contains("X-Key: ***"), "{misfit}");
    // One request again, and a story again.
    let base = hub.ready().base_url.clone();
    let link = text(&misfit["link"]).strip_prefix(&base).unwrap().to_owned();
    let again = ask(&hub, "POST", &link, Some(&json!({}))).await;
    assert_eq!(
        (&again.body["status"], &again.body["findings"][0]["rule"]),
        (&json!(200), &json!("answer-misfit")),
        "{}",
        again.body
    );
    assert!(
        !again.body["excerpt"].as_str().unwrap().contains("110101199003070011"),
        "{}",
        again.body
    );
    let link = text(&story["link"]).strip_prefix(&base).unwrap().to_owned();
    let again = ask(&hub, "POST", &link, Some(&json!({}))).await;
    assert_eq!(
        again.body["findings"][0]["rule"], "removed-still-there",
        "{}",
        again.body
    );
    let none = ask(
        &hub,
        "POST",
        &format!("/developer/verifications/{id}/replay/9.99"),
        Some(&json!({})),
    )
    .await;
    assert_eq!(none.status, 404);
    // The same back end is proven already; one run at a time; a registered description or none.
    *back.state.wait.lock().unwrap() = Duration::from_millis(100);
    let first = ask(&hub, "POST", "/developer/verifications", Some(&asked)).await;
    assert_eq!(first.body["state"], "running", "{}", first.body);
    let second = ask(&hub, "POST", "/developer/verifications", Some(&asked)).await;
    assert_eq!((second.status, second.code()), (429, "rate-limited"), "{}", second.body);
    let (city, data) = hub.stop().await;
    let hub = TestHub::demo_over(city, data).await;
    let told = done(&hub, &text(&first.body["id"])).await;
    assert_eq!(told["state"], "interrupted", "{told:#}");
    *back.state.file.lock().unwrap() = None;
    let id = text(&first.body["id"]);
    let unproven = ask(
        &hub,
        "POST",
        &format!("/developer/verifications/{id}/replay/1.1"),
        Some(&json!({})),
    )
    .await;
    assert_eq!(
        (unproven.status, unproven.code()),
        (403, "not-authorized"),
        "{}",
        unproven.body
    );
    back.handle.stop(false).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_verified_is_said_at_once() {
    let hub = TestHub::demo(City::of(&["forest/lic"]).unhurried()).await;
    let tries = [
        (json!({"base_url": "nowhere", "description": NOTES}), "/base_url"),
        (
            json!({"base_url": "http://127.0.0.1:9/?a=b", "description": NOTES}),
            "/base_url",
        ),
        (json!({"base_url": "http://127.0.0.1:9/"}), "/description"),
        (
            json!({"base_url": "http://127.0.0.1:9/", "version": "ver_none"}),
            "/version",
        ),
        (
            json!({"base_url": "http://127.0.0.1:9/", "description": NOTES, "headers": {"a b": "c"}}),
            "/headers",
        ),
    ];
    for (wrong, place) in tries {
        let got = ask(&hub, "POST", "/developer/verifications", Some(&wrong)).await;
        assert_eq!(
            (got.status, got.body["where"].as_str()),
            (422, Some(place)),
            "{}",
            got.body
        );
    }
    let got = ask(
        &hub,
        "POST",
        "/developer/verifications",
        Some(&json!({"base_url": "http://127.0.0.1:9/", "description": "x"})),
    )
    .await;
    assert_eq!(
        (got.status, got.code()),
        (422, "description-unreadable"),
        "{}",
        got.body
    );
    let silent = ask(
        &hub,
        "POST",
        "/developer/verifications",
        Some(&json!({"base_url": "http://127.0.0.1:9/", "description": NOTES})),
    )
    .await;
    assert_eq!(
        (silent.status, &silent.body["reason"]["code"]),
        (201, &json!("refused")),
        "{}",
        silent.body
    );
    let id = text(&silent.body["id"]);
    // A version that is registered will do; one that is still a draft is nobody else's.
    let desk = format!("Bearer {}", hub.ready().desk_tokens["clerk"]);
    for (draft, status) in [("false", 201), ("true", 422)] {
        let base = &hub.ready().base_url;
        let url = format!("{base}/registry/versions?system=notes-{draft}&file=notes.yaml&draft={draft}");
        let sent = http()
            .post(url)
            .header("authorization", &desk)
            .body(NOTES)
            .send()
            .await
            .unwrap();
        let uploaded: Value = serde_json::from_slice(&sent.bytes().await.unwrap()).unwrap();
        let version = json!({"base_url": "http://127.0.0.1:9/", "version": uploaded["id"]});
        let got = ask(&hub, "POST", "/developer/verifications", Some(&version)).await;
        assert_eq!(got.status, status, "{uploaded}: {}", got.body);
    }
    let early = ask(
        &hub,
        "POST",
        &format!("/developer/verifications/{id}/replay/1.1"),
        Some(&json!({})),
    )
    .await;
    assert_eq!(early.status, 422);
    let list = ask(&hub, "GET", "/developer/verifications", None).await;
    assert_eq!(list.body["items"].as_array().unwrap().len(), 2);
    let stranger = hub
        .ask(
            "GET",
            &format!("/dev/verify/{id}?t=0"),
            &[("accept", "text/html")],
            None,
        )
        .await;
    assert_eq!(stranger.status, 404);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_leads_through_without_script() {
    let hub = TestHub::demo(City::of(&["forest/lic"]).unhurried()).await;
    let back = BackEnd::start();
    let base = hub.ready().base_url.clone();
    let client = http();
    let part = |name: &str, more: &str, value: &str| {
        format!("--xyz\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{value}\r\n")
    };
    let form = |key: &str| {
        [
            part("base_url", "", &format!("{}/api", back.origin)),
            part("file", "; filename=\"notes.yaml\"", NOTES),
            part("text", "", ""),
            part("version", "", ""),
            part("key", "", key),
            part("header", "", "X-Key: geheim-3141"),
            part("budget", "", "30"),
            "--xyz--\r\n".to_owned(),
        ]
        .concat()
    };
    let send = async |target: &str, media: &str, body: String| {
        let request = client
            .post(format!("{base}{target}"))
            .header("content-type", media)
            .body(body);
        let answer = request.header("accept-language", "en").send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.url().to_string(),
            answer.text().await.unwrap(),
        )
    };
    let parts = "multipart/form-data; boundary=xyz";
    let (status, _, page) = send("/dev/verify", parts, form("hub_sandbox_nonsense")).await;
    assert_eq!(status, 401);
    assert!(page.contains("role=\"alert\"") && page.contains(&back.origin), "{page}");
    assert!(
        !page.contains("hub_sandbox_nonsense") && !page.contains("geheim"),
        "{page}"
    );
    let key = hub.ready().sandbox_key.clone().unwrap();
    let (status, url, page) = send("/dev/verify", parts, form(&key)).await;
    assert_eq!(status, 200, "{page}");
    assert!(
        page.contains("First prove") && page.contains(".well-known/hub-challenge-"),
        "{page}"
    );
    let (id, proof) = url.rsplit_once('/').unwrap().1.split_once("?t=").unwrap();
    let (id, proof) = (id.to_owned(), proof.split('&').next().unwrap().to_owned());
    let told = ask(&hub, "GET", &format!("/developer/verifications/{id}"), None)
        .await
        .body;
    let fields = "application/x-www-form-urlencoded";
    let start = format!("/dev/verify/{id}/start");
    let (_, _, page) = send(&start, fields, format!("t={proof}")).await;
    assert!(page.contains("Not found yet: it answered 404"), "{page}");
    back.proves(&told["challenge"]);
    let (status, _, page) = send(&start, fields, format!("t={proof}")).await;
    assert_eq!(status, 200);
    assert!(
        page.contains("http-equiv=\"refresh\"") || page.contains("findings"),
        "{page}"
    );
    done(&hub, &id).await;
    let shown = hub
        .ask("GET", &format!("/dev/verify/{id}?t={proof}&lang=zh"), &[], None)
        .await;
    let page = text(&shown.body);
    assert!(
        page.contains("类问题") && page.contains("answer-misfit") && !page.contains("refresh"),
        "{page}"
    );
    assert!(!page.contains("geheim"), "{page}");
    let told = ask(&hub, "GET", &format!("/developer/verifications/{id}"), None)
        .await
        .body;
    let replay = text(&finding(&told, "GET /notes", "answer-misfit")["replay"]);
    let (_, _, page) = send(
        &format!("/dev/verify/{id}/replay"),
        fields,
        format!("t={proof}&finding={replay}"),
    )
    .await;
    assert!(page.contains("Still wrong"), "{page}");
    let (status, ..) = send(
        &format!("/dev/verify/{id}/replay"),
        fields,
        format!("t=0&finding={replay}"),
    )
    .await;
    assert_eq!(status, 404);
    back.handle.stop(false).await;
    hub.stop().await;
}
