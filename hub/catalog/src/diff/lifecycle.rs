//! Deprecation and its end: what was announced may go, what was promised until a day must stay until that day.

use super::book::At;
use super::collect::{Collector, Found};
use super::day::Day;
use super::table::{Area, Effect};
use serde_json::Value;

/// Names of the extension that says until when something answers.
const SUNSET: &[&str] = &["x-sunset", "sunset", "x-hub-sunset"];

/// Whether something may be removed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It was never announced.
    Unannounced,
    /// It was, and its day has come, or no day was named.
    Come,
    /// It was, for a later day, or for one that can't be read.
    Ahead,
}

fn deprecated(value: &Value) -> bool {
    value.get("deprecated") == Some(&Value::Bool(true))
}

fn sunset(value: &Value) -> Option<&Value> {
    SUNSET.iter().find_map(|name| value.get(*name))
}

fn shown(value: &Value) -> Option<String> {
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn day(value: &Value) -> Option<Day> {
    value.as_str().and_then(Day::parse)
}

/// Whether what an old description says may be gone from the new one.
pub(super) fn end(old: &Value, today: Option<Day>) -> End {
    if !deprecated(old) {
        return End::Unannounced;
    }
    match sunset(old) {
        None => End::Come,
        Some(value) => match (day(value), today) {
            (Some(end), Some(today)) if end <= today => End::Come,
            _ => End::Ahead,
        },
    }
}

/// What changed in the life of something that both descriptions have.
pub(super) fn compare(
    out: &mut Collector<'_>,
    act: usize,
    area: Area,
    inside: &str,
    (old, old_at): (&Value, &At),
    (new, new_at): (&Value, &At),
) {
    let mut note = |keyword, effect, from, to| {
        let found = Found::new(area, keyword, effect).old(old_at).new_at(new_at);
        out.find(act, found.says(from, to).inside(inside));
    };
    match (deprecated(old), deprecated(new)) {
        (false, true) => note("deprecation", Effect::Added, None, sunset(new).and_then(shown)),
        (true, false) => return note("deprecation", Effect::Removed, None, None),
        (false, false) => return,
        (true, true) => {}
    }
    let was = sunset(old).filter(|_| deprecated(old));
    match (was, sunset(new)) {
        (None, Some(is)) if day(is).is_none() => note("unreadable-sunset", Effect::Changed, None, shown(is)),
        (None, Some(is)) if deprecated(old) => note("sunset", Effect::Added, None, shown(is)),
        (None, _) => {}
        (Some(was), None) => note("sunset", Effect::Removed, shown(was), None),
        (Some(was), Some(is)) if was == is => {}
        (Some(was), Some(is)) => match (day(was), day(is)) {
            (Some(before), Some(after)) if after < before => {
                note("sunset", Effect::Narrowed, shown(was), shown(is));
            }
            (Some(_), Some(_)) => note("sunset", Effect::Widened, shown(was), shown(is)),
            _ => note("unreadable-sunset", Effect::Changed, shown(was), shown(is)),
        },
    }
}
