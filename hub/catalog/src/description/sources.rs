//! The files of one upload, each parsed once when something first refers to it.

use super::tree::{At, Node};
use super::{paths, text, zip};
use crate::Document;
use hub_core::{Finding, Severity, Text};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

/// Values of one description and all it refers to.
pub(super) const MAX_VALUES: usize = 2_000_000;
/// Widths a tab may stand for.
const TABS: [usize; 3] = [2, 4, 8];

/// Lines that are moved in before a document is given up, and bytes that are read again for that.
const MAX_MOVED: usize = 200;
const MAX_REREAD: usize = 16 << 20;
/// Bytes of a line that may be moved.
const MAX_LINE: usize = 10_000;
const INDENT: &str = "                    ";
/// How the scanner says that a line within quotes or brackets stands too far left.
const INSIDE: [&str; 3] = [
    "invalid indentation in quoted scalar",
    "invalid indentation in flow construct",
    ": invalid indentation",
];

/// What an upload consists of and what was found out about it.
pub(super) struct Sources<'f> {
    files: Cow<'f, BTreeMap<String, Vec<u8>>>,
    /// Names by number; the description itself is 0.
    names: Vec<String>,
    texts: HashMap<u16, Rc<str>>,
    trees: HashMap<u16, Rc<Node>>,
    pub(super) findings: Vec<Finding>,
    left: usize,
}

impl<'f> Sources<'f> {
    /// A set of files as handed over; a zip in it as the only file is unpacked.
    pub(super) fn new(entry: &str, files: &'f BTreeMap<String, Vec<u8>>) -> Result<Self, Finding> {
        let bytes = files.get(entry).map(Vec::as_slice).unwrap_or_default();
        let (entry, files) = match zip::is_zip(bytes) {
            true => {
                let unpacked = zip::unpack(entry, bytes)?;
                (chosen(entry, &unpacked)?, Cow::Owned(unpacked))
            }
            false => (entry.to_owned(), Cow::Borrowed(files)),
        };
        Ok(Self {
            files,
            names: vec![entry],
            texts: HashMap::new(),
            trees: HashMap::new(),
            findings: Vec::new(),
            left: MAX_VALUES,
        })
    }

    /// The refusal of a document of another trade, where its first bytes say so.
    pub(super) fn stranger(&self) -> Option<Finding> {
        let bytes = self.files.get(self.name(0))?;
        let what = match bytes.as_slice() {
            [b'%', b'P', b'D', b'F', ..] => "PDF",
            [0xD0, 0xCF, 0x11, 0xE0, ..] => "Word/Excel",
            [0x1F, 0x8B, ..] => "gzip",
            [b'R', b'a', b'r', b'!', ..] => "RAR",
            [b'7', b'z', 0xBC, 0xAF, ..] => "7z",
            [b'#', b'%', b'R', b'A', b'M', b'L', ..] => "RAML",
            _ => return None,
        };
        Some(super::intake::unknown(self.name(0), what))
    }

    pub(super) fn name(&self, file: u16) -> &str {
        self.names.get(usize::from(file)).map_or("", String::as_str)
    }

    pub(super) fn into_parts(self) -> (Vec<String>, HashMap<u16, Rc<str>>, Vec<Finding>) {
        (self.names, self.texts, self.findings)
    }

    /// Which file a reference out of another means, if it is in the set.
    pub(super) fn find(&mut self, base: u16, wanted: &str) -> Option<u16> {
        let name = paths::find(self.name(base), wanted, &self.files)?.to_owned();
        if let Some(known) = self.names.iter().position(|n| *n == name) {
            return u16::try_from(known).ok();
        }
        self.names.push(name);
        u16::try_from(self.names.len() - 1).ok()
    }

