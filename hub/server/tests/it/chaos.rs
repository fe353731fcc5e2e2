//! `kill -9` of the hub and of the upstream at random moments while submissions are made: every acknowledged one arrives
//! exactly once, in the order of its subject, or stands in the manual queue with its reason.
//!
//! `CHAOS=10000` says how many (`make chaos`); without it a few hundred.

use crate::desk;
use crate::support::{City, http, on_postgres};
use hub_server::wiring::Ready;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Folder of the upstream's record; set for [`upstream_until_killed`] only.
const RECORD: &str = "CHAOS_RECORD";
/// Its port.
const PORT: &str = "CHAOS_PORT";
/// Longest time until everything has come to rest.
const REST: Duration = Duration::from_secs(300);
/// Fewer are hardly any chaos.
const LEAST_KILLS: usize = 3;

const MANIFEST: &str = r#"
system: desk/main
upstream: {dialect: rest-json, timeout: 2s}
limits: {concurrency: 16}
operations:
  apply: {call: POST /applications, send: {ref: $submission}, unsure: {ask: find}}
  find: {call: GET /find, internal: true, send: {ref: $submission}}
  "*": not-yet
"#;

/// Not a test by itself: an agency's system that writes down what arrives, and is killed.
#[test]
fn upstream_until_killed() {
    let (Ok(record), Ok(port)) = (std::env::var(RECORD), std::env::var(PORT)) else {
        return;
    };
    let known: Arc<Mutex<BTreeSet<String>>> = Arc::new(Mutex::new(
        arrivals(Path::new(&record)).into_iter().map(|(id, _)| id).collect(),
    ));
    let listener = loop {
        match TcpListener::bind(format!("127.0.0.1:{port}")) {
            Ok(listener) => break listener,
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    for stream in listener.incoming().flatten() {
        let (known, record) = (known.clone(), PathBuf::from(&record));
        std::thread::spawn(move || talk(stream, &known, &record));
    }
}

fn talk(mut stream: TcpStream, known: &Mutex<BTreeSet<String>>, record: &Path) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((line, body)) = hear(&mut reader) {
        let (status, answer) = if line.starts_with("POST /applications") {
            let body: Value = serde_json::from_slice(&body).unwrap();
            let (id, words) = (body["ref"].as_str().unwrap(), body["words"].as_str().unwrap());
            pause(8);
            {
                // One write of one line: the kernel has it or it never was.
                let mut known = known.lock().unwrap();
                let mut file = std::fs::OpenOptions::new()
                    .append(true)
                    .create(true)
                    .open(record)
                    .unwrap();
                file.write_all(format!("{id} {words}\n").as_bytes()).unwrap();
                known.insert(id.to_owned());
            }
            pause(8);
            (201, json!({"case_no": format!("C-{id}")}))
        } else {
            let id = line.split("ref=").nth(1).unwrap_or_default();
            let id = id.split([' ', '&']).next().unwrap_or_default();
            match known.lock().unwrap().contains(id) {
                true => (200, json!({"case_no": format!("C-{id}")})),
                false => (404, json!({})),
            }
        };
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        if stream.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}

fn hear(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|n| *n > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, body))
}

fn random(below: u64) -> u64 {
    u64::from_le_bytes(hub_crypto::random::<8>().unwrap()) % below.max(1)
}

fn pause(most: u64) {
    std::thread::sleep(Duration::from_millis(random(most + 1)));
}

/// What arrived, in order: submission and words.
fn arrivals(record: &Path) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(record).unwrap_or_default();
    text.lines()
        .filter_map(|l| l.split_once(' '))
        .map(|(id, words)| (id.to_owned(), words.to_owned()))
        .collect()
}

/// The hub and the upstream as processes of their own.
struct Stage {
    city: City,
    data: PathBuf,
    record: PathBuf,
    port: u16,
    database: Option<String>,
    hub: Option<Child>,
    upstream: Option<Child>,
    ready: Arc<Mutex<Ready>>,
}

