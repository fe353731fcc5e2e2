//! People come from an OpenID provider, through the hub's own doors; and what must not let anybody in, does not.

use crate::channel::{Browser, Channel, between, parts, query};
use crate::idp::{Idp, SECRET};
use crate::support::{City, Got, TestHub};
use hub_server::config::Config;
use hub_server::wiring::Plan;
use serde_json::{Value, json};

/// A hub whose people come from providers by these files: `(id, file)`.
pub async fn hub(files: &[(&str, &str)], secrets: &str) -> TestHub {
    hub_with(files, secrets, |_| {}).await
}

/// The same with another config.
async fn hub_with(files: &[(&str, &str)], secrets: &str, change: impl FnOnce(&mut Plan)) -> TestHub {
    let city = City::empty().unhurried();
    let folder = city.path("policies").join("identity");
    std::fs::create_dir_all(&folder).unwrap();
    for (id, file) in files {
        std::fs::write(folder.join(format!("{id}.yaml")), file).unwrap();
    }
    let kept = city.path("secrets.yaml");
    std::fs::write(&kept, secrets).unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut config = city.config(data.path());
    config.identity.test_issuer = true;
    config.paths.secrets = Some(kept);
    let mut plan = Plan {
        config,
        simulated: true,
        credentials: true,
        ..Plan::default()
    };
    change(&mut plan);
    TestHub::start(city, data, plan).await
}

/// A hub over one OpenID provider, `test`.
pub async fn hub_of(idp: &Idp, more: &str) -> TestHub {
    let secrets = format!("identity/test: {{key: '{SECRET}'}}\n");
    hub(&[("test", &idp.file(more))], &secrets).await
}

/// From a client to the page of the sign-in.
pub async fn page(channel: &Channel<'_>, browser: &mut Browser, more: &[(&str, &str)]) -> Got {
    let first = browser.get(&channel.authorize(more)).await;
    let page = browser.follow(first).await;
    assert_eq!(page.status, 200, "{}", page.body);
    page
}

/// The way out to a provider that a page offers.
pub fn way_out(page: &Got, id: &str) -> String {
    let rest = between(page.body.as_str().unwrap(), &format!("href=\"/sso/via/{id}?"), "\"");
    format!("/sso/via/{id}?{}", rest.replace("&amp;", "&").replace("&#38;", "&"))
}

/// From a client to the provider: the address the browser is sent to.
pub async fn depart(channel: &Channel<'_>, browser: &mut Browser, id: &str, more: &[(&str, &str)]) -> String {
    let page = page(channel, browser, more).await;
    let left = browser.get(&way_out(&page, id)).await;
    assert_eq!(left.status, 303, "{}", left.body);
    left.header("location").to_owned()
}

/// What the hub answers a browser that comes back; goes on to the client with a yes if it is let in.
pub async fn come_back(browser: &mut Browser, address: &str) -> Got {
    let back = browser.get(address).await;
    let next = match back.status {
        303 => browser.follow(back).await,
        _ => back,
    };
    if next.status == 200 && next.body.as_str().unwrap().contains("name=\"answer\"") {
        return browser.submit(&next, &[("answer", "yes")]).await;
    }
    next
}

/// The claims that a client gets of a person who comes back.
pub async fn claims(channel: &Channel<'_>, browser: &mut Browser, address: &str) -> Value {
    let went = come_back(browser, address).await;
    let location = went.header("location").to_owned();
    let code = query(&location).get("code").cloned();
    let code = code.unwrap_or_else(|| panic!("{} {location} {}", went.status, went.body));
    let got = channel.exchange(&code, &[]).await;
    assert_eq!(got.status, 200, "{}", got.body);
    parts(got.body["id_token"].as_str().unwrap()).1
}

/// A whole sign-in at a provider.
pub async fn whole(channel: &Channel<'_>, idp: &Idp, more: &[(&str, &str)]) -> Value {
    let mut browser = Browser::new(channel.hub);
    let out = depart(channel, &mut browser, "test", more).await;
    claims(channel, &mut browser, &idp.authorize(&out)).await
}

