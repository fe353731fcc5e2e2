//! The provider against the clock, and two hubs over one store.

use crate::forge::{at, store};
use hub_core::ports::Shown;
use hub_core::time::Timestamp;
use hub_core::{Assurance, ProblemCode, Subject};
use hub_crypto::{Digest, base64_url, digest, hmac};
use hub_identity::sso::{AccessTokens, Next, Params, Provider, SsoClient};
use hub_identity::{Identity, PairwiseKey, TokenVerifier};
use hub_store::Store;
use serde_json::{Value, json};
use std::sync::Arc;

const ISSUER: &str = "http://hub.test/sso";
const REDIRECT: &str = "https://app.example/cb";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// One hub.
pub(crate) struct Hub {
    pub(crate) provider: Provider,
    pub(crate) gateway: Identity,
}

pub(crate) async fn hub(store: &Store, now: Timestamp) -> Hub {
    let access = AccessTokens::load(store, ISSUER, vec!["hub".into()], now)
        .await
        .unwrap();
    let access = Arc::new(access);
    let pairwise = PairwiseKey::load(store).await.unwrap();
    Hub {
        provider: Provider::new(store.clone(), Arc::clone(&access), pairwise.clone()),
        gateway: Identity::new(TokenVerifier::new(Vec::new()), pairwise).with_own(access),
    }
}

pub(crate) fn wang() -> Subject {
    Subject {
        id: "urn:test#wang".into(),
        assurance: Assurance::R3,
        name: Some("王小明".into()),
        id_number: Some("990101199003070011".into()),
        mobile: None,
        mandate: None,
        expires: 0,
    }
}

pub(crate) fn params(pairs: &[(&str, &str)]) -> Params {
    Params::new(pairs.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect()).unwrap()
}

impl Hub {
    async fn client(&self, id: &str) -> SsoClient {
        let given = json!({
            "client_id": id, "client_name": "x", "token_endpoint_auth_method": "none", "redirect_uris": [REDIRECT],
            "scope": "openid services offline_access",
        });
        self.provider.register(&given, at(0)).await.unwrap();
        self.provider
            .prove(&params(&[("client_id", id)]), None, at(0))
            .await
            .unwrap()
    }

    pub(crate) async fn code(&self, client: &SsoClient, cookie: &str, scope: &str, now: Timestamp) -> Option<String> {
        let challenge = base64_url(&digest(Digest::Sha256, VERIFIER.as_bytes()));
        let asked = params(&[
            ("client_id", &client.row().id),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", scope),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let request = self.provider.open(&asked, now).await.unwrap();
        let session = self.provider.session(cookie, now).await.unwrap()?;
        let Next::Back(back) = self.provider.agree(&request, &session, &[], now).await.unwrap() else {
            panic!("not back");
        };
        let (_, rest) = back.address.split_once("code=").unwrap();
        rest.split('&').next().map(str::to_owned)
    }

    pub(crate) async fn exchange(&self, client: &SsoClient, code: &str, now: Timestamp) -> Option<Value> {
        let form = params(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ]);
        self.provider.token(client, &form, None, now).await.ok()
    }

    async fn refresh(&self, client: &SsoClient, token: &Value, now: Timestamp) -> Option<Value> {
        let form = params(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", token.as_str().unwrap()),
        ]);
        self.provider.token(client, &form, None, now).await.ok()
    }

    fn calls(&self, token: &Value, now: Timestamp) -> Result<Arc<Subject>, ProblemCode> {
        self.gateway
            .subject(&Shown::bearer(token.as_str().unwrap()), now)
            .map_err(|p| p.code)
    }
}

