//! What is known about a value beyond its schema: the caller said it, a register holds it, a rule of the vocabulary or
//! an example of the contract proposes it.

use crate::invent::{Inventor, Spot, Style};
use crate::primitive::decimal;
use crate::seed::Dice;
use crate::template::Filling;
use crate::vocabulary::{DayForm, Rule};
use hub_core::time::{Timestamp, civil, rfc3339};
use serde_json::{Map, Value};

/// The best proposal for a place that its schema does not rule out at first sight.
pub(crate) fn proposal(
    inventor: &Inventor<'_>,
    flat: &Map<String, Value>,
    spot: &Spot<'_>,
    dice: &mut Dice,
) -> Option<Value> {
    let known = known(inventor, spot).filter(|v| fits(flat, v));
    known
        .or_else(|| by_rule(inventor, flat, spot, dice))
        .or_else(|| example(inventor, flat, dice))
}

/// What the caller said or a register holds.
pub(crate) fn known(inventor: &Inventor<'_>, spot: &Spot<'_>) -> Option<Value> {
    if let Some(said) = inventor.echo.get(spot.name) {
        // In lists only what works as a filter: a code or a name, not a date, an amount or a person.
        let personal = spot.shape.is_some_and(|s| s.level > hub_core::DataLevel::L1);
        let filter = said.is_string() && !personal && !spot.name.ends_with("_date");
        if said.is_string() || said.is_number() || said.is_boolean() || spot.nth == 0 {
            return (spot.nth == 0 || filter).then(|| said.clone());
        }
    }
    if spot.nth == 0 {
        return inventor.party.fields.get(spot.field()).cloned();
    }
    None
}

/// The rule of a place: by its canonical field, by its own name, by what it means.
fn rule_of<'a>(inventor: &'a Inventor<'_>, spot: &'a Spot<'_>) -> Option<(&'a Rule, &'a str)> {
    let words = inventor.words;
    let by_name = words.rule(spot.field()).or_else(|| words.rule(spot.name));
    by_name.or_else(|| Some((words.meaning(spot.shape?.semantic)?, "")))
}

/// What the vocabulary proposes.
pub(crate) fn by_rule(
    inventor: &Inventor<'_>,
    flat: &Map<String, Value>,
    spot: &Spot<'_>,
    dice: &mut Dice,
) -> Option<Value> {
    let (rule, rest) = rule_of(inventor, spot)?;
    let value = match rule {
        Rule::Text { template, stable } => {
            let today = civil(inventor.now).date().strftime("%Y%m%d").to_string();
            let of = |role: &str, attribute: &str| inventor.party.attribute(role, attribute, spot.nth);
            let filling = Filling {
                lists: &inventor.words.lists,
                today: &today,
                of: &of,
            };
            let mut own = match inventor.party.seed() {
                Some(seed) if *stable && spot.nth == 0 => seed.with(spot.field()).dice(),
                _ => dice.clone(),
            };
            Value::String(template.fill(&mut own, &filling, rest)?)
        }
        Rule::Number {
            low,
            high,
            decimals,
            step,
        } => between(*low, *high, *decimals, *step, dice)?,
        Rule::Days { low, high, form } => Value::String(written(day(inventor.now, *low, *high, dice), *form, flat)),
    };
    [typed(flat, &value), Some(value)]
        .into_iter()
        .flatten()
        .find(|v| fits(flat, v))
}

/// The rule of a date, if it has one: the days from now it lies between.
pub(crate) fn days_of(inventor: &Inventor<'_>, spot: &Spot<'_>) -> Option<(i64, i64)> {
    match rule_of(inventor, spot)? {
        (Rule::Days { low, high, .. }, _) => Some((*low, *high)),
        _ => None,
    }
}

/// Whether a place holds words about which nothing is known: an example's are as good as any.
pub(crate) fn is_free_text(inventor: &Inventor<'_>, spot: &Spot<'_>) -> bool {
    let Some(shape) = spot.shape else { return false };
    let says = |key: &str| shape.schema.get(key).is_some();
    shape.kind == hub_core::ShapeKind::String
        && shape.choices.is_empty()
        && !says("pattern")
        && !says("format")
        && rule_of(inventor, spot).is_none()
}

