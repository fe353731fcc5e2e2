//! A person sees where they are signed in, and ends what they do not want.

use crate::channel::{Browser, Channel, between};
use crate::idp::{Reply, Server};
use crate::support::{City, TestHub};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const LI: &str = "li-xiulan";
const WANG: &str = "wang-jianguo";

/// The name of a session in its form, by what is said of it.
fn named(page: &str, is_this: bool) -> Vec<String> {
    let forms = page.split("<form class=\"panel asked\"").skip(1);
    let wanted = forms.filter(|f| f.contains("This browser") == is_this);
    wanted.map(|f| between(f, "name=\"session\" value=\"", "\"")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_ends_sessions_on_other_devices() {
    let heard = Arc::new(Mutex::new(0));
    let told = Arc::clone(&heard);
    let app = Server::start(move |asked| {
        *told.lock().unwrap() += usize::from(asked.form.contains_key("logout_token"));
        Reply::Raw(200, "text/plain", Vec::new())
    })
    .await;
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({"backchannel_logout_uri": format!("{}/out", app.base)})).await;
    let (mut here, mut there, mut third, mut other) = (
        Browser::new(&hub),
        Browser::new(&hub),
        Browser::new(&hub),
        Browser::new(&hub),
    );
    let mut tokens = Vec::new();
    for (browser, who) in [(&mut here, LI), (&mut there, LI), (&mut third, LI), (&mut other, WANG)] {
        let all = channel
            .tokens(browser, who, &[("scope", "openid offline_access")])
            .await;
        tokens.push((
            all["access_token"].as_str().unwrap().to_owned(),
            all["refresh_token"].as_str().unwrap().to_owned(),
        ));
    }
    let page = here.get("/sso/sessions").await;
    assert_eq!(page.status, 200);
    let text = page.body.as_str().unwrap().to_owned();
    assert_eq!((named(&text, true).len(), named(&text, false).len()), (1, 2));
    assert!(text.contains("Unknown device") && text.contains("Signed in at: 20"));
    let form = between(&text, "name=\"form\" value=\"", "\"");
    let strangers = other.get("/sso/sessions").await;
    assert_eq!(named(strangers.body.as_str().unwrap(), false).len(), 0);
    let theirs = named(strangers.body.as_str().unwrap(), true).remove(0);

    // Without the form's token, with another browser's, and of somebody else's session: nothing ends.
    let one = named(&text, false).remove(0);
    let send = async |browser: &mut Browser, fields: &[(&str, &str)]| {
        browser.ask("POST", "/sso/sessions", Some(fields)).await.status
    };
    assert_eq!(send(&mut here, &[("session", &one)]).await, 400);
    assert_eq!(send(&mut other, &[("session", &one), ("form", &form)]).await, 400);
    assert_eq!(send(&mut here, &[("session", &theirs), ("form", &form)]).await, 303);
    for (access, _) in &tokens {
        assert!(channel.is_active(access).await);
    }

    // One: it, its refresh tokens and its app's session; no other.
    assert_eq!(send(&mut here, &[("session", &one), ("form", &form)]).await, 303);
    let mut active = Vec::new();
    for (access, _) in &tokens {
        active.push(channel.is_active(access).await);
    }
    assert_eq!(active.iter().filter(|a| **a).count(), 3);
    assert!(active[0] && active[3]);
    let ended = if active[1] { 2 } else { 1 };
    assert_eq!(channel.refresh(&tokens[ended].1).await.status, 400);
    for _ in 0..100 {
        if *heard.lock().unwrap() == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(*heard.lock().unwrap(), 1, "the app was told");

    // All others; this one goes on.
    assert_eq!(send(&mut here, &[("others", "yes"), ("form", &form)]).await, 303);
    for (index, is_alive) in [(0, true), (1, false), (2, false), (3, true)] {
        assert_eq!(channel.is_active(&tokens[index].0).await, is_alive, "{index}");
    }
    let page = here.get("/sso/sessions").await;
    assert_eq!(named(page.body.as_str().unwrap(), false).len(), 0);
    for browser in [&mut there, &mut third] {
        assert_eq!(browser.get("/sso/sessions").await.status, 400);
    }
    // The way there stands where a person who is signed in looks, and nowhere else.
    for (browser, is_there) in [(&mut here, true), (&mut Browser::new(&hub), false)] {
        let asked = browser.get(&channel.authorize(&[("prompt", "login")])).await;
        let page = browser.follow(asked).await.body.as_str().unwrap().to_owned();
        assert!(page.contains("name=\"persona\""));
        assert_eq!(page.contains("href=\"/sso/sessions"), is_there);
    }
    hub.stop().await;
}

/// The same in JSON: through a client, by the token that came of a session.
#[tokio::test(flavor = "multi_thread")]
async fn a_person_ends_sessions_through_an_app() {
    let hub = TestHub::demo(City::sample()).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut tokens = Vec::new();
    for who in [LI, LI, LI, WANG] {
        let mut browser = Browser::new(&hub);
        let all = channel
            .tokens(&mut browser, who, &[("scope", "openid services offline_access")])
            .await;
        tokens.push((
            all["access_token"].as_str().unwrap().to_owned(),
            all["refresh_token"].as_str().unwrap().to_owned(),
        ));
    }
    let ready = hub.ready();
    let ask = async |method: &str, target: &str, key: &Option<String>, token: &str| {
        let bearer = format!("Bearer {token}");
        let headers = [
            ("x-api-key", key.as_deref().unwrap()),
            ("authorization", bearer.as_str()),
        ];
        hub.ask(method, target, &headers, None).await
    };
    let list = async |key: &Option<String>, token: &str| {
        let got = ask("GET", "/me/sessions", key, token).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.body["items"].as_array().unwrap().clone()
    };
    let ids = |items: &[serde_json::Value], current: bool| -> Vec<String> {
        let fit = items.iter().filter(|i| i["current"] == current);
        fit.map(|i| i["id"].as_str().unwrap().to_owned()).collect()
    };
    let key = &ready.client_key;
    let seen = list(key, &tokens[0].0).await;
    assert_eq!((seen.len(), ids(&seen, true).len()), (3, 1));
    assert!(seen[0]["device"].is_null() && seen[0]["since"].as_str().unwrap().starts_with("20"));

    // What one client is told leads to nothing that another is told.
    let elsewhere = list(&ready.sandbox_key, &tokens[0].0).await;
    assert_eq!(elsewhere.len(), 3);
    let all = |items: &[serde_json::Value]| [ids(items, true), ids(items, false)].concat();
    assert!(all(&elsewhere).iter().all(|id| !all(&seen).contains(id)));

    // Of nobody, of somebody else, by another client's name for it, without a person: nothing ends.
    let theirs = ids(&list(key, &tokens[3].0).await, true).remove(0);
    let foreign = ids(&elsewhere, false).remove(0);
    for id in ["nobody", &theirs, &foreign] {
        let got = ask("DELETE", &format!("/me/sessions/{id}"), key, &tokens[0].0).await;
        assert_eq!((got.status, got.code()), (404, "not-found"), "{id}");
    }
    let got = hub
        .ask(
            "DELETE",
            "/me/sessions",
            &[("x-api-key", key.as_deref().unwrap())],
            None,
        )
        .await;
    assert_eq!((got.status, got.code()), (401, "token-missing"));
    for (access, _) in &tokens {
        assert!(channel.is_active(access).await);
    }

    // One: everything that came of it, at once.
    let one = ids(&list(key, &tokens[1].0).await, true).remove(0);
    let got = ask("DELETE", &format!("/me/sessions/{one}"), key, &tokens[0].0).await;
    assert_eq!(got.status, 204, "{}", got.body);
    let got = ask("GET", "/me/sessions", key, &tokens[1].0).await;
    assert_eq!((got.status, got.code()), (401, "token-invalid"));
    assert_eq!(channel.refresh(&tokens[1].1).await.status, 400);
    let again = ask("DELETE", &format!("/me/sessions/{one}"), key, &tokens[0].0).await;
    assert_eq!(again.status, 404);

    // All others, then the one that asks; another person stays.
    let got = ask("DELETE", "/me/sessions", key, &tokens[0].0).await;
    assert_eq!((got.status, &got.body), (200, &json!({"ended": 1})));
    assert!(!channel.is_active(&tokens[2].0).await && channel.is_active(&tokens[0].0).await);
    let last = list(key, &tokens[0].0).await;
    let own = ids(&last, true).remove(0);
    assert_eq!(last.len(), 1);
    let got = ask("DELETE", &format!("/me/sessions/{own}"), key, &tokens[0].0).await;
    assert_eq!(got.status, 204);
    assert!(!channel.is_active(&tokens[0].0).await && channel.is_active(&tokens[3].0).await);

    // A token that came of no session here ends nothing by itself, and others' are not its own.
    let got = hub.me(LI, "GET", "/me/sessions").await;
    assert_eq!((got.status, &got.body["items"]), (200, &json!([])));
    hub.stop().await;
}
