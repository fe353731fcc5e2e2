//! Properties of every row of every operation of the city, over values made from the contract's shapes:
//! `encode(decode(encode(x))) = encode(x)` for all `x`, and `decode(encode(x)) = x` for every `x` that a decoding gave.
//! Both directions: inputs through requests, answers through responses.

use crate::city::{Derived, OnePaper, call_of, connectors};
use crate::rng::Rng;
use crate::shapes::object;
use crate::town::{CATALOG, Still, bind, caller, engine, example};
use hub_catalog::Catalog;
use hub_connectors::{Availability, Connector, ConnectorError, Context, Purpose, ServerContext, Session, Step};
use hub_core::ports::{Answer, Clock};
use hub_core::{Operation, Outgoing, Problem, ProblemCode, Returned};
use hub_sandbox::MockEngine;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Values tried for every operation and direction.
fn wanted() -> usize {
    std::env::var("HUB_FUZZ_VALUES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(2)
}

/// One course through both halves.
struct Course {
    request: Outgoing,
    response: Returned,
    arrived: Option<Map<String, Value>>,
    answer: Result<Value, ConnectorError>,
}

/// Runs a call; `output` is what the business answers.
fn course(
    connector: &Connector,
    operation: &Arc<Operation>,
    input: &Map<String, Value>,
    output: Option<&Value>,
    session: &mut Option<Session>,
) -> Result<Course, ConnectorError> {
    let secrets = Derived(operation.system.clone());
    let now = Still("2026-11-20T10:00:00+08:00").now();
    let kept = session.clone();
    let context = Context {
        now,
        random: [7; 32],
        secrets: &secrets,
        session: kept.as_ref(),
        files: &OnePaper,
    };
    let served = ServerContext { now, secrets: &secrets };
    let mut arrived = None;
    let mut step = connector.begin(&call_of(operation, input.clone()), &context)?;
    for _ in 0..30 {
        let Step::Send {
            request,
            purpose,
            dialogue,
        } = step
        else {
            break;
        };
        let response = connector.exchange(&request, &served, &mut |_, input| {
            arrived = Some(input);
            match output {
                Some(body) => Ok(Answer::new(operation.status, body.clone())),
                None => Err(Problem::new(ProblemCode::RecordNotFound)),
            }
        });
        let next = connector.resume(dialogue, &response, &context);
        if purpose == Purpose::Act {
            let answer = match next {
                Ok(Step::Done {
                    answer, session: fresh, ..
                }) => {
                    *session = fresh.or(session.take());
                    Ok(answer.body)
                }
                Ok(Step::Send { .. }) => Ok(Value::Null),
                Err(error) => Err(error),
            };
            return Ok(Course {
                request,
                response,
                arrived,
                answer,
            });
        }
        step = next?;
    }
    Err(ConnectorError::Manifest("the course does not end".to_owned()))
}

/// A value that the upstream's form cannot say is refused before anything is sent, which is right.
fn refused(error: &ConnectorError) -> bool {
    matches!(error, ConnectorError::Input { .. })
}

/// What a request says, without headers.
fn show(request: &Outgoing) -> String {
    match request {
        Outgoing::Http(request) => format!("{} {} {:?}", request.method, request.target, text(&request.body)),
        other => format!("{other:?}"),
    }
}

/// What an answer says, without headers.
fn told(response: &Returned) -> String {
    match response {
        Returned::Http(response) => format!("{:?}", text(&response.body)),
        other => format!("{other:?}"),
    }
}

fn text(bytes: &[u8]) -> Result<&str, &[u8]> {
    std::str::from_utf8(bytes).map_err(|_| bytes)
}

/// Inputs through requests.
fn requests(
    connector: &Connector,
    operation: &Arc<Operation>,
    input: &Map<String, Value>,
    session: &mut Option<Session>,
) -> Result<bool, String> {
    let first = match course(connector, operation, input, None, session) {
        Ok(first) => first,
        Err(error) if refused(&error) => return Ok(false),
        Err(error) => return Err(format!("{error}")),
    };
    let arrived = first
        .arrived
        .ok_or_else(|| format!("did not arrive: {}", show(&first.request)))?;
    let second = course(connector, operation, &arrived, None, session)
        .map_err(|e| format!("what arrived cannot be sent: {e}"))?;
    // A randomised signature or seal differs every time; then the values alone count.
    let same = |session: &mut Option<Session>| course(connector, operation, input, None, session);
    if show(&second.request) != show(&first.request)
        && same(session).is_ok_and(|again| show(&again.request) == show(&first.request))
    {
        return Err(format!(
            "encode(decode(encode(x))):\n    {}\n    {}",
            show(&first.request),
            show(&second.request)
        ));
    }
    match second.arrived {
        Some(again) if again == arrived => Ok(true),
        again => Err(format!(
            "decode(encode(x)) of what arrived: {arrived:?} became {again:?}"
        )),
    }
}

/// Answers through responses.
fn responses(
    connector: &Connector,
    operation: &Arc<Operation>,
    input: &Map<String, Value>,
    output: &Value,
    session: &mut Option<Session>,
) -> Result<bool, String> {
    let run =
        |output: &Value, session: &mut Option<Session>| course(connector, operation, input, Some(output), session);
    let first = run(output, session).map_err(|e| e.to_string())?;
    let came = match first.answer {
        Ok(Value::Null) => return Ok(false),
        Ok(came) => came,
        // The simulated system could not write the value in its charset or form and broke, as a real one would.
        Err(ConnectorError::Failed { .. }) => return Ok(false),
        Err(error) => return Err(format!("{error}: {}", told(&first.response))),
    };
    let second = run(&came, session).map_err(|e| e.to_string())?;
    if told(&second.response) != told(&first.response)
        && run(output, session).is_ok_and(|again| told(&again.response) == told(&first.response))
    {
        return Err(format!(
            "encode(decode(encode(x))):\n    {}\n    {}",
            told(&first.response),
            told(&second.response)
        ));
    }
    match second.answer {
        Ok(again) if again == came => Ok(true),
        again => Err(format!("decode(encode(x)) of what came: {came} became {again:?}")),
    }
}

#[derive(Default)]
struct Count {
    tried: usize,
    held: usize,
    wrong: Vec<String>,
}

fn operation(
    catalog: &Catalog,
    engine: &MockEngine,
    connector: &Connector,
    of: &Arc<Operation>,
    count: &mut Count,
    session: &mut Option<Session>,
) {
    // Where the hub chooses rows out of a feed itself, a request does not say what was asked for, and answers are reckoned.
    if !connector.chosen_by(of.key()).is_empty() {
        return;
    }
    let mut rng = Rng::of(&of.id, 1);
    let subject = caller(engine, of, "wang-jianguo", "zheng-haiyan@yunfan-tech");
    let fixed = bind(of, &example(of), &subject);
    let like = of.examples.iter().find_map(|e| e.output.clone());
    for _ in 0..wanted() {
        let made = object(&of.input, Some(&Value::Object(fixed.clone())), &mut rng);
        let input = bind(of, made.as_object().unwrap(), &subject);
        if catalog.check_input(of, &input).is_ok() {
            tally(count, &of.id, requests(connector, of, &input, session));
        }
        let Some(like) = like.as_ref().filter(|_| of.response.is_some()) else {
            continue;
        };
        let output = if of.output.kind == hub_core::ShapeKind::Object {
            object(&of.output, Some(like), &mut rng)
        } else {
            like.clone()
        };
        if catalog.check_output(of, &output).is_ok() {
            tally(count, &of.id, responses(connector, of, &fixed, &output, session));
        }
    }
}

fn tally(count: &mut Count, id: &str, outcome: Result<bool, String>) {
    count.tried += 1;
    match outcome {
        Ok(true) => count.held += 1,
        Ok(false) => {}
        Err(what) => count.wrong.push(format!("{id}: {what}")),
    }
}

#[test]
fn every_operation_round_trips() {
    let (Some(catalog), Some(engine)) = (CATALOG.as_ref(), engine(1)) else {
        return;
    };
    let connectors = connectors(catalog);
    let systems: Vec<_> = connectors.iter().collect();
    let counts: Vec<Count> = std::thread::scope(|scope| {
        let halves: Vec<_> = (0..2)
            .map(|half| {
                let (systems, engine) = (&systems, &engine);
                scope.spawn(move || {
                    let mut count = Count::default();
                    for (system, connector) in systems.iter().skip(half).step_by(2) {
                        let mut session = None;
                        for of in catalog.operations_of(system) {
                            if matches!(connector.available(of.key()), Availability::Live) {
                                operation(catalog, engine, connector, of, &mut count, &mut session);
                            }
                        }
                    }
                    count
                })
            })
            .collect();
        halves.into_iter().map(|h| h.join().unwrap()).collect()
    });
    let (mut tried, mut held, mut wrong) = (0, 0, Vec::new());
    for count in counts {
        tried += count.tried;
        held += count.held;
        wrong.extend(count.wrong);
    }
    println!("{tried} values, {held} of them within what the upstream can say");
    assert!(
        wrong.is_empty(),
        "{} of {tried}, first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
    assert!(tried > 2_000 && held > tried / 2, "{held} of {tried}");
}
