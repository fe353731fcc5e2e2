//! The trail: always written, chained, mended after a crash.

use crate::city::{Act, City, Request, problem};
use hub_core::ports::{TrailRecord, TrailSink};
use hub_core::{DataLevel, Environment, ProblemCode as Code};
use hub_gateway::trail::verify;
use hub_gateway::{Door, Journal, JournalSettings, Keeper};
use hub_store::Store;
use serde_json::json;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

fn record(n: u32) -> TrailRecord {
    TrailRecord {
        at: "2026-04-08T11:05:30+08:00".into(),
        request_id: format!("r-{n} \",\"hash\":\""),
        environment: Environment::Live,
        client: None,
        tenant: None,
        subject: None,
        principal: None,
        agent: None,
        operation: Some("demo.weather".into()),
        level: Some(DataLevel::L1),
        grant: None,
        fields: vec![],
        status: 200,
        problem: None,
        submission: None,
        elapsed_ms: 1,
        attempts: 1,
        jump: None,
    }
}

fn open(folder: &Path, rotate_bytes: u64) -> Journal {
    let settings = JournalSettings {
        rotate_bytes,
        ..JournalSettings::default()
    };
    Journal::open(folder, settings).unwrap()
}

async fn write(journal: &Journal, numbers: std::ops::Range<u32>) {
    for n in numbers {
        journal.write(record(n), n % 3 == 0).await.unwrap();
    }
}

#[tokio::test]
async fn every_call_leaves_one_record_without_personal_values() {
    let city = City::open().await;
    city.line.then(Act::Answer(200, json!({"full_name": "张三"})));
    city.call(Request::account(&json!({})).key("wide").token("zhang-r2"))
        .await;
    city.call(Request::account(&json!({})).key("wide").token("zhang-r1"))
        .await;
    let records = city.records();
    assert_eq!(records.len(), 2);
    assert_eq!((records[0].status, records[0].attempts), (200, 1));
    assert_eq!(records[0].fields, ["id_card_no"]);
    assert_eq!(records[0].client.as_deref(), Some("client-wide"));
    assert_eq!(
        (records[1].status, records[1].problem.as_deref()),
        (401, Some("assurance-too-low"))
    );
    let text = fs::read_to_string(city.trail_folder().join("trail-000001.jsonl")).unwrap();
    assert!(!text.contains("张三") && !text.contains("990101199001010019") && !text.contains("\"zhang\""));
    assert_eq!(verify(&city.trail_folder()).unwrap().lines, 2);
}

