//! Rulesets written for Spectral, as far as they use its core functions. What needs code of their own is told and left
//! out; nothing is fetched and nothing of them is run as a program.

use super::filter::Filter;
use super::house::{Asked, OneOrMany, paths, wrong};
use super::path::Manner;
use super::rule::{Family, Level, Rule};
use crate::Document;
use crate::document::escape;
use hub_core::{Finding, Severity, Text};
use indexmap::IndexMap;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Rulesets that extend one another.
const MAX_DEPTH: usize = 8;

/// Changes for some files.
#[derive(Debug, Clone)]
pub(super) struct Override {
    pub(super) globs: Vec<regex::Regex>,
    pub(super) changes: Vec<Change>,
}

#[derive(Debug, Clone)]
pub(super) enum Change {
    /// Another level, or off.
    Set(String, Option<Level>),
    Add(Box<Rule>),
}

/// What a ruleset comes to.
pub(super) struct Ruleset {
    /// Every rule and whether it is asked.
    pub(super) rules: Vec<(Rule, bool)>,
    pub(super) overrides: Vec<Override>,
    /// What could not be carried.
    pub(super) notes: Vec<Finding>,
}

/// A rule and whether it is asked.
struct Held {
    rule: Rule,
    on: bool,
    recommended: bool,
}

/// What one file and all it extends come to.
#[derive(Default)]
struct Loaded {
    rules: IndexMap<String, Held>,
    aliases: BTreeMap<String, Vec<String>>,
    overrides: Vec<Override>,
}

struct Loader<'f> {
    files: &'f BTreeMap<String, Vec<u8>>,
    /// Our own rules, some of which other rulesets have too.
    own: &'f [Rule],
    notes: Vec<Finding>,
}

/// Reads a ruleset; others it extends are looked up among the files by their paths.
pub(super) fn read(entry: &str, files: &BTreeMap<String, Vec<u8>>, own: &[Rule]) -> Result<Ruleset, Vec<Finding>> {
    let mut loader = Loader {
        files,
        own,
        notes: Vec::new(),
    };
    let loaded = loader.load(entry, 0)?;
    let on = loaded.rules.into_values();
    Ok(Ruleset {
        rules: on.map(|held| (held.rule, held.on)).collect(),
        overrides: loaded.overrides,
        notes: loader.notes,
    })
}

/// Whether a document is a ruleset of this kind and not one of ours.
pub(super) fn is_ruleset(document: &Document) -> bool {
    let has = |key: &str| document.value.get(key).is_some();
    !has("family") && ["rules", "extends", "overrides"].into_iter().any(has)
}

