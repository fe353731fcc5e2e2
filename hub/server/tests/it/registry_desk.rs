//! An agency, its system, and the people at the registry.

use crate::support::{City, Got, TestHub, http};
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// A description without any extension of the hub's, as a contractor hands it over.
pub fn title(number: &str, server: &str, extra: &str) -> String {
    format!(
        "openapi: 3.0.3
info: {{title: 权籍查询, version: {number}, description: 按不动产单元号查询权籍。, contact: {{name: 登记中心, email: a@title.example}}}}
servers: [{{url: '{server}'}}]
tags: [{{name: title, description: 权籍}}]
paths:
  /titles/{{no}}:
    get:
      operationId: getTitle
      summary: 查询权籍
      description: 查询一个不动产单元的权籍。
      tags: [title]
      parameters:
        - {{name: no, in: path, required: true, description: 单元号, schema: {{type: string, maxLength: 28, example: U1}}}}
        - {{name: on, in: query, description: 哪一天的, schema: {{type: string, format: date}}}}
      responses:
        '200': {{description: 权籍, content: {{application/json: {{schema: {{$ref: '#/components/schemas/Title'}}}}}}}}
        '404': {{description: 没有, content: {{application/problem+json: {{schema: {{type: object}}}}}}}}
        '429': {{description: 过多, content: {{application/problem+json: {{schema: {{type: object}}}}}}}}
        '500': {{description: 故障, content: {{application/problem+json: {{schema: {{type: object}}}}}}}}
components:
  schemas:
    Title:
      type: object
      description: 权籍
      required: [no, area{extra}]
      properties:
        no: {{type: string, description: 单元号, maxLength: 28}}
        area: {{type: number, description: 面积, minimum: 0, maximum: 1000000}}
        state: {{type: string, description: 状态, enum: [valid, frozen]}}
"
    )
}

/// The agency's system; it counts the calls it gets.
pub struct BackEnd {
    pub base: String,
    pub calls: Arc<AtomicU64>,
    pub handle: actix_web::dev::ServerHandle,
}

impl BackEnd {
    pub fn start() -> Self {
        let calls = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&calls);
        let server = HttpServer::new(move || {
            let count = Arc::clone(&count);
            App::new().default_service(web::to(move || {
                count.fetch_add(1, Ordering::Relaxed);
                async { HttpResponse::Ok().json(json!({"no": "U1", "area": 96.5, "state": "valid"})) }
            }))
        });
        let server = server.workers(1).bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", server.addrs()[0]);
        let server = server.disable_signals().run();
        let handle = server.handle();
        std::thread::spawn(move || actix_web::rt::System::new().block_on(server));
        Self { base, calls, handle }
    }
}

pub struct Desk {
    pub hub: TestHub,
    pub back: BackEnd,
    pub live: String,
}

impl Desk {
    pub async fn open() -> Self {
        let hub = TestHub::demo(City::sample()).await;
        let live = hub.ready().client_key.clone().unwrap();
        Self {
            hub,
            back: BackEnd::start(),
            live,
        }
    }

    pub async fn close(self) {
        self.back.handle.stop(true).await;
        self.hub.stop().await;
    }

    pub fn bearer(&self, role: &str) -> String {
        format!("Bearer {}", self.hub.ready().desk_tokens[role])
    }

    pub async fn by(&self, role: &str, method: &str, target: &str, body: Option<&Value>) -> Got {
        self.hub
            .ask(method, target, &[("authorization", &self.bearer(role))], body)
            .await
    }

    pub async fn upload(&self, text: &str) -> Got {
        let url = format!(
            "{}/registry/versions?system=title&file=权籍查询.yaml",
            self.hub.ready().base_url
        );
        let request = http()
            .post(url)
            .header("authorization", self.bearer("clerk"))
            .body(text.to_owned());
        let answer = request.send().await.unwrap();
        Got {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap(),
        }
    }

    pub async fn step(&self, role: &str, id: &str, step: &str, more: Value) -> Got {
        let mut body = json!({"step": step, "why": "测试"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.by(role, "POST", &format!("/registry/versions/{id}/steps"), Some(&body))
            .await
    }

    /// An operator's token of the registry.
    pub async fn operator(&self) -> String {
        let made = self
            .hub
            .operate(
                "POST",
                "/admin/members",
                Some(&json!({"name": "运维", "role": "operator"})),
            )
            .await;
        assert_eq!(made.status, 201, "{}", made.body);
        format!("Bearer {}", made.body["token"].as_str().unwrap())
    }

    pub async fn allow_inner(&self, id: &str) {
        let operator = self.operator().await;
        let body = json!({"step": "allow-inner", "why": "专网"});
        let target = format!("/registry/versions/{id}/steps");
        let got = self
            .hub
            .ask("POST", &target, &[("authorization", &operator)], Some(&body))
            .await;
        assert_eq!(got.status, 200, "{}", got.body);
    }

    /// Uploads a version and takes it live.
    pub async fn live(&self, number: &str, extra: &str) -> String {
        let uploaded = self.upload(&title(number, &self.back.base, extra)).await;
        assert_eq!(uploaded.status, 201, "{}", uploaded.body);
        let id = uploaded.body["id"].as_str().unwrap().to_owned();
        self.allow_inner(&id).await;
        for (role, step) in [("clerk", "ask"), ("reviewer", "approve")] {
            let got = self.step(role, &id, step, json!({})).await;
            assert_eq!(got.status, 200, "{step}: {}", got.body);
        }
        id
    }

    pub async fn call(&self, door: &str, version: &str) -> Got {
        let token = format!("Bearer {}", self.hub.ready().subject_tokens[self.persona()]);
        let headers = [("x-api-key", self.live.as_str()), ("authorization", token.as_str())];
        let headers = if door == "/gateway" { &headers[..] } else { &[] };
        self.hub
            .ask("GET", &format!("{door}/first/title/{version}/titles/U1"), headers, None)
            .await
    }

    pub fn persona(&self) -> &str {
        self.hub.ready().default_persona.as_deref().unwrap()
    }
}

pub fn id(got: &Got) -> String {
    assert!(got.status < 300, "{}", got.body);
    got.body["id"].as_str().unwrap().to_owned()
}

pub fn hub(folder: &TempDir, hub: &TestHub, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hub"))
        .current_dir(folder.path())
        .args(args)
        .arg("--data-dir")
        .arg(hub.data())
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .output()
        .unwrap()
}

pub fn written(folder: &TempDir, name: &str, text: &str) -> PathBuf {
    let file = folder.path().join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    file
}
