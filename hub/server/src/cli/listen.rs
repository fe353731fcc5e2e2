//! `hub listen`: events as they happen, printed and handed to a program on this machine.
//!
//! The cursor moves on only when an event was printed and, with `--forward`, taken; it lies in a file, so that neither side's
//! restart loses one.

use super::args::ListenArgs;
use super::outcome::Outcome;
use super::running::{Hub, ready};
use crate::hub::events::{Secrets, Sender};
use crate::wiring::{MachineClock, signalled};
use hub_core::time::Timestamp;
use hub_core::{Lang, RawRequest};
use hub_crypto::{Digest, digest, hex};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Seconds one question to the hub waits for something to happen.
const WAIT: u64 = 20;
/// First wait after something did not work; it doubles up to the longest.
const SHORT: Duration = Duration::from_millis(500);
const LONG: Duration = Duration::from_secs(15);

/// What is kept between two runs.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Number of the last event that was handed on.
    cursor: Option<u64>,
    /// What signs.
    secrets: Secrets,
}

/// Where events go.
struct Forward {
    sender: Sender,
    url: Url,
}

struct Listener {
    hub: Hub,
    key: String,
    /// What is asked for, as a query.
    wanted: String,
    file: PathBuf,
    kept: Kept,
    forward: Option<Forward>,
    json: bool,
    lang: Lang,
}

