//! Who calls the simulated city: credentials, sessions and signatures, checked as the real system would.

use super::incoming::Incoming;
use crate::connector::Connector;
use crate::context::ServerContext;
use crate::dialect::usernametoken;
use crate::digest_auth;
use crate::error::Failure;
use crate::manifest::model::Place;
use crate::mapping::decode::Source;
use crate::mapping::template::{Piece, Template};
use crate::parts::Parts;
use crate::plan::Plan;
use crate::sign::Given;
use crate::wiring::code_text;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::{RawRequest, RawResponse};
use hub_crypto::{Digest, ct_eq};
use std::collections::BTreeMap;

/// Everything that must be right before the business looks at a request.
pub(super) fn check(
    connector: &Connector,
    plan: &Plan,
    parts: &Parts,
    incoming: &Incoming<'_>,
    context: &ServerContext<'_>,
) -> Result<(), Failure> {
    basic(plan, parts, context)?;
    let session = session_values(connector, context);
    if plan.session {
        cookies(connector, parts, &session)?;
    }
    credentials(connector, plan, parts, context, Some(&session))?;
    if let Some(wsse) = &plan.wsse {
        let user = credential(&wsse.user, context, None).ok_or(Failure::Refused)?;
        let password = credential(&wsse.password, context, None).ok_or(Failure::Refused)?;
        if !usernametoken::verify(&parts.head, &user, &password) {
            return Err(Failure::Refused);
        }
    }
    if let Some(rule) = connector.wiring.xml_sign(plan.sends).filter(|_| plan.has_body()) {
        let text = connector
            .wiring
            .charset
            .decode(&incoming.request.body)
            .map_err(|_| Failure::Refused)?;
        rule.check(&text, &rule.secret, context.secrets)
            .map_err(|_| Failure::Refused)?;
    }
    if let Some(recipe) = connector.wiring.sign.as_ref().filter(|_| plan.signed) {
        let message = incoming.message(plan, parts);
        let body = incoming.signed_body(plan);
        with_given(connector, context, |given| {
            recipe.verify(&message, given, &|_| Some(body.clone()))
        })
        .map_err(|_| Failure::Refused)?;
    }
    Ok(())
}

/// The question to whoever has not proved to know the password.
pub(super) fn digest(connector: &Connector, request: &RawRequest, context: &ServerContext<'_>) -> Option<RawResponse> {
    let (user, password) = connector.wiring.digest.as_ref()?;
    let known = |template| credential(template, context, None).unwrap_or_default();
    let (user, password, now) = (known(user), known(password), context.now.as_second());
    let stale = digest_auth::verify(request, &user, &password, now).err()?;
    Some(RawResponse {
        status: 401,
        headers: digest_auth::ask(&password, now, stale),
        body: Vec::new(),
    })
}

/// Runs with what recipes are handed, on this side.
pub(super) fn with_given<T>(
    connector: &Connector,
    context: &ServerContext<'_>,
    run: impl FnOnce(&Given<'_>) -> T,
) -> T {
    let session = session_values(connector, context);
    run(&Given {
        now: context.now,
        // The city has no randomness of its own; it guards nothing.
        random: [7; 32],
        secrets: context.secrets,
        session: &session,
        charset: connector.wiring.charset,
    })
}

/// A credential's text; `None` if it is made of something that the server cannot know.
pub(crate) fn credential(
    template: &Template,
    context: &ServerContext<'_>,
    session: Option<&BTreeMap<String, String>>,
) -> Option<String> {
    let pieces = match template {
        Template::Constant(_) => return template.constant_text(),
        Template::Expression(_) => return None,
        Template::Pieces(pieces) => pieces,
    };
    let mut text = String::new();
    for piece in pieces {
        text.push_str(&known(piece, context, session)?);
    }
    Some(text)
}

fn known(piece: &Piece, context: &ServerContext<'_>, session: Option<&BTreeMap<String, String>>) -> Option<String> {
    Some(match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Secret(name) => context.secrets.get(name)?,
        Piece::Session(name) => session?.get(name)?.clone(),
        Piece::Base64(inner) => STANDARD.encode(known(inner, context, session)?),
        _ => return None,
    })
}

