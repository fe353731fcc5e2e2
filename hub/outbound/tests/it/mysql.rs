//! Exchange tables of a MySQL: a real MariaDB, the agency's side played by the test on a connection of its own.

use crate::exchange::{answer, by_number, carried, request, row, target};
use crate::way;
use hub_core::transport::{SqlInsert, SqlRequest, SqlRow, SqlSelect, SqlTest, SqlWhere};
use hub_outbound::{SendEffect, SendErrorKind, Target, TlsRules};
use sqlx::{AssertSqlSafe, Connection, MySqlConnection, Row};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// 㐂 and 𬭼 (a name's character of four bytes in UTF-8), a surname that GBK lacks, and plain ones.
const RARE: &str = "张㐂𬭼䶮'\"`\\; DROP TABLE t_sq; --";

struct Agency {
    connection: MySqlConnection,
    database: String,
    url: Url,
}

impl Agency {
    /// A database of the test's own; none where no server is there.
    async fn new(test: &str) -> Option<Self> {
        let Ok(url) = std::env::var("HUB_TEST_MYSQL") else {
            assert!(
                std::env::var("CI").as_deref() != Ok("true"),
                "HUB_TEST_MYSQL is not set"
            );
            eprintln!("NOT TESTED WITH MYSQL: HUB_TEST_MYSQL is not set");
            return None;
        };
        let database = format!("qzk_{test}_{}", std::process::id());
        let mut agency = Self {
            connection: MySqlConnection::connect(&url).await.unwrap(),
            url: Url::parse(&url).unwrap(),
            database,
        };
        agency.url.set_path(&agency.database);
        let database = agency.database.clone();
        agency.says(&format!("DROP DATABASE IF EXISTS {database}")).await;
        agency
            .says(&format!("CREATE DATABASE {database} CHARACTER SET utf8mb4"))
            .await;
        agency.says(&format!("USE {database}")).await;
        Some(agency)
    }

    async fn says(&mut self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut self.connection).await.unwrap();
    }

    async fn reads(&mut self, sql: &str) -> Vec<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        let rows = sqlx::query(sql).fetch_all(&mut self.connection).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    async fn plain_tables(&mut self) {
        self.says("CREATE TABLE t_sq (lsh varchar(40) PRIMARY KEY, xm text, sign smallint)")
            .await;
        self.says("CREATE TABLE t_sq_fk (lsh varchar(40), jg smallint, sign smallint)")
            .await;
    }

    async fn gone(mut self) {
        let database = self.database.clone();
        self.says(&format!("DROP DATABASE {database}")).await;
    }

    fn target(&self) -> Target {
        target(&self.url)
    }
}

fn read(table: &str, wheres: Vec<SqlWhere>) -> SqlRequest {
    SqlRequest {
        reads: vec![SqlSelect {
            table: table.into(),
            wheres,
            order: Some("LSH".into()),
            most: 100,
        }],
        ..SqlRequest::default()
    }
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

fn numbers(found: &[Vec<SqlRow>]) -> Vec<&str> {
    found[0].iter().filter_map(|row| row.get("LSH")).collect()
}

#[tokio::test]
async fn q24_mysql_a_row_goes_in_once_and_its_answer_comes_out() {
    let Some(mut agency) = Agency::new("once").await else {
        return;
    };
    agency.plain_tables().await;
    let (way, target) = (way(), agency.target());
    let later = async {
        tokio::time::sleep(Duration::from_millis(150)).await;
        agency.says("INSERT INTO t_sq_fk VALUES ('n-1', 1, 0)").await;
    };
    let (found, ()) = tokio::join!(carried(&way, &target, request("n-1")), later);
    assert_eq!(found.unwrap(), [[row(&[("lsh", "n-1"), ("jg", "1"), ("sign", "0")])]]);
    // Again: the answer is there, nothing is written.
    let found = carried(&way, &target, request("n-1")).await.unwrap();
    assert_eq!(found[0][0].get("sign"), Some("1"), "the reader flips the flag");
    assert_eq!(
        agency.reads("SELECT xm FROM t_sq").await,
        ["张'三\"; DROP TABLE T_SQ; --"]
    );
    agency.gone().await;
}

#[tokio::test]
async fn q24_mysql_silence_is_unknown_once_a_row_is_there() {
    let Some(mut agency) = Agency::new("silence").await else {
        return;
    };
    agency.plain_tables().await;
    let mut slow = agency.target();
    slow.timeout_ms = 400;
    let error = carried(&way(), &slow, request("n-2")).await.unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (SendErrorKind::Timeout, SendEffect::Unknown)
    );
    // The second row of two is too long for its column: neither is there, and no value is told.
    let mut broken = request("n-3");
    broken.inserts.push(answer(&"张".repeat(41)).inserts.remove(0));
    for _ in 0..2 {
        let error = carried(&way(), &slow, broken.clone()).await.unwrap_err();
        assert_eq!(
            (error.kind.clone(), error.effect),
            (SendErrorKind::Broken, SendEffect::None)
        );
        assert!(!error.to_string().contains("张"), "{error}");
    }
    let error = carried(&way(), &slow, read("T_KEINE", Vec::new())).await.unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("the database has no table T_KEINE"));
    let error = carried(&way(), &slow, insert("T_SQ", &[("KEINE", "1")]))
        .await
        .unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("the table has no column KEINE"));
    assert_eq!(agency.reads("SELECT lsh FROM t_sq").await, ["n-2"]);
    agency.gone().await;
}

