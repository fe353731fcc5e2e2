//! What several hubs over one store share, and what becomes of submissions afterwards.

use crate::place::Place;
use crate::suite::{at, of};
use hub_store::{Case, Claim, Decision, Difference, KeptSession, NewSubmission, Order, SubmissionState, Wanted};
use serde_json::json;
use std::sync::Arc;

pub(crate) async fn submissions_of_one_subject_keep_their_order(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.submissions();
    let one = |subject: &str, second: i64, system: &str| NewSubmission {
        now: at(second),
        system: system.into(),
        ..of(subject, None)
    };
    let first = all.accept(&one("s1", 0, "a/b")).await.unwrap();
    let second = all.accept(&one("s1", 1, "a/b")).await.unwrap();
    let elsewhere = all.accept(&one("s1", 2, "a/c")).await.unwrap();
    let other = all.accept(&one("s2", 3, "a/b")).await.unwrap();
    assert!(!first.queued && !second.queued, "nobody wanted to send them now");
    let take = async |second| {
        let taken = all.take_due(at(second), at(second + 100), 10).await.unwrap();
        taken.into_iter().map(|t| t.submission.id).collect::<Vec<_>>()
    };
    assert_eq!(take(5).await, [first.id.clone(), elsewhere.id, other.id]);
    assert_eq!(take(6).await, Vec::<String>::new(), "the first is still under way");
    all.again(&first.id, "upstream-unavailable", at(50), at(7))
        .await
        .unwrap();
    assert_eq!(take(8).await, Vec::<String>::new(), "the first has not been delivered");
    // A call that wants to be sent at once waits behind it too, but not behind those of other people.
    let now = |subject: &str| NewSubmission {
        now: at(9),
        ..of(subject, Some(at(20)))
    };
    let late = all.accept(&now("s1")).await.unwrap();
    let free = all.accept(&now("s3")).await.unwrap();
    let nobody = all.accept(&now("")).await.unwrap();
    assert_eq!((late.queued, free.queued, nobody.queued), (true, false, false));
    let queued = all.get(&late.id).await.unwrap().unwrap();
    assert_eq!(
        (queued.state, queued.attempts, queued.next_at),
        (SubmissionState::Stored, 0, at(9))
    );
    assert_eq!(take(51).await[0], first.id);
    all.manual(&first.id, "upstream-timeout", at(52)).await.unwrap();
    assert_eq!(
        take(53).await,
        std::slice::from_ref(&second.id),
        "what waits for a person holds up nobody"
    );
    all.delivered(&second.id, &json!({}), at(54)).await.unwrap();
    assert_eq!(take(55).await, [late.id]);
    // It is taken for the first time, and still nothing may overtake it.
    let next = NewSubmission {
        now: at(56),
        ..of("s1", Some(at(99)))
    };
    assert!(all.accept(&next).await.unwrap().queued);
}

