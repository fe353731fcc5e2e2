//! Proposals: from a source and a contract to a manifest that works, or says what is left to do.

use hub_catalog::{Catalog, Document};
use hub_connectors::propose::{Proposal, ProposeError, propose};
use hub_connectors::trial::Trial;
use hub_connectors::{Connector, Origin};
use hub_core::{Lang, SystemId};
use std::path::PathBuf;
use std::sync::LazyLock;

/// A small contract with the usual kinds of fields; beside it lie sources of its upstream.
static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let specs = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sources/specs");
    Catalog::load(&specs)
        .unwrap_or_else(|f| panic!("{}", f.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))
});

fn proposed(name: &str, source: &[u8]) -> Proposal {
    propose(name, source, &SystemId::new("w", "cis"), &CATALOG, Lang::En).unwrap_or_else(|e| panic!("{e}"))
}

/// It compiles, and every example of the contract goes through both halves of it.
fn works(proposal: &Proposal) {
    assert!(
        proposal.findings.is_empty(),
        "{:#?}\n{}",
        proposal.findings,
        proposal.manifest
    );
    let document = Document::parse("connector.yaml", proposal.manifest.as_bytes()).unwrap();
    let connector = Connector::compile(&document, &CATALOG, Origin::Operator)
        .unwrap()
        .connector;
    let trial = Trial {
        now: "2026-04-08T02:15:30Z".parse().unwrap(),
        random: 7,
        rsa: Default::default(),
    };
    for operation in CATALOG.operations() {
        for example in &operation.examples {
            let result = trial.both_ways(&connector, &CATALOG, operation, example).unwrap();
            assert_eq!(result, Ok(()), "{}\n{}", operation.id, proposal.manifest);
        }
    }
}

fn row<'p>(proposal: &'p Proposal, upstream: &str) -> (&'p [String], u8) {
    let row = proposal.rows.iter().find(|r| r.upstream == upstream);
    let row = row.unwrap_or_else(|| panic!("no row {upstream}\n{}", proposal.manifest));
    (&row.canonical, row.confidence)
}

const WSDL: &str = include_str!("../sources/water.wsdl");