#[tokio::test]
async fn a_panic_is_answered_and_recorded() {
    let city = City::open().await;
    city.line.then(Act::Panic);
    let reply = city.call(Request::weather().key("wide")).await;
    assert_eq!(problem(&reply).code, Code::Internal);
    let records = city.records();
    assert_eq!(
        (records[0].status, records[0].operation.as_deref()),
        (500, Some("demo.weather"))
    );
    assert_eq!(
        records[0].client.as_deref(),
        Some("client-wide"),
        "what was known before the panic is kept"
    );
    assert_eq!(city.call(Request::weather().key("wide")).await.status, 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_cancels_nothing() {
    let city = City::open().await;
    city.line
        .then(Act::Wait(Duration::from_millis(120), json!({"text": "晴"})));
    let call = city.gateway.run(Request::weather().key("wide").0, Door::Gateway);
    assert!(tokio::time::timeout(Duration::from_millis(30), call).await.is_err());
    city.gateway.settle().await;
    let records = city.records();
    assert_eq!((records.len(), records[0].status, records[0].attempts), (1, 499, 1));
    assert!(city.gateway.metrics().render().contains("hub_abandoned_total 1"));
}

#[tokio::test]
async fn refusals_of_strangers_are_counted_and_sampled() {
    let city = City::open().await;
    for _ in 0..5 {
        city.call(Request::weather().key("nonsense")).await;
    }
    assert_eq!(city.records().len(), 1);
    let counted = "hub_calls_total{operation=\"demo.weather\",environment=\"live\",status=\"401\"} 5";
    assert!(city.gateway.metrics().render().contains(counted));
}

#[tokio::test]
async fn the_chain_runs_across_files_and_reopenings() {
    let folder = tempfile::tempdir().unwrap();
    write(&open(folder.path(), 2_000), 0..10).await;
    write(&open(folder.path(), 2_000), 10..20).await;
    let report = verify(folder.path()).unwrap();
    assert!(report.files > 2);
    assert_eq!((report.from, report.lines), (1, 20));
    // Archiving the oldest file shows, but breaks nothing.
    fs::remove_file(folder.path().join("trail-000001.jsonl")).unwrap();
    write(&open(folder.path(), 2_000), 20..21).await;
    let report = verify(folder.path()).unwrap();
    assert!(report.from > 1);
    assert_eq!(report.from + report.lines, 22);
}

#[tokio::test]
async fn many_writers_at_once_keep_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(open(folder.path(), 20_000));
    let writers: Vec<_> = (0..20)
        .map(|w| {
            let journal = journal.clone();
            tokio::spawn(async move { write(&journal, w * 20..w * 20 + 20).await })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    assert_eq!(verify(folder.path()).unwrap().lines, 400);
}

#[tokio::test]
async fn a_torn_last_line_is_cut_off_and_the_chain_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trail-000001.jsonl");
    write(&open(folder.path(), 1 << 20), 0..3).await;
    let whole = fs::read(&file).unwrap();
    let last = whole[..whole.len() - 1].iter().rposition(|b| *b == b'\n').unwrap() + 1;
    // Torn at every length, from one byte of the last line to all but its line feed.
    for length in [last + 1, last + 40, whole.len() - 3, whole.len() - 1] {
        fs::write(&file, &whole[..length]).unwrap();
        write(&open(folder.path(), 1 << 20), 3..5).await;
        assert_eq!(verify(folder.path()).unwrap().lines, 4);
    }
    // Torn within the very first line.
    fs::write(&file, b"{\"n\":1,\"pr").unwrap();
    write(&open(folder.path(), 1 << 20), 0..1).await;
    assert_eq!(verify(folder.path()).unwrap().lines, 1);
}

#[tokio::test]
async fn tampering_shows_at_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trail-000001.jsonl");
    write(&open(folder.path(), 1 << 20), 0..5).await;
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let changed = text.replacen("\"status\":200", "\"status\":403", 3);
    fs::write(&file, &changed).unwrap();
    assert_eq!(verify(folder.path()).unwrap_err().line, 1);
    let removed = [&lines[..2], &lines[3..]].concat().join("\n") + "\n";
    fs::write(&file, removed).unwrap();
    assert_eq!(verify(folder.path()).unwrap_err().line, 3);
    let swapped = [lines[0], lines[2], lines[1], lines[3], lines[4]].join("\n") + "\n";
    fs::write(&file, swapped).unwrap();
    assert_eq!(verify(folder.path()).unwrap_err().line, 2);
    // A forged last line is not appended to.
    let mut forged = fs::OpenOptions::new().write(true).truncate(true).open(&file).unwrap();
    forged
        .write_all(changed.replacen("\"status\":200", "\"status\":201", 2).as_bytes())
        .unwrap();
    assert!(Journal::open(folder.path(), JournalSettings::default()).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn keeping_the_account_does_not_run_after_calls_that_are_being_made() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    let trail = folder.path().join("trail");
    let journal = open(&trail, 1 << 30);
    write(&journal, 0..50).await;
    let runtime = tokio::runtime::Handle::current();
    let stop = Arc::new(AtomicBool::new(false));
    let enough = Arc::clone(&stop);
    let calls = tokio::task::spawn_blocking(move || {
        let began = Instant::now();
        for n in 50.. {
            runtime.block_on(journal.write(record(n), false)).unwrap();
            // More than one for each time that it is read on.
            std::thread::sleep(Duration::from_micros(50));
            if began.elapsed() > Duration::from_secs(3) || enough.load(Ordering::Relaxed) {
                return;
            }
        }
    });
    Keeper::new(store, trail).keep().await.unwrap();
    assert!(!calls.is_finished(), "it was kept on until the calls had ended");
    stop.store(true, Ordering::Relaxed);
    calls.await.unwrap();
}
