//! What travels otherwise than by HTTP (Q24, Q25), and pages of the upstream's own (Q26): against rows and bytes that were
//! written by hand, then through both halves.

use crate::city::{Exchange, agree, carry, connector, now, secrets, through};
use hub_connectors::{Connector, ConnectorError, Failure, News, ServerContext};
use hub_core::transport::{
    FileAnswer, FileFound, FileLogin, FileLook, FileWrite, SqlAnswer, SqlInsert, SqlRequest, SqlRow, SqlSelect,
    SqlTest, SqlUpdate, SqlWhere,
};
use hub_core::{Outgoing, ProblemCode, RawResponse, Returned};
use serde_json::{Value, json};

const FRONT_DB: &str = r#"
system: t/sys
upstream: {dialect: front-db}
auth: {basic: [secret:user, secret:password]}
exchange: {key: LSH, flag: SIGN, new: "0", taken: "1", dead: "9", answers: "{call}_FK", lists: {CL: T_SQ_CL}, order: XH}
news: {from: T_ZT, order: ID, case: YWLSH, state: ZT, time: BJSJ}
answer: {code: JG, ok: "1", message: SM}
fails: {"2": not-found, "3": rejected}
wire: {date: yyyyMMdd, datetime: yyyy-MM-dd HH:mm:ss, month: yyyyMM, money: yuan, bool: 是/否, number: text}
send: {PCH: $now yyyyMMdd, CZBZ: I, CJSJ: $now}
codes: {state: {"01": accepted, "03": in_review, "04": approved, "09": rejected}}
fields:
  XM: full_name
  SFZH: id_card_no
  CL[]: {material_list: {MC: name, WJ: file}}
  YWLSH: acceptance_no
  ZT: case_status | state
  BJSJ: done_at
  HH: account_no
  JE: amount_fen
  RQ: due_date
  NY: period_month
  YJ: is_paid
  YL: usage_qty
  MX[]: {item_list: {MC: item_name, JE: amount_fen, RQ: due_date}}
operations: {apply: T_SQ, bill-query: T_ZD, "*": not-yet}
"#;

fn row(columns: &[(&str, &str)]) -> SqlRow {
    columns.iter().map(|(n, v)| (*n, Some((*v).to_owned()))).collect()
}

fn by_number(table: &str, order: Option<&str>, most: u32) -> SqlSelect {
    SqlSelect {
        table: table.into(),
        wheres: vec![SqlWhere::is("LSH", "sub-1")],
        order: order.map(str::to_owned),
        most,
    }
}

fn application() -> Value {
    json!({"full_name": "张三", "id_card_no": "430105199003071230",
           "material_list": [{"name": "身份证", "file": "f1"}, {"name": "户口簿", "file": "f2"}]})
}

#[test]
fn q24_a_request_is_a_row_and_its_answer_another() {
    let mut sent = None;
    let found = row(&[
        // As a database gives them that folds names.
        ("lsh", "sub-1"),
        ("jg", "1"),
        ("sm", "已接收"),
        ("ywlsh", "4301-0007"),
        ("zt", "01"),
        ("bjsj", "2026-04-08 10:15:30"),
        ("sign", "0"),
    ]);
    let (answer, _) = carry(
        &connector(FRONT_DB),
        "apply",
        &application(),
        None,
        &mut |outgoing, _| {
            sent = Some(outgoing.clone());
            Returned::Sql(SqlAnswer {
                found: vec![vec![found.clone()]],
            })
        },
    );
    assert_eq!(
        answer.unwrap().body,
        json!({"acceptance_no": "4301-0007", "case_status": "accepted", "done_at": "2026-04-08T10:15:30+08:00"})
    );
    let item = |number: &str, name: &str, file: &str| SqlInsert {
        table: "T_SQ_CL".into(),
        row: row(&[("LSH", "sub-1"), ("XH", number), ("MC", name), ("WJ", file)]),
    };
    let request = SqlRequest {
        login: Some(("user-value".into(), "password-value".into())),
        unless: Some(by_number("T_SQ", None, 1)),
        inserts: vec![
            item("1", "身份证", "f1"),
            item("2", "户口簿", "f2"),
            SqlInsert {
                table: "T_SQ".into(),
                row: row(&[
                    ("LSH", "sub-1"),
                    ("PCH", "20260408"),
                    ("CZBZ", "I"),
                    ("CJSJ", "2026-04-08 10:15:30"),
                    ("XM", "张三"),
                    ("SFZH", "430105199003071230"),
                    ("SIGN", "0"),
                ]),
            },
        ],
        awaited: Some(by_number("T_SQ_FK", None, 1)),
        every_ms: 200,
        reads: Vec::new(),
        updates: vec![SqlUpdate {
            table: "T_SQ_FK".into(),
            set: row(&[("SIGN", "1")]),
            wheres: vec![SqlWhere::is("LSH", "sub-1")],
        }],
    };
    assert_eq!(sent, Some(Outgoing::Sql(request)));
}

