//! What only PostgreSQL has: several hubs at once, locks, settings that would break a promise.

use crate::place::{Place, on_postgres, postgres_url};
use crate::suite::{at, submission};
use hub_store::{Store, StoreError, SubmissionState};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

#[tokio::test]
async fn hubs_that_start_together_migrate_once_and_share_the_work() {
    on_postgres(async |place: Arc<Place>| {
        let hubs: Vec<_> = (0..4)
            .map(|_| {
                let place = Arc::clone(&place);
                tokio::spawn(async move { place.open(Some(KEY)).await.unwrap() })
            })
            .collect();
        let mut stores = Vec::new();
        for hub in hubs {
            stores.push(hub.await.unwrap());
        }
        for i in 0..200 {
            stores[i % 4].submissions().accept(&submission(None)).await.unwrap();
        }
        let workers: Vec<_> = stores
            .iter()
            .map(|store| {
                let store = store.clone();
                tokio::spawn(async move {
                    let mut ids = Vec::new();
                    loop {
                        let taken = store.submissions().take_due(at(1), at(60), 7).await.unwrap();
                        if taken.is_empty() {
                            return ids;
                        }
                        for one in taken {
                            assert!(!one.in_doubt);
                            let id = one.submission.id;
                            // Half are done, half are put off, so that rows change while others take.
                            if ids.len() % 2 == 0 {
                                store.submissions().again(&id, "later", at(90), at(2)).await.unwrap();
                            } else {
                                let answer = serde_json::json!(1);
                                assert!(store.submissions().delivered(&id, &answer, at(2)).await.unwrap());
                            }
                            ids.push(id);
                        }
                    }
                })
            })
            .collect();
        let mut ids = Vec::new();
        for worker in workers {
            ids.extend(worker.await.unwrap());
        }
        assert_eq!(ids.len(), 200, "each once");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 200);
        assert!(matches!(
            place.open(Some(&"0".repeat(64))).await,
            Err(StoreError::MasterKey(_))
        ));
    })
    .await;
}

#[tokio::test]
async fn a_locked_row_is_stepped_around_and_waited_for_in_bounds() {
    on_postgres(async |place: Arc<Place>| {
        let store = place.store().await;
        let locked = store.submissions().accept(&submission(None)).await.unwrap().id;
        let free = store.submissions().accept(&submission(None)).await.unwrap().id;
        let mut other = PgConnection::connect(place.url.as_ref().unwrap()).await.unwrap();
        let lock = AssertSqlSafe(format!(
            "BEGIN; SELECT 1 FROM submissions WHERE id = '{locked}' FOR UPDATE"
        ));
        sqlx::raw_sql(lock).execute(&mut other).await.unwrap();
        let begun = Instant::now();
        let taken = store.submissions().take_due(at(1), at(60), 10).await.unwrap();
        assert_eq!(taken.iter().map(|t| &t.submission.id).collect::<Vec<_>>(), [&free]);
        assert!(begun.elapsed() < Duration::from_secs(2));
        let waited = store.submissions().failed(&locked, "x", at(2)).await;
        assert!(
            matches!(&waited, Err(StoreError::Unavailable(text)) if text.contains("55P03")),
            "surely not written: {waited:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(8));
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        assert!(store.submissions().failed(&locked, "x", at(2)).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_name_is_refused() {
    on_postgres(async |place: Arc<Place>| {
        let url = place.url.clone().unwrap();
        let mut raw = PgConnection::connect(&url).await.unwrap();
        let name = format!("latin_{}", std::process::id());
        let make = format!("CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
        sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut raw).await.unwrap();
        let (server, _) = url.rsplit_once('/').unwrap();
        let opened = Store::open_url(&format!("{server}/{name}"), &place.folder, Some(KEY)).await;
        let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
        sqlx::raw_sql(drop).execute(&mut raw).await.unwrap();
        assert!(matches!(opened, Err(StoreError::Migration(text)) if text.contains("UTF8")));
    })
    .await;
}

/// A PostgreSQL of one test's own, gone when dropped.
struct Cluster(PathBuf);

impl Cluster {
    fn services(&self, what: &str) -> bool {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.ci/services");
        let status = Command::new(script).arg(what).env("SERVICES_DIR", &self.0).status();
        status.unwrap().success()
    }

    fn url(&self) -> String {
        let env = std::fs::read_to_string(self.0.join("env")).unwrap();
        let lines = env.lines();
        let mut urls = lines.filter_map(|line| line.strip_prefix("export HUB_TEST_POSTGRES="));
        urls.next().unwrap().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.services("stop");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_crashes_has_kept_what_was_acknowledged_though_it_commits_lazily_by_default() {
    if postgres_url().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster(folder.path().join("services"));
    assert!(cluster.services("start"));
    let url = cluster.url();
    let mut raw = PgConnection::connect(&url).await.unwrap();
    let lazy = "ALTER SYSTEM SET synchronous_commit = off; ALTER SYSTEM SET wal_writer_delay = '10s'";
    for one in lazy.split("; ") {
        sqlx::raw_sql(one).execute(&mut raw).await.unwrap();
    }
    sqlx::raw_sql("SELECT pg_reload_conf()")
        .execute(&mut raw)
        .await
        .unwrap();
    let store = Store::open_url(&url, folder.path(), Some(KEY)).await.unwrap();
    let mut acknowledged = Vec::new();
    for _ in 0..20 {
        acknowledged.push(store.submissions().accept(&submission(None)).await.unwrap().id);
    }
    assert!(cluster.services("crash"));
    // The first to come may still hold a dead line, and then it is not known; nobody else is troubled.
    let _ = store.submissions().accept(&submission(None)).await;
    for id in &acknowledged {
        let kept = store.submissions().get(id).await.unwrap();
        assert_eq!(kept.unwrap().state, SubmissionState::Stored);
    }
    store.submissions().accept(&submission(None)).await.unwrap();
    store.close().await;
}
