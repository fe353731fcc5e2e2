//! Texts, numbers and truth values from a schema alone.

use crate::invent::{Inventor, Style};
use crate::pattern;
use crate::seed::Dice;
use hub_core::time::{civil, rfc3339};
use serde_json::{Map, Number, Value};

/// Longest text made from a schema that sets no lower limit.
const LONG: usize = 2_000;

/// A scalar of a type. `turn` counts the tries that did not fit.
pub(crate) fn make(
    kind: &str,
    flat: &Map<String, Value>,
    inventor: &Inventor<'_>,
    dice: &mut Dice,
    turn: usize,
) -> Result<Value, String> {
    match kind {
        "null" => Ok(Value::Null),
        "boolean" => Ok(Value::Bool(dice.chance(60))),
        "integer" => integer(flat, dice).map(Value::from),
        "number" => number(flat, dice),
        _ => text(flat, inventor, dice, turn).map(Value::String),
    }
}

/// The least and greatest value, exclusive limits moved inward by `step`.
fn limits(flat: &Map<String, Value>, step: f64) -> (Option<f64>, Option<f64>) {
    let of = |key: &str| flat.get(key).and_then(Value::as_f64);
    let low = of("minimum")
        .into_iter()
        .chain(of("exclusiveMinimum").map(|n| n + step))
        .reduce(f64::max);
    let high = of("maximum")
        .into_iter()
        .chain(of("exclusiveMaximum").map(|n| n - step))
        .reduce(f64::min);
    (low, high)
}

/// A range to throw in where a side is open.
fn close(low: Option<f64>, high: Option<f64>) -> (f64, f64) {
    match (low, high) {
        (Some(low), Some(high)) => (low, high),
        (Some(low), None) => (low, low.abs().mul_add(1.0, low + 100.0)),
        (None, Some(high)) => (if high > 0.0 { 0.0 } else { high - 100.0 }, high),
        (None, None) => (0.0, 100.0),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and limits beyond 64 bits are no plausible answer"
)]
fn integer(flat: &Map<String, Value>, dice: &mut Dice) -> Result<i64, String> {
    let (low, high) = limits(flat, 1.0);
    let (low, high) = close(low, high);
    let (low, high) = (low.ceil() as i64, high.floor() as i64);
    if low > high {
        return Err("no whole number lies between its limits".into());
    }
    // Wide ranges say nothing about what is usual: stay near the lower end.
    let top = if high.saturating_sub(low) > 100_000 {
        low.saturating_add(9_999)
    } else {
        high
    };
    match flat.get("multipleOf").and_then(Value::as_f64).map(|m| m.ceil() as i64) {
        Some(step) if step > 1 => {
            let (first, last) = (
                low.div_euclid(step) + i64::from(low.rem_euclid(step) != 0),
                high.div_euclid(step),
            );
            if first > last {
                return Err("no multiple lies between its limits".into());
            }
            Ok(dice
                .between(first, last.min(first.saturating_add(999)))
                .saturating_mul(step))
        }
        _ => Ok(dice.between(low, top)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a few digits are enough here"
)]
fn number(flat: &Map<String, Value>, dice: &mut Dice) -> Result<Value, String> {
    let (low, high) = limits(flat, 0.01);
    let (low, high) = close(low, high);
    if low > high {
        return Err("no number lies between its limits".into());
    }
    let high = if high - low > 1e9 { low + 1e6 } else { high };
    if let Some(step) = flat.get("multipleOf").and_then(Value::as_f64).filter(|s| *s > 0.0) {
        let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
        let times = dice.between(first, last);
        return decimal(times as f64 * step, 6);
    }
    let part = dice.between(0, 10_000) as f64 / 10_000.0;
    let value = ((low + (high - low) * part) * 100.0).round() / 100.0;
    decimal(value.clamp(low, high), 6)
}

/// A JSON number without a tail of binary noise.
pub(crate) fn decimal(value: f64, decimals: usize) -> Result<Value, String> {
    let text = format!("{value:.decimals$}");
    let short = if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.')
    } else {
        &text
    };
    let short = if short == "-0" { "0" } else { short };
    short
        .parse::<Number>()
        .map(Value::Number)
        .map_err(|_| "it is no finite number".to_owned())
}

fn text(flat: &Map<String, Value>, inventor: &Inventor<'_>, dice: &mut Dice, turn: usize) -> Result<String, String> {
    let size = |key: &str| {
        flat.get(key)
            .and_then(Value::as_u64)
            .and_then(|n| usize::try_from(n).ok())
    };
    let (min, max) = (size("minLength").unwrap_or(0), size("maxLength").unwrap_or(LONG));
    let format = flat.get("format").and_then(Value::as_str);
    let pattern = flat.get("pattern").and_then(Value::as_str);
    // A second try lets the pattern lead where a format and a pattern do not agree.
    let by_format = format.and_then(|f| formatted(f, inventor, dice));
    if let (Some(format), Some(text)) = (format, by_format) {
        let fits = |text: &String| {
            (min..=max).contains(&text.chars().count()) && pattern.is_none_or(|p| inventor.patterns.accepts(p, text))
        };
        if let Some(text) = spellings(format, &text, min, max).into_iter().find(fits) {
            return Ok(text);
        }
        if turn.is_multiple_of(2) || pattern.is_none() {
            return Ok(text);
        }
    }
    if pattern.is_none() && flat.get("contentEncoding").is_some_and(|e| e == "base64") {
        let groups = min.div_ceil(4).max(2).min((max / 4).max(1));
        return Ok("5p6i57q9".chars().cycle().take(groups * 4).collect());
    }
    if let Some(pattern) = pattern {
        let wanted = if inventor.style == Style::Maximal {
            max.min(LONG).max(min)
        } else {
            min
        };
        let read = inventor.patterns.read(pattern).ok_or("its pattern cannot be read")?;
        return pattern::text(&read, wanted.min(max), max, dice)
            .or_else(|| pattern::text(&read, min, max, dice))
            .ok_or_else(|| format!("no text of {min} to {max} characters was found for its pattern"));
    }
    Ok(prose(inventor, dice, min, max))
}

