//! The repositories over a real file.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests may fail loudly

mod durability;

use hub_core::Environment;
use hub_core::time::Timestamp;
use hub_store::{Claim, ClientRow, KeyRow, NewFile, NewSubmission, Store, StoreError, SubmissionState, TenantRow};
use serde_json::{Map, json};
use tempfile::TempDir;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub(crate) async fn store() -> (TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    (folder, store)
}

pub(crate) fn submission(lease_until: Option<Timestamp>) -> NewSubmission {
    let mut input = Map::new();
    input.insert("full_name".into(), json!("王小明"));
    input.insert("amount_fen".into(), json!(12345678901234567890_u64));
    NewSubmission {
        operation: "a.b".into(),
        client: "cli_1".into(),
        subject: "s1".into(),
        pairwise: Some("p1".into()),
        request_id: "r1".into(),
        input,
        now: at(0),
        lease_until,
        idempotency: None,
    }
}

#[tokio::test]
async fn a_submission_goes_its_way() {
    let (_folder, store) = store().await;
    let all = store.submissions();
    let id = all.accept(&submission(None)).await.unwrap();
    assert!(id.starts_with("sub_") && id.len() == 36);
    assert!(all.take_due(at(-1), at(9), 10).await.unwrap().is_empty(), "not due yet");
    let taken = all.take_due(at(0), at(10), 10).await.unwrap();
    assert_eq!(
        (taken.len(), taken[0].in_doubt, taken[0].submission.attempts),
        (1, false, 1)
    );
    assert_eq!(taken[0].submission.input, submission(None).input);
    assert!(all.take_due(at(5), at(10), 10).await.unwrap().is_empty(), "leased");
    assert!(all.again(&id, "upstream-unavailable", at(20), at(6)).await.unwrap());
    assert!(all.take_due(at(19), at(30), 10).await.unwrap().is_empty());
    assert_eq!(all.take_due(at(20), at(30), 10).await.unwrap().len(), 1);
    let doubtful = all.take_due(at(30), at(40), 10).await.unwrap();
    assert!(doubtful[0].in_doubt, "the lease ran out");
    assert!(all.hold(&id, at(50), at(31)).await.unwrap());
    assert!(all.take_due(at(50), at(60), 10).await.unwrap()[0].in_doubt);
    assert!(
        all.delivered(&id, &json!({"acceptance_no": "A1"}), at(51))
            .await
            .unwrap()
    );
    for wrong in [
        all.failed(&id, "x", at(52)).await.unwrap(),
        all.manual(&id, "x", at(52)).await.unwrap(),
        all.again(&id, "x", at(53), at(52)).await.unwrap(),
        all.delivered(&id, &json!(null), at(52)).await.unwrap(),
    ] {
        assert!(!wrong, "delivered is the end");
    }
    let kept = all.get(&id).await.unwrap().unwrap();
    assert_eq!(
        (kept.state, kept.answer, kept.attempts),
        (SubmissionState::Delivered, Some(json!({"acceptance_no": "A1"})), 4)
    );
    assert_eq!(all.of_subject("s1", None, 9).await.unwrap().len(), 1);
    assert_eq!(all.of_subject("s1", Some(at(0)), 9).await.unwrap().len(), 0);
    assert_eq!(all.of_subject("s2", None, 9).await.unwrap().len(), 0);
    all.accept(&submission(None)).await.unwrap();
    assert_eq!(all.forget_closed(at(51)).await.unwrap(), 0);
    assert_eq!(all.forget_closed(at(52)).await.unwrap(), 1);
    assert_eq!(
        all.counts().await.unwrap(),
        [(SubmissionState::Stored, 1)],
        "open ones stay"
    );
}

