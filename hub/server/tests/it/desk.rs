//! A small city with one system that a test plays itself, and hubs over it as processes of their own.

use crate::support::{City, http};
use hub_server::wiring::Ready;
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const FIELDS: &str = r##"
case_no: {title: 办件编号, x-hub-en: Case number, type: string, maxLength: 60, x-hub-level: L1, x-hub-mask: none, x-hub-handle: true, examples: [C-1]}
words: {title: 文字, x-hub-en: Words, type: string, maxLength: 100, x-hub-level: L1, x-hub-mask: none, examples: [请]}
"##;

const SPEC: &str = r##"
openapi: 3.1.0
info: {title: 柜台, x-hub-en: Desk, version: 1.0.0, description: 测试}
paths:
  /notices:
    get:
      operationId: desk.notice-query
      summary: 查公告
      description: 查公告
      x-hub-en: {summary: Notices, description: Notices}
      x-hub-assurance: R0
      x-hub-audience: both
      parameters: [{name: words, in: query, required: true, schema: {$ref: "../fields.yaml#/words"}}]
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, required: [case_no], properties: {case_no: {$ref: "../fields.yaml#/case_no"}}}, examples: {normal: {value: {case_no: C-1}}}}}}
  /places:
    get:
      operationId: desk.place-query
      summary: 查窗口
      description: 查窗口
      x-hub-en: {summary: Places, description: Places}
      x-hub-assurance: R0
      x-hub-audience: both
      parameters: [{name: words, in: query, required: true, schema: {$ref: "../fields.yaml#/words"}}]
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, required: [case_no], properties: {case_no: {$ref: "../fields.yaml#/case_no"}}}, examples: {normal: {value: {case_no: C-1}}}}}}
  /applications:
    post:
      operationId: desk.apply
      summary: 申请
      description: 申请
      x-hub-en: {summary: Apply, description: Apply}
      x-hub-assurance: R1
      x-hub-audience: both
      x-hub-effect: once
      requestBody: {content: {application/json: {schema: {type: object, required: [words], properties: {words: {$ref: "../fields.yaml#/words"}}}, examples: {normal: {value: {words: 请}}}}}}
      responses:
        "201": {description: ok, content: {application/json: {schema: {type: object, required: [case_no], properties: {case_no: {$ref: "../fields.yaml#/case_no"}}}, examples: {normal: {value: {case_no: C-1}}}}}}
"##;

const AGENCY: &str = "code: desk\nname: {zh: 测试局, en: Test Bureau}\nshort: {zh: 测试, en: Test}\ndomain: government\nkind: bureau\nphone: \"0990-0000000\"\n";

/// The city, with this manifest of its system `desk/main`.
pub fn city(manifest: &str) -> City {
    let city = City::empty().unhurried();
    std::fs::create_dir_all(city.path("specs/desk")).unwrap();
    std::fs::create_dir_all(city.path("connectors/desk/main")).unwrap();
    for (file, text) in [
        ("specs/fields.yaml", FIELDS),
        ("specs/desk/agency.yaml", AGENCY),
        ("specs/desk/main.yaml", SPEC),
        ("connectors/desk/main/connector.yaml", manifest),
    ] {
        std::fs::write(city.path(file), text).unwrap();
    }
    city
}

/// A hub over it.
pub struct Process {
    child: Child,
    ready: Ready,
    http: reqwest::Client,
}

impl Process {
    /// Starts one; its log is `log` in its folder.
    pub fn start(city: &City, data: &Path, variables: &[(&str, String)]) -> Self {
        std::fs::create_dir_all(data).unwrap();
        let file = data.join("ready.json");
        let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
        command.args(["serve", "--test-issuer", "--listen", "127.0.0.1:0", "--ready-file"]);
        command.arg(&file).arg("--data-dir").arg(data.join("hub"));
        command
            .env("HUB_LISTEN_ADMIN_ADDRESS", "127.0.0.1:0")
            .envs(variables.iter().cloned());
        for name in ["specs", "connectors", "policies"] {
            command.arg(format!("--{name}")).arg(city.path(name));
        }
        let log = std::fs::File::create(data.join("log")).unwrap();
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let mut process = Self {
            child,
            ready: Ready::default(),
            http: http(),
        };
        let began = Instant::now();
        loop {
            if let Some(ready) = std::fs::read(&file).ok().and_then(|b| serde_json::from_slice(&b).ok()) {
                process.ready = ready;
                return process;
            }
            let ended = process.child.try_wait().unwrap();
            let log = || std::fs::read_to_string(data.join("log")).unwrap();
            assert!(
                ended.is_none() && began.elapsed() < Duration::from_secs(90),
                "the hub did not start: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// A question with the client's key.
    pub async fn get(&self, target: &str) -> (u16, Value) {
        self.asked(self.http.get(format!("{}{target}", self.ready.base_url)))
            .await
    }

    /// A submission of one person's.
    pub async fn apply(&self, words: &str) -> (u16, Value) {
        let request = self
            .http
            .post(format!("{}/gateway/desk/main/v1/applications", self.ready.base_url));
        let request = request.header("content-type", "application/json");
        let body = serde_json::json!({"words": words}).to_string();
        self.asked(self.personal(request).header("idempotency-key", words).body(body))
            .await
    }

    /// What became of it.
    pub async fn submission(&self, id: &str) -> Value {
        let request = self.http.get(format!("{}/me/submissions/{id}", self.ready.base_url));
        self.asked(self.personal(request)).await.1
    }

    fn personal(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        let mut people = self.ready.subject_tokens.iter().filter(|(p, _)| !p.contains('@'));
        request.header("authorization", format!("Bearer {}", people.next().unwrap().1))
    }

    async fn asked(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        let request = request.header("x-api-key", self.ready.client_key.as_deref().unwrap());
        let answer = request.timeout(Duration::from_secs(30)).send().await.unwrap();
        let status = answer.status().as_u16();
        (
            status,
            serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default(),
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
