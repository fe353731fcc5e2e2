//! The course of one call: log in if need be, upload papers, act, log in again once if the session was lost.

use crate::answer::{AnswerSource, Verdict, judge, session};
use crate::client::Outgoing;
use crate::connector::Connector;
use crate::context::{Context, Session};
use crate::error::ConnectorError;
use crate::fetch::{Gathered, NextPage, Window, resolve};
use crate::manifest::model::{Lives, Place};
use crate::mapping::bind::{Bind, Link};
use crate::mapping::decode::Decoder;
use crate::plan::Plan;
use crate::step::{Note, Purpose, Step};
use crate::values::Maker;
use crate::wiring::code_text;
use hub_core::ports::{Answer, Call};
use hub_core::{RawResponse, Text};
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call on its way, between a request and its answer.
#[derive(Debug)]
pub struct Dialogue {
    call: Call,
    input: Value,
    plan: Arc<Plan>,
    purpose: Purpose,
    stage: Stage,
    session: Option<Session>,
    fresh: bool,
    again: bool,
    papers: Vec<String>,
    uploaded: BTreeMap<String, String>,
    window: Option<Window>,
    gathered: Option<Gathered>,
    asked: String,
}

/// What was sent last.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    Start,
    Login,
    Upload(String),
    Act,
    Page(NextPage),
    Also,
}

impl Dialogue {
    pub(crate) fn new(call: &Call, plan: Arc<Plan>, purpose: Purpose, context: &Context<'_>) -> Self {
        let input = Value::Object(call.input.clone());
        let mut papers = Vec::new();
        collect_papers(&plan.request, &input, &mut papers);
        Self {
            window: Window::of(&plan, &input),
            gathered: None,
            asked: String::new(),
            call: call.clone(),
            session: context.session.filter(|s| s.is_good(context.now)).cloned(),
            input,
            plan,
            purpose,
            stage: Stage::Start,
            fresh: false,
            again: false,
            papers,
            uploaded: BTreeMap::new(),
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
        if self.plan.session
            && self.session.is_none()
            && let Some(login) = &connector.login
        {
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
        mut self,
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
        encode_coordinates(plan, &mut input)?;
        let mut window = self.window;
        if let (Stage::Page(NextPage::Number(page)), Some(window)) = (&self.stage, &mut window) {
            window.page = *page;
        }
        let login = connector.login.as_ref().and_then(|l| l.path.fill(&|_| None));
        let mut request = Outgoing {
            window,
            given: self.given(plan),
            announced_at: login.as_deref().unwrap_or("/"),
            plan,
            wiring: &connector.wiring,
            call: &self.call,
            input: &input,
            context,
            session: self.session.as_ref(),
            uploaded: &self.uploaded,
            file: file.as_ref(),
        }
        .build()?;
        if let Stage::Page(NextPage::Address(address)) = &self.stage {
            request.target = with_credentials(resolve(address, &self.asked), &request.target, plan);
        }
        if matches!(self.stage, Stage::Act | Stage::Page(_)) {
            self.asked.clone_from(&request.target);
        }
        Ok(Step::Send {
            request,
            purpose,
            dialogue: self,
        })
    }

    /// Goes on after an answer.
    pub(crate) fn resume(
        self,
        connector: &Connector,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        match self.stage.clone() {
            Stage::Start => self.next(connector, context),
            Stage::Login => self.logged_in(connector, response, context),
            Stage::Upload(paper) => self.uploaded(connector, &paper, response, context),
            Stage::Act => self.acted(connector, response, context),
            Stage::Page(_) => self.paged(connector, response, context),
            Stage::Also => self.joined(connector, response, context),
        }
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
                self.session = Some(session(wiring, response, &document, &data, context.now)?);
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
        self,
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
                let mut dialogue = self;
                dialogue.gathered = Some(Gathered::new(&dialogue.plan, data, document, response));
                dialogue.further(connector, context).map_err(|e| e.for_effect(effect))
            }
            Verdict::Lost => self.log_in_again(connector, context),
            Verdict::Failed(error) => Err(error.for_effect(effect)),
        }
    }

    /// The next page, the call that belongs to this one, or the answer.
    fn further(mut self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
        let Some(gathered) = &self.gathered else {
            return Err(ConnectorError::Manifest("pages of nothing".to_owned()));
        };
        let plan = Arc::clone(&self.plan);
        if self.stage != Stage::Also {
            if let Some(next) = gathered.more(&plan, self.window) {
                self.stage = Stage::Page(next);
                let purpose = self.reading();
                return self.send(connector, &plan, purpose, context);
            }
            if let Some(also) = &plan.also
                && also
                    .part
                    .without
                    .as_ref()
                    .is_none_or(|p| p.get(&gathered.data).is_none_or(Value::is_null))
                && also
                    .plan
                    .path
                    .names()
                    .iter()
                    .all(|n| self.given(&also.plan).contains_key(n))
            {
                self.stage = Stage::Also;
                let purpose = self.reading();
                return self.send(connector, &also.plan, purpose, context);
            }
        }
        self.done(context)
    }

    /// Further fetches only read, whatever the call itself did.
    fn reading(&self) -> Purpose {
        match self.plan.effect {
            hub_core::Effect::None => self.purpose,
            _ => Purpose::Ask,
        }
    }

