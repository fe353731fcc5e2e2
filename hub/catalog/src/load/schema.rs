//! Any schema of a document to self-contained JSON Schema 2020-12 whose references all read `#/components/schemas/…`.

use super::dictionary::Dictionary;
use super::report::{At, Report};
use crate::document::{escape, unescape};
use crate::nearest;
use hub_core::DataLevel;
use serde_json::{Map, Value, json};

/// How deep references that have no component of their own may be written out.
const MAX_INLINE: usize = 16;

pub(crate) const COMPONENT: &str = "#/components/schemas/";

/// Whose schemas these are.
pub(super) enum Home<'a> {
    /// The dictionary's own: `#/name` is a field.
    Dictionary { names: &'a dyn Fn(&str) -> bool },
    /// A system's: `../fields.yaml#/name` is a field, `#/components/schemas/X` is a component of its own.
    System {
        dictionary: &'a Dictionary,
        prefix: &'a str,
    },
}

/// Rewrites the schemas of one document.
pub(super) struct Rewriter<'a> {
    pub(super) home: Home<'a>,
    /// Whether the document is OpenAPI 3.0, whose schemas differ from 2020-12.
    pub(super) is_30: bool,
}

/// The public name of a component of a system's own.
pub(super) fn component_name(prefix: &str, own: &str) -> String {
    format!("{prefix}.{own}")
}

/// Where a reference leads.
enum Target {
    /// To a component of the catalog.
    Component(String),
    /// To another place of the same document.
    Here(String),
}

