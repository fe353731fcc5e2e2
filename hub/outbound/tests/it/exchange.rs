//! Rows and files: real databases and real folders, the agency's side played by the test.

use crate::{soon, way};
use hub_core::transport::{
    FileLook, FileRequest, FileWrite, SqlInsert, SqlRequest, SqlRow, SqlSelect, SqlTable, SqlUpdate, SqlWhere,
};
use hub_core::{Effect, Outgoing, Returned, SystemId};
use hub_outbound::{Carrier, EgressPolicy, Outbound, SendEffect, SendError, SendErrorKind, Target, UpstreamLimits};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use std::path::Path;
use std::time::Duration;
use url::Url;

pub(crate) fn target(base: &Url) -> Target {
    Target {
        system: SystemId::new("x", "y"),
        base: base.clone(),
        limits: UpstreamLimits::default(),
        timeout_ms: 2_000,
        trusted_loopback: true,
        source: None,
        tls: None,
        known_as: Vec::new(),
    }
}

pub(crate) fn row(columns: &[(&str, &str)]) -> SqlRow {
    columns.iter().map(|(n, v)| (*n, Some((*v).to_owned()))).collect()
}

pub(crate) fn by_number(table: &str, number: &str) -> SqlSelect {
    SqlSelect {
        table: table.into(),
        wheres: vec![SqlWhere::is("LSH", number)],
        order: None,
        most: 5,
    }
}

pub(crate) fn request(number: &str) -> SqlRequest {
    SqlRequest {
        unless: Some(by_number("T_SQ", number)),
        inserts: vec![SqlInsert {
            table: "T_SQ".into(),
            row: row(&[("LSH", number), ("XM", "张'三\"; DROP TABLE T_SQ; --"), ("SIGN", "0")]),
        }],
        awaited: Some(by_number("T_SQ_FK", number)),
        every_ms: 20,
        updates: vec![SqlUpdate {
            table: "T_SQ_FK".into(),
            set: row(&[("SIGN", "1")]),
            wheres: vec![SqlWhere::is("LSH", number)],
        }],
        ..SqlRequest::default()
    }
}

pub(crate) fn answer(number: &str) -> SqlRequest {
    SqlRequest {
        inserts: vec![SqlInsert {
            table: "T_SQ_FK".into(),
            row: row(&[("LSH", number), ("JG", "1"), ("SIGN", "0")]),
        }],
        ..SqlRequest::default()
    }
}

fn look(table: &str) -> SqlRequest {
    SqlRequest {
        reads: vec![SqlSelect {
            table: table.into(),
            wheres: Vec::new(),
            order: Some("LSH".into()),
            most: 100,
        }],
        ..SqlRequest::default()
    }
}

async fn database(folder: &Path) -> (Carrier, std::path::PathBuf, Url) {
    let carrier = Carrier::default();
    let file = folder.join("exchange.db");
    let table = |name: &str, columns: &[&str]| SqlTable {
        name: name.into(),
        columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        counter: None,
    };
    let tables = [
        table("T_SQ", &["LSH", "XM", "SIGN"]),
        table("T_SQ_FK", &["LSH", "JG", "SIGN"]),
    ];
    let url = carrier.make_database(&file, &tables).await.unwrap();
    (carrier, file, url)
}

pub(crate) async fn carried(
    way: &Outbound,
    target: &Target,
    request: SqlRequest,
) -> Result<Vec<Vec<SqlRow>>, SendError> {
    match way
        .carry("", target, Outgoing::Sql(request), soon(), Effect::Once)
        .await?
    {
        Returned::Sql(answer) => Ok(answer.found),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn q24_a_row_goes_in_once_and_its_answer_comes_out() {
    let folder = tempfile::tempdir().unwrap();
    let (agency, file, url) = database(folder.path()).await;
    let (way, target) = (way(), target(&url));
    let later = tokio::spawn({
        let (agency, file) = (agency.clone(), file.clone());
        async move {
            tokio::time::sleep(Duration::from_millis(150)).await;
            agency.rows(&file, &answer("n-1")).await.unwrap();
        }
    });
    let found = carried(&way, &target, request("n-1")).await.unwrap();
    later.await.unwrap();
    assert_eq!(found, [[row(&[("LSH", "n-1"), ("JG", "1"), ("SIGN", "0")])]]);
    // Again: the answer is there, nothing is written.
    let found = carried(&way, &target, request("n-1")).await.unwrap();
    assert_eq!(found[0][0].get("sign"), Some("1"), "the reader flips the flag");
    let rows = agency.rows(&file, &look("T_SQ")).await.unwrap();
    assert_eq!(rows.found[0].len(), 1);
    assert_eq!(rows.found[0][0].get("XM"), Some("张'三\"; DROP TABLE T_SQ; --"));
}

#[tokio::test]
async fn q24_silence_is_unknown_once_a_row_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let (agency, file, url) = database(folder.path()).await;
    let mut slow = target(&url);
    slow.timeout_ms = 200;
    let error = carried(&way(), &slow, request("n-2")).await.unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.effect),
        (SendErrorKind::Timeout, SendEffect::Unknown)
    );
    assert_eq!(agency.rows(&file, &look("T_SQ")).await.unwrap().found[0].len(), 1);
    // A table that is not there: nothing was written, of all rows of the exchange.
    let mut broken = request("n-3");
    broken.inserts.push(SqlInsert {
        table: "T_KEINE".into(),
        row: row(&[("LSH", "n-3")]),
    });
    let error = carried(&way(), &slow, broken).await.unwrap_err();
    assert_eq!(
        (error.kind.clone(), error.effect),
        (SendErrorKind::Broken, SendEffect::None)
    );
    assert!(!error.to_string().contains("张"), "{error}");
    assert_eq!(agency.rows(&file, &look("T_SQ")).await.unwrap().found[0].len(), 1);
}

