//! The hub's own rule files: `policies/rules/<family>.yaml`.

use super::filter::Filter;
use super::fix::Repair;
use super::functions::Function;
use super::path::{Manner, Path};
use super::rule::{Family, Field, Ground, Level, Rule, Then};
use crate::Document;
use crate::document::escape;
use hub_core::{Finding, Text};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    family: Family,
    #[serde(default)]
    aliases: BTreeMap<String, OneOrMany<String>>,
    rules: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    level: Level,
    since: String,
    grace: Option<String>,
    ground: Ground,
    because: Text,
    given: OneOrMany<String>,
    when: Option<String>,
    then: OneOrMany<Asked>,
    known_as: Option<String>,
    repair: Option<Repair>,
    title: Text,
    why: Text,
    fix: Text,
    good: String,
    bad: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    field: Option<String>,
    function: String,
    #[serde(rename = "functionOptions")]
    options: Option<Value>,
}

/// A value or a list of such.
#[derive(Deserialize, Clone)]
#[serde(untagged)]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(super) fn into_vec(self) -> Vec<T> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

impl Asked {
    pub(super) fn then(self) -> Result<Then, String> {
        Ok(Then {
            field: self.field.as_deref().map(Field::parse).transpose()?,
            function: Function::parse(&self.function, self.options.as_ref())?,
        })
    }
}

/// A finding about a rule file.
pub(super) fn wrong(document: &Document, pointer: &str, reason: &str) -> Finding {
    let words = Text::new(
        format!("规则文件有误：{reason}"),
        format!("The rule file is wrong: {reason}"),
    );
    document.finding("rule-file", pointer, words)
}

/// The rules of one file, or everything that is wrong with it.
pub(super) fn read(document: &Document) -> Result<Vec<Rule>, Vec<Finding>> {
    let sheet: Sheet =
        serde_json::from_value(document.value.clone()).map_err(|e| vec![wrong(document, "", &e.to_string())])?;
    let aliases: BTreeMap<String, Vec<String>> = sheet
        .aliases
        .into_iter()
        .map(|(name, paths)| (name, paths.into_vec()))
        .collect();
    let (mut rules, mut findings) = (Vec::new(), Vec::new());
    for (id, value) in sheet.rules {
        match rule(&id, sheet.family, value, &aliases) {
            Ok(rule) => rules.push(rule),
            Err(reason) => findings.push(wrong(document, &format!("/rules/{}", escape(&id)), &reason)),
        }
    }
    if findings.is_empty() { Ok(rules) } else { Err(findings) }
}

fn rule(id: &str, family: Family, value: Value, aliases: &BTreeMap<String, Vec<String>>) -> Result<Rule, String> {
    let written: Written = serde_json::from_value(value).map_err(|e| e.to_string())?;
    for date in [Some(&written.since), written.grace.as_ref()].into_iter().flatten() {
        if !is_date(date) {
            return Err(format!("`{date}` is no day of the form YYYY-MM-DD"));
        }
    }
    for text in [&written.title, &written.why, &written.fix, &written.because] {
        if text.zh.trim().is_empty() || text.en.trim().is_empty() {
            return Err("a text is missing in one of the languages".to_owned());
        }
    }
    let then = written.then.into_vec().into_iter().map(Asked::then);
    Ok(Rule {
        id: id.to_owned(),
        family,
        level: written.level,
        since: written.since,
        grace: written.grace,
        ground: Some((written.ground, written.because)),
        title: written.title,
        why: written.why,
        fix: written.fix,
        good: written.good,
        bad: written.bad,
        known_as: written.known_as,
        repair: written.repair,
        given: paths(written.given.into_vec(), aliases)?,
        when: written.when.as_deref().map(Filter::parse).transpose()?,
        then: then.collect::<Result<_, _>>()?,
        manner: Manner {
            resolved: true,
            data: false,
        },
        message: None,
    })
}

/// Aliases within aliases.
const MAX_DEPTH: usize = 16;
/// Paths one rule may come to.
const MAX_PATHS: usize = 256;

/// Paths with their aliases (`#Operation.summary`) written out.
pub(super) fn paths(given: Vec<String>, aliases: &BTreeMap<String, Vec<String>>) -> Result<Vec<Path>, String> {
    let mut open: Vec<(String, usize)> = given.into_iter().map(|text| (text, 0)).collect();
    let mut found = Vec::new();
    while let Some((text, depth)) = open.pop() {
        if depth > MAX_DEPTH || found.len() + open.len() > MAX_PATHS {
            return Err(format!("the aliases of `{text}` lead in a circle"));
        }
        let name = text.strip_prefix('#').map(|rest| {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-')));
            rest.split_at(end.unwrap_or(rest.len()))
        });
        match name.and_then(|(name, rest)| aliases.get(name).map(|paths| (paths, rest))) {
            Some((paths, rest)) => open.extend(paths.iter().map(|path| (format!("{path}{rest}"), depth + 1))),
            None => found.push(Path::parse(&text)?),
        }
    }
    found.reverse();
    Ok(found)
}

/// Whether a text is a day as ISO 8601 writes it.
pub(super) fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let part = |length: usize, least: u32, most: u32, part: Option<&str>| {
        part.is_some_and(|p| p.len() == length && p.parse::<u32>().is_ok_and(|n| (least..=most).contains(&n)))
    };
    part(4, 1900, 9999, parts.next())
        && part(2, 1, 12, parts.next())
        && part(2, 1, 31, parts.next())
        && parts.next().is_none()
}
