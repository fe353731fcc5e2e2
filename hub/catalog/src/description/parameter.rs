//! Parameters: where they may stand, and one a name and place.

use super::structure::Checker;
use super::tree::{Content, Node};
use crate::document::nearest;
use hub_core::{Severity, Text};

impl Checker<'_, '_> {
    pub(super) fn parameter(&mut self, node: &mut Node, pointer: &str) {
        self.exclusive(node, pointer, &["example", "examples"]);
        let places: &[&str] = match self.old {
            true => &["query", "header", "path", "formData", "body"],
            false => &["query", "header", "path", "cookie", "querystring"],
        };
        if self.old {
            self.types(node, pointer);
        }
        let Some(stands) = node.get("in") else { return };
        let (at, text) = (stands.at, stands.text().unwrap_or_default().to_owned());
        if !places.contains(&text.as_str()) {
            let near = nearest(&text, places.iter().copied());
            let words = Text::new(
                format!("参数不能在 `{text}` 中"),
                format!("A parameter can't stand in `{text}`"),
            );
            let expected = places.join(", ");
            self.tell(
                Severity::Error,
                "parameter-place",
                at,
                &format!("{pointer}/in"),
                words,
                |f| f.expected(expected, text.clone()).near(near),
            );
        }
        if text == "path" && !node.is_true("required") {
            let at = node.get("required").map_or(node.at, |r| r.at);
            self.repair(
                "path-parameter-required",
                at,
                &format!("{pointer}/required"),
                "路径参数总是必填，已按必填读取",
                "A parameter in the path is always required and was read so",
            );
            node.put("required", Node::leaf(at, true));
        }
        if self.old && text == "body" && node.get("schema").is_none() {
            self.repair(
                "body-schema",
                node.at,
                pointer,
                "body 参数没有 `schema`，视为任意内容",
                "The body has no `schema` and counts as anything",
            );
            node.put("schema", Node::new_map(node.at));
        }
        if text == "header" && !is_token(node.text_at("name").unwrap_or_default()) {
            let at = node.get("name").map_or(node.at, |n| n.at);
            self.warn(
                "header-name",
                at,
                &format!("{pointer}/name"),
                "不是有效的 HTTP 头名称",
                "This is not a valid name of an HTTP header",
            );
        }
        self.written(node, &text, pointer);
        if !self.old && node.get("schema").is_some() && node.get("content").is_some() {
            self.warn(
                "schema-and-content",
                node.at,
                pointer,
                "`schema` 与 `content` 只能有一个，已忽略 `content`",
                "`schema` and `content` exclude each other; `content` was ignored",
            );
            node.take("content");
        }
    }

    /// How a value is written fits where it stands.
    fn written(&mut self, node: &mut Node, stands: &str, pointer: &str) {
        let reserved = node.get("allowReserved").map(|n| n.at);
        if let Some(at) = reserved.filter(|_| !matches!(stands, "query" | "path")) {
            self.warn(
                "allow-reserved",
                at,
                &format!("{pointer}/allowReserved"),
                "`allowReserved` 只能用于 path 和 query 参数，已忽略",
                "`allowReserved` has a meaning in the path and the query only, so it was ignored",
            );
            node.take("allowReserved");
        }
        let style = node
            .get("style")
            .map(|n| n.at)
            .filter(|_| node.get("content").is_some());
        if let Some(at) = style {
            self.warn(
                "style-and-content",
                at,
                &format!("{pointer}/style"),
                "有 `content` 时 `style` 没有意义，已忽略",
                "`style` has no meaning beside `content`, so it was ignored",
            );
            node.take("style");
        }
        if stands == "querystring" && node.get("content").is_none() {
            self.refuse(
                "querystring",
                node.at,
                pointer,
                "`querystring` 参数须用 `content` 说明内容",
                "A parameter in `querystring` says what it holds with `content`",
            );
        }
        let multi = node
            .get("collectionFormat")
            .filter(|n| n.text() == Some("multi"))
            .map(|n| n.at);
        if let Some(at) = multi.filter(|_| !matches!(stands, "query" | "formData")) {
            self.warn(
                "collection-format",
                at,
                &format!("{pointer}/collectionFormat"),
                "`multi` 只能用于 query 和 formData，已按 csv 读取",
                "`multi` has a meaning in the query and in forms only; it was read as csv",
            );
            node.take("collectionFormat");
        }
    }

    /// One parameter a name and place in one list.
    pub(super) fn parameters(&mut self, node: &mut Node, pointer: &str) {
        let old = self.old;
        let Some(Content::List(items)) = node.get_mut("parameters").map(|n| &mut n.content) else {
            return;
        };
        let mut seen: Vec<(String, String, Node)> = Vec::new();
        let mut kept = Vec::with_capacity(items.len());
        let mut bodies = 0;
        for (index, item) in std::mem::take(items).into_iter().enumerate() {
            let place = format!("{pointer}/parameters/{index}");
            let named = |key: &str| item.text_at(key).map(str::to_owned);
            let (Some(name), Some(stands)) = (named("name"), named("in")) else {
                kept.push(item);
                continue;
            };
            if old && stands == "body" {
                bodies += 1;
                if bodies == 2 {
                    self.refuse(
                        "several-bodies",
                        item.at,
                        &place,
                        "一个操作只能有一个 body 参数",
                        "An operation can have one body only",
                    );
                }
            }
            if let Some((_, _, first)) = seen.iter().find(|(n, i, _)| *n == name && *i == stands) {
                if let Some(index) = kept.iter().position(|k| k == first && agree(k, &item)) {
                    let at = item.at;
                    if let (Some(kept), Content::Map(more)) = (kept.get_mut(index), item.content) {
                        for (key, member) in more
                            .into_iter()
                            .filter(|(k, _)| kept.get(k).is_none())
                            .collect::<Vec<_>>()
                        {
                            kept.put(key, member);
                        }
                    }
                    self.repair(
                        "duplicate-parameter",
                        at,
                        &place,
                        format!("参数 `{name}` 重复，内容一致，已合并"),
                        format!("The parameter `{name}` stands twice without contradiction; both were read as one"),
                    );
                } else {
                    self.refuse("duplicate-parameter", item.at, &place, format!("参数 `{name}`（{stands}）重复且内容不同，第一处在第 {} 行", first.at.line), format!("The parameter `{name}` in {stands} stands twice and says different things; the first is in line {}", first.at.line));
                }
                continue;
            }
            let clash = match stands.as_str() {
                "querystring" => Some("query"),
                "query" => Some("querystring"),
                _ => None,
            };
            if seen.iter().any(|(_, i, _)| clash == Some(i)) {
                self.refuse(
                    "querystring",
                    item.at,
                    &place,
                    "`querystring` 与 `query` 参数不能同时使用",
                    "Parameters in `querystring` and in `query` exclude each other",
                );
            }
            seen.push((name, stands, item.clone()));
            kept.push(item);
        }
        *items = kept;
    }
}

/// Whether two objects say nothing different: what both say is the same.
fn agree(first: &Node, second: &Node) -> bool {
    let (Some(first), Some(second)) = (first.map(), second.map()) else {
        return false;
    };
    first
        .iter()
        .all(|(key, member)| second.get(key).is_none_or(|other| other.value() == member.value()))
}

/// A token of HTTP (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