/// Values of `send` that hold secrets or session values must be the right ones.
pub(super) fn credentials(
    connector: &Connector,
    plan: &Plan,
    parts: &Parts,
    context: &ServerContext<'_>,
    session: Option<&BTreeMap<String, String>>,
) -> Result<(), Failure> {
    let jwt = connector.wiring.jwt.as_deref();
    for item in plan.send.iter().filter(|i| i.value.is_credential()) {
        if let (Some((before, after)), Some(jwt)) = (crate::jwt::around(&item.value), jwt) {
            let known = |template: &Template| credential(template, context, session);
            let place = item.spot.place.unwrap_or(Place::Frame);
            let found = parts.get(place, &item.spot.path).as_ref().and_then(code_text);
            let token = found.as_deref().and_then(|found| {
                let rest = found.strip_prefix(known(&before)?.as_str())?;
                rest.strip_suffix(known(&after)?.as_str())
            });
            if !token.is_some_and(|token| jwt.verify(token, context.now, context.secrets, &known)) {
                return Err(Failure::Refused);
            }
            continue;
        }
        let Some(expected) = credential(&item.value, context, session) else {
            continue;
        };
        let place = item.spot.place.unwrap_or(Place::Frame);
        let found = parts
            .get(place, &item.spot.path)
            .as_ref()
            .and_then(code_text)
            .unwrap_or_default();
        if !ct_eq(found.as_bytes(), expected.trim().as_bytes()) {
            let of_session = item.value.session_values().next().is_some();
            return Err(if of_session { Failure::Session } else { Failure::Refused });
        }
    }
    Ok(())
}

/// HTTP Basic (RFC 7617).
pub(super) fn basic(plan: &Plan, parts: &Parts, context: &ServerContext<'_>) -> Result<(), Failure> {
    let Some((user, password)) = &plan.basic else {
        return Ok(());
    };
    let user = credential(user, context, None).ok_or(Failure::Refused)?;
    let password = credential(password, context, None).ok_or(Failure::Refused)?;
    let expected = crate::client::basic(&user, &password, plan.basic_form);
    let authorization = crate::mapping::path::Path::parse("Authorization");
    let found = parts
        .get(Place::Header, &authorization)
        .as_ref()
        .and_then(code_text)
        .unwrap_or_default();
    if ct_eq(found.as_bytes(), expected.as_bytes()) {
        Ok(())
    } else {
        Err(Failure::Refused)
    }
}

fn cookies(connector: &Connector, parts: &Parts, session: &BTreeMap<String, String>) -> Result<(), Failure> {
    let keep = connector
        .wiring
        .session
        .as_ref()
        .map(|s| s.keep.as_slice())
        .unwrap_or_default();
    for name in keep {
        let expected = session.get(name).map(String::as_str).unwrap_or_default();
        let good = parts
            .cookies
            .iter()
            .any(|(n, v)| n == name && ct_eq(v.as_bytes(), expected.as_bytes()));
        if !good {
            return Err(Failure::Session);
        }
    }
    Ok(())
}

/// The session a login gives, the same for all logins with the same credentials: the city keeps no memory of logins.
pub(super) fn session_values(connector: &Connector, context: &ServerContext<'_>) -> BTreeMap<String, String> {
    let Some(rules) = &connector.wiring.session else {
        return BTreeMap::new();
    };
    let mut seed = connector.system.to_string();
    for item in connector.login.iter().flat_map(|l| &l.send) {
        for name in item.value.secrets() {
            seed.push_str(&context.secrets.get(name).unwrap_or_default());
        }
    }
    let names = rules
        .read
        .iter()
        .map(|(n, _)| n.as_str())
        .chain(rules.keep.iter().map(String::as_str))
        .chain(rules.page.iter().map(|(n, _)| n.as_str()));
    names
        .map(|name| {
            let token = hub_crypto::hex(&hub_crypto::digest(Digest::Sha256, format!("{seed}/{name}").as_bytes()));
            (name.to_owned(), token.get(..32).unwrap_or(&token).to_owned())
        })
        .collect()
}
