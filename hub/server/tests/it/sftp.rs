//! A system whose folder is on a file server (Q25), behind a real OpenSSH server.

use crate::desk::{Process, city};
use crate::sshd::Sshd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const MANIFEST: &str = r#"
system: desk/main
upstream: {dialect: csv-batch, timeout: 3s, ssh: {pin: "PIN", key: "secret:sftp-key"}}
batch: {files: "out/{call}_*.csv", marker: .ok, header: true, trailer: [HJ, "{count}"], request: "in/{call}_{key}.csv", reply: "fk/{call}_{key}.csv", every: 50ms}
operations:
  notice-query: {call: GG, request: {WORDS: words}, response: {0/NO: case_no}}
  apply: {call: SQ, request: {WORDS: words}, response: {NO: case_no}}
  place-query: not-yet
"#;

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
    std::fs::write(folder.join(format!("{name}.ok")), "").unwrap();
}

/// The agency: answers every request whose marker is there, and counts them.
fn agency(folder: &Path, over: &AtomicBool) -> usize {
    let mut answered = std::collections::BTreeSet::new();
    while !over.load(Ordering::SeqCst) {
        for entry in std::fs::read_dir(folder.join("in")).into_iter().flatten().flatten() {
            let name = entry.file_name().into_string().unwrap();
            let Some(data) = name.strip_suffix(".ok") else { continue };
            if answered.insert(data.to_owned()) {
                let text = std::fs::read_to_string(folder.join("in").join(data)).unwrap();
                let lines: Vec<&str> = text.lines().collect();
                assert_eq!((lines.len(), lines[0], lines[2]), (3, "WORDS", "HJ,1"), "{text}");
                put(&folder.join("fk"), data, &format!("NO\nC-{}\nHJ,1\n", answered.len()));
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    answered.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn q25_a_system_behind_a_file_server_answers_and_loses_nothing() {
    let Some(mut server) = Sshd::start() else { return };
    let folder = server.drop_folder();
    for name in ["out", "fk"] {
        std::fs::create_dir(folder.join(name)).unwrap();
    }
    put(&folder.join("out"), "GG_1.csv", "WORDS,NO\n请,C-7\n别,C-8\nHJ,2\n");
    let city = city(&MANIFEST.replace("PIN", &server.fingerprint("host")));
    let data = tempfile::tempdir().unwrap();
    let variables = [
        ("UPSTREAM_DESK_MAIN", server.address()),
        ("HUB_SECRET_DESK_MAIN_SFTP_KEY", server.key("user")),
    ];
    let hub = Process::start(&city, data.path(), &variables);
    let over = Arc::new(AtomicBool::new(false));
    let agency = std::thread::spawn({
        let (folder, over) = (folder.clone(), over.clone());
        move || agency(&folder, &over)
    });

    let (status, body) = hub.get("/gateway/desk/main/v1/notices?words=%E5%88%AB").await;
    assert_eq!((status, body["case_no"].as_str()), (200, Some("C-8")), "{body}");
    let (status, body) = hub.apply("first").await;
    assert_eq!((status, body["case_no"].as_str()), (201, Some("C-1")), "{body}");

    // Gone: a question says so, a submission is kept.
    server.stop();
    let (status, body) = hub.get("/gateway/desk/main/v1/notices?words=gone").await;
    assert_eq!(
        (status, body["code"].as_str()),
        (503, Some("upstream-unavailable")),
        "{body}"
    );
    let (status, body) = hub.apply("second").await;
    assert_eq!((status, body["kept"].as_str()), (503, Some("saved")), "{body}");
    let id = body["submission"].as_str().unwrap().to_owned();

    // Back with a key that nobody pinned: nothing is told, and the operator reads why.
    server.go_on("other");
    let (status, body) = hub.get("/gateway/desk/main/v1/notices?words=other").await;
    assert_eq!(
        (status, body["code"].as_str()),
        (503, Some("upstream-unavailable")),
        "{body}"
    );
    let log = std::fs::read_to_string(data.path().join("log")).unwrap();
    assert!(
        log.contains("another host key") && log.contains(&server.fingerprint("other")),
        "{log}"
    );
    assert!(!log.contains("PRIVATE"));
    server.stop();

    // Back with its own: delivered, once.
    server.go_on("host");
    let began = Instant::now();
    loop {
        let told = hub.submission(&id).await;
        if told["state"] == "delivered" {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(150), "{told}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    over.store(true, Ordering::SeqCst);
    assert_eq!(agency.join().unwrap(), 2);
}
