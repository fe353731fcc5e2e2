//! `hub listen`: nothing is lost, whoever of the three stops in between.

use crate::events::{Bench, text};
use crate::receiver::{Came, Receiver};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// A listener, and the lines it prints.
struct Listening(Child, BufReader<ChildStdout>);

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Listening {
    fn start(bench: &Bench, file: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hub"))
            .args([
                "listen",
                "--hub",
                &bench.hub.ready().base_url,
                "--key",
                &bench.key,
                "--cursor-file",
            ])
            .arg(file)
            .args(more)
            .env("LANG", "C")
            .env_remove("LC_ALL")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self(child, out)
    }

    async fn line(&mut self) -> String {
        tokio::task::block_in_place(|| {
            let mut line = String::new();
            self.1.read_line(&mut line).unwrap();
            line
        })
    }

    async fn json(&mut self) -> Value {
        let line = self.line().await;
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_hands_on_every_event_and_goes_on_where_it_was() {
    let bench = Bench::new().await;
    let receiver = Receiver::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("deep/cursor.json");
    let forward = ["--json", "--forward", &receiver.url, "--types", "case.*"];
    let world = bench.world().await;
    let before = bench.apply(&world).await;
    receiver.answers(&[500, 503]);
    let mut listening = Listening::start(&bench, &file, &forward);
    let greeting = listening.json().await;
    assert_eq!(
        (&greeting["listening"], &greeting["after"]),
        (&json!(true), &json!(1)),
        "what was before is before"
    );
    let secret = text(&greeting["secret"]);
    bench.turn(&world, json!({"advance": "1d"})).await;
    let event = listening.json().await;
    assert_eq!(
        (&event["type"], &event["data"]["case"]),
        (&json!("case.accepted"), &json!(before))
    );
    let came = receiver.until("it was taken", |came| came.len() == 3).await;
    assert_eq!(came.iter().map(|c| c.status).collect::<Vec<_>>(), [500, 503, 200]);
    assert!(
        came.iter()
            .all(|c| c.id == text(&event["id"]) && c.signed_with(&secret) == 1 && c.body == event)
    );
    // It dies while it waits for somebody who does not take anything.
    receiver.always(Some(500));
    bench.turn(&world, json!({"advance": "16wd"})).await;
    receiver.until("a failing attempt", |came| came.len() >= 4).await;
    drop(listening);
    receiver.always(None);
    let heard = receiver.came().len();
    bench.turn(&world, json!({"advance": "6wd"})).await;
    let mut listening = Listening::start(&bench, &file, &forward);
    let greeting = listening.json().await;
    assert_eq!(greeting["secret"], secret.as_str(), "the secret stays");
    for kind in ["case.examined", "case.overdue-warning", "case.overdue"] {
        assert_eq!(listening.json().await["type"], kind);
    }
    let came = receiver.until("the rest", |came| came.len() >= heard + 3).await;
    let taken: Vec<&str> = came.iter().filter(|c| c.status == 200).map(Came::kind).collect();
    assert_eq!(
        taken,
        ["case.accepted", "case.examined", "case.overdue-warning", "case.overdue"]
    );
    drop(listening);
    // For a person, from the beginning, without anybody to hand it to.
    let mut listening = Listening::start(
        &bench,
        &folder.path().join("other.json"),
        &["--since", "0", "--lang", "zh"],
    );
    let line = listening.line().await;
    assert!(
        line.starts_with("1  2026-03-03T09:00:00+08:00  case.submitted  ") && line.trim().ends_with("已提交"),
        "{line}"
    );
    drop(listening);
    let refused = Command::new(env!("CARGO_BIN_EXE_hub"))
        .args([
            "listen",
            "--hub",
            &bench.hub.ready().base_url,
            "--key",
            &bench.key,
            "--types",
            "nothing",
            "--lang",
            "en",
        ])
        .arg("--cursor-file")
        .arg(folder.path().join("third.json"))
        .output();
    let refused = tokio::task::block_in_place(|| refused).unwrap();
    assert_eq!(
        refused.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&refused.stderr)
    );
    tokio::time::sleep(Duration::from_millis(10)).await;
    receiver.stop().await;
    bench.hub.stop().await;
}
