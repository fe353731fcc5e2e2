//! The OpenID provider towards programs: access and refresh tokens, pushed requests, how clients prove themselves.

use crate::channel::{Browser, Channel, REDIRECT, parts, query, verified};
use crate::sso::{WANG, call, text};
use crate::support::{City, TestHub};
use hub_crypto::{EcdsaKey, base64_url, random};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn attack_22_other_tokens_are_no_access_tokens() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let code = channel.code(&mut browser, WANG, &[]).await;
    let tokens = channel.exchange(&code, &[]).await.body;
    for wrong in [text(&tokens, "id_token"), text(&tokens, "refresh_token"), &code, ""] {
        assert_eq!(channel.userinfo(wrong).await.status, 401);
        if !wrong.is_empty() {
            assert_eq!(call(&hub, wrong).await.status, 401);
        }
    }
    let foreign = hub.ready().subject_tokens[WANG].clone();
    assert_eq!(channel.userinfo(&foreign).await.status, 401, "another issuer's");
    // Without `services` the token is for userinfo alone.
    let narrow = channel
        .tokens(&mut Browser::new(&hub), WANG, &[("scope", "openid profile")])
        .await;
    assert_eq!(channel.userinfo(text(&narrow, "access_token")).await.status, 200);
    assert_eq!(call(&hub, text(&narrow, "access_token")).await.code(), "token-invalid");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_23_a_token_for_elsewhere_or_in_the_query_is_not_taken() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let got = browser
        .get(&channel.authorize(&[("resource", "https://elsewhere.example/")]))
        .await;
    assert_eq!(query(got.header("location"))["error"], "invalid_target");
    let gateway = format!("{}/gateway", hub.ready().base_url);
    let tokens = channel.tokens(&mut browser, WANG, &[("resource", &gateway)]).await;
    let access = text(&tokens, "access_token");
    assert_eq!(parts(access).1["aud"], gateway);
    assert_eq!(call(&hub, access).await.status, 200);
    // Without `services` a token is for userinfo alone: no service is called with it, and nothing of the person's is shown.
    let narrow = channel.tokens(&mut browser, WANG, &[("scope", "openid profile")]).await;
    let narrow = text(&narrow, "access_token");
    assert_eq!(parts(narrow).1["aud"], format!("{}/sso", hub.ready().base_url));
    assert_eq!(channel.userinfo(narrow).await.status, 200);
    assert_eq!(call(&hub, narrow).await.code(), "token-invalid");
    let in_query = hub
        .ask("GET", &format!("/sso/userinfo?access_token={access}"), &[], None)
        .await;
    assert_eq!((in_query.status, text(&in_query.body, "error")), (401, "invalid_token"));
    assert!(in_query.header("www-authenticate").contains("invalid_token"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_24_an_old_refresh_token_kills_the_family() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let tokens = channel.tokens(&mut Browser::new(&hub), WANG, &[]).await;
    let first = text(&tokens, "refresh_token").to_owned();
    let second = channel.refresh(&first).await.body;
    let third = channel.refresh(text(&second, "refresh_token")).await.body;
    let id = verified(&hub, text(&third, "id_token")).await;
    assert_eq!(id["sub"], parts(text(&tokens, "id_token")).1["sub"]);
    assert_eq!(call(&hub, text(&third, "access_token")).await.status, 200);
    let wider = [
        ("grant_type", "refresh_token"),
        ("refresh_token", text(&third, "refresh_token")),
        ("scope", "openid id_number"),
    ];
    assert_eq!(
        text(&channel.send("/sso/token", &wider).await.body, "error"),
        "invalid_scope"
    );
    let replayed = channel.refresh(&first).await;
    assert_eq!((replayed.status, text(&replayed.body, "error")), (400, "invalid_grant"));
    assert_eq!(channel.refresh(text(&third, "refresh_token")).await.status, 400);
    for dead in [&tokens, &second, &third] {
        assert_eq!(call(&hub, text(dead, "access_token")).await.code(), "token-invalid");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_25_a_stranger_revokes_nothing_and_revocation_cascades() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let other = Channel::new(&hub, &json!({})).await;
    let tokens = channel.tokens(&mut Browser::new(&hub), WANG, &[]).await;
    let (access, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    for token in [access, refresh] {
        let got = other.send("/sso/revoke", &[("token", token)]).await;
        assert_eq!((got.status, text(&got.body, "error")), (400, "unauthorized_client"));
        assert!(!other.is_active(token).await, "a stranger learns nothing");
    }
    assert_eq!(call(&hub, access).await.status, 200);
    assert_eq!(channel.send("/sso/revoke", &[("token", "nonsense")]).await.status, 200);
    assert_eq!(channel.send("/sso/revoke", &[("token", refresh)]).await.status, 200);
    assert_eq!(call(&hub, access).await.status, 401);
    assert!(!channel.is_active(access).await && !channel.is_active(refresh).await);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_27_a_pushed_request_is_good_once_and_for_its_client() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({"require_pushed_authorization_requests": true})).await;
    let other = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let direct = browser.get(&channel.authorize(&[])).await;
    assert_eq!(query(direct.header("location"))["error"], "invalid_request");
    let challenge = channel.challenge();
    let form = |redirect| {
        [
            ("response_type", "code"),
            ("redirect_uri", redirect),
            ("scope", "openid"),
            ("state", "p"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ]
    };
    let bad = channel.send("/sso/par", &form("https://evil.example/cb")).await;
    assert_eq!((bad.status, text(&bad.body, "error")), (400, "invalid_request"));
    let pushed = channel.send("/sso/par", &form(REDIRECT)).await;
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    let name = text(&pushed.body, "request_uri");
    let with = |id: &str| {
        format!(
            "/sso/authorize?{}",
            crate::channel::encoded(&[("client_id", id), ("request_uri", name)])
        )
    };
    let stolen = browser.get(&with(&other.id)).await;
    assert_eq!((stolen.status, stolen.header("location")), (400, ""));
    let first = browser.get(&with(&channel.id)).await;
    assert_eq!(first.status, 303);
    let page = browser.follow(first).await;
    assert_eq!(page.status, 200);
    let again = browser.get(&with(&channel.id)).await;
    assert_eq!((again.status, again.header("location")), (400, ""));
    hub.stop().await;
}

/// What a client signs to prove itself.
fn assertion(key: &EcdsaKey, header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64_url(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = key.sign(signed.as_bytes()).unwrap();
    format!("{signed}.{}", base64_url(&signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_29_an_assertion_is_for_us_signed_and_good_once() {
    let hub = TestHub::demo(City::empty()).await;
    let (key, other) = (EcdsaKey::generate().unwrap(), EcdsaKey::generate().unwrap());
    let point = key.public_point();
    let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "k1", "x": base64_url(&point[1..33]), "y": base64_url(&point[33..])});
    let signs = json!({
        "client_id": "signs", "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [jwk]},
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    });
    let channel = Channel::new(&hub, &signs).await;
    let issuer = format!("{}/sso", hub.ready().base_url);
    let now = hub.hub().clock.now().as_second();
    let claims = |name: &str, value: Value| {
        let jti = base64_url(&random::<16>().unwrap());
        let mut all = json!({"iss": "signs", "sub": "signs", "aud": issuer, "iat": now, "exp": now + 60, "jti": jti});
        all[name] = value;
        all
    };
    let header = json!({"alg": "ES256", "kid": "k1"});
    let prove = async |token: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", token),
        ];
        channel.send("/sso/token", &form).await
    };
    let good = assertion(&key, &header, &claims("x", json!(1)));
    let got = prove(&good).await;
    assert_eq!(got.status, 200, "{}", got.body);
    let own = parts(text(&got.body, "access_token")).1;
    assert_eq!(
        (own["sub"].as_str(), own["aud"].as_str()),
        (Some("signs"), Some(issuer.as_str()))
    );
    assert_eq!(
        channel.userinfo(text(&got.body, "access_token")).await.status,
        401,
        "there is no person"
    );
    let endpoint = assertion(&key, &header, &claims("aud", json!(format!("{issuer}/token"))));
    assert_eq!(prove(&endpoint).await.status, 200);
    let mut bad = vec![
        ("replayed", good.clone()),
        ("another key", assertion(&other, &header, &claims("x", json!(1)))),
        (
            "none",
            format!(
                "{}.{}.",
                base64_url(br#"{"alg":"none"}"#),
                good.split('.').nth(1).unwrap()
            ),
        ),
        (
            "brings a key",
            assertion(
                &key,
                &json!({"alg": "ES256", "jku": "https://evil.example/"}),
                &claims("x", json!(1)),
            ),
        ),
        (
            "unknown kid",
            assertion(&key, &json!({"alg": "ES256", "kid": "../k1"}), &claims("x", json!(1))),
        ),
    ];
    for (name, value) in [
        ("aud", json!("https://evil.example/token")),
        ("aud", json!([issuer, "https://evil.example/token"])),
        ("aud", json!(format!("{issuer}/"))),
        ("exp", json!(now - 31)),
        ("exp", json!(now + 3600)),
        ("exp", json!("soon")),
        ("iat", json!(now + 120)),
        ("sub", json!("other")),
        ("iss", json!("other")),
        ("jti", json!("")),
        ("jti", Value::Null),
    ] {
        bad.push((name, assertion(&key, &header, &claims(name, value))));
    }
    for (why, token) in &bad {
        let got = prove(token).await;
        assert_eq!((got.status, text(&got.body, "error")), (401, "invalid_client"), "{why}");
    }
    let named = channel
        .send("/sso/token", &[("grant_type", "client_credentials")])
        .await;
    assert_eq!(named.status, 401, "its name is no proof");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_prove_themselves_the_way_they_are_registered() {
    let hub = TestHub::demo(City::empty()).await;
    let basic = Channel::new(&hub, &json!({"grant_types": ["client_credentials"]})).await;
    let mut posts = Channel::new(
        &hub,
        &json!({"token_endpoint_auth_method": "client_secret_post", "grant_types": ["client_credentials"]}),
    )
    .await;
    let public = Channel::new(&hub, &json!({"token_endpoint_auth_method": "none"})).await;
    let form = [("grant_type", "client_credentials")];
    assert_eq!(basic.send("/sso/token", &form).await.status, 200);
    let wrong_way = posts.send("/sso/token", &form).await;
    assert_eq!(
        (wrong_way.status, wrong_way.header("www-authenticate")),
        (401, "Basic realm=\"hub\"")
    );
    let secret = posts.secret.take().unwrap();
    let posted = [form[0], ("client_secret", secret.as_str())];
    assert_eq!(posts.send("/sso/token", &posted).await.status, 200);
    let twice = basic.send("/sso/token", &[form[0], ("client_secret", "x")]).await;
    assert_eq!((twice.status, text(&twice.body, "error")), (400, "invalid_request"));
    assert_eq!(
        text(&public.send("/sso/token", &form).await.body, "error"),
        "unauthorized_client"
    );
    assert_eq!(
        text(
            &basic.send("/sso/token", &[("grant_type", "password")]).await.body,
            "error"
        ),
        "unsupported_grant_type"
    );
    let repeated = basic.send("/sso/token", &[form[0], form[0]]).await;
    assert_eq!(text(&repeated.body, "error"), "invalid_request");
    // A public client has nothing but PKCE, and that is enough to sign people in.
    let tokens = public.tokens(&mut Browser::new(&hub), WANG, &[]).await;
    assert_eq!(public.refresh(text(&tokens, "refresh_token")).await.status, 200);
    let asked = public
        .send("/sso/introspect", &[("token", text(&tokens, "access_token"))])
        .await;
    assert_eq!(asked.status, 401, "whoever cannot prove itself is told nothing");
    let listed = hub.operate("GET", "/admin/sso/clients", None).await.body.to_string();
    assert!(listed.contains(&basic.id) && !listed.contains(basic.secret.as_ref().unwrap()));
    let bad = hub
        .operate(
            "POST",
            "/admin/sso/clients",
            Some(&json!({"client_name": "x", "redirect_uri": []})),
        )
        .await;
    assert_eq!(
        (bad.status, &bad.body["near"][0]),
        (422, &json!("redirect_uris")),
        "{}",
        bad.body
    );
    let bad = json!({"client_name": "x", "redirect_uris": ["https://a.example/#x"]});
    assert_eq!(
        hub.operate("POST", "/admin/sso/clients", Some(&bad)).await.body["where"],
        "/redirect_uris"
    );
    hub.stop().await;
}
