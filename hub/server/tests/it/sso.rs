//! The OpenID provider over HTTP: a channel signs people in, and what must not work does not.

use crate::channel::{Browser, Channel, REDIRECT, parts, query, verified};
use crate::support::{City, Got, TestHub, example, request};
use hub_core::{Assurance, Effect};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

pub const WANG: &str = "wang-jianguo";

/// A call of a service for the person of a token.
pub async fn call(hub: &TestHub, token: &str) -> Got {
    let catalog = hub.catalog();
    let operation = catalog
        .operations()
        .iter()
        .find(|o| {
            o.effect == Effect::None
                && hub.is_live(o)
                && o.service.is_some()
                && o.assurance > Assurance::R0
                && o.assurance <= Assurance::R2
                && !o.bound.is_empty()
                && !o.input.children.iter().any(|c| catalog.is_handle(&c.name))
        })
        .expect("the sample city has such an operation");
    let (target, body) = request(operation, &example(operation));
    let bearer = format!("Bearer {token}");
    let key = hub.ready().client_key.clone().unwrap();
    let headers = [("x-api-key", key.as_str()), ("authorization", bearer.as_str())];
    hub.ask(&operation.method, &format!("/gateway{target}"), &headers, body.as_ref())
        .await
}

pub fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_and_services_are_called_for_them() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let base = hub.ready().base_url.clone();
    let about = hub.ask("GET", "/sso/.well-known/openid-configuration", &[], None).await;
    assert_eq!(about.body["issuer"], format!("{base}/sso"));
    for (name, value) in about.body.as_object().unwrap() {
        if name.ends_with("_endpoint") || name == "jwks_uri" {
            assert!(value.as_str().unwrap().starts_with(&format!("{base}/sso/")), "{name}");
        }
    }
    let mut browser = Browser::new(&hub);
    let back = channel.sign_in(&mut browser, WANG, &[]).await;
    assert!(back.starts_with(REDIRECT));
    let given = query(&back);
    assert_eq!(
        (given["state"].as_str(), given["iss"].as_str()),
        ("s-1", about.body["issuer"].as_str().unwrap())
    );
    let got = channel.exchange(&given["code"], &[]).await;
    assert_eq!(
        (got.status, got.header("cache-control")),
        (200, "no-store"),
        "{}",
        got.body
    );
    assert_eq!(
        (text(&got.body, "token_type"), text(&got.body, "scope")),
        ("Bearer", "openid profile services")
    );

    let id = verified(&hub, text(&got.body, "id_token")).await;
    assert_eq!(id["iss"], about.body["issuer"]);
    assert_eq!(
        (id["aud"].as_str(), id["nonce"].as_str()),
        (Some(channel.id.as_str()), Some("n-1"))
    );
    assert!(id["exp"].as_i64() > id["iat"].as_i64() && id["name"].is_string());
    assert!(id["id_number"].is_null() && id["phone_number"].is_null() && id["auth_time"].is_null());

    let access = text(&got.body, "access_token");
    let claims = verified(&hub, access).await;
    assert_eq!(parts(access).0["typ"], "at+jwt");
    assert_eq!(
        (claims["aud"].as_str(), claims["client_id"].as_str()),
        (Some("hub"), Some(channel.id.as_str()))
    );
    assert_eq!(claims["sub"], id["sub"]);
    assert!(claims.get("name").is_none() && claims.get("id_number").is_none());

    let told = channel.userinfo(access).await;
    assert_eq!(
        (told.status, &told.body["sub"], &told.body["name"]),
        (200, &id["sub"], &id["name"])
    );
    assert!(told.body["id_number"].is_null());
    let called = call(&hub, access).await;
    assert_eq!(called.status, 200, "{}", called.body);
    assert!(channel.is_active(access).await);

    // Once more in the same browser: nobody is asked again, and silence works.
    let silent = browser.get(&channel.authorize(&[("prompt", "none")])).await;
    assert!(
        query(silent.header("location")).contains_key("code"),
        "{}",
        silent.header("location")
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_turns_while_tokens_live() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let tokens = channel.tokens(&mut Browser::new(&hub), WANG, &[]).await;
    let ring = hub.hub();
    let known = hub.ask("GET", "/sso/jwks", &[], None).await.body;
    ring.sso.turn_keys(ring.clock.now()).await.unwrap();
    verified(&hub, text(&tokens, "access_token")).await;
    assert_eq!(call(&hub, text(&tokens, "access_token")).await.status, 200);
    let more = channel.refresh(text(&tokens, "refresh_token")).await.body;
    let (old, new) = (
        parts(text(&tokens, "access_token")).0,
        parts(text(&more, "access_token")).0,
    );
    assert_ne!(old["kid"], new["kid"]);
    let keys = known["keys"].as_array().unwrap();
    assert!(
        keys.iter().any(|k| k["kid"] == new["kid"]),
        "it was published before it signed"
    );

    // A key that is gone takes its tokens along, those seen before too.
    let old = text(&tokens, "access_token");
    assert_eq!(channel.userinfo(old).await.status, 200);
    ring.sso.turn_keys(ring.clock.now()).await.unwrap();
    assert_eq!(call(&hub, old).await.code(), "token-invalid");
    assert_eq!(channel.userinfo(old).await.status, 401);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_01_a_code_used_twice_kills_what_came_of_it() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let code = channel.code(&mut browser, WANG, &[]).await;
    let first = channel.exchange(&code, &[]).await.body;
    let access = text(&first, "access_token").to_owned();
    assert_eq!(call(&hub, &access).await.status, 200);
    let second = channel.exchange(&code, &[]).await;
    assert_eq!((second.status, text(&second.body, "error")), (400, "invalid_grant"));
    assert_eq!(call(&hub, &access).await.code(), "token-invalid");
    assert_eq!(channel.userinfo(&access).await.status, 401);
    assert!(!channel.is_active(&access).await);
    assert_eq!(channel.refresh(text(&first, "refresh_token")).await.status, 400);

    // Twenty at once: at most one of them gets tokens, and these are dead.
    let code = channel.code(&mut browser, WANG, &[]).await;
    let tries = futures_util::future::join_all((0..20).map(|_| channel.exchange(&code, &[]))).await;
    let good: Vec<_> = tries.iter().filter(|t| t.status == 200).collect();
    assert!(good.len() <= 1);
    for got in good {
        assert!(!channel.is_active(text(&got.body, "access_token")).await);
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_02_a_code_is_good_for_its_client_and_its_address_only() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let other = Channel::new(&hub, &json!({})).await;
    let code = channel.code(&mut Browser::new(&hub), WANG, &[]).await;
    let stolen = other.exchange(&code, &[("code_verifier", &channel.verifier)]).await;
    assert_eq!(text(&stolen.body, "error"), "invalid_grant");
    for address in ["https://app.example/cb/", "https://evil.example/cb", ""] {
        let got = channel.exchange(&code, &[("redirect_uri", address)]).await;
        assert_eq!(text(&got.body, "error"), "invalid_grant", "{address}");
    }
    assert_eq!(
        channel.exchange(&code, &[]).await.status,
        200,
        "what failed did not use it up"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_04_pkce_is_needed_and_plain_is_refused() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let challenge = channel.challenge();
    for wrong in [
        [("code_challenge", ""), ("code_challenge_method", "")],
        [("code_challenge", &challenge), ("code_challenge_method", "")],
        [("code_challenge", &challenge), ("code_challenge_method", "plain")],
        [("code_challenge", "short"), ("code_challenge_method", "S256")],
    ] {
        let got = browser.get(&channel.authorize(&wrong)).await;
        let told = query(got.header("location"));
        assert_eq!(
            (got.status, told["error"].as_str()),
            (303, "invalid_request"),
            "{wrong:?}"
        );
        assert!(told.contains_key("iss") && told["state"] == "s-1");
    }
    let code = channel.code(&mut browser, WANG, &[]).await;
    for verifier in ["", &challenge, "x", &"a".repeat(43)] {
        let got = channel.exchange(&code, &[("code_verifier", verifier)]).await;
        assert_eq!(text(&got.body, "error"), "invalid_grant", "{verifier}");
    }
    assert_eq!(channel.exchange(&code, &[]).await.status, 200);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_05_variants_of_an_address_lead_nowhere() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    for address in [
        "https://app.example/cb/",
        "https://app.example/cb/../cb",
        "https://app.example/cbx",
        "https://app.example/cb?x=1",
        "https://app.example/cb#x",
        "https://user@app.example/cb",
        "https://app.example\\@evil.example/cb",
        "https://APP.example/cb",
        "http://app.example/cb",
        "https://app.example/cb\r\nlocation: https://evil.example",
        "https://app.example:443/cb",
        "https://evil.example/cb",
        "javascript:alert(1)",
        "",
    ] {
        // Neither a refusal of its own nor another mistake sends anybody there.
        for more in [
            ("response_type", "code"),
            ("response_type", "token"),
            ("prompt", "none"),
        ] {
            let got = browser
                .get(&channel.authorize(&[("redirect_uri", address), more]))
                .await;
            assert_eq!((got.status, got.header("location")), (400, ""), "{address}");
            assert!(!got.body.as_str().unwrap().contains("evil.example"), "{address}");
        }
    }
    let unknown = browser.get(&channel.authorize(&[("client_id", "nobody")])).await;
    assert_eq!((unknown.status, unknown.header("location")), (400, ""));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_on_the_persons_machine_takes_whichever_port_is_free() {
    let hub = TestHub::demo(City::empty()).await;
    let native = json!({"redirect_uris": ["http://127.0.0.1/cb", "http://[::1]:7000/cb"], "sector": "native", "token_endpoint_auth_method": "none"});
    let native = Channel::new(&hub, &native).await;
    let web = Channel::new(&hub, &json!({"redirect_uris": ["http://127.0.0.1:7000/cb"]})).await;
    let mut browser = Browser::new(&hub);
    for (channel, address, leads) in [
        (&native, "http://127.0.0.1:50123/cb", true),
        (&native, "http://127.0.0.1/cb", true),
        (&native, "http://[::1]:50123/cb", true),
        (&native, "http://127.0.0.1:50123/cb/", false),
        (&native, "http://127.0.0.1:501234/cb", false),
        (&native, "http://127.0.0.1:5@evil.example/cb", false),
        (&native, "http://127.0.0.10:5/cb", false),
        (&native, "http://127.0.0.1.evil.example/cb", false),
        (&native, "https://127.0.0.1/cb", false),
        (&native, "http://localhost:5/cb", false),
        (&web, "http://127.0.0.1:7000/cb", true),
        (&web, "http://127.0.0.1:7001/cb", false),
    ] {
        let got = browser
            .get(&channel.authorize(&[("redirect_uri", address), ("prompt", "none")]))
            .await;
        let back = format!("{address}?error=login_required");
        assert_eq!(
            (got.status == 303, got.header("location").starts_with(&back)),
            (leads, leads),
            "{address}"
        );
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_standards_have_a_word_for_is_told_by_it() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    for (name, value, error) in [
        ("request", "e30.e30.", "request_not_supported"),
        (
            "request_uri",
            "https://app.example/request",
            "request_uri_not_supported",
        ),
        ("registration", "{}", "registration_not_supported"),
    ] {
        let got = browser.get(&channel.authorize(&[(name, value)])).await;
        let told = query(got.header("location"));
        assert_eq!((told["error"].as_str(), told["state"].as_str()), (error, "s-1"));
    }
    // A stranger's address hears of nothing.
    let astray = [
        ("request_uri", "https://app.example/request"),
        ("redirect_uri", "https://evil.example/"),
    ];
    let got = browser.get(&channel.authorize(&astray)).await;
    assert_eq!((got.status, got.header("location")), (400, ""));
    // RFC 6750, 3.1: who shows nothing has done nothing wrong; RFC 9449, 7.1: who shows a bound token hears of its proof.
    let asked = async |headers: &[(&str, &str)]| {
        let got = hub.ask("GET", "/sso/userinfo", headers, None).await;
        assert_eq!(got.status, 401);
        got.header("www-authenticate").to_owned()
    };
    assert_eq!(
        asked(&[]).await,
        r#"Bearer realm="hub", DPoP realm="hub", algs="ES256 EdDSA""#
    );
    assert!(
        asked(&[("authorization", "Bearer x")])
            .await
            .starts_with(r#"Bearer realm="hub", error="invalid_token""#)
    );
    assert_eq!(
        asked(&[("authorization", "DPoP x"), ("dpop", "x")]).await,
        r#"DPoP realm="hub", algs="ES256 EdDSA", error="invalid_token""#
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_06_signing_out_is_no_open_redirect() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let tokens = channel.tokens(&mut browser, WANG, &[]).await;
    let hint = text(&tokens, "id_token");
    let leave = |pairs: &[(&str, &str)]| format!("/sso/logout?{}", crate::channel::encoded(pairs));
    for address in ["https://evil.example/", "https://app.example/bye/", REDIRECT] {
        let got = browser
            .get(&leave(&[
                ("id_token_hint", hint),
                ("post_logout_redirect_uri", address),
            ]))
            .await;
        assert_eq!((got.status, got.header("location")), (400, ""), "{address}");
    }
    let bye = "https://app.example/bye";
    let without = browser.get(&leave(&[("post_logout_redirect_uri", bye)])).await;
    assert_eq!(without.status, 400, "nobody said whose address it is");
    // Without proof that it is about this session the person is asked, with it they are not.
    let asked = browser
        .get(&leave(&[("client_id", &channel.id), ("post_logout_redirect_uri", bye)]))
        .await;
    assert_eq!(asked.status, 200);
    let still = browser.get(&channel.authorize(&[("prompt", "none")])).await;
    assert!(query(still.header("location")).contains_key("code"));
    let got = browser
        .get(&leave(&[
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", bye),
            ("state", "x"),
        ]))
        .await;
    assert_eq!(
        (got.status, got.header("location")),
        (303, "https://app.example/bye?state=x")
    );
    assert_eq!(browser.cookie, None);
    let gone = browser.get(&channel.authorize(&[("prompt", "none")])).await;
    assert_eq!(query(gone.header("location"))["error"], "login_required");
    assert!(!channel.is_active(text(&tokens, "access_token")).await);
    assert_eq!(channel.refresh(text(&tokens, "refresh_token")).await.status, 400);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_out_of_one_app_is_signed_out_of_the_others() {
    let hub = TestHub::demo(City::empty()).await;
    let ear = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/out?x=1", ear.local_addr().unwrap());
    let one = Channel::new(&hub, &json!({})).await;
    let two = Channel::new(&hub, &json!({"backchannel_logout_uri": address, "sector": "two"})).await;
    let mut browser = Browser::new(&hub);
    let first = one.tokens(&mut browser, WANG, &[]).await;
    let started = browser.get(&two.authorize(&[])).await;
    let page = browser.follow(started).await;
    let agreed = browser.submit(&page, &[("answer", "yes")]).await;
    let second = two.exchange(&query(agreed.header("location"))["code"], &[]).await.body;
    let heard = tokio::spawn(async move {
        let (mut stream, _) = ear.accept().await.unwrap();
        let mut bytes = Vec::new();
        while !String::from_utf8_lossy(&bytes).contains("logout_token=") || bytes.len() < 500 {
            let mut more = [0; 4096];
            let n = stream.read(&mut more).await.unwrap();
            assert!(n > 0, "{}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&more[..n]);
        }
        stream
            .write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        String::from_utf8(bytes).unwrap()
    });
    let hint = text(&first, "id_token");
    let left = browser
        .get(&format!(
            "/sso/logout?{}",
            crate::channel::encoded(&[("id_token_hint", hint)])
        ))
        .await;
    assert_eq!(left.status, 200, "{}", left.body);
    let heard = tokio::time::timeout(Duration::from_secs(20), heard)
        .await
        .unwrap()
        .unwrap();
    assert!(heard.starts_with("POST /out?x=1 HTTP/1.1\r\n"), "{heard}");
    let token = heard.split("logout_token=").nth(1).unwrap().trim();
    assert_eq!(parts(token).0["typ"], "logout+jwt");
    let said = verified(&hub, token).await;
    let known = parts(text(&second, "id_token")).1;
    assert_eq!(
        (&said["aud"], &said["sub"], &said["sid"]),
        (&known["aud"], &known["sub"], &known["sid"])
    );
    assert!(said["events"]["http://schemas.openid.net/event/backchannel-logout"].is_object());
    assert!(said["nonce"].is_null() && said["jti"].is_string());
    assert!(!two.is_active(text(&second, "access_token")).await);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_07_after_a_form_the_browser_goes_on_with_get() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let first = browser.get(&channel.authorize(&[])).await;
    let page = browser.follow(first).await;
    assert!(
        page.header("content-security-policy")
            .contains("form-action 'self' https://app.example;")
    );
    let signed = browser.submit(&page, &[("persona", WANG)]).await;
    assert_eq!(signed.status, 303);
    let page = browser.follow(signed).await;
    assert_eq!(browser.submit(&page, &[("answer", "yes")]).await.status, 303);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_09_forms_of_another_browser_or_request_are_refused() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let (mut mine, mut yours) = (Browser::new(&hub), Browser::new(&hub));
    let first = mine.get(&channel.authorize(&[])).await;
    let page = mine.follow(first).await;
    let first = yours.get(&channel.authorize(&[])).await;
    yours.follow(first).await;
    let forged = yours.submit(&page, &[("persona", WANG)]).await;
    assert_eq!((forged.status, forged.header("set-cookie")), (400, ""));
    let bare = Browser::new(&hub).submit(&page, &[("persona", WANG)]).await;
    assert_eq!(bare.status, 400);
    assert_eq!(mine.submit(&page, &[("persona", WANG)]).await.status, 303);
    let after = mine.submit(&page, &[("persona", WANG)]).await;
    assert_eq!(
        after.status, 400,
        "the cookie has changed, so has what forms must carry"
    );
    hub.stop().await;
}
