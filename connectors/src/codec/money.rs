//! Money: fen inside, whatever the upstream writes outside (quirk 13). Never through a float.

use super::{CodecError, half_width, scalar_text};
use serde_json::{Number, Value};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Notation {
    /// Text with all decimals of the unit: `1280.50`.
    Text,
    /// Text with comma groups: `1,280.50`.
    Comma,
    /// JSON number, decimals as needed: `1280.5`.
    Number,
}

/// How an upstream writes amounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::codec) struct Money {
    /// Decimals between its unit and fen: 0 for fen, 2 for yuan, 6 for 万元.
    decimals: u32,
    notation: Notation,
}

impl Money {
    /// `fen`, `fen text`, `yuan`, `yuan-number`, `yuan-comma`, `wanyuan`.
    pub(in crate::codec) fn parse(text: &str) -> Result<Self, String> {
        let (decimals, notation) = match text {
            "fen" => (0, Notation::Number),
            "fen text" => (0, Notation::Text),
            "yuan" => (2, Notation::Text),
            "yuan-number" => (2, Notation::Number),
            "yuan-comma" => (2, Notation::Comma),
            "wanyuan" => (6, Notation::Text),
            _ => {
                return Err(format!(
                    "expected fen, fen text, yuan, yuan-number, yuan-comma or wanyuan, got `{text}`"
                ));
            }
        };
        Ok(Self { decimals, notation })
    }

    pub(in crate::codec) fn encode(self, value: &Value) -> Result<Value, CodecError> {
        let fen = value
            .as_i64()
            .ok_or_else(|| CodecError::new("an amount in whole fen", value))?;
        let unit = 10_u64.pow(self.decimals);
        let whole = fen.unsigned_abs() / unit;
        let part = fen.unsigned_abs() % unit;
        let sign = if fen < 0 { "-" } else { "" };
        let width = self.decimals as usize;
        let fraction = if width == 0 {
            String::new()
        } else {
            format!(".{part:0width$}")
        };
        let plain = format!("{sign}{whole}{fraction}");
        match self.notation {
            Notation::Text => Ok(plain.into()),
            Notation::Comma => Ok(format!("{sign}{}{fraction}", grouped(whole)).into()),
            Notation::Number => {
                let short = if width == 0 {
                    &plain
                } else {
                    plain.trim_end_matches('0').trim_end_matches('.')
                };
                let number: Number = short.parse().map_err(|_| CodecError::new("an amount", value))?;
                Ok(Value::Number(number))
            }
        }
    }

    pub(in crate::codec) fn decode(self, value: &Value) -> Result<Value, CodecError> {
        let text = scalar_text(value).filter(|_| !value.is_boolean());
        let text = text.ok_or_else(|| CodecError::new(self.expected(), value))?;
        let text = half_width(&text);
        if text.is_empty() {
            return Ok(Value::Null);
        }
        let bare = text
            .trim_start_matches(['¥', '￥', '\u{a5}'])
            .trim_end_matches('元')
            .trim();
        fen(bare, self.decimals)
            .map(Value::from)
            .ok_or_else(|| CodecError::new(self.expected(), value))
    }

    fn expected(self) -> String {
        match self.decimals {
            0 => "an amount in whole fen".into(),
            2 => "an amount in yuan with at most two decimals".into(),
            _ => "an amount in units of 10,000 yuan with at most six decimals".into(),
        }
    }
}

fn grouped(whole: u64) -> String {
    let digits = whole.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A decimal number shifted left by `decimals`; `None` if it is none, has more decimals than that, or is too large.
fn fen(text: &str, decimals: u32) -> Option<i64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa.strip_prefix('+').unwrap_or(mantissa)),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let whole = ungrouped(whole)?;
    if whole.is_empty() && fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut digits = format!("{whole}{fraction}");
    let shift = i32::try_from(decimals).ok()? + exponent - i32::try_from(fraction.len()).ok()?;
    if !(-30..=30).contains(&shift) {
        return None;
    }
    for _ in 0..shift {
        digits.push('0');
    }
    for _ in shift..0 {
        // Only zeros may fall off.
        if digits.pop().is_some_and(|d| d != '0') {
            return None;
        }
    }
    let digits = digits.trim_start_matches('0');
    let amount: i64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    Some(if negative { -amount } else { amount })
}

/// Digits with the commas between groups of three removed; `None` if commas stand elsewhere.
fn ungrouped(whole: &str) -> Option<String> {
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    let fits = rest.is_empty() || (1..=3).contains(&first.len()) && rest.iter().all(|g| g.len() == 3);
    let digits = format!("{first}{}", rest.concat());
    (fits && digits.bytes().all(|b| b.is_ascii_digit())).then_some(digits)
}
