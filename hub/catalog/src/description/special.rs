//! Rules of single objects that a table of fields can't say.

use super::grammar::Kind;
use super::structure::Checker;
use super::tree::{Content, Node};
use crate::document::{escape, nearest};
use hub_core::{Severity, Text};
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::HashSet;

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "null"];
const METHODS: [&str; 9] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace", "query",
];

impl Checker<'_, '_> {
    pub(super) fn special(&mut self, node: &mut Node, kind: Kind, pointer: &str) {
        match kind {
            Kind::Paths | Kind::OldPaths => self.paths(node, pointer),
            Kind::Responses | Kind::OldResponses => self.statuses(node, pointer),
            Kind::Parameter | Kind::OldParameter => self.parameter(node, pointer),
            Kind::Operation | Kind::OldOperation | Kind::PathItem | Kind::OldPathItem => self.parameters(node, pointer),
            Kind::Schema => self.schema(node, pointer),
            Kind::Example => self.exclusive(node, pointer, &["value", "externalValue"]),
            Kind::Header | Kind::Media => self.exclusive(node, pointer, &["example", "examples"]),
            Kind::Scheme | Kind::OldScheme => self.scheme(node, pointer),
            _ => {}
        }
    }

    /// Paths begin with a slash; a path without one has one meaning.
    fn paths(&mut self, node: &mut Node, pointer: &str) {
        let Some(map) = node.map_mut() else { return };
        // `members` has dropped names that are no paths already; those that may be were kept there for this.
        let bare: Vec<String> = map
            .keys()
            .filter(|k| !k.starts_with('/') && !k.starts_with("x-"))
            .cloned()
            .collect();
        if bare.is_empty() {
            return;
        }
        let mut settled = IndexMap::with_capacity(map.len());
        for (key, item) in std::mem::take(map) {
            if !bare.contains(&key) {
                settled.insert(key, item);
                continue;
            }
            let path = format!("/{key}");
            let place = format!("{pointer}/{}", escape(&key));
            if settled.contains_key(&path) {
                self.refuse(
                    "duplicate-key",
                    item.at,
                    &place,
                    format!("路径 `{path}` 重复"),
                    format!("The path `{path}` stands twice"),
                );
                continue;
            }
            self.repair(
                "path-slash",
                item.at,
                &place,
                format!("路径应以 / 开头，已读作 `{path}`"),
                format!("A path begins with a slash; this was read as `{path}`"),
            );
            settled.insert(path, item);
        }
        *map = settled;
    }

    fn statuses(&mut self, node: &mut Node, pointer: &str) {
        let Some(map) = node.map_mut() else { return };
        let is_range = |k: &str| k.len() == 3 && k.ends_with("XX") && matches!(k.as_bytes().first(), Some(b'1'..=b'5'));
        let is_code = |k: &str| k.len() == 3 && k.bytes().all(|b| b.is_ascii_digit());
        let mut settled = IndexMap::with_capacity(map.len());
        for (key, response) in std::mem::take(map) {
            let place = format!("{pointer}/{}", escape(&key));
            let upper = key.to_ascii_uppercase();
            if key == "default" || key.starts_with("x-") || is_range(&key) {
                settled.insert(key, response);
            } else if is_code(&key) {
                if !matches!(key.as_bytes().first(), Some(b'1'..=b'5')) {
                    self.warn(
                        "status-code",
                        response.at,
                        &place,
                        format!("`{key}` 不是 HTTP 状态码"),
                        format!("`{key}` is not a status code of HTTP"),
                    );
                }
                settled.insert(key, response);
            } else if is_range(&upper) {
                self.repair(
                    "status-code",
                    response.at,
                    &place,
                    format!("`{key}` 已读作 `{upper}`"),
                    format!("`{key}` was read as `{upper}`"),
                );
                settled.insert(upper, response);
            } else {
                self.refuse(
                    "status-code",
                    response.at,
                    &place,
                    format!("`{key}` 不是 HTTP 状态码、`2XX` 之类的范围或 `default`"),
                    format!("`{key}` is neither a status code of HTTP, nor a range like `2XX`, nor `default`"),
                );
            }
        }
        *map = settled;
    }

