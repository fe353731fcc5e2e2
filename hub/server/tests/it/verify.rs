//! `hub verify`: a back end that keeps its word, and one that does not.

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const NOTES: &str = r##"
openapi: 3.1.0
info: {title: Notes, version: "1"}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  schemas:
    Note:
      type: object
      required: [id, title]
      properties: {id: {type: integer}, title: {type: string, minLength: 1, maxLength: 20}, stars: {type: integer, minimum: 1, maximum: 5}}
    New:
      type: object
      required: [title]
      additionalProperties: false
      properties: {title: {type: string, minLength: 1, maxLength: 20}, stars: {type: integer, minimum: 1, maximum: 5}}
paths:
  /notes:
    get:
      parameters: [{name: limit, in: query, schema: {type: integer, minimum: 1, maximum: 100}}]
      responses:
        "200": {description: all, content: {application/json: {schema: {type: array, items: {$ref: "#/components/schemas/Note"}}}}}
        "400": {description: wrong}
    post:
      security: [{key: []}]
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/New"}}}}
      responses:
        "201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Note"}}}}
        "400": {description: wrong}
        "401": {description: who}
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

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `hub mock` over a file, and its address.
fn mocked(file: &Path) -> (Served, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
        .args(["mock", "--listen", "127.0.0.1:0", "--json"])
        .arg(file)
        .env("LANG", "C")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let said: Value = serde_json::from_str(&line).unwrap();
    (Served(child), said["base_url"].as_str().unwrap().to_owned())
}

fn verify(address: &str, file: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hub"))
        .args(["verify", address, "--spec"])
        .arg(file)
        .args(more)
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .output()
        .unwrap()
}

fn notes() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), NOTES).unwrap();
    file
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn a_back_end_that_keeps_its_word_has_no_findings() {
    let file = notes();
    let (_served, address) = mocked(file.path());
    let output = verify(&address, file.path(), &["--json"]);
    let report = report(&output);
    assert_eq!(
        (output.status.code(), &report["findings"]),
        (Some(0), &json!([])),
        "{report:#}"
    );
    assert_eq!(report["operations"], 4);
    for kind in ["positive", "boundary", "negative", "unguarded", "story"] {
        assert!(
            report["by_kind"][kind].as_u64().unwrap_or_default() > 0,
            "{kind}: {report}"
        );
    }
    let reads = verify(&address, file.path(), &["--json", "--reads"]);
    let reads = self::report(&reads);
    assert_eq!(
        (reads["operations"].as_u64(), reads["by_kind"]["story"].as_u64()),
        (Some(2), None)
    );
}

/// Says something else than its description, at every place in its own way.
async fn liar(http: HttpRequest, body: web::Bytes) -> HttpResponse {
    let note = json!({"id": 7, "title": "t"});
    match (http.method().as_str(), http.path()) {
        ("GET", "/api/notes") => HttpResponse::Ok().json(json!([{"id": "seven", "title": "t"}])),
        ("POST", "/api/notes") => match serde_json::from_slice::<Value>(&body) {
            Err(_) => HttpResponse::InternalServerError().finish(),
            Ok(_) => HttpResponse::Created().json(note),
        },
        ("GET", "/api/notes/7") => HttpResponse::Ok().content_type("text/html").body("<p>t</p>"),
        ("GET", _) => HttpResponse::ImATeapot().finish(),
        ("DELETE", _) => HttpResponse::NoContent().finish(),
        _ => HttpResponse::Ok().finish(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_end_that_lies_is_told_where_and_how_to_see_it_again() {
    let server = HttpServer::new(|| App::new().default_service(web::to(liar)))
        .workers(1)
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = format!("http://{}/api", server.addrs()[0]);
    let server = server.run();
    let handle = server.handle();
    tokio::spawn(server);
    let file = notes();
    let run = async |more: &'static [&'static str]| {
        let (address, path) = (address.clone(), file.path().to_owned());
        tokio::task::spawn_blocking(move || verify(&address, &path, more))
            .await
            .unwrap()
    };
    let output = run(&["--json"]).await;
    let found = report(&output);
    assert_eq!(output.status.code(), Some(1));
    let has = |operation: &str, rule: &str| {
        let all = found["findings"].as_array().unwrap();
        all.iter()
            .find(|f| f["rule"] == rule && f["operation"].as_str().unwrap().starts_with(operation))
    };
    for (operation, rule) in [
        ("GET /notes", "answer-misfit"),
        ("GET /notes", "invalid-accepted"),
        ("POST /notes", "server-error"),
        ("POST /notes", "invalid-accepted"),
        ("POST /notes", "unguarded"),
        ("GET /notes/{id}", "undeclared-status"),
        ("GET /notes/7", "removed-still-there"),
    ] {
        assert!(has(operation, rule).is_some(), "{operation} {rule} in {found:#}");
    }
    let misfit = has("GET /notes", "answer-misfit").unwrap();
    assert!(misfit["message"]["en"].as_str().unwrap().contains("/0/id"), "{misfit}");
    assert!(misfit["curl"].as_str().unwrap().ends_with("/api/notes'"), "{misfit}");

    // One request again, by its id.
    let id = misfit["replay"].as_str().unwrap().to_owned();
    let (address_again, path) = (address.clone(), file.path().to_owned());
    let again = tokio::task::spawn_blocking(move || verify(&address_again, &path, &["--json", "--only", &id]));
    let again = report(&again.await.unwrap());
    assert_eq!(
        (again["requests"].as_u64(), again["findings"].as_array().map(Vec::len)),
        (Some(1), Some(1)),
        "{again:#}"
    );

    let junit = String::from_utf8(run(&["--junit"]).await.stdout).unwrap();
    assert!(junit.starts_with("<?xml") && junit.contains("answer-misfit"));
    let words = String::from_utf8(run(&[]).await.stdout).unwrap();
    assert!(words.contains("curl -i -X POST") && words.contains("--only"), "{words}");
    let chinese = String::from_utf8(run(&["--lang", "zh"]).await.stdout).unwrap();
    assert!(chinese.contains("请求不符合描述"), "{chinese}");
    handle.stop(true).await;
    let silent = run(&["--json"]).await;
    assert_eq!(silent.status.code(), Some(1));
    assert!(report(&silent)["unreachable"].is_string());
    let misused = run(&["--budget", "0", "--json"]).await;
    assert!(report(&misused)["not_sent"].as_u64() > Some(0), "no time, nothing sent");
}
