//! Whether a description is made as its specification says: what has one meaning all the same is put right and told of,
//! the rest is refused.

use super::grammar::{Form, Kind, OLD_VALUE, fields, form, reference, required, walk};
use super::sources::Sources;
use super::tree::{At, Content, Node};
use crate::document::{escape, nearest};
use hub_core::{Finding, Severity, Text};
use serde_json::Value;

/// Errors that are told of one description; a thousand of one kind help nobody.
const MAX_ERRORS: usize = 100;
/// Repairs that are told.
const MAX_REPAIRS: usize = 500;

pub(super) struct Checker<'s, 'f> {
    sources: &'s mut Sources<'f>,
    pub(super) old: bool,
    version: String,
    errors: usize,
    repairs: usize,
}

impl<'s, 'f> Checker<'s, 'f> {
    pub(super) fn new(sources: &'s mut Sources<'f>, old: bool, version: &str) -> Self {
        Self {
            sources,
            old,
            version: version.to_owned(),
            errors: 0,
            repairs: 0,
        }
    }

    /// Checks and repairs a whole description.
    pub(super) fn check(&mut self, root: &mut Node, kind: Kind) {
        self.whole(root);
        walk(root, kind, &mut String::new(), &mut |node, kind, pointer| {
            self.object(node, kind, pointer);
        });
    }

    pub(super) fn refuse(&mut self, code: &str, at: At, pointer: &str, zh: impl Into<String>, en: impl Into<String>) {
        self.tell(Severity::Error, code, at, pointer, Text::new(zh, en), |f| f);
    }

    pub(super) fn repair(&mut self, code: &str, at: At, pointer: &str, zh: impl Into<String>, en: impl Into<String>) {
        self.tell(Severity::Note, code, at, pointer, Text::new(zh, en), |f| f);
    }

    pub(super) fn warn(&mut self, code: &str, at: At, pointer: &str, zh: impl Into<String>, en: impl Into<String>) {
        self.tell(Severity::Warning, code, at, pointer, Text::new(zh, en), |f| f);
    }

    pub(super) fn tell(
        &mut self,
        severity: Severity,
        code: &str,
        at: At,
        pointer: &str,
        words: Text,
        more: impl FnOnce(Finding) -> Finding,
    ) {
        let (count, most) = match severity {
            Severity::Error => (&mut self.errors, MAX_ERRORS),
            _ => (&mut self.repairs, MAX_REPAIRS),
        };
        *count += 1;
        if *count <= most {
            let finding = self.sources.finding(code, at, pointer, words).severity(severity);
            self.sources.findings.push(more(finding));
        }
    }

    /// Whether the description is older than 3.1.
    pub(super) fn early_version(&self) -> bool {
        self.old || self.version.starts_with("3.0")
    }

    /// What a description must hold at all.
    fn whole(&mut self, root: &Node) {
        let has = |key: &str| root.get(key).is_some_and(|n| !n.is_null());
        let early = self.early_version();
        if early && !has("paths") {
            self.tell(
                Severity::Error,
                "missing-field",
                root.at,
                "/paths",
                Text::new(
                    "缺少 `paths`：描述中没有任何操作",
                    "`paths` is missing: the description has no operation",
                ),
                |f| {
                    let near = root.map().into_iter().flatten().map(|(k, _)| k.as_str());
                    f.near(nearest("paths", near))
                        .fix(Text::new("请补充 `paths`", "Add `paths` with the operations."))
                },
            );
        } else if !early && !["paths", "webhooks", "components"].into_iter().any(has) {
            self.refuse(
                "missing-field",
                root.at,
                "/paths",
                "`paths`、`webhooks`、`components` 至少要有一个",
                "One of `paths`, `webhooks` and `components` must be there",
            );
        }
    }

    fn object(&mut self, node: &mut Node, kind: Kind, pointer: &str) {
        if node.map().is_none() {
            let lone = kind == Kind::Discriminator && self.old && node.text().is_some();
            if !(kind == Kind::Schema && node.flag().is_some() || lone) {
                self.wrong(node, pointer, "对象", "an object");
            }
            return;
        }
        if reference(node, kind).is_some() && !matches!(kind, Kind::Schema | Kind::PathItem | Kind::OldPathItem) {
            return;
        }
        self.moved(node, kind, pointer);
        self.members(node, kind, pointer);
        if kind != Kind::Schema {
            self.needed(node, kind, pointer);
        }
        self.special(node, kind, pointer);
    }