impl Rewriter<'_> {
    /// The rewritten schema. What is wrong goes into the report; the result is usable all the same.
    pub(super) fn rewrite(&self, schema: &Value, at: &At<'_>, report: &mut Report<'_>) -> Value {
        self.schema(schema, at, 0, report)
    }

    fn schema(&self, schema: &Value, at: &At<'_>, inlined: usize, report: &mut Report<'_>) -> Value {
        let Value::Object(map) = schema else {
            if !schema.is_boolean() {
                report.error(
                    "bad-schema",
                    at,
                    "此处应为 schema 对象",
                    "A schema object was expected here",
                );
                return json!({});
            }
            return schema.clone();
        };
        let mut out = Map::with_capacity(map.len());
        for (key, value) in map {
            let here = at.key(key);
            let new = match key.as_str() {
                "$ref" => match self.reference(value, map, &here, inlined, report) {
                    Written::Reference(reference) => Value::String(reference),
                    Written::Inline(Value::Object(inner)) => {
                        for (k, v) in inner {
                            out.entry(k).or_insert(v);
                        }
                        continue;
                    }
                    Written::Inline(_) => continue,
                },
                "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas" => {
                    self.each(value, &here, inlined, report)
                }
                "items"
                | "additionalProperties"
                | "not"
                | "contains"
                | "propertyNames"
                | "if"
                | "then"
                | "else"
                | "unevaluatedItems"
                | "unevaluatedProperties"
                | "contentSchema" => self.schema(value, &here, inlined, report),
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.list(value, &here, inlined, report),
                _ => value.clone(),
            };
            out.insert(key.clone(), new);
        }
        if self.is_30 {
            from_30(&mut out);
        }
        Value::Object(out)
    }

    fn each(&self, value: &Value, at: &At<'_>, inlined: usize, report: &mut Report<'_>) -> Value {
        let Value::Object(map) = value else {
            report.error(
                "bad-schema",
                at,
                "此处应为对象",
                "An object of schemas was expected here",
            );
            return json!({});
        };
        map.iter()
            .map(|(name, schema)| (name.clone(), self.schema(schema, &at.key(name), inlined, report)))
            .collect::<Map<_, _>>()
            .into()
    }

    fn list(&self, value: &Value, at: &At<'_>, inlined: usize, report: &mut Report<'_>) -> Value {
        let Value::Array(items) = value else {
            report.error("bad-schema", at, "此处应为列表", "A list of schemas was expected here");
            return json!([]);
        };
        items
            .iter()
            .enumerate()
            .map(|(i, schema)| self.schema(schema, &at.index(i), inlined, report))
            .collect()
    }

    fn reference(
        &self,
        reference: &Value,
        siblings: &Map<String, Value>,
        at: &At<'_>,
        inlined: usize,
        report: &mut Report<'_>,
    ) -> Written {
        let nothing = Written::Inline(json!({}));
        let Some(text) = reference.as_str() else {
            report.error("bad-reference", at, "$ref 应为文字", "A $ref is a string");
            return nothing;
        };
        match self.target(text, at, report) {
            None => nothing,
            Some(Target::Component(name)) => {
                self.raise_only(&name, siblings, at, report);
                Written::Reference(format!("{COMPONENT}{name}"))
            }
            Some(Target::Here(pointer)) => {
                if inlined >= MAX_INLINE {
                    report.error(
                        "reference-cycle",
                        at,
                        format!("引用 `{text}` 循环"),
                        format!("The reference `{text}` leads back to itself; put the schema under components/schemas"),
                    );
                    return nothing;
                }
                let document = report.document;
                match document.value.pointer(&pointer) {
                    Some(schema) => Written::Inline(self.schema(schema, &At::Pointer(&pointer), inlined + 1, report)),
                    None => nothing,
                }
            }
        }
    }

    /// Follows a reference's text; reports and answers `None` where it leads nowhere.
    fn target(&self, text: &str, at: &At<'_>, report: &mut Report<'_>) -> Option<Target> {
        let (file, fragment) = text.split_once('#').unwrap_or((text, ""));
        match &self.home {
            Home::Dictionary { names } => {
                let (field, rest) = first_token(fragment);
                if file.is_empty() && names(&field) {
                    return Some(Target::Component(format!("{field}{rest}")));
                }
            }
            Home::System { dictionary, prefix } => {
                if file.is_empty() {
                    return self.local(fragment, prefix, text, at, report);
                }
                if normalised(&report.document.name, file).as_deref() == Some(dictionary.name()) {
                    let (field, rest) = first_token(fragment);
                    if dictionary.field(&field).is_some() {
                        return Some(Target::Component(format!("{field}{rest}")));
                    }
                    let near = nearest(&field, dictionary.names());
                    unresolved(text, near, at, report);
                    return None;
                }
            }
        }
        if file.contains("://") || file.starts_with("//") {
            let finding = report.finding(
                "outside-reference",
                at,
                format!("引用 `{text}` 指向外部，枢纽不会获取"),
                format!("`{text}` leads outside; nothing is ever fetched"),
            );
            report.push(finding.expected("../fields.yaml#/…, #/components/schemas/…", text));
        } else {
            unresolved(text, Vec::new(), at, report);
        }
        None
    }

    fn local(&self, fragment: &str, prefix: &str, text: &str, at: &At<'_>, report: &mut Report<'_>) -> Option<Target> {
        let document = report.document;
        if document.value.pointer(fragment).is_none() {
            let own = document.value.pointer("/components/schemas").and_then(Value::as_object);
            let names = own.map(|m| m.keys().map(|k| format!("{COMPONENT}{k}")).collect::<Vec<_>>());
            let near = nearest(text, names.unwrap_or_default().iter().map(String::as_str));
            unresolved(text, near, at, report);
            return None;
        }
        Some(match fragment.strip_prefix("/components/schemas/") {
            Some(rest) => {
                let (name, deeper) = rest
                    .split_once('/')
                    .map_or((rest, String::new()), |(n, d)| (n, format!("/{d}")));
                Target::Component(component_name(prefix, name) + &deeper)
            }
            None => Target::Here(fragment.to_owned()),
        })
    }

    /// A contract may raise the level of a dictionary field, never lower it.
    fn raise_only(&self, component: &str, siblings: &Map<String, Value>, at: &At<'_>, report: &mut Report<'_>) {
        let Home::System { dictionary, .. } = &self.home else {
            return;
        };
        let own = siblings
            .get("x-hub-level")
            .and_then(Value::as_str)
            .and_then(|l| l.parse::<DataLevel>().ok());
        let base = dictionary.field(component).map(|f| f.shape.level);
        if let (Some(own), Some(base)) = (own, base)
            && own < base
        {
            let finding = report.finding(
                "level-lowered",
                at,
                format!("字段 `{component}` 的级别不能降低"),
                format!("The level of `{component}` can't be lowered here"),
            );
            report.push(finding.expected(format!("{base} or higher"), own.as_str()));
        }
    }
}