    /// Members of the first answer that the path of a further call names.
    fn given(&self, plan: &Plan) -> BTreeMap<String, String> {
        let Some(gathered) = self.gathered.as_ref().filter(|_| plan.operation.is_none()) else {
            return BTreeMap::new();
        };
        let data = match &gathered.data {
            Value::Array(items) => items.first().unwrap_or(&Value::Null),
            other => other,
        };
        plan.path
            .names()
            .into_iter()
            .filter_map(|name| Some((data.get(&name).and_then(code_text)?, name)))
            .map(|(value, name)| (name, value))
            .collect()
    }

    fn paged(
        mut self,
        connector: &Connector,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let (verdict, document) = judge(&self.plan, &connector.wiring, response, context);
        match verdict {
            Verdict::Good(data) => {
                let plan = Arc::clone(&self.plan);
                if let Some(gathered) = &mut self.gathered {
                    gathered.add(&plan, &data, &document, response);
                }
                self.further(connector, context)
            }
            // Nothing on the page behind the last one.
            Verdict::Failed(error) if error.is_not_found() => self.done(context),
            Verdict::Lost => Err(refused()),
            Verdict::Failed(error) => Err(error),
        }
    }

    fn joined(
        mut self,
        connector: &Connector,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let plan = Arc::clone(&self.plan);
        let Some(also) = &plan.also else {
            return Err(ConnectorError::Manifest("an answer to nothing".to_owned()));
        };
        let (verdict, _) = judge(&also.plan, &connector.wiring, response, context);
        match (verdict, &mut self.gathered) {
            (Verdict::Good(data), Some(gathered)) => gathered.join(&also.part, &data),
            // What was done is done, even if more about it cannot be had now.
            _ if plan.effect != hub_core::Effect::None => {}
            (Verdict::Failed(error), _) => return Err(error),
            _ => return Err(refused()),
        }
        self.done(context)
    }

    fn done(mut self, context: &Context<'_>) -> Result<Step, ConnectorError> {
        let plan = Arc::clone(&self.plan);
        let Some(mut gathered) = self.gathered.take() else {
            return Err(ConnectorError::Manifest("an answer out of nothing".to_owned()));
        };
        let mut total = gathered.total(&plan).filter(|_| plan.gathers());
        gathered.cut(&plan, self.window);
        let mut data = std::mem::take(&mut gathered.data);
        if let Some(pick) = &plan.pick {
            let mut input = self.input.clone();
            encode_coordinates(&plan, &mut input)?;
            let mut rows = pick.choose(&data, &gathered.document, &input);
            total = i64::try_from(rows.len()).ok();
            if let Some((page, size)) = plan.paged_here(&self.input) {
                let skip = usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX);
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                rows = rows.into_iter().skip(skip).take(size).collect();
            }
            if rows.is_empty() && (pick.one || plan.needs_row()) {
                return Err(nothing_found());
            }
            data = if pick.one {
                rows.into_iter().next().unwrap_or_default()
            } else {
                Value::Array(rows)
            };
        }
        let source = AnswerSource {
            data: &data,
            document: &gathered.document,
            response: &gathered.response,
        };
        let (answer, notes) = self.answer(&source, total, context)?;
        Ok(Step::Done {
            answer,
            session: self.session.filter(|_| self.fresh),
            notes,
        })
    }

    /// Once: a session that is lost again right after a login is refused credentials.
    fn log_in_again(mut self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
        if self.again || self.fresh {
            return Err(refused());
        }
        self.again = true;
        self.session = None;
        self.next(connector, context)
    }

    fn answer(
        &self,
        source: &AnswerSource<'_>,
        counted: Option<i64>,
        context: &Context<'_>,
    ) -> Result<(Answer, Vec<Note>), ConnectorError> {
        let plan = &self.plan;
        let mut decoder = Decoder::default();
        let mut body = Value::Null;
        if plan.has_output {
            body = decoder.decode(&plan.response, source)?;
            if let Some(paging) = &plan.paging
                && plan
                    .contract
                    .as_ref()
                    .is_some_and(|c| c.output.child(paging.names()[2]).is_some())
                && let Some(total) = counted
                    .filter(|_| plan.pick.is_some())
                    .or_else(|| paging.total(source, &self.input))
                    .or(counted)
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

fn encode_coordinates(plan: &Plan, input: &mut Value) -> Result<(), ConnectorError> {
    if let (Some(datum), Some(contract)) = (plan.wire.coordinates, &plan.contract) {
        datum
            .encode_tree(input, &contract.input)
            .map_err(|e| ConnectorError::Input {
                place: String::new(),
                expected: Text::same(e.expected),
            })?;
    }
    Ok(())
}

/// Credentials that stand in the query stand there on every page, also where the upstream's own link forgets them.
fn with_credentials(address: String, built: &str, plan: &Plan) -> String {
    let mut address = address;
    let given = built.split_once('?').map_or("", |(_, q)| q);
    for pair in given.split('&') {
        let name = pair.split('=').next().unwrap_or_default();
        let is_credential = plan.send.iter().any(|i| {
            i.value.is_credential() && i.spot.place == Some(Place::Query) && i.spot.path.only_name() == Some(name)
        });
        let there = address
            .split(['?', '&'])
            .skip(1)
            .any(|p| p.split('=').next() == Some(name));
        if is_credential && !there {
            address.push(if address.contains('?') { '&' } else { '?' });
            address.push_str(pair);
        }
    }
    address
}

fn nothing_found() -> ConnectorError {
    ConnectorError::Failed {
        failure: crate::Failure::NotFound,
        upstream_code: None,
        message: None,
        effect_unknown: false,
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
fn collect_papers(binds: &[Bind], value: &Value, papers: &mut Vec<String>) {
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
