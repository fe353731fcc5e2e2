//! The lives matters lead. A state is never stored: it follows from what happened and from the clock, so that moving
//! the clock in one step or in two gives the same.
//!
//! A case is submitted, accepted a day later, examined from the second day, approved when its promised working days
//! have passed. An order is `created` in the answer that opens it and paid for everybody who reads it afterwards, as
//! if the payer had paid in between. Places, certificates and subscriptions keep their state until somebody ends them.

use crate::calendar::{start_of, working_days_after};
use crate::links::{Flow, Turn};
use crate::state::{Event, Matter};
use crate::vocabulary::Vocabulary;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Problem, ProblemCode, Semantic, Shape, ShapeKind};
use serde_json::{Map, Value};

/// Hours after which a submitted case counts as accepted, and as being examined.
const ACCEPTED_HOURS: i64 = 24;
const EXAMINED_HOURS: i64 = 48;

/// The word for the state of a matter as somebody sees it at a time. `opening` is the answer that makes it.
pub(crate) fn word(matter: &Matter, now: Timestamp, opening: bool) -> &'static str {
    let last = matter.events.last().map(|(_, event)| *event);
    match (matter.flow, last) {
        (_, Some(Event::Refunded)) => "refunded",
        (Flow::Case, Some(Event::Ended)) => "withdrawn",
        (_, Some(Event::Ended)) => "cancelled",
        (_, Some(Event::Approved)) => "approved",
        (_, Some(Event::Rejected)) => "rejected",
        (_, Some(Event::NeedDocs)) => "need-docs",
        (Flow::Case, Some(Event::Supplemented)) if now < decided_at(matter) => "processing",
        (Flow::Case, _) => case_word(matter, now),
        (Flow::Visit, Some(Event::Arrived)) => "arrived",
        (Flow::Visit, _) => "booked",
        (Flow::Order, _) if opening => "created",
        (Flow::Order, _) if matter.held && now < decided_at(matter) => "paying",
        (Flow::Order, _) => "paid",
        (Flow::Certificate, _) if is_over(matter, now) => "expired",
        (Flow::Certificate, _) => "issued",
        (Flow::Subscription, _) => "active",
    }
}

/// Whether the last day of a certificate has passed.
fn is_over(matter: &Matter, now: Timestamp) -> bool {
    matter.ends.is_some_and(|ends| hub_core::time::civil(now).date() > ends)
}

fn case_word(matter: &Matter, now: Timestamp) -> &'static str {
    let hours = now.duration_since(matter.created).as_hours();
    if now >= decided_at(matter) {
        return "approved";
    }
    match hours {
        h if h >= EXAMINED_HOURS => "processing",
        h if h >= ACCEPTED_HOURS => "accepted",
        _ => "submitted",
    }
}

/// When the decision falls: the end of the promised working days, counted again from the last papers handed in.
pub(crate) fn decided_at(matter: &Matter) -> Timestamp {
    let decided = |e: &Event| matches!(e, Event::Approved | Event::Rejected);
    if let Some((at, _)) = matter.events.iter().find(|(_, e)| decided(e)) {
        return *at;
    }
    let restart = matter
        .events
        .iter()
        .rev()
        .find(|(_, e)| *e == Event::Supplemented)
        .map(|(at, _)| *at);
    let from = restart.unwrap_or(matter.created);
    // A matter handled at once is still decided on the next working day: somebody has to read it.
    let day = working_days_after(from, matter.days.max(1));
    start_of(day).unwrap_or(from).max(from)
}

/// What an operation does to a matter. `None` where nothing changes because it already is so.
///
/// # Errors
/// A business refusal where the matter is past it.
pub(crate) fn turn(matter: &Matter, turn: Option<Turn>, now: Timestamp) -> Result<Option<Event>, Problem> {
    let state = word(matter, now, false);
    let over = ["approved", "rejected", "withdrawn", "cancelled", "refunded"].contains(&state);
    match turn {
        Some(Turn::End) if ["withdrawn", "cancelled", "refunded"].contains(&state) => Ok(None),
        Some(Turn::End) if over => Err(refused(
            "办件已办结，不能撤回",
            "The case is decided and cannot be withdrawn",
        )),
        Some(Turn::End) => Ok(Some(Event::Ended)),
        Some(Turn::Arrive) if matter.flow == Flow::Visit && state == "arrived" => Ok(None),
        Some(Turn::Arrive) if matter.flow == Flow::Visit && state == "booked" => Ok(Some(Event::Arrived)),
        Some(Turn::Refund) if state == "refunded" => Ok(None),
        Some(Turn::Refund) => Ok(Some(Event::Refunded)),
        Some(Turn::Supplement) if over => Err(refused(
            "办件已办结或已撤回，不能再补充材料",
            "The case is decided or withdrawn and takes no more papers",
        )),
        Some(Turn::Supplement) => Ok(Some(Event::Supplemented)),
        _ if ["withdrawn", "cancelled", "refunded"].contains(&state) => Err(refused(
            "该事项已结束，不能再变更",
            "The matter has ended and cannot be changed",
        )),
        _ => Ok(None),
    }
}

fn refused(zh: &str, en: &str) -> Problem {
    Problem::new(ProblemCode::BusinessRejected).detail(zh, en)
}

