//! Two hubs as processes of their own over one PostgreSQL, and an upstream that counts (Q22): no declared budget is ever
//! exceeded, not while a hub joins either.

use crate::desk::{Process, city};
use crate::strict;
use crate::support::on_postgres;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const RPS: usize = 10;
const DAILY: usize = 240;
const ABREAST: usize = 4;

/// A second, less what calls may come closer together on the way on a busy machine.
const SECOND: Duration = Duration::from_millis(900);

fn manifest() -> String {
    format!(
        "system: desk/main\nupstream: {{dialect: rest-json, timeout: 5s}}\n\
         limits: {{rps: {RPS}, daily: {DAILY}, concurrency: {ABREAST}}}\n\
         operations:\n  notice-query: {{call: GET /notices}}\n  \"*\": not-yet\n"
    )
}

/// Callers who never rest: how many were answered.
fn callers(
    hub: &Arc<Process>,
    name: &'static str,
    over: &Arc<AtomicBool>,
    answered: &Arc<AtomicUsize>,
) -> Vec<tokio::task::JoinHandle<()>> {
    (0..6)
        .map(|caller| {
            let (hub, over, answered) = (hub.clone(), over.clone(), answered.clone());
            tokio::spawn(async move {
                for n in 0.. {
                    if over.load(Ordering::SeqCst) {
                        return;
                    }
                    // Never the same question, or the hub would answer it from memory.
                    let (status, body) = hub
                        .get(&format!("/gateway/desk/main/v1/notices?words={name}-{caller}-{n}"))
                        .await;
                    match status {
                        200 => drop(answered.fetch_add(1, Ordering::SeqCst)),
                        429 | 503 => tokio::time::sleep(Duration::from_millis(100)).await,
                        _ => panic!("{status} {body}"),
                    }
                }
            })
        })
        .collect()
}

async fn two_hubs(database: String) {
    let (address, seen) = strict::start(Duration::from_millis(120), |_| (200, r#"{"case_no":"C-1"}"#.to_owned()));
    let city = city(&manifest());
    let data = tempfile::tempdir().unwrap();
    let variables = [("UPSTREAM_DESK_MAIN", address), ("HUB_STORE_URL", database)];
    let (over, answered) = (Arc::new(AtomicBool::new(false)), [Arc::default(), Arc::default()]);
    let first = Arc::new(Process::start(&city, &data.path().join("a"), &variables));
    let mut all = callers(&first, "a", &over, &answered[0]);
    // The second joins while the first is busy.
    tokio::time::sleep(Duration::from_secs(2)).await;
    // What is sealed in the store is read by every hub over it.
    std::fs::create_dir_all(data.path().join("b/hub")).unwrap();
    std::fs::copy(
        data.path().join("a/hub/master.key"),
        data.path().join("b/hub/master.key"),
    )
    .unwrap();
    let second = Arc::new(Process::start(&city, &data.path().join("b"), &variables));
    all.extend(callers(&second, "b", &over, &answered[1]));
    let count = || seen.lines.lock().unwrap().len();
    let (began, mut last, mut still) = (Instant::now(), 0, Instant::now());
    // Until the day's budget is used up, and a while beyond.
    while still.elapsed() < Duration::from_secs(8) {
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(began.elapsed() < Duration::from_secs(150), "{} calls", count());
        if count() > last || count() < DAILY - RPS * 2 {
            (last, still) = (count(), Instant::now());
        }
    }
    over.store(true, Ordering::SeqCst);
    for caller in all {
        caller.await.unwrap();
    }
    let lines = seen.lines.lock().unwrap();
    let times: Vec<Instant> = lines.iter().map(|(came, _)| *came).collect();
    assert!(times.len() <= DAILY, "{} calls on a day of {DAILY}", times.len());
    for (at, came) in times.iter().enumerate() {
        let within = times[at..].iter().filter(|t| **t < *came + SECOND).count();
        assert!(within <= RPS, "{within} calls within a second");
    }
    let most = seen.most.load(Ordering::SeqCst);
    assert!(most <= ABREAST, "{most} at the same time");
    let shares = answered.map(|n| n.load(Ordering::SeqCst));
    assert!(shares.iter().all(|n| *n > 0), "both hubs get something: {shares:?}");
    println!("{} calls, {most} at once, answered by hub {shares:?}", times.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn q22_two_processes_over_postgresql_never_exceed_an_upstreams_budget() {
    on_postgres(two_hubs).await;
}
