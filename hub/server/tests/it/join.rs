//! Two agencies put side by side everything that their systems are sent about the same people (attack 39): nothing in it leads
//! from one to the other but what both contracts name of a person.
//!
//! A witness stands on the way to every system of the reference city and keeps the bytes: request line, headers, bodies, with what is
//! packed into them (percent-encoding, base64, tokens). Every system is told a token about the person and the person's name towards
//! it besides, so that every one has a part that names people. What is about one person at two agencies, and not about another
//! person anywhere, joins them.

use crate::relay::{self, Passed, Passing};
use crate::support::{City, TestHub, assurance, dialect, example, manifests_below, names_papers, put_papers};
use hub_core::{Assurance, Audience, Effect, Operation, SubjectAttribute};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

/// Shortest text that could name a person.
const SHORTEST: usize = 8;
/// Systems called at the same time.
const AT_ONCE: usize = 4;
/// Dialects that are no HTTP.
const NO_HTTP: [&str; 2] = ["front-db", "csv-batch"];

/// By system, every text that it was sent.
type Sent = BTreeMap<String, BTreeSet<String>>;

/// Everything that could be a name in bytes.
fn texts(bytes: &[u8], into: &mut BTreeSet<String>, depth: usize) {
    let text = String::from_utf8_lossy(bytes);
    let parts = text.split(|c: char| !(c.is_alphanumeric() || "-_+/=.@".contains(c)));
    for part in parts.filter(|p| p.len() >= SHORTEST && !p.contains('\u{fffd}')) {
        into.insert(part.to_owned());
        // Addresses and tokens are made of parts.
        for piece in part.split(['.', '/', '=']).filter(|p| p.len() >= SHORTEST) {
            into.insert(piece.to_owned());
            let packed = [hub_crypto::from_base64_url(piece), hub_crypto::from_base64(piece)];
            for plain in packed.into_iter().flatten().filter(|_| depth > 0) {
                if std::str::from_utf8(&plain).is_ok() {
                    texts(&plain, into, depth - 1);
                }
            }
        }
        if let Some(plain) = hub_crypto::from_base64(part).ok().filter(|_| depth > 0)
            && std::str::from_utf8(&plain).is_ok()
        {
            texts(&plain, into, depth - 1);
        }
    }
    if depth > 0 && text.contains('%') {
        let plain: Vec<u8> = percent_encoding_of(&text);
        texts(&plain, into, depth - 1);
    }
}

