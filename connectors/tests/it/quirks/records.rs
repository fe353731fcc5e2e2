//! Q31: recorded exchanges.

use crate::city::{self, CATALOG};
use hub_catalog::Catalog;
use hub_connectors::fixture::Fixture;
use std::path::PathBuf;

/// Every fixture in the folders of the reference city is as it was recorded.
#[test]
fn q31_recorded_exchanges_are_replayed() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::load(&root.join("../specs")).unwrap_or_else(|f| panic!("{}", f[0]));
    let (connectors, _) = hub_connectors::load_folder(&root, &catalog);
    let mut wrong = Vec::new();
    let mut played = 0;
    for (system, connector) in &connectors {
        let fixtures = hub_connectors::load_fixtures(&root, system).unwrap_or_else(|f| panic!("{}", f[0]));
        for fixture in fixtures {
            played += 1;
            let differs = fixture.replay(connector, &catalog);
            wrong.extend(differs.into_iter().map(|d| format!("{}: {d}", fixture.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(played >= 9, "only {played} fixtures");
}

fn manual() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/how-to/manifest.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, block) = text.split_once("```yml\n").unwrap();
    block.split_once("```").unwrap().0.to_owned()
}

const MANIFEST: &str = "
system: t/sys
upstream: {dialect: rest-envelope}
answer: {ok: 0}
fails: {\"404\": not-found}
wire: {date: yyyyMMdd, money: yuan}
fields: {hh: account_no, je: amount_fen, rq: due_date}
names: same
operations: {bill-query: POST /bill, \"*\": not-yet}
";

#[test]
fn q31_the_manuals_fixture_plays_and_every_change_is_seen() {
    let connector = city::connector(MANIFEST);
    let play = |text: &str| {
        let fixture = Fixture::parse("manual.yaml", text.as_bytes()).unwrap_or_else(|f| panic!("{f}"));
        fixture.replay(&connector, &CATALOG)
    };
    let good = manual();
    assert_eq!(play(&good), Vec::<String>::new());
    for (from, to) in [
        ("POST /bill", "POST /bills"),
        ("application/json", "text/xml"),
        (r#"'{"hh":"0081"}'"#, r#"'{"hh": "0081"}'"#),
        ("1280.50", "1280.51"),
        ("amount_fen: 128050", "amount_fen: 128051"),
        ("answer: {", "notes: [due_date long-term]\nanswer: {"),
    ] {
        assert!(good.contains(from), "{from}");
        assert!(!play(&good.replace(from, to)).is_empty(), "{to} was not seen");
    }
    let (head, _) = good.split_once("answer:").unwrap();
    let failed = head.replace("\"code\":0", "\"code\":404") + "problem: record-not-found\n";
    assert_eq!(play(&failed.replace("served: true\n", "")), Vec::<String>::new());
    for (from, to) in [
        ("operation:", "operatoin:"),
        ("text:", "hex:"),
        ("status: 200", "status: ok"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Fixture::parse("manual.yaml", good.replace(from, to).as_bytes()).unwrap_err();
        assert_eq!(error.code, "bad-fixture");
    }
}