/// Chinese sentences of a length.
fn prose(inventor: &Inventor<'_>, dice: &mut Dice, min: usize, max: usize) -> String {
    let list = if max < 12 { "words" } else { "sentences" };
    let Some(words) = inventor.words.lists.get(list) else {
        return "文".repeat(min);
    };
    let goal = if inventor.style == Style::Maximal {
        max.min(LONG).max(min)
    } else {
        min.max(1)
    };
    let mut text = String::new();
    let mut length = 0;
    while length < goal {
        if length > 0 {
            text.push('，');
            length += 1;
        }
        let piece = dice.pick(words).map_or("文", String::as_str);
        text.push_str(piece);
        length += piece.chars().count().max(1);
    }
    text.chars().take(max).collect()
}

/// The ways to write a value of a format: length and pattern often allow one of them only.
fn spellings(format: &str, text: &str, min: usize, max: usize) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    let longer = |text: &str| text.to_owned() + &"0".repeat(min.min(LONG).saturating_sub(text.chars().count()));
    match format {
        "date-time" => {
            let moment = text.get(..19).unwrap_or(text);
            all.extend(
                ["Z", ".000Z", ".000+08:00", ".000000Z", "+00:00", ".000000+08:00"].map(|end| format!("{moment}{end}")),
            );
            all.push(format!("{moment}.000000000Z"));
        }
        "time" => {
            let moment = text.get(..8).unwrap_or(text);
            all.extend(["Z", ".000Z", "+00:00"].map(|end| format!("{moment}{end}")));
        }
        "duration" => all.extend(["P1Y", "P1M", "P1W", "PT1H", "PT30M", "P1DT1H"].map(str::to_owned)),
        "uuid" => all.push(text.to_uppercase()),
        "email" | "idn-email" => {
            all.extend(["u@mail.example", "a@b.cn"].map(str::to_owned));
            all.push(
                longer("a")
                    .chars()
                    .take(min.saturating_sub(5).clamp(1, 60))
                    .collect::<String>()
                    + "@b.cn",
            );
        }
        "uri" | "url" | "iri" | "uri-reference" | "iri-reference" => {
            all.extend(
                [
                    "https://a.example/b",
                    "http://a.example/b",
                    "https://a.cn",
                    "urn:a:b",
                    "a:b",
                ]
                .map(str::to_owned),
            );
            all.push(longer("https://a.example/"));
        }
        "hostname" | "idn-hostname" => all.extend(["a.example", "a.cn", "a"].map(str::to_owned)),
        "ipv4" => all.extend(["192.0.2.1", "0.0.0.0"].map(str::to_owned)),
        "ipv6" => all.push("::1".to_owned()),
        "byte" | "base64" if max < text.len() => all.push("5p6i".to_owned()),
        _ => {}
    }
    all
}

fn formatted(format: &str, inventor: &Inventor<'_>, dice: &mut Dice) -> Option<String> {
    let days = dice.between(-60, 60);
    let then = inventor
        .now
        .checked_add(jiff::SignedDuration::from_hours(24 * days))
        .unwrap_or(inventor.now);
    let day = civil(then).date();
    let hex = |dice: &mut Dice, n: usize| {
        (0..n)
            .map(|_| char::from_digit(u32::try_from(dice.below(16)).unwrap_or(0), 16).unwrap_or('0'))
            .collect::<String>()
    };
    Some(match format {
        "date" => day.to_string(),
        "date-time" => rfc3339(then),
        "month" => day.strftime("%Y-%m").to_string(),
        "time" => format!("{:02}:{:02}:00+08:00", dice.between(8, 18), dice.between(0, 59)),
        "duration" => format!("P{}D", dice.between(1, 30)),
        "id-card" => inventor.party.attribute("other", "id_number", 0)?,
        "uscc" => inventor.party.attribute("other", "uscc", 0)?,
        "party-number" => inventor.party.attribute("self", "party_number", 0)?,
        "email" | "idn-email" => format!("user{}@mail.example", dice.between(100, 999)),
        "uri" | "url" | "iri" => format!("https://files.shucheng.example/{}", hex(dice, 12)),
        "uri-reference" | "iri-reference" => format!("/files/{}", hex(dice, 12)),
        "uri-template" => "/files/{id}".to_owned(),
        "hostname" | "idn-hostname" => format!("h{}.shucheng.example", hex(dice, 4)),
        "ipv4" => format!("192.0.2.{}", dice.between(1, 254)),
        "ipv6" => format!("2001:db8::{}", hex(dice, 4).trim_start_matches('0').to_owned() + "1"),
        "uuid" => format!(
            "{}-{}-4{}-a{}-{}",
            hex(dice, 8),
            hex(dice, 4),
            hex(dice, 3),
            hex(dice, 3),
            hex(dice, 12)
        ),
        "byte" | "base64" => "5p6i57q9".to_owned(),
        "json-pointer" => "/items/0".to_owned(),
        "relative-json-pointer" => "1/items".to_owned(),
        "regex" => "^[0-9]+$".to_owned(),
        _ => return None,
    })
}
