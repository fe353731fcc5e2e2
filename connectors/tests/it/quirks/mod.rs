//! The quirks of `docs/how-to/quirks.md`: each example there is compiled, and driven with literal bytes by the test that
//! is named beside it.

mod answers;
mod bytes;
mod paging;
mod records;
mod values;

use crate::city;
use hub_connectors::{Connector, ConnectorError, Note};
use hub_core::{ProblemCode, RawRequest, RawResponse};
use serde_json::{Value, json};
use std::path::PathBuf;

fn page() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/how-to/quirks.md");
    std::fs::read_to_string(path).unwrap()
}

/// Examples in the order of the page.
fn examples() -> Vec<String> {
    let page = page();
    let after = page.split("```yaml\n").skip(1);
    after.map(|rest| rest.split_once("```").unwrap().0.to_owned()).collect()
}

/// The text of an example by its first line.
fn example(name: &str) -> String {
    let first = format!("# {name}\n");
    let found = examples().into_iter().find(|e| e.starts_with(&first));
    found.unwrap_or_else(|| panic!("no example {name}"))
}

/// The example, compiled.
fn connector(name: &str) -> Connector {
    city::connector(&example(name))
}

/// What a system's answer becomes.
fn told(connector: &Connector, key: &str, response: &RawResponse) -> Result<(Value, Vec<Note>), ConnectorError> {
    let (answer, exchange) = city::drive(connector, key, &input(key), None, &mut |_, _| response.clone());
    answer.map(|answer| (answer.body, exchange.notes))
}

/// The same for a JSON body and a read of a bill.
fn bill(connector: &Connector, body: &str) -> Result<Value, ProblemCode> {
    told(connector, "bill-query", &json_answer(body.as_bytes()))
        .map(|(body, _)| body)
        .map_err(|e| e.problem().code)
}

fn json_answer(body: &[u8]) -> RawResponse {
    answer("application/json", body)
}

fn answer(content_type: &str, body: &[u8]) -> RawResponse {
    RawResponse {
        status: 200,
        headers: vec![("Content-Type".into(), content_type.into())],
        body: body.to_vec(),
    }
}

fn input(key: &str) -> Value {
    match key {
        "bill-query" => json!({"account_no": "0081"}),
        "apply" => json!({"full_name": "张三", "id_card_no": "34052419800101001X", "material_list": []}),
        _ => json!({"page": 1, "page_size": 20}),
    }
}

/// The first request of a call.
fn sent(connector: &Connector, key: &str, input: &Value) -> RawRequest {
    let (_, exchange) = city::drive(connector, key, input, None, &mut |_, _| json_answer(b"{}"));
    exchange.requests.into_iter().next().unwrap().1
}

fn flags(notes: &[Note]) -> Vec<(&str, &str)> {
    notes.iter().map(|n| (n.field.as_str(), n.kind)).collect()
}

#[test]
fn every_quirk_has_its_place_and_its_examples_compile() {
    let page = page();
    for number in 1..=32 {
        let named = format!("Q{number}.");
        let listed = format!("Q{number},");
        assert!(page.contains(&named) || page.contains(&listed), "{named}");
    }
    let examples = examples();
    assert!(examples.len() >= 20, "{}", examples.len());
    for text in examples {
        if text.starts_with("# q") {
            city::connector(&text);
            continue;
        }
        // A part alone is read, without a contract that would have all it names.
        let upstream = match text.lines().any(|line| line.starts_with("upstream:")) {
            true => "",
            false => "upstream: {dialect: rest-envelope}\n",
        };
        let text = format!("system: t/sys\n{upstream}{text}");
        let document =
            hub_catalog::Document::parse("quirks", text.as_bytes()).unwrap_or_else(|f| panic!("{f}\n{text}"));
        let read = hub_connectors::manifest::read(&document, hub_connectors::Origin::Operator);
        assert!(read.is_ok(), "{:?}\n{text}", read.err());
    }
}

#[test]
fn every_test_that_the_page_names_here_exists() {
    let page = page();
    let here = [
        include_str!("answers.rs"),
        include_str!("bytes.rs"),
        include_str!("paging.rs"),
        include_str!("records.rs"),
        include_str!("values.rs"),
        include_str!("../../../../hub/outbound/tests/it/tls.rs"),
        include_str!("../../../../hub/outbound/tests/it/main.rs"),
    ]
    .concat();
    let names: Vec<&str> = page
        .split('`')
        .filter(|w| {
            w.len() > 6 && w.starts_with('q') && w[1..3].bytes().all(|b| b.is_ascii_digit()) && w[3..].starts_with('_')
        })
        .filter(|w| w.is_ascii())
        .collect();
    assert!(names.len() >= 16, "{names:?}");
    for name in names {
        assert!(here.contains(&format!("fn {name}(")), "no test {name}");
    }
}