#[tokio::test]
async fn attack_02_a_code_is_good_for_a_minute() {
    let (_folder, store) = store().await;
    let hub = hub(&store, at(0)).await;
    let client = hub.client("a").await;
    let cookie = hub.provider.sign_in(&wang(), None, at(0)).await.unwrap();
    let code = hub.code(&client, &cookie, "openid services", at(1)).await.unwrap();
    assert!(hub.exchange(&client, &code, at(61)).await.is_none());
    let code = hub.code(&client, &cookie, "openid services", at(1)).await.unwrap();
    let tokens = hub.exchange(&client, &code, at(60)).await.unwrap();
    let subject = hub.calls(&tokens["access_token"], at(61)).unwrap();
    assert_eq!(
        (subject.id.as_str(), &subject.id_number),
        ("urn:test#wang", &wang().id_number)
    );
    assert_eq!(subject.expires, at(360).as_second());
    assert_eq!(
        hub.calls(&tokens["access_token"], at(360)),
        Err(ProblemCode::TokenExpired)
    );
    let access = tokens["access_token"].as_str().unwrap();
    assert!(access.len() < 1200, "{} bytes", access.len());
    println!("an access token has {} bytes", access.len());
}

#[tokio::test]
async fn sessions_end_by_themselves_and_what_lasts_outlives_them() {
    let (_folder, store) = store().await;
    let hub = hub(&store, at(0)).await;
    let client = hub.client("a").await;
    let cookie = hub.provider.sign_in(&wang(), None, at(0)).await.unwrap();
    let bound = hub.code(&client, &cookie, "openid services", at(1)).await.unwrap();
    let bound = hub.exchange(&client, &bound, at(2)).await.unwrap();
    let lasting = hub
        .code(&client, &cookie, "openid offline_access", at(3))
        .await
        .unwrap();
    let lasting = hub.exchange(&client, &lasting, at(4)).await.unwrap();
    for minute in [29, 58, 87] {
        assert!(hub.provider.session(&cookie, at(minute * 60)).await.unwrap().is_some());
    }
    assert!(
        hub.provider.session(&cookie, at(118 * 60)).await.unwrap().is_none(),
        "not seen for half an hour"
    );
    let later = at(118 * 60 + 1);
    assert!(hub.refresh(&client, &bound["refresh_token"], later).await.is_none());
    assert!(hub.refresh(&client, &lasting["refresh_token"], later).await.is_some());
    let busy = hub.provider.sign_in(&wang(), None, at(0)).await.unwrap();
    for minute in (20..480).step_by(20) {
        assert!(hub.provider.session(&busy, at(minute * 60)).await.unwrap().is_some());
    }
    assert!(
        hub.provider.session(&busy, at(8 * 3600)).await.unwrap().is_none(),
        "eight hours are enough"
    );
}

#[tokio::test]
async fn attack_40_other_hubs_hear_of_a_withdrawal() {
    let (_folder, store) = store().await;
    let (one, two) = (hub(&store, at(0)).await, hub(&store, at(0)).await);
    let client = one.client("a").await;
    let cookie = one.provider.sign_in(&wang(), None, at(0)).await.unwrap();
    let code = one.code(&client, &cookie, "openid services", at(1)).await.unwrap();
    let tokens = two.exchange(&client, &code, at(2)).await.unwrap();
    for hub in [&one, &two] {
        assert!(
            hub.calls(&tokens["access_token"], at(3)).is_ok(),
            "each knows the other's tokens"
        );
    }
    one.provider.withdraw(&wang(), "a", at(4)).await.unwrap();
    assert_eq!(
        one.calls(&tokens["access_token"], at(4)),
        Err(ProblemCode::TokenInvalid)
    );
    two.provider.refresh(at(5)).await.unwrap();
    assert_eq!(
        two.calls(&tokens["access_token"], at(5)),
        Err(ProblemCode::TokenInvalid)
    );
    assert!(two.refresh(&client, &tokens["refresh_token"], at(5)).await.is_none());
    let third = hub(&store, at(6)).await;
    assert_eq!(
        third.calls(&tokens["access_token"], at(6)),
        Err(ProblemCode::TokenInvalid),
        "one that starts later too"
    );
}

