//! Tokens, answers and logout tokens of an OpenID provider that lies: each lie is refused, and the true word beside it is not.

use crate::channel::{Browser, Channel};
use crate::idp::{CLIENT, Idp, Pair, Reply, signing_input};
use crate::support::{Got, TestHub};
use crate::upstream::{come_back, depart, hub, hub_of, is_refused, whole};
use hub_crypto::{Digest, base64, base64_url, from_base64, from_base64_url, hmac, random};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Sets a claim of the ID token, or removes it.
fn claim(idp: &Idp, name: &'static str, value: Value) {
    idp.mood().spoil = Box::new(move |_, claims| match &value {
        Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
        value => claims[name] = value.clone(),
    });
}

/// Every value is refused, and without any of them the person comes in.
async fn all_refused(hub: &TestHub, idp: &Idp, lies: &[(&'static str, Value)]) {
    let channel = Channel::new(hub, &json!({})).await;
    for (name, value) in lies {
        claim(idp, name, value.clone());
        assert!(is_refused(&channel, idp).await, "{name}: {value}");
    }
    idp.mood().spoil = Box::new(|_, _| {});
    whole(&channel, idp, &[]).await;
}

fn now() -> i64 {
    hub_core::time::Timestamp::now().as_second()
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_10_a_nonce_is_the_dances_own() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let lies = [
        ("nonce", json!("other")),
        ("nonce", Value::Null),
        ("nonce", json!(1)),
        ("nonce", json!("")),
    ];
    all_refused(&hub, &idp, &lies).await;
    // A whole ID token of an earlier sign-in, replayed.
    let channel = Channel::new(&hub, &json!({})).await;
    let kept = std::sync::Arc::new(std::sync::Mutex::new(Value::Null));
    let keep = std::sync::Arc::clone(&kept);
    idp.mood().spoil = Box::new(move |_, claims| keep.lock().unwrap().clone_from(claims));
    whole(&channel, &idp, &[]).await;
    let old = kept.lock().unwrap().clone();
    idp.mood().spoil = Box::new(move |_, claims| claims.clone_from(&old));
    assert!(is_refused(&channel, &idp).await);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_11_and_12_and_13_a_token_does_not_choose_how_it_is_checked() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "algorithms: [ES256]\n").await;
    let channel = Channel::new(&hub, &json!({})).await;
    whole(&channel, &idp, &[]).await;
    let stranger = Pair::new("k1");
    let (point, evil) = (idp.mood().key.jwk(), stranger.jwk());
    for none in ["none", "None", "NONE"] {
        let header = json!({"alg": none, "typ": "JWT"});
        idp.mood().sign = Some(Box::new(move |_, claims| {
            format!("{}.", signing_input(&header, claims))
        }));
        assert!(is_refused(&channel, &idp).await, "{none}");
    }
    let keys = [
        point["x"].as_str().unwrap().as_bytes().to_vec(),
        point.to_string().into_bytes(),
        Vec::new(),
        crate::idp::SECRET.into(),
    ];
    for key in keys {
        let header = json!({"alg": "HS256", "kid": "k1"});
        idp.mood().sign = Some(Box::new(move |_, claims| {
            let signed = signing_input(&header, claims);
            format!(
                "{signed}.{}",
                base64_url(&hmac(Digest::Sha256, &key, signed.as_bytes()))
            )
        }));
        assert!(is_refused(&channel, &idp).await);
    }
    let headers = [
        json!({"alg": "ES256", "kid": "k1"}),
        json!({"alg": "ES256", "kid": "k1", "jwk": evil}),
        json!({"alg": "ES256", "kid": "k1", "jku": "https://evil.example/jwks"}),
        json!({"alg": "ES256", "kid": "../../k1"}),
        json!({"alg": "ES256"}),
    ];
    for header in headers {
        let stranger = Pair::new("k1");
        idp.mood().sign = Some(Box::new(move |_, claims| stranger.sign(&header, claims)));
        assert!(is_refused(&channel, &idp).await);
    }
    idp.mood().sign = None;
    let lies = [
        ("crit", json!(["exp"])),
        ("typ", json!("at+jwt")),
        ("typ", json!("logout+jwt")),
        ("jku", json!("https://x.example")),
    ];
    for (name, value) in lies {
        idp.mood().spoil = Box::new(move |header, _| header[name] = value.clone());
        assert!(is_refused(&channel, &idp).await, "{name}");
    }
    idp.mood().spoil = Box::new(|_, _| {});
    whole(&channel, &idp, &[]).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_14_a_token_is_this_issuers_and_for_us() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let base = idp.base().to_owned();
    let lies = [
        ("iss", json!(format!("{base}/"))),
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("another-client")),
        ("aud", json!(["another-client"])),
        ("aud", json!([CLIENT, "another-client"])),
        ("aud", json!([CLIENT, 7])),
        ("aud", Value::Null),
        ("azp", json!("another-client")),
        ("azp", json!(1)),
    ];
    all_refused(&hub, &idp, &lies).await;
    let channel = Channel::new(&hub, &json!({})).await;
    idp.mood().spoil = Box::new(|_, claims| {
        claims["aud"] = json!([CLIENT, "another-client"]);
        claims["azp"] = json!(CLIENT);
    });
    whole(&channel, &idp, &[]).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_15_times_are_numbers_and_plausible() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let now = now();
    let lies = [
        ("exp", Value::Null),
        ("exp", json!(now - 60)),
        ("exp", json!((now + 60).to_string())),
        ("exp", json!(now + 48 * 3600)),
        ("exp", json!(1e300)),
        ("iat", Value::Null),
        ("iat", json!(now + 3600)),
        ("iat", json!(now - 7200)),
        ("iat", json!("now")),
        ("nbf", json!(now + 3600)),
        ("nbf", json!("now")),
    ];
    all_refused(&hub, &idp, &lies).await;
    // Plausible in itself, and over.
    let channel = Channel::new(&hub, &json!({})).await;
    idp.mood().spoil = Box::new(move |_, claims| {
        claims["iat"] = json!(now - 300);
        claims["exp"] = json!(now - 60);
    });
    assert!(is_refused(&channel, &idp).await);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_16_a_sub_is_a_plain_text() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let lies = [
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!(" ")),
        ("sub", json!(12)),
        ("sub", json!(["u-1"])),
        ("sub", json!({"id": "u-1"})),
        ("sub", json!("x".repeat(256))),
        ("sub", json!("u-1\r\nset-cookie: x=y")),
        ("sub", json!("u-1\u{202e}")),
        ("name", json!("李\r\n测试")),
    ];
    all_refused(&hub, &idp, &lies).await;
    hub.stop().await;
}

