//! Q12 to Q16, Q29, Q30: single values and settings.

use super::{bill, connector, example, flags, json_answer, sent, told};
use crate::city;
use hub_core::{ProblemCode, Severity};
use serde_json::{Value, json};

/// A good answer with one member replaced or added, as JSON text.
fn with(member: &str, text: &str) -> String {
    let others = [
        ("account_no", "\"1\""),
        ("amount_fen", "1"),
        ("due_date", "\"2026-04-30\""),
    ];
    let mut members: Vec<String> = others
        .iter()
        .filter(|(name, _)| *name != member)
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    members.push(format!("\"{member}\":{text}"));
    format!("{{\"code\":0,\"data\":{{{}}}}}", members.join(","))
}

#[test]
fn q12_dates_in_eight_shapes() {
    let up = connector("q12");
    for shape in [
        "\"20260408\"",
        "20260408",
        "\"2026-04-08 10:15:30\"",
        "\"2026/4/8\"",
        "1775614530000",
        "\"1775614530000\"",
        "1775614530",
        "\"2026年4月8日\"",
        "\"2026-04-08T02:15:30Z\"",
        "\"２０２６０４０８\"",
    ] {
        assert_eq!(
            bill(&up, &with("due_date", shape)).unwrap()["due_date"],
            "2026-04-08",
            "{shape}"
        );
    }
    for shape in [
        "\"长期\"",
        "\"99991231\"",
        "99991231",
        "\"永久有效\"",
        "\"9999-12-31 00:00:00\"",
    ] {
        let (body, notes) = told(&up, "bill-query", &json_answer(with("due_date", shape).as_bytes())).unwrap();
        assert_eq!(body["due_date"], "9999-12-31", "{shape}");
        assert_eq!(flags(&notes), [("due_date", "long-term")], "{shape}");
    }
    // No date at all: the contract decides that one is needed, not the connector.
    for shape in ["\"0001-01-01\"", "\"00000000\"", "\"\"", "null"] {
        assert_eq!(
            bill(&up, &with("due_date", shape)).unwrap().get("due_date"),
            None,
            "{shape}"
        );
    }
    for shape in ["\"20260431\"", "\"下周\"", "true", "{\"y\":2026}", "17756145300001"] {
        assert_eq!(
            bill(&up, &with("due_date", shape)).unwrap_err(),
            ProblemCode::UpstreamContract,
            "{shape}"
        );
    }
    let request = sent(
        &up,
        "bill-query",
        &json!({"account_no": "1", "period_month": "2026-03"}),
    );
    assert_eq!(request.body, br#"{"account_no":"1","period_month":"202603"}"#);
}

#[test]
fn q13_money_is_exact_or_refused() {
    let up = connector("q13");
    for shape in [
        "\"1,280.50\"",
        "\"1280.5\"",
        "1280.5",
        "1280.50",
        "\"１２８０．５\"",
        "\"¥1,280.50\"",
        "\"1280.50元\"",
        "1.2805e3",
        "\"1280.5000\"",
    ] {
        assert_eq!(
            bill(&up, &with("amount_fen", shape)).unwrap()["amount_fen"],
            128_050,
            "{shape}"
        );
    }
    for (shape, fen) in [
        ("\"0.1\"", 10),
        ("0.29", 29),
        ("\"-0.05\"", -5),
        ("\"92233720368547758.07\"", i64::MAX),
    ] {
        assert_eq!(
            bill(&up, &with("amount_fen", shape)).unwrap()["amount_fen"],
            fen,
            "{shape}"
        );
    }
    for shape in [
        "1280.505",
        "\"1280.001\"",
        "0.30000000000000004",
        "\"12,80\"",
        "\"壹佰\"",
        "\"1280.5.0\"",
        "true",
        "[1]",
        "\"92233720368547758.08\"",
        "1e300",
    ] {
        assert_eq!(
            bill(&up, &with("amount_fen", shape)).unwrap_err(),
            ProblemCode::UpstreamContract,
            "{shape}"
        );
    }
    // Fen stay fen, and are not yuan.
    let fen = city::connector(&example("q13").replace("money: yuan", "money: fen"));
    assert_eq!(
        bill(&fen, &with("amount_fen", "128050")).unwrap()["amount_fen"],
        128_050
    );
    assert!(bill(&fen, &with("amount_fen", "\"1280.50\"")).is_err());
}

#[test]
fn q14_a_truth_table_a_field() {
    let up = connector("q14");
    let tables = [
        (
            "bool 01,1,是/02,0,否",
            &["\"01\"", "1", "\"1\"", "\"是\"", "true"][..],
            &["\"02\"", "0", "\"否\"", "false"][..],
        ),
        ("bool Y,y/N,n", &["\"Y\"", "\"y\""], &["\"N\"", "\"n\""]),
        ("bool 是/否", &["\"是\""], &["\"否\""]),
        ("bool true/false", &["\"true\"", "true"], &["\"false\"", "false"]),
        ("bool 1/0 number", &["1", "\"1\"", "\"１\""], &["0", "\"0\""]),
    ];
    for (table, yes, no) in tables {
        let up = city::connector(&example("q14").replace("bool 01,1,是/02,0,否", table));
        for (words, truth) in [(yes, true), (no, false)] {
            for word in words {
                assert_eq!(
                    bill(&up, &with("sfjf", word)).unwrap()["is_paid"],
                    truth,
                    "{table} {word}"
                );
            }
        }
    }
    for word in ["\"03\"", "2", "\"yes\"", "[true]"] {
        assert_eq!(
            bill(&up, &with("sfjf", word)).unwrap_err(),
            ProblemCode::UpstreamContract,
            "{word}"
        );
    }
    assert_eq!(bill(&up, &with("sfjf", "\"\"")).unwrap().get("is_paid"), None);
}

#[test]
fn q15_versions_and_unknown_codes() {
    let up = connector("q15");
    let apply = |code: &str| {
        let body = format!(r#"{{"code":0,"data":{{"slh":"9","zt":{code}}}}}"#);
        told(&up, "apply", &json_answer(body.as_bytes())).unwrap()
    };
    // The call is of 2026-04-08: the version of 1 April is in force, those before and after are not.
    assert_eq!(apply("\"4\"").0["case_status"], "in_review");
    assert_eq!(apply("5").0["case_status"], "rejected");
    assert_eq!(apply("\"1\"").0["case_status"], "accepted");
    let (body, notes) = apply("\"77\"");
    assert_eq!(body["case_status"], "77", "the raw code is kept");
    assert_eq!(flags(&notes), [("case_status", "unknown-code")]);
    // Another operation, another list.
    let rows =
        json_answer(r#"{"code":0,"data":{"rows":[{"slh":"1","zt":"B"},{"slh":"2","zt":"4"}],"total":2}}"#.as_bytes());
    let (body, notes) = told(&up, "case-list", &rows).unwrap();
    assert_eq!(body["items"][0]["case_status"], "rejected");
    assert_eq!(body["items"][1]["case_status"], "4");
    assert_eq!(flags(&notes), [("case_status", "unknown-code")]);

    let bad = example("q15").replace("state from 2026-04-01", "state from April");
    let findings = city::compile(&bad).unwrap_err();
    assert_eq!(findings[0].code, "bad-value");
    assert_eq!(findings[0].line, 7);
}

#[test]
fn q15_both_halves_speak_the_version_of_the_day() {
    let up = connector("q15");
    let output = json!({"acceptance_no": "9", "case_status": "in_review"});
    let (_, exchange) = city::through(&up, "apply", &super::input("apply"), Ok(output));
    let written: Value = serde_json::from_slice(&exchange.responses[0].body).unwrap();
    assert_eq!(written["data"]["zt"], "4");
}

#[test]
fn q16_id_numbers_old_masked_and_hashed() {
    let up = connector("q16");
    let read = |text: &str| told(&up, "bill-query", &json_answer(with("sfzh", text).as_bytes()));
    // 430105196001011233: century 19 put in, check character by GB 11643-1999 worked out by hand.
    for (written, expected) in [
        ("\"430105600101123\"", "430105196001011233"),
        ("430105600101123", "430105196001011233"),
        ("\"34052419800101001x\"", "34052419800101001X"),
        ("\"３４０５２４１９８００１０１００１Ｘ\"", "34052419800101001X"),
    ] {
        let (body, notes) = read(written).unwrap();
        assert_eq!(body["account_no"], expected, "{written}");
        assert!(notes.is_empty());
    }
    for (written, kept) in [
        ("\"430***********123X\"", "430***********123X"),
        ("\"430***********123x\"", "430***********123X"),
        ("\"SM3:ab12cd34ef56\"", "SM3:ab12cd34ef56"),
    ] {
        let (body, notes) = read(written).unwrap();
        assert_eq!(body["account_no"], kept, "{written}");
        assert_eq!(flags(&notes), [("account_no", "masked-id")], "{written}");
    }
    for wrong in [
        "\"340524198001010011\"",
        "\"4301056001011\"",
        "\"SM3:xyz\"",
        "\"4301051960010112zz\"",
    ] {
        assert_eq!(
            read(wrong).unwrap_err().problem().code,
            ProblemCode::UpstreamContract,
            "{wrong}"
        );
    }
    let request = sent(&up, "bill-query", &json!({"account_no": "34052419800101001X"}));
    assert_eq!(request.body, br#"{"sfzh":"34052419800101001x"}"#);
}

#[test]
fn q29_long_numbers_keep_their_digits() {
    let up = connector("q29");
    for (written, expected) in [
        ("1775614530000123456", "1775614530000123456"),
        ("\"000123\"", "000123"),
        ("98765432109876543210", "98765432109876543210"),
        ("12.50", "12.50"),
    ] {
        assert_eq!(
            bill(&up, &with("account_no", written)).unwrap()["account_no"],
            expected,
            "{written}"
        );
    }
    for (written, expected) in [
        ("\"0012\"", "12"),
        ("12.00", "12"),
        ("9007199254740993", "9007199254740993"),
    ] {
        let body = bill(&up, &with("amount_fen", written)).unwrap();
        assert_eq!(body["amount_fen"].to_string(), expected, "{written}");
    }
    assert_eq!(
        bill(&up, &with("usage_qty", "0.1000000000000000055")).unwrap()["usage_qty"].to_string(),
        "0.1000000000000000055"
    );
    for wrong in ["12.5", "\"12a\"", "\"--1\""] {
        assert_eq!(
            bill(&up, &with("amount_fen", wrong)).unwrap_err(),
            ProblemCode::UpstreamContract,
            "{wrong}"
        );
    }
    let texts = city::connector(&example("q29").replace("answer:", "wire: {number: text}\nanswer:"));
    let (_, exchange) = city::through(
        &texts,
        "bill-query",
        &json!({"account_no": "1"}),
        Ok(json!({"account_no": "1", "amount_fen": 3, "due_date": "2026-04-30", "usage_qty": 2.5})),
    );
    let written: Value = serde_json::from_slice(&exchange.responses[0].body).unwrap();
    assert_eq!(written["data"]["usage_qty"], "2.5");
}

#[test]
fn q30_a_pin_is_read_and_noted() {
    let manifest = example("q30");
    let compiled = city::compile(&manifest).unwrap();
    let tls = compiled.connector.settings().tls.clone().unwrap();
    // SHA-256 of the text `test`, as every tool prints it.
    assert_eq!(tls.pins.len(), 1);
    assert_eq!(tls.pins[0][..4], [0x9f, 0x86, 0xd0, 0x81]);
    assert!(tls.only_13);
    assert_eq!(tls.until.unwrap().to_string(), "2027-03-31");
    let note = compiled.notes.iter().find(|n| n.code == "tls-of-its-own").unwrap();
    assert_eq!(note.severity, Severity::Note);
    assert!(note.message.en.contains("2027-03-31") && note.message.zh.contains("自签名证书"));

    let with_colons = manifest.replace("9F86D081", "sha256:9F:86:D0:81");
    assert_eq!(
        city::connector(&with_colons).settings().tls.as_ref().unwrap().pins,
        tls.pins
    );
    for (from, to, code) in [
        ("0F00A08", "0F00A", "bad-value"),
        (", until: 2027-03-31", "", "missing-key"),
        ("2027-03-31", "next-year", "bad-value"),
        (", why: 自签名证书，等待更换", "", "missing-key"),
        ("\"1.3\"", "\"1.0\"", "unknown-word"),
        ("min:", "insecure: true, min:", "unknown-key"),
    ] {
        assert!(manifest.contains(from), "{from}");
        let findings = city::compile(&manifest.replace(from, to)).unwrap_err();
        assert!(findings.iter().any(|f| f.code == code), "{to}: {findings:#?}");
    }
}
