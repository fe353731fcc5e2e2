//! A city for tests: one agency, one system, operations of every kind, and everything a gateway needs.

use hub_catalog::{Catalog, Document};
use hub_core::ports::{Answer, Authenticator, BoxFuture, Call, Client, Clock, Shown, TrailRecord, TrailSink, Upstream};
use hub_core::time::Timestamp;
use hub_core::wire::ReplyBody;
use hub_core::{
    Assurance, Audience, Environment, Inbound, Mandate, Operation, Problem, ProblemCode, Reply, Subject, SystemId,
};
use hub_gateway::{
    Asked, Door, Gateway, Grant, Journal, JournalSettings, Line, Parts, Personas, Policies, SecretSource, Settings,
    Snapshot, Snapshots,
};
use hub_store::Store;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

pub const FIELDS: &str = r##"
full_name: {title: 姓名, x-hub-en: Name, type: string, maxLength: 50, x-hub-level: L3, x-hub-level-when: {anonymous: L2}, x-hub-mask: keep_first=1, examples: [张三]}
id_card_no: {title: 身份证号, x-hub-en: Id number, type: string, format: id-card, x-hub-level: L4, x-hub-mask: keep_first=3;keep_last=4, examples: [990101199001010019]}
uscc: {title: 统一社会信用代码, x-hub-en: Credit code, type: string, format: uscc, x-hub-level: L2, x-hub-mask: none, examples: [91350100M000100Y43]}
case_no: {title: 办件编号, x-hub-en: Case number, type: string, maxLength: 40, x-hub-level: L2, x-hub-mask: keep_last=4, x-hub-handle: true, examples: [C-1001]}
city: {title: 城市, x-hub-en: City, type: string, maxLength: 20, x-hub-level: L1, x-hub-mask: none, examples: [星城]}
days: {title: 天数, x-hub-en: Days, type: integer, minimum: 1, maximum: 7, x-hub-level: L1, x-hub-mask: none, examples: [3]}
paper: {title: 材料, x-hub-en: Paper, type: string, maxLength: 60, x-hub-unit: file, x-hub-level: L1, x-hub-mask: none, examples: [file_1]}
sky: {title: 天空, x-hub-en: Sky, type: string, enum: [clear, rain], x-hub-labels: {clear: {zh: 晴, en: Clear}, rain: {zh: 雨, en: Rain}}, x-hub-level: L1, x-hub-mask: none, examples: [clear]}
text: {title: 文字, x-hub-en: Text, type: string, maxLength: 100, x-hub-level: L1, x-hub-mask: none, examples: [晴]}
"##;

