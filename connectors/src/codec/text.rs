//! Texts and numbers that are written as each other (quirk 29), and small habits of texts.

use super::{CodecError, half_width, scalar_text};
use hub_core::ShapeKind;
use serde_json::{Number, Value};

/// A step over texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::codec) enum TextStep {
    /// The upstream writes a text whatever it is.
    Text,
    /// The upstream writes a JSON number.
    Number,
    /// Outer white space is not meant.
    Trim,
    /// In upper case on both sides.
    Upper,
    /// In lower case on both sides.
    Lower,
    /// The upstream puts this in front.
    Prefix(String),
    /// The upstream puts this behind.
    Suffix(String),
    /// The hub puts this in front, so that it can be told from others of its kind.
    Mark(String),
    /// The upstream fills up to this width with this character in front.
    Pad(usize, char),
    /// The upstream writes separators between the digits; only digits are meant.
    Digits,
}

impl TextStep {
    pub(in crate::codec) fn parse(name: &str, rest: &str) -> Result<Self, String> {
        let step = match name {
            "text" => Self::Text,
            "number" => Self::Number,
            "trim" => Self::Trim,
            "upper" => Self::Upper,
            "lower" => Self::Lower,
            "digits" => Self::Digits,
            "prefix" | "suffix" | "mark" if rest.is_empty() => {
                return Err(format!("`{name}` needs the text that is added"));
            }
            "prefix" => return Ok(Self::Prefix(rest.to_owned())),
            "suffix" => return Ok(Self::Suffix(rest.to_owned())),
            "mark" => return Ok(Self::Mark(rest.to_owned())),
            _ => return Self::pad(rest),
        };
        if rest.is_empty() {
            Ok(step)
        } else {
            Err(format!("`{name}` takes nothing, got `{rest}`"))
        }
    }

    fn pad(rest: &str) -> Result<Self, String> {
        let form = || format!("`pad` needs a width and a character like `pad 10 0`, got `{rest}`");
        let (width, fill) = rest.split_once(' ').unwrap_or((rest, "0"));
        let mut fill = fill.trim().chars();
        let (Some(character), None) = (fill.next(), fill.next()) else {
            return Err(form());
        };
        let width: usize = width.parse().map_err(|_| form())?;
        if (1..=64).contains(&width) {
            Ok(Self::Pad(width, character))
        } else {
            Err(form())
        }
    }

    pub(in crate::codec) fn encode(&self, value: &Value) -> Result<Value, CodecError> {
        let text = scalar_text(value).ok_or_else(|| CodecError::new("a text or number", value))?;
        Ok(match self {
            Self::Text | Self::Trim | Self::Digits => text.into(),
            Self::Number => {
                Value::Number(number(&text).ok_or_else(|| CodecError::new("a number without leading zeros", value))?)
            }
            Self::Upper => text.to_uppercase().into(),
            Self::Lower => text.to_lowercase().into(),
            Self::Prefix(prefix) => format!("{prefix}{text}").into(),
            Self::Suffix(suffix) => format!("{text}{suffix}").into(),
            Self::Mark(mark) => text.strip_prefix(mark.as_str()).unwrap_or(&text).into(),
            Self::Pad(width, fill) => {
                let missing = width.saturating_sub(text.chars().count());
                if text.starts_with(*fill) && text.chars().count() > 1 && *fill != ' ' && missing > 0 {
                    return Err(CodecError::new(
                        format!("a value that does not start with the fill `{fill}`"),
                        value,
                    ));
                }
                format!("{}{text}", fill.to_string().repeat(missing)).into()
            }
        })
    }

    pub(in crate::codec) fn decode(&self, value: &Value) -> Result<Value, CodecError> {
        let text = scalar_text(value).ok_or_else(|| CodecError::new("a text or number", value))?;
        Ok(match self {
            Self::Text | Self::Number => text.into(),
            Self::Trim => text.trim().into(),
            Self::Upper => text.to_uppercase().into(),
            Self::Lower => text.to_lowercase().into(),
            Self::Prefix(prefix) => text.strip_prefix(prefix.as_str()).unwrap_or(&text).into(),
            Self::Suffix(suffix) => text.strip_suffix(suffix.as_str()).unwrap_or(&text).into(),
            Self::Mark(mark) if text.is_empty() || text.starts_with(mark.as_str()) => text.into(),
            Self::Mark(mark) => format!("{mark}{text}").into(),
            Self::Digits => text.chars().filter(char::is_ascii_digit).collect::<String>().into(),
            Self::Pad(_, fill) => {
                let bare = text.trim_start_matches(*fill);
                // All fill is the fill itself: `0000` is zero.
                if bare.is_empty() && !text.is_empty() {
                    fill.to_string().into()
                } else {
                    bare.into()
                }
            }
        })
    }
}

/// A JSON number that reads back as the same text, digit by digit.
fn number(text: &str) -> Option<Number> {
    text.parse::<Number>().ok().filter(|n| n.to_string() == text)
}

/// Brings a decoded value to its canonical type where nothing is lost: numbers keep all digits, texts keep zeros.
pub(in crate::codec) fn to_kind(value: &Value, kind: ShapeKind) -> Result<Value, CodecError> {
    let bad = |expected: &str| CodecError::new(expected, value);
    match (kind, value) {
        (_, Value::Null) => Ok(Value::Null),
        (ShapeKind::String, Value::Number(_) | Value::Bool(_)) => Ok(scalar_text(value).into()),
        (ShapeKind::Integer | ShapeKind::Number, Value::String(text)) => {
            let plain = half_width(text);
            if plain.is_empty() {
                return Ok(Value::Null);
            }
            canonical_number(&plain, kind).ok_or_else(|| bad("a number"))
        }
        (ShapeKind::Integer, Value::Number(number)) => {
            canonical_number(&number.to_string(), kind).ok_or_else(|| bad("a whole number"))
        }
        (ShapeKind::Boolean, Value::String(text)) => match half_width(text).to_ascii_lowercase().as_str() {
            "" => Ok(Value::Null),
            "true" | "1" => Ok(true.into()),
            "false" | "0" => Ok(false.into()),
            _ => Err(bad("true or false")),
        },
        (ShapeKind::Boolean, Value::Number(number)) => match number.as_i64() {
            Some(1) => Ok(true.into()),
            Some(0) => Ok(false.into()),
            _ => Err(bad("true or false")),
        },
        // `""` where an upstream has no list or object to give.
        (ShapeKind::Array | ShapeKind::Object, Value::String(text)) if text.trim().is_empty() => Ok(Value::Null),
        _ => Ok(value.clone()),
    }
}

/// `0012` is 12 and `12.00` is 12 for an integer; anything with a real fraction is no integer.
fn canonical_number(text: &str, kind: ShapeKind) -> Option<Value> {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text.strip_prefix('+').unwrap_or(text)), |d| ("-", d));
    if digits.is_empty() {
        return None;
    }
    let bare = digits.trim_start_matches('0');
    let bare = if bare.is_empty() || bare.starts_with(['.', 'e', 'E']) {
        format!("0{bare}")
    } else {
        bare.to_owned()
    };
    let whole = match bare.split_once('.') {
        Some((whole, zeros)) if kind == ShapeKind::Integer && zeros.bytes().all(|b| b == b'0') => whole,
        _ => bare.as_str(),
    };
    if kind == ShapeKind::Integer && !whole.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    format!("{sign}{whole}").parse().ok().map(Value::Number)
}
