//! PostgreSQL goes away: every answer comes in bounded time, says what is known, and gives no secret away.

use crate::place::{Place, on_postgres};
use crate::proxy::{Proxy, Wire};
use crate::suite::{at, submission};
use hub_store::{NewSubmission, Store, StoreError};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// `(everything up to the host, host:port, the rest)` of an address.
fn parts(url: &str) -> (String, String, String) {
    let (user, rest) = url.rsplit_once('@').unwrap();
    let (address, rest) = rest.split_once('/').unwrap();
    (user.into(), address.into(), rest.into())
}

async fn through_wire(place: &Place) -> (Proxy, Store) {
    let (user, address, rest) = parts(place.url.as_ref().unwrap());
    let proxy = Proxy::start(0, address).await;
    let url = format!("{user}@127.0.0.1:{}/{rest}", proxy.port);
    let store = Store::open_url(&url, &place.folder, Some(KEY)).await.unwrap();
    (proxy, store)
}

async fn write(store: Store) -> Result<(), StoreError> {
    store.meta().put("a", "2").await
}

async fn open(url: &str) -> StoreError {
    let begun = Instant::now();
    let error = Store::open_url(url, Path::new("/nowhere"), Some(KEY))
        .await
        .unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(!error.to_string().contains("secret-word"), "{error}");
    error
}

#[tokio::test]
async fn a_closed_port_and_a_wrong_address_are_told_at_once() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let url = format!("postgres://hub:secret-word@127.0.0.1:{port}/hub");
    // It takes the connection and says nothing.
    assert!(matches!(open(&url).await, StoreError::Unavailable(text) if text.contains("within 3 s")));
    drop(listener);
    let begun = Instant::now();
    assert!(matches!(open(&url).await, StoreError::Unavailable(text) if text.contains("refused")));
    assert!(begun.elapsed() < Duration::from_secs(2));
    for wrong in [
        "mysql://hub:secret-word@localhost/hub",
        "postgres://hub:secret-word@[/hub",
        "postgres://hub:secret-word@localhost:99999/hub",
        "sqlite://hub.db",
        "",
    ] {
        assert!(matches!(open(wrong).await, StoreError::Unavailable(_)), "{wrong}");
    }
}

#[tokio::test]
async fn a_wrong_password_or_database_is_named_without_it() {
    on_postgres(async |place: Arc<Place>| {
        let (_, address, rest) = parts(place.url.as_ref().unwrap());
        let error = open(&format!("postgres://hub:secret-word@{address}/{rest}")).await;
        assert!(matches!(error, StoreError::Unavailable(text) if text.contains("28P01")));
        let (user, address, _) = parts(place.url.as_ref().unwrap());
        let error = open(&format!("{user}@{address}/no_such_database")).await;
        assert!(matches!(error, StoreError::Unavailable(text) if text.contains("3D000")));
    })
    .await;
}

#[tokio::test]
async fn a_lost_answer_to_a_commit_is_unsure_and_before_it_nothing_is_written() {
    on_postgres(async |place: Arc<Place>| {
        let (proxy, store) = through_wire(&place).await;
        store.meta().put("a", "1").await.unwrap();
        proxy.set(Wire::CutAnswer);
        // One statement commits by itself: its answer is the commit's.
        let lost = store.meta().put("a", "2").await;
        assert!(matches!(lost, Err(StoreError::Unsure(_))), "{lost:?}");
        proxy.set(Wire::Whole);
        assert_eq!(
            store.meta().get("a").await.unwrap().as_deref(),
            Some("2"),
            "it had arrived"
        );
        store.idempotency().claim("k", "r", at(0), at(9), at(99)).await.unwrap();
        proxy.set(Wire::CutAnswer);
        let new = NewSubmission {
            idempotency: Some("k".into()),
            ..submission(None)
        };
        let lost = store.submissions().accept(&new).await;
        assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
        proxy.set(Wire::Whole);
        assert_eq!(store.submissions().counts().await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_read_survives_a_restart_and_idle_connections_are_asked_first() {
    on_postgres(async |place: Arc<Place>| {
        let (proxy, store) = through_wire(&place).await;
        let port = proxy.port;
        let (_, address, _) = parts(place.url.as_ref().unwrap());
        store.meta().put("a", "1").await.unwrap();
        proxy.stop().await;
        let proxy = Proxy::start(port, address.clone()).await;
        // The line in hand is dead. A read takes another.
        assert_eq!(store.meta().get("a").await.unwrap().as_deref(), Some("1"));
        proxy.stop().await;
        let proxy = Proxy::start(port, address).await;
        // After a second of quiet a write finds out before it says anything.
        tokio::time::sleep(Duration::from_millis(1100)).await;
        store.meta().put("a", "2").await.unwrap();
        proxy.stop().await;
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let begun = Instant::now();
        assert!(matches!(
            store.meta().put("a", "3").await,
            Err(StoreError::Unavailable(_))
        ));
        assert!(matches!(store.meta().get("a").await, Err(StoreError::Unavailable(_))));
        assert!(matches!(store.ping().await, Err(StoreError::Unavailable(_))));
        assert!(begun.elapsed() < Duration::from_secs(2), "refused is known at once");
    })
    .await;
}

#[tokio::test]
async fn a_silent_database_is_given_up_in_bounded_time() {
    on_postgres(async |place: Arc<Place>| {
        let (proxy, store) = through_wire(&place).await;
        store.meta().put("a", "1").await.unwrap();
        let warm: Vec<_> = (0..10)
            .map(|_| {
                let store = store.clone();
                tokio::spawn(async move { store.meta().get("a").await })
            })
            .collect();
        for one in warm {
            one.await.unwrap().unwrap();
        }
        proxy.set(Wire::Silent);
        let begun = Instant::now();
        let all = store.submissions();
        let (written, read) = tokio::join!(write(store.clone()), all.counts());
        assert!(matches!(written, Err(StoreError::Unsure(_))), "{written:?}");
        assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        // Nothing was said yet by those who now wait for a connection.
        let begun = Instant::now();
        let crowd: Vec<_> = (0..40).map(|_| tokio::spawn(write(store.clone()))).collect();
        for one in crowd {
            assert!(matches!(one.await.unwrap(), Err(StoreError::Unavailable(_))));
        }
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        proxy.set(Wire::Whole);
        assert_eq!(store.meta().get("a").await.unwrap().as_deref(), Some("1"));
        store.close().await;
    })
    .await;
}
