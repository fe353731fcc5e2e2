//! An identity provider on loopback that does what a test tells it, the worst included.

use hub_crypto::{Digest, EcdsaKey, base64_url, digest, random};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What came.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub form: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub target: String,
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    Json(u16, Value),
    Raw(u16, &'static str, Vec<u8>),
    /// Elsewhere.
    Redirect(String),
    /// Never.
    Hang,
    /// More than anybody wants.
    Flood,
}

/// A server whose answers are a function.
pub struct Server {
    pub base: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let answer = Arc::new(answer);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                tokio::spawn(async move {
                    let _gone = serve(stream, answer.as_ref()).await;
                });
            }
        });
        Self { base, task }
    }
}

async fn serve(mut stream: TcpStream, answer: &(impl Fn(&Asked) -> Reply + ?Sized)) -> std::io::Result<()> {
    let asked = read(&mut stream).await?;
    let (status, headers, body) = match answer(&asked) {
        Reply::Json(status, value) => (
            status,
            "content-type: application/json".to_owned(),
            value.to_string().into_bytes(),
        ),
        Reply::Raw(status, kind, body) => (status, format!("content-type: {kind}"), body),
        Reply::Redirect(to) => (307, format!("location: {to}"), Vec::new()),
        Reply::Hang => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            return Ok(());
        }
        Reply::Flood => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"x\":\"")
                .await?;
            loop {
                stream.write_all(&[b'a'; 64 * 1024]).await?;
            }
        }
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\n{headers}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await
}

async fn read(stream: &mut TcpStream) -> std::io::Result<Asked> {
    let mut bytes = Vec::new();
    let (mut head, mut length) = (None, 0);
    loop {
        if let Some(end) = head {
            if bytes.len() >= end + length {
                break;
            }
        } else if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&bytes[..at]).to_ascii_lowercase();
            let stated = text.lines().find_map(|l| l.strip_prefix("content-length:"));
            length = stated.map_or(0, |l| l.trim().parse().unwrap());
            head = Some(at + 4);
            continue;
        }
        let mut more = [0; 8192];
        let n = stream.read(&mut more).await?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes.extend_from_slice(&more[..n]);
    }
    let text = String::from_utf8_lossy(&bytes[..head.unwrap()]).into_owned();
    let body = String::from_utf8_lossy(&bytes[head.unwrap()..]).into_owned();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let headers = lines
        .filter_map(|l| l.split_once(": "))
        .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
        .collect();
    let pairs = |text: &str| url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Ok(Asked {
        method,
        path: path.to_owned(),
        query: pairs(query),
        form: pairs(&body),
        headers,
        target: target.clone(),
    })
}

/// A signing key with its public half.
pub struct Pair {
    pub kid: String,
    key: EcdsaKey,
}

impl Pair {
    pub fn new(kid: &str) -> Self {
        Self {
            kid: kid.to_owned(),
            key: EcdsaKey::generate().unwrap(),
        }
    }

    pub fn jwk(&self) -> Value {
        let point = self.key.public_point();
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid,
               "x": base64_url(&point[1..33]), "y": base64_url(&point[33..])})
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let signed = signing_input(header, claims);
        let signature = self.key.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64_url(&signature))
    }
}

pub fn signing_input(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64_url(value.to_string().as_bytes());
    format!("{}.{}", part(header), part(claims))
}

type Spoil = Box<dyn Fn(&mut Value, &mut Value) + Send>;
type Sign = Box<dyn Fn(&Value, &Value) -> String + Send>;
type Override = Box<dyn Fn(&Asked) -> Option<Reply> + Send>;

/// What the provider does, and what it has seen.
pub struct Mood {
    pub key: Pair,
    /// Keys published; `None`: the endpoint is down.
    pub jwks: Option<Vec<Value>>,
    /// Who signs in next.
    pub person: Value,
    /// What userinfo says in place of the person.
    pub userinfo: Option<Value>,
    /// Changes header and claims of the ID token before it is signed.
    pub spoil: Spoil,
    /// Signs in place of the key.
    pub sign: Option<Sign>,
    /// Answers in place of the usual.
    pub answer: Override,
    /// Whether codes are bound to their verifier.
    pub pkce: bool,
    /// What the discovery document says beside or in place of the usual.
    pub about: Value,
    pub seen: Vec<Asked>,
    pushed: HashMap<String, HashMap<String, String>>,
    codes: HashMap<String, (HashMap<String, String>, Value)>,
}

/// An OpenID provider.
pub struct Idp {
    pub server: Server,
    mood: Arc<Mutex<Mood>>,
}

pub const CLIENT: &str = "hub-at-idp";
pub const SECRET: &str = "s3cret/with+odd characters";

