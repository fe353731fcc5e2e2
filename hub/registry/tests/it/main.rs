//! Keys from birth to death, over a real store.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests may fail loudly

mod desk;

use hub_core::Environment;
use hub_core::time::Timestamp;
use hub_registry::{IssuedKey, NewClient, Registry, RegistryError};
use hub_store::Store;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn app(id: &str, environment: Environment) -> NewClient {
    NewClient {
        id: Some(id.into()),
        tenant: "city".into(),
        name: "城市 App".into(),
        plan: "default".into(),
        environment,
        origins: vec!["https://app.example".into()],
    }
}

async fn registry() -> (TempDir, Store, Registry, IssuedKey) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), None).await.unwrap();
    let registry = Registry::load(store.clone()).await.unwrap();
    registry.put_tenant("city", "城市", at(0)).await.unwrap();
    registry.put_client(app("app", Environment::Live), at(0)).await.unwrap();
    let key = registry.issue_key("app", at(0)).await.unwrap();
    (folder, store, registry, key)
}

#[tokio::test]
async fn a_key_opens_its_client_and_no_variant_of_it_does() {
    let (_folder, _store, registry, issued) = registry().await;
    let client = registry.client(&issued.key, at(1)).unwrap();
    assert_eq!(
        (client.id.as_str(), client.tenant.as_str(), client.environment),
        ("app", "city", Environment::Live)
    );
    for (i, old) in issued.key.char_indices() {
        let mut other = issued.key.clone();
        other.replace_range(i..=i, if old == '1' { "2" } else { "1" });
        assert!(registry.client(&other, at(1)).is_none(), "{i}");
    }
    for other in [
        &issued.prefix,
        &issued.key.to_uppercase(),
        &issued.key.replace("live", "test"),
        "",
    ] {
        assert!(registry.client(other, at(1)).is_none());
    }
}

#[tokio::test]
async fn rotation_leaves_the_old_key_its_grace() {
    let (_folder, _store, registry, old) = registry().await;
    let new = registry.rotate("app", Duration::from_secs(60), at(10)).await.unwrap();
    assert_ne!(new.key, old.key);
    assert!(registry.client(&old.key, at(69)).is_some());
    assert!(registry.client(&old.key, at(70)).is_none());
    assert!(registry.client(&new.key, at(1000)).is_some());
    registry.rotate("app", Duration::from_secs(600), at(20)).await.unwrap();
    assert!(
        registry.client(&old.key, at(70)).is_none(),
        "a second rotation gives no new grace"
    );
}

#[tokio::test]
async fn a_revoked_key_and_a_suspended_client_are_dead_at_once() {
    let (_folder, _store, registry, key) = registry().await;
    let other = registry.issue_key("app", at(1)).await.unwrap();
    registry.revoke(&key.prefix).await.unwrap();
    assert!(registry.client(&key.key, at(2)).is_none());
    assert!(registry.client(&other.key, at(2)).is_some());
    registry.set_active("app", false).await.unwrap();
    assert!(registry.client(&other.key, at(2)).is_none());
    assert!(!registry.knows_origin("https://app.example"));
    registry.put_client(app("app", Environment::Live), at(3)).await.unwrap();
    assert!(
        registry.client(&other.key, at(4)).is_none(),
        "a change of its name does not wake it"
    );
    registry.set_active("app", true).await.unwrap();
    assert!(registry.client(&other.key, at(5)).is_some());
    assert!(matches!(
        registry.revoke("nokey").await,
        Err(RegistryError::Unknown { .. })
    ));
}

#[tokio::test]
async fn everything_survives_a_restart_and_reaches_other_hubs() {
    let (folder, store, registry, key) = registry().await;
    let second = Registry::load(store).await.unwrap();
    assert!(second.client(&key.key, at(1)).is_some());
    registry.revoke(&key.prefix).await.unwrap();
    second.reload().await.unwrap();
    assert!(second.client(&key.key, at(1)).is_none());
    drop((registry, second));
    let again = Registry::load(Store::open(folder.path(), None).await.unwrap())
        .await
        .unwrap();
    assert!(again.client(&key.key, at(1)).is_none());
    assert!(again.keys().await.unwrap()[0].revoked);
}

#[tokio::test]
async fn the_database_holds_no_key() {
    let (folder, _store, registry, issued) = registry().await;
    let secret = issued.key.rsplit('_').next().unwrap();
    for file in ["hub.db", "hub.db-wal"] {
        let bytes = std::fs::read(folder.path().join(file)).unwrap();
        assert!(!bytes.windows(secret.len()).any(|w| w == secret.as_bytes()), "{file}");
    }
    assert!(!format!("{issued:?} {registry:?}").contains(secret));
}

#[tokio::test]
async fn environments_never_mix() {
    let (_folder, _store, registry, live) = registry().await;
    registry
        .put_client(app("app-test", Environment::Sandbox), at(0))
        .await
        .unwrap();
    let test = registry.issue_key("app-test", at(0)).await.unwrap();
    assert!(live.key.starts_with("hub_live_") && test.key.starts_with("hub_test_"));
    assert_eq!(
        registry.client(&test.key, at(1)).unwrap().environment,
        Environment::Sandbox
    );
    let moved = registry.put_client(app("app", Environment::Sandbox), at(1)).await;
    assert!(matches!(moved, Err(RegistryError::Exists(_))));
}

#[tokio::test]
async fn values_are_checked() {
    let (_folder, _store, registry, _) = registry().await;
    for origin in [
        "*",
        "null",
        "https://*.example",
        "https://a.example/",
        "https://a.example:443",
        "https://A.example",
        "ftp://a",
        "a",
    ] {
        let mut new = app("x", Environment::Live);
        new.origins = vec![origin.into()];
        let got = registry.put_client(new, at(0)).await;
        assert!(
            matches!(got, Err(RegistryError::Value { field: "origins", .. })),
            "{origin}"
        );
    }
    let mut new = app("x", Environment::Live);
    new.tenant = "nobody".into();
    assert!(matches!(
        registry.put_client(new, at(0)).await,
        Err(RegistryError::Unknown { kind: "tenant", .. })
    ));
    for id in ["", "A", "a b", "a\n", "../x"] {
        assert!(
            registry.put_client(app(id, Environment::Live), at(0)).await.is_err(),
            "{id}"
        );
        assert!(registry.put_tenant(id, "n", at(0)).await.is_err(), "{id}");
    }
    assert!(registry.issue_key("nobody", at(0)).await.is_err());
    assert_eq!(registry.clients().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_answered_while_keys_change() {
    let (_folder, _store, registry, key) = registry().await;
    let registry = Arc::new(registry);
    let reader = tokio::spawn({
        let registry = Arc::clone(&registry);
        async move {
            for _ in 0..2000 {
                assert!(registry.client(&key.key, at(1)).is_some());
                tokio::task::yield_now().await;
            }
        }
    });
    for _ in 0..20 {
        registry.issue_key("app", at(1)).await.unwrap();
    }
    reader.await.unwrap();
    assert_eq!(registry.keys().await.unwrap().len(), 21);
}
