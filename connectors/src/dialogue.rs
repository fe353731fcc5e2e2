//! The course of one call: log in if need be, upload papers, act, log in again once if the session was lost.

use crate::answer::{Verdict, judge, judge_tree, session};
use crate::batch;
use crate::client::Outgoing;
use crate::connector::Connector;
use crate::context::{Context, FileContent, Session};
use crate::digest_auth::Proof;
use crate::error::ConnectorError;
use crate::exchange;
use crate::fetch::{Gathered, NextPage, Window, affordable, resolve};
use crate::manifest::model::{Lives, Place};
use crate::mapping::bind::{Bind, Link};
use crate::page::opening;
use crate::plan::{Plan, Transport};
use crate::step::{Note, Purpose, Step};
use crate::wiring::code_text;
use hub_core::ports::Call;
use hub_core::{RawResponse, Returned, Text};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A call on its way, between a request and its answer.
#[derive(Debug, Clone)]
pub struct Dialogue {
    pub(crate) call: Call,
    pub(crate) input: Value,
    pub(crate) plan: Arc<Plan>,
    pub(crate) purpose: Purpose,
    pub(crate) stage: Stage,
    pub(crate) session: Option<Session>,
    /// One that has ended or was lost, from which another can perhaps be made without a login.
    pub(crate) stale: Option<Session>,
    /// What the page before the login left for it.
    pub(crate) opening: Option<Session>,
    pub(crate) fresh: bool,
    pub(crate) again: bool,
    pub(crate) papers: Vec<String>,
    pub(crate) uploaded: BTreeMap<String, String>,
    /// The page the upstream is asked for, where it is not the caller's.
    pub(crate) window: Option<Window>,
    pub(crate) gathered: Option<Gathered>,
    /// What the upstream asked us to prove (HTTP Digest).
    pub(crate) proof: Option<Proof>,
    /// Whether a number that stood in for another has been exchanged for it.
    pub(crate) exchanged: bool,
    /// Target of the last fetch, to which addresses of further pages are relative.
    pub(crate) asked: String,
    /// What was surprising before there was an answer to speak of.
    pub(crate) notes: Vec<Note>,
}