pub(crate) async fn a_person_decides_about_what_nobody_can_tell(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.submissions();
    let mut ids = Vec::new();
    for second in 0..4 {
        let new = NewSubmission {
            now: at(second),
            ..of(&format!("s{second}"), None)
        };
        ids.push(all.accept(&new).await.unwrap().id);
        all.take_due(at(second), at(99), 1).await.unwrap();
        if second < 3 {
            all.manual(ids.last().unwrap(), "upstream-timeout", at(second))
                .await
                .unwrap();
        }
    }
    let wanted = Wanted {
        state: Some(SubmissionState::Manual),
        most: 10,
        ..Wanted::default()
    };
    let listed = all.list(&wanted).await.unwrap();
    assert_eq!(
        listed.iter().map(|s| &s.id).collect::<Vec<_>>(),
        [&ids[0], &ids[1], &ids[2]]
    );
    assert_eq!(
        (listed[0].system.as_str(), listed[0].tenant.as_deref()),
        ("a/b", Some("t"))
    );
    let elsewhere = Wanted {
        system: Some("a/c".into()),
        ..wanted.clone()
    };
    assert_eq!(all.list(&elsewhere).await.unwrap(), []);
    let later = Wanted {
        after: Some(at(1)),
        ..wanted.clone()
    };
    assert_eq!(all.list(&later).await.unwrap().len(), 1);

    let answer = Decision::Delivered(json!({"case_no": "C-9"}));
    assert!(all.decide(&ids[0], &answer, Some("电话核实"), at(50)).await.unwrap());
    assert!(all.decide(&ids[1], &Decision::Again, None, at(50)).await.unwrap());
    let refused = Decision::Refused("business-rejected");
    assert!(all.decide(&ids[2], &refused, None, at(50)).await.unwrap());
    assert!(
        !all.decide(&ids[0], &refused, None, at(51)).await.unwrap(),
        "decided is decided"
    );
    assert!(
        !all.decide(&ids[3], &refused, None, at(51)).await.unwrap(),
        "it is still under way"
    );
    let mut seen = Vec::new();
    for id in &ids {
        seen.push(all.get(id).await.unwrap().unwrap());
    }
    assert_eq!(seen[0].answer, Some(json!({"case_no": "C-9"})));
    assert_eq!(seen[0].note.as_deref(), Some("电话核实"));
    assert!(!place.shows("电话核实".as_bytes()).await, "a note may name people");
    assert_eq!(
        seen.iter().map(|s| (s.state, s.reason.as_deref())).collect::<Vec<_>>(),
        [
            (SubmissionState::Delivered, None),
            (SubmissionState::Stored, None),
            (SubmissionState::Failed, Some("business-rejected")),
            (SubmissionState::Delivering, None)
        ]
    );
    let again = all.take_due(at(50), at(60), 10).await.unwrap();
    assert_eq!(
        (again[0].submission.id.as_str(), again[0].in_doubt),
        (ids[1].as_str(), false)
    );
}

pub(crate) async fn what_a_dead_node_was_at_is_due_when_it_starts_again(place: Arc<Place>) {
    let store = place.store().await;
    let mine = store.submissions().accept(&of("s1", Some(at(500)))).await.unwrap().id;
    let elsewhere = Place::at(tempfile::tempdir().unwrap().path(), place.url.clone());
    drop(store);
    let again = place.store().await;
    if elsewhere.url.is_some() {
        std::fs::create_dir_all(&elsewhere.folder).unwrap();
        std::fs::copy(place.folder.join("master.key"), elsewhere.folder.join("master.key")).unwrap();
        let other = elsewhere.store().await;
        assert_ne!(other.node(), again.node());
        assert_eq!(
            other.submissions().take_over(at(5)).await.unwrap(),
            0,
            "it is not theirs"
        );
    }
    assert_eq!(again.submissions().take_due(at(5), at(9), 9).await.unwrap(), []);
    let busy = again
        .idempotency()
        .claim("k", "r", at(5), at(500), at(900))
        .await
        .unwrap();
    assert_eq!(busy, Claim::New);
    assert_eq!(again.submissions().take_over(at(5)).await.unwrap(), 1);
    let free = again
        .idempotency()
        .claim("k", "r", at(5), at(500), at(900))
        .await
        .unwrap();
    assert_eq!(free, Claim::New, "its holder has died");
    let taken = again.submissions().take_due(at(5), at(9), 9).await.unwrap();
    assert!(taken[0].in_doubt && taken[0].submission.id == mine);
}

