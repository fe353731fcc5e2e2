//! People come from a SAML provider.

use crate::channel::{Browser, Channel, between, parts, query};
use crate::saml_idp::{
    IDP, SLO, SSO, asked, assertion, at, attribute, back, file, key, leave, posted, public, response, signed, skeleton,
    timed, usual,
};
use crate::support::TestHub;
use crate::upstream::{come_back, hub, page, way_out};
use hub_crypto::{base64, from_base64, xml_sign, xml_signed};
use serde_json::{Value, json};

/// A hub over one SAML provider, `campus`, and the provider's key.
pub async fn campus(more: &str) -> (TestHub, String) {
    let key = key();
    let hub = hub(&[("campus", &file(&[&public(&key)], more))], "").await;
    (hub, key)
}

/// The tokens that a client gets of a person who came back.
async fn tokens(channel: &Channel<'_>, got: &crate::support::Got) -> Value {
    let location = got.header("location");
    let code = query(location).get("code").cloned();
    let code = code.unwrap_or_else(|| panic!("{} {location} {}", got.status, got.body));
    let got = channel.exchange(&code, &[]).await;
    assert_eq!(got.status, 200, "{}", got.body);
    got.body
}

async fn whole(channel: &Channel<'_>, person: &str, key: &str, more: &[(&str, &str)]) -> Value {
    let mut browser = Browser::new(channel.hub);
    let asked = leave(channel, &mut browser, more).await;
    let got = back(channel.hub, &mut browser, &asked, &usual(&asked, person, key)).await;
    parts(tokens(channel, &got).await["id_token"].as_str().unwrap()).1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_comes_from_a_saml_provider() {
    let (hub, key) = campus("").await;
    let channel = Channel::new(&hub, &json!({"scope": "openid profile phone services"})).await;
    let mut browser = Browser::new(&hub);
    let asked = leave(&channel, &mut browser, &[("scope", "openid profile phone")]).await;
    let base = &hub.ready().base_url;
    assert!(
        asked.address.starts_with(&format!("{SSO}?SAMLRequest=")),
        "{}",
        asked.address
    );
    assert_eq!(asked.acs, format!("{base}/sso/via/campus/callback"));
    assert_eq!(asked.entity, format!("{base}/sso/via/campus/metadata"));
    assert_eq!(attribute(&asked.xml, "Destination"), SSO);
    assert!(asked.xml.contains("nameid-format:persistent") && !asked.xml.contains("ForceAuthn"));
    assert!(!asked.xml.contains("RequestedAuthnContext") && asked.relay.len() <= 80);

    let got = back(&hub, &mut browser, &asked, &usual(&asked, "li", &key)).await;
    let first = tokens(&channel, &got).await;
    let claims = parts(first["id_token"].as_str().unwrap()).1;
    assert_eq!((&claims["name"], &claims["acr"]), (&json!("人物 li"), &json!("R1")));
    let more = channel.userinfo(first["access_token"].as_str().unwrap()).await;
    assert_eq!(more.body["phone_number"], "13800000000");

    // The same person is the same, another is another; either of the two may be signed, or both.
    assert_eq!(whole(&channel, "li", &key, &[]).await["sub"], claims["sub"]);
    assert_ne!(whole(&channel, "wang", &key, &[]).await["sub"], claims["sub"]);
    for both in [false, true] {
        let mut browser = Browser::new(&hub);
        let asked = leave(&channel, &mut browser, &[]).await;
        let mut inside = assertion(&asked, "li").replace("urn:c:sms", "urn:c:card");
        if both {
            inside = signed(&inside, &key);
        }
        let got = back(&hub, &mut browser, &asked, &signed(&response(&asked, &inside), &key)).await;
        let again = parts(tokens(&channel, &got).await["id_token"].as_str().unwrap()).1;
        assert_eq!(
            (&again["sub"], &again["acr"]),
            (&claims["sub"], &json!("R3")),
            "both: {both}"
        );
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_waits_for_the_browser_that_it_is_for() {
    let (hub, key) = campus("").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let (mut browser, mut evil) = (Browser::new(&hub), Browser::new(&hub));
    let asked = leave(&channel, &mut browser, &[]).await;
    let own = leave(&channel, &mut evil, &[]).await;
    let kept = posted(&hub, &asked, &usual(&asked, "li", &key)).await;
    let to = kept.header("location").to_owned();
    assert!(
        to.starts_with("/sso/via/campus/callback?state=") && !to.contains("SAML"),
        "{to}"
    );
    // Somebody else's browser, with its own cookie and with its own state.
    assert_eq!(come_back(&mut evil, &to).await.status, 400);
    let crossed = format!(
        "/sso/via/campus/callback?state={}&held={}",
        own.relay,
        query(&to)["held"]
    );
    assert_eq!(come_back(&mut evil, &crossed).await.status, 400);

    // The other way round (login CSRF): a good response of one's own, put into the victim's browser.
    let own = leave(&channel, &mut evil, &[]).await;
    let kept = posted(&hub, &own, &usual(&own, "mallory", &key)).await;
    assert_eq!(come_back(&mut browser, kept.header("location")).await.status, 400);

    // What is kept is good once.
    let asked = leave(&channel, &mut browser, &[]).await;
    let kept = posted(&hub, &asked, &usual(&asked, "li", &key)).await;
    let to = kept.header("location").to_owned();
    assert_eq!(come_back(&mut browser, &to).await.status, 303);
    let again = leave(&channel, &mut Browser::new(&hub), &[("prompt", "login")]).await;
    let used = format!(
        "/sso/via/campus/callback?state={}&held={}",
        again.relay,
        query(&to)["held"]
    );
    assert_eq!(come_back(&mut browser, &used).await.status, 400);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_must_sign_in_anew_or_more_surely_does_so_there() {
    let (hub, key) = campus("").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let wanted = [("prompt", "login"), ("acr_values", "R1")];
    let mut browser = Browser::new(&hub);
    let asked = leave(&channel, &mut browser, &wanted).await;
    assert_eq!(attribute(&asked.xml, "ForceAuthn"), "true");
    let classes = between(&asked.xml, "Comparison=\"exact\">", "</samlp:RequestedAuthnContext>");
    assert_eq!(
        classes,
        "<saml:AuthnContextClassRef>urn:c:sms</saml:AuthnContextClassRef><saml:AuthnContextClassRef>urn:c:card</saml:AuthnContextClassRef>"
    );
    let got = back(&hub, &mut browser, &asked, &usual(&asked, "li", &key)).await;
    assert_eq!(got.status, 303, "{}", got.body);
    for wanted in [[("prompt", "login")], [("max_age", "60")]] {
        let mut browser = Browser::new(&hub);
        let asked = leave(&channel, &mut browser, &wanted).await;
        assert_eq!(attribute(&asked.xml, "ForceAuthn"), "true");
        let old = timed(&assertion(&asked, "li"), "AuthnInstant", "2020-01-01T00:00:00Z");
        let got = back(&hub, &mut browser, &asked, &response(&asked, &signed(&old, &key))).await;
        assert_eq!(got.status, 400, "an old sign-in is not believed");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_signed_and_may_go_in_a_form() {
    let (theirs, ours) = (key(), key());
    let secrets = format!("identity/campus: {{sp: '{ours}'}}\nidentity/forms: {{sp: '{ours}'}}\n");
    let signing = format!("signing: {{key: 'secret:sp', certificate: {}}}\n", public(&ours));
    let files = [
        ("campus", file(&[&public(&theirs)], &signing)),
        (
            "forms",
            file(
                &[&public(&theirs)],
                &format!("{signing}binding: post\nclient: {{id: 'urn:city:hub'}}\n"),
            ),
        ),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(id, text)| (*id, text.as_str())).collect();
    let hub = hub(&files, &secrets).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let mut browser = Browser::new(&hub);
    let asked = leave(&channel, &mut browser, &[]).await;
    let query_text = asked.address.split_once('?').unwrap().1;
    let (covered, signature) = query_text.rsplit_once("&Signature=").unwrap();
    assert!(covered.ends_with("ecdsa-sha256"));
    let signature = query(&format!("?s={signature}"))["s"].clone();
    let signature = from_base64(&signature).unwrap();
    hub_crypto::ecdsa_verify(&ours, covered.as_bytes(), &signature, hub_crypto::SignatureForm::Raw).unwrap();

    let shown = page(&channel, &mut browser, &[]).await;
    let form = browser.get(&way_out(&shown, "forms")).await;
    assert_eq!(form.status, 200);
    assert!(form.header("content-security-policy").contains("form-action *;"));
    let text = form.body.as_str().unwrap();
    assert_eq!(between(text, "method=\"post\" action=\"", "\""), SSO);
    let request = between(text, "name=\"SAMLRequest\" value=\"", "\"")
        .replace("&#43;", "+")
        .replace("&#61;", "=");
    let request = String::from_utf8(from_base64(&request).unwrap()).unwrap();
    let read = xml_signed(&request, &[&ours], false).unwrap();
    assert!(read.vouched[0].is_root && read.vouched[0].text.contains(">urn:city:hub</saml:Issuer>"));
    let asked = crate::saml_idp::Asked {
        id: attribute(&request, "ID"),
        acs: attribute(&request, "AssertionConsumerServiceURL"),
        relay: between(text, "name=\"RelayState\" value=\"", "\""),
        entity: "urn:city:hub".to_owned(),
        address: String::new(),
        xml: request,
    };
    let got = back(&hub, &mut browser, &asked, &usual(&asked, "li", &theirs)).await;
    assert_eq!(got.status, 303, "{}", got.body);

    let about = hub.ask("GET", "/sso/via/forms/metadata", &[], None).await;
    assert_eq!(
        about.header("content-type"),
        "application/samlmetadata+xml; charset=utf-8"
    );
    let raw = crate::support::http().get(format!("{}/sso/via/forms/metadata", hub.ready().base_url));
    let text = raw.send().await.unwrap().text().await.unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    assert_eq!(document.root_element().attribute("entityID"), Some("urn:city:hub"));
    let at = |name: &str| document.descendants().find(|n| n.tag_name().name() == name).unwrap();
    assert_eq!(at("SPSSODescriptor").attribute("AuthnRequestsSigned"), Some("true"));
    let acs = format!("{}/sso/via/forms/callback", hub.ready().base_url);
    assert_eq!(at("AssertionConsumerService").attribute("Location"), Some(acs.as_str()));
    assert_eq!(at("X509Certificate").text(), Some(public(&ours).as_str()));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_no_with_is_told_in_two_languages() {
    let (hub, _) = campus("").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let status = "urn:oasis:names:tc:SAML:2.0:status:";
    let cases = [
        ("Responder", "AuthnFailed", "登录方没有同意", "the other side said no"),
        ("Responder", "RequestDenied", "登录方没有同意", "the other side said no"),
        ("Responder", "NoAuthnContext", "换一种方式", "as surely as this needs"),
        ("Requester", "InvalidNameIDPolicy", "设置不一致", "not set up alike"),
        ("Requester", "", "设置不一致", "not set up alike"),
        ("VersionMismatch", "", "设置不一致", "not set up alike"),
        ("Responder", "NoAvailableIDP", "暂时没有应答", "does not answer now"),
        ("Responder", "", "暂时没有应答", "does not answer now"),
    ];
    for (first, second, zh, en) in cases {
        for (lang, word) in [("zh", zh), ("en", en)] {
            let mut browser = Browser::new(&hub);
            let shown = page(&channel, &mut browser, &[("ui_locales", lang)]).await;
            let left = browser.get(&way_out(&shown, "campus")).await;
            let asked = asked(left.header("location"));
            let inner = format!("<samlp:StatusCode Value=\"{status}{second}\"/>");
            let inner = if second.is_empty() { String::new() } else { inner };
            let code = format!("<samlp:StatusCode Value=\"{status}{first}\">{inner}</samlp:StatusCode>");
            let usual = format!("<samlp:StatusCode Value=\"{status}Success\"/>");
            let document = response(&asked, "");
            assert!(document.contains(&usual));
            let got = back(&hub, &mut browser, &asked, &document.replace(&usual, &code)).await;
            let text = got.body.as_str().unwrap();
            assert!(
                got.status >= 400 && text.contains(word),
                "{first} {second} {lang}: {} {text}",
                got.status
            );
            let again = if lang == "zh" { "再试一次" } else { "Try again" };
            assert!(text.contains(again), "there is a way on");
        }
    }
    hub.stop().await;
}

fn logout_request(hub: &TestHub, person: &str, session: Option<&str>) -> String {
    let index = session
        .map(|s| format!("<samlp:SessionIndex>{s}</samlp:SessionIndex>"))
        .unwrap_or_default();
    let (id, now) = (hub_crypto::hex(&hub_crypto::random::<8>().unwrap()), at(0));
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"_{id}\" Version=\"2.0\" IssueInstant=\"{now}\" Destination=\"{}/sso/via/campus/logout\"><saml:Issuer>{IDP}</saml:Issuer>\
         <saml:NameID>{person}</saml:NameID>{index}</samlp:LogoutRequest>",
        hub.ready().base_url
    )
}

/// A query as a provider's redirect makes it.
fn redirected(document: &str, key: &str) -> String {
    use flate2::{Compression, read::DeflateEncoder};
    use std::io::Read;
    let mut bytes = Vec::new();
    DeflateEncoder::new(document.as_bytes(), Compression::default())
        .read_to_end(&mut bytes)
        .unwrap();
    let part = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
    let method = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";
    let covered = format!(
        "SAMLRequest={}&RelayState=r-1&SigAlg={}",
        part(&base64(&bytes)),
        part(method)
    );
    let signature = hub_crypto::ecdsa_sign(key, covered.as_bytes(), hub_crypto::SignatureForm::Der).unwrap();
    format!("{covered}&Signature={}", part(&base64(&signature)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saml_provider_tells_of_a_sign_out() {
    let (hub, key) = campus("").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let sign_in = async |person: &str| {
        let mut browser = Browser::new(&hub);
        let asked = leave(&channel, &mut browser, &[]).await;
        let got = back(&hub, &mut browser, &asked, &usual(&asked, person, &key)).await;
        let access = tokens(&channel, &got).await["access_token"]
            .as_str()
            .unwrap()
            .to_owned();
        (browser, access)
    };
    let ask = async |query: &str| {
        let target = format!("/sso/via/campus/logout?{query}");
        Browser::new(&hub).get(&target).await
    };
    let ((_, li), (_, wang)) = (sign_in("li").await, sign_in("wang").await);
    let wrong = crate::saml_idp::key();
    let good = logout_request(&hub, "li", Some("s-li"));
    let query_text = redirected(&good, &key);
    let old = timed(&good, "IssueInstant", "2020-01-01T00:00:00Z");
    for bad in [
        redirected(&good, &wrong),
        query_text.replace("RelayState=r-1", "RelayState=r-2"),
        query_text.split("&SigAlg").next().unwrap().to_owned(),
        redirected(&good.replace(IDP, "https://other.example"), &key),
        redirected(&good.replace("/via/campus/logout", "/via/other/logout"), &key),
        redirected(&old, &key),
        redirected(
            &good.replace("<samlp:SessionIndex>", "<!-- --><samlp:SessionIndex>"),
            &key,
        ),
    ] {
        assert_eq!(ask(&bad).await.status, 400, "{bad}");
    }
    assert!(channel.is_active(&li).await);
    let done = ask(&query_text).await;
    assert_eq!(done.status, 303, "{}", done.body);
    let location = done.header("location").to_owned();
    assert!(location.starts_with(&format!("{SLO}?SAMLResponse=")) && query(&location)["RelayState"] == "r-1");
    let answer = crate::saml_idp::inflate(&query(&location)["SAMLResponse"]);
    assert!(answer.contains("status:Success") && attribute(&answer, "InResponseTo") == attribute(&good, "ID"));
    assert!(!channel.is_active(&li).await && channel.is_active(&wang).await);
    assert_eq!(ask(&query_text).await.status, 400, "it is good once");

    // In a form, signed itself; without an index all sessions of the person end.
    let request = logout_request(&hub, "wang", None);
    let post = async |document: &str| {
        let field = base64(document.as_bytes());
        let form = [("SAMLRequest", field.as_str())];
        Browser::new(&hub)
            .ask("POST", "/sso/via/campus/logout", Some(&form))
            .await
    };
    assert_eq!(post(&request).await.status, 400, "unsigned");
    let template = request.replace(
        "</saml:Issuer>",
        &format!("</saml:Issuer>{}", skeleton(&attribute(&request, "ID"))),
    );
    assert_eq!(post(&xml_sign(&wrong, &template).unwrap()).await.status, 400);
    assert!(channel.is_active(&wang).await);
    assert_eq!(post(&xml_sign(&key, &template).unwrap()).await.status, 303);
    assert!(!channel.is_active(&wang).await);
    hub.stop().await;
}
