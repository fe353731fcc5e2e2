//! Attack 34: what is not what the provider signed, for us, now and for this sign-in, signs nobody in.

use crate::channel::{Browser, Channel};
use crate::saml_idp::{
    Asked, IDP, assertion, at, back, file, key, leave, posted, public, response, signed, skeleton, timed, usual,
};
use crate::support::TestHub;
use crate::upstream::{come_back, hub};
use crate::upstream_saml::campus;
use serde_json::json;

/// A hub, its provider's key, and a client.
struct Scene {
    hub: TestHub,
    key: String,
}

impl Scene {
    async fn new(more: &str) -> Self {
        let (hub, key) = campus(more).await;
        Self { hub, key }
    }

    /// The status of a sign-in that ends with what `forge` makes of what was asked. The page of a refusal has a way on.
    async fn status(&self, forge: impl AsyncFn(&Asked) -> String) -> u16 {
        let channel = Channel::new(&self.hub, &json!({})).await;
        let mut browser = Browser::new(&self.hub);
        let asked = leave(&channel, &mut browser, &[]).await;
        let document = forge(&asked).await;
        let got = back(&self.hub, &mut browser, &asked, &document).await;
        let text = got.body.as_str().unwrap_or_default();
        assert!(
            got.status == 303 || text.contains("Try again") && text.contains("Another way"),
            "{text}"
        );
        got.status
    }

    /// Whether the assertion is refused that `change` makes of a good one before it is signed; the good one itself is not.
    async fn refuses(&self, change: impl Fn(&str) -> String) -> bool {
        let good = self.status(async |asked| usual(asked, "li", &self.key)).await;
        assert_eq!(good, 303, "the scene itself works");
        let bad = async |asked: &Asked| {
            let before = assertion(asked, "li");
            let after = change(&before);
            assert_ne!(before, after, "something was changed");
            response(asked, &signed(&after, &self.key))
        };
        self.status(bad).await == 400
    }
}

fn replaced(from: &str, to: &str) -> impl Fn(&str) -> String {
    move |text: &str| text.replacen(from, to, 1)
}

