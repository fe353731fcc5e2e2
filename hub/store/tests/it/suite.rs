//! What the repositories promise, over whichever database.

use crate::place::Place;
use hub_core::Environment;
use hub_core::time::Timestamp;
use hub_store::{Claim, ClientRow, KeyRow, NewFile, NewSubmission, StoreError, SubmissionState, TenantRow};
use serde_json::{Map, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

/// One of a subject of its own: order among submissions of one subject is for tests that ask for it.
pub(crate) fn submission(lease_until: Option<Timestamp>) -> NewSubmission {
    static SUBJECTS: AtomicU64 = AtomicU64::new(0);
    of(&format!("s-{}", SUBJECTS.fetch_add(1, Ordering::Relaxed)), lease_until)
}

pub(crate) fn of(subject: &str, lease_until: Option<Timestamp>) -> NewSubmission {
    let mut input = Map::new();
    input.insert("full_name".into(), json!("王小明"));
    input.insert("amount_fen".into(), json!(12345678901234567890_u64));
    NewSubmission {
        operation: "a.b".into(),
        system: "a/b".into(),
        client: "cli_1".into(),
        tenant: Some("t".into()),
        subject: subject.into(),
        pairwise: Some("p1".into()),
        request_id: "r1".into(),
        input,
        now: at(0),
        lease_until,
        idempotency: None,
    }
}

pub(crate) async fn a_submission_goes_its_way(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.submissions();
    let id = all.accept(&of("s1", None)).await.unwrap().id;
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

pub(crate) async fn a_submission_is_taken_by_one_only(place: Arc<Place>) {
    let store = place.store().await;
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

pub(crate) async fn an_idempotency_key_runs_once(place: Arc<Place>) {
    let store = place.store().await;
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

pub(crate) async fn a_key_whose_holder_died_is_free_only_if_nothing_was_accepted(place: Arc<Place>) {
    let store = place.store().await;
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
    let id = store.submissions().accept(&new).await.unwrap().id;
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

pub(crate) async fn a_paper_is_its_owners_only_and_forgotten_when_unused(place: Arc<Place>) {
    let store = place.store().await;
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

pub(crate) async fn clients_and_keys(place: Arc<Place>) {
    let store = place.store().await;
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

pub(crate) async fn a_write_that_fails_leaves_its_neighbours_alone(place: Arc<Place>) {
    let store = place.store().await;
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

pub(crate) async fn due_submissions_are_taken_oldest_first_and_the_rest_later(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.submissions();
    for second in [4, 1, 3, 0, 2] {
        let new = NewSubmission {
            request_id: format!("r{second}"),
            now: at(second),
            ..submission(None)
        };
        all.accept(&new).await.unwrap();
    }
    let mut order = Vec::new();
    for _ in 0..3 {
        let taken = all.take_due(at(9), at(60), 2).await.unwrap();
        order.extend(taken.into_iter().map(|t| t.submission.request_id));
    }
    assert_eq!(order, ["r0", "r1", "r2", "r3", "r4"]);
}

pub(crate) async fn a_damaged_submission_goes_to_a_person_and_holds_up_no_other(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.submissions();
    let good = all.accept(&submission(None)).await.unwrap().id;
    let bad = NewSubmission {
        request_id: "bad".into(),
        ..submission(None)
    };
    all.accept(&bad).await.unwrap();
    place
        .execute("UPDATE submissions SET input = answer_key.sealed FROM (SELECT sealed FROM secrets LIMIT 1) AS answer_key WHERE request_id = 'bad'")
        .await;
    let taken = all.take_due(at(0), at(10), 10).await.unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].submission.id, good);
    let mut counts = all.counts().await.unwrap();
    counts.sort_by_key(|(state, _)| state.as_str());
    assert_eq!(counts, [(SubmissionState::Delivering, 1), (SubmissionState::Manual, 1)]);
}

pub(crate) async fn lists_are_ordered_by_bytes(place: Arc<Place>) {
    let store = place.store().await;
    for id in ["b", "B", "ä", "a", "北京", "A", "_", "10", "9"] {
        let tenant = TenantRow {
            id: id.into(),
            name: id.into(),
            created: at(0),
        };
        store.clients().put_tenant(&tenant).await.unwrap();
    }
    let ids: Vec<_> = store
        .clients()
        .tenants()
        .await
        .unwrap()
        .into_iter()
        .map(|t| t.id)
        .collect();
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(ids, sorted);
    assert_eq!(ids.len(), 9);
}

pub(crate) async fn what_one_database_refuses_the_other_refuses_too(place: Arc<Place>) {
    let store = place.store().await;
    let refused = store.meta().put("a", "b\0c").await;
    assert!(matches!(refused, Err(StoreError::Unfit(_))));
    assert_eq!(store.meta().get("a").await.unwrap(), None);
    for odd in [
        "",
        "\u{feff}\u{1}\u{10ffff}",
        "𠮷野家",
        "'; DROP TABLE meta; --",
        "\\x00",
    ] {
        store.meta().put(odd, odd).await.unwrap();
        assert_eq!(store.meta().get(odd).await.unwrap().as_deref(), Some(odd));
    }
    let bytes: Vec<u8> = (0..=255).collect();
    store.secrets().put("all bytes", &bytes).await.unwrap();
    assert_eq!(store.secrets().get("all bytes").await.unwrap().unwrap(), bytes);
}

pub(crate) async fn a_caller_who_leaves_leaves_nothing_half_way(place: Arc<Place>) {
    let store = place.store().await;
    store
        .idempotency()
        .claim("k", "r", at(0), at(10), at(100))
        .await
        .unwrap();
    let new = NewSubmission {
        idempotency: Some("k".into()),
        ..submission(None)
    };
    for i in 0..60 {
        let all = store.submissions();
        let accepting = all.accept(&new);
        let _ = tokio::time::timeout(Duration::from_micros(i * 40), accepting).await;
    }
    // Whatever was under way has ended, and every connection is as good as new.
    let last = store.submissions().accept(&new).await.unwrap().id;
    let many: Vec<_> = (0..30)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.submissions().counts().await })
        })
        .collect();
    for one in many {
        one.await.unwrap().unwrap();
    }
    match store
        .idempotency()
        .claim("k", "r", at(1), at(11), at(100))
        .await
        .unwrap()
    {
        Claim::Busy { submission: Some(id) } => assert!(store.submissions().get(&id).await.unwrap().is_some()),
        other => panic!("{other:?}"),
    }
    assert!(store.submissions().get(&last).await.unwrap().is_some());
}

pub(crate) async fn workers_with_runtimes_of_their_own_share_it(place: Arc<Place>) {
    let store = place.store().await;
    let (done, mut finished) = tokio::sync::mpsc::channel(4);
    let workers: Vec<_> = (0..4)
        .map(|_| {
            let (store, done) = (store.clone(), done.clone());
            std::thread::spawn(move || {
                let own = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                own.block_on(async {
                    for _ in 0..25 {
                        store.submissions().accept(&submission(None)).await.unwrap();
                        store.submissions().counts().await.unwrap();
                    }
                });
                drop(own); // and with it whatever would have lived there
                done.blocking_send(()).unwrap();
            })
        })
        .collect();
    for _ in 0..4 {
        finished.recv().await.unwrap();
    }
    for worker in workers {
        worker.join().unwrap();
    }
    assert_eq!(
        store.submissions().counts().await.unwrap(),
        [(SubmissionState::Stored, 100)]
    );
}

pub(crate) async fn closing_waits_for_what_is_under_way(place: Arc<Place>) {
    let store = place.store().await;
    let writes: Vec<_> = (0..100)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(async move { store.meta().put(&format!("m{i}"), "x").await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.close().await;
    let again = place.store().await;
    for (i, write) in writes.into_iter().enumerate() {
        let kept = again.meta().get(&format!("m{i}")).await.unwrap().is_some();
        match write.await.unwrap() {
            Ok(()) => assert!(kept),
            Err(error) => assert!(!kept && matches!(error, StoreError::Unavailable(_)), "{error}"),
        }
    }
    store.close().await; // once more does no harm
}

pub(crate) async fn who_gives_up_in_the_middle_of_a_read_takes_nothing_from_others(place: Arc<Place>) {
    let store = place.store().await;
    store.meta().put("kept", "x").await.unwrap();
    for wait in 0..60 {
        let read = store.meta();
        let read = read.get("kept");
        // Some are given up before they begin, some on the way, some hardly ever.
        let given_up = tokio::time::timeout(Duration::from_micros(wait * 10), read).await;
        if let Ok(read) = given_up {
            assert_eq!(read.unwrap().as_deref(), Some("x"));
        }
    }
    let reads: Vec<_> = (0..50)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.meta().get("kept").await })
        })
        .collect();
    for read in reads {
        assert_eq!(read.await.unwrap().unwrap().as_deref(), Some("x"));
    }
    store.close().await;
    assert!(matches!(
        store.meta().get("kept").await,
        Err(StoreError::Unavailable(_))
    ));
}
