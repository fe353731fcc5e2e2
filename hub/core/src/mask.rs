//! Masking rules: what of a value may be seen by somebody who is not its owner.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::str::FromStr;

/// How a field is shown to viewers that are not entitled to its value. Written in the dictionary as words joined
/// by `;`, for example `keep_first=3;keep_last=4`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mask {
    /// Shown as it is.
    #[default]
    None,
    /// Never shown.
    Redact,
    /// Characters kept at either end.
    Keep {
        /// Kept at the start.
        first: usize,
        /// Kept at the end.
        last: usize,
    },
    /// Only province to county of an address.
    KeepDivision,
    /// Only the year of a date.
    YearOnly,
    /// Rounded to this many decimals (numbers, or comma-separated numbers in a string).
    Round(u32),
    /// Shown as a power-of-ten range.
    Bucket,
    /// First character and the domain of an e-mail address.
    KeepDomain {
        /// Kept at the start.
        first: usize,
    },
}

/// A masking rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no masking rule: none, redact, keep_first=n, keep_last=n, keep_division, year_only, round=n, bucket, keep_domain"
)]
pub struct BadMask(pub String);

impl FromStr for Mask {
    type Err = BadMask;

    fn from_str(text: &str) -> Result<Self, BadMask> {
        let bad = || BadMask(text.to_owned());
        let (mut first, mut last, mut domain, mut keep) = (0, 0, false, false);
        for word in text.split(';') {
            let (name, number) = match word.split_once('=') {
                Some((name, n)) => (name, Some(n.parse::<usize>().map_err(|_| bad())?)),
                None => (word, None),
            };
            match (name, number) {
                ("none", None) => return Ok(Mask::None),
                ("redact", None) => return Ok(Mask::Redact),
                ("keep_division", None) => return Ok(Mask::KeepDivision),
                ("year_only", None) => return Ok(Mask::YearOnly),
                ("bucket", None) => return Ok(Mask::Bucket),
                ("round", Some(n)) => return u32::try_from(n).map(Mask::Round).map_err(|_| bad()),
                ("keep_first", Some(n)) => (first, keep) = (n, true),
                ("keep_last", Some(n)) => (last, keep) = (n, true),
                ("keep_domain", None) => domain = true,
                _ => return Err(bad()),
            }
        }
        match (keep, domain) {
            (_, true) => Ok(Mask::KeepDomain { first }),
            (true, false) => Ok(Mask::Keep { first, last }),
            _ => Err(bad()),
        }
    }
}

impl TryFrom<String> for Mask {
    type Error = BadMask;
    fn try_from(text: String) -> Result<Self, BadMask> {
        text.parse()
    }
}

impl From<Mask> for String {
    fn from(mask: Mask) -> String {
        match mask {
            Mask::None => "none".into(),
            Mask::Redact => "redact".into(),
            Mask::Keep { first, last: 0 } => format!("keep_first={first}"),
            Mask::Keep { first: 0, last } => format!("keep_last={last}"),
            Mask::Keep { first, last } => format!("keep_first={first};keep_last={last}"),
            Mask::KeepDivision => "keep_division".into(),
            Mask::YearOnly => "year_only".into(),
            Mask::Round(n) => format!("round={n}"),
            Mask::Bucket => "bucket".into(),
            Mask::KeepDomain { first } => format!("keep_first={first};keep_domain"),
        }
    }
}

impl Mask {
    /// Whether anything is hidden at all.
    #[must_use]
    pub fn hides(&self) -> bool {
        *self != Mask::None
    }