impl Idp {
    pub async fn start() -> Self {
        let key = Pair::new("k1");
        let mood = Mood {
            jwks: Some(vec![key.jwk()]),
            key,
            person: json!({"sub": "u-1", "name": "李测试"}),
            userinfo: None,
            spoil: Box::new(|_, _| {}),
            sign: None,
            answer: Box::new(|_| None),
            pkce: true,
            about: json!({}),
            seen: Vec::new(),
            pushed: HashMap::new(),
            codes: HashMap::new(),
        };
        let mood = Arc::new(Mutex::new(mood));
        let (own, address) = (Arc::clone(&mood), Arc::new(Mutex::new(String::new())));
        let known = Arc::clone(&address);
        let server = Server::start(move |asked| {
            let mut mood = own.lock().unwrap();
            mood.seen.push(asked.clone());
            let given = (mood.answer)(asked);
            given.unwrap_or_else(|| usual(&mut mood, asked, &known.lock().unwrap()))
        })
        .await;
        address.lock().unwrap().clone_from(&server.base);
        Self { server, mood }
    }

    pub fn mood(&self) -> MutexGuard<'_, Mood> {
        self.mood.lock().unwrap()
    }

    pub fn base(&self) -> &str {
        &self.server.base
    }

    /// A file for it; `more` lines beside the usual.
    pub fn file(&self, more: &str) -> String {
        format!(
            "name: {{zh: 测试登录, en: Test login}}\ndialect: oidc\nissuer: {}\ninner: true\nmost: R3\n\
             client: {{id: {CLIENT}, secret: 'secret:key'}}\nclaims: {{name: name, id_number: id_no}}\n{more}",
            self.base()
        )
    }

    /// What a browser gets that was sent to this address: the way back with a code.
    pub fn authorize(&self, address: &str) -> String {
        let mut mood = self.mood();
        let mut asked = crate::channel::query(address);
        if let Some(name) = asked.get("request_uri") {
            asked = mood.pushed.remove(name).unwrap();
        }
        assert_eq!(asked["client_id"], CLIENT);
        assert_eq!(asked["code_challenge_method"], "S256");
        let code = base64_url(&random::<16>().unwrap());
        let back = format!("{}?code={code}&state={}", asked["redirect_uri"], asked["state"]);
        let person = mood.person.clone();
        mood.codes.insert(code, (asked, person));
        back
    }

    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let mood = self.mood();
        mood.seen.iter().filter(|a| a.path == path).cloned().collect()
    }
}

fn usual(mood: &mut Mood, asked: &Asked, base: &str) -> Reply {
    match asked.path.as_str() {
        "/.well-known/openid-configuration" => {
            let mut about = json!({
                "issuer": base, "authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
                "jwks_uri": format!("{base}/jwks"), "userinfo_endpoint": format!("{base}/userinfo"),
            });
            for (name, value) in mood.about.as_object().unwrap() {
                about[name] = value.clone();
            }
            Reply::Json(200, about)
        }
        "/jwks" => match &mood.jwks {
            Some(keys) => Reply::Json(200, json!({"keys": keys})),
            None => Reply::Raw(503, "text/html", b"<h1>down</h1>".to_vec()),
        },
        "/par" => {
            let name = format!(
                "urn:ietf:params:oauth:request_uri:{}",
                base64_url(&random::<8>().unwrap())
            );
            mood.pushed.insert(name.clone(), asked.form.clone());
            Reply::Json(201, json!({"request_uri": name, "expires_in": 60}))
        }
        "/token" => token(mood, asked, base),
        "/userinfo" => Reply::Json(200, mood.userinfo.clone().unwrap_or_else(|| mood.person.clone())),
        _ => Reply::Raw(404, "text/plain", Vec::new()),
    }
}

fn token(mood: &mut Mood, asked: &Asked, base: &str) -> Reply {
    let half = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let pair = format!("{}:{}", half(CLIENT), half(SECRET));
    let basic = format!("Basic {}", hub_crypto::base64(pair.as_bytes()));
    if asked.headers.get("authorization") != Some(&basic) {
        return Reply::Json(401, json!({"error": "invalid_client"}));
    }
    let bad = Reply::Json(400, json!({"error": "invalid_grant"}));
    let Some((request, person)) = mood.codes.remove(&asked.form["code"]) else {
        return bad;
    };
    let verifier = base64_url(&digest(Digest::Sha256, asked.form["code_verifier"].as_bytes()));
    if mood.pkce && verifier != request["code_challenge"] || asked.form["redirect_uri"] != request["redirect_uri"] {
        return bad;
    }
    let now = hub_core::time::Timestamp::now().as_second();
    let mut header = json!({"alg": "ES256", "kid": mood.key.kid, "typ": "JWT"});
    let mut claims = json!({"iss": base, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": request.get("nonce")});
    for (name, value) in person.as_object().unwrap_or(&Map::new()) {
        claims[name] = value.clone();
    }
    if request.contains_key("max_age") {
        claims["auth_time"] = json!(now);
    }
    (mood.spoil)(&mut header, &mut claims);
    let id_token = match &mood.sign {
        Some(sign) => sign(&header, &claims),
        None => mood.key.sign(&header, &claims),
    };
    Reply::Json(
        200,
        json!({"access_token": "at-1", "token_type": "Bearer", "expires_in": 60, "id_token": id_token}),
    )
}
