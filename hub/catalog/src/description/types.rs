//! What a schema says of types: names that exist, and those of programming languages that have one meaning here.

use super::structure::Checker;
use super::tree::{Content, Node};
use crate::document::nearest;
use hub_core::{Severity, Text};
use serde_json::Value;

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];
/// Types of programming languages that have one meaning in JSON.
const SPOKEN: [(&str, &str); 7] = [
    ("int", "integer"),
    ("long", "integer"),
    ("short", "integer"),
    ("float", "number"),
    ("double", "number"),
    ("bool", "boolean"),
    ("list", "array"),
];

impl Checker<'_, '_> {
    pub(super) fn schema(&mut self, node: &mut Node, pointer: &str) {
        self.types(node, pointer);
        self.early(node, pointer);
        if node.get("enum").is_some_and(|e| !matches!(e.content, Content::List(_))) {
            let at = node.get("enum").map_or(node.at, |n| n.at);
            self.refuse(
                "wrong-type",
                at,
                &format!("{pointer}/enum"),
                "`enum` 应为列表",
                "`enum` must be a list",
            );
        }
        for key in ["allOf", "anyOf", "oneOf"] {
            if node
                .get(key)
                .is_some_and(|n| matches!(&n.content, Content::List(items) if items.is_empty()))
            {
                let at = node.get(key).map_or(node.at, |n| n.at);
                self.repair(
                    "empty-composition",
                    at,
                    &format!("{pointer}/{key}"),
                    format!("`{key}` 为空，视为没有"),
                    format!("`{key}` is empty and counts as absent"),
                );
                node.take(key);
            }
        }
    }

    /// What earlier versions have no word for, or want said.
    fn early(&mut self, node: &Node, pointer: &str) {
        if self.old {
            for key in ["anyOf", "oneOf", "not"] {
                if let Some(at) = node.get(key).map(|n| n.at) {
                    self.repair(
                        "newer-word",
                        at,
                        &format!("{pointer}/{key}"),
                        format!("Swagger 2.0 没有 `{key}`，已按 OpenAPI 3 读取"),
                        format!("Swagger 2.0 has no `{key}`; it was read as in OpenAPI 3"),
                    );
                }
            }
        }
        let required = node.get("required").map(Node::items).unwrap_or_default();
        let Some(properties) = node.get("properties") else {
            return;
        };
        let open = ["allOf", "anyOf", "oneOf", "$ref"]
            .into_iter()
            .any(|key| node.get(key).is_some());
        for item in required.iter().filter(|_| !open) {
            let name = item.text().unwrap_or_default();
            if properties.get(name).is_none() {
                let known = properties.map().into_iter().flatten().map(|(n, _)| n.as_str());
                let near = nearest(name, known);
                let words = Text::new(
                    format!("必填属性 `{name}` 没有定义"),
                    format!("The required property `{name}` is not described"),
                );
                let place = format!("{pointer}/required");
                self.tell(Severity::Warning, "required-undefined", item.at, &place, words, |f| {
                    f.near(near)
                });
            }
        }
    }

    pub(super) fn types(&mut self, node: &mut Node, pointer: &str) {
        if self.early_version() && node.text_at("type") == Some("array") && node.get("items").is_none() {
            self.warn(
                "array-without-items",
                node.at,
                pointer,
                "`array` 没有 `items`，视为任意内容的列表",
                "The `array` has no `items` and counts as a list of anything",
            );
        }
        let Some(stands) = node.get_mut("type") else { return };
        let at = stands.at;
        let place = format!("{pointer}/type");
        let entries: Vec<&mut Node> = match &mut stands.content {
            Content::List(items) => items.iter_mut().collect(),
            Content::Leaf(_) => vec![stands],
            Content::Map(_) => {
                self.refuse(
                    "wrong-type",
                    at,
                    &place,
                    "`type` 应为类型名",
                    "`type` must be the name of a type",
                );
                return;
            }
        };
        for entry in entries {
            let text = match &entry.content {
                Content::Leaf(Value::Null) => "null".to_owned(),
                Content::Leaf(Value::String(text)) => text.clone(),
                _ => entry.kind().to_owned(),
            };
            let is_file = self.old && text == "file";
            let spoken = SPOKEN
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(&text))
                .map(|(_, right)| right);
            if TYPES.contains(&text.as_str()) || is_file {
                if entry.is_null() {
                    self.repair(
                        "null-type",
                        at,
                        &place,
                        "`null` 已读作类型 \"null\"",
                        "null was read as the type \"null\"",
                    );
                    entry.content = Content::Leaf("null".into());
                }
                continue;
            }
            if let Some(right) = TYPES.iter().find(|t| t.eq_ignore_ascii_case(&text)).or(spoken) {
                self.repair(
                    "schema-type",
                    at,
                    &place,
                    format!("`{text}` 已读作 `{right}`"),
                    format!("`{text}` was read as `{right}`"),
                );
                entry.content = Content::Leaf((*right).into());
                continue;
            }
            let near = nearest(&text, TYPES);
            let words = Text::new(format!("没有类型 `{text}`"), format!("There is no type `{text}`"));
            self.tell(Severity::Error, "schema-type", at, &place, words, |f| {
                f.expected(TYPES.join(", "), text.clone()).near(near)
            });
        }
    }
}