pub async fn run(args: ListenArgs, lang: Lang) -> Outcome {
    let listener = match Listener::new(&args, lang) {
        Ok(listener) => listener,
        Err(outcome) => return outcome,
    };
    tokio::select! {
        outcome = listener.listen(args.since) => outcome,
        () = signalled() => Outcome::default(),
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

impl Listener {
    fn new(args: &ListenArgs, lang: Lang) -> Result<Self, Outcome> {
        let misused = |zh: String, en: String| Outcome::misused(if lang == Lang::Zh { zh } else { en }, lang);
        let known = ready(&args.reach.data_dir);
        let data = args.reach.data_dir.display();
        let base = args
            .reach
            .address()
            .or_else(|| known.as_ref().map(|r| r.base_url.clone()));
        let base = base.ok_or_else(|| {
            misused(
                format!("{data} 中没有运行中的枢纽：先运行 hub demo，或给出 --hub"),
                format!("no running hub in {data}: start `hub demo`, or give --hub"),
            )
        })?;
        let key = args.key().or_else(|| known.and_then(|r| r.sandbox_key));
        let key = key.ok_or_else(|| {
            misused(
                "请用 --key 给出沙箱应用密钥".into(),
                "give a sandbox key with --key".into(),
            )
        })?;
        let hub = Hub::at(&base).map_err(|e| Outcome::misused(e, lang))?;
        let forward = match &args.forward {
            None => None,
            Some(text) => {
                let sender = Sender::new(Arc::new(MachineClock), true).map_err(|e| Outcome::failed(e, lang))?;
                let url = sender.address(text, "--forward");
                let url = url.map_err(|_| {
                    misused(
                        "--forward：http:// 或 https:// 地址".into(),
                        "--forward: an http:// or https:// address".into(),
                    )
                })?;
                Some(Forward { sender, url })
            }
        };
        let mut wanted = String::new();
        for (name, value) in [("type", &args.types), ("world", &args.world)] {
            if let Some(value) = value {
                wanted.push_str(&format!("&{name}={}", encoded(value)));
            }
        }
        // Whoever listens for something else, or for somebody else, has not heard what this one has.
        let named = format!(
            "{base} {} {wanted} {:?}",
            key.get(..key.len().min(24)).unwrap_or_default(),
            args.forward
        );
        let mut name = hex(&digest(Digest::Sha256, named.as_bytes()));
        name.truncate(16);
        let file = args.cursor_file.clone();
        let file = file.unwrap_or_else(|| args.reach.data_dir.join("listen").join(format!("{name}.json")));
        let kept = read(&file).map_err(|e| Outcome::failed(format!("{}: {e}", file.display()), lang))?;
        Ok(Self {
            hub,
            key,
            wanted,
            file,
            kept,
            forward,
            json: args.json,
            lang,
        })
    }

    /// Listens until something is wrong that waiting does not mend.
    async fn listen(mut self, since: Option<u64>) -> Outcome {
        if since.is_some() {
            self.kept.cursor = since;
        }
        let mut after = match self.kept.cursor {
            Some(cursor) => cursor,
            None => match self.ask("now", 0).await {
                Ok(page) => next(&page),
                Err(outcome) => return outcome,
            },
        };
        self.kept.cursor = Some(after);
        if let Err(error) = self.keep() {
            return Outcome::failed(error, self.lang);
        }
        self.greet(after);
        loop {
            let page = match self.ask(&after.to_string(), WAIT).await {
                Ok(page) => page,
                Err(outcome) => return outcome,
            };
            for event in page.get("items").and_then(Value::as_array).into_iter().flatten() {
                self.print(&event.to_string(), event);
                self.hand_on(event).await;
                self.kept.cursor = event.get("sequence").and_then(Value::as_u64);
                if let Err(error) = self.keep() {
                    return Outcome::failed(error, self.lang);
                }
            }
            let passed = next(&page);
            if passed != after {
                after = passed;
                self.kept.cursor = Some(after);
                if let Err(error) = self.keep() {
                    return Outcome::failed(error, self.lang);
                }
            }
        }
    }

    /// One page. A hub that is away is waited for; one that refuses is not.
    async fn ask(&self, after: &str, wait: u64) -> Result<Value, Outcome> {
        let mut pause = SHORT;
        loop {
            let request = RawRequest {
                method: "GET".to_owned(),
                target: format!("/developer/events?after={after}&wait={wait}&limit=100{}", self.wanted),
                headers: vec![
                    ("x-api-key".to_owned(), self.key.clone()),
                    ("accept-language".to_owned(), self.lang.tag().to_owned()),
                ],
                body: Vec::new(),
            };
            let why = match self.hub.send(request).await {
                Ok(answer) if answer.status < 300 => match serde_json::from_slice(&answer.body) {
                    Ok(page) => return Ok(page),
                    Err(error) => error.to_string(),
                },
                Ok(answer) if answer.status < 500 && answer.status != 429 => {
                    let problem: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
                    let word = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                    let detail = [word("detail"), word("fix")].join("\n");
                    return Err(Outcome::failed(format!("{} {detail}", answer.status), self.lang));
                }
                Ok(answer) => answer.status.to_string(),
                Err(error) => error,
            };
            self.say(
                &format!("枢纽没有应答（{why}），稍后再试"),
                &format!("the hub does not answer ({why}), trying again"),
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONG);
        }
    }

    /// Hands an event on until it is taken.
    async fn hand_on(&self, event: &Value) {
        let Some(forward) = &self.forward else { return };
        let id = event.get("id").and_then(Value::as_str).unwrap_or_default();
        let body = event.to_string().into_bytes();
        let mut pause = SHORT;
        loop {
            let mut headers = self.kept.secrets.headers(id, Timestamp::now(), &body);
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
            let sent = forward
                .sender
                .send("listen", &forward.url, "POST", headers, body.clone())
                .await;
            let took = sent.took.as_millis();
            if sent.is_good() {
                let status = sent.status.unwrap_or_default();
                self.say(
                    &format!("  → {status}，{took} 毫秒"),
                    &format!("  → {status}, {took} ms"),
                );
                return;
            }
            let why = crate::hub::events::why(&sent.word());
            self.say(
                &format!("  → {}，稍后再试", why.zh),
                &format!("  → {}, trying again", why.en),
            );
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONG);
        }
    }

    fn greet(&self, after: u64) {
        let to = self.forward.as_ref().map(|f| f.url.to_string());
        let secret = self.forward.as_ref().map(|_| self.kept.secrets.newest());
        if self.json {
            self.put(&json!({"listening": true, "after": after, "forward": to, "secret": secret}).to_string());
            return;
        }
        self.say(
            &format!("正在监听（从第 {after} 个事件之后）"),
            &format!("listening (after event {after})"),
        );
        if let (Some(to), Some(secret)) = (to, secret) {
            self.say(
                &format!("转发到 {to}\n签名密钥 {secret}（Standard Webhooks）"),
                &format!("forwarding to {to}\nsigned with {secret} (Standard Webhooks)"),
            );
        }
    }

    fn print(&self, whole: &str, event: &Value) {
        if self.json {
            self.put(whole);
            return;
        }
        let word = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let number = event.get("sequence").and_then(Value::as_u64).unwrap_or_default();
        let tag = if self.lang == Lang::Zh { "zh" } else { "en" };
        let said = word(&format!("/data/text/{tag}"));
        let when = if word("/clock").is_empty() {
            word("/timestamp")
        } else {
            word("/clock")
        };
        self.put(&format!(
            "{number}  {when}  {}  {}  {said}",
            word("/type"),
            word("/data/case")
        ));
    }

    /// A line on standard output. Where nobody reads any more the next write says so to nobody.
    fn put(&self, line: &str) {
        let mut out = std::io::stdout().lock();
        let _ = writeln!(out, "{line}");
        let _ = out.flush();
    }

    /// Something for a person, beside the events.
    fn say(&self, zh: &str, en: &str) {
        let line = if self.lang == Lang::Zh { zh } else { en };
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    fn keep(&self) -> Result<(), String> {
        let told = |e: std::io::Error| format!("{}: {e}", self.file.display());
        write(&self.file, &self.kept).map_err(told)
    }
}

fn next(page: &Value) -> u64 {
    page.get("next").and_then(Value::as_u64).unwrap_or_default()
}

fn read(file: &Path) -> std::io::Result<Kept> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Kept {
            cursor: None,
            secrets: Secrets::new().map_err(std::io::Error::other)?,
        }),
        Err(error) => Err(error),
    }
}

/// Writes beside and moves over, so that a crash leaves the old or the new.
fn write(file: &Path, kept: &Kept) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    if let Some(folder) = file.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)?;
    }
    let beside = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut new = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&beside)?;
    new.write_all(&serde_json::to_vec(kept)?)?;
    new.sync_all()?;
    std::fs::rename(&beside, file)
}
