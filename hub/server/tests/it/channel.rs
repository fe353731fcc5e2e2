//! A channel that signs people in, and the browser between it and the hub: what every test of a sign-in needs.

use crate::support::{Got, TestHub};
use hub_crypto::{Digest, base64_url, digest, ecdsa_verify_p256, from_base64_url, random};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Where the channel takes people back.
pub const REDIRECT: &str = "https://app.example/cb";

pub fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

/// The parameters of an address.
pub fn query(address: &str) -> HashMap<String, String> {
    let query = address.split_once('?').map_or("", |(_, q)| q);
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// A browser that follows nothing by itself.
pub struct Browser {
    http: reqwest::Client,
    base: String,
    pub cookie: Option<String>,
}

impl Browser {
    pub fn new(hub: &TestHub) -> Self {
        Self::at(&hub.ready().base_url)
    }

    /// One that knows of a hub by its address.
    pub fn at(base: &str) -> Self {
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            http,
            base: base.to_owned(),
            cookie: None,
        }
    }

    pub async fn ask(&mut self, method: &str, target: &str, form: Option<&[(&str, &str)]>) -> Got {
        let address = if target.starts_with("http") {
            target.to_owned()
        } else {
            format!("{}{target}", self.base)
        };
        let mut request = self
            .http
            .request(method.parse().unwrap(), address)
            .header("accept-language", "en");
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("hub-local={cookie}"));
        }
        if let Some(form) = form {
            request = request
                .header("content-type", "application/x-www-form-urlencoded")
                .body(encoded(form));
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for set in headers.get_all("set-cookie") {
            let set = set.to_str().unwrap();
            assert!(set.contains("; HttpOnly; SameSite=Lax"), "{set}");
            let value = set.strip_prefix("hub-local=").unwrap().split(';').next().unwrap();
            self.cookie = (!set.contains("Max-Age=0")).then(|| value.to_owned());
        }
        let body = Value::from(answer.text().await.unwrap());
        Got { status, headers, body }
    }

    pub async fn get(&mut self, target: &str) -> Got {
        self.ask("GET", target, None).await
    }

    /// Follows redirects within the hub; ends at a page, or at an address of somebody else.
    pub async fn follow(&mut self, mut got: Got) -> Got {
        for _ in 0..5 {
            let location = got.header("location").to_owned();
            if !location.starts_with('/') {
                return got;
            }
            got = self.get(&location).await;
        }
        panic!("too many redirects");
    }

    /// Sends the form of a page with these fields.
    pub async fn submit(&mut self, page: &Got, more: &[(&str, &str)]) -> Got {
        let text = page.body.as_str().unwrap().to_owned();
        let action = between(&text, "method=\"post\" action=\"", "\"");
        let mut fields: Vec<(String, String)> = Vec::new();
        for hidden in text.split("<input type=\"hidden\" name=\"").skip(1) {
            let (name, rest) = hidden.split_once("\" value=\"").unwrap();
            let value = rest
                .split('"')
                .next()
                .unwrap()
                .replace("&amp;", "&")
                .replace("&#38;", "&");
            fields.push((name.to_owned(), value));
        }
        let mut all: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        all.extend_from_slice(more);
        self.ask("POST", &action, Some(&all)).await
    }
}

pub fn between(text: &str, from: &str, to: &str) -> String {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("no {from} in {text}"));
    rest.split(to).next().unwrap().to_owned()
}

/// A channel that is registered.
pub struct Channel<'a> {
    pub hub: &'a TestHub,
    pub id: String,
    pub secret: Option<String>,
    pub verifier: String,
}