    fn parameter(&mut self, node: &mut Node, pointer: &str) {
        self.exclusive(node, pointer, &["example", "examples"]);
        let places: &[&str] = match self.old {
            true => &["query", "header", "path", "formData", "body"],
            false => &["query", "header", "path", "cookie", "querystring"],
        };
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

    /// One parameter a name and place in one list.
    fn parameters(&mut self, node: &mut Node, pointer: &str) {
        let old = self.old;
        let Some(Content::List(items)) = node.get_mut("parameters").map(|n| &mut n.content) else {
            return;
        };
        let mut seen: Vec<(String, String, Node)> = Vec::new();
        let mut kept = Vec::with_capacity(items.len());
        let mut bodies = 0;
        for (index, item) in std::mem::take(items).into_iter().enumerate() {
            let place = format!("{pointer}/parameters/{index}");
            let (Some(name), Some(stands)) = (item.text_at("name"), item.text_at("in")) else {
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
            if let Some((_, _, first)) = seen.iter().find(|(n, i, _)| n == name && i == stands) {
                if first.value() == item.value() {
                    self.repair(
                        "duplicate-parameter",
                        item.at,
                        &place,
                        format!("参数 `{name}` 重复，内容相同，已去掉"),
                        format!("The parameter `{name}` stands twice and says the same; the second was dropped"),
                    );
                } else {
                    self.refuse("duplicate-parameter", item.at, &place, format!("参数 `{name}`（{stands}）重复且内容不同，第一处在第 {} 行", first.at.line), format!("The parameter `{name}` in {stands} stands twice and says different things; the first is in line {}", first.at.line));
                }
                continue;
            }
            seen.push((name.to_owned(), stands.to_owned(), item.clone()));
            kept.push(item);
        }
        *items = kept;
    }

    fn exclusive(&mut self, node: &mut Node, pointer: &str, keys: &[&str; 2]) {
        let [first, second] = *keys;
        if node.get(first).is_some() && node.get(second).is_some() {
            let at = node.get(second).map_or(node.at, |n| n.at);
            self.warn(
                "exclusive-fields",
                at,
                &format!("{pointer}/{second}"),
                format!("`{first}` 与 `{second}` 只能有一个，已忽略 `{first}`"),
                format!("`{first}` and `{second}` exclude each other; `{first}` was ignored"),
            );
            node.take(first);
        }
    }

    fn scheme(&mut self, node: &mut Node, pointer: &str) {
        let known: &[&str] = match self.old {
            true => &["basic", "apiKey", "oauth2"],
            false => &["apiKey", "http", "mutualTLS", "oauth2", "openIdConnect"],
        };
        let Some((at, kind)) = node
            .get("type")
            .map(|t| (t.at, t.text().unwrap_or_default().to_owned()))
        else {
            return;
        };
        if !known.contains(&kind.as_str()) {
            let lower = known.iter().find(|k| k.eq_ignore_ascii_case(&kind));
            let place = format!("{pointer}/type");
            match lower {
                Some(right) => {
                    self.repair(
                        "scheme-type",
                        at,
                        &place,
                        format!("`{kind}` 已读作 `{right}`"),
                        format!("`{kind}` was read as `{right}`"),
                    );
                    node.put("type", Node::leaf(at, *right));
                }
                None => {
                    let near = nearest(&kind, known.iter().copied());
                    let words = Text::new(
                        format!("没有名为 `{kind}` 的鉴权方式"),
                        format!("There is no security scheme of type `{kind}`"),
                    );
                    let expected = known.join(", ");
                    self.tell(Severity::Error, "scheme-type", at, &place, words, |f| {
                        f.expected(expected, kind.clone()).near(near)
                    });
                }
            }
        }
    }

    fn schema(&mut self, node: &mut Node, pointer: &str) {
        self.types(node, pointer);
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

    fn types(&mut self, node: &mut Node, pointer: &str) {
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
            if let Some(right) = TYPES.iter().find(|t| t.eq_ignore_ascii_case(&text)) {
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

/// What a path names in braces, in order.
pub(super) fn placeholders(path: &str) -> Vec<&str> {
    path.split('{')
        .skip(1)
        .filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
        .collect()
}

/// After references are settled: every placeholder of a path has its parameter, and the other way round.
pub(super) fn templates(checker: &mut Checker<'_, '_>, root: &mut Node) {
    let shared = shared_parameters(root);
    let Some(paths) = root.get_mut("paths").and_then(Node::map_mut) else {
        return;
    };
    for (path, item) in paths.iter_mut().filter(|(p, _)| p.starts_with('/')) {
        let wanted: Vec<String> = placeholders(path).into_iter().map(str::to_owned).collect();
        let common = declared(item, &shared);
        let Some(map) = item.map_mut() else { continue };
        for method in METHODS {
            let Some(operation) = map.get_mut(method).filter(|o| o.map().is_some()) else {
                continue;
            };
            let mut known: HashSet<String> = declared(operation, &shared);
            known.extend(common.iter().cloned());
            let pointer = format!("/paths/{}/{method}", escape(path));
            for name in wanted.iter().filter(|n| !known.contains(*n)) {
                checker.warn(
                    "undeclared-path-parameter",
                    operation.at,
                    &format!("{pointer}/parameters"),
                    format!("路径中的 `{{{name}}}` 没有对应的参数，已按文字参数读取"),
                    format!("`{{{name}}}` of the path has no parameter; it was read as a text"),
                );
                declare(operation, name, checker.old);
            }
            for name in known.iter().filter(|n| !wanted.contains(n)) {
                let near = nearest(name, wanted.iter().map(String::as_str));
                let words = Text::new(
                    format!("路径参数 `{name}` 不在路径 `{path}` 中"),
                    format!("The path parameter `{name}` is not in the path `{path}`"),
                );
                checker.tell(
                    Severity::Warning,
                    "path-parameter-unused",
                    operation.at,
                    &format!("{pointer}/parameters"),
                    words,
                    |f| f.near(near),
                );
            }
        }
    }
}

fn declare(operation: &mut Node, name: &str, old: bool) {
    let at = operation.at;
    let mut parameter = Node::new_map(at);
    parameter.put("name", Node::leaf(at, name));
    parameter.put("in", Node::leaf(at, "path"));
    parameter.put("required", Node::leaf(at, true));
    if old {
        parameter.put("type", Node::leaf(at, "string"));
    } else {
        let mut schema = Node::new_map(at);
        schema.put("type", Node::leaf(at, "string"));
        parameter.put("schema", schema);
    }
    if operation.get("parameters").is_none() {
        operation.put("parameters", Node::list(at, Vec::new()));
    }
    if let Some(Content::List(items)) = operation.get_mut("parameters").map(|n| &mut n.content) {
        items.push(parameter);
    }
}

/// Names of path parameters among the shared ones, by reference.
fn shared_parameters(root: &Node) -> IndexMap<String, String> {
    let rooms = [
        (
            root.get("components").and_then(|c| c.get("parameters")),
            "#/components/parameters/",
        ),
        (root.get("parameters"), "#/parameters/"),
    ];
    let mut found = IndexMap::new();
    for (room, prefix) in rooms {
        for (name, parameter) in room.and_then(Node::map).into_iter().flatten() {
            if parameter.text_at("in") == Some("path")
                && let Some(own) = parameter.text_at("name")
            {
                found.insert(format!("{prefix}{}", escape(name)), own.to_owned());
            }
        }
    }
    found
}

fn declared(holder: &Node, shared: &IndexMap<String, String>) -> HashSet<String> {
    let parameters = holder.get("parameters").map(Node::items).unwrap_or_default();
    parameters
        .iter()
        .filter_map(|p| match p.text_at("$ref") {
            Some(reference) => shared.get(reference).cloned(),
            None => (p.text_at("in") == Some("path")).then(|| p.text_at("name").map(str::to_owned))?,
        })
        .collect()
}

/// A token of HTTP (RFC 9110, 5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}
