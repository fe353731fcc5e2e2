//! A system behind a front-end database: submissions as rows, late answers, news (Q24).

use crate::city::{Request, body, problem};
use crate::live::{CASE, city};
use hub_core::transport::{SqlInsert, SqlRequest, SqlRow, SqlSelect};
use hub_core::{Kept, ProblemCode as Code};
use hub_gateway::Jobs;
use hub_outbound::Carrier;
use hub_store::SubmissionState as State;
use serde_json::json;

const MANIFEST: &str = r#"
system: demo/front
upstream: {url: "${UPSTREAM_DEMO_FRONT}", dialect: front-db, timeout: 300ms}
exchange: {key: LSH, flag: SIGN, dead: "9", answers: "{call}_FK", every: 20ms}
news: {from: T_ZT, order: ID, every: 1s, case: AJH, state: ZT, time: SJ, fields: {AJH: case_no, ZT: text}}
answer: {code: JG, ok: "1", message: SM}
names: upper
fields: {AJH: case_no}
operations: {apply: T_SQ, "*": not-yet}
"#;

fn row(columns: &[(&str, &str)]) -> SqlRow {
    columns.iter().map(|(n, v)| (*n, Some((*v).to_owned()))).collect()
}

fn insert(table: &str, columns: &[(&str, &str)]) -> SqlRequest {
    SqlRequest {
        inserts: vec![SqlInsert {
            table: table.into(),
            row: row(columns),
        }],
        ..SqlRequest::default()
    }
}

fn all(table: &str) -> SqlRequest {
    SqlRequest {
        reads: vec![SqlSelect {
            table: table.into(),
            wheres: Vec::new(),
            order: None,
            most: 100,
        }],
        ..SqlRequest::default()
    }
}

#[tokio::test]
async fn q24_a_late_answer_is_found_and_no_row_is_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("exchange.db");
    let agency = Carrier::default();
    let document = crate::city::document("demo/front/connector.yaml", MANIFEST);
    let compiled =
        hub_connectors::Connector::compile(&document, &crate::city::catalog(), hub_connectors::Origin::Operator);
    let tables = compiled.unwrap().connector.tables();
    let url = agency.make_database(&file, &tables).await.unwrap();
    let city = city(MANIFEST, Some(url.to_string())).await;

    let reply = city.call(Request::apply("a")).await;
    assert_eq!(
        (problem(&reply).code, problem(&reply).kept),
        (Code::UpstreamTimeout, Kept::Saved)
    );
    let id = problem(&reply).submission.clone().unwrap();
    let rows = agency.rows(&file, &all("T_SQ")).await.unwrap().found.remove(0);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get("LSH"), Some(id.as_str()));

    // The agency takes its time.
    let answer = insert("T_SQ_FK", &[("LSH", &id), ("JG", "1"), ("AJH", "C-1"), ("SIGN", "0")]);
    agency.rows(&file, &answer).await.unwrap();
    city.clock.forward(120);
    let jobs = Jobs::new(city.gateway.clone());
    assert_eq!(jobs.deliver_due().await, 1);
    let kept = city.store.submissions().get(&id).await.unwrap().unwrap();
    assert_eq!(kept.state, State::Delivered);
    assert_eq!(agency.rows(&file, &all("T_SQ")).await.unwrap().found[0].len(), 1);

    // An answer that is there at once.
    let quick = tokio::spawn({
        let (agency, file) = (agency.clone(), file.clone());
        async move {
            loop {
                let rows = agency.rows(&file, &all("T_SQ")).await.unwrap().found.remove(0);
                if let Some(row) = rows.get(1) {
                    let key = row.get("LSH").unwrap();
                    let answer = insert("T_SQ_FK", &[("LSH", key), ("JG", "1"), ("AJH", "C-2")]);
                    agency.rows(&file, &answer).await.unwrap();
                    return;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
    });
    let reply = city.call(Request::apply("b")).await;
    quick.await.unwrap();
    assert_eq!(body(&reply), &json!({"case_no": "C-2"}));

    // News, one of which nobody can read.
    for columns in [
        &[
            ("AJH", "C-1"),
            ("ZT", "受理"),
            ("SJ", "2026-04-08T10:00:00+08:00"),
            ("SIGN", "0"),
        ][..],
        &[("ZT", "完成"), ("SIGN", "0")],
        &[
            ("AJH", "C-1"),
            ("ZT", "完成"),
            ("SJ", "2026-04-08T11:00:00+08:00"),
            ("SIGN", "0"),
        ],
    ] {
        agency.rows(&file, &insert("T_ZT", columns)).await.unwrap();
    }
    for _ in 0..2 {
        jobs.hear_now().await;
        let noted = city.store.cases().get("demo/front", CASE).await.unwrap().unwrap();
        assert_eq!(noted.state.as_deref(), Some("完成"));
        let rows = agency.rows(&file, &all("T_ZT")).await.unwrap().found.remove(0);
        let flags: Vec<_> = rows.iter().map(|r| r.get("SIGN").unwrap().to_owned()).collect();
        assert_eq!(flags, ["1", "9", "1"]);
    }
    assert_eq!(
        city.store.meta().get("news/demo/front").await.unwrap().as_deref(),
        Some("3")
    );
}
