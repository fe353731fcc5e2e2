//! The field dictionary: one name, type, level and masking rule for all services.

use super::report::{At, Report};
use super::schema::{Home, Rewriter};
use super::shape::Outline;
use crate::Document;
use hub_core::{LevelWhen, Shape};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

/// A canonical field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Its outline at its own level, before [`LevelWhen`].
    pub(crate) shape: Shape,
    /// Where it weighs less.
    pub(crate) when: LevelWhen,
    /// Whether a matter is found again by it.
    pub(crate) is_handle: bool,
}

/// All canonical fields of a city.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dictionary {
    name: String,
    fields: HashMap<String, Field>,
    order: Vec<String>,
}

impl Dictionary {
    /// Name of the document it was read from.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }

    /// Names in document order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.order.iter().map(String::as_str)
    }

    /// Reads the dictionary's document.
    pub(super) fn read(document: &Document, report: &mut Report<'_>) -> Self {
        let mut dictionary = Self {
            name: document.name.clone(),
            ..Self::default()
        };
        let empty = Map::new();
        let fields = match &document.value {
            Value::Object(map) => map,
            Value::Null => &empty,
            _ => {
                report.error(
                    "bad-dictionary",
                    &At::Root,
                    "字典应为对象",
                    "The dictionary is an object of fields",
                );
                &empty
            }
        };
        let names = |name: &str| fields.contains_key(name);
        let rewriter = Rewriter {
            home: Home::Dictionary { names: &names },
            is_30: false,
        };
        let mut schemas = HashMap::new();
        for (name, schema) in fields {
            let at = At::Root.key(name);
            check_name(name, &at, report);
            schemas.insert(name.clone(), Arc::new(rewriter.rewrite(schema, &at, report)));
        }
        let outline = Outline::of_dictionary(&schemas);
        for name in fields.keys() {
            let shape = outline.component(name);
            let schema = &shape.schema;
            let when = schema
                .get("x-hub-level-when")
                .and_then(|w| LevelWhen::deserialize(w).ok());
            let is_handle = schema.get("x-hub-handle") == Some(&Value::Bool(true));
            let field = Field {
                when: when.unwrap_or_default(),
                is_handle,
                shape,
            };
            dictionary.fields.insert(name.clone(), field);
            dictionary.order.push(name.clone());
        }
        dictionary
    }
}

fn check_name(name: &str, at: &At<'_>, report: &mut Report<'_>) {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if name.is_empty() || !name.chars().all(fits) {
        let finding = report.finding(
            "bad-field-name",
            at,
            format!("字段名 `{name}` 不可用"),
            format!("`{name}` can't be a field's name"),
        );
        report.push(finding.expected("letters, digits, _ and -", name));
    }
}
