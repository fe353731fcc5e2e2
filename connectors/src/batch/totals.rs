//! Lines of totals: what a file says of its own lines.

use crate::mapping::template::scalar_text;
use serde_json::Value;

/// Decimal places that sums are kept with.
const PLACES: usize = 6;

/// One cell of a line of totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Total {
    Text(String),
    Count,
    Sum(String),
}

impl Total {
    /// From its notation; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Some(inner) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
            return (!text.contains(['{', '}'])).then(|| Total::Text(text.to_owned()));
        };
        match inner.trim() {
            "count" => Some(Total::Count),
            other => other.strip_prefix("sum ").map(|c| Total::Sum(c.trim().to_owned())),
        }
    }

    pub(super) fn agrees(&self, cell: &str, records: &[Value]) -> bool {
        match self {
            Total::Text(text) => cell.trim() == text,
            Total::Count => cell.trim().parse() == Ok(records.len()),
            Total::Sum(column) => sum(column, records).is_some_and(|s| decimal(cell) == Some(s)),
        }
    }

    pub(super) fn write(&self, records: &[Value]) -> Option<String> {
        Some(match self {
            Total::Text(text) => text.clone(),
            Total::Count => records.len().to_string(),
            Total::Sum(column) => written(sum(column, records)?),
        })
    }
}

fn sum(column: &str, records: &[Value]) -> Option<i128> {
    records.iter().try_fold(0_i128, |sum, record| {
        let text = record.get(column).and_then(scalar_text).unwrap_or_default();
        let value = if text.trim().is_empty() { 0 } else { decimal(&text)? };
        sum.checked_add(value)
    })
}

/// A decimal number in millionths; `None` for what is none, or finer than that.
fn decimal(text: &str) -> Option<i128> {
    let text = text.trim().replace(',', "");
    let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |t| (true, t));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || whole.len() > 24 || fraction.len() > PLACES || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i128 = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
    Some(if negative { -number } else { number })
}

fn written(millionths: i128) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let number = millionths.unsigned_abs();
    let (whole, fraction) = (number / 1_000_000, number % 1_000_000);
    let fraction = format!("{fraction:06}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction:0<2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() {
        assert_eq!(decimal("1,280.50"), Some(1_280_500_000));
        assert_eq!(decimal("-0.000001"), Some(-1));
        for bad in ["", ".", "1.0000001", "1e3", "一", "1.2.3", "--1"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
        assert_eq!(written(1_280_500_000), "1280.50");
        assert_eq!(written(-5_000_000), "-5");
    }
}
