//! What comes between a request and its answer: an upstream that asks for a proof first, and a token that must be exchanged
//! for the number it stands for.

use crate::answer::{Verdict, judge};
use crate::connector::Connector;
use crate::context::Context;
use crate::dialogue::{Dialogue, Stage, refused};
use crate::digest_auth::{self, Proof};
use crate::error::ConnectorError;
use crate::plan::Plan;
use crate::step::{Purpose, Step};
use hub_core::{RawResponse, Returned};
use serde_json::Value;
use std::sync::Arc;

impl Dialogue {
    /// User and password of a proof that was asked for.
    pub(crate) fn credentials(
        &self,
        connector: &Connector,
        plan: &Plan,
        context: &Context<'_>,
    ) -> Result<Option<(String, String)>, ConnectorError> {
        let Some((user, password)) = connector.wiring.digest.as_ref().filter(|_| self.proof.is_some()) else {
            return Ok(None);
        };
        let outgoing = self.outgoing(connector, plan, &self.input, context, None);
        Ok(Some((outgoing.made(user)?, outgoing.made(password)?)))
    }

    /// An upstream that asks for a proof has done nothing yet: the same goes again, with it. One that asks again was not
    /// convinced, unless it only says that its question was too old.
    pub(crate) fn challenged(&mut self, connector: &Connector, returned: &Returned) -> Result<bool, ConnectorError> {
        let response = returned
            .http()
            .filter(|r| r.status == 401 && connector.wiring.digest.is_some());
        let Some(challenge) = response.and_then(|r| digest_auth::asked(&r.headers)) else {
            return Ok(false);
        };
        match &self.proof {
            Some(proof) if !(challenge.stale && challenge != proof.challenge) => return Err(refused()),
            _ => self.proof = Some(Proof::of(challenge)),
        }
        Ok(true)
    }

    /// What was sent last, once more.
    pub(crate) fn send_again(self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
        let nothing = || ConnectorError::Manifest("an answer to what was never sent".to_owned());
        let side = |plan: &Option<Arc<Plan>>| plan.clone().ok_or_else(nothing);
        let (plan, purpose) = match &self.stage {
            Stage::Start => return self.next(connector, context),
            Stage::Opening => (side(&connector.page)?, Purpose::Login),
            Stage::Login => (side(&connector.login)?, Purpose::Login),
            Stage::Refresh => (side(&connector.refresh)?, Purpose::Login),
            Stage::Upload(_) => {
                let upload = connector.upload.as_ref().ok_or_else(nothing)?;
                (Arc::clone(&upload.0), Purpose::Upload)
            }
            Stage::Number => {
                let resolve = connector.resolve.as_ref().ok_or_else(nothing)?;
                (Arc::clone(&resolve.plan), Purpose::Ask)
            }
            Stage::Act => (Arc::clone(&self.plan), self.purpose),
            Stage::Page(_) => (Arc::clone(&self.plan), self.reading()),
            Stage::Also => {
                let whole = Arc::clone(&self.plan);
                let also = whole.also.as_ref().ok_or_else(nothing)?;
                let purpose = self.reading();
                return self.send(connector, &also.plan, purpose, context);
            }
        };
        self.send(connector, &plan, purpose, context)
    }

    /// The number behind one that stood in for it.
    pub(crate) fn exchange_number(
        mut self,
        connector: &Connector,
        response: &RawResponse,
        context: &Context<'_>,
    ) -> Result<Step, ConnectorError> {
        let Some(resolve) = &connector.resolve else {
            return Err(ConnectorError::Manifest("an answer to nothing".to_owned()));
        };
        let (verdict, document) = judge(&resolve.plan, &connector.wiring, response, context);
        match verdict {
            Verdict::Good(data) => {
                let number = resolve.number(&data, &document)?;
                if let Value::Object(input) = &mut self.input {
                    input.insert(resolve.field.clone(), Value::from(number));
                }
                self.exchanged = true;
                self.next(connector, context)
            }
            Verdict::Lost => self.log_in_again(connector, context),
            Verdict::Failed(error) => Err(error),
        }
    }
}
