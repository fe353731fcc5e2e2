//! What an OpenID provider keeps, over whichever database.

use crate::place::Place;
use crate::suite::at;
use hub_store::{ConsentRow, Dance, FamilyRow, NewCode, RequestKind, SessionRow, SsoClientRow, Store, TheirSession};
use std::sync::Arc;

fn client(id: &str) -> SsoClientRow {
    SsoClientRow {
        id: id.into(),
        name: "城市通".into(),
        en: "City app".into(),
        auth: "private_key_jwt".into(),
        secret: Some(vec![0, 255]),
        keys: Some("{\"keys\":[]}".into()),
        redirects: vec!["https://app.example/cb".into(), "app.example:/cb?x=1".into()],
        logouts: vec![],
        back_channel: None,
        sector: "app.example".into(),
        scopes: vec!["openid".into()],
        grants: vec!["authorization_code".into()],
        pushed_only: true,
        alg: "ES256".into(),
        active: true,
        dpop: true,
        exchanges: vec!["module".into()],
        origins: vec!["https://app.example".into()],
        created: at(0),
    }
}

pub(crate) async fn applications_are_kept_as_registered(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.sso_clients();
    let (first, second) = (client("a"), client("b"));
    all.put(&second).await.unwrap();
    all.put(&first).await.unwrap();
    let bare = SsoClientRow {
        secret: None,
        keys: None,
        active: false,
        back_channel: Some("https://app.example/out".into()),
        ..second
    };
    all.put(&bare).await.unwrap();
    assert_eq!(all.all().await.unwrap(), [first, bare.clone()]);
    assert_eq!(all.get("b").await.unwrap(), Some(bare));
    assert_eq!(all.get("c").await.unwrap(), None);
}

pub(crate) async fn a_pushed_request_is_taken_once_by_its_client(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.sign_ins();
    let kept = |hash: &'static str| all.keep_request(RequestKind::Pushed, hash, "a", b"{}", at(60));
    kept("h1").await.unwrap();
    let take = |hash: &'static str, client: &'static str, second| {
        let store = store.clone();
        async move {
            store
                .sign_ins()
                .take_request(RequestKind::Pushed, hash, client, at(second))
                .await
                .unwrap()
        }
    };
    assert_eq!(take("h1", "b", 1).await, None, "another client's");
    assert_eq!(take("h1", "a", 60).await, None, "too late");
    assert_eq!(take("h1", "a", 59).await, Some(b"{}".to_vec()));
    assert_eq!(take("h1", "a", 59).await, None, "taken");
    all.keep_request(RequestKind::Open, "h2", "a", b"1", at(60))
        .await
        .unwrap();
    all.keep_request(RequestKind::Open, "h2", "a", b"2", at(60))
        .await
        .unwrap();
    assert_eq!(take("h2", "a", 1).await, None, "it was not pushed");
    for _ in 0..2 {
        let open = all.request(RequestKind::Open, "h2", at(1)).await.unwrap();
        assert_eq!(open, Some(b"2".to_vec()), "it stays");
    }
    store.purge(at(60)).await.unwrap();
    assert_eq!(all.request(RequestKind::Open, "h2", at(1)).await.unwrap(), None);
}

pub(crate) async fn a_session_is_found_by_its_cookie_until_it_ends(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.sign_ins();
    let session = |n: &str| SessionRow {
        hash: format!("h{n}"),
        sid: format!("s{n}"),
        subject: "m".into(),
        content: "王小明".into(),
        since: at(1),
        seen: at(1),
        expires: at(100),
    };
    all.keep_session(&session("1")).await.unwrap();
    all.keep_session(&session("2")).await.unwrap();
    all.seen("h1", at(9)).await.unwrap();
    let seen = SessionRow {
        seen: at(9),
        ..session("1")
    };
    assert_eq!(all.session("h1", at(99)).await.unwrap(), Some(seen));
    assert_eq!(all.session("h1", at(100)).await.unwrap(), None);
    assert_eq!(all.sessions_of("m", at(9)).await.unwrap().len(), 2);
    let turned = SessionRow {
        hash: "h3".into(),
        ..session("2")
    };
    all.keep_session(&turned).await.unwrap();
    assert_eq!(all.session("h2", at(9)).await.unwrap(), None, "its cookie has changed");
    assert_eq!(all.session("h3", at(9)).await.unwrap(), Some(turned.clone()));
    all.end_session("s1").await.unwrap();
    assert_eq!(all.session("h1", at(9)).await.unwrap(), None);
    assert_eq!(all.sessions_of("m", at(9)).await.unwrap(), [turned]);
}