#[test]
fn q24_both_halves_agree_and_failures_stay_failures() {
    let connector = connector(FRONT_DB);
    let exchange = agree(
        &connector,
        "apply",
        &application(),
        &json!({"acceptance_no": "1", "case_status": "in_review"}),
    );
    assert!(matches!(exchange.sent.as_slice(), [Outgoing::Sql(_)]));
    let (input, output) = crate::city::bill();
    agree(&connector, "bill-query", &input, &output);
    let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::RecordNotFound));
    assert!(answer.unwrap_err().is_not_found());
    let (answer, _) = through(&connector, "bill-query", &input, Err(ProblemCode::BusinessRejected));
    assert_eq!(answer.unwrap_err().problem().code, ProblemCode::BusinessRejected);
}

#[test]
fn q24_operations_on_one_table_differ_by_their_flag() {
    let manifest = FRONT_DB.replace(
        "{apply: T_SQ, bill-query: T_ZD, \"*\": not-yet}",
        "{apply: T_X, bill-query: {call: T_X, send: {CZBZ: D}}, \"*\": not-yet}",
    );
    let connector = connector(&manifest);
    let (input, output) = crate::city::bill();
    let exchange = agree(&connector, "bill-query", &input, &output);
    let Some(Outgoing::Sql(request)) = exchange.sent.first() else {
        panic!()
    };
    assert_eq!(request.inserts[0].row.get("CZBZ"), Some("D"));
    agree(
        &connector,
        "apply",
        &application(),
        &json!({"acceptance_no": "1", "case_status": "accepted"}),
    );
}

fn heard(connector: &Connector, returned: &Returned, after: Option<&str>) -> News {
    let secrets = secrets();
    let context = ServerContext {
        now: now(),
        secrets: &secrets,
    };
    connector.read_news(returned, after, &context)
}

fn asked(connector: &Connector, after: Option<&str>) -> Outgoing {
    let secrets = secrets();
    let context = ServerContext {
        now: now(),
        secrets: &secrets,
    };
    connector.ask_news(after, &context).unwrap()
}

fn news_rows() -> Returned {
    let good = row(&[
        ("id", "7"),
        ("ywlsh", "4301-0007"),
        ("zt", "04"),
        ("bjsj", "2026-04-09 09:00:00"),
        ("sign", "0"),
    ]);
    let nameless = row(&[("id", "8"), ("zt", "04"), ("sign", "0")]);
    let unreadable = row(&[("id", "9"), ("ywlsh", "4301-0009"), ("bjsj", "下周三"), ("sign", "0")]);
    Returned::Sql(SqlAnswer {
        found: vec![vec![good, nameless, unreadable]],
    })
}

#[test]
fn q24_news_are_read_marked_and_dead_letters_set_aside() {
    let connector = connector(FRONT_DB);
    let Outgoing::Sql(request) = asked(&connector, Some("6")) else {
        panic!()
    };
    assert_eq!(request.reads[0].table, "T_ZT");
    assert_eq!(request.reads[0].wheres, [SqlWhere::is("SIGN", "0")]);
    assert_eq!(request.reads[0].order.as_deref(), Some("ID"));
    let news = heard(&connector, &news_rows(), Some("6"));
    assert_eq!(news.events.len(), 1);
    let event = &news.events[0];
    assert_eq!(event.case, ("acceptance_no".into(), "4301-0007".into()));
    assert_eq!(event.state, Some(("case_status".into(), json!("approved"))));
    assert_eq!(event.at.as_deref(), Some("2026-04-09T09:00:00+08:00"));
    let dead: Vec<&str> = news.dead.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(dead, ["8", "9"]);
    let Some(Outgoing::Sql(marks)) = &news.marks else {
        panic!()
    };
    let marked: Vec<_> = marks
        .updates
        .iter()
        .map(|u| (u.wheres[0].value.as_str(), u.set.get("SIGN").unwrap()))
        .collect();
    assert_eq!(marked, [("7", "1"), ("8", "9"), ("9", "9")]);
    assert_eq!(news.after.as_deref(), Some("9"));
}

