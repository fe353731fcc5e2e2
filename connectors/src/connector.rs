//! A compiled connector and its public face.

use crate::callback::{CallbackRules, Proof};
use crate::context::{Context, ServerContext};
use crate::dialogue::{Dialogue, not_connected};
use crate::error::ConnectorError;
use crate::news::NewsRules;
use crate::plan::Plan;
use crate::resolve::Resolve;
use crate::settings::{Availability, Origin, Payment, Settings};
use crate::statement::Statement;
use crate::step::{Purpose, Step};
use crate::wiring::{UploadRules, Wiring};
use hub_catalog::{Catalog, Document};
use hub_core::ports::{Answer, Call};
use hub_core::{Finding, Operation, Problem, RawRequest, RawResponse, Returned, SystemId, Text};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A manifest checked against its contract, ready to translate calls both ways.
#[derive(Debug)]
pub struct Connector {
    pub(crate) system: SystemId,
    pub(crate) settings: Settings,
    pub(crate) lines: usize,
    pub(crate) wiring: Wiring,
    /// Plans by operation key.
    pub(crate) plans: BTreeMap<String, Arc<Plan>>,
    /// For operations with `unsure`: the plan that asks, by the operation's key.
    pub(crate) asks: BTreeMap<String, Arc<Plan>>,
    /// The page before the login.
    pub(crate) page: Option<Arc<Plan>>,
    pub(crate) login: Option<Arc<Plan>>,
    /// Renews a session.
    pub(crate) refresh: Option<Arc<Plan>>,
    /// Fields of orders to be paid, by operation.
    pub(crate) payments: BTreeMap<String, Payment>,
    /// The daily statement.
    pub(crate) statement: Option<Statement>,
    pub(crate) upload: Option<(Arc<Plan>, UploadRules)>,
    pub(crate) callback: Option<CallbackRules>,
    pub(crate) news: Option<NewsRules>,
    /// How tokens become numbers.
    pub(crate) resolve: Option<Resolve>,
    /// Operations that are not connected, and why.
    pub(crate) not_yet: BTreeMap<String, Text>,
    /// Secrets it names.
    pub(crate) secrets: Vec<String>,
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

/// How to ask about a matter that no news came of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Poll {
    /// Key of the operation that tells how it stands.
    pub operation: String,
    /// Milliseconds between questions.
    pub every_ms: u64,
    /// Canonical field of its state.
    pub state: String,
}

/// Who answers the simulated city's calls: the operation and its canonical input in, the canonical answer out.
pub type Handler<'h> = dyn FnMut(&Arc<Operation>, Map<String, Value>) -> Result<Answer, Problem> + 'h;

