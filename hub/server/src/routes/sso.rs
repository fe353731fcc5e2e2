//! The OpenID provider's doors for programs. Everything is decided in `hub_identity::sso`.

use super::{Answered, Ask};
use crate::http::problem::Scheme;
use crate::http::{cors, problem};
use actix_web::HttpResponse;
use hub_core::ports::{Proof, Shown};
use hub_identity::sso::{OauthError, PUSHED_SECONDS, Params, Provider, SsoClient, discovery};
use serde_json::{Value, json};

/// The provider.
pub(super) fn provider(ask: &Ask) -> &Provider {
    &ask.worker.hub.sso
}

pub async fn configuration(ask: Ask) -> Answered {
    Ok(public(&discovery(provider(&ask).issuer())))
}

pub async fn jwks(ask: Ask) -> Answered {
    Ok(public(&provider(&ask).jwks()))
}

/// What every page of every origin may read.
fn public(document: &Value) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("cache-control", "public, max-age=300"))
        .insert_header(("access-control-allow-origin", "*"))
        .json(document)
}

/// Parameters of a form, or why they are none.
pub(super) fn form(ask: &Ask) -> Result<Params, OauthError> {
    let pairs = ask.form().ok_or_else(|| {
        OauthError::request(
            "请求体应为 application/x-www-form-urlencoded",
            "the body must be application/x-www-form-urlencoded",
        )
    })?;
    Params::new(pairs)
}

/// The form of a client that proved itself.
async fn proven(ask: &Ask) -> Result<(SsoClient, Params), OauthError> {
    let params = form(ask)?;
    let now = ask.worker.hub.clock.now();
    let client = provider(ask).prove(&params, ask.header("authorization"), now).await?;
    Ok((client, params))
}

/// The key whose possession is proven at one of these doors, if a proof is sent.
async fn key(ask: &Ask, door: &str) -> Result<Option<String>, OauthError> {
    let mut sent = ask.http.headers().get_all("dpop");
    let (first, more) = (sent.next(), sent.next());
    if more.is_some() {
        return Err(OauthError::request(
            "DPoP 头只能出现一次",
            "the DPoP header may appear once only",
        ));
    }
    let proof = first.map(|value| value.to_str().unwrap_or_default());
    provider(ask).proof_key(proof, door, ask.worker.hub.clock.now()).await
}

/// The answer, readable for the pages of clients that say so.
async fn answered(ask: &Ask, result: Result<HttpResponse, OauthError>) -> Answered {
    with_origin(ask, result.unwrap_or_else(|error| problem::oauth(&error, &ask.voice))).await
}

async fn with_origin(ask: &Ask, mut answer: HttpResponse) -> Answered {
    if let Some(origin) = ask.header("origin") {
        let known = provider(ask).knows_origin(origin).await.unwrap_or(false);
        cors::open(&mut answer, ask.http.headers(), |_| known);
    }
    Ok(answer)
}

/// Whether a page may ask at all (fetch standard, preflight).
pub async fn preflight(ask: Ask) -> Answered {
    let origin = ask.header("origin");
    let known = match origin {
        Some(origin) => provider(&ask).knows_origin(origin).await.unwrap_or(false),
        None => false,
    };
    Ok(cors::preflight(origin, |_| known))
}

pub async fn sm2_jwks(ask: Ask) -> Answered {
    Ok(public(&provider(&ask).sm2_jwks()))
}

fn closed(status: actix_web::http::StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header(("cache-control", "no-store"))
        .insert_header(("pragma", "no-cache"))
        .json(body)
}

const OK: actix_web::http::StatusCode = actix_web::http::StatusCode::OK;

pub async fn par(ask: Ask) -> Answered {
    let pushed = async {
        let (client, params) = proven(&ask).await?;
        let key = key(&ask, "/par").await?;
        let name = provider(&ask)
            .push(&client, params, key.as_deref(), ask.worker.hub.clock.now())
            .await?;
        let body = json!({"request_uri": name, "expires_in": PUSHED_SECONDS});
        Ok(closed(actix_web::http::StatusCode::CREATED, &body))
    };
    answered(&ask, pushed.await).await
}

pub async fn token(ask: Ask) -> Answered {
    let minted = async {
        let (client, params) = proven(&ask).await?;
        let key = key(&ask, "/token").await?;
        let tokens = provider(&ask)
            .token(&client, &params, key.as_deref(), ask.worker.hub.clock.now())
            .await?;
        Ok(closed(OK, &tokens))
    };
    answered(&ask, minted.await).await
}

pub async fn introspect(ask: Ask) -> Answered {
    let told = async {
        let (client, params) = proven(&ask).await?;
        let worth = provider(&ask)
            .introspect(&client, &params, ask.worker.hub.clock.now())
            .await?;
        Ok(closed(OK, &worth))
    };
    answered(&ask, told.await).await
}

pub async fn revoke(ask: Ask) -> Answered {
    let ended = async {
        let (client, params) = proven(&ask).await?;
        provider(&ask)
            .revoke(&client, &params, ask.worker.hub.clock.now())
            .await?;
        Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).finish())
    };
    answered(&ask, ended.await).await
}

pub async fn userinfo(ask: Ask) -> Answered {
    // From the header only: an address ends up in logs and histories (RFC 9700, 4.3.2).
    let (word, token) = ask
        .header("authorization")
        .and_then(|v| v.split_once(' '))
        .unwrap_or_default();
    let in_address = ask.parameter("access_token").is_some();
    let scheme = match word.to_ascii_lowercase().as_str() {
        "dpop" => Some(Scheme::Dpop),
        "bearer" => Some(Scheme::Bearer),
        _ => in_address.then_some(Scheme::Bearer),
    };
    let shown = Shown {
        token: if in_address || scheme.is_none() {
            ""
        } else {
            token.trim()
        },
        proof: (scheme == Some(Scheme::Dpop)).then(|| Proof {
            text: ask.header("dpop").unwrap_or_default(),
            method: ask.http.method().as_str(),
            path: "/sso/userinfo".to_owned(),
        }),
    };
    let told = provider(&ask).userinfo(&shown, ask.worker.hub.clock.now()).await;
    let answer = told.map_or_else(
        |error| problem::protected(&error, &ask.voice, scheme),
        |claims| closed(OK, &claims),
    );
    with_origin(&ask, answer).await
}