#[test]
fn q24_where_the_hub_may_not_write_the_place_alone_counts() {
    let manifest = FRONT_DB.replace("from: T_ZT, order: ID,", "from: T_ZT, order: ID, flagged: false,");
    let connector = connector(&manifest);
    let Outgoing::Sql(request) = asked(&connector, Some("6")) else {
        panic!()
    };
    let condition = &request.reads[0].wheres[0];
    assert_eq!(
        (condition.column.as_str(), condition.test, condition.value.as_str()),
        ("ID", SqlTest::After, "6")
    );
    let news = heard(&connector, &news_rows(), Some("6"));
    assert_eq!((news.marks, news.after.as_deref()), (None, Some("9")));
}

#[test]
fn q24_the_agency_flips_what_nobody_can_read() {
    let connector = connector(FRONT_DB);
    let secrets = secrets();
    let context = ServerContext {
        now: now(),
        secrets: &secrets,
    };
    let nameless = row(&[("PCH", "20260408"), ("SIGN", "0")]);
    let taken = connector.take_row("T_SQ", &nameless, &[], &context, &mut |_, _| panic!("no business"));
    assert!(taken.inserts.is_empty());
    assert_eq!(taken.updates[0].set, row(&[("SIGN", "9")]));
    let tables: Vec<String> = connector.tables().into_iter().map(|t| t.name).collect();
    assert_eq!(tables, ["T_SQ", "T_SQ_CL", "T_SQ_FK", "T_ZD", "T_ZD_FK", "T_ZT"]);
}

const CSV: &str = r#"
system: t/sys
upstream: {dialect: csv-batch, charset: gb18030}
batch: {files: "out/{call}_*.txt", marker: .ok, says: ["{count}"], separator: "|", header: true, trailer: [HJ, "{count}", "{sum JE}"]}
news: {from: "out/ZT_*.txt", case: YWLSH, state: ZT}
wire: {date: yyyyMMdd, month: yyyyMM, money: yuan, number: text}
request: {HH: account_no, NY: period_month}
response: {0/HH: account_no, 0/JE: amount_fen, 0/RQ: due_date, 0/NY: period_month, "[]": {item_list: {MC: item_name, JE: amount_fen}}, YWLSH: acceptance_no, ZT: case_status}
operations: {bill-query: JF, "*": not-yet}
"#;

/// GB18030: 𬭚水费 in four and two bytes a character, 电费.
const DATA: &[u8] = b"HH|NY|JE|RQ|MC\n0081|202603|1,280.50|20260430|\x99\x33\xAA\x34\xCB\xAE\xB7\xD1|\n0082|202603|12.80|20260430|\xB5\xE7\xB7\xD1\nHJ|2|1293.30\n";

fn file(name: &str, bytes: &[u8], marker: &[u8]) -> FileFound {
    FileFound {
        name: name.into(),
        bytes: bytes.to_vec(),
        marker: Some(marker.to_vec()),
    }
}

fn ask_files(files: Vec<FileFound>, account: &str) -> (Result<Value, ConnectorError>, Exchange) {
    let input = json!({"account_no": account, "period_month": "2026-03"});
    let (answer, exchange) = carry(&connector(CSV), "bill-query", &input, None, &mut |_, _| {
        Returned::File(FileAnswer { files: files.clone() })
    });
    (answer.map(|a| a.body), exchange)
}

