//! A real hub on free ports, over a city of our choosing.

use hub_core::{Audience, Operation, ParameterPlace, Semantic, Shape, SubjectAttribute};
use hub_server::config::Config;
use hub_server::wiring::{Plan, Ready, Running};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Folders of a city, copied so that a test may break them.
pub struct City {
    pub dir: TempDir,
}

impl City {
    /// Nothing at all, under the policies of the reference city.
    pub fn empty() -> Self {
        let city = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for name in ["specs", "connectors"] {
            std::fs::create_dir(city.path(name)).unwrap();
        }
        copy(&repository().join("policies"), &city.path("policies"));
        city
    }

    /// One system of the reference city for every dialect.
    pub fn sample() -> Self {
        let city = Self::empty();
        let mut dialects = BTreeSet::new();
        for manifest in manifests() {
            if dialects.insert(dialect(&manifest)) {
                city.take(&manifest);
            }
        }
        city.sheets();
        city
    }

    /// Some systems of the reference city.
    pub fn of(systems: &[&str]) -> Self {
        let city = Self::empty();
        for system in systems {
            city.take(&repository().join("connectors").join(system).join("connector.yaml"));
        }
        city.sheets();
        city
    }

    /// The whole reference city.
    pub fn whole() -> Self {
        let city = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        copy(&repository().join("policies"), &city.path("policies"));
        for name in ["specs", "connectors"] {
            std::os::unix::fs::symlink(repository().join(name), city.path(name)).unwrap();
        }
        city
    }

    /// The whole reference city, copied so that a test may change it.
    pub fn whole_copied() -> Self {
        let city = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        for name in ["policies", "specs", "connectors"] {
            copy(&repository().join(name), &city.path(name));
        }
        city
    }

