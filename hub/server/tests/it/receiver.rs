//! A developer's own server, to which events are sent.

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use hub_crypto::{Digest, base64, from_base64, hmac};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Came {
    pub id: String,
    pub time: String,
    pub signatures: Vec<String>,
    pub text: String,
    pub body: Value,
    pub status: u16,
}

impl Came {
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default()
    }

    /// How many of its signatures are of this secret.
    pub fn signed_with(&self, secret: &str) -> usize {
        let key = from_base64(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let said = format!("{}.{}.{}", self.id, self.time, self.text);
        let good = format!("v1,{}", base64(&hmac(Digest::Sha256, &key, said.as_bytes())));
        self.signatures.iter().filter(|s| **s == good).count()
    }
}

#[derive(Default)]
struct State {
    came: Mutex<Vec<Came>>,
    /// Statuses of the next answers; 200 when there are none.
    next: Mutex<VecDeque<u16>>,
    /// Status of every answer but those to challenges.
    always: Mutex<Option<u16>>,
    challenged: Mutex<Option<Value>>,
    waits: Mutex<Duration>,
}

pub struct Receiver {
    pub url: String,
    state: Arc<State>,
    handle: ServerHandle,
}

async fn take(http: HttpRequest, body: web::Bytes, state: web::Data<State>) -> HttpResponse {
    let header = |name: &str| {
        let value = http.headers().get(name).map(|v| v.to_str().unwrap().to_owned());
        value.unwrap_or_default()
    };
    let text = String::from_utf8(body.to_vec()).unwrap();
    let body: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    let is_challenge = body["type"] == "webhook.challenge";
    let wait = *state.waits.lock().unwrap();
    if !is_challenge && !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let status = match (*state.always.lock().unwrap(), is_challenge) {
        (_, true) => 200,
        (Some(status), _) => status,
        (None, _) => state.next.lock().unwrap().pop_front().unwrap_or(200),
    };
    state.came.lock().unwrap().push(Came {
        id: header("webhook-id"),
        time: header("webhook-timestamp"),
        signatures: header("webhook-signature").split(' ').map(str::to_owned).collect(),
        text,
        body: body.clone(),
        status,
    });
    if is_challenge {
        let answer = state.challenged.lock().unwrap().clone();
        return HttpResponse::Ok().json(answer.unwrap_or_else(|| json!({"challenge": body["challenge"]})));
    }
    let status = actix_web::http::StatusCode::from_u16(status).unwrap();
    HttpResponse::build(status)
        .insert_header(("location", "/elsewhere"))
        .body("token abcdefghijklmnopqrstuvwxyz0123 seen")
}

impl Receiver {
    pub fn start() -> Self {
        let state = Arc::new(State::default());
        let data = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || App::new().app_data(data.clone()).default_service(web::to(take)))
            .workers(1)
            .bind(("127.0.0.1", 0))
            .unwrap();
        let url = format!("http://{}/hook/?of=mine", server.addrs()[0]);
        let server = server.disable_signals().run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, state, handle }
    }

    pub fn answers(&self, statuses: &[u16]) {
        self.state.next.lock().unwrap().extend(statuses);
    }

    pub fn always(&self, status: Option<u16>) {
        *self.state.always.lock().unwrap() = status;
    }

    pub fn answers_challenges(&self, with: Option<Value>) {
        *self.state.challenged.lock().unwrap() = with;
    }

    pub fn waits(&self, wait: Duration) {
        *self.state.waits.lock().unwrap() = wait;
    }

    /// What came that was no challenge.
    pub fn came(&self) -> Vec<Came> {
        let all = self.state.came.lock().unwrap();
        all.iter()
            .filter(|c| c.kind() != "webhook.challenge")
            .cloned()
            .collect()
    }

    /// Waits until so much has come.
    pub async fn until(&self, what: &str, is: impl Fn(&[Came]) -> bool) -> Vec<Came> {
        let began = Instant::now();
        loop {
            let came = self.came();
            if is(&came) {
                return came;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{what}: {came:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub async fn stop(self) {
        self.handle.stop(false).await;
    }
}
