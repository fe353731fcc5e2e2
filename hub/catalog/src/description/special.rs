//! Rules of single objects that a table of fields can't say.

use super::grammar::Kind;
use super::structure::Checker;
use super::tree::Node;
use crate::document::{escape, nearest};
use hub_core::{Severity, Text};
use indexmap::IndexMap;

impl Checker<'_, '_> {
    pub(super) fn special(&mut self, node: &mut Node, kind: Kind, pointer: &str) {
        match kind {
            Kind::Paths | Kind::OldPaths => self.paths(node, pointer),
            Kind::Responses | Kind::OldResponses => self.statuses(node, pointer),
            Kind::Parameter | Kind::OldParameter => self.parameter(node, pointer),
            Kind::Operation | Kind::OldOperation | Kind::PathItem | Kind::OldPathItem => self.parameters(node, pointer),
            Kind::Schema => self.schema(node, pointer),
            Kind::OldHeader => self.types(node, pointer),
            Kind::Example => {
                for pair in [
                    ["value", "externalValue"],
                    ["value", "serializedValue"],
                    ["serializedValue", "externalValue"],
                ] {
                    self.exclusive(node, pointer, &pair);
                }
            }
            Kind::Header => self.exclusive(node, pointer, &["example", "examples"]),
            Kind::Media | Kind::Encoding => {
                for pair in [
                    ["example", "examples"],
                    ["encoding", "prefixEncoding"],
                    ["encoding", "itemEncoding"],
                ] {
                    self.exclusive(node, pointer, &pair);
                }
            }
            Kind::Xml => self.exclusive(node, pointer, &["attribute", "nodeType"]),
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
            let is_known = is_code(&key) && matches!(key.as_bytes().first(), Some(b'1'..=b'5'));
            if is_known || key == "default" || key.starts_with("x-") || is_range(&key) {
                settled.insert(key, response);
                continue;
            }
            let place = format!("{pointer}/{}", escape(&key));
            let upper = key.to_ascii_uppercase();
            if is_code(&key) {
                self.warn(
                    "status-code",
                    response.at,
                    &place,
                    format!("`{key}` 不是 HTTP 状态码"),
                    format!("`{key}` is not a status code of HTTP"),
                );
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

    pub(super) fn exclusive(&mut self, node: &mut Node, pointer: &str, keys: &[&str; 2]) {
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
}
