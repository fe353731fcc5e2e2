//! The attack: for every system, its good answers spoiled in a thousand ways (ten thousand under `make fuzz`). Nothing panics,
//! each ends in an answer that fits its contract or in the problem that is right for it, and a code that no list has is
//! kept as it is and flagged.

use crate::city::{Derived, OnePaper, call_of, connectors};
use crate::mutate::{Kind, UNKNOWN, mutate};
use crate::mutate_exchange;
use crate::rng::Rng;
use crate::town::{CATALOG, Still, bind, caller, engine, example};
use hub_catalog::Catalog;
use hub_connectors::{Availability, Connector, Context, Dialogue, Note, Purpose, Secrets, Session, Step};
use hub_core::ports::Clock;
use hub_core::{Effect, Operation, ProblemCode, Returned, SystemId};
use hub_sandbox::City;
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest time for one answer, however spoiled; generous, for machines under load.
const LONGEST: Duration = Duration::from_secs(5);

/// Mutated answers for each system.
fn wanted() -> usize {
    std::env::var("HUB_FUZZ_ANSWERS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(1_000)
}

/// A call just before its answer, and the good one.
struct Good {
    operation: Arc<Operation>,
    dialogue: Dialogue,
    returned: Returned,
    tree: Option<Value>,
    logged_in: bool,
    session: Option<Session>,
}

fn context<'a>(secrets: &'a dyn Secrets, session: Option<&'a Session>) -> Context<'a> {
    Context {
        now: Still("2026-11-20T10:00:00+08:00").now(),
        random: [7; 32],
        secrets,
        session,
        files: &OnePaper,
    }
}

/// Calls an operation once and keeps the moment before its last answer.
fn good(
    city: &City,
    connector: &Connector,
    call: &hub_core::ports::Call,
    session: &mut Option<Session>,
) -> Option<Good> {
    let secrets = Derived(call.operation.system.clone());
    let before = session.clone();
    let mut step = connector.begin(call, &context(&secrets, before.as_ref())).ok()?;
    let mut found = None;
    for _ in 0..8 {
        match step {
            Step::Done { session: fresh, .. } => {
                *session = fresh.or(session.take());
                break;
            }
            Step::Send {
                request,
                purpose,
                dialogue,
            } => {
                let returned = city.lend(&call.operation.system, |connector, context, handler| {
                    connector.exchange(&request, context, handler)
                })?;
                if purpose == Purpose::Act {
                    found = Some(Good {
                        operation: Arc::clone(&call.operation),
                        dialogue: dialogue.clone(),
                        tree: returned.http().and_then(|r| serde_json::from_slice(&r.body).ok()),
                        logged_in: dialogue.fresh_session().is_some(),
                        returned: returned.clone(),
                        session: before.clone(),
                    });
                }
                step = connector
                    .resume(dialogue, &returned, &context(&secrets, before.as_ref()))
                    .ok()?;
            }
        }
    }
    found
}

impl Good {
    /// Its answer spoiled, by whatever it travels.
    fn spoiled(&self, rng: &mut Rng) -> (Kind, Returned) {
        match &self.returned {
            Returned::Http(response) => {
                let (kind, response) = mutate(response, self.tree.as_ref(), rng);
                (kind, response.into())
            }
            Returned::Sql(found) => {
                let (kind, found) = mutate_exchange::rows(found, rng);
                (kind, Returned::Sql(found))
            }
            Returned::File(found) => {
                let (kind, found) = mutate_exchange::files(found, rng);
                (kind, Returned::File(found))
            }
        }
    }
}

/// Whether it holds a value that is far too long.
fn is_huge(returned: &Returned) -> bool {
    format!("{returned:?}").len() > 1_000
}

/// The beginning of an answer, to be read by people.
fn shown(returned: &Returned) -> String {
    let all = match returned {
        Returned::Http(response) => String::from_utf8_lossy(&response.body).into_owned(),
        Returned::Sql(found) => format!("{found:?}"),
        Returned::File(found) => {
            let files = found.files.iter();
            files
                .map(|f| format!("{}: {}; ", f.name, String::from_utf8_lossy(&f.bytes)))
                .collect()
        }
    };
    all.chars().take(600).collect()
}

/// What came of a spoiled answer: `Err` says what was wrong about that.
fn judge(
    catalog: &Catalog,
    good: &Good,
    kind: Kind,
    returned: &Returned,
    came: Result<Step, hub_connectors::ConnectorError>,
) -> Result<Option<ProblemCode>, String> {
    let code = match came {
        Ok(Step::Send { .. }) => return Ok(None),
        Ok(Step::Done { answer, notes, .. }) => {
            flagged(&answer.body, &notes)?;
            match kind {
                Kind::Page | Kind::Broken | Kind::DocumentType => {
                    // An operation that answers nothing is content with any 2xx.
                    if good.operation.response.is_some() {
                        return Err("a success".to_owned());
                    }
                }
                // A file that was handed over is handed over, whether or not there is a reply yet.
                Kind::Nothing if good.operation.effect == Effect::None => return Err("a success".to_owned()),
                Kind::Values | Kind::Status | Kind::Nothing => {}
            }
            match catalog.check_output(&good.operation, &answer.body) {
                Ok(()) => return Ok(None),
                Err(_) => ProblemCode::UpstreamContract,
            }
        }
        Err(error) => {
            let problem = error.problem();
            // Only what was made huge can be too long.
            if is_huge(returned)
                && problem
                    .document("http://h", hub_core::Lang::Zh, "r")
                    .to_string()
                    .contains(&"9".repeat(1_000))
            {
                return Err("the problem carries the whole value".to_owned());
            }
            problem.code
        }
    };
    let right = match kind {
        // A page right after a login means that the credentials are refused.
        Kind::Page => code == ProblemCode::UpstreamBlocked || code == ProblemCode::UpstreamRefused && good.logged_in,
        Kind::Broken | Kind::DocumentType => code == ProblemCode::UpstreamUnexpected,
        Kind::Nothing => matches!(code, ProblemCode::UpstreamTimeout | ProblemCode::UpstreamUnavailable),
        Kind::Values | Kind::Status => matches!(
            code,
            ProblemCode::RecordNotFound
                | ProblemCode::BusinessRejected
                | ProblemCode::Conflict
                | ProblemCode::UpstreamBlocked
                | ProblemCode::UpstreamUnexpected
                | ProblemCode::UpstreamContract
                | ProblemCode::UpstreamRefused
                | ProblemCode::UpstreamBusy
                | ProblemCode::UpstreamMaintenance
                | ProblemCode::UpstreamUnavailable
                | ProblemCode::UpstreamTimeout
        ),
    };
    if right {
        Ok(Some(code))
    } else {
        Err(format!("{code:?}"))
    }
}

/// An unknown code that went through must stand in the answer as it came.
fn flagged(body: &Value, notes: &[Note]) -> Result<(), String> {
    for note in notes.iter().filter(|n| n.kind == "unknown-code") {
        if !mentions(body, note.field.rsplit('/').next().unwrap_or_default()) {
            return Err(format!("`{}` is flagged, but its raw value is gone", note.field));
        }
    }
    Ok(())
}

/// Whether a member of this name holds anything.
fn mentions(body: &Value, field: &str) -> bool {
    match body {
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| name == field && !value.is_null() || mentions(value, field)),
        Value::Array(items) => items.iter().any(|item| mentions(item, field)),
        _ => false,
    }
}