#[tokio::test]
async fn q24_mysql_brings_texts_to_its_own_types_and_charsets() {
    let Some(mut agency) = Agency::new("types").await else {
        return;
    };
    let columns = "lsh varchar(40) PRIMARY KEY, xm text, bz longtext, nr blob, rs int unsigned, hm bigint, je decimal(20,2), \
         rq date, cjsj datetime, gxsj timestamp NULL, sc time, bl double, zt enum('a','b'), yx bit(1), sign tinyint DEFAULT 0";
    agency.says(&format!("CREATE TABLE T_Lx ({columns})")).await;
    agency
        .says("CREATE TABLE gbk (lsh varchar(40) PRIMARY KEY, xm varchar(40)) CHARACTER SET gbk")
        .await;
    let (way, target) = (way(), agency.target());
    let given = [
        ("LSH", "n-1"),
        ("XM", RARE),
        ("BZ", RARE),
        ("NR", RARE),
        ("RS", "4294967295"),
        ("HM", "9007199254740993"),
        ("JE", "123456789012345678.90"),
        ("RQ", "2026-04-08"),
        ("CJSJ", "2026-04-08 10:15:30"),
        ("GXSJ", "2026-04-08 10:15:30"),
        ("SC", "23:59:58"),
        ("BL", "0.25"),
        ("ZT", "b"),
        ("YX", "1"),
        ("SIGN", "-1"),
    ];
    carried(&way, &target, insert("t_LX", &given)).await.unwrap();
    let found = carried(&way, &target, read(&format!("{}.T_LX", agency.database), Vec::new()))
        .await
        .unwrap();
    for (name, value) in given {
        assert_eq!(found[0][0].get(name), Some(value), "{name}");
    }
    let stored =
        "SELECT CONCAT(HEX(nr) = HEX(xm), je * 100, UNIX_TIMESTAMP(cjsj) - UNIX_TIMESTAMP(gxsj), yx + 1) FROM T_Lx";
    assert_eq!(agency.reads(stored).await, ["112345678901234567890.0002"]);
    // By any column, at its word: the number beside it is the same as floating point.
    agency
        .says("INSERT INTO T_Lx (lsh, hm, sign) VALUES ('n-2', 9007199254740992, 0)")
        .await;
    for (name, value) in given {
        let found = carried(&way, &target, read("T_LX", vec![SqlWhere::is(name, value)]))
            .await
            .unwrap();
        assert_eq!(numbers(&found), ["n-1"], "{name}");
    }
    // What does not fit is refused, not cut, and a text is no 0.
    for wrong in [
        ("RS", "-1"),
        ("RS", "drei"),
        ("CJSJ", "2026-02-30 00:00:00"),
        ("ZT", "c"),
        ("RQ", "0000-00-00"),
    ] {
        let error = carried(&way, &target, insert("T_LX", &[("LSH", "n-3"), wrong]))
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.effect),
            (SendErrorKind::Broken, SendEffect::None),
            "{wrong:?}"
        );
    }
    let error = carried(&way, &target, read("T_LX", vec![SqlWhere::is("SIGN", "x")]))
        .await
        .unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("the column SIGN takes numbers only"));
    // GBK has 㐂 and 䶮 not and no character of four bytes: refused, not turned into question marks.
    carried(&way, &target, insert("gbk", &[("LSH", "n-1"), ("XM", "张三丰镕")]))
        .await
        .unwrap();
    let found = carried(&way, &target, read("GBK", vec![SqlWhere::is("XM", "张三丰镕")]))
        .await
        .unwrap();
    assert_eq!(found[0][0].get("XM"), Some("张三丰镕"));
    assert_eq!(agency.reads("SELECT HEX(xm) FROM gbk").await, ["D5C5C8FDB7E1E946"]);
    let error = carried(&way, &target, insert("gbk", &[("LSH", "n-2"), ("XM", "张𬭼")]))
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.effect), (SendErrorKind::Broken, SendEffect::None));
    agency.gone().await;
}