async fn family(store: &Store, id: &str, sid: &str, lasting: bool) {
    let family = FamilyRow {
        id: id.into(),
        client: "a".into(),
        subject: "m".into(),
        sid: sid.into(),
        content: b"grant".to_vec(),
        lasting,
        expires: at(1000),
        revoked: None,
    };
    let code = NewCode {
        hash: format!("c-{id}"),
        content: b"bound".to_vec(),
        expires: at(60),
    };
    store.families().open(&family, &code).await.unwrap();
}

pub(crate) async fn of_many_who_use_one_code_one_succeeds(place: Arc<Place>) {
    let store = place.store().await;
    family(&store, "f", "s", false).await;
    let code = store.families().code("c-f").await.unwrap().unwrap();
    assert_eq!(
        (
            code.client.as_str(),
            code.family.as_str(),
            code.content.as_slice(),
            code.used
        ),
        ("a", "f", b"bound".as_slice(), false)
    );
    let tries: Vec<_> = (0..20)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.families().use_code("c-f", at(1)).await.unwrap() })
        })
        .collect();
    let mut good = 0;
    for one in tries {
        good += usize::from(one.await.unwrap());
    }
    assert_eq!(good, 1);
    assert!(store.families().code("c-f").await.unwrap().unwrap().used);
    assert_eq!(store.families().code("c-x").await.unwrap(), None);
}

pub(crate) async fn of_many_who_rotate_one_token_one_succeeds(place: Arc<Place>) {
    let store = place.store().await;
    family(&store, "f", "s", false).await;
    let all = store.families();
    assert!(all.first_refresh("r0", "f", Some("k"), at(1)).await.unwrap());
    let tries: Vec<_> = (0..20)
        .map(|n| {
            let store = store.clone();
            let new = format!("r1-{n}");
            tokio::spawn(async move { store.families().rotate("r0", &new, at(2)).await.unwrap().then_some(new) })
        })
        .collect();
    let mut new = Vec::new();
    for one in tries {
        new.extend(one.await.unwrap());
    }
    assert_eq!(new.len(), 1);
    for n in 0..20 {
        let hash = format!("r1-{n}");
        assert_eq!(all.refresh(&hash).await.unwrap().is_some(), hash == new[0], "{hash}");
    }
    assert!(all.refresh("r0").await.unwrap().unwrap().used);
    assert!(!all.refresh(&new[0]).await.unwrap().unwrap().used);
    all.revoke("f", at(3)).await.unwrap();
    all.revoke("f", at(4)).await.unwrap();
    assert_eq!(all.get("f").await.unwrap().unwrap().revoked, Some(at(3)));
    assert!(!all.rotate(&new[0], "r2", at(5)).await.unwrap(), "the family is dead");
    assert!(!all.first_refresh("r3", "f", None, at(5)).await.unwrap());
}

