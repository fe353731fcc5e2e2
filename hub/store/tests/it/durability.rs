//! What survives, and what nobody can read.

use crate::{at, store, submission};
use hub_store::{Claim, NewFile, NewSubmission, Store, StoreError, SubmissionState};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

/// Started by [`a_killed_process_has_kept_what_it_acknowledged`] only.
const CHILD: &str = "HUB_STORE_TEST_FOLDER";

#[tokio::test]
async fn dropped_without_closing_everything_acknowledged_is_there() {
    let (folder, one) = store().await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(one.submissions().accept(&submission(Some(at(10)))).await.unwrap());
    }
    std::mem::forget(one);
    let two = Store::open(folder.path(), None).await.unwrap();
    for id in ids {
        assert_eq!(
            two.submissions().get(&id).await.unwrap().unwrap().state,
            SubmissionState::Delivering
        );
    }
    let taken = two.submissions().take_due(at(11), at(20), 100).await.unwrap();
    assert!(taken.len() == 50 && taken.iter().all(|t| t.in_doubt));
}

/// Not a test by itself: writes until it is killed, and says what was acknowledged.
#[tokio::test]
async fn child_that_writes_until_killed() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let store = Store::open(folder.as_ref(), None).await.unwrap();
    for i in 0.. {
        let scope = format!("k{i}");
        store
            .idempotency()
            .claim(&scope, "r", at(0), at(1), at(100))
            .await
            .unwrap();
        let new = NewSubmission {
            idempotency: Some(scope.clone()),
            ..submission(None)
        };
        let id = store.submissions().accept(&new).await.unwrap();
        println!("\nkept {scope} {id}");
    }
}

#[tokio::test]
async fn a_killed_process_has_kept_what_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::child_that_writes_until_killed", "--nocapture"])
        .env(CHILD, folder.path())
        .stdout(std::fs::File::create(&log).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let kept = |text: &str| text.lines().filter(|l| l.starts_with("kept ")).count();
    let mut waited = 0;
    while kept(&std::fs::read_to_string(&log).unwrap()) < 30 && waited < 200 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        waited += 1;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    assert!(kept(&text) >= 30);
    let store = Store::open(folder.path(), None).await.unwrap();
    for line in text.lines().filter(|l| l.starts_with("kept ")) {
        let words: Vec<_> = line.split(' ').collect();
        let [_, scope, id] = words[..] else { continue };
        if id.len() < 36 {
            continue; // cut off by the kill
        }
        assert!(store.submissions().get(id).await.unwrap().is_some(), "{line}");
        let claim = store
            .idempotency()
            .claim(scope, "r", at(50), at(60), at(200))
            .await
            .unwrap();
        assert_eq!(claim, Claim::Interrupted { submission: id.into() });
    }
}

#[tokio::test]
async fn nothing_personal_is_readable_in_the_files() {
    let (folder, store) = store().await;
    store.submissions().accept(&submission(None)).await.unwrap();
    store.secrets().put("signing", b"PRIVATE-KEY-BYTES").await.unwrap();
    store.idempotency().claim("k", "r", at(0), at(1), at(2)).await.unwrap();
    store
        .idempotency()
        .finish("k", 200, "李四的答复".as_bytes())
        .await
        .unwrap();
    let paper = NewFile {
        owner: "s".into(),
        name: "张三.pdf".into(),
        media_type: "application/pdf".into(),
        bytes: b"PAPER-CONTENT".to_vec(),
        now: at(0),
        expires: at(9),
    };
    store.files().put(&paper).await.unwrap();
    let key = std::fs::read_to_string(folder.path().join("master.key")).unwrap();
    for file in ["hub.db", "hub.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        for secret in [
            "王小明",
            "PRIVATE-KEY-BYTES",
            "李四",
            "张三",
            "PAPER-CONTENT",
            key.trim(),
        ] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret} in {file}");
        }
    }
}

#[tokio::test]
async fn the_master_key_is_guarded() {
    let (folder, store) = store().await;
    store.secrets().put("x", b"y").await.unwrap();
    store.close().await;
    assert!(
        matches!(store.meta().put("a", "b").await, Err(StoreError::Unavailable(_))),
        "closed"
    );
    let file = folder.path().join("master.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let wrong = Store::open(folder.path(), Some(&"0".repeat(64))).await;
    assert!(matches!(wrong, Err(StoreError::MasterKey(_))));
    let text = std::fs::read_to_string(&file).unwrap();
    let given = Store::open(folder.path(), Some(&text)).await.unwrap();
    assert_eq!(given.secrets().get("x").await.unwrap().unwrap(), b"y");
    given.close().await;
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(matches!(
        Store::open(folder.path(), None).await,
        Err(StoreError::MasterKey(_))
    ));
    std::fs::remove_file(&file).unwrap();
    assert!(
        matches!(Store::open(folder.path(), None).await, Err(StoreError::MasterKey(_))),
        "never made anew"
    );
    assert!(matches!(
        Store::open(folder.path(), Some("short")).await,
        Err(StoreError::MasterKey(_))
    ));
}

#[tokio::test]
async fn a_sealed_value_does_not_move() {
    let (_folder, store) = store().await;
    store.secrets().put("a", b"1").await.unwrap();
    assert_eq!(store.secrets().get_or_keep("a", b"2").await.unwrap(), b"1");
    assert_eq!(store.secrets().get_or_keep("b", b"2").await.unwrap(), b"2");
    assert_eq!(store.secrets().get("c").await.unwrap(), None);
    store.meta().put("m", "1").await.unwrap();
    store.meta().put("m", "2").await.unwrap();
    assert_eq!(store.meta().get("m").await.unwrap().as_deref(), Some("2"));
    store.ping().await.unwrap();
}

#[tokio::test]
async fn data_of_a_newer_hub_are_left_alone_and_strangers_cannot_read() {
    let (folder, store) = store().await;
    store.meta().put("m", "1").await.unwrap();
    for file in ["hub.db", "hub.db-wal", "master.key"] {
        let mode = std::fs::metadata(folder.path().join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
    store.close().await;
    let file = SqliteConnectOptions::new().filename(folder.path().join("hub.db"));
    let mut raw = file.connect().await.unwrap();
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 VALUES (99999, 'later', 1, x'00', 0)";
    sqlx::query(newer).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    assert!(matches!(
        Store::open(folder.path(), None).await,
        Err(StoreError::Migration(_))
    ));
}
