//! Policies that are wrong, and the ones of the repository.

use crate::city::{City, Request, catalog, document, lines, problem, snapshot};
use hub_core::{Finding, ProblemCode as Code};
use hub_gateway::{Policies, Snapshot};
use std::path::Path;
use std::sync::Arc;

fn findings(area: &str, text: &str) -> Vec<Finding> {
    let limits = ("limits", document("limits.yaml", crate::city::LIMITS));
    let documents = [limits, (area, document("policies/x.yaml", text))];
    Policies::from_documents(&documents, &catalog())
        .err()
        .unwrap_or_default()
}

#[track_caller]
fn found(area: &str, text: &str, code: &str, line: usize) -> Finding {
    let findings = findings(area, text);
    assert_eq!(findings.len(), 1, "one finding a cause: {}", lines(&findings));
    assert_eq!(
        (findings[0].code.as_str(), findings[0].line),
        (code, line),
        "{}",
        findings[0]
    );
    findings[0].clone()
}

#[test]
fn a_grant_that_names_nobody_or_nothing_is_a_finding() {
    found(
        "access",
        "grants:\n  - name: a\n    what: any\n",
        "grant-names-nobody",
        2,
    );
    found(
        "access",
        "grants:\n  - name: a\n    who: {}\n    what: any\n",
        "grant-names-nobody",
        3,
    );
    found(
        "access",
        "grants:\n  - name: a\n    who: {client: []}\n    what: any\n",
        "grant-names-nobody",
        3,
    );
    found(
        "access",
        "grants:\n  - name: a\n    who: any\n    what: {}\n",
        "grant-names-nothing",
        4,
    );
    found(
        "access",
        "grants:\n  - name: a\n    who: any\n    what: {agency: []}\n",
        "grant-names-nothing",
        4,
    );
}

#[test]
fn names_that_do_not_exist_are_findings_with_the_nearest() {
    let plan = found(
        "access",
        "grants:\n  - name: a\n    who: {plan: narow}\n    what: any\n",
        "unknown-name",
        3,
    );
    assert_eq!(plan.near, ["narrow"]);
    let agency = found(
        "access",
        "grants:\n  - {name: a, who: any, what: {agency: dem}}\n",
        "unknown-name",
        2,
    );
    assert_eq!(agency.near, ["demo"]);
    let level = "grants:\n  - {name: a, who: any, what: {level: [L1, L9]}}\n";
    assert_eq!(found("access", level, "unknown-name", 2).got.as_deref(), Some("L9"));
    assert!(
        findings(
            "access",
            "grants:\n  - {name: a, who: any, what: {operation: 'demo.*'}}\n"
        )
        .is_empty()
    );
}

#[test]
fn unknown_keys_wrong_kinds_and_bad_conditions_are_findings() {
    let key = found(
        "access",
        "grants:\n  - {name: a, who: any, what: any, wen: x}\n",
        "unknown-key",
        2,
    );
    assert_eq!(key.near, ["when"]);
    found(
        "access",
        "grants:\n  - {name: a, who: any, what: any, when: '1 +'}\n",
        "bad-condition",
        2,
    );
    found(
        "access",
        "grants:\n  - {name: a, who: any, what: any, when: 'person.age > 3'}\n",
        "bad-condition",
        2,
    );
    found("limits", "plans:\n  p: {client: {per_second: 0}}\n", "wrong-value", 2);
    found("limits", "plans:\n  p: {client: {per_hour: 5}}\n", "unknown-key", 2);
    found("limits", "plans:\n  p: {}\n", "empty-plan", 2);
    found("limits", "plans:\n  wide: {client: {daily: 5}}\n", "duplicate-plan", 2);
    found("privacy", "masking: {anonymous: L7}\n", "unknown-name", 1);
    found("privacy", "keep: {idempotency_hours: soon}\n", "wrong-value", 1);
}

#[test]
fn the_policies_of_the_repository_are_good_for_any_city() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let empty = hub_catalog::Catalog::from_documents(Vec::new()).unwrap();
    for catalog in [&empty, catalog().as_ref()] {
        let policies = Policies::load(&folder, catalog).unwrap_or_else(|f| panic!("{}", lines(&f)));
        assert!(policies.plans.get(hub_gateway::ANONYMOUS_PLAN).is_some());
    }
}

#[tokio::test]
async fn no_rule_no_call_and_the_rule_that_opened_is_in_the_trail() {
    let city = City::open().await;
    assert_eq!(city.call(Request::weather().key("wide")).await.status, 200);
    assert_eq!(city.records()[0].grant.as_deref(), Some("open"));
    for (access, status) in [
        ("grants: [{name: a, who: {client: client-other}, what: any}]", 403),
        ("grants: [{name: a, who: {client: client-wide}, what: any}]", 200),
        (
            "grants: [{name: a, who: {tenant: tenant}, what: {operation: 'demo.w*', audience: both}}]",
            200,
        ),
        (
            "grants: [{name: a, who: {plan: wide}, what: {operation: demo.people}}]",
            403,
        ),
        ("grants: [{name: a, who: any, what: any, environment: sandbox}]", 403),
        (
            "grants: [{name: a, who: any, what: any, when: call.hour == 11 && call.weekday == 3}]",
            200,
        ),
        ("grants: [{name: a, who: any, what: any, when: call.hour == 3}]", 403),
        ("grants: [{name: a, who: any, what: any, when: client.nothing}]", 403),
    ] {
        let before = snapshot();
        let documents = [
            ("limits", document("limits.yaml", crate::city::LIMITS)),
            ("access", document("access.yaml", access)),
        ];
        let policies =
            Policies::from_documents(&documents, &before.catalog).unwrap_or_else(|f| panic!("{}", lines(&f)));
        city.gateway.reload(Snapshot {
            policies: Arc::new(policies),
            ..before
        });
        let reply = city.call(Request::weather().key("wide")).await;
        assert_eq!(reply.status, status, "{access}");
        if status == 403 {
            assert_eq!(problem(&reply).code, Code::AccessDenied);
        }
    }
}