#[tokio::test]
async fn only_an_operator_names_files_of_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let (_, _, url) = database(folder.path()).await;
    for base in [
        url.as_str(),
        "postgres://127.0.0.1/x",
        "http://127.0.0.1/",
        "file:///etc/",
    ] {
        let mut foreign = target(&Url::parse(base).unwrap());
        foreign.trusted_loopback = false;
        let error = carried(&way(), &foreign, request("n-4")).await.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Address, "{base}");
        let outgoing = Outgoing::File(FileRequest::default());
        let error = way()
            .carry("", &foreign, outgoing, soon(), Effect::None)
            .await
            .unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Address, "{base}");
    }
    let metadata = target(&Url::parse("postgres://169.254.169.254/x").unwrap());
    let error = carried(&way(), &metadata, request("n-5")).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Address);
    let nobody = target(&Url::parse("postgres://u:p@127.0.0.1:9/x").unwrap());
    let error = carried(&way(), &nobody, request("n-6")).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (SendErrorKind::Refused, SendEffect::None));
}

/// Typed columns, folded names, a schema: what an agency's PostgreSQL has.
#[tokio::test]
async fn q24_postgresql_brings_texts_to_its_own_types() {
    let Ok(url) = std::env::var("HUB_TEST_POSTGRES") else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "HUB_TEST_POSTGRES is not set"
        );
        eprintln!("NOT TESTED WITH POSTGRESQL: HUB_TEST_POSTGRES is not set");
        return;
    };
    let mut agency = PgConnection::connect(&url).await.unwrap();
    let schema = format!("qzk_{}", std::process::id());
    let made = format!(
        "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; \
         CREATE TABLE {schema}.t_sq (lsh varchar(40) PRIMARY KEY, xm text, rs integer, je numeric(12,2), cjsj timestamp, sign smallint DEFAULT 0); \
         CREATE TABLE {schema}.t_sq_fk (lsh varchar(40), jg smallint, blsj timestamp, sign smallint DEFAULT 0);"
    );
    sqlx::raw_sql(AssertSqlSafe(made)).execute(&mut agency).await.unwrap();
    let fill = format!("INSERT INTO {schema}.t_sq_fk VALUES ('n-1', 1, '2026-04-08 10:15:30', 0)");
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut agency).await.unwrap();

    let table = |name: &str| format!("{schema}.{name}");
    let mut asked = request("n-1");
    asked.unless = Some(by_number(&table("T_SQ"), "n-1"));
    asked.inserts = vec![SqlInsert {
        table: table("T_SQ"),
        row: row(&[
            ("LSH", "n-1"),
            ("XM", "张三"),
            ("RS", "3"),
            ("JE", "1280.50"),
            ("CJSJ", "2026-04-08 10:15:30"),
            ("SIGN", "0"),
        ]),
    }];
    asked.awaited = Some(by_number(&table("T_SQ_FK"), "n-1"));
    asked.updates[0].table = table("T_SQ_FK");
    let target = target(&Url::parse(&url).unwrap());
    let way = Outbound::new(EgressPolicy::public()).unwrap();
    for _ in 0..2 {
        let found = carried(&way, &target, asked.clone()).await.unwrap();
        assert_eq!(found[0][0].get("BLSJ"), Some("2026-04-08 10:15:30"));
        assert_eq!(found[0][0].get("JG"), Some("1"));
    }
    let read =
        format!("SELECT count(*), min(rs), min(je)::text, min(extract(epoch from cjsj))::bigint FROM {schema}.t_sq");
    let rows = sqlx::query(AssertSqlSafe(read)).fetch_one(&mut agency).await.unwrap();
    assert_eq!(rows.get::<i64, _>(0), 1);
    assert_eq!(rows.get::<i32, _>(1), 3);
    assert_eq!(rows.get::<String, _>(2), "1280.50");
    assert_eq!(rows.get::<i64, _>(3), 1_775_643_330);
    let read = format!("SELECT sign FROM {schema}.t_sq_fk");
    let rows = sqlx::query(AssertSqlSafe(read)).fetch_one(&mut agency).await.unwrap();
    assert_eq!(rows.get::<i16, _>(0), 1);
    let gone = format!("DROP SCHEMA {schema} CASCADE");
    sqlx::raw_sql(AssertSqlSafe(gone)).execute(&mut agency).await.unwrap();
}

