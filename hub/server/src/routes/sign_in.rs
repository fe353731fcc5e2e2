//! The OpenID provider's doors for browsers: a request comes, a person signs in, is asked, and goes back.

use super::pages::POLICY;
use super::sso::{form, provider};
use super::{Answered, Ask};
use crate::http::cookie;
use crate::http::page::{cookies, frame, remember};
use crate::hub::ISSUER;
use crate::portal::{self, Frame, Slip, Wish};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use hub_core::{Problem, ProblemCode, Subject};
use hub_crypto::{base64_url, ct_eq, random};
use hub_identity::sso::{
    AuthRequest, Next, OauthError, Params, Refused, Session, SsoClient, device, form_token, scope,
};
use url::Url;

/// Where the forms of signing out belong to.
const LEAVING: &str = "sign-out";

pub async fn authorize(ask: Ask) -> Answered {
    let posted = ask.http.method() == actix_web::http::Method::POST;
    let params = if posted { form(&ask) } else { Params::new(ask.query()) };
    let opened = async { provider(&ask).open(&params?, ask.worker.hub.clock.now()).await };
    let request = match opened.await {
        Ok(request) => request,
        Err(Refused::Back(back)) => return Ok(go(&back.address)),
        Err(Refused::Page(error)) => return refused(&ask, &error),
    };
    let next = async {
        let now = ask.worker.hub.clock.now();
        // A form that another site posts comes without our cookie; the page it leads to has it again.
        if !posted {
            let (_, session) = browser(&ask).await?;
            if let Next::Back(back) = provider(&ask).decide(&request, session.as_ref(), now).await? {
                return Ok(back.address);
            }
        }
        let handle = provider(&ask).park(&request, now).await?;
        Ok(format!("/sso/continue?request={handle}{}", chosen(&ask)))
    };
    match next.await {
        Ok(address) => Ok(go(&address)),
        Err(error) => refused(&ask, &error),
    }
}

/// The language that the client asks for (`ui_locales`) or that a page of ours was in.
fn chosen(ask: &Ask) -> &'static str {
    let asked = ask
        .parameter("ui_locales")
        .or_else(|| ask.parameter("lang"))
        .unwrap_or_default();
    match asked.split([' ', '-']).next() {
        Some("zh") => "&lang=zh",
        Some("en") => "&lang=en",
        _ => "",
    }
}

pub async fn resume(ask: Ask) -> Answered {
    let handle = ask.parameter("request").unwrap_or_default();
    let found = async {
        let now = ask.worker.hub.clock.now();
        let request = provider(&ask).parked(&handle, now).await?;
        let (name, session) = browser(&ask).await?;
        let next = provider(&ask).decide(&request, session.as_ref(), now).await?;
        Ok((request, name, session, next))
    };
    match found.await {
        Ok((_, _, _, Next::Back(back))) => Ok(go(&back.address)),
        Ok((request, name, session, next)) => ask_person(&ask, &handle, &request, name, (session, next)).await,
        Err(error) => refused(&ask, &error),
    }
}

/// The page on which a person signs in, or is asked.
async fn ask_person(
    ask: &Ask,
    handle: &str,
    request: &AuthRequest,
    name: Option<String>,
    (session, next): (Option<Session>, Next),
) -> Answered {
    let hub = &ask.worker.hub;
    let known = session.is_some();
    let session = session.filter(|_| next == Next::Consent);
    let frame = frame(&ask.http);
    let client = provider(ask)
        .client(&request.client)
        .await
        .map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let row = client.as_ref().map(SsoClient::row);
    let app = row.map_or("", |c| frame.t(&c.name, &c.en));
    // Whoever has no name yet gets one, so that the form is bound to this browser.
    let (name, is_new) = match name {
        Some(name) => (name, false),
        None => (fresh()?, true),
    };
    let slip = Slip {
        handle: handle.to_owned(),
        token: form_token(&name, handle),
    };
    let page = match &session {
        Some(session) => {
            let person = session.subject.name.as_deref().unwrap_or(frame.t("您好", "Hello"));
            let place = place(&request.redirect);
            portal::consent(&frame, app, &place, person, &slip, wishes(&frame, request))
        }
        None => {
            let personas = match hub.config.identity.test_issuer {
                true => hub.persona_choices(frame.lang),
                false => Vec::new(),
            };
            portal::sign_in(&frame, app, &slip, &hub.upstreams.doors(), personas, known)
        }
    };
    let mut answer = html(StatusCode::OK, &frame, page, Some(&request.redirect))?;
    if is_new {
        put(&mut answer, "set-cookie", &cookie::set(&hub.base, &name));
    }
    Ok(answer)
}

fn wishes(frame: &Frame, request: &AuthRequest) -> Vec<Wish> {
    let known = request.scopes.iter().filter_map(|s| scope(s));
    known
        .map(|s| Wish {
            name: s.name,
            text: frame.of(&s.text()),
            separate: s.separate,
        })
        .collect()
}