/// Cuts the first element of this name out of a text.
fn cut(text: &str, name: &str) -> (String, String) {
    let from = text.find(&format!("<{name}")).unwrap();
    let end = format!("</{name}>");
    let to = text.find(&end).unwrap() + end.len();
    (text[from..to].to_owned(), [&text[..from], &text[to..]].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_wrapping_1_the_response_inside_a_forged_one() {
    let scene = Scene::new("").await;
    let forge = async |asked: &Asked| {
        let real = signed(&response(asked, &assertion(asked, "li")), &scene.key);
        let (signature, rest) = cut(&real, "ds:Signature");
        let object = format!("<ds:Object>{rest}</ds:Object></ds:Signature>");
        let signature = signature.replace("</ds:Signature>", &object);
        let evil = response(asked, &assertion(asked, "admin"));
        evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    };
    assert_eq!(scene.status(forge).await, 400);
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_wrapping_2_a_signed_response_carried_beside() {
    let scene = Scene::new("").await;
    let forge = async |asked: &Asked| {
        let real = signed(&response(asked, &assertion(asked, "li")), &scene.key);
        let evil = response(asked, &assertion(asked, "admin"));
        evil.replace(
            "</saml:Issuer><samlp:Status>",
            &format!("</saml:Issuer><samlp:Extensions>{real}</samlp:Extensions><samlp:Status>"),
        )
    };
    assert_eq!(scene.status(forge).await, 400);
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_wrapping_3_a_forged_assertion_before_and_behind_the_signed_one() {
    let scene = Scene::new("").await;
    for before in [true, false] {
        let forge = async |asked: &Asked| {
            let real = signed(&assertion(asked, "li"), &scene.key);
            let evil = assertion(asked, "admin");
            response(asked, &if before { evil + &real } else { real + &evil })
        };
        assert_eq!(scene.status(forge).await, 400, "before: {before}");
    }
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_wrapping_4_the_signed_assertion_inside_a_forged_one() {
    let scene = Scene::new("").await;
    let forge = async |asked: &Asked| {
        let real = signed(&assertion(asked, "li"), &scene.key);
        let evil = assertion(asked, "admin");
        response(
            asked,
            &evil.replace("</saml:Assertion>", &format!("{real}</saml:Assertion>")),
        )
    };
    assert_eq!(scene.status(forge).await, 400);
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_wrapping_5_a_forged_assertion_with_the_signature_and_id_of_the_signed_one() {
    let scene = Scene::new("").await;
    // The real one in the object of the signature, in an extension, and behind; with an id of its own and with the same one.
    for place in 0..3 {
        for same in [true, false] {
            let forge = async |asked: &Asked| {
                let real = signed(&assertion(asked, "li"), &scene.key);
                let (signature, rest) = cut(&real, "ds:Signature");
                let id = real.split(" ID=\"").nth(1).unwrap().split('"').next().unwrap();
                let evil = assertion(asked, "admin");
                let own = evil
                    .split(" ID=\"")
                    .nth(1)
                    .unwrap()
                    .split('"')
                    .next()
                    .unwrap()
                    .to_owned();
                let evil = if same { evil.replace(&own, id) } else { evil };
                let signature = match place {
                    0 => signature.replace(
                        "</ds:Signature>",
                        &format!("<ds:Object>{rest}</ds:Object></ds:Signature>"),
                    ),
                    _ => signature,
                };
                let evil = evil.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1);
                let all = response(asked, &if place == 2 { evil + &rest } else { evil });
                match place {
                    1 => all.replace(
                        "</saml:Issuer><samlp:Status>",
                        &format!("</saml:Issuer><samlp:Extensions>{rest}</samlp:Extensions><samlp:Status>"),
                    ),
                    _ => all,
                }
            };
            assert_eq!(scene.status(forge).await, 400, "{place} {same}");
        }
    }
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_unsigned_or_signed_elsewhere() {
    let scene = Scene::new("").await;
    let none = async |asked: &Asked| response(asked, &assertion(asked, "li"));
    assert_eq!(scene.status(none).await, 400);
    // A signature that is right, over something that says nothing of a person.
    let elsewhere = async |asked: &Asked| {
        let extension = format!("<samlp:Extensions ID=\"_e\">{}</samlp:Extensions>", skeleton("_e"));
        let text = response(asked, &assertion(asked, "admin"));
        let text = text.replace(
            "</saml:Issuer><samlp:Status>",
            &format!("</saml:Issuer>{extension}<samlp:Status>"),
        );
        hub_crypto::xml_sign(&scene.key, &text).unwrap()
    };
    assert_eq!(scene.status(elsewhere).await, 400);
    scene.hub.stop().await;
    // What the file says has to be signed has to be signed, whatever else is.
    for (word, fits) in [("response", [400, 303]), ("assertion", [303, 400])] {
        let scene = Scene::new(&format!("signed: {word}\n")).await;
        let inner = async |asked: &Asked| usual(asked, "li", &scene.key);
        let outer = async |asked: &Asked| signed(&response(asked, &assertion(asked, "li")), &scene.key);
        assert_eq!([scene.status(inner).await, scene.status(outer).await], fits, "{word}");
        scene.hub.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_changed_after_it_was_signed() {
    let scene = Scene::new("").await;
    for (from, to) in [
        (">li<", ">admin<"),
        ("urn:c:sms", "urn:c:card"),
        ("13800000000", "13900000000"),
    ] {
        let forge = async |asked: &Asked| usual(asked, "li", &scene.key).replace(from, to);
        assert_eq!(scene.status(forge).await, 400, "{from}");
    }
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_signed_with_another_key() {
    let (old, new, other) = (key(), key(), key());
    let hub = hub(&[("campus", &file(&[&public(&old), &public(&new)], ""))], "").await;
    let scene = Scene { hub, key: new };
    // Both pinned keys are good while the provider changes them; one that the document brings along is not.
    assert_eq!(scene.status(async |asked| usual(asked, "li", &old)).await, 303);
    assert_eq!(scene.status(async |asked| usual(asked, "li", &scene.key)).await, 303);
    assert_eq!(scene.status(async |asked| usual(asked, "li", &other)).await, 400);
    let brought = async |asked: &Asked| {
        let info = format!(
            "</ds:SignatureValue><ds:KeyInfo><dsig11:DEREncodedKeyValue xmlns:dsig11=\"http://www.w3.org/2009/xmldsig11#\">{}\
             </dsig11:DEREncodedKeyValue></ds:KeyInfo>",
            public(&other)
        );
        usual(asked, "li", &other).replace("</ds:SignatureValue>", &info)
    };
    assert_eq!(scene.status(brought).await, 400);
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_for_another_audience() {
    let scene = Scene::new("").await;
    let entity = format!("{}/sso/via/campus/metadata", scene.hub.ready().base_url);
    let audience = format!("<saml:Audience>{entity}</saml:Audience>");
    assert!(
        scene
            .refuses(replaced(
                &audience,
                "<saml:Audience>https://other.example</saml:Audience>"
            ))
            .await
    );
    assert!(
        scene
            .refuses(replaced(
                &audience,
                &format!("<saml:Audience>{entity}/</saml:Audience>")
            ))
            .await
    );
    assert!(scene.refuses(replaced(&audience, "")).await);
    assert!(scene.refuses(|text| cut(text, "saml:AudienceRestriction").1).await);
    let two =
        format!("{audience}</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>x</saml:Audience>");
    assert!(
        scene.refuses(replaced(&audience, &two)).await,
        "every restriction holds"
    );
    assert!(
        scene
            .refuses(replaced(
                "<saml:AudienceRestriction>",
                "<saml:Condition/><saml:AudienceRestriction>"
            ))
            .await
    );
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_too_late_and_too_early() {
    let scene = Scene::new("").await;
    let conditions = |name: &'static str, seconds: i64| {
        move |text: &str| {
            let (before, after) = text.split_once("<saml:Conditions").unwrap();
            format!("{before}<saml:Conditions{}", timed(after, name, &at(seconds)))
        }
    };
    assert!(scene.refuses(conditions("NotOnOrAfter", -61)).await);
    assert!(scene.refuses(conditions("NotBefore", 120)).await);
    assert!(
        scene.refuses(|text| timed(text, "NotOnOrAfter", &at(-61))).await,
        "of the bearer"
    );
    assert!(scene.refuses(replaced(" NotOnOrAfter=", " Address=")).await, "for ever");
    assert!(
        scene.refuses(|text| timed(text, "AuthnInstant", &at(120))).await,
        "signed in tomorrow"
    );
    assert!(scene.refuses(|text| timed(text, "AuthnInstant", "now")).await);
    let over = format!("<saml:AuthnStatement SessionNotOnOrAfter=\"{}\"", at(-61));
    assert!(scene.refuses(replaced("<saml:AuthnStatement", &over)).await);
    // Clocks may be a minute off.
    let off = async |asked: &Asked| {
        let text = conditions("NotBefore", 40)(&assertion(asked, "li"));
        response(asked, &signed(&text, &scene.key))
    };
    assert_eq!(scene.status(off).await, 303);
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_another_recipient_or_destination() {
    let scene = Scene::new("").await;
    let acs = format!("{}/sso/via/campus/callback", scene.hub.ready().base_url);
    let recipient = format!("Recipient=\"{acs}\"");
    assert!(
        scene
            .refuses(replaced(&recipient, "Recipient=\"https://other.example/acs\""))
            .await
    );
    assert!(scene.refuses(replaced(&recipient, "Address=\"x\"")).await);
    assert!(scene.refuses(replaced("cm:bearer", "cm:holder-of-key")).await);
    for to in [" Destination=\"https://other.example/acs\"", ""] {
        let forge = async |asked: &Asked| {
            let text = response(asked, &assertion(asked, "li"));
            let from = format!(" Destination=\"{acs}\"");
            assert!(text.contains(&from));
            signed(&text.replace(&from, to), &scene.key)
        };
        assert_eq!(scene.status(forge).await, 400, "{to}");
    }
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_another_issuer() {
    let scene = Scene::new("").await;
    let issuer = format!("<saml:Issuer>{IDP}</saml:Issuer>");
    for other in ["https://evil.example/metadata", "https://idp.example/metadata/"] {
        let other = format!("<saml:Issuer>{other}</saml:Issuer>");
        assert!(scene.refuses(replaced(&issuer, &other)).await, "{other}");
        let outer = async |asked: &Asked| {
            let text = response(asked, &assertion(asked, "li"));
            signed(&text.replacen(&issuer, &other, 1), &scene.key)
        };
        assert_eq!(scene.status(outer).await, 400, "{other}");
    }
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_an_answer_to_no_request_or_to_another() {
    let scene = Scene::new("").await;
    let unsolicited = |text: &str| {
        let (before, rest) = text.split_once(" InResponseTo=\"").unwrap();
        format!("{before}{}", rest.split_once('"').unwrap().1)
    };
    assert!(scene.refuses(unsolicited).await);
    // Two parts that speak of two requests.
    let two = async |asked: &Asked| {
        let inner = assertion(asked, "li");
        let outer = response(asked, "").replace(&format!("InResponseTo=\"{}\"", asked.id), "InResponseTo=\"_other\"");
        outer.replace(
            "</samlp:Response>",
            &format!("{}</samlp:Response>", signed(&inner, &scene.key)),
        )
    };
    assert_eq!(scene.status(two).await, 400);
    // What answers somebody else's request, with one's own state: stolen, or pressed upon a victim.
    let channel = Channel::new(&scene.hub, &json!({})).await;
    let mut victim = Browser::new(&scene.hub);
    let theirs = leave(&channel, &mut victim, &[]).await;
    let stolen = async |_: &Asked| usual(&theirs, "victim", &scene.key);
    assert_eq!(scene.status(stolen).await, 400);
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_the_same_assertion_again() {
    let scene = Scene::new("").await;
    let channel = Channel::new(&scene.hub, &json!({})).await;
    let mut browser = Browser::new(&scene.hub);
    let asked = leave(&channel, &mut browser, &[]).await;
    let document = usual(&asked, "li", &scene.key);
    // Twice before anybody has come back: the state is still good, so that only the assertion's id tells.
    let first = posted(&scene.hub, &asked, &document).await;
    let second = posted(&scene.hub, &asked, &document).await;
    assert!(first.header("location").contains("&held=") && second.header("location").contains("&refused=used"));
    assert_eq!(come_back(&mut browser, first.header("location")).await.status, 303);
    assert_eq!(back(&scene.hub, &mut browser, &asked, &document).await.status, 400);
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_a_comment_in_the_name() {
    let scene = Scene::new("").await;
    for comment in ["<!---->", "<!-- x -->", "<?x?>"] {
        let forge = async |asked: &Asked| {
            let document = usual(asked, "admin@city.example.evil.example", &scene.key);
            let cut = format!("admin@city.example{comment}.evil.example");
            document.replacen(">admin@city.example.evil.example<", &format!(">{cut}<"), 1)
        };
        assert_eq!(scene.status(forge).await, 400, "{comment}");
    }
    // One that was there when it was signed is no better.
    assert!(scene.refuses(replaced(">li<", ">li<!-- -->.evil<")).await);
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_34_document_types_and_entities() {
    let scene = Scene::new("").await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret.txt");
    std::fs::write(&secret, "hunter2").unwrap();
    let types = [
        "<!DOCTYPE x>".to_owned(),
        "<!DOCTYPE x [<!ENTITY e \"li\">]>".to_owned(),
        format!("<!DOCTYPE x [<!ENTITY e SYSTEM \"file://{}\">]>", secret.display()),
        "<!DOCTYPE x [<!ENTITY % p SYSTEM \"http://127.0.0.1:9/x.dtd\">%p;]>".to_owned(),
        "<!DOCTYPE x [<!ATTLIST saml:Assertion ID ID #IMPLIED>]>".to_owned(),
        "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY e \"&b;&b;&b;&b;&b;&b;&b;&b;\">]>"
            .to_owned(),
    ];
    for kind in types {
        // The signature is right: what is refused is the type.
        let bare = async |asked: &Asked| format!("{kind}{}", usual(asked, "li", &scene.key));
        assert_eq!(scene.status(bare).await, 400, "{kind}");
        if kind.contains(" e ") {
            let used = async |asked: &Asked| {
                let document = response(asked, &assertion(asked, "li"));
                format!("{kind}{}", signed(&document, &scene.key).replacen(">li<", ">&e;<", 1))
            };
            assert_eq!(scene.status(used).await, 400, "{kind}");
        }
    }
    scene.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_supported_or_not_needed_is_refused() {
    let scene = Scene::new("").await;
    let sealed = async |asked: &Asked| signed(&response(asked, "<saml:EncryptedAssertion/>"), &scene.key);
    assert_eq!(scene.status(sealed).await, 400);
    let none = async |asked: &Asked| signed(&response(asked, ""), &scene.key);
    assert_eq!(scene.status(none).await, 400);
    // A name of another kind, or for another application, might be somebody else's.
    assert!(
        scene
            .refuses(replaced("nameid-format:persistent", "nameid-format:transient"))
            .await
    );
    assert!(
        scene
            .refuses(replaced(
                "<saml:NameID ",
                "<saml:NameID SPNameQualifier=\"https://other.example\" "
            ))
            .await
    );
    assert!(scene.refuses(|text| cut(text, "saml:AuthnStatement").1).await);
    for document in ["", "x", "<a/>", "<Response Version=\"2.0\"/>"] {
        assert_eq!(scene.status(async |_| document.to_owned()).await, 400, "{document}");
    }
    let large = async |asked: &Asked| usual(asked, &"l".repeat(100 * 1024), &scene.key);
    assert_eq!(scene.status(large).await, 400);
    scene.hub.stop().await;
}
