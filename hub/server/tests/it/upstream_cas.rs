//! People come from a CAS server.

use crate::channel::{Browser, Channel, query};
use crate::idp::{Reply, Server};
use crate::support::{TestHub, repository};
use crate::upstream::{claims, come_back, depart, hub};
use serde_json::json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

type Tickets = Arc<Mutex<HashMap<String, (String, String)>>>;

/// A server that knows tickets by service, to the letter, once; `answer` stands in place of the usual.
async fn cas(tickets: Tickets, answer: Arc<Mutex<Option<String>>>, asks: Arc<AtomicUsize>) -> Server {
    Server::start(move |asked| {
        asks.fetch_add(1, Ordering::Relaxed);
        assert_eq!(asked.path, "/cas/p3/serviceValidate");
        let xml = |inner: &str| {
            let text =
                format!("<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">{inner}</cas:serviceResponse>");
            Reply::Raw(200, "application/xml", text.into_bytes())
        };
        if let Some(given) = answer.lock().unwrap().as_deref() {
            return match given.strip_prefix("raw:") {
                Some(raw) => Reply::Raw(200, "application/xml", raw.into()),
                None => xml(given),
            };
        }
        match tickets.lock().unwrap().remove(&asked.query["ticket"]) {
            Some((service, user)) if service == asked.query["service"] => xml(&success(&user)),
            Some(_) => xml("<cas:authenticationFailure code=\"INVALID_SERVICE\">x</cas:authenticationFailure>"),
            None => xml("<cas:authenticationFailure code=\"INVALID_TICKET\">x</cas:authenticationFailure>"),
        }
    })
    .await
}

fn success(user: &str) -> String {
    format!(
        "<cas:authenticationSuccess><cas:user>{user}</cas:user><cas:attributes><cas:displayName>李测试</cas:displayName>\
         <cas:assurance>counter</cas:assurance></cas:attributes></cas:authenticationSuccess>"
    )
}

async fn cas_hub(base: &str) -> TestHub {
    let text = std::fs::read_to_string(repository().join("policies/identity/cas.yaml")).unwrap();
    let text = text
        .replace("active: false", "active: true\ninner: true")
        .replace("https://cas.city.example", base);
    hub(&[("cas", &text)], "").await
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_35_a_ticket_is_one_dances_one_services_and_good_once() {
    let (tickets, answer): (Tickets, _) = (Tickets::default(), Arc::new(Mutex::new(None)));
    let asks = Arc::new(AtomicUsize::new(0));
    let server = cas(Arc::clone(&tickets), Arc::clone(&answer), Arc::clone(&asks)).await;
    let hub = cas_hub(&server.base).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let (mut browser, mut evil) = (Browser::new(&hub), Browser::new(&hub));
    let go = async |browser: &mut Browser, ticket: &str| {
        let out = depart(&channel, browser, "cas", &[]).await;
        let service = query(&out)["service"].clone();
        tickets
            .lock()
            .unwrap()
            .insert(ticket.to_owned(), (service.clone(), "li".to_owned()));
        format!("{service}&ticket={ticket}")
    };
    let good = go(&mut browser, "ST-1-a").await;
    // Another browser; then a ticket of another dance of one's own.
    assert_eq!(come_back(&mut evil, &good).await.status, 400);
    let own = go(&mut evil, "ST-2-b").await;
    let injected = own.replace("ST-2-b", "ST-1-a");
    assert_eq!(
        come_back(&mut evil, &injected).await.status,
        400,
        "it was for another service"
    );
    assert!(!tickets.lock().unwrap().contains_key("ST-1-a"), "asked about once");
    let good = go(&mut browser, "ST-3-c").await;
    let came = claims(&channel, &mut browser, &good).await;
    assert_eq!((&came["name"], &came["acr"]), (&json!("李测试"), &json!("R3")));
    assert_eq!(come_back(&mut browser, &good).await.status, 400, "the state is used");
    let mut other = Browser::new(&hub);
    let again = go(&mut other, "ST-4-d").await.replace("ST-4-d", "ST-3-c");
    let used = come_back(&mut other, &again).await;
    assert!(used.status == 400 && used.body.as_str().unwrap().contains("was used"));

    let before = asks.load(Ordering::Relaxed);
    // Parameters smuggled in a ticket (CVE-2014-4172).
    for smuggled in [
        "ST-5-e%26service%3Dhttps%3A%2F%2Fevil.example",
        "ST-5-e%23",
        "ST-5-e%3F",
        "ST-5-e%0d%0a",
        "ST%205",
    ] {
        let mut browser = Browser::new(&hub);
        let address = go(&mut browser, "ST-5-e").await.replace("ST-5-e", smuggled);
        assert_eq!(come_back(&mut browser, &address).await.status, 400, "{smuggled}");
        assert_eq!(asks.load(Ordering::Relaxed), before, "it was not even asked about");
    }
    let forged = [
        format!("{}<cas:authenticationFailure code=\"INVALID_TICKET\"/>", success("li")),
        success("li") + &success("wang"),
        success(""),
        success("li\u{202e}"),
        success("li").replace("</cas:user>", "</cas:user><cas:proxies><cas:proxy>https://p.example</cas:proxy></cas:proxies>"),
        "raw:<!DOCTYPE x [<!ENTITY e \"li\">]><serviceResponse><authenticationSuccess><user>&e;</user></authenticationSuccess></serviceResponse>".to_owned(),
        "raw:yes\nli\n".to_owned(),
        "raw:<html><body>login</body></html>".to_owned(),
    ];
    for lie in forged {
        *answer.lock().unwrap() = Some(lie.clone());
        let mut browser = Browser::new(&hub);
        let address = go(&mut browser, "ST-6-f").await;
        assert_eq!(come_back(&mut browser, &address).await.status, 400, "{lie}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cas_server_tells_of_a_sign_out() {
    let tickets = Tickets::default();
    let server = cas(Arc::clone(&tickets), Arc::default(), Arc::default()).await;
    let hub = cas_hub(&server.base).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let out = depart(&channel, &mut browser, "cas", &[("prompt", "login")]).await;
    assert_eq!(query(&out)["renew"], "true");
    let service = query(&out)["service"].clone();
    tickets
        .lock()
        .unwrap()
        .insert("ST-1-a".to_owned(), (service.clone(), "li".to_owned()));
    let got = come_back(&mut browser, &format!("{service}&ticket=ST-1-a")).await;
    let code = query(got.header("location"))["code"].clone();
    let access = channel.exchange(&code, &[]).await.body["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let tell = async |ticket: &str| {
        let request = format!(
            "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\"><samlp:SessionIndex>{ticket}</samlp:SessionIndex></samlp:LogoutRequest>"
        );
        Browser::new(&hub)
            .ask("POST", &service, Some(&[("logoutRequest", &request)]))
            .await
            .status
    };
    assert_eq!(tell("ST-9-z").await, 200, "nobody's");
    assert!(channel.is_active(&access).await);
    assert_eq!(tell("").await, 400);
    assert_eq!(tell("ST-1-a").await, 200);
    assert!(!channel.is_active(&access).await);
    hub.stop().await;
}