pub(crate) async fn families_die_with_session_and_consent(place: Arc<Place>) {
    let store = place.store().await;
    for (id, sid, lasting) in [("f1", "s1", false), ("f2", "s1", true), ("f3", "s2", false)] {
        family(&store, id, sid, lasting).await;
    }
    let all = store.families();
    let ended = all.revoke_of_session("s1", at(5)).await.unwrap();
    assert_eq!(ended, ["f1"]);
    assert_eq!(all.clients_of_session("s1").await.unwrap(), ["a"], "each once");
    assert!(all.clients_of_session("s3").await.unwrap().is_empty());
    let mut gone = all.revoke_of_subject("m", "a", at(7)).await.unwrap();
    gone.sort();
    assert_eq!(gone, ["f2", "f3"]);
    assert!(all.revoke_of_subject("m", "b", at(7)).await.unwrap().is_empty());
    assert_eq!(all.revoked_since(at(5)).await.unwrap().len(), 3);
    assert_eq!(all.revoked_since(at(6)).await.unwrap().len(), 2);
    store.purge(at(999)).await.unwrap();
    assert!(all.code("c-f1").await.unwrap().is_some(), "a used code must be known");
    store.purge(at(1000)).await.unwrap();
    assert!(all.code("c-f1").await.unwrap().is_none() && all.get("f1").await.unwrap().is_none());
}

pub(crate) async fn every_change_of_a_consent_is_an_epoch(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.sign_ins();
    let consent = |scopes: &[&str], since| ConsentRow {
        subject: "m".into(),
        client: "a".into(),
        epoch: 0,
        scopes: scopes.iter().map(|s| (*s).to_owned()).collect(),
        since: at(since),
        until: at(1000),
        withdrawn: None,
    };
    assert_eq!(all.consent("m", "a").await.unwrap(), None);
    assert_eq!(all.give(&consent(&["openid"], 1)).await.unwrap(), 1);
    assert_eq!(all.give(&consent(&["openid", "profile"], 2)).await.unwrap(), 2);
    let last = ConsentRow {
        epoch: 2,
        ..consent(&["openid", "profile"], 2)
    };
    assert_eq!(all.consent("m", "a").await.unwrap(), Some(last));
    assert!(all.withdraw("m", "a", at(3)).await.unwrap());
    assert!(!all.withdraw("m", "a", at(4)).await.unwrap());
    assert_eq!(
        all.consent("m", "a").await.unwrap().unwrap().withdrawn,
        Some(at(3)),
        "the earlier one does not come back"
    );
    assert_eq!(all.give(&consent(&["openid"], 5)).await.unwrap(), 3);
    assert_eq!(all.consent("m", "a").await.unwrap().unwrap().withdrawn, None);
    assert_eq!(all.consents("m").await.unwrap().len(), 3);
    assert!(all.consents("n").await.unwrap().is_empty());
}

/// A form whose answer is lost is sent again, to another hub, while the first still commits.
pub(crate) async fn whoever_agrees_or_signs_in_twice_at_once_is_told_no_error(place: Arc<Place>) {
    let store = place.store().await;
    let agree = |n: i64| {
        let store = store.clone();
        tokio::spawn(async move {
            let consent = ConsentRow {
                subject: "m".into(),
                client: "a".into(),
                epoch: 0,
                scopes: vec!["openid".into()],
                since: at(n),
                until: at(1000),
                withdrawn: None,
            };
            store.sign_ins().give(&consent).await
        })
    };
    let mut epochs = Vec::new();
    for one in (0..10).map(agree).collect::<Vec<_>>() {
        epochs.push(one.await.unwrap().unwrap());
    }
    epochs.sort_unstable();
    assert_eq!(epochs, (1..=10).collect::<Vec<i64>>(), "each is an epoch");
    let sign_in = |n: i64| {
        let store = store.clone();
        tokio::spawn(async move {
            let session = SessionRow {
                hash: format!("c{n}"),
                sid: "s".into(),
                subject: "m".into(),
                content: b"x".to_vec(),
                since: at(n),
                seen: at(n),
                expires: at(1000),
            };
            store.sign_ins().keep_session(&session).await
        })
    };
    for one in (0..10).map(sign_in).collect::<Vec<_>>() {
        one.await.unwrap().unwrap();
    }
    assert_eq!(
        store.sign_ins().sessions_of("m", at(11)).await.unwrap().len(),
        1,
        "the last one stands"
    );
}

