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
    hub.stop().await;
}