pub const SPEC: &str = r##"
openapi: 3.1.0
info: {title: 前台, x-hub-en: Front, version: 1.0.0, description: 测试}
paths:
  /weather:
    get:
      operationId: demo.weather
      summary: 天气
      description: 天气
      x-hub-en: {summary: Weather, description: Weather}
      x-hub-service: {id: demo.weather, number: demo-0001, name: {zh: 天气, en: Weather}, aliases: [], domain: city, themes: [weather], archetype: query, card: {who: {zh: 任何人, en: Anybody}, papers: [], fee: {zh: 免费, en: Free}, legal_days: 0, promised_days: 0}}
      x-hub-assurance: R0
      x-hub-audience: both
      x-hub-effect: none
      x-hub-cache: 60
      parameters:
        - {name: city, in: query, required: true, schema: {$ref: "../fields.yaml#/city"}}
        - {name: days, in: query, schema: {$ref: "../fields.yaml#/days"}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, required: [text], properties: {text: {$ref: "../fields.yaml#/text"}, sky: {$ref: "../fields.yaml#/sky"}, hours: {type: array, title: 逐时, x-hub-en: Hours, items: {type: object, properties: {sky: {$ref: "../fields.yaml#/sky"}}}}}}, examples: {normal: {value: {text: 晴}}}}}}
  /people/{case_no}:
    get:
      operationId: demo.people
      summary: 公示
      description: 公示
      x-hub-en: {summary: Notice, description: Notice}
      x-hub-assurance: R0
      x-hub-audience: both
      x-hub-effect: none
      parameters:
        - {name: case_no, in: path, required: true, schema: {$ref: "../fields.yaml#/case_no"}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, required: [full_name, case_no], properties: {full_name: {$ref: "../fields.yaml#/full_name"}, case_no: {$ref: "../fields.yaml#/case_no"}}}, examples: {normal: {value: {full_name: 张三, case_no: C-1}}}}}}
  /account/query:
    post:
      operationId: demo.account
      summary: 账户
      description: 账户
      x-hub-en: {summary: Account, description: Account}
      x-hub-assurance: R2
      x-hub-audience: natural
      x-hub-effect: none
      x-hub-subject: {id_card_no: id_number}
      requestBody: {content: {application/json: {schema: {type: object, properties: {id_card_no: {$ref: "../fields.yaml#/id_card_no"}, days: {$ref: "../fields.yaml#/days"}}}, examples: {normal: {value: {}}}}}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, required: [full_name], properties: {full_name: {$ref: "../fields.yaml#/full_name"}}}, examples: {normal: {value: {full_name: 张三}}}}}}
  /health/query:
    post:
      operationId: demo.health
      summary: 健康
      description: 健康
      x-hub-en: {summary: Health, description: Health}
      x-hub-service: {id: demo.health, number: demo-0002, name: {zh: 健康, en: Health}, aliases: [], domain: livelihood, themes: [weather], archetype: query, card: {who: {zh: 任何人, en: Anybody}, papers: [], fee: {zh: 免费, en: Free}, legal_days: 0, promised_days: 0}}
      x-hub-assurance: R2
      x-hub-audience: natural
      x-hub-effect: none
      x-hub-basis: {zh: "consent: 单独同意", en: "consent: separate consent"}
      x-hub-subject: {id_card_no: id_number}
      requestBody: {content: {application/json: {schema: {type: object, properties: {id_card_no: {$ref: "../fields.yaml#/id_card_no"}}}, examples: {normal: {value: {}}}}}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, required: [text], properties: {text: {$ref: "../fields.yaml#/text"}, full_name: {$ref: "../fields.yaml#/full_name"}}}, examples: {normal: {value: {text: 好}}}}}}
  /company/query:
    post:
      operationId: demo.company
      summary: 企业
      description: 企业
      x-hub-en: {summary: Company, description: Company}
      x-hub-assurance: R2
      x-hub-audience: legal
      x-hub-effect: none
      x-hub-subject: {uscc: uscc}
      requestBody: {content: {application/json: {schema: {type: object, properties: {uscc: {$ref: "../fields.yaml#/uscc"}}}, examples: {normal: {value: {}}}}}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {type: object, required: [text], properties: {text: {$ref: "../fields.yaml#/text"}}}, examples: {normal: {value: {text: 好}}}}}}
  /applications:
    post:
      operationId: demo.apply
      summary: 申请
      description: 申请
      x-hub-en: {summary: Apply, description: Apply}
      x-hub-assurance: R3
      x-hub-audience: natural
      x-hub-effect: once
      x-hub-subject: {full_name: name, id_card_no: id_number}
      requestBody: {content: {application/json: {schema: {type: object, required: [text], properties: {full_name: {$ref: "../fields.yaml#/full_name"}, id_card_no: {$ref: "../fields.yaml#/id_card_no"}, text: {$ref: "../fields.yaml#/text"}, paper: {$ref: "../fields.yaml#/paper"}}}, examples: {normal: {value: {text: 请}}}}}}
      responses:
        "201": {description: ok, content: {application/json: {schema: {type: object, required: [case_no], properties: {case_no: {$ref: "../fields.yaml#/case_no"}}}, examples: {normal: {value: {case_no: C-1}}}}}}
"##;

pub const ACCESS: &str = r"
grants:
  - {name: open, who: any, what: {assurance: [R0]}}
  - {name: signed-in, who: any, what: {assurance: [R1, R2, R3, R4]}, when: subject.known}
";

pub const LIMITS: &str = r"
address: {per_second: 1000}
plans:
  anonymous: {client: {per_second: 1000}}
  wide: {client: {per_second: 1000, per_minute: 50000, daily: 100000}}
  narrow: {client: {per_minute: 2}}
  daily: {subject: {daily: 1}}
";

/// What the scripted upstream does next.
pub enum Act {
    Answer(u16, Value),
    Fail(Problem),
    Panic,
    Wait(Duration, Value),
}

/// An upstream that follows a script and remembers who called.
#[derive(Default)]
pub struct Script {
    acts: Mutex<VecDeque<Act>>,
    asked: Mutex<VecDeque<Result<Asked, Problem>>>,
    pub calls: Mutex<Vec<Call>>,
}

impl Script {
    pub fn then(&self, act: Act) {
        self.acts.lock().unwrap().push_back(act);
    }

    pub fn when_asked(&self, asked: Result<Asked, Problem>) {
        self.asked.lock().unwrap().push_back(asked);
    }

    pub fn count(&self) -> usize {
        self.calls.lock().unwrap().len()
    }
}

