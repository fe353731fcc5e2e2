//! Lists that an upstream writes as one text, and the other way round.

use super::{CodecError, scalar_text};
use serde_json::Value;

/// A step between lists and single values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::codec) enum List {
    /// The upstream joins the items of a canonical list into one text.
    Join(String),
    /// The upstream writes a list where the contract has one text.
    Split(String),
    /// The upstream wraps one value into a list.
    First,
}

impl List {
    pub(in crate::codec) fn parse(name: &str, rest: &str) -> Result<Self, String> {
        let separator = match rest {
            "" if name == "first" => return Ok(Self::First),
            "" => {
                return Err(format!(
                    "`{name}` needs a separator like , ; comma pipe space tab line dunhao"
                ));
            }
            "comma" => ",",
            "pipe" => "|",
            "space" => " ",
            "tab" => "\t",
            "line" => "\n",
            "dunhao" => "、",
            other => other,
        };
        match name {
            "join" => Ok(Self::Join(separator.to_owned())),
            "split" => Ok(Self::Split(separator.to_owned())),
            _ => Err(format!("`first` takes nothing, got `{rest}`")),
        }
    }

    pub(in crate::codec) fn encode(&self, value: &Value) -> Result<Value, CodecError> {
        match self {
            Self::Join(separator) => join(value, separator),
            Self::Split(separator) => split(value, separator),
            Self::First => Ok(Value::Array(vec![value.clone()])),
        }
    }

    pub(in crate::codec) fn decode(&self, value: &Value) -> Result<Value, CodecError> {
        match (self, value) {
            (Self::Join(separator), _) => split(value, separator),
            (Self::Split(separator), _) => join(value, separator),
            (Self::First, Value::Array(items)) => Ok(items.first().cloned().unwrap_or_default()),
            (Self::First, _) => Ok(value.clone()),
        }
    }
}

fn join(value: &Value, separator: &str) -> Result<Value, CodecError> {
    let bad = || CodecError::new(format!("a list of texts without `{separator}` in them"), value);
    let items = value.as_array().ok_or_else(bad)?;
    let texts = items
        .iter()
        .map(|item| scalar_text(item).filter(|t| !t.contains(separator)));
    let texts: Vec<String> = texts.collect::<Option<_>>().ok_or_else(bad)?;
    // One empty item would read back as no items.
    if texts.len() == 1 && texts.concat().is_empty() {
        Err(bad())
    } else {
        Ok(texts.join(separator).into())
    }
}

fn split(value: &Value, separator: &str) -> Result<Value, CodecError> {
    if value.is_array() {
        return Ok(value.clone());
    }
    let text = scalar_text(value).ok_or_else(|| CodecError::new(format!("a text joined by `{separator}`"), value))?;
    if text.is_empty() {
        return Ok(Value::Array(Vec::new()));
    }
    Ok(text.split(separator).map(Value::from).collect())
}
