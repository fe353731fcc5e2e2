//! Resident id numbers as old systems keep them (quirk 16).

use super::{CodecError, half_width, scalar_text};
use hub_core::check_digit;
use serde_json::Value;

/// How an upstream writes resident id numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::codec) struct IdCard {
    /// Whether it writes the check character as `x`.
    lower_x: bool,
}

impl IdCard {
    /// Nothing, or `lower-x`.
    pub(in crate::codec) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(Self { lower_x: false }),
            "lower-x" => Ok(Self { lower_x: true }),
            _ => Err(format!("`id-card` takes nothing or lower-x, got `{text}`")),
        }
    }

    pub(in crate::codec) fn encode(self, value: &Value) -> Result<Value, CodecError> {
        let number = value
            .as_str()
            .ok_or_else(|| CodecError::new("a resident id number", value))?;
        Ok(if self.lower_x {
            number.to_lowercase().into()
        } else {
            value.clone()
        })
    }

    /// 15 digits become 18, `x` becomes `X`, the check character is checked. A masked or hashed number stays as it is: it
    /// says nothing that could be checked, and must never be compared.
    pub(in crate::codec) fn decode(self, value: &Value) -> Result<Value, CodecError> {
        let bad = || {
            CodecError::new(
                "a resident id number of 15 digits or of 18 with a right check character",
                value,
            )
        };
        let written = half_width(&scalar_text(value).ok_or_else(bad)?);
        if is_hashed(&written) {
            return Ok(written.into());
        }
        let number = written.to_ascii_uppercase();
        if number.is_empty() {
            return Ok(Value::Null);
        }
        if number.contains('*') {
            return Ok(number.into());
        }
        let full = if number.len() == 15 {
            lengthened(&number).ok_or_else(bad)?
        } else {
            number
        };
        if check_digit::id_card_is_valid(&full) {
            Ok(full.into())
        } else {
            Err(bad())
        }
    }
}

/// `SM3:ab12…`: the name of a digest and its hexadecimal value.
fn is_hashed(text: &str) -> bool {
    text.split_once(':').is_some_and(|(name, digest)| {
        ["SM3", "SHA256", "SHA-256", "MD5"]
            .iter()
            .any(|n| name.eq_ignore_ascii_case(n))
            && digest.len() >= 8
            && digest.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// GB 11643-1989 to GB 11643-1999: the century, which was always the twentieth, and the check character.
fn lengthened(fifteen: &str) -> Option<String> {
    let (region, rest) = fifteen.split_at_checked(6)?;
    let mut number = format!("{region}19{rest}");
    number.push(check_digit::id_card(&number)?);
    Some(number)
}
