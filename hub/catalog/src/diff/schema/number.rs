//! Numbers as JSON Schema compares them: by value, however they are written, long integers included.

use serde_json::{Number, Value};
use std::cmp::Ordering;

fn whole(number: &Number) -> Option<i128> {
    number.as_i128().or_else(|| number.to_string().parse().ok())
}

fn real(number: &Number) -> f64 {
    number.as_f64().unwrap_or(f64::NAN)
}

/// Which of two numbers is greater.
pub(super) fn compare(a: &Number, b: &Number) -> Ordering {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => real(a).partial_cmp(&real(b)).unwrap_or(Ordering::Equal),
    }
}

/// Whether two values are the same value.
pub(super) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare(a, b) == Ordering::Equal,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, a)| b.get(k).is_some_and(|b| same(a, b)))
        }
        _ => a == b,
    }
}

/// Whether `a` is a multiple of `b`, as far as floating point shows.
pub(super) fn multiple(a: &Number, b: &Number) -> bool {
    if let (Some(a), Some(b)) = (whole(a), whole(b)) {
        return b != 0 && a % b == 0;
    }
    let ratio = real(a) / real(b);
    ratio.is_finite() && (ratio - ratio.round()).abs() < 1e-9
}

/// Whether a number is a whole one.
pub(super) fn is_whole(number: &Number) -> bool {
    whole(number).is_some() || real(number).fract() == 0.0
}

/// A limit of a range.
#[derive(Debug, Clone)]
pub(super) struct Limit {
    pub value: Number,
    pub exclusive: bool,
}

impl Limit {
    /// The same limit for whole numbers only, without exclusion: `> 4` is `>= 5`.
    pub fn for_whole(self, lower: bool) -> Self {
        let inclusive = |value: i128| {
            Number::from_i128(value).map(|value| Limit {
                value,
                exclusive: false,
            })
        };
        let moved = match (whole(&self.value), self.exclusive) {
            (Some(_), false) => None,
            (Some(value), true) => inclusive(if lower {
                value.saturating_add(1)
            } else {
                value.saturating_sub(1)
            }),
            (None, exclusive) => {
                let value = real(&self.value);
                let rounded = if lower { value.ceil() } else { value.floor() };
                // Beyond what a double holds exactly there is nothing to round.
                if !rounded.is_finite() || rounded.abs() > 9e15 {
                    None
                } else {
                    #[allow(clippy::cast_possible_truncation)]
                    let mut bound = rounded as i128;
                    if exclusive && value.fract() == 0.0 {
                        bound += if lower { 1 } else { -1 };
                    }
                    inclusive(bound)
                }
            }
        };
        moved.unwrap_or(self)
    }

    /// Which of two limits is tighter: `Greater` where the first is.
    pub fn tighter(&self, other: &Limit, lower: bool) -> Ordering {
        let by_value = compare(&self.value, &other.value);
        let by_value = if lower { by_value } else { by_value.reverse() };
        by_value.then(self.exclusive.cmp(&other.exclusive))
    }

    pub fn allows(&self, number: &Number, lower: bool) -> bool {
        match compare(number, &self.value) {
            Ordering::Equal => !self.exclusive,
            Ordering::Greater => lower,
            Ordering::Less => !lower,
        }
    }

    /// In words: `> 4`.
    pub fn shown(&self, lower: bool) -> String {
        let sign = match (lower, self.exclusive) {
            (true, false) => "≥",
            (true, true) => ">",
            (false, false) => "≤",
            (false, true) => "<",
        };
        format!("{sign} {}", self.value)
    }
}