#[derive(Default)]
struct Tally {
    systems: AtomicUsize,
    by_rows: AtomicUsize,
    by_files: AtomicUsize,
    answers: AtomicUsize,
    problems: AtomicUsize,
    flagged: AtomicUsize,
}

fn attack(
    city: &City,
    catalog: &Catalog,
    connector: &Connector,
    engine: &hub_sandbox::MockEngine,
    tally: &Tally,
) -> Vec<String> {
    let system = connector.system();
    let mut session = None;
    let mut goods = Vec::new();
    let is_live = |o: &Arc<Operation>| matches!(connector.available(o.key()), Availability::Live);
    for operation in catalog.operations_of(system) {
        if is_live(operation) {
            let subject = caller(engine, operation, "wang-jianguo", "zheng-haiyan@yunfan-tech");
            let input = bind(operation, &example(operation), &subject);
            goods.extend(good(city, connector, &call_of(operation, input), &mut session));
        }
    }
    let live = catalog.operations_of(system).into_iter().any(is_live);
    if goods.is_empty() {
        return live
            .then(|| format!("{system}: no good answer to spoil"))
            .into_iter()
            .collect();
    }
    tally.systems.fetch_add(1, Ordering::Relaxed);
    let secrets = Derived(system.clone());
    let mut rng = Rng::of(&system.to_string(), 0);
    let mut wrong = Vec::new();
    for number in 0..wanted() {
        let good = &goods[number % goods.len()];
        let (kind, returned) = good.spoiled(&mut rng);
        let begun = Instant::now();
        let dialogue = good.dialogue.clone();
        let came = catch_unwind(AssertUnwindSafe(|| {
            connector.resume(dialogue, &returned, &context(&secrets, good.session.as_ref()))
        }));
        let Ok(came) = came else {
            wrong.push(format!("{} {number} {kind:?}: a panic", good.operation.id));
            continue;
        };
        if let Ok(Step::Done { notes, answer, .. }) = &came
            && notes.iter().any(|n| n.kind == "unknown-code")
            && answer.body.to_string().contains(UNKNOWN)
        {
            tally.flagged.fetch_add(1, Ordering::Relaxed);
        }
        tally.answers.fetch_add(1, Ordering::Relaxed);
        match &returned {
            Returned::Http(_) => {}
            Returned::Sql(_) => drop(tally.by_rows.fetch_add(1, Ordering::Relaxed)),
            Returned::File(_) => drop(tally.by_files.fetch_add(1, Ordering::Relaxed)),
        }
        match judge(catalog, good, kind, &returned, came) {
            Ok(problem) => drop(
                tally
                    .problems
                    .fetch_add(usize::from(problem.is_some()), Ordering::Relaxed),
            ),
            Err(what) => wrong.push(format!(
                "{} {number} {kind:?}: {what}: {}",
                good.operation.id,
                shown(&returned)
            )),
        }
        if begun.elapsed() > LONGEST {
            wrong.push(format!(
                "{} {number} {kind:?}: took {:?}",
                good.operation.id,
                begun.elapsed()
            ));
        }
    }
    wrong
}