#[tokio::test]
async fn q24_mysql_takes_texts_at_their_word_and_goes_on_behind_a_place() {
    let Some(mut agency) = Agency::new("word").await else {
        return;
    };
    agency
        .says("CREATE TABLE t_zt (lsh varchar(40), xh bigint AUTO_INCREMENT PRIMARY KEY) COLLATE utf8mb4_general_ci")
        .await;
    agency.says("CREATE TABLE T_ZT (lsh varchar(40), anders int)").await;
    agency
        .says("INSERT INTO t_zt (lsh) VALUES ('A-1'), ('a-1'), ('á-1'), ('a-1 '), ('𬭼'), ('𠀀')")
        .await;
    let (way, target) = (way(), agency.target());
    for only in ["A-1", "a-1", "á-1", "𬭼"] {
        let found = carried(&way, &target, read("t_zt", vec![SqlWhere::is("LSH", only)]))
            .await
            .unwrap();
        assert_eq!(numbers(&found), [only]);
    }
    let after = SqlWhere {
        column: "XH".into(),
        test: SqlTest::After,
        value: "4".into(),
    };
    let mut news = read("t_zt", vec![after]);
    news.reads[0].order = Some("XH".into());
    let found = carried(&way, &target, news).await.unwrap();
    assert_eq!(numbers(&found), ["𬭼", "𠀀"]);
    assert_eq!(found[0][1].get("xh"), Some("6"));
    agency.gone().await;
}

#[tokio::test]
async fn mysql_is_encrypted_by_the_rules_of_its_upstream() {
    let Some(mut agency) = Agency::new("tls").await else {
        return;
    };
    agency.plain_tables().await;
    let pin = std::env::var("HUB_TEST_MYSQL_PIN").expect("HUB_TEST_MYSQL_PIN");
    let pin: [u8; 32] = hub_crypto::from_hex(&pin).unwrap().try_into().unwrap();
    let mut url = agency.url.clone();
    url.set_username("tls_only").unwrap();
    let plain = carried(&way(), &target(&url), read("T_SQ", Vec::new()))
        .await
        .unwrap_err();
    assert_eq!(
        plain.detail.as_deref(),
        Some("the database says 1045"),
        "this account needs TLS"
    );
    for (pins, only_13, good) in [
        (vec![pin], false, true),
        (vec![pin], true, true),
        (vec![[7; 32]], false, false),
    ] {
        let mut secured = target(&url);
        secured.tls = Some(Arc::new(TlsRules { pins, only_13 }));
        let found = carried(&way(), &secured, read("T_SQ", Vec::new())).await;
        assert_eq!(found.is_ok(), good, "{found:?}");
    }
    // No root of this machine vouches for it.
    url.set_query(Some("tls=required"));
    let error = carried(&way(), &target(&url), read("T_SQ", Vec::new()))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (SendErrorKind::Unreachable, SendEffect::None)
    );
    assert_eq!(
        error.detail.as_deref(),
        Some("the certificate is not believed, or TLS failed")
    );
    // By the manifest's own login, and a wrong one.
    let mut asked = read("T_SQ", Vec::new());
    asked.login = Some(("hub".to_owned(), "falsch".to_owned()));
    let error = carried(&way(), &agency.target(), asked).await.unwrap_err();
    assert_eq!(error.detail.as_deref(), Some("the database says 1045"));
    agency.gone().await;
}

#[tokio::test]
async fn mysql_stands_where_an_operator_says_and_ends_what_takes_too_long() {
    let Some(mut agency) = Agency::new("long").await else {
        return;
    };
    agency.plain_tables().await;
    let mut foreign = agency.target();
    foreign.trusted_loopback = false;
    let error = carried(&way(), &foreign, request("n-4")).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Address);
    let nobody = target(&Url::parse("mysql://u:p@127.0.0.1:9/x").unwrap());
    let error = carried(&way(), &nobody, request("n-4")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (SendErrorKind::Refused, SendEffect::None));
    // Another one holds the row: the server itself gives up after two seconds, long before the hub would.
    agency.says("INSERT INTO t_sq VALUES ('n-5', 'x', 0)").await;
    agency.says("BEGIN").await;
    agency.says("UPDATE t_sq SET sign = 1 WHERE lsh = 'n-5'").await;
    let mut patient = agency.target();
    patient.timeout_ms = 9_000;
    let held = SqlRequest {
        unless: Some(by_number("T_SQ", "n-6")),
        ..insert("T_SQ", &[("LSH", "n-5")])
    };
    let error = carried(&way(), &patient, held).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (SendErrorKind::Broken, SendEffect::None));
    agency.says("ROLLBACK").await;
    agency.gone().await;
}