    fn wrong(&mut self, node: &Node, pointer: &str, zh: &str, en: &str) {
        let got = match &node.content {
            Content::Leaf(value) => value.to_string().chars().take(60).collect(),
            _ => node.kind().to_owned(),
        };
        self.tell(
            Severity::Error,
            "wrong-type",
            node.at,
            pointer,
            Text::new(format!("此处应为{zh}"), format!("{en} must stand here")),
            |f| f.expected(en, got),
        );
    }

    /// Every member has the form its field has; what is null is absent.
    fn members(&mut self, node: &mut Node, kind: Kind, pointer: &str) {
        let Some(map) = node.map_mut() else { return };
        let mut gone = Vec::new();
        let mut place = pointer.to_owned();
        for (key, member) in map.iter_mut() {
            place.truncate(pointer.len());
            place.push('/');
            place.push_str(&escape(key));
            let Some(form) = form(kind, key) else {
                let open = matches!(kind, Kind::Schema | Kind::Paths | Kind::OldPaths);
                if !open && !key.starts_with("x-") && !key.starts_with('$') {
                    self.unknown(key, member.at, kind, &place);
                    gone.push(key.clone());
                }
                continue;
            };
            if member.is_null() && !matches!(form, Form::Any) {
                self.repair(
                    "null",
                    member.at,
                    &place,
                    format!("`{key}` 为空，视为没有"),
                    format!("`{key}` is null and counts as absent"),
                );
                gone.push(key.clone());
                continue;
            }
            if !self.fits(member, form, &place) {
                gone.push(key.clone());
            }
        }
        if !gone.is_empty() {
            map.retain(|key, _| !gone.contains(key));
        }
    }

    /// Whether a member is to stay; puts right what has one meaning.
    fn fits(&mut self, member: &mut Node, form: Form, place: &str) -> bool {
        match form {
            Form::Text => self.as_text(member, place),
            Form::Flag => self.as_flag(member, place),
            Form::Number => self.as_number(member, place),
            Form::Texts => return self.as_texts(member, place),
            Form::TextMap | Form::Map(_) | Form::Dependencies if member.map().is_none() => {
                self.wrong(member, place, "对象", "an object");
            }
            Form::TextMap => {
                for (key, value) in member.map_mut().into_iter().flatten() {
                    self.as_text(value, &format!("{place}/{}", escape(key)));
                }
            }
            Form::List(_) if !matches!(member.content, Content::List(_)) => {
                self.wrong(member, place, "列表", "a list");
            }
            _ => {}
        }
        true
    }

    fn as_text(&mut self, node: &mut Node, place: &str) {
        let text = match &node.content {
            Content::Leaf(Value::String(_)) => return,
            Content::Leaf(Value::Null) => String::new(),
            Content::Leaf(value) => value.to_string(),
            _ => return self.wrong(node, place, "文字", "a text"),
        };
        self.repair(
            "not-a-text",
            node.at,
            place,
            format!("`{text}` 应为文字，已按文字读取"),
            format!("`{text}` should be a text and was read as one"),
        );
        node.content = Content::Leaf(Value::String(text));
    }

    fn as_flag(&mut self, node: &mut Node, place: &str) {
        if node.flag().is_some() {
            return;
        }
        let flag = match node.text().map(str::to_ascii_lowercase).as_deref() {
            Some("true") => true,
            Some("false") => false,
            _ => return self.wrong(node, place, " true 或 false", "true or false"),
        };
        self.repair(
            "not-a-flag",
            node.at,
            place,
            "应为 true 或 false，已去掉引号",
            "true or false should have no quotes; they were dropped",
        );
        node.content = Content::Leaf(Value::Bool(flag));
    }

    fn as_number(&mut self, node: &mut Node, place: &str) {
        if matches!(node.content, Content::Leaf(Value::Number(_))) {
            return;
        }
        let number = node
            .text()
            .and_then(|t| serde_json::from_str::<serde_json::Number>(t.trim()).ok());
        let Some(number) = number else {
            return self.wrong(node, place, "数字", "a number");
        };
        self.repair(
            "not-a-number",
            node.at,
            place,
            "应为数字，已去掉引号",
            "A number should have no quotes; they were dropped",
        );
        node.content = Content::Leaf(Value::Number(number));
    }

