//! A compiled connector and its public face.

use crate::context::{Context, ServerContext};
use crate::dialogue::Dialogue;
use crate::error::ConnectorError;
use crate::settings::{Availability, Origin, Settings};
use crate::step::Step;
use hub_catalog::{Catalog, Document};
use hub_core::ports::{Answer, Call};
use hub_core::{Finding, Operation, Problem, RawRequest, RawResponse, SystemId, Text};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A manifest checked against its contract, ready to translate calls both ways.
#[derive(Debug)]
pub struct Connector {
    system: SystemId,
    settings: Settings,
    lines: usize,
}

/// What compiling a manifest gives.
#[derive(Debug)]
pub struct Compiled {
    /// The connector.
    pub connector: Connector,
    /// Findings that do not hinder.
    pub notes: Vec<Finding>,
    /// Lines of the manifest that are neither empty nor comment.
    pub lines: usize,
}

/// An upstream's knock, verified and read.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// The number by which the matter is found, and the canonical field it is.
    pub case: (String, String),
    /// The new state and its canonical field, if the callback says it.
    pub state: Option<(String, Value)>,
    /// When it changed, RFC 3339, if the callback says it.
    pub at: Option<String>,
    /// All canonical fields it carries.
    pub values: Map<String, Value>,
}

/// Who answers the simulated city's calls: the operation and its canonical input in, the canonical answer out.
pub type Handler<'h> = dyn FnMut(&Arc<Operation>, Map<String, Value>) -> Result<Answer, Problem> + 'h;

impl Connector {
    /// Checks a manifest against the contract and makes it ready.
    ///
    /// # Errors
    /// Everything that is wrong, one finding a cause.
    pub fn compile(_document: &Document, _catalog: &Catalog, _origin: Origin) -> Result<Compiled, Vec<Finding>> {
        Err(Vec::new())
    }

    /// The system it binds.
    #[must_use]
    pub fn system(&self) -> &SystemId {
        &self.system
    }

    /// How it may be called.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Lines of its manifest that are neither empty nor comment.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Whether an operation answers live, by its key.
    #[must_use]
    pub fn available(&self, _key: &str) -> Availability {
        Availability::NotYet {
            reason: Text::default(),
        }
    }

    /// Whether there is an operation that tells if a call of this one arrived (`unsure: {ask: …}`).
    #[must_use]
    pub fn can_ask(&self, _key: &str) -> bool {
        false
    }

    /// The input field that makes a repeated call harmless for the upstream (`key: order_no`).
    #[must_use]
    pub fn key_field(&self, _key: &str) -> Option<&str> {
        None
    }

    /// Starts a call.
    ///
    /// # Errors
    /// Whatever hinders before anything is sent.
    pub fn begin(&self, call: &Call, _context: &Context<'_>) -> Result<Step, ConnectorError> {
        Err(ConnectorError::NotConnected {
            key: call.operation.key().to_owned(),
            reason: Text::default(),
        })
    }

    /// Starts asking whether an earlier call arrived. `Done` is the call's own answer; the error
    /// [`ConnectorError::is_not_found`] means that it did not arrive.
    ///
    /// # Errors
    /// Also when there is nobody to ask.
    pub fn begin_ask(&self, call: &Call, context: &Context<'_>) -> Result<Step, ConnectorError> {
        self.begin(call, context)
    }

    /// Goes on after an answer.
    ///
    /// # Errors
    /// What the upstream's answer means, if it is no success.
    pub fn resume(
        &self,
        dialogue: Dialogue,
        _response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        self.begin(dialogue.call(), context)
    }

    /// Answers an upstream request as the system would, with `handler` in the place of its business.
    #[must_use]
    pub fn serve(
        &self,
        _request: &RawRequest,
        _context: &ServerContext<'_>,
        _handler: &mut Handler<'_>,
    ) -> RawResponse {
        RawResponse::default()
    }

    /// Verifies and reads an upstream's knock. The second value is what to answer it, either way.
    pub fn callback(
        &self,
        _request: &RawRequest,
        _context: &ServerContext<'_>,
    ) -> (Result<Event, ConnectorError>, RawResponse) {
        (Err(ConnectorError::Callback("none".into())), RawResponse::default())
    }
}