#[test]
fn q25_a_question_is_answered_from_a_file_that_agrees() {
    let (answer, exchange) = ask_files(vec![file("JF_20260408_001.txt", DATA, b"2\n")], "0081");
    assert_eq!(
        answer.unwrap(),
        json!({"account_no": "0081", "amount_fen": 128_050, "due_date": "2026-04-30", "period_month": "2026-03",
               "item_list": [{"item_name": "𬭚水费", "amount_fen": 128_050}]})
    );
    let Some(Outgoing::File(request)) = exchange.sent.first() else {
        panic!()
    };
    assert_eq!(
        request.look,
        Some(FileLook {
            folder: "out".into(),
            prefix: "JF_".into(),
            suffix: ".txt".into(),
            marker: ".ok".into(),
            most: 3
        })
    );
    assert!(request.writes.is_empty());
    let (answer, _) = ask_files(vec![file("JF_20260408_001.txt", DATA, b"2\n")], "0083");
    assert!(answer.unwrap_err().is_not_found());
}

#[test]
fn q25_a_file_server_is_named_by_its_key_and_by_who_logs_in() {
    let pin = "SHA256:uNiVztksCsDhcc0u9e8BrSRLgyZJpMB/Hb1Jb0yHoVY";
    let ssh = |ssh: &str| CSV.replace("charset: gb18030", &format!("charset: gb18030, {ssh}"));
    let by_key = ssh(&format!("ssh: {{pin: \"{pin}\", key: \"secret:key\"}}"));
    let by_password = ssh(&format!("ssh: {{pin: [\"{pin}\"]}}")) + "auth: {basic: [hub, secret:password]}\n";
    for (manifest, user, password, key) in [
        (by_key.as_str(), None, None, Some("key-value")),
        (by_password.as_str(), Some("hub"), Some("password-value"), None),
    ] {
        let input = json!({"account_no": "0081", "period_month": "2026-03"});
        let connector = connector(manifest);
        let (_, exchange) = carry(&connector, "bill-query", &input, None, &mut |_, _| {
            Returned::File(FileAnswer { files: Vec::new() })
        });
        let Some(Outgoing::File(request)) = exchange.sent.first() else {
            panic!()
        };
        let text = |t: Option<&str>| t.map(str::to_owned);
        let login = FileLogin {
            user: text(user),
            password: text(password),
            key: text(key),
            pins: vec![pin.to_owned()],
        };
        assert_eq!(request.login.as_ref(), Some(&login));
        // News are read with the same login; the secret is one of the system's.
        let secrets = crate::city::secrets();
        let context = ServerContext {
            now: now(),
            secrets: &secrets,
        };
        let Some(Outgoing::File(news)) = connector.ask_news(None, &context) else {
            panic!()
        };
        assert_eq!(news.login, Some(login));
        let name = if key.is_some() { "key" } else { "password" };
        assert_eq!(connector.secrets(), [name]);
    }
    for odd in ["SHA256:short", "MD5:aa:bb", &pin[7..]] {
        let found = crate::city::compile(&ssh(&format!("ssh: {{pin: \"{odd}\"}}")))
            .err()
            .unwrap();
        assert!(
            found
                .iter()
                .any(|f| f.code == "bad-value" && f.to_string().contains("ssh-keygen")),
            "{found:?}"
        );
    }
}

#[test]
fn q25_a_file_without_a_column_that_is_asked_for_answers_nobody() {
    let text = String::from_utf8(DATA[..5].to_vec()).unwrap();
    assert_eq!(text, "HH|NY");
    for (header, column) in [("XX|NY", "HH"), ("HH|XX", "NY")] {
        let bytes = [header.as_bytes(), &DATA[5..]].concat();
        let (answer, _) = ask_files(vec![file("JF_20260408_001.txt", &bytes, b"2\n")], "0081");
        let error = answer.unwrap_err();
        assert_eq!(error, ConnectorError::NoColumn(column.to_owned()));
        let problem = error.problem();
        assert_eq!(problem.code, ProblemCode::UpstreamContract);
        let said = format!("{problem:?}");
        assert!(
            said.contains(column) && said.contains("{HH}") == (column == "HH"),
            "{said}"
        );
        // Values of the file's lines stand in no word.
        assert!(!said.contains("0081") && !said.contains("0082"), "{said}");
    }
    // Where the name of the file tells it, the column need not be there.
    let named = CSV.replace("out/{call}_*.txt", "out/{call}_{NY}_*.txt");
    let bytes = [b"HH|XX".as_slice(), &DATA[5..]].concat();
    let files = vec![file("JF_202603_001.txt", &bytes, b"2\n")];
    let input = json!({"account_no": "0081", "period_month": "2026-03"});
    let without = named.replace("0/NY: period_month", "0/XX: period_month");
    let (answer, _) = carry(&connector(&without), "bill-query", &input, None, &mut |_, _| {
        Returned::File(FileAnswer { files: files.clone() })
    });
    assert_eq!(answer.unwrap().body["amount_fen"], 128_050);
}

