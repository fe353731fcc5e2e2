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
use crate::seal::Seal;
use crate::sign::{Given, Recipe};
use crate::wiring::code_text;
use hub_core::time::Timestamp;
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
    /// Which state may follow which, if the manifest says it.
    pub steps: BTreeMap<String, Vec<String>>,
    /// States in the order of the table of codes, where the manifest says nothing.
    pub order: Vec<String>,
    /// The operation that tells how a matter stands, and how often to ask, in milliseconds.
    pub poll: Option<(String, u64)>,
    /// Canonical field of the state.
    pub state_field: Option<String>,
}

impl CallbackRules {
    /// Whether a matter can come from one state to another. Where neither steps nor an order of codes is known, it can.
    pub fn follows(&self, from: &str, to: &str) -> bool {
        if from == to {
            return false;
        }
        if self.steps.is_empty() {
            let place = |state: &str| self.order.iter().position(|s| s == state);
            return match (place(from), place(to)) {
                (Some(from), Some(to)) => from < to,
                _ => true,
            };
        }
        // News may have been lost in between, so any number of steps will do.
        let (mut reached, mut next) = (vec![from], 0);
        while let Some(state) = reached.get(next).copied() {
            next += 1;
            for step in self.steps.get(state).into_iter().flatten() {
                if step == to {
                    return true;
                }
                if !reached.contains(&step.as_str()) {
                    reached.push(step);
                }
            }
        }
        false
    }
}

/// What proves that a knock is the upstream's.
#[derive(Debug)]
pub(crate) enum Proof {
    /// By its own recipe, or by the system's.
    Sign(Option<Box<Recipe>>),
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
        // Not 2xx: who goes by the status would take it for delivered and never send it again.
        Err(error @ ConnectorError::Callback(_)) => (Err(error), reply(401, &rules.refuse)),
        Err(error) => (Err(error), reply(400, &rules.refuse)),
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
    let opened = whole(connector, request, context)?;
    let message = message_of(connector, rules, opened.as_ref().unwrap_or(request)).map_err(unreadable)?;
    let message = proven(connector, rules, message, (request, opened.as_ref()), context)?;
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
        (tree, &data),
        context.now,
    )
}

/// An event from its fields. Absolute paths start at `tree`, the others at `data`.
pub(crate) fn event(
    binds: &[Bind],
    case: &Path,
    state: Option<&Path>,
    time: Option<&Path>,
    (tree, data): (&Value, &Value),
    now: Timestamp,
) -> Result<Event, ConnectorError> {
    let mut decoder = Decoder::at(now);
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

fn seal_of(connector: &Connector) -> Option<Seal> {
    connector.wiring.seal.as_ref().map(Seal::of_knock)
}

fn with_given<T>(connector: &Connector, context: &ServerContext<'_>, run: impl FnOnce(&Given<'_>) -> T) -> T {
    run(&Given {
        now: context.now,
        random: [0; 32],
        secrets: context.secrets,
        session: &BTreeMap::new(),
        charset: connector.wiring.charset,
    })
}

/// The knock with its body opened, where bodies are sealed as a whole.
fn whole(
    connector: &Connector,
    request: &RawRequest,
    context: &ServerContext<'_>,
) -> Result<Option<RawRequest>, ConnectorError> {
    let Some(seal) = seal_of(connector).filter(Seal::is_whole) else {
        return Ok(None);
    };
    let message = Message {
        headers: request.headers.clone(),
        ..Message::default()
    };
    let body = with_given(connector, context, |given| {
        seal.open_bytes(&request.body, &message, given)
    })
    .map_err(|e| ConnectorError::Callback(e.to_string()))?;
    Ok(Some(RawRequest {
        body,
        ..request.clone()
    }))
}

/// The message verified, and opened where the system's bodies are sealed.
fn proven(
    connector: &Connector,
    rules: &CallbackRules,
    mut message: Message,
    (request, opened): (&RawRequest, Option<&RawRequest>),
    context: &ServerContext<'_>,
) -> Result<Message, ConnectorError> {
    let seal = seal_of(connector);
    let signs_plain = seal.as_ref().is_some_and(|s| s.signs_plain);
    if !signs_plain {
        verify(connector, rules, &message, request, context)?;
    }
    if let Some(seal) = seal {
        with_given(connector, context, |given| seal.open(&mut message, given))
            .map_err(|e| ConnectorError::Callback(e.to_string()))?;
    }
    if signs_plain {
        verify(connector, rules, &message, opened.unwrap_or(request), context)?;
    }
    Ok(message)
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
        Proof::Sign(own) => {
            let Some(recipe) = own.as_deref().or(connector.wiring.sign.as_ref()) else {
                return Err(ConnectorError::Callback(
                    "the system has no signature to verify".to_owned(),
                ));
            };
            with_given(connector, context, |given| {
                recipe.verify(message, given, &|_| Some(request.body.clone()))
            })
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