pub async fn sign_in(ask: Ask) -> Answered {
    let hub = &ask.worker.hub;
    let done = async {
        let params = form(&ask)?;
        let (name, handle) = ours(&ask, &params, None)?;
        let now = hub.clock.now();
        provider(&ask).parked(&handle, now).await?;
        let subject = persona(&ask, params.get("persona"))?;
        let device = device(ask.header("user-agent").unwrap_or_default());
        let signed = provider(&ask).sign_in_on(&device, &subject, Some(&name), now);
        let cookie = signed.await?;
        Ok((cookie, handle))
    };
    match done.await {
        Ok((cookie, handle)) => {
            let mut answer = go(&format!("/sso/continue?request={handle}{}", chosen(&ask)));
            put(&mut answer, "set-cookie", &cookie::set(&hub.base, &cookie));
            Ok(answer)
        }
        Err(error) => refused(&ask, &error),
    }
}

/// The persona that was chosen, where the test issuer is on.
fn persona(ask: &Ask, word: Option<&str>) -> Result<Subject, OauthError> {
    let hub = &ask.worker.hub;
    let known = word
        .filter(|_| hub.config.identity.test_issuer)
        .and_then(|w| hub.cast.signed_in(w));
    let known = known.ok_or_else(|| OauthError::request("没有这位人物", "there is no such person"))?;
    Ok(Subject {
        id: format!("{ISSUER}#{}", known.sub),
        assurance: known.assurance,
        name: known.name,
        id_number: known.id_number,
        mobile: known.mobile,
        mandate: known.mandate,
        expires: 0,
    })
}

pub async fn consent(ask: Ask) -> Answered {
    let done = async {
        let pairs = ask.form().unwrap_or_default();
        let ticked: Vec<String> = pairs
            .iter()
            .filter(|(n, _)| n == "also")
            .map(|(_, v)| v.clone())
            .collect();
        let params = Params::new(pairs.into_iter().filter(|(n, _)| n != "also").collect())?;
        let (_, handle) = ours(&ask, &params, None)?;
        let now = ask.worker.hub.clock.now();
        let request = provider(&ask).parked(&handle, now).await?;
        let (_, session) = browser(&ask).await?;
        let again = format!("/sso/continue?request={handle}{}", chosen(&ask));
        let Some(session) = session else {
            return Ok(again);
        };
        Ok(match params.get("answer") {
            Some("yes") => match provider(&ask).agree(&request, &session, &ticked, now).await? {
                Next::Back(back) => back.address,
                Next::SignIn | Next::Consent => again,
            },
            _ => provider(&ask).decline(&request).address,
        })
    };
    match done.await {
        Ok(address) => Ok(go(&address)),
        Err(error) => refused(&ask, &error),
    }
}

pub async fn logout(ask: Ask) -> Answered {
    let posted = ask.http.method() == actix_web::http::Method::POST;
    let pairs = if posted {
        ask.form().unwrap_or_default()
    } else {
        ask.query()
    };
    let told = async {
        let params = Params::new(pairs.clone())?;
        let (name, session) = browser(&ask).await?;
        let leaving = provider(&ask).leaving(&params, session.as_ref()).await?;
        Ok((name, session, leaving))
    };
    let (name, session, leaving) = match told.await {
        Ok(told) => told,
        Err(error) => return refused(&ask, &error),
    };
    match (session, name) {
        (Some(session), Some(_)) if leaving.certain => leave(&ask, &session, leaving.back).await,
        (Some(_), Some(name)) => {
            let frame = frame(&ask.http);
            let slip = Slip {
                handle: String::new(),
                token: form_token(&name, LEAVING),
            };
            let carried: Vec<_> = pairs.into_iter().filter(|(n, _)| n != "form" && n != "lang").collect();
            let page = portal::sign_out(&frame, &slip, &carried);
            html(StatusCode::OK, &frame, page, leaving.back.as_deref())
        }
        _ => left(&ask, leaving.back),
    }
}

pub async fn sign_out(ask: Ask) -> Answered {
    let told = async {
        let params = form(&ask)?;
        ours(&ask, &params, Some(LEAVING))?;
        let (_, session) = browser(&ask).await?;
        let leaving = provider(&ask).leaving(&params, session.as_ref()).await?;
        Ok((session, leaving.back))
    };
    match told.await {
        Ok((Some(session), back)) => leave(&ask, &session, back).await,
        Ok((None, back)) => left(&ask, back),
        Err(error) => refused(&ask, &error),
    }
}

async fn leave(ask: &Ask, session: &Session, back: Option<String>) -> Answered {
    match provider(ask).sign_out(session, ask.worker.hub.clock.now()).await {
        Ok(notices) => {
            ask.worker.hub.back_channel.tell(notices);
            left(ask, back)
        }
        Err(error) => refused(ask, &error),
    }
}

/// Nobody is signed in any more; on to where the client wants the browser, else a page that says so.
fn left(ask: &Ask, back: Option<String>) -> Answered {
    let mut answer = match back {
        Some(address) => go(&address),
        None => {
            let frame = frame(&ask.http);
            html(StatusCode::OK, &frame, portal::signed_out(&frame), None)?
        }
    };
    put(&mut answer, "set-cookie", &cookie::removed(&ask.worker.hub.base));
    Ok(answer)
}