#[test]
fn q25_marker_and_totals_must_agree() {
    let changed = |from: &str, to: &str| {
        let (from, to) = (from.as_bytes(), to.as_bytes());
        let at = DATA.windows(from.len()).position(|w| w == from).unwrap();
        [&DATA[..at], to, &DATA[at + from.len()..]].concat()
    };
    for (bytes, marker) in [
        (changed("HJ|2|", "HJ|3|"), "2"),
        (changed("1293.30", "1293.31"), "2"),
        (changed("|12.80|", "|12.81|"), "2"),
        (changed("\nHJ|2|1293.30", ""), "2"),
        (changed("|12.80|", "|"), "2"),
        (changed("1,280.50", "很多"), "2"),
        (DATA.to_vec(), "3"),
        (DATA.to_vec(), ""),
    ] {
        let (answer, _) = ask_files(vec![file("JF_20260408_001.txt", &bytes, marker.as_bytes())], "0081");
        let error = answer.unwrap_err();
        assert!(matches!(error, ConnectorError::Unreadable { .. }), "{error}");
        assert_eq!(error.problem().code, ProblemCode::UpstreamUnexpected);
        // The newest one that agrees counts, and that a newer one was passed over is noted.
        let older = file("JF_20260407_001.txt", DATA, b"2");
        let (answer, exchange) = ask_files(
            vec![file("JF_20260408_001.txt", &bytes, marker.as_bytes()), older],
            "0081",
        );
        assert_eq!(answer.unwrap()["amount_fen"], 128_050);
        let noted: Vec<_> = exchange.notes.iter().map(|n| n.kind).collect();
        assert_eq!(noted, ["file-passed-over"]);
    }
    let (answer, _) = ask_files(Vec::new(), "0081");
    assert!(matches!(
        answer.unwrap_err(),
        ConnectorError::Failed {
            failure: Failure::Unavailable,
            ..
        }
    ));
}

#[test]
fn q25_requests_are_files_the_marker_last() {
    let manifest = r#"
system: t/sys
upstream: {dialect: csv-batch}
batch: {request: "in/{call}_{key}.csv", reply: "out/{call}_{key}.csv", marker: .ok, says: ["{count}"], header: true}
answer: {code: JG, ok: "1"}
fields: {XM: full_name, SFZH: id_card_no, "CL[]": {material_list: {MC: name, WJ: file}}, YWLSH: acceptance_no, ZT: case_status}
operations: {apply: SQ, "*": not-yet}
"#;
    let connector = connector(manifest);
    let input = json!({"full_name": "张\"三\"", "id_card_no": "430105199003071230", "material_list": [{"name": "证", "file": "f1"}]});
    let exchange = agree(
        &connector,
        "apply",
        &input,
        &json!({"acceptance_no": "1", "case_status": "accepted"}),
    );
    let (Some(Outgoing::File(request)), Some(Returned::File(answer))) =
        (exchange.sent.first(), exchange.returned.first())
    else {
        panic!()
    };
    let data =
        "XM,SFZH,CL\r\n\"张\"\"三\"\"\",430105199003071230,\"[{\"\"MC\"\":\"\"证\"\",\"\"WJ\"\":\"\"f1\"\"}]\"\r\n";
    let write = |path: &str, text: &str| FileWrite {
        path: path.into(),
        bytes: text.into(),
    };
    assert_eq!(
        request.writes,
        [write("in/SQ_sub-1.csv", data), write("in/SQ_sub-1.csv.ok", "1\r\n")]
    );
    assert_eq!(answer.files[0].name, "SQ_sub-1.csv");
    assert_eq!(answer.files[0].bytes, b"JG,YWLSH,ZT\r\n1,1,accepted\r\n");
}