    /// The text of a file.
    pub(super) fn text(&mut self, file: u16) -> Result<Rc<str>, Finding> {
        if let Some(text) = self.texts.get(&file) {
            return Ok(Rc::clone(text));
        }
        let name = self.name(file).to_owned();
        let bytes = self.files.get(&name).map(Vec::as_slice).unwrap_or_default();
        let text: Rc<str> = text::decode(&name, bytes, &mut self.findings)?.into();
        self.texts.insert(file, Rc::clone(&text));
        Ok(text)
    }

    /// The tree of a file; it stays, so that others may refer to it too.
    pub(super) fn tree(&mut self, file: u16) -> Result<Rc<Node>, Finding> {
        if let Some(tree) = self.trees.get(&file) {
            return Ok(Rc::clone(tree));
        }
        let tree = Rc::new(self.parse(file)?);
        self.trees.insert(file, Rc::clone(&tree));
        Ok(tree)
    }

    /// The tree of a file for its only owner.
    pub(super) fn parse(&mut self, file: u16) -> Result<Node, Finding> {
        let text = self.text(file)?;
        let name = self.name(file).to_owned();
        let document = match Document::parse_foreign(&name, &text, &mut self.findings) {
            Ok(document) => document,
            Err(error) => match self.without_tabs(&name, &text) {
                Some(document) => document,
                None => self.indented(&name, &text, error)?,
            },
        };
        self.spend(document.places().count(), &name)?;
        Ok(Node::of(document, file, &mut self.findings))
    }

    /// Keeps count of values, so that references that multiply end.
    pub(super) fn spend(&mut self, values: usize, name: &str) -> Result<(), Finding> {
        match self.left.checked_sub(values) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Finding::error(
                "too-many-values",
                name,
                Text::new(
                    "描述展开后过大",
                    "The description is too large once its references are followed",
                ),
            )
            .at("", 1, 1)
            .expected(format!("at most {MAX_VALUES} values"), "more".to_owned())),
        }
    }

    /// YAML indented with tabs, where every width that makes it YAML makes the same of it.
    fn without_tabs(&mut self, name: &str, text: &str) -> Option<Document> {
        let is_indent = |line: &str| line.trim_start_matches(' ').starts_with('\t');
        let line = text.lines().position(is_indent)? + 1;
        let mut read: Option<Document> = None;
        for width in TABS {
            let spaced: String = text.lines().map(|line| spaced(line, width)).collect();
            let mut aside = Vec::new();
            let Ok(document) = Document::parse_foreign(name, &spaced, &mut aside) else {
                continue;
            };
            if read.as_ref().is_some_and(|r| r.value != document.value) {
                return None;
            }
            read = Some(document);
        }
        if read.is_some() {
            let words = Text::new(
                "缩进中有制表符，已按空格读取",
                "It is indented with tabs; they were read as spaces, which has one meaning here",
            );
            let fix = Text::new("请用空格缩进", "Indent with spaces.");
            self.findings.push(
                Finding::error("tabs", name, words)
                    .severity(Severity::Note)
                    .at("", line, 1)
                    .fix(fix),
            );
        }
        read
    }

    /// YAML whose quoted texts or bracketed values go on further left than YAML allows: within quotes and brackets
    /// indentation says nothing, so moving such a line in keeps the meaning.
    fn indented(&mut self, name: &str, text: &str, error: Finding) -> Result<Document, Finding> {
        let first = error.clone();
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let (mut error, mut moved) = (error, 0);
        while moved < MAX_MOVED && moved * text.len() < MAX_REREAD {
            let inside = INSIDE.iter().any(|words| error.message.en.ends_with(words));
            if !inside || lines.iter().any(|l| l.len() > MAX_LINE) {
                return Err(first);
            }
            let range = match error.message.en.contains("quoted") {
                true => quoted_on(&lines, error.line, error.column),
                false => error.line.saturating_sub(1)..error.line,
            };
            let Some(lines_in) = lines.get_mut(range).filter(|l| !l.is_empty()) else {
                return Err(first);
            };
            lines_in.iter_mut().for_each(|line| line.insert_str(0, INDENT));
            moved += 1;
            let mut aside = Vec::new();
            match Document::parse_foreign(name, &lines.join("\n"), &mut aside) {
                Ok(document) => {
                    self.findings.append(&mut aside);
                    let words = Text::new(
                        "引号或括号内的行缩进不足，已按缩进足够读取",
                        "Lines within quotes or brackets are indented too little; they were read as if indented enough",
                    );
                    let finding = Finding::error("indentation", name, words).at("", first.line, first.column);
                    self.findings.push(finding.severity(Severity::Note));
                    return Ok(document);
                }
                Err(next) => error = next,
            }
        }
        Err(first)
    }

    /// A finding at a place.
    pub(super) fn finding(&self, code: &str, at: At, pointer: &str, words: Text) -> Finding {
        Finding::error(code, self.name(at.file), words).at(pointer, at.line as usize, at.column as usize)
    }
}

