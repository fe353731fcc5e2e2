//! `hub mock`: from a file to an answer, once and over HTTP.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PETS: &str = r##"
swagger: "2.0"
info: {title: Pets, version: "1"}
basePath: /v1
paths:
  /pets/{id}:
    get:
      produces: [application/json]
      parameters: [{name: id, in: path, required: true, type: integer}]
      responses:
        "200": {description: one, schema: {$ref: "#/definitions/Pet"}}
        "404": {description: none, schema: {type: object, required: [reason], properties: {reason: {type: string, enum: [gone]}}}}
definitions:
  Pet: {type: object, required: [id, name], properties: {id: {type: integer}, name: {type: string, enum: [Rex]}}}
"##;

fn pets() -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), PETS).unwrap();
    file
}

fn once(file: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
    command
        .arg("mock")
        .arg(file)
        .args(more)
        .env("LANG", "C")
        .env_remove("LC_ALL");
    command.output().unwrap()
}

fn printed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn one_answer_is_printed_and_the_exit_code_says_of_what_kind() {
    let file = pets();
    let good = once(file.path(), &["--once", "GET", "/pets/3"]);
    assert_eq!(good.status.code(), Some(0));
    assert_eq!(printed(&good), json!({"id": 3, "name": "Rex"}));
    let whole = once(file.path(), &["--once", "get", "/v1/pets/{id}", "--json"]);
    let whole = (whole.status.code(), printed(&whole));
    assert_eq!((whole.0, &whole.1["status"]), (Some(0), &json!(200)));
    assert_eq!(whole.1["headers"]["content-type"], "application/json");
    assert_eq!(whole.1["body"]["name"], "Rex");
    let gone = once(file.path(), &["--once", "GET", "/pets/3", "-H", "Prefer: code=404"]);
    assert_eq!(
        (gone.status.code(), printed(&gone)),
        (Some(1), json!({"reason": "gone"}))
    );
    let wrong = once(file.path(), &["--once", "GET", "/pets/x", "--json"]);
    assert_eq!(
        (wrong.status.code(), &printed(&wrong)["status"]),
        (Some(1), &json!(422))
    );
    let none = once(Path::new("/nowhere.yaml"), &["--once", "GET", "/"]);
    assert_eq!(none.status.code(), Some(2));
}

/// A mock that ends with its test.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn it_is_served_without_any_set_up() {
    let file = pets();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
        .arg("mock")
        .arg(file.path())
        .args(["--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let _served = Served(child);
    let ready: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(ready["operations"], 1);
    let base = ready["base_url"].as_str().unwrap();
    let client = crate::support::http();
    let get = |path: &str| client.get(format!("{base}{path}"));
    let one = get("/v1/pets/4").send().await.unwrap();
    assert_eq!(
        (one.status().as_u16(), one.headers()["content-type"].to_str().unwrap()),
        (200, "application/json")
    );
    assert_eq!(one.text().await.unwrap(), r#"{"id":4,"name":"Rex"}"#);
    let gone = get("/pets/4").header("prefer", "code=404").send().await.unwrap();
    assert_eq!(
        (gone.status().as_u16(), gone.text().await.unwrap()),
        (404, r#"{"reason":"gone"}"#.to_owned())
    );
    let wrong = get("/pets/x").send().await.unwrap();
    // In the description's own words for it; why stands beside them.
    let why = wrong.headers()["hub-why"].to_str().unwrap();
    assert!(
        wrong.status() == 404 && why.starts_with("parameter/id: expected "),
        "{why}"
    );
    assert_eq!(wrong.text().await.unwrap(), r#"{"reason":"gone"}"#);
    let head = client.head(format!("{base}/pets/4")).send().await.unwrap();
    assert_eq!(head.status(), 200);
    assert_eq!(
        client.put(format!("{base}/pets/4")).send().await.unwrap().headers()["allow"],
        "GET"
    );
}

const THINGS: &str = r##"
openapi: 3.0.3
info: {title: Things, version: "1"}
paths:
  /things:
    post:
      security: [{key: []}]
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}}
  /things/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get: {responses: {"200": {description: one, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}}}
    delete: {responses: {"204": {description: removed}}}
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Things}}
  schemas:
    Thing: {type: object, required: [id, name], properties: {id: {type: integer, readOnly: true}, name: {type: string}}}
"##;

/// A mock of things, its address and what it said at its start.
fn things(more: &[&str]) -> (Served, String, Value) {
    let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
    std::fs::write(file.path(), THINGS).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
        .arg("mock")
        .arg(file.path())
        .args(["--listen", "127.0.0.1:0", "--json"])
        .args(more)
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let base = ready["base_url"].as_str().unwrap().to_owned();
    (Served(child), base, ready)
}

#[tokio::test]
async fn it_remembers_what_is_done_unless_it_is_told_not_to() {
    let client = crate::support::http();
    let make = async |base: &str| {
        let post = client.post(format!("{base}/things")).header("x-things", "any");
        let made = post
            .header("content-type", "application/json")
            .body(r#"{"name": "Rex"}"#);
        let made = made.send().await.unwrap();
        assert_eq!(made.status(), 201);
        made.headers().get("location").map(|l| l.to_str().unwrap().to_owned())
    };
    let (_served, base, ready) = things(&[]);
    assert_eq!(
        ready["state"],
        json!(["POST /things creates, GET /things/{id} reads, DELETE /things/{id} removes; id tells them apart"])
    );
    let place = make(&base).await.unwrap();
    let read = client.get(format!("{base}{place}")).send().await.unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&read.text().await.unwrap()).unwrap()["name"],
        "Rex"
    );
    let removed = client.delete(format!("{base}{place}")).send().await.unwrap();
    assert_eq!(removed.status(), 204);
    assert_eq!(client.get(format!("{base}{place}")).send().await.unwrap().status(), 404);

    let (_served, base, ready) = things(&["--stateless"]);
    assert_eq!(ready["state"], json!([]));
    make(&base).await;
    let place = "/things/7";
    client.delete(format!("{base}{place}")).send().await.unwrap();
    assert_eq!(client.get(format!("{base}{place}")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn every_answer_says_its_scenario_and_a_401_what_it_wants() {
    let client = crate::support::http();
    let (_served, base, _) = things(&[]);
    let unknown = client.post(format!("{base}/things")).body("{}").send().await.unwrap();
    assert_eq!(unknown.status(), 401);
    assert_eq!(
        unknown.headers()["www-authenticate"],
        r#"ApiKey realm="mock", header="X-Things""#
    );
    for (path, status) in [("/things/1?_scenario=down", 503), ("/things/1?_scenario=minimal", 200)] {
        let told = client.get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(told.status(), status);
        let word = path.split('=').next_back().unwrap();
        assert_eq!(told.headers()["hub-scenario"], word);
        assert_eq!(told.headers()["hub-sandbox"], "mock");
        assert!(told.headers().contains_key("hub-clock") && told.headers().contains_key("x-request-id"));
    }
}