/// The members of an answer that follow from a matter: its states, its moments, its service.
pub(crate) fn members(
    words: &Vocabulary,
    shape: &Shape,
    matter: &Matter,
    service_name: Option<&str>,
    now: Timestamp,
    opening: bool,
) -> Map<String, Value> {
    let state = word(matter, now, opening);
    let mut members = Map::new();
    let changed = matter.events.last().map_or(matter.created, |(at, _)| *at);
    for child in &shape.children {
        let name = child.field.as_deref().unwrap_or(&child.name);
        let is = |names: &[String]| names.iter().any(|n| n == name);
        let value = if is_state(child) {
            words.state(state, &child.choices)
        } else if is(&words.moments.created) {
            Some(moment(child, matter.created))
        } else if is(&words.moments.changed) {
            Some(moment(child, changed))
        } else if is(&words.moments.paid) && state == "paid" {
            Some(moment(child, matter.created))
        } else if is(&words.moments.promised) {
            Some(Value::String(
                hub_core::time::civil(decided_at(matter)).date().to_string(),
            ))
        } else if is(&words.moments.stages) && matter.flow == Flow::Case {
            stages(words, child, matter, state)
        } else if is(&words.moments.service) {
            service_name.map(|n| Value::String(n.to_owned()))
        } else {
            None
        };
        if let Some(value) = value {
            members.insert(child.name.to_string(), value);
        }
    }
    members
}

/// The list of a case's stages: those before the present state are done, those behind it wait or fall away.
fn stages(words: &Vocabulary, list: &Shape, matter: &Matter, state: &str) -> Option<Value> {
    let item = list.item.as_deref()?;
    let name = item
        .children
        .iter()
        .find(|c| c.kind == ShapeKind::String && c.choices.is_empty())?;
    let status = item.children.iter().find(|c| is_state(c))?;
    let time = item.children.iter().find(|c| c.semantic == Semantic::DateTime);
    let now_at = match state {
        "need-docs" => "accepted",
        other => other,
    };
    let ended = ["withdrawn", "cancelled"].contains(&state);
    let reached = words.stages.iter().position(|s| s.during == now_at);
    let last = words.stages.len().saturating_sub(1);
    let rows = words.stages.iter().enumerate().map(|(n, stage)| {
        let word = match reached {
            None if ended && n > 0 => "stage-skipped",
            Some(at) if n < at || (n == at && at == last) => "stage-done",
            Some(at) if n == at => "stage-doing",
            Some(_) => "stage-waiting",
            None => "stage-done",
        };
        let mut row = Map::from_iter([(name.name.to_string(), Value::String(stage.name.clone()))]);
        row.extend(words.state(word, &status.choices).map(|v| (status.name.to_string(), v)));
        if let (Some(time), "stage-done") = (time, word) {
            let hours = i64::try_from(n).unwrap_or(0) * ACCEPTED_HOURS;
            let at = matter
                .created
                .checked_add(jiff::SignedDuration::from_hours(hours))
                .unwrap_or(matter.created);
            let at = if n == last {
                decided_at(matter)
            } else {
                at.min(decided_at(matter))
            };
            row.insert(time.name.to_string(), Value::String(rfc3339(at)));
        }
        Value::Object(row)
    });
    Some(Value::Array(rows.collect()))
}

/// Whether a member is an enum of states.
pub(crate) fn is_state(shape: &Shape) -> bool {
    let name = shape.field.as_deref().unwrap_or(&shape.name);
    !shape.choices.is_empty() && ["status", "state"].iter().any(|end| name.ends_with(end))
}

fn moment(shape: &Shape, at: Timestamp) -> Value {
    let whole = shape.semantic == Semantic::Date;
    Value::String(if whole {
        hub_core::time::civil(at).date().to_string()
    } else {
        rfc3339(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use hub_core::SystemId;

    fn matter(flow: Flow) -> Matter {
        Matter {
            system: SystemId::new("a", "b"),
            made_by: "a.x".into(),
            service: None,
            flow,
            handles: Vec::new(),
            owners: Vec::new(),
            input: Map::new(),
            data: Map::new(),
            answer: Value::Null,
            created: at("2026-11-20T10:00:00+08:00"),
            days: 3,
            legal_days: 0,
            papers: 0,
            meets: None,
            ends: None,
            held: false,
            events: Vec::new(),
            seed: Seed::new(1),
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_case_moves_with_the_clock() {
        let case = matter(Flow::Case);
        let word_at = |text: &str| word(&case, at(text), false);
        assert_eq!(word_at("2026-11-20T11:00:00+08:00"), "submitted");
        assert_eq!(word_at("2026-11-21T11:00:00+08:00"), "accepted");
        assert_eq!(word_at("2026-11-24T11:00:00+08:00"), "processing");
        assert_eq!(word_at("2026-11-25T00:00:00+08:00"), "approved");
    }

    #[test]
    fn what_has_ended_stays_ended() {
        let now = at("2026-11-20T11:00:00+08:00");
        let mut case = matter(Flow::Case);
        assert_eq!(turn(&case, Some(Turn::End), now), Ok(Some(Event::Ended)));
        case.events.push((now, Event::Ended));
        assert_eq!(word(&case, at("2030-01-01T00:00:00Z"), false), "withdrawn");
        assert_eq!(turn(&case, Some(Turn::End), now), Ok(None));
        assert!(turn(&case, Some(Turn::Supplement), now).is_err());
        let decided = matter(Flow::Case);
        let later = at("2026-12-20T11:00:00+08:00");
        assert_eq!(
            turn(&decided, Some(Turn::End), later).unwrap_err().code,
            ProblemCode::BusinessRejected
        );
    }

    #[test]
    fn an_order_is_paid_for_whoever_reads_it() {
        let now = at("2026-11-20T10:00:00+08:00");
        let mut order = matter(Flow::Order);
        assert_eq!((word(&order, now, true), word(&order, now, false)), ("created", "paid"));
        order.held = true;
        assert_eq!(word(&order, now, false), "paying");
        assert_eq!(word(&order, at("2026-12-20T10:00:00+08:00"), false), "paid");
    }
}