/// The lines on which a quoted text goes on that begins at a place.
fn quoted_on(lines: &[String], line: usize, column: usize) -> std::ops::Range<usize> {
    let first = lines.get(line.saturating_sub(1)).map_or("", String::as_str);
    let quote = first.chars().nth(column.saturating_sub(1)).unwrap_or('"');
    let mut end = line;
    while let Some(next) = lines.get(end) {
        end += 1;
        let mut escaped = false;
        let closes = next.chars().any(|c| {
            let ends = c == quote && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        if closes {
            break;
        }
    }
    line..end
}

fn spaced(line: &str, width: usize) -> String {
    let content = line.trim_start_matches([' ', '\t']);
    let indent = line.get(..line.len() - content.len()).unwrap_or_default();
    let columns: usize = indent.chars().map(|c| if c == '\t' { width } else { 1 }).sum();
    format!("{}{content}\n", " ".repeat(columns))
}

/// The one file of an archive that is a description and that no other names.
fn chosen(archive: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<String, Finding> {
    let found: Vec<&str> = files
        .iter()
        .filter(|(name, bytes)| is_description(name, bytes))
        .map(|(name, _)| name.as_str())
        .collect();
    let named = |name: &str| {
        let last = name.rsplit('/').next().unwrap_or(name).as_bytes();
        files
            .iter()
            .any(|(other, bytes)| other != name && bytes.windows(last.len()).any(|w| w == last))
    };
    let alone = match found.len() {
        0 | 1 => found.clone(),
        _ => found.iter().copied().filter(|name| !named(name)).collect(),
    };
    match alone.as_slice() {
        [only] => Ok((*only).to_owned()),
        _ => {
            let words = match found.is_empty() {
                true => Text::new(
                    "zip 中没有 API 描述文件",
                    "The zip holds no API description (no file with `openapi:`, `swagger:` or a WSDL)",
                ),
                false => Text::new(
                    format!("zip 中有多份 API 描述：{}", found.join("、")),
                    format!("The zip holds several API descriptions: {}", found.join(", ")),
                ),
            };
            let fix = Text::new(
                "每个 zip 只放一份描述及其引用的文件",
                "Put one description and the files it refers to into a zip.",
            );
            Err(Finding::error("zip-entry", archive, words).at("", 1, 1).fix(fix))
        }
    }
}

/// Whether a file begins like a description; a cheap look at its text, the parser decides later.
fn is_description(name: &str, bytes: &[u8]) -> bool {
    let Ok(text) = text::decode(name, bytes, &mut Vec::new()) else {
        return false;
    };
    let yaml = |key: &str| {
        text.lines()
            .any(|line| line.trim_start_matches('"').trim_start_matches('\'').starts_with(key))
    };
    let json = |key: &str| {
        let head: String = text.chars().take(4_000).collect();
        head.trim_start().starts_with('{') && head.contains(&format!("\"{key}\""))
    };
    let xml = || {
        text.trim_start().starts_with('<')
            && text.contains("http://schemas.xmlsoap.org/wsdl/")
            && text.contains("definitions")
    };
    ["openapi", "swagger"].into_iter().any(|key| yaml(key) || json(key)) || xml()
}
