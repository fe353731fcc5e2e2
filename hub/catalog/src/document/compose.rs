//! YAML events to one value with places.

use super::{Care, Places, mangled, scalar};
use hub_core::{Finding, Severity, Text};
use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Tag};
use serde_json::{Map, Value};
use std::collections::HashMap;

const MAX_DEPTH: usize = 100;
/// Values that aliases may add to a document, and bytes of text in them.
const MAX_ALIASED_VALUES: usize = 100_000;
const MAX_ALIASED_BYTES: usize = 8 << 20;

/// Reads one YAML document.
pub(super) fn read(name: &str, text: &str, care: Care, repairs: &mut Vec<Finding>) -> Result<(Value, Places), Finding> {
    let mut composer = Composer {
        name,
        care,
        repairs: Vec::new(),
        places: Places::default(),
        stack: Vec::new(),
        anchors: HashMap::new(),
        aliased_values: 0,
        aliased_bytes: 0,
        root: None,
        documents: 0,
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| syntax(name, &error))?;
        composer.event(event, span.start)?;
    }
    let root = composer.root.take().unwrap_or(Value::Null);
    repairs.append(&mut composer.repairs);
    Ok((root, composer.places))
}

/// A list or a mapping that is not closed yet.
struct Open {
    slot: usize,
    anchor: usize,
    content: Content,
}

enum Content {
    List(Vec<Value>),
    Mapping {
        map: Map<String, Value>,
        key: Option<(String, (usize, usize))>,
    },
}

struct Anchored {
    value: Value,
    places: Vec<super::Place>,
    bytes: usize,
}

struct Composer<'n> {
    name: &'n str,
    care: Care,
    repairs: Vec<Finding>,
    places: Places,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    aliased_values: usize,
    aliased_bytes: usize,
    root: Option<Value>,
    documents: usize,
}

fn place(mark: Marker) -> (usize, usize) {
    (mark.line().max(1), mark.col() + 1)
}