/// Names of the rulesets that one extends.
pub(super) fn extended(document: &Document) -> Vec<String> {
    let name = |entry: &Value| match entry {
        Value::String(name) => Some(name.clone()),
        Value::Array(pair) => pair.first().and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    match document.value.get("extends") {
        Some(Value::Array(list)) => list.iter().filter_map(name).collect(),
        Some(one) => name(one).into_iter().collect(),
        None => Vec::new(),
    }
}

impl Loader<'_> {
    fn load(&mut self, name: &str, depth: usize) -> Result<Loaded, Vec<Finding>> {
        let words = |zh: String, en: String| vec![Finding::error("rule-file", name, Text::new(zh, en))];
        let Some(bytes) = self.files.get(name) else {
            return Err(words(
                format!("没有规则集文件 `{name}`，请一并提供"),
                format!("There is no ruleset `{name}`; hand it over too"),
            ));
        };
        if depth > MAX_DEPTH {
            return Err(words(
                "规则集互相继承过深".to_owned(),
                "The rulesets extend one another too deeply".to_owned(),
            ));
        }
        let text = String::from_utf8_lossy(bytes);
        let document = Document::parse_foreign(name, &text, &mut Vec::new()).map_err(|f| vec![f])?;
        let mut loaded = Loaded::default();
        self.extend(&document, depth, &mut loaded)?;
        if let Some(Value::Object(aliases)) = document.value.get("aliases") {
            for (alias, target) in aliases {
                loaded.aliases.insert(alias.clone(), targets(target));
            }
        }
        let formats = document.value.get("formats").cloned();
        for (id, value) in map(document.value.get("rules")) {
            let pointer = format!("/rules/{}", escape(id));
            match self.change(&document, &pointer, id, value, formats.as_ref(), &loaded) {
                Some(Change::Add(rule)) => {
                    let recommended = value.get("recommended") != Some(&Value::Bool(false));
                    let held = Held {
                        rule: *rule,
                        on: recommended,
                        recommended,
                    };
                    loaded.rules.insert(id.clone(), held);
                }
                Some(Change::Set(_, level)) => {
                    if let Some(held) = loaded.rules.get_mut(id) {
                        held.on = level.is_some();
                        held.rule.level = level.unwrap_or(held.rule.level);
                    }
                }
                None => {}
            }
        }
        self.overrides(&document, formats.as_ref(), &mut loaded);
        Ok(loaded)
    }

    fn extend(&mut self, document: &Document, depth: usize, into: &mut Loaded) -> Result<(), Vec<Finding>> {
        let entries = match document.value.get("extends") {
            Some(Value::Array(list)) => list.clone(),
            Some(one) => vec![one.clone()],
            None => Vec::new(),
        };
        for entry in &entries {
            let (name, mode) = match entry {
                Value::String(name) => (name.as_str(), "recommended"),
                Value::Array(pair) => {
                    let at = |n: usize| pair.get(n).and_then(Value::as_str);
                    (at(0).unwrap_or_default(), at(1).unwrap_or("recommended"))
                }
                _ => continue,
            };
            let base = match name.strip_prefix("spectral:") {
                Some(_) => self.peers(name),
                None if name.contains("://") || !is_sheet(name) => {
                    self.note(
                        document,
                        "/extends",
                        &format!("`{name}` is not read: only files at hand that are data"),
                    );
                    continue;
                }
                None => {
                    let folder = document.name.rsplit_once('/').map_or("", |(f, _)| f);
                    let path = crate::description::tidy_path(&format!("{folder}/{name}")).unwrap_or_default();
                    self.load(&path, depth + 1)?
                }
            };
            into.aliases.extend(base.aliases);
            into.overrides.extend(base.overrides);
            for (id, mut held) in base.rules {
                held.on = match mode {
                    "all" => true,
                    "off" => false,
                    _ => held.recommended,
                };
                into.rules.insert(id, held);
            }
        }
        Ok(())
    }

    /// What an entry under `rules` does; nothing where it cannot be carried, which is told.
    fn change(
        &mut self,
        document: &Document,
        pointer: &str,
        id: &str,
        value: &Value,
        formats: Option<&Value>,
        loaded: &Loaded,
    ) -> Option<Change> {
        if let Value::Object(written) = value {
            let mut written = written.clone();
            merge(&mut written);
            return match rule(id, &written, formats, &loaded.aliases) {
                Ok(rule) => Some(Change::Add(Box::new(rule))),
                Err(reason) => {
                    self.note(document, pointer, &format!("the rule `{id}` is left out: {reason}"));
                    None
                }
            };
        }
        let Some(held) = loaded.rules.get(id) else {
            self.note(
                document,
                pointer,
                &format!("the rule `{id}` is left out: the ruleset it comes from is not carried here"),
            );
            return None;
        };
        match severity(value) {
            Some(level) => Some(Change::Set(id.to_owned(), level)),
            None if matches!(value, Value::Bool(true)) => Some(Change::Set(id.to_owned(), Some(held.rule.level))),
            None => {
                self.note(document, pointer, &format!("{value} is no severity"));
                None
            }
        }
    }

    fn overrides(&mut self, document: &Document, formats: Option<&Value>, loaded: &mut Loaded) {
        let entries = document.value.get("overrides").and_then(Value::as_array);
        for (index, entry) in entries.into_iter().flatten().enumerate() {
            let pointer = format!("/overrides/{index}");
            let files = entry.get("files").and_then(Value::as_array).into_iter().flatten();
            let mut globs = Vec::new();
            for file in files.filter_map(Value::as_str) {
                match file.contains('#') {
                    true => self.note(document, &pointer, "an override of a single place is left out"),
                    false => globs.extend(glob(file)),
                }
            }
            let mut changes = Vec::new();
            for (id, value) in map(entry.get("rules")) {
                let place = format!("{pointer}/rules/{}", escape(id));
                changes.extend(self.change(document, &place, id, value, formats, loaded));
            }
            loaded.overrides.push(Override { globs, changes });
        }
    }

    /// Our own rules that a ruleset of others has under the same id.
    fn peers(&self, name: &str) -> Loaded {
        let known = self.own.iter().filter(|rule| rule.known_as.as_deref() == Some(name));
        let held = |rule: &Rule| Held {
            // Grace dates are ours alone.
            rule: Rule {
                grace: None,
                ..rule.clone()
            },
            on: true,
            recommended: true,
        };
        Loaded {
            rules: known.map(|rule| (rule.id.clone(), held(rule))).collect(),
            ..Loaded::default()
        }
    }

    fn note(&mut self, document: &Document, pointer: &str, reason: &str) {
        self.notes
            .push(wrong(document, pointer, reason).severity(Severity::Warning));
    }
}

