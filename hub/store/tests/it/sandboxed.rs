//! Worlds and calls of the sandbox, over whichever database.

use crate::place::Place;
use crate::suite::at;
use hub_store::{CallRow, Part, Rights, SnapshotRow, StoreError, WantedCalls, WorldRow};
use std::sync::Arc;

fn world(id: &str, layer: &str, second: i64) -> WorldRow {
    WorldRow {
        id: id.into(),
        client: "cli_1".into(),
        tenant: "t".into(),
        name: "我的".into(),
        layer: layer.into(),
        frozen: false,
        created: at(second),
        used: at(second),
    }
}

fn part(key: &str, body: &str) -> Part {
    (key.into(), Some(body.into()))
}

fn sorted(mut parts: Vec<(String, String)>) -> Vec<(String, String)> {
    parts.sort();
    parts
}

fn says(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

pub(crate) async fn a_world_is_written_forked_and_kept(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.worlds();
    all.add(&world("w1", "l1", 1), b"one", None).await.unwrap();
    assert_eq!(all.by_key(b"one").await.unwrap(), Some(("w1".into(), Rights::Own)));
    assert_eq!(all.by_key(b"two").await.unwrap(), None);
    let parts = [part("a", "1"), part("b 王建国", "2")];
    assert!(all.write("w1", "l1", &parts, at(2)).await.unwrap());
    assert!(all.write("w1", "l1", &[part("a", "3")], at(3)).await.unwrap());
    assert_eq!(
        sorted(all.read("l1").await.unwrap()),
        says(&[("a", "3"), ("b 王建国", "2")])
    );

    let snapshot = SnapshotRow {
        id: "s1".into(),
        world: "w1".into(),
        layer: "l1".into(),
        name: "before".into(),
        at: at(9),
        created: at(4),
    };
    all.snapshot(&snapshot, "l2").await.unwrap();
    assert_eq!(all.snapshots("w1").await.unwrap(), std::slice::from_ref(&snapshot));
    assert!(
        !all.write("w1", "l1", &[part("a", "lost")], at(5)).await.unwrap(),
        "the layer is closed"
    );
    assert!(
        all.write("w1", "l2", &[("a".into(), None), part("c", "4")], at(5))
            .await
            .unwrap()
    );
    assert_eq!(
        sorted(all.read("l2").await.unwrap()),
        says(&[("b 王建国", "2"), ("c", "4")])
    );
    assert_eq!(all.read("l1").await.unwrap().len(), 2, "what was kept stays as it was");

    let source = all.get("w1").await.unwrap().unwrap();
    assert_eq!((source.layer.as_str(), source.used), ("l2", at(5)));
    all.fork(&source, "l3", &world("w2", "l4", 6), b"two").await.unwrap();
    let late = all.fork(&source, "l5", &world("w3", "l6", 6), b"three").await;
    assert_eq!(late.unwrap_err(), StoreError::Conflict, "it had the layer no more");
    assert!(all.get("w3").await.unwrap().is_none() && all.by_key(b"three").await.unwrap().is_none());
    assert!(all.write("w2", "l4", &[part("c", "5")], at(7)).await.unwrap());
    assert_eq!(
        sorted(all.read("l3").await.unwrap()),
        says(&[("b 王建国", "2"), ("c", "4")])
    );
    assert_eq!(
        sorted(all.read("l4").await.unwrap()),
        says(&[("b 王建国", "2"), ("c", "5")])
    );

    assert!(all.move_to("w1", "l3", "l7", Some("l1")).await.unwrap());
    assert_eq!(all.read("l7").await.unwrap().len(), 2);
    assert!(all.move_to("w1", "l7", "l8", None).await.unwrap());
    assert!(all.read("l8").await.unwrap().is_empty());
    assert!(!all.move_to("w1", "l7", "l9", None).await.unwrap());
    all.sweep().await.unwrap();
    assert_eq!(all.read("l4").await.unwrap().len(), 2, "the fork stands on it");
    assert!(all.read("l7").await.unwrap().is_empty(), "nothing stands on it");
    assert_eq!(all.read("l1").await.unwrap().len(), 2, "a snapshot is kept");
    assert!(all.remove("w2").await.unwrap() && !all.remove("w2").await.unwrap());
    assert!(all.remove("w1").await.unwrap() && all.by_key(b"one").await.unwrap().is_none());
    all.sweep().await.unwrap();
    assert!(all.read("l1").await.unwrap().is_empty());
}

pub(crate) async fn worlds_freeze_and_are_shared(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.worlds();
    for n in 0..4 {
        let id = format!("w{n}");
        all.add(&world(&id, &format!("l{n}"), n), id.as_bytes(), None)
            .await
            .unwrap();
    }
    assert_eq!(all.count("t").await.unwrap(), (4, 4));
    assert_eq!(all.freeze_oldest("t", "w0").await.unwrap().as_deref(), Some("w1"));
    assert_eq!(all.freeze_idle(at(1)).await.unwrap(), ["w0"]);
    assert_eq!(all.count("t").await.unwrap(), (2, 4));
    assert!(all.set_frozen("w0", false, at(9)).await.unwrap());
    assert!(!all.set_frozen("w9", false, at(9)).await.unwrap());
    let own: Vec<(String, bool)> = all
        .of_client("cli_1")
        .await
        .unwrap()
        .into_iter()
        .map(|w| (w.id, w.frozen))
        .collect();
    let wanted = [("w3", false), ("w2", false), ("w1", true), ("w0", false)];
    assert_eq!(own, wanted.map(|(id, frozen)| (id.to_owned(), frozen)));
    assert!(all.of_client("cli_2").await.unwrap().is_empty());
    all.share(b"see", "w3", Rights::Read, at(9)).await.unwrap();
    assert_eq!(all.by_key(b"see").await.unwrap(), Some(("w3".into(), Rights::Read)));
}

fn call(second: i64, status: u16, operation: &str) -> CallRow {
    CallRow {
        at: at(second),
        node: "n1".into(),
        request_id: format!("r-{second}"),
        client: if second % 10 == 9 {
            String::new()
        } else {
            "cli_1".into()
        },
        world: if second % 2 == 0 { "default".into() } else { "w1".into() },
        operation: operation.into(),
        method: "POST".into(),
        status,
        code: if status == 200 {
            String::new()
        } else {
            "record-not-found".into()
        },
        scenario: "ok".into(),
        took_us: 7,
        replay_of: None,
        body: format!("{{\"name\":\"王建国\",\"n\":{second}}}"),
    }
}

pub(crate) async fn calls_are_found_by_what_they_were(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.calls();
    let lines: Vec<CallRow> = (0..40)
        .map(|n| {
            call(
                n,
                if n % 4 == 0 { 404 } else { 200 },
                if n % 3 == 0 { "a.x" } else { "a.y" },
            )
        })
        .collect();
    all.keep(&lines).await.unwrap();
    all.keep(&lines[..3]).await.unwrap();
    let any = WantedCalls {
        client: "cli_1".into(),
        most: 100,
        ..WantedCalls::default()
    };
    let ids = async |wanted: WantedCalls| -> Vec<i64> {
        let found = all.of_client(&wanted).await.unwrap();
        found
            .iter()
            .map(|line| line.at.as_second() - at(0).as_second())
            .collect()
    };
    assert_eq!(ids(any.clone()).await.len(), 36);
    let page = WantedCalls { most: 3, ..any.clone() };
    assert_eq!(ids(page.clone()).await, [38, 37, 36]);
    let next = WantedCalls {
        before: Some((at(36), "n1".into())),
        ..page
    };
    assert_eq!(ids(next).await, [35, 34, 33]);
    let missing = WantedCalls {
        status: 404,
        operation: "a.x".into(),
        ..any.clone()
    };
    assert_eq!(ids(missing).await, [36, 24, 12, 0]);
    let coded = WantedCalls {
        code: "record-not-found".into(),
        from: Some(at(30)),
        ..any.clone()
    };
    assert_eq!(ids(coded).await, [36, 32]);
    let own = WantedCalls {
        world: "w1".into(),
        operation: "a.x".into(),
        from: Some(at(20)),
        ..any.clone()
    };
    assert_eq!(ids(own).await, [33, 27, 21]);
    let other = WantedCalls {
        client: "cli_2".into(),
        ..any
    };
    assert!(ids(other).await.is_empty());
    assert_eq!(all.with_request_id("r-9", 9).await.unwrap(), [lines[9].clone()]);
    assert_eq!(all.forget_before(at(10)).await.unwrap(), 10);
    assert_eq!(all.forget_before(at(10)).await.unwrap(), 0);
    assert!(all.with_request_id("r-9", 9).await.unwrap().is_empty());
}
