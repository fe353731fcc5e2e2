//! The OpenID provider towards people: sessions, what they agree to, how surely they are known.

use crate::channel::{Browser, Channel, parts, query};
use crate::sso::{WANG, call, text};
use crate::support::{City, TestHub};
use serde_json::json;

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