impl Stage {
    fn new(data: &Path, database: Option<String>) -> Self {
        let city = desk::city(MANIFEST);
        // Free now; both ends find it again after every kill.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self {
            city,
            data: data.to_owned(),
            record: data.join("record"),
            port,
            database,
            hub: None,
            upstream: None,
            ready: Arc::default(),
        }
    }

    fn start_upstream(&mut self) {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "chaos::upstream_until_killed", "--nocapture"])
            .env(RECORD, &self.record)
            .env(PORT, self.port.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.upstream = Some(child.unwrap());
    }

    fn start_hub(&mut self) {
        let file = self.data.join("ready.json");
        drop(std::fs::remove_file(&file));
        let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
        command
            .args(["serve", "--test-issuer", "--listen", "127.0.0.1:0", "--ready-file"])
            .arg(&file)
            .arg("--data-dir")
            .arg(self.data.join("hub"))
            .env("UPSTREAM_DESK_MAIN", format!("http://127.0.0.1:{}", self.port))
            .env("HUB_LISTEN_ADMIN_ADDRESS", "127.0.0.1:0")
            .envs(self.database.as_ref().map(|url| ("HUB_STORE_URL", url)));
        for name in ["specs", "connectors", "policies"] {
            command.arg(format!("--{name}")).arg(self.city.path(name));
        }
        let log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(self.data.join("log"))
            .unwrap();
        let mut child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(90) {
            if let Some(ready) = std::fs::read(&file).ok().and_then(|b| serde_json::from_slice(&b).ok()) {
                *self.ready.lock().unwrap() = ready;
                self.hub = Some(child);
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        panic!(
            "the hub did not start: {}",
            std::fs::read_to_string(self.data.join("log")).unwrap()
        );
    }

    fn kill_hub(&mut self) {
        kill(&mut self.hub);
    }

    fn kill_upstream(&mut self) {
        kill(&mut self.upstream);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.kill_hub();
        self.kill_upstream();
    }
}

/// SIGKILL: nothing is finished, nothing is said.
fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        drop(child.kill());
        drop(child.wait());
    }
}

/// What a client was told of one of its submissions.
#[derive(Debug)]
enum Told {
    Done,
    Kept(String),
}

/// How far all have come.
#[derive(Default)]
struct Progress {
    begun: AtomicUsize,
    kills: AtomicUsize,
}