pub(crate) fn files(prefix: &str) -> FileRequest {
    FileRequest {
        look: Some(FileLook {
            folder: "out".into(),
            prefix: prefix.into(),
            suffix: ".txt".into(),
            marker: ".ok".into(),
            most: 2,
        }),
        ..FileRequest::default()
    }
}

async fn dropped(folder: &Path, request: FileRequest) -> Result<Vec<String>, SendError> {
    let target = target(&Url::from_directory_path(folder).unwrap());
    match way()
        .carry("", &target, Outgoing::File(request), soon(), Effect::Once)
        .await?
    {
        Returned::File(answer) => Ok(answer.files.into_iter().map(|f| f.name).collect()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn q25_files_without_marker_links_and_strangers_are_not_seen() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::create_dir(&out).unwrap();
    let secret = folder.path().join("secret.txt");
    std::fs::write(&secret, "secret").unwrap();
    for name in [
        "JF_1.txt",
        "JF_2.txt",
        "JF_3.txt",
        "JF_4.txt",
        "QT_9.txt",
        "JF_.txt.part",
    ] {
        std::fs::write(out.join(name), name).unwrap();
    }
    for name in [
        "JF_1.txt.ok",
        "JF_2.txt.ok",
        "JF_3.txt.ok",
        "QT_9.txt.ok",
        "JF_5.txt.ok",
    ] {
        std::fs::write(out.join(name), "").unwrap();
    }
    std::os::unix::fs::symlink(&secret, out.join("JF_5.txt")).unwrap();
    assert_eq!(
        dropped(folder.path(), files("JF_")).await.unwrap(),
        ["JF_3.txt", "JF_2.txt"]
    );
    assert!(dropped(folder.path(), files("KEINE_")).await.unwrap().is_empty());
    // The folder itself behind a link.
    std::os::unix::fs::symlink(&out, folder.path().join("link")).unwrap();
    for below in ["link/deeper", "../x", "/etc", "a/../../x"] {
        let mut request = files("JF_");
        request.look.as_mut().unwrap().folder = below.into();
        let error = dropped(folder.path(), request).await.unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Address, "{below}");
        let writes = vec![FileWrite {
            path: format!("{below}/x"),
            bytes: Vec::new(),
        }];
        let request = FileRequest {
            writes,
            ..FileRequest::default()
        };
        let error = dropped(folder.path(), request).await.unwrap_err();
        assert_eq!(
            (error.kind, error.effect),
            (SendErrorKind::Address, SendEffect::None),
            "{below}"
        );
    }
}

#[tokio::test]
async fn q25_a_request_is_whole_before_its_marker_and_written_once() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| FileWrite {
        path: path.into(),
        bytes: text.into(),
    };
    let request = FileRequest {
        writes: vec![write("in/SQ_1.txt", "data"), write("in/SQ_1.txt.ok", "1")],
        every_ms: 20,
        ..files("FK_1")
    };
    let agency = {
        let folder = folder.path().to_owned();
        tokio::spawn(async move {
            while !folder.join("in/SQ_1.txt.ok").exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(std::fs::read(folder.join("in/SQ_1.txt")).unwrap(), b"data");
            std::fs::remove_dir_all(folder.join("in")).unwrap();
            std::fs::create_dir(folder.join("out")).unwrap();
            std::fs::write(folder.join("out/FK_1.txt"), "done").unwrap();
            std::fs::write(folder.join("out/FK_1.txt.ok"), "").unwrap();
        })
    };
    assert_eq!(dropped(folder.path(), request.clone()).await.unwrap(), ["FK_1.txt"]);
    agency.await.unwrap();
    // Again, after the agency has cleared its folder: the answer is there, so nothing is written.
    assert_eq!(dropped(folder.path(), request).await.unwrap(), ["FK_1.txt"]);
    assert!(!folder.path().join("in").exists());
}
