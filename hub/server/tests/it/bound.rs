//! Tokens bound to a key, tokens exchanged for others, and ID tokens in other algorithms.

use crate::channel::{Browser, Channel, encoded, parts, query, verified};
use crate::support::{City, Got, TestHub};
use hub_crypto::{
    Digest, EcdsaKey, SM2_DEFAULT_ID, SignatureForm, base64, base64_url, digest, ed25519_verify, from_base64_url, hex,
    random, sm2_verify,
};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const WANG: &str = "wang-jianguo";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";

fn text<'a>(body: &'a Value, name: &str) -> &'a str {
    body[name].as_str().unwrap_or_else(|| panic!("no {name} in {body}"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A key whose possession is proven.
struct Holder(EcdsaKey);

impl Holder {
    fn new() -> Self {
        Self(EcdsaKey::generate().unwrap())
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_point();
        json!({"kty": "EC", "crv": "P-256", "x": base64_url(&point[1..33]), "y": base64_url(&point[33..])})
    }

    fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        base64_url(&digest(Digest::Sha256, canonical.as_bytes()))
    }

    fn claims(method: &str, address: &str, token: Option<&str>) -> Value {
        let mut claims = json!({
            "jti": hex(&random::<16>().unwrap()), "htm": method, "htu": address, "iat": now(),
        });
        if let Some(token) = token {
            claims["ath"] = json!(base64_url(&digest(Digest::Sha256, token.as_bytes())));
        }
        claims
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let input = format!(
            "{}.{}",
            base64_url(header.to_string().as_bytes()),
            base64_url(claims.to_string().as_bytes())
        );
        let signature = self.0.sign(input.as_bytes()).unwrap();
        format!("{input}.{}", base64_url(&signature))
    }

    fn header(&self) -> Value {
        json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk()})
    }

    fn proof(&self, method: &str, address: &str, token: Option<&str>) -> String {
        self.sign(&self.header(), &Self::claims(method, address, token))
    }
}

/// A request of a channel at a door of the provider, with a proof.
async fn send(channel: &Channel<'_>, door: &str, form: &[(&str, &str)], proof: &str) -> Got {
    let mut all = form.to_vec();
    let mut request = crate::support::http().post(format!("{}{door}", channel.hub.ready().base_url));
    match &channel.secret {
        Some(secret) => {
            request = request.header(
                "authorization",
                format!("Basic {}", base64(format!("{}:{secret}", channel.id).as_bytes())),
            );
        }
        None => all.push(("client_id", &channel.id)),
    }
    if !proof.is_empty() {
        request = request.header("dpop", proof);
    }
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded(&all));
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
    Got { status, headers, body }
}

fn by_code<'a>(channel: &'a Channel<'_>, code: &'a str) -> [(&'a str, &'a str); 4] {
    [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", crate::channel::REDIRECT),
        ("code_verifier", &channel.verifier),
    ]
}