#[tokio::test]
async fn attack_21_keys_turn_by_time_and_no_hub_meets_one_it_does_not_know() {
    let (_folder, store) = store().await;
    let (one, two) = (hub(&store, at(0)).await, hub(&store, at(0)).await);
    let published = one.provider.jwks();
    assert_eq!(published, two.provider.jwks());
    let client = one.client("a").await;
    let due = 90 * 24 * 3600;
    let cookie = one.provider.sign_in(&wang(), None, at(due - 10)).await.unwrap();
    let sign = async |hub: &Hub, second| {
        let code = hub.code(&client, &cookie, "openid services", at(second)).await.unwrap();
        hub.exchange(&client, &code, at(second)).await.unwrap()["access_token"].clone()
    };
    let old = sign(&one, due - 5).await;
    one.provider.refresh(at(due)).await.unwrap();
    let new = sign(&one, due + 1).await;
    let kid = |token: &Value| {
        let header = token.as_str().unwrap().split('.').next().unwrap();
        serde_json::from_slice::<Value>(&hub_crypto::from_base64_url(header).unwrap()).unwrap()["kid"].clone()
    };
    assert_ne!(kid(&old), kid(&new));
    assert!(
        published["keys"]
            .as_array()
            .unwrap()
            .iter()
            .any(|k| k["kid"] == kid(&new))
    );
    // The other hub has not looked yet.
    assert!(two.calls(&new, at(due + 2)).is_ok());
    two.provider.refresh(at(due + 3)).await.unwrap();
    assert_eq!(one.provider.jwks(), two.provider.jwks());
    for hub in [&one, &two] {
        assert!(hub.calls(&old, at(due + 4)).is_ok(), "the last key still verifies");
    }
}

#[tokio::test]
async fn attacks_11_12_13_forged_tokens_of_ours_are_refused() {
    let (_folder, store) = store().await;
    let hub = hub(&store, at(0)).await;
    let client = hub.client("a").await;
    let cookie = hub.provider.sign_in(&wang(), None, at(0)).await.unwrap();
    let code = hub.code(&client, &cookie, "openid services", at(1)).await.unwrap();
    let tokens = hub.exchange(&client, &code, at(2)).await.unwrap();
    let token = tokens["access_token"].as_str().unwrap();
    let [header, claims, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three parts")
    };
    let read: Value = serde_json::from_slice(&hub_crypto::from_base64_url(header).unwrap()).unwrap();
    let jwk = hub.provider.jwks()["keys"][0].clone();
    let with = |name: &str, value: Value| {
        let mut changed = read.clone();
        changed[name] = value;
        base64_url(changed.to_string().as_bytes())
    };
    let hs256 = format!("{}.{claims}", with("alg", json!("HS256")));
    let keyed = hmac(Digest::Sha256, jwk["x"].as_str().unwrap().as_bytes(), hs256.as_bytes());
    let mut body: Value = serde_json::from_slice(&hub_crypto::from_base64_url(claims).unwrap()).unwrap();
    body["scope"] = json!("openid services id_number");
    let wider = base64_url(body.to_string().as_bytes());
    for bad in [
        format!("{}.{claims}.", with("alg", json!("none"))),
        format!("{}.{claims}.", with("alg", json!("NoNe"))),
        format!("{header}.{claims}."),
        format!("{hs256}.{}", base64_url(&keyed)),
        format!("{header}.{wider}.{signature}"),
        format!("{}.{claims}.{signature}", with("kid", json!("../../etc/passwd"))),
        format!("{}.{claims}.{signature}", with("jwk", jwk.clone())),
        format!("{}.{claims}.{signature}", with("jku", json!("https://evil.example/"))),
        format!("{}.{claims}.{signature}", with("crit", json!(["x"]))),
        format!("{}.{claims}.{signature}", with("typ", json!("JWT"))),
        tokens["id_token"].as_str().unwrap().to_owned(),
    ] {
        assert_eq!(hub.calls(&json!(bad), at(3)), Err(ProblemCode::TokenInvalid), "{bad}");
        assert!(hub.provider.userinfo(&Shown::bearer(&bad), at(3)).await.is_err());
    }
    assert!(hub.provider.userinfo(&Shown::bearer(token), at(3)).await.is_ok());
}
