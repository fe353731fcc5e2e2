//! The course of one call: log in if need be, upload papers, act, log in again once if the session was lost.

use crate::answer::{AnswerSource, Verdict, judge, session};
use crate::client::Outgoing;
use crate::connector::Connector;
use crate::context::{Context, Session};
use crate::error::ConnectorError;
use crate::gather::{self, Gathered};
use crate::manifest::model::Lives;
use crate::mapping::bind::{Bind, Link};
use crate::mapping::decode::Decoder;
use crate::plan::Plan;
use crate::step::{Note, Purpose, Step};
use crate::values::Maker;
use crate::wiring::code_text;
use hub_core::ports::{Answer, Call};
use hub_core::{RawResponse, Returned, Text};
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call on its way, between a request and its answer.
#[derive(Debug, Clone)]
pub struct Dialogue {
    call: Call,
    input: Value,
    plan: Arc<Plan>,
    purpose: Purpose,
    stage: Stage,
    session: Option<Session>,
    /// One that has ended or was lost, from which another can perhaps be made without a login.
    stale: Option<Session>,
    fresh: bool,
    again: bool,
    papers: Vec<String>,
    uploaded: BTreeMap<String, String>,
    gathered: Gathered,
}

/// What was sent last.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Start,
    Login,
    Refresh,
    Upload(String),
    Act,
}

impl Dialogue {
    pub(crate) fn new(call: &Call, plan: Arc<Plan>, purpose: Purpose, context: &Context<'_>) -> Self {
        let input = Value::Object(call.input.clone());
        let mut papers = Vec::new();
        collect_papers(&plan.request, &input, &mut papers);
        Self {
            call: call.clone(),
            session: context.session.filter(|s| s.is_good(context.now)).cloned(),
            stale: context.session.filter(|s| !s.is_good(context.now)).cloned(),
            input,
            plan,
            purpose,
            stage: Stage::Start,
            fresh: false,
            again: false,
            papers,
            uploaded: BTreeMap::new(),
            gathered: Gathered::default(),
        }
    }

    /// The session made by this dialogue, to be kept at once: it is good even if the call itself fails.
    #[must_use]
    pub fn fresh_session(&self) -> Option<&Session> {
        self.session.as_ref().filter(|_| self.fresh)
    }

    /// The call it is about.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// What to send next.
    pub(crate) fn next(mut self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
        gather::affordable(&self.plan, &self.input)?;
        if self.plan.session
            && self.session.is_none()
            && let Some(login) = &connector.login
        {
            if let Some(refresh) = connector.refresh.as_ref().filter(|_| self.stale.is_some()) {
                let refresh = Arc::clone(refresh);
                self.stage = Stage::Refresh;
                return self.send(connector, &refresh, Purpose::Login, context);
            }
            let login = Arc::clone(login);
            self.stage = Stage::Login;
            return self.send(connector, &login, Purpose::Login, context);
        }
        if let Some(paper) = self.papers.iter().find(|p| !self.uploaded.contains_key(*p)).cloned()
            && let Some((upload, _)) = &connector.upload
        {
            let upload = Arc::clone(upload);
            self.stage = Stage::Upload(paper);
            return self.send(connector, &upload, Purpose::Upload, context);
        }
        self.stage = Stage::Act;
        let (plan, purpose) = (Arc::clone(&self.plan), self.purpose);
        self.send(connector, &plan, purpose, context)
    }

    fn send(
        self,
        connector: &Connector,
        plan: &Plan,
        purpose: Purpose,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let file = match &self.stage {
            Stage::Upload(id) => Some(
                context
                    .files
                    .get(id)
                    .ok_or_else(|| ConnectorError::FileMissing(id.clone()))?,
            ),
            _ => None,
        };
        let mut input = self.input.clone();
        if let (Some(datum), Some(contract)) = (plan.wire.coordinates, &plan.contract) {
            datum
                .encode_tree(&mut input, &contract.input)
                .map_err(|e| ConnectorError::Input {
                    place: String::new(),
                    expected: Text::same(e.expected),
                })?;
        }
        let request = Outgoing {
            plan,
            wiring: &connector.wiring,
            call: &self.call,
            input: &input,
            context,
            session: match self.stage {
                Stage::Refresh => self.stale.as_ref(),
                _ => self.session.as_ref(),
            },
            uploaded: &self.uploaded,
            file: file.as_ref(),
            turn: self.gathered.turns(),
        }
        .build()?;
        Ok(Step::Send {
            request: request.into(),
            purpose,
            dialogue: self,
        })
    }