impl Upstream<Grant> for Script {
    fn answer<'a>(&'a self, call: &'a Call, grant: &'a Grant) -> BoxFuture<'a, Result<Answer, Problem>> {
        assert_eq!(grant.operation(), call.operation.id.as_ref());
        grant.attempted();
        self.calls.lock().unwrap().push(call.clone());
        let act = self.acts.lock().unwrap().pop_front();
        let answer = |status, body| Answer::new(status, body);
        Box::pin(async move {
            match act.unwrap_or(Act::Answer(200, json!({"text": "晴"}))) {
                Act::Answer(status, body) => Ok(answer(status, body)),
                Act::Fail(problem) => Err(problem),
                Act::Panic => panic!("the upstream panics"),
                Act::Wait(time, body) => {
                    tokio::time::sleep(time).await;
                    Ok(answer(200, body))
                }
            }
        })
    }
}

impl Line for Script {
    fn ask<'a>(&'a self, _call: &'a Call, _grant: &'a Grant) -> BoxFuture<'a, Result<Asked, Problem>> {
        let asked = self.asked.lock().unwrap().pop_front();
        Box::pin(async move { asked.unwrap_or(Ok(Asked::CannotTell)) })
    }
}

/// Keys and tokens are their own names.
struct Names;

impl Authenticator for Names {
    fn client(&self, key: &str, _now: Timestamp) -> Option<Arc<Client>> {
        let (plan, environment) = match key {
            "sandbox" => ("wide", Environment::Sandbox),
            "wide" | "other" => ("wide", Environment::Live),
            "narrow" | "daily" => (key, Environment::Live),
            "planless" => ("gone", Environment::Live),
            _ => return None,
        };
        Some(Arc::new(Client {
            id: format!("client-{key}"),
            tenant: "tenant".into(),
            plan: plan.into(),
            environment,
            origins: Vec::new(),
        }))
    }

    fn subject(&self, shown: &Shown<'_>, _now: Timestamp) -> Result<Arc<Subject>, Problem> {
        named(shown.token).ok_or_else(|| Problem::new(ProblemCode::TokenInvalid))
    }

    fn pairwise(&self, subject: &Subject, sector: &str) -> String {
        format!("{sector}:{}", subject.id)
    }
}

impl Personas for Names {
    fn named(&self, id: &str) -> Option<Arc<Subject>> {
        named(id)
    }

    fn fitting(&self, operation: &Operation) -> Option<Arc<Subject>> {
        named(if operation.audience == Audience::Legal {
            "agent"
        } else {
            "zhang-r4"
        })
    }

    fn near(&self, _id: &str) -> Vec<String> {
        vec!["zhang-r4".into()]
    }
}

impl SecretSource for Names {
    fn get(&self, _system: &SystemId, _name: &str) -> Option<String> {
        None
    }
}

/// `zhang-r1` … `zhang-r4`, `li-r4`, `agent` (with a mandate), `nameless`.
pub fn named(token: &str) -> Option<Arc<Subject>> {
    let subject = |id: &str, assurance, number: Option<&str>, mandate| {
        Some(Arc::new(Subject {
            id: id.into(),
            assurance,
            name: Some("张三".into()),
            id_number: number.map(str::to_owned),
            mobile: Some("13900000001".into()),
            mandate,
            expires: i64::MAX,
        }))
    };
    let zhang = Some("990101199001010019");
    match token {
        "zhang-r1" => subject("zhang", Assurance::R1, zhang, None),
        "zhang-r2" => subject("zhang", Assurance::R2, zhang, None),
        "zhang-r4" => subject("zhang", Assurance::R4, zhang, None),
        "li-r4" => subject("li", Assurance::R4, Some("990101199202020029"), None),
        "wang-r4" => subject("wang", Assurance::R4, Some("990101199303030031"), None),
        "nameless" => subject("nameless", Assurance::R4, None, None),
        "agent" => {
            let mandate = Mandate {
                uscc: "91350100M000100Y43".into(),
                org_name: "公司".into(),
                role: "finance".into(),
            };
            subject("agent", Assurance::R4, zhang, Some(mandate))
        }
        _ => None,
    }
}

/// A clock that tests move.
pub struct Hands(Mutex<Timestamp>);

impl Hands {
    pub fn forward(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now += jiff::SignedDuration::from_secs(seconds);
    }
}

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// A gateway with all that is around it.
pub struct City {
    pub gateway: Gateway,
    pub line: Arc<Script>,
    pub mock: Arc<Script>,
    pub store: Store,
    pub clock: Arc<Hands>,
    pub folder: TempDir,
}

pub fn document(name: &str, text: &str) -> Document {
    Document::parse(name, text.as_bytes()).unwrap()
}