/// Bytes that a percent-encoded text stands for.
fn percent_encoding_of(text: &str) -> Vec<u8> {
    let (bytes, mut plain, mut at) = (text.as_bytes(), Vec::new(), 0);
    while at < bytes.len() {
        let hex = bytes.get(at + 1..at + 3).and_then(|h| std::str::from_utf8(h).ok());
        match hex
            .and_then(|h| u8::from_str_radix(h, 16).ok())
            .filter(|_| bytes[at] == b'%')
        {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    plain
}

/// A time of these minutes: that two systems were called in the same second says little, and nobody can hide it.
fn is_time(text: &str, now: i64) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let epoch = now.to_string();
    let day = hub_core::time::rfc3339(hub_core::time::Timestamp::from_second(now).unwrap());
    let day: String = day.chars().take(10).filter(char::is_ascii_digit).collect();
    let rest = text
        .chars()
        .filter(|c| !c.is_ascii_digit())
        .all(|c| "-:.TZ+".contains(c));
    rest && (digits.starts_with(&epoch[..5]) || digits.starts_with(&day[..6]))
}

/// Whether a text could tell one person from another: words could not.
fn could_name(text: &str) -> bool {
    text.chars().any(|c| c.is_ascii_digit()) || text.chars().count() >= 16
}

/// What leads from one agency to another about a person: by text, the systems that were sent it about that person and about neither of
/// the others.
fn joins(sent: &Sent, others: [&Sent; 2]) -> BTreeMap<String, BTreeSet<String>> {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (system, texts) in sent {
        let known = |text: &String| others.iter().any(|o| o.get(system).is_some_and(|t| t.contains(text)));
        for text in texts.iter().filter(|t| could_name(t) && !known(t)) {
            places.entry(text.clone()).or_default().insert(system.clone());
        }
    }
    let agency = |system: &String| system.split('/').next().unwrap().to_owned();
    places.retain(|_, systems| systems.iter().map(agency).collect::<BTreeSet<_>>().len() > 1);
    places
}

/// Stands between the hub and every system.
#[derive(Default)]
struct Witness {
    sent: Mutex<Sent>,
    systems: OnceLock<SocketAddr>,
}

impl Witness {
    /// Where the systems are; a hub that starts may ask them before that is known here.
    async fn there(&self) -> SocketAddr {
        loop {
            if let Some(address) = self.systems.get() {
                return *address;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    async fn pass(&self, request: Passing) -> Vec<u8> {
        let mut parts = request.target().split(['/', '?']).skip(1);
        let system = format!(
            "{}/{}",
            parts.next().unwrap_or_default(),
            parts.next().unwrap_or_default()
        );
        // The prefix names the system and is ours.
        let mut found = BTreeSet::new();
        texts(request.head.as_bytes(), &mut found, 3);
        texts(&request.body, &mut found, 3);
        self.sent.lock().unwrap().entry(system).or_default().extend(found);
        match relay::pass(self.there().await, &request).await {
            Passed::Answered(bytes) => bytes,
            Passed::NotSent | Passed::Broken => relay::gone(),
        }
    }
}

/// The whole city with the witness on every way, and a part that names people in every call.
fn watched(witness: SocketAddr) -> City {
    let city = City::whole_copied().unhurried();
    let told = "header X-Subject: $subject_token, header X-Person: $pairwise, header X-Trace: $request_id";
    for manifest in manifests_below(&city.path("connectors")) {
        if NO_HTTP.contains(&dialect(&manifest).as_str()) {
            continue;
        }
        let text = std::fs::read_to_string(&manifest).unwrap();
        let folder = manifest.parent().unwrap();
        let name = |p: &std::path::Path| p.file_name().unwrap().to_string_lossy().into_owned();
        let place = format!("http://{witness}/{}/{}", name(folder.parent().unwrap()), name(folder));
        let start = text.find("${UPSTREAM_").unwrap();
        let end = start + text[start..].find('}').unwrap() + 1;
        let mut lines: Vec<String> = text
            .replace(&text[start..end], &place)
            .lines()
            .map(str::to_owned)
            .collect();
        lines.retain(|l| !l.starts_with("closed:"));
        match lines.iter_mut().find(|l| l.starts_with("send:")) {
            Some(line) if line.starts_with("send: {") => {
                *line = line.replacen("send: {", &format!("send: {{{told}, "), 1);
            }
            Some(line) => line.push_str(&told.split(", ").map(|t| format!("\n  {t}")).collect::<String>()),
            None => lines.push(format!("send: {{{told}}}")),
        }
        std::fs::write(&manifest, lines.join("\n") + "\n").unwrap();
    }
    city
}

/// The texts of a simulated system's database or folder.
async fn kept(address: &str) -> BTreeSet<String> {
    use sqlx::{Connection, Row, SqliteConnection};
    let mut found = BTreeSet::new();
    if let Some(path) = address.strip_prefix("sqlite://") {
        let mut db = SqliteConnection::connect(&format!("sqlite://{path}")).await.unwrap();
        let tables = sqlx::query("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut db)
            .await
            .unwrap();
        for table in tables {
            let name: String = table.get(0);
            let all = sqlx::query(sqlx::AssertSqlSafe(format!("SELECT * FROM \"{name}\"")));
            for row in all.fetch_all(&mut db).await.unwrap() {
                for column in 0..row.len() {
                    let text = row.try_get_unchecked::<Option<String>, _>(column).ok().flatten();
                    texts(text.unwrap_or_default().as_bytes(), &mut found, 3);
                }
            }
        }
    } else if let Ok(folder) = url::Url::parse(address).unwrap().to_file_path() {
        let mut folders = vec![folder];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir().into_iter().flatten().flatten() {
                texts(entry.file_name().to_string_lossy().as_bytes(), &mut found, 3);
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    texts(&std::fs::read(entry.path()).unwrap_or_default(), &mut found, 3);
                }
            }
        }
    }
    found
}

/// A person and an agent who may ask for as much as anybody.
struct Who {
    person: String,
    agent: String,
    paper: (String, String),
}

fn is_company(operation: &Operation) -> bool {
    let company = |from| matches!(from, SubjectAttribute::Uscc | SubjectAttribute::OrgName);
    operation.audience == Audience::Legal || operation.bound.iter().any(|b| company(b.from))
}

/// The operations of a system that are called: all about a person with `JOIN=all`, else the first of those that name the same of a
/// person, read and act apart.
fn chosen(hub: &TestHub, system: &hub_core::SystemId) -> Vec<Arc<Operation>> {
    let mut seen = BTreeSet::new();
    let all = std::env::var("JOIN").is_ok_and(|which| which == "all");
    let catalog = hub.catalog();
    let about = catalog
        .operations_of(system)
        .filter(|o| o.assurance > Assurance::R0 && hub.is_live(o));
    let first = about.filter(|o| {
        let named: BTreeSet<String> = o.bound.iter().map(|b| format!("{:?}", b.from)).collect();
        seen.insert((named, o.effect == Effect::Once, is_company(o))) || all
    });
    first.cloned().collect()
}

/// Calls operations about a person, as one and the same; answers how many got through.
async fn call_all(hub: &Arc<TestHub>, who: &Arc<Who>) -> usize {
    let catalog = hub.catalog();
    let systems: Vec<_> = catalog.systems().iter().map(|s| s.id.clone()).collect();
    let (queue, mut workers) = (Arc::new(Mutex::new(systems)), Vec::new());
    for _ in 0..AT_ONCE {
        let (hub, who, queue) = (hub.clone(), who.clone(), queue.clone());
        workers.push(tokio::spawn(async move {
            let mut answered = 0;
            loop {
                let next = queue.lock().unwrap().pop();
                let Some(system) = next else { return answered };
                for operation in &chosen(&hub, &system) {
                    let company = is_company(operation);
                    let caller = if company { &who.agent } else { &who.person };
                    let mut input = example(operation);
                    input.retain(|name, _| !operation.bound.iter().any(|b| b.field == *name));
                    if names_papers(&operation.input) {
                        let mut value = Value::Object(input);
                        let paper = if company { &who.paper.1 } else { &who.paper.0 };
                        put_papers(&operation.input, &mut value, paper);
                        input = value.as_object().unwrap().clone();
                    }
                    let got = hub.call("/gateway", operation, &input, caller).await;
                    if got.status >= 300 && std::env::var_os("JOIN").is_some() {
                        println!("{} {} {}", operation.id, got.status, got.code());
                    }
                    let once = operation.effect == Effect::Once && got.status == 409;
                    answered += usize::from(got.status < 300 || once);
                }
            }
        }));
    }
    let mut answered = 0;
    for worker in workers {
        answered += worker.await.unwrap();
    }
    answered
}

/// What the contracts of a system name of a person: the values, as a persona's token has them.
fn named(hub: &TestHub, who: &Who) -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for operation in hub.catalog().operations() {
        let caller = if is_company(operation) { &who.agent } else { &who.person };
        let subject = hub.hub().cast.signed_in(caller).unwrap();
        let values = operation.bound.iter().filter_map(|b| match b.from {
            SubjectAttribute::Name => subject.name.clone(),
            SubjectAttribute::IdNumber => subject.id_number.clone(),
            SubjectAttribute::Mobile => subject.mobile.clone(),
            SubjectAttribute::OrgName => subject.mandate.as_ref().map(|m| m.org_name.clone()),
            SubjectAttribute::Uscc => subject.mandate.as_ref().map(|m| m.uscc.clone()),
            SubjectAttribute::PartyName => subject
                .mandate
                .as_ref()
                .map(|m| m.org_name.clone())
                .or(subject.name.clone()),
            SubjectAttribute::PartyNumber => subject
                .mandate
                .as_ref()
                .map(|m| m.uscc.clone())
                .or(subject.id_number.clone()),
            SubjectAttribute::Pairwise => None,
        });
        named.entry(operation.system.to_string()).or_default().extend(values);
    }
    named
}

#[test]
fn a_name_inside_of_a_token_would_be_found() {
    let claims = hub_crypto::base64_url(br#"{"sub":"the-same-name-1","jti":"a"}"#);
    let of = |claims: &str, other: &str| {
        let mut found = BTreeSet::new();
        texts(
            format!("Authorization: Bearer e30.{claims}.c2ln\r\nX: {other}").as_bytes(),
            &mut found,
            3,
        );
        found
    };
    let sent = Sent::from([
        ("a/x".into(), of(&claims, "only-here-1")),
        ("b/y".into(), of(&claims, "only-here-2")),
    ]);
    let found = joins(&sent, [&Sent::new(), &Sent::new()]);
    assert!(
        found.contains_key("the-same-name-1") && !found.contains_key("only-here-1"),
        "{found:?}"
    );
    let sisters = Sent::from([("a/x".into(), of(&claims, "")), ("a/y".into(), of(&claims, ""))]);
    assert!(
        joins(&sisters, [&Sent::new(), &Sent::new()]).is_empty(),
        "one agency knows its own"
    );
    let packed = percent_encoding_of("a=%E6%9D%8E&b=1%");
    assert_eq!(packed, "a=李&b=1%".as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_39_no_two_agencies_can_join_what_their_systems_are_sent() {
    let witness = Arc::new(Witness::default());
    let way = Arc::clone(&witness);
    let address = relay::listen(move |request| {
        let way = Arc::clone(&way);
        async move { way.pass(request).await }
    });
    let hub = Arc::new(TestHub::demo(watched(address.await)).await);
    let ready = hub.ready();
    let simulated = ready
        .simulated_systems
        .values()
        .find(|a| a.starts_with("http"))
        .unwrap();
    let simulated = url::Url::parse(simulated).unwrap().socket_addrs(|| None).unwrap()[0];
    witness.systems.set(simulated).unwrap();
    let others: BTreeMap<String, String> = ready
        .simulated_systems
        .iter()
        .filter(|(_, address)| !address.starts_with("http"))
        .map(|(system, address)| (system.clone(), address.clone()))
        .collect();

    let surest = |agent: bool| {
        let mut all: Vec<&String> = ready
            .subject_tokens
            .keys()
            .filter(|p| p.contains('@') == agent)
            .collect();
        all.sort_by_key(|p| (assurance(ready, p), std::cmp::Reverse(p.len())));
        // Three people of three companies.
        let mut chosen: Vec<String> = Vec::new();
        let parts = |p: &str| p.split('@').map(str::to_owned).collect::<Vec<_>>();
        for word in all.into_iter().rev() {
            let is_new = |c: &String| parts(c).iter().zip(parts(word)).all(|(one, other)| *one != other);
            if chosen.iter().all(is_new) {
                chosen.push(word.clone());
            }
        }
        chosen.truncate(3);
        chosen
    };
    let (people, agents) = (surest(false), surest(true));
    let (mut all, mut known, mut answered) = (Vec::new(), Sent::new(), Vec::new());
    for (person, agent) in people.into_iter().zip(agents) {
        let paper = (hub.paper(&person).await, hub.paper(&agent).await);
        let who = Arc::new(Who { person, agent, paper });
        answered.push(call_all(&hub, &who).await);
        let mut sent = std::mem::take(&mut *witness.sent.lock().unwrap());
        for (system, address) in &others {
            let now = kept(address).await;
            let before = known.insert(system.clone(), now.clone()).unwrap_or_default();
            sent.insert(system.clone(), now.difference(&before).cloned().collect());
        }
        all.push((who, sent));
    }

    // The first call at a system begins a session there, so the first person only opens doors.
    let told = |texts: &&BTreeSet<String>| texts.iter().any(|t| t.contains("subject+jwt"));
    let subjects = all[1].1.values().filter(told).count();
    println!(
        "{} systems were sent {} texts about {} and {}, {subjects} were told by a token; {answered:?} calls were answered",
        all[1].1.len(),
        all[1].1.values().map(BTreeSet::len).sum::<usize>(),
        all[1].0.person,
        all[1].0.agent,
    );
    let now = hub.hub().clock.now().as_second();
    let takes_papers: BTreeSet<String> = hub
        .catalog()
        .operations()
        .iter()
        .filter(|o| names_papers(&o.input))
        .map(|o| o.system.to_string())
        .collect();
    let mut wrong = Vec::new();
    for (mine, theirs) in [(1, 2), (2, 1)] {
        let (who, sent) = &all[mine];
        let named = named(&hub, who);
        let found = joins(sent, [&all[0].1, &all[theirs].1]);
        let number = hub.hub().cast.signed_in(&who.person).unwrap().id_number.unwrap();
        let seen = found.get(&number).map_or(0, BTreeSet::len);
        println!(
            "{} is named to {seen} systems; {} texts are at several agencies",
            who.person,
            found.len()
        );
        assert!(seen > 50, "what contracts name is seen, so the witness sees");
        for (text, systems) in found.iter().filter(|(text, _)| !is_time(text, now)) {
            // A paper that a person hands to two agencies is the same paper.
            let is_paper = [&who.paper.0, &who.paper.1].iter().any(|paper| text.contains(*paper));
            let allowed = |system: &String| {
                let value = |v: &String| v.contains(text) || text.contains(v.as_str());
                named.get(system).is_some_and(|all| all.iter().any(value)) || is_paper && takes_papers.contains(system)
            };
            let unnamed: Vec<&String> = systems.iter().filter(|s| !allowed(s)).collect();
            if !unnamed.is_empty() {
                wrong.push(format!("{text} at {} systems, unnamed at {unnamed:?}", systems.len()));
            }
        }
    }
    println!("{} texts join them beyond contracts", wrong.len());
    assert!(all[1].1.len() > 100 && subjects > 80, "{} {subjects}", all[1].1.len());
    assert!(answered.iter().all(|n| *n > 150), "{answered:?}");
    wrong.truncate(40);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Arc::into_inner(hub).unwrap().stop().await;
}
