//! Matters: what a submission opened at its agency, and what the agency tells about it later, by knocking or when asked.
//!
//! News are idempotent by number and state and monotone: the same news twice, or older news after newer, change nothing.

use crate::fingerprint;
use crate::gateway::Core;
use crate::payments;
use crate::replay::unavailable;
use crate::snapshot::Snapshot;
use hub_connectors::{Connector, Event};
use hub_core::ports::Answer;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Operation, Problem, ProblemCode};
use hub_store::{Case, Store};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

/// Tries to write over a version that somebody else may change at the same time.
const TRIES: usize = 8;
/// Canonical values kept of one knock, as JSON text.
const SAID: usize = 16 << 10;

/// The mark under which a matter's number is found.
pub(crate) fn mark(number: &str) -> String {
    fingerprint::of(&[number])
}

/// Remembers what a delivered submission opened: the numbers its matter is found by, and the order it made.
pub(crate) async fn opened(
    core: &Core,
    snapshot: &Snapshot,
    operation: &Operation,
    submission: &str,
    input: &Map<String, Value>,
    outcome: &Result<Answer, Problem>,
) {
    let Some(connector) = snapshot.connectors.get(&operation.system) else {
        return;
    };
    let now = core.clock.now();
    payments::made(&core.store, connector, operation, submission, input, outcome, now).await;
    let Ok(answer) = outcome else { return };
    if !connector.has_callback() {
        return;
    }
    for child in &operation.output.children {
        let name = child.field.as_deref().unwrap_or(&child.name);
        let Some(number) = answer.body.get(&*child.name).and_then(text) else {
            continue;
        };
        if !snapshot.catalog.is_handle(name) {
            continue;
        }
        let case = Case {
            system: operation.system.to_string(),
            mark: mark(&number),
            submission: Some(submission.to_owned()),
            state: None,
            at: None,
            news: json!({"field": child.name, "number": number}),
            version: 0,
            heard: now,
            polls: 0,
            next_poll: next_poll(connector, None, now),
        };
        if let Err(error) = open(&core.store, case).await {
            tracing::error!(submission, error = %error, "news about a submission will not find it");
        }
    }
}

/// Opens a matter, or ties one that was heard of already to its submission.
async fn open(store: &Store, case: Case) -> Result<(), hub_store::StoreError> {
    let cases = store.cases();
    for _ in 0..TRIES {
        if cases.open(&case).await? {
            return Ok(());
        }
        let Some(mut known) = cases.get(&case.system, &case.mark).await? else {
            continue;
        };
        known.submission.clone_from(&case.submission);
        if let (Some(news), Some(more)) = (known.news.as_object_mut(), case.news.as_object()) {
            news.extend(more.clone());
        }
        if cases.change(&known).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Writes news down; whether they were news.
pub(crate) async fn note(core: &Core, connector: &Connector, event: &Event) -> Result<bool, Problem> {
    let now = core.clock.now();
    let (cases, system) = (core.store.cases(), connector.system().to_string());
    let mark = mark(&event.case.1);
    payments::told(&core.store, connector, event, now).await?;
    for _ in 0..TRIES {
        let known = cases.get(&system, &mark).await.map_err(unavailable)?;
        let written = match known {
            None => {
                let case = told(connector, Case::unheard(&system, &mark, now), event, now);
                cases.open(&case).await
            }
            Some(known) if is_news(connector, &known, event) => cases.change(&told(connector, known, event, now)).await,
            Some(_) => return Ok(false),
        };
        if written.map_err(unavailable)? {
            return Ok(true);
        }
    }
    Err(Problem::new(ProblemCode::StoreUnavailable).inner("a matter changes faster than it can be written"))
}

/// A matter as it is after the news.
fn told(connector: &Connector, mut case: Case, event: &Event, now: Timestamp) -> Case {
    if let Some(state) = event.state.as_ref().and_then(|(_, s)| text(s)) {
        case.state = Some(state);
    }
    if event.at.is_some() {
        case.at.clone_from(&event.at);
    }
    let mut news = case.news.as_object().cloned().unwrap_or_default();
    news.insert("field".into(), event.case.0.clone().into());
    news.insert("number".into(), event.case.1.clone().into());
    let said = Value::Object(event.values.clone());
    if said.to_string().len() <= SAID {
        news.insert("said".into(), said);
    }
    case.news = Value::Object(news);
    case.heard = now;
    case.polls = 0;
    case.next_poll = next_poll(connector, case.state.as_deref(), now);
    case
}

/// Declared steps count for more than times, times for more than the order of codes.
fn is_news(connector: &Connector, known: &Case, event: &Event) -> bool {
    let state = event.state.as_ref().and_then(|(_, s)| text(s));
    let times = match (known.at.as_deref().map(str::parse), event.at.as_deref().map(str::parse)) {
        (Some(Ok(before)), Some(Ok(at))) => Some((before, at)),
        _ => None,
    };
    let order = times.map(|(before, at): (Timestamp, Timestamp)| at.cmp(&before));
    if order == Some(std::cmp::Ordering::Less) {
        return false;
    }
    match (known.state.as_deref(), state.as_deref()) {
        (Some(from), Some(to)) if from == to => false,
        (Some(from), Some(to)) if connector.has_steps() => connector.state_follows(from, to),
        (Some(_), Some(_)) if order == Some(std::cmp::Ordering::Greater) => true,
        (Some(from), Some(to)) => connector.state_follows(from, to),
        (None, Some(_)) => true,
        (_, None) => order == Some(std::cmp::Ordering::Greater),
    }
}

/// When a matter is asked about that no news come of.
pub(crate) fn next_poll(connector: &Connector, state: Option<&str>, now: Timestamp) -> Option<Timestamp> {
    let poll = connector.poll()?;
    if state.is_some_and(|state| connector.state_is_final(state)) {
        return None;
    }
    let every = SignedDuration::from_millis(i64::try_from(poll.every_ms).unwrap_or(i64::MAX / 2));
    now.checked_add(every).ok()
}

/// A matter as its subject sees it.
pub(crate) fn view(case: &Case) -> Value {
    json!({
        "field": case.news.get("field"), "number": case.news.get("number"),
        "state": case.state, "at": case.at, "heard": rfc3339(case.heard),
        "said": case.news.get("said"),
    })
}

/// A text, or a number as one.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
