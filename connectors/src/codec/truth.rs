//! Truth tables: what stands for yes and no differs from field to field (quirk 14).

use super::{CodecError, half_width, scalar_text};
use serde_json::{Number, Value};

/// Words for yes and for no. The first of each is written, all are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::codec) struct TruthTable {
    yes: Vec<String>,
    no: Vec<String>,
    /// Whether it is written as a JSON number.
    number: bool,
}

impl TruthTable {
    /// `1/0`, `Y/N`, `是/否`, `1,Y/0,N`, `1/0 number`.
    pub(in crate::codec) fn parse(text: &str) -> Result<Self, String> {
        let (pair, number) = text
            .strip_suffix(" number")
            .map_or((text, false), |pair| (pair.trim(), true));
        let form = || format!("expected the words for yes and no like 1/0, Y/N or 是/否, got `{text}`");
        let (yes, no) = pair.split_once('/').ok_or_else(form)?;
        let words = |side: &str| side.split(',').map(|w| w.trim().to_owned()).collect::<Vec<_>>();
        let (yes, no) = (words(yes), words(no));
        if yes.iter().chain(&no).any(String::is_empty) || yes.iter().any(|word| no.contains(word)) {
            return Err(form());
        }
        let numeric = |words: &[String]| words.first().is_some_and(|w| w.parse::<Number>().is_ok());
        if number && !(numeric(&yes) && numeric(&no)) {
            return Err(format!("`{pair}` are not numbers"));
        }
        Ok(Self { yes, no, number })
    }

    /// Whether a truth value has more words than one.
    pub(in crate::codec) fn has_synonyms(&self) -> bool {
        self.yes.len() > 1 || self.no.len() > 1
    }

    pub(in crate::codec) fn encode(&self, value: &Value) -> Result<Value, CodecError> {
        let truth = value.as_bool().ok_or_else(|| CodecError::new("true or false", value))?;
        let word = if truth { self.yes.first() } else { self.no.first() };
        let word = word.map_or("", String::as_str);
        match word.parse::<Number>() {
            Ok(number) if self.number => Ok(Value::Number(number)),
            _ => Ok(word.into()),
        }
    }

    pub(in crate::codec) fn decode(&self, value: &Value) -> Result<Value, CodecError> {
        if value.is_boolean() {
            return Ok(value.clone());
        }
        let word = scalar_text(value).map(|t| half_width(&t)).unwrap_or_default();
        if value.is_string() && word.is_empty() {
            return Ok(Value::Null);
        }
        if self.yes.contains(&word) {
            Ok(true.into())
        } else if self.no.contains(&word) {
            Ok(false.into())
        } else {
            let expected = format!("{} for yes or {} for no", self.yes.join(" or "), self.no.join(" or "));
            Err(CodecError::new(expected, value))
        }
    }
}