pub(crate) async fn q18_one_hub_logs_in_for_all(place: Arc<Place>) {
    let store = place.store().await;
    let racers: Vec<_> = (0..8)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let holder = format!("node_{n}");
                store
                    .sessions()
                    .lease("a/b", &holder, at(0), at(30))
                    .await
                    .unwrap()
                    .then_some(holder)
            })
        })
        .collect();
    let mut holders = Vec::new();
    for racer in racers {
        holders.extend(racer.await.unwrap());
    }
    let [holder] = &holders[..] else { panic!("{holders:?}") };
    let sessions = store.sessions();
    assert_eq!(sessions.get("a/b").await.unwrap(), None);
    assert!(
        sessions.lease("a/b", holder, at(1), at(30)).await.unwrap(),
        "whoever has it may go on"
    );
    assert!(!sessions.lease("a/b", "late", at(29), at(60)).await.unwrap());
    assert!(
        sessions.lease("a/b", "late", at(30), at(60)).await.unwrap(),
        "its holder must have died"
    );
    let session = KeptSession {
        bytes: b"token-4711".to_vec(),
        since: at(31),
    };
    assert!(sessions.keep("a/b", "late", &session).await.unwrap());
    assert_eq!(sessions.get("a/b").await.unwrap().as_ref(), Some(&session));
    assert!(!place.shows(b"token-4711").await);
    let older = KeptSession {
        since: at(20),
        ..session.clone()
    };
    assert!(!sessions.keep("a/b", holder, &older).await.unwrap(), "it came too late");
    assert!(
        sessions.lease("a/b", "third", at(32), at(60)).await.unwrap(),
        "keeping ends the lease"
    );
    sessions.release("a/b", "third").await.unwrap();
    assert!(sessions.lease("a/b", "fourth", at(32), at(60)).await.unwrap());
    sessions.forget("a/b", at(30)).await.unwrap();
    assert_eq!(
        sessions.get("a/b").await.unwrap(),
        Some(session),
        "an older one was lost"
    );
    sessions.forget("a/b", at(31)).await.unwrap();
    assert_eq!(sessions.get("a/b").await.unwrap(), None);
}

pub(crate) async fn q22_a_budget_is_never_given_twice(place: Arc<Place>) {
    let store = place.store().await;
    let takers: Vec<_> = (0..5)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut got = 0;
                for _ in 0..30 {
                    got += store.ledger().take("a/b", "2026-04-08", 7, 1000).await.unwrap();
                }
                got
            })
        })
        .collect();
    let mut got = 0;
    for taker in takers {
        got += taker.await.unwrap();
    }
    let ledger = store.ledger();
    got += ledger.take("a/b", "2026-04-08", 999, 1000).await.unwrap();
    assert_eq!((got, ledger.used("a/b", "2026-04-08").await.unwrap()), (1000, 1000));
    assert_eq!(ledger.take("a/b", "2026-04-08", 1, 1000).await.unwrap(), 0);
    assert_eq!(
        ledger.take("a/b", "2026-04-09", 5, 3).await.unwrap(),
        3,
        "another day, no more than there is"
    );
    ledger.give_back("a/b", "2026-04-08", 4).await.unwrap();
    assert_eq!(ledger.take("a/b", "2026-04-08", 9, 1000).await.unwrap(), 4);
    assert_eq!(ledger.forget_before("2026-04-09").await.unwrap(), 1);
}

pub(crate) async fn hubs_know_their_place(place: Arc<Place>) {
    let store = place.store().await;
    let nodes = store.nodes();
    let a = nodes.beat("node_a", at(0), at(-60)).await.unwrap();
    assert_eq!((a.rank, a.hubs, a.joined), (0, 1, at(0)));
    let b = nodes.beat("node_b", at(5), at(-60)).await.unwrap();
    assert_eq!((b.rank, b.hubs, b.joined), (1, 2, at(5)));
    let a = nodes.beat("node_a", at(10), at(-60)).await.unwrap();
    assert_eq!((a.rank, a.hubs, a.joined), (0, 2, at(0)));
    nodes.leave("node_a").await.unwrap();
    let b = nodes.beat("node_b", at(11), at(-60)).await.unwrap();
    assert_eq!((b.rank, b.hubs), (0, 1));
    nodes.beat("node_c", at(12), at(-60)).await.unwrap();
    let c = nodes.beat("node_c", at(100), at(40)).await.unwrap();
    assert_eq!(
        (c.rank, c.hubs, c.joined),
        (0, 1, at(100)),
        "b was not seen, and c was away itself"
    );
}