/// An invented id number with a right check character.
const NUMBER: &str = "11010519491231002X";

#[tokio::test(flavor = "multi_thread")]
async fn attack_17_only_issuer_and_sub_or_a_proven_number_link() {
    let (first, second) = (Idp::start().await, Idp::start().await);
    let levels = "assurance: {from: acr, table: {low: R1, mid: R2}, else: R0}\n";
    let secret = crate::idp::SECRET;
    let secrets = format!("identity/a: {{key: '{secret}'}}\nidentity/b: {{key: '{secret}'}}\n");
    let hub = hub(&[("a", &first.file(levels)), ("b", &second.file(levels))], &secrets).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let sub = async |idp: &Idp, id: &str, person: Value| {
        idp.mood().person = person;
        let mut browser = Browser::new(&hub);
        let out = depart(&channel, &mut browser, id, &[]).await;
        let claims = crate::upstream::claims(&channel, &mut browser, &idp.authorize(&out)).await;
        claims["sub"].as_str().unwrap().to_owned()
    };
    let same = json!({"sub": "u-1", "email": "li@mail.example", "phone_number": "13800000000", "email_verified": true});
    let (a, b) = (sub(&first, "a", same.clone()).await, sub(&second, "b", same).await);
    assert_ne!(a, b, "the same sub, e-mail and telephone at two issuers are two people");
    // An id number counts where both have proven it, and nowhere else.
    let person = |sub: &str, acr: &str, number: &str| json!({"sub": sub, "acr": acr, "id_no": number});
    let known = sub(&first, "a", person("u-2", "mid", NUMBER)).await;
    assert_ne!(
        sub(&second, "b", person("u-3", "low", NUMBER)).await,
        known,
        "said, not proven"
    );
    assert_ne!(
        sub(&second, "b", person("u-4", "mid", "110105194912310021")).await,
        known,
        "no such number"
    );
    assert_eq!(
        sub(&second, "b", person("u-5", "mid", &NUMBER.to_lowercase())).await,
        known,
        "proven on both sides"
    );
    let late = sub(&second, "b", person("u-3", "mid", NUMBER)).await;
    assert_ne!(late, known, "two accounts that exist are not made one by signing in");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_18_what_is_not_mapped_does_not_pass_and_acr_is_capped() {
    let idp = Idp::start().await;
    let more = "most: R1\nassurance: {from: acr, table: {best: R4}, else: R0}\nuserinfo: true\n";
    let file = idp.file("").replace("most: R3\n", "") + more;
    let hub = crate::upstream::hub(
        &[("test", &file)],
        &format!("identity/test: {{key: '{}'}}\n", crate::idp::SECRET),
    )
    .await;
    let channel = Channel::new(&hub, &json!({})).await;
    idp.mood().person = json!({"sub": "u-1", "name": "李测试", "acr": "best", "roles": ["admin"], "id_number": NUMBER,
                               "mobile": "13800000000", "mandate": {"uscc": "x", "org_name": "y", "role": "z"}});
    let mut browser = Browser::new(&hub);
    let more = [("scope", "openid profile phone id_number services")];
    let out = depart(&channel, &mut browser, "test", &more).await;
    let got = come_back(&mut browser, &idp.authorize(&out)).await;
    let code = crate::channel::query(got.header("location"))["code"].clone();
    let tokens = channel.exchange(&code, &[]).await.body;
    let claims = crate::channel::parts(tokens["id_token"].as_str().unwrap()).1;
    assert_eq!((&claims["acr"], &claims["name"]), (&json!("R1"), &json!("李测试")));
    let told = channel.userinfo(tokens["access_token"].as_str().unwrap()).await.body;
    for unmapped in ["id_number", "phone_number", "roles", "mandate", "mobile"] {
        assert!(
            claims.get(unmapped).is_none() && told.get(unmapped).is_none(),
            "{unmapped}: {told}"
        );
    }
    // A word that no table knows is worth nothing.
    idp.mood().person["acr"] = json!("R4");
    assert_eq!(whole(&channel, &idp, &[]).await["acr"], "R0");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_19_userinfo_speaks_of_the_same_person() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "userinfo: true\n").await;
    let channel = Channel::new(&hub, &json!({})).await;
    idp.mood().spoil = Box::new(|_, claims| drop(claims.as_object_mut().unwrap().remove("name")));
    assert_eq!(whole(&channel, &idp, &[]).await["name"], "李测试", "what userinfo says");
    for lie in [
        json!({"sub": "u-2", "name": "王"}),
        json!({"name": "王"}),
        json!([{"sub": "u-1"}]),
        json!({"sub": ["u-1"]}),
    ] {
        idp.mood().userinfo = Some(lie.clone());
        assert!(is_refused(&channel, &idp).await, "{lie}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_20_a_token_endpoint_cannot_send_us_elsewhere_nor_hold_us() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    whole(&channel, &idp, &[]).await;
    let elsewhere = format!("{}/elsewhere", idp.base());
    let nested = "[".repeat(100_000);
    let deep = format!("{{\"access_token\":{}{}}}", "{\"a\":".repeat(5000), "}".repeat(5000));
    let replies = [
        Reply::Redirect(elsewhere),
        Reply::Flood,
        Reply::Raw(200, "text/html", b"<html>login</html>".to_vec()),
        Reply::Raw(200, "application/json", nested.into_bytes()),
        Reply::Raw(200, "application/json", deep.into_bytes()),
        Reply::Raw(200, "application/json", Vec::new()),
        Reply::Raw(500, "application/json", b"{}".to_vec()),
        Reply::Json(200, json!({"access_token": "x"})),
        Reply::Json(200, json!({"access_token": "x", "token_type": "Bearer"})),
        Reply::Json(200, json!({"access_token": "x", "token_type": "Bearer", "id_token": 7})),
        Reply::Hang,
    ];
    for reply in replies {
        let shown = format!("{reply:.60?}");
        idp.mood().answer = Box::new(move |asked| (asked.path == "/token").then(|| reply.clone()));
        let began = Instant::now();
        assert!(is_refused(&channel, &idp).await, "{shown}");
        assert!(began.elapsed() < Duration::from_secs(9), "{shown}");
    }
    assert!(idp.asked("/elsewhere").is_empty());
    idp.mood().answer = Box::new(|_| None);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_21_keys_heal_at_once_and_strangers_cost_little() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    whole(&channel, &idp, &[]).await;
    // Rotated: the very next sign-in finds the new key.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    {
        let mut mood = idp.mood();
        mood.key = Pair::new("k2");
        mood.jwks = Some(vec![mood.key.jwk()]);
    }
    whole(&channel, &idp, &[]).await;
    assert_eq!(idp.asked("/jwks").len(), 2);
    // A key that is the same by name and another by nature.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    {
        let mut mood = idp.mood();
        mood.key = Pair::new("k2");
        mood.jwks = Some(vec![mood.key.jwk()]);
    }
    whole(&channel, &idp, &[]).await;
    // Down: what is known is used.
    idp.mood().jwks = None;
    whole(&channel, &idp, &[]).await;
    // A flood of tokens with keys nobody knows, brought by strangers.
    let before = idp.asked("/jwks").len();
    let strange = futures_util::future::join_all((0..40).map(|n| {
        let token =
            Pair::new(&format!("x{n}")).sign(&json!({"alg": "ES256", "kid": format!("x{n}")}), &json!({"iss": "x"}));
        logout(&hub, token)
    }))
    .await;
    assert!(strange.iter().all(|got| got.status == 400));
    assert!(idp.asked("/jwks").len() <= before + 1);
    whole(&channel, &idp, &[]).await;
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_algorithms_are_checked_where_the_file_names_them() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "algorithms: [RS256, EdDSA]\n").await;
    let channel = Channel::new(&hub, &json!({})).await;
    assert!(is_refused(&channel, &idp).await, "ES256 is not named");
    let (private, public) = hub_crypto::rsa_generate().unwrap();
    let der = from_base64(&public).unwrap();
    let modulus = &der[der.len() - 5 - 256..der.len() - 5];
    let rsa = json!({"kty": "RSA", "kid": "r1", "n": base64_url(modulus), "e": "AQAB"});
    // The pair of RFC 8037, appendix A.1.
    let ed = json!({"kty": "OKP", "crv": "Ed25519", "kid": "e1", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"});
    let seed = from_base64_url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
    let pkcs8 = base64(&[hub_crypto::from_hex("302e020100300506032b657004220420").unwrap(), seed].concat());
    idp.mood().jwks = Some(vec![rsa, ed]);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    idp.mood().sign = Some(Box::new(move |_, claims| {
        let signed = signing_input(&json!({"alg": "RS256", "kid": "r1"}), claims);
        let signature = hub_crypto::rsa_sign_sha256(&private, signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64_url(&signature))
    }));
    whole(&channel, &idp, &[]).await;
    idp.mood().sign = Some(Box::new(move |_, claims| {
        let signed = signing_input(&json!({"alg": "EdDSA", "kid": "e1"}), claims);
        let signature = hub_crypto::ed25519_sign(&pkcs8, signed.as_bytes()).unwrap();
        format!("{signed}.{}", base64_url(&signature))
    }));
    whole(&channel, &idp, &[]).await;
    hub.stop().await;
}

async fn logout(hub: &TestHub, token: String) -> Got {
    let form = crate::channel::encoded(&[("logout_token", &token)]);
    let request = crate::support::http().post(format!("{}/sso/via/test/logout", hub.ready().base_url));
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
    Got { status, headers, body }
}

/// The claims of a good logout token.
fn notice(idp: &Idp, more: &Value) -> Value {
    let mut claims = json!({
        "iss": idp.base(), "aud": CLIENT, "iat": now(), "exp": now() + 120, "jti": base64_url(&random::<8>().unwrap()),
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    for (name, value) in more.as_object().unwrap() {
        match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value.clone(),
        }
    }
    claims
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_30_a_sign_out_there_ends_what_came_from_there_and_cannot_be_forged() {
    let idp = Idp::start().await;
    let hub = hub_of(&idp, "").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let header = json!({"alg": "ES256", "kid": "k1", "typ": "logout+jwt"});
    let mut browser = Browser::new(&hub);
    let mut signed_in = async |sid: &str| {
        idp.mood().person = json!({"sub": "u-1", "name": "李测试", "sid": sid});
        let out = depart(&channel, &mut browser, "test", &[("prompt", "login")]).await;
        let got = come_back(&mut browser, &idp.authorize(&out)).await;
        let code = crate::channel::query(got.header("location"))["code"].clone();
        let tokens = channel.exchange(&code, &[]).await.body;
        tokens["access_token"].as_str().unwrap().to_owned()
    };
    let token = signed_in("s-1").await;
    let good = |more: Value| notice(&idp, &more);
    let lies = [
        good(json!({"sub": "u-1", "iss": "https://evil.example"})),
        good(json!({"sub": "u-1", "aud": "another-client"})),
        good(json!({"sub": "u-1", "nonce": "n"})),
        good(json!({"sub": "u-1", "events": null})),
        good(json!({"sub": "u-1", "events": {"http://schemas.openid.net/event/other": {}}})),
        good(json!({"sub": "u-1", "jti": null})),
        good(json!({"sub": "u-1", "iat": now() - 7200, "exp": now() + 60})),
        good(json!({"sub": "u-1", "exp": now() - 60})),
        good(json!({})),
    ];
    for lie in lies {
        let forged = idp.mood().key.sign(&header, &lie);
        assert_eq!(logout(&hub, forged).await.status, 400, "{lie}");
    }
    let claims = good(json!({"sub": "u-1"}));
    let stranger = Pair::new("k1").sign(&header, &claims);
    let none = format!("{}.", signing_input(&json!({"alg": "none"}), &claims));
    let id_token = idp
        .mood()
        .key
        .sign(&json!({"alg": "ES256", "kid": "k1", "typ": "at+jwt"}), &claims);
    for forged in [stranger, none, id_token] {
        assert_eq!(logout(&hub, forged).await.status, 400);
    }
    // Another session of theirs, another person: not this one's end.
    for other in [
        json!({"sid": "s-9"}),
        json!({"sub": "u-2"}),
        json!({"sub": "u-2", "sid": "s-1"}),
    ] {
        let told = idp.mood().key.sign(&header, &good(other));
        assert_eq!(logout(&hub, told).await.status, 200);
    }
    assert!(channel.is_active(&token).await);
    let told = idp.mood().key.sign(&header, &good(json!({"sid": "s-1", "sub": "u-1"})));
    assert_eq!(logout(&hub, told.clone()).await.status, 200);
    assert!(!channel.is_active(&token).await, "the end of the session there");
    let again = signed_in("s-1").await;
    assert_eq!(logout(&hub, told).await.status, 400, "replayed");
    assert!(channel.is_active(&again).await);
    let told = idp.mood().key.sign(&header, &good(json!({"sub": "u-1"})));
    assert_eq!(logout(&hub, told).await.status, 200);
    assert!(!channel.is_active(&again).await, "all sessions of the person");
    hub.stop().await;
}