    /// Lets tests call faster than any client may.
    pub fn unhurried(self) -> Self {
        let plans = "address: {per_second: 100000, burst: 100000}\nplans:\n  anonymous: {title: {zh: 测试, en: Test}, client: {per_second: 100000, burst: 100000}}\n  \
                     demo: {title: {zh: 测试, en: Test}, client: {per_second: 100000, burst: 100000}}\n";
        std::fs::write(self.path("policies").join("limits/plans.yaml"), plans).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Copies a system with its contract.
    fn take(&self, manifest: &Path) {
        let system = manifest.parent().unwrap();
        let agency = system.parent().unwrap();
        let (system, agency) = (name(system), name(agency));
        let spec = format!("{system}.yaml");
        let from = repository().join("specs").join(&agency);
        let to = self.path("specs").join(&agency);
        std::fs::create_dir_all(&to).unwrap();
        for file in [spec.as_str(), "agency.yaml"] {
            std::fs::copy(from.join(file), to.join(file)).unwrap();
        }
        copy(
            manifest.parent().unwrap(),
            &self.path("connectors").join(agency).join(system),
        );
    }

    /// Copies what all systems share: dictionary, themes, events.
    fn sheets(&self) {
        for entry in repository().join("specs").read_dir().unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                std::fs::copy(&path, self.path("specs").join(path.file_name().unwrap())).unwrap();
            }
        }
    }

    pub fn config(&self, data: &Path) -> Config {
        let mut config = Config::default();
        config.listen.address.set_port(0);
        config.listen.admin_address.set_port(0);
        config.paths.specs = self.path("specs");
        config.paths.connectors = self.path("connectors");
        config.paths.policies = self.path("policies");
        config.paths.personas = repository().join("sandbox/personas.yaml");
        config.paths.data = data.to_owned();
        config
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Every manifest of the reference city, in order.
pub fn manifests() -> Vec<PathBuf> {
    manifests_below(&repository().join("connectors"))
}

pub fn manifests_below(connectors: &Path) -> Vec<PathBuf> {
    let folders = |dir: PathBuf| {
        let mut below: Vec<PathBuf> = dir
            .read_dir()
            .unwrap()
            .map(|e| e.unwrap().path())
            .filter(|p| p.is_dir())
            .collect();
        below.sort();
        below
    };
    let systems = folders(connectors.to_owned()).into_iter().flat_map(folders);
    systems
        .map(|s| s.join("connector.yaml"))
        .filter(|f| f.is_file())
        .collect()
}

pub fn dialect(manifest: &Path) -> String {
    let bytes = std::fs::read(manifest).unwrap();
    let document = hub_catalog::Document::parse("m", &bytes).unwrap();
    document.value["upstream"]["dialect"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

/// A hub in this process.
pub struct TestHub {
    running: Running,
    pub city: City,
    data: TempDir,
    http: reqwest::Client,
}

/// An answer.
#[derive(Debug)]
pub struct Got {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

pub fn http() -> reqwest::Client {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl TestHub {
    /// With simulated systems, credentials and personas, as `hub demo`.
    pub async fn demo(city: City) -> Self {
        Self::demo_over(city, tempfile::tempdir().unwrap()).await
    }

    /// The same over a data folder, a used one too: a restart.
    pub async fn demo_over(city: City, data: TempDir) -> Self {
        let mut config = city.config(data.path());
        config.identity.test_issuer = true;
        config.developer.inner_addresses = true;
        let plan = Plan {
            config,
            simulated: true,
            credentials: true,
            ..Plan::default()
        };
        Self::start(city, data, plan).await
    }

    pub async fn start(city: City, data: TempDir, plan: Plan) -> Self {
        if let Ok(level) = std::env::var("HUB_TEST_LOG") {
            hub_server::http::log::start(hub_server::http::log::Form::Text, &level);
        }
        let running = match Running::start(plan).await {
            Ok(running) => running,
            Err(hub_server::wiring::StartError::Findings(f)) => panic!("{f:#?}"),
            Err(e) => panic!("{e}"),
        };
        Self {
            running,
            city,
            data,
            http: http(),
        }
    }

    pub fn ready(&self) -> &Ready {
        &self.running.ready
    }

    pub fn hub(&self) -> &Arc<hub_server::hub::Hub> {
        self.running.hub()
    }

    pub fn catalog(&self) -> Arc<hub_catalog::Catalog> {
        self.running.hub().catalog()
    }

    pub fn data(&self) -> &Path {
        self.data.path()
    }

    /// Whether an operation answers live.
    pub fn is_live(&self, operation: &Operation) -> bool {
        let snapshot = self.running.hub().snapshots.get();
        let connector = snapshot.connectors.get(&operation.system);
        connector.is_some_and(|c| c.available(operation.key()) == hub_connectors::Availability::Live)
    }

    pub async fn stop(self) -> (City, TempDir) {
        self.running.stop().await;
        (self.city, self.data)
    }

    /// One request at the public door.
    pub async fn ask(&self, method: &str, target: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Got {
        self.send(&self.ready().base_url, method, target, headers, body).await
    }

    /// One request at the operators' door.
    pub async fn operate(&self, method: &str, target: &str, body: Option<&Value>) -> Got {
        let bearer = format!("Bearer {}", self.ready().admin_token);
        self.send(
            &self.ready().admin_url,
            method,
            target,
            &[("authorization", &bearer)],
            body,
        )
        .await
    }

    pub async fn send(
        &self,
        base: &str,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Got {
        let mut request = self.http.request(method.parse().unwrap(), format!("{base}{target}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let bytes = answer.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&bytes)));
        Got { status, headers, body }
    }

    /// Calls an operation at a door on behalf of a persona.
    pub async fn call(&self, door: &str, operation: &Operation, input: &Map<String, Value>, persona: &str) -> Got {
        self.call_with(door, operation, input, persona, &[]).await
    }

    pub async fn call_with(
        &self,
        door: &str,
        operation: &Operation,
        input: &Map<String, Value>,
        persona: &str,
        more: &[(&str, &str)],
    ) -> Got {
        let (target, body) = request(operation, input);
        let ready = self.ready();
        let key = if door == "/gateway" {
            &ready.client_key
        } else {
            &ready.sandbox_key
        };
        let bearer = format!("Bearer {}", ready.subject_tokens[persona]);
        let mut headers = vec![
            ("x-api-key", key.as_deref().unwrap()),
            ("authorization", bearer.as_str()),
        ];
        headers.extend_from_slice(more);
        self.ask(&operation.method, &format!("{door}{target}"), &headers, body.as_ref())
            .await
    }
}

/// Target and body that flat input makes.
pub fn request(operation: &Operation, input: &Map<String, Value>) -> (String, Option<Value>) {
    let mut path = operation.public_path();
    let mut query = Vec::new();
    let mut body = Map::new();
    let encode = |v: &Value| -> String {
        let text = v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        url::form_urlencoded::byte_serialize(text.as_bytes())
            .collect::<String>()
            .replace('+', "%20")
    };
    for (name, value) in input {
        match operation.parameters.iter().find(|p| p.name == *name).map(|p| p.place) {
            Some(ParameterPlace::Path) => path = path.replace(&format!("{{{name}}}"), &encode(value)),
            Some(ParameterPlace::Query) => query.push(format!("{name}={}", encode(value))),
            Some(ParameterPlace::Header) => {}
            None => drop(body.insert(name.clone(), value.clone())),
        }
    }
    let target = if query.is_empty() {
        path
    } else {
        format!("{path}?{}", query.join("&"))
    };
    (target, operation.request.is_some().then_some(Value::Object(body)))
}

/// The contract's first example of input.
pub fn example(operation: &Operation) -> Map<String, Value> {
    operation
        .examples
        .iter()
        .find_map(|e| e.input.clone())
        .unwrap_or_default()
}

/// A persona that may call an operation.
pub fn persona<'a>(ready: &'a Ready, operation: &Operation) -> &'a str {
    let company = operation.audience == Audience::Legal
        || operation
            .bound
            .iter()
            .any(|b| matches!(b.from, SubjectAttribute::Uscc | SubjectAttribute::OrgName));
    if company {
        // An agent that is known surely enough for anything.
        let agents = ready.subject_tokens.keys().filter(|p| p.contains('@'));
        agents.max_by_key(|p| assurance(ready, p)).unwrap()
    } else {
        ready.default_persona.as_deref().unwrap()
    }
}

/// What a persona's token says about assurance.
pub fn assurance(ready: &Ready, persona: &str) -> String {
    let claims = ready.subject_tokens[persona].split('.').nth(1).unwrap();
    let claims = hub_crypto::from_base64_url(claims).unwrap();
    serde_json::from_slice::<Value>(&claims).unwrap()["acr"]
        .as_str()
        .unwrap()
        .to_owned()
}

impl TestHub {
    /// A subject's own things.
    pub async fn me(&self, persona: &str, method: &str, target: &str) -> Got {
        let bearer = format!("Bearer {}", self.ready().subject_tokens[persona]);
        let headers = [
            ("x-api-key", self.ready().client_key.as_deref().unwrap()),
            ("authorization", &bearer),
        ];
        self.ask(method, target, &headers, None).await
    }

    /// Uploads a paper.
    pub async fn upload(&self, persona: &str, media_type: &str, bytes: &[u8]) -> Got {
        let request = self.http.post(format!("{}/me/files", self.ready().base_url));
        let request = request
            .header("x-api-key", self.ready().client_key.as_deref().unwrap())
            .header(
                "authorization",
                format!("Bearer {}", self.ready().subject_tokens[persona]),
            )
            .header("content-type", media_type)
            .body(bytes.to_vec());
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        Got { status, headers, body }
    }
}

impl TestHub {
    /// A PDF that a persona has uploaded.
    pub async fn paper(&self, persona: &str) -> String {
        let put = self.upload(persona, "application/pdf", PDF).await;
        put.body["file_id"]
            .as_str()
            .unwrap_or_else(|| panic!("{}", put.body))
            .to_owned()
    }

    /// The contract's first example, with papers that the persona has really uploaded.
    pub async fn input(&self, operation: &Operation, persona: &str) -> Map<String, Value> {
        let mut input = Value::Object(example(operation));
        if names_papers(&operation.input) {
            let paper = self.paper(persona).await;
            put_papers(&operation.input, &mut input, &paper);
        }
        input.as_object().unwrap().clone()
    }
}

pub const PDF: &[u8] = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n";

/// Whether a value can name uploaded papers.
pub fn names_papers(shape: &Shape) -> bool {
    shape.semantic == Semantic::File || shape.children.iter().chain(shape.item.as_deref()).any(names_papers)
}

/// Puts a paper wherever a value names one.
pub fn put_papers(shape: &Shape, value: &mut Value, paper: &str) {
    match value {
        Value::String(text) if shape.semantic == Semantic::File => *text = paper.to_owned(),
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(child) = shape.child(name) {
                    put_papers(child, value, paper);
                }
            }
        }
        Value::Array(items) => {
            if let Some(item) = &shape.item {
                items.iter_mut().for_each(|v| put_papers(item, v, paper));
            }
        }
        _ => {}
    }
}

/// Runs a test over a schema of its own in the PostgreSQL of `HUB_TEST_POSTGRES`; where there is none, says so.
pub async fn on_postgres<F: Future<Output = ()>>(test: impl FnOnce(String) -> F) {
    use sqlx::{AssertSqlSafe, Connection, PgConnection};
    let Ok(url) = std::env::var("HUB_TEST_POSTGRES") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "HUB_TEST_POSTGRES is not set: in CI nothing is left out"
        );
        eprintln!("NOT TESTED WITH POSTGRESQL: run `make unit`");
        return;
    };
    let schema = format!("test_{}", hub_crypto::hex(&hub_crypto::random::<8>().unwrap()));
    let run = async |sql: String| {
        let mut raw = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut raw).await.unwrap();
        raw.close().await.unwrap();
    };
    run(format!("CREATE SCHEMA {schema}")).await;
    let mark = if url.contains('?') { '&' } else { '?' };
    test(format!("{url}{mark}options=-csearch_path%3D{schema}")).await;
    run(format!("DROP SCHEMA {schema} CASCADE")).await;
}