enum Written {
    Reference(String),
    Inline(Value),
}

fn unresolved(text: &str, near: Vec<String>, at: &At<'_>, report: &mut Report<'_>) {
    let finding = report.finding(
        "unresolved-reference",
        at,
        format!("引用 `{text}` 找不到目标"),
        format!("`{text}` leads nowhere"),
    );
    report.push(finding.near(near));
}

/// The first token of a fragment, undone, and the rest with its slash.
fn first_token(fragment: &str) -> (String, String) {
    let path = fragment.strip_prefix('/').unwrap_or(fragment);
    let (first, rest) = path
        .split_once('/')
        .map_or((path, String::new()), |(f, r)| (f, format!("/{r}")));
    (unescape(first).into_owned(), rest)
}

/// A relative file name seen from a document, as a name in the folder; `None` where it leaves the folder.
fn normalised(document: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// Turns the words in which OpenAPI 3.0 schemas differ into those of 2020-12 (the official upgrade guide's list).
fn from_30(schema: &mut Map<String, Value>) {
    for (flag, bound) in [("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")] {
        if let Some(Value::Bool(exclusive)) = schema.get(flag) {
            let limit = if *exclusive { schema.remove(bound) } else { None };
            match limit {
                Some(limit) => schema.insert(flag.to_owned(), limit),
                None => schema.remove(flag),
            };
        }
    }
    if let Some(example) = schema.remove("example") {
        schema.entry("examples").or_insert_with(|| json!([example]));
    }
    if schema.get("format").and_then(Value::as_str) == Some("byte") {
        schema.remove("format");
        schema.insert("contentEncoding".into(), json!("base64"));
    }
    if schema.remove("nullable") == Some(Value::Bool(true)) {
        nullable(schema);
    }
}

fn nullable(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    if let Some(Value::String(one)) = schema.get("type") {
        let both = json!([one, "null"]);
        schema.insert("type".into(), both);
    } else if ["$ref", "allOf", "anyOf", "oneOf"]
        .iter()
        .any(|k| schema.contains_key(*k))
    {
        let inner = std::mem::take(schema);
        schema.insert("anyOf".into(), json!([inner, {"type": "null"}]));
    }
}

/// A component's reference split into its name and what stands behind it.
pub(crate) fn split_component(reference: &str) -> Option<(String, &str)> {
    let rest = reference.strip_prefix(COMPONENT)?;
    let (name, deeper) = rest.find('/').map_or((rest, ""), |i| rest.split_at(i));
    Some((unescape(name).into_owned(), deeper))
}

/// The reference to a component by its name.
pub(crate) fn component_reference(name: &str) -> String {
    format!("{COMPONENT}{}", escape(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_of_30_become_2020_12() {
        for (old, new) in [
            (
                json!({"type": "string", "nullable": true}),
                json!({"type": ["string", "null"]}),
            ),
            (
                json!({"type": "string", "enum": ["a"], "nullable": true}),
                json!({"type": ["string", "null"], "enum": ["a", null]}),
            ),
            (
                json!({"type": "integer", "minimum": 1, "exclusiveMinimum": true}),
                json!({"type": "integer", "exclusiveMinimum": 1}),
            ),
            (
                json!({"type": "integer", "maximum": 1, "exclusiveMaximum": false}),
                json!({"type": "integer", "maximum": 1}),
            ),
            (
                json!({"type": "string", "example": "x"}),
                json!({"type": "string", "examples": ["x"]}),
            ),
            (
                json!({"allOf": [{"type": "object"}], "nullable": true}),
                json!({"anyOf": [{"allOf": [{"type": "object"}]}, {"type": "null"}]}),
            ),
        ] {
            let mut schema = old.as_object().cloned().unwrap();
            from_30(&mut schema);
            assert_eq!(Value::Object(schema), new, "{old}");
        }
    }

    #[test]
    fn file_names_stay_in_the_folder() {
        assert_eq!(
            normalised("psb/hukou.yaml", "../fields.yaml").as_deref(),
            Some("fields.yaml")
        );
        assert_eq!(normalised("psb/hukou.yaml", "./x.yaml").as_deref(), Some("psb/x.yaml"));
        assert_eq!(normalised("psb/hukou.yaml", "../../etc/passwd"), None);
    }
}