/// One person's client: one submission after the other, each repeated under its key until it is acknowledged, until
/// `count` were begun. A fast hub is done with them between two kills: then they go on until there were some.
async fn client(person: usize, ready: Arc<Mutex<Ready>>, progress: Arc<Progress>, count: usize) -> Vec<(String, Told)> {
    let http = http();
    let mut told = Vec::new();
    while progress.begun.fetch_add(1, Ordering::SeqCst) < count || progress.kills.load(Ordering::SeqCst) < LEAST_KILLS {
        let words = format!("{person}-{:06}", told.len());
        loop {
            let ready = ready.lock().unwrap().clone();
            let mut tokens = ready.subject_tokens.iter().filter(|(p, _)| !p.contains('@'));
            let Some((_, token)) = tokens.nth(person) else {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            let request = http
                .post(format!("{}/gateway/desk/main/v1/applications", ready.base_url))
                .header("x-api-key", ready.client_key.as_deref().unwrap())
                .header("authorization", format!("Bearer {token}"))
                .header("content-type", "application/json")
                .header("idempotency-key", words.as_str())
                .timeout(Duration::from_secs(30))
                .body(json!({"words": words}).to_string());
            let answer = match request.send().await {
                Ok(answer) => Some((answer.status().as_u16(), answer.bytes().await)),
                Err(_) => None,
            };
            if let Some((status, Ok(bytes))) = answer {
                let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
                if status == 201 {
                    told.push((words, Told::Done));
                    break;
                }
                if let Some(id) = body["submission"].as_str() {
                    assert!(["saved", "unknown"].contains(&body["kept"].as_str().unwrap()), "{body}");
                    told.push((words, Told::Kept(id.to_owned())));
                    // Keeping is quick; without a rest it would be all there is.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    break;
                }
                assert!(
                    [409, 503, 500].contains(&status) && body["kept"] != "saved",
                    "{status} {body}"
                );
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    told
}

/// Submissions in a state, as operators see them.
async fn standing(ready: &Ready, state: &str) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().map(|l| l["created"].as_str().unwrap().replace('+', "%2B"));
        let after = after.map(|a| format!("&after={a}")).unwrap_or_default();
        let answer = http()
            .get(format!("{}/admin/submissions?state={state}{after}", ready.admin_url))
            .header("authorization", format!("Bearer {}", ready.admin_token))
            .send()
            .await
            .unwrap();
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        let items = body["items"].as_array().unwrap_or_else(|| panic!("{body}")).clone();
        if items.is_empty() {
            return all;
        }
        all.extend(items);
    }
}

async fn chaos(database: Option<String>, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let mut stage = Stage::new(folder.path(), database);
    stage.start_upstream();
    stage.start_hub();
    let (progress, done) = (Arc::new(Progress::default()), Arc::new(AtomicBool::new(false)));
    let people = {
        let ready = stage.ready.lock().unwrap();
        ready.subject_tokens.keys().filter(|p| !p.contains('@')).count().min(8)
    };
    assert!(people >= 2, "order is kept a person, so there must be several");
    let clients: Vec<_> = (0..people)
        .map(|person| tokio::spawn(client(person, stage.ready.clone(), progress.clone(), count)))
        .collect();
    // Blocking, on its own thread: the clients must not wait for a hub that starts.
    let killer = std::thread::spawn({
        let (progress, done) = (progress.clone(), done.clone());
        move || {
            while !done.load(Ordering::SeqCst) {
                // On a slow machine a hub must get to do something between two kills.
                let (before, began) = (arrivals(&stage.record).len(), Instant::now());
                std::thread::sleep(Duration::from_millis(100 + random(900)));
                while arrivals(&stage.record).len() < before + 15
                    && began.elapsed() < Duration::from_secs(10)
                    && !done.load(Ordering::SeqCst)
                {
                    std::thread::sleep(Duration::from_millis(20));
                }
                match random(3) {
                    0 => stage.kill_upstream(),
                    1 => stage.kill_hub(),
                    _ => {
                        stage.kill_upstream();
                        stage.kill_hub();
                    }
                }
                pause(300);
                if stage.hub.is_none() {
                    stage.start_hub();
                }
                if stage.upstream.is_none() {
                    stage.start_upstream();
                }
                progress.kills.fetch_add(1, Ordering::SeqCst);
            }
            stage
        }
    });
    let mut told = Vec::new();
    for client in clients {
        told.extend(client.await.unwrap());
    }
    done.store(true, Ordering::SeqCst);
    let stage = killer.join().unwrap();
    let kills = progress.kills.load(Ordering::SeqCst);
    assert!(
        told.len() >= count && kills >= LEAST_KILLS,
        "every one was acknowledged in the end"
    );

    let ready = stage.ready.lock().unwrap().clone();
    let began = Instant::now();
    while !standing(&ready, "stored").await.is_empty() || !standing(&ready, "delivering").await.is_empty() {
        assert!(
            began.elapsed() < REST,
            "still open: {:?}",
            [standing(&ready, "stored").await, standing(&ready, "delivering").await].concat()
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let manual: BTreeMap<String, Value> = standing(&ready, "manual")
        .await
        .into_iter()
        .map(|s| (s["submission"].as_str().unwrap().to_owned(), s))
        .collect();
    assert!(
        manual
            .values()
            .all(|s| !s["reason"].as_str().unwrap_or_default().is_empty()),
        "{manual:?}"
    );
    assert_eq!(
        standing(&ready, "failed").await,
        Vec::<Value>::new(),
        "nobody refused any"
    );

    let arrived = arrivals(&stage.record);
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, words) in &arrived {
        *times.entry(words).or_default() += 1;
    }
    for (words, how) in &told {
        let n = times.get(words.as_str()).copied().unwrap_or(0);
        let waits = matches!(how, Told::Kept(id) if manual.contains_key(id));
        assert!(n == 1 || n == 0 && waits, "{words} arrived {n} times ({how:?})");
    }
    let said: BTreeSet<&str> = told.iter().map(|(words, _)| words.as_str()).collect();
    assert!(
        times.keys().all(|words| said.contains(words)),
        "nothing came of nothing"
    );
    let mut last: BTreeMap<&str, &str> = BTreeMap::new();
    for (_, words) in &arrived {
        let (person, _) = words.split_once('-').unwrap();
        let before = last.insert(person, words);
        assert!(
            before.is_none_or(|b| b < words.as_str()),
            "{words} came after {before:?}"
        );
    }
    println!(
        "{} submissions, {kills} kills, {} in the manual queue, {} told later",
        told.len(),
        manual.len(),
        told.iter().filter(|(_, t)| matches!(t, Told::Kept(_))).count(),
    );
    let data = stage.data.join("hub/trail");
    drop(stage);
    hub_gateway::trail::verify(&data).unwrap();
}

fn how_many() -> usize {
    std::env::var("CHAOS").ok().and_then(|n| n.parse().ok()).unwrap_or(300)
}

#[tokio::test(flavor = "multi_thread")]
async fn chaos_over_sqlite_loses_and_doubles_nothing() {
    chaos(None, how_many()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chaos_over_postgresql_loses_and_doubles_nothing() {
    on_postgres(|url| chaos(Some(url), how_many())).await;
}