/// Whether a sign-in is refused with a page that has a way on.
pub async fn is_refused(channel: &Channel<'_>, idp: &Idp) -> bool {
    let mut browser = Browser::new(channel.hub);
    let out = depart(channel, &mut browser, "test", &[]).await;
    let got = come_back(&mut browser, &idp.authorize(&out)).await;
    let text = got.body.as_str().unwrap_or_default();
    got.status >= 400 && text.contains("Try again") && text.contains("Another way")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_comes_from_an_openid_provider() {
    let idp = Idp::start().await;
    let more =
        "scope: [profile]\nassurance: {from: acr, table: {'urn:idp:loa:2': R2, 'urn:idp:loa:4': R4}, else: R1}\n";
    let hub = hub_of(&idp, more).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let seen = page(&channel, &mut browser, &[]).await;
    assert!(seen.body.as_str().unwrap().contains("Sign in with Test login"));
    let out = depart(&channel, &mut browser, "test", &[]).await;
    let asked = query(&out);
    assert_eq!(
        (asked["scope"].as_str(), asked["response_type"].as_str()),
        ("openid profile", "code")
    );
    assert!(asked["state"].bytes().all(|b| b.is_ascii_alphanumeric()) && asked["state"].len() <= 128);
    let own = format!("{}/sso/via/test/callback", hub.ready().base_url);
    assert_eq!(asked["redirect_uri"], own);
    let first = claims(&channel, &mut browser, &idp.authorize(&out)).await;
    assert_eq!((&first["name"], &first["acr"]), (&json!("李测试"), &json!("R1")));

    // The same person again is the same; another is another; assurance comes by the table and no higher than the cap.
    idp.mood().person["acr"] = json!("urn:idp:loa:4");
    let again = whole(&channel, &idp, &[]).await;
    assert_eq!((&again["sub"], &again["acr"]), (&first["sub"], &json!("R3")));
    idp.mood().person = json!({"sub": "u-2", "name": "王测试", "acr": "urn:idp:loa:2"});
    let other = whole(&channel, &idp, &[]).await;
    assert!(other["sub"] != first["sub"] && other["acr"] == "R2");
    assert_eq!(idp.asked("/.well-known/openid-configuration").len(), 1);
    assert_eq!(idp.asked("/jwks").len(), 1);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_pushed_where_that_is_offered() {
    let idp = Idp::start().await;
    idp.mood().about = json!({"pushed_authorization_request_endpoint": format!("{}/par", idp.base())});
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let out = depart(&channel, &mut browser, "test", &[]).await;
    let mut names: Vec<String> = query(&out).into_keys().collect();
    names.sort();
    assert_eq!(names, ["client_id", "request_uri"], "the browser carries nothing else");
    let pushed = idp.asked("/par").pop().unwrap();
    assert!(pushed.headers["authorization"].starts_with("Basic ") && pushed.form["nonce"].len() >= 43);
    claims(&channel, &mut browser, &idp.authorize(&out)).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_sign_in_anew_does_so_at_the_provider() {
    let idp = Idp::start().await;
    let more = "assurance: {from: acr, table: {low: R1, mid: R2, high: R3}, else: R0}\n";
    let hub = hub_of(&idp, more).await;
    let channel = Channel::new(&hub, &json!({})).await;
    idp.mood().person["acr"] = json!("high");
    let mut browser = Browser::new(&hub);
    let wanted = [("prompt", "login"), ("max_age", "60"), ("acr_values", "R2")];
    let out = depart(&channel, &mut browser, "test", &wanted).await;
    let asked = query(&out);
    assert_eq!(
        (
            asked["acr_values"].as_str(),
            asked["prompt"].as_str(),
            asked["max_age"].as_str()
        ),
        ("mid high", "login", "60")
    );
    assert_eq!(claims(&channel, &mut browser, &idp.authorize(&out)).await["acr"], "R3");

    // A provider that lets an old sign-in pass, or does not say when it was, is not believed.
    for time in [json!(1_700_000_000), Value::Null, json!("now")] {
        idp.mood().spoil = Box::new(move |_, claims| match &time {
            Value::Null => drop(claims.as_object_mut().unwrap().remove("auth_time")),
            time => claims["auth_time"] = time.clone(),
        });
        let mut browser = Browser::new(&hub);
        let out = depart(&channel, &mut browser, "test", &wanted).await;
        let got = come_back(&mut browser, &idp.authorize(&out)).await;
        assert_eq!(got.status, 400, "{}", got.body);
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_03_a_code_is_good_in_the_session_it_was_asked_for_only() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    // Whether the provider binds codes to their verifier (PKCE) or not (then the nonce tells).
    for pkce in [true, false] {
        idp.mood().pkce = pkce;
        let (mut evil, mut victim) = (Browser::new(&hub), Browser::new(&hub));
        let stolen = idp.authorize(&depart(&channel, &mut victim, "test", &[]).await);
        let own = idp.authorize(&depart(&channel, &mut evil, "test", &[]).await);
        let state = &query(&own)["state"];
        let injected = format!(
            "{}?code={}&state={state}",
            own.split('?').next().unwrap(),
            query(&stolen)["code"]
        );
        let got = come_back(&mut evil, &injected).await;
        assert_eq!(got.status, 400, "pkce {pkce}: {}", got.body);
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_08_answers_of_one_provider_are_not_taken_for_anothers() {
    let (good, evil) = (Idp::start().await, Idp::start().await);
    good.mood().about = json!({"authorization_response_iss_parameter_supported": true});
    let secrets = format!("identity/test: {{key: '{SECRET}'}}\nidentity/evil: {{key: '{SECRET}'}}\n");
    let hub = hub(&[("test", &good.file("")), ("evil", &evil.file(""))], &secrets).await;
    let channel = Channel::new(&hub, &json!({})).await;
    // The state of a dance with one, brought to the other's door.
    let mut browser = Browser::new(&hub);
    let back = good.authorize(&depart(&channel, &mut browser, "test", &[]).await);
    let crossed = back.replace("/via/test/", "/via/evil/");
    assert_eq!(come_back(&mut browser, &crossed).await.status, 400);
    assert!(evil.asked("/token").is_empty(), "the code went nowhere");
    // A provider that says its issuer must say it, and the right one.
    assert_eq!(come_back(&mut browser, &back).await.status, 400, "without iss");
    for (iss, status) in [
        (evil.base(), 400),
        (&format!("{}/", good.base()), 400),
        (good.base(), 303),
    ] {
        let mut browser = Browser::new(&hub);
        let back = good.authorize(&depart(&channel, &mut browser, "test", &[]).await);
        let got = come_back(&mut browser, &format!("{back}&iss={iss}")).await;
        assert_eq!(got.status, status, "{iss}");
    }
    // One that does not say it may, but not a wrong one.
    let mut browser = Browser::new(&hub);
    let back = evil.authorize(&depart(&channel, &mut browser, "evil", &[]).await);
    assert_eq!(
        come_back(&mut browser, &format!("{back}&iss={}", good.base()))
            .await
            .status,
        400
    );
    assert!(evil.asked("/token").is_empty());
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_08_a_provider_describes_itself_and_nothing_else() {
    let (idp, evil) = (Idp::start().await, Idp::start().await);
    // Whoever answers for another issuer sends nobody anywhere.
    idp.mood().about = json!({"issuer": evil.base()});
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let out = way_out(&page(&channel, &mut browser, &[]).await, "test");
    assert_eq!(browser.get(&out).await.status, 400);
    // What it says of addresses on this machine is not the operator's word, even where the operator lets it stand here itself.
    for (name, path) in [
        ("token_endpoint", "token"),
        ("jwks_uri", "jwks"),
        ("pushed_authorization_request_endpoint", "par"),
    ] {
        idp.mood().about = json!({name: format!("{}/{path}", evil.base())});
        assert_eq!(hub.operate("POST", "/admin/reload", None).await.status, 200);
        let left = browser.get(&out).await;
        if left.status == 303 {
            let back = idp.authorize(left.header("location"));
            assert_eq!(come_back(&mut browser, &back).await.status, 400, "{name}");
        }
        assert!(evil.mood().seen.is_empty(), "{name}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_09_a_state_is_this_browsers_and_good_once() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let (mut victim, mut evil) = (Browser::new(&hub), Browser::new(&hub));
    let back = idp.authorize(&depart(&channel, &mut evil, "test", &[]).await);
    page(&channel, &mut victim, &[]).await;
    // Login CSRF: the attacker's whole way back in the victim's browser, with our cookie and without.
    assert_eq!(come_back(&mut victim, &back).await.status, 400);
    assert_eq!(come_back(&mut Browser::new(&hub), &back).await.status, 400);
    assert!(idp.asked("/token").is_empty());
    let code = query(&back)["code"].clone();
    let door = back.split('?').next().unwrap();
    for wrong in [
        format!("{door}?code={code}"),
        format!("{door}?code={code}&state=x"),
        format!("{back}&state=x"),
    ] {
        assert_eq!(come_back(&mut evil, &wrong).await.status, 400, "{wrong}");
    }
    // None of that used it up; its own browser does, once.
    let before = evil.cookie.clone();
    assert_eq!(come_back(&mut evil, &back).await.status, 303);
    assert_ne!(evil.cookie, before, "a new cookie at every sign-in");
    assert_eq!(come_back(&mut evil, &back).await.status, 400);
    assert_eq!(idp.asked("/token").len(), 1);
    // The way out needs the form of a page of ours.
    let mut browser = Browser::new(&hub);
    let out = way_out(&page(&channel, &mut browser, &[]).await, "test");
    let stripped = out.split("&form=").next().unwrap().to_owned();
    for wrong in [
        stripped.clone(),
        format!("{stripped}&form=x"),
        "/sso/via/test".to_owned(),
    ] {
        assert_eq!(browser.get(&wrong).await.status, 400, "{wrong}");
    }
    assert_eq!(Browser::new(&hub).get(&out).await.status, 400, "another browser's form");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_goes_back_is_asked_again() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let out = depart(&channel, &mut browser, "test", &[]).await;
    let state = query(&out)["state"].clone();
    let evil = "<script>alert(1)</script>";
    let told = format!("/sso/via/test/callback?error=access_denied&error_description={evil}&state={state}");
    let got = browser.get(&told).await;
    let text = got.body.as_str().unwrap();
    assert!(got.status == 400 && text.contains("You cancelled") && !text.contains("alert"));
    assert_eq!(got.header("x-frame-options"), "DENY");
    let again = way_out(&got, "test");
    let left = browser.get(&again).await;
    assert_eq!(left.status, 303);
    claims(&channel, &mut browser, &idp.authorize(left.header("location"))).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_back_that_is_posted_counts_in_its_own_browser() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let back = idp.authorize(&depart(&channel, &mut browser, "test", &[]).await);
    let (door, given) = (back.split('?').next().unwrap().to_owned(), query(&back));
    let form = [("code", given["code"].as_str()), ("state", given["state"].as_str())];
    // Another site's form comes without our cookie.
    let posted = Browser::new(&hub).ask("POST", &door, Some(&form)).await;
    assert_eq!(posted.status, 303);
    let on = posted.header("location").to_owned();
    assert!(on.starts_with("/sso/via/test/callback?"), "{on}");
    assert_eq!(come_back(&mut Browser::new(&hub), &on).await.status, 400);
    claims(&channel, &mut browser, &on).await;
    let twice = [("state", "a"), ("state", "b")];
    assert_eq!(browser.ask("POST", &door, Some(&twice)).await.status, 400);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_oauth_server_needs_no_more_than_its_addresses() {
    let idp = Idp::start().await;
    let base = idp.base();
    let file = format!(
        "name: {{zh: 测试登录, en: Plain login}}\ndialect: oauth2\nissuer: {base}\ninner: true\nmost: R1\nassurance: R1\n\
         client: {{id: hub-at-idp, secret: 'secret:key'}}\ntoken: {base}/token\n\
         authorize: {{url: '{base}/authorize', send: {{scope: 'read,name'}}}}\n\
         calls:\n  - {{url: '{base}/userinfo', headers: {{authorization: 'Bearer {{access_token}}'}}, take: {{id: sub, name: name}}}}\n\
         subject: id\nclaims: {{name: name}}\n"
    );
    let hub = hub(&[("test", &file)], &format!("identity/test: {{key: '{SECRET}'}}\n")).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    // The language that the person chose goes with them.
    let out = depart(&channel, &mut browser, "test", &[("ui_locales", "zh")]).await;
    let asked = query(&out);
    assert_eq!(
        (asked["scope"].as_str(), asked["code_challenge_method"].as_str()),
        ("read,name", "S256")
    );
    let back = browser.get(&idp.authorize(&out)).await;
    assert!(
        back.header("location").ends_with("&lang=zh"),
        "{} {}",
        back.status,
        back.body
    );
    let came = whole(&channel, &idp, &[]).await;
    assert_eq!((&came["name"], &came["acr"]), (&json!("李测试"), &json!("R1")));
    assert_eq!(idp.asked("/userinfo")[0].headers["authorization"], "Bearer at-1");
    assert!(idp.asked("/token").iter().all(|a| a.form["code_verifier"].len() >= 43));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_takes_all_providers_or_none() {
    let (idp, other) = (Idp::start().await, Idp::start().await);
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let file = |name: &str| hub.city.path("policies").join("identity").join(name);
    std::fs::write(file("other.yaml"), other.file("").replace("Test login", "Other login")).unwrap();
    std::fs::write(file("broken.yaml"), other.file("sope: [profile]\n")).unwrap();
    let refused = hub.operate("POST", "/admin/reload", None).await;
    assert!(refused.status >= 400, "{}", refused.body);
    let told = refused.body.to_string();
    assert!(
        told.contains("broken.yaml") && told.contains("sope") && told.contains("\"scope\""),
        "{told}"
    );
    let shown = page(&channel, &mut Browser::new(&hub), &[]).await;
    assert!(!shown.body.as_str().unwrap().contains("Other login"));
    std::fs::remove_file(file("broken.yaml")).unwrap();
    std::fs::write(file("test.yaml"), idp.file("active: false\n")).unwrap();
    let mut browser = Browser::new(&hub);
    let under_way = idp.authorize(&depart(&channel, &mut browser, "test", &[]).await);
    assert_eq!(hub.operate("POST", "/admin/reload", None).await.status, 200);
    let shown = page(&channel, &mut Browser::new(&hub), &[]).await;
    let text = shown.body.as_str().unwrap();
    assert!(text.contains("Other login") && !text.contains("Test login"));
    assert_eq!(
        browser.get(&under_way).await.status,
        404,
        "a provider that is off takes nobody in"
    );
    assert_eq!(
        browser
            .get(&way_out(&shown, "other").replace("other", "test"))
            .await
            .status,
        400
    );
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_comes_back_to_another_hub_than_they_left() {
    crate::support::on_postgres(|url| async move {
        let idp = Idp::start().await;
        let file = idp.file("");
        let variables = |name: &str| (name == "HUB_STORE_URL").then(|| url.clone());
        let given = Config::load(None, &variables).unwrap().store.url;
        let start = async || {
            let secrets = format!("identity/test: {{key: '{SECRET}'}}\n");
            hub_with(&[("test", &file)], &secrets, |plan| {
                plan.config.store.url.clone_from(&given);
                plan.master_key = Some("0f".repeat(32));
            })
            .await
        };
        let (one, two) = (start().await, start().await);
        let channel = Channel::new(&one, &json!({})).await;
        let mut browser = Browser::new(&one);
        let back = idp.authorize(&depart(&channel, &mut browser, "test", &[]).await);
        // The hub the person left is gone; the way back leads to whoever is there.
        let (was, is) = (one.ready().base_url.clone(), two.ready().base_url.clone());
        let mut there = Browser::new(&two);
        there.cookie.clone_from(&browser.cookie);
        let got = come_back(&mut there, &back.replace(&was, &is)).await;
        assert!(
            query(got.header("location")).contains_key("code"),
            "{} {}",
            got.status,
            got.body
        );
        two.stop().await;
        one.stop().await;
    })
    .await;
}
