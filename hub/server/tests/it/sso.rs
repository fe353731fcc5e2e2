//! The OpenID provider over HTTP: a channel signs people in, and what must not work does not.

use crate::channel::{Browser, Channel, REDIRECT, parts, query, verified};
use crate::support::{City, Got, TestHub, example, request};
use hub_core::{Assurance, Effect};
use hub_crypto::{EcdsaKey, base64_url, random};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const WANG: &str = "wang-jianguo";

/// A call of a service for the person of a token.
async fn call(hub: &TestHub, token: &str) -> Got {
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

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
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

#[tokio::test(flavor = "multi_thread")]
async fn attack_31_a_session_cannot_be_planted() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut victim = Browser::new(&hub);
    victim.cookie = Some("planted-by-somebody-else".into());
    channel.code(&mut victim, WANG, &[]).await;
    let mine = victim.cookie.clone().unwrap();
    assert_ne!(mine, "planted-by-somebody-else");
    let mut attacker = Browser::new(&hub);
    attacker.cookie = Some("planted-by-somebody-else".into());
    let got = attacker.get(&channel.authorize(&[("prompt", "none")])).await;
    assert_eq!(query(got.header("location"))["error"], "login_required");
    let page = victim.get(&channel.authorize(&[("prompt", "login")])).await;
    let page = victim.follow(page).await;
    assert_eq!(
        (page.header("x-frame-options"), page.header("referrer-policy")),
        ("DENY", "no-referrer")
    );
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    let signed = victim.submit(&page, &[("persona", "li-xiulan")]).await;
    assert_eq!(signed.status, 303);
    assert_ne!(victim.cookie, Some(mine.clone()), "it changes at every sign-in");
    attacker.cookie = Some(mine);
    let got = attacker.get(&channel.authorize(&[("prompt", "none")])).await;
    assert_eq!(
        query(got.header("location"))["error"],
        "login_required",
        "the old one is dead"
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_32_script_in_a_request_is_text() {
    let hub = TestHub::demo(City::empty()).await;
    let script = "\"><script>alert(1)</script>";
    let channel = Channel::new(&hub, &json!({"client_name#en": script})).await;
    let mut browser = Browser::new(&hub);
    let asked = [
        ("state", script),
        ("login_hint", script),
        ("scope", "openid <script>"),
        ("ui_locales", script),
    ];
    let first = browser.get(&channel.authorize(&asked)).await;
    let page = browser.follow(first).await;
    assert!(!page.body.as_str().unwrap().contains("<script>"), "{}", page.body);
    let signed = browser.submit(&page, &[("persona", WANG)]).await;
    let page = browser.follow(signed).await;
    assert!(!page.body.as_str().unwrap().contains("<script>"), "{}", page.body);
    let agreed = browser.submit(&page, &[("answer", "yes")]).await;
    assert_eq!(query(agreed.header("location"))["state"], script);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_33_two_tabs_do_not_disturb_each_other() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let first = browser.get(&channel.authorize(&[("state", "one")])).await;
    let one = browser.follow(first).await;
    let first = browser.get(&channel.authorize(&[("state", "two")])).await;
    let two = browser.follow(first).await;
    let signed = browser.submit(&two, &[("persona", WANG)]).await;
    let page = browser.follow(signed).await;
    let agreed = browser.submit(&page, &[("answer", "yes")]).await;
    assert_eq!(query(agreed.header("location"))["state"], "two");
    // The other tab's form is stale, but its request is alive: reloaded, it goes through.
    let text = one.body.as_str().unwrap();
    let handle = crate::channel::between(text, "name=\"request\" value=\"", "\"");
    let got = browser.get(&format!("/sso/continue?request={handle}")).await;
    assert_eq!(query(got.header("location"))["state"], "one");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_39_two_channels_cannot_join_what_they_see() {
    let hub = TestHub::demo(City::empty()).await;
    let first = Channel::new(&hub, &json!({})).await;
    let second = Channel::new(&hub, &json!({"sector": "another"})).await;
    let sister = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let asked = [("scope", "openid services"), ("nonce", "")];
    let mut seen = Vec::new();
    for channel in [&first, &second, &sister] {
        let code = match query(browser.get(&channel.authorize(&asked)).await.header("location")).get("code") {
            Some(code) => code.clone(),
            None => {
                let started = browser.get(&channel.authorize(&asked)).await;
                let mut page = browser.follow(started).await;
                if page.body.as_str().unwrap().contains("name=\"persona\"") {
                    let signed = browser.submit(&page, &[("persona", WANG)]).await;
                    page = browser.follow(signed).await;
                }
                let agreed = browser.submit(&page, &[("answer", "yes")]).await;
                query(agreed.header("location"))["code"].clone()
            }
        };
        let tokens = channel.exchange(&code, &[]).await.body;
        let told = channel.userinfo(text(&tokens, "access_token")).await.body;
        let tokens = ["id_token", "access_token"].map(|n| parts(text(&tokens, n)).1);
        seen.push([tokens[0].clone(), tokens[1].clone(), told]);
    }
    let common = ["iss", "exp", "iat", "acr", "scope", "aud"];
    for (ours, theirs) in seen[0].iter().zip(&seen[1]) {
        for (name, value) in ours.as_object().unwrap() {
            let same = theirs[name] == *value;
            assert!(!same || common.contains(&name.as_str()), "{name} joins them");
        }
    }
    assert_eq!(seen[0][0]["sub"], seen[2][0]["sub"], "one sector, one name");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_40_withdrawn_consent_ends_the_tokens() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let tokens = channel
        .tokens(&mut browser, WANG, &[("scope", "openid services offline_access")])
        .await;
    let access = text(&tokens, "access_token");
    assert_eq!(call(&hub, access).await.status, 200);
    let stranger = Browser::new(&hub).get("/sso/apps").await;
    assert_eq!(stranger.status, 400, "nobody is signed in there");
    let page = browser.get("/sso/apps").await;
    assert!(page.body.as_str().unwrap().contains("City app"), "{}", page.body);
    let forged = browser
        .ask("POST", "/sso/apps", Some(&[("client", &channel.id), ("form", "x")]))
        .await;
    assert_eq!((forged.status, call(&hub, access).await.status), (400, 200));
    let withdrawn = browser.submit(&page, &[]).await;
    assert_eq!((withdrawn.status, withdrawn.header("location")), (303, "/sso/apps"));
    let page = browser.follow(withdrawn).await;
    assert!(
        page.body.as_str().unwrap().contains("No app has your yes"),
        "{}",
        page.body
    );
    assert_eq!(call(&hub, access).await.code(), "token-invalid");
    assert_eq!(channel.refresh(text(&tokens, "refresh_token")).await.status, 400);
    let silent = browser.get(&channel.authorize(&[("prompt", "none")])).await;
    assert_eq!(query(silent.header("location"))["error"], "consent_required");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sensitive_data_need_a_yes_of_their_own_and_no_is_an_answer() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let asked = [("scope", "openid id_number phone")];
    let narrow = channel.tokens(&mut Browser::new(&hub), WANG, &asked).await;
    assert_eq!(text(&narrow, "scope"), "openid phone");
    let mut browser = Browser::new(&hub);
    let first = browser.get(&channel.authorize(&asked)).await;
    let page = browser.follow(first).await;
    let signed = browser.submit(&page, &[("persona", WANG)]).await;
    let page = browser.follow(signed).await;
    let declined = browser.submit(&page, &[("answer", "no")]).await;
    assert_eq!(query(declined.header("location"))["error"], "access_denied");
    let agreed = browser.submit(&page, &[("also", "id_number"), ("answer", "yes")]).await;
    let code = query(agreed.header("location"))["code"].clone();
    let tokens = channel.exchange(&code, &[]).await.body;
    assert_eq!(text(&tokens, "scope"), "openid id_number phone");
    let told = channel.userinfo(text(&tokens, "access_token")).await.body;
    assert!(told["id_number"].is_string() && told["phone_number"].is_string() && told["name"].is_null());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_asks_for_a_fresher_or_a_surer_sign_in() {
    let hub = TestHub::demo(City::empty()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let nobody = browser.get(&channel.authorize(&[("prompt", "none")])).await;
    assert_eq!(query(nobody.header("location"))["error"], "login_required");
    let timed = channel.tokens(&mut browser, WANG, &[("max_age", "600")]).await;
    assert!(parts(text(&timed, "id_token")).1["auth_time"].is_i64());
    let zero = browser
        .get(&channel.authorize(&[("max_age", "0"), ("prompt", "none")]))
        .await;
    assert_eq!(query(zero.header("location"))["error"], "login_required");
    let code = channel.code(&mut browser, WANG, &[("max_age", "0")]).await;
    assert_eq!(channel.exchange(&code, &[]).await.status, 200);
    // wang-zihan is known at R2 only: whoever is surer may come instead, whoever is not is sent back.
    let mut other = Browser::new(&hub);
    let code = channel.code(&mut other, "wang-zihan", &[("acr_values", "R2 R9")]).await;
    let known = channel.exchange(&code, &[]).await.body;
    assert_eq!(parts(text(&known, "id_token")).1["acr"], "R2");
    let unmet = channel.sign_in(&mut other, "wang-zihan", &[("acr_values", "R3")]).await;
    assert_eq!(query(&unmet)["error"], "unmet_authentication_requirements");
    let code = channel.code(&mut other, WANG, &[("acr_values", "R3 R4")]).await;
    let surer = channel.exchange(&code, &[]).await.body;
    assert_eq!(parts(text(&surer, "id_token")).1["acr"], "R4");
    assert_eq!(
        channel.refresh(text(&known, "refresh_token")).await.status,
        400,
        "who was there before has left"
    );
    for wrong in [
        ("prompt", "none login"),
        ("max_age", "soon"),
        ("response_type", "id_token"),
        ("scope", "profile"),
    ] {
        let got = browser.get(&channel.authorize(&[wrong])).await;
        assert!(query(got.header("location")).contains_key("error"), "{wrong:?}");
    }
    hub.stop().await;
}