    /// Goes on after an answer.
    pub(crate) fn resume(
        self,
        connector: &Connector,
        returned: &Returned,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let Some(response) = returned.http() else {
            return Err(ConnectorError::Manifest(
                "an answer by another transport than the request's".to_owned(),
            ));
        };
        match self.stage.clone() {
            Stage::Start => self.next(connector, context),
            Stage::Login => self.logged_in(connector, response, context),
            Stage::Refresh => self.refreshed(connector, response, context),
            Stage::Upload(paper) => self.uploaded(connector, &paper, response, context),
            Stage::Act => self.acted(connector, response, context),
        }
    }

    /// A renewal that fails is no failure: the login is still there.
    fn refreshed(
        mut self,
        connector: &Connector,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let old = self.stale.take();
        if let Some(refresh) = &connector.refresh {
            let wiring = &connector.wiring;
            let (verdict, document) = judge(refresh, wiring, response, context);
            if let Verdict::Good(data) = verdict
                && let Ok(session) = session(wiring, response, &document, &data, context.now, old.as_ref())
            {
                self.session = Some(session);
                self.fresh = true;
            }
        }
        self.next(connector, context)
    }

    fn logged_in(
        mut self,
        connector: &Connector,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let Some(login) = &connector.login else {
            return Err(ConnectorError::Manifest(
                "an answer to a login that was never sent".to_owned(),
            ));
        };
        let wiring = &connector.wiring;
        let (verdict, document) = judge(login, wiring, response, context);
        match verdict {
            Verdict::Good(data) => {
                self.session = Some(session(wiring, response, &document, &data, context.now, None)?);
                let once = wiring.session.as_ref().is_some_and(|s| s.lives == Lives::Once);
                self.fresh = !once;
                self.next(connector, context)
            }
            Verdict::Lost => Err(refused()),
            // Whatever a failed login says, it is the hub that was refused, not the citizen's matter.
            Verdict::Failed(ConnectorError::Failed {
                failure,
                upstream_code,
                message,
                ..
            }) => Err(ConnectorError::Failed {
                failure: match failure {
                    crate::Failure::Maintenance | crate::Failure::Busy | crate::Failure::Unavailable => failure,
                    _ => crate::Failure::Refused,
                },
                upstream_code,
                message,
                effect_unknown: false,
            }),
            Verdict::Failed(error) => Err(error),
        }
    }

    fn uploaded(
        mut self,
        connector: &Connector,
        paper: &str,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let Some((upload, rules)) = &connector.upload else {
            return Err(ConnectorError::Manifest(
                "an answer to an upload that was never sent".to_owned(),
            ));
        };
        let (verdict, document) = judge(upload, &connector.wiring, response, context);
        match verdict {
            Verdict::Good(data) => {
                let tree = if rules.read.absolute { &document } else { &data };
                let id = rules
                    .read
                    .get(tree)
                    .and_then(code_text)
                    .ok_or_else(|| ConnectorError::Misfit {
                        place: rules.read.to_string(),
                        expected: "the id of the uploaded paper".to_owned(),
                        got: "nothing".to_owned(),
                        effect_unknown: false,
                    })?;
                self.uploaded.insert(paper.to_owned(), id);
                self.next(connector, context)
            }
            Verdict::Lost => self.log_in_again(connector, context),
            Verdict::Failed(error) => Err(error),
        }
    }

