//! What agencies register, over whichever database.

use crate::place::Place;
use crate::suite::at;
use hub_store::{Act, AgencyRow, Disclosure, MemberRow, Notice, SentField, StoreError, UsageRow, VersionRow};
use std::sync::Arc;

fn agency(id: &str) -> AgencyRow {
    AgencyRow {
        id: id.into(),
        name: "示范局".into(),
        en: "Model office".into(),
        state: "approved".into(),
        created: at(0),
        updated: at(0),
    }
}

fn act(subject: &str, name: &str, revision: i64, second: i64) -> Act {
    Act {
        at: at(second),
        actor: "mbr_1".into(),
        role: "clerk".into(),
        agency: "demo".into(),
        subject: subject.into(),
        act: name.into(),
        state: Some(name.into()),
        revision,
        why: "因为".into(),
    }
}

fn version(id: &str, state: &str, major: u32) -> VersionRow {
    VersionRow {
        id: id.into(),
        agency: "demo".into(),
        system: "title".into(),
        owner: "demo".into(),
        major,
        number: format!("{major}.0.0"),
        state: state.into(),
        file: "权籍.yaml".into(),
        content: vec![0, 159, 146, 150],
        connector: None,
        waivers: Some("[]".into()),
        author: "mbr_1".into(),
        asked_by: None,
        break_by: None,
        inner_allowed: false,
        deprecated: None,
        sunset: None,
        created: at(i64::from(major)),
        updated: at(i64::from(major)),
        revision: 1,
    }
}

pub(crate) async fn agencies_and_their_people(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.agencies();
    let member = |id: &str, agency: Option<&str>| MemberRow {
        id: id.into(),
        agency: agency.map(str::to_owned),
        name: "王办事".into(),
        role: "clerk".into(),
        prefix: format!("p-{id}"),
        hash: vec![1, 2],
        active: true,
        created: at(1),
    };
    let nobody = all
        .add_member(&member("m1", Some("demo")), &act("m1", "joined", 0, 1))
        .await;
    assert_eq!(nobody.unwrap_err(), StoreError::Conflict, "there is no such agency yet");
    assert!(
        store.versions().acts("m1").await.unwrap().is_empty(),
        "what was not done is not told"
    );
    all.put(&agency("demo"), &act("demo", "approved", 0, 0)).await.unwrap();
    all.add_member(&member("m1", Some("demo")), &act("m1", "joined", 0, 1))
        .await
        .unwrap();
    all.add_member(&member("m2", None), &act("m2", "joined", 0, 1))
        .await
        .unwrap();
    all.set_active("m1", false, &act("m1", "left", 0, 2)).await.unwrap();
    let members = all.members().await.unwrap();
    assert_eq!(members.iter().map(|m| m.active).collect::<Vec<_>>(), [false, true]);
    assert_eq!(members[1].agency, None);
    let suspended = AgencyRow {
        state: "suspended".into(),
        updated: at(3),
        ..agency("demo")
    };
    all.put(&suspended, &act("demo", "suspended", 0, 3)).await.unwrap();
    assert_eq!(all.all().await.unwrap(), [suspended]);
    let told: Vec<String> = store
        .versions()
        .acts("m1")
        .await
        .unwrap()
        .into_iter()
        .map(|a| a.act)
        .collect();
    assert_eq!(told, ["joined", "left"]);
    assert_eq!(store.versions().acts_of("demo", at(2), 10).await.unwrap().len(), 2);
}

pub(crate) async fn a_version_changes_from_what_was_seen(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.versions();
    let first = version("v1", "live", 1);
    all.add(&first, &act("v1", "live", 1, 0)).await.unwrap();
    let next = VersionRow {
        state: "in-review".into(),
        ..version("v2", "in-review", 1)
    };
    all.add(&next, &act("v2", "in-review", 1, 0)).await.unwrap();
    let to = |row: &VersionRow, state: &str| VersionRow {
        state: state.into(),
        ..row.clone()
    };
    let both_called = all.change(&[(to(&next, "live"), act("v2", "live", 2, 5))]).await;
    assert_eq!(
        both_called.unwrap_err(),
        StoreError::Conflict,
        "one of a major is called at a time"
    );
    let swap = [
        (to(&first, "retired"), act("v1", "retired", 2, 6)),
        (to(&next, "live"), act("v2", "live", 2, 6)),
    ];
    all.change(&swap).await.unwrap();
    let again = all.change(&[(to(&first, "live"), act("v1", "live", 2, 7))]).await;
    assert_eq!(
        again.unwrap_err(),
        StoreError::Conflict,
        "it had been changed since it was read"
    );
    let now = all.get("v2").await.unwrap().unwrap();
    assert_eq!((now.state.as_str(), now.revision, now.updated), ("live", 2, at(6)));
    assert_eq!(now.content, first.content);
    let states: Vec<_> = all
        .acts("v1")
        .await
        .unwrap()
        .into_iter()
        .map(|a| (a.at, a.state.unwrap()))
        .collect();
    assert_eq!(states, [(at(0), "live".to_owned()), (at(6), "retired".to_owned())]);
    let head = VersionRow {
        content: Vec::new(),
        ..now
    };
    assert_eq!(all.list(None).await.unwrap(), [head]);
    assert_eq!(all.list(Some(("demo", "title"))).await.unwrap().len(), 2);
    assert_eq!(all.acts_so_far().await.unwrap(), 4);
}

