//! The OpenID provider's doors for programs. Everything is decided in `hub_identity::sso`.

use super::{Answered, Ask};
use crate::http::problem;
use actix_web::HttpResponse;
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

fn answered(ask: &Ask, result: Result<HttpResponse, OauthError>) -> Answered {
    Ok(result.unwrap_or_else(|error| problem::oauth(&error, &ask.voice)))
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
        let name = provider(&ask).push(&client, params, ask.worker.hub.clock.now()).await?;
        let body = json!({"request_uri": name, "expires_in": PUSHED_SECONDS});
        Ok(closed(actix_web::http::StatusCode::CREATED, &body))
    };
    answered(&ask, pushed.await)
}

pub async fn token(ask: Ask) -> Answered {
    let minted = async {
        let (client, params) = proven(&ask).await?;
        let tokens = provider(&ask)
            .token(&client, &params, ask.worker.hub.clock.now())
            .await?;
        Ok(closed(OK, &tokens))
    };
    answered(&ask, minted.await)
}

pub async fn introspect(ask: Ask) -> Answered {
    let told = async {
        let (client, params) = proven(&ask).await?;
        let worth = provider(&ask)
            .introspect(&client, &params, ask.worker.hub.clock.now())
            .await?;
        Ok(closed(OK, &worth))
    };
    answered(&ask, told.await)
}

pub async fn revoke(ask: Ask) -> Answered {
    let ended = async {
        let (client, params) = proven(&ask).await?;
        provider(&ask)
            .revoke(&client, &params, ask.worker.hub.clock.now())
            .await?;
        Ok(HttpResponse::Ok().insert_header(("cache-control", "no-store")).finish())
    };
    answered(&ask, ended.await)
}

pub async fn userinfo(ask: Ask) -> Answered {
    let told = async {
        // From the header only: an address ends up in logs and histories (RFC 9700, 4.3.2).
        let bearer = ask.header("authorization").and_then(|v| v.split_once(' '));
        let token = bearer
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, t)| t.trim());
        let claims = provider(&ask)
            .userinfo(token.unwrap_or_default(), ask.worker.hub.clock.now())
            .await?;
        Ok(closed(OK, &claims))
    };
    answered(&ask, told.await)
}
