//! Trying a connector before there is a connection: an example of the contract through both halves, and what changed on
//! the way. Everything is made up and nothing is sent.

use crate::connector::Connector;
use crate::context::{Context, FileContent, Files, ServerContext};
use crate::error::ConnectorError;
use crate::sign::SecretKind;
use crate::step::Step;
use hub_catalog::Catalog;
use hub_core::ports::{Answer, Call};
use hub_core::time::Timestamp;
use hub_core::{Example, Operation, Problem, ProblemCode, RawResponse, Returned, Text};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a trial is made with.
#[derive(Debug, Clone)]
pub struct Trial {
    /// When it takes place.
    pub now: Timestamp,
    /// Every random byte.
    pub random: u8,
    /// An RSA key pair, PEM, for systems that sign with one: private, public.
    pub rsa: (String, String),
}

/// The private key of the examples of GB/T 32918.5-2017.
const SM2: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";

/// What came of a trial that does not pass.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// A half failed.
    Failed(ConnectorError),
    /// The answer breaks the contract at a place.
    Contract(String),
    /// A field is not what it was.
    Changed {
        /// `input` or `output`.
        side: &'static str,
        /// The field.
        field: String,
        /// Whether it is gone altogether.
        is_gone: bool,
    },
}

impl Mismatch {
    /// In both languages, without values.
    #[must_use]
    pub fn text(&self) -> Text {
        match self {
            Self::Failed(error) => Text::same(error.to_string()),
            Self::Contract(place) => Text::new(
                format!("应答不符合合同：{place}"),
                format!("the answer breaks the contract at {place}"),
            ),
            Self::Changed { side, field, is_gone } => {
                let zh = if *is_gone { "丢失" } else { "改变" };
                let en = if *is_gone { "is gone" } else { "has changed" };
                Text::new(format!("{side} 的 {field} {zh}"), format!("{field} of the {side} {en}"))
            }
        }
    }
}

/// Any paper.
#[derive(Debug, Clone, Copy, Default)]
struct AnyPaper;

impl Files for AnyPaper {
    fn get(&self, _file_id: &str) -> Option<FileContent> {
        Some(FileContent {
            name: "paper.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            bytes: b"%PDF-1.7".to_vec(),
        })
    }
}

impl Trial {
    /// Secrets made up for a connector: `<name>-value`, or the pair where it signs with RSA.
    #[must_use]
    pub fn secrets(&self, connector: &Connector) -> BTreeMap<String, String> {
        let signing = connector.signing_secrets();
        let value = |name: &String| match signing.iter().find(|(n, _)| n == name) {
            Some((_, SecretKind::Rsa)) if name.contains("public") || name.contains("verify") => self.rsa.1.clone(),
            Some((_, SecretKind::Rsa)) => self.rsa.0.clone(),
            Some((_, SecretKind::Sm2)) => SM2.to_owned(),
            _ if name.contains("sm2") => SM2.to_owned(),
            // Long enough for what is cut of it for keys.
            _ => format!("{name}-value-0123456789"),
        };
        connector.secrets().iter().map(|n| (n.clone(), value(n))).collect()
    }

    /// Sends an example through both halves. `None`: the example has no input or no output.
    #[must_use]
    pub fn both_ways(
        &self,
        connector: &Connector,
        catalog: &Catalog,
        operation: &Arc<Operation>,
        example: &Example,
    ) -> Option<Result<(), Mismatch>> {
        let (input, output) = (example.input.as_ref()?, example.output.as_ref()?);
        Some(self.round(connector, catalog, operation, input, output))
    }

    /// What the system answers to an example, as its manifest says: the last of what came over HTTP.
    #[must_use]
    pub fn simulated(
        &self,
        connector: &Connector,
        operation: &Arc<Operation>,
        example: &Example,
    ) -> Option<RawResponse> {
        let (input, output) = (example.input.as_ref()?, example.output.as_ref()?);
        let mut last = None;
        let talked = self.talk(connector, operation, (input, output), &mut Map::new(), &mut last);
        last.filter(|_| talked.is_ok())
    }

    fn round(
        &self,
        connector: &Connector,
        catalog: &Catalog,
        operation: &Arc<Operation>,
        input: &Map<String, Value>,
        output: &Value,
    ) -> Result<(), Mismatch> {
        let mut arrived = Map::new();
        let answer = self.talk(connector, operation, (input, output), &mut arrived, &mut None)?;
        if let Err(violations) = catalog.check_output(operation, &answer) {
            let place = violations.first().map(|v| v.place.clone()).unwrap_or_default();
            return Err(Mismatch::Contract(place));
        }
        // What rows are chosen by here is not sent, and a feed without rows tells nothing of what they would have told.
        let chosen = connector.chosen_by(operation.key());
        if chosen.is_empty() || !has_empty_list(output) {
            differ("output", output, &answer)?;
        }
        let mut sent = input.clone();
        sent.retain(|name, _| !chosen.contains(&name.as_str()));
        differ("input", &Value::Object(sent), &Value::Object(arrived))
    }

    /// The whole conversation: the canonical answer, what arrived as input, and the last answer that came over HTTP.
    fn talk(
        &self,
        connector: &Connector,
        operation: &Arc<Operation>,
        (input, output): (&Map<String, Value>, &Value),
        arrived: &mut Map<String, Value>,
        last: &mut Option<RawResponse>,
    ) -> Result<Value, Mismatch> {
        let secrets = self.secrets(connector);
        let call = Call {
            operation: Arc::clone(operation),
            input: input.clone(),
            subject: None,
            pairwise: Some("pairwise-1".to_owned()),
            agent: None,
            submission: Some("submission-1".to_owned()),
            request_id: "request-1".to_owned(),
            controls: Vec::new(),
            deadline_ms: 5_000,
        };
        let context = Context {
            now: self.now,
            random: [self.random; 32],
            secrets: &secrets,
            session: None,
            files: &AnyPaper,
        };
        let server = ServerContext {
            now: self.now,
            secrets: &secrets,
        };
        let mut step = connector.begin(&call, &context).map_err(Mismatch::Failed)?;
        loop {
            match step {
                Step::Done { answer, .. } => return Ok(answer.body),
                Step::Send { request, dialogue, .. } => {
                    let returned = connector.exchange(&request, &server, &mut |found, input| {
                        // A request that the server half takes for another operation's arrives nowhere.
                        if found.id != operation.id {
                            return Err(Problem::new(ProblemCode::NotFound));
                        }
                        *arrived = input;
                        Ok(Answer::new(operation.status, output.clone()))
                    });
                    if let Returned::Http(response) = &returned {
                        *last = Some(response.clone());
                    }
                    step = connector
                        .resume(dialogue, &returned, &context)
                        .map_err(Mismatch::Failed)?;
                }
            }
        }
    }
}

fn has_empty_list(output: &Value) -> bool {
    let members = output.as_object().into_iter().flat_map(Map::values);
    members.filter_map(Value::as_array).any(Vec::is_empty)
}

/// What arrived must be what was sent; what is empty may be gone.
fn differ(side: &'static str, expected: &Value, found: &Value) -> Result<(), Mismatch> {
    let (Some(expected), Some(found)) = (expected.as_object(), found.as_object()) else {
        return Ok(());
    };
    for (field, value) in expected {
        let other = found.get(field);
        let is_empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if other != Some(value) && !(other.is_none() && is_empty) {
            return Err(Mismatch::Changed {
                side,
                field: field.clone(),
                is_gone: other.is_none(),
            });
        }
    }
    Ok(())
}