fn map(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn is_sheet(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    [".yaml", ".yml", ".json"].iter().any(|ending| lower.ends_with(ending))
}

/// `<<`: what a rule takes over from another.
fn merge(written: &mut Map<String, Value>) {
    if let Some(Value::Object(base)) = written.shift_remove("<<") {
        for (key, value) in base {
            written.entry(key).or_insert(value);
        }
    }
}

/// Paths an alias stands for; those meant for other formats than OpenAPI 3 are passed over.
fn targets(alias: &Value) -> Vec<String> {
    let texts = |value: &Value| match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect(),
        _ => Vec::new(),
    };
    match alias.get("targets").and_then(Value::as_array) {
        Some(list) => list
            .iter()
            .filter(|target| fits(target.get("formats")))
            .filter_map(|target| target.get("given"))
            .flat_map(texts)
            .collect(),
        None => texts(alias),
    }
}

/// Whether OpenAPI 3 is among formats, or none are named. Every description is OpenAPI 3.1 once it is read.
fn fits(formats: Option<&Value>) -> bool {
    match formats.and_then(Value::as_array) {
        Some(list) => list.iter().filter_map(Value::as_str).any(|f| f.starts_with("oas3")),
        None => true,
    }
}

/// A severity as rulesets write it; the inner nothing is `off`.
fn severity(value: &Value) -> Option<Option<Level>> {
    let number = value.as_i64();
    let text = value
        .as_str()
        .or_else(|| (value == &Value::Bool(false)).then_some("off"));
    match (text, number) {
        (Some("error"), _) | (_, Some(0)) => Some(Some(Level::Must)),
        (Some("warn"), _) | (_, Some(1)) => Some(Some(Level::Should)),
        (Some("info" | "hint"), _) | (_, Some(2 | 3)) => Some(Some(Level::Info)),
        (Some("off"), _) | (_, Some(-1)) => Some(None),
        _ => None,
    }
}

fn rule(
    id: &str,
    written: &Map<String, Value>,
    formats: Option<&Value>,
    aliases: &BTreeMap<String, Vec<String>>,
) -> Result<Rule, String> {
    if !fits(written.get("formats").or(formats)) {
        return Err("it is for other formats than OpenAPI 3, which every description is once it is read".to_owned());
    }
    let text = |key: &str| written.get(key).and_then(Value::as_str);
    let level = match written.get("severity") {
        None => Level::Should,
        Some(value) => match severity(value) {
            Some(level) => level.unwrap_or(Level::Info),
            None => return Err(format!("{value} is no severity")),
        },
    };
    let missing = |key: &str| format!("`{key}` is missing");
    let given = written.get("given").cloned().ok_or_else(|| missing("given"))?;
    let then = written.get("then").cloned().ok_or_else(|| missing("then"))?;
    let given: OneOrMany<String> = serde_json::from_value(given).map_err(|e| e.to_string())?;
    let then: OneOrMany<Asked> = serde_json::from_value(then).map_err(|_| "`then` is not understood".to_owned())?;
    let said = text("description").or_else(|| text("message")).unwrap_or(id);
    Ok(Rule {
        id: id.to_owned(),
        family: Family::Custom,
        level,
        since: String::new(),
        grace: None,
        ground: None,
        title: Text::new(format!("不符合自带规则 `{id}`：{said}"), said),
        why: Text::new("自带的规则集这样要求", "A ruleset of one's own asks for it."),
        fix: Text::new("请按该规则集的说明修改", "Change it as that ruleset says."),
        good: String::new(),
        bad: String::new(),
        known_as: None,
        repair: None,
        given: paths(given.into_vec(), aliases)?,
        when: None::<Filter>,
        then: then.into_vec().into_iter().map(Asked::then).collect::<Result<_, _>>()?,
        manner: Manner {
            resolved: written.get("resolved") != Some(&Value::Bool(false)),
            data: true,
        },
        message: Some(
            text("message")
                .or_else(|| text("description"))
                .unwrap_or("{{error}}")
                .to_owned(),
        ),
    })
}

/// A pattern of file names: `**/*.json`.
fn glob(text: &str) -> Option<regex::Regex> {
    let mut pattern = String::from("(?:^|/)");
    let mut rest = text.trim_start_matches("./");
    while let Some(c) = rest.chars().next() {
        let (taken, written) = match rest {
            r if r.starts_with("**/") => (3, "(?:.*/)?".to_owned()),
            r if r.starts_with("**") => (2, ".*".to_owned()),
            _ if c == '*' => (1, "[^/]*".to_owned()),
            _ if c == '?' => (1, "[^/]".to_owned()),
            _ => (c.len_utf8(), regex::escape(&c.to_string())),
        };
        pattern.push_str(&written);
        rest = rest.get(taken..).unwrap_or_default();
    }
    pattern.push('$');
    regex::Regex::new(&pattern).ok()
}
