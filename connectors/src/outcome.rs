//! The canonical answer out of what was fetched: rows decoded, what is given, where the citizen is sent on to.

use crate::answer::AnswerSource;
use crate::connector::Connector;
use crate::context::Context;
use crate::dialogue::Dialogue;
use crate::error::ConnectorError;
use crate::mapping::decode::Decoder;
use crate::step::Note;
use crate::values::Maker;
use hub_core::ports::Answer;
use serde_json::Value;
use std::cell::Cell;

impl Dialogue {
    pub(crate) fn answer(
        &self,
        source: &AnswerSource<'_>,
        counted: Option<i64>,
        context: &Context<'_>,
    ) -> Result<(Answer, Vec<Note>), ConnectorError> {
        let plan = &self.plan;
        let mut decoder = Decoder::at(context.now);
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
        let answer = Answer::new(plan.status, body);
        Ok((answer, decoder.notes))
    }

    /// The address of the upstream's own page, if the answer leads to one: made, checked; its host. An address that
    /// must not be shown is left out where the contract can do without it, for the matter itself is accepted.
    pub(crate) fn jump(
        &self,
        connector: &Connector,
        source: &AnswerSource<'_>,
        answer: &mut Answer,
        notes: &mut Vec<Note>,
        context: &Context<'_>,
    ) -> Result<Option<String>, ConnectorError> {
        let Some(rules) = &self.plan.jump else {
            return Ok(None);
        };
        let out = answer.body.clone();
        let maker = self.maker(source, &out, context);
        if let Some(address) = rules.make(&maker, &connector.wiring, context)? {
            rules.into.set(&mut answer.body, Value::from(address));
        }
        let Some(address) = rules.into.get(&answer.body).and_then(Value::as_str) else {
            return Ok(None);
        };
        let got = match rules.check(address, &self.call) {
            Ok(host) => return Ok(Some(host)),
            Err(got) => got,
        };
        if rules.required {
            return Err(ConnectorError::Misfit {
                place: rules.into.to_string(),
                expected: "an https address on a host of `jump.hosts` that tells nothing about the person".to_owned(),
                got: got.to_owned(),
                effect_unknown: false,
            });
        }
        if let (Some(name), Value::Object(map)) = (rules.into.only_name(), &mut answer.body) {
            map.shift_remove(name);
        }
        notes.push(Note {
            field: rules.into.to_string(),
            kind: "address-refused",
        });
        Ok(None)
    }

    fn maker<'a>(&'a self, source: &AnswerSource<'a>, out: &'a Value, context: &'a Context<'a>) -> Maker<'a> {
        Maker {
            now: context.now,
            random: context.random,
            secrets: context.secrets,
            session: None,
            input: &self.input,
            // Canonical values are given, so times are written as the hub writes them.
            wire: canonical_wire(),
            code: self.plan.code.as_deref(),
            submission: self.call.submission.as_deref(),
            request_id: &self.call.request_id,
            pairwise: self.call.pairwise.as_deref(),
            acting: (
                self.call.agent.as_deref(),
                self.call.subject.as_ref().map(|s| s.assurance),
            ),
            file: None,
            jwt: None,
            variables: vec![("data", source.data), ("answer", source.document), ("out", out)],
            drawn: Cell::new(0),
        }
    }

    /// Fields the upstream does not have, and expressions over what it has.
    fn give(&self, body: &mut Value, source: &AnswerSource<'_>, context: &Context<'_>) -> Result<(), ConnectorError> {
        for item in &self.plan.give {
            if item.field.get(body).is_some() {
                continue;
            }
            let out = body.clone();
            let made = self.maker(source, &out, context).make(&item.value);
            let made = made.map_err(|e| unfounded(e, &item.field.to_string()))?;
            if let Some(value) = made {
                item.field.set(body, value);
            }
        }
        Ok(())
    }
}

/// An expression over an answer that lacks what it needs: the upstream's fault, not the manifest's.
pub(crate) fn unfounded(error: ConnectorError, place: &str) -> ConnectorError {
    match error {
        ConnectorError::Manifest(words) => ConnectorError::Misfit {
            place: place.to_owned(),
            expected: format!("what the manifest's expression needs: {words}"),
            got: "something else".to_owned(),
            effect_unknown: false,
        },
        other => other,
    }
}

/// How the hub itself writes values.
fn canonical_wire() -> &'static crate::codec::WireDefaults {
    static WIRE: std::sync::LazyLock<crate::codec::WireDefaults> = std::sync::LazyLock::new(Default::default);
    &WIRE
}
