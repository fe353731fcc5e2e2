//! A request as it came, read in the formats of the plans it may be for.

use super::proof;
use crate::charset::decode;
use crate::connector::Connector;
use crate::context::ServerContext;
use crate::dialect::{self, Document, ReadError, json, pairs, record, soap, text_form, xml};
use crate::manifest::model::{Format, Place, Spot};
use crate::mapping::decode::Source;
use crate::mapping::template::Template;
use crate::message::Message;
use crate::parts::{Parts, object};
use crate::plan::Plan;
use crate::protobuf;
use crate::wiring::code_text;
use hub_core::RawRequest;
use serde_json::Value;

/// A request and what was read of it so far.
pub(super) struct Incoming<'r> {
    connector: &'r Connector,
    pub(super) request: &'r RawRequest,
    query: Vec<(String, String)>,
    cookies: Vec<(String, String)>,
    read: Vec<Read>,
    context: &'r ServerContext<'r>,
    /// The body without its seal, where bodies are sealed as a whole.
    plain: Option<Vec<u8>>,
}

/// The body in one format.
struct Read {
    format: Format,
    sealed: bool,
    document: Option<Document>,
    /// The content of the message with its seals opened.
    content: Option<Value>,
}

impl<'r> Incoming<'r> {
    pub fn new(connector: &'r Connector, request: &'r RawRequest, context: &'r ServerContext<'r>) -> Self {
        let query = crate::form::decode(request.query(), connector.wiring.charset).unwrap_or_default();
        let cookies = request
            .header("cookie")
            .unwrap_or_default()
            .split(';')
            .filter_map(|c| c.trim().split_once('='))
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        Self {
            connector,
            request,
            query,
            cookies,
            read: Vec::new(),
            context,
            plain: None,
        }
    }

    /// Whether any format could read it so far.
    pub fn is_readable(&self) -> bool {
        self.read.is_empty() || self.read.iter().any(|r| r.document.is_some())
    }

    /// The request's values by place, if it is for this plan.
    pub fn fits(&mut self, plan: &Plan) -> Option<Parts> {
        if plan.method != self.request.method {
            return None;
        }
        let path = plan.path.matches(self.request.path())?;
        if !plan.query.iter().all(|constant| self.query.contains(constant)) {
            return None;
        }
        let document = self.document(plan)?;
        if plan.sends == Format::Soap && plan.has_body() && document.element.as_deref() != Some(plan.element()) {
            return None;
        }
        if plan.sends == Format::Xml
            && plan.has_body()
            && document.element.as_deref() != Some(local(plan.document_root()))
        {
            return None;
        }
        let content = self.content(plan)?;
        let mut parts = Parts {
            fields: content.clone(),
            outer: content,
            query: self.query.clone(),
            headers: self.request.headers.clone(),
            cookies: self.cookies.clone(),
            path: path.into_iter().collect(),
            head: document.head.clone(),
        };
        if !self.is_code(plan, &parts) || contradicts(plan, &parts) {
            return None;
        }
        if let Some(spot) = &plan.frame.body {
            parts.fields = self.fields(plan, spot, &parts)?;
        } else if !plan.has_body() || plan.sends == Format::Form {
            dialect::expand(&mut parts.fields, &plan.request);
        }
        Some(parts)
    }

    fn is_code(&self, plan: &Plan, parts: &Parts) -> bool {
        match (&plan.frame.code, &plan.code) {
            (Some(spot), Some(code)) => {
                let place = spot.place.unwrap_or(Place::Frame);
                parts.get(place, &spot.path).as_ref().and_then(code_text).as_deref() == Some(code)
            }
            _ => true,
        }
    }

    fn fields(&self, plan: &Plan, spot: &Spot, parts: &Parts) -> Option<Value> {
        let place = spot.place.unwrap_or(Place::Frame);
        let held = parts.get(place, &spot.path).unwrap_or(Value::Null);
        let form = plan.frame.form.unwrap_or_default();
        let document = text_form::read(&held, form).ok()?;
        // XML in a text keeps its root; the rows stand below it.
        Some(if document.element.is_some() {
            xml::below_root(document)
        } else {
            document.tree
        })
    }

    fn document(&mut self, plan: &Plan) -> Option<Document> {
        if !plan.has_body() {
            return Some(Document::of(pairs::to_tree(self.query.clone())));
        }
        if !self.read.iter().any(|r| r.is_for(plan)) {
            let document = self.parse(plan).ok();
            let content = document.clone().and_then(|d| self.opened(plan, d));
            self.read.push(Read {
                format: plan.sends,
                sealed: plan.sealed,
                document,
                content,
            });
        }
        self.read.iter().find(|r| r.is_for(plan))?.document.clone()
    }