/// The browser's name, and who is signed in there.
pub(super) async fn browser(ask: &Ask) -> Result<(Option<String>, Option<Session>), OauthError> {
    let hub = &ask.worker.hub;
    let Some(name) = cookie::read(&ask.http, &hub.base) else {
        return Ok((None, None));
    };
    let session = provider(ask).session(&name, hub.clock.now()).await?;
    Ok((Some(name), session))
}

/// The browser's name and the request's handle, if the form is one that this browser got from us.
pub(super) fn ours(ask: &Ask, params: &Params, about: Option<&str>) -> Result<(String, String), OauthError> {
    let strange = || {
        OauthError::request(
            "表单已失效，请回到应用重新登录",
            "this form is not good any more: go back to the app and begin again",
        )
    };
    let name = cookie::read(&ask.http, &ask.worker.hub.base).ok_or_else(strange)?;
    let handle = about.or(params.get("request")).ok_or_else(strange)?.to_owned();
    let token = params.get("form").ok_or_else(strange)?;
    if ct_eq(token.as_bytes(), form_token(&name, &handle).as_bytes()) {
        Ok((name, handle))
    } else {
        Err(strange())
    }
}

fn fresh() -> Result<String, Problem> {
    let bytes = random::<32>().map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    Ok(base64_url(&bytes))
}

/// On to an address with GET, whatever was sent (RFC 9700, 4.12), and without telling where from.
pub(super) fn go(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header(("location", address))
        .insert_header(("cache-control", "no-store"))
        .insert_header(("referrer-policy", "no-referrer"))
        .finish()
}

pub(super) fn refused(ask: &Ask, error: &OauthError) -> Answered {
    if let Some(inner) = &error.inner {
        tracing::warn!(request_id = %ask.voice.request_id, code = error.code.as_str(), inner = %inner, "a sign-in failed");
    } else {
        tracing::info!(request_id = %ask.voice.request_id, code = error.code.as_str(), why = %error.text.en, "a sign-in was refused");
    }
    // What was refused is not repeated, not even in the link to the other language.
    let lang = ask.parameter("lang").map(|lang| ("lang".to_owned(), lang));
    let accept = ask.header("accept-language").unwrap_or_default();
    let frame = Frame::new("/", &Vec::from_iter(lang), accept).remembering(&cookies(&ask.http));
    let status = StatusCode::from_u16(error.code.status()).unwrap_or(StatusCode::BAD_REQUEST);
    html(status, &frame, portal::refused(&frame, &error.text), None)
}

/// A page of a sign-in: nobody keeps it, nobody frames it, and its forms lead to us and on to the client alone.
pub(super) fn html(status: StatusCode, frame: &Frame, page: askama::Result<String>, on_to: Option<&str>) -> Answered {
    // Browsers hold the redirects after a form against its policy too.
    let target = on_to.and_then(origin).map(|o| format!("form-action 'self' {o}"));
    let policy = target.map_or_else(|| POLICY.to_owned(), |t| POLICY.replace("form-action 'self'", &t));
    guarded(status, frame, page, policy)
}

/// A page whose one form is for somebody else, who may send the person on to wherever they sign people in.
pub(super) fn onward(frame: &Frame, page: askama::Result<String>) -> Answered {
    let policy = POLICY.replace("form-action 'self'", "form-action *");
    guarded(StatusCode::OK, frame, page, policy)
}

fn guarded(status: StatusCode, frame: &Frame, page: askama::Result<String>, policy: String) -> Answered {
    let page = page.map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let mut answer = HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header(("content-language", frame.tag()))
        .insert_header(("content-security-policy", policy))
        .insert_header(("x-frame-options", "DENY"))
        .insert_header(("referrer-policy", "no-referrer"))
        .insert_header(("cache-control", "no-store"))
        .insert_header(("vary", "accept-language, cookie"))
        .body(page);
    remember(&mut answer, frame);
    Ok(answer)
}

/// Nobody is signed in, on a page that is about a person.
pub(super) fn nobody() -> OauthError {
    OauthError::request(
        "您没有登录。请先从应用登录，再打开此页",
        "you are not signed in: sign in from an app, then open this page",
    )
}

/// The frame of a page.
pub(super) fn frame_of(ask: &Ask) -> Frame {
    frame(&ask.http)
}

/// What a policy calls the place of an address.
fn origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let origin = url.origin();
    let text = if origin.is_tuple() {
        origin.ascii_serialization()
    } else {
        format!("{}:", url.scheme())
    };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"+-.:/[]".contains(&b);
    text.bytes().all(plain).then_some(text)
}

/// What a person is told of where an address leads.
fn place(address: &str) -> String {
    let url = Url::parse(address).ok();
    let host = url.as_ref().and_then(|u| u.host_str().map(str::to_owned));
    host.or_else(|| url.map(|u| u.scheme().to_owned())).unwrap_or_default()
}

pub(super) fn put(answer: &mut HttpResponse, name: &'static str, value: &str) {
    use actix_web::http::header::{HeaderName, HeaderValue};
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().append(HeaderName::from_static(name), value);
    }
}
