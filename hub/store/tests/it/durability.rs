//! What survives, and what nobody can read.

use crate::place::Place;
use crate::suite::{at, submission};
use hub_store::{Claim, NewFile, NewSubmission, Store, StoreError, SubmissionState};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

/// Set for the child of [`a_killed_process_has_kept_what_it_acknowledged`] only.
const FOLDER: &str = "HUB_STORE_TEST_FOLDER";
const URL: &str = "HUB_STORE_TEST_URL";

pub(crate) async fn dropped_without_closing_everything_acknowledged_is_there(place: Arc<Place>) {
    let one = place.store().await;
    let mut ids = Vec::new();
    for _ in 0..50 {
        ids.push(one.submissions().accept(&submission(Some(at(10)))).await.unwrap().id);
    }
    std::mem::forget(one);
    let two = place.store().await;
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
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = Place::at(folder.as_ref(), std::env::var(URL).ok()).store().await;
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
        let id = store.submissions().accept(&new).await.unwrap().id;
        println!("\nkept {scope} {id}");
    }
}

pub(crate) async fn a_killed_process_has_kept_what_it_acknowledged(place: Arc<Place>) {
    let log = place.folder.join("log");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::child_that_writes_until_killed", "--nocapture"])
        .env(FOLDER, &place.folder)
        .envs(place.url.as_ref().map(|url| (URL, url)))
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
    let store = place.store().await;
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

pub(crate) async fn nothing_personal_is_readable_in_the_data(place: Arc<Place>) {
    let store = place.store().await;
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
    store.meta().put("plain", "PLAIN-FACT").await.unwrap();
    assert!(place.shows(b"PLAIN-FACT").await, "it looks where the data are");
    let key = std::fs::read_to_string(place.folder.join("master.key")).unwrap();
    for secret in [
        "王小明",
        "PRIVATE-KEY-BYTES",
        "李四",
        "张三",
        "PAPER-CONTENT",
        key.trim(),
    ] {
        assert!(!place.shows(secret.as_bytes()).await, "{secret}");
    }
}

pub(crate) async fn the_master_key_is_guarded(place: Arc<Place>) {
    let store = place.store().await;
    store.secrets().put("x", b"y").await.unwrap();
    store.close().await;
    assert!(
        matches!(store.meta().put("a", "b").await, Err(StoreError::Unavailable(_))),
        "closed"
    );
    let guarded = async |key: Option<&str>| matches!(place.open(key).await, Err(StoreError::MasterKey(_)));
    let file = place.folder.join("master.key");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(guarded(Some(&"0".repeat(64))).await);
    assert!(guarded(Some("short")).await);
    let text = std::fs::read_to_string(&file).unwrap();
    let given = place.open(Some(&text)).await.unwrap();
    assert_eq!(given.secrets().get("x").await.unwrap().unwrap(), b"y");
    given.close().await;
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
    assert!(guarded(None).await, "open to others");
    std::fs::remove_file(&file).unwrap();
    assert!(guarded(None).await, "never made anew");
    assert!(!file.exists());
}

pub(crate) async fn a_sealed_value_does_not_move(place: Arc<Place>) {
    let store = place.store().await;
    store.secrets().put("a", b"1").await.unwrap();
    assert_eq!(store.secrets().get_or_keep("a", b"2").await.unwrap(), b"1");
    assert_eq!(store.secrets().get_or_keep("b", b"2").await.unwrap(), b"2");
    assert_eq!(store.secrets().get("c").await.unwrap(), None);
    store.meta().put("m", "1").await.unwrap();
    store.meta().put("m", "2").await.unwrap();
    assert_eq!(store.meta().get("m").await.unwrap().as_deref(), Some("2"));
    store.ping().await.unwrap();
    let moved = "UPDATE secrets SET sealed = other.sealed FROM (SELECT sealed FROM secrets WHERE name = 'a') AS other
                 WHERE name = 'b'";
    place.execute(moved).await;
    assert!(matches!(store.secrets().get("b").await, Err(StoreError::Damaged(_))));
}

pub(crate) async fn data_of_a_newer_hub_are_left_alone(place: Arc<Place>) {
    place.store().await.close().await;
    // A checksum of another migration in either database's words.
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                 SELECT 99999, 'later', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1";
    place.execute(newer).await;
    assert!(matches!(place.open(None).await, Err(StoreError::Migration(_))));
}

#[tokio::test]
async fn strangers_cannot_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    store.meta().put("m", "1").await.unwrap();
    for file in ["hub.db", "hub.db-wal", "master.key"] {
        let path = folder.path().join(file);
        let mode = std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file}");
    }
}