    /// What rows see: the content of the message with its seals opened. `None` if they cannot be.
    fn content(&self, plan: &Plan) -> Option<Value> {
        if !plan.has_body() {
            return Some(pairs::to_tree(self.query.clone()));
        }
        self.read.iter().find(|r| r.is_for(plan))?.content.clone()
    }

    fn opened(&self, plan: &Plan, document: Document) -> Option<Value> {
        let content = content(plan, document);
        let Some(seal) = self.connector.wiring.seal.as_ref().filter(|_| plan.sealed) else {
            return Some(content);
        };
        let mut message = Message {
            headers: self.request.headers.clone(),
            query: self.query.clone(),
            body: content,
            ..Message::default()
        };
        proof::with_given(self.connector, self.context, |given| seal.open(&mut message, given)).ok()?;
        Some(message.body)
    }

    /// The bytes a signature covers.
    pub fn signed_body(&self, plan: &Plan) -> Vec<u8> {
        let seal = self.connector.wiring.seal.as_ref().filter(|_| plan.sealed);
        let plain = self.plain.as_ref().filter(|_| seal.is_some_and(|s| s.signs_plain));
        plain.unwrap_or(&self.request.body).clone()
    }

    fn unsealed(&mut self, plan: &Plan) -> Result<Vec<u8>, ReadError> {
        let seal = self.connector.wiring.seal.as_ref().filter(|_| plan.sealed);
        let Some(seal) = seal.filter(|s| s.is_whole()) else {
            return Ok(self.request.body.clone());
        };
        let message = Message {
            headers: self.request.headers.clone(),
            query: self.query.clone(),
            ..Message::default()
        };
        let body = &self.request.body;
        let plain = proof::with_given(self.connector, self.context, |given| {
            seal.open_bytes(body, &message, given)
        })
        .map_err(|e| ReadError::Broken(e.to_string()))?;
        self.plain = Some(plain.clone());
        Ok(plain)
    }

    fn parse(&mut self, plan: &Plan) -> Result<Document, ReadError> {
        let body = self.unsealed(plan)?;
        let format = plan.sends;
        let charset = self.connector.wiring.charset;
        let content_type = self.request.header("content-type");
        if format == Format::Multipart {
            return pairs::read_multipart(&body, content_type.unwrap_or_default(), charset);
        }
        match format {
            Format::Protobuf => return protobuf::read(&body, plan.messages()?),
            Format::Fixed | Format::Piped => {
                let layout = plan.frame.layout.clone().unwrap_or_default();
                return record::read(&body, &layout, format, charset);
            }
            _ => {}
        }
        let text = decode(&body, Some(charset), content_type)
            .map_err(|e| ReadError::Broken(e.to_string()))?
            .text;
        match format {
            Format::Json => json::read(&text),
            Format::Form => pairs::read(&text, charset),
            Format::Xml => xml::read(&text),
            Format::Soap => soap::read(&text),
            _ => Ok(Document::of(Value::from(text))),
        }
    }

    /// The content as it came, where that is what signatures cover.
    fn signed_content(&self, plan: &Plan) -> Option<Value> {
        self.connector
            .wiring
            .seal
            .as_ref()
            .filter(|seal| plan.sealed && !seal.signs_plain)?;
        let read = self.read.iter().find(|r| r.is_for(plan))?;
        Some(content(plan, read.document.clone()?))
    }

    /// The message as it was signed.
    pub fn message(&self, plan: &Plan, parts: &Parts) -> Message {
        Message {
            method: self.request.method.clone(),
            path: self.request.path().to_owned(),
            query: self.query.clone(),
            headers: self.request.headers.clone(),
            head: object(parts.head.clone()),
            body: if plan.has_body() {
                self.signed_content(plan).unwrap_or_else(|| parts.outer.clone())
            } else {
                Value::Null
            },
        }
    }
}

impl Read {
    fn is_for(&self, plan: &Plan) -> bool {
        self.format == plan.sends && self.sealed == plan.sealed
    }
}

/// The content of a message: of XML what stands below the root.
fn content(plan: &Plan, document: Document) -> Value {
    if plan.sends == Format::Xml {
        xml::below_root(document)
    } else {
        document.tree
    }
}

/// A constant that the request carries with another value: two operations on one path may differ by such a one alone.
pub(crate) fn contradicts(plan: &Plan, parts: &Parts) -> bool {
    plan.send.iter().any(|item| {
        let Template::Constant(constant) = &*item.value else {
            return false;
        };
        let place = item.spot.place.unwrap_or(Place::Frame);
        if place == Place::Body && plan.frame.body.is_some() {
            return false;
        }
        match (
            parts.get(place, &item.spot.path).as_ref().and_then(code_text),
            code_text(constant),
        ) {
            (Some(found), Some(expected)) => found != expected,
            _ => false,
        }
    })
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}