#[test]
fn a_wsdl_with_pinyin_names_becomes_a_manifest_that_works() {
    let proposal = proposed("water.wsdl", WSDL.as_bytes());
    assert_eq!((proposal.source, proposal.dialect), ("wsdl", "soap"));
    works(&proposal);
    let text = &proposal.manifest;
    for part in [
        "upstream: {dialect: soap, path: /ws/Water}",
        "namespace: \"http://water.example/ws\"",
        "action: \"http://water.example/ws/{call}\"",
        "output: \"{call}Result\"",
        "code: /code, ok: \"0\", message: /msg, data: /data",
        "bill-query: QueryWaterBill",
        "case-status-codes: {\"1\": accepted, \"2\": in_review, \"3\": approved}",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    assert_eq!(row(&proposal, "sfzhm").0, ["id_card_no"]);
    assert!(row(&proposal, "xm").1 >= 75 && row(&proposal, "ssny").1 >= 90, "{text}");
    // The sequence of ReportRepair wants the mobile number first, the rows know the account first.
    assert!(text.contains("order: [sjhm, hh, xm, sfzhm]"), "{text}");
    assert_eq!(
        proposal.manifest,
        proposed("water.wsdl", WSDL.as_bytes()).manifest,
        "the same input, the same text"
    );
}

#[test]
fn a_swagger_document_becomes_a_manifest_that_works() {
    let swagger = include_str!("../sources/water.swagger.yaml");
    let proposal = proposed("water.yaml", swagger.as_bytes());
    assert_eq!((proposal.source, proposal.dialect), ("openapi", "rest-envelope"));
    works(&proposal);
    let text = &proposal.manifest;
    for part in [
        "auth: {header: X-Key, value: secret:key}",
        "ok: \"0000\"",
        "bill-query: POST /api/waterBill/query",
        "date: yyyyMMdd",
        "datetime: \"yyyy-MM-dd HH:mm:ss\"",
        "month: yyyyMM",
        "money: yuan-number",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

/// Two calls of a gateway, as a proxy wrote them down. Keys and persons are invented.
const RECORDED: &str = include_str!("../sources/gateway.http");

#[test]
fn recorded_calls_of_a_gateway_become_a_manifest_that_works() {
    let proposal = proposed("recorded.http", RECORDED.as_bytes());
    assert_eq!((proposal.source, proposal.dialect), ("exchange", "signed-gateway"));
    works(&proposal);
    let text = &proposal.manifest;
    for part in [
        "upstream: {dialect: signed-gateway, path: /gateway}",
        "frame: {code: method, body: bizContent, as: json}",
        "appId: secret:app-id",
        "timestamp: $now yyyyMMddHHmmss",
        "nonce: $nonce 10",
        "version: \"1.0\"",
        "# sign: {cover: sorted, key: \"suffix &key=\", digest: md5, case: upper, into: sign, secret: secret:key}",
        "code: /resultCode, ok: \"0000\", message: /resultMsg, data: /data",
        "bill-query: sf.zdcx",
        "money: yuan",
        "{\"YSL\": accepted}",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    // Its name says little, its valid check digit says it.
    assert_eq!(row(&proposal, "zjh").0, ["id_card_no"]);
    for value in [
        "A-77-SECRET",
        "王建国",
        "11010519491231002X",
        "15400000022",
        "9E107D9D",
        "0081",
    ] {
        assert!(!text.contains(value), "{value} is repeated in\n{text}");
    }
}

#[test]
fn a_har_of_gbk_forms_becomes_a_manifest_that_works() {
    // 王建国 and 水费 in GBK, Base64 of the whole body, as browsers keep what they cannot show.
    let body = |bytes: &[u8]| hub_crypto::base64(bytes);
    let bill = [
        b"{\"state\":\"ok\",\"info\":\"\",\"data\":{\"hh\":\"0081\",\"xm\":\"".as_slice(),
        &[0xCD, 0xF5, 0xBD, 0xA8, 0xB9, 0xFA],
        b"\",\"zdje\":\"128.50\",\"dqrq\":\"2026/04/30\",\"fymx\":[{\"fyxm\":\"",
        &[0xCB, 0xAE, 0xB7, 0xD1],
        b"\",\"zdje\":\"128.50\"}]}}",
    ]
    .concat();
    let repair = b"{\"state\":\"ok\",\"info\":\"\",\"data\":{\"slbh\":\"S1\",\"bjzt\":\"accepted\",\"tjsj\":\"2026-04-08 10:16:31\"}}";
    let entry = |path: &str, posted: &str, answer: &[u8]| {
        serde_json::json!({
            "request": {"method": "POST", "url": format!("http://w.example{path}"), "headers": [{"name": "Cookie", "value": "JSESSIONID=1"}],
                        "postData": {"mimeType": "application/x-www-form-urlencoded", "text": posted}},
            "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json", "encoding": "base64", "text": body(answer)}},
        })
    };
    let har = serde_json::json!({"log": {"version": "1.2", "entries": [
        {"request": {"method": "GET", "url": "http://w.example/a.css", "headers": []}, "response": {"status": 200, "content": {"mimeType": "text/css"}}},
        entry("/yw/sfzdcx.do", "hh=0081&ssny=2026-03", &bill),
        entry("/yw/bxsq.do", "hh=0081&sjhm=15400000022&xm=%CD%F5%BD%A8%B9%FA&sfzh=11010519491231002X", repair),
    ]}});
    let proposal = proposed("w.har", har.to_string().as_bytes());
    assert_eq!((proposal.source, proposal.dialect), ("har", "form-gbk"));
    works(&proposal);
    let text = &proposal.manifest;
    for part in [
        "code: /state, ok: ok, message: /info, data: /data",
        "bill-query: POST /yw/sfzdcx.do",
        "repair-report: POST /yw/bxsq.do",
        "date: yyyy/MM/dd",
        "# session: {login: POST /login, keep: cookie JSESSIONID, lost: [401, html]}",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn what_is_doubtful_is_a_comment_and_what_is_missing_a_finding() {
    let swagger = r##"{"openapi": "3.0.0", "paths": {"/bills": {"post": {"operationId": "waterBill", "requestBody": {"content": {"application/json": {"schema":
        {"type": "object", "properties": {"q1": {"type": "string"}, "ny": {"type": "string"}}}}}},
        "responses": {"200": {"content": {"application/json": {"schema": {"type": "object", "properties": {"zdje": {"type": "number"}, "dqrq": {"type": "string"}}}}}}}}}}}"##;
    let proposal = proposed("x.json", swagger.as_bytes());
    let text = &proposal.manifest;
    assert!(!proposal.findings.is_empty(), "{text}");
    assert!(text.contains("repair-report: not-yet"), "{text}");
    assert!(proposal.rows.iter().any(|r| !r.taken), "{text}");
    assert!(
        text.lines()
            .any(|l| l.trim_start().starts_with("# q1:") || l.trim_start().starts_with("# ny:")),
        "{text}"
    );
    // Whatever is left to do, the text is a manifest that can be read.
    assert!(Document::parse("connector.yaml", text.as_bytes()).is_ok());
}