impl Composer<'_> {
    fn fail(&self, code: &str, at: (usize, usize), zh: impl Into<String>, en: impl Into<String>) -> Finding {
        Finding::error(code, self.name, Text::new(zh, en)).at("", at.0, at.1)
    }

    fn event(&mut self, event: Event<'_>, mark: Marker) -> Result<(), Finding> {
        let at = place(mark);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self.fail(
                        "several-documents",
                        at,
                        "一个文件只能有一个 YAML 文档",
                        "A file may hold one YAML document only",
                    ));
                }
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", at)?;
                let content = Content::Mapping {
                    map: Map::new(),
                    key: None,
                };
                self.open(content, anchor, at)?;
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", at)?;
                self.open(Content::List(Vec::new()), anchor, at)?;
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(at)?,
            Event::Scalar(text, style, anchor, tag) => self.scalar(&text, style, anchor, tag.as_deref(), at)?,
            Event::Alias(anchor) => self.alias(anchor, at)?,
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
        Ok(())
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, own: &str, at: (usize, usize)) -> Result<(), Finding> {
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && tag.suffix == own) => {
                let finding = self.unknown_tag(tag, at);
                self.excuse(finding)
            }
            _ => Ok(()),
        }
    }

    fn unknown_tag(&self, tag: &Tag, at: (usize, usize)) -> Finding {
        self.fail(
            "unknown-tag",
            at,
            format!("不支持标签 {tag}"),
            format!("The tag {tag} is not supported"),
        )
    }

    /// What may be read past in a document of strangers is told of there and refused elsewhere.
    fn excuse(&mut self, finding: Finding) -> Result<(), Finding> {
        match self.care {
            Care::Strict => Err(finding),
            Care::Foreign => {
                self.repairs.push(finding.severity(Severity::Note));
                Ok(())
            }
        }
    }

    /// Whether the next event is a mapping's key.
    fn wants_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Open {
                content: Content::Mapping { key: None, .. },
                ..
            })
        )
    }

    /// Where the key stands whose value comes next.
    fn key_place(&self) -> Option<(usize, usize)> {
        match self.stack.last() {
            Some(Open {
                content: Content::Mapping { key: Some((_, at)), .. },
                ..
            }) => Some(*at),
            _ => None,
        }
    }

    fn open(&mut self, content: Content, anchor: usize, at: (usize, usize)) -> Result<(), Finding> {
        if self.wants_key() {
            return Err(self.fail(
                "bad-key",
                at,
                "键必须是文字",
                "A key must be a plain word, not a list or a mapping",
            ));
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(self.fail(
                "too-deep",
                at,
                "嵌套过深",
                format!("Nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        let (line, column) = self.key_place().unwrap_or(at);
        let slot = self.places.open(line, column);
        self.stack.push(Open { slot, anchor, content });
        Ok(())
    }

    fn close(&mut self, at: (usize, usize)) -> Result<(), Finding> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        self.places.close(open.slot);
        let value = match open.content {
            Content::List(items) => Value::Array(items),
            Content::Mapping { map, .. } => Value::Object(map),
        };
        self.keep(open.anchor, open.slot, &value);
        self.put(value, at)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        at: (usize, usize),
    ) -> Result<(), Finding> {
        if self.wants_key() {
            return self.key(text, style, at);
        }
        let value = match tag {
            None if style == ScalarStyle::Plain => match scalar::plain(text) {
                Ok(value) => value,
                Err(scalar::NotJson) => {
                    let (zh, en) = (
                        format!("{text} 无法用 JSON 表示"),
                        format!("{text} has no form in JSON"),
                    );
                    let finding = self.fail("not-json", at, zh, en);
                    self.excuse(finding)?;
                    Value::String(text.to_owned())
                }
            },
            None => Value::String(text.to_owned()),
            Some(tag) => match self.tagged(text, tag, at) {
                Ok(value) => value,
                Err(finding) => {
                    self.excuse(finding)?;
                    Value::String(text.to_owned())
                }
            },
        };
        let slot = self.places.open(at.0, at.1);
        self.keep(anchor, slot, &value);
        self.put(value, at)
    }

    fn key(&mut self, text: &str, style: ScalarStyle, at: (usize, usize)) -> Result<(), Finding> {
        if text == "<<" && style == ScalarStyle::Plain && self.care == Care::Strict {
            let fix = Text::new("请把要合并的内容直接写出", "Write out what it would merge.");
            return Err(self
                .fail(
                    "merge-key",
                    at,
                    "不支持合并键 <<",
                    "Merge keys (<<) are not supported; YAML 1.2 has none",
                )
                .fix(fix));
        }
        let Some(Open {
            content: Content::Mapping { map, key },
            ..
        }) = self.stack.last_mut()
        else {
            return Ok(());
        };
        if map.contains_key(text) && self.care == Care::Foreign {
            *key = Some((mangled(text, map), at));
            return Ok(());
        }
        if map.contains_key(text) {
            let (zh, en) = (format!("键 `{text}` 重复"), format!("The key `{text}` stands twice"));
            return Err(self.fail("duplicate-key", at, zh, en));
        }
        *key = Some((text.to_owned(), at));
        Ok(())
    }

    fn tagged(&self, text: &str, tag: &Tag, at: (usize, usize)) -> Result<Value, Finding> {
        let wrong = || {
            self.fail(
                "tag-mismatch",
                at,
                format!("`{text}` 与标签 {tag} 不符"),
                format!("`{text}` is not what the tag {tag} says"),
            )
        };
        if tag.handle.is_empty() && tag.suffix == "!" || tag.handle == "!" && tag.suffix.is_empty() {
            return Ok(Value::String(text.to_owned()));
        }
        if !tag.is_yaml_core_schema() {
            return Err(self.unknown_tag(tag, at));
        }
        let plain = scalar::plain(text).map_err(|_| wrong())?;
        match (tag.suffix.as_str(), plain) {
            ("str", _) => Ok(Value::String(text.to_owned())),
            ("int", Value::Number(n)) if !n.to_string().contains(['.', 'e', 'E']) => Ok(Value::Number(n)),
            ("float", v @ Value::Number(_)) | ("bool", v @ Value::Bool(_)) | ("null", v @ Value::Null) => Ok(v),
            ("int" | "float" | "bool" | "null", _) => Err(wrong()),
            _ => Err(self.unknown_tag(tag, at)),
        }
    }

    /// Remembers an anchored value for its aliases.
    fn keep(&mut self, anchor: usize, slot: usize, value: &Value) {
        if anchor == 0 {
            return;
        }
        let mut places: Vec<_> = self.places.0.get(slot..).unwrap_or_default().to_vec();
        if let [only] = places.as_mut_slice() {
            only.size = 1;
        }
        let anchored = Anchored {
            value: value.clone(),
            places,
            bytes: text_bytes(value),
        };
        self.anchors.insert(anchor, anchored);
    }

    fn alias(&mut self, anchor: usize, at: (usize, usize)) -> Result<(), Finding> {
        if self.wants_key() {
            return Err(self.fail("bad-key", at, "键不能是别名", "A key can't be an alias"));
        }
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(self.fail(
                "alias-in-itself",
                at,
                "别名引用了包含它自己的值",
                "The alias names a value that holds it",
            ));
        };
        self.aliased_values += anchored.places.len();
        self.aliased_bytes += anchored.bytes;
        if self.aliased_values > MAX_ALIASED_VALUES || self.aliased_bytes > MAX_ALIASED_BYTES {
            return Err(self.fail(
                "alias-bomb",
                at,
                "别名展开后过大",
                format!("Aliases add more than {MAX_ALIASED_VALUES} values or {MAX_ALIASED_BYTES} bytes"),
            ));
        }
        let value = anchored.value.clone();
        self.places.0.extend_from_slice(&anchored.places);
        self.put(value, at)
    }

    /// Hands a finished value to what holds it.
    fn put(&mut self, value: Value, at: (usize, usize)) -> Result<(), Finding> {
        match self.stack.last_mut() {
            None => self.root = Some(value),
            Some(Open {
                content: Content::List(items),
                ..
            }) => items.push(value),
            Some(Open {
                content: Content::Mapping { map, key },
                ..
            }) => match key.take() {
                Some((name, _)) => {
                    map.insert(name, value);
                }
                None => return Err(self.fail("bad-key", at, "键必须是文字", "A key must be a plain word")),
            },
        }
        Ok(())
    }
}

fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(s) => s.len(),
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(map) => map.iter().map(|(k, v)| k.len() + text_bytes(v)).sum(),
        _ => 8,
    }
}

fn syntax(name: &str, error: &ScanError) -> Finding {
    let (line, column) = place(*error.marker());
    let info = error.info();
    let (zh, fix) = if info.contains("tab") {
        let fix = Text::new("请用空格代替制表符", "Indent with spaces, not with tabs.");
        ("缩进中不能使用制表符", Some(fix))
    } else if info.contains("mapping values are not allowed") {
        let fix = Text::new(
            "请检查缩进；含有 `: ` 的文字要加引号",
            "Check the indentation; put quotes around text that holds `: `.",
        );
        ("此处不能出现键值对", Some(fix))
    } else if info.contains("indent") || info.contains("block") || info.contains("simple key") {
        let fix = Text::new(
            "请检查此行及上一行的缩进",
            "Check the indentation of this line and the one above.",
        );
        ("缩进或结构错误", Some(fix))
    } else if info.contains("anchor") || info.contains("alias") {
        ("锚点或别名错误", None)
    } else {
        ("语法错误", None)
    };
    let message = Text::new(format!("YAML：{zh}（{info}）"), format!("YAML: {info}"));
    let mut finding = Finding::error("yaml-syntax", name, message).at("", line, column);
    finding.fix = fix;
    finding
}