#[tokio::test]
async fn a_submission_is_taken_by_one_only() {
    let (_folder, store) = store().await;
    for _ in 0..20 {
        store.submissions().accept(&submission(None)).await.unwrap();
    }
    let takers: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.submissions().take_due(at(1), at(60), 20).await.unwrap() })
        })
        .collect();
    let mut ids = Vec::new();
    for taker in takers {
        ids.extend(taker.await.unwrap().into_iter().map(|t| t.submission.id));
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
    assert!(
        store
            .submissions()
            .take_due(at(1), at(60), 20)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_idempotency_key_runs_once() {
    let (_folder, store) = store().await;
    let claims: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .idempotency()
                    .claim("k", "r", at(0), at(10), at(100))
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut new = 0;
    for claim in claims {
        match claim.await.unwrap() {
            Claim::New => new += 1,
            Claim::Busy { submission: None } => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(new, 1);
    let keys = store.idempotency();
    assert_eq!(
        keys.claim("k", "other", at(1), at(11), at(101)).await.unwrap(),
        Claim::Different
    );
    keys.finish("k", 201, b"answer").await.unwrap();
    let done = Claim::Done {
        status: 201,
        answer: b"answer".to_vec(),
    };
    assert_eq!(keys.claim("k", "r", at(50), at(60), at(150)).await.unwrap(), done);
    keys.release("k").await.unwrap();
    assert_eq!(
        keys.claim("k", "r", at(50), at(60), at(150)).await.unwrap(),
        done,
        "an answer is not released"
    );
    assert_eq!(
        keys.claim("k", "other", at(100), at(110), at(200)).await.unwrap(),
        Claim::New,
        "forgotten"
    );
}

#[tokio::test]
async fn a_key_whose_holder_died_is_free_only_if_nothing_was_accepted() {
    let (_folder, store) = store().await;
    let keys = store.idempotency();
    assert_eq!(keys.claim("k", "r", at(0), at(10), at(100)).await.unwrap(), Claim::New);
    assert_eq!(
        keys.claim("k", "r", at(9), at(19), at(100)).await.unwrap(),
        Claim::Busy { submission: None }
    );
    assert_eq!(keys.claim("k", "r", at(10), at(20), at(100)).await.unwrap(), Claim::New);
    let new = NewSubmission {
        idempotency: Some("k".into()),
        ..submission(Some(at(30)))
    };
    let id = store.submissions().accept(&new).await.unwrap();
    let named = Some(id.clone());
    assert_eq!(
        keys.claim("k", "r", at(15), at(25), at(100)).await.unwrap(),
        Claim::Busy { submission: named }
    );
    let interrupted = Claim::Interrupted { submission: id };
    assert_eq!(
        keys.claim("k", "r", at(20), at(30), at(100)).await.unwrap(),
        interrupted
    );
    keys.release("k").await.unwrap();
    assert_eq!(keys.claim("k", "r", at(21), at(31), at(100)).await.unwrap(), Claim::New);
}

#[tokio::test]
async fn a_paper_is_its_owners_only_and_forgotten_when_unused() {
    let (_folder, store) = store().await;
    let new = NewFile {
        owner: "s1".into(),
        name: "王小明身份证.pdf".into(),
        media_type: "application/pdf".into(),
        bytes: b"%PDF-1.7 secret".to_vec(),
        now: at(0),
        expires: at(100),
    };
    let files = store.files();
    let one = files.put(&new).await.unwrap();
    let two = files.put(&new).await.unwrap();
    assert_eq!(files.get(&one.id, "s2", at(1)).await.unwrap(), None);
    assert_eq!(files.get(&one.id, "s1", at(1)).await.unwrap().unwrap().bytes, new.bytes);
    assert_eq!(files.of_owner("s1", at(1), 9).await.unwrap().len(), 2);
    assert!(files.used(&one.id, "s1", at(500)).await.unwrap());
    assert!(!files.used(&one.id, "s2", at(500)).await.unwrap());
    assert!(!files.remove(&one.id, "s1").await.unwrap(), "a submission holds it");
    assert_eq!(files.get(&two.id, "s1", at(100)).await.unwrap(), None);
    assert_eq!(store.purge(at(100)).await.unwrap().files, 1);
    assert!(files.get(&one.id, "s1", at(101)).await.unwrap().unwrap().info.used);
}

#[tokio::test]
async fn clients_and_keys() {
    let (_folder, store) = store().await;
    let clients = store.clients();
    let mut client = ClientRow {
        id: "cli_1".into(),
        tenant: "t".into(),
        name: "App".into(),
        plan: "default".into(),
        environment: Environment::Live,
        origins: vec!["https://a.example".into()],
        active: true,
        created: at(0),
    };
    assert_eq!(
        clients.put_client(&client).await,
        Err(StoreError::Conflict),
        "no such tenant"
    );
    let tenant = TenantRow {
        id: "t".into(),
        name: "T".into(),
        created: at(0),
    };
    clients.put_tenant(&tenant).await.unwrap();
    clients.put_client(&client).await.unwrap();
    client.active = false;
    clients.put_client(&client).await.unwrap();
    assert_eq!(clients.clients().await.unwrap(), [client]);
    let key = KeyRow {
        prefix: "abc".into(),
        client: "cli_1".into(),
        hash: vec![1, 2],
        revoked: false,
        expires: None,
        created: at(0),
    };
    clients.add_key(&key).await.unwrap();
    assert_eq!(clients.add_key(&key).await, Err(StoreError::Conflict));
    assert!(clients.end_key("abc", at(50)).await.unwrap());
    assert!(clients.end_key("abc", at(90)).await.unwrap());
    assert_eq!(
        clients.keys().await.unwrap()[0].expires,
        Some(at(50)),
        "an end is never put off"
    );
    assert!(clients.revoke_key("abc").await.unwrap());
    assert!(!clients.revoke_key("abd").await.unwrap());
    assert!(clients.keys().await.unwrap()[0].revoked);
}

#[tokio::test]
async fn a_write_that_fails_leaves_its_neighbours_in_the_group_alone() {
    let (_folder, store) = store().await;
    let tenant = TenantRow {
        id: "t".into(),
        name: "T".into(),
        created: at(0),
    };
    store.clients().put_tenant(&tenant).await.unwrap();
    let writes: Vec<_> = (0..100)
        .map(|i| {
            let store = store.clone();
            let client = ClientRow {
                id: format!("cli_{i}"),
                tenant: if i % 3 == 0 { "nobody" } else { "t" }.into(),
                name: String::new(),
                plan: String::new(),
                environment: Environment::Sandbox,
                origins: Vec::new(),
                active: true,
                created: at(0),
            };
            tokio::spawn(async move { (i, store.clients().put_client(&client).await) })
        })
        .collect();
    for write in writes {
        let (i, outcome) = write.await.unwrap();
        assert_eq!(outcome.is_ok(), i % 3 != 0, "{i} {outcome:?}");
    }
    assert_eq!(store.clients().clients().await.unwrap().len(), 66);
}
