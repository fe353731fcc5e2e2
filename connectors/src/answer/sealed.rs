//! Answers that are signed, sealed, or both: verified and opened before anything is read from them.

use super::Reading;
use super::failure::failure;
use crate::context::Context;
use crate::dialect::Document;
use crate::error::ConnectorError;
use crate::message::Message;
use crate::plan::Plan;
use crate::seal::{Seal, SealError};
use crate::sign::{Given, Recipe};
use crate::wiring::Wiring;
use hub_core::RawResponse;
use std::collections::BTreeMap;

fn rule<'w>(plan: &Plan, wiring: &'w Wiring) -> Option<&'w Seal> {
    wiring.seal.as_ref().filter(|_| plan.sealed).and_then(Seal::answer)
}

/// Runs with what recipes are handed.
fn with_given<T>(wiring: &Wiring, context: &Context<'_>, run: impl FnOnce(&Given<'_>) -> T) -> T {
    let none = BTreeMap::new();
    run(&Given {
        now: context.now,
        random: context.random,
        secrets: context.secrets,
        session: context.session.map_or(&none, |s| &s.values),
        charset: wiring.charset,
    })
}

/// The answer with its body opened, where bodies are sealed as a whole. Failures of HTTP may come without a seal.
pub(super) fn whole(
    plan: &Plan,
    wiring: &Wiring,
    response: &RawResponse,
    context: &Context<'_>,
) -> Result<Option<RawResponse>, ConnectorError> {
    let Some(seal) = rule(plan, wiring).filter(|s| s.is_whole()) else {
        return Ok(None);
    };
    let message = Message {
        headers: response.headers.clone(),
        ..Message::default()
    };
    match with_given(wiring, context, |given| {
        seal.open_bytes(&response.body, &message, given)
    }) {
        Ok(body) => Ok(Some(RawResponse {
            body,
            ..response.clone()
        })),
        Err(_) if !(200..300).contains(&response.status) => Ok(None),
        Err(error) => Err(unopened(&error)),
    }
}

/// The document with its signature verified and its sealed parts opened.
pub(super) fn opened(
    plan: &Plan,
    wiring: &Wiring,
    response: &RawResponse,
    unsealed: Option<&RawResponse>,
    document: Document,
    context: &Context<'_>,
) -> Result<Document, ConnectorError> {
    xml_signed(plan, wiring, unsealed.unwrap_or(response), context)?;
    let seal = rule(plan, wiring);
    let signs_plain = seal.is_some_and(|s| s.signs_plain);
    let signed = if signs_plain {
        unsealed.unwrap_or(response)
    } else {
        response
    };
    if !signs_plain {
        verify(plan, wiring, (response, &document), signed, context)?;
    }
    let Some(seal) = seal else { return Ok(document) };
    let mut message = Message {
        headers: response.headers.clone(),
        body: document.tree,
        ..Message::default()
    };
    with_given(wiring, context, |given| seal.open(&mut message, given)).map_err(|e| unopened(&e))?;
    let document = Document {
        tree: message.body,
        ..document
    };
    if signs_plain {
        verify(plan, wiring, (response, &document), signed, context)?;
    }
    Ok(document)
}

/// The XML signature of an answer, where answers have one.
fn xml_signed(
    plan: &Plan,
    wiring: &Wiring,
    response: &RawResponse,
    context: &Context<'_>,
) -> Result<(), ConnectorError> {
    let rule = wiring.xml_sign(plan.answers).filter(|rule| rule.answers);
    let Some(rule) = rule.filter(|_| (200..300).contains(&response.status)) else {
        return Ok(());
    };
    let wrong = |what: String| ConnectorError::Unreadable {
        what,
        effect_unknown: false,
    };
    let text = wiring
        .charset
        .decode(&response.body)
        .map_err(|e| wrong(e.to_string()))?;
    rule.check(&text, rule.theirs(), context.secrets)
        .map_err(|e| wrong(e.to_string()))
}

/// The signature of an answer, where the manifest says that answers are signed. Failures may go without one, by their
/// status or by their code; a success never.
fn verify(
    plan: &Plan,
    wiring: &Wiring,
    (response, document): (&RawResponse, &Document),
    signed: &RawResponse,
    context: &Context<'_>,
) -> Result<(), ConnectorError> {
    let recipe = wiring.sign.as_ref().filter(|_| plan.signed).and_then(Recipe::answer);
    let Some(recipe) = recipe.filter(|_| (200..300).contains(&response.status)) else {
        return Ok(());
    };
    let message = Message {
        headers: signed.headers.clone(),
        body: document.tree.clone(),
        ..Message::default()
    };
    if recipe.is_unsigned(&message)
        && let Some(error) = coded_failure(plan, response, document)
    {
        return Err(error);
    }
    with_given(wiring, context, |given| {
        recipe.verify(&message, given, &|_| Some(signed.body.clone()))
    })
    .map(|_| ())
    .map_err(|error| ConnectorError::Unreadable {
        what: format!("its signature: {error}"),
        effect_unknown: false,
    })
}

/// The failure that an answer says by a code of its own; it is told without looking any further.
fn coded_failure(plan: &Plan, response: &RawResponse, document: &Document) -> Option<ConnectorError> {
    let reading = Reading {
        response,
        document: document.clone(),
    };
    reading.code(plan)?;
    failure(plan, &reading).filter(|error| matches!(error, ConnectorError::Failed { .. }))
}

fn unopened(error: &SealError) -> ConnectorError {
    ConnectorError::Unreadable {
        what: error.to_string(),
        effect_unknown: false,
    }
}
