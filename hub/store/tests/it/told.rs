//! Events, the addresses that are told of them, and runs against back ends, over whichever database.

use crate::place::Place;
use crate::suite::at;
use hub_store::{
    AttemptRow, DeliveryState, NewEvent, Tried, VerificationRow, VerificationState, WebhookRow, WebhookState, WorldRow,
    Written,
};
use std::sync::Arc;

fn world(id: &str, client: &str) -> WorldRow {
    WorldRow {
        id: id.into(),
        client: client.into(),
        tenant: "t".into(),
        name: String::new(),
        layer: format!("{id}-1"),
        frozen: false,
        created: at(1),
        used: at(1),
    }
}

fn event(id: &str, kind: &str) -> NewEvent {
    NewEvent {
        id: id.into(),
        kind: kind.into(),
        at: at(2),
        body: format!("{{\"王建国\": \"{id}\"}}"),
    }
}

fn webhook(id: &str, tenant: &str) -> WebhookRow {
    WebhookRow {
        id: id.into(),
        client: "cli_1".into(),
        tenant: tenant.into(),
        state: WebhookState::Pending,
        reason: String::new(),
        kinds: "case.*".into(),
        world: String::new(),
        secret: "{\"url\": \"https://a.example\"}".into(),
        cursor: 0,
        failing: None,
        created: at(1),
        updated: at(1),
    }
}

pub(crate) async fn events_are_numbered_in_the_order_in_which_they_can_be_seen(place: Arc<Place>) {
    let store = place.store().await;
    let (worlds, events) = (store.worlds(), store.events());
    for (id, client) in [("w1", "cli_1"), ("w2", "cli_1"), ("w3", "")] {
        worlds.add(&world(id, client), id.as_bytes(), None).await.unwrap();
    }
    let write = async |world: &str, layer: &str, told: &[NewEvent]| {
        let written = Written {
            told,
            due: Some(at(50)),
            ..Written::default()
        };
        worlds.write_down(world, layer, &written, at(3)).await.unwrap()
    };
    assert!(
        write(
            "w1",
            "w1-1",
            &[event("a", "case.submitted"), event("b", "case.overdue")]
        )
        .await
    );
    assert!(write("w2", "w2-1", &[event("c", "payment.paid")]).await);
    assert!(write("w1", "w1-1", &[event("b", "case.overdue"), event("d", "case.approved")]).await);
    assert!(
        !write("w1", "w1-0", &[event("lost", "case.approved")]).await,
        "it left that layer"
    );
    assert!(write("w3", "w3-1", &[event("nobody", "case.approved")]).await);

    let all = events.after("cli_1", 0, 100, |_, _| true).await.unwrap();
    let seen: Vec<(u64, &str, &str)> = all
        .events
        .iter()
        .map(|e| (e.number, e.id.as_str(), e.world.as_str()))
        .collect();
    assert_eq!(seen, [(1, "a", "w1"), (2, "b", "w1"), (3, "c", "w2"), (4, "d", "w1")]);
    assert_eq!((all.last, all.more, events.head("cli_1").await.unwrap()), (4, false, 4));
    let some = events
        .after("cli_1", 1, 1, |kind, _| kind.starts_with("case."))
        .await
        .unwrap();
    assert_eq!((some.events.len(), some.last, some.more), (1, 2, true));
    let none = events.after("cli_1", 0, 9, |kind, _| kind == "x").await.unwrap();
    assert_eq!(
        (none.events.len(), none.last, none.more),
        (0, 4, false),
        "what is not wanted is passed"
    );
    assert_eq!(
        events.get("cli_1", "b").await.unwrap().unwrap().body,
        "{\"王建国\": \"b\"}"
    );
    assert!(events.get("cli_2", "b").await.unwrap().is_none(), "somebody else's");
    assert_eq!(
        (events.head("").await.unwrap(), events.head("cli_2").await.unwrap()),
        (0, 0)
    );

    assert_eq!(worlds.due(at(49), 9).await.unwrap(), Vec::<String>::new());
    assert_eq!(worlds.due(at(50), 9).await.unwrap().len(), 3);
    worlds.remove("w2").await.unwrap();
    worlds.note_due("w3", None).await.unwrap();
    assert_eq!(worlds.due(at(50), 9).await.unwrap(), ["w1"]);

    assert_eq!(events.forget_before(at(2)).await.unwrap(), 0);
    assert_eq!(events.forget_before(at(3)).await.unwrap(), 4);
    assert!(write("w1", "w1-1", &[event("e", "case.overdue")]).await);
    assert_eq!(
        events.after("cli_1", 0, 9, |_, _| true).await.unwrap().events[0].number,
        5,
        "no number twice"
    );
}