#[test]
fn q25_news_are_read_once_a_hash() {
    let connector = connector(CSV);
    let text = b"YWLSH|ZT|JE\n4301-0007|approved|0\nHJ|1|0\n";
    let other = b"YWLSH|ZT|JE\n4301-0007|rejected|0\nHJ|1|0\n";
    let broken = b"YWLSH|ZT|JE\n4301-0007|rejected|0\nHJ|2|0\n";
    let returned = |bytes: &[u8]| {
        Returned::File(FileAnswer {
            files: vec![file("ZT_20260408_001.txt", bytes, b"1")],
        })
    };
    let first = heard(&connector, &returned(text), None);
    assert_eq!(first.events[0].state, Some(("case_status".into(), json!("approved"))));
    let again = heard(&connector, &returned(text), first.after.as_deref());
    assert!(again.events.is_empty() && again.dead.is_empty());
    let changed = heard(&connector, &returned(other), again.after.as_deref());
    assert_eq!(changed.events[0].state, Some(("case_status".into(), json!("rejected"))));
    let dead = heard(&connector, &returned(broken), changed.after.as_deref());
    assert_eq!((dead.events.len(), dead.dead.len()), (0, 1));
}

#[test]
fn hostile_rows_and_files_never_panic() {
    let front_db = connector(FRONT_DB);
    let csv = connector(CSV);
    let input = json!({"account_no": "0081", "period_month": "2026-03"});
    for found in [
        vec![],
        vec![vec![]],
        vec![vec![SqlRow::default()]],
        vec![vec![row(&[("jg", "1"), ("MX", "[[[")])]],
    ] {
        let (answer, _) = carry(&front_db, "bill-query", &input, None, &mut |_, _| {
            Returned::Sql(SqlAnswer { found: found.clone() })
        });
        // What is missing is for the contract's check; nothing at all is a silence.
        assert_eq!(
            answer.is_err(),
            !found.iter().any(|rows| rows.iter().any(|r| !r.0.is_empty()))
        );
    }
    for at in 0..DATA.len() {
        for byte in [0, b'|', b'\n', b'"', 0xff, b'9'] {
            let mut bytes = DATA.to_vec();
            bytes[at] = byte;
            let files = vec![file("JF_1.txt", &bytes, b"2")];
            let _ = carry(&csv, "bill-query", &input, None, &mut |_, _| {
                Returned::File(FileAnswer { files: files.clone() })
            });
        }
    }
    let (answer, _) = carry(&csv, "bill-query", &input, None, &mut |_, _| {
        RawResponse::default().into()
    });
    assert!(matches!(answer.unwrap_err(), ConnectorError::Manifest(_)));
}

#[test]
fn what_is_missing_is_named_when_loaded() {
    for (from, to, code) in [
        ("exchange: {key: LSH", "x: {key: LSH", "unknown-key"),
        ("flag: SIGN, ", "", "missing-key"),
        ("key: LSH", "key: \"LSH; DROP\"", "bad-value"),
        ("answer: {code: JG, ok: \"1\", message: SM}", "answer: {}", "no-success"),
        ("apply: T_SQ,", "apply: {in: body},", "no-code"),
        ("XM: full_name", "\"X M\": full_name", "bad-value"),
    ] {
        let findings = crate::city::compile(&FRONT_DB.replace(from, to)).unwrap_err();
        assert!(findings.iter().any(|f| f.code == code), "{to}: {findings:#?}");
    }
    for (from, to, code) in [
        ("out/{call}_*.txt", "../{call}_*.txt", "bad-value"),
        ("header: true, ", "", "missing-key"),
        ("{sum JE}", "{total JE}", "bad-value"),
        ("bill-query: JF", "bill-query: {in: body}", "no-code"),
    ] {
        let findings = crate::city::compile(&CSV.replace(from, to)).unwrap_err();
        assert!(findings.iter().any(|f| f.code == code), "{to}: {findings:#?}");
    }
}

const H5: &str = r#"
system: t/sys
upstream: {dialect: ticket-h5}
session: {login: POST /ticket, send: {appid: secret:app}, answer: {code: /errcode, ok: 0}, read: {ticket: /ticket}, lives: once}
sign: {cover: sorted, empties: drop, key: "suffix &key=", digest: sha256, into: sign, secret: secret:key}
answer: {ok: 0}
jump: {hosts: [h5.court.example, "*.pay.example"], into: page_url}
send: {query ticket: session:ticket}
fields: {xm: full_name, zjh: id_card_no, "cl[]": {material_list: {mc: name, wj: file}}, lsh: acceptance_no, zt: case_status, dz: page_url}
operations: {apply: {call: POST /sq, signed: false, jump: {}}, "*": not-yet}
"#;

