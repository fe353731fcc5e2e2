//! An upstream's knock: verified, read, answered as its manual says.

use crate::charset::decode;
use crate::connector::{Connector, Event};
use crate::context::ServerContext;
use crate::dialect::{ReadError, json, pairs, soap, text_form, xml};
use crate::error::ConnectorError;
use crate::manifest::model::{Format, Place, Spot, TextForm};
use crate::mapping::bind::Bind;
use crate::mapping::decode::Decoder;
use crate::mapping::path::Path;
use crate::mapping::template::{Template, scalar_text};
use crate::message::Message;
use crate::sign::Given;
use crate::wiring::code_text;
use hub_core::{RawRequest, RawResponse};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How knocks are verified and read.
#[derive(Debug)]
pub(crate) struct CallbackRules {
    pub verify: Proof,
    pub format: Format,
    /// Whether fields stand in a text of the frame's kind.
    pub form: TextForm,
    pub case: Option<Path>,
    pub state: Option<Path>,
    pub time: Option<Path>,
    pub data: Path,
    /// Every field the system's rows know.
    pub binds: Vec<Bind>,
    pub answer: (Format, String),
    pub refuse: (Format, String),
}

/// What proves that a knock is the upstream's.
#[derive(Debug)]
pub(crate) enum Proof {
    Sign,
    Secret(Arc<Template>, Spot),
    None,
}

/// Verifies, reads and answers a knock.
pub(crate) fn receive(
    connector: &Connector,
    request: &RawRequest,
    context: &ServerContext<'_>,
) -> (Result<Event, ConnectorError>, RawResponse) {
    let Some(rules) = &connector.callback else {
        let error = ConnectorError::Callback("this system has no callback".to_owned());
        return (Err(error), reply(404, &(Format::Text, String::new())));
    };
    match read(connector, rules, request, context) {
        Ok(event) => (Ok(event), reply(200, &rules.answer)),
        Err(error) => (Err(error), reply(200, &rules.refuse)),
    }
}

fn reply(status: u16, (format, text): &(Format, String)) -> RawResponse {
    let content_type = match format {
        Format::Json => "application/json",
        Format::Xml | Format::Soap => "text/xml; charset=UTF-8",
        _ => "text/plain; charset=UTF-8",
    };
    RawResponse {
        status,
        headers: vec![("Content-Type".to_owned(), content_type.to_owned())],
        body: text.clone().into_bytes(),
    }
}

fn read(
    connector: &Connector,
    rules: &CallbackRules,
    request: &RawRequest,
    context: &ServerContext<'_>,
) -> Result<Event, ConnectorError> {
    let unreadable = |e: ReadError| ConnectorError::Callback(format!("its body cannot be read: {e}"));
    let message = message_of(connector, rules, request).map_err(unreadable)?;
    verify(connector, rules, &message, request, context)?;
    let query = pairs::to_tree(message.query.clone());
    let tree = if message.body.is_null() { &query } else { &message.body };
    let data = rules.data.get(tree).cloned().unwrap_or(Value::Null);
    let data = text_form::read(&data, rules.form).map_err(unreadable)?.tree;
    let case = rules
        .case
        .as_ref()
        .ok_or_else(|| ConnectorError::Callback("it names no matter".to_owned()))?;
    event(
        &rules.binds,
        case,
        rules.state.as_ref(),
        rules.time.as_ref(),
        tree,
        &data,
    )
}

/// An event from its fields. Absolute paths start at `tree`, the others at `data`.
pub(crate) fn event(
    binds: &[Bind],
    case: &Path,
    state: Option<&Path>,
    time: Option<&Path>,
    tree: &Value,
    data: &Value,
) -> Result<Event, ConnectorError> {
    let mut decoder = Decoder::default();
    let values = decoder.decode(binds, data)?;
    let canonical = |path: &Path| {
        binds
            .iter()
            .filter(|b| b.path == *path)
            .find_map(|b| Some((b.field.to_string(), b.field.get(&values)?.clone())))
    };
    let raw = case.get(if case.absolute { tree } else { data }).and_then(code_text);
    let raw = raw.ok_or_else(|| ConnectorError::Callback("it names no matter".to_owned()))?;
    let named = canonical(case).and_then(|(name, value)| Some((name, scalar_text(&value)?)));
    let case = named.unwrap_or((case.to_string(), raw));
    let state = state.and_then(canonical);
    let at = time
        .and_then(|p| canonical(p).map(|(_, v)| v).or_else(|| p.get(data).cloned()))
        .and_then(|v| scalar_text(&v));
    Ok(Event {
        case,
        state,
        at,
        values: match values {
            Value::Object(map) => map,
            _ => serde_json::Map::new(),
        },
    })
}

fn message_of(connector: &Connector, rules: &CallbackRules, request: &RawRequest) -> Result<Message, ReadError> {
    let charset = connector.wiring.charset;
    let content_type = request.header("content-type");
    let text = decode(&request.body, Some(charset), content_type)
        .map_err(|e| ReadError::Broken(e.to_string()))?
        .text;
    let document = match rules.format {
        _ if text.trim().is_empty() => crate::dialect::Document::default(),
        Format::Form => pairs::read(&text, charset)?,
        Format::Xml => crate::dialect::Document::of(xml::below_root(xml::read(&text)?)),
        Format::Soap => soap::read(&text)?,
        Format::Multipart => pairs::read_multipart(&request.body, content_type.unwrap_or_default(), charset)?,
        _ => json::read(&text)?,
    };
    Ok(Message {
        method: request.method.clone(),
        path: request.path().to_owned(),
        query: crate::form::decode(request.query(), charset).map_err(|e| ReadError::Broken(e.to_string()))?,
        headers: request.headers.clone(),
        head: crate::parts::object(document.head),
        body: document.tree,
    })
}

fn verify(
    connector: &Connector,
    rules: &CallbackRules,
    message: &Message,
    request: &RawRequest,
    context: &ServerContext<'_>,
) -> Result<(), ConnectorError> {
    match &rules.verify {
        Proof::None => Ok(()),
        Proof::Sign => {
            let Some(recipe) = &connector.wiring.sign else {
                return Err(ConnectorError::Callback(
                    "the system has no signature to verify".to_owned(),
                ));
            };
            let none = BTreeMap::new();
            let given = Given {
                now: context.now,
                random: [0; 32],
                secrets: context.secrets,
                session: &none,
                charset: connector.wiring.charset,
            };
            recipe
                .verify(message, &given, &|_| Some(request.body.clone()))
                .map(|_| ())
                .map_err(|e| ConnectorError::Callback(e.to_string()))
        }
        Proof::Secret(template, spot) => {
            let expected = crate::server::credential(template, context, None)
                .ok_or_else(|| ConnectorError::Callback("the callback's secret is not set".to_owned()))?;
            let found = match spot.place {
                Some(Place::Header) => spot.path.only_name().and_then(|n| message.header(n)).map(str::to_owned),
                Some(Place::Query) => spot
                    .path
                    .only_name()
                    .and_then(|n| message.parameter(n))
                    .map(str::to_owned),
                _ => spot.path.get(&message.body).and_then(code_text),
            };
            let good = found.is_some_and(|f| hub_crypto::ct_eq(f.as_bytes(), expected.as_bytes()));
            good.then_some(())
                .ok_or_else(|| ConnectorError::Callback("the shared secret is not the right one".to_owned()))
        }
    }
}