/// `GET /me/submissions` and `GET /sso/userinfo` with a token.
async fn use_it(hub: &TestHub, target: &str, authorization: &str, proof: Option<&str>) -> Got {
    let key = hub.ready().client_key.clone().unwrap();
    let mut headers = vec![("x-api-key", key.as_str()), ("authorization", authorization)];
    headers.extend(proof.map(|p| ("dpop", p)));
    hub.ask("GET", target, &headers, None).await
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_26_a_bound_token_is_worth_nothing_without_its_key() {
    let hub = TestHub::demo(City::empty()).await;
    let base = hub.ready().base_url.clone();
    let (door, info, mine) = (
        format!("{base}/sso/token"),
        format!("{base}/sso/userinfo"),
        format!("{base}/me/submissions"),
    );
    let bound = json!({"dpop_bound_access_tokens": true, "token_endpoint_auth_method": "none"});
    let channel = Channel::new(&hub, &bound).await;
    let (holder, thief) = (Holder::new(), Holder::new());
    let mut browser = Browser::new(&hub);
    let code = channel
        .code(&mut browser, WANG, &[("dpop_jkt", &holder.thumbprint())])
        .await;

    // At the token endpoint: no proof, one of another key, and everything a proof can be wrong in.
    let none = send(&channel, "/sso/token", &by_code(&channel, &code), "").await;
    assert_eq!((none.status, text(&none.body, "error")), (400, "invalid_dpop_proof"));
    let other = send(
        &channel,
        "/sso/token",
        &by_code(&channel, &code),
        &thief.proof("POST", &door, None),
    )
    .await;
    assert_eq!(text(&other.body, "error"), "invalid_grant");
    let good = Holder::claims("POST", &door, None);
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        holder.sign(&holder.header(), &claims)
    };
    let header_with = |name: &str, value: Value| {
        let mut header = holder.header();
        header[name] = value;
        holder.sign(&header, &good)
    };
    let mut private = holder.jwk();
    private["d"] = json!("AAAA");
    for wrong in [
        with("htm", json!("GET")),
        with("htu", json!(format!("{base}/sso/par"))),
        with("iat", json!(now() - 600)),
        with("iat", json!(now() + 600)),
        with("iat", json!(now().to_string())),
        with("jti", json!("")),
        header_with("typ", json!("JWT")),
        header_with("alg", json!("none")),
        header_with("alg", json!("HS256")),
        header_with("jwk", thief.jwk()),
        header_with("jwk", private),
        header_with("crit", json!(["exp"])),
        "junk".to_owned(),
    ] {
        let got = send(&channel, "/sso/token", &by_code(&channel, &code), &wrong).await;
        assert_eq!(
            (got.status, text(&got.body, "error")),
            (400, "invalid_dpop_proof"),
            "{wrong}"
        );
    }
    let proof = holder.proof("POST", &door, None);
    let got = send(&channel, "/sso/token", &by_code(&channel, &code), &proof).await;
    assert_eq!(
        (got.status, text(&got.body, "token_type")),
        (200, "DPoP"),
        "{}",
        got.body
    );
    let (access, refresh) = (text(&got.body, "access_token"), text(&got.body, "refresh_token"));
    assert_eq!(parts(access).1["cnf"]["jkt"], holder.thumbprint());
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    let replayed = send(&channel, "/sso/token", &again, &proof).await;
    assert_eq!(
        text(&replayed.body, "error"),
        "invalid_dpop_proof",
        "a proof counts once"
    );

    // Where it is used.
    for (target, address) in [("/sso/userinfo", &info), ("/me/submissions", &mine)] {
        let (as_bearer, as_dpop) = (format!("Bearer {access}"), format!("DPoP {access}"));
        let proof = holder.proof("GET", address, Some(access));
        let used = use_it(&hub, target, &as_dpop, Some(&proof)).await;
        assert_eq!(used.status, 200, "{target} {}", used.body);
        for (authorization, proof) in [
            (&as_dpop, Some(proof)),
            (&as_bearer, None),
            (&as_bearer, Some(holder.proof("GET", address, Some(access)))),
            (&as_dpop, None),
            (&as_dpop, Some(thief.proof("GET", address, Some(access)))),
            (&as_dpop, Some(holder.proof("POST", address, Some(access)))),
            (&as_dpop, Some(holder.proof("GET", &door, Some(access)))),
            (&as_dpop, Some(holder.proof("GET", address, Some(refresh)))),
            (&as_dpop, Some(holder.proof("GET", address, None))),
        ] {
            let got = use_it(&hub, target, authorization, proof.as_deref()).await;
            assert_eq!(got.status, 401, "{target} {authorization} {proof:?}: {}", got.body);
            let challenge = got.header("www-authenticate");
            assert!(challenge.contains("DPoP realm"), "{target}");
            if target == "/sso/userinfo" {
                let of_proof = challenge.contains(r#"error="invalid_dpop_proof""#);
                assert_eq!(of_proof, authorization == &as_dpop, "{challenge}");
            }
        }
    }
    // The refresh token of a client without a secret is bound too; a failed try does not use it up.
    let stolen = send(&channel, "/sso/token", &again, &thief.proof("POST", &door, None)).await;
    assert_eq!(text(&stolen.body, "error"), "invalid_grant");
    let more = send(&channel, "/sso/token", &again, &holder.proof("POST", &door, None)).await;
    assert_eq!(more.status, 200, "{}", more.body);

    // A token that anybody may bear does not become bound by a proof beside it.
    let plain = Channel::new(&hub, &json!({})).await;
    let tokens = plain.tokens(&mut Browser::new(&hub), WANG, &[]).await;
    let access = text(&tokens, "access_token");
    let proof = holder.proof("GET", &mine, Some(access));
    let got = use_it(&hub, "/me/submissions", &format!("DPoP {access}"), Some(&proof)).await;
    assert_eq!(got.code(), "token-invalid");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pushed_request_binds_its_code_to_the_key_that_pushed_it() {
    let hub = TestHub::demo(City::empty()).await;
    let base = hub.ready().base_url.clone();
    let channel = Channel::new(&hub, &json!({})).await;
    let (holder, other) = (Holder::new(), Holder::new());
    let address = channel.authorize(&[]);
    let pairs: Vec<(String, String)> = query(&address).into_iter().filter(|(n, _)| n != "client_id").collect();
    let mut form: Vec<(&str, &str)> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let door = format!("{base}/sso/par");
    let wrong = other.thumbprint();
    form.push(("dpop_jkt", &wrong));
    let refused = send(&channel, "/sso/par", &form, &holder.proof("POST", &door, None)).await;
    assert_eq!(text(&refused.body, "error"), "invalid_dpop_proof");
    form.pop();
    let pushed = send(&channel, "/sso/par", &form, &holder.proof("POST", &door, None)).await;
    assert_eq!(pushed.status, 201, "{}", pushed.body);
    let name = text(&pushed.body, "request_uri").to_owned();
    let mut browser = Browser::new(&hub);
    let first = browser
        .get(&format!(
            "/sso/authorize?{}",
            encoded(&[("client_id", &channel.id), ("request_uri", &name)])
        ))
        .await;
    let page = browser.follow(first).await;
    let signed = browser.submit(&page, &[("persona", WANG)]).await;
    let page = browser.follow(signed).await;
    let back = browser.submit(&page, &[("answer", "yes")]).await;
    let code = query(back.header("location"))["code"].clone();
    let token = format!("{base}/sso/token");
    for proof in [String::new(), other.proof("POST", &token, None)] {
        let got = send(&channel, "/sso/token", &by_code(&channel, &code), &proof).await;
        assert_eq!(text(&got.body, "error"), "invalid_grant");
    }
    let got = send(
        &channel,
        "/sso/token",
        &by_code(&channel, &code),
        &holder.proof("POST", &token, None),
    )
    .await;
    assert_eq!((got.status, text(&got.body, "token_type")), (200, "DPoP"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_28_an_exchange_gives_nothing_but_what_the_person_gave() {
    let hub = TestHub::demo(City::empty()).await;
    let module = Channel::new(
        &hub,
        &json!({"client_id": "module-a", "sector": "module-a", "scope": "openid profile"}),
    )
    .await;
    let grants = json!(["authorization_code", "refresh_token", EXCHANGE]);
    let second = json!({"client_id": "module-b", "sector": "module-b", "grant_types": grants, "scope": "openid"});
    let second = Channel::new(&hub, &second).await;
    // A module that is there, and to which this client may not hand anybody on.
    Channel::new(
        &hub,
        &json!({"client_id": "module-c", "sector": "module-c", "scope": "openid"}),
    )
    .await;
    let channel = json!({"grant_types": grants, "token_exchange_audiences": ["module-a", "module-b", "module-gone"]});
    let channel = Channel::new(&hub, &channel).await;
    let mut browser = Browser::new(&hub);
    let tokens = channel.tokens(&mut browser, WANG, &[]).await;
    let (held, refresh) = (text(&tokens, "access_token"), text(&tokens, "refresh_token"));
    let base = [
        ("grant_type", EXCHANGE),
        ("subject_token_type", ACCESS),
        ("subject_token", held),
    ];
    let ask = async |channel: &Channel<'_>, more: &[(&str, &str)]| {
        let mut all: Vec<(&str, &str)> = base
            .into_iter()
            .filter(|(n, _)| !more.iter().any(|(m, _)| m == n))
            .collect();
        all.extend(more.iter().filter(|(_, v)| !v.is_empty()));
        channel.send("/sso/token", &all).await
    };

    let got = ask(&channel, &[("audience", "module-a")]).await;
    assert_eq!(got.status, 200, "{}", got.body);
    assert_eq!(
        (text(&got.body, "issued_token_type"), text(&got.body, "scope")),
        (ACCESS, "openid profile")
    );
    let exchanged = text(&got.body, "access_token").to_owned();
    let claims = verified(&hub, &exchanged).await;
    assert_eq!(
        (text(&claims, "aud"), text(&claims["act"], "sub")),
        ("module-a", channel.id.as_str())
    );
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 60);
    assert_ne!(
        claims["sub"],
        parts(held).1["sub"],
        "the module knows the person by another name"
    );
    assert!(got.body.get("refresh_token").is_none() && got.body.get("id_token").is_none());
    assert!(module.is_active(&exchanged).await && !second.is_active(&exchanged).await);
    assert_eq!(
        use_it(&hub, "/me/submissions", &format!("Bearer {exchanged}"), None)
            .await
            .code(),
        "token-invalid"
    );

    for (more, error) in [
        (
            vec![("audience", "module-a"), ("subject_token", "junk")],
            "invalid_request",
        ),
        (
            vec![("audience", "module-a"), ("subject_token", refresh)],
            "invalid_request",
        ),
        (
            vec![("audience", "module-a"), ("subject_token", text(&tokens, "id_token"))],
            "invalid_request",
        ),
        (
            vec![
                ("audience", "module-a"),
                ("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token"),
            ],
            "invalid_request",
        ),
        (vec![("audience", "module-a"), ("actor_token", held)], "invalid_request"),
        (vec![("audience", "module-gone")], "invalid_target"),
        (vec![("audience", "module-unheard")], "invalid_target"),
        (vec![("audience", "module-c")], "invalid_target"),
        (vec![], "invalid_target"),
        (vec![("audience", "module-a"), ("resource", "hub")], "invalid_target"),
        (
            vec![("audience", "module-a"), ("scope", "openid phone")],
            "invalid_scope",
        ),
        (vec![("audience", "module-a"), ("scope", "services")], "invalid_scope"),
        (vec![("audience", "module-b"), ("scope", "profile")], "invalid_scope"),
        (
            vec![("audience", "module-b"), ("subject_token", &exchanged)],
            "invalid_request",
        ),
    ] {
        let got = ask(&channel, &more).await;
        assert_eq!((got.status, text(&got.body, "error")), (400, error), "{more:?}");
    }
    // Neither the module it was made for nor anybody else walks on with it.
    for subject in [exchanged.as_str(), held] {
        let got = ask(&second, &[("audience", "module-a"), ("subject_token", subject)]).await;
        assert_eq!(text(&got.body, "error"), "invalid_request");
    }
    let got = ask(&module, &[("audience", "module-b")]).await;
    assert_eq!(text(&got.body, "error"), "unauthorized_client");

    // What the hub's services take: as the person, narrower and shorter.
    let got = ask(&channel, &[("resource", "hub"), ("scope", "services")]).await;
    let narrow = text(&got.body, "access_token");
    assert_eq!(
        use_it(&hub, "/me/submissions", &format!("Bearer {narrow}"), None)
            .await
            .status,
        200
    );
    assert_eq!(channel.userinfo(narrow).await.status, 403, "openid was not asked for");

    // It dies with what it came from.
    channel.send("/sso/revoke", &[("token", refresh)]).await;
    assert!(!module.is_active(&exchanged).await);
    let got = ask(&channel, &[("audience", "module-a")]).await;
    assert_eq!(text(&got.body, "error"), "invalid_request");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn id_tokens_are_signed_as_the_client_is_registered() {
    let hub = TestHub::demo(City::empty()).await;
    for (alg, document) in [("EdDSA", "/sso/jwks"), ("SM2", "/sso/jwks/sm2")] {
        let channel = Channel::new(&hub, &json!({"id_token_signed_response_alg": alg})).await;
        let mut browser = Browser::new(&hub);
        let tokens = channel.tokens(&mut browser, WANG, &[]).await;
        let token = text(&tokens, "id_token");
        let (header, claims) = parts(token);
        assert_eq!((text(&header, "alg"), text(&claims, "aud")), (alg, channel.id.as_str()));
        let keys = hub.ask("GET", document, &[], None).await.body;
        let key = keys["keys"]
            .as_array()
            .unwrap()
            .iter()
            .find(|k| k["kid"] == header["kid"]);
        let key = key.unwrap_or_else(|| panic!("{header} is not in {keys}"));
        let part = |name: &str| from_base64_url(text(key, name)).unwrap();
        let (input, signature) = token.rsplit_once('.').unwrap();
        let signature = from_base64_url(signature).unwrap();
        if alg == "EdDSA" {
            ed25519_verify(&base64(&part("x")), input.as_bytes(), &signature).unwrap();
        } else {
            let point = hex(&[vec![4], part("x"), part("y")].concat());
            sm2_verify(&point, SM2_DEFAULT_ID, input.as_bytes(), &signature, SignatureForm::Raw).unwrap();
        }
        // It comes back as a hint; one with a letter changed does not.
        let silent = channel.authorize(&[("prompt", "none"), ("id_token_hint", token)]);
        assert!(query(browser.get(&silent).await.header("location")).contains_key("code"));
        let turned = token.replacen('.', ".e", 1);
        let silent = channel.authorize(&[("prompt", "none"), ("id_token_hint", &turned)]);
        let told = query(browser.get(&silent).await.header("location"));
        assert_eq!(told["error"], "invalid_request");
        // The access token stays what every hub reads fast.
        assert_eq!(text(&parts(text(&tokens, "access_token")).0, "alg"), "ES256");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_a_registered_origin_may_ask_for_tokens() {
    let hub = TestHub::demo(City::empty()).await;
    let page = json!({"token_endpoint_auth_method": "none", "allowed_origins": ["https://app.example"]});
    let channel = Channel::new(&hub, &page).await;
    for (origin, opened) in [
        ("https://app.example", true),
        ("https://evil.example", false),
        ("null", false),
    ] {
        let asked = [
            ("origin", origin),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "dpop"),
        ];
        let preflight = hub.ask("OPTIONS", "/sso/token", &asked, None).await;
        assert_eq!(preflight.status, 204);
        let allowed = preflight.headers.get("access-control-allow-origin");
        assert_eq!(allowed.is_some(), opened, "{origin}");
        assert!(!opened || preflight.header("access-control-allow-headers").contains("dpop"));
        let request = crate::support::http()
            .post(format!("{}/sso/token", hub.ready().base_url))
            .header("origin", origin)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!(
                "client_id={}&grant_type=refresh_token&refresh_token=x",
                channel.id
            ));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert_eq!(
            answer.headers().contains_key("access-control-allow-origin"),
            opened,
            "{origin}"
        );
        assert!(!answer.headers().contains_key("access-control-allow-credentials"));
    }
    hub.stop().await;
}