pub(crate) async fn clients_are_told_once_and_counted(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.versions();
    let notice = Notice {
        client: "cli_1".into(),
        version: "v1".into(),
        kind: "30".into(),
        text: "{}".into(),
        created: at(0),
    };
    assert!(all.tell(&notice).await.unwrap());
    assert!(!all.tell(&notice).await.unwrap(), "told before");
    assert_eq!(all.notices(Some("cli_1")).await.unwrap(), std::slice::from_ref(&notice));
    assert!(all.notices(Some("cli_2")).await.unwrap().is_empty());
    assert_eq!(all.notices(None).await.unwrap(), [notice]);
    let used = |client: &str, calls, second| UsageRow {
        operation: "demo.title.get".into(),
        client: client.into(),
        calls,
        last_used: at(second),
    };
    let read = store.disclosures();
    let twice = [used("cli_1", 2, 9), used("cli_2", 1, 3)];
    read.keep(&[], &twice, "trail", "1").await.unwrap();
    read.keep(&[], &[used("cli_1", 3, 5)], "trail", "2").await.unwrap();
    assert_eq!(
        all.usage("demo.title.").await.unwrap(),
        [used("cli_1", 5, 9), used("cli_2", 1, 3)]
    );
    assert!(all.usage("demo.t_tle.").await.unwrap().is_empty(), "no pattern");
}

pub(crate) async fn what_clients_sent_is_known_by_field(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.versions();
    let sent = |client: &str, field: &str| SentField {
        operation: "demo.title.get".into(),
        client: client.into(),
        field: field.into(),
    };
    all.keep_sent(&[], at(0)).await.unwrap();
    let first = [sent("cli_1", ""), sent("cli_1", "/no"), sent("cli_2", "")];
    all.keep_sent(&first, at(1)).await.unwrap();
    all.keep_sent(&[sent("cli_1", "/no")], at(9)).await.unwrap();
    let [any, no, other] = first;
    assert_eq!(
        all.sent("demo.title.").await.unwrap(),
        [(any, at(1)), (no, at(9)), (other, at(1))]
    );
    assert!(all.sent("demo.t_tle.").await.unwrap().is_empty(), "no pattern");
}

pub(crate) async fn a_person_sees_who_used_what_and_nobody_else_does(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.disclosures();
    let used = |n: u32, subject: &str, second: i64| Disclosure {
        id: format!("node:{n}"),
        subject: subject.into(),
        at: at(second),
        request_id: format!("r{n}"),
        client: "cli_1".into(),
        operation: "a.b".into(),
        fields: vec!["full_name".into()],
        status: 200,
        problem: None,
        reached: true,
        principal: None,
        agent: None,
    };
    let three = [used(1, "s1", 1), used(2, "s2", 2), used(3, "s1", 3)];
    all.keep(&three, &[], "ledger.read.node", "{}").await.unwrap();
    all.keep(&three[..1], &[], "ledger.read.node", "to").await.unwrap();
    assert_eq!(
        store.meta().get("ledger.read.node").await.unwrap().as_deref(),
        Some("to")
    );
    assert_eq!(
        all.of_subject("s1", (at(9), ""), 10).await.unwrap(),
        [three[2].clone(), three[0].clone()]
    );
    assert_eq!(all.of_subject("s1", (at(3), ""), 10).await.unwrap(), three[..1]);
    assert_eq!(all.of_subject("s1", (at(9), ""), 1).await.unwrap(), three[2..]);
    let same = all.of_subject("s1", (at(3), "node:4"), 1).await.unwrap();
    assert_eq!(same, three[2..], "of those at one time, by id");
    assert_eq!((all.count("s1").await.unwrap(), all.count("s3").await.unwrap()), (2, 0));
}
