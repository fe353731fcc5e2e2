//! Signing in at the hub and out again: code with PKCE, bound to the browser it began in.

use super::SCOPE;
use super::at::{At, Here, cookie_name, encoded, go, own_path};
use super::visit::{Leaving, Visit, fresh};
use super::wire::{claims, text};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use hub_crypto::{Digest, base64_url, digest};
use url::form_urlencoded;

pub(super) async fn sign_in(here: Here, http: HttpRequest) -> HttpResponse {
    let at = At::new(&here, &http);
    let browser = at.browser.clone().unwrap_or_else(fresh);
    let (state, verifier, nonce) = (fresh(), fresh(), fresh());
    let challenge = base64_url(&digest(Digest::Sha256, verifier.as_bytes()));
    let mut query = form_urlencoded::Serializer::new(String::new());
    let app = at.app;
    query.extend_pairs([
        ("response_type", "code"),
        ("client_id", app.wire.client.as_str()),
        ("redirect_uri", &format!("{}/arrive", app.base)),
        ("scope", SCOPE),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    if at.parameter("silent").is_some() {
        query.append_pair("prompt", "none");
    }
    for name in ["acr_values", "max_age", "lang"] {
        if let Some(value) = at.parameter(name) {
            query.append_pair(name, value);
        }
    }
    let leaving = Leaving {
        verifier,
        nonce,
        back: own_path(at.parameter("back")),
        browser: browser.clone(),
    };
    app.visits.leave(&state, leaving);
    let mut answer = go(&format!("{}/sso/authorize?{}", app.hub.base, query.finish()));
    if at.browser.is_none() {
        let cookie = format!("{}={browser}; Path=/; HttpOnly; SameSite=Lax", cookie_name(app));
        if let Ok(value) = HeaderValue::from_str(&cookie) {
            answer
                .headers_mut()
                .insert(HeaderName::from_static("set-cookie"), value);
        }
    }
    answer
}

pub(super) async fn arrive(here: Here, http: HttpRequest) -> HttpResponse {
    let at = At::new(&here, &http);
    let leaving = at.parameter("state").and_then(|state| at.app.visits.arrive(state));
    // Only in the browser it began in, and only from the hub (RFC 9207).
    let issuer = format!("{}/sso", at.app.hub.base);
    let ours = leaving.filter(|l| at.browser.as_deref() == Some(&l.browser) && at.parameter("iss") == Some(&issuer));
    let Some(leaving) = ours else {
        return at.told(
            (
                "这次登录不是从这里开始的，请重试。",
                "This sign-in did not begin here. Please try again.",
            ),
            "/",
        );
    };
    if let Some(error) = at.parameter("error") {
        if at.app.file.module {
            let joined = if leaving.back.contains('?') { '&' } else { '?' };
            return go(&format!("{}{joined}refused={}", leaving.back, encoded(error)));
        }
        return at.told(("没有登录。", "You are not signed in."), "/");
    }
    match signed_in(&at, &leaving, &issuer).await {
        Some(visit) => {
            at.app.visits.put(&leaving.browser, visit);
            go(&leaving.back)
        }
        None => at.told(
            (
                "登录没有完成，请重试。",
                "The sign-in was not completed. Please try again.",
            ),
            "/",
        ),
    }
}

async fn signed_in(at: &At<'_>, leaving: &Leaving, issuer: &str) -> Option<Visit> {
    let back = format!("{}/arrive", at.app.base);
    let grant = [
        ("grant_type", "authorization_code"),
        ("code", at.parameter("code")?),
        ("redirect_uri", &back),
        ("code_verifier", &leaving.verifier),
    ];
    let given = at.app.wire.tokens(&grant).await.ok()?;
    let id_token = text(&given, "id_token")?;
    let said = claims(&id_token)?;
    let is = |name: &str, value: &str| text(&said, name).as_deref() == Some(value);
    let good = is("iss", issuer) && is("aud", &at.app.wire.client) && is("nonce", &leaving.nonce);
    good.then_some(())?;
    Some(Visit {
        person: text(&said, "name").unwrap_or_else(|| at.frame.t("您", "You").to_owned()),
        sub: text(&said, "sub")?,
        access: text(&given, "access_token")?,
        refresh: text(&given, "refresh_token"),
        until: at.until(&given),
        id_token,
    })
}

pub(super) async fn sign_out(here: Here, http: HttpRequest) -> HttpResponse {
    let at = At::new(&here, &http);
    let Some(visit) = at.browser.as_deref().and_then(|b| at.app.visits.end(b)) else {
        return go("/");
    };
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs([
        ("id_token_hint", visit.id_token.as_str()),
        ("post_logout_redirect_uri", &format!("{}/", at.app.base)),
    ]);
    go(&format!("{}/sso/logout?{}", at.app.hub.base, query.finish()))
}