/// Whether a value belongs to one person or company, so that an example's can not stand for another's.
pub(crate) fn is_personal(inventor: &Inventor<'_>, spot: &Spot<'_>) -> bool {
    let Some((Rule::Text { template, stable }, _)) = rule_of(inventor, spot) else {
        return false;
    };
    spot.nth == 0 && !inventor.party.owners.is_empty() && (*stable || template.names_somebody())
}

fn day(now: Timestamp, low: i64, high: i64, dice: &mut Dice) -> Timestamp {
    let days = dice.between(low, high);
    let seconds = if days == 0 {
        0
    } else {
        dice.between(-3, 3) * 3_600 + dice.between(0, 3_599)
    };
    let span = jiff::SignedDuration::from_secs(days * 86_400 + seconds);
    now.checked_add(span).unwrap_or(now)
}

fn written(at: Timestamp, form: DayForm, flat: &Map<String, Value>) -> String {
    let day = civil(at).date();
    match (form, flat.get("format").and_then(Value::as_str)) {
        (DayForm::Year, _) => day.strftime("%Y").to_string(),
        (DayForm::Month, _) | (_, Some("month")) => day.strftime("%Y-%m").to_string(),
        (DayForm::Schema, Some("date-time")) => rfc3339(at),
        (DayForm::Schema, _) => day.to_string(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "rules hold plausible figures only"
)]
fn between(low: f64, high: f64, decimals: u32, step: i64, dice: &mut Dice) -> Option<Value> {
    if decimals == 0 {
        let steps = dice.between(0, ((high - low) as i64) / step);
        return Some(Value::from(low as i64 + steps * step));
    }
    let scale = 10_f64.powi(decimals.try_into().ok()?);
    let thrown = dice.between((low * scale) as i64, (high * scale) as i64);
    decimal(thrown as f64 / scale, usize::try_from(decimals).ok()?).ok()
}

/// The value in the type the schema wants: numbers may stand in texts and the other way round.
fn typed(flat: &Map<String, Value>, value: &Value) -> Option<Value> {
    let wants = |kind: &str| match flat.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(many)) => many.iter().any(|k| k == kind),
        _ => false,
    };
    match value {
        Value::Number(n) if wants("string") => Some(Value::String(n.to_string())),
        Value::String(s) if wants("integer") => s.parse::<i64>().ok().map(Value::from),
        _ => None,
    }
}

fn example(inventor: &Inventor<'_>, flat: &Map<String, Value>, dice: &mut Dice) -> Option<Value> {
    if matches!(inventor.style, Style::Maximal | Style::Empty) {
        return None;
    }
    let many = flat.get("examples").and_then(Value::as_array);
    let one = flat.get("example").into_iter().chain(flat.get("default"));
    let all: Vec<&Value> = many
        .into_iter()
        .flatten()
        .chain(one)
        .filter(|v| fits(flat, v))
        .collect();
    dice.pick(&all).map(|v| (*v).clone())
}

/// A quick look: type, enum, limits. Patterns and formats are left to the contract's own check.
pub(crate) fn fits(flat: &Map<String, Value>, value: &Value) -> bool {
    if let Some(choices) = flat.get("enum").and_then(Value::as_array)
        && !choices.contains(value)
    {
        return false;
    }
    let is = |kind: &str| match value {
        Value::Null => kind == "null",
        Value::Bool(_) => kind == "boolean",
        Value::Number(n) => kind == "number" || (kind == "integer" && (n.is_i64() || n.is_u64())),
        Value::String(_) => kind == "string",
        Value::Array(_) => kind == "array",
        Value::Object(_) => kind == "object",
    };
    let typed = match flat.get("type") {
        Some(Value::String(one)) => is(one),
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).any(is),
        // Who names members or items means an object or a list, though by the letter anything would do.
        _ if flat.contains_key("properties") => value.is_object(),
        _ if flat.contains_key("items") => value.is_array(),
        _ => true,
    };
    let limit = |key: &str| flat.get(key).and_then(Value::as_f64);
    let within = |size: f64, low: &str, high: &str| {
        limit(low).is_none_or(|l| size >= l) && limit(high).is_none_or(|h| size <= h)
    };
    #[expect(clippy::cast_precision_loss, reason = "lengths are small")]
    let sized = match value {
        Value::String(s) => within(s.chars().count() as f64, "minLength", "maxLength"),
        Value::Number(n) => n.as_f64().is_some_and(|n| within(n, "minimum", "maximum")),
        Value::Array(a) => within(a.len() as f64, "minItems", "maxItems"),
        _ => true,
    };
    typed && sized
}
