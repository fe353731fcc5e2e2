//! The whole reference city: every operation, in the sandbox and live through its dialect, against its contract.

use crate::support::{City, Got, TestHub, example, names_papers, persona, put_papers};
use hub_core::Operation;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

/// Systems tried at the same time.
const AT_ONCE: usize = 4;

/// Numbers by which matters are found again, as answers gave them: by field.
type Handles = HashMap<String, Value>;

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_answers_both_ways_as_its_contract_says() {
    let hub = Arc::new(TestHub::demo(City::whole().unhurried()).await);
    let catalog = hub.catalog();
    let systems: Vec<_> = catalog.systems().iter().map(|s| s.id.clone()).collect();
    let queue = Arc::new(Mutex::new(systems));
    let tally = Arc::new(Mutex::new(Tally::default()));
    let mut workers = Vec::new();
    for _ in 0..AT_ONCE {
        let (hub, queue, tally) = (hub.clone(), queue.clone(), tally.clone());
        workers.push(tokio::spawn(async move {
            loop {
                let Some(system) = queue.lock().unwrap().pop() else {
                    return;
                };
                let catalog = hub.catalog();
                let operations: Vec<_> = catalog.operations_of(&system).cloned().collect();
                for door in ["/sandbox", "/gateway"] {
                    let mut tried = try_all(&hub, door, &operations).await;
                    // At midnight agencies decide what was handed in the day before, so that nothing can be added any more.
                    if !tried.failed.is_empty() && tried.began != today() {
                        tried = try_all(&hub, door, &operations).await;
                    }
                    tally.lock().unwrap().add(tried);
                }
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    let tally = std::mem::take(&mut *tally.lock().unwrap());
    let counts = catalog.counts();
    eprintln!(
        "{counts:?}: {} answered in the sandbox, {} live, {} not connected",
        tally.sandbox, tally.live, tally.unconnected
    );
    let failed = tally.failed.len();
    let tries = tally.sandbox + tally.live + failed;
    assert!(
        failed == 0,
        "{failed} of {tries} tries failed:\n{}",
        tally.failed.join("\n")
    );
    assert_eq!(tally.sandbox, counts.operations);
    // Not one is `not-yet`: the whole city is live.
    assert_eq!((tally.live, tally.unconnected), (counts.operations, 0));
    Arc::into_inner(hub).unwrap().stop().await;
}

#[derive(Default)]
struct Tally {
    began: jiff::civil::Date,
    sandbox: usize,
    live: usize,
    unconnected: usize,
    failed: Vec<String>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.sandbox += other.sandbox;
        self.live += other.live;
        self.unconnected += other.unconnected;
        self.failed.extend(other.failed);
    }
}

/// The civil day of the city.
fn today() -> jiff::civil::Date {
    hub_core::time::civil(hub_core::time::Timestamp::now()).date()
}

/// Tries every operation of a system at a door: those that need no number first, for their answers give the numbers.
async fn try_all(hub: &TestHub, door: &str, operations: &[Arc<Operation>]) -> Tally {
    let mut tally = Tally {
        began: today(),
        ..Tally::default()
    };
    let catalog = hub.catalog();
    let mut handles: HashMap<String, Handles> = HashMap::new();
    let mut papers: HashMap<String, String> = HashMap::new();
    let needs = |o: &Operation| o.input.children.iter().filter(|c| catalog.is_handle(&c.name)).count();
    let mut order: Vec<_> = operations.iter().collect();
    order.sort_by_key(|o| (needs(o), is_ending(o)));
    for operation in order {
        if door == "/gateway" && !hub.is_live(operation) {
            tally.unconnected += 1;
            continue;
        }
        let who = persona(hub.ready(), operation);
        let known = handles.entry(who.to_owned()).or_default();
        let mut input = with_handles(operation, known, &catalog);
        if names_papers(&operation.input) {
            if !papers.contains_key(who) {
                papers.insert(who.to_owned(), hub.paper(who).await);
            }
            let mut value = Value::Object(input);
            put_papers(&operation.input, &mut value, &papers[who]);
            input = value.as_object().unwrap().clone();
        }
        let mut got = hub.call(door, operation, &input, who).await;
        if got.code() == "conflict" {
            // The number is the caller's to choose, and the last service of this system has used it.
            renumber(operation, &mut input, &catalog);
            got = hub.call(door, operation, &input, who).await;
        }
        let verdict = judge(&catalog, operation, &got);
        collect(&got.body, &catalog, known);
        if is_ending(operation) {
            known.retain(|name, _| operation.input.child(name).is_none());
        }
        match verdict {
            Ok(()) if door == "/sandbox" => tally.sandbox += 1,
            Ok(()) => tally.live += 1,
            Err(why) => tally.failed.push(format!("{door} {}: {why}", operation.id)),
        }
    }
    tally
}

/// Whether an operation ends a matter, so that it is tried after those that read it.
fn is_ending(operation: &Operation) -> bool {
    let id = operation.id.as_ref();
    ["withdraw", "cancel"].iter().any(|word| id.contains(word))
}

fn with_handles(operation: &Operation, known: &Handles, catalog: &hub_catalog::Catalog) -> Map<String, Value> {
    let mut input = example(operation);
    for child in operation.input.children.iter().filter(|c| catalog.is_handle(&c.name)) {
        if let Some(value) = known.get(child.name.as_ref()) {
            input.insert(child.name.to_string(), value.clone());
        }
    }
    input
}

/// Other numbers of the same form.
fn renumber(operation: &Operation, input: &mut Map<String, Value>, catalog: &hub_catalog::Catalog) {
    static NEXT: AtomicU32 = AtomicU32::new(1000);
    for (name, value) in input.iter_mut().filter(|(name, _)| catalog.is_handle(name)) {
        let next = NEXT.fetch_add(1, Ordering::Relaxed).to_string();
        match value
            .as_str()
            .and_then(|text| text.len().checked_sub(next.len()).and_then(|n| text.get(..n)))
        {
            Some(head) if operation.input.child(name).is_some() => *value = Value::from(format!("{head}{next}")),
            _ => {}
        }
    }
}

/// Remembers every number an answer gave, at any depth.
fn collect(body: &Value, catalog: &hub_catalog::Catalog, known: &mut Handles) {
    match body {
        Value::Object(map) => {
            for (name, value) in map {
                if catalog.is_handle(name) && value.is_string() {
                    known.insert(name.clone(), value.clone());
                }
                collect(value, catalog, known);
            }
        }
        Value::Array(items) => items.iter().for_each(|i| collect(i, catalog, known)),
        _ => {}
    }
}

/// A good answer fits its contract; the only refusal that counts as an answer is that of a number nobody has.
fn judge(catalog: &hub_catalog::Catalog, operation: &Operation, got: &Got) -> Result<(), String> {
    if got.status == operation.status {
        return catalog.check_output(operation, &got.body).map_err(|v| format!("{v:?}"));
    }
    let numbers = operation.input.children.iter().any(|c| catalog.is_handle(&c.name));
    if numbers && got.code() == "record-not-found" {
        return Ok(());
    }
    let word = |name: &str| got.body[name].as_str().unwrap_or_default().to_owned();
    let told = ["code", "where", "expected", "got", "detail", "upstream_code"]
        .map(word)
        .join(" | ");
    Err(format!("{} {told} [{}]", got.status, word("request_id")))
}