    fn as_texts(&mut self, node: &mut Node, place: &str) -> bool {
        if let Some(text) = node.text().map(str::to_owned) {
            self.repair(
                "not-a-list",
                node.at,
                place,
                "应为列表，已按一项的列表读取",
                "A list should stand here; the one text was read as a list of one",
            );
            *node = Node::list(node.at, vec![Node::leaf(node.at, text)]);
            return true;
        }
        if place.ends_with("/required") && node.flag().is_some() {
            self.warn(
                "required-flag",
                node.at,
                place,
                "`required` 应为属性名列表；true/false 在此没有意义，已忽略",
                "`required` is a list of property names; true or false has no meaning here and was ignored",
            );
            return false;
        }
        let Content::List(items) = &mut node.content else {
            self.wrong(node, place, "列表", "a list");
            return true;
        };
        for (index, item) in items.iter_mut().enumerate() {
            self.as_text(item, &format!("{place}/{index}"));
        }
        true
    }

    fn unknown(&mut self, key: &str, at: At, kind: Kind, place: &str) {
        let names = fields(kind).into_iter().flatten().map(|(name, _)| *name);
        let near = nearest(key, names);
        let words = Text::new(
            format!("此处没有字段 `{key}`，已忽略；扩展字段须以 `x-` 开头"),
            format!("There is no field `{key}` here, so it was ignored; extensions begin with `x-`"),
        );
        self.tell(Severity::Warning, "unknown-field", at, place, words, |f| f.near(near));
    }

    /// Words of Swagger 2.0 beside a parameter of OpenAPI 3 belong into its schema.
    fn moved(&mut self, node: &mut Node, kind: Kind, pointer: &str) {
        if !matches!(kind, Kind::Parameter | Kind::Header) {
            return;
        }
        let at = node.at;
        for key in OLD_VALUE {
            if node.get(key).is_none() || node.get("content").is_some() {
                continue;
            }
            let Some(word) = node.take(key) else { continue };
            let place = format!("{pointer}/{key}");
            self.repair(
                "outside-schema",
                word.at,
                &place,
                format!("`{key}` 应写在 `schema` 内，已移入"),
                format!("`{key}` belongs into `schema` and was moved there"),
            );
            if node.get("schema").is_none() {
                node.put("schema", Node::new_map(at));
            }
            if let Some(schema) = node.get_mut("schema")
                && schema.get(key).is_none()
                && schema.get("$ref").is_none()
            {
                schema.put(key, word);
            }
        }
    }

    fn needed(&mut self, node: &mut Node, kind: Kind, pointer: &str) {
        let optional = |key: &str| key == "responses" || node.map().is_some_and(|m| m.contains_key(key));
        let lacking: Vec<&str> = required(kind).iter().copied().filter(|key| !optional(key)).collect();
        for key in lacking {
            let at = node.at;
            let place = format!("{pointer}/{key}");
            let filled = match (kind, key) {
                (Kind::Info, _) | (Kind::Response | Kind::OldResponse, "description") | (Kind::License, "name") => {
                    Some(Node::leaf(at, ""))
                }
                (Kind::Body, "content") => Some(Node::new_map(at)),
                (Kind::Root | Kind::OldRoot, "info") => {
                    let mut info = Node::new_map(at);
                    info.put("title", Node::leaf(at, ""));
                    info.put("version", Node::leaf(at, ""));
                    Some(info)
                }
                (Kind::Variable | Kind::Docs | Kind::Server | Kind::Tag | Kind::Discriminator, _) => {
                    Some(Node::leaf(at, ""))
                }
                _ => None,
            };
            match filled {
                Some(filled) => {
                    self.warn(
                        "missing-field",
                        at,
                        &place,
                        format!("缺少 `{key}`，视为空"),
                        format!("`{key}` is missing and counts as empty"),
                    );
                    node.put(key, filled);
                }
                None => {
                    let near = node.map().into_iter().flatten().map(|(k, _)| k.as_str());
                    let near = nearest(key, near);
                    let words = Text::new(format!("缺少 `{key}`"), format!("`{key}` is missing"));
                    self.tell(Severity::Error, "missing-field", at, &place, words, |f| f.near(near));
                }
            }
        }
    }
}