impl<'a> Channel<'a> {
    /// Registers one; `more` members stand in place of the usual.
    pub async fn new(hub: &'a TestHub, more: &Value) -> Self {
        let mut body = json!({
            "client_name": "城市通", "client_name#en": "City app", "redirect_uris": [REDIRECT],
            "post_logout_redirect_uris": ["https://app.example/bye"],
            "scope": "openid profile phone id_number services offline_access",
        });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let made = hub.operate("POST", "/admin/sso/clients", Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        Self {
            hub,
            id: made.body["client_id"].as_str().unwrap().to_owned(),
            secret: made.body["client_secret"].as_str().map(str::to_owned),
            verifier: base64_url(&random::<32>().unwrap()),
        }
    }

    pub fn challenge(&self) -> String {
        base64_url(&digest(Digest::Sha256, self.verifier.as_bytes()))
    }

    /// The address a browser is sent to; `more` parameters stand in place of the usual, empty ones are left out.
    pub fn authorize(&self, more: &[(&str, &str)]) -> String {
        let challenge = self.challenge();
        let usual = [
            ("client_id", self.id.as_str()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid profile services"),
            ("state", "s-1"),
            ("nonce", "n-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        let mut all: Vec<(&str, &str)> = usual
            .into_iter()
            .filter(|(n, _)| !more.iter().any(|(m, _)| m == n))
            .collect();
        all.extend(more.iter().filter(|(_, v)| !v.is_empty()));
        format!("/sso/authorize?{}", encoded(&all))
    }

    /// Signs a persona in and says yes; answers where the browser goes back to.
    pub async fn sign_in(&self, browser: &mut Browser, persona: &str, more: &[(&str, &str)]) -> String {
        let first = browser.get(&self.authorize(more)).await;
        let page = browser.follow(first).await;
        if page.status == 303 {
            return page.header("location").to_owned();
        }
        assert_eq!(page.status, 200, "{}", page.body);
        let signed = browser.submit(&page, &[("persona", persona)]).await;
        assert_eq!(signed.status, 303, "{}", signed.body);
        let page = browser.follow(signed).await;
        if page.status == 303 {
            return page.header("location").to_owned();
        }
        let agreed = browser.submit(&page, &[("answer", "yes")]).await;
        assert_eq!(agreed.status, 303, "{}", agreed.body);
        agreed.header("location").to_owned()
    }

    /// The code of a whole sign-in.
    pub async fn code(&self, browser: &mut Browser, persona: &str, more: &[(&str, &str)]) -> String {
        let back = self.sign_in(browser, persona, more).await;
        query(&back).get("code").unwrap_or_else(|| panic!("{back}")).clone()
    }

    /// One request of the channel itself, proven by its secret if it has one.
    pub async fn send(&self, target: &str, form: &[(&str, &str)]) -> Got {
        let mut all = form.to_vec();
        let mut request = crate::support::http().post(format!("{}{target}", self.hub.ready().base_url));
        match &self.secret {
            Some(secret) => {
                let pair = hub_crypto::base64(format!("{}:{secret}", self.id).as_bytes());
                request = request.header("authorization", format!("Basic {pair}"));
            }
            None if !form.iter().any(|(n, _)| *n == "client_assertion") => all.push(("client_id", &self.id)),
            None => {}
        }
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(&all));
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default();
        Got { status, headers, body }
    }

    pub async fn exchange(&self, code: &str, more: &[(&str, &str)]) -> Got {
        let usual = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", &self.verifier),
        ];
        let mut all: Vec<(&str, &str)> = usual
            .into_iter()
            .filter(|(n, _)| !more.iter().any(|(m, _)| m == n))
            .collect();
        all.extend(more.iter().filter(|(_, v)| !v.is_empty()));
        self.send("/sso/token", &all).await
    }

    pub async fn refresh(&self, token: &str) -> Got {
        self.send(
            "/sso/token",
            &[("grant_type", "refresh_token"), ("refresh_token", token)],
        )
        .await
    }

    /// The tokens of a whole sign-in.
    pub async fn tokens(&self, browser: &mut Browser, persona: &str, more: &[(&str, &str)]) -> Value {
        let code = self.code(browser, persona, more).await;
        let got = self.exchange(&code, &[]).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.body
    }

    pub async fn userinfo(&self, token: &str) -> Got {
        let bearer = format!("Bearer {token}");
        self.hub
            .ask("GET", "/sso/userinfo", &[("authorization", &bearer)], None)
            .await
    }

    pub async fn is_active(&self, token: &str) -> bool {
        let got = self.send("/sso/introspect", &[("token", token)]).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.body["active"] == true
    }
}

/// Header and claims of a token, whatever they are worth.
pub fn parts(token: &str) -> (Value, Value) {
    let part = |n: usize| {
        let text = token.split('.').nth(n).unwrap();
        serde_json::from_slice(&from_base64_url(text).unwrap()).unwrap()
    };
    (part(0), part(1))
}

/// The claims of a token whose signature fits a key of the hub's JWKS.
pub async fn verified(hub: &TestHub, token: &str) -> Value {
    let jwks = hub.ask("GET", "/sso/jwks", &[], None).await.body;
    let (header, claims) = parts(token);
    assert_eq!(header["alg"], "ES256");
    let keys = jwks["keys"].as_array().unwrap();
    let key = keys.iter().find(|k| k["kid"] == header["kid"]).unwrap();
    assert!(key.get("d").is_none());
    let coordinate = |name: &str| from_base64_url(key[name].as_str().unwrap()).unwrap();
    let point = [vec![4], coordinate("x"), coordinate("y")].concat();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    ecdsa_verify_p256(&point, signed.as_bytes(), &from_base64_url(signature).unwrap()).unwrap();
    claims
}
