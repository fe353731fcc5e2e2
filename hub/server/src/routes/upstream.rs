//! The doors to identity providers: out from the page of a sign-in, and back. Everything is decided in
//! `hub_identity::upstream`.

use super::sign_in::{browser, frame_of, go, html, onward, ours, put, refused};
use super::sso::{form, provider};
use super::{Answered, Ask};
use crate::http::cookie;
use crate::http::page::cookies;
use crate::portal::{self, Frame};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use hub_identity::sso::{LogoutNotice, OauthError, Params, form_token};
use hub_identity::upstream::{Failed, LogoutAsk, Start, Trouble, Welcome, Why};
use serde_json::json;

pub async fn start(ask: Ask) -> Answered {
    let hub = &ask.worker.hub;
    let id = ask.path("provider");
    let now = hub.clock.now();
    let found = async {
        let params = Params::new(ask.query())?;
        let (name, handle) = ours(&ask, &params, None)?;
        let request = provider(&ask).parked(&handle, now).await?;
        Ok::<_, OauthError>((name, handle, request))
    };
    let (name, handle, request) = match found.await {
        Ok(found) => found,
        Err(error) => return refused(&ask, &error),
    };
    let headers: Vec<(String, String)> = ask
        .http
        .headers()
        .iter()
        .filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())))
        .collect();
    let lang = ask.parameter("lang").filter(|l| l == "zh" || l == "en");
    let from = (handle.as_str(), &request, lang.as_deref());
    match hub.upstreams.start(&id, from, &name, &headers, now).await {
        Ok(Start::Away(address)) => Ok(go(&address)),
        Ok(Start::Form(form)) => {
            let frame = frame_of(&ask);
            onward(&frame, portal::send_on(&frame, &form.action, &form.fields))
        }
        Ok(Start::Here(welcome)) => Ok(welcomed(&ask, &welcome)),
        Err(trouble) => {
            let handle = Some(handle);
            let why = Failed { handle, lang, trouble };
            failed(&ask, &id, Some(&name), &why)
        }
    }
}

pub async fn callback(ask: Ask) -> Answered {
    let hub = &ask.worker.hub;
    let id = ask.path("provider");
    let now = hub.clock.now();
    let told = async {
        let params = Params::new(ask.query())?;
        let (name, _) = browser(&ask).await?;
        Ok::<_, OauthError>((params, name))
    };
    let (params, name) = match told.await {
        Ok(told) => told,
        Err(error) => return refused(&ask, &error),
    };
    let Some(name) = name else {
        let trouble = Trouble::new(Why::Strange, "it came back to a browser without our cookie");
        return failed(&ask, &id, None, &trouble.into());
    };
    match hub.upstreams.back(&id, &params, &name, now).await {
        Ok(welcome) => Ok(welcomed(&ask, &welcome)),
        Err(why) => failed(&ask, &id, Some(&name), &why),
    }
}

/// A form that a provider lets the browser post comes without our cookie; the address it leads to has it again. A CAS server
/// posts its word of a sign-out here too.
pub async fn posted(ask: Ask) -> Answered {
    let id = ask.path("provider");
    let pairs = ask.form().unwrap_or_default();
    if let Some((_, request)) = pairs.iter().find(|(n, _)| n == "logoutRequest") {
        let hub = &ask.worker.hub;
        let heard = hub.upstreams.cas_logout(&id, request, hub.clock.now()).await;
        return Ok(told(&ask, &id, heard));
    }
    if pairs.iter().any(|(n, _)| n == "SAMLResponse") {
        let hub = &ask.worker.hub;
        return match hub.upstreams.saml_response(&id, &pairs, hub.clock.now()).await {
            Ok((back, refused)) => {
                if let Some(trouble) = refused {
                    log(&ask, &id, &trouble);
                }
                Ok(go(&back))
            }
            Err(trouble) => failed(&ask, &id, None, &trouble.into()),
        };
    }
    let all: Vec<_> = ask.query().into_iter().chain(pairs).collect();
    if let Err(error) = Params::new(all.clone()) {
        return refused(&ask, &error);
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&all)
        .finish();
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    Ok(go(&format!("/sso/via/{id}/callback?{query}")))
}

/// A SAML provider's word of a sign-out in an address.
pub async fn left(ask: Ask) -> Answered {
    let query = ask.http.query_string().to_owned();
    saml_left(&ask, &LogoutAsk::Query(query)).await
}