    fn acted(
        mut self,
        connector: &Connector,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let effect = if self.purpose == Purpose::Ask {
            hub_core::Effect::None
        } else {
            self.plan.effect
        };
        let (verdict, document) = judge(&self.plan, &connector.wiring, response, context);
        match verdict {
            Verdict::Good(data) => {
                let source = AnswerSource {
                    data: &data,
                    document: &document,
                    response,
                };
                let (answer, notes) = self.answer(&source, context).map_err(|e| e.for_effect(effect))?;
                match self.gathered.take(&self.plan, &self.input, answer, notes) {
                    None => self.next(connector, context),
                    Some((answer, notes)) => Ok(Step::Done {
                        answer,
                        session: self.session.filter(|_| self.fresh),
                        notes,
                    }),
                }
            }
            Verdict::Lost => self.log_in_again(connector, context),
            Verdict::Failed(error) => Err(error.for_effect(effect)),
        }
    }

    /// Once: a session that is lost again right after a login is refused credentials.
    fn log_in_again(mut self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
        if self.again || self.fresh {
            return Err(refused());
        }
        self.again = true;
        self.stale = self.session.take();
        self.next(connector, context)
    }

    fn answer(&self, source: &AnswerSource<'_>, context: &Context<'_>) -> Result<(Answer, Vec<Note>), ConnectorError> {
        let plan = &self.plan;
        let mut decoder = Decoder::at(context.now);
        let mut body = Value::Null;
        if plan.has_output {
            body = decoder.decode(&plan.response, source)?;
            if let Some(paging) = &plan.paging
                && let Some(total) = paging.total(source.document, source.data, &self.input)
                && let Value::Object(map) = &mut body
            {
                map.entry(paging.names()[2].to_owned()).or_insert(Value::from(total));
            }
            self.give(&mut body, source, context)?;
            if let (Some(datum), Some(contract)) = (plan.wire.coordinates, &plan.contract) {
                datum
                    .decode_tree(&mut body, &contract.output)
                    .map_err(|e| ConnectorError::Misfit {
                        place: "coordinates".to_owned(),
                        expected: e.expected,
                        got: "something else".to_owned(),
                        effect_unknown: false,
                    })?;
            }
        }
        let answer = Answer {
            status: plan.status,
            body,
            headers: Vec::new(),
        };
        Ok((answer, decoder.notes))
    }

    /// Fields the upstream does not have, and expressions over what it has.
    fn give(&self, body: &mut Value, source: &AnswerSource<'_>, context: &Context<'_>) -> Result<(), ConnectorError> {
        for item in &self.plan.give {
            if item.field.get(body).is_some() {
                continue;
            }
            let out = body.clone();
            let maker = Maker {
                now: context.now,
                random: context.random,
                secrets: context.secrets,
                session: None,
                input: &self.input,
                // Canonical values are given, so times are written as the hub writes them.
                wire: &crate::codec::WireDefaults::default(),
                code: self.plan.code.as_deref(),
                submission: self.call.submission.as_deref(),
                request_id: &self.call.request_id,
                pairwise: self.call.pairwise.as_deref(),
                file: None,
                jwt: None,
                variables: vec![("data", source.data), ("answer", source.document), ("out", &out)],
                drawn: Cell::new(0),
            };
            if let Some(value) = maker.make(&item.value)? {
                item.field.set(body, value);
            }
        }
        Ok(())
    }
}

fn refused() -> ConnectorError {
    ConnectorError::Failed {
        failure: crate::Failure::Refused,
        upstream_code: None,
        message: None,
        effect_unknown: false,
    }
}

/// Ids of papers that must be uploaded before the call can name them, each once.
pub(crate) fn collect_papers(binds: &[Bind], value: &Value, papers: &mut Vec<String>) {
    for bind in binds {
        let Some(found) = bind.field.get(value) else { continue };
        let items: Vec<&Value> = match found {
            Value::Array(items) => items.iter().collect(),
            other => vec![other],
        };
        for item in items {
            if let Some(rows) = &bind.rows {
                collect_papers(rows, item, papers);
            } else if bind.chain.iter().any(|l| matches!(l, Link::Upload))
                && let Some(id) = item.as_str()
                && !papers.iter().any(|p| p == id)
            {
                papers.push(id.to_owned());
            }
        }
    }
}

/// No connection for an operation, and why.
pub(crate) fn not_connected(key: &str, reason: Text) -> ConnectorError {
    ConnectorError::NotConnected {
        key: key.to_owned(),
        reason,
    }
}
