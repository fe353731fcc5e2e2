//! Plain scalars of YAML 1.2's core schema (section 10.3.2) as JSON values.

use serde_json::{Number, Value};

/// A plain scalar that JSON has no value for.
#[derive(Debug, PartialEq)]
pub(super) struct NotJson;

/// The value of a plain scalar.
pub(super) fn plain(text: &str) -> Result<Value, NotJson> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Err(NotJson),
        _ if matches!(text.trim_start_matches(['+', '-']), ".inf" | ".Inf" | ".INF") => return Err(NotJson),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    })
}

/// A number with its digits as written, in JSON's spelling.
pub(super) fn number(text: &str) -> Option<Number> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return u128::from_str_radix(digits, 16)
            .ok()
            .and_then(|n| n.to_string().parse().ok());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return u128::from_str_radix(digits, 8)
            .ok()
            .and_then(|n| n.to_string().parse().ok());
    }
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((m, e)) => (m, Some(e)),
        None => (rest, None),
    };
    let (whole, decimals) = match mantissa.split_once('.') {
        Some((w, d)) => (w, Some(d)),
        None => (mantissa, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let shown = decimals.is_some_and(|d| !d.is_empty());
    if !digits(whole) || !decimals.is_none_or(digits) || (whole.is_empty() && !shown) {
        return None;
    }
    // A leading zero is part of a code (0000, 007): as a number it would be lost.
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    let exponent = match exponent {
        Some(e) => {
            let bare = e.strip_prefix(['+', '-']).unwrap_or(e);
            if bare.is_empty() || !digits(bare) {
                return None;
            }
            format!("e{e}")
        }
        None => String::new(),
    };
    let whole = if whole.is_empty() { "0" } else { whole };
    let decimals = match decimals {
        Some("") => ".0".to_owned(),
        Some(d) => format!(".{d}"),
        None => String::new(),
    };
    format!("{sign}{whole}{decimals}{exponent}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_schema() {
        for (text, json) in [
            ("", "null"),
            ("~", "null"),
            ("True", "true"),
            ("12", "12"),
            ("+12", "12"),
            ("-0", "-0"),
            ("0x1F", "31"),
            ("0o17", "15"),
            ("1.10", "1.10"),
            (".5", "0.5"),
            ("1.", "1.0"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("1.5e3", "1.5e3"),
        ] {
            let value = plain(text).unwrap();
            let read: Value = serde_json::from_str(json).unwrap();
            assert_eq!(value.to_string(), read.to_string(), "{text}");
        }
        for text in [
            "yes",
            "no",
            "on",
            "0000",
            "007",
            "1_000",
            "12:30",
            "2024-01-01",
            "1e",
            "-",
            ".",
            "1.2.3",
            "0x",
            "+",
        ] {
            assert_eq!(plain(text), Ok(Value::String(text.into())));
        }
        assert_eq!(plain("-.inf"), Err(NotJson));
    }
}