impl Connector {
    /// Checks a manifest against the contract and makes it ready.
    ///
    /// # Errors
    /// Everything that is wrong, one finding a cause.
    pub fn compile(document: &Document, catalog: &Catalog, origin: Origin) -> Result<Compiled, Vec<Finding>> {
        crate::compile::compile(document, catalog, origin)
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

    /// Names of the secrets it needs, sorted.
    #[must_use]
    pub fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// The secrets its signature needs and what they must be, for making test keys.
    #[must_use]
    pub fn signing_secrets(&self) -> Vec<(String, crate::sign::SecretKind)> {
        let own = self.callback.as_ref().and_then(|c| match &c.verify {
            Proof::Sign(own) => own.as_deref(),
            _ => None,
        });
        let recipes = self.wiring.sign.iter().chain(own);
        let mut secrets: Vec<_> = recipes.flat_map(crate::sign::Recipe::secrets).collect();
        // A key that one of them uses as text too is still a key.
        secrets.sort_by(|a, b| (&a.0, std::cmp::Reverse(a.1)).cmp(&(&b.0, std::cmp::Reverse(b.1))));
        secrets.dedup_by(|later, first| later.0 == first.0);
        secrets
    }

    /// Path of the login, to which addresses that it announces are relative.
    pub(crate) fn announced_at(&self) -> String {
        let login = self.login.as_ref();
        login
            .and_then(|l| l.path.fill(&|_| None))
            .unwrap_or_else(|| "/".to_owned())
    }

    /// Whether every call makes a session of its own.
    #[must_use]
    pub fn logs_in_each_time(&self) -> bool {
        let session = self.wiring.session.as_ref();
        session.is_some_and(|s| s.lives == crate::manifest::model::Lives::Once)
    }

    /// Whether an operation answers live, by its key.
    #[must_use]
    pub fn available(&self, key: &str) -> Availability {
        if self.plans.contains_key(key) {
            return Availability::Live;
        }
        Availability::NotYet {
            reason: self.reason(key),
        }
    }

    pub(crate) fn reason(&self, key: &str) -> Text {
        self.not_yet
            .get(key)
            .or_else(|| self.not_yet.get("*"))
            .cloned()
            .unwrap_or_else(|| Text::new("该操作没有接入", "The manifest binds no such operation"))
    }

    /// Whether there is an operation that tells if a call of this one arrived (`unsure: {ask: …}`).
    #[must_use]
    pub fn can_ask(&self, key: &str) -> bool {
        self.asks.contains_key(key)
    }

    /// The input field that makes a repeated call harmless for the upstream (`key: order_no`).
    #[must_use]
    pub fn key_field(&self, key: &str) -> Option<&str> {
        self.plans.get(key)?.key_field.as_deref()
    }

    /// The fields of the order that an operation makes, if it makes one.
    #[must_use]
    pub fn payment(&self, key: &str) -> Option<&Payment> {
        self.payments.get(key)
    }

    /// The fields of orders of all operations that make one.
    pub fn payments(&self) -> impl Iterator<Item = &Payment> {
        self.payments.values()
    }

    /// The fields of the order that an operation of this system makes, by the operation's whole id.
    #[must_use]
    pub fn payment_of(&self, id: &str) -> Option<&Payment> {
        self.payments.get(self.system.key_of(id))
    }

    /// Where the system's daily statement comes from.
    #[must_use]
    pub fn statement(&self) -> Option<&Statement> {
        self.statement.as_ref()
    }

    /// Whether an operation is that statement.
    #[must_use]
    pub fn is_statement(&self, operation: &Arc<Operation>) -> bool {
        self.statement
            .as_ref()
            .is_some_and(|s| Arc::ptr_eq(&s.operation, operation))
    }

    /// Whether a matter of this system can come from one state to another: the steps its manifest declares, else the
    /// order of its table of codes, else anything.
    #[must_use]
    pub fn state_follows(&self, from: &str, to: &str) -> bool {
        self.callback.as_ref().is_none_or(|c| c.follows(from, to))
    }

    /// Whether nothing can follow a state, as far as the manifest says.
    #[must_use]
    pub fn state_is_final(&self, state: &str) -> bool {
        let steps = self.callback.as_ref().map(|c| &c.steps);
        steps.is_some_and(|steps| !steps.is_empty() && steps.get(state).is_none_or(Vec::is_empty))
    }

    /// Whether steps are declared, so that they count for more than the times that are told.
    #[must_use]
    pub fn has_steps(&self) -> bool {
        self.callback.as_ref().is_some_and(|c| !c.steps.is_empty())
    }

    /// How to ask about matters that no news came of.
    #[must_use]
    pub fn poll(&self) -> Option<Poll> {
        let rules = self.callback.as_ref()?;
        let (operation, every_ms) = rules.poll.clone()?;
        Some(Poll {
            operation,
            every_ms,
            state: rules.state_field.clone()?,
        })
    }

    /// Input fields by which rows and pages are chosen here instead of being sent, by the operation's key.
    #[must_use]
    pub fn chosen_by(&self, key: &str) -> Vec<&str> {
        let Some(plan) = self.plans.get(key) else {
            return Vec::new();
        };
        let Some(pick) = &plan.pick else { return Vec::new() };
        let pages = plan.paging.iter().flat_map(|p| p.names().into_iter().take(2));
        pick.fields().into_iter().chain(pages).collect()
    }

    /// Starts a call.
    ///
    /// # Errors
    /// Whatever hinders before anything is sent.
    pub fn begin(&self, call: &Call, context: &Context<'_>) -> Result<Step, ConnectorError> {
        let key = call.operation.key();
        match self.plans.get(key) {
            Some(plan) => Dialogue::new(call, Arc::clone(plan), Purpose::Act, context).next(self, context),
            None => Err(not_connected(key, self.reason(key))),
        }
    }

    /// Starts asking whether an earlier call arrived. `Done` is the call's own answer; the error
    /// [`ConnectorError::is_not_found`] means that it did not arrive.
    ///
    /// # Errors
    /// Also when there is nobody to ask.
    pub fn begin_ask(&self, call: &Call, context: &Context<'_>) -> Result<Step, ConnectorError> {
        let key = call.operation.key();
        match self.asks.get(key) {
            Some(plan) => Dialogue::new(call, Arc::clone(plan), Purpose::Ask, context).next(self, context),
            None => Err(not_connected(
                key,
                Text::new("没有可询问的操作", "There is no operation to ask"),
            )),
        }
    }

    /// Goes on after an answer.
    ///
    /// # Errors
    /// What the upstream's answer means, if it is no success.
    pub fn resume(
        &self,
        dialogue: Dialogue,
        returned: &Returned,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let fresh = dialogue.fresh_session().cloned();
        dialogue
            .resume(self, returned, context)
            .map_err(|error| self.discreet(error, context, fresh.as_ref()))
    }

    /// Whether a response to an operation's own call already is the canonical answer, provided that it fits the contract
    /// to the letter ([`Catalog::fits_exactly`]): plain REST, from which resuming the dialogue would make the same.
    #[must_use]
    pub fn leaves_untouched(&self, key: &str, response: &RawResponse) -> bool {
        let plan = self.plans.get(key).filter(|plan| plan.untouched);
        plan.is_some_and(|plan| crate::untouched::may_pass(plan, response))
    }

    /// Answers an upstream request as the system would, with `handler` in the place of its business.
    #[must_use]
    pub fn serve(&self, request: &RawRequest, context: &ServerContext<'_>, handler: &mut Handler<'_>) -> RawResponse {
        crate::server::serve(self, request, context, handler)
    }

    /// Verifies and reads an upstream's knock. The second value is what to answer it, either way.
    pub fn callback(
        &self,
        request: &RawRequest,
        context: &ServerContext<'_>,
    ) -> (Result<Event, ConnectorError>, RawResponse) {
        crate::callback::receive(self, request, context)
    }

    /// The JSON Schema of manifests.
    #[must_use]
    pub fn schema() -> Value {
        crate::schema::schema()
    }

    /// Whether the system knocks at all.
    #[must_use]
    pub fn has_callback(&self) -> bool {
        self.callback.is_some()
    }
}
