//! Reading a policy document by hand, so that every finding names its place, what was expected and the nearest name.

use super::{Document, escape, nearest};
use hub_core::{Finding, Text};
use serde_json::{Map, Value};
use std::num::NonZeroU32;

/// A document and the questions a policy asks it. Places are JSON pointers.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a>(pub &'a Document);

impl Reading<'_> {
    /// An error at a place.
    #[must_use]
    pub fn finding(&self, code: &str, place: &str, message: Text) -> Finding {
        self.0.finding(code, place, message)
    }

    /// What stands at a place; nothing where there is nothing.
    #[must_use]
    pub fn value(&self, place: &str) -> Option<&Value> {
        self.0.value.pointer(place).filter(|v| !v.is_null())
    }

    /// The object at a place; nothing where there is nothing.
    pub fn object(&self, place: &str, findings: &mut Vec<Finding>) -> Option<&Map<String, Value>> {
        let value = self.value(place)?;
        let object = value.as_object();
        if object.is_none() {
            findings.push(self.wrong(place, "a mapping", value));
        }
        object
    }

    /// The list at a place.
    pub fn list(&self, place: &str, findings: &mut Vec<Finding>) -> Option<&Vec<Value>> {
        let value = self.value(place)?;
        let list = value.as_array();
        if list.is_none() {
            findings.push(self.wrong(place, "a list", value));
        }
        list
    }

    /// The words at a place: one, or a list of them.
    pub fn words(&self, place: &str, findings: &mut Vec<Finding>) -> Option<Vec<(String, String)>> {
        match self.value(place)? {
            Value::String(word) => Some(vec![(word.clone(), place.to_owned())]),
            Value::Array(items) => {
                let mut words = Vec::new();
                for (i, item) in items.iter().enumerate() {
                    let at = format!("{place}/{i}");
                    match item {
                        Value::String(word) => words.push((word.clone(), at)),
                        other => findings.push(self.wrong(&at, "a word", other)),
                    }
                }
                Some(words)
            }
            other => {
                findings.push(self.wrong(place, "a word or a list of words", other));
                None
            }
        }
    }

    /// The string at a place.
    pub fn string(&self, place: &str, findings: &mut Vec<Finding>) -> Option<&str> {
        let value = self.value(place)?;
        let string = value.as_str();
        if string.is_none() {
            findings.push(self.wrong(place, "a text", value));
        }
        string
    }

    /// A text in both languages.
    pub fn text(&self, place: &str, findings: &mut Vec<Finding>) -> Option<Text> {
        self.object(place, findings)?;
        self.only_keys(place, &["zh", "en"], findings);
        let mut half = |lang: &str| {
            let text = self.string(&format!("{place}/{lang}"), findings).map(str::to_owned);
            if text.is_none() {
                let message = Text::new("缺少一种语言的文字", "A text lacks one of its languages");
                findings.push(self.finding("missing-text", place, message).expected("zh and en", lang));
            }
            text.unwrap_or_default()
        };
        Some(Text::new(half("zh"), half("en")))
    }

    /// A whole number above zero under a key.
    pub fn count(
        &self,
        object: &Map<String, Value>,
        place: &str,
        key: &str,
        findings: &mut Vec<Finding>,
    ) -> Option<NonZeroU32> {
        let value = object.get(key)?;
        let count = value
            .as_u64()
            .and_then(|n| u32::try_from(n).ok())
            .and_then(NonZeroU32::new);
        if count.is_none() {
            findings.push(self.wrong(&format!("{place}/{key}"), "a whole number above 0", value));
        }
        count
    }

    /// Refuses keys that are not in the list.
    pub fn only_keys(&self, place: &str, known: &[&str], findings: &mut Vec<Finding>) {
        let Some(Value::Object(object)) = self.0.value.pointer(place) else {
            return;
        };
        for key in object.keys().filter(|k| !known.contains(&k.as_str())) {
            let message = Text::new(format!("不认识的键 {key}"), format!("Unknown key {key}"));
            findings.push(
                self.finding("unknown-key", &format!("{place}/{}", escape(key)), message)
                    .expected(known.join(", "), key.clone())
                    .near(nearest(key, known.iter().copied())),
            );
        }
    }

    /// A finding about a value of the wrong kind.
    #[must_use]
    pub fn wrong(&self, place: &str, expected: &str, got: &Value) -> Finding {
        let got = match got {
            Value::Object(_) => "a mapping".to_owned(),
            Value::Array(_) => "a list".to_owned(),
            other => other.to_string(),
        };
        let message = Text::new("值的类型不对", "The value is of the wrong kind");
        self.finding("wrong-value", place, message).expected(expected, got)
    }

    /// A finding about a word that is none of those known.
    #[must_use]
    pub fn unknown(&self, place: &str, word: &str, known: &[&str], what: &Text) -> Finding {
        let message = Text::new(
            format!("没有叫 {word} 的{}", what.zh),
            format!("There is no {} called {word}", what.en),
        );
        self.finding("unknown-name", place, message)
            .expected(known.iter().take(12).copied().collect::<Vec<_>>().join(", "), word)
            .near(nearest(word, known.iter().copied()))
    }
}