#[test]
fn what_cannot_be_read_is_refused_in_words() {
    let system = SystemId::new("w", "cis");
    let error = |name: &str, bytes: &[u8]| propose(name, bytes, &system, &CATALOG, Lang::Zh).unwrap_err();
    assert!(matches!(error("x.txt", b"hello"), ProposeError::Unreadable(_)));
    assert!(matches!(error("x.xml", b"<a><b></a>"), ProposeError::Unreadable(_)));
    assert!(matches!(error("x.json", b"{}"), ProposeError::Unreadable(_)));
    assert!(matches!(
        error("x.json", b"{\"openapi\":\"3.0.0\",\"paths\":{}}"),
        ProposeError::Nothing(_)
    ));
    assert!(matches!(
        error("x.har", b"{\"log\":{\"entries\":[]}}"),
        ProposeError::Nothing(_)
    ));
    let bomb = b"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>";
    assert!(matches!(error("x.wsdl", bomb), ProposeError::Unreadable(_)));
    let nobody = SystemId::new("w", "nobody");
    assert!(matches!(
        propose("x", b"", &nobody, &CATALOG, Lang::En),
        Err(ProposeError::UnknownSystem(_))
    ));
    let recursive = WSDL.replace(
        "<xs:complexType name=\"Bill\"><xs:sequence>",
        "<xs:complexType name=\"Bill\"><xs:sequence><xs:element name=\"vorige\" type=\"tns:Bill\" minOccurs=\"0\"/>",
    );
    assert!(
        propose("x.wsdl", recursive.as_bytes(), &system, &CATALOG, Lang::En).is_ok(),
        "a recursive type ends somewhere"
    );
}

/// Descriptions that others wrote, where they are at hand: none may fail in any way but a refusal in words.
#[test]
fn descriptions_of_others_are_read() {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus/dev/specs");
    let folder = std::env::var_os("HUB_CORPUS").map_or(beside, PathBuf::from);
    if !folder.is_dir() {
        println!(
            "SKIPPED: {} is not there; HUB_CORPUS names another folder",
            folder.display()
        );
        return;
    }
    let mut stack = vec![folder];
    let (mut wsdl, mut openapi, mut refused) = (0, 0, Vec::new());
    while let Some(dir) = stack.pop() {
        for path in std::fs::read_dir(dir).unwrap().flatten().map(|e| e.path()) {
            let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_owned();
            if path.is_dir() {
                stack.push(path);
            } else if ["wsdl", "json", "yaml", "yml"].contains(&ending.as_str()) {
                let bytes = std::fs::read(&path).unwrap();
                if bytes.len() > 120_000 {
                    continue;
                }
                let name = path.display().to_string();
                match propose(&name, &bytes, &SystemId::new("w", "cis"), &CATALOG, Lang::En) {
                    Ok(p) if p.source == "wsdl" => wsdl += 1,
                    Ok(_) => openapi += 1,
                    Err(error) => refused.push(format!("{name}: {error}")),
                }
            }
        }
    }
    println!(
        "{wsdl} WSDL and {openapi} OpenAPI documents read, {} refused\n{}",
        refused.len(),
        refused.join("\n")
    );
    assert!(wsdl + openapi > 0);
}

/// The guide shows a real proposal: this one.
#[test]
fn generated_proposal_of_the_guide_is_current() {
    const MARKS: (&str, &str) = ("<!-- proposal -->\n```yaml\n", "```\n<!-- /proposal -->");
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/how-to/import.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(MARKS.0).unwrap();
    let (shown, after) = rest.split_once(MARKS.1).unwrap();
    let proposal = proposed("water.wsdl", WSDL.as_bytes()).manifest;
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, format!("{before}{}{proposal}{}{after}", MARKS.0, MARKS.1)).unwrap();
        return;
    }
    assert_eq!(
        shown,
        proposal,
        "run with UPDATE_GENERATED=1 and commit {}",
        path.display()
    );
}