pub(crate) async fn q23_a_case_changes_from_the_version_that_was_read(place: Arc<Place>) {
    let store = place.store().await;
    let cases = store.cases();
    let case = Case {
        system: "a/b".into(),
        mark: "m1".into(),
        submission: Some("sub_1".into()),
        state: None,
        at: None,
        news: json!({"remark": "请王小明补正"}),
        version: 0,
        heard: at(0),
        polls: 0,
        next_poll: Some(at(60)),
    };
    assert!(cases.open(&case).await.unwrap());
    assert!(!cases.open(&case).await.unwrap());
    let mut read = cases.get("a/b", "m1").await.unwrap().unwrap();
    assert_eq!((read.version, &read.news), (1, &case.news));
    assert!(!place.shows("请王小明补正".as_bytes()).await);
    let stale = read.clone();
    read.state = Some("accepted".into());
    assert!(cases.change(&read).await.unwrap());
    assert!(!cases.change(&stale).await.unwrap(), "somebody was faster");
    assert_eq!(cases.take_due(at(59), at(120), 9).await.unwrap(), []);
    let due = cases.take_due(at(60), at(120), 9).await.unwrap();
    assert_eq!((due.len(), due[0].polls, due[0].next_poll), (1, 1, Some(at(120))));
    assert_eq!(cases.take_due(at(60), at(120), 9).await.unwrap(), [], "one asks");
    let mut last = due[0].clone();
    last.next_poll = None;
    assert!(cases.change(&last).await.unwrap());
    assert_eq!(cases.take_due(at(9_999_999), at(99_999_999), 9).await.unwrap(), []);
    assert_eq!(cases.of_submission("sub_1").await.unwrap().len(), 1);
    assert_eq!(cases.of_submission("sub_2").await.unwrap(), []);
}

pub(crate) async fn q27_orders_and_what_statements_say_differently(place: Arc<Place>) {
    let store = place.store().await;
    let orders = store.orders();
    let order = Order {
        system: "a/b".into(),
        number: "P1".into(),
        submission: Some("sub_1".into()),
        amount: Some(12_850),
        state: "paying".into(),
        day: "2026-04-08".into(),
        updated: at(0),
    };
    orders.put(&order).await.unwrap();
    let paid = Order {
        submission: None,
        amount: None,
        state: "paid".into(),
        day: "2026-04-09".into(),
        updated: at(5),
        ..order.clone()
    };
    orders.put(&paid).await.unwrap();
    let kept = orders.get("a/b", "P1").await.unwrap().unwrap();
    let expected = Order {
        state: "paid".into(),
        updated: at(5),
        ..order
    };
    assert_eq!(kept, expected, "what is not said again stays");
    assert_eq!(orders.of_day("a/b", "2026-04-08").await.unwrap(), [expected]);
    assert_eq!(orders.of_day("a/b", "2026-04-09").await.unwrap(), []);
    let difference = |number: &str, kind: &str| Difference {
        system: "a/b".into(),
        day: "2026-04-08".into(),
        number: number.into(),
        kind: kind.into(),
        ours: "128.50".into(),
        theirs: "128.05".into(),
        settled: false,
        found: at(9),
    };
    let found = [difference("P1", "amount"), difference("P2", "missing-here")];
    orders.differ("a/b", "2026-04-08", &found).await.unwrap();
    assert!(orders.settle("a/b", "2026-04-08", "P1").await.unwrap());
    assert!(!orders.settle("a/b", "2026-04-08", "P1").await.unwrap());
    orders.differ("a/b", "2026-04-08", &found).await.unwrap();
    let open = orders.differences(false, 9).await.unwrap();
    assert_eq!(open, [difference("P2", "missing-here")], "settled once is settled");
    assert_eq!(orders.differences(true, 9).await.unwrap().len(), 2);
    orders.differ("a/b", "2026-04-08", &[]).await.unwrap();
    assert_eq!(orders.differences(false, 9).await.unwrap(), []);
}