pub(crate) async fn a_delivery_is_made_once_and_tried_by_one_hub(place: Arc<Place>) {
    let store = place.store().await;
    let (webhooks, deliveries) = (store.webhooks(), store.deliveries());
    store.worlds().add(&world("w1", "cli_1"), b"w1", None).await.unwrap();
    let told = [event("a", "case.submitted"), event("b", "case.overdue")];
    let written = Written {
        told: &told,
        ..Written::default()
    };
    assert!(store.worlds().write_down("w1", "w1-1", &written, at(3)).await.unwrap());

    assert!(webhooks.add(&webhook("h1", "t"), 2).await.unwrap());
    assert!(webhooks.add(&webhook("h2", "t"), 2).await.unwrap());
    assert!(!webhooks.add(&webhook("h3", "t"), 2).await.unwrap(), "one too many");
    assert!(webhooks.add(&webhook("h4", "other"), 2).await.unwrap());
    assert_eq!(
        webhooks.due(at(4), 9).await.unwrap(),
        Vec::<String>::new(),
        "none is proven"
    );
    webhooks.put("h1", WebhookState::Active, "", at(4)).await.unwrap();
    assert_eq!(webhooks.due(at(4), 9).await.unwrap(), ["h1"]);
    let row = webhooks.lease("h1", at(4), at(60)).await.unwrap().unwrap();
    assert_eq!(
        (row.secret.as_str(), row.cursor, row.state),
        (webhook("h1", "t").secret.as_str(), 0, WebhookState::Active)
    );
    assert!(
        webhooks.lease("h1", at(5), at(60)).await.unwrap().is_none(),
        "somebody is at it"
    );
    assert!(webhooks.due(at(5), 9).await.unwrap().is_empty());

    let both = [(1, "a".to_owned()), (2, "b".to_owned())];
    deliveries.make("h1", &both, 2, at(5)).await.unwrap();
    deliveries.make("h1", &both, 2, at(9)).await.unwrap();
    let due = deliveries.due("h1", at(5), 9).await.unwrap();
    assert_eq!(due.iter().map(|d| d.number).collect::<Vec<_>>(), [1, 2]);
    let tried = |state, next| Tried {
        attempt: AttemptRow {
            at: at(6),
            body: "{\"status\": 500}".into(),
        },
        state,
        attempts: 1,
        next_at: at(next),
        failing: (state != DeliveryState::Delivered).then(|| at(6)),
        lease: at(70),
    };
    assert!(
        deliveries
            .tried(&due[0], &tried(DeliveryState::Waiting, 20))
            .await
            .unwrap()
    );
    assert!(
        deliveries
            .tried(&due[1], &tried(DeliveryState::Delivered, 6))
            .await
            .unwrap()
    );
    assert!(deliveries.due("h1", at(7), 9).await.unwrap().is_empty());
    assert_eq!(deliveries.due("h1", at(20), 9).await.unwrap().len(), 1);
    assert_eq!(deliveries.attempts("h1", 1).await.unwrap()[0].body, "{\"status\": 500}");
    assert!(
        webhooks.due(at(20), 9).await.unwrap().is_empty(),
        "the hub holds on to it"
    );
    store.webhooks().take_over().await.unwrap();
    assert_eq!(webhooks.due(at(20), 9).await.unwrap().len(), 1, "the hub had died");

    // By hand, while an attempt is under way: the attempt does not undo it.
    let row = webhooks.lease("h1", at(20), at(60)).await.unwrap().unwrap();
    let under_way = deliveries.due("h1", at(20), 9).await.unwrap().remove(0);
    deliveries.again("h1", 1, "a", at(21)).await.unwrap();
    assert!(
        deliveries
            .tried(&under_way, &tried(DeliveryState::Failed, 6))
            .await
            .unwrap()
    );
    let now = deliveries.of_event("a").await.unwrap();
    assert_eq!((now[0].state, now[0].attempts), (DeliveryState::Waiting, 0));
    assert_eq!(
        deliveries
            .of_webhook("h1", Some(DeliveryState::Delivered), u64::MAX, 9)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(deliveries.of_webhook("h1", None, 2, 9).await.unwrap().len(), 1);

    assert!(
        webhooks
            .switch_off(&row, "gone", &event("off", "webhook.off"))
            .await
            .unwrap()
    );
    assert!(
        !webhooks
            .switch_off(&row, "gone", &event("off", "webhook.off"))
            .await
            .unwrap()
    );
    assert_eq!(store.events().head("cli_1").await.unwrap(), 3);
    assert!(
        !deliveries
            .tried(&under_way, &tried(DeliveryState::Failed, 6))
            .await
            .unwrap(),
        "it is off"
    );
    let off = webhooks.get("cli_1", "h1").await.unwrap().unwrap();
    assert_eq!((off.state, off.reason.as_str()), (WebhookState::Off, "gone"));
    assert!(webhooks.get("cli_2", "h1").await.unwrap().is_none() && !webhooks.remove("cli_2", "h1").await.unwrap());
    assert!(webhooks.remove("cli_1", "h1").await.unwrap());
    assert!(deliveries.of_event("a").await.unwrap().is_empty());
    assert_eq!(webhooks.of_client("cli_1").await.unwrap().len(), 2);
}

pub(crate) async fn a_tenant_runs_one_verification_at_a_time(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.verifications();
    let new = |id: &str, tenant: &str, second| VerificationRow {
        id: id.into(),
        client: "cli_1".into(),
        tenant: tenant.into(),
        state: VerificationState::Unproven,
        asked: "{\"base\": \"https://b.example\"}".into(),
        report: None,
        created: at(second),
        updated: at(second),
    };
    assert!(all.add(&new("v1", "t", 10), at(5), 2).await.unwrap());
    assert!(all.add(&new("v2", "t", 11), at(5), 2).await.unwrap());
    assert!(!all.add(&new("v3", "t", 12), at(5), 2).await.unwrap(), "too often");
    assert!(
        all.add(&new("v4", "t", 12), at(10), 2).await.unwrap(),
        "some were long ago"
    );
    assert!(all.begin("v1", at(13)).await.unwrap());
    assert!(!all.begin("v2", at(13)).await.unwrap(), "another one runs");
    all.end("v1", VerificationState::Done, "{\"findings\": []}", at(14))
        .await
        .unwrap();
    let done = all.get("v1").await.unwrap().unwrap();
    assert_eq!(
        (done.state, done.report.as_deref()),
        (VerificationState::Done, Some("{\"findings\": []}"))
    );
    assert!(!all.begin("v1", at(15)).await.unwrap(), "it was begun before");
    assert!(all.begin("v2", at(15)).await.unwrap());
    all.take_over(at(16)).await.unwrap();
    assert_eq!(
        all.get("v2").await.unwrap().unwrap().state,
        VerificationState::Interrupted
    );
    assert_eq!(all.of_client("cli_1", 9).await.unwrap().len(), 3);
    all.forget_before(at(12)).await.unwrap();
    assert_eq!(all.of_client("cli_1", 9).await.unwrap().len(), 1);
}