    /// The masked form of a value. Objects, arrays and booleans under a hiding rule become `null`.
    #[must_use]
    pub fn apply(&self, value: &Value) -> Value {
        match (self, value) {
            (Mask::None, v) => v.clone(),
            (_, Value::Null) => Value::Null,
            (Mask::Redact, Value::String(_)) => Value::String("***".into()),
            (Mask::Keep { first, last }, Value::String(s)) => Value::String(keep(s, *first, *last)),
            (Mask::KeepDivision, Value::String(s)) => Value::String(keep_division(s)),
            (Mask::YearOnly, Value::String(s)) => {
                Value::String(format!("{}-**-**", s.chars().take(4).collect::<String>()))
            }
            (Mask::Round(n), Value::String(s)) => Value::String(
                s.split(',')
                    .map(|p| {
                        p.parse::<f64>()
                            .map_or_else(|_| "***".to_owned(), |f| format!("{f:.*}", *n as usize))
                    })
                    .collect::<Vec<_>>()
                    .join(","),
            ),
            (Mask::Round(n), Value::Number(num)) => {
                let scale = 10_f64.powi(i32::try_from(*n).unwrap_or(0));
                num.as_f64()
                    .and_then(|f| serde_json::Number::from_f64((f * scale).round() / scale))
                    .map_or(Value::Null, Value::Number)
            }
            (Mask::KeepDomain { first }, Value::String(s)) => match s.split_once('@') {
                Some((name, domain)) => Value::String(format!("{}@{domain}", keep(name, *first, 0))),
                None => Value::String("***".into()),
            },
            (Mask::Bucket, Value::Number(num)) => num.as_f64().map_or(Value::Null, |f| Value::String(bucket(f))),
            _ => Value::Null,
        }
    }
}

/// Keeps characters at both ends; a value too short to hide anything that way is hidden whole.
fn keep(text: &str, first: usize, last: usize) -> String {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() <= first + last {
        return "***".into();
    }
    let head: String = chars.iter().take(first).collect();
    let tail: String = chars.iter().skip(chars.len() - last).collect();
    format!("{head}{}{tail}", "*".repeat(chars.len() - first - last))
}

/// Cuts an address after its last of 省, 市, 区, 县, 旗 within the first 24 characters.
fn keep_division(text: &str) -> String {
    let end = text
        .char_indices()
        .take(24)
        .filter(|(_, c)| matches!(c, '省' | '市' | '区' | '县' | '旗'))
        .last()
        .map_or(0, |(i, c)| i + c.len_utf8());
    format!("{}***", text.get(..end).unwrap_or_default())
}

fn bucket(value: f64) -> String {
    if value.abs() < 1.0 {
        return "0".into();
    }
    let magnitude = value.abs().log10().floor();
    let (low, high) = (10_f64.powf(magnitude), 10_f64.powf(magnitude + 1.0));
    if value < 0.0 {
        format!("-{high:.0}..-{low:.0}")
    } else {
        format!("{low:.0}..{high:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mask(rule: &str, value: impl Into<Value>) -> Value {
        rule.parse::<Mask>().unwrap().apply(&value.into())
    }

    #[test]
    fn rules_of_the_dictionary() {
        assert_eq!(
            mask("keep_first=3;keep_last=4", json!("990101199001010015")),
            json!("990***********0015")
        );
        assert_eq!(mask("keep_first=1", json!("张三丰")), json!("张**"));
        assert_eq!(mask("keep_first=1", json!("𠮷田")), json!("𠮷*"));
        assert_eq!(mask("keep_last=4", json!("123")), json!("***"));
        assert_eq!(
            mask("keep_division", json!("湖南省星城市岳麓区枫林一路9号")),
            json!("湖南省星城市岳麓区***")
        );
        assert_eq!(mask("year_only", json!("1990-01-01")), json!("1990-**-**"));
        assert_eq!(mask("round=2", json!(112.93814)), json!(112.94));
        assert_eq!(mask("round=2", json!("112.93814,28.22778")), json!("112.94,28.23"));
        assert_eq!(mask("bucket", json!(52000)), json!("10000..100000"));
        assert_eq!(
            mask("keep_first=1;keep_domain", json!("wang@example.org")),
            json!("w***@example.org")
        );
        assert_eq!(mask("redact", json!([1, 2])), Value::Null);
    }

    #[test]
    fn rules_survive_a_round_trip_and_nonsense_is_refused() {
        for rule in [
            "none",
            "redact",
            "keep_first=3;keep_last=4",
            "keep_last=4",
            "keep_division",
            "year_only",
            "round=2",
            "bucket",
            "keep_first=1;keep_domain",
        ] {
            assert_eq!(String::from(rule.parse::<Mask>().unwrap()), rule);
        }
        assert!("keep=3".parse::<Mask>().is_err());
        assert!("keep_first=x".parse::<Mask>().is_err());
    }
}