#[test]
fn mutated_answers_of_every_system_end_right() {
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
    let tally = Tally::default();
    let begun = Instant::now();
    let all: Vec<&Arc<Connector>> = connectors.values().collect();
    let turn = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut wrong = Vec::new();
                    while let Some(connector) = all.get(turn.fetch_add(1, Ordering::Relaxed)) {
                        wrong.extend(attack(&city, catalog, connector, &engine, &tally));
                    }
                    wrong
                })
            })
            .collect();
        workers.into_iter().flat_map(|w| w.join().unwrap()).collect()
    });
    let (answers, problems) = (
        tally.answers.load(Ordering::Relaxed),
        tally.problems.load(Ordering::Relaxed),
    );
    assert!(
        wrong.is_empty(),
        "{} of {answers}, first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(25)].join("\n")
    );
    let flagged = tally.flagged.load(Ordering::Relaxed);
    let [systems, by_rows, by_files] =
        [&tally.systems, &tally.by_rows, &tally.by_files].map(|n| n.load(Ordering::Relaxed));
    println!(
        "{answers} spoiled answers of {systems} systems ({by_rows} by rows, {by_files} by files): {problems} problems, \
         {flagged} unknown codes flagged, in {:?}",
        begun.elapsed()
    );
    assert!(systems >= 60, "{systems}");
    assert_eq!(answers, systems * wanted());
    assert!(by_rows >= wanted() && by_files >= wanted(), "{by_rows} {by_files}");
    assert!(problems > answers / 4 && problems < answers, "{problems} of {answers}");
    assert!(flagged > answers / 1_000, "{flagged}");
}
