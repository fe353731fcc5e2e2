//! What rows of a feed tell in other words: a standard says when a slot begins and ends and whether it is free, a contract
//! asks for `09:00-09:30` and for how many are left.

use crate::mapping::path::Path;
use hub_core::time::{Timestamp, civil};
use serde_json::Value;

/// One member that is told in other words. It is put beside the others and stands in the upstream's own words in none.
#[derive(Debug, Clone, PartialEq)]
pub struct Tell {
    /// Where it is put in the row.
    pub to: Path,
    /// In which words.
    pub words: Words,
}

/// The words.
#[derive(Debug, Clone, PartialEq)]
pub enum Words {
    /// `HH:mm-HH:mm` in China, of two moments in RFC 3339.
    Span(Path, Path),
    /// 1 where a member is this text, else 0.
    When(Path, String),
}

impl Words {
    /// Reads `span start end`, `when status free`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (word, first, second) = (words.next()?, words.next()?, words.next()?);
        match (word, words.next()) {
            ("span", None) => Some(Self::Span(Path::parse(first), Path::parse(second))),
            ("when", None) => Some(Self::When(Path::parse(first), second.to_owned())),
            _ => None,
        }
    }

    fn of(&self, row: &Value) -> Option<Value> {
        match self {
            Self::Span(from, until) => {
                let minute = |path: &Path| {
                    let moment: Timestamp = path.get(row)?.as_str()?.parse().ok()?;
                    Some(civil(moment).strftime("%H:%M").to_string())
                };
                Some(Value::from(format!("{}-{}", minute(from)?, minute(until)?)))
            }
            Self::When(path, text) => Some(Value::from(u8::from(path.get(row)?.as_str()? == text))),
        }
    }
}

impl Tell {
    /// Puts it in a row that can tell it.
    pub(crate) fn put(&self, row: &mut Value) {
        if let Some(value) = self.words.of(row) {
            self.to.set(row, value);
        }
    }

    /// Takes it out of a row (server half): it is no member of the standard.
    pub(crate) fn take(&self, row: &mut Value) {
        if let (Some(name), Value::Object(members)) = (self.to.only_name(), row) {
            members.shift_remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn slots_tell_their_time_in_china_and_whether_they_are_free() {
        let tells = [("slot", "span start end"), ("free", "when status free")];
        let told = |mut row: Value| {
            for (to, words) in tells {
                let words = Words::parse(words).unwrap();
                Tell {
                    to: Path::parse(to),
                    words,
                }
                .put(&mut row);
            }
            (row.get("slot").cloned(), row.get("free").cloned())
        };
        let slot = json!({"start": "2013-12-25T09:15:00Z", "end": "2013-12-25T09:30:00Z", "status": "free"});
        assert_eq!(told(slot), (Some(json!("17:15-17:30")), Some(json!(1))));
        let busy = json!({"start": "2026-04-08T09:00:00+08:00", "end": "2026-04-08T09:30:00+08:00", "status": "busy"});
        assert_eq!(told(busy), (Some(json!("09:00-09:30")), Some(json!(0))));
        assert_eq!(
            told(json!({"start": "2026-04-08", "end": 5, "status": null})),
            (None, None)
        );
        assert!(Words::parse("span start").is_none() && Words::parse("when a b c").is_none());
    }
}