pub fn catalog() -> Arc<Catalog> {
    let documents = vec![document("fields.yaml", FIELDS), document("demo/front.yaml", SPEC)];
    Arc::new(Catalog::from_documents(documents).unwrap_or_else(|f| panic!("{}", lines(&f))))
}

pub fn lines(findings: &[hub_core::Finding]) -> String {
    findings.iter().map(|f| format!("{f}\n")).collect()
}

pub fn snapshot() -> Snapshot {
    let catalog = catalog();
    let documents = [
        ("limits", document("limits.yaml", LIMITS)),
        ("access", document("access.yaml", ACCESS)),
    ];
    let policies = Policies::from_documents(&documents, &catalog).unwrap_or_else(|f| panic!("{}", lines(&f)));
    Snapshot {
        version: 1,
        catalog,
        connectors: BTreeMap::new(),
        registered: BTreeMap::new(),
        policies: Arc::new(policies),
    }
}

impl City {
    pub async fn open() -> Self {
        Self::with(|_| {}).await
    }

    pub async fn with(change: impl FnOnce(&mut Parts)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), None).await.unwrap();
        let journal = Arc::new(Journal::open(&folder.path().join("trail"), JournalSettings::default()).unwrap());
        let clock = Arc::new(Hands(Mutex::new("2026-04-08T03:05:30Z".parse().unwrap())));
        let (line, mock) = (Arc::new(Script::default()), Arc::new(Script::default()));
        let mut parts = Parts {
            snapshots: Snapshots::new(snapshot()),
            clock: clock.clone(),
            authenticator: Arc::new(Names),
            personas: Arc::new(Names),
            store: store.clone(),
            secrets: Arc::new(Names),
            trail: journal,
            live: line.clone(),
            sandbox: mock.clone(),
            described: None,
            sign_ins: None,
            settings: Settings::default(),
        };
        change(&mut parts);
        Self {
            gateway: Gateway::new(parts),
            line,
            mock,
            store,
            clock,
            folder,
        }
    }

    pub async fn call(&self, request: Request) -> Reply {
        self.gateway.run(request.0, Door::Gateway).await
    }

    pub async fn sandbox(&self, request: Request) -> Reply {
        self.gateway.run(request.0, Door::Sandbox).await
    }

    pub fn trail_folder(&self) -> PathBuf {
        self.folder.path().join("trail")
    }

    /// Every record written so far.
    pub fn records(&self) -> Vec<TrailRecord> {
        let text = std::fs::read_to_string(self.trail_folder().join("trail-000001.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_value(serde_json::from_str::<Value>(line).unwrap()["record"].clone()).unwrap())
            .collect()
    }
}

/// A request in the making.
pub struct Request(pub Inbound);

impl Request {
    pub fn new(method: &str, target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        Self(Inbound {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
            peer: "192.0.2.1".parse().unwrap(),
            request_id: "r-1".into(),
        })
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    pub fn key(self, key: &str) -> Self {
        self.header("X-Api-Key", key)
    }

    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", &format!("Bearer {token}"))
    }

    pub fn json(self, body: &Value) -> Self {
        let mut this = self.header("Content-Type", "application/json");
        this.0.body = body.to_string().into();
        this
    }

    pub fn weather() -> Self {
        Self::new("GET", "/demo/front/v1/weather?city=%E6%98%9F%E5%9F%8E")
    }

    pub fn account(body: &Value) -> Self {
        Self::new("POST", "/demo/front/v1/account/query").json(body)
    }

    pub fn apply(text: &str) -> Self {
        Self::apply_as("zhang-r4", text)
    }

    /// Of another person: submissions of one person wait for each other.
    pub fn apply_as(token: &str, text: &str) -> Self {
        Self::new("POST", "/demo/front/v1/applications")
            .key("wide")
            .token(token)
            .json(&json!({"text": text}))
    }
}

pub fn problem(reply: &Reply) -> &Problem {
    match &reply.body {
        ReplyBody::Problem(problem) => problem,
        other => panic!("no problem: {} {other:?}", reply.status),
    }
}

pub fn body(reply: &Reply) -> &Value {
    match &reply.body {
        ReplyBody::Json(body) => body,
        other => panic!("no JSON: {} {other:?}", reply.status),
    }
}

pub fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply
        .headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
}

/// The journal as a sink that the test may break.
pub struct Broken;

impl TrailSink for Broken {
    fn write(&self, _record: TrailRecord, _durable: bool) -> BoxFuture<'_, Result<(), hub_core::ports::TrailError>> {
        Box::pin(async { Err(hub_core::ports::TrailError("disk full".into())) })
    }
}