fn jumped(manifest: &str, answer: &Value) -> (Result<Value, ConnectorError>, Exchange) {
    let mut answers = vec![answer.clone(), json!({"errcode": 0, "errmsg": "ok", "ticket": "T-9"})];
    let (answer, exchange) = carry(&connector(manifest), "apply", &application(), None, &mut |_, _| {
        Returned::Http(RawResponse {
            status: 200,
            headers: Vec::new(),
            body: answers.pop().unwrap().to_string().into_bytes(),
        })
    });
    (answer.map(|a| a.body), exchange)
}

#[test]
fn q26_the_hub_makes_a_signed_address_of_the_upstreams_ticket() {
    let manifest = H5.replace(
        "jump: {}",
        "jump: {to: \"https://h5.court.example/a\", with: {ticket: \"= data.piao\", ts: $epoch}, signed: true}",
    );
    let (answer, exchange) = jumped(
        &manifest,
        &json!({"errcode": 0, "errmsg": "ok", "piao": "ST-1", "lsh": "990100", "zt": "accepted"}),
    );
    // sha256("ticket=ST-1&ts=1775614530&key=key-value")
    let sign = "15f1285e7d4a0af0f38e97a2dd36c799f6e6faff23c42f711b99b3e2f747842e";
    assert_eq!(
        answer.unwrap()["page_url"],
        format!("https://h5.court.example/a?ticket=ST-1&ts=1775614530&sign={sign}")
    );
    assert_eq!(exchange.jump.as_deref(), Some("h5.court.example"));
    // A ticket a call: it was fetched first and carried by the call.
    assert_eq!(exchange.requests[0].1.target, "/ticket");
    assert_eq!(exchange.requests[1].1.target, "/sq?ticket=T-9");
}

#[test]
fn q26_only_listed_hosts_and_nothing_about_the_person() {
    let answered = |address: &str| {
        let (answer, exchange) = jumped(
            H5,
            &json!({"errcode": 0, "errmsg": "ok", "lsh": "990100", "zt": "accepted", "dz": address}),
        );
        let answer = answer.unwrap();
        assert_eq!(answer["acceptance_no"], "990100");
        let noted = exchange.notes.iter().any(|n| n.kind == "address-refused");
        assert_eq!(noted, answer.get("page_url").is_none(), "{address}");
        (answer.get("page_url").cloned(), exchange.jump)
    };
    for (address, host) in [
        ("https://h5.court.example/p?ticket=ST-1", "h5.court.example"),
        ("https://H5.Court.Example/p?ticket=ST-1", "h5.court.example"),
        ("https://wx.pay.example/?t=1", "wx.pay.example"),
    ] {
        assert_eq!(answered(address), (Some(json!(address)), Some(host.to_owned())));
    }
    for address in [
        "http://h5.court.example/p?ticket=ST-1",
        "https://h5.court.example.evil.example/p",
        "https://evil.example/h5.court.example",
        "https://h5.court.example@evil.example/",
        "https://user@h5.court.example/",
        "https://h5.court.example:8443/",
        "https://pay.example/",
        "javascript:alert(1)//h5.court.example",
        "https://h5.court.example/p?sfz=430105199003071230",
        "https://h5.court.example/p?d=NDMwMTA1MTk5MDAzMDcxMjMw",
        "https://h5.court.example/p?xm=%E5%BC%A0%E4%B8%89",
        "//h5.court.example/",
    ] {
        assert_eq!(answered(address), (None, None), "{address}");
    }
}

#[test]
fn q26_a_page_needs_hosts_and_a_field() {
    for (from, to, code) in [
        ("hosts: [h5.court.example, \"*.pay.example\"], ", "", "missing-key"),
        ("into: page_url", "into: page_uri", "unknown-field"),
        ("jump: {}", "jump: {to: \"http://h5.court.example/a\"}", "bad-value"),
    ] {
        let findings = crate::city::compile(&H5.replace(from, to)).unwrap_err();
        assert!(findings.iter().any(|f| f.code == code), "{to}: {findings:#?}");
    }
}