async fn saml_left(ask: &Ask, how: &LogoutAsk) -> Answered {
    let (hub, id) = (&ask.worker.hub, ask.path("provider"));
    match hub.upstreams.saml_logout(&id, how, hub.clock.now()).await {
        Ok(out) => {
            hub.back_channel.tell(out.notices);
            match out.back {
                Some(address) => Ok(go(&address)),
                None => {
                    let frame = Frame::new("/", &[], ask.header("accept-language").unwrap_or_default())
                        .remembering(&cookies(&ask.http));
                    html(StatusCode::OK, &frame, portal::signed_out(&frame), None)
                }
            }
        }
        Err(trouble) => failed(ask, &id, None, &trouble.into()),
    }
}

/// How the hub describes itself to a SAML provider.
pub async fn metadata(ask: Ask) -> Answered {
    let id = ask.path("provider");
    match ask.worker.hub.upstreams.saml_metadata(&id) {
        Ok(text) => Ok(HttpResponse::Ok()
            .content_type("application/samlmetadata+xml; charset=utf-8")
            .insert_header(("cache-control", "no-cache"))
            .body(text)),
        Err(trouble) => failed(&ask, &id, None, &trouble.into()),
    }
}

pub async fn logout(ask: Ask) -> Answered {
    let hub = &ask.worker.hub;
    let id = ask.path("provider");
    if hub.upstreams.is_saml(&id) {
        let pairs = ask.form().unwrap_or_default();
        let field = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        let how = LogoutAsk::Form(field("SAMLRequest").unwrap_or_default(), field("RelayState"));
        return saml_left(&ask, &how).await;
    }
    let heard = async {
        let params = form(&ask)?;
        let token = params.need("logout_token")?.to_owned();
        Ok(hub.upstreams.logout_token(&id, &token, hub.clock.now()).await?)
    };
    let heard = heard.await.map_err(|error: Unheard| error.0);
    Ok(told(&ask, &id, heard))
}

/// Why a logout token was not taken.
struct Unheard(Trouble);

impl From<Trouble> for Unheard {
    fn from(trouble: Trouble) -> Self {
        Self(trouble)
    }
}

impl From<OauthError> for Unheard {
    fn from(error: OauthError) -> Self {
        Self(Trouble::untrusted(error.text.en))
    }
}

/// What a provider is answered that told of a sign-out.
fn told(ask: &Ask, id: &str, heard: Result<Vec<LogoutNotice>, Trouble>) -> HttpResponse {
    match heard {
        Ok(notices) => {
            ask.worker.hub.back_channel.tell(notices);
            HttpResponse::Ok().insert_header(("cache-control", "no-store")).finish()
        }
        Err(trouble) => {
            log(ask, id, &trouble);
            let status = if trouble.why == Why::Ours {
                StatusCode::SERVICE_UNAVAILABLE
            } else {
                StatusCode::BAD_REQUEST
            };
            HttpResponse::build(status)
                .insert_header(("cache-control", "no-store"))
                .json(json!({"error": "invalid_request"}))
        }
    }
}

fn welcomed(ask: &Ask, welcome: &Welcome) -> HttpResponse {
    let lang = welcome.lang.as_ref().map(|l| format!("&lang={l}")).unwrap_or_default();
    let mut answer = go(&format!("/sso/continue?request={}{lang}", welcome.handle));
    put(
        &mut answer,
        "set-cookie",
        &cookie::set(&ask.worker.hub.base, &welcome.cookie),
    );
    answer
}

fn log(ask: &Ask, provider: &str, trouble: &Trouble) {
    let (request_id, why) = (&ask.voice.request_id, format!("{:?}", trouble.why));
    tracing::warn!(%request_id, provider = ?provider, why, inner = ?trouble.inner, "nobody was signed in by a provider");
}

/// A page with a way on: the same once more, or another one.
fn failed(ask: &Ask, id: &str, browser: Option<&str>, failed: &Failed) -> Answered {
    log(ask, id, &failed.trouble);
    let status = match failed.trouble.why {
        Why::NoProvider => StatusCode::NOT_FOUND,
        Why::Silent => StatusCode::BAD_GATEWAY,
        Why::Ours => StatusCode::SERVICE_UNAVAILABLE,
        Why::Unwelcome(_) => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    // What came back is not repeated, not even in the link to the other language.
    let chosen = failed.lang.clone().or_else(|| ask.parameter("lang"));
    let chosen = chosen.map(|lang| ("lang".to_owned(), lang));
    let accept = ask.header("accept-language").unwrap_or_default();
    let frame = Frame::new("/", &Vec::from_iter(chosen), accept).remembering(&cookies(&ask.http));
    let lang = frame.and();
    let ways = failed.handle.as_ref().zip(browser).map(|(handle, name)| {
        let again = format!("/sso/via/{id}?request={handle}&form={}{lang}", form_token(name, handle));
        (again, format!("/sso/continue?request={handle}{lang}"))
    });
    html(
        status,
        &frame,
        portal::not_arrived(&frame, &failed.trouble.text(), ways),
        None,
    )
}