pub(crate) async fn a_mark_comes_first_once(place: Arc<Place>) {
    let store = place.store().await;
    let first = |second, until| {
        let store = store.clone();
        async move { store.sign_ins().comes_first("j", at(second), at(until)).await.unwrap() }
    };
    assert!(first(0, 60).await);
    assert!(!first(59, 90).await);
    assert!(first(60, 90).await, "the earlier one has run out");
}

pub(crate) async fn a_dance_is_taken_once_by_its_browser_at_its_provider(place: Arc<Place>) {
    let store = place.store().await;
    let dance = Dance {
        state: "s1".into(),
        provider: "wechat".into(),
        browser: "b1".into(),
        content: b"kept".to_vec(),
        expires: at(60),
    };
    store.arrivals().begin(&dance).await.unwrap();
    let take = |provider: &'static str, browser: &'static str, second| {
        let store = store.clone();
        async move {
            store
                .arrivals()
                .take("s1", provider, browser, at(second))
                .await
                .unwrap()
        }
    };
    for (provider, browser, second) in [("alipay", "b1", 0), ("wechat", "b2", 0), ("wechat", "b1", 60)] {
        assert_eq!(
            take(provider, browser, second).await,
            None,
            "{provider} {browser} {second}"
        );
    }
    let tries: Vec<_> = (0..10).map(|_| tokio::spawn(take("wechat", "b1", 1))).collect();
    let mut taken = Vec::new();
    for one in tries {
        taken.extend(one.await.unwrap());
    }
    assert_eq!(taken, [b"kept".to_vec()]);
    store.arrivals().begin(&dance).await.unwrap();
    store.purge(at(61)).await.unwrap();
    assert_eq!(take("wechat", "b1", 1).await, None, "forgotten");
}

pub(crate) async fn whoever_links_at_once_is_told_the_same_account(place: Arc<Place>) {
    let store = place.store().await;
    assert_eq!(store.arrivals().account("m1").await.unwrap(), None);
    let tries: Vec<_> = (0..10)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let new = format!("acc_{n}");
                let number = store.arrivals().number("n1", &new, at(n)).await.unwrap();
                (
                    number,
                    store.arrivals().link("m1", "wechat", &new, at(n)).await.unwrap(),
                )
            })
        })
        .collect();
    let mut told = std::collections::BTreeSet::new();
    for one in tries {
        told.insert(one.await.unwrap());
    }
    assert_eq!(told.len(), 1, "{told:?}");
    let (_, account) = told.into_iter().next().unwrap();
    assert_eq!(store.arrivals().account("m1").await.unwrap(), Some(account));
}

pub(crate) async fn sessions_that_came_from_a_provider_are_found_by_person_and_session(place: Arc<Place>) {
    let store = place.store().await;
    let all = store.arrivals();
    for (sid, mark, their) in [
        ("1", "li", "s1"),
        ("2", "li", "s2"),
        ("3", "wang", "s3"),
        ("4", "wang", ""),
    ] {
        let session = TheirSession {
            sid: sid.into(),
            mark: mark.into(),
            their: their.into(),
            subject: format!("subject of {mark}"),
            expires: at(60),
        };
        all.came_from(&session).await.unwrap();
        all.came_from(&session).await.unwrap();
    }
    let took = async |mark: Option<&str>, their: Option<&str>| {
        let mut sids: Vec<String> = all
            .take_sessions(mark, their)
            .await
            .unwrap()
            .into_iter()
            .map(|(s, _)| s)
            .collect();
        sids.sort();
        sids
    };
    assert_eq!(took(Some("wang"), Some("s1")).await, Vec::<String>::new());
    assert_eq!(took(None, None).await, Vec::<String>::new());
    assert_eq!(took(Some("li"), Some("s1")).await, ["1"]);
    assert_eq!(took(None, Some("s2")).await, ["2"]);
    assert_eq!(took(Some("wang"), None).await, ["3", "4"]);
    assert_eq!(
        took(Some("wang"), None).await,
        Vec::<String>::new(),
        "they are forgotten"
    );
}
