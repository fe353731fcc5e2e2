//! The simulated city: every operation that has a connector, asked and answered in its system's own dialect.

use crate::town::{CATALOG, Still, bind, caller, engine, example};
use hub_catalog::Catalog;
use hub_connectors::{Availability, Connector, Context, FileContent, Files, Secrets, Session, Step};
use hub_core::ports::{Call, Clock};
use hub_core::{Operation, Problem, ProblemCode, SystemId};
use hub_sandbox::City;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// Steps of one call before it counts as endless.
const STEPS: usize = 6;

static PAIR: LazyLock<(String, String)> = LazyLock::new(|| hub_crypto::rsa_generate().unwrap());

/// Secrets both ends derive alike.
pub struct Derived(pub SystemId);

impl Secrets for Derived {
    fn get(&self, name: &str) -> Option<String> {
        Some(match name {
            "private-key" | "private_key" => PAIR.0.clone(),
            "public-key" | "public_key" => PAIR.1.clone(),
            name if name.contains("sm2") => hub_crypto::hex(&hub_crypto::derive_key(&[7; 32], "sm2")),
            name => hub_crypto::hex(hub_crypto::derive_key(&[7; 32], &format!("{}/{name}", self.0)).get(..16)?),
        })
    }
}

/// Every paper is the same small one.
pub struct OnePaper;

impl Files for OnePaper {
    fn get(&self, _file_id: &str) -> Option<FileContent> {
        Some(FileContent {
            name: "身份证.pdf".to_owned(),
            media_type: "application/pdf".to_owned(),
            bytes: b"%PDF-1.4".to_vec(),
        })
    }
}

pub fn connectors(catalog: &Catalog) -> BTreeMap<SystemId, Arc<Connector>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors");
    let (connectors, findings) = hub_connectors::load_folder(&folder, catalog);
    let errors: Vec<_> = findings
        .iter()
        .filter(|f| f.severity == hub_core::Severity::Error)
        .collect();
    assert!(
        errors.is_empty(),
        "{} errors in the manifests, first: {}",
        errors.len(),
        errors[0]
    );
    connectors
}

/// Calls through the connector, the city standing in for the network.
fn call(city: &City, connector: &Connector, call: &Call, session: &mut Option<Session>) -> Result<Value, Problem> {
    let secrets = Derived(call.operation.system.clone());
    let now = Still("2026-11-20T10:00:00+08:00").now();
    let mut step = connector
        .begin(
            call,
            &Context {
                now,
                random: [7; 32],
                secrets: &secrets,
                session: session.as_ref(),
                files: &OnePaper,
            },
        )
        .map_err(|e| e.problem())?;
    for n in 0..STEPS {
        match step {
            Step::Done {
                answer, session: fresh, ..
            } => {
                if fresh.is_some() {
                    *session = fresh;
                }
                return Ok(answer.body);
            }
            Step::Send { request, dialogue, .. } => {
                let returned = city
                    .lend(&call.operation.system, |connector, context, handler| {
                        connector.exchange(&request, context, handler)
                    })
                    .unwrap();
                let random = [u8::try_from(n).unwrap() + 8; 32];
                let context = Context {
                    now,
                    random,
                    secrets: &secrets,
                    session: session.as_ref(),
                    files: &OnePaper,
                };
                step = connector
                    .resume(dialogue, &returned, &context)
                    .map_err(|e| e.problem())?;
            }
        }
    }
    panic!("{} never ends", call.operation.id);
}

pub fn call_of(operation: &Arc<Operation>, input: serde_json::Map<String, Value>) -> Call {
    Call {
        operation: operation.clone(),
        input,
        subject: None,
        pairwise: Some("pw_4f9a1c2b7d6e8a90".to_owned()),
        agent: None,
        submission: Some("sub-0001".to_owned()),
        request_id: "r-0001".to_owned(),
        controls: Vec::new(),
        deadline_ms: 5_000,
    }
}

#[test]
fn every_connected_operation_answers_in_its_dialect() {
    let (Some(catalog), Some(engine)) = (CATALOG.as_ref(), engine(1)) else {
        return;
    };
    let connectors = connectors(catalog);
    let engine = Arc::new(engine);
    let known = connectors.clone();
    let city = City::new(
        Arc::new(move |system: &SystemId| known.get(system).cloned()),
        engine.clone(),
        Arc::new(|system: &SystemId| Arc::new(Derived(system.clone())) as Arc<dyn Secrets>),
    );
    let (mut live, mut wrong) = (0, Vec::new());
    for (system, connector) in &connectors {
        let mut session = None;
        for operation in catalog.operations_of(system) {
            if !matches!(connector.available(operation.key()), Availability::Live) {
                continue;
            }
            live += 1;
            engine.reset(hub_sandbox::CITY_WORLD);
            let subject = caller(&engine, operation, "wang-jianguo", "zheng-haiyan@yunfan-tech");
            let input = bind(operation, &example(operation), &subject);
            match call(&city, connector, &call_of(operation, input), &mut session) {
                Ok(body) => {
                    if let Err(violations) = catalog.check_output(operation, &body) {
                        wrong.push(format!("{}: {violations:?}", operation.id));
                    }
                }
                Err(problem) if problem.code == ProblemCode::RecordNotFound => {}
                // A system that speaks GBK cannot carry every name; the connector says so before it sends.
                Err(problem)
                    if problem
                        .inner
                        .as_deref()
                        .is_some_and(|w| w.contains("has no bytes in GBK")) => {}
                Err(problem) => wrong.push(format!("{}: {:?} {:?}", operation.id, problem.code, problem.inner)),
            }
        }
    }
    let shown: Vec<_> = wrong.iter().take(30).cloned().collect();
    assert!(
        wrong.is_empty(),
        "{} of {live}, first:\n{}",
        wrong.len(),
        shown.join("\n")
    );
    assert!(live > 1_500, "{live}");
}
