//! Agencies and their people: asked for, approved, kept apart.

use crate::registry_desk::Desk;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_asks_is_approved_and_keeps_to_its_own() {
    let desk = Desk::open().await;
    let asked = desk
        .hub
        .ask(
            "POST",
            "/registry/agencies",
            &[],
            Some(&json!({"id": "water", "name": "水务局"})),
        )
        .await;
    assert_eq!(asked.status, 201, "{}", asked.body);
    let owner = format!("Bearer {}", asked.body["token"].as_str().unwrap());
    let again = desk
        .hub
        .ask(
            "POST",
            "/registry/agencies",
            &[],
            Some(&json!({"id": "water", "name": "另一个"})),
        )
        .await;
    assert_eq!((again.status, again.code()), (409, "conflict"));
    let early = desk
        .hub
        .ask(
            "POST",
            "/registry/members",
            &[("authorization", &owner)],
            Some(&json!({"agency": "first", "name": "某人", "role": "clerk"})),
        )
        .await;
    assert_eq!(early.status, 403, "{}", early.body);
    let operator = desk.operator().await;
    let judged = desk
        .hub
        .ask(
            "POST",
            "/registry/agencies/water/approval",
            &[("authorization", &operator)],
            Some(&json!({"approved": true})),
        )
        .await;
    assert_eq!(judged.body["state"], "approved", "{}", judged.body);
    let clerk = desk
        .hub
        .ask(
            "POST",
            "/registry/members",
            &[("authorization", &owner)],
            Some(&json!({"agency": "water", "name": "某人", "role": "clerk"})),
        )
        .await;
    assert_eq!(clerk.status, 201, "{}", clerk.body);
    let foreign = desk.live("1.0.0", "").await;
    let hidden = desk
        .hub
        .ask(
            "GET",
            &format!("/registry/versions/{foreign}"),
            &[("authorization", &owner)],
            None,
        )
        .await;
    assert_eq!(hidden.status, 404, "another agency's versions are not seen");
    let typo = desk
        .hub
        .ask(
            "POST",
            &format!("/registry/versions/{foreign}/steps"),
            &[("authorization", &operator)],
            Some(&json!({"step": "retyre"})),
        )
        .await;
    assert_eq!(
        (typo.status, &typo.body["near"][0]),
        (422, &json!("retire")),
        "{}",
        typo.body
    );
    let ended = desk
        .hub
        .ask(
            "POST",
            &format!("/registry/versions/{foreign}/steps"),
            &[("authorization", &operator)],
            Some(&json!({"step": "retire", "why": "泄露"})),
        )
        .await;
    assert_eq!(ended.body["state"], "retired", "{}", ended.body);
    assert_eq!(
        desk.call("/gateway", "v1").await.status,
        404,
        "an operator can end it at once"
    );
    let acts = desk
        .hub
        .ask(
            "GET",
            "/registry/acts?agency=water",
            &[("authorization", &operator)],
            None,
        )
        .await;
    let acts: Vec<&str> = acts.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["asked-in", "let-in", "approved", "let-in"]);
    desk.close().await;
}
