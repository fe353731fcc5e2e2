//! The outline of an answer: names and kinds, never values. By it a hub notices that a system's answers have changed.

use crate::answer::read_body;
use crate::connector::Connector;
use crate::mapping::bind::{Bind, Link};
use crate::wiring::code_text;
use hub_core::RawResponse;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Deeper nests are not looked into.
const DEPTH: usize = 8;
/// Fields of one answer that are looked at.
const FIELDS: usize = 400;
/// Items of one list that are looked at.
const ITEMS: usize = 20;
/// Longest name and longest code that are kept.
const LONGEST: usize = 48;

/// What a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// true or false.
    Truth,
    /// Fields below it.
    Object,
    /// Nothing.
    Null,
}

/// The outline of one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Kinds by path, `data/rows/name`. A list is what its items are: one item in XML looks no other than several.
    pub fields: BTreeMap<String, BTreeSet<Kind>>,
    /// Codes that no table knows, by path.
    pub unknown_codes: BTreeSet<(String, String)>,
    /// Paths that rows read, and whether the contract requires what they are.
    pub mapped: BTreeMap<String, bool>,
}

impl Connector {
    /// The outline of a good answer of an operation; `None` if it cannot be read.
    #[must_use]
    pub fn sketch(&self, key: &str, response: &RawResponse) -> Option<Sketch> {
        let plan = self.plans.get(key)?;
        let document = read_body(plan, response, self.wiring.charset).ok()?;
        let mut sketch = Sketch::default();
        let data = plan.answer.data.as_ref();
        let prefix = data.map(|p| plain(&p.to_string())).unwrap_or_default();
        sketch.look("", &document.tree, 0);
        let inner = data.map_or(Some(&document.tree), |p| p.get(&document.tree));
        let form = plan.answer.form.unwrap_or_default();
        let opened = inner.and_then(|value| crate::dialect::text_form::read(value, form).ok());
        if let Some(opened) = &opened {
            if form != crate::manifest::model::TextForm::Object {
                sketch.look(&prefix, &opened.tree, 0);
            }
            sketch.rows(&prefix, &plan.response, &opened.tree, true);
        }
        Some(sketch)
    }
}

impl Sketch {
    fn look(&mut self, path: &str, value: &Value, depth: usize) {
        if depth > DEPTH || self.fields.len() >= FIELDS {
            return;
        }
        let kind = match value {
            Value::Array(items) => {
                items
                    .iter()
                    .take(ITEMS)
                    .for_each(|item| self.look(path, item, depth + 1));
                return;
            }
            Value::Object(members) => {
                for (name, member) in members {
                    self.look(&join(path, &shown(name)), member, depth + 1);
                }
                Kind::Object
            }
            Value::Null => Kind::Null,
            Value::Bool(_) => Kind::Truth,
            Value::Number(_) => Kind::Number,
            Value::String(_) => Kind::Text,
        };
        if !path.is_empty() {
            self.fields.entry(path.to_owned()).or_default().insert(kind);
        }
    }

    fn rows(&mut self, prefix: &str, binds: &[Bind], data: &Value, required: bool) {
        for bind in binds {
            let path = if bind.path.absolute {
                plain(&bind.path.to_string())
            } else {
                join(prefix, &plain(&bind.path.to_string()))
            };
            let required = required && bind.required;
            *self.mapped.entry(path.clone()).or_default() |= required;
            let found = bind.path.get(data).into_iter();
            let items: Vec<&Value> = found
                .flat_map(|value| match value {
                    Value::Array(items) => items.iter().take(ITEMS).collect(),
                    one => vec![one],
                })
                .collect();
            let table = bind.chain.iter().find_map(|link| match link {
                Link::Codes(table) => Some(table),
                _ => None,
            });
            for item in items {
                if let Some(rows) = &bind.rows {
                    self.rows(&path, rows, item, required);
                } else if let Some(table) = table
                    && table.meaning(item, None).is_none()
                    && let Some(code) = code_text(item).filter(|c| !c.is_empty() && c.chars().count() <= LONGEST)
                {
                    self.unknown_codes.insert((path.clone(), code));
                }
            }
            if let Some(rows) = &bind.rows {
                self.rows(&path, rows, &Value::Null, required);
            }
        }
    }
}

/// A name, unless it may be somebody's number: some systems key their answers by person.
fn shown(name: &str) -> String {
    let digits = name.chars().filter(char::is_ascii_digit).count();
    if digits >= 6 || name.chars().count() > LONGEST {
        "*".to_owned()
    } else {
        name.to_owned()
    }
}

fn join(path: &str, name: &str) -> String {
    match (path.is_empty(), name.is_empty()) {
        (true, _) => name.to_owned(),
        (_, true) => path.to_owned(),
        _ => format!("{path}/{name}"),
    }
}

fn plain(path: &str) -> String {
    path.replace("[]", "").trim_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn q32_an_outline_has_names_and_kinds_and_no_values() {
        let mut sketch = Sketch::default();
        let answer = json!({"code": 0, "data": {"rows": [{"xm": "张三"}, {"xm": null, "je": "1.00"}], "ok": true,
                            "990101199001010019": {"a": 1}}});
        sketch.look("", &answer, 0);
        let text: Vec<String> = sketch.fields.iter().map(|(p, k)| format!("{p} {k:?}")).collect();
        assert_eq!(
            text,
            [
                "code {Number}",
                "data {Object}",
                "data/* {Object}",
                "data/*/a {Number}",
                "data/ok {Truth}",
                "data/rows {Object}",
                "data/rows/je {Text}",
                "data/rows/xm {Text, Null}",
            ]
        );
    }
}
