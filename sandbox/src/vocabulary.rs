//! What the engine knows about the world besides contracts: `values.yaml`, checked when read.

use crate::DataError;
use crate::magic::Magic;
use crate::template::Template;
use hub_core::Semantic;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

const EMBEDDED: &str = include_str!("../values.yaml");

/// How the value of a field is proposed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Rule {
    /// A text; `stable` for the same person or company every time.
    Text { template: Template, stable: bool },
    /// A number from low to high.
    Number {
        low: f64,
        high: f64,
        decimals: u32,
        step: i64,
    },
    /// A date so many days from the clock.
    Days { low: i64, high: i64, form: DayForm },
}

/// How a [`Rule::Days`] is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DayForm {
    /// As the schema's format says, `yyyy-MM-dd` without one.
    #[default]
    Schema,
    /// `yyyy-MM`.
    Month,
    /// `yyyy`.
    Year,
}

/// Names of paging members, the hub's own first.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Paging {
    pub page: Vec<String>,
    pub size: Vec<String>,
    pub offset: Vec<String>,
    pub total: Vec<String>,
    pub remaining: Vec<String>,
}

/// Names of members that say when something happened to a matter, and what it is called.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moments {
    pub created: Vec<String>,
    pub changed: Vec<String>,
    pub paid: Vec<String>,
    pub promised: Vec<String>,
    pub service: Vec<String>,
    pub due: Vec<String>,
    pub stages: Vec<String>,
    /// Days of appointments, and their hours.
    pub meets: Vec<String>,
    pub hours: Vec<String>,
    /// Last days of certificates.
    pub ends: Vec<String>,
}

/// A stage of a case.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stage {
    pub name: String,
    /// The state the case is in while this stage is being done.
    pub during: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    lists: HashMap<String, Vec<String>>,
    fields: HashMap<String, Value>,
    patterns: Vec<(String, Value)>,
    meanings: HashMap<String, Value>,
    states: HashMap<String, Vec<String>>,
    turns: HashMap<String, Vec<String>>,
    paging: Paging,
    moments: Moments,
    stages: Vec<Stage>,
    magic: Magic,
}

/// The words, the rules, the names of states.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    pub lists: HashMap<String, Vec<String>>,
    fields: HashMap<String, Rule>,
    patterns: Vec<(String, Rule)>,
    meanings: HashMap<String, Rule>,
    states: HashMap<String, Vec<String>>,
    turns: HashMap<String, String>,
    pub paging: Paging,
    pub moments: Moments,
    pub stages: Vec<Stage>,
    pub magic: Magic,
}

impl Vocabulary {
    /// The vocabulary this crate ships.
    pub(crate) fn embedded() -> Result<Self, DataError> {
        let name = "values.yaml";
        let document: Document = crate::data::read(name, EMBEDDED.as_bytes())?;
        let rule = |field: &str, value: &Value| {
            let rule = Rule::read(value).map_err(|words| DataError::new(name, format!("{field}: {words}")))?;
            match &rule {
                Rule::Text { template, .. } => match template.lost_list(&document.lists) {
                    Some(lost) => Err(DataError::new(name, format!("{field}: there is no list {lost}"))),
                    None => Ok(rule),
                },
                _ => Ok(rule),
            }
        };
        let fields: Result<_, _> = document
            .fields
            .iter()
            .map(|(f, v)| Ok((f.clone(), rule(f, v)?)))
            .collect();
        let patterns: Result<_, _> = document
            .patterns
            .iter()
            .map(|(p, v)| Ok((p.clone(), rule(p, v)?)))
            .collect();
        let meanings: Result<_, _> = document
            .meanings
            .iter()
            .map(|(m, v)| Ok((m.clone(), rule(m, v)?)))
            .collect();
        Ok(Self {
            meanings: meanings?,
            fields: fields?,
            patterns: patterns?,
            lists: document.lists,
            states: document.states,
            turns: document
                .turns
                .into_iter()
                .flat_map(|(turn, words)| words.into_iter().map(move |w| (w, turn.clone())))
                .collect(),
            paging: document.paging,
            moments: document.moments,
            stages: document.stages,
            magic: document.magic,
        })
    }

    /// The rule of a field and, where a pattern found it, what stood for the `*`.
    pub(crate) fn rule<'a>(&'a self, field: &'a str) -> Option<(&'a Rule, &'a str)> {
        if let Some(rule) = self.fields.get(field) {
            return Some((rule, ""));
        }
        self.patterns.iter().find_map(|(pattern, rule)| {
            let rest = match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
                (Some(end), _) => field.strip_suffix(end),
                (_, Some(start)) => field.strip_prefix(start),
                _ => (field == pattern).then_some(""),
            };
            rest.map(|rest| (rule, rest))
        })
    }

    /// The rule for what a value means beyond its type, where its name says nothing.
    pub(crate) fn meaning(&self, semantic: Semantic) -> Option<&Rule> {
        let name = serde_json::to_value(semantic).ok()?;
        self.meanings.get(name.as_str()?)
    }

    /// The value of an enum that stands for a state.
    pub(crate) fn state(&self, word: &str, choices: &[Value]) -> Option<Value> {
        let names = self.states.get(word)?;
        names.iter().find_map(|name| {
            choices
                .iter()
                .find(|c| c.as_str().is_some_and(|c| c.eq_ignore_ascii_case(name)))
                .cloned()
        })
    }

    /// The turn a word of an operation's name stands for.
    pub(crate) fn turn(&self, word: &str) -> Option<&str> {
        self.turns.get(word).map(String::as_str)
    }
}

impl Rule {
    fn read(value: &Value) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Number {
            number: [f64; 2],
            #[serde(default)]
            decimals: u32,
            #[serde(default)]
            step: i64,
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Days {
            days: [i64; 2],
            #[serde(default)]
            form: DayForm,
        }
        let read = |e: serde_json::Error| e.to_string();
        if let Some(text) = value.as_str() {
            let template = Template::parse(text)?;
            return Ok(Rule::Text {
                template,
                stable: false,
            });
        }
        if let Some(text) = value.get("stable").and_then(Value::as_str) {
            let template = Template::parse(text)?;
            return Ok(Rule::Text { template, stable: true });
        }
        if value.get("number").is_some() {
            let n: Number = serde_json::from_value(value.clone()).map_err(read)?;
            let [low, high] = n.number;
            return Ok(Rule::Number {
                low,
                high,
                decimals: n.decimals,
                step: n.step.max(1),
            });
        }
        let d: Days = serde_json::from_value(value.clone()).map_err(read)?;
        let [low, high] = d.days;
        Ok(Rule::Days {
            low,
            high,
            form: d.form,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_shipped_vocabulary_reads_and_finds_rules_by_name_and_pattern() {
        let words = Vocabulary::embedded().unwrap();
        assert!(words.rule("full_name").is_some());
        assert_eq!(words.rule("spouse_name").map(|(_, rest)| rest), Some("name"));
        assert!(matches!(words.rule("any_thing_fen"), Some((Rule::Number { .. }, _))));
        assert!(words.rule("blood_type").is_none());
        let choices = [json!("draft"), json!("withdrawn"), json!("approved")];
        assert_eq!(words.state("withdrawn", &choices), Some(json!("withdrawn")));
        assert!(words.state("need-docs", &choices).is_none());
        assert_eq!(words.turn("withdrawal"), Some("end"));
    }
}
