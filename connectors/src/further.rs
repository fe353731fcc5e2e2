//! What a call fetches behind its first answer: further pages, and the call that belongs to it.

use crate::answer::{AnswerSource, Verdict, judge};
use crate::connector::Connector;
use crate::context::Context;
use crate::dialogue::{Dialogue, Stage, encode_coordinates, refused};
use crate::error::ConnectorError;
use crate::fetch::{NextPage, Window};
use crate::plan::Plan;
use crate::step::{Purpose, Step};
use crate::wiring::code_text;
use hub_core::RawResponse;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Dialogue {
    /// The page this fetch asks for, where it is not the caller's.
    pub(crate) fn window_now(&self) -> Option<Window> {
        let mut window = self.window?;
        if let Stage::Page(NextPage::Number(page)) = self.stage {
            window.page = page;
        }
        Some(window)
    }

    /// The next page, the call that belongs to this one, or the answer.
    pub(crate) fn further(mut self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
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
                    .all(|n| self.given(connector, &also.plan).contains_key(n))
            {
                self.stage = Stage::Also;
                let purpose = self.reading();
                return self.send(connector, &also.plan, purpose, context);
            }
        }
        self.done(connector, context)
    }

    /// Further fetches only read, whatever the call itself did.
    pub(crate) fn reading(&self) -> Purpose {
        match self.plan.effect {
            hub_core::Effect::None => self.purpose,
            _ => Purpose::Ask,
        }
    }

    /// Members of the first answer that the path of a further call names; the number that stands in for another, for the
    /// call that exchanges it.
    pub(crate) fn given(&self, connector: &Connector, plan: &Plan) -> BTreeMap<String, String> {
        if let (Stage::Number, Some(resolve)) = (&self.stage, &connector.resolve) {
            let token = resolve.stand_in(&self.input).unwrap_or_default();
            return plan
                .path
                .names()
                .into_iter()
                .map(|name| (name, token.clone()))
                .collect();
        }
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

    pub(crate) fn paged(
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
            Verdict::Failed(error) if error.is_not_found() => self.done(connector, context),
            Verdict::Lost => Err(refused()),
            Verdict::Failed(error) => Err(error),
        }
    }

    pub(crate) fn joined(
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
        self.done(connector, context)
    }

    fn done(mut self, connector: &Connector, context: &Context<'_>) -> Result<Step, ConnectorError> {
        let plan = Arc::clone(&self.plan);
        let Some(mut gathered) = self.gathered.take() else {
            return Err(ConnectorError::Manifest("an answer out of nothing".to_owned()));
        };
        if let Some(error) = gathered.out_of_reach(&plan, self.window, &self.input) {
            return Err(error);
        }
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
        let (mut answer, mut notes) = self.answer(&source, total, context)?;
        notes.extend(gathered.repeated(&plan));
        notes.append(&mut self.notes);
        let jump = self.jump(connector, &source, &mut answer, &mut notes, context)?;
        Ok(Step::Done {
            answer,
            session: self.session.filter(|_| self.fresh),
            notes,
            jump,
        })
    }
}

fn nothing_found() -> ConnectorError {
    ConnectorError::Failed {
        failure: crate::Failure::NotFound,
        upstream_code: None,
        message: None,
        effect_unknown: false,
    }
}
