//! The manual's examples: every part is read, every whole manifest runs through both halves.

use crate::city::{agree, connector, through};
use hub_catalog::Document;
use hub_connectors::{Origin, manifest};
use hub_core::ProblemCode;
use serde_json::{Value, json};
use std::path::PathBuf;

fn blocks() -> Vec<String> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/how-to/manifest.md");
    let text = std::fs::read_to_string(path).unwrap();
    let mut blocks = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once("```yaml\n") {
        let (block, after) = after.split_once("```").unwrap();
        blocks.push(block.to_owned());
        rest = after;
    }
    assert!(blocks.len() > 30);
    blocks
}

#[test]
fn every_example_is_read() {
    for block in blocks() {
        let mut text = block.clone();
        if !text.contains("system:") {
            text.push_str("system: t/sys\n");
        }
        if !text.contains("upstream:") {
            text.push_str("upstream: {dialect: rest-envelope}\n");
        }
        let document = Document::parse("manual", text.as_bytes()).unwrap_or_else(|f| panic!("{f}\n{block}"));
        if let Err(findings) = manifest::read(&document, Origin::Operator) {
            panic!("{}\n{block}", findings[0]);
        }
        let sign = document.value.get("sign").map(hub_connectors::sign::Recipe::parse);
        assert!(sign.is_none_or(|s| s.is_ok()), "{block}");
    }
}

#[test]
fn every_whole_manifest_runs_both_ways() {
    let whole: Vec<String> = blocks().into_iter().filter(|b| b.starts_with("# ")).collect();
    assert_eq!(whole.len(), 15);
    for manifest in whole {
        let connector = connector(&manifest);
        let input = json!({"account_no": "0081", "period_month": "2026-03"});
        let output: Value = json!({"account_no": "0081", "amount_fen": 128_050, "due_date": "2026-04-30"});
        agree(&connector, "bill-query", &input, &output);
        let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::RecordNotFound));
        assert!(answer.unwrap_err().is_not_found(), "{manifest}");
        let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::BusinessRejected));
        let problem = answer.unwrap_err().problem();
        assert_eq!(problem.code, ProblemCode::BusinessRejected, "{manifest}");
        assert_eq!(problem.detail.unwrap().zh, "欠费", "{manifest}");
    }
}
