//! What people agreed to and whom they let act, over whichever database.

use crate::place::Place;
use crate::suite::at;
use hub_store::{MandateRow, ServiceConsent};
use std::sync::Arc;

fn consent(id: &str, subject: &str, client: &str, since: i64) -> ServiceConsent {
    ServiceConsent {
        id: id.into(),
        subject: subject.into(),
        client: client.into(),
        service: "a.health".into(),
        agency: "a".into(),
        fields: vec!["full_name".into(), "id_card_no".into()],
        apart: vec!["id_card_no".into()],
        agent: None,
        since: at(since),
        until: at(since + 100),
        withdrawn: None,
    }
}

pub(crate) async fn a_yes_ends_when_taken_back_or_replaced(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.consents();
    all.give(&consent("c1", "s", "app", 1)).await.unwrap();
    all.give(&consent("c2", "s", "other", 2)).await.unwrap();
    all.give(&consent("c3", "s", "app", 3)).await.unwrap();
    let ends = |list: &[ServiceConsent]| list.iter().map(|c| (c.id.clone(), c.withdrawn)).collect::<Vec<_>>();
    let kept = all.of_subject("s").await.unwrap();
    assert_eq!(
        ends(&kept),
        [("c3".into(), None), ("c2".into(), None), ("c1".into(), Some(at(3)))]
    );
    assert_eq!(kept[0], consent("c3", "s", "app", 3));
    assert!(!all.withdraw("c3", "somebody", at(4)).await.unwrap());
    assert!(all.withdraw("c3", "s", at(4)).await.unwrap());
    assert!(!all.withdraw("c3", "s", at(5)).await.unwrap(), "once");
    assert_eq!(all.changed_since(at(4)).await.unwrap(), ["s"]);
    assert!(all.changed_since(at(5)).await.unwrap().is_empty());
    // Added as a whole, and what is there stays as it is.
    all.add(&[consent("c3", "s", "app", 9), consent("c9", "t", "app", 9)])
        .await
        .unwrap();
    assert_eq!(all.of_subject("s").await.unwrap().len(), 3);
    assert_eq!(all.of_subject("t").await.unwrap().len(), 1);
}

fn offer(id: &str) -> MandateRow {
    MandateRow {
        id: id.into(),
        principal: "father".into(),
        company: false,
        offered: "father".into(),
        agent: None,
        code: format!("hash of {id}"),
        role: "helper".into(),
        services: vec!["a.health".into()],
        reason: "帮父亲办".into(),
        content: vec![1, 0, 255],
        since: at(1),
        until: at(100),
        accepted: None,
        ended: None,
    }
}

pub(crate) async fn a_mandate_is_accepted_by_one_and_ended_by_either(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.mandates();
    for id in ["m1", "m2", "m3"] {
        all.offer(&offer(id)).await.unwrap();
    }
    assert_eq!(all.of_person("father").await.unwrap()[2], offer("m1"));
    assert_eq!(
        all.accept("hash of m1", "father", at(2)).await.unwrap(),
        None,
        "their own"
    );
    assert_eq!(all.accept("hash of m9", "daughter", at(2)).await.unwrap(), None);
    assert_eq!(
        all.accept("hash of m2", "daughter", at(100)).await.unwrap(),
        None,
        "too late"
    );
    assert_eq!(
        all.accept("hash of m1", "daughter", at(2)).await.unwrap().as_deref(),
        Some("m1")
    );
    assert_eq!(all.accept("hash of m1", "son", at(3)).await.unwrap(), None, "one only");
    assert_eq!(all.changed_since(at(2)).await.unwrap(), ["daughter"]);
    let held = all.of_person("daughter").await.unwrap();
    assert_eq!((held.len(), held[0].accepted), (1, Some(at(2))));
    assert!(!all.end("m1", "son", at(4)).await.unwrap());
    assert!(all.end("m1", "daughter", at(4)).await.unwrap());
    assert!(!all.end("m1", "father", at(5)).await.unwrap(), "ended already");
    assert!(all.end("m2", "father", at(5)).await.unwrap());
    assert_eq!(
        all.accept("hash of m2", "daughter", at(6)).await.unwrap(),
        None,
        "ended before anybody came"
    );
}