/// What was sent last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stage {
    Start,
    Opening,
    Login,
    Refresh,
    Upload(String),
    Number,
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
            call: call.clone(),
            session: context.session.filter(|s| s.is_good(context.now)).cloned(),
            stale: context.session.filter(|s| !s.is_good(context.now)).cloned(),
            input,
            plan,
            purpose,
            stage: Stage::Start,
            opening: None,
            fresh: false,
            again: false,
            papers,
            uploaded: BTreeMap::new(),
            gathered: None,
            asked: String::new(),
            proof: None,
            exchanged: false,
            notes: Vec::new(),
        }
    }

    /// The session made by this dialogue, to be kept at once: it is good even if the call itself fails.
    #[must_use]
    pub fn fresh_session(&self) -> Option<&Session> {
        self.session.as_ref().filter(|_| self.fresh)
    }

    /// Whether what it sends now is a login or a renewal, and not the page before one.
    #[must_use]
    pub fn logs_in(&self) -> bool {
        matches!(self.stage, Stage::Login | Stage::Refresh)
    }

    /// The call it is about.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// What to send next.
    pub(crate) fn next(mut self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
        affordable(&self.plan, self.window)?;
        if self.plan.session
            && self.session.is_none()
            && let Some(login) = &connector.login
        {
            if let Some(refresh) = connector.refresh.as_ref().filter(|_| self.stale.is_some()) {
                let refresh = Arc::clone(refresh);
                self.stage = Stage::Refresh;
                return self.send(connector, &refresh, Purpose::Login, context);
            }
            if let Some(page) = connector.page.as_ref().filter(|_| self.opening.is_none()) {
                let page = Arc::clone(page);
                self.stage = Stage::Opening;
                return self.send(connector, &page, Purpose::Login, context);
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
        if let Some(resolve) = &connector.resolve
            && !self.exchanged
            && resolve.stand_in(&self.input).is_some()
        {
            let plan = Arc::clone(&resolve.plan);
            self.stage = Stage::Number;
            return self.send(connector, &plan, Purpose::Ask, context);
        }
        self.stage = Stage::Act;
        let (plan, purpose) = (Arc::clone(&self.plan), self.purpose);
        self.send(connector, &plan, purpose, context)
    }

    /// What rows or files say, as one tree.
    fn tree(
        &mut self,
        connector: &Connector,
        returned: &Returned,
        context: &Context<'_>,
    ) -> Result<Value, ConnectorError> {
        let plan = &Arc::clone(&self.plan);
        match (&plan.transport, returned) {
            (Transport::Sql(rules), Returned::Sql(found)) => {
                exchange::answer(rules, plan, found).ok_or(ConnectorError::Failed {
                    failure: crate::Failure::Timeout,
                    upstream_code: None,
                    message: None,
                    effect_unknown: false,
                })
            }
            (Transport::File(rules), Returned::File(found)) => {
                let asked = self.outgoing(connector, plan, &self.input, context, None).columns()?;
                batch::answer(rules, plan, &asked, found, connector.wiring.charset, &mut self.notes)
            }
            _ => Err(other_transport()),
        }
    }

    pub(crate) fn outgoing<'a>(
        &'a self,
        connector: &'a Connector,
        plan: &'a Plan,
        input: &'a Value,
        context: &'a Context<'a>,
        file: Option<&'a FileContent>,
    ) -> Outgoing<'a> {
        Outgoing {
            plan,
            wiring: &connector.wiring,
            call: &self.call,
            input,
            context,
            session: match self.stage {
                Stage::Refresh => self.stale.as_ref(),
                Stage::Login => self.opening.as_ref(),
                _ => self.session.as_ref(),
            },
            uploaded: &self.uploaded,
            file,
            window: self.window_now(),
            given: self.given(connector, plan),
            announced_at: connector.announced_at(),
        }
    }

    pub(crate) fn send(
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
        let mut input = Cow::Borrowed(&self.input);
        if plan.wire.coordinates.is_some() {
            encode_coordinates(plan, input.to_mut())?;
        }
        let mut request = self.outgoing(connector, plan, &input, context, file.as_ref()).build()?;
        let digest = self.credentials(connector, plan, context)?;
        if let hub_core::Outgoing::Http(http) = &mut request {
            if let Stage::Page(NextPage::Address(address)) = &self.stage {
                http.target = with_credentials(resolve(address, &self.asked), &http.target, plan);
            }
            if matches!(self.stage, Stage::Act | Stage::Page(_)) {
                self.asked.clone_from(&http.target);
            }
            if let (Some(proof), Some((user, password))) = (&mut self.proof, digest) {
                let cnonce = hub_crypto::hex(context.random.get(..16).unwrap_or_default());
                let header = proof.answer(&user, &password, &cnonce, &http.method, &http.target);
                http.headers.push(("Authorization".to_owned(), header));
            }
        }
        Ok(Step::Send {
            request,
            purpose,
            dialogue: self,
        })
    }

    /// Goes on after an answer.
    pub(crate) fn resume(
        mut self,
        connector: &Connector,
        returned: &Returned,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        if self.challenged(connector, returned)? {
            return self.send_again(connector, context);
        }
        match (self.stage.clone(), returned) {
            (Stage::Start, _) => self.next(connector, context),
            (Stage::Opening, Returned::Http(response)) => self.opened(connector, response, context),
            (Stage::Login, Returned::Http(response)) => self.logged_in(connector, response, context),
            (Stage::Refresh, Returned::Http(response)) => self.refreshed(connector, response, context),
            (Stage::Upload(paper), Returned::Http(response)) => self.uploaded(connector, &paper, response, context),
            (Stage::Number, Returned::Http(response)) => self.exchange_number(connector, response, context),
            (Stage::Act, Returned::Http(response)) if matches!(self.plan.transport, Transport::Http) => {
                let judged = judge(&self.plan, &connector.wiring, response, context);
                self.acted(connector, response, judged, context)
            }
            (Stage::Act, _) => {
                let response = RawResponse {
                    status: 200,
                    ..RawResponse::default()
                };
                let judged = match self.tree(connector, returned, context) {
                    Ok(tree) => judge_tree(&self.plan, tree, &response),
                    Err(error) => (Verdict::Failed(error), Value::Null),
                };
                self.acted(connector, &response, judged, context)
            }
            (Stage::Page(_), Returned::Http(response)) => self.paged(connector, response, context),
            (Stage::Also, Returned::Http(response)) => self.joined(connector, response, context),
            _ => Err(other_transport()),
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

    /// The page before the login; one that fails is a login that fails.
    fn opened(
        mut self,
        connector: &Connector,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let wiring = &connector.wiring;
        if let (Some(page), Some(rules)) = (&connector.page, &wiring.session) {
            if let (Verdict::Failed(error), _) = judge(page, wiring, response, context) {
                return Err(no_page(error, response.status));
            }
            self.opening = Some(opening(rules, response, wiring.charset, context.now)?);
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
                self.session = Some(session(
                    wiring,
                    response,
                    &document,
                    &data,
                    context.now,
                    self.opening.as_ref(),
                )?);
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
        (verdict, document): (Verdict, Value),
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let effect = if self.purpose == Purpose::Ask {
            hub_core::Effect::None
        } else {
            self.plan.effect
        };
        match verdict {
            Verdict::Good(data) => {
                self.gathered = Some(Gathered::new(&self.plan, data, document, response));
                self.further(connector, context).map_err(|e| e.for_effect(effect))
            }
            Verdict::Lost => self.log_in_again(connector, context),
            Verdict::Failed(error) => Err(error.for_effect(effect)),
        }
    }

    /// Once: a session that is lost again right after a login is refused credentials.
    pub(crate) fn log_in_again(mut self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
        if self.again || self.fresh {
            return Err(refused());
        }
        self.again = true;
        self.opening = None;
        self.stale = self.session.take();
        self.next(connector, context)
    }
}

pub(crate) fn encode_coordinates(plan: &Plan, input: &mut Value) -> Result<(), ConnectorError> {
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

/// A page that is not there is nobody's refusal: neither the citizen's matter nor the hub's credentials were looked at.
fn no_page(error: ConnectorError, status: u16) -> ConnectorError {
    use crate::Failure::{Busy, Maintenance, Timeout, Unavailable};
    match error {
        ConnectorError::Failed {
            failure: Busy | Maintenance | Timeout | Unavailable,
            ..
        }
        | ConnectorError::Blocked { .. } => error,
        _ => ConnectorError::Unreadable {
            what: format!("no page before the login ({status})"),
            effect_unknown: false,
        },
    }
}

fn other_transport() -> ConnectorError {
    ConnectorError::Manifest("an answer by another transport than the request's".to_owned())
}

pub(crate) fn refused() -> ConnectorError {
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
